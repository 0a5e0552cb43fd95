//! The style, the script and the icon of all pages. The style begins with that of `report.html`. Pages name them with a digest of
//! what they hold: browsers keep them for ever, and ask again when a newer program holds others.

use std::sync::LazyLock;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{StatusCode, Uri};
use axum::response::IntoResponse;
use sha2::{Digest, Sha256};

use crate::digest::hex;

const STYLE: &str =
    concat!(include_str!("../../report/html/style.css"), include_str!("pages.css"), include_str!("lists.css"));
const SCRIPT: &str = include_str!("pages.js");
const ICON: &str = include_str!("icon.svg");

/// Digits of a digest that tell one version from another.
const DIGITS: usize = 12;

static STYLE_ADDRESS: LazyLock<String> = LazyLock::new(|| address("/style.css", STYLE));
static SCRIPT_ADDRESS: LazyLock<String> = LazyLock::new(|| address("/script.js", SCRIPT));
static ICON_ADDRESS: LazyLock<String> = LazyLock::new(|| address("/icon.svg", ICON));

/// Where a page finds the style.
pub fn style_address() -> &'static str {
    &STYLE_ADDRESS
}

/// Where a page finds the script.
pub fn script_address() -> &'static str {
    &SCRIPT_ADDRESS
}

/// Where a page finds its icon.
pub fn icon_address() -> &'static str {
    &ICON_ADDRESS
}

fn address(path: &str, text: &str) -> String {
    let digest = hex(&Sha256::digest(text.as_bytes()));
    format!("{path}?v={}", &digest[..DIGITS])
}

pub(super) async fn style(asked: Uri) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, kept(&asked, &STYLE_ADDRESS))], STYLE)
}

pub(super) async fn script(asked: Uri) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8"), (CACHE_CONTROL, kept(&asked, &SCRIPT_ADDRESS))], SCRIPT)
}

pub(super) async fn icon(asked: Uri) -> impl IntoResponse {
    ([(CONTENT_TYPE, "image/svg+xml"), (CACHE_CONTROL, kept(&asked, &ICON_ADDRESS))], ICON)
}

/// Browsers ask for it beside files that are no pages; there is none.
pub(super) async fn no_icon() -> impl IntoResponse {
    (StatusCode::NO_CONTENT, [(CACHE_CONTROL, "public, max-age=86400")])
}

/// How long a browser may keep what it gets at an address: what bears another digest, or none, is asked for again.
fn kept(asked: &Uri, address: &str) -> &'static str {
    let is_ours = asked.path_and_query().is_some_and(|asked| asked.as_str() == address);
    if is_ours { "public, max-age=31536000, immutable" } else { "no-cache" }
}
