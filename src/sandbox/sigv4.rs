//! AWS Signature Version 4 in the query of a URL, as S3 signs uploads and downloads in advance: the signer and the
//! checker. Pure ("Authenticating Requests: Using Query Parameters (AWS Signature Version 4)").

use axum::http::HeaderMap;
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::digest::{hex, sha256};

/// The parameter that holds the signature.
pub const SIGNATURE: &str = "X-Amz-Signature";

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const TIME: &str = "%Y%m%dT%H%M%SZ";
/// "The maximum value is 604800 (seven days)."
const LONGEST_SECONDS: u32 = 604_800;
/// A signature may be dated this far ahead of the checker's clock.
const SKEW: TimeDelta = TimeDelta::minutes(15);

/// Whose signature it is, and for which region of S3.
#[derive(Debug, Clone, Copy)]
pub struct Signer<'a> {
    pub access_key: &'a str,
    pub secret_key: &'a str,
    pub region: &'a str,
}

/// Why a request is not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// There is no signature at all.
    Unsigned,
    /// A parameter is missing, or is not what it should be.
    Parameter(String),
    /// Nobody has this access key.
    UnknownKey(String),
    /// It was good until then.
    Expired { seconds: u32, until: DateTime<Utc> },
    /// It is dated too far ahead.
    NotYet,
    /// An `x-amz-` header came that was not signed.
    HeaderNotSigned(String),
    /// What was signed is not what is asked for. The string that should have been signed.
    Mismatch { string_to_sign: String },
}

/// The path and query of a URL that is good for `seconds` from `at`. Only `host` is signed with it; the path may be
/// percent-encoded or not.
pub fn presign(signer: Signer<'_>, method: &str, host: &str, path: &str, at: DateTime<Utc>, seconds: u32) -> String {
    let scope = scope(&at.format("%Y%m%d").to_string(), signer.region);
    let pairs = [
        ("X-Amz-Algorithm", ALGORITHM.to_owned()),
        ("X-Amz-Credential", format!("{}/{scope}", signer.access_key)),
        ("X-Amz-Date", at.format(TIME).to_string()),
        ("X-Amz-Expires", seconds.to_string()),
        ("X-Amz-SignedHeaders", "host".to_owned()),
    ];
    let query = canonical_query(pairs.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())));
    let headers = format!("host:{host}\n");
    let path = canonical_path(path);
    let to_sign = string_to_sign(&at, &scope, &canonical_request(method, &path, &query, &headers, "host"));
    let signature = signature(signer, &at, &to_sign);
    format!("{path}?{query}&{SIGNATURE}={signature}")
}

/// Whether a request is signed as it should be, and its URL not expired at `now`. Path and query as they came.
///
/// # Errors
/// The first reason not to let it in.
pub fn check(
    signer: Signer<'_>,
    method: &str,
    path: &str,
    query: &str,
    headers: &HeaderMap,
    now: DateTime<Utc>,
) -> Result<(), Refused> {
    let pairs: Vec<(Vec<u8>, Vec<u8>)> = query.split('&').filter(|pair| !pair.is_empty()).map(decoded_pair).collect();
    let value = |name: &str| {
        let found = pairs.iter().find(|(found, _)| found == name.as_bytes());
        found.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    };
    let given = value(SIGNATURE).ok_or(Refused::Unsigned)?;
    let needed = |name: &str| value(name).ok_or_else(|| Refused::Parameter(format!("{name} is missing")));
    if needed("X-Amz-Algorithm")? != ALGORITHM {
        return Err(Refused::Parameter(format!("X-Amz-Algorithm only supports \"{ALGORITHM}\"")));
    }
    let (at, seconds) = validity(&needed("X-Amz-Date")?, &needed("X-Amz-Expires")?, now)?;
    let scope = scope(&at.format("%Y%m%d").to_string(), signer.region);
    match needed("X-Amz-Credential")?.split_once('/') {
        Some((key, _)) if key != signer.access_key => return Err(Refused::UnknownKey(key.to_owned())),
        Some((_, found)) if found == scope => {}
        _ => return Err(Refused::Parameter(format!("X-Amz-Credential must be for the scope {scope}"))),
    }
    let names = needed("X-Amz-SignedHeaders")?;
    let signed_headers = signed_headers(&names, headers)?;
    let unsigned = pairs.iter().filter(|(name, _)| name != SIGNATURE.as_bytes());
    let query = canonical_query(unsigned.map(|(name, value)| (name.as_slice(), value.as_slice())));
    let request = canonical_request(method, &canonical_path(path), &query, &signed_headers, &names);
    let to_sign = string_to_sign(&at, &scope, &request);
    // Compared as text: nothing is protected here that timing could give away.
    if signature(signer, &at, &to_sign) != given {
        return Err(Refused::Mismatch { string_to_sign: to_sign });
    }
    let until = at + TimeDelta::seconds(seconds.into());
    if until <= now { Err(Refused::Expired { seconds, until }) } else { Ok(()) }
}

