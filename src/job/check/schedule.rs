//! `schedule:`.

use chrono::TimeDelta;
use chrono_tz::Tz;

use super::super::cron;
use super::super::spec_schedule::{CatchupSpec, ScheduleSpec};
use super::super::{Catchup, Schedule};
use super::{Context, delta};
use crate::config::Checker;

/// More missed periods are a backfill, which a person starts.
pub const MOST_CAUGHT_UP: u32 = 400;

const RETRY: TimeDelta = TimeDelta::minutes(15);
const LEAST_RETRY: TimeDelta = TimeDelta::minutes(1);

pub(super) fn schedule(
    spec: &ScheduleSpec,
    job: &str,
    zone: Option<Tz>,
    context: Context<'_>,
    checker: &mut Checker<'_>,
) -> Option<Schedule> {
    let parsed = cron::parse(&spec.cron);
    let cron = checker.keep("schedule/cron", parsed).map(|_| spec.cron.clone());
    let zone = match &spec.timezone {
        Some(name) => checker.zone("schedule/timezone", name),
        None => zone,
    };
    let calendar = match &spec.calendar {
        Some(name) => checker.keep("schedule/calendar", context.calendars.get(name)).map(Some),
        None => Some(None),
    };
    let retry = match &spec.retry {
        Some(text) => delta("schedule/retry", text, checker).filter(|retry| {
            let enough = *retry >= LEAST_RETRY;
            if !enough {
                checker.problem("schedule/retry", format!("`{text}` is too short; expected 1m or more"));
            }
            enough
        }),
        None => Some(RETRY),
    };
    if let Some(index) = spec.after.iter().position(|name| name == job) {
        checker.problem(&format!("schedule/after/{index}"), "a job cannot wait for itself");
    }
    Some(Schedule {
        cron: cron?,
        zone: zone?,
        calendar: calendar?,
        catchup: catchup(spec.catchup),
        after: spec.after.clone(),
        retry: retry?,
    })
}

/// The schema says how many are too many.
const fn catchup(spec: Option<CatchupSpec>) -> Catchup {
    match spec {
        Some(CatchupSpec::None) => Catchup::None,
        None | Some(CatchupSpec::Latest | CatchupSpec::Missing(0)) => Catchup::Latest,
        Some(CatchupSpec::Missing(periods)) => Catchup::Missing(periods),
    }
}
