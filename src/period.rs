//! A period: the label of the data, and the half-open interval it stands for in the job's zone.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::job::Grain;

/// A day or a month of data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// `2025-03-19` or `2025-03`.
    pub label: String,
    pub grain: Grain,
    pub zone: Tz,
    /// The first calendar day.
    pub first_day: NaiveDate,
    /// UTC; the first instant that is in.
    pub start: DateTime<Utc>,
    /// UTC; the first instant that is out.
    pub end: DateTime<Utc>,
}

/// A duration as job files write it: `1d`, `6h`, `30m`, `90s`.
pub fn duration_words(duration: chrono::TimeDelta) -> String {
    let seconds = duration.num_seconds();
    for (unit_seconds, unit) in [(86_400, "d"), (3_600, "h"), (60, "m")] {
        if seconds != 0 && seconds % unit_seconds == 0 {
            return format!("{}{unit}", seconds / unit_seconds);
        }
    }
    format!("{seconds}s")
}
