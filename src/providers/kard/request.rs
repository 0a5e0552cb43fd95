//! What is asked of Kard: addresses, queries and headers. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat, Utc};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::{AuditCode, FileType};

/// The most that one page may hold ("Get Files", `page[size]`).
pub const MAX_PAGE_SIZE: u8 = 100;

/// The header that locks a token to one issuer ("Multi-Issuer Authentication").
pub const TARGET_ISSUER: &str = "X-Kard-Target-Issuer";

/// The body of a token request ("Authentication").
pub const TOKEN_BODY: &str = "grant_type=client_credentials";

/// The most markers that one call may carry ("Flag Fraudulent Transactions").
pub const MAX_MARKERS: usize = 500;

/// The most audits that we put into one call. What Kard takes is not published ("Create Audits").
pub const MAX_AUDITS: usize = 100;

/// The query of `GET …/files/metadata` ("Get Files").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilesQuery {
    /// UTC. Kard's own default is one month back.
    pub date_from: Option<DateTime<Utc>>,
    /// UTC. Kard's own default is now.
    pub date_to: Option<DateTime<Utc>>,
    pub file_type: Option<FileType>,
    /// 1 to 100.
    pub page_size: u8,
    pub sort: FilesSort,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilesSort {
    /// Oldest first: what is sent while we page comes at the end and shifts nothing.
    SentDate,
    /// Newest first.
    SentDateDescending,
}

impl Default for FilesQuery {
    fn default() -> Self {
        Self { date_from: None, date_to: None, file_type: None, page_size: MAX_PAGE_SIZE, sort: FilesSort::SentDate }
    }
}

/// Which page of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page<'a> {
    First,
    After(&'a str),
    Before(&'a str),
}

impl FilesQuery {
    /// Names and values as published, not yet encoded.
    pub fn pairs(&self, page: Page<'_>) -> Vec<(&'static str, String)> {
        let date = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let mut pairs = Vec::new();
        pairs.extend(self.date_from.map(|at| ("filter[dateFrom]", date(at))));
        pairs.extend(self.date_to.map(|at| ("filter[dateTo]", date(at))));
        pairs.extend(self.file_type.map(|kind| ("filter[fileType]", kind.name().to_owned())));
        pairs.push(("page[size]", self.page_size.to_string()));
        match page {
            Page::First => {}
            Page::After(cursor) => pairs.push(("page[after]", cursor.to_owned())),
            Page::Before(cursor) => pairs.push(("page[before]", cursor.to_owned())),
        }
        let sort = match self.sort {
            FilesSort::SentDate => "sentDate",
            FilesSort::SentDateDescending => "-sentDate",
        };
        pairs.push(("sort", sort.to_owned()));
        pairs
    }
}

/// Why an address of the project file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("not an address such as https://rewards-api.getkard.com")]
    NotAnAddress,
    #[error("credentials would travel in the clear: write https:// (http:// is for this machine only)")]
    NotEncrypted,
    #[error("an address with user, query or fragment cannot be used here; write scheme, host and path only")]
    Ornate,
}

/// Reads an address to which credentials are sent.
///
/// # Errors
/// Unless it is `https`, or `http` to this very machine; or when it has user, query or fragment.
pub fn address(text: &str) -> Result<Url, AddressError> {
    let url = Url::parse(text).map_err(|_| AddressError::NotAnAddress)?;
    if url.host_str().is_none() || !matches!(url.scheme(), "http" | "https") {
        return Err(AddressError::NotAnAddress);
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err(AddressError::NotEncrypted);
    }
    let ornate = !url.username().is_empty() || url.password().is_some();
    if ornate || url.query().is_some() || url.fragment().is_some() {
        return Err(AddressError::Ornate);
    }
    Ok(url)
}

/// Whether the address is this machine.
pub fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// `{base}/v2/issuers/{organization}/files/metadata`, without a query.
///
/// # Errors
/// When the base cannot carry a path.
pub fn files_url(base: &Url, organization: &str) -> Result<Url, AddressError> {
    let mut url = base.clone();
    url.path_segments_mut().map_err(|()| AddressError::NotAnAddress)?.pop_if_empty().extend([
        "v2",
        "issuers",
        organization,
        "files",
        "metadata",
    ]);
    Ok(url)
}

