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
