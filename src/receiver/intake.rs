//! One request: the notification read within its bounds, checked, and handed to the writer; and the two paths that
//! tell how the receiver is.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State as Shared};
use axum::http::header::{ALLOW, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body::Body as _;

use super::connection::Handle;
use super::seen;
use super::writer::{Arrival, Outcome, ToWriter};
use crate::frames::signature::{self, Logged, Verifier};
use crate::text;

/// "Header `notify-signature`" ("Notifications", webhook authentication)
const SIGNATURE: &str = "notify-signature";
/// Of a wrong signature so much is kept.
const SHOWN_SIGNATURE: usize = 200;
/// A disk that does not answer in this time cannot be written.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
/// A body that is refused is followed so far, that the sender may hear why.
const DRAIN_BYTES: usize = 4 << 20;

/// What every request is given.
#[derive(Debug)]
pub(super) struct Intake {
    pub(super) path: String,
    pub(super) body_bytes: usize,
    pub(super) body_timeout: Duration,
    pub(super) verifier: Verifier,
    pub(super) writer: ToWriter,
    pub(super) stopping: AtomicBool,
}

/// Why a body did not come.
enum NoBody {
    TooLong,
    TooSlow,
    /// The sender is gone.
    BrokenOff,
}

pub(super) async fn handle(
    Shared(intake): Shared<Arc<Intake>>,
    ConnectInfo(connection): ConnectInfo<Handle>,
    request: Request,
) -> Response {
    let _handling = connection.handling();
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    match request.uri().path() {
        path if path == intake.path && *request.method() == Method::POST => intake.notification(request).await,
        path if path == intake.path => refuse_method("POST"),
        "/healthz" if reads => told(StatusCode::OK, "up"),
        "/readyz" if reads => intake.ready().await,
        "/healthz" | "/readyz" => refuse_method("GET, HEAD"),
        _ => told(StatusCode::NOT_FOUND, "there is no such path"),
    }
}

impl Intake {
    async fn notification(&self, request: Request) -> Response {
        let (head, mut body) = request.into_parts();
        let signature = head.headers.get(SIGNATURE).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let signature = signature.as_deref().filter(|text| !text.trim().is_empty());
        let read = self.body(&head.headers, &mut body);
        let bytes = match tokio::time::timeout(self.body_timeout, read).await.unwrap_or(Err(NoBody::TooSlow)) {
            Ok(bytes) => bytes,
            Err(NoBody::TooLong) => {
                // Whoever still sends does not listen: the rest is taken in, up to a point.
                let _ = tokio::time::timeout(self.body_timeout, drain(&mut body)).await;
                let reason = format!("is longer than {} bytes (`limits.body` of `receiver`)", self.body_bytes);
                return self.reject(StatusCode::PAYLOAD_TOO_LARGE, signature, None, &reason).await;
            }
            Err(NoBody::TooSlow) => return closing(told(StatusCode::REQUEST_TIMEOUT, "the body did not come in time")),
            Err(NoBody::BrokenOff) => return closing(told(StatusCode::BAD_REQUEST, "the body broke off")),
        };
        let checked = match signature {
            Some(signature) => self.verifier.check(&bytes, signature),
            None => Err(format!("has no signature; expected the header {SIGNATURE}")),
        };
        if let Err(reason) = checked {
            return self.reject(StatusCode::UNAUTHORIZED, signature, Some(&bytes), &reason).await;
        }
        let (text, id) = match readable(&bytes) {
            Ok(read) => read,
            Err(reason) => return self.reject(StatusCode::BAD_REQUEST, signature, Some(&bytes), &reason).await,
        };
        let logged = Logged { signature, body: Some(text), body_base64: None, reason: None };
        let arrival = Arrival::Taken { id: seen::of_id(&id), body: seen::of_body(&bytes), rest: logged.rest() };
        match self.writer.ask(arrival).await {
            Outcome::Durable => told(StatusCode::OK, "taken"),
            Outcome::Rejected | Outcome::Failed => unavailable("cannot be kept now; send it again"),
        }
    }

    /// Keeps what is rejected, and says why.
    async fn reject(
        &self,
        status: StatusCode,
        signature: Option<&str>,
        body: Option<&Bytes>,
        reason: &str,
    ) -> Response {
        let plain = body.and_then(|body| std::str::from_utf8(body).ok());
        let coded = body.filter(|_| plain.is_none()).map(|body| STANDARD.encode(body));
        let signature = signature.map(|text| text::cut(text, SHOWN_SIGNATURE));
        let logged = Logged {
            signature: signature.as_deref(),
            body: plain,
            body_base64: coded.as_deref(),
            reason: Some(reason),
        };
        match self.writer.ask(Arrival::Rejected { rest: logged.rest() }).await {
            Outcome::Rejected | Outcome::Durable => {
                let response = told(status, &format!("the notification {reason}"));
                if body.is_none() { closing(response) } else { response }
            }
            Outcome::Failed => unavailable("cannot be kept now; send it again"),
        }
    }

    /// The whole body, within its bound.
    async fn body(&self, headers: &HeaderMap, body: &mut Body) -> Result<Bytes, NoBody> {
        let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if announced.is_some_and(|announced| announced > self.body_bytes as u64) {
            return Err(NoBody::TooLong);
        }
        let mut whole: Vec<u8> = Vec::new();
        while let Some(piece) = piece(body).await? {
            if whole.len() + piece.len() > self.body_bytes {
                return Err(NoBody::TooLong);
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.into())
    }

    /// Whether a notification would be kept now.
    async fn ready(&self) -> Response {
        if self.stopping.load(Ordering::Acquire) {
            return unavailable("is stopping");
        }
        match tokio::time::timeout(PROBE_TIMEOUT, self.writer.ask(Arrival::Probe)).await {
            Ok(Outcome::Durable) => told(StatusCode::OK, "ready"),
            Ok(Outcome::Rejected | Outcome::Failed) => unavailable("the log cannot be written"),
            Err(_) => unavailable("the disk does not answer"),
        }
    }
}

/// The text and the id of a notification.
fn readable(bytes: &Bytes) -> Result<(&str, String), String> {
    let text = std::str::from_utf8(bytes).map_err(|error| format!("is not UTF-8 at byte {}", error.valid_up_to()))?;
    Ok((text, signature::event_id(text)?))
}

/// The next bytes; none at the end.
async fn piece(body: &mut Body) -> Result<Option<Bytes>, NoBody> {
    loop {
        let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await else { return Ok(None) };
        // A frame without data holds trailers.
        if let Ok(data) = frame.map_err(|_| NoBody::BrokenOff)?.into_data() {
            return Ok(Some(data));
        }
    }
}

async fn drain(body: &mut Body) {
    let mut left = DRAIN_BYTES;
    while let Ok(Some(piece)) = piece(body).await {
        left = left.saturating_sub(piece.len());
        if left == 0 {
            return;
        }
    }
}

fn told(status: StatusCode, words: &str) -> Response {
    (status, [(CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{words}\n")).into_response()
}

fn unavailable(words: &str) -> Response {
    let mut response = told(StatusCode::SERVICE_UNAVAILABLE, words);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

fn refuse_method(allowed: &'static str) -> Response {
    let mut response = told(StatusCode::METHOD_NOT_ALLOWED, "this path has no such method");
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

/// After this reply nothing more is heard on the connection.
fn closing(mut response: Response) -> Response {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
