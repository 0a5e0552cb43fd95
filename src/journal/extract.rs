//! What the journal holds about one period, handed out as evidence: its entries in full, and of all others the hash alone.
//! All of one moment; what is written goes out some at a time.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::entries::{ExportError, entries_from, export_line, following};
use super::link::{Connection, Mode};
use super::statement::{Row, Statement, query};
use super::turn::Done;
use super::verify::EntryRow;
use super::{GENESIS, Journal, JournalError, rows};
use crate::effects::{Anchor, Standing as Effect};
use crate::seals::life::{Standing as Seal, seal_id};
use crate::sign_off::Standing as SignOff;

/// Rows in memory at once.
const PAGE: i64 = 1_000;

/// Which part of the journal.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    pub job: &'a str,
    /// The label.
    pub period: &'a str,
    /// All entries in full.
    pub whole: bool,
}

/// One entry about an effect, for its history.
#[derive(Debug, Serialize)]
pub struct EffectStep {
    pub sequence: u64,
    /// RFC 3339, UTC.
    pub at: String,
    pub run: Option<String>,
    /// As it stands in the entry.
    pub event: Box<RawValue>,
}

/// An effect with all that became of it.
#[derive(Debug)]
pub struct EffectHistory {
    pub standing: Effect,
    pub steps: Vec<EffectStep>,
}

/// What goes with the entries.
#[derive(Debug)]
pub struct Extract {
    /// Where the journal ended.
    pub anchor: Anchor,
    /// Entries in full.
    pub full: u64,
    /// The effects that entries in full are about, in the order in which they were proposed.
    pub effects: Vec<EffectHistory>,
    /// Of the period, sealed or opened again; none where it never was.
    pub seal: Option<Seal>,
    /// Of all attempts of the period.
    pub sign_offs: Vec<SignOff>,
}

/// What of an entry says whose it is.
#[derive(Deserialize)]
struct Whose<'e> {
    #[serde(borrow)]
    run: Option<std::borrow::Cow<'e, str>>,
}

#[derive(Deserialize)]
struct OfEffect {
    at: String,
    run: Option<String>,
    event: Box<RawValue>,
}

/// An entry that is not of the period.
#[derive(Serialize)]
struct HashLine<'a> {
    sequence: i64,
    hash: &'a str,
}

/// What the period is about, each by the start of a digest: a million breaks take little room.
#[derive(Debug, Default)]
struct Things(HashSet<[u8; 16]>);

impl Things {
    fn name(subject: &[u8], id: &[u8]) -> [u8; 16] {
        let mut hasher = Sha256::new();
        hasher.update(subject);
        hasher.update([0]);
        hasher.update(id);
        let mut name = [0; 16];
        name.copy_from_slice(&hasher.finalize()[..16]);
        name
    }

    fn add(&mut self, subject: &[u8], id: &[u8]) {
        self.0.insert(Self::name(subject, id));
    }

    fn holds(&self, subject: &[u8], id: &[u8]) -> bool {
        self.0.contains(&Self::name(subject, id))
    }
}

impl Journal {
    /// Hands out the journal as evidence of a period, in order, some lines at a time: `{"hash":…,"entry":…}` for every
    /// entry about an effect, a break, a seal or a signature that the period's runs or lists know, and for every other
    /// entry `{"sequence":…,"hash":…}`.
    ///
    /// # Errors
    /// When the state file cannot be read, `out` fails, or an entry is no JSON text.
    pub async fn extract(
        &self,
        scope: Scope<'_>,
        out: impl FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<Extract, ExportError> {
        const DOING: &str = "reading the journal of a period";
        let mut turn = self.begin(Mode::Snapshot, DOING).await?;
        // What was handed out cannot be taken back: this is not begun again.
        let things = things(turn.connection(), scope).await.map_err(|source| self.told(DOING, source))?;
        let mut writing = Writing { scope, things, out, steps: BTreeMap::new(), full: 0 };
        let mut anchor = Anchor { sequence: 0, hash: GENESIS.to_owned() };
        let mut next = Some(i64::MIN);
        while let Some(from) = next {
            let page = entries_from(turn.connection(), from).await.map_err(|source| self.told(DOING, source))?;
            writing.page(&page)?;
            if let Some(last) = page.last() {
                let hash = String::from_utf8_lossy(&last.hash).into_owned();
                anchor = Anchor { sequence: last.sequence.unsigned_abs(), hash };
            }
            next = following(&page);
        }
        let Writing { steps, full, .. } = writing;
        let effects = self.effects_with(turn.connection(), steps).await?;
        let seal = seal(turn.connection(), &seal_id(scope.job, scope.period)).await;
        let sign_offs = sign_offs(turn.connection(), scope).await;
        let read = |source| self.told(DOING, source);
        let (seal, sign_offs) = (seal.map_err(read)?, sign_offs.map_err(read)?);
        turn.settle(Ok(Done::Nothing(()))).await?;
        let seal = seal.map(|row| self.readable(standing(&row, "the standing of a seal"))).transpose()?;
        let sign_offs = sign_offs.iter().map(|row| standing(row, "where signatures stand")).collect();
        Ok(Extract { anchor, full, effects, seal, sign_offs: self.readable(sign_offs)? })
    }

    /// Sequence and hash of the entries behind that one, in order, at most so many.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn hashes(&self, behind: u64, limit: u32) -> Result<Vec<Anchor>, JournalError> {
        let query = query("SELECT sequence, hash FROM entries WHERE sequence > $1 ORDER BY sequence LIMIT $2")
            .bind(rows::count(behind))
            .bind(i64::from(limit));
        let found = self.fetch_all("reading hashes of entries", &query).await?;
        let anchor =
            |row: &Row| Anchor { sequence: row.get::<i64, _>("sequence").unsigned_abs(), hash: row.get("hash") };
        Ok(found.iter().map(anchor).collect())
    }

