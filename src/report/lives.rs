//! The life of breaks in a report: told beside what the comparison found, which depends on the inputs alone.

use std::collections::HashMap;

use chrono::NaiveDate;

use super::facts::{Facts, LifeFacts};
use crate::breaks::age::last_day;
use crate::breaks::life::Standing;
use crate::breaks::{BreakStatus, gates};
use crate::calendar::Calendar;
use crate::job::Gates;

/// Ages as of one day, in the business days of US federal offices (Kard's); each first period is counted once.
#[derive(Debug)]
pub struct Ages {
    calendar: Calendar,
    as_of: NaiveDate,
    known: HashMap<String, i64>,
}

impl Ages {
    pub fn new(as_of: NaiveDate) -> Self {
        Self { calendar: Calendar::us_federal(), as_of, known: HashMap::new() }
    }

    /// Business days from the last day of the first period that had it to that day.
    pub fn of(&mut self, standing: &Standing) -> i64 {
        self.since(&standing.first.period)
    }

    /// Business days from the last day of that period to that day.
    pub fn since(&mut self, period: &str) -> i64 {
        if let Some(age) = self.known.get(period) {
            return *age;
        }
        let days = last_day(period).map_or(0, |last| self.calendar.business_days_between(last, self.as_of));
        let age = i64::try_from(days).unwrap_or(i64::MAX);
        self.known.insert(period.to_owned(), age);
        age
    }
}

/// Gives each break its status and what else is known of it; what is closed counts at no gate any more. `life`: none
/// for what the run finds for the first time.
///
/// `as_of` is the day to which their age is counted: the last of the period.
pub fn tell<'l>(facts: &mut Facts, limits: &Gates, as_of: NaiveDate, life: impl Fn(&str) -> Option<&'l Standing>) {
    let mut ages = Ages::new(as_of);
    facts.lives.clear();
    facts.breaks.set_statuses(|found| {
        let Some(standing) = life(found.id()) else { return BreakStatus::Open };
        let told = LifeFacts {
            owner: standing.owner.clone(),
            first_period: standing.first.period.clone(),
            age_business_days: ages.of(standing),
            comments: standing.comments,
        };
        facts.lives.insert(found.id().to_owned(), told);
        standing.status
    });
    let period = &facts.period.label;
    facts.new_life = Some(LifeFacts {
        owner: None,
        first_period: period.clone(),
        age_business_days: ages.since(period),
        comments: 0,
    });
    facts.gates = gates::check(limits, &facts.breaks);
}

/// Suggestions that a person has accepted are matched like any other, and no longer listed for review.
pub fn accept<'l>(facts: &mut Facts, life: impl Fn(&str) -> Option<&'l Standing>) {
    let is_accepted = |id: &str| life(id).is_some_and(|standing| standing.status == BreakStatus::ForceMatched);
    let (accepted, waiting) =
        std::mem::take(&mut facts.suggestions).into_iter().partition(|pair| is_accepted(&pair.id));
    facts.suggestions = waiting;
    let accepted: Vec<crate::breaks::Suggestion> = accepted;
    for account in &mut facts.statement.rows {
        let rows: u64 = accepted.iter().map(|pair| pair.rows[account.side as usize]).sum();
        account.suggested = account.suggested.saturating_sub(rows);
    }
}
