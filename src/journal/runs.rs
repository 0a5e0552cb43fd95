//! Runs in the journal: each mark is one short transaction, on disk before its call returns.

use chrono::Utc;

use super::link::{Connection, Mode};
use super::rows::{self, Unreadable, time_text};
use super::state::is_legal;
use super::statement::{Statement, query};
use super::turn::Done;
use super::{
    Event, IllegalTransition, InputRecord, Journal, JournalError, NewRun, RunFilter, RunOutcome, RunRecord, RunStatus,
    Step, StepRecord, kill,
};
use crate::frames::Side;
use crate::sources::RawFile;

impl Journal {
    /// Begins the next attempt of a job and period, and marks [`Step::Started`]. Earlier attempts that never
    /// ended become `interrupted`: whoever starts a run holds its lock, so their processes are gone.
    ///
    /// # Errors
    /// When the state file cannot be written, and [`JournalError::LeaseLost`] when another has taken the lease.
    pub async fn start_run(&self, new: NewRun) -> Result<RunRecord, JournalError> {
        const DOING: &str = "recording a new run";
        kill::before(Step::Started.name());
        let mut turn = self.begin(Mode::Write, DOING).await?;
        let id = loop {
            let done = insert_run(turn.connection(), &new).await.map_err(|source| self.told(DOING, source));
            if let Some(id) = turn.settle(done).await? {
                break id;
            }
        };
        drop(turn);
        let id = id.ok_or_else(|| JournalError::LeaseLost { run: format!("{}/{}", new.job, new.period) })?;
        kill::after(Step::Started.name());
        self.run(&id).await
    }

    /// Marks a step of a run; the mark is durable when this returns. `started` is marked by
    /// [`Journal::start_run`] and `finished` by [`Journal::finish`].
    ///
    /// # Errors
    /// [`JournalError::Illegal`] when the step cannot follow what the run has behind it, and
    /// [`JournalError::LeaseLost`] when another has taken the run's lease.
    pub async fn mark(&self, run: &RunRecord, step: Step, detail: serde_json::Value) -> Result<(), JournalError> {
        const DOING: &str = "recording a step";
        kill::before(step.name());
        let record = StepRecord { step, at: Utc::now(), detail };
        let mut turn = self.begin(Mode::Write, DOING).await?;
        let checked = loop {
            let done = append_step(turn.connection(), &run.id, &record).await;
            if let Some(checked) = turn.settle(done.map_err(|source| self.told(DOING, source))).await? {
                break checked;
            }
        };
        self.settled(&run.id, Event::Mark(step), checked)?;
        kill::after(step.name());
        Ok(())
    }

    /// Records the files that a run reads, in their order, with their rows. Once a run.
    ///
    /// # Errors
    /// When the state file cannot be written, a path is not text, or the run's lease is lost.
    pub async fn record_inputs(&self, run: &RunRecord, inputs: &[(Side, RawFile, u64)]) -> Result<(), JournalError> {
        const DOING: &str = "recording the inputs";
        let mut lines = Vec::with_capacity(inputs.len());
        for (side, file, rows) in inputs {
            let stored = file.stored.to_str().ok_or_else(|| JournalError::PathNotText { path: file.stored.clone() })?;
            lines.push((*side, file, stored, *rows));
        }
        let mut turn = self.begin(Mode::Write, DOING).await?;
        let written = loop {
            let done = insert_inputs(turn.connection(), &run.id, &lines).await;
            if let Some(written) = turn.settle(done.map_err(|source| self.told(DOING, source))).await? {
                break written;
            }
        };
        if written { Ok(()) } else { Err(JournalError::LeaseLost { run: run.id.clone() }) }
    }

