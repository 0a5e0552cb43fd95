//! How many calls a provider still takes, by what the headers of its replies say: known before a call is one too many.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::HeaderMap;

use super::server_date;

/// A reset is waited for a little longer: clocks are not exact, and `Date` has whole seconds.
const AFTER_RESET: TimeDelta = TimeDelta::milliseconds(500);

/// The names of a provider's headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitHeaders {
    /// Calls in a window, such as `X-RateLimit-Limit`.
    pub limit: String,
    /// Calls that are left in it.
    pub remaining: String,
    /// When it ends: seconds since 1970.
    pub reset: String,
}

impl Default for LimitHeaders {
    fn default() -> Self {
        Self {
            limit: "x-ratelimit-limit".to_owned(),
            remaining: "x-ratelimit-remaining".to_owned(),
            reset: "x-ratelimit-reset".to_owned(),
        }
    }
}

/// What is known of the present window.
#[derive(Debug)]
pub struct Limits {
    headers: LimitHeaders,
    /// A window that ends later than this is not waited for.
    patience: Duration,
    window: Mutex<Window>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Window {
    limit: Option<u64>,
    /// As the last reply says, less what was begun since; none: nothing is known.
    remaining: Option<u64>,
    /// By our clock.
    ends_at: Option<DateTime<Utc>>,
}

/// Whether a call may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// It is counted as made.
    Go,
    Wait(Duration),
    /// Longer than anyone waits.
    NotBefore(DateTime<Utc>),
}

impl Limits {
    /// Nothing is known yet: the first call goes.
    pub fn new(headers: LimitHeaders, patience: Duration) -> Self {
        Self { headers, patience, window: Mutex::default() }
    }

    /// Takes in what a reply says. Replies may come in another order than they were made: of one window the smallest
    /// number counts.
    pub fn note(&self, headers: &HeaderMap, now: DateTime<Utc>) {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
        let Some(remaining) = number(&self.headers.remaining) else { return };
        let reset = number(&self.headers.reset).and_then(|reset| i64::try_from(reset).ok());
        let reset = reset.and_then(|reset| DateTime::from_timestamp(reset, 0));
        // By the server's clock, of which ours may be off.
        let ahead = server_date(headers).map_or_else(TimeDelta::zero, |date| date - now);
        let ends_at = reset.map(|reset| if ahead.abs() > TimeDelta::seconds(2) { reset - ahead } else { reset });
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let same = window.ends_at.zip(ends_at).is_some_and(|(one, other)| (one - other).abs() <= TimeDelta::seconds(2));
        let remaining = match window.remaining {
            Some(known) if same => known.min(remaining),
            _ => remaining,
        };
        *window = Window { limit: number(&self.headers.limit).or(window.limit), remaining: Some(remaining), ends_at };
    }

    /// Asks whether a call may be made now.
    pub fn take(&self, now: DateTime<Utc>) -> Room {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let over = window.ends_at.is_none_or(|ends_at| now >= ends_at + AFTER_RESET);
        match window.remaining {
            Some(0) if !over => {
                let ends_at = window.ends_at.unwrap_or(now) + AFTER_RESET;
                let wait = (ends_at - now).to_std().unwrap_or_default();
                if wait > self.patience { Room::NotBefore(ends_at) } else { Room::Wait(wait) }
            }
            Some(0) => {
                // A new window: as large as the last one, until a reply says more.
                *window =
                    Window { remaining: window.limit.map(|limit| limit.saturating_sub(1)), ends_at: None, ..*window };
                Room::Go
            }
            Some(remaining) => {
                window.remaining = Some(remaining - 1);
                Room::Go
            }
            None => Room::Go,
        }
    }
}
