//! When a scheduler starts a job, and what it does about periods that were missed.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

use super::cron;
use crate::calendar::Calendar;

/// When a scheduler starts a job for the last complete period.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Five fields, as written.
    pub cron: String,
    pub zone: Tz,
    /// It fires on business days of this calendar only; none: on every day.
    pub calendar: Option<Arc<Calendar>>,
    pub catchup: Catchup,
    /// Jobs whose periods within the period have to be finished first.
    pub after: Vec<String>,
    /// A run that may go better later is tried again after so long.
    pub retry: TimeDelta,
}

/// What becomes of periods whose time passed while nobody was there to run them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Catchup {
    /// They are left to a person.
    None,
    /// The latest one is run.
    Latest,
    /// So many before the latest one are run as well, the earliest first.
    Missing(u32),
}

impl Catchup {
    /// How many periods before the latest one are looked at.
    pub const fn reach(self) -> u32 {
        match self {
            Self::None | Self::Latest => 0,
            Self::Missing(periods) => periods,
        }
    }
}

impl Schedule {
    /// The first instant after `after` at which it fires; none within what the calendar of the `cron` crate knows (it
    /// ends with 2100).
    pub fn next_fire(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let fires = std::iter::successors(cron::next(&self.cron, self.zone, after), |fire| {
            cron::next(&self.cron, self.zone, *fire)
        });
        fires.take(MOST_CLOSED).find(|fire| self.is_open(*fire))
    }

    /// The last instant up to `until` at which it fired.
    pub fn last_fire(&self, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut fire = cron::last(&self.cron, self.zone, until)?;
        for _ in 0..MOST_CLOSED {
            if self.is_open(fire) {
                return Some(fire);
            }
            fire = cron::last(&self.cron, self.zone, fire - TimeDelta::seconds(1))?;
        }
        None
    }

    /// The first day after an instant on which clocks are put forward over a time at which it fires; none where that does
    /// not come to pass within so many times that it fires.
    pub fn first_skipped(&self, after: DateTime<Utc>, fires: usize) -> Option<NaiveDate> {
        let all = std::iter::successors(cron::next(&self.cron, self.zone, after), |fire| {
            cron::next(&self.cron, self.zone, *fire)
        });
        let skipped = all.take(fires).find(|fire| !cron::names(&self.cron, self.zone, *fire))?;
        Some(skipped.with_timezone(&self.zone).date_naive())
    }

    fn is_open(&self, fire: DateTime<Utc>) -> bool {
        let day = fire.with_timezone(&self.zone).date_naive();
        self.calendar.as_ref().is_none_or(|calendar| calendar.is_business_day(day))
    }
}

/// A schedule that fires so often on closed days without an open one between never fires in practice.
const MOST_CLOSED: usize = 100_000;
