//! Reading the journal's rows back. What is read is checked as strictly as what is written.

use std::path::PathBuf;

use chrono::{DateTime, SecondsFormat, Utc};

use super::backfills::{BackfillAttempt, BackfillRecord, BackfillStatus, PeriodEnd, PlannedPeriod, Reprocess};
use super::statement::Row;
use super::{InputRecord, RunRecord, RunStatus, Step, StepRecord};
use crate::effects::{Entry, Standing};
use crate::frames::Side;
use crate::sources::RawFile;

/// A value that no tieout of this version writes.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub(super) what: &'static str,
    pub(super) value: String,
}

impl Unreadable {
    pub(super) fn new(what: &'static str, value: &(impl ToString + ?Sized)) -> Self {
        Self { what, value: value.to_string() }
    }
}

/// RFC 3339, UTC, microseconds.
pub(super) fn time_text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// The integers of databases are signed; no count of ours comes near the end of them.
pub(super) fn count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(super) fn status(name: &str) -> Result<RunStatus, Unreadable> {
    RunStatus::from_name(name).ok_or_else(|| Unreadable::new("the status of a run", name))
}

pub(super) fn step_name(name: &str) -> Result<Step, Unreadable> {
    Step::from_name(name).ok_or_else(|| Unreadable::new("a step", name))
}

pub(super) fn run(row: &Row) -> Result<RunRecord, Unreadable> {
    let attempt: i64 = row.get("attempt");
    Ok(RunRecord {
        id: row.get("id"),
        job: row.get("job"),
        period: row.get("period"),
        attempt: u32::try_from(attempt).map_err(|_| Unreadable::new("an attempt", &attempt))?,
        note: row.get("note"),
        job_sha256: row.get("job_sha256"),
        program_version: row.get("program_version"),
        sandbox: row.get("sandbox"),
        started_at: time(row.get("started_at"))?,
        status: status(row.get("status"))?,
        exit_code: row.get::<Option<i64>, _>("exit_code").map(exit_code).transpose()?,
        breaks: counted(row.get("breaks"))?,
        rows: counted(row.get("rows"))?,
        ties_out: row.get("ties_out"),
        message: row.get("message"),
        finished_at: row.get::<Option<&str>, _>("finished_at").map(time).transpose()?,
        artifacts: row.get("artifacts"),
        started_by: row.get("started_by"),
        lease_epoch: counted(row.get("lease_epoch"))?,
    })
}

pub(super) fn step(row: &Row) -> Result<StepRecord, Unreadable> {
    let detail: &str = row.get("detail");
    Ok(StepRecord {
        step: step_name(row.get("step"))?,
        at: time(row.get("at"))?,
        detail: serde_json::from_str(detail).map_err(|_| Unreadable::new("the detail of a step", detail))?,
    })
}

pub(super) fn input(row: &Row) -> Result<InputRecord, Unreadable> {
    let side: &str = row.get("side");
    let origin: &str = row.get("origin");
    Ok(InputRecord {
        side: Side::ALL
            .into_iter()
            .find(|known| known.name() == side)
            .ok_or_else(|| Unreadable::new("a side", side))?,
        file: RawFile {
            name: row.get("name"),
            origin: serde_json::from_str(origin).map_err(|_| Unreadable::new("the origin of an input", origin))?,
            stored: PathBuf::from(row.get::<String, _>("stored")),
            sha256: row.get("sha256"),
            bytes: counted(row.get("bytes"))?.unwrap_or_default(),
        },
        rows: counted(row.get("rows"))?.unwrap_or_default(),
    })
}

/// A row with `id` and `standing`.
pub(super) fn standing(row: &Row) -> Result<Standing, Unreadable> {
    serde_json::from_str(row.get("standing")).map_err(|_| {
        // The text is long and holds what others wrote; the id is enough to find it.
        Unreadable::new("the standing of an effect", row.get::<&str, _>("id"))
    })
}

/// A row with `sequence` and `entry`.
pub(super) fn entry(row: &Row) -> Result<Entry, Unreadable> {
    serde_json::from_str(row.get("entry"))
        .map_err(|_| Unreadable::new("the entry of the journal", &row.get::<i64, _>("sequence")))
}

