//! How others are called: time-outs, retries, and addresses that credentials may pass over.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Checker;

/// Time-outs and retries; all are durations such as `10s` but for `attempts`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpSpec {
    /// `10s` when left out.
    #[serde(default)]
    pub connect_timeout: Option<String>,
    /// No byte for this long ends an attempt; `30s` when left out.
    #[serde(default)]
    pub idle_timeout: Option<String>,
    /// One attempt in all; `10m` when left out.
    #[serde(default)]
    pub total_timeout: Option<String>,
    /// Attempts in all, the first one counted; 5 when left out.
    #[serde(default)]
    #[schemars(range(min = 1, max = 20))]
    pub attempts: Option<u32>,
    /// Doubled after each attempt; `500ms` when left out.
    #[serde(default)]
    pub first_delay: Option<String>,
    /// The longest wait between attempts; `60s` when left out.
    #[serde(default)]
    pub max_delay: Option<String>,
}

/// Time-outs and retries of a provider's calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpConfig {
    pub connect_timeout: Duration,
    /// No byte for this long ends the attempt.
    pub idle_timeout: Duration,
    /// One attempt, from connect to the last byte of the reply.
    pub total_timeout: Duration,
    /// Attempts in all, the first one counted.
    pub attempts: u32,
    /// Doubled after each attempt, with jitter, up to `max_delay`.
    pub first_delay: Duration,
    /// Also the cap on a server's `Retry-After`.
    pub max_delay: Duration,
}

impl HttpConfig {
    /// One attempt, which takes no longer than this.
    pub fn once(timeout: Duration) -> Self {
        Self { connect_timeout: timeout, idle_timeout: timeout, total_timeout: timeout, attempts: 1, ..Self::default() }
    }
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(30),
            total_timeout: Duration::from_mins(10),
            attempts: 5,
            first_delay: Duration::from_millis(500),
            max_delay: Duration::from_mins(1),
        }
    }
}

/// `https`, or `http` on this machine; no credentials, query or fragment; without a trailing slash.
pub fn url(path: &str, key: &str, written: &str, checker: &mut Checker<'_>) -> Option<String> {
    // An address may hold a password: none that is wrong is repeated.
    let Ok(url) = reqwest::Url::parse(written) else {
        checker.problem(path, format!("`{key}` is no URL; expected one such as https://rewards-api.getkard.com"));
        return None;
    };
    let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if url.scheme() != "https" && !(url.scheme() == "http" && local) {
        let message =
            format!("`{key}` begins with {}://; expected https://, since credentials pass over it", url.scheme());
        checker.problem(path, message);
        return None;
    }
    if !url.username().is_empty() || url.password().is_some() {
        checker.problem_with_help(
            path,
            format!("`{key}` holds a user name or password; a secret never stands in this file"),
            "use client_id and client_secret",
        );
        return None;
    }
    if url.query().is_some() || url.fragment().is_some() {
        checker.problem(path, format!("`{key}` has a `?` or `#` part; expected an address and a path only"));
        return None;
    }
    Some(written.trim_end_matches('/').to_owned())
}

/// Becomes part of a path or a header.
pub fn identifier(path: &str, key: &str, written: &str, checker: &mut Checker<'_>) -> Option<String> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if written.is_empty() || !written.chars().all(good) || written.chars().all(|c| c == '.') {
        checker.problem(path, format!("`{key}` is `{written}`; expected letters, digits, `-`, `_` and `.`"));
        return None;
    }
    Some(written.to_owned())
}

/// `http:` of a provider.
pub fn http(at: &str, written: Option<&HttpSpec>, checker: &mut Checker<'_>) -> Option<HttpConfig> {
    let mut http = HttpConfig::default();
    let Some(written) = written else { return Some(http) };
    let slots: [(&str, &Option<String>, &mut Duration); 5] = [
        ("connect_timeout", &written.connect_timeout, &mut http.connect_timeout),
        ("idle_timeout", &written.idle_timeout, &mut http.idle_timeout),
        ("total_timeout", &written.total_timeout, &mut http.total_timeout),
        ("first_delay", &written.first_delay, &mut http.first_delay),
        ("max_delay", &written.max_delay, &mut http.max_delay),
    ];
    let mut complete = waits(at, slots, checker);
    if complete && http.first_delay > http.max_delay {
        checker.problem(at, "`first_delay` is longer than `max_delay`");
        complete = false;
    }
    http.attempts = written.attempts.unwrap_or(http.attempts);
    complete.then_some(http)
}

/// Keeps each time that is written below `at`; false where one is none, or zero.
pub fn waits<const N: usize>(
    at: &str,
    slots: [(&str, &Option<String>, &mut Duration); N],
    checker: &mut Checker<'_>,
) -> bool {
    let mut complete = true;
    for (key, text, slot) in slots {
        let Some(text) = text else { continue };
        let path = format!("{at}/{key}");
        match checker.duration(&path, text) {
            Some(duration) if duration.is_zero() => {
                checker.problem(&path, format!("`{key}` is zero; expected a time to wait"));
                complete = false;
            }
            Some(duration) => *slot = duration,
            None => complete = false,
        }
    }
    complete
}
