//! A journal in a folder or a database of its own, effects by hand, and what anybody with a shell would do to it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};
use tempfile::TempDir;
use tieout::effects::{Ask, BusinessKey, Effect, EffectKind, Event, Ground, RowPlace};
use tieout::frames::Side;
use tieout::job::AuditCode;
use tieout::journal::{Journal, Lease, NewRun, RunRecord};
use tieout::project::State;

use super::postgres::shared;
use super::utc;

pub(crate) const JOB: &str = "rewards-daily";
pub(crate) const PERIOD: &str = "2025-03-19";
pub(crate) const PLAN: &str = "plan-1";

thread_local! {
    static ON_POSTGRES: Cell<bool> = const { Cell::new(false) };
    /// Folder → the database that stands for its state file.
    static DATABASES: RefCell<HashMap<PathBuf, String>> = RefCell::new(HashMap::new());
}

/// Does a test that was written for a state file once more, with a database in its place.
pub(crate) fn on_postgres(test: impl FnOnce()) {
    ON_POSTGRES.set(true);
    test();
    ON_POSTGRES.set(false);
}

/// The same tests once more, in a module `postgres`, for `.ci/postgres`.
macro_rules! also_on_postgres {
    ($($test:ident),+ $(,)?) => {
        mod postgres {
            $(
                #[test]
                #[ignore = "needs PostgreSQL: .ci/postgres"]
                fn $test() {
                    crate::support::journal::on_postgres(super::$test);
                }
            )+
        }
    };
}
pub(crate) use also_on_postgres;

/// The state file of this folder, or the database that stands for it.
pub(crate) async fn state_in(folder: &Path) -> State {
    match database_of(folder).await {
        Some(database) => State::parse(&shared().address(&database), folder).unwrap(),
        None => State::Sqlite(folder.join("state.db")),
    }
}

/// None where tests are done with a file.
pub(crate) async fn database_of(folder: &Path) -> Option<String> {
    if !ON_POSTGRES.get() {
        return None;
    }
    if let Some(known) = DATABASES.with_borrow(|known| known.get(folder).cloned()) {
        return Some(known);
    }
    let made = shared().database().await;
    DATABASES.with_borrow_mut(|known| known.insert(folder.to_owned(), made.clone()));
    Some(made)
}

/// A state folder for one test.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("state.db")
    }

    pub(crate) async fn open(&self) -> Journal {
        Journal::open(&state_in(self.folder.path()).await).await.unwrap()
    }

    /// Runs SQL as somebody with a shell would, and tells the error.
    pub(crate) async fn try_sql(&self, sql: &str) -> Result<(), sqlx::Error> {
        if let Some(database) = database_of(self.folder.path()).await {
            return shared().try_sql(&database, sql).await;
        }
        let mut connection = plain(&self.path()).await;
        let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.map(|_| ());
        connection.close().await.unwrap();
        done
    }

    pub(crate) async fn sql(&self, sql: &str) {
        self.try_sql(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// Makes the file, and what the SQL says in it.
    pub(crate) async fn create(&self, sql: &str) {
        std::fs::write(self.path(), "").unwrap();
        self.sql(sql).await;
    }

    pub(crate) async fn number(&self, sql: &'static str) -> i64 {
        if let Some(database) = database_of(self.folder.path()).await {
            return sqlx::query_scalar(sql).fetch_one(&mut shared().connect(&database).await).await.unwrap();
        }
        let mut connection = plain(&self.path()).await;
        let number = sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        number
    }

    /// Number, text and hash of each entry, as anybody reads them.
    pub(crate) async fn entries(&self) -> Vec<(i64, String, String)> {
        const ALL: &str = "SELECT sequence, entry, hash FROM entries ORDER BY sequence";
        if let Some(database) = database_of(self.folder.path()).await {
            return sqlx::query_as(ALL).fetch_all(&mut shared().connect(&database).await).await.unwrap();
        }
        sqlx::query_as(ALL).fetch_all(&mut plain(&self.path()).await).await.unwrap()
    }

    /// A lease and a run under it.
    pub(crate) async fn begin(&self, journal: &Journal) -> (Lease, RunRecord) {
        let lease = journal.take_lease(self.folder.path(), JOB, PERIOD, Duration::from_mins(1)).await.unwrap();
        let run = journal.start_run(new_run(Some(lease.epoch()))).await.unwrap();
        (lease, run)
    }
}

pub(crate) async fn plain(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).connect().await.unwrap()
}

pub(crate) fn new_run(lease_epoch: Option<u64>) -> NewRun {
    NewRun {
        job: JOB.to_owned(),
        period: PERIOD.to_owned(),
        note: None,
        job_sha256: "ab".repeat(32),
        program_version: "0.1.0".to_owned(),
        started_at: utc("2025-03-20T12:00:00Z"),
        sandbox: true,
        started_by: "dana".to_owned(),
        lease_epoch,
    }
}

pub(crate) fn key(kind: EffectKind, transaction: &str) -> BusinessKey {
    BusinessKey {
        provider: "kard".to_owned(),
        organization: "org-1".to_owned(),
        kind,
        transaction: transaction.to_owned(),
    }
}

/// An effect as a plan would make it.
pub(crate) fn effect(kind: EffectKind, transaction: &str, opening: u32) -> Effect {
    let key = key(kind, transaction);
    let ask = match kind {
        EffectKind::ProviderAudit => Ask::Audit {
            code: AuditCode::CashbackMissing,
            merchant: "Café \"Äpfel\"".to_owned(),
            description: "reward of 1.25 USD is missing\nour reference: ä-1".to_owned(),
        },
        EffectKind::FraudMarker => Ask::Marker,
        kind => super::asks::sent_by_a_job(kind),
    };
    Effect {
        id: key.effect_id(opening),
        key,
        opening,
        reopened: (opening > 1).then(|| "the first one was closed by mistake".to_owned()),
        job: JOB.to_owned(),
        period: PERIOD.to_owned(),
        user: "user-1".to_owned(),
        ask,
        at_risk_minor: 125,
        currency: "USD".to_owned(),
        grounds: vec![Ground {
            break_id: Some("00000000000000a1".to_owned()),
            rule: "reward_missing".to_owned(),
            detail: "the ledger has 1.25, the file nothing".to_owned(),
            rows: vec![RowPlace { side: Side::Ledger, file: "ledger.csv".to_owned(), line: 7 }],
        }],
    }
}

/// The id and the event that proposes it.
pub(crate) fn proposed(effect: &Effect) -> (String, Event) {
    (effect.id.clone(), Event::Proposed { plan: PLAN.to_owned(), effect: Box::new(effect.clone()) })
}
