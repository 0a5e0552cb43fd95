//! A journal in a folder of its own, effects by hand, and what any `SQLite` tool would do to the file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};
use tempfile::TempDir;
use tieout::effects::{Ask, BusinessKey, Effect, EffectKind, Event, Ground, RowPlace};
use tieout::frames::Side;
use tieout::job::AuditCode;
use tieout::journal::{Journal, Lease, NewRun, RunRecord};

use super::utc;

pub(crate) const JOB: &str = "rewards-daily";
pub(crate) const PERIOD: &str = "2025-03-19";
pub(crate) const PLAN: &str = "plan-1";

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
        Journal::open(&self.path()).await.unwrap()
    }

    /// Runs SQL as somebody with a shell would, and tells the error.
    pub(crate) async fn try_sql(&self, sql: &str) -> Result<(), sqlx::Error> {
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
        let mut connection = plain(&self.path()).await;
        let number = sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        number
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
