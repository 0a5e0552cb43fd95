//! Backfills as the journal keeps them: what a range of periods resolved to, and what each attempt did about it.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::link::{Connection, Mode};
use super::rows::{self, time_text};
use super::statement::{Statement, query};
use super::turn::Done;
use super::{Journal, JournalError, RunRecord, RunStatus, kill};
use crate::exit::ExitCode;

/// The point of the crash tests: the end of a period in a backfill.
const END_OF_PERIOD: &str = "backfill";

/// Which periods of a range are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reprocess {
    /// Those without a finished run that left nothing unsent.
    Missing,
    /// Those that were tried, and whose last run did not end well.
    Failed,
    /// Every one.
    All,
}

impl Reprocess {
    pub const ALL: [Self; 3] = [Self::Missing, Self::Failed, Self::All];

    /// The name in the journal and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Failed => "failed",
            Self::All => "all",
        }
    }

    /// The choice of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| choice.name() == name)
    }
}

/// Where a backfill, or one attempt of it, stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BackfillStatus {
    /// Going on, or its process is gone and nobody has noticed yet.
    Running,
    /// Its process went away.
    Killed,
    /// It ended by itself before all periods were tried.
    Stopped,
    /// Every period has been tried, and not all have ended well.
    Ended,
    /// Every period has ended well. Of a backfill: an attempt is `ended` then, too.
    Complete,
}

impl BackfillStatus {
    pub const ALL: [Self; 5] = [Self::Running, Self::Killed, Self::Stopped, Self::Ended, Self::Complete];

    /// The name in the journal and in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Killed => "killed",
            Self::Stopped => "stopped",
            Self::Ended => "ended",
            Self::Complete => "complete",
        }
    }

    /// The status of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// No period waits to be tried.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Ended | Self::Complete)
    }
}

/// A period of a backfill, as resolved when it was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedPeriod {
    /// The label.
    pub period: String,
    /// How many attempts it had then.
    pub known_attempts: u32,
    /// Why it is left out; none: it is to be run.
    pub skipped: Option<String>,
}

/// A backfill that is about to begin.
#[derive(Debug, Clone)]
pub struct NewBackfill {
    pub job: String,
    /// Labels of the first and of the last period; both are in.
    pub from: String,
    pub to: String,
    pub reprocess: Reprocess,
    pub begun_at: DateTime<Utc>,
    pub begun_by: String,
    /// Every period of the range, the earliest first.
    pub periods: Vec<PlannedPeriod>,
}

/// A backfill, as far as it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackfillRecord {
    pub id: u64,
    pub job: String,
    pub from: String,
    pub to: String,
    pub reprocess: Reprocess,
    pub begun_at: DateTime<Utc>,
    pub begun_by: String,
    /// That of its last attempt, or complete.
    pub status: BackfillStatus,
    /// Processes that worked on it.
    pub attempts: u32,
    /// Periods of the range that are to be run; the others were left out when it was begun.
    pub to_run: u64,
    pub left_out: u64,
    /// Of those to run: how many have ended well.
    pub done: u64,
}

/// A process that is about to work on a backfill.
#[derive(Debug, Clone)]
pub struct NewBackfillAttempt {
    pub begun_at: DateTime<Utc>,
    pub begun_by: String,
    pub note: Option<String>,
    pub max_parallel: u32,
    pub newest_first: bool,
    pub offline: bool,
    pub program_version: String,
    /// SHA-256 of the job file.
    pub job_sha256: String,
}

/// What a process did about a backfill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackfillAttempt {
    /// Counted from 1 within the backfill.
    pub attempt: u32,
    pub begun_at: DateTime<Utc>,
    pub begun_by: String,
    pub note: Option<String>,
    pub max_parallel: u32,
    pub newest_first: bool,
    pub offline: bool,
    pub program_version: String,
    pub job_sha256: String,
    pub status: BackfillStatus,
    /// None until it has ended by itself; so are both below.
    pub exit_code: Option<u8>,
    /// By what it was stopped.
    pub message: Option<String>,
    pub ended_at: Option<DateTime<Utc>>,
    /// Periods that ended well in it.
    pub done: u64,
    /// Periods that it found done, though not on the backfill's list.
    pub found: u64,
    /// Periods that did not end well in it.
    pub not_done: u64,
}

