//! Turns at the journal's one connection, and what is done when a server goes away in the middle of one: a read is
//! done again, a write is done again as a whole, and one whose commit was cut off is looked for first.
//!
//! ```text
//! let mut turn = journal.begin(Mode::Write, DOING).await?;
//! loop {
//!     let done = journal.all_that_is_written(&mut turn, …).await;
//!     if let Some(value) = turn.settle(done).await? { return Ok(value) }
//! }
//! ```

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::MutexGuard;
use tokio::time::Instant;

use super::link::{Connection, Mode, WriteMark};
use super::{Journal, JournalError, file, postgres};
use crate::project::State;

/// The first wait for a server that went away; each is twice as long as the one before.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// What a turn came to.
#[derive(Debug)]
pub(super) enum Done<T> {
    /// Something was written, to be committed.
    Written(T),
    /// Nothing is to be written after all.
    Nothing(T),
}

/// The connection, until the turn is settled. Dropped before, as by a task that is stopped, it leaves nothing: the
/// connection goes with it, and what it had begun with the connection.
pub(super) struct Turn<'j> {
    journal: &'j Journal,
    session: MutexGuard<'j, Option<Connection>>,
    mode: Mode,
    doing: &'static str,
    /// Between begin and end.
    is_open: bool,
    mark: Option<WriteMark>,
    /// Whether a commit was cut off of which it is not known yet what came of it.
    in_doubt: bool,
    /// When the server was missed first.
    lost_since: Option<Instant>,
    wait: Duration,
}

impl std::fmt::Debug for Turn<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Turn").field("mode", &self.mode).field("doing", &self.doing).finish_non_exhaustive()
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.is_open {
            *self.session = None;
        }
    }
}

impl Journal {
    /// Waits for the connection, and for the lock of all writers where something is to be written.
    pub(super) async fn begin(&self, mode: Mode, doing: &'static str) -> Result<Turn<'_>, JournalError> {
        let session = self.session.lock().await;
        let (is_open, mark, in_doubt, lost_since, wait) = (false, None, false, None, FIRST_WAIT);
        let mut turn = Turn { journal: self, session, mode, doing, is_open, mark, in_doubt, lost_since, wait };
        turn.start().await?;
        Ok(turn)
    }

    /// A connection in place of one that is gone.
    async fn reconnect(&self) -> Result<Connection, JournalError> {
        match &self.state {
            State::Sqlite(path) if self.read_only => Ok(Connection::Sqlite(file::open_read_only(path).await?.0)),
            State::Sqlite(path) => Ok(Connection::Sqlite(file::open(path).await?)),
            State::Postgres(database) => postgres::again(&database.address()?).await.map(Connection::Postgres),
        }
    }

    fn next_mark(&self) -> Option<WriteMark> {
        let writer = self.writer.clone()?;
        Some(WriteMark { writer, sequence: self.writes.fetch_add(1, Ordering::Relaxed) + 1 })
    }
}

impl Turn<'_> {
    pub(super) fn connection(&mut self) -> &mut Connection {
        self.session.as_mut().expect("a turn that has begun has its connection until it is settled")
    }

    /// Ends the turn. None: it has begun anew, and all of it is to be done again.
    pub(super) async fn settle<T>(&mut self, done: Result<Done<T>, JournalError>) -> Result<Option<T>, JournalError> {
        match done {
            Ok(Done::Written(value)) => Ok(Box::pin(self.commit()).await?.then_some(value)),
            Ok(Done::Nothing(value)) => {
                self.give_up().await;
                Ok(Some(value))
            }
            Err(error) if error.is_passing() => {
                self.wait_after(error).await?;
                self.start().await?;
                Ok(None)
            }
            Err(error) => {
                self.give_up().await;
                Err(error)
            }
        }
    }

