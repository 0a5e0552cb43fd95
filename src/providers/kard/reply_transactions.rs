//! What Kard answers where transactions are sent, and what its storage answers to a file. Pure. As everywhere,
//! unknown fields and unknown words are accepted.

use std::collections::HashSet;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::reply::{ShapeError, WrittenError, parse, shown};
use super::reply_effects::{ItemError, item_error};
use super::request::segment;
use super::request_transactions::storage_address;
use crate::providers::http::{Redactor, displayable};

/// What a job and a storage say is kept up to this many characters.
const TOLD: usize = 300;

/// Where one bulk file goes ("Create Bulk Transactions Upload URL", `FileUploadUrlData`).
#[derive(Debug, Clone)]
pub struct UploadUrl {
    /// "Upload session ID for traceability".
    pub id: String,
    /// Whoever has it can write the file until it expires: never shown, never logged.
    pub url: SecretString,
    /// From the moment of the reply; 900 s as published.
    pub expires_in: Duration,
}

/// The job that will work on a call's transactions ("Create Incoming Transactions", `TransactionsResponseData`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// "The request id of the pending job".
    pub id: String,
    /// `queued`, unless Kard has found more words.
    pub status: String,
    /// Cut, not redacted.
    pub message: String,
}

/// A call of which a part was taken (`TransactionsMultiResponse`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Multi {
    /// The job of those that were taken. Published as required; where it is missing, nothing says that any was.
    pub queued: Option<Queued>,
    /// Each names its transaction by the event's id, or by a pointer into the body.
    pub errors: Vec<ItemError>,
}

/// The reply to one part of a session (`CreateUploadPartResponseObject`, `CreateUploadPartMultiStatusResponse`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// Of each item in `data`. Described as "Id of the upload to add parts": do not look for transactions by them.
    pub ids: Vec<String>,
    /// Each names its transaction by the event's id, or by a pointer into the body.
    pub errors: Vec<ItemError>,
}

#[derive(Deserialize)]
struct Document<T> {
    data: T,
}

#[derive(Deserialize)]
struct WithErrors<T> {
    data: Option<T>,
    errors: Option<Vec<WrittenError>>,
}

