//! When an input has to be there.

use chrono::{DateTime, TimeDelta, Utc};

use crate::calendar::DueDate;
use crate::period::{Period, duration_words};

/// When an input has to be there; a provider's file that was sent later is `file_late`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// So long after the period's end.
    After(TimeDelta),
    /// On a day by a calendar. A job that waits for the input waits until then.
    On(DueDate),
}

impl Due {
    /// The last instant, UTC, that is in time.
    pub fn of(&self, period: &Period) -> DateTime<Utc> {
        match self {
            Self::After(time) => period.end + *time,
            Self::On(date) => date.of(period),
        }
    }

    /// `12h after the period's end (2025-03-20 12:00 UTC)`
    pub fn words(&self, period: &Period) -> String {
        match self {
            Self::After(time) => {
                let deadline = self.of(period).format("%Y-%m-%d %H:%M UTC");
                format!("{} after the period's end ({deadline})", duration_words(*time))
            }
            Self::On(date) => date.words(period),
        }
    }
}

impl std::fmt::Display for Due {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::After(time) => write!(f, "{} after the period's end", duration_words(*time)),
            Self::On(date) => write!(f, "{date}"),
        }
    }
}
