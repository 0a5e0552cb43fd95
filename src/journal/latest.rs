//! The journal from its end: a page of entries at a time, for people.

use super::rows::Unreadable;
use super::statement::{Row, query};
use super::{AccessEntry, BreakEntry, Journal, JournalError, SealEntry, SignOffEntry, rows};
use crate::effects::Entry;

/// One entry, as far as this program can read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryLine {
    /// From 1, without gaps.
    pub sequence: u64,
    /// The id of the effect, break, seal or signed run; the name of who came to the door.
    pub id: String,
    /// SHA-256 of the entry's text, which holds that of the entry before it.
    pub hash: String,
    pub recorded: Recorded,
}

/// What an entry is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    Effect(Box<Entry>),
    Break(Box<BreakEntry>),
    Seal(Box<SealEntry>),
    SignOff(Box<SignOffEntry>),
    Access(Box<AccessEntry>),
    /// What this program cannot read: the subject as the journal calls it, and the text.
    Other {
        subject: String,
        text: String,
    },
}

impl Journal {
    /// The entries before this one, the latest first; those at the end where none is named.
    ///
    /// # Errors
    /// When the state file cannot be read. What is wrong with an entry is no error: `verify` tells of it.
    pub async fn entries_before(&self, before: Option<u64>, most: u32) -> Result<Vec<EntryLine>, JournalError> {
        let query = query(
            "SELECT sequence, effect, entry, hash, subject FROM entries WHERE sequence < $1 ORDER BY sequence DESC LIMIT $2",
        );
        let query = query.bind(before.map_or(i64::MAX, rows::count)).bind(i64::from(most));
        let rows = self.fetch_all("reading the end of the journal", &query).await?;
        self.readable(rows.iter().map(line).collect())
    }
}

fn line(row: &Row) -> Result<EntryLine, Unreadable> {
    let sequence: i64 = row.get("sequence");
    let unreadable = |_| Unreadable::new("an entry of the journal", &sequence);
    let text = |column: &str| row.try_get::<String, _>(column).map_err(unreadable);
    let (subject, entry) = (text("subject")?, text("entry")?);
    let recorded = match &*subject {
        "effect" => serde_json::from_str(&entry).ok().map(Recorded::Effect),
        "break" => serde_json::from_str(&entry).ok().map(Recorded::Break),
        "seal" => serde_json::from_str(&entry).ok().map(Recorded::Seal),
        "sign_off" => serde_json::from_str(&entry).ok().map(Recorded::SignOff),
        "access" => serde_json::from_str(&entry).ok().map(Recorded::Access),
        _ => None,
    };
    Ok(EntryLine {
        sequence: sequence.unsigned_abs(),
        id: text("effect")?,
        hash: text("hash")?,
        recorded: recorded.unwrap_or(Recorded::Other { subject, text: entry }),
    })
}
