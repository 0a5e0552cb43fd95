//! How many calls a provider still takes, by what the headers of its replies say: known before a call is one too many.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::HeaderMap;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::server_date;

/// A reset is waited for a little longer: clocks are not exact, and `Date` has whole seconds.
const AFTER_RESET: TimeDelta = TimeDelta::milliseconds(500);
/// Two replies of one window tell its end no further apart than this, and clocks that differ by less are the same.
const SKEW: TimeDelta = TimeDelta::seconds(2);
/// How long an answer is waited for where nothing says when the window ends.
const UNTOLD: Duration = Duration::from_secs(1);

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
    /// Calls of every window that are left alone, for those who do not ask.
    reserve: u64,
    window: Mutex<Window>,
    answered: Notify,
}

#[derive(Debug, Clone, Copy, Default)]
struct Window {
    limit: Option<u64>,
    /// The smallest number that a reply has told; none: nothing is known.
    remaining: Option<u64>,
    /// By our clock; none: no reply of this window has come yet.
    ends_at: Option<DateTime<Utc>>,
    /// Calls without an answer: none, some or all of them may be in what replies tell.
    in_flight: u64,
}

/// Whether a call may be made.
#[derive(Debug)]
pub enum Room<'a> {
    /// It is counted as made.
    Go(Call<'a>),
    /// Until the window ends.
    Wait(Duration),
    /// All that is left is on its way; until one of these calls is answered, or the window ends.
    Answer(Duration),
    /// Longer than anyone waits.
    NotBefore(DateTime<Utc>),
}

/// A call that is on its way, until this is dropped.
#[derive(Debug)]
pub struct Call<'a>(&'a Limits);

impl Drop for Call<'_> {
    fn drop(&mut self) {
        let mut window = self.0.known();
        window.in_flight = window.in_flight.saturating_sub(1);
        drop(window);
        self.0.answered.notify_waiters();
    }
}

impl Limits {
    /// Nothing is known yet: the first calls go.
    pub fn new(headers: LimitHeaders, patience: Duration) -> Self {
        Self { headers, patience, reserve: 0, window: Mutex::default(), answered: Notify::new() }
    }

    /// Leaves so many calls of every window to those who do not ask: a log-out must not wait for the next one.
    #[must_use]
    pub fn reserving(self, reserve: u64) -> Self {
        Self { reserve, ..self }
    }

    fn known(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends when a call that is on its way now has its answer.
    pub fn answered(&self) -> Notified<'_> {
        self.answered.notified()
    }

    /// Takes in what a reply says. Replies may come in another order than they were made: of one window the smallest
    /// number counts, and what a window says that is over counts no longer.
    pub fn note(&self, headers: &HeaderMap, now: DateTime<Utc>) {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
        let Some(remaining) = number(&self.headers.remaining) else { return };
        let reset = number(&self.headers.reset).and_then(|reset| i64::try_from(reset).ok());
        let reset = reset.and_then(|reset| DateTime::from_timestamp(reset, 0));
        // By the server's clock, of which ours may be off.
        let ahead = server_date(headers).map_or_else(TimeDelta::zero, |date| date - now);
        let ends_at = reset.map(|reset| if ahead.abs() > SKEW { reset - ahead } else { reset });
        let mut window = self.known();
        window.limit = number(&self.headers.limit).or(window.limit);
        if ends_at.is_some_and(|ends_at| now >= ends_at + AFTER_RESET) {
            return;
        }
        let apart = window.ends_at.zip(ends_at).map(|(known, told)| told - known);
        if apart.is_some_and(|apart| apart <= -SKEW) {
            return;
        }
        let same = apart.is_some_and(|apart| apart < SKEW);
        let remaining = match window.remaining {
            Some(known) if same => known.min(remaining),
            _ => remaining,
        };
        *window = Window { remaining: Some(remaining), ends_at, ..*window };
    }

    /// Asks whether a call may be made now.
    pub fn take(&self, now: DateTime<Utc>) -> Room<'_> {
        let mut window = self.known();
        if window.ends_at.is_some_and(|ends_at| now >= ends_at + AFTER_RESET) {
            // A new window: as large as the last one, until a reply says more.
            *window = Window { remaining: window.limit, ends_at: None, ..*window };
        }
        let room = window.remaining.map(|remaining| remaining.saturating_sub(self.reserve));
        // Where no reply says when the window ends, waiting would have no end either.
        let until = window.ends_at.map(|ends_at| ends_at + AFTER_RESET);
        let wait = until.map(|until| (until - now).to_std().unwrap_or_default());
        match (room, until.zip(wait)) {
            (Some(0), Some((until, wait))) if wait > self.patience => Room::NotBefore(until),
            (Some(0), Some((_, wait))) => Room::Wait(wait),
            (Some(room), Some((_, wait))) if room <= window.in_flight => Room::Answer(wait),
            // Before the first reply of a window, no more than it may have.
            (Some(room), None) if room > 0 && room <= window.in_flight => Room::Answer(UNTOLD),
            _ => {
                window.in_flight += 1;
                drop(window);
                Room::Go(Call(self))
            }
        }
    }
}
