//! The style and the script of all pages. The style begins with that of `report.html`. Pages name them with a digest of
//! what they hold: browsers keep them for ever, and ask again when a newer program holds others.

use std::sync::LazyLock;

use axum::http::Uri;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use sha2::{Digest, Sha256};

use crate::digest::hex;

const STYLE: &str =
    concat!(include_str!("../../report/html/style.css"), include_str!("pages.css"), include_str!("lists.css"));
const SCRIPT: &str = include_str!("pages.js");

/// Digits of a digest that tell one version from another.
const DIGITS: usize = 12;

static STYLE_ADDRESS: LazyLock<String> = LazyLock::new(|| address("/style.css", STYLE));
static SCRIPT_ADDRESS: LazyLock<String> = LazyLock::new(|| address("/script.js", SCRIPT));

/// Where a page finds the style.
pub fn style_address() -> &'static str {
    &STYLE_ADDRESS
}

/// Where a page finds the script.
pub fn script_address() -> &'static str {
    &SCRIPT_ADDRESS
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

/// How long a browser may keep what it gets at an address: what bears another digest, or none, is asked for again.
fn kept(asked: &Uri, address: &str) -> &'static str {
    let is_ours = asked.path_and_query().is_some_and(|asked| asked.as_str() == address);
    if is_ours { "public, max-age=31536000, immutable" } else { "no-cache" }
}