/// How a period ended in an attempt of a backfill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PeriodEnd {
    /// Of the backfill.
    pub attempt: u32,
    /// The label.
    pub period: String,
    /// Never [`RunStatus::Running`].
    pub status: RunStatus,
    /// As [`RunRecord::ended_well`].
    pub well: bool,
    /// It had ended when the attempt came by.
    pub found: bool,
    /// `JOB/PERIOD/ATTEMPT`; none where it ended before it had a number.
    pub run: Option<String>,
    pub exit_code: u8,
    pub breaks: Option<u64>,
    pub message: Option<String>,
    pub begun_at: DateTime<Utc>,
    pub ended_at: DateTime<Utc>,
}

impl RunRecord {
    /// Its reports are complete, they tie out, and nothing that it was to send is left unsent.
    pub fn ended_well(&self) -> bool {
        let well = [ExitCode::Done, ExitCode::GateBreached, ExitCode::PersonNeeded].map(|code| code as u8);
        self.status.is_finished() && self.exit_code.is_some_and(|code| well.contains(&code))
    }
}

const RECORDS: &str = "SELECT backfills.*, coalesce(last.status, 'killed') AS status,
     coalesce(last.attempt, 0) AS attempts,
     (SELECT count(*) FROM backfill_periods WHERE backfill = id AND skipped IS NULL) AS to_run,
     (SELECT count(*) FROM backfill_periods WHERE backfill = id AND skipped IS NOT NULL) AS left_out,
     (SELECT count(DISTINCT period) FROM backfill_ends WHERE backfill = id AND well) AS done
     FROM backfills LEFT JOIN backfill_attempts AS last ON last.backfill = id
     AND last.attempt = (SELECT max(attempt) FROM backfill_attempts WHERE backfill = id)";

impl Journal {
    /// Writes down a new backfill with a line for each of its periods, both or neither.
    ///
    /// # Errors
    /// When the state file cannot be written.
    pub async fn begin_backfill(&self, new: &NewBackfill) -> Result<u64, JournalError> {
        const DOING: &str = "recording a backfill";
        let mut turn = self.begin(Mode::Write, DOING).await?;
        loop {
            let done = insert_backfill(turn.connection(), new).await.map_err(|source| self.told(DOING, source));
            if let Some(id) = turn.settle(done.map(Done::Written)).await? {
                return Ok(id);
            }
        }
    }

    /// Begins the next attempt of a backfill; earlier ones that never ended become `killed`. Whoever begins one holds
    /// the lease of the job's backfills, so their processes are gone.
    ///
    /// # Errors
    /// When the state file cannot be written.
    pub async fn begin_backfill_attempt(&self, backfill: u64, new: &NewBackfillAttempt) -> Result<u32, JournalError> {
        const DOING: &str = "recording an attempt of a backfill";
        let mut turn = self.begin(Mode::Write, DOING).await?;
        loop {
            let done = insert_backfill_attempt(turn.connection(), backfill, new).await;
            let done = done.map_err(|source| self.told(DOING, source));
            if let Some(attempt) = turn.settle(done.map(Done::Written)).await? {
                return self.readable(rows::small("an attempt of a backfill", attempt));
            }
        }
    }

