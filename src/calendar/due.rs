//! Until when something has to be there: a day by a calendar, and a time of that day in a zone.

use std::sync::Arc;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;

use super::Calendar;
use crate::period::{Period, first_instant};

/// The same rule for every period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueDate {
    /// The day (1 to 28) of the month after the period's last day; none: the day after the period's last one.
    pub day: Option<u32>,
    /// On the clocks of `zone`.
    pub time: NaiveTime,
    pub zone: Tz,
    /// Moves a day that is no business day to the next one; none: every day will do.
    pub calendar: Option<Arc<Calendar>>,
}

impl DueDate {
    /// The day on which a period's file is due.
    ///
    /// # Panics
    /// When the period lies beyond the years that a date can express.
    pub fn day_of(&self, period: &Period) -> NaiveDate {
        let after = period.next().first_day;
        let written = match self.day {
            None => after,
            Some(day) => {
                let last = after - Days::new(1);
                let next_month = last + chrono::Months::new(1);
                next_month.with_day(day).expect("every month has the days 1 to 28")
            }
        };
        self.calendar.as_ref().map_or(written, |calendar| calendar.next_business_day(written))
    }

    /// The instant, UTC, until which a period's file is in time. Of a time that the clocks show twice on that day it
    /// is the first, of one that they skip the first one after the gap.
    ///
    /// # Panics
    /// As [`Self::day_of`].
    pub fn of(&self, period: &Period) -> DateTime<Utc> {
        first_instant(self.zone, self.day_of(period).and_time(self.time))
    }

    /// `2025-04-15 17:00 America/New_York (2025-04-15 21:00 UTC)`
    ///
    /// # Panics
    /// As [`Self::day_of`].
    pub fn words(&self, period: &Period) -> String {
        let (day, time) = (self.day_of(period), self.time.format("%H:%M"));
        let utc = self.of(period).format("%Y-%m-%d %H:%M UTC");
        if self.zone == Tz::UTC { utc.to_string() } else { format!("{day} {time} {} ({utc})", self.zone.name()) }
    }
}

/// `day 15 of the next month at 17:00 America/New_York, or the next business day of us-federal`
impl std::fmt::Display for DueDate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.day {
            Some(day) => write!(f, "day {day} of the next month")?,
            None => f.write_str("the next day")?,
        }
        write!(f, " at {} {}", self.time.format("%H:%M"), self.zone.name())?;
        let Some(calendar) = &self.calendar else { return Ok(()) };
        write!(f, ", or the next business day of {}", calendar.name)?;
        match &calendar.digest {
            Some(digest) => write!(f, " (sha256 {}…)", digest.get(..12).unwrap_or(digest)),
            None => Ok(()),
        }
    }
}
