//! Core API, as its document publishes it: log in and out, customers, cards, balances, movements; a limit of calls whose
//! headers every reply carries.
//!
//! The document publishes no body for errors: here it is `{"error": …}`. What a refused status change or a balance for a
//! card that is not active is answered with is not published either: here 409, the status for conflicts.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use axum::extract::{Path as InPath, Request, State as Shared};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::core_api_world::{Refused, World};
use super::mounts::Mount;
use super::state::{Bearer, State, bearer_token};
use super::{SamplesError, TOKEN_PREFIX};
use crate::providers::core_api::{SANDBOX_EMAIL, SANDBOX_PASSWORD, SANDBOX_PATH};

pub(super) const MOUNT: Mount = Mount {
    name: SANDBOX_PATH,
    endpoints: &[
        "core_api.login",
        "core_api.logout",
        "core_api.customers",
        "core_api.cards",
        "core_api.movements",
        "core_api.balances",
    ],
    endpoint,
    refusal,
    router,
    settings: &[("email", SANDBOX_EMAIL), ("password", SANDBOX_PASSWORD)],
};

const LOGIN: &str = "core_api.login";

fn endpoint(_: &Method, path: &str) -> Option<&'static str> {
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match parts[..] {
        ["auth", "login"] => Some(LOGIN),
        ["auth", "logout"] => Some("core_api.logout"),
        ["customers"] => Some("core_api.customers"),
        ["cards"] | ["cards", "assign" | "status"] => Some("core_api.cards"),
        ["cards", _, "movements"] => Some("core_api.movements"),
        ["balances", "add"] => Some("core_api.balances"),
        _ => None,
    }
}

fn refusal(status: StatusCode, why: &str) -> Response {
    (status, Json(json!({ "error": why }))).into_response()
}

/// What the endpoints share.
struct Desk {
    state: Arc<State>,
    world: Mutex<World>,
}

impl Desk {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// 401: none, or none that was ever granted, or one that was logged out. 403: it has expired.
    fn check(&self, headers: &HeaderMap) -> Result<(), Refused> {
        let unauthorized = |why| Err(Refused(StatusCode::UNAUTHORIZED, why));
        let Some(token) = bearer_token(headers) else { return unauthorized("A bearer token is required.") };
        if !token.starts_with(TOKEN_PREFIX) || self.world().ended.contains(token) {
            return unauthorized("The token is invalid.");
        }
        match self.state.worth(token) {
            Bearer::Good { .. } => Ok(()),
            Bearer::Missing | Bearer::Refused => Err(Refused(StatusCode::FORBIDDEN, "The token has expired.")),
        }
    }
}

type At = Shared<Arc<Desk>>;

fn router(state: &Arc<State>, samples: &Path) -> Result<Router, SamplesError> {
    let desk = Arc::new(Desk { state: Arc::clone(state), world: Mutex::new(World::read(samples)?) });
    Ok(Router::new()
        .route("/auth/login", post(login))
        .route("/auth/logout", post(logout))
        .route("/customers", get(customers).post(create_customer))
        .route("/cards", post(create_card))
        .route("/cards/assign", post(assign))
        .route("/cards/status", patch(change_status))
        .route("/cards/{card}/movements", get(movements))
        .route("/balances/add", post(add_balance))
        .fallback(async || refusal(StatusCode::NOT_FOUND, "There is no such path."))
        .method_not_allowed_fallback(async || refusal(StatusCode::METHOD_NOT_ALLOWED, "This path has no such method."))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&desk), limited))
        .with_state(desk))
}

/// "1000 requests per hour per account": every call counts, and every reply says what is left.
async fn limited(Shared(desk): At, request: Request, next: Next) -> Response {
    let (limits, room) = desk.world().limits.count(Utc::now());
    let mut response = match room {
        Some(_) => next.run(request).await,
        None => refusal(StatusCode::TOO_MANY_REQUESTS, "The limit of calls is reached."),
    };
    let headers = response.headers_mut();
    headers.insert("x-ratelimit-limit", HeaderValue::from(limits.limit));
    headers.insert("x-ratelimit-remaining", HeaderValue::from(room.unwrap_or_default()));
    headers.insert("x-ratelimit-reset", HeaderValue::from(limits.reset));
    response
}

/// The body of a call that changes something.
fn object(headers: &HeaderMap, body: &[u8]) -> Result<Value, Refused> {
    let bad = |why| Err(Refused(StatusCode::BAD_REQUEST, why));
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().map(str::trim) != Some("application/json") {
        return bad("Content-Type must be application/json.");
    }
    match serde_json::from_slice::<Value>(body) {
        Ok(value) if value.is_object() => Ok(value),
        _ => bad("The body must be a JSON object."),
    }
}