/// From when and for how many seconds a URL is good. Whether it still is, is asked when all else is right.
fn validity(date: &str, expires: &str, now: DateTime<Utc>) -> Result<(DateTime<Utc>, u32), Refused> {
    let at = NaiveDateTime::parse_from_str(date, TIME)
        .map_err(|_| {
            Refused::Parameter("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"".into())
        })?
        .and_utc();
    let seconds = expires.parse::<u32>().ok().filter(|seconds| (1..=LONGEST_SECONDS).contains(seconds));
    let seconds =
        seconds.ok_or_else(|| Refused::Parameter(format!("X-Amz-Expires must be from 1 to {LONGEST_SECONDS}")))?;
    if at > now + SKEW { Err(Refused::NotYet) } else { Ok((at, seconds)) }
}

/// The signed headers as they are signed; `host` is one of them, and so is every `x-amz-` header that came.
fn signed_headers(names: &str, headers: &HeaderMap) -> Result<String, Refused> {
    let signed: Vec<&str> = names.split(';').collect();
    if !signed.contains(&"host") {
        return Err(Refused::Parameter("X-Amz-SignedHeaders must name host".to_owned()));
    }
    let came = headers.keys().map(axum::http::HeaderName::as_str).filter(|name| name.starts_with("x-amz-"));
    if let Some(name) = came.into_iter().find(|name| !signed.contains(name)) {
        return Err(Refused::HeaderNotSigned(name.to_owned()));
    }
    let line = |name: &&str| {
        let values = headers.get_all(*name).iter().map(|value| trimmed(&String::from_utf8_lossy(value.as_bytes())));
        format!("{name}:{}\n", values.collect::<Vec<_>>().join(","))
    };
    Ok(signed.iter().map(line).collect())
}

/// Without blanks at the ends, and with one where there were several.
fn trimmed(value: &str) -> String {
    value.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

fn canonical_request(method: &str, path: &str, query: &str, headers: &str, names: &str) -> String {
    format!("{method}\n{path}\n{query}\n{headers}\n{names}\nUNSIGNED-PAYLOAD")
}

fn string_to_sign(at: &DateTime<Utc>, scope: &str, canonical_request: &str) -> String {
    format!("{ALGORITHM}\n{}\n{scope}\n{}", at.format(TIME), sha256(canonical_request.as_bytes()))
}

fn scope(day: &str, region: &str) -> String {
    format!("{day}/{region}/s3/aws4_request")
}

fn signature(signer: Signer<'_>, at: &DateTime<Utc>, string_to_sign: &str) -> String {
    let day = at.format("%Y%m%d").to_string();
    let first = format!("AWS4{}", signer.secret_key).into_bytes();
    let steps = [day.as_str(), signer.region, "s3", "aws4_request", string_to_sign];
    hex(&steps.into_iter().fold(first, |key, text| keyed(&key, text)))
}

fn keyed(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// Names and values encoded, then in order.
fn canonical_query<'a>(pairs: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> String {
    let mut pairs: Vec<_> = pairs.map(|(name, value)| (encoded(name, false), encoded(value, false))).collect();
    pairs.sort_unstable();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// The path as S3 signs it: each segment encoded once, however it was written.
pub(super) fn canonical_path(path: &str) -> String {
    encoded(&decoded(path), true)
}

fn decoded_pair(pair: &str) -> (Vec<u8>, Vec<u8>) {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    (decoded(name), decoded(value))
}

/// Percent-encoding taken off; what is no such encoding stays as it is.
fn decoded(text: &str) -> Vec<u8> {
    let digit = |at: usize| text.as_bytes().get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let (mut bytes, mut at) = (Vec::with_capacity(text.len()), 0);
    while let Some(byte) = text.as_bytes().get(at) {
        if let (b'%', Some(high), Some(low)) = (byte, digit(at + 1), digit(at + 2)) {
            bytes.extend(u8::try_from(high << 4 | low));
            at += 3;
        } else {
            bytes.push(*byte);
            at += 1;
        }
    }
    bytes
}

/// `UriEncode`: all but letters, digits and `-._~`; slashes stay where they separate the segments of a path.
fn encoded(bytes: &[u8], slashes: bool) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len()), |mut text, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => text.push(char::from(*byte)),
            b'/' if slashes => text.push('/'),
            _ => {
                let _ = write!(text, "%{byte:02X}");
            }
        }
        text
    })
}
