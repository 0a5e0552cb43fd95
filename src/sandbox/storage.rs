//! The storage behind the upload URLs, in the manner of S3: `PUT` of an object whose URL was signed in advance, with
//! all of what S3 refuses. `GET` reads it again.
//!
//! An object is written to a temporary file as it comes, and is there once all of its bytes came.

use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Extension;
use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::{Request, State as Shared};
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, ETAG, TRANSFER_ENCODING};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt as _;

use super::errors::{AMZ_REQUEST_ID, REQUEST_ID, s3, s3_with};
use super::sigv4::{self, Refused};
use super::state::State;
use super::uploads::{SIGNER, StoredObject};
use super::{Fault, processing};
use crate::digest::hex;

pub(super) const PATH: &str = "/storage/{bucket}/{*key}";
pub(super) const PREFIX: &str = "/storage/";

/// So much of the body of a request that is refused is read all the same: a client that writes first and reads
/// after gets its answer. S3 closes the connection.
const DRAIN_BYTES: u64 = 16 << 20;
/// A larger object is not read back.
const READ_BACK_BYTES: u64 = 64 << 20;

/// What came as a body, for the note of what was received: its length and digest, also where it broke off.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally(Arc<Mutex<Option<(u64, String)>>>);

impl Tally {
    fn set(&self, bytes: u64, sha256: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((bytes, sha256));
    }

