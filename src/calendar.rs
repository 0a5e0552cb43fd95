//! Business days: which days a bank or an office works, by rule and by list.

mod check;
mod due;
pub mod load;
pub mod spec;
mod us_federal;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{Datelike, NaiveDate, Weekday};

pub use due::DueDate;

use crate::config::did_you_mean;

/// The built-in calendar.
pub const US_FEDERAL: &str = "us-federal";

/// The days on which nothing is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    pub name: String,
    /// SHA-256 of the file's bytes, lower-case hexadecimal; none for a built-in one.
    pub digest: Option<String>,
    /// The federal holidays of the United States are holidays too.
    us_federal: bool,
    /// Fewer than seven.
    weekend: Vec<Weekday>,
    /// Listed holidays and their names.
    holidays: BTreeMap<NaiveDate, String>,
    /// Open nevertheless, whatever else is said of the day.
    open: BTreeSet<NaiveDate>,
}

/// A day that would be a business day if it were no holiday.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holiday {
    pub day: NaiveDate,
    pub name: String,
}

impl Calendar {
    /// Saturdays, Sundays and the legal public holidays of 5 U.S.C. 6103, on the days on which they are observed.
    pub fn us_federal() -> Self {
        Self {
            name: US_FEDERAL.to_owned(),
            digest: None,
            us_federal: true,
            weekend: vec![Weekday::Sat, Weekday::Sun],
            holidays: BTreeMap::new(),
            open: BTreeSet::new(),
        }
    }

    pub fn is_business_day(&self, day: NaiveDate) -> bool {
        self.open.contains(&day) || !(self.weekend.contains(&day.weekday()) || self.is_holiday(day))
    }

    /// The day itself, or the first one after it that is a business day.
    ///
    /// # Panics
    /// When there is none in what a date can express, which is past the year 262,000.
    pub fn next_business_day(&self, on_or_after: NaiveDate) -> NaiveDate {
        on_or_after.iter_days().find(|day| self.is_business_day(*day)).expect("no calendar closes every day for ever")
    }

    /// Business days after `from` up to and with `to`; 0 when `to` is not later.
    pub fn business_days_between(&self, from: NaiveDate, to: NaiveDate) -> u64 {
        let days = from.iter_days().skip(1).take_while(|day| *day <= to);
        days.filter(|day| self.is_business_day(*day)).count() as u64
    }

    /// The holidays of a year that fall on no weekend, in order.
    pub fn holidays(&self, year: i32) -> Vec<Holiday> {
        let first = NaiveDate::from_ymd_opt(year, 1, 1);
        let days = first.into_iter().flat_map(|first| first.iter_days().take_while(|day| day.year() == year));
        days.filter(|day| !self.weekend.contains(&day.weekday()) && !self.open.contains(day))
            .filter_map(|day| Some(Holiday { day, name: self.holiday_name(day)? }))
            .collect()
    }

    fn is_holiday(&self, day: NaiveDate) -> bool {
        self.holidays.contains_key(&day) || (self.us_federal && us_federal::observed(day).is_some())
    }

    fn holiday_name(&self, day: NaiveDate) -> Option<String> {
        let listed = self.holidays.get(&day).cloned();
        listed.or_else(|| if self.us_federal { us_federal::observed(day) } else { None }.map(|found| found.to_string()))
    }
}

/// The calendars that jobs of a project may name.
#[derive(Debug, Clone, Default)]
pub struct Calendars {
    own: BTreeMap<String, Arc<Calendar>>,
    /// Files that are wrong: name → the first problem, with its place.
    wrong: BTreeMap<String, String>,
}

/// A calendar that cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    #[error("unknown calendar `{name}`; {help}")]
    Unknown { name: String, help: String },
    #[error("the calendar `{name}` cannot be used: {problem}")]
    Wrong { name: String, problem: String },
}

impl Calendars {
    /// The calendar of a name, built in or the project's own.
    ///
    /// # Errors
    /// When there is none, or its file is wrong.
    pub fn get(&self, name: &str) -> Result<Arc<Calendar>, CalendarError> {
        if name == US_FEDERAL {
            return Ok(Arc::new(Calendar::us_federal()));
        }
        if let Some(problem) = self.wrong.get(name) {
            return Err(CalendarError::Wrong { name: name.to_owned(), problem: problem.clone() });
        }
        self.own.get(name).cloned().ok_or_else(|| {
            let known: Vec<&str> = std::iter::once(US_FEDERAL).chain(self.own.keys().map(String::as_str)).collect();
            let help = format!("{}; own calendars stand in {}/NAME.yaml", did_you_mean(name, &known), load::FOLDER);
            CalendarError::Unknown { name: name.to_owned(), help }
        })
    }
}
