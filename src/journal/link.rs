//! One connection to either database, and all in which the two differ while they are used.

use std::borrow::Cow;
use std::time::Duration;

use chrono::{DateTime, SubsecRound, Utc};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Postgres, Sqlite, SqliteConnection};

use super::file::BEGIN_WRITE;
use super::statement::{Row, Statement, Value, query};

/// A server that says nothing for so long is not there any more. Longer than any statement waits for a lock.
const SILENCE: Duration = Duration::from_secs(30);

/// How long a write waits for those of other processes; longer than any transaction of ours lasts.
const LOCK_TIMEOUT_SECONDS: u32 = 10;

/// What is begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Single statements, each of its own moment.
    Read,
    /// Many statements of one moment.
    Snapshot,
    /// Nobody else writes until the commit: what is read inside stays true.
    Write,
}

/// A mark that a write leaves in the database: whether it is there tells whether the write was committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WriteMark {
    /// Of one open journal; hexadecimal digits and hyphens, as the server made it.
    pub(super) writer: String,
    pub(super) sequence: u64,
}

pub(super) enum Connection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sqlite(_) => "Connection::Sqlite",
            Self::Postgres(_) => "Connection::Postgres",
        })
    }
}

impl Connection {
    /// Begins what can be ended by [`Self::commit`] or [`Self::rollback`]; nothing for [`Mode::Read`]. The mark is of
    /// use to a server only.
    pub(super) async fn begin(&mut self, mode: Mode, mark: Option<&WriteMark>) -> sqlx::Result<()> {
        match (&mut *self, mode) {
            (_, Mode::Read) => Ok(()),
            (Self::Sqlite(_), Mode::Snapshot) => self.raw("BEGIN").await,
            (Self::Sqlite(_), Mode::Write) => self.raw(BEGIN_WRITE).await,
            (Self::Postgres(_), Mode::Snapshot) => {
                self.raw("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
                self.may_be_slow().await
            }
            (Self::Postgres(_), Mode::Write) => {
                // Each statement behind the lock sees all that was committed before the lock was given. Both are sent
                // at once: one way there and back.
                let mut text = format!(
                    "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'; \
                     SELECT pg_advisory_xact_lock({LOCK_KEY})"
                );
                if let Some(mark) = mark {
                    text.push_str("; ");
                    text.push_str(&leaving(mark));
                }
                self.raw(&text).await
            }
        }
    }

    /// What was begun may pause for as long as others take: whoever reads an export, or the target of a copy.
    pub(super) async fn may_be_slow(&mut self) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(_) => self.raw("SET LOCAL idle_in_transaction_session_timeout = 0").await,
        }
    }

    pub(super) async fn commit(&mut self) -> sqlx::Result<()> {
        self.raw("COMMIT").await
    }

    pub(super) async fn rollback(&mut self) -> sqlx::Result<()> {
        self.raw("ROLLBACK").await
    }

    /// Statements without values, separated by semicolons.
    pub(super) async fn raw(&mut self, text: &str) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(connection) => {
                sqlx::raw_sql(AssertSqlSafe(text)).execute(connection).await?;
            }
            Self::Postgres(connection) => {
                answered(sqlx::raw_sql(AssertSqlSafe(text)).execute(connection)).await?;
            }
        }
        Ok(())
    }

    /// How many rows were written.
    pub(super) async fn execute(&mut self, statement: &Statement) -> sqlx::Result<u64> {
        self.execute_ready(self.driver().ready(statement.clone())).await
    }

    /// [`Self::execute`]
    pub(super) async fn execute_ready(&mut self, ready: Ready) -> sqlx::Result<u64> {
        Ok(match (self, ready) {
            (Self::Sqlite(connection), Ready::Sqlite(query)) => query.execute(connection).await?.rows_affected(),
            (Self::Postgres(connection), Ready::Postgres(query)) => {
                answered(query.execute(connection)).await?.rows_affected()
            }
            (Self::Sqlite(_), Ready::Postgres(_)) | (Self::Postgres(_), Ready::Sqlite(_)) => {
                unreachable!("a statement was made ready for another database")
            }
        })
    }

    pub(super) const fn driver(&self) -> Driver {
        match self {
            Self::Sqlite(_) => Driver::Sqlite,
            Self::Postgres(_) => Driver::Postgres,
        }
    }

    pub(super) async fn fetch_all(&mut self, statement: &Statement) -> sqlx::Result<Vec<Row>> {
        Ok(match self {
            Self::Sqlite(connection) => {
                of_sqlite(statement.clone()).fetch_all(connection).await?.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(connection) => {
                let rows = answered(of_postgres(statement.clone()).fetch_all(connection)).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// The time by which leases run out, in microseconds: this machine's for a file, which no other machine shares, and
    /// the server's, which all share.
    pub(super) async fn now(&mut self) -> sqlx::Result<DateTime<Utc>> {
        match self {
            Self::Sqlite(_) => Ok(Utc::now().trunc_subsecs(6)),
            Self::Postgres(connection) => {
                answered(sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(connection)).await
            }
        }
    }

    /// Leaves a mark that is committed with all else.
    pub(super) async fn leave(&mut self, mark: &WriteMark) -> sqlx::Result<()> {
        self.raw(&leaving(mark)).await
    }

    /// Whether a write of that mark was committed.
    pub(super) async fn has(&mut self, mark: &WriteMark) -> sqlx::Result<bool> {
        let sequence = i64::try_from(mark.sequence).unwrap_or(i64::MAX);
        let found = query("SELECT 1 FROM writers WHERE id = $1 AND sequence = $2").bind(&mark.writer).bind(sequence);
        Ok(found.fetch_optional(self).await?.is_some())
    }

    /// Drops these indexes of a file, and gives what makes them anew before the commit. Keys that come in no order cost
    /// an index a page each, and one that is made of all keys at once a share of a page. A server copes by itself.
    pub(super) async fn set_indexes_aside(&mut self, names: &[&'static str]) -> sqlx::Result<Vec<String>> {
        let mut making = Vec::new();
        if self.is_postgres() {
            return Ok(making);
        }
        for name in names {
            let made = query("SELECT sql FROM sqlite_master WHERE type = 'index' AND name = $1").bind(*name);
            making.push(made.fetch_one(self).await?.get("sql"));
            self.raw(&format!("DROP INDEX {name}")).await?;
        }
        Ok(making)
    }

    /// A column's bytes, as an expression: what somebody has written by hand may be no text.
    pub(super) fn bytes_of(&self, column: &str) -> String {
        match self {
            Self::Sqlite(_) => format!("CAST({column} AS BLOB)"),
            Self::Postgres(_) => format!("convert_to(CAST({column} AS TEXT), 'UTF8')"),
        }
    }

    pub(super) const fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    pub(super) async fn close(self) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(connection) => connection.close().await,
            Self::Postgres(connection) => answered(connection.close()).await,
        }
    }
}

fn leaving(WriteMark { writer, sequence }: &WriteMark) -> String {
    format!(
        "INSERT INTO writers (id, sequence, at) VALUES ('{writer}', {sequence}, now())
         ON CONFLICT (id) DO UPDATE SET sequence = excluded.sequence, at = excluded.at"
    )
}

/// The one lock of all that write into this schema of this database.
pub(super) const LOCK_KEY: &str = "hashtextextended('tieout journal ' || current_schema(), 0)";

/// A server that is cut off from us would be waited for without end.
async fn answered<T>(answer: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    match tokio::time::timeout(SILENCE, answer).await {
        Ok(answer) => answer,
        Err(_) => {
            Err(std::io::Error::new(std::io::ErrorKind::TimedOut, format!("no answer within {} s", SILENCE.as_secs()))
                .into())
        }
    }
}

/// `SQLite` takes `$1` for a name and compares it with all names before it, which for thousands of values takes a
/// minute. Where each value stands once and in order, `?` says the same; the two are never mixed, since the driver counts
/// each by itself. No text of ours has a `$` but for these.
fn in_sqlite(text: &str) -> Cow<'_, str> {
    let mut written = String::with_capacity(text.len());
    let mut parts = text.split('$');
    written.push_str(parts.next().unwrap_or_default());
    for (place, part) in (1_usize..).zip(parts) {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        if part[..digits].parse() != Ok(place) {
            return Cow::Borrowed(text);
        }
        written.push('?');
        written.push_str(&part[digits..]);
    }
    Cow::Owned(written)
}

/// A query with the values of a statement; each driver has a type of its own for it.
macro_rules! bound {
    ($query:expr, $values:expr) => {{
        let mut query = $query;
        for value in $values {
            query = match value {
                Value::Text(text) => query.bind(text),
                Value::Whole(whole) => query.bind(whole),
                Value::Flag(flag) => query.bind(flag),
            };
        }
        query
    }};
}

fn of_sqlite(statement: Statement) -> Query<'static, Sqlite, SqliteArguments> {
    bound!(sqlx::query(AssertSqlSafe(in_sqlite(&statement.text).into_owned())), statement.values)
}

fn of_postgres(statement: Statement) -> Query<'static, Postgres, PgArguments> {
    bound!(sqlx::query(AssertSqlSafe(statement.text)), statement.values)
}

/// Whose connection it is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Driver {
    Sqlite,
    Postgres,
}

impl Driver {
    /// What a connection would do first of all, done before.
    pub(super) fn ready(self, statement: Statement) -> Ready {
        match self {
            Self::Sqlite => Ready::Sqlite(of_sqlite(statement)),
            Self::Postgres => Ready::Postgres(of_postgres(statement)),
        }
    }
}

/// A statement as a driver takes it.
pub(super) enum Ready {
    Sqlite(Query<'static, Sqlite, SqliteArguments>),
    Postgres(Query<'static, Postgres, PgArguments>),
}