    /// Writes down how a period ended.
    ///
    /// # Errors
    /// [`JournalError::LeaseLost`] when another process goes on with the backfill, or when the state file cannot be written.
    pub async fn end_backfill_period(&self, backfill: u64, end: &PeriodEnd) -> Result<(), JournalError> {
        kill::before(END_OF_PERIOD);
        // One statement is a transaction of its own.
        let query = query(
            "INSERT INTO backfill_ends (backfill, attempt, period, status, well, found, run, exit_code, breaks, message,
             begun_at, ended_at) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12
             FROM backfill_attempts WHERE backfill = $1 AND attempt = $2 AND status = 'running'",
        )
        .bind(rows::count(backfill))
        .bind(end.attempt)
        .bind(&end.period)
        .bind(end.status.name())
        .bind(end.well)
        .bind(end.found)
        .bind(end.run.as_deref())
        .bind(end.exit_code)
        .bind(end.breaks.map(rows::count))
        .bind(end.message.as_deref())
        .bind(time_text(end.begun_at))
        .bind(time_text(end.ended_at));
        self.write_of_ours(backfill, "recording the end of a period", &query).await?;
        kill::after(END_OF_PERIOD);
        Ok(())
    }

    /// Ends an attempt: all periods were tried, or it was stopped by what the message says.
    ///
    /// # Errors
    /// As [`Journal::end_backfill_period`].
    pub async fn end_backfill_attempt(
        &self,
        backfill: u64,
        attempt: u32,
        stopped_by: Option<&str>,
        exit_code: ExitCode,
    ) -> Result<(), JournalError> {
        let status = if stopped_by.is_some() { BackfillStatus::Stopped } else { BackfillStatus::Ended };
        let query = query(
            "UPDATE backfill_attempts SET status = $3, exit_code = $4, message = $5, ended_at = $6
             WHERE backfill = $1 AND attempt = $2 AND status = 'running'",
        )
        .bind(rows::count(backfill))
        .bind(attempt)
        .bind(status.name())
        .bind(exit_code as u8)
        .bind(stopped_by)
        .bind(time_text(Utc::now()));
        self.write_of_ours(backfill, "recording the end of an attempt", &query).await
    }

    async fn write_of_ours(&self, backfill: u64, doing: &'static str, query: &Statement) -> Result<(), JournalError> {
        if self.execute_alone(doing, query).await? == 0 {
            return Err(JournalError::LeaseLost { run: format!("backfill {backfill}") });
        }
        Ok(())
    }

    /// The latest backfill of exactly this job, range and choice, if periods of it wait to be tried.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn unfinished_backfill(
        &self,
        job: &str,
        (from, to): (&str, &str),
        reprocess: Reprocess,
    ) -> Result<Option<BackfillRecord>, JournalError> {
        let mut query = Statement::new(RECORDS);
        query.push(" WHERE job = ").push_bind(job).push(" AND from_period = ").push_bind(from);
        query.push(" AND to_period = ").push_bind(to).push(" AND reprocess = ").push_bind(reprocess.name());
        query.push(" ORDER BY id DESC LIMIT 1");
        let latest = self.backfills_of(&query).await?.pop();
        Ok(latest.filter(|backfill| !backfill.status.is_over()))
    }

    /// Backfills of one job or of all, latest first.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn backfills(&self, job: Option<&str>, limit: u32) -> Result<Vec<BackfillRecord>, JournalError> {
        let mut query = Statement::new(RECORDS);
        if let Some(job) = job {
            query.push(" WHERE job = ").push_bind(job);
        }
        query.push(" ORDER BY id DESC LIMIT ").push_bind(limit);
        self.backfills_of(&query).await
    }

    /// The backfill of that number.
    ///
    /// # Errors
    /// [`JournalError::UnknownBackfill`] when there is none.
    pub async fn backfill(&self, id: u64) -> Result<BackfillRecord, JournalError> {
        let mut query = Statement::new(RECORDS);
        query.push(" WHERE id = ").push_bind(rows::count(id));
        self.backfills_of(&query).await?.pop().ok_or(JournalError::UnknownBackfill { id })
    }

    /// The periods of a backfill, the earliest first.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn backfill_periods(&self, backfill: u64) -> Result<Vec<PlannedPeriod>, JournalError> {
        let query =
            query("SELECT period, known_attempts, skipped FROM backfill_periods WHERE backfill = $1 ORDER BY position");
        let query = query.bind(rows::count(backfill));
        let rows = self.fetch_all("reading the periods of a backfill", &query).await?;
        self.readable(rows.iter().map(rows::planned_period).collect())
    }

    /// The attempts of a backfill, in order.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn backfill_attempts(&self, backfill: u64) -> Result<Vec<BackfillAttempt>, JournalError> {
        let query = query(
            "SELECT backfill_attempts.*, count(*) FILTER (WHERE well AND NOT found) AS done,
             count(*) FILTER (WHERE found) AS found, count(*) FILTER (WHERE NOT well) AS not_done
             FROM backfill_attempts LEFT JOIN backfill_ends ON backfill_ends.backfill = backfill_attempts.backfill
             AND backfill_ends.attempt = backfill_attempts.attempt WHERE backfill_attempts.backfill = $1
             GROUP BY backfill_attempts.backfill, backfill_attempts.attempt ORDER BY backfill_attempts.attempt",
        );
        let query = query.bind(rows::count(backfill));
        let rows = self.fetch_all("reading the attempts of a backfill", &query).await?;
        self.readable(rows.iter().map(rows::backfill_attempt).collect())
    }

    /// How periods ended in a backfill, in the order of the attempts and in each of time.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn backfill_ends(&self, backfill: u64) -> Result<Vec<PeriodEnd>, JournalError> {
        let query = query("SELECT * FROM backfill_ends WHERE backfill = $1 ORDER BY attempt, ended_at, period");
        let query = query.bind(rows::count(backfill));
        let rows = self.fetch_all("reading what a backfill did", &query).await?;
        self.readable(rows.iter().map(rows::period_end).collect())
    }

    /// Every run of a job for a period between these two labels, which are in; in the order in which they were started.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn runs_between(&self, job: &str, from: &str, to: &str) -> Result<Vec<RunRecord>, JournalError> {
        // Labels of one grain sort as their periods do; a label of the other grain is nobody's.
        let query = query(
            "SELECT * FROM runs WHERE job = $1 AND period BETWEEN $2 AND $3 AND length(period) = length($2)
             ORDER BY sequence",
        );
        let query = query.bind(job).bind(from).bind(to);
        let rows = self.fetch_all("listing the runs of a range", &query).await?;
        self.readable(rows.iter().map(rows::run).collect())
    }

    /// The runs of a job for a period and those after it, in the order in which they were started.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn runs_since(&self, job: &str, from: &str) -> Result<Vec<RunRecord>, JournalError> {
        let query = query(
            "SELECT * FROM runs WHERE job = $1 AND period >= $2 AND length(period) = length($2) ORDER BY sequence",
        );
        let rows = self.fetch_all("listing the runs since a period", &query.bind(job).bind(from)).await?;
        self.readable(rows.iter().map(rows::run).collect())
    }

    /// The label of the earliest period of a job that was ever tried, of labels of that length.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn first_period(&self, job: &str, length: usize) -> Result<Option<String>, JournalError> {
        let query = query("SELECT min(period) FROM runs WHERE job = $1 AND length(period) = $2");
        let length = i64::try_from(length).unwrap_or(i64::MAX);
        let rows = self.fetch_all("looking for the first period", &query.bind(job).bind(length)).await?;
        Ok(rows.first().and_then(|row| row.get(0)))
    }

    async fn backfills_of(&self, query: &Statement) -> Result<Vec<BackfillRecord>, JournalError> {
        let rows = self.fetch_all("listing backfills", query).await?;
        self.readable(rows.iter().map(rows::backfill).collect())
    }
}