    /// The standings of the effects of these ids.
    async fn effects_with(
        &self,
        connection: &mut Connection,
        mut steps: BTreeMap<String, Vec<EffectStep>>,
    ) -> Result<Vec<EffectHistory>, JournalError> {
        let ids: Vec<String> = steps.keys().cloned().collect();
        let mut effects = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(500) {
            let mut query = Statement::new("SELECT id, standing FROM effects WHERE id IN (");
            query.push_list(chunk.iter().map(String::as_str)).push(")");
            let found = query.fetch_all(connection).await.map_err(|source| self.told("reading effects", source))?;
            for row in &found {
                let standing = self.readable(rows::standing(row))?;
                let steps = steps.remove(&standing.effect.id).unwrap_or_default();
                effects.push(EffectHistory { standing, steps });
            }
        }
        effects.sort_by_key(|effect| effect.steps.first().map(|step| step.sequence));
        Ok(effects)
    }
}

struct Writing<'s, F> {
    scope: Scope<'s>,
    things: Things,
    out: F,
    /// Effect → what became of it.
    steps: BTreeMap<String, Vec<EffectStep>>,
    full: u64,
}

impl<F: FnMut(&[u8]) -> std::io::Result<()>> Writing<'_, F> {
    fn page(&mut self, page: &[EntryRow]) -> Result<(), ExportError> {
        let mut lines = Vec::new();
        for row in page {
            let no_json = || ExportError::NoJson { sequence: row.sequence };
            let is_ours = self.things.holds(&row.subject, &row.effect);
            if is_ours || self.scope.whole {
                export_line(row, &mut lines).ok_or_else(no_json)?;
                self.full += 1;
            } else {
                let hash = std::str::from_utf8(&row.hash).map_err(|_| no_json())?;
                serde_json::to_writer(&mut lines, &HashLine { sequence: row.sequence, hash })
                    .map_err(std::io::Error::from)?;
                lines.push(b'\n');
            }
            if is_ours && row.subject == b"effect" {
                let entry: OfEffect = serde_json::from_slice(&row.entry).map_err(|_| no_json())?;
                let OfEffect { at, run, event } = entry;
                let step = EffectStep { sequence: row.sequence.unsigned_abs(), at, run, event };
                self.steps.entry(String::from_utf8_lossy(&row.effect).into_owned()).or_default().push(step);
            }
        }
        Ok((self.out)(&lines)?)
    }
}

/// What the period's runs have written about, what its lists know, its seal and its signatures.
async fn things(connection: &mut Connection, scope: Scope<'_>) -> sqlx::Result<Things> {
    let mut things = Things::default();
    let mut after = String::new();
    loop {
        let sighted = query(
            "SELECT break_id FROM sightings WHERE job = $1 AND period = $2 AND break_id > $3 ORDER BY break_id LIMIT $4",
        );
        let page = sighted.bind(scope.job).bind(scope.period).bind(&*after).bind(PAGE).fetch_all(connection).await?;
        let Some(last) = page.last() else { break };
        after = last.get("break_id");
        for row in &page {
            things.add(b"break", row.get::<&str, _>("break_id").as_bytes());
        }
    }
    let planned = query("SELECT id FROM effects WHERE job = $1 AND period = $2").bind(scope.job).bind(scope.period);
    for row in &planned.fetch_all(connection).await? {
        things.add(b"effect", row.get::<&str, _>("id").as_bytes());
    }
    for row in &sign_offs(connection, scope).await? {
        things.add(b"sign_off", row.get::<&str, _>("id").as_bytes());
    }
    let period = seal_id(scope.job, scope.period);
    things.add(b"seal", period.as_bytes());
    let own = format!("{period}/");
    let mut next = Some(i64::MIN);
    while let Some(from) = next {
        let page = entries_from(connection, from).await?;
        for row in &page {
            let run = serde_json::from_slice::<Whose<'_>>(&row.entry).ok().and_then(|whose| whose.run);
            if run.is_some_and(|run| run.starts_with(&own)) {
                things.add(&row.subject, &row.effect);
            }
        }
        next = following(&page);
    }
    Ok(things)
}

async fn seal(connection: &mut Connection, id: &str) -> sqlx::Result<Option<Row>> {
    query("SELECT id, standing FROM seals WHERE id = $1").bind(id).fetch_optional(connection).await
}

async fn sign_offs(connection: &mut Connection, scope: Scope<'_>) -> sqlx::Result<Vec<Row>> {
    let signed = query("SELECT run AS id, standing FROM sign_offs WHERE job = $1 AND period = $2 ORDER BY rowid");
    signed.bind(scope.job).bind(scope.period).fetch_all(connection).await
}

fn standing<S: serde::de::DeserializeOwned>(row: &Row, what: &'static str) -> Result<S, rows::Unreadable> {
    serde_json::from_str(row.get("standing")).map_err(|_| rows::Unreadable::new(what, row.get::<&str, _>("id")))
}
