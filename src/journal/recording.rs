//! Writing what a run has found: entries as they are made, some hundreds a statement, and behind them where the breaks
//! stand. What is found for the first time is held neither as an entry nor as a standing.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::chain::{CHUNK, Chain, INSERT_ENTRIES, Subject, Writer};
use super::link::Connection;
use super::statement::{Statement, execute_each, query};
use super::{JournalError, RunRecord, rows};
use crate::breaks::life::{Event, IllegalBreakStep, Standing, apply};
use crate::breaks::observe::{Observation, Outline, each_step};
use crate::digest::hex;
use crate::effects::Anchor;

/// So many steps are more than indexes take one by one, where they are not few beside what the journal holds already.
const MANY: usize = 50_000;

/// The indexes whose keys come in no order.
const UNORDERED: &[&str] = &["entries_by_effect", "breaks_by_key"];

const INSERT_BREAKS: &str =
    "INSERT INTO breaks (id, job, kind, key, currency, at_risk_minor, status, owner, first_period, standing,
     last_sequence, last_hash) ";

/// What one run has found, on its way into the journal.
pub(super) struct Recording<'o> {
    run: &'o RunRecord,
    observation: &'o Observation,
    known: &'o HashMap<String, Standing>,
    outline: Outline,
    /// What is found for the first time, and nothing else is told of it.
    opened: Vec<Opened<'o>>,
    /// All else.
    changed: Changed<'o>,
    /// Ids of what is found here, and of what the period has no more: of all else.
    here: Vec<String>,
    gone: Vec<String>,
}

/// A break with its one entry.
struct Opened<'o> {
    id: &'o str,
    /// Among what is found.
    place: usize,
    sequence: u64,
    hash: [u8; 32],
}

impl<'o> Recording<'o> {
    /// `known`: see [`each_step`].
    pub(super) fn new(run: &'o RunRecord, observation: &'o Observation, known: &'o HashMap<String, Standing>) -> Self {
        let outline = Outline::of(observation, known);
        let opened =
            Vec::with_capacity(outline.steps.saturating_sub(outline.eventful.len()).min(observation.found.len()));
        let changed = Changed::new(known);
        Self { run, observation, known, outline, opened, changed, here: Vec::new(), gone: Vec::new() }
    }

    /// Whether there is nothing to write, not even that something was seen again.
    pub(super) fn is_empty(&self) -> bool {
        self.outline.steps == 0 && self.observation.found.is_empty()
    }

    pub(super) fn steps(&self) -> u64 {
        self.outline.steps as u64
    }

    /// Writes all of it behind the last entry. The inner error: a step that cannot follow.
    pub(super) async fn write(
        &mut self,
        connection: &mut Connection,
        last: Anchor,
        seen_at: &str,
    ) -> sqlx::Result<Result<(), JournalError>> {
        let is_many = self.outline.steps >= MANY && last.sequence / 4 <= self.steps();
        let aside = connection.set_indexes_aside(if is_many { UNORDERED } else { &[] }).await?;
        if let Err(fault) = self.write_entries(connection, last).await? {
            return Ok(Err(fault));
        }
        // In the order of the tables' keys, so that they grow at their ends.
        self.opened.sort_unstable_by(|left, right| left.id.cmp(right.id));
        if let Some(twice) = self.opened.windows(2).find(|pair| pair[0].id == pair[1].id) {
            let one = self.observation.found.get(twice[0].place);
            let (id, status) = (one.id, Some(one.facts.opened()));
            return Ok(Err(IllegalBreakStep { id, event: "opened", status }.into()));
        }
        execute_each(connection, self.opened_breaks().chain(self.changed.statements())).await?;
        self.write_sightings(connection, seen_at).await?;
        for index in aside {
            connection.raw(&index).await?;
        }
        Ok(Ok(()))
    }

    async fn write_entries(
        &mut self,
        connection: &mut Connection,
        last: Anchor,
    ) -> sqlx::Result<Result<(), JournalError>> {
        let mut chain = Chain::new(Writer::Run(self.run), last, 0);
        let mut steps = each_step(self.observation, self.known);
        let (known, eventful) = (self.known, self.outline.eventful.clone());
        let is_first = |id: &str| !known.contains_key(id) && !eventful.contains(id);
        let mut first_time = self.observation.found.ids().zip(0..).filter(|(id, _)| is_first(id));
        let mut fault = None;
        let statements = std::iter::from_fn(|| {
            let chunk: Vec<(String, Event)> = steps.by_ref().take(CHUNK).collect();
            if chunk.is_empty() {
                return None;
            }
            let made = self.entries(&chunk, &mut first_time, &mut chain);
            made.map_err(|error| fault = Some(error)).ok()
        });
        execute_each(connection, statements).await?;
        Ok(fault.map_or(Ok(()), Err))
    }

