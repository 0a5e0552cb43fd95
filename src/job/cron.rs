//! When a schedule fires. The five fields of cron(5), with its numbering of week days, over the
//! `cron` crate, which wants seconds and counts from Sunday = 1.

use std::str::FromStr as _;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::period::first_instant;

const FIELDS: [&str; 5] = ["minute", "hour", "day of month", "month", "day of week"];
const WEEK_DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// An expression that is no cron(5) line, or one that means different things to different crons.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    #[error("\"{expression}\" has {found} fields; expected 5: minute hour day-of-month month day-of-week")]
    Fields { expression: String, found: usize },
    #[error("\"{text}\" is no {field}; expected {expected}")]
    Field { field: &'static str, text: String, expected: &'static str },
    #[error(
        "\"{0}\" restricts the day of month and the day of week, which some crons join by `or`, others by `and`; write `*` for one of them"
    )]
    BothDays(String),
    #[error("\"{0}\" never fires: there is no such day")]
    Never(String),
}

/// Checks an expression and translates it for the crate.
///
/// # Errors
/// When a field is wrong, both days are restricted, or no such day exists.
pub fn parse(expression: &str) -> Result<cron::Schedule, CronError> {
    let fields = expression.split_ascii_whitespace().collect::<Vec<_>>();
    let [minute, hour, day, month, week_day] = fields[..] else {
        return Err(CronError::Fields { expression: expression.to_owned(), found: fields.len() });
    };
    let translated_week_day = week_days(week_day)?;
    // Each field alone first, so that the message can name it.
    let probes = [
        (0, minute, format!("0 {minute} * * * *"), "0 to 59, `*`, `*/5`, `1-5` or a list"),
        (1, hour, format!("0 0 {hour} * * *"), "0 to 23, `*`, `*/5`, `1-5` or a list"),
        (2, day, format!("0 0 0 {day} * *"), "1 to 31, `*`, `*/5`, `1-5` or a list"),
        (3, month, format!("0 0 0 1 {month} *"), "1 to 12, jan to dec, `*`, `*/3`, `1-5` or a list"),
    ];
    for (index, text, probe, expected) in probes {
        let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"*,/-".contains(&b));
        if !plain || cron::Schedule::from_str(&probe).is_err() {
            return Err(CronError::Field { field: FIELDS[index], text: text.to_owned(), expected });
        }
    }
    if !day.starts_with('*') && !week_day.starts_with('*') {
        return Err(CronError::BothDays(expression.to_owned()));
    }
    let schedule = cron::Schedule::from_str(&format!("0 {minute} {hour} {day} {month} {translated_week_day}"))
        .map_err(|_| CronError::Never(expression.to_owned()))?;
    let probe_from = DateTime::UNIX_EPOCH + TimeDelta::days(10_957);
    if schedule.after(&probe_from).next().is_none() {
        return Err(CronError::Never(expression.to_owned()));
    }
    Ok(schedule)
}

/// The first instant after `after` at which the expression fires, or none within the crate's
/// calendar (it ends with 2100) or when the expression is wrong.
///
/// The expression is read on the wall clock of the zone: a time that occurs twice
/// fires at the first, a skipped one at the end of the gap; so a daily job runs once every day.
pub(super) fn next(expression: &str, zone: Tz, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let parsed = parse(expression).ok()?;
    // Wall clocks repeat at most a day: begin early enough to see every candidate.
    let from: NaiveDateTime = wall(zone, after) - TimeDelta::days(1);
    parsed.after(&from.and_utc()).map(|wall| first_instant(zone, wall.naive_utc())).find(|instant| *instant > after)
}

/// The last instant up to `until` at which the expression fired, as [`next`] tells it.
pub(super) fn last(expression: &str, zone: Tz, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let parsed = parse(expression).ok()?;
    // A skipped time fires later than it reads: begin late enough to see every candidate.
    let from: NaiveDateTime = wall(zone, until) + TimeDelta::days(1);
    let before = parsed.after(&from.and_utc()).rev();
    before.map(|wall| first_instant(zone, wall.naive_utc())).find(|instant| *instant <= until)
}

/// Whether the expression names the time that the clocks of a zone show at an instant.
pub(super) fn names(expression: &str, zone: Tz, instant: DateTime<Utc>) -> bool {
    parse(expression).is_ok_and(|parsed| parsed.includes(wall(zone, instant).and_utc()))
}

/// The same expression in words that every cron knows: days of the week as numbers from 0 to 6, months by their first
/// three letters. One that is no expression stays as it is.
pub fn plain(expression: &str) -> String {
    let fields = expression.split_ascii_whitespace().collect::<Vec<_>>();
    let [minute, hour, day, month, week_day] = fields[..] else { return expression.to_owned() };
    let week_day = match week_days(week_day) {
        // Those of the crate count from 1.
        Ok(numbers) if numbers != "*" => {
            let days = numbers.split(',').filter_map(|number| number.parse::<u32>().ok());
            days.map(|number| (number - 1).to_string()).collect::<Vec<_>>().join(",")
        }
        _ => "*".to_owned(),
    };
    format!("{minute} {hour} {day} {} {week_day}", short_names(month))
}

/// Names cut to three letters, in small ones.
fn short_names(field: &str) -> String {
    let mut letters = 0;
    let mut short = String::new();
    for c in field.chars() {
        letters = if c.is_ascii_alphabetic() { letters + 1 } else { 0 };
        if letters <= 3 {
            short.push(c.to_ascii_lowercase());
        }
    }
    short
}

fn wall(zone: Tz, instant: DateTime<Utc>) -> NaiveDateTime {
    instant.with_timezone(&zone).naive_local()
}

/// The set of week days as the crate's numbers, `*` when it is all of them.
fn week_days(field: &str) -> Result<String, CronError> {
    let wrong = || CronError::Field {
        field: FIELDS[4],
        text: field.to_owned(),
        expected: "0 to 7 (0 and 7 are Sunday), sun to sat, `*`, `1-5` or a list",
    };
    let mut chosen = [false; 7];
    for item in field.split(',') {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, step.parse().ok().filter(|step| *step > 0).ok_or_else(wrong)?),
            None => (item, 1),
        };
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (0, 6),
            Some((first, last)) => (week_day(first).ok_or_else(wrong)?, week_day(last).ok_or_else(wrong)?),
            // `2/3` would be another thing to every cron.
            None if item.contains('/') => return Err(wrong()),
            None => week_day(range).map(|day| (day, day)).ok_or_else(wrong)?,
        };
        // A range up to Sunday by name (`fri-sun`) ends with day 7.
        let last = if last < first && last == 0 { 7 } else { last };
        if last < first {
            return Err(wrong());
        }
        for day in (first..=last).step_by(step) {
            chosen[day % 7] = true;
        }
    }
    if chosen.iter().all(|day| *day) {
        return Ok("*".to_owned());
    }
    let numbers = (0..7).filter(|day| chosen[*day]).map(|day| (day + 1).to_string());
    Ok(numbers.collect::<Vec<_>>().join(","))
}

/// 0 to 7, Sunday first.
fn week_day(text: &str) -> Option<usize> {
    if let Some(day) = WEEK_DAYS.iter().position(|name| text.eq_ignore_ascii_case(name)) {
        return Some(day);
    }
    text.parse().ok().filter(|day| *day <= 7 && text.len() == 1)
}
