//! Sealing periods and opening them again: all of one decision or none, each a legal step, in the one chain of entries.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::chain::{Chain, Line, Subject, Writer, insert_entries, last_entry};
use super::link::{Connection, Mode};
use super::rows::Unreadable;
use super::statement::{Row, query};
use super::turn::Done;
use super::{Journal, JournalError, rows};
use crate::seals::life::{Event, Standing, apply, seal_id};

/// What is told when a statement of these fails.
const DOING: &str = "recording a seal";

/// One entry about the seal of a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealEntry {
    /// From 1, without gaps, over all entries.
    pub sequence: u64,
    /// UTC.
    pub at: DateTime<Utc>,
    /// Always none: only people seal. So is the epoch.
    pub run: Option<String>,
    pub epoch: Option<u64>,
    /// The seal's id, `JOB/PERIOD`.
    #[serde(rename = "seal")]
    pub id: String,
    pub event: Event,
    /// The hash of the entry before it; 64 zeros for the first.
    pub previous: String,
}

/// A decision about one period.
#[derive(Debug, Clone)]
pub struct NewSeal {
    pub job: String,
    /// The label.
    pub period: String,
    /// The latest attempt when the decision was taken: that none was begun since is looked at again before it is written.
    /// None where it does not matter.
    pub latest_run: Option<String>,
    pub event: Event,
}

impl Journal {
    /// Records decisions about periods: all of them or none, durable when this returns. Gives the standing of each after
    /// it.
    ///
    /// # Errors
    /// [`JournalError::IllegalSeal`] when a decision cannot follow, [`JournalError::RunMeanwhile`] when a run was begun
    /// since; or when the state file cannot be written. Nothing is written then.
    pub async fn decide_seals(&self, decisions: &[NewSeal]) -> Result<Vec<Standing>, JournalError> {
        let mut turn = self.begin(Mode::Write, DOING).await?;
        loop {
            let done = self.decide_seals_in(turn.connection(), decisions).await;
            if let Some(after) = turn.settle(done).await? {
                return Ok(after);
            }
        }
    }

    async fn decide_seals_in(
        &self,
        connection: &mut Connection,
        decisions: &[NewSeal],
    ) -> Result<Done<Vec<Standing>>, JournalError> {
        let told = |source| self.told(DOING, source);
        let ids: Vec<String> = decisions.iter().map(|one| seal_id(&one.job, &one.period)).collect();
        let last = last_entry(connection).await.map_err(told)?;
        let mut chain = Chain::new(Writer::Person, last, decisions.len());
        let mut after = Vec::with_capacity(decisions.len());
        for (id, decision) in ids.iter().zip(decisions) {
            if let Some(known) = &decision.latest_run {
                let latest = latest_run(connection, decision).await.map_err(told)?;
                if let Some(run) = latest.filter(|latest| latest != known) {
                    return Err(JournalError::RunMeanwhile { id: id.clone(), run });
                }
            }
            let before = self.seal(connection, id).await?;
            after.push(apply(before.as_ref(), id, &decision.event, chain.at)?);
            chain.push(Subject::Seal, id, &decision.event);
        }
        insert_entries(connection, &chain.lines).await.map_err(told)?;
        for (standing, line) in after.iter().zip(&chain.lines) {
            write(connection, standing, line).await.map_err(told)?;
        }
        Ok(Done::Written(after))
    }

    /// Every seal, of one job or of all, by job and period; those that were opened again too.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn seals(&self, job: Option<&str>) -> Result<Vec<Standing>, JournalError> {
        let query = query("SELECT id, standing FROM seals WHERE $1 IS NULL OR job = $1 ORDER BY job, period").bind(job);
        let rows = self.fetch_all("reading seals", &query).await?;
        self.readable(rows.iter().map(standing).collect())
    }

    /// The seal of a period that is sealed.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn sealed(&self, job: &str, period: &str) -> Result<Option<Standing>, JournalError> {
        let mut turn = self.begin(Mode::Read, "reading a seal").await?;
        loop {
            let found = self.seal(turn.connection(), &seal_id(job, period)).await;
            if let Some(seal) = turn.settle(found.map(Done::Nothing)).await? {
                return Ok(seal.filter(Standing::is_sealed));
            }
        }
    }

    async fn seal(&self, connection: &mut Connection, id: &str) -> Result<Option<Standing>, JournalError> {
        let query = query("SELECT id, standing FROM seals WHERE id = $1").bind(id);
        let row = query.fetch_optional(connection).await.map_err(|source| self.told("reading a seal", source))?;
        row.map(|row| self.readable(standing(&row))).transpose()
    }
}

async fn latest_run(connection: &mut Connection, of: &NewSeal) -> sqlx::Result<Option<String>> {
    const LATEST: &str = "SELECT id FROM runs WHERE job = $1 AND period = $2 ORDER BY attempt DESC LIMIT 1";
    let row = query(LATEST).bind(&of.job).bind(&of.period).fetch_optional(connection).await?;
    Ok(row.map(|row| row.get("id")))
}

async fn write(connection: &mut Connection, standing: &Standing, line: &Line<'_>) -> sqlx::Result<()> {
    let text = serde_json::to_string(standing).expect("a standing is plain data with text keys");
    query(
        "INSERT INTO seals (id, job, period, state, run, standing, last_sequence, last_hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (id) DO UPDATE SET state = excluded.state, run = excluded.run, standing = excluded.standing,
         last_sequence = excluded.last_sequence, last_hash = excluded.last_hash",
    )
    .bind(&standing.id)
    .bind(&standing.job)
    .bind(&standing.period)
    .bind(standing.state.name())
    .bind(&standing.run)
    .bind(text)
    .bind(rows::count(line.sequence))
    .bind(&line.hash)
    .execute(connection)
    .await?;
    Ok(())
}

fn standing(row: &Row) -> Result<Standing, Unreadable> {
    serde_json::from_str(row.get("standing"))
        .map_err(|_| Unreadable::new("the standing of a seal", row.get::<&str, _>("id")))
}
