//! What the journal keeps of backfills, and what it refuses.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;
use tieout::exit::ExitCode;
use tieout::journal::{
    BackfillStatus, Journal, JournalError, NewBackfill, NewBackfillAttempt, PeriodEnd, PlannedPeriod, Reprocess,
    RunStatus,
};

use crate::support::journal::{also_on_postgres, database_of, state_in};
use crate::support::postgres::shared;
use crate::support::utc;

also_on_postgres!(
    a_backfill_is_read_back_as_it_was_recorded,
    only_one_of_the_same_range_and_choice_that_is_not_over_is_gone_on_with,
    an_attempt_that_another_took_over_from_writes_nothing_more,
    what_stands_there_is_never_changed_or_deleted,
    a_range_has_the_runs_of_its_periods_and_of_no_other_grain,
);

const FROM: &str = "2025-03-18";
const TO: &str = "2025-03-20";

fn noon() -> DateTime<Utc> {
    utc("2025-03-21T12:00:00Z")
}

fn new_backfill(reprocess: Reprocess) -> NewBackfill {
    let period = |label: &str, skipped: Option<&str>| PlannedPeriod {
        period: label.to_owned(),
        known_attempts: u32::from(skipped.is_some()),
        skipped: skipped.map(str::to_owned),
    };
    NewBackfill {
        job: "rewards".to_owned(),
        from: FROM.to_owned(),
        to: TO.to_owned(),
        reprocess,
        begun_at: noon(),
        begun_by: "dana".to_owned(),
        periods: vec![period(FROM, None), period("2025-03-19", Some("done by rewards/2025-03-19/1")), period(TO, None)],
    }
}

fn new_attempt() -> NewBackfillAttempt {
    NewBackfillAttempt {
        begun_at: noon(),
        begun_by: "mara".to_owned(),
        note: Some("the audit asks".to_owned()),
        max_parallel: 2,
        newest_first: true,
        offline: false,
        program_version: "0.1.0".to_owned(),
        job_sha256: "ab".repeat(32),
    }
}

fn end(attempt: u32, period: &str, code: ExitCode) -> PeriodEnd {
    let well = code == ExitCode::Done;
    PeriodEnd {
        attempt,
        period: period.to_owned(),
        status: if well { RunStatus::Done } else { RunStatus::Failed },
        well,
        found: false,
        run: Some(format!("rewards/{period}/{attempt}")),
        exit_code: code as u8,
        breaks: well.then_some(3),
        message: (!well).then(|| "the provider did not answer".to_owned()),
        begun_at: noon(),
        ended_at: noon(),
    }
}

async fn journal(folder: &TempDir) -> (Journal, PathBuf) {
    (Journal::open(&state_in(folder.path()).await).await.unwrap(), folder.path().join("state.db"))
}

/// What any `SQLite` tool would do to the file.
async fn execute(path: &Path, sql: &'static str) -> Result<(), sqlx::Error> {
    if let Some(database) = database_of(path.parent().unwrap()).await {
        return shared().try_sql(&database, sql).await;
    }
    let mut connection = SqliteConnectOptions::new().filename(path).foreign_keys(true).connect().await.unwrap();
    let done = sqlx::raw_sql(sql).execute(&mut connection).await.map(|_| ());
    connection.close().await.unwrap();
    done
}

#[tokio::test]
async fn a_backfill_is_read_back_as_it_was_recorded() {
    let folder = TempDir::new().unwrap();
    let (journal, _) = journal(&folder).await;
    let new = new_backfill(Reprocess::Missing);
    let id = journal.begin_backfill(&new).await.unwrap();
    let begun = journal.backfill(id).await.unwrap();
    assert_eq!((begun.status, begun.attempts), (BackfillStatus::Killed, 0), "no process works on it");
    assert_eq!((begun.to_run, begun.left_out, begun.done), (2, 1, 0));
    assert_eq!((begun.from.as_str(), begun.to.as_str(), begun.begun_at), (FROM, TO, noon()));
    assert_eq!(journal.backfill_periods(id).await.unwrap(), new.periods);

    assert_eq!(journal.begin_backfill_attempt(id, &new_attempt()).await.unwrap(), 1);
    let ends = [end(1, FROM, ExitCode::ProviderUnavailable), end(1, TO, ExitCode::Done)];
    for end in &ends {
        journal.end_backfill_period(id, end).await.unwrap();
    }
    assert_eq!(journal.backfill_ends(id).await.unwrap(), ends);
    assert_eq!(journal.backfill(id).await.unwrap().status, BackfillStatus::Running);
    journal.end_backfill_attempt(id, 1, None, ExitCode::ProviderUnavailable).await.unwrap();
    let record = journal.backfill(id).await.unwrap();
    assert_eq!((record.status, record.done), (BackfillStatus::Ended, 1));
    let attempt = journal.backfill_attempts(id).await.unwrap().pop().unwrap();
    assert_eq!((attempt.done, attempt.found, attempt.not_done), (1, 0, 1));
    assert_eq!((attempt.begun_by.as_str(), attempt.max_parallel, attempt.newest_first), ("mara", 2, true));
    assert_eq!(attempt.exit_code, Some(69));
    assert_eq!(journal.backfills(Some("rewards"), 10).await.unwrap(), [record]);
    assert_eq!(journal.backfills(Some("other"), 10).await.unwrap(), []);
}