/// A required field of text.
fn text(body: &Value, name: &'static str) -> Result<String, Refused> {
    match body[name].as_str() {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(Refused(StatusCode::BAD_REQUEST, "A required field is missing or of another type.")),
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        refusal(self.0, self.1)
    }
}

async fn login(Shared(desk): At, headers: HeaderMap, body: Bytes) -> Result<Response, Refused> {
    let body = object(&headers, &body)?;
    let (email, password) = (text(&body, "email")?, text(&body, "password")?);
    if (email.as_str(), password.as_str()) != (SANDBOX_EMAIL, SANDBOX_PASSWORD) {
        return Err(Refused(StatusCode::UNAUTHORIZED, "The credentials are wrong."));
    }
    let token = desk.state.grant(None);
    Ok(Json(json!({ "token": token, "userId": "usr_sandbox" })).into_response())
}

async fn logout(Shared(desk): At, headers: HeaderMap) -> Result<Response, Refused> {
    desk.check(&headers)?;
    let token = bearer_token(&headers).unwrap_or_default().to_owned();
    desk.world().ended.insert(token);
    Ok(Json(json!({ "success": true })).into_response())
}

async fn customers(Shared(desk): At, headers: HeaderMap) -> Result<Response, Refused> {
    desk.check(&headers)?;
    let customers = json!({ "customers": desk.world().customers });
    Ok(Json(customers).into_response())
}

async fn create_customer(Shared(desk): At, headers: HeaderMap, body: Bytes) -> Result<Response, Refused> {
    desk.check(&headers)?;
    let body = object(&headers, &body)?;
    let made = desk.world().create_customer(text(&body, "name")?, text(&body, "email")?)?;
    Ok(Json(made).into_response())
}

async fn create_card(Shared(desk): At, headers: HeaderMap, body: Bytes) -> Result<Response, Refused> {
    desk.check(&headers)?;
    let currency = text(&object(&headers, &body)?, "currency")?;
    let card = desk.world().create_card(&currency)?;
    Ok(Json(json!({ "cardId": card.id, "status": card.status, "currency": card.currency })).into_response())
}

async fn assign(Shared(desk): At, headers: HeaderMap, body: Bytes) -> Result<Response, Refused> {
    desk.check(&headers)?;
    let body = object(&headers, &body)?;
    let (card, customer) = (text(&body, "cardId")?, text(&body, "customerId")?);
    desk.world().assign(&card, &customer)?;
    Ok(Json(json!({ "success": true, "cardId": card, "customerId": customer })).into_response())
}

async fn change_status(Shared(desk): At, headers: HeaderMap, body: Bytes) -> Result<Response, Refused> {
    desk.check(&headers)?;
    let body = object(&headers, &body)?;
    let (card, status) = (text(&body, "cardId")?, text(&body, "status")?);
    desk.world().change_status(&card, &status)?;
    Ok(Json(json!({ "cardId": card, "status": status })).into_response())
}

/// "Returned in reverse chronological order (newest first)."
async fn movements(Shared(desk): At, InPath(card): InPath<String>, headers: HeaderMap) -> Result<Response, Refused> {
    desk.check(&headers)?;
    let world = desk.world();
    let rows: Vec<&str> = world.card(&card)?.movements.iter().map(|row| row.get()).collect();
    let body = format!("{{\"movements\":[{}]}}", rows.join(","));
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
}

async fn add_balance(Shared(desk): At, headers: HeaderMap, body: Bytes) -> Result<Response, Refused> {
    desk.check(&headers)?;
    let written = object(&headers, &body)?;
    let card = text(&written, "cardId")?;
    let amount = amount(&body)?;
    let now: DateTime<Utc> = Utc::now();
    let balance = desk.world().add_balance(&card, &amount, &now.to_rfc3339_opts(SecondsFormat::Secs, true))?;
    let body = format!("{{\"cardId\":{},\"balance\":{balance}}}", json!(card));
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
}

/// The `amount`, digit by digit: "number", and neither text nor zero nor less.
fn amount(body: &[u8]) -> Result<String, Refused> {
    #[derive(serde::Deserialize)]
    struct Written<'a> {
        #[serde(borrow)]
        amount: Option<&'a RawValue>,
    }
    let read: Result<Written, _> = serde_json::from_slice(body);
    let raw = read.ok().and_then(|written| written.amount).map(RawValue::get).unwrap_or_default();
    if !raw.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(Refused(StatusCode::BAD_REQUEST, "`amount` must be a number above zero."));
    }
    Ok(raw.to_owned())
}
