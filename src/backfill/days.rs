//! The days of months: run before the months that are held against them, and the reason to run a month again.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::plan::{Line, Todo};
use super::range::{self, RangeError};
use crate::job::{Grain, Job};
use crate::journal::{BackfillRecord, Journal, JournalError, Reprocess, RunRecord};
use crate::period::Period;
use crate::pipeline::days_of_month;

/// The job whose days a job's months are held against; none: it closes no months, or holds them against none.
pub fn daily_job(job: &Job) -> Option<&str> {
    job.reconciliation()?.month_end.as_ref()?.dailies.as_deref()
}

/// The days of the months as periods of the daily job, the earliest first.
///
/// # Errors
/// As [`range::resolve`].
///
/// # Panics
/// Without months: a range has at least one.
pub fn periods(months: &[Period], daily: &Job, now: DateTime<Utc>) -> Result<Vec<Period>, RangeError> {
    let labels: Vec<String> = months.iter().flat_map(days_of_month).collect();
    let (first, last) = labels.first().zip(labels.last()).expect("a month has days");
    range::resolve(first, last, Grain::Day, daily.zone, now)
}

/// The daily job's days, as far as a backfill of months has to know of them.
#[derive(Debug, Clone, Default)]
pub struct DaysBefore {
    /// The daily job's name.
    pub job: String,
    /// Those that are to be run before the months; none, once they were.
    pub to_run: BTreeSet<String>,
}

/// When each of the months' days was last run to its end, by label.
///
/// # Errors
/// When the journal cannot be read.
pub async fn finished(
    journal: &Journal,
    daily: &str,
    months: &[Period],
) -> Result<BTreeMap<String, DateTime<Utc>>, JournalError> {
    let labels: Vec<String> = months.iter().flat_map(days_of_month).collect();
    let Some((first, last)) = labels.first().zip(labels.last()) else { return Ok(BTreeMap::new()) };
    let runs = journal.runs_between(daily, first, last).await?;
    let ended = runs.into_iter().filter(|run| run.status.is_finished());
    // In the order in which they were started: the last one counts.
    Ok(ended.filter_map(|run| Some((run.period, run.finished_at?))).collect())
}

/// Has those months run again that were left out, and of which days are run, or were run since. `runs` are those of
/// the months, in the order in which they were started.
pub fn with_newer_days(
    lines: &mut [Line],
    runs: &[RunRecord],
    days: &DaysBefore,
    finished: &BTreeMap<String, DateTime<Utc>>,
) {
    for line in lines.iter_mut().filter(|line| line.todo == Todo::Skip) {
        let last = runs.iter().rev().find(|run| run.period == line.period.label && run.status.is_finished());
        let Some(last) = last else { continue };
        let is_newer = |day: &String| {
            days.to_run.contains(day) || finished.get(day).is_some_and(|ended_at| *ended_at > last.started_at)
        };
        let count = days_of_month(&line.period).iter().filter(|day| is_newer(day)).count();
        if count > 0 {
            line.todo = Todo::Run;
            let what = if count == 1 { "1 of its days".to_owned() } else { format!("{count} of its days") };
            line.why = format!("{}, before {what}", line.why);
        }
    }
}

/// How many days of the months to run were never run to their end.
pub fn without_runs(lines: &[Line], finished: &BTreeMap<String, DateTime<Utc>>) -> usize {
    let to_run = lines.iter().filter(|line| line.is_to_run());
    to_run.flat_map(|line| days_of_month(&line.period)).filter(|day| !finished.contains_key(day)).count()
}

/// Whether a backfill of months that is gone on with has its days behind it: they were tried before it was begun.
///
/// # Errors
/// When the journal cannot be read.
pub async fn are_behind(
    journal: &Journal,
    daily: &str,
    days: &[Period],
    reprocess: Reprocess,
    months: &BackfillRecord,
) -> Result<bool, JournalError> {
    let Some((first, last)) = days.first().zip(days.last()) else { return Ok(true) };
    let of_range = |one: &BackfillRecord| {
        one.from == first.label && one.to == last.label && one.reprocess == reprocess && one.status.is_over()
    };
    let backfills = journal.backfills(Some(daily), MOST_BACKFILLS).await?;
    let latest = backfills.iter().find(|one| of_range(one));
    // Where no day was to be run there is no record of it; what the months miss now came later.
    Ok(latest.is_some_and(|days| days.begun_at <= months.begun_at))
}

/// So far back is looked for the days of a backfill that is gone on with.
const MOST_BACKFILLS: u32 = 1_000;