/// The address of a path below `base`. The path is percent-encoded already and goes out exactly as it stands.
///
/// # Errors
/// When it would not: it does not begin with `/`, has a query or a fragment, or a part of it is `.` or `..`,
/// which every HTTP library takes away together with what stands before it.
pub fn below(base: &Url, path: &str) -> Result<Url, PathError> {
    if !path.starts_with('/') {
        return Err(PathError::NotBelow);
    }
    let mut url = base.clone();
    let whole = format!("{}{path}", base.path().trim_end_matches('/'));
    url.set_path(&whole);
    if url.path() == whole { Ok(url) } else { Err(PathError::Changed) }
}

/// Why a path cannot be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    #[error("it does not begin with `/`")]
    NotBelow,
    #[error("on its way it would become another path: an id in it is `.` or `..`, or is not percent-encoded")]
    Changed,
}

/// The value of `Authorization` on a token request.
pub fn basic(client_id: &SecretString, client_secret: &SecretString) -> SecretString {
    let pair = format!("{}:{}", client_id.expose_secret(), client_secret.expose_secret());
    format!("Basic {}", STANDARD.encode(pair)).into()
}

/// Below `base_url`: where transactions are flagged ("Flag Fraudulent Transactions"). None when the organization
/// cannot stand in a path.
pub fn fraud_path(organization: &str) -> Option<String> {
    Some(format!("/v2/issuers/{}/fraud", segment(organization)?))
}

/// Below `base_url`: where audits of a user's transactions are created ("Create Audits"). None when organization or
/// user cannot stand in a path.
pub fn audits_path(organization: &str, user: &str) -> Option<String> {
    Some(format!("/v2/issuers/{}/users/{}/audits", segment(organization)?, segment(user)?))
}

/// One segment of a path, percent-encoded but for unreserved characters (RFC 3986, 2.3). None for what cannot be
/// one: nothing at all, and `.` and `..`, which every URL parser resolves, percent-encoded or not.
pub(super) fn segment(text: &str) -> Option<String> {
    use std::fmt::Write as _;
    if matches!(text, "" | "." | "..") {
        return None;
    }
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    Some(encoded)
}

/// One audit to be created ("Create Audits", `AuditAttributes`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditItem<'a> {
    pub code: AuditCode,
    pub merchant: &'a str,
    pub description: &'a str,
    pub transaction: &'a str,
}

/// One transaction to be flagged ("Flag Fraudulent Transactions", `FraudulentTransactionData`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarkerItem<'a> {
    pub transaction: &'a str,
    pub user: &'a str,
}

/// The body of "Create Audits": the published names in the published order, no white space.
pub fn audits_body(items: &[AuditItem<'_>]) -> Vec<u8> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Attributes<'a> {
        audit_code: u16,
        merchant_name: &'a str,
        audit_description: &'a str,
        transaction_id: &'a str,
    }
    #[derive(Serialize)]
    struct Item<'a> {
        #[serde(rename = "type")]
        kind: &'static str,
        attributes: Attributes<'a>,
    }
    body(items.iter().map(|item| Item {
        kind: "audit",
        attributes: Attributes {
            audit_code: item.code.number(),
            merchant_name: item.merchant,
            audit_description: item.description,
            transaction_id: item.transaction,
        },
    }))
}

/// The body of "Flag Fraudulent Transactions": the published names in the published order, no white space.
pub fn fraud_body(items: &[MarkerItem<'_>]) -> Vec<u8> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Attributes<'a> {
        user_id: &'a str,
    }
    #[derive(Serialize)]
    struct Item<'a> {
        id: &'a str,
        #[serde(rename = "type")]
        kind: &'static str,
        attributes: Attributes<'a>,
    }
    body(items.iter().map(|item| Item {
        id: item.transaction,
        kind: "fraudulentTransaction",
        attributes: Attributes { user_id: item.user },
    }))
}

/// `{"data":[…]}`
pub(super) fn body<T: Serialize>(items: impl Iterator<Item = T>) -> Vec<u8> {
    document(items.collect::<Vec<T>>())
}

/// `{"data":…}`
pub(super) fn document<T: Serialize>(data: T) -> Vec<u8> {
    #[derive(Serialize)]
    struct Document<T> {
        data: T,
    }
    serde_json::to_vec(&Document { data }).expect("text and numbers are always JSON")
}
