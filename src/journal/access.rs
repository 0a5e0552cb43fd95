//! Who has signed in to the pages, failed to, and signed out: entries in the one chain, and the sessions that last.
//!
//! A session is found by the SHA-256 of its token; the token itself is kept nowhere.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::chain::{Chain, Subject, Writer, insert_entries, last_entry};
use super::link::{Connection, Mode};
use super::rows::time_text;
use super::statement::query;
use super::turn::Done;
use super::{Journal, JournalError, rows};

/// What is told when a statement of these fails.
const DOING: &str = "recording who has signed in";
const READING: &str = "reading who has signed in";

/// No session lasts so long: its row is of no use any more.
const FORGOTTEN_AFTER: TimeDelta = TimeDelta::days(31);

/// What can happen at the door of the pages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum AccessEvent {
    SignedIn {
        /// The first 16 digits of the session's id.
        session: String,
        /// The address that it came from.
        from: String,
    },
    /// Name and password do not fit together; the name may be nobody's.
    SignInFailed {
        from: String,
        /// Other failures since the entry before, of anybody, that were too many to keep one by one.
        more: u64,
    },
    SignedOut {
        session: String,
    },
}

impl AccessEvent {
    /// What happened, in words.
    pub fn words(&self) -> String {
        match self {
            Self::SignedIn { from, .. } => format!("signed in from {from}"),
            Self::SignInFailed { from, more: 0 } => format!("sign-in refused, from {from}"),
            Self::SignInFailed { from, more: 1 } => {
                format!("sign-in refused, from {from}; one more refusal since the refusal before is not kept by itself")
            }
            Self::SignInFailed { from, more } => {
                format!("sign-in refused, from {from}; {more} more since the refusal before are not kept one by one")
            }
            Self::SignedOut { .. } => "signed out".to_owned(),
        }
    }
}

/// One entry about the door of the pages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessEntry {
    /// From 1, without gaps, over all entries.
    pub sequence: u64,
    /// UTC.
    pub at: DateTime<Utc>,
    /// Always none; so is the epoch.
    pub run: Option<String>,
    pub epoch: Option<u64>,
    /// The name; of somebody who is not known, as far as it can be shown.
    #[serde(rename = "access")]
    pub name: String,
    pub event: AccessEvent,
    /// The hash of the entry before it; 64 zeros for the first.
    pub previous: String,
}

/// Somebody who has signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewSession<'a> {
    /// SHA-256 of the token, in lower-case hexadecimal.
    pub id: &'a str,
    pub name: &'a str,
    /// Tells the password from the next one.
    pub credential: &'a str,
    pub from: &'a str,
}

/// A session that was begun, over or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRecord {
    pub name: String,
    pub credential: String,
    /// UTC; so are the others.
    pub begun_at: DateTime<Utc>,
    /// The last request, give or take a minute.
    pub seen_at: DateTime<Utc>,
    /// When they signed out.
    pub ended_at: Option<DateTime<Utc>>,
}

/// As entries name a session: nobody finds the token by it, nor the session.
pub(super) fn short(id: &str) -> &str {
    id.get(..16).unwrap_or(id)
}

impl Journal {
    /// Begins a session, and forgets those that are long over.
    ///
    /// # Errors
    /// When the state file cannot be written.
    pub async fn sign_in(&self, new: NewSession<'_>) -> Result<(), JournalError> {
        let mut turn = self.begin(Mode::Write, DOING).await?;
        loop {
            let done = begin_session(turn.connection(), new).await.map_err(|source| self.told(DOING, source));
            if turn.settle(done.map(Done::Written)).await?.is_some() {
                return Ok(());
            }
        }
    }

