//! The one chain of entries, whatever they are about: each holds the hash of the one before it, and stands beside its own.

use chrono::{DateTime, SubsecRound, Utc};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::link::Connection;
use super::runs::holds_lease;
use super::statement::{Statement, execute_each, query};
use super::{GENESIS, Journal, JournalError, RunRecord, rows};
use crate::digest::hex;
use crate::effects::Anchor;

/// Rows of one statement. Each takes up to 13 values; `SQLite` binds 32,766 at most, `PostgreSQL` 65,535.
pub(super) const CHUNK: usize = 500;

/// Who writes.
#[derive(Debug, Clone, Copy)]
pub enum Writer<'a> {
    /// Its id and the epoch of its lease go into each entry; without the lease nothing is written.
    Run(&'a RunRecord),
    /// On the command line; the events themselves name the person.
    Person,
}

/// What an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    Effect,
    Break,
    Seal,
    SignOff,
    /// The door of the pages.
    Access,
}

impl Subject {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Effect => "effect",
            Self::Break => "break",
            Self::Seal => "seal",
            Self::SignOff => "sign_off",
            Self::Access => "access",
        }
    }
}

/// An entry as it is written: [`effects::Entry`](crate::effects::Entry), [`BreakEntry`](super::BreakEntry),
/// [`SealEntry`](super::SealEntry), [`SignOffEntry`](super::SignOffEntry) or [`AccessEntry`](super::AccessEntry), field
/// for field, out of what is there already.
#[derive(Debug, Serialize)]
struct NewEntry<'e, E> {
    sequence: u64,
    at: DateTime<Utc>,
    run: Option<&'e str>,
    epoch: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    effect: Option<&'e str>,
    #[serde(rename = "break", skip_serializing_if = "Option::is_none")]
    found: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seal: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sign_off: Option<&'e str>,
    access: Option<&'e str>,
    event: &'e E,
    previous: &'e str,
}

/// A row of `entries`.
#[derive(Debug)]
pub(super) struct Line<'e> {
    pub(super) sequence: u64,
    pub(super) subject: Subject,
    /// Of what the entry is about.
    pub(super) id: &'e str,
    pub(super) entry: String,
    pub(super) hash: String,
}

/// An entry with its place in the chain.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) sequence: u64,
    pub(super) entry: String,
    /// SHA-256 of the entry's bytes, and the same in hexadecimal.
    pub(super) digest: [u8; 32],
    pub(super) hash: String,
}

/// The entries of one transaction as they are made, behind the last one that is written.
#[derive(Debug)]
pub(super) struct Chain<'e> {
    writer: Writer<'e>,
    /// Of all its entries.
    pub(super) at: DateTime<Utc>,
    last: Anchor,
    pub(super) lines: Vec<Line<'e>>,
}

impl<'e> Chain<'e> {
    /// `last`: see [`last_entry`].
    pub(super) fn new(writer: Writer<'e>, last: Anchor, entries: usize) -> Self {
        // Microseconds, as all times of the journal.
        Self { writer, at: Utc::now().trunc_subsecs(6), last, lines: Vec::with_capacity(entries) }
    }

    /// The last entry so far.
    pub(super) const fn last(&self) -> &Anchor {
        &self.last
    }

    /// One entry more, kept among the lines.
    pub(super) fn push(&mut self, subject: Subject, id: &'e str, event: &impl Serialize) {
        let Link { sequence, entry, hash, .. } = self.link(subject, id, event);
        self.lines.push(Line { sequence, subject, id, entry, hash });
    }

    /// One entry more, handed back: for whoever writes them as they are made.
    pub(super) fn link(&mut self, subject: Subject, id: &str, event: &impl Serialize) -> Link {
        let (run, epoch) = match self.writer {
            Writer::Run(run) => (Some(run.id.as_str()), run.lease_epoch),
            Writer::Person => (None, None),
        };
        let sequence = self.last.sequence + 1;
        let entry = NewEntry {
            sequence,
            at: self.at,
            run,
            epoch,
            effect: (subject == Subject::Effect).then_some(id),
            found: (subject == Subject::Break).then_some(id),
            seal: (subject == Subject::Seal).then_some(id),
            sign_off: (subject == Subject::SignOff).then_some(id),
            access: (subject == Subject::Access).then_some(id),
            event,
            previous: &self.last.hash,
        };
        let entry = serde_json::to_string(&entry).expect("an entry is plain data with text keys");
        let digest: [u8; 32] = Sha256::digest(entry.as_bytes()).into();
        let hash = hex(&digest);
        self.last = Anchor { sequence, hash: hash.clone() };
        Link { sequence, entry, digest, hash }
    }
}

impl Journal {
    /// Nothing is written by a run whose lease somebody else has taken. To be asked inside the transaction.
    pub(super) async fn check_lease(
        &self,
        connection: &mut Connection,
        writer: Writer<'_>,
        doing: &'static str,
    ) -> Result<(), JournalError> {
        let Writer::Run(run) = writer else { return Ok(()) };
        if holds_lease(connection, &run.id).await.map_err(|source| self.told(doing, source))? {
            return Ok(());
        }
        Err(JournalError::LeaseLost { run: run.id.clone() })
    }
}

/// The last entry's sequence and hash.
pub(super) async fn last_entry(connection: &mut Connection) -> sqlx::Result<Anchor> {
    let row = query("SELECT sequence, hash FROM entries ORDER BY sequence DESC LIMIT 1");
    Ok(match row.fetch_optional(connection).await? {
        Some(row) => Anchor { sequence: row.get::<i64, _>("sequence").unsigned_abs(), hash: row.get("hash") },
        None => Anchor { sequence: 0, hash: GENESIS.to_owned() },
    })
}

pub(super) async fn insert_entries(connection: &mut Connection, lines: &[Line<'_>]) -> sqlx::Result<()> {
    execute_each(connection, inserting(lines)).await
}

/// The statements of [`insert_entries`].
pub(super) fn inserting(lines: &[Line<'_>]) -> impl Iterator<Item = Statement> {
    lines.chunks(CHUNK).map(|chunk| {
        let mut query = Statement::new(INSERT_ENTRIES);
        query.push_values(chunk, |row, line| {
            row.push_bind(rows::count(line.sequence)).push_bind(line.id);
            row.push_bind(&*line.entry).push_bind(&*line.hash).push_bind(line.subject.name());
        });
        query
    })
}

/// Behind it stand rows of these columns.
pub(super) const INSERT_ENTRIES: &str = "INSERT INTO entries (sequence, effect, entry, hash, subject) ";
