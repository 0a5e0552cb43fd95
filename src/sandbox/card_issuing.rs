//! Corporate card issuing, as its document describes it: every body in an envelope, time stamps within 30 seconds and
//! none twice, orders under an `Idempotency-Key`. What the document leaves open (paths of orders, names of fields) is as
//! in `docs/providers/card-issuing.md`.
//!
//! An id that begins with `slug-` is answered with the error of that name: `slug-card_not_active`. An order that was
//! made here moves on each time that it is looked at: pending, processing, completed.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, DATE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::Fault;
use super::card_issuing_world::{Fields, Order, Refusal, World};
use super::middleware::BODY_BYTES;
use super::mounts::Mount;
use super::samples::SamplesError;
use super::state::State;
use crate::providers::card_issuing::envelope::{Envelope, OpenError};
use crate::providers::card_issuing::key;
use crate::providers::card_issuing::request::{CARD_CREATE, CARD_TOPUP, PREFIX};
use crate::providers::card_issuing::slugs::{PlainError, Slug};

/// The first part of the sandbox's paths.
pub const NAME: &str = "card_issuing";
/// Good for every sandbox; these protect nothing.
pub const API_KEY: &str = "sandbox-issuing-key";
/// Known, but without access.
pub const API_KEY_WITHOUT_ACCESS: &str = "sandbox-issuing-no-access";
/// Base64 of `sandbox-key-of-encrypted-bodies!`.
pub const ENCRYPTION_KEY: &str = "c2FuZGJveC1rZXktb2YtZW5jcnlwdGVkLWJvZGllcyE=";
/// The document publishes no path for it.
pub const CARD_ORDER: &str = "/orders/card";
/// Nor for this.
pub const TOPUP_ORDER: &str = "/orders/topup";

/// "The server enforces a 30 second window", and deduplicates "for 30 seconds".
const WINDOW: TimeDelta = TimeDelta::seconds(30);
/// How far the clock is ahead when a fault plan wants it so.
const CLOCK_AHEAD: TimeDelta = TimeDelta::seconds(95);
/// An id that begins so asks for an error by name.
pub(super) const ASKS_FOR_SLUG: &str = "slug-";

pub(super) const MOUNT: Mount = Mount {
    name: NAME,
    endpoints: &[
        "card_issuing.card_order",
        "card_issuing.topup_order",
        "card_issuing.card_create",
        "card_issuing.card_topup",
    ],
    endpoint,
    refusal,
    router,
    settings: &[
        ("api_key", API_KEY),
        ("encryption_key", ENCRYPTION_KEY),
        ("paths.card_order", CARD_ORDER),
        ("paths.topup_order", TOPUP_ORDER),
    ],
};

/// Path below the prefix, and what is done there.
const ENDPOINTS: [(&str, Endpoint); 4] = [
    (CARD_ORDER, Endpoint::CardOrder),
    (TOPUP_ORDER, Endpoint::TopupOrder),
    (CARD_CREATE, Endpoint::CardCreate),
    (CARD_TOPUP, Endpoint::CardTopup),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Endpoint {
    CardOrder,
    TopupOrder,
    CardCreate,
    CardTopup,
}

fn endpoint(method: &Method, path: &str) -> Option<&'static str> {
    let below = path.strip_prefix(PREFIX).filter(|_| method == Method::POST)?;
    ENDPOINTS.iter().position(|(known, _)| *known == below).map(|at| MOUNT.endpoints[at])
}

/// API key, path and time stamp.
type Stamp = (String, &'static str, i64);

/// One desk, behind all endpoints.
#[derive(Debug)]
struct Desk {
    envelope: Envelope,
    world: World,
    /// What was received, and when.
    seen: Mutex<HashMap<Stamp, DateTime<Utc>>>,
}

fn router(_: &Arc<State>, samples: &Path) -> Result<Router, SamplesError> {
    let desk = Arc::new(Desk { envelope: envelope(), world: World::read(samples)?, seen: Mutex::default() });
    let mut router = Router::new();
    for (path, endpoint) in ENDPOINTS {
        let desk = Arc::clone(&desk);
        let handle = move |request: Request| handle(Arc::clone(&desk), path, endpoint, request);
        router = router.route(&format!("{PREFIX}{path}"), post(handle));
    }
    Ok(router.fallback(async || plain(StatusCode::NOT_FOUND, "Not Found")))
}

fn envelope() -> Envelope {
    Envelope::new(&key::parse(ENCRYPTION_KEY).expect("the sandbox's key is one"))
}

/// A status that a fault plan wants: in an envelope where a slug is published with it.
fn refusal(status: StatusCode, planned: &str) -> Response {
    let by_status = |slug: &&Slug| slug.status() == Some(status.as_u16());
    match status.as_u16() {
        400 | 422 | 500..=503 => match Slug::PUBLISHED.iter().find(by_status) {
            Some(slug) => sealed_error(&envelope(), status, slug, planned),
            None => plain(status, planned),
        },
        403 => plain(status, PlainError::NoAccess.sentence()),
        404 => plain(status, PlainError::KeyNotFound.sentence()),
        _ => plain(status, planned),
    }
}

/// An error without an envelope. The document shows no shape for it.
fn plain(status: StatusCode, words: &str) -> Response {
    (status, axum::Json(json!({ "detail": words }))).into_response()
}

fn said(error: PlainError) -> Response {
    plain(StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST), error.sentence())
}