    pub(super) fn taken(&self) -> Option<(u64, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

pub(super) async fn put(
    Shared(state): Shared<Arc<State>>,
    fault: Option<Extension<Fault>>,
    tally: Option<Extension<Tally>>,
    request: Request,
) -> Response {
    let (head, mut body) = request.into_parts();
    let fault = fault.map(|Extension(fault)| fault);
    let (place, announced) = match admit(&state, &head, fault.as_ref()) {
        Ok(admitted) => admitted,
        Err(refusal) => {
            drain(&mut body).await;
            return *refusal;
        }
    };
    let temporary = match tempfile::NamedTempFile::new_in(state.objects.path()) {
        Ok(temporary) => temporary,
        Err(error) => return internal(&error),
    };
    let object = match write(&mut body, temporary.path()).await {
        Ok(object) => object,
        Err(error) => return internal(&error),
    };
    if let Some(Extension(tally)) = tally {
        tally.set(object.bytes, object.sha256.clone());
    }
    if object.bytes != announced {
        let message = "You did not provide the number of bytes specified by the Content-Length HTTP header";
        return s3(StatusCode::BAD_REQUEST, "IncompleteBody", message);
    }
    if let Some(Fault::Late(wait)) = fault {
        tokio::time::sleep(wait).await;
    }
    // Not the MD5 that S3 gives for an object of one part: the start of its SHA-256.
    let etag = format!("\"{}\"", &object.sha256[..32]);
    match processing::begin(&state, place, temporary, object) {
        Ok(()) => ([(ETAG, etag)], [(AMZ_REQUEST_ID, REQUEST_ID)]).into_response(),
        Err(error) => internal(&error),
    }
}

pub(super) async fn get(Shared(state): Shared<Arc<State>>, request: Request) -> Response {
    let place = match authenticate(&state, request.method().as_str(), request.uri(), request.headers()) {
        Ok(place) => place,
        Err(refusal) => return *refusal,
    };
    match state.uploads.change(place, |_| {}).object {
        None => s3(StatusCode::NOT_FOUND, "NoSuchKey", "The specified key does not exist."),
        Some(object) if object.bytes > READ_BACK_BYTES => {
            s3(StatusCode::NOT_IMPLEMENTED, "NotImplemented", "The sandbox reads no object of this size back.")
        }
        Some(object) => match tokio::fs::read(&object.path).await {
            Ok(bytes) => bytes.into_response(),
            Err(error) => internal(&error),
        },
    }
}

/// Whether an upload may begin: the number of its session, and how many bytes it announces.
fn admit(state: &State, head: &Parts, fault: Option<&Fault>) -> Result<(usize, u64), Box<Response>> {
    if head.headers.contains_key(TRANSFER_ENCODING) {
        let message = "A header you provided implies functionality that is not implemented";
        let more = [("Header", "Transfer-Encoding".to_owned())];
        return Err(Box::new(s3_with(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message, &more)));
    }
    let place = authenticate(state, head.method.as_str(), &head.uri, &head.headers)?;
    if fault == Some(&Fault::ExpiredUrl) {
        return Err(Box::new(super::downloads::refuse_expired()));
    }
    let announced = head.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let Some(announced) = announced else {
        let message = "You must provide the Content-Length HTTP header.";
        return Err(Box::new(s3(StatusCode::LENGTH_REQUIRED, "MissingContentLength", message)));
    };
    if announced > state.object_limit {
        let message = "Your proposed upload exceeds the maximum allowed size";
        let more = [("ProposedSize", announced.to_string()), ("MaxSizeAllowed", state.object_limit.to_string())];
        return Err(Box::new(s3_with(StatusCode::BAD_REQUEST, "EntityTooLarge", message, &more)));
    }
    Ok((place, announced))
}

/// The number of the session that a signed URL is for. The clock is read when the request begins.
fn authenticate(
    state: &State,
    method: &str,
    uri: &axum::http::Uri,
    headers: &HeaderMap,
) -> Result<usize, Box<Response>> {
    let query = uri.query().unwrap_or_default();
    let (now, path) = (Utc::now(), uri.path());
    if headers.contains_key(AUTHORIZATION) {
        let message = "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query \
                       string parameter or the Authorization header should be specified";
        let more = [("ArgumentName", "Authorization".to_owned()), ("ArgumentValue", "[redacted]".to_owned())];
        return Err(Box::new(s3_with(StatusCode::BAD_REQUEST, "InvalidArgument", message, &more)));
    }
    sigv4::check(SIGNER, method, path, query, headers, now).map_err(|refused| Box::new(told(&refused, now)))?;
    let none = || Box::new(s3(StatusCode::NOT_FOUND, "NoSuchBucket", "The specified bucket does not exist"));
    state.uploads.place(&sigv4::canonical_path(path)).ok_or_else(none)
}

/// A refusal of the signature, as S3 tells it.
fn told(refused: &Refused, now: chrono::DateTime<Utc>) -> Response {
    let time = |at: chrono::DateTime<Utc>| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let denied = |message: &str, more: &[(&str, String)]| s3_with(StatusCode::FORBIDDEN, "AccessDenied", message, more);
    match refused {
        Refused::Unsigned => denied("Access Denied", &[]),
        Refused::Parameter(words) => s3(StatusCode::BAD_REQUEST, "AuthorizationQueryParametersError", words),
        Refused::UnknownKey(key) => {
            let message = "The AWS Access Key Id you provided does not exist in our records.";
            let more = [("AWSAccessKeyId", key.clone())];
            s3_with(StatusCode::FORBIDDEN, "InvalidAccessKeyId", message, &more)
        }
        Refused::Expired { seconds, until } => denied(
            "Request has expired",
            &[("X-Amz-Expires", seconds.to_string()), ("Expires", time(*until)), ("ServerTime", time(now))],
        ),
        Refused::NotYet => denied("Request is not valid yet", &[("ServerTime", time(now))]),
        Refused::HeaderNotSigned(name) => denied(
            "There were headers present in the request which were not signed",
            &[("HeadersNotSigned", name.clone())],
        ),
        Refused::Mismatch { string_to_sign } => {
            let message = "The request signature we calculated does not match the signature you provided. Check your \
                           key and signing method.";
            let more = [("StringToSign", string_to_sign.clone())];
            s3_with(StatusCode::FORBIDDEN, "SignatureDoesNotMatch", message, &more)
        }
    }
}

/// Writes what comes to the file, to its end or to where it breaks off.
async fn write(body: &mut Body, path: &Path) -> std::io::Result<StoredObject> {
    let mut file = tokio::fs::File::create(path).await?;
    let (mut bytes, mut digest) = (0, Sha256::new());
    while let Some(piece) = piece(body).await {
        bytes += piece.len() as u64;
        digest.update(&piece);
        file.write_all(&piece).await?;
    }
    file.flush().await?;
    Ok(StoredObject { path: path.to_owned(), bytes, sha256: hex(&digest.finalize()), put_at: Utc::now() })
}

/// The next bytes; none at the end, and where the body breaks off.
pub(super) async fn piece(body: &mut Body) -> Option<Bytes> {
    loop {
        let frame = std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await?;
        // A frame without data holds trailers.
        if let Ok(data) = frame.ok()?.into_data() {
            return Some(data);
        }
    }
}

pub(super) async fn drain(body: &mut Body) {
    let mut left = DRAIN_BYTES;
    while let Some(piece) = piece(body).await {
        left = left.saturating_sub(piece.len() as u64);
        if left == 0 {
            return;
        }
    }
}

fn internal(error: &std::io::Error) -> Response {
    tracing::error!(%error, "the sandbox's storage failed");
    s3(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", "We encountered an internal error. Please try again.")
}
