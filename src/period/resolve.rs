//! From what is asked for to periods: the one way for runs by hand, by a schedule, again, and by the range.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{Period, PeriodError};
use crate::job::{Grain, Job};

/// What stands for the last complete period.
pub const AUTO: &str = "auto";

/// Resolves what is asked of a job at one instant: the time at which a scheduler wanted it, else now.
#[derive(Debug, Clone, Copy)]
pub struct Resolver {
    pub grain: Grain,
    pub zone: Tz,
    pub at: DateTime<Utc>,
}

impl Resolver {
    pub const fn of(job: &Job, at: DateTime<Utc>) -> Self {
        Self { grain: job.grain, zone: job.zone, at }
    }

    /// The period that a person or a scheduler asks for: a label, or `auto` for the last one that is complete.
    ///
    /// # Errors
    /// When a label names no period of the job.
    pub fn resolve(self, asked: &str) -> Result<Period, PeriodError> {
        if asked == AUTO { Ok(self.last()) } else { self.named(asked) }
    }

    /// The period of a label.
    ///
    /// # Errors
    /// As [`Self::resolve`].
    pub fn named(self, label: &str) -> Result<Period, PeriodError> {
        Period::parse(label, self.grain, self.zone)
    }

    /// The last period that is complete.
    pub fn last(self) -> Period {
        Period::last_complete(self.at, self.grain, self.zone)
    }

    /// The last complete period and so many before it, the earliest first: what a schedule with `catchup` asks for.
    pub fn last_and_before(self, before: u32) -> Vec<Period> {
        let back = std::iter::successors(Some(self.last()), |period| Some(period.previous()));
        let mut periods: Vec<Period> = back.take(before as usize + 1).collect();
        periods.reverse();
        periods
    }

    /// The periods whose calendar days lie within those of a period of another job, the earliest first: zones may differ.
    pub fn within(self, outer: &Period) -> Vec<Period> {
        let (first, end) = (outer.first_day, outer.next().first_day);
        let begin = Period::containing(outer.start, self.grain, self.zone).previous();
        let all = std::iter::successors(Some(begin), |period| Some(period.next()));
        all.take_while(|inner| inner.first_day < end).filter(|inner| inner.first_day >= first).collect()
    }
}

/// The periods from one to another, both in, the earliest first; a day that the zone skipped is passed over. Empty where
/// the first lies after the last.
///
/// # Errors
/// When there are more than `most`.
pub fn between(from: &Period, to: &Period, most: usize) -> Result<Vec<Period>, TooMany> {
    let mut periods = Vec::new();
    let mut next = from.clone();
    while next.start <= to.start {
        if periods.len() == most {
            return Err(TooMany { last: periods.pop().unwrap_or(next) });
        }
        let following = next.next();
        periods.push(std::mem::replace(&mut next, following));
    }
    Ok(periods)
}

/// A range of more periods than are allowed: the last one that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TooMany {
    pub last: Period,
}