async fn insert_backfill(connection: &mut Connection, new: &NewBackfill) -> sqlx::Result<u64> {
    let row = query(
        "INSERT INTO backfills (job, from_period, to_period, reprocess, begun_at, begun_by)
         VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
    )
    .bind(&new.job)
    .bind(&new.from)
    .bind(&new.to)
    .bind(new.reprocess.name())
    .bind(time_text(new.begun_at))
    .bind(&new.begun_by)
    .fetch_one(connection)
    .await?;
    let id: i64 = row.get("id");
    for (position, period) in (1_i64..).zip(&new.periods) {
        query(
            "INSERT INTO backfill_periods (backfill, position, period, known_attempts, skipped)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(id)
        .bind(position)
        .bind(&period.period)
        .bind(period.known_attempts)
        .bind(period.skipped.as_deref())
        .execute(connection)
        .await?;
    }
    Ok(id.unsigned_abs())
}

async fn insert_backfill_attempt(
    connection: &mut Connection,
    backfill: u64,
    new: &NewBackfillAttempt,
) -> sqlx::Result<i64> {
    let backfill = rows::count(backfill);
    query("UPDATE backfill_attempts SET status = 'killed' WHERE backfill = $1 AND status = 'running'")
        .bind(backfill)
        .execute(connection)
        .await?;
    let row = query(
        "INSERT INTO backfill_attempts (backfill, attempt, begun_at, begun_by, note, max_parallel, newest_first,
         offline, program_version, job_sha256, status)
         SELECT $1, coalesce(max(attempt), 0) + 1, $2, $3, $4, $5, $6, $7, $8, $9, 'running'
         FROM backfill_attempts WHERE backfill = $1 RETURNING attempt",
    )
    .bind(backfill)
    .bind(time_text(new.begun_at))
    .bind(&new.begun_by)
    .bind(new.note.as_deref())
    .bind(new.max_parallel)
    .bind(new.newest_first)
    .bind(new.offline)
    .bind(&new.program_version)
    .bind(&new.job_sha256)
    .fetch_one(connection)
    .await?;
    Ok(row.get("attempt"))
}
