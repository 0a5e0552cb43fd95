//! `POST /v2/issuers/{organizationId}/transactions/uploads`, as published under "Create Bulk Transactions Upload URL",
//! and the upload sessions that it makes.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::{Path, State as Shared};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::items::{self, Mistakes};
use super::sigv4::{self, Signer};
use super::state::{State, random_id};
use super::{Fault, ORGANIZATION, access};

pub(super) const PATH: &str = "/v2/issuers/{organization}/transactions/uploads";

/// "List of file upload requests (1–10 items per request)."
const MOST: usize = 10;
/// "Time in seconds until the presigned URL expires (900)"
const LIFE_SECONDS: u32 = 900;
/// Of a file's name. Not published: what S3 takes.
const NAME_CHARACTERS: usize = 255;
const KINDS: [&str; 2] = ["incomingTransactionsFile", "historicalTransactionsFile"];

const BUCKET: &str = "kard-uploads-sandbox";
/// What the storage's URLs are signed with. It protects nothing.
pub(super) const SIGNER: Signer<'_> =
    Signer { access_key: "SANDBOXACCESSKEY", secret_key: "sandbox-storage-secret", region: "us-east-1" };

/// A storage of somebody else behind the upload URLs: one that speaks S3, with addresses in path style.
///
/// The sandbox then signs URLs and no more: it serves no object, reads none, and tells of none.
#[derive(Debug, Clone)]
pub struct ObjectStorage {
    /// `http://127.0.0.1:9000`
    pub endpoint: String,
    pub bucket: String,
    pub access_key: String,
    pub secret_key: String,
    pub region: String,
}

impl ObjectStorage {
    /// Where the object of a session lies, from the storage's root; not encoded.
    pub fn path(&self, session: &UploadSession) -> String {
        format!("/{}/{ORGANIZATION}/{}/{}", self.bucket, session.id, session.filename)
    }

    fn presigned(&self, session: &UploadSession, at: DateTime<Utc>) -> String {
        let host = self.endpoint.split_once("://").map_or(self.endpoint.as_str(), |(_, host)| host);
        let signer = Signer { access_key: &self.access_key, secret_key: &self.secret_key, region: &self.region };
        // A percent sign of the name itself is no encoding.
        let path = self.path(session).replace('%', "%25");
        format!("{}{}", self.endpoint, sigv4::presign(signer, "PUT", host, &path, at, LIFE_SECONDS))
    }
}

/// An upload session, as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadSession {
    pub id: String,
    pub filename: String,
    /// `incomingTransactionsFile` or `historicalTransactionsFile`.
    pub kind: String,
    /// How often all bytes of an object came.
    pub puts: u32,
    /// The object as it came last; none before the first.
    pub object: Option<StoredObject>,
    /// What was made of it, once for each time that it came.
    pub results: Vec<FileResult>,
}

/// An object of the storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredObject {
    /// Where its bytes lie while the sandbox runs.
    pub path: PathBuf,
    pub bytes: u64,
    pub sha256: String,
    /// UTC.
    pub put_at: DateTime<Utc>,
}

/// What was made of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileResult {
    pub lines: u64,
    /// Events that were taken: they were new.
    pub accepted: u64,
    /// Lines that are not as published, or that the sandbox's conventions refuse.
    pub rejected: u64,
    /// Events that were known already and say the same, from this file or another.
    pub duplicates: u64,
    /// Of those, how many stood further up in the same file.
    pub duplicates_within: u64,
    /// Events that were known already and say something else. They count as rejected, too.
    pub conflicting: u64,
    /// Fields that the published schema does not know.
    pub unknown_fields: u64,
    /// 0: the object is plain text.
    pub gzip_members: u32,
    /// Why the object could not be read to its end.
    pub unreadable: Option<String>,
}

/// Every session, in the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Uploads(Mutex<Book>);

#[derive(Debug, Default)]
struct Book {
    sessions: Vec<UploadSession>,
    /// By the encoded path of the URL.
    places: HashMap<String, usize>,
}

