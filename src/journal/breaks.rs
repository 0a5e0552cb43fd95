//! Writing the lives of breaks: what a run has found, and what people decide. One transaction for all of it, each event
//! a legal step, in the one chain of entries.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::chain::{CHUNK, Chain, Subject, Writer, inserting, last_entry};
use super::link::{Connection, Mode};
use super::rows::time_text;
use super::statement::{Statement, execute_each, query};
use super::turn::Done;
use super::{Journal, JournalError, RunRecord, kill, rows};
use crate::breaks::life::{Event, Standing, apply};
use crate::breaks::observe::{self, Observation};
use crate::breaks::{BreakKind, BreakStatus};

/// What is told when a statement of these fails.
const DOING: &str = "recording what becomes of breaks";

/// One entry about a break.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakEntry {
    /// From 1, without gaps, over all entries.
    pub sequence: u64,
    /// UTC.
    pub at: DateTime<Utc>,
    /// The run that wrote it; none for what a person did on the command line.
    pub run: Option<String>,
    /// The epoch of that run's lease.
    pub epoch: Option<u64>,
    /// The break's id.
    #[serde(rename = "break")]
    pub id: String,
    pub event: Event,
    /// The hash of the entry before it; 64 zeros for the first.
    pub previous: String,
}

/// Which breaks to list. The default is all.
#[derive(Debug, Clone, Default)]
pub struct BreakFilter {
    pub job: Option<String>,
    /// Ever found in this period.
    pub period: Option<String>,
    /// None: all.
    pub statuses: Vec<BreakStatus>,
    /// None: all.
    pub kinds: Vec<BreakKind>,
    pub owner: Option<String>,
}

/// A break with the run that found it last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BreakRow {
    pub standing: Standing,
    pub last: SightingRecord,
}

/// Which runs have found a break in a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SightingRecord {
    pub period: String,
    /// The period's latest attempt found it.
    pub present: bool,
    /// `JOB/PERIOD/ATTEMPT`; so is the last.
    pub first_run: String,
    pub last_run: String,
    /// The time that the last one's report states, UTC.
    pub last_seen: DateTime<Utc>,
}

impl Journal {
    /// Records what a run has found: what is new, changed, gone, found again, in dispute or settled. All in one
    /// transaction, durable when this returns; to record the same again changes nothing but when it was seen last.
    /// Gives the number of events.
    ///
    /// # Errors
    /// [`JournalError::LeaseLost`] when the run has lost its lease; or when the state file cannot be written. Nothing
    /// is written then.
    pub async fn observe(
        &self,
        run: &RunRecord,
        observation: &Observation,
        seen_at: DateTime<Utc>,
    ) -> Result<u64, JournalError> {
        kill::before("observe");
        let mut turn = self.begin(Mode::Write, DOING).await?;
        loop {
            let done = self.observe_in(turn.connection(), run, observation, seen_at).await;
            if let Some(steps) = turn.settle(done).await? {
                kill::after("observe");
                return Ok(steps);
            }
        }
    }

    async fn observe_in(
        &self,
        connection: &mut Connection,
        run: &RunRecord,
        observation: &Observation,
        seen_at: DateTime<Utc>,
    ) -> Result<Done<u64>, JournalError> {
        let told = |source| self.told(DOING, source);
        self.check_lease(connection, Writer::Run(run), DOING).await?;
        let mut known = self.breaks_present(connection, &observation.job, &observation.period).await?;
        let others: Vec<&str> = observation.ids().into_iter().filter(|id| !known.contains_key(*id)).collect();
        known.extend(self.breaks_of(connection, &others).await?);
        let steps = observe::steps(observation, &known);
        if steps.is_empty() && observation.found.is_empty() {
            return Ok(Done::Nothing(0));
        }
        let last = last_entry(connection).await.map_err(told)?;
        let mut batch = Batch::new(Chain::new(Writer::Run(run), last, steps.len()), known);
        for (id, event) in &steps {
            batch.add(id, event)?;
        }
        batch.write(connection).await.map_err(told)?;
        let sighted = Sighted { run, observation, seen_at: time_text(seen_at) };
        sighted.write(connection, &steps).await.map_err(told)?;
        Ok(Done::Written(steps.len() as u64))
    }

    /// Records the same decision of a person about breaks that are known: about all of them or none, durable when this
    /// returns. Gives the standing of each after it.
    ///
    /// # Errors
    /// [`JournalError::IllegalBreak`] when the decision cannot follow, or when the state file cannot be written.
    /// Nothing is written then.
    pub async fn decide(&self, ids: &[String], event: &Event) -> Result<Vec<Standing>, JournalError> {
        self.decide_each(&ids.iter().map(|id| (id.as_str(), event)).collect::<Vec<_>>()).await
    }

    /// Records decisions of a person about breaks that are known (break id, event), in this order: all of them or none,
    /// durable when this returns. Gives the standing after each.
    ///
    /// # Errors
    /// As [`Journal::decide`].
    pub async fn decide_each(&self, decisions: &[(&str, &Event)]) -> Result<Vec<Standing>, JournalError> {
        let mut turn = self.begin(Mode::Write, DOING).await?;
        loop {
            let done = self.decide_in(turn.connection(), decisions).await;
            if let Some(after) = turn.settle(done).await? {
                return Ok(after);
            }
        }
    }