#[tokio::test]
async fn only_one_of_the_same_range_and_choice_that_is_not_over_is_gone_on_with() {
    let folder = TempDir::new().unwrap();
    let (journal, _) = journal(&folder).await;
    let id = journal.begin_backfill(&new_backfill(Reprocess::Missing)).await.unwrap();
    let found = async |job: &str, from: &str, to: &str, reprocess| {
        journal.unfinished_backfill(job, (from, to), reprocess).await.unwrap().map(|backfill| backfill.id)
    };
    assert_eq!(found("rewards", FROM, TO, Reprocess::Missing).await, Some(id));
    assert_eq!(found("rewards", FROM, TO, Reprocess::All).await, None);
    assert_eq!(found("rewards", FROM, FROM, Reprocess::Missing).await, None);
    assert_eq!(found("other", FROM, TO, Reprocess::Missing).await, None);
    for (stopped_by, expected) in [(Some("stopped by SIGTERM"), Some(id)), (None, None)] {
        let attempt = journal.begin_backfill_attempt(id, &new_attempt()).await.unwrap();
        assert_eq!(found("rewards", FROM, TO, Reprocess::Missing).await, Some(id));
        journal.end_backfill_attempt(id, attempt, stopped_by, ExitCode::TryAgainLater).await.unwrap();
        assert_eq!(found("rewards", FROM, TO, Reprocess::Missing).await, expected, "{stopped_by:?}");
    }
}

#[tokio::test]
async fn an_attempt_that_another_took_over_from_writes_nothing_more() {
    let folder = TempDir::new().unwrap();
    let (journal, _) = journal(&folder).await;
    let id = journal.begin_backfill(&new_backfill(Reprocess::All)).await.unwrap();
    journal.begin_backfill_attempt(id, &new_attempt()).await.unwrap();
    assert_eq!(journal.begin_backfill_attempt(id, &new_attempt()).await.unwrap(), 2);
    let late = journal.end_backfill_period(id, &end(1, FROM, ExitCode::Done)).await.unwrap_err();
    assert!(matches!(late, JournalError::LeaseLost { .. }), "{late}");
    assert_eq!(late.exit_code(), ExitCode::TryAgainLater);
    assert_eq!(
        late.to_string(),
        "run backfill 1 was stopped for longer than its lease and another has taken over; nothing more is written"
    );
    assert!(journal.end_backfill_attempt(id, 1, None, ExitCode::Done).await.is_err());
    assert_eq!(journal.backfill_ends(id).await.unwrap(), []);
    let statuses: Vec<_> = journal.backfill_attempts(id).await.unwrap().iter().map(|attempt| attempt.status).collect();
    assert_eq!(statuses, [BackfillStatus::Killed, BackfillStatus::Running]);
    journal.end_backfill_period(id, &end(2, FROM, ExitCode::Done)).await.unwrap();
}

#[tokio::test]
async fn what_stands_there_is_never_changed_or_deleted() {
    let folder = TempDir::new().unwrap();
    let (journal, path) = journal(&folder).await;
    let id = journal.begin_backfill(&new_backfill(Reprocess::All)).await.unwrap();
    journal.begin_backfill_attempt(id, &new_attempt()).await.unwrap();
    journal.end_backfill_period(id, &end(1, FROM, ExitCode::Done)).await.unwrap();
    journal.end_backfill_attempt(id, 1, None, ExitCode::Done).await.unwrap();
    journal.close().await.unwrap();
    for (sql, refused) in [
        ("DELETE FROM backfill_ends", "the end of a period is never deleted"),
        ("UPDATE backfill_ends SET well = FALSE", "the end of a period is never changed"),
        ("DELETE FROM backfill_attempts", "an attempt of a backfill is never deleted"),
        ("UPDATE backfill_attempts SET note = ''", "an attempt of a backfill that has ended is never changed"),
        ("DELETE FROM backfill_periods", "a period of a backfill is never deleted"),
        ("UPDATE backfill_periods SET skipped = 'no'", "a period of a backfill is never changed"),
        ("DELETE FROM backfills", "a backfill is never deleted"),
        ("UPDATE backfills SET job = 'other'", "a backfill is never changed"),
    ] {
        let error = execute(&path, sql).await.unwrap_err().to_string();
        assert!(error.contains(refused), "{sql}: {error}");
    }
}

#[tokio::test]
async fn a_range_has_the_runs_of_its_periods_and_of_no_other_grain() {
    let folder = TempDir::new().unwrap();
    let (journal, path) = journal(&folder).await;
    journal.close().await.unwrap();
    execute(
        &path,
        "INSERT INTO runs (id, job, period, attempt, job_sha256, program_version, sandbox, started_at, status)
         SELECT job || period, job, period, 1, 'ab', '0.1.0', FALSE, '2025-03-20T12:00:00Z', 'running' FROM (
         SELECT 'rewards' AS job, '2025-03-17' AS period UNION ALL SELECT 'rewards', '2025-03-18'
         UNION ALL SELECT 'other', '2025-03-18' UNION ALL SELECT 'rewards', '2025-03-20'
         UNION ALL SELECT 'rewards', '2025-04' UNION ALL SELECT 'rewards', '2025-03') AS labels",
    )
    .await
    .unwrap();
    let journal = Journal::open(&state_in(folder.path()).await).await.unwrap();
    let between = async |from: &str, to: &str| {
        let runs = journal.runs_between("rewards", from, to).await.unwrap();
        runs.into_iter().map(|run| run.period).collect::<Vec<_>>()
    };
    assert_eq!(between(FROM, TO).await, [FROM, TO]);
    assert_eq!(between("2025-03-01", "2025-12-31").await, ["2025-03-17", FROM, TO]);
    assert_eq!(between("2025-01", "2025-03").await, ["2025-03"]);
}