#[derive(Deserialize)]
struct WrittenUrl {
    r#type: String,
    id: String,
    attributes: WrittenUrlAttributes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenUrlAttributes {
    url: String,
    expires_in: u64,
}

#[derive(Deserialize)]
struct WrittenQueued {
    id: String,
    attributes: WrittenJob,
}

#[derive(Deserialize)]
struct WrittenJob {
    status: String,
    message: String,
}

/// All that the replies of an upload session have in common: their attributes are empty.
#[derive(Deserialize)]
struct WrittenId {
    id: String,
}

/// The 201 to a request for upload URLs: one for each of the `asked` files, in their order, all of `file_type` (the
/// published word). The reply repeats no file name, so that the order is all there is to go by.
///
/// # Errors
/// When a required field is missing or of another type, there are more or fewer, one is of another type, two share an
/// id or a URL, or a URL is none that a file may be put to. No error holds any part of a URL.
pub fn upload_urls(body: &[u8], file_type: &str, asked: usize) -> Result<Vec<UploadUrl>, ShapeError> {
    let Document { data } = parse::<Document<Vec<WrittenUrl>>>(body)?;
    if data.len() != asked {
        return Err(ShapeError::UploadCount { asked, came: data.len() });
    }
    let urls = data.into_iter().enumerate().map(|(index, written)| upload_url(index, written, file_type));
    let urls = urls.collect::<Result<Vec<_>, _>>()?;
    let (mut ids, mut addresses) = (HashSet::new(), HashSet::new());
    for (index, url) in urls.iter().enumerate() {
        // The second of two files would replace the first.
        if !addresses.insert(url.url.expose_secret()) {
            return Err(ShapeError::UploadTwice { index, field: "url" });
        }
        if !ids.insert(&url.id) {
            return Err(ShapeError::UploadTwice { index, field: "id" });
        }
    }
    Ok(urls)
}

fn upload_url(index: usize, written: WrittenUrl, file_type: &str) -> Result<UploadUrl, ShapeError> {
    if written.r#type != file_type {
        let (asked, found) = (file_type.to_owned(), shown(&written.r#type));
        return Err(ShapeError::UploadType { index, asked, found });
    }
    if written.id.is_empty() {
        return Err(ShapeError::UploadId { index });
    }
    let url = SecretString::from(written.attributes.url);
    storage_address(&url).map_err(|source| ShapeError::UploadAddress { index, source })?;
    Ok(UploadUrl { id: written.id, url, expires_in: Duration::from_secs(written.attributes.expires_in) })
}

/// The 202 to a call with transactions: all of them are queued.
///
/// # Errors
/// When a required field is missing or of another type.
pub fn queued(body: &[u8]) -> Result<Queued, ShapeError> {
    Ok(parse::<Document<WrittenQueued>>(body)?.data.into())
}

/// The 207 to a call with transactions: all are queued but those that an error names.
///
/// # Errors
/// When a required field is missing or of another type (but for `data`), or the reply names nothing at all.
pub fn multi(body: &[u8]) -> Result<Multi, ShapeError> {
    let (data, errors) = with_errors::<WrittenQueued>(body)?;
    let errors = errors.ok_or(ShapeError::NoList("errors"))?;
    if data.is_none() && errors.is_empty() {
        return Err(ShapeError::Empty);
    }
    Ok(Multi { queued: data.map(Into::into), errors })
}

/// The reply to a part of a session: 200 in full, 207 (`multi`) all but those that an error names.
///
/// # Errors
/// When a required field is missing or of another type, or the reply names nothing at all.
pub fn parts(body: &[u8], multi: bool) -> Result<Parts, ShapeError> {
    let (data, errors) = with_errors::<Vec<WrittenId>>(body)?;
    if data.is_none() && !multi {
        return Err(ShapeError::NoList("data"));
    }
    if errors.is_none() && multi {
        return Err(ShapeError::NoList("errors"));
    }
    let ids: Vec<String> = data.unwrap_or_default().into_iter().map(|item| item.id).collect();
    let errors = errors.unwrap_or_default();
    if ids.is_empty() && errors.is_empty() {
        return Err(ShapeError::Empty);
    }
    Ok(Parts { ids, errors })
}

/// The 200 to the start of a session: its id, which can stand in a path.
///
/// # Errors
/// When a required field is missing or of another type, or the id cannot be used.
pub fn session(body: &[u8]) -> Result<String, ShapeError> {
    let WrittenId { id } = parse::<Document<WrittenId>>(body)?.data;
    if segment(&id).is_some() { Ok(id) } else { Err(ShapeError::SessionId(shown(&id))) }
}

/// The 200 to the completion of a session: the id that it names, to be compared with the session's.
///
/// # Errors
/// When a required field is missing or of another type.
pub fn completed(body: &[u8]) -> Result<String, ShapeError> {
    Ok(parse::<Document<WrittenId>>(body)?.data.id)
}

fn with_errors<T: for<'a> Deserialize<'a>>(body: &[u8]) -> Result<(Option<T>, Option<Vec<ItemError>>), ShapeError> {
    let WithErrors { data, errors } = parse::<WithErrors<T>>(body)?;
    Ok((data, errors.map(|errors| errors.into_iter().map(item_error).collect())))
}

impl From<WrittenQueued> for Queued {
    fn from(written: WrittenQueued) -> Self {
        let WrittenQueued { id, attributes } = written;
        Self { id, status: shown(&attributes.status), message: displayable(&attributes.message, TOLD) }
    }
}

/// Code and message of a storage's refusal (S3's `<Error><Code>…</Code><Message>…</Message>`), fit to be shown; none if
/// the body is nothing of the kind. The message may be empty.
pub fn storage_error(body: &[u8]) -> Option<(String, String)> {
    let text = std::str::from_utf8(body).ok()?;
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let root = match text.strip_prefix("<?xml") {
        Some(declared) => declared.split_once("?>")?.1.trim_start(),
        None => text,
    };
    let inside = root.strip_prefix("<Error")?;
    if !inside.starts_with(|next: char| next == '>' || next.is_ascii_whitespace()) {
        return None;
    }
    let code = element(inside, "Code").filter(|code| !code.is_empty())?;
    Some((code, element(inside, "Message").unwrap_or_default()))
}

/// Whether a storage refused a file because its URL is too old (403 `AccessDenied` "Request has expired", or the
/// credentials behind the signature are past their time).
pub fn is_expired_upload(status: u16, body: &[u8]) -> bool {
    let Some((code, message)) = storage_error(body).filter(|_| matches!(status, 400 | 403)) else { return false };
    code == "ExpiredToken" || code == "AccessDenied" && message.to_ascii_lowercase().contains("expired")
}

/// The text of the first element of this name; none where it holds anything but text.
fn element(xml: &str, name: &str) -> Option<String> {
    let (_, after) = xml.split_once(&format!("<{name}>"))?;
    let (text, end) = after.split_once('<')?;
    end.starts_with(&format!("/{name}>")).then(|| {
        // The ampersand last: `&amp;lt;` is `&lt;`, not `<`.
        let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
        let plain = plain.replace("&#39;", "'").replace("&amp;", "&");
        displayable(&Redactor::default().redact(plain.trim()), TOLD)
    })
}
