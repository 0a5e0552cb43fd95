//! `due:` and `wait_until:` of an input.

use chrono::NaiveTime;
use chrono_tz::Tz;

use super::super::spec_due::{DueDateSpec, DueSpec};
use super::super::spec_wait::WaitSpec;
use super::super::{Due, Grain};
use super::{Context, delta};
use crate::calendar::DueDate;
use crate::config::Checker;

/// What the check of a due date needs of the rest of the job.
#[derive(Debug, Clone, Copy)]
pub(super) struct DueOf {
    pub(super) grain: Grain,
    /// Of the period; none when it is wrong itself.
    pub(super) zone: Option<Tz>,
    /// What the input is instead of a provider's file, in words.
    pub(super) own: Option<&'static str>,
}

pub(super) fn due(
    path: &str,
    written: &DueSpec,
    of: DueOf,
    context: Context<'_>,
    checker: &mut Checker<'_>,
) -> Option<Due> {
    match written {
        DueSpec::After(_) if let Some(own) = of.own => {
            let message =
                format!("`due` counts from the time at which a provider sent the file, and this input is {own}");
            checker.problem(path, message);
            None
        }
        DueSpec::After(text) => delta(path, text, checker).map(Due::After),
        DueSpec::On(date) => due_date(path, date, of, context, checker).map(Due::On),
    }
}

/// `wait_until:` of an input.
pub(super) fn wait(
    path: &str,
    written: &WaitSpec,
    of: DueOf,
    context: Context<'_>,
    checker: &mut Checker<'_>,
) -> Option<DueDate> {
    let text = match written {
        WaitSpec::At(text) => text,
        WaitSpec::On(date) => return due_date(path, date, of, context, checker),
    };
    let time = time(text);
    if time.is_none() {
        let message = format!("`{text}` is no time of day; expected hours and minutes such as \"11:30\"");
        checker.problem(path, message);
    }
    Some(DueDate { day: None, time: time?, zone: of.zone?, calendar: None })
}

fn due_date(
    path: &str,
    written: &DueDateSpec,
    of: DueOf,
    context: Context<'_>,
    checker: &mut Checker<'_>,
) -> Option<DueDate> {
    let fits = written.day.is_none() || of.grain == Grain::Month;
    if !fits {
        let message = "`day` is a day of the month after the period, and this job's period is a day";
        checker.problem_with_help(&format!("{path}/day"), message, "leave it out: the next day is meant");
    }
    let time = time(&written.time);
    if time.is_none() {
        let message = format!("`{}` is no time of day; expected hours and minutes such as \"17:00\"", written.time);
        checker.problem(&format!("{path}/time"), message);
    }
    let zone = match &written.timezone {
        Some(name) => checker.zone(&format!("{path}/timezone"), name),
        None => of.zone,
    };
    let calendar = match &written.calendar {
        Some(name) => checker.keep(&format!("{path}/calendar"), context.calendars.get(name)).map(Some),
        None => Some(None),
    };
    if !fits {
        return None;
    }
    Some(DueDate { day: written.day, time: time?, zone: zone?, calendar: calendar? })
}

/// `17:00`; two digits each.
fn time(written: &str) -> Option<NaiveTime> {
    let (hours, minutes) = written.split_once(':')?;
    let two = |part: &str| {
        let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        if digits { part.parse::<u32>().ok() } else { None }
    };
    NaiveTime::from_hms_opt(two(hours)?, two(minutes)?, 0)
}
