//! Opening the state file: whose it is, of which version, and bringing its tables up to date.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::{JournalError, SCHEMA_VERSION};

/// Applied in order, each once; the number of those applied is the file's `user_version`.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_runs.sql"),
    include_str!("migrations/0002_effects.sql"),
    include_str!("migrations/0003_backfills.sql"),
    include_str!("migrations/0004_breaks.sql"),
    include_str!("migrations/0005_seals.sql"),
    include_str!("migrations/0006_notices.sql"),
    include_str!("migrations/0007_sign_offs.sql"),
    include_str!("migrations/0008_sessions.sql"),
    include_str!("migrations/0009_opened.sql"),
];

/// Takes the write lock at once: what is read inside stays true until the commit.
pub(super) const BEGIN_WRITE: &str = "BEGIN IMMEDIATE";

/// `PRAGMA application_id`: "tiou". Tells our file from any other `SQLite` file.
const APPLICATION_ID: i64 = 0x7469_6f75;

/// How long a statement waits for another process; longer than any transaction of ours lasts.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Of pages that one transaction has changed, as `SQLite` writes KiB: what is more is written to the log more than once.
const CACHE_KIB: &str = "-65536";

// SQLite's primary result codes (https://www.sqlite.org/rescode.html).
const BUSY: u32 = 5;
const READONLY: u32 = 8;
const FULL: u32 = 13;
const CANTOPEN: u32 = 14;
const NOTADB: u32 = 26;
/// An extended code: the index of the write-ahead log could not grow.
const IOERR_SHMSIZE: u32 = 4874;

pub(super) async fn open(path: &Path) -> Result<SqliteConnection, JournalError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .map_err(|source| JournalError::NotWritable { path: path.to_owned(), source: Box::new(source) })?;
    }
    let options = options(path).create_if_missing(true).synchronous(SqliteSynchronous::Full).foreign_keys(true);
    let options = options.pragma("cache_size", CACHE_KIB);
    let mut connection = options.connect().await.map_err(|source| told(path, "opening it", source))?;
    check_version(path, &mut connection).await?;
    enter_wal(&mut connection).await.map_err(|source| told(path, "preparing it", source))?;
    migrate(&mut connection).await.map_err(|source| told(path, "bringing its tables up to date", source))?;
    Ok(connection)
}

/// The connection and the schema version, 0 for a file in which nothing stands yet.
pub(super) async fn open_read_only(path: &Path) -> Result<(SqliteConnection, u32), JournalError> {
    // A read-only connection could not remove, when it closes, what it made beside the file in order to read it.
    // This one can, where the file is writable, and changes nothing in it all the same.
    let options_of_reader = options(path).pragma("query_only", "ON");
    let mut connection = options_of_reader.connect().await.map_err(|source| told(path, "opening it", source))?;
    match check_version(path, &mut connection).await {
        // A write-ahead log needs a small file beside it, even for reading. On a read-only disk, where nobody
        // can write either, the file may be taken as it is, unless the log still holds something.
        Err(JournalError::NotWritable { .. }) if !has_unmerged_log(path) => {
            let options = options(path).read_only(true).immutable(true);
            let mut connection = options.connect().await.map_err(|source| told(path, "opening it", source))?;
            let version = check_version(path, &mut connection).await?;
            Ok((connection, version))
        }
        version => Ok((connection, version?)),
    }
}

/// The error of a statement, in the words of whoever has to act on it.
pub(super) fn told(path: &Path, doing: &'static str, source: sqlx::Error) -> JournalError {
    let path = path.to_owned();
    if extended_code(&source) == Some(IOERR_SHMSIZE) {
        return JournalError::DiskFull { path, source };
    }
    match primary_code(&source) {
        Some(BUSY) => JournalError::Busy { path, source },
        Some(READONLY | CANTOPEN) => JournalError::NotWritable { path, source: Box::new(source) },
        Some(FULL) => JournalError::DiskFull { path, source },
        Some(NOTADB) => JournalError::NotOurs { path },
        _ => JournalError::File { path, doing, source },
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    let options = SqliteConnectOptions::new().filename(path).busy_timeout(BUSY_TIMEOUT);
    // A statement of ours that is slow is none to warn about: hundreds of thousands of breaks take their time.
    options.disable_statement_logging()
}

fn has_unmerged_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(log).is_ok_and(|log| log.len() > 0)
}

fn primary_code(error: &sqlx::Error) -> Option<u32> {
    // The upper bits tell the variant, the lowest byte the kind.
    extended_code(error).map(|code| code & 0xff)
}

fn extended_code(error: &sqlx::Error) -> Option<u32> {
    error.as_database_error()?.code()?.parse().ok()
}

async fn check_version(path: &Path, connection: &mut SqliteConnection) -> Result<u32, JournalError> {
    let (application, version, objects) =
        identity(connection).await.map_err(|source| told(path, "looking at it", source))?;
    let ours = application == APPLICATION_ID || (application == 0 && version == 0 && objects == 0);
    let version = u32::try_from(version).ok().filter(|_| ours);
    let version = version.ok_or_else(|| JournalError::NotOurs { path: path.to_owned() })?;
    if version > SCHEMA_VERSION {
        return Err(JournalError::NewerSchema { path: path.to_owned(), found: version, known: SCHEMA_VERSION });
    }
    Ok(version)
}

/// Application id, schema version, and how many tables and the like there are.
async fn identity(connection: &mut SqliteConnection) -> sqlx::Result<(i64, i64, i64)> {
    sqlx::query_as(
        "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_master)
         FROM pragma_application_id, pragma_user_version",
    )
    .fetch_one(connection)
    .await
}

/// `SQLite` does not wait for its turn when it changes the journal mode, so two processes that open a new file
/// at once would meet here.
async fn enter_wal(connection: &mut SqliteConnection) -> sqlx::Result<()> {
    let mut waited = Duration::ZERO;
    loop {
        match sqlx::raw_sql("PRAGMA journal_mode = WAL").execute(&mut *connection).await {
            Err(error) if primary_code(&error) == Some(BUSY) && waited < BUSY_TIMEOUT => {
                let pause = Duration::from_millis(20);
                tokio::time::sleep(pause).await;
                waited += pause;
            }
            outcome => return outcome.map(|_| ()),
        }
    }
}

async fn migrate(connection: &mut SqliteConnection) -> sqlx::Result<()> {
    let mut transaction = connection.begin_with(BEGIN_WRITE).await?;
    // Read again under the lock: another process may have been here since.
    let (_, version, _) = identity(&mut transaction).await?;
    let applied = usize::try_from(version).unwrap_or(MIGRATIONS.len());
    for migration in MIGRATIONS.iter().copied().skip(applied) {
        sqlx::raw_sql(migration).execute(&mut *transaction).await?;
    }
    if applied < MIGRATIONS.len() {
        let stamp = format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(stamp)).execute(&mut *transaction).await?;
    }
    transaction.commit().await
}
