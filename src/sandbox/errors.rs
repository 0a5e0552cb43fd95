//! Refusals in Kard's shape (`ErrorResponse`), and in S3's for downloads and uploads.

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// Where the mistake stands (`ErrorSource`).
#[derive(Debug, Clone, Copy)]
pub(super) enum At<'a> {
    Nowhere,
    Header(&'a str),
    Parameter(&'a str),
    /// A JSON pointer into the request's body.
    Pointer(&'a str),
}

/// A refusal for one reason, in Kard's shape.
pub(super) fn kard(status: StatusCode, detail: &str, at: At<'_>) -> Response {
    several(status, &[error(status, detail, at)])
}

/// A refusal for several reasons, each an [`error`].
pub(super) fn several(status: StatusCode, errors: &[Value]) -> Response {
    (status, axum::Json(json!({ "errors": errors }))).into_response()
}

/// One `ErrorObject`.
pub(super) fn error(status: StatusCode, detail: &str, at: At<'_>) -> Value {
    let mut error = json!({
        "status": status.as_str(),
        "title": status.canonical_reason().unwrap_or("Error"),
        "detail": detail,
    });
    match at {
        At::Nowhere => {}
        At::Header(name) => error["source"] = json!({ "header": name }),
        At::Parameter(name) => error["source"] = json!({ "parameter": name }),
        At::Pointer(pointer) => error["source"] = json!({ "pointer": pointer }),
    }
    error
}

/// The id that the storage gives every request.
pub(super) const REQUEST_ID: &str = "SANDBOX";

/// One error as S3 tells it.
pub(super) fn s3(status: StatusCode, code: &str, message: &str) -> Response {
    s3_with(status, code, message, &[])
}

/// The same with the elements that S3 adds to some errors.
pub(super) fn s3_with(status: StatusCode, code: &str, message: &str, more: &[(&str, String)]) -> Response {
    let more: Vec<String> = more.iter().map(|(name, value)| format!("<{name}>{}</{name}>", escaped(value))).collect();
    let more = more.concat();
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{}</Message>{more}\
         <RequestId>{REQUEST_ID}</RequestId></Error>",
        escaped(message)
    );
    (status, [(CONTENT_TYPE, "application/xml"), (AMZ_REQUEST_ID, REQUEST_ID)], body).into_response()
}

/// The header that tells the request's id.
pub(super) const AMZ_REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

pub(super) async fn unknown_path() -> Response {
    kard(StatusCode::NOT_FOUND, "There is no such path.", At::Nowhere)
}

pub(super) async fn wrong_method() -> Response {
    kard(StatusCode::METHOD_NOT_ALLOWED, "This path has no such method.", At::Nowhere)
}
