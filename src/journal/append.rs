//! Writing events of effects: one transaction for many, each a legal step, all in one chain of hashes.

use std::collections::HashMap;

use super::chain::{CHUNK, Chain, Subject, Writer, insert_entries, last_entry};
use super::link::{Connection, Mode};
use super::statement::Statement;
use super::turn::Done;
use super::{Journal, JournalError, rows};
use crate::effects::{Anchor, BusinessKey, Effect, Event, IllegalEffectStep, Standing, apply};
use crate::text::visible;

/// What is told when a statement of these fails.
const DOING: &str = "recording what becomes of effects";

impl Journal {
    /// Appends events of effects (effect id, event): all of them or none, durable when this returns. Gives
    /// the standing after each event.
    ///
    /// # Errors
    /// [`JournalError::IllegalEffect`] when an event cannot follow, [`JournalError::OtherId`] when a proposed
    /// effect is known under another id, [`JournalError::LeaseLost`] when the run has lost its lease; or when
    /// the state file cannot be written. Nothing is written then.
    pub async fn append(&self, writer: Writer<'_>, events: &[(String, Event)]) -> Result<Vec<Standing>, JournalError> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let mut turn = self.begin(Mode::Write, DOING).await?;
        loop {
            let done = self.append_in(turn.connection(), writer, events).await;
            if let Some(after) = turn.settle(done).await? {
                return Ok(after);
            }
        }
    }

    async fn append_in(
        &self,
        connection: &mut Connection,
        writer: Writer<'_>,
        events: &[(String, Event)],
    ) -> Result<Done<Vec<Standing>>, JournalError> {
        let told = |source| self.told(DOING, source);
        self.check_lease(connection, writer, DOING).await?;
        let last = last_entry(connection).await.map_err(told)?;
        let known = self.known(connection, events).await?;
        let mut batch = Batch::new(writer, last, known, events.len());
        for (id, event) in events {
            batch.add(id, event)?;
        }
        refuse_other_ids(connection, &batch.proposed).await.map_err(told)??;
        insert_entries(connection, &batch.chain.lines).await.map_err(told)?;
        write_standings(connection, &batch).await.map_err(told)?;
        Ok(Done::Written(batch.after))
    }

    /// The standings before, of the effects that the events are about.
    async fn known(
        &self,
        connection: &mut Connection,
        events: &[(String, Event)],
    ) -> Result<HashMap<String, Standing>, JournalError> {
        let mut ids: Vec<&str> = events.iter().map(|(id, _)| id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut known = HashMap::with_capacity(ids.len());
        for chunk in ids.chunks(CHUNK) {
            let mut query = Statement::new("SELECT id, standing FROM effects WHERE id IN (");
            query.push_list(chunk.iter().copied());
            query.push(")");
            let found = query.fetch_all(connection).await;
            for row in found.map_err(|source| self.told("reading where effects stand", source))? {
                let standing = self.readable(rows::standing(&row))?;
                known.insert(row.get("id"), standing);
            }
        }
        Ok(known)
    }
}

/// The entries of one transaction as they are made.
#[derive(Debug)]
struct Batch<'e> {
    chain: Chain<'e>,
    /// The standings before.
    known: HashMap<String, Standing>,
    /// What is proposed for the first time → its id.
    proposed: HashMap<(&'e BusinessKey, u32), &'e str>,
    /// The standing after each event, in the order of the chain's lines.
    after: Vec<Standing>,
    /// Effect id → the place of its last event in the chain's lines and in `after`.
    latest: HashMap<&'e str, usize>,
}

impl<'e> Batch<'e> {
    fn new(writer: Writer<'e>, last: Anchor, known: HashMap<String, Standing>, events: usize) -> Self {
        Self {
            chain: Chain::new(writer, last, events),
            known,
            proposed: HashMap::new(),
            after: Vec::with_capacity(events),
            latest: HashMap::new(),
        }
    }

    fn add(&mut self, id: &'e str, event: &'e Event) -> Result<(), JournalError> {
        if let Event::Proposed { effect, .. } = event {
            self.check_key(id, effect)?;
        }
        let after = apply(self.standing(id), id, event, self.chain.at)?;
        self.chain.push(Subject::Effect, id, event);
        self.latest.insert(id, self.after.len());
        self.after.push(after);
        Ok(())
    }

