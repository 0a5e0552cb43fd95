//! Around every request: the fault that the plan has for it, and the note of what was received.
//!
//! Requests for effects are worked on to their end even when the client goes away, as a provider would.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State as Shared};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chrono::{TimeDelta, Utc};

use super::connection::{Fate, Handle};
use super::errors::{At, kard, s3};
use super::received::Received;
use super::state::{State, bearer_token};
use super::storage::{self, Tally};
use super::{Fault, On, SIGNATURE, downloads, mounts, sigv4, token};
use crate::digest::sha256;

/// A body for an effect beyond this is not read: 500 transactions are about 500 KiB. (An object of the storage is
/// another matter.)
pub(super) const BODY_BYTES: usize = 10 << 20;
/// Of a longer body the text is not kept.
const KEPT_BYTES: usize = 256 << 10;

const WEB_PAGE: &str =
    "<!DOCTYPE html>\n<html><head><title>Maintenance</title></head><body><h1>Back soon</h1></body></html>\n";

pub(super) async fn handle(
    Shared(state): Shared<Arc<State>>,
    ConnectInfo(connection): ConnectInfo<Handle>,
    request: Request,
    next: Next,
) -> Response {
    connection.set(Fate::Whole);
    let on = endpoint(request.method(), request.uri().path());
    if !on.is_some_and(On::has_effect) {
        return serve(state, connection, on, request, next).await;
    }
    // The server drops the future of a request whose client is gone; a task of its own it does not.
    let busy = state.busy();
    let work = tokio::spawn(async move {
        let response = serve(state, connection, on, request, next).await;
        drop(busy);
        response
    });
    work.await.unwrap_or_else(|error| {
        tracing::error!(%error, "a request to the sandbox was not finished");
        kard(StatusCode::INTERNAL_SERVER_ERROR, "The sandbox failed.", At::Nowhere)
    })
}

async fn serve(state: Arc<State>, connection: Handle, on: Option<On>, mut request: Request, next: Next) -> Response {
    let fault = on.and_then(|on| state.faults.next(on));
    let mut entry = Received {
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        query: without_signature(request.uri().query().unwrap_or_default()),
        status: None,
        bearer: bearer_token(request.headers()).is_some(),
        fault: fault.as_ref().map(Fault::name),
        body: None,
        body_bytes: None,
        body_sha256: None,
    };
    if fault == Some(Fault::ResetBefore) {
        connection.set(Fate::ResetNow);
        state.received.add(entry);
        return StatusCode::OK.into_response();
    }
    let tally = Tally::default();
    if on == Some(On::Storage) {
        // It may be of gigabytes: the endpoint reads it as it comes.
        request.extensions_mut().insert(tally.clone());
    } else if on.is_some_and(On::has_effect) {
        let (head, body) = request.into_parts();
        let Ok(body) = axum::body::to_bytes(body, BODY_BYTES).await else {
            // The client broke off, or never ends: nothing is done, and nobody waits for the answer.
            state.received.add(entry);
            return kard(StatusCode::PAYLOAD_TOO_LARGE, "The body did not come whole.", At::Nowhere);
        };
        entry.body = (body.len() <= KEPT_BYTES).then(|| String::from_utf8_lossy(&body).into_owned());
        (entry.body_bytes, entry.body_sha256) = (Some(body.len() as u64), Some(sha256(&body)));
        request = Request::from_parts(head, Body::from(body));
    }
    let response = match (fault, on) {
        (Some(fault), Some(on)) => with_fault(&state, &connection, fault, on, request, next).await,
        _ => next.run(request).await,
    };
    entry.status = Some(response.status().as_u16());
    if let Some((bytes, sha256)) = tally.taken() {
        (entry.body_bytes, entry.body_sha256) = (Some(bytes), Some(sha256));
    }
    state.received.add(entry);
    response
}

