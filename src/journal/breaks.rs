//! Writing the lives of breaks: what a run has found, and what people decide. One transaction for all of it, each event
//! a legal step, in the one chain of entries.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::chain::{Chain, Subject, Writer, inserting, last_entry};
use super::link::{Connection, Mode};
use super::recording::{Changed, Recording};
use super::rows::time_text;
use super::statement::execute_each;
use super::turn::Done;
use super::{Journal, JournalError, RunRecord, kill};
use crate::breaks::life::{Event, Standing};
use crate::breaks::observe::Observation;
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
            let done = Box::pin(self.observe_in(turn.connection(), run, observation, seen_at)).await;
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
        let known = self.breaks_known(connection, observation).await?;
        let mut recording = Recording::new(run, observation, &known);
        if recording.is_empty() {
            return Ok(Done::Nothing(0));
        }
        let last = last_entry(connection).await.map_err(told)?;
        let written = recording.write(connection, last, &time_text(seen_at)).await;
        written.map_err(told)?.map(|()| Done::Written(recording.steps()))
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
        let mut chain = Chain::new(Writer::Person, last, decisions.len());
        let mut changed = Changed::new(&known);
        let mut after = Vec::with_capacity(decisions.len());
        for (id, event) in decisions {
            after.push(changed.apply(id, event, chain.at)?.clone());
            chain.push(Subject::Break, id, event);
            changed.written(id, chain.last());
        }
        execute_each(connection, inserting(&chain.lines).chain(changed.statements())).await.map_err(told)?;
        Ok(Done::Written(after))
    }
}
