//! Times in SQL: whole seconds since 1970, UTC. Digits below seconds are left out, which only ever makes a difference
//! where two instants are held against each other, and there `sql` allows for it.

use std::fmt::Write as _;

use chrono::{DateTime, Days, LocalResult, NaiveDate, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use super::plan::Unfit;
use super::text::fits;
use crate::frames::Field;
use crate::job::TimeFormat;
use crate::period::Period;

/// A day that the calendar has: `normalize` refuses all others, so a pattern of digits would not do.
pub(super) const DAY: &str = "(19|20)[0-9][0-9]-(((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01]))|((0[469]|11)-(0[1-9]|[12][0-9]|30))|(02-(0[1-9]|1[0-9]|2[0-8])))|((19|20)(0[48]|[2468][048]|[13579][26])|2000)-02-29";
const TIME: &str = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]";
const FRACTION: &str = "([.][0-9]{1,9})?";
const OFFSET: &str = "(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])";
/// How far from the period local times are understood.
const WINDOW_DAYS: u64 = 400;

/// The seconds of a cell; null where it is null or none of the plain spellings.
///
/// # Errors
/// For a spelling that no SQL is written for.
pub(super) fn seconds(field: Field, format: &TimeFormat, cell: &str, period: &Period) -> Result<String, Unfit> {
    let unfit = |what: &str| Err(Unfit::job(format!("`{}` {what}", field.name())));
    match format {
        TimeFormat::Iso { zone } => Ok(iso(*zone, cell, period)),
        TimeFormat::Pattern { pattern, zone } => {
            let shape = match pattern.as_str() {
                "%Y-%m-%d %H:%M:%S" => format!("({DAY}) {TIME}"),
                "%Y-%m-%dT%H:%M:%S" => format!("({DAY})T{TIME}"),
                "%Y-%m-%d" => format!("({DAY})"),
                _ => return unfit("is written by a pattern of its own"),
            };
            Ok(cases(&[(fits(cell, &shape), local(zone.unwrap_or(Tz::UTC), cell, period))]))
        }
        TimeFormat::EpochSeconds => Ok(cases(&[(fits(cell, "[0-9]{1,10}"), format!("TRY_CAST({cell} AS BIGINT)"))])),
        TimeFormat::EpochMillis => {
            let whole = format!("TRY_CAST(SUBSTRING({cell}, 1, LENGTH({cell}) - 3) AS BIGINT)");
            Ok(cases(&[(fits(cell, "[0-9]{4,13}"), whole)]))
        }
        TimeFormat::ZoneOfRow { .. } => unfit("is in the zone that each row names"),
    }
}

fn cases(cases: &[(String, String)]) -> String {
    let mut sql = "CASE".to_owned();
    for (when, then) in cases {
        let _ = write!(sql, " WHEN {when} THEN {then}");
    }
    sql.push_str(" END");
    sql
}

fn iso(zone: Option<Tz>, cell: &str, period: &Period) -> String {
    let with_offset = fits(cell, &format!("({DAY})[T ]{TIME}{FRACTION}{OFFSET}"));
    let minus = |from: i32, digits: u32| format!("TRY_CAST(SUBSTRING(RIGHT({cell}, 6), {from}, {digits}) AS BIGINT)");
    let shift = format!(
        "CASE WHEN RIGHT({cell}, 1) = 'Z' THEN 0 WHEN SUBSTRING(RIGHT({cell}, 6), 1, 1) = '-' \
         THEN -({hours} * 3600 + {minutes} * 60) ELSE {hours} * 3600 + {minutes} * 60 END",
        hours = minus(2, 2),
        minutes = minus(5, 2),
    );
    let mut known = vec![(with_offset, format!("{} - {shift}", written(cell)))];
    if let Some(zone) = zone {
        let without = fits(cell, &format!("({DAY})([T ]{TIME}{FRACTION})?"));
        known.push((without, local(zone, cell, period)));
    }
    cases(&known)
}

/// The seconds of a date, or of a date and a time of day, as if they were UTC.
fn written(cell: &str) -> String {
    let number = |from: u32| format!("TRY_CAST(SUBSTRING({cell}, {from}, 2) AS BIGINT)");
    format!(
        "(CAST(DATEDIFF(TRY_CAST(SUBSTRING({cell}, 1, 10) AS DATE), CAST('1970-01-01' AS DATE)) AS BIGINT) * 86400 \
         + CASE WHEN LENGTH({cell}) = 10 THEN 0 ELSE {} * 3600 + {} * 60 + {} END)",
        number(12),
        number(15),
        number(18),
    )
}

/// The seconds of a local time. Days on which clocks change are left to `normalize`, and so is what lies far from the
/// period: their offset is null.
fn local(zone: Tz, cell: &str, period: &Period) -> String {
    let day = format!("SUBSTRING({cell}, 1, 10)");
    let mut offset = "CASE".to_owned();
    for (first, last, seconds) in steady(zone, period) {
        let _ = write!(offset, " WHEN {day} BETWEEN '{first}' AND '{last}' THEN {seconds}");
    }
    if offset == "CASE" {
        return "CAST(NULL AS BIGINT)".to_owned();
    }
    format!("{} - {offset} END", written(cell))
}

/// Runs of days around the period on each of which the zone has one offset from beginning to end, in seconds east.
fn steady(zone: Tz, period: &Period) -> Vec<(NaiveDate, NaiveDate, i32)> {
    let middle = period.first_day;
    let (Some(first), Some(last)) =
        (middle.checked_sub_days(Days::new(WINDOW_DAYS)), middle.checked_add_days(Days::new(WINDOW_DAYS)))
    else {
        return Vec::new();
    };
    let mut runs: Vec<(NaiveDate, NaiveDate, i32)> = Vec::new();
    for day in first.iter_days().take_while(|day| *day <= last) {
        let Some(seconds) = offset_of(zone, day) else { continue };
        match runs.last_mut() {
            Some((_, end, known)) if *known == seconds && end.succ_opt() == Some(day) => *end = day,
            _ => runs.push((day, day, seconds)),
        }
    }
    runs
}

/// None where it changes on that day or at one of its ends.
fn offset_of(zone: Tz, day: NaiveDate) -> Option<i32> {
    let midnight = day.and_hms_opt(0, 0, 0)?;
    let mut found = None;
    for quarter in 0..=96 {
        let LocalResult::Single(at) = zone.from_local_datetime(&(midnight + TimeDelta::minutes(15 * quarter))) else {
            return None;
        };
        let seconds = at.offset().fix().local_minus_utc();
        if *found.get_or_insert(seconds) != seconds {
            return None;
        }
    }
    found
}

/// The seconds of an instant that has no smaller part.
///
/// # Errors
/// For one that has.
pub(super) fn whole(instant: DateTime<Utc>) -> Result<i64, Unfit> {
    if instant.timestamp_subsec_nanos() == 0 {
        Ok(instant.timestamp())
    } else {
        Err(Unfit::job("the period does not begin and end with a second"))
    }
}
