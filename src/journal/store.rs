//! The open journal: one connection to one of the two databases, whichever the project names.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::link::{Connection, Mode};
use super::rows::Unreadable;
use super::statement::{Row, Statement};
use super::turn::Done;
use super::{JournalError, SCHEMA_VERSION, file, postgres};
use crate::postgres::Address;
use crate::project::State;

/// How long a server that went away is waited for, in one piece.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// How long one is waited for that does not answer at all when the journal is opened: it is not known yet whether its
/// address is right.
const FIRST_PATIENCE: Duration = Duration::from_secs(10);

/// An open journal. One connection: the pipeline writes one mark after the other.
#[derive(Debug)]
pub struct Journal {
    pub(super) state: State,
    pub(super) read_only: bool,
    /// None between a connection that was lost and the next one.
    pub(super) session: Mutex<Option<Connection>>,
    pub(super) patience: Duration,
    /// See [`WriteMark`](super::link::WriteMark); none for a file.
    pub(super) writer: Option<String>,
    /// Begun so far, of this writer.
    pub(super) writes: AtomicU64,
    /// See [`Journal::commits`].
    commits: AtomicU64,
}

impl Journal {
    /// Opens the state file or the database, makes the tables if there are none, and brings them up to date.
    ///
    /// # Errors
    /// What is of a newer schema or of another program is refused before anything is done to it; a file or
    /// folder that cannot be written is told here, not in the middle of a run.
    pub async fn open(state: impl Into<State>) -> Result<Self, JournalError> {
        let state = state.into();
        match &state {
            State::Sqlite(path) => {
                let connection = Connection::Sqlite(file::open(path).await?);
                Ok(Self::over(state, connection, None, false))
            }
            State::Postgres(database) => {
                let address = database.address()?;
                let mut connection = patiently(|| postgres::open(&address)).await?;
                let writer = postgres::new_writer(&address, &mut connection).await?;
                Ok(Self::over(state, Connection::Postgres(connection), Some(writer), false))
            }
        }
    }

    /// Opens the state file or the database for reading only. `None` when nothing was ever run.
    ///
    /// # Errors
    /// As [`Journal::open`], except that nothing needs to be writable.
    pub async fn open_read_only(state: impl Into<State>) -> Result<Option<Self>, JournalError> {
        let state = state.into();
        let (connection, version) = match &state {
            State::Sqlite(path) if !path.exists() => return Ok(None),
            State::Sqlite(path) => {
                let (connection, version) = file::open_read_only(path).await?;
                (Connection::Sqlite(connection), version)
            }
            State::Postgres(database) => {
                let address = database.address()?;
                let (connection, version) = patiently(|| look(&address)).await?;
                (Connection::Postgres(connection), version)
            }
        };
        match version {
            0 => Ok(None),
            SCHEMA_VERSION => Ok(Some(Self::over(state, connection, None, true))),
            // Older tables are brought up to date first, which does need writing.
            _ => Self::open(state).await.map(Some),
        }
    }

    /// As [`Journal::open`], and `None` where nothing was ever run: no file is made, and no tables.
    ///
    /// # Errors
    /// As [`Journal::open`].
    pub async fn open_existing(state: impl Into<State>) -> Result<Option<Self>, JournalError> {
        let state = state.into();
        let is_there = match &state {
            State::Sqlite(path) => path.exists(),
            State::Postgres(_) => match Self::open_read_only(&state).await? {
                Some(journal) => {
                    journal.close().await?;
                    true
                }
                None => false,
            },
        };
        if is_there { Self::open(state).await.map(Some) } else { Ok(None) }
    }

    /// A server that goes away is waited for so long, in place of [`PATIENCE`].
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    fn over(state: State, connection: Connection, writer: Option<String>, read_only: bool) -> Self {
        Self {
            state,
            read_only,
            session: Mutex::new(Some(connection)),
            patience: PATIENCE,
            writer,
            writes: AtomicU64::new(0),
            commits: AtomicU64::new(0),
        }
    }

