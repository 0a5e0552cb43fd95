//! Which failures are tried again, and after how long: pure, and one table.
//!
//! This is for calls that change nothing (reads, and the token). Effects are retried by the
//! journal alone.

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::config::http::HttpConfig;

/// How one attempt ended, as far as trying again depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// No connection: name not found, refused, TLS failed, connect time-out.
    NotConnected,
    /// No byte for the idle time-out, or not done within the total time-out.
    TimedOut,
    /// The connection broke before the reply was complete.
    Broken,
    /// A reply with 2xx that is a web page: a proxy or a maintenance page speaks.
    WebPage,
    /// A reply with 2xx that cannot be read.
    Unreadable,
    /// The request could not be made at all; no attempt will differ.
    Invalid,
    /// A complete reply with a status other than 2xx.
    Status {
        code: u16,
        /// What `Retry-After` asks for.
        retry_after: Option<Duration>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Retry { wait: Duration },
    GiveUp,
}

/// Says whether the attempt numbered `made` (from 1) is followed by another, and after how long.
///
/// `random` is any number; it moves the wait between half and all of the back-off.
pub fn decide(outcome: Outcome, made: u32, config: &HttpConfig, random: u64) -> Decision {
    if made >= config.attempts || !is_transient(outcome) {
        return Decision::GiveUp;
    }
    let wait = match outcome {
        // The server knows best, up to the cap.
        Outcome::Status { retry_after: Some(asked), .. } => asked.min(config.max_delay),
        _ => back_off(made, config, random),
    };
    Decision::Retry { wait }
}

const fn is_transient(outcome: Outcome) -> bool {
    match outcome {
        Outcome::NotConnected
        | Outcome::TimedOut
        | Outcome::Broken
        | Outcome::WebPage
        | Outcome::Unreadable
        // 501 and 505 say that no attempt will ever succeed.
        | Outcome::Status { code: 408 | 425 | 429 | 500 | 502..=504 | 506..=599, .. } => true,
        Outcome::Invalid | Outcome::Status { .. } => false,
    }
}

/// `first_delay`, doubled for each attempt made, at most `max_delay`; of that between half and all.
fn back_off(made: u32, config: &HttpConfig, random: u64) -> Duration {
    let doublings = made.saturating_sub(1).min(30);
    let full = config.first_delay.saturating_mul(1 << doublings).min(config.max_delay);
    let half = full / 2;
    // Fits: the product over 2^64 is below `half` itself.
    let extra = (half.as_nanos() * u128::from(random)) >> 64;
    half + Duration::from_nanos(u64::try_from(extra).unwrap_or(u64::MAX))
}

/// Reads `Retry-After`: seconds, or an HTTP date measured from the server's own `now`.
pub fn retry_after(value: &str, now: DateTime<Utc>) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // Too many digits for a number is still "very long": the cap takes care of it.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let until = http_date(value)?;
    // A date in the past means: now.
    Some((until - now).to_std().unwrap_or_default())
}

/// Reads a date in any of the three forms of RFC 9110, section 5.6.7.
pub fn http_date(value: &str) -> Option<DateTime<Utc>> {
    ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"]
        .iter()
        .find_map(|pattern| NaiveDateTime::parse_from_str(value.trim(), pattern).ok())
        .map(|naive| naive.and_utc())
}
