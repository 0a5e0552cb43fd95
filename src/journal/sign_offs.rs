//! Signatures under reports: each a legal step, in the one chain of entries.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::chain::{Chain, Line, Subject, Writer, insert_entries, last_entry};
use super::link::{Connection, Mode};
use super::rows::Unreadable;
use super::statement::{Row, query};
use super::turn::Done;
use super::{Journal, JournalError, rows};
use crate::sign_off::life::{Event, Standing, apply};

/// What is told when a statement of these fails.
const DOING: &str = "recording a signature";

/// One entry about the signatures under a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignOffEntry {
    /// From 1, without gaps, over all entries.
    pub sequence: u64,
    /// UTC.
    pub at: DateTime<Utc>,
    /// Always none: only people sign. So is the epoch.
    pub run: Option<String>,
    pub epoch: Option<u64>,
    /// The run whose report it is, `JOB/PERIOD/ATTEMPT`.
    #[serde(rename = "sign_off")]
    pub id: String,
    pub event: Event,
    /// The hash of the entry before it; 64 zeros for the first.
    pub previous: String,
}

/// A signature, or that signatures are taken back.
#[derive(Debug, Clone)]
pub struct NewSignOff {
    /// `JOB/PERIOD/ATTEMPT`
    pub run: String,
    /// That no later attempt of the period has finished is looked at again before it is written.
    pub must_be_last: bool,
    pub event: Event,
}

impl Journal {
    /// Records a step of a run's signatures; durable when this returns. Gives where they stand then.
    ///
    /// # Errors
    /// [`JournalError::IllegalSignOff`] when it cannot follow, [`JournalError::FinishedMeanwhile`] when a later attempt
    /// has finished; or when the state file cannot be written. Nothing is written then.
    pub async fn sign(&self, new: &NewSignOff) -> Result<Standing, JournalError> {
        let mut turn = self.begin(Mode::Write, DOING).await?;
        loop {
            let done = self.append_sign_off(turn.connection(), new).await;
            if let Some(after) = turn.settle(done).await? {
                return Ok(after);
            }
        }
    }

    async fn append_sign_off(
        &self,
        connection: &mut Connection,
        new: &NewSignOff,
    ) -> Result<Done<Standing>, JournalError> {
        let told = |source| self.told(DOING, source);
        if new.must_be_last {
            let last = last_finished_beside(connection, &new.run).await.map_err(told)?;
            if let Some(by) = last.filter(|last| *last != new.run) {
                return Err(JournalError::FinishedMeanwhile { run: new.run.clone(), by });
            }
        }
        let before = self.sign_off_in(connection, &new.run).await?;
        let last = last_entry(connection).await.map_err(told)?;
        let mut chain = Chain::new(Writer::Person, last, 1);
        let after = apply(before.as_ref(), &new.run, &new.event, chain.at)?;
        chain.push(Subject::SignOff, &new.run, &new.event);
        insert_entries(connection, &chain.lines).await.map_err(told)?;
        for line in &chain.lines {
            write(connection, &after, line).await.map_err(told)?;
        }
        Ok(Done::Written(after))
    }

    /// The signatures under every report, of one job or of all, in the order in which the reports were signed first;
    /// those that were withdrawn too.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn sign_offs(&self, job: Option<&str>) -> Result<Vec<Standing>, JournalError> {
        let query = query("SELECT run, standing FROM sign_offs WHERE $1 IS NULL OR job = $1 ORDER BY rowid").bind(job);
        let rows = self.fetch_all("reading signatures", &query).await?;
        self.readable(rows.iter().map(standing).collect())
    }

    /// The signatures under the reports of one period, in the same order.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn sign_offs_of(&self, job: &str, period: &str) -> Result<Vec<Standing>, JournalError> {
        let query = query("SELECT run, standing FROM sign_offs WHERE job = $1 AND period = $2 ORDER BY rowid");
        let rows = self.fetch_all("reading signatures", &query.bind(job).bind(period)).await?;
        self.readable(rows.iter().map(standing).collect())
    }

    /// The signatures under the report of a run; none where it was never signed.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn sign_off(&self, run: &str) -> Result<Option<Standing>, JournalError> {
        let mut turn = self.begin(Mode::Read, "reading a signature").await?;
        loop {
            let found = self.sign_off_in(turn.connection(), run).await;
            if let Some(standing) = turn.settle(found.map(Done::Nothing)).await? {
                return Ok(standing);
            }
        }
    }

    async fn sign_off_in(&self, connection: &mut Connection, run: &str) -> Result<Option<Standing>, JournalError> {
        let query = query("SELECT run, standing FROM sign_offs WHERE run = $1").bind(run);
        let row = query.fetch_optional(connection).await.map_err(|source| self.told("reading a signature", source))?;
        row.map(|row| self.readable(standing(&row))).transpose()
    }
}

/// The last finished attempt of the period of that run.
async fn last_finished_beside(connection: &mut Connection, run: &str) -> sqlx::Result<Option<String>> {
    const LAST: &str = "SELECT others.id AS id FROM runs JOIN runs AS others
         ON others.job = runs.job AND others.period = runs.period
         WHERE runs.id = $1 AND others.status IN ('done', 'gate_breached') ORDER BY others.attempt DESC LIMIT 1";
    Ok(query(LAST).bind(run).fetch_optional(connection).await?.map(|row| row.get("id")))
}

async fn write(connection: &mut Connection, standing: &Standing, line: &Line<'_>) -> sqlx::Result<()> {
    let text = serde_json::to_string(standing).expect("a standing is plain data with text keys");
    let (job, period) = standing.job_and_period();
    query(
        "INSERT INTO sign_offs (run, job, period, state, digest, standing, last_sequence, last_hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (run) DO UPDATE SET state = excluded.state, digest = excluded.digest, standing = excluded.standing,
         last_sequence = excluded.last_sequence, last_hash = excluded.last_hash",
    )
    .bind(&standing.run)
    .bind(job)
    .bind(period)
    .bind(standing.state.name())
    .bind(&standing.digest)
    .bind(text)
    .bind(rows::count(line.sequence))
    .bind(&line.hash)
    .execute(connection)
    .await?;
    Ok(())
}

fn standing(row: &Row) -> Result<Standing, Unreadable> {
    serde_json::from_str(row.get("standing"))
        .map_err(|_| Unreadable::new("where signatures stand", row.get::<&str, _>("run")))
}