    /// Somebody was not let in; `more`: failures before this one that have no entry.
    ///
    /// # Errors
    /// When the state file cannot be written.
    pub async fn sign_in_failed(&self, name: &str, from: &str, more: u64) -> Result<(), JournalError> {
        let event = AccessEvent::SignInFailed { from: from.to_owned(), more };
        let mut turn = self.begin(Mode::Write, DOING).await?;
        loop {
            let done = write(turn.connection(), name, &event).await.map_err(|source| self.told(DOING, source));
            if turn.settle(done.map(Done::Written)).await?.is_some() {
                return Ok(());
            }
        }
    }

    /// Ends a session; one that is over, or none, is left as it is.
    ///
    /// # Errors
    /// When the state file cannot be written.
    pub async fn sign_out(&self, id: &str) -> Result<(), JournalError> {
        let mut turn = self.begin(Mode::Write, DOING).await?;
        loop {
            let done = end_session(turn.connection(), id).await.map_err(|source| self.told(DOING, source));
            if turn.settle(done).await?.is_some() {
                return Ok(());
            }
        }
    }

    /// The session of this id.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn session(&self, id: &str) -> Result<Option<SessionRecord>, JournalError> {
        let query = query("SELECT name, credential, begun_at, seen_at, ended_at FROM sessions WHERE id = $1").bind(id);
        let rows = self.fetch_all(READING, &query).await?;
        let session = rows.first().map(|row| {
            Ok(SessionRecord {
                name: row.get("name"),
                credential: row.get("credential"),
                begun_at: rows::time(row.get("begun_at"))?,
                seen_at: rows::time(row.get("seen_at"))?,
                ended_at: row.get::<Option<&str>, _>("ended_at").map(rows::time).transpose()?,
            })
        });
        self.readable(session.transpose())
    }

    /// A request of the session came at that time.
    ///
    /// # Errors
    /// When the state file cannot be written.
    pub async fn session_seen(&self, id: &str, at: DateTime<Utc>) -> Result<(), JournalError> {
        let query = query("UPDATE sessions SET seen_at = $2 WHERE id = $1 AND ended_at IS NULL AND seen_at < $3");
        let query = query.bind(id).bind(time_text(at)).bind(time_text(at));
        self.execute_alone(DOING, &query).await.map(|_| ())
    }
}

async fn begin_session(connection: &mut Connection, new: NewSession<'_>) -> sqlx::Result<()> {
    let event = AccessEvent::SignedIn { session: short(new.id).to_owned(), from: new.from.to_owned() };
    let at = write(connection, new.name, &event).await?;
    let over = query("DELETE FROM sessions WHERE begun_at < $1").bind(time_text(at - FORGOTTEN_AFTER));
    over.execute(connection).await?;
    query("INSERT INTO sessions (id, name, credential, begun_at, seen_at) VALUES ($1, $2, $3, $4, $5)")
        .bind(new.id)
        .bind(new.name)
        .bind(new.credential)
        .bind(time_text(at))
        .bind(time_text(at))
        .execute(connection)
        .await?;
    Ok(())
}

async fn end_session(connection: &mut Connection, id: &str) -> sqlx::Result<Done<()>> {
    let name = query("SELECT name FROM sessions WHERE id = $1 AND ended_at IS NULL").bind(id);
    let Some(row) = name.fetch_optional(connection).await? else { return Ok(Done::Nothing(())) };
    let event = AccessEvent::SignedOut { session: short(id).to_owned() };
    let at = write(connection, row.get("name"), &event).await?;
    let end = query("UPDATE sessions SET ended_at = $2 WHERE id = $1").bind(id).bind(time_text(at));
    end.execute(connection).await?;
    Ok(Done::Written(()))
}

/// One entry; gives its time.
async fn write(connection: &mut Connection, name: &str, event: &AccessEvent) -> sqlx::Result<DateTime<Utc>> {
    let mut chain = Chain::new(Writer::Person, last_entry(connection).await?, 1);
    chain.push(Subject::Access, name, event);
    insert_entries(connection, &chain.lines).await?;
    Ok(chain.at)
}
