//! Presigned downloads, in the manner of S3: the signature is the only credential, and it expires.

use std::sync::Arc;

use axum::extract::{Path, Query, State as Shared};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Url;
use sha2::Sha256;

use super::SIGNATURE;
use super::errors::s3;
use super::state::State;
use crate::digest::hex;

pub(super) const PATH: &str = "/presigned/{id}";
pub(super) const PREFIX: &str = "/presigned/";
const EXPIRES: &str = "X-Sandbox-Expires";

/// "Temporary URL that provides direct access to download the file for 30 minutes."
const LIFE: TimeDelta = TimeDelta::minutes(30);

/// A URL for one file; with `expired` one that has expired already.
pub(super) fn sign(state: &State, id: &str, expired: bool) -> String {
    let until = if expired { Utc::now() - LIFE } else { Utc::now() + LIFE }.timestamp();
    let mut url = Url::parse(&state.base_url).expect("the sandbox made its own address");
    url.path_segments_mut().expect("an http address has a path").extend(["presigned", id]);
    url.query_pairs_mut()
        .append_pair(EXPIRES, &until.to_string())
        .append_pair(SIGNATURE, &hex(&mac(state, id, until).finalize().into_bytes()));
    url.into()
}

pub(super) async fn serve(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Response {
    if headers.contains_key(AUTHORIZATION) {
        let message = "Only one auth mechanism allowed; only the X-Sandbox-Signature query string parameter \
                       or the Authorization header should be specified";
        return s3(StatusCode::BAD_REQUEST, "InvalidArgument", message);
    }
    let value = |name| query.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
    let expires = value(EXPIRES).and_then(|text| text.parse::<i64>().ok());
    let (Some(expires), Some(signature)) = (expires, value(SIGNATURE)) else {
        return s3(StatusCode::FORBIDDEN, "AccessDenied", "Access Denied");
    };
    if !is_genuine(&state, &id, expires, signature) {
        let message = "The request signature we calculated does not match the signature you provided.";
        return s3(StatusCode::FORBIDDEN, "SignatureDoesNotMatch", message);
    }
    if DateTime::from_timestamp(expires, 0).is_none_or(|end| end <= Utc::now()) {
        return refuse_expired();
    }
    let Some(file) = state.files.iter().find(|file| file.id == id) else {
        return s3(StatusCode::NOT_FOUND, "NoSuchKey", "The specified key does not exist.");
    };
    match tokio::fs::read(&file.path).await {
        Ok(bytes) => ([(CONTENT_TYPE, "application/octet-stream")], bytes).into_response(),
        Err(error) => {
            tracing::error!(path = %file.path.display(), %error, "a sample cannot be read");
            s3(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", "We encountered an internal error.")
        }
    }
}

pub(super) fn refuse_expired() -> Response {
    s3(StatusCode::FORBIDDEN, "AccessDenied", "Request has expired")
}

fn is_genuine(state: &State, id: &str, expires: i64, signature: &str) -> bool {
    // Compared as text: nothing is protected here that timing could give away.
    hex(&mac(state, id, expires).finalize().into_bytes()) == signature
}

fn mac(state: &State, id: &str, expires: i64) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&state.signing_key).expect("HMAC takes a key of any length");
    mac.update(format!("GET\n{id}\n{expires}").as_bytes());
    mac
}
