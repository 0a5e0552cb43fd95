//! `state copy`: the whole journal from a file into a database and back, proved; and what is refused.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use sqlx::{AssertSqlSafe, Row};
use tieout::exit::ExitCode;
use tieout::journal::{CopyError, Journal, NewSeal, Writer};
use tieout::project::State;
use tieout::seals::Event;

use crate::support::effect_project::{self, AUDITS, FAST, MARKERS};
use crate::support::journal::{JOB, PERIOD, Place, effect, plain, proposed};
use crate::support::lives::{AT, many};
use crate::support::postgres::{PASSWORD, shared};
use crate::support::project::{DAY, TestProject};
use crate::support::utc;
use tieout::effects::EffectKind;

async fn database() -> (String, State) {
    let database = shared().database().await;
    let state = State::parse(&shared().address(&database), Path::new("/project")).unwrap();
    (database, state)
}

/// Tables of the state file, but for its own.
async fn tables(path: &Path) -> Vec<String> {
    let all = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
    let rows = sqlx::query(all).fetch_all(&mut plain(path).await).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// Every row of every table as text, so that two files can be compared.
async fn rows(path: &Path) -> BTreeMap<String, Vec<Vec<Option<String>>>> {
    let mut found = BTreeMap::new();
    for table in tables(path).await {
        let columns = sqlx::query(AssertSqlSafe(format!("SELECT name FROM pragma_table_info('{table}')")));
        let columns = columns.fetch_all(&mut plain(path).await).await.unwrap();
        let columns: Vec<String> =
            columns.iter().map(|row| format!("CAST({} AS TEXT)", row.get::<String, _>(0))).collect();
        let all = format!("SELECT {} FROM {table} ORDER BY {}", columns.join(", "), columns.join(", "));
        let rows = sqlx::query(AssertSqlSafe(all)).fetch_all(&mut plain(path).await).await.unwrap();
        let cells = |row: &sqlx::sqlite::SqliteRow| (0..columns.len()).map(|place| row.get(place)).collect();
        found.insert(table, rows.iter().map(cells).collect());
    }
    found
}

/// Runs, effects, breaks and a seal; the lease is given back.
async fn written(place: &Place) -> Journal {
    let journal = place.open().await;
    let (lease, run) = place.begin(&journal).await;
    // More than one page of some tables.
    let effects: Vec<_> =
        (0..1_200).map(|number| proposed(&effect(EffectKind::FraudMarker, &format!("t-{number:04}"), 1))).collect();
    journal.append(Writer::Run(&run), &effects).await.unwrap();
    journal.observe(&run, &many(700), utc(AT)).await.unwrap();
    let event = Event::Sealed {
        job: JOB.to_owned(),
        period: PERIOD.to_owned(),
        run: run.id.clone(),
        files: BTreeMap::new(),
        open_breaks: 700,
        by: "Mara Lind".to_owned(),
        reason: "signed off".to_owned(),
    };
    let seal = NewSeal { job: JOB.to_owned(), period: PERIOD.to_owned(), latest_run: None, event };
    journal.decide_seals(&[seal]).await.unwrap();
    journal.release(lease).await.unwrap();
    journal
}

#[tokio::test]
#[ignore = "needs PostgreSQL: .ci/postgres"]
async fn a_journal_copied_into_a_database_and_back_is_the_same_to_the_last_row() {
    let (place, back) = (Place::new(), Place::new());
    let source = written(&place).await;
    let (name, state) = database().await;
    let target = Journal::open(&state).await.unwrap();
    let copied = source.copy_into(&target, true).await.unwrap();
    assert!(copied.verdict.is_whole());
    assert_eq!(
        (copied.verdict.entries, copied.verdict.effects, copied.verdict.breaks, copied.verdict.seals),
        (1_901, 1_200, 700, 1)
    );
    assert_eq!(source.anchor().await.unwrap(), target.anchor().await.unwrap());

    let returned = Journal::open(&back.path()).await.unwrap();
    let again = target.copy_into(&returned, true).await.unwrap();
    assert_eq!(again, copied);
    let mut named: Vec<String> = copied.tables.iter().map(|(table, _)| (*table).to_owned()).collect();
    named.sort();
    assert_eq!(named, tables(&place.path()).await, "no table is left out");
    assert_eq!(rows(&back.path()).await, rows(&place.path()).await);

    // Numbers go on behind those that were copied, and so do the epochs of leases.
    let lease = target.take_lease(place.folder.path(), JOB, PERIOD, std::time::Duration::from_mins(1)).await.unwrap();
    assert_eq!(lease.epoch(), 2);
    let run = target.start_run(crate::support::journal::new_run(Some(2))).await.unwrap();
    assert_eq!(run.attempt, 2);
    let more = proposed(&effect(EffectKind::FraudMarker, "t-more", 1));
    target.append(Writer::Run(&run), &[more]).await.unwrap();
    assert!(target.verify(&[copied.verdict.end]).await.unwrap().is_whole());
    shared().sql(&name, "SELECT 1").await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: .ci/postgres"]
async fn what_is_not_empty_what_is_held_and_what_does_not_verify_is_not_copied() {
    let place = Place::new();
    let source = written(&place).await;
    let (name, state) = database().await;
    let target = Journal::open(&state).await.unwrap();
    let shown = format!("postgres://postgres@127.0.0.1:{}/{name}", shared().port);

    let dry = source.copy_into(&target, false).await.unwrap();
    assert_eq!(dry.verdict.entries, 1_901);
    assert_eq!(target.anchor().await.unwrap().sequence, 0, "nothing is kept");

    let held =
        source.take_lease(place.folder.path(), "other", PERIOD, std::time::Duration::from_mins(1)).await.unwrap();
    let refused = source.copy_into(&target, true).await.unwrap_err();
    assert_eq!(refused.exit_code(), ExitCode::TryAgainLater);
    let told = refused.to_string();
    assert!(told.starts_with("other--2025-03-19 is held (pid "), "{told}");
    source.release(held).await.unwrap();

    place.sql("DROP TRIGGER entries_stay").await;
    place.sql("UPDATE entries SET entry = replace(entry, 'Diner', 'Dinner'), hash = hash WHERE sequence = 7").await;
    place.sql("UPDATE entries SET hash = substr(hash, 2) || '0' WHERE sequence = 9").await;
    let refused = source.copy_into(&target, true).await.unwrap_err();
    assert!(matches!(refused, CopyError::Broken { .. }), "{refused}");
    assert_eq!(refused.exit_code(), ExitCode::InvariantFailed);
    let runs = target.runs(&tieout::journal::RunFilter::default()).await.unwrap();
    assert_eq!(runs, [], "nothing half-written stays");

    let one = proposed(&effect(EffectKind::FraudMarker, "t-1", 1));
    target.append(Writer::Person, &[one]).await.unwrap();
    let refused = source.copy_into(&target, true).await.unwrap_err();
    assert_eq!(
        (refused.to_string(), refused.exit_code()),
        (
            format!("{shown} holds 1 rows in `entries` already; a journal is copied into an empty one only"),
            ExitCode::Configuration
        )
    );
}

#[test]
#[ignore = "needs PostgreSQL: .ci/postgres"]
fn a_project_moves_to_a_database_by_one_command_and_goes_on_there() {
    let project = effect_project::project(&format!("{AUDITS}{MARKERS}{FAST}"), "");
    project.run(&["run", "rewards", "--period", DAY]).ended_with(0);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let name = runtime.block_on(shared().database());
    project.write("state-url", shared().address(&name));
    let copy = |more: &[&str]| {
        let fixed =
            ["state", "copy", "--from", "sqlite:.tieout/state.db", "--to", "file:state-url", "--format", "json"];
        project.run(&[&fixed[..], more].concat())
    };
    let dry = copy(&["--dry-run"]).ended_with(0);
    let done = copy(&[]).ended_with(0);
    assert_eq!(dry.stdout, done.stdout);
    let tables: Vec<Value> = serde_json::from_str(&done.stdout).unwrap();
    let count = |table: &str| tables.iter().find(|row| row["table"] == table).unwrap()["rows"].as_u64().unwrap();
    assert_eq!((count("runs"), count("effects"), count("breaks")), (1, 7, 7));
    assert!(!done.stdout.contains(PASSWORD) && !done.stderr.contains(PASSWORD));
    copy(&[]).ended_with(78);

    let text = String::from_utf8(project.read("tieout.yaml")).unwrap();
    project.write("tieout.yaml", text.replace("state: sqlite:.tieout/state.db", "state: {file: state-url}"));
    project.run(&["run", "rewards", "--period", DAY]).ended_with(0);
    assert_eq!(project.statuses().len(), 2);
    assert_eq!((project.audits().len(), project.markers().len()), (4, 3), "nothing goes again");
    project.run(&["journal", "verify"]).ended_with(0);
}

#[test]
fn places_that_are_none_are_refused_and_no_password_is_repeated() {
    let project = TestProject::empty();
    let table = [
        (
            "sqlite:a.db",
            "mysql://me:hunter2@db/x",
            "--to is `mysql:…`; expected sqlite:PATH, such as sqlite:.tieout/state.db, or postgres://USER@HOST/DATABASE",
            2,
        ),
        (
            "sqlite:a.db",
            "postgres://me:hunter2@db/x",
            "--to holds a password, which others on this machine can see; write env:NAME or file:PATH",
            2,
        ),
        ("sqlite:a.db", "sqlite:./a.db", "--from and --to are the same", 2),
        ("sqlite:a.db", "sqlite:b.db", "nothing was ever run with FOLDER/a.db: there is no journal to copy", 2),
        (
            "env:TIEOUT_NO_SUCH_STATE",
            "sqlite:b.db",
            "state database: the address of the database: environment variable TIEOUT_NO_SUCH_STATE is not set",
            78,
        ),
    ];
    for (from, to, expected, code) in table {
        let refused = project.run(&["state", "copy", "--from", from, "--to", to]).ended_with(code);
        assert_eq!(refused.error(), expected);
    }
    assert_eq!(project.listing("").iter().filter(|name| name.contains(".db")).count(), 0);
}