    /// Ends a run and marks [`Step::Finished`], both or neither.
    ///
    /// # Errors
    /// [`JournalError::Illegal`] when the run has already ended, or is called done before its reports are written,
    /// and [`JournalError::LeaseLost`] when another has taken its lease.
    pub async fn finish(&self, run: &RunRecord, outcome: RunOutcome) -> Result<RunRecord, JournalError> {
        const DOING: &str = "recording the end";
        kill::before(Step::Finished.name());
        let artifacts = match &outcome.artifacts {
            Some(path) => Some(path.to_str().ok_or_else(|| JournalError::PathNotText { path: path.clone() })?),
            None => None,
        };
        let mut turn = self.begin(Mode::Write, DOING).await?;
        let checked = loop {
            let done = end_run(turn.connection(), &run.id, &outcome, artifacts).await;
            if let Some(checked) = turn.settle(done.map_err(|source| self.told(DOING, source))).await? {
                break checked;
            }
        };
        drop(turn);
        self.settled(&run.id, Event::Finish(outcome.ending), checked)?;
        kill::after(Step::Finished.name());
        self.run(&run.id).await
    }

    /// The runs that pass the filter, latest first.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn runs(&self, filter: &RunFilter) -> Result<Vec<RunRecord>, JournalError> {
        let query = query(
            "SELECT * FROM runs WHERE ($1 IS NULL OR job = $1) AND ($2 IS NULL OR period = $2)
             AND (NOT $3 OR status IN ('done', 'gate_breached')) ORDER BY sequence DESC LIMIT $4",
        )
        .bind(filter.job.as_deref())
        .bind(filter.period.as_deref())
        .bind(filter.finished)
        .bind(filter.limit.map_or(i64::MAX, i64::from));
        let rows = self.fetch_all("listing runs", &query).await?;
        self.readable(rows.iter().map(rows::run).collect())
    }

    /// The run of that id.
    ///
    /// # Errors
    /// [`JournalError::UnknownRun`] names the ids nearest to it.
    pub async fn run(&self, id: &str) -> Result<RunRecord, JournalError> {
        let query = query("SELECT * FROM runs WHERE id = $1").bind(id);
        match self.fetch_all("reading a run", &query).await?.first() {
            Some(row) => self.readable(rows::run(row)),
            None => Err(JournalError::UnknownRun { id: id.to_owned(), nearest: self.nearest(id).await? }),
        }
    }

    /// The marks of a run, in order.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn steps(&self, run_id: &str) -> Result<Vec<StepRecord>, JournalError> {
        let query = query("SELECT step, at, detail FROM steps WHERE run_id = $1 ORDER BY position").bind(run_id);
        let rows = self.fetch_all("reading steps", &query).await?;
        self.readable(rows.iter().map(rows::step).collect())
    }

    /// The files that a run read, in the order in which they were recorded.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn inputs(&self, run_id: &str) -> Result<Vec<InputRecord>, JournalError> {
        let query = query("SELECT * FROM inputs WHERE run_id = $1 ORDER BY position").bind(run_id);
        let rows = self.fetch_all("reading inputs", &query).await?;
        self.readable(rows.iter().map(rows::input).collect())
    }

    /// The earliest attempt whose reports are complete: what `file_changed` compares with.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn first_finished(&self, job: &str, period: &str) -> Result<Option<RunRecord>, JournalError> {
        Ok(self.runs(&finished(job, period, None)).await?.pop())
    }

    /// The latest attempt whose reports are complete.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn last_finished(&self, job: &str, period: &str) -> Result<Option<RunRecord>, JournalError> {
        Ok(self.runs(&finished(job, period, Some(1))).await?.pop())
    }

    /// One mark of the latest attempt of each of these periods whose reports are complete, by label; a period that has
    /// none is left out.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn last_marks(
        &self,
        job: &str,
        periods: &[String],
        step: Step,
    ) -> Result<Vec<(String, StepRecord)>, JournalError> {
        let mut query = Statement::new(
            "SELECT period, step, at, detail FROM runs JOIN steps ON run_id = runs.id
             WHERE attempt = (SELECT max(attempt) FROM runs AS finished WHERE finished.job = runs.job
             AND finished.period = runs.period AND finished.status IN ('done', 'gate_breached')) AND job = ",
        );
        query.push_bind(job).push(" AND step = ").push_bind(step.name()).push(" AND period IN (");
        query.push_list(periods);
        query.push(") ORDER BY period");
        let rows = self.fetch_all("reading steps of other periods", &query).await?;
        self.readable(rows.iter().map(|row| Ok((row.get("period"), rows::step(row)?))).collect())
    }

    async fn nearest(&self, id: &str) -> Result<Vec<String>, JournalError> {
        let known = self.runs(&RunFilter { limit: Some(1_000), ..RunFilter::default() }).await?;
        let mut scored: Vec<_> = known
            .into_iter()
            .map(|run| (strsim::normalized_damerau_levenshtein(&run.id, id), run.id))
            .filter(|(score, _)| *score >= 0.6)
            .collect();
        scored.sort_by(|left, right| right.0.total_cmp(&left.0).then_with(|| right.1.cmp(&left.1)));
        Ok(scored.into_iter().take(3).map(|(_, id)| id).collect())
    }

    /// Turns what a checked write came to into the caller's result.
    fn settled(&self, id: &str, event: Event, checked: Checked) -> Result<(), JournalError> {
        match checked {
            Checked::Legal => Ok(()),
            Checked::LeaseLost => Err(JournalError::LeaseLost { run: id.to_owned() }),
            Checked::Illegal { status, last } => {
                Err(IllegalTransition { run: id.to_owned(), event, status, last }.into())
            }
            Checked::Unreadable(unreadable) => self.readable(Err(unreadable)),
        }
    }
}