    /// Where an effect stands after what was added so far.
    fn standing(&self, id: &str) -> Option<&Standing> {
        self.latest.get(id).map(|place| &self.after[*place]).or_else(|| self.known.get(id))
    }

    /// An id stands for one key and opening for ever, and these for one id.
    fn check_key(&mut self, id: &'e str, effect: &'e Effect) -> Result<(), JournalError> {
        if let Some(before) = self.standing(id) {
            if (&before.effect.key, before.effect.opening) == (&effect.key, effect.opening) {
                return Ok(());
            }
            let state = Some(before.state);
            return Err(IllegalEffectStep { effect: id.to_owned(), event: "proposed", state }.into());
        }
        match self.proposed.insert((&effect.key, effect.opening), id) {
            Some(known) => Err(other_id(&effect.key, id, known)),
            None => Ok(()),
        }
    }
}

fn other_id(key: &BusinessKey, proposed: &str, known: &str) -> JournalError {
    JournalError::OtherId {
        proposed: proposed.to_owned(),
        known: known.to_owned(),
        kind: key.kind,
        transaction: visible(&key.transaction).into_owned(),
    }
}

/// What is proposed for the first time must not be known under another id.
async fn refuse_other_ids(
    connection: &mut Connection,
    proposed: &HashMap<(&BusinessKey, u32), &str>,
) -> sqlx::Result<Result<(), JournalError>> {
    let proposed: Vec<_> = proposed.iter().collect();
    for chunk in proposed.chunks(CHUNK) {
        let mut query = Statement::new(
            "SELECT id, provider, organization, kind, transaction_id, opening FROM effects
             WHERE (provider, organization, kind, transaction_id, opening) IN (",
        );
        query.push_values(chunk, |row, ((key, opening), _)| {
            row.push_bind(&*key.provider).push_bind(&*key.organization).push_bind(key.kind.name());
            row.push_bind(&*key.transaction).push_bind(i64::from(*opening));
        });
        query.push(") LIMIT 1");
        let Some(row) = query.fetch_optional(connection).await? else { continue };
        let same = |key: &BusinessKey, opening: u32| {
            row.get::<&str, _>("provider") == key.provider
                && row.get::<&str, _>("organization") == key.organization
                && row.get::<&str, _>("kind") == key.kind.name()
                && row.get::<&str, _>("transaction_id") == key.transaction
                && row.get::<i64, _>("opening") == i64::from(opening)
        };
        let found = chunk.iter().find(|((key, opening), _)| same(key, *opening));
        let ((key, _), id) = found.expect("the row was looked up by one of these keys");
        return Ok(Err(other_id(key, id, row.get("id"))));
    }
    Ok(Ok(()))
}

/// Writes the standings that the batch has changed, each once.
async fn write_standings(connection: &mut Connection, batch: &Batch<'_>) -> sqlx::Result<()> {
    let mut changed: Vec<usize> = batch.latest.values().copied().collect();
    // In one order always: the same events make the same file.
    changed.sort_unstable();
    for chunk in changed.chunks(CHUNK) {
        let mut query = Statement::new(
            "INSERT INTO effects (id, provider, organization, kind, transaction_id, opening, job, period, plan, state,
             standing, last_sequence, last_hash) ",
        );
        query.push_values(chunk, |row, place| {
            let (standing, written) = (&batch.after[*place], &batch.chain.lines[*place]);
            let effect = &standing.effect;
            let text = serde_json::to_string(standing).expect("a standing is plain data with text keys");
            row.push_bind(written.id).push_bind(&*effect.key.provider).push_bind(&*effect.key.organization);
            row.push_bind(effect.key.kind.name()).push_bind(&*effect.key.transaction);
            row.push_bind(i64::from(effect.opening)).push_bind(&*effect.job).push_bind(&*effect.period);
            row.push_bind(&*standing.plan).push_bind(standing.state.name()).push_bind(text);
            row.push_bind(rows::count(written.sequence)).push_bind(&*written.hash);
        });
        query.push(
            " ON CONFLICT (id) DO UPDATE SET job = excluded.job, period = excluded.period, plan = excluded.plan,
             state = excluded.state, standing = excluded.standing, last_sequence = excluded.last_sequence,
             last_hash = excluded.last_hash",
        );
        query.execute(connection).await?;
    }
    Ok(())
}
