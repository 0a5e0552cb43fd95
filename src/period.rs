//! A period: the label of the data, and the half-open interval it stands for in the job's zone.

mod resolve;

use chrono::{
    DateTime, Datelike, Days, MappedLocalTime, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc,
};
use chrono_tz::Tz;

use crate::job::Grain;

pub use resolve::{AUTO, Resolver, TooMany, between};

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

/// A label that names no period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    #[error("\"{0}\" is not a day; expected YYYY-MM-DD")]
    NotADay(String),
    #[error("\"{0}\" is not a month; expected YYYY-MM")]
    NotAMonth(String),
    #[error("\"{label}\" is a month, but the job's period is a day; expected YYYY-MM-DD, such as {example}")]
    MonthForDay { label: String, example: NaiveDate },
    #[error("\"{label}\" is a day, but the job's period is a month; expected YYYY-MM: {month}")]
    DayForMonth { label: String, month: String },
    #[error("\"{label}\" has no instant in {zone}: clocks were put forward over the whole day")]
    Skipped { label: String, zone: Tz },
}

impl Period {
    /// The period that a label names.
    ///
    /// # Errors
    /// When the label is no day or month of the years 1 to 9999, is of the other grain, or
    /// names a day that the zone skipped (Samoa has none on 2011-12-30).
    pub fn parse(label: &str, grain: Grain, zone: Tz) -> Result<Self, PeriodError> {
        let first_day = match (grain, parse_day(label), parse_month(label)) {
            (Grain::Day, Some(day), _) | (Grain::Month, _, Some(day)) => day,
            (Grain::Day, None, Some(example)) => {
                return Err(PeriodError::MonthForDay { label: label.to_owned(), example });
            }
            (Grain::Month, Some(day), None) => {
                let month = day.format("%Y-%m").to_string();
                return Err(PeriodError::DayForMonth { label: label.to_owned(), month });
            }
            (Grain::Day, None, None) => return Err(PeriodError::NotADay(label.to_owned())),
            (Grain::Month, None, None) => return Err(PeriodError::NotAMonth(label.to_owned())),
        };
        let period = Self::beginning(first_day, grain, zone);
        if period.start == period.end {
            return Err(PeriodError::Skipped { label: label.to_owned(), zone });
        }
        Ok(period)
    }

    /// The period that an instant lies in.
    pub fn containing(instant: DateTime<Utc>, grain: Grain, zone: Tz) -> Self {
        let local = instant.with_timezone(&zone).date_naive();
        let mut period = Self::beginning(first_of(local, grain), grain, zone);
        // Where midnight occurs twice, the hour before the second one still reads as the day
        // before, and belongs to the day that began with the first.
        while instant >= period.end {
            period = period.next();
        }
        period
    }

    /// The last period that is complete at an instant: what `auto` stands for.
    pub fn last_complete(instant: DateTime<Utc>, grain: Grain, zone: Tz) -> Self {
        Self::containing(instant, grain, zone).previous()
    }

    /// The one before; a day that the zone skipped is passed over.
    #[must_use]
    pub fn previous(&self) -> Self {
        let mut first_day = self.first_day;
        loop {
            first_day = match self.grain {
                Grain::Day => first_day - Days::new(1),
                Grain::Month => first_day - Months::new(1),
            };
            let period = Self::beginning(first_day, self.grain, self.zone);
            if period.start < period.end {
                return period;
            }
        }
    }

    /// The one after; a day that the zone skipped is passed over.
    #[must_use]
    pub fn next(&self) -> Self {
        let mut first_day = self.first_day;
        loop {
            first_day = following(first_day, self.grain);
            let period = Self::beginning(first_day, self.grain, self.zone);
            if period.start < period.end {
                return period;
            }
        }
    }

    /// Half open: the start is in, the end is out.
    pub fn contains(&self, instant: DateTime<Utc>) -> bool {
        self.start <= instant && instant < self.end
    }

    fn beginning(first_day: NaiveDate, grain: Grain, zone: Tz) -> Self {
        let label = match grain {
            Grain::Day => first_day.format("%Y-%m-%d").to_string(),
            Grain::Month => first_day.format("%Y-%m").to_string(),
        };
        let start = first_instant(zone, first_day.and_time(NaiveTime::MIN));
        let end = first_instant(zone, following(first_day, grain).and_time(NaiveTime::MIN));
        Self { label, grain, zone, first_day, start, end }
    }
}

impl std::fmt::Display for Period {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.label)
    }
}

/// The first instant at which a zone's clocks show `wall` or later: of a time that occurs twice
/// the first, of a time that is skipped the first one after the gap.
pub fn first_instant(zone: Tz, wall: NaiveDateTime) -> DateTime<Utc> {
    match zone.from_local_datetime(&wall) {
        MappedLocalTime::Single(only) => only.to_utc(),
        MappedLocalTime::Ambiguous(first, second) => first.to_utc().min(second.to_utc()),
        MappedLocalTime::None => end_of_gap(zone, wall),
    }
}

/// Bisects for the instant at which the clocks jump over `wall`.
fn end_of_gap(zone: Tz, wall: NaiveDateTime) -> DateTime<Utc> {
    // No gap is longer than a day, and no offset further from UTC: two days either way enclose it.
    let reached = |second: i64| {
        DateTime::from_timestamp(second, 0).is_some_and(|instant| instant.with_timezone(&zone).naive_local() >= wall)
    };
    let mut before = (wall - TimeDelta::days(2)).and_utc().timestamp();
    let mut after = (wall + TimeDelta::days(2)).and_utc().timestamp();
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        if reached(middle) {
            after = middle;
        } else {
            before = middle;
        }
    }
    DateTime::from_timestamp(after, 0).expect("lies within two days of a valid time")
}

fn first_of(day: NaiveDate, grain: Grain) -> NaiveDate {
    match grain {
        Grain::Day => day,
        Grain::Month => day.with_day(1).expect("every month has a first day"),
    }
}

fn following(first_day: NaiveDate, grain: Grain) -> NaiveDate {
    match grain {
        Grain::Day => first_day + Days::new(1),
        Grain::Month => first_day + Months::new(1),
    }
}

/// `2025-03-19`, a day of the years 1 to 9999; nothing else is one.
pub fn parse_day(label: &str) -> Option<NaiveDate> {
    let [year, month, day] = numbers(label, [4, 2, 2])?;
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day).filter(|_| year > 0)
}

fn parse_month(label: &str) -> Option<NaiveDate> {
    let [year, month] = numbers(label, [4, 2])?;
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, 1).filter(|_| year > 0)
}

/// Exactly `widths.len()` groups of that many digits, joined by hyphens.
fn numbers<const N: usize>(label: &str, widths: [usize; N]) -> Option<[u32; N]> {
    let mut parts = label.split('-');
    let mut found = [0; N];
    for (slot, width) in found.iter_mut().zip(widths) {
        let part = parts.next().filter(|part| part.len() == width && part.bytes().all(|b| b.is_ascii_digit()))?;
        *slot = part.parse().ok()?;
    }
    parts.next().is_none().then_some(found)
}

/// A duration as job files write it: `1d`, `6h`, `30m`, `90s`.
pub fn duration_words(duration: TimeDelta) -> String {
    let seconds = duration.num_seconds();
    for (unit_seconds, unit) in [(86_400, "d"), (3_600, "h"), (60, "m")] {
        if seconds != 0 && seconds % unit_seconds == 0 {
            return format!("{}{unit}", seconds / unit_seconds);
        }
    }
    format!("{seconds}s")
}