/// None when the lease that it is to run under is lost already.
async fn insert_run(connection: &mut Connection, new: &NewRun) -> sqlx::Result<Done<Option<String>>> {
    let epoch = new.lease_epoch.map(rows::count);
    let holds = query("SELECT $2 IS NOT DISTINCT FROM (SELECT epoch FROM leases WHERE name = $1)")
        .bind(lease_name(&new.job, &new.period))
        .bind(epoch)
        .fetch_one(connection)
        .await?;
    if !holds.get::<bool, _>(0) {
        return Ok(Done::Nothing(None));
    }
    query("UPDATE runs SET status = 'interrupted' WHERE job = $1 AND period = $2 AND status = 'running'")
        .bind(&new.job)
        .bind(&new.period)
        .execute(connection)
        .await?;
    let next = query("SELECT coalesce(max(attempt), 0) + 1 FROM runs WHERE job = $1 AND period = $2")
        .bind(&new.job)
        .bind(&new.period)
        .fetch_one(connection)
        .await?;
    let attempt: i64 = next.get(0);
    let id = format!("{}/{}/{attempt}", new.job, new.period);
    query(
        "INSERT INTO runs (id, job, period, attempt, note, job_sha256, program_version, sandbox, started_at, status,
         started_by, lease_epoch) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'running', $10, $11)",
    )
    .bind(&id)
    .bind(&new.job)
    .bind(&new.period)
    .bind(attempt)
    .bind(new.note.as_deref())
    .bind(&new.job_sha256)
    .bind(&new.program_version)
    .bind(new.sandbox)
    .bind(time_text(new.started_at))
    .bind(&new.started_by)
    .bind(epoch)
    .execute(connection)
    .await?;
    insert_step(connection, &id, &bare_step(Step::Started)).await?;
    Ok(Done::Written(Some(id)))
}

async fn append_step(connection: &mut Connection, id: &str, record: &StepRecord) -> sqlx::Result<Done<Checked>> {
    let checked = check(connection, id, Event::Mark(record.step)).await?;
    if !matches!(checked, Checked::Legal) {
        return Ok(Done::Nothing(checked));
    }
    insert_step(connection, id, record).await?;
    Ok(Done::Written(checked))
}

async fn end_run(
    connection: &mut Connection,
    id: &str,
    outcome: &RunOutcome,
    artifacts: Option<&str>,
) -> sqlx::Result<Done<Checked>> {
    let checked = check(connection, id, Event::Finish(outcome.ending)).await?;
    if !matches!(checked, Checked::Legal) {
        return Ok(Done::Nothing(checked));
    }
    insert_step(connection, id, &bare_step(Step::Finished)).await?;
    query(
        "UPDATE runs SET status = $2, exit_code = $3, breaks = $4, rows = $5, ties_out = $6, message = $7,
         finished_at = $8, artifacts = $9 WHERE id = $1",
    )
    .bind(id)
    .bind(outcome.ending.status().name())
    .bind(outcome.exit_code as u8)
    .bind(outcome.breaks.map(rows::count))
    .bind(outcome.rows.map(rows::count))
    .bind(outcome.ties_out)
    .bind(outcome.message.as_deref())
    .bind(time_text(outcome.finished_at))
    .bind(artifacts)
    .execute(connection)
    .await?;
    Ok(Done::Written(checked))
}

