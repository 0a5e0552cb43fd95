//! The block `review:` of the project file: where the pages are, and who may do what there.

use std::net::{Ipv4Addr, SocketAddr};

use super::spec_review::ReviewSpec;
use crate::config::Checker;

/// Where the pages are, unless the file says otherwise.
const BIND: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8722);

/// How periods are reviewed on pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewConfig {
    /// Loopback unless the file says otherwise; port 0 is any free one.
    pub bind: SocketAddr,
    /// How people reach the pages, without a slash at the end; none: nothing links to them.
    pub url: Option<String>,
}

impl Default for ReviewConfig {
    fn default() -> Self {
        Self { bind: BIND, url: None }
    }
}

/// The block as checked; every problem is told.
pub(super) fn review(written: &ReviewSpec, checker: &mut Checker<'_>) -> Option<ReviewConfig> {
    let bind = match written.bind.as_deref() {
        None => Some(BIND),
        Some(text) => text.parse().ok().or_else(|| {
            let message = format!("`bind` is `{text}`; expected an address and a port such as 127.0.0.1:8722");
            checker.problem("review/bind", message);
            None
        }),
    };
    let url = match written.url.as_deref() {
        None => Some(None),
        Some(text) if is_plain_address(text) => Some(Some(text.trim_end_matches('/').to_owned())),
        Some(text) => {
            let message =
                format!("`url` is `{text}`; expected how people reach the pages, such as https://tieout.acme.example");
            checker.problem("review/url", message);
            None
        }
    };
    Some(ReviewConfig { bind: bind?, url: url? })
}

/// `http` or `https`, a host, perhaps a path; nothing behind it.
fn is_plain_address(text: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(text) else { return false };
    matches!(url.scheme(), "http" | "https") && url.has_host() && url.query().is_none() && url.fragment().is_none()
}