fn sealed_error(envelope: &Envelope, status: StatusCode, slug: &Slug, words: &str) -> Response {
    // The standard error object, in the order of the document.
    let object =
        format!(r#"{{"success":false,"error":{},"error_slug":{}}}"#, Value::from(words), Value::from(slug.name()));
    sealed(envelope, status, &object)
}

fn sealed(envelope: &Envelope, status: StatusCode, object: &str) -> Response {
    match envelope.seal_body(object.as_bytes()) {
        Ok(body) => (status, [(CONTENT_TYPE, "application/json")], body).into_response(),
        Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

async fn handle(desk: Arc<Desk>, path: &'static str, endpoint: Endpoint, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let fault = head.extensions.get::<Fault>().cloned();
    let Ok(body) = axum::body::to_bytes(body, BODY_BYTES).await else {
        return plain(StatusCode::PAYLOAD_TOO_LARGE, "The body did not come whole.");
    };
    let ahead = if fault == Some(Fault::ClockAhead) { CLOCK_AHEAD } else { TimeDelta::zero() };
    let now = Utc::now() + ahead;
    let answer = || desk.answer(path, endpoint, &head.headers, &body, now).unwrap_or_else(|refusal| *refusal);
    let mut response = answer();
    if fault == Some(Fault::DeliveredTwice) {
        // Something on the way has sent it twice, and hands on the second answer.
        response = answer();
    }
    let date = now.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(date) = HeaderValue::from_str(&date) {
        response.headers_mut().insert(DATE, date);
    }
    response
}

impl Desk {
    fn answer(
        &self,
        path: &'static str,
        endpoint: Endpoint,
        headers: &HeaderMap,
        body: &Bytes,
        now: DateTime<Utc>,
    ) -> Result<Response, Box<Response>> {
        let api_key = authenticated(headers)?;
        let mut fields = self.opened(body)?;
        let stamp = timestamp(&mut fields, now)?;
        self.first_time((api_key, path, stamp), now)?;
        let done = match endpoint {
            Endpoint::CardOrder => self.world.look(Order::Card, &fields),
            Endpoint::TopupOrder => self.world.look(Order::TopUp, &fields),
            Endpoint::CardCreate => self.world.create(idempotency_key(headers), &fields),
            Endpoint::CardTopup => self.world.top_up(idempotency_key(headers), &fields),
        };
        match done {
            Ok(order) => Ok(sealed(&self.envelope, StatusCode::OK, &order)),
            Err(Refusal { slug, words }) => {
                let status = slug.status().and_then(|status| StatusCode::from_u16(status).ok());
                let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                Ok(sealed_error(&self.envelope, status, &slug, words))
            }
        }
    }

    /// The object within the envelope, which is all that a body holds.
    fn opened(&self, body: &Bytes) -> Result<Fields, Box<Response>> {
        let invalid = || Box::new(said(PlainError::InvalidEnvelope));
        let written: HashMap<String, Value> = serde_json::from_slice(body).map_err(|_| invalid())?;
        match written.get("encrypted") {
            None => return Err(Box::new(said(PlainError::EnvelopeNotFound))),
            Some(Value::String(_)) if written.len() == 1 => {}
            Some(_) => return Err(invalid()),
        }
        let text = self.envelope.open_body(body).map_err(|error: OpenError| {
            tracing::debug!(%error, "an envelope was not opened");
            invalid()
        })?;
        serde_json::from_slice(&text).map_err(|_| invalid())
    }

    /// "Replay protection deduplicates `api_key + url + request_timestamp` for 30 seconds."
    fn first_time(&self, what: Stamp, now: DateTime<Utc>) -> Result<(), Box<Response>> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.retain(|_, at| now - *at <= WINDOW);
        match seen.insert(what, now) {
            None => Ok(()),
            Some(_) => Err(Box::new(said(PlainError::Duplicate))),
        }
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// "`API-KEY` for authentication. `Content-Type: application/json` for all requests."
fn authenticated(headers: &HeaderMap) -> Result<String, Box<Response>> {
    match text(headers, "api-key") {
        Some(API_KEY) => {}
        Some(API_KEY_WITHOUT_ACCESS) => return Err(Box::new(said(PlainError::NoAccess))),
        _ => return Err(Box::new(said(PlainError::KeyNotFound))),
    }
    let declared = text(headers, CONTENT_TYPE.as_str()).unwrap_or_default();
    if declared.split(';').next().map(str::trim) != Some("application/json") {
        let words = "Content-Type must be application/json.";
        return Err(Box::new(plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, words)));
    }
    Ok(API_KEY.to_owned())
}

fn idempotency_key(headers: &HeaderMap) -> Option<&str> {
    text(headers, "idempotency-key").filter(|key| !key.trim().is_empty())
}

/// "Microseconds since epoch (string or integer). Must be within 30 seconds of server time." Taken out of the fields.
fn timestamp(fields: &mut Fields, now: DateTime<Utc>) -> Result<i64, Box<Response>> {
    let written = fields.remove("request_timestamp").ok_or_else(|| Box::new(said(PlainError::TimestampNotFound)))?;
    let stamp = serde_json::from_str::<String>(written.get()).ok().unwrap_or_else(|| written.get().to_owned());
    let stamp: Option<i64> = stamp.parse().ok();
    let stamp = stamp.ok_or_else(|| Box::new(said(PlainError::InvalidTimestamp)))?;
    let apart_micros = i128::from(stamp) - i128::from(now.timestamp_micros());
    if apart_micros.unsigned_abs() > u128::try_from(WINDOW.num_microseconds().unwrap_or(0)).unwrap_or(0) {
        return Err(Box::new(said(PlainError::OutOfWindow)));
    }
    Ok(stamp)
}
