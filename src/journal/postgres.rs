//! Opening the journal in a database: whose tables they are, of which version, and bringing them up to date.

use std::time::Duration;

use sqlx::{AssertSqlSafe, PgConnection};

use super::link::{Connection, LOCK_KEY};
use super::statement::query;
use super::tables::{TABLES, Table};
use super::{JournalError, SCHEMA_VERSION};
use crate::postgres::Address;

/// Applied in order, each once; the number of those applied stands in `tieout_journal`.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("migrations/postgres/0001_runs.sql"),
    include_str!("migrations/postgres/0002_effects.sql"),
    include_str!("migrations/postgres/0003_backfills.sql"),
    include_str!("migrations/postgres/0004_breaks.sql"),
    include_str!("migrations/postgres/0005_seals.sql"),
    include_str!("migrations/postgres/0006_notices.sql"),
    include_str!("migrations/postgres/0007_sign_offs.sql"),
    include_str!("migrations/postgres/0008_sessions.sql"),
    include_str!("migrations/postgres/0009_opened.sql"),
];
const _: () = assert!(MIGRATIONS.len() == SCHEMA_VERSION as usize, "the same versions as the file");

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What is before `PostgreSQL` 13 gets no more repairs, and is not tested.
const OLDEST_SERVER: i64 = 130_000;

/// What stands in a database, if anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    /// 0: nothing yet.
    pub(super) version: u32,
}

/// A connection as all use it: names of times and texts as we expect them, and nothing called done that is not on disk.
pub(super) async fn session(address: &Address) -> Result<PgConnection, JournalError> {
    const DOING: &str = "connecting";
    let mut connection = address.connect("tieout", CONNECT_TIMEOUT).await.map_err(|source| told_of(DOING, source))?;
    // Some servers are set to wait for their standbys as well: that is left as it is.
    let settings = "SET idle_in_transaction_session_timeout = '60s'; SET statement_timeout = 0;
         SELECT set_config('synchronous_commit', 'on', false)
         WHERE current_setting('synchronous_commit') <> 'remote_apply'";
    let done = sqlx::raw_sql(settings).execute(&mut connection).await;
    done.map_err(|source| told(address.shown(), DOING, source))?;
    Ok(connection)
}

/// Connects, makes the schema if it is named and not there, and brings the tables up to date. Whoever comes at the same
/// time waits and finds it done.
pub(super) async fn open(address: &Address) -> Result<PgConnection, JournalError> {
    let mut connection = session(address).await?;
    if look(address, &mut connection).await?.version == SCHEMA_VERSION {
        return Ok(connection);
    }
    migrate(address, &mut connection).await?;
    Ok(connection)
}

/// Connects anew. A newer program may have been there meanwhile.
pub(super) async fn again(address: &Address) -> Result<PgConnection, JournalError> {
    let mut connection = session(address).await?;
    let found = look(address, &mut connection).await?.version;
    if found == SCHEMA_VERSION {
        return Ok(connection);
    }
    Err(JournalError::OtherTables { database: address.shown().to_owned(), found, known: SCHEMA_VERSION })
}