    /// The entries of some steps as one statement. `first_time`: what is only opened, in the order of its steps.
    fn entries(
        &mut self,
        steps: &[(String, Event)],
        first_time: &mut impl Iterator<Item = (&'o str, usize)>,
        chain: &mut Chain<'_>,
    ) -> Result<Statement, JournalError> {
        let mut links = Vec::with_capacity(steps.len());
        for (id, event) in steps {
            let is_first = matches!(event, Event::Opened { .. }) && !self.outline.eventful.contains(id);
            if !is_first {
                self.changed.apply(id, event, chain.at)?;
            }
            let link = chain.link(Subject::Break, id, event);
            if is_first {
                let (id, place) = first_time.next().expect("what is opened is found");
                self.opened.push(Opened { id, place, sequence: link.sequence, hash: link.digest });
            } else {
                self.changed.written(id, chain.last());
                self.note(id, event);
            }
            links.push((id, link));
        }
        let mut query = Statement::new(INSERT_ENTRIES);
        query.push_values(links, |row, (id, link)| {
            row.push_bind(rows::count(link.sequence)).push_bind(&**id);
            row.push_bind(link.entry).push_bind(link.hash).push_bind(Subject::Break.name());
        });
        Ok(query)
    }

    /// What a step means for the table of sightings.
    fn note(&mut self, id: &str, event: &Event) {
        match event {
            Event::Opened { .. } | Event::Changed { .. } | Event::Reopened { .. } => self.here.push(id.to_owned()),
            Event::Closed { evidence, .. } if evidence.is_of_its_own_period() => self.gone.push(id.to_owned()),
            _ => {}
        }
    }

    /// The rows of what is found for the first time: its one entry tells how it stands.
    fn opened_breaks(&self) -> impl Iterator<Item = Statement> {
        self.opened.chunks(CHUNK).map(|chunk| {
            let mut query = Statement::new(INSERT_BREAKS);
            query.push_values(chunk, |row, Opened { place, sequence, hash, .. }| {
                let one = self.observation.found.get(*place);
                let facts = &one.facts;
                row.push_bind(&*one.id).push_bind(&*self.observation.job).push_bind(facts.kind_name());
                row.push_bind(&*facts.key).push_bind(&*facts.currency).push_bind(facts.at_risk_minor);
                row.push_bind(facts.opened().name()).push_bind(None::<&str>).push_bind(&*facts.period);
                row.push_bind("").push_bind(rows::count(*sequence)).push_bind(hex(hash));
            });
            query
        })
    }

    async fn write_sightings(&mut self, connection: &mut Connection, seen_at: &str) -> sqlx::Result<()> {
        let (job, period, run) = (&*self.observation.job, &*self.observation.period, &*self.run.id);
        self.here.sort_unstable();
        let first_time: Vec<&str> = self.opened.iter().map(|opened| opened.id).collect();
        let again: Vec<&str> = self.here.iter().map(String::as_str).collect();
        let inserting = first_time.chunks(CHUNK).chain(again.chunks(CHUNK)).map(|chunk| {
            let mut query = Statement::new(
                "INSERT INTO sightings (job, period, break_id, present, first_run, last_run, last_seen) ",
            );
            query.push_values(chunk, |row, id| {
                row.push_bind(job).push_bind(period).push_bind(*id);
                row.push_bind(true).push_bind(run).push_bind(run).push_bind(seen_at);
            });
            query.push(" ON CONFLICT (job, period, break_id) DO UPDATE SET present = TRUE");
            query
        });
        execute_each(connection, inserting).await?;
        for chunk in self.gone.chunks(CHUNK) {
            let mut query = Statement::new("UPDATE sightings SET present = FALSE WHERE job = ");
            query.push_bind(job).push(" AND period = ").push_bind(period).push(" AND break_id IN (");
            query.push_list(chunk.iter().map(String::as_str));
            query.push(")");
            query.execute(connection).await?;
        }
        // What is present now is what this run has found; what was written just now says so already.
        let seen = query(
            "UPDATE sightings SET last_run = $3, last_seen = $4 WHERE job = $1 AND period = $2 AND present = TRUE
             AND (last_run <> $3 OR last_seen <> $4)",
        );
        seen.bind(job).bind(period).bind(run).bind(seen_at).execute(connection).await?;
        Ok(())
    }
}

/// Where breaks stand after the events of one transaction.
pub(super) struct Changed<'k> {
    /// The standings before.
    known: &'k HashMap<String, Standing>,
    /// Id → the standing after its last event, and that entry.
    after: HashMap<String, (Standing, Anchor)>,
}

impl<'k> Changed<'k> {
    pub(super) fn new(known: &'k HashMap<String, Standing>) -> Self {
        Self { known, after: HashMap::new() }
    }

    /// One event more.
    pub(super) fn apply(&mut self, id: &str, event: &Event, at: DateTime<Utc>) -> Result<&Standing, JournalError> {
        let before = self.after.get(id).map(|(standing, _)| standing).or_else(|| self.known.get(id));
        let after = apply(before, id, event, at)?;
        let nowhere = Anchor { sequence: 0, hash: String::new() };
        Ok(&self.after.entry(id.to_owned()).insert_entry((after, nowhere)).into_mut().0)
    }

    /// The entry of the last event of this break.
    pub(super) fn written(&mut self, id: &str, entry: &Anchor) {
        if let Some((_, last)) = self.after.get_mut(id) {
            last.clone_from(entry);
        }
    }

    /// Writes where they stand, each once.
    pub(super) fn statements(&self) -> impl Iterator<Item = Statement> {
        let mut changed: Vec<(&String, &(Standing, Anchor))> = self.after.iter().collect();
        // In one order always: the same events make the same file.
        changed.sort_unstable_by_key(|(id, _)| *id);
        let chunks: Vec<Vec<_>> = changed.chunks(CHUNK).map(<[_]>::to_vec).collect();
        chunks.into_iter().map(|chunk| {
            let mut query = Statement::new(INSERT_BREAKS);
            query.push_values(chunk, |row, (id, (standing, written))| {
                let facts = standing.facts();
                let text = serde_json::to_string(standing).expect("a standing is plain data with text keys");
                row.push_bind(&**id).push_bind(&*standing.job).push_bind(facts.kind_name());
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