async fn with_fault(
    state: &State,
    connection: &Handle,
    fault: Fault,
    on: On,
    mut request: Request,
    next: Next,
) -> Response {
    match &fault {
        Fault::Status { code, retry_after, retry_after_date, applied } => {
            if *applied {
                next.run(request).await;
            } else if on == On::Storage {
                storage::drain(request.body_mut()).await;
            }
            return refusal(on, *code, *retry_after, *retry_after_date);
        }
        Fault::ExpiredUrl if on == On::Download => return downloads::refuse_expired(),
        Fault::ResetWithin => {
            storage::piece(request.body_mut()).await;
            connection.set(Fate::ResetNow);
            return StatusCode::OK.into_response();
        }
        Fault::RevokeToken => state.revoke(request.headers()),
        // The storage waits when it has the bytes.
        Fault::Late(wait) if on != On::Storage => tokio::time::sleep(*wait).await,
        _ => {}
    }
    // Read by the endpoints whose content the fault changes.
    request.extensions_mut().insert(fault.clone());
    let response = next.run(request).await;
    match fault {
        Fault::Slow(wait) => {
            tokio::time::sleep(wait).await;
            response
        }
        Fault::Truncate(bytes) => {
            connection.set(Fate::CloseAfter(bytes));
            response
        }
        Fault::ResetAfter => {
            let (response, length) = measured(response).await;
            // An empty body has no middle.
            connection.set(if length == 0 { Fate::ResetNow } else { Fate::ResetAfter(length / 2) });
            response
        }
        Fault::MalformedJson => rewritten(response, |body| body.slice(..body.len() / 2)).await,
        Fault::WrongBytes => rewritten(response, |body| body.iter().rev().copied().collect()).await,
        Fault::HtmlPage => (StatusCode::OK, [(CONTENT_TYPE, "text/html; charset=utf-8")], WEB_PAGE).into_response(),
        _ => response,
    }
}

fn endpoint(method: &Method, path: &str) -> Option<On> {
    if let Some((mount, below)) = mounts::find(path) {
        return (mount.endpoint)(method, below).map(On::Other);
    }
    if path == token::PATH {
        Some(On::Token)
    } else if path.starts_with(downloads::PREFIX) {
        Some(On::Download)
    } else if path.starts_with(storage::PREFIX) {
        Some(On::Storage)
    } else if path.ends_with("/files/metadata") {
        Some(On::Files)
    } else {
        // Still percent-encoded: no user's id holds a slash here.
        let rest: Vec<&str> = path.strip_prefix("/v2/issuers/")?.split('/').collect();
        match rest[..] {
            [_, "fraud"] => Some(On::Fraud),
            [_, "subscriptions"] | [_, "subscriptions", _] => Some(On::Subscriptions),
            [_, "transactions"] => Some(On::Transactions),
            [_, "transactions", "uploads"] => Some(On::Uploads),
            [_, "users", _, "audits"] => Some(On::Audits),
            [_, "users", _, "uploads"] => Some(On::HistoricalStart),
            [_, "users", _, "uploads", _] => Some(On::HistoricalComplete),
            [_, "users", _, "uploads", _, "parts"] => Some(On::HistoricalPart),
            _ => None,
        }
    }
}

/// A status in the shape of the endpoint's own errors.
fn refusal(on: On, code: u16, retry_after: Option<u64>, retry_after_date: Option<u64>) -> Response {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let planned = "The fault plan wants this.";
    let mut response = match (on, code) {
        (On::Storage, 403) => s3(status, "AccessDenied", planned),
        (On::Storage, 500) => s3(status, "InternalError", planned),
        (On::Download | On::Storage, _) => s3(status, "SlowDown", planned),
        (On::Other(name), _) => mounts::named(name)
            .map_or_else(|| kard(status, planned, At::Nowhere), |mount| (mount.refusal)(status, planned)),
        _ => kard(status, planned, At::Nowhere),
    };
    let date = retry_after_date.map(|seconds| {
        let at = Utc::now() + TimeDelta::seconds(i64::try_from(seconds).unwrap_or(i64::MAX / 1_000));
        at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
    });
    let asked = date.or_else(|| retry_after.map(|seconds| seconds.to_string()));
    if let Some(value) = asked.and_then(|text| HeaderValue::from_str(&text).ok()) {
        response.headers_mut().insert(RETRY_AFTER, value);
    }
    response
}

/// The reply and the length of its body.
async fn measured(response: Response) -> (Response, u64) {
    let (head, body) = response.into_parts();
    let body = whole(body).await;
    let length = body.len() as u64;
    (Response::from_parts(head, Body::from(body)), length)
}

async fn rewritten(response: Response, change: impl FnOnce(Bytes) -> Bytes) -> Response {
    let (mut head, body) = response.into_parts();
    let body = change(whole(body).await);
    // The new body announces its own length.
    head.headers.remove(axum::http::header::CONTENT_LENGTH);
    Response::from_parts(head, Body::from(body))
}

async fn whole(body: Body) -> Bytes {
    // The sandbox's own bodies lie in memory: reading them cannot fail.
    axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default()
}

/// The query, with the value of the signature blotted out.
fn without_signature(query: &str) -> String {
    let part = |pair: &str| match pair.split_once('=') {
        Some((name @ (SIGNATURE | sigv4::SIGNATURE), _)) => format!("{name}=[redacted]"),
        _ => pair.to_owned(),
    };
    query.split('&').map(part).collect::<Vec<_>>().join("&")
}
