//! The journal in a database: made once by whoever comes first, refused where it is not ours, and its leases.

use std::path::Path;
use std::time::Duration;

use tieout::exit::ExitCode;
use tieout::journal::{Journal, JournalError, LeaseError, RunFilter, Writer};
use tieout::project::State;

use crate::support::journal::{JOB, PERIOD, effect, new_run, proposed};
use crate::support::postgres::{PASSWORD, shared};
use tieout::effects::EffectKind;

const MINUTE: Duration = Duration::from_mins(1);

fn state(url: &str) -> State {
    State::parse(url, Path::new("/project")).unwrap()
}

/// A database of the test's own, and its state.
async fn fresh() -> (String, State) {
    let database = shared().database().await;
    let state = state(&shared().address(&database));
    (database, state)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: .ci/postgres"]
async fn several_that_open_a_new_database_at_once_make_its_tables_once() {
    let (database, state) = fresh().await;
    let openings = (0..12).map(|_| {
        let state = state.clone();
        tokio::spawn(async move { Journal::open(&state).await.unwrap().try_writing().await.unwrap() })
    });
    for opening in openings.collect::<Vec<_>>() {
        assert!(opening.await.unwrap().is_some(), "a server says its version");
    }
    let mut connection = shared().connect(&database).await;
    let version: i64 =
        sqlx::query_scalar("SELECT version FROM tieout_journal").fetch_one(&mut connection).await.unwrap();
    assert_eq!(version, i64::from(tieout::journal::SCHEMA_VERSION));
}

#[tokio::test]
#[ignore = "needs PostgreSQL: .ci/postgres"]
async fn reading_where_nothing_was_ever_run_makes_no_tables() {
    let (database, state) = fresh().await;
    assert!(Journal::open_read_only(&state).await.unwrap().is_none());
    assert!(Journal::open_existing(&state).await.unwrap().is_none());
    let mut connection = shared().connect(&database).await;
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    let tables: i64 = sqlx::query_scalar(tables).fetch_one(&mut connection).await.unwrap();
    assert_eq!(tables, 0);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: .ci/postgres"]
async fn tables_of_a_newer_program_and_of_another_are_left_alone() {
    let (newer, of_newer) = fresh().await;
    Journal::open(&of_newer).await.unwrap().close().await.unwrap();
    shared().sql(&newer, "UPDATE tieout_journal SET version = 99").await;
    let (foreign, of_another) = fresh().await;
    shared().sql(&foreign, "CREATE TABLE runs (id INT)").await;
    let port = shared().port;
    let table = [
        (
            of_newer,
            format!(
                "the tables of postgres://postgres@127.0.0.1:{port}/{newer} were written by a newer tieout: \
          they are of version 99, this program knows {}; install the newer program, or point `state` in tieout.yaml at \
          another database or `schema`",
                tieout::journal::SCHEMA_VERSION
            ),
        ),
        (
            of_another,
            format!(
                "schema public of postgres://postgres@127.0.0.1:{port}/{foreign} has tables of another \
          program under our names; give tieout a schema of its own: ?schema=tieout behind the address"
            ),
        ),
    ];
    for (state, expected) in table {
        for refused in [Journal::open(&state).await.unwrap_err(), Journal::open_read_only(&state).await.unwrap_err()] {
            assert_eq!((refused.to_string(), refused.exit_code()), (expected.clone(), ExitCode::Configuration));
        }
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: .ci/postgres"]
async fn two_schemas_of_one_database_are_two_journals() {
    let database = shared().database().await;
    let at = |schema: &str| state(&format!("{}?schema={schema}", shared().address(&database)));
    let (first, second) = (Journal::open(&at("one")).await.unwrap(), Journal::open(&at("two")).await.unwrap());
    first.append(Writer::Person, &[proposed(&effect(EffectKind::FraudMarker, "t-1", 1))]).await.unwrap();
    assert_eq!(first.anchor().await.unwrap().sequence, 1);
    assert_eq!(second.anchor().await.unwrap().sequence, 0);
    let again = Journal::open_read_only(&at("one")).await.unwrap().unwrap();
    assert_eq!(again.anchor().await.unwrap().sequence, 1);
    assert!(Journal::open_read_only(&at("three")).await.unwrap().is_none());
}

#[tokio::test]
#[ignore = "needs PostgreSQL: .ci/postgres"]
async fn a_lease_is_held_until_it_is_released_or_has_run_out_by_the_servers_clock() {
    let (database, state) = fresh().await;
    let (journal, other) = (Journal::open(&state).await.unwrap(), Journal::open(&state).await.unwrap());
    let folder = tempfile::TempDir::new().unwrap();
    let held = journal.take_lease(folder.path(), JOB, PERIOD, MINUTE).await.unwrap();
    let refused = other.take_lease(folder.path(), JOB, PERIOD, MINUTE).await.unwrap_err();
    assert_eq!(refused.exit_code(), ExitCode::TryAgainLater);
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let told = format!("(pid {} on {} since ", std::process::id(), host.trim());
    assert!(refused.to_string().contains(&told), "{refused}");
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "no lock file where no disk is shared");
    journal.release(held).await.unwrap();
    let taken = other.take_lease(folder.path(), JOB, PERIOD, MINUTE).await.unwrap();
    assert_eq!(taken.epoch(), 2);

    // The lease of whoever vanished: nobody knows until it has run out. The server's clock says when.
    drop(taken);
    assert!(matches!(journal.take_lease(folder.path(), JOB, PERIOD, MINUTE).await, Err(LeaseError::Held { .. })));
    let soon = "UPDATE leases SET expires_at = to_char((clock_timestamp() + interval '300 ms') AT TIME ZONE 'UTC',
                'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')";
    shared().sql(&database, soon).await;
    assert!(journal.take_lease(folder.path(), JOB, PERIOD, MINUTE).await.is_err());
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(journal.take_lease(folder.path(), JOB, PERIOD, MINUTE).await.unwrap().epoch(), 3);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: .ci/postgres"]
async fn a_holder_whose_lease_was_taken_writes_nothing_more() {
    let (database, state) = fresh().await;
    let (journal, other) = (Journal::open(&state).await.unwrap(), Journal::open(&state).await.unwrap());
    let folder = tempfile::TempDir::new().unwrap();
    let first = journal.take_lease(folder.path(), JOB, PERIOD, MINUTE).await.unwrap();
    let run = journal.start_run(new_run(Some(first.epoch()))).await.unwrap();
    shared().sql(&database, "UPDATE leases SET expires_at = '2020-01-01T00:00:00.000000Z'").await;
    let second = other.take_lease(folder.path(), JOB, PERIOD, MINUTE).await.unwrap();
    assert_eq!(second.epoch(), 2);
    let proposal = proposed(&effect(EffectKind::FraudMarker, "t-1", 1));
    let late = journal.append(Writer::Run(&run), std::slice::from_ref(&proposal)).await.unwrap_err();
    assert!(matches!(late, JournalError::LeaseLost { .. }), "{late}");
    assert!(matches!(journal.renew(&first).await.unwrap_err(), JournalError::LeaseLost { .. }));
    assert_eq!(journal.anchor().await.unwrap().sequence, 0);
    let new = other.start_run(new_run(Some(2))).await.unwrap();
    other.append(Writer::Run(&new), &[proposal]).await.unwrap();
    // The other's is not given back by whoever had it before.
    journal.release(first).await.unwrap();
    other.renew(&second).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: .ci/postgres"]
async fn of_two_that_race_for_a_period_two_hundred_times_one_gets_it_each_time() {
    let (_, state) = fresh().await;
    let (one, other) = (Journal::open(&state).await.unwrap(), Journal::open(&state).await.unwrap());
    let folder = tempfile::TempDir::new().unwrap();
    let race = async |journal: &Journal, period: &str, marker: &(String, tieout::effects::Event)| {
        let lease = match journal.take_lease(folder.path(), JOB, period, MINUTE).await {
            Ok(lease) => lease,
            Err(lost) => {
                assert_eq!(lost.exit_code(), ExitCode::TryAgainLater, "{lost}");
                return false;
            }
        };
        let mut new = new_run(Some(lease.epoch()));
        period.clone_into(&mut new.period);
        let run = journal.start_run(new).await.unwrap();
        journal.append(Writer::Run(&run), std::slice::from_ref(marker)).await.unwrap();
        true
    };
    for round in 0..200 {
        let period = format!("2025-{round:03}");
        let marker = proposed(&effect(EffectKind::FraudMarker, &format!("t-{round}"), 1));
        let (first, second) = tokio::join!(race(&one, &period, &marker), race(&other, &period, &marker));
        assert!(first ^ second, "round {round}: {first} {second}");
    }
    assert_eq!(one.anchor().await.unwrap().sequence, 200, "one proposal a round");
    assert_eq!(one.runs(&RunFilter::default()).await.unwrap().len(), 200);
    assert!(one.verify(&[]).await.unwrap().is_whole());
}

#[tokio::test]
#[ignore = "needs PostgreSQL: .ci/postgres"]
async fn who_may_not_write_is_told_before_a_run_begins() {
    let (database, of_owner) = fresh().await;
    Journal::open(&of_owner).await.unwrap().close().await.unwrap();
    let server = shared();
    let role = format!("reader_of_{database}");
    server
        .sql(
            &database,
            &format!("CREATE ROLE {role} LOGIN PASSWORD 'r'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"),
        )
        .await;
    let reader = state(&format!("postgres://{role}:r@127.0.0.1:{}/{database}", server.port));
    let read = Journal::open_read_only(&reader).await.unwrap().unwrap();
    assert_eq!(read.anchor().await.unwrap().sequence, 0);
    let refused = Journal::open(&reader).await.unwrap().try_writing().await.unwrap_err();
    assert_eq!(refused.exit_code(), ExitCode::CredentialsRefused, "{refused}");

    server.sql(&database, &format!("ALTER DATABASE {database} SET default_transaction_read_only = on")).await;
    let refused = Journal::open(&of_owner).await.unwrap().try_writing().await.unwrap_err();
    assert_eq!(refused.exit_code(), ExitCode::Configuration, "{refused}");
    let source = std::error::Error::source(&refused).unwrap().to_string();
    assert!(source.contains("is read-only"), "{source}");
    assert!(!source.contains(PASSWORD), "{source}");
}