    async fn decide_in(
        &self,
        connection: &mut Connection,
        decisions: &[(&str, &Event)],
    ) -> Result<Done<Vec<Standing>>, JournalError> {
        let told = |source| self.told(DOING, source);
        let mut wanted: Vec<&str> = decisions.iter().map(|(id, _)| *id).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let known = self.breaks_of(connection, &wanted).await?;
        let last = last_entry(connection).await.map_err(told)?;
        let mut batch = Batch::new(Chain::new(Writer::Person, last, decisions.len()), known);
        for (id, event) in decisions {
            batch.add(id, event)?;
        }
        batch.write(connection).await.map_err(told)?;
        Ok(Done::Written(batch.after))
    }
}

/// The entries of one transaction as they are made.
struct Batch<'e> {
    chain: Chain<'e>,
    /// The standings before.
    known: HashMap<String, Standing>,
    /// The standing after each event, in the order of the chain's lines.
    after: Vec<Standing>,
    /// Id → the place of its last event in the chain's lines and in `after`.
    latest: HashMap<&'e str, usize>,
}

impl<'e> Batch<'e> {
    fn new(chain: Chain<'e>, known: HashMap<String, Standing>) -> Self {
        Self { chain, known, after: Vec::new(), latest: HashMap::new() }
    }

    fn add(&mut self, id: &'e str, event: &'e Event) -> Result<(), JournalError> {
        let before = self.latest.get(id).map(|place| &self.after[*place]).or_else(|| self.known.get(id));
        let after = apply(before, id, event, self.chain.at)?;
        self.chain.push(Subject::Break, id, event);
        self.latest.insert(id, self.after.len());
        self.after.push(after);
        Ok(())
    }

    async fn write(&self, connection: &mut Connection) -> sqlx::Result<()> {
        execute_each(connection, inserting(&self.chain.lines).chain(self.standings())).await
    }

    /// Writes where the breaks stand that the events have changed.
    fn standings(&self) -> impl Iterator<Item = Statement> {
        let mut changed: Vec<usize> = self.latest.values().copied().collect();
        // In one order always: the same events make the same file.
        changed.sort_unstable();
        let chunks: Vec<Vec<usize>> = changed.chunks(CHUNK).map(<[usize]>::to_vec).collect();
        chunks.into_iter().map(|chunk| {
            let mut query = Statement::new(
                "INSERT INTO breaks (id, job, kind, key, currency, at_risk_minor, status, owner, first_period, standing,
                 last_sequence, last_hash) ",
            );
            query.push_values(&chunk, |row, place| {
                let (standing, written) = (&self.after[*place], &self.chain.lines[*place]);
                let facts = standing.facts();
                let text = serde_json::to_string(standing).expect("a standing is plain data with text keys");
                row.push_bind(written.id).push_bind(&*standing.job).push_bind(facts.kind_name());
                row.push_bind(&*facts.key).push_bind(&*facts.currency).push_bind(facts.at_risk_minor);
                row.push_bind(standing.status.name()).push_bind(standing.owner.as_deref());
                row.push_bind(&*standing.first.period).push_bind(text);
                row.push_bind(rows::count(written.sequence)).push_bind(&*written.hash);
            });
            query.push(
                " ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, key = excluded.key,
                 currency = excluded.currency, at_risk_minor = excluded.at_risk_minor, status = excluded.status,
                 owner = excluded.owner, first_period = excluded.first_period, standing = excluded.standing,
                 last_sequence = excluded.last_sequence, last_hash = excluded.last_hash",
            );
            query
        })
    }
}

/// What a run has seen, for the table of sightings.
struct Sighted<'s> {
    run: &'s RunRecord,
    observation: &'s Observation,
    seen_at: String,
}

impl Sighted<'_> {
    async fn write(&self, connection: &mut Connection, steps: &[(String, Event)]) -> sqlx::Result<()> {
        let found =
            |event: &Event| matches!(event, Event::Opened { .. } | Event::Changed { .. } | Event::Reopened { .. });
        let mut here: Vec<&str> = steps.iter().filter(|(_, event)| found(event)).map(|(id, _)| id.as_str()).collect();
        // In the order of the table's key, so that it grows at its end.
        here.sort_unstable();
        let inserting = here.chunks(CHUNK).map(|chunk| {
            let mut query = Statement::new(
                "INSERT INTO sightings (job, period, break_id, present, first_run, last_run, last_seen) ",
            );
            query.push_values(chunk, |row, id| {
                row.push_bind(&*self.observation.job).push_bind(&*self.observation.period).push_bind(*id);
                row.push_bind(true).push_bind(&*self.run.id).push_bind(&*self.run.id).push_bind(&*self.seen_at);
            });
            query.push(" ON CONFLICT (job, period, break_id) DO UPDATE SET present = TRUE");
            query
        });
        execute_each(connection, inserting).await?;
        let is_gone = |event: &Event| match event {
            Event::Closed { evidence, .. } => evidence.is_of_its_own_period(),
            _ => false,
        };
        let gone: Vec<&str> = steps.iter().filter(|(_, event)| is_gone(event)).map(|(id, _)| id.as_str()).collect();
        for chunk in gone.chunks(CHUNK) {
            let mut query = Statement::new("UPDATE sightings SET present = FALSE WHERE job = ");
            query.push_bind(&*self.observation.job).push(" AND period = ").push_bind(&*self.observation.period);
            query.push(" AND break_id IN (");
            query.push_list(chunk.iter().copied());
            query.push(")");
            query.execute(connection).await?;
        }
        // What is present now is what this run has found.
        query("UPDATE sightings SET last_run = $3, last_seen = $4 WHERE job = $1 AND period = $2 AND present = TRUE")
            .bind(&self.observation.job)
            .bind(&self.observation.period)
            .bind(&self.run.id)
            .bind(&self.seen_at)
            .execute(connection)
            .await?;
        Ok(())
    }
}