/// Whether the run still has its lease; without it nothing is written.
async fn insert_inputs(
    connection: &mut Connection,
    id: &str,
    lines: &[(Side, &RawFile, &str, u64)],
) -> sqlx::Result<Done<bool>> {
    if !holds_lease(connection, id).await? {
        return Ok(Done::Nothing(false));
    }
    for (position, (side, file, stored, counted)) in (1_i64..).zip(lines) {
        let origin = serde_json::to_string(&file.origin).map_err(|error| sqlx::Error::Encode(error.into()))?;
        query(
            "INSERT INTO inputs (run_id, position, side, name, origin, stored, sha256, bytes, rows)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(id)
        .bind(position)
        .bind(side.name())
        .bind(&file.name)
        .bind(origin)
        .bind(*stored)
        .bind(&file.sha256)
        .bind(rows::count(file.bytes))
        .bind(rows::count(*counted))
        .execute(connection)
        .await?;
    }
    Ok(Done::Written(true))
}

/// What the rules say to an event, looked up inside the transaction that would write it.
enum Checked {
    Legal,
    LeaseLost,
    Illegal { status: RunStatus, last: Option<Step> },
    Unreadable(Unreadable),
}

/// The lease of a job and period, by name.
pub(super) fn lease_name(job: &str, period: &str) -> String {
    format!("{job}--{period}")
}

/// Whether nobody has taken the lease of the run's job and period since the run began.
pub(super) async fn holds_lease(connection: &mut Connection, run: &str) -> sqlx::Result<bool> {
    let row = query(
        "SELECT lease_epoch IS NOT DISTINCT FROM
         (SELECT epoch FROM leases WHERE name = runs.job || '--' || runs.period) FROM runs WHERE id = $1",
    )
    .bind(run)
    .fetch_one(connection)
    .await?;
    Ok(row.get(0))
}

async fn check(connection: &mut Connection, id: &str, event: Event) -> sqlx::Result<Checked> {
    if !holds_lease(connection, id).await? {
        return Ok(Checked::LeaseLost);
    }
    let row = query(
        "SELECT status, (SELECT step FROM steps WHERE run_id = runs.id ORDER BY position DESC LIMIT 1) AS last
         FROM runs WHERE id = $1",
    )
    .bind(id)
    .fetch_one(connection)
    .await?;
    let standing = rows::status(row.get("status"))
        .and_then(|status| Ok((status, row.get::<Option<&str>, _>("last").map(rows::step_name).transpose()?)));
    Ok(match standing {
        Ok((status, last)) if is_legal(status, last, event) => Checked::Legal,
        Ok((status, last)) => Checked::Illegal { status, last },
        Err(unreadable) => Checked::Unreadable(unreadable),
    })
}

fn bare_step(step: Step) -> StepRecord {
    StepRecord { step, at: Utc::now(), detail: serde_json::Value::Null }
}

async fn insert_step(connection: &mut Connection, id: &str, record: &StepRecord) -> sqlx::Result<()> {
    query(
        "INSERT INTO steps (run_id, position, step, at, detail)
         SELECT $1, coalesce(max(position), 0) + 1, $2, $3, $4 FROM steps WHERE run_id = $1",
    )
    .bind(id)
    .bind(record.step.name())
    .bind(time_text(record.at))
    .bind(record.detail.to_string())
    .execute(connection)
    .await?;
    Ok(())
}

fn finished(job: &str, period: &str, limit: Option<u32>) -> RunFilter {
    RunFilter { job: Some(job.to_owned()), period: Some(period.to_owned()), finished: true, limit }
}
