//! From a calendar as written to one that is right: every problem at once, with its place.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono::{NaiveDate, Weekday};

use super::spec::{BuiltIn, CalendarSpec};
use super::{Calendar, US_FEDERAL};
use crate::config::Checker;
use crate::period::parse_day;

/// None when the checker holds a problem.
pub(super) fn calendar(spec: &CalendarSpec, path: &Path, digest: &str, checker: &mut Checker<'_>) -> Option<Calendar> {
    name(&spec.calendar, path, checker);
    let weekend = weekend(spec, checker);
    let mut calendar = Calendar {
        name: spec.calendar.clone(),
        digest: Some(digest.to_owned()),
        us_federal: spec.extends == Some(BuiltIn::UsFederal),
        weekend: weekend?,
        holidays: BTreeMap::new(),
        open: BTreeSet::new(),
    };
    holidays(spec, &mut calendar, checker);
    open(spec, &mut calendar, checker);
    Some(calendar)
}

fn name(name: &str, path: &Path, checker: &mut Checker<'_>) {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > 64 || !name.chars().all(good) {
        let message = format!("`{name}` is no name of a calendar; expected 1 to 64 small letters, digits and hyphens");
        checker.problem("calendar", message);
    } else if name == US_FEDERAL {
        let help = format!("give it another name, and `extends: {US_FEDERAL}`");
        checker.problem_with_help("calendar", format!("`{US_FEDERAL}` is built in"), help);
    } else {
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        if stem != *name {
            let message = format!("the calendar is named `{name}`, but its file `{stem}`; expected the same name");
            checker.problem("calendar", message);
        }
    }
}

fn weekend(spec: &CalendarSpec, checker: &mut Checker<'_>) -> Option<Vec<Weekday>> {
    let Some(written) = &spec.weekend else { return Some(vec![Weekday::Sat, Weekday::Sun]) };
    let mut weekend: Vec<Weekday> = Vec::new();
    for (index, day) in written.iter().enumerate() {
        let day = Weekday::from(*day);
        if weekend.contains(&day) {
            checker.problem(&format!("weekend/{index}"), "the weekday is listed twice");
        } else {
            weekend.push(day);
        }
    }
    if weekend.len() == 7 {
        checker.problem("weekend", "every weekday is listed, so no day would be a business day");
        return None;
    }
    Some(weekend)
}

fn holidays(spec: &CalendarSpec, calendar: &mut Calendar, checker: &mut Checker<'_>) {
    for (index, written) in spec.holidays.iter().enumerate() {
        let at = format!("holidays/{index}");
        if written.name.trim().is_empty() {
            checker.problem(&format!("{at}/name"), "the name is empty");
        }
        let Some(day) = day(&format!("{at}/date"), &written.date, checker) else { continue };
        if calendar.holidays.insert(day, written.name.trim().to_owned()).is_some() {
            checker.problem(&format!("{at}/date"), format!("{day} is listed twice"));
        }
    }
}

fn open(spec: &CalendarSpec, calendar: &mut Calendar, checker: &mut Checker<'_>) {
    let mut open = BTreeSet::new();
    for (index, written) in spec.business_days.iter().enumerate() {
        let at = format!("business_days/{index}");
        let Some(day) = day(&at, written, checker) else { continue };
        if calendar.holidays.contains_key(&day) {
            checker.problem(&at, format!("{day} stands under `holidays` too; expected one of them"));
        } else if calendar.is_business_day(day) {
            // Where a part of the file was left out, the day may well be closed there.
            let message = format!("{day} is a business day anyway");
            checker.absent(&at, message, "correct the date, or take it out");
        }
        if !open.insert(day) {
            checker.problem(&at, format!("{day} is listed twice"));
        }
    }
    calendar.open = open;
}

fn day(path: &str, written: &str, checker: &mut Checker<'_>) -> Option<NaiveDate> {
    let day = parse_day(written);
    if day.is_none() {
        checker.problem(path, format!("`{written}` is not a day; expected YYYY-MM-DD"));
    }
    day
}
