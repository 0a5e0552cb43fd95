//! What Kard answers. Pure. Unknown fields and unknown words are accepted: additions come
//! without a new API version.

use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use reqwest::Url;
use secrecy::SecretString;
use serde::Deserialize;

use super::request_transactions::StorageAddressError;
use crate::providers::http::displayable;

/// A `downloadUrl` works this long ("Get Files", `downloadUrl`).
pub const DOWNLOAD_URL_LIFE: Duration = Duration::from_mins(30);

/// Kard grants an hour; whatever is granted, a token is asked for anew every day.
const LONGEST_TOKEN_LIFE: Duration = Duration::from_hours(24);

/// Names of others are shown up to this many characters.
const SHOWN: usize = 120;

/// Why a reply is not of the published shape.
#[derive(Debug, thiserror::Error)]
pub enum ShapeError {
    #[error("the reply is not the published JSON: {0}")]
    Json(String),
    #[error("token_type is {0:?}, not Bearer")]
    TokenType(String),
    #[error("the token is empty or holds characters that no header can carry")]
    Token,
    #[error("file {id}: {field} is {value:?}, not an ISO 8601 time")]
    Time { id: String, field: &'static str, value: String },
    #[error("meta.hasNextPage is true, but links.next is missing")]
    NoNextLink,
    #[error("links.next has no page[after]")]
    NoCursor,
    #[error("the reply has no list {0:?}")]
    NoList(&'static str),
    #[error("the reply is a success and names nothing: neither `data` nor `errors` has an item")]
    Empty,
    #[error("{asked} upload URLs were asked for and {came} came")]
    UploadCount { asked: usize, came: usize },
    #[error("data[{index}]: its type is {found:?}, and {asked:?} was asked for")]
    UploadType { index: usize, asked: String, found: String },
    #[error("data[{index}]: its {field} is that of another file of the same reply")]
    UploadTwice { index: usize, field: &'static str },
    #[error("data[{index}]: its url cannot be used")]
    UploadAddress { index: usize, source: StorageAddressError },
    #[error("data[{index}]: its id is empty")]
    UploadId { index: usize },
    #[error("{asked:?} was asked for and the reply is about {found:?}")]
    Subscription { asked: String, found: String },
    #[error("the id of the upload session is {0:?}, which cannot stand in a path")]
    SessionId(String),
}

/// The reply of the token endpoint ("Authentication").
#[derive(Debug)]
pub struct TokenReply {
    pub access_token: SecretString,
    pub expires_in: Duration,
}

#[derive(Deserialize)]
struct WrittenToken {
    access_token: String,
    token_type: String,
    expires_in: u64,
}

/// # Errors
/// When a required field is missing or the token cannot be used as a bearer token.
pub fn token(body: &[u8]) -> Result<TokenReply, ShapeError> {
    let written: WrittenToken = parse(body)?;
    if !written.token_type.eq_ignore_ascii_case("bearer") {
        return Err(ShapeError::TokenType(shown(&written.token_type)));
    }
    let token = written.access_token;
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(ShapeError::Token);
    }
    let expires_in = Duration::from_secs(written.expires_in).min(LONGEST_TOKEN_LIFE);
    Ok(TokenReply { access_token: token.into(), expires_in })
}

/// One entry of the file list (`FileMetadataWithURL`).
#[derive(Debug, Clone)]
pub struct FileMetadata {
    pub id: String,
    /// As sent: a type that is not published yet is carried.
    pub file_type: String,
    /// As sent. Never a path; for people use [`Self::shown_name`].
    pub file_name: String,
    /// UTC.
    pub sent_at: DateTime<Utc>,
    /// UTC.
    pub last_modified: DateTime<Utc>,
    /// Signed, so as good as a password for 30 minutes.
    pub(super) download_url: SecretString,
    pub(super) listed_at: Instant,
}

impl FileMetadata {
    /// The name without control characters, at most 120 characters.
    pub fn shown_name(&self) -> String {
        shown(&self.file_name)
    }

    /// The id, cut in the same way: for messages, never to find the file by.
    pub fn shown_id(&self) -> String {
        shown(&self.id)
    }
}

/// One page of the file list (`GetFilesMetadataResponse`).
#[derive(Debug)]
pub struct FilesPage {
    pub files: Vec<FileMetadata>,
    /// The `page[after]` of the next page; none on the last.
    pub next: Option<String>,
}

#[derive(Deserialize)]
struct WrittenPage {
    data: Vec<WrittenFile>,
    links: WrittenLinks,
    meta: WrittenMeta,
}

#[derive(Deserialize)]
struct WrittenFile {
    id: String,
    r#type: String,
    attributes: WrittenAttributes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenAttributes {
    file_name: String,
    sent_at: String,
    last_modified: String,
    download_url: String,
}

#[derive(Deserialize)]
struct WrittenLinks {
    next: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenMeta {
    has_next_page: bool,
}

/// # Errors
/// When a required field is missing, a time cannot be read, or there is a next page without a link to it.
pub fn files(body: &[u8], listed_at: Instant) -> Result<FilesPage, ShapeError> {
    let written: WrittenPage = parse(body)?;
    let next = match (written.meta.has_next_page, written.links.next) {
        (false, _) => None,
        (true, None) => return Err(ShapeError::NoNextLink),
        (true, Some(link)) => Some(cursor(&link)?),
    };
    let files = written.data.into_iter().map(|file| file_metadata(file, listed_at)).collect::<Result<_, _>>()?;
    Ok(FilesPage { files, next })
}

fn file_metadata(written: WrittenFile, listed_at: Instant) -> Result<FileMetadata, ShapeError> {
    let WrittenFile { id, r#type: file_type, attributes } = written;
    let read =
        |field, value: &str| time(value).ok_or_else(|| ShapeError::Time { id: shown(&id), field, value: shown(value) });
    Ok(FileMetadata {
        sent_at: read("sentAt", &attributes.sent_at)?,
        last_modified: read("lastModified", &attributes.last_modified)?,
        file_name: attributes.file_name,
        download_url: attributes.download_url.into(),
        file_type,
        listed_at,
        id,
    })
}

/// The cursor in a link to the next page. Only the cursor is used: the link's host is not ours to trust.
fn cursor(link: &str) -> Result<String, ShapeError> {
    // The base only makes relative links readable.
    let base = Url::parse("https://relative.invalid").map_err(|_| ShapeError::NoCursor)?;
    let url = base.join(link).map_err(|_| ShapeError::NoCursor)?;
    let found = url.query_pairs().find(|(name, value)| name == "page[after]" && !value.is_empty());
    found.map(|(_, value)| value.into_owned()).ok_or(ShapeError::NoCursor)
}

/// ISO 8601 as Kard writes it: with an offset; without one UTC is meant.
fn time(value: &str) -> Option<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(value) {
        return Some(time.to_utc());
    }
    if let Ok(time) = NaiveDateTime::parse_from_str(value, "%Y-%m-%dT%H:%M:%S%.f") {
        return Some(time.and_utc());
    }
    let day = NaiveDate::parse_from_str(value, "%Y-%m-%d").ok()?;
    day.and_hms_opt(0, 0, 0).map(|time| time.and_utc())
}

#[derive(Deserialize)]
struct WrittenErrors {
    errors: Vec<WrittenError>,
}

/// `ErrorObject`; even its required fields may be missing.
#[derive(Deserialize)]
pub(super) struct WrittenError {
    /// A number in quotes, as published.
    pub(super) status: Option<serde_json::Value>,
    title: Option<String>,
    detail: Option<String>,
    pub(super) source: Option<WrittenErrorSource>,
    pub(super) id: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct WrittenErrorSource {
    pub(super) pointer: Option<String>,
    parameter: Option<String>,
    header: Option<String>,
}

/// The errors of a reply in words, if it has Kard's shape: `Bad Request: … (parameter page[size])`.
pub fn errors_in_words(body: &str) -> Option<String> {
    const TOLD: usize = 3;
    let written: WrittenErrors = serde_json::from_str(body).ok()?;
    let mut told: Vec<String> = written.errors.iter().take(TOLD).map(error_in_words).collect();
    if written.errors.len() > TOLD {
        told.push(format!("and {} more", written.errors.len() - TOLD));
    }
    (!told.is_empty()).then(|| told.join("; "))
}

pub(super) fn error_in_words(error: &WrittenError) -> String {
    let parts = [error.title.as_deref(), error.detail.as_deref()];
    let mut text = parts.into_iter().flatten().map(|part| displayable(part, 200)).collect::<Vec<_>>().join(": ");
    let source = error.source.as_ref().and_then(|source| {
        let named = [("pointer", &source.pointer), ("parameter", &source.parameter), ("header", &source.header)];
        named.into_iter().find_map(|(name, value)| Some(format!("{name} {}", shown(value.as_deref()?))))
    });
    let id = error.id.as_ref().map(|id| format!("id {}", shown(id)));
    for place in [source, id].into_iter().flatten() {
        text.push_str(" (");
        text.push_str(&place);
        text.push(')');
    }
    text
}

/// Whether a refused download says that its URL is too old (the words of S3).
pub fn is_expired_url(status: u16, body: &str) -> bool {
    let words = ["Request has expired", "AccessDenied", "ExpiredToken"];
    // S3 answers 403 for a signature past its time and 400 for temporary credentials past theirs.
    matches!(status, 400 | 403) && words.iter().any(|word| body.contains(word))
}

pub(super) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, ShapeError> {
    // serde_json's message may quote the text that it stumbled over; a token could stand there.
    serde_json::from_slice(body).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        ShapeError::Json(match error.classify() {
            serde_json::error::Category::Eof => format!("it ends early, at {place}"),
            serde_json::error::Category::Data => format!("a required field is missing or of another type at {place}"),
            serde_json::error::Category::Syntax | serde_json::error::Category::Io => format!("bad syntax at {place}"),
        })
    })
}

pub(super) fn shown(text: &str) -> String {
    displayable(text, SHOWN)
}
