//! Where a request comes from and whom it means: our own names, our own pages, our own paths. Pure.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode};

use super::gate::Gate;
use super::refused::Refused;

/// No address of ours is near this.
const MOST_ADDRESS_BYTES: usize = 8 << 10;

/// Whether a request means these pages: by the name of `review: url:`, a name of this machine, or an address. Other
/// names may be those of somebody whose pages speak with whatever answers at this address.
///
/// # Errors
/// With what is told where it does not.
pub fn check_address(gate: &Gate, request: &Request) -> Result<(), Refused> {
    let uri = request.uri();
    let length = uri.path_and_query().map_or(0, |here| here.as_str().len());
    if length > MOST_ADDRESS_BYTES {
        return Err(Refused::new(StatusCode::URI_TOO_LONG, "The address is longer than 8 KiB."));
    }
    let unclear = || Refused::new(StatusCode::BAD_REQUEST, "The request does not say clearly which host it means.");
    let mut hosts = request.headers().get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return Err(unclear()) };
    let host: Authority = host.to_str().ok().and_then(|host| host.parse().ok()).ok_or_else(unclear)?;
    let is_own = |authority: &Authority| is_own_host(gate, authority);
    if is_own(&host) && uri.authority().is_none_or(is_own) {
        return Ok(());
    }
    let words = "These pages are not known by this name. Whoever runs tieout tells their address (`review: url:`).";
    Err(Refused::new(StatusCode::MISDIRECTED_REQUEST, words))
}

fn is_own_host(gate: &Gate, authority: &Authority) -> bool {
    if authority.as_str().contains('@') {
        return false;
    }
    let host = authority.host().trim_end_matches('.').to_ascii_lowercase();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok() || is_public_host(gate, &host)
}

fn is_public_host(gate: &Gate, host: &str) -> bool {
    gate.url.as_ref().and_then(reqwest::Url::host_str).is_some_and(|own| own.eq_ignore_ascii_case(host))
}

/// Whether a form comes from a page of ours, as far as the browser says; what says nothing is no browser of these days,
/// and the form's token is asked for in any case.
pub fn same_origin(gate: &Gate, headers: &HeaderMap) -> bool {
    let mut sites = headers.get_all("sec-fetch-site").iter();
    if sites.any(|site| site != "same-origin") {
        return false;
    }
    let mut origins = headers.get_all(ORIGIN).iter();
    let (origin, more) = (origins.next(), origins.next());
    let Some(origin) = origin else { return true };
    let Some(origin) = origin.to_str().ok().filter(|_| more.is_none()) else { return false };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let is_public = host.parse::<Authority>().is_ok_and(|host| is_public_host(gate, host.host()));
    let plain = !(is_public && gate.is_https()) && origin.eq_ignore_ascii_case(&format!("http://{host}"));
    let own = gate.url.as_ref().map(|url| url.origin().ascii_serialization());
    plain
        || origin.eq_ignore_ascii_case(&format!("https://{host}"))
        || own.is_some_and(|own| own.eq_ignore_ascii_case(origin))
}

/// Whether a browser has come here by a link on a page of somebody else.
pub fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    let says = |name: &str, word: &str| headers.get(name).is_some_and(|value| value == word);
    (says("sec-fetch-site", "cross-site") || says("sec-fetch-site", "same-site")) && says("sec-fetch-mode", "navigate")
}

/// The path where it is one of these pages, else that of the first page: nobody is sent elsewhere, nor out again.
pub fn own_path(path: &str) -> &str {
    let mut bytes = path.bytes();
    let rooted = bytes.next() == Some(b'/') && !matches!(bytes.next(), Some(b'/' | b'\\'));
    let plain = path.len() <= 2_000 && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let door = path.starts_with("/sign-in") || path.starts_with("/sign-out");
    if rooted && plain && !door { path } else { "/" }
}
