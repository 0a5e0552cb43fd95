//! What is asked of Kard to send transactions: bulk files ("Create Bulk Transactions Upload URL"), calls ("Create
//! Incoming Transactions") and a user's upload session ("Create Upload", "Add Upload Part", "Update Upload"). Pure.

use std::time::Duration;

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::request::{body, document, is_loopback, segment};

/// The most URLs that one call may ask for ("Create Bulk Transactions Upload URL").
pub const MAX_URLS: usize = 10;

/// The most transactions that one call may carry ("Create Incoming Transactions", "Add Upload Part").
pub const MAX_TRANSACTIONS: usize = 500;

/// An upload URL works this long ("Create Bulk Transactions Upload URL", `expiresIn`).
pub const URL_LIFE: Duration = Duration::from_mins(15);

/// The most bytes that a bulk file may have: "up to 5GB each" ("Create Bulk Transactions Upload URL"), read as the
/// smaller of the two sizes that are called so.
pub const MAX_FILE_BYTES: u64 = 5_000_000_000;

/// The body that opens a user's upload session ("Create Upload").
pub const HISTORICAL_START_BODY: &[u8] = br#"{"data":{"type":"historicalTransactionStart","attributes":{}}}"#;

/// Below `base_url`: where URLs for bulk files are asked for (POST, "Create Bulk Transactions Upload URL"). None when
/// the organization cannot stand in a path; likewise for the others.
pub fn uploads_path(organization: &str) -> Option<String> {
    Some(format!("/v2/issuers/{}/transactions/uploads", segment(organization)?))
}

/// Below `base_url`: where transactions go (POST, "Create Incoming Transactions").
pub fn transactions_path(organization: &str) -> Option<String> {
    Some(format!("/v2/issuers/{}/transactions", segment(organization)?))
}

/// Below `base_url`: where a user's upload session is opened (POST, "Create Upload").
pub fn historical_start_path(organization: &str, user: &str) -> Option<String> {
    Some(format!("/v2/issuers/{}/users/{}/uploads", segment(organization)?, segment(user)?))
}

/// Below `base_url`: where a part of a session goes (PUT, "Add Upload Part").
pub fn historical_parts_path(organization: &str, user: &str, upload: &str) -> Option<String> {
    Some(format!("{}/parts", historical_complete_path(organization, user, upload)?))
}

/// Below `base_url`: where a session is completed (PUT, "Update Upload").
pub fn historical_complete_path(organization: &str, user: &str, upload: &str) -> Option<String> {
    Some(format!("{}/{}", historical_start_path(organization, user)?, segment(upload)?))
}

/// The body that asks for one URL for each file name: the published names in the published order, no white space.
/// `file_type` is the published word. None unless there are 1 to [`MAX_URLS`] names.
pub fn uploads_body(file_type: &str, filenames: &[&str]) -> Option<Vec<u8>> {
    #[derive(Serialize)]
    struct Attributes<'a> {
        filename: &'a str,
    }
    #[derive(Serialize)]
    struct Item<'a> {
        #[serde(rename = "type")]
        kind: &'a str,
        attributes: Attributes<'a>,
    }
    let items = filenames.iter().map(|filename| Item { kind: file_type, attributes: Attributes { filename } });
    (1..=MAX_URLS).contains(&filenames.len()).then(|| body(items))
}

/// `{"data":[…]}` from lines of JSON, each one item, exactly as they stand; a line end is left out. The lines are not
/// parsed. None unless there are 1 to [`MAX_TRANSACTIONS`] of them, each with something in it.
pub fn body_of_lines(lines: &[&[u8]]) -> Option<Vec<u8>> {
    const OPEN: &[u8] = br#"{"data":["#;
    const CLOSE: &[u8] = b"]}";
    if !(1..=MAX_TRANSACTIONS).contains(&lines.len()) {
        return None;
    }
    let bytes: usize = lines.iter().map(|line| line.len() + 1).sum();
    let mut whole = Vec::with_capacity(OPEN.len() + bytes + CLOSE.len());
    whole.extend_from_slice(OPEN);
    for (at, line) in lines.iter().enumerate() {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.iter().all(u8::is_ascii_whitespace) {
            return None;
        }
        if at > 0 {
            whole.push(b',');
        }
        whole.extend_from_slice(line);
    }
    whole.extend_from_slice(CLOSE);
    Some(whole)
}

/// The body that completes a session ("Update Upload"), in the order of the published example.
pub fn historical_complete_body(upload: &str) -> Vec<u8> {
    #[derive(Serialize)]
    struct Nothing {}
    #[derive(Serialize)]
    struct Complete<'a> {
        #[serde(rename = "type")]
        kind: &'static str,
        attributes: Nothing,
        id: &'a str,
    }
    document(Complete { kind: "historicalTransactionComplete", attributes: Nothing {}, id: upload })
}

/// Why the address of a storage cannot be used. The address itself is never told: its query is as good as a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StorageAddressError {
    #[error("it is no address that begins with https://")]
    NotAnAddress,
    #[error("it is not https, and the transactions would travel in the clear (http:// is for this machine only)")]
    NotEncrypted,
    #[error("it names a user or a fragment, which no presigned address does")]
    Ornate,
    #[error("on its way it would become another address: it is not percent-encoded, or has `.` or `..` in its path")]
    Changed,
}

/// Reads the presigned address that a file is put to. Its path and query go out exactly as they stand, or the
/// signature would not fit.
///
/// # Errors
/// Unless it is such an address, and `https` or this very machine.
pub fn storage_address(text: &SecretString) -> Result<Url, StorageAddressError> {
    let text = text.expose_secret();
    let url = Url::parse(text).map_err(|_| StorageAddressError::NotAnAddress)?;
    if url.host_str().is_none() || !matches!(url.scheme(), "http" | "https") {
        return Err(StorageAddressError::NotAnAddress);
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err(StorageAddressError::NotEncrypted);
    }
    // The HTTP library would make credentials of a user.
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(StorageAddressError::Ornate);
    }
    let sent = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let after_host = text.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
    if after_host == Some(sent.as_str()) { Ok(url) } else { Err(StorageAddressError::Changed) }
}