    /// How many transactions were written since it was opened. Each costs one wait for the disk.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    pub(super) fn committed(&self) {
        self.commits.fetch_add(1, Ordering::Relaxed);
    }

    /// Closes it; all of a journal in a file stands in the one file then.
    ///
    /// # Errors
    /// When the last write fails.
    pub async fn close(self) -> Result<(), JournalError> {
        let Self { state, session, .. } = self;
        let Some(connection) = session.into_inner() else { return Ok(()) };
        match (connection.close().await, &state) {
            (Err(source), State::Sqlite(path)) => Err(file::told(path, "closing it", source)),
            // All that was committed is on the server's disk, however the connection ends.
            (Err(_), State::Postgres(_)) | (Ok(()), _) => Ok(()),
        }
    }

    /// What one statement reads.
    pub(super) async fn fetch_all(&self, doing: &'static str, query: &Statement) -> Result<Vec<Row>, JournalError> {
        let mut turn = self.begin(Mode::Read, doing).await?;
        loop {
            let done = query.fetch_all(turn.connection()).await.map_err(|source| self.told(doing, source));
            if let Some(rows) = turn.settle(done.map(Done::Nothing)).await? {
                return Ok(rows);
            }
        }
    }

    /// Writes by one statement, and says how many rows. For a file, it is a transaction of its own, and the shortest:
    /// whoever is stopped inside one keeps everybody else from writing.
    pub(super) async fn execute_alone(&self, doing: &'static str, query: &Statement) -> Result<u64, JournalError> {
        let mode = if matches!(self.state, State::Sqlite(_)) { Mode::Read } else { Mode::Write };
        let mut turn = self.begin(mode, doing).await?;
        loop {
            let done = query.execute(turn.connection()).await.map_err(|source| self.told(doing, source));
            let done = if mode == Mode::Write { done.map(Done::Written) } else { done.map(Done::Nothing) };
            if let Some(written) = turn.settle(done).await? {
                if mode == Mode::Read && written > 0 {
                    self.committed();
                }
                return Ok(written);
            }
        }
    }

    /// Begins a write and takes it back: none but those that may write get so far. Gives the version of the server,
    /// where there is one.
    ///
    /// # Errors
    /// What a write would meet.
    pub async fn try_writing(&self) -> Result<Option<String>, JournalError> {
        const DOING: &str = "trying to write";
        let mut turn = self.begin(Mode::Write, DOING).await?;
        loop {
            let tried = postgres::try_writing(turn.connection()).await.map_err(|source| self.told(DOING, source));
            if let Some(version) = turn.settle(tried.map(Done::Nothing)).await? {
                return Ok(version);
            }
        }
    }

    pub(super) fn told(&self, doing: &'static str, source: sqlx::Error) -> JournalError {
        match &self.state {
            State::Sqlite(path) => file::told(path, doing, source),
            State::Postgres(database) => postgres::told(database.shown(), doing, source),
        }
    }

    pub(super) fn readable<T>(&self, decoded: Result<T, Unreadable>) -> Result<T, JournalError> {
        decoded.map_err(|Unreadable { what, value }| {
            let state = match &self.state {
                State::Sqlite(path) => format!("the state file {}", path.display()),
                State::Postgres(database) => format!("the state database {}", database.shown()),
            };
            JournalError::Unreadable { state, what, value }
        })
    }
}

async fn look(address: &Address) -> Result<(sqlx::PgConnection, u32), JournalError> {
    let mut connection = postgres::session(address).await?;
    let found = postgres::look(address, &mut connection).await?;
    Ok((connection, found.version))
}

/// A server that says to come again later is the right one.
const fn patience_with(error: &JournalError) -> Duration {
    match error {
        JournalError::Database { source: crate::postgres::Error::NotNow { .. }, .. } => PATIENCE,
        _ => FIRST_PATIENCE,
    }
}

/// Opens again and again while a server is just being started.
async fn patiently<T, F: Future<Output = Result<T, JournalError>>>(
    mut open: impl FnMut() -> F,
) -> Result<T, JournalError> {
    let begun = Instant::now();
    let mut wait = Duration::from_millis(100);
    loop {
        match open().await {
            Err(error) if error.is_passing() && begun.elapsed() + wait < patience_with(&error) => {
                tracing::debug!("{error}; trying again");
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(Duration::from_secs(1));
            }
            outcome => return outcome,
        }
    }
}