    async fn start(&mut self) -> Result<(), JournalError> {
        loop {
            match Box::pin(self.try_start()).await {
                Ok(()) => return Ok(()),
                Err(error) => self.wait_after(error).await?,
            }
        }
    }

    async fn try_start(&mut self) -> Result<(), JournalError> {
        if self.session.is_none() {
            *self.session = Some(self.journal.reconnect().await?);
        }
        // One whose commit was cut off is looked for before it is written over.
        self.mark = if self.mode == Mode::Write && !self.in_doubt { self.journal.next_mark() } else { None };
        let (mode, mark) = (self.mode, self.mark.clone());
        // A read of a file ends by itself; whatever else is cut off leaves something behind in the connection.
        let of_server = self.connection().is_postgres();
        self.is_open = mode != Mode::Read || of_server;
        match self.connection().begin(mode, mark.as_ref()).await {
            Ok(()) => Ok(()),
            Err(source) => {
                let error = self.journal.told(self.doing, source);
                self.give_up().await;
                Err(error)
            }
        }
    }

    /// True: it is committed, once. False: it is not, and has begun anew.
    async fn commit(&mut self) -> Result<bool, JournalError> {
        let Err(source) = self.connection().commit().await else {
            self.is_open = false;
            self.journal.committed();
            return Ok(true);
        };
        let error = self.journal.told(self.doing, source);
        if !error.is_passing() {
            self.give_up().await;
            return Err(error);
        }
        // The server may have committed it and not been able to say so.
        let Some(mark) = self.mark.clone() else { return Err(error) };
        let mut error = error;
        self.in_doubt = true;
        loop {
            self.wait_after(error).await?;
            match self.look_for(&mark).await {
                Ok(true) => {
                    self.give_up().await;
                    self.journal.committed();
                    return Ok(true);
                }
                Ok(false) => {
                    self.in_doubt = false;
                    return Ok(false);
                }
                Err(again) => error = again,
            }
        }
    }

    /// Whether the write of that mark was committed; else what has begun anew has a mark of its own. Whoever has the
    /// lock of all writers knows that the write is over.
    async fn look_for(&mut self, mark: &WriteMark) -> Result<bool, JournalError> {
        Box::pin(self.try_start()).await?;
        let (doing, next) = (self.doing, self.journal.next_mark());
        let found = match self.connection().has(mark).await {
            Ok(false) => match &next {
                Some(next) => self.connection().leave(next).await.map(|()| false),
                None => Ok(false),
            },
            found => found,
        };
        self.mark = next;
        found.map_err(|source| self.journal.told(doing, source))
    }

    /// Takes back what was begun, if anything, and ends the turn.
    pub(super) async fn give_up(&mut self) {
        if !self.is_open {
            return;
        }
        let is_over = match (self.mode, self.session.as_mut()) {
            (Mode::Read, _) | (_, None) => true,
            (_, Some(connection)) => connection.rollback().await.is_ok(),
        };
        if !is_over {
            *self.session = None;
        }
        self.is_open = false;
    }

    /// Waits a while for a server that went away; gives the error back where it is none of that kind, or where the
    /// server is missed for too long.
    async fn wait_after(&mut self, error: JournalError) -> Result<(), JournalError> {
        // A lock is kept by a connection of ours that the server has not given up yet.
        let is_ours = error.is_locked() && self.lost_since.is_some();
        if !error.is_passing() && !is_ours {
            return Err(error);
        }
        *self.session = None;
        self.is_open = false;
        let since = *self.lost_since.get_or_insert_with(|| {
            tracing::warn!("{}; trying again", in_one_line(&error));
            Instant::now()
        });
        if since.elapsed() + self.wait > self.journal.patience {
            return Err(error);
        }
        tokio::time::sleep(self.wait).await;
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
        Ok(())
    }
}

/// An error and what is behind it.
fn in_one_line(error: &JournalError) -> String {
    let first: &(dyn std::error::Error + 'static) = error;
    let chain = std::iter::successors(Some(first), |error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