pub(super) fn backfill(row: &Row) -> Result<BackfillRecord, Unreadable> {
    let reprocess: &str = row.get("reprocess");
    let (to_run, done) = (whole(row, "to_run"), whole(row, "done"));
    let status = match backfill_status(row.get("status"))? {
        BackfillStatus::Ended if done == to_run => BackfillStatus::Complete,
        status => status,
    };
    Ok(BackfillRecord {
        id: whole(row, "id"),
        job: row.get("job"),
        from: row.get("from_period"),
        to: row.get("to_period"),
        reprocess: Reprocess::from_name(reprocess)
            .ok_or_else(|| Unreadable::new("which periods a backfill runs", reprocess))?,
        begun_at: time(row.get("begun_at"))?,
        begun_by: row.get("begun_by"),
        status,
        attempts: small("an attempt of a backfill", row.get("attempts"))?,
        to_run,
        left_out: whole(row, "left_out"),
        done,
    })
}

pub(super) fn planned_period(row: &Row) -> Result<PlannedPeriod, Unreadable> {
    Ok(PlannedPeriod {
        period: row.get("period"),
        known_attempts: small("a number of attempts", row.get("known_attempts"))?,
        skipped: row.get("skipped"),
    })
}

pub(super) fn backfill_attempt(row: &Row) -> Result<BackfillAttempt, Unreadable> {
    Ok(BackfillAttempt {
        attempt: small("an attempt of a backfill", row.get("attempt"))?,
        begun_at: time(row.get("begun_at"))?,
        begun_by: row.get("begun_by"),
        note: row.get("note"),
        max_parallel: small("a number of periods at once", row.get("max_parallel"))?,
        newest_first: row.get("newest_first"),
        offline: row.get("offline"),
        program_version: row.get("program_version"),
        job_sha256: row.get("job_sha256"),
        status: backfill_status(row.get("status"))?,
        exit_code: row.get::<Option<i64>, _>("exit_code").map(exit_code).transpose()?,
        message: row.get("message"),
        ended_at: row.get::<Option<&str>, _>("ended_at").map(time).transpose()?,
        done: whole(row, "done"),
        found: whole(row, "found"),
        not_done: whole(row, "not_done"),
    })
}

pub(super) fn period_end(row: &Row) -> Result<PeriodEnd, Unreadable> {
    Ok(PeriodEnd {
        attempt: small("an attempt of a backfill", row.get("attempt"))?,
        period: row.get("period"),
        status: status(row.get("status"))?,
        well: row.get("well"),
        found: row.get("found"),
        run: row.get("run"),
        exit_code: exit_code(row.get("exit_code"))?,
        breaks: counted(row.get("breaks"))?,
        message: row.get("message"),
        begun_at: time(row.get("begun_at"))?,
        ended_at: time(row.get("ended_at"))?,
    })
}

fn backfill_status(name: &str) -> Result<BackfillStatus, Unreadable> {
    BackfillStatus::from_name(name).ok_or_else(|| Unreadable::new("the status of a backfill", name))
}

fn exit_code(code: i64) -> Result<u8, Unreadable> {
    u8::try_from(code).map_err(|_| Unreadable::new("an exit code", &code))
}

/// What `count(*)` and numbers given by the database are: never negative.
fn whole(row: &Row, column: &str) -> u64 {
    row.get::<i64, _>(column).unsigned_abs()
}

pub(super) fn small(what: &'static str, value: i64) -> Result<u32, Unreadable> {
    u32::try_from(value).map_err(|_| Unreadable::new(what, &value))
}

pub(super) fn time(text: &str) -> Result<DateTime<Utc>, Unreadable> {
    DateTime::parse_from_rfc3339(text).map(|time| time.with_timezone(&Utc)).map_err(|_| Unreadable::new("a time", text))
}

fn counted(value: Option<i64>) -> Result<Option<u64>, Unreadable> {
    value.map(|value| u64::try_from(value).map_err(|_| Unreadable::new("a count", &value))).transpose()
}