/// Nothing is changed. An error where the tables are of somebody else or of a newer program.
pub(super) async fn look(address: &Address, connection: &mut PgConnection) -> Result<Found, JournalError> {
    const DOING: &str = "looking at its tables";
    let failed = |source| told(address.shown(), DOING, source);
    let database = || address.shown().to_owned();
    let (server, encoding): (i64, String) =
        sqlx::query_as("SELECT current_setting('server_version_num')::bigint, current_setting('server_encoding')")
            .fetch_one(&mut *connection)
            .await
            .map_err(failed)?;
    if server < OLDEST_SERVER {
        return Err(JournalError::OldServer { database: database(), found: server / 10_000 });
    }
    if encoding != "UTF8" {
        return Err(JournalError::Encoding { database: database(), found: encoding });
    }
    let (schema, ours, others): (Option<String>, bool, i64) = sqlx::query_as(
        "SELECT current_schema(), to_regclass(quote_ident(current_schema()) || '.tieout_journal') IS NOT NULL,
         (SELECT count(*) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
          WHERE nspname = current_schema() AND relkind IN ('r', 'p', 'v', 'm', 'f')
          AND relname IN ('runs', 'steps', 'inputs', 'entries', 'effects', 'leases', 'backfills', 'breaks', 'seals',
           'sessions'))",
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(failed)?;
    if !ours {
        if others > 0 {
            let schema = schema.unwrap_or_default();
            return Err(JournalError::ForeignTables { database: database(), schema });
        }
        return Ok(Found { version: 0 });
    }
    let version: i64 =
        sqlx::query_scalar("SELECT version FROM tieout_journal").fetch_one(connection).await.map_err(failed)?;
    let found = u32::try_from(version).unwrap_or(u32::MAX);
    if found > SCHEMA_VERSION {
        return Err(JournalError::NewerTables { database: database(), found, known: SCHEMA_VERSION });
    }
    Ok(Found { version: found })
}

async fn migrate(address: &Address, connection: &mut PgConnection) -> Result<(), JournalError> {
    const DOING: &str = "bringing its tables up to date";
    let failed = |source| told(address.shown(), DOING, source);
    // A lock by a name that does not hang on the schema: it may not be there yet.
    let name = address.schema().unwrap_or("current");
    let begin = format!(
        "BEGIN; SET LOCAL lock_timeout = '60s'; \
         SELECT pg_advisory_xact_lock(hashtextextended('tieout tables {name}', 0))"
    );
    sqlx::raw_sql(AssertSqlSafe(begin)).execute(&mut *connection).await.map_err(failed)?;
    let done = migrate_in(address, connection).await;
    let end = if done.is_ok() { "COMMIT" } else { "ROLLBACK" };
    let ended = sqlx::raw_sql(end).execute(connection).await.map_err(failed);
    done.and(ended.map(|_| ()))
}

/// Under the lock, in one transaction: all of it or nothing.
async fn migrate_in(address: &Address, connection: &mut PgConnection) -> Result<(), JournalError> {
    const DOING: &str = "bringing its tables up to date";
    let failed = |source| told(address.shown(), DOING, source);
    if let Some(schema) = address.schema() {
        // Only where it is not there: to make one needs a right that nobody needs afterwards.
        let there: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)")
            .bind(schema)
            .fetch_one(&mut *connection)
            .await
            .map_err(failed)?;
        if !there {
            let make = format!("CREATE SCHEMA {schema}");
            sqlx::raw_sql(AssertSqlSafe(make)).execute(&mut *connection).await.map_err(failed)?;
        }
    }
    // No writer is in the middle of something. Read again under the lock: another process may have been here since.
    let lock = format!("SELECT pg_advisory_xact_lock({LOCK_KEY})");
    sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut *connection).await.map_err(failed)?;
    let applied = look(address, connection).await?.version;
    let missing = MIGRATIONS.iter().copied().skip(usize::try_from(applied).unwrap_or(usize::MAX));
    for migration in missing {
        sqlx::raw_sql(migration).execute(&mut *connection).await.map_err(failed)?;
    }
    let stamp = format!("UPDATE tieout_journal SET version = {SCHEMA_VERSION}");
    sqlx::raw_sql(AssertSqlSafe(stamp)).execute(connection).await.map_err(failed)?;
    Ok(())
}

/// Asks for the rights that writes need; only a server can refuse them. Gives its version.
pub(super) async fn try_writing(connection: &mut Connection) -> sqlx::Result<Option<String>> {
    if !connection.is_postgres() {
        return Ok(None);
    }
    for Table { name, .. } in TABLES {
        // No row, and yet every right that a row would need.
        connection.raw(&format!("INSERT INTO {name} SELECT * FROM {name} WHERE FALSE")).await?;
    }
    let version = query("SELECT split_part(current_setting('server_version'), ' ', 1)").fetch_one(connection).await?;
    Ok(Some(version.get(0)))
}

/// A name for one open journal, which nobody else has.
pub(super) async fn new_writer(address: &Address, connection: &mut PgConnection) -> Result<String, JournalError> {
    let name = sqlx::query_scalar("SELECT gen_random_uuid()::text").fetch_one(connection).await;
    name.map_err(|source| told(address.shown(), "connecting", source))
}

/// The error of a statement, in the words of whoever has to act on it.
pub(super) fn told(database: &str, doing: &'static str, source: sqlx::Error) -> JournalError {
    told_of(doing, crate::postgres::Error::of(database, source))
}

pub(super) const fn told_of(doing: &'static str, source: crate::postgres::Error) -> JournalError {
    JournalError::Database { doing, source }
}