impl Uploads {
    fn add(&self, path: String, session: UploadSession) {
        let mut book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = book.sessions.len();
        book.places.insert(path, place);
        book.sessions.push(session);
    }

    /// The number of the session that an encoded path is for.
    pub(super) fn place(&self, path: &str) -> Option<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).places.get(path).copied()
    }

    /// The session after `change`.
    pub(super) fn change(&self, place: usize, change: impl FnOnce(&mut UploadSession)) -> UploadSession {
        let mut book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let session = &mut book.sessions[place];
        change(session);
        session.clone()
    }

    pub(super) fn sessions(&self) -> Vec<UploadSession> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).sessions.clone()
    }
}

pub(super) async fn create(
    Shared(state): Shared<Arc<State>>,
    Path(organization): Path<String>,
    fault: Option<Extension<Fault>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let read = || {
        access::check(&state, &headers, &organization)?;
        check(&items::read(&headers, &body, Some(MOST))?)
    };
    let wanted = match read() {
        Ok(wanted) => wanted,
        Err(refusal) => return *refusal,
    };
    let fault = fault.map(|Extension(fault)| fault);
    let expired = fault == Some(Fault::ExpiredUrl);
    let mut data: Vec<Value> = wanted.iter().map(|(kind, name)| session(&state, kind, name, expired)).collect();
    match fault {
        Some(Fault::MissingItem) => drop(data.pop()),
        Some(Fault::ExtraItem) => data.push(session(&state, KINDS[0], items::EXTRA, expired)),
        Some(Fault::RepeatItem) => data.extend(data.first().cloned()),
        _ => {}
    }
    (StatusCode::CREATED, Json(json!({ "data": data }))).into_response()
}

/// The type and the file's name of each item.
fn check(items: &[Value]) -> Result<Vec<(&'static str, String)>, Box<Response>> {
    let mut mistakes = Mistakes::default();
    let mut wanted = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let at = format!("/data/{index}");
        let kind = KINDS.into_iter().find(|kind| item["type"] == *kind);
        if kind.is_none() {
            mistakes.add(&format!("{at}/type"), &format!("Must be one of {}.", KINDS.join(", ")));
        }
        let at = format!("{at}/attributes");
        let name = mistakes.id(&item["attributes"], &at, "filename");
        if name.chars().count() > NAME_CHARACTERS || name.contains('/') || name.chars().any(char::is_control) {
            mistakes.add(&format!("{at}/filename"), "Must be the name of a file.");
        }
        wanted.extend(kind.map(|kind| (kind, name)));
    }
    mistakes.finish().map(|()| wanted)
}

/// Makes a session, and tells it. With `expired`, its URL has expired already.
fn session(state: &State, kind: &str, filename: &str, expired: bool) -> Value {
    let id = random_id();
    let life = TimeDelta::seconds(LIFE_SECONDS.into());
    let at = if expired { Utc::now() - life } else { Utc::now() };
    let session = UploadSession {
        id,
        filename: filename.to_owned(),
        kind: kind.to_owned(),
        puts: 0,
        object: None,
        results: Vec::new(),
    };
    let path = object_path(&session);
    let url = match &state.storage {
        None => presigned(state, "PUT", &path, at, LIFE_SECONDS),
        Some(storage) => storage.presigned(&session, at),
    };
    let told = json!({ "type": kind, "id": session.id, "attributes": { "url": url, "expiresIn": LIFE_SECONDS } });
    state.uploads.add(path, session);
    told
}

/// A URL of the storage.
pub(super) fn presigned(state: &State, method: &str, path: &str, at: DateTime<Utc>, seconds: u32) -> String {
    let host = state.base_url.trim_start_matches("http://");
    format!("{}{}", state.base_url, sigv4::presign(SIGNER, method, host, path, at, seconds))
}

/// The path of a session's object in the storage, percent-encoded.
pub(super) fn object_path(session: &UploadSession) -> String {
    // A percent sign of the name itself is no encoding.
    let name = session.filename.replace('%', "%25");
    sigv4::canonical_path(&format!("/storage/{BUCKET}/{ORGANIZATION}/{}/{name}", session.id))
}
