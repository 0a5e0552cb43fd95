//! `POST /v2/auth/token`, as published under "Authentication".

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::errors::{At, kard};
use super::state::State;
use super::{CLIENT_ID, CLIENT_SECRET};
use crate::providers::kard::request::{TARGET_ISSUER, TOKEN_BODY};

pub(super) const PATH: &str = "/v2/auth/token";

pub(super) async fn grant(Shared(state): Shared<Arc<State>>, headers: HeaderMap, body: Bytes) -> Response {
    if let Err(refusal) = check(&headers, &body) {
        return *refusal;
    }
    let issuer = text(&headers, TARGET_ISSUER).map(str::to_owned);
    let reply = json!({
        "access_token": state.grant(issuer),
        "token_type": "Bearer",
        "expires_in": state.token_life.as_secs(),
    });
    axum::Json(reply).into_response()
}

/// In the order of the published statuses: 400 what is missing, 404 whom we do not know, 401 who does not prove it.
fn check(headers: &HeaderMap, body: &[u8]) -> Result<(), Box<Response>> {
    let refuse = |status, detail: &str, at| Err(Box::new(kard(status, detail, at)));
    let Some(basic) = text(headers, AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("Basic ")) else {
        return refuse(StatusCode::BAD_REQUEST, "Basic authentication is missing.", At::Header("Authorization"));
    };
    let form = text(headers, CONTENT_TYPE.as_str()).unwrap_or_default();
    if form.split(';').next().map(str::trim) != Some("application/x-www-form-urlencoded") {
        let detail = "Must be application/x-www-form-urlencoded.";
        return refuse(StatusCode::BAD_REQUEST, detail, At::Header("Content-Type"));
    }
    if body != TOKEN_BODY.as_bytes() {
        return refuse(StatusCode::BAD_REQUEST, "The body must be grant_type=client_credentials.", At::Nowhere);
    }
    let pair = STANDARD.decode(basic).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    match pair.as_deref().and_then(|pair| pair.split_once(':')) {
        Some((CLIENT_ID, CLIENT_SECRET)) => Ok(()),
        Some((CLIENT_ID, _)) | None => refuse(StatusCode::UNAUTHORIZED, "Invalid credentials.", At::Nowhere),
        Some(_) => refuse(StatusCode::NOT_FOUND, "Client not found.", At::Nowhere),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
