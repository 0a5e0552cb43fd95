//! The state file itself: made, refused, unusable, shared.

use std::path::{Path, PathBuf};
use std::process::Command;

use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;
use tieout::exit::ExitCode;
use tieout::journal::{Journal, JournalError, NewRun, RunFilter, RunStatus, SCHEMA_VERSION, Step};

const STATE: &str = "TIEOUT_TEST_STATE";
const PERIOD: &str = "TIEOUT_TEST_PERIOD";

fn new_run(period: &str) -> NewRun {
    NewRun {
        job: "rewards".to_owned(),
        period: period.to_owned(),
        note: None,
        job_sha256: "ab".repeat(32),
        program_version: "0.1.0".to_owned(),
        started_at: chrono::Utc::now(),
        sandbox: false,
        started_by: "dana".to_owned(),
        lease_epoch: None,
    }
}

async fn plain_connection(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap()
}

/// What any `SQLite` tool would do to the file.
async fn execute(path: &Path, sql: &'static str) -> Result<(), sqlx::Error> {
    let mut connection = plain_connection(path).await;
    let done = sqlx::raw_sql(sql).execute(&mut connection).await.map(|_| ());
    connection.close().await.unwrap();
    done
}

async fn number(path: &Path, sql: &'static str) -> i64 {
    let mut connection = plain_connection(path).await;
    let number = sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    number
}

#[tokio::test]
async fn an_empty_folder_becomes_a_journal_of_the_current_version() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("deep/er/state.db");
    assert!(Journal::open_read_only(&path).await.unwrap().is_none());
    assert!(!path.exists(), "reading makes no file");

    Journal::open(&path).await.unwrap().close().await.unwrap();
    assert_eq!(number(&path, "SELECT user_version FROM pragma_user_version").await, i64::from(SCHEMA_VERSION));

    // Opening it again finds nothing to do and loses nothing.
    let journal = Journal::open(&path).await.unwrap();
    journal.start_run(new_run("2025-03-19")).await.unwrap();
    journal.close().await.unwrap();
    let journal = Journal::open(&path).await.unwrap();
    assert_eq!(journal.runs(&RunFilter::default()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_file_of_zero_bytes_counts_as_new() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("state.db");
    std::fs::write(&path, "").unwrap();
    assert!(Journal::open_read_only(&path).await.unwrap().is_none());
    let journal = Journal::open(&path).await.unwrap();
    assert_eq!(journal.start_run(new_run("2025-03-19")).await.unwrap().attempt, 1);
}

#[tokio::test]
async fn a_newer_schema_is_refused_before_anything_is_done() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("state.db");
    Journal::open(&path).await.unwrap().close().await.unwrap();
    execute(&path, "PRAGMA user_version = 99").await.unwrap();
    let before = std::fs::read(&path).unwrap();

    let expected = format!(
        "the state file {} was written by a newer tieout: its tables are of version 99, this program knows \
         {SCHEMA_VERSION}; install the newer program, or point `state` in tieout.yaml at another file",
        path.display()
    );
    let refused = Journal::open(&path).await.unwrap_err();
    assert_eq!((refused.to_string(), refused.exit_code()), (expected.clone(), ExitCode::Configuration));
    let refused = Journal::open_read_only(&path).await.unwrap_err();
    assert_eq!(refused.to_string(), expected);
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_file_of_another_program_is_refused_and_left_as_it_is() {
    let folder = TempDir::new().unwrap();
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "not a database at all, but longer than a header of one hundred bytes. ".repeat(20)).unwrap();
    let database = folder.path().join("other.db");
    execute(&database, "CREATE TABLE theirs (x); PRAGMA user_version = 1").await.unwrap();

    for path in [text, database] {
        let before = std::fs::read(&path).unwrap();
        let refused = Journal::open(&path).await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            format!("{} is not a state file of tieout; point `state` in tieout.yaml at another file", path.display())
        );
        assert_eq!(refused.exit_code(), ExitCode::Configuration);
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
}

#[tokio::test]
async fn a_state_file_that_cannot_be_made_is_told_with_its_path() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("file"), "in the way").unwrap();
    std::fs::create_dir(folder.path().join("folder.db")).unwrap();
    for path in ["file/state.db", "folder.db"].map(|name| folder.path().join(name)) {
        let refused = Journal::open(&path).await.unwrap_err();
        assert!(matches!(refused, JournalError::NotWritable { .. }), "{refused:?}");
        assert_eq!(refused.exit_code(), ExitCode::Unexpected);
        assert_eq!(
            refused.to_string(),
            format!(
                "cannot write the state file {}; the file and its folder must exist on a writable disk and belong to \
                 this user",
                path.display()
            )
        );
    }
}

#[tokio::test]
async fn what_is_recorded_cannot_be_rewritten_even_by_hand() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("state.db");
    let journal = Journal::open(&path).await.unwrap();
    journal.start_run(new_run("2025-03-19")).await.unwrap();
    journal.start_run(new_run("2025-03-19")).await.unwrap();
    journal.close().await.unwrap();

    for (sql, reason) in [
        ("DELETE FROM runs", "a run is never deleted"),
        ("UPDATE runs SET status = 'done' WHERE attempt = 1", "a run that has ended is never changed"),
        ("DELETE FROM steps", "a step is never deleted"),
        ("UPDATE steps SET at = ''", "a step is never changed"),
    ] {
        let refused = execute(&path, sql).await.unwrap_err().to_string();
        assert!(refused.contains(reason), "{sql}: {refused}");
    }
}

#[tokio::test]
async fn a_full_database_refuses_the_run_whole() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("state.db");
    let journal = Journal::open(&path).await.unwrap();
    journal.start_run(new_run("2025-03-19")).await.unwrap();
    // No number is left for the next run: SQLite tells that with the code of a full disk.
    execute(&path, "UPDATE sqlite_sequence SET seq = 9223372036854775807 WHERE name = 'runs'").await.unwrap();

    let refused = journal.start_run(new_run("2025-03-19")).await.unwrap_err();
    assert!(matches!(refused, JournalError::DiskFull { .. }), "{refused:?}");
    let expected = format!(
        "the disk of the state file {} is full; free some space and run again, nothing is half-written",
        path.display()
    );
    assert_eq!((refused.to_string(), refused.exit_code()), (expected, ExitCode::Unexpected));
    // The same transaction had called the first attempt interrupted: that is undone, too.
    let runs = journal.runs(&RunFilter::default()).await.unwrap();
    assert_eq!(runs.iter().map(|run| (run.attempt, run.status)).collect::<Vec<_>>(), [(1, RunStatus::Running)]);
    assert_eq!(journal.steps(&runs[0].id).await.unwrap().len(), 1);
}

/// Fills a disk of 256 KiB with runs; `a_full_disk_leaves_nothing_half_written` mounts it.
#[tokio::test]
#[ignore = "run by other tests as a second process"]
async fn helper_that_fills_a_small_disk() {
    let (path, period) = helper_place();
    let ballast = path.with_file_name("ballast");
    std::fs::write(&ballast, vec![0; 64 << 10]).unwrap();
    let journal = Journal::open(&path).await.unwrap();
    let mut whole = 0;
    let refused = loop {
        let begun = match journal.start_run(new_run(&period)).await {
            Ok(run) => run,
            Err(error) => break error,
        };
        whole += 1;
        let detail = serde_json::json!({ "text": "x".repeat(2_000) });
        if let Err(error) = journal.mark(&begun, Step::Pulled, detail).await {
            break error;
        }
    };
    assert!(matches!(refused, JournalError::DiskFull { .. }), "{refused:?}");
    assert!(whole > 0, "the disk holds at least one run");
    drop(journal);

    std::fs::remove_file(ballast).unwrap();
    let journal = Journal::open(&path).await.unwrap();
    assert_eq!(journal.runs(&RunFilter::default()).await.unwrap().len(), whole);
    assert_eq!(usize::try_from(journal.start_run(new_run(&period)).await.unwrap().attempt).unwrap(), whole + 1);
    journal.close().await.unwrap();
    assert_eq!(number(&path, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'").await, 0);
}

#[test]
#[ignore = "needs Linux and the right to mount a small disk (`unshare`); CONTRIBUTING.md says how to run it"]
fn a_full_disk_leaves_nothing_half_written() {
    let folder = TempDir::new().unwrap();
    let helper = "exec \"$1\" --exact journal_files::helper_that_fills_a_small_disk --ignored --nocapture";
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-ec"]);
    command.arg(format!("mount -t tmpfs -o size=256k none \"$2\"; {helper}")).arg("sh");
    command.arg(std::env::current_exe().unwrap()).arg(folder.path());
    let output = command.env(STATE, folder.path().join("state.db")).env(PERIOD, "2025-03-19").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

fn helper(name: &str, path: &Path, period: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--ignored", "--quiet"]).env(STATE, path).env(PERIOD, period);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    command
}

fn helper_place() -> (PathBuf, String) {
    (std::env::var_os(STATE).unwrap().into(), std::env::var(PERIOD).unwrap())
}

#[tokio::test]
#[ignore = "run by other tests as a second process"]
async fn helper_that_runs_a_whole_attempt_many_times() {
    let (path, period) = helper_place();
    let journal = Journal::open(&path).await.unwrap();
    for _ in 0..10 {
        let run = journal.start_run(new_run(&period)).await.unwrap();
        for step in [Step::Pulled, Step::Normalized] {
            journal.mark(&run, step, serde_json::Value::Null).await.unwrap();
        }
    }
}

#[tokio::test]
async fn two_processes_share_one_state_file() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("state.db");
    let name = "journal_files::helper_that_runs_a_whole_attempt_many_times";
    let processes = ["2025-03-19", "2025-03-20"].map(|period| helper(name, &path, period).spawn().unwrap());
    for mut process in processes {
        assert!(process.wait().unwrap().success());
    }
    let journal = Journal::open(&path).await.unwrap();
    for period in ["2025-03-19", "2025-03-20"] {
        let filter = RunFilter { period: Some(period.to_owned()), ..RunFilter::default() };
        let runs = journal.runs(&filter).await.unwrap();
        let attempts: Vec<_> = runs.iter().rev().map(|run| run.attempt).collect();
        assert_eq!(attempts, (1..=10).collect::<Vec<_>>(), "{period}");
        for run in runs {
            assert_eq!(journal.steps(&run.id).await.unwrap().len(), 3, "{}", run.id);
        }
    }
}

/// The runs there are after a process was killed at this point, and the marks of the last one.
async fn after_a_kill(variable: &str, point: &str) -> (usize, Vec<Step>) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("state.db");
    let name = "journal_files::helper_that_runs_a_whole_attempt_many_times";
    let status = helper(name, &path, "2025-03-19").env(variable, point).status().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9), "{variable}: {status}");

    let journal = Journal::open(&path).await.unwrap();
    let runs = journal.runs(&RunFilter::default()).await.unwrap();
    assert_eq!(runs[0].status, RunStatus::Running);
    let steps = journal.steps(&runs[0].id).await.unwrap();
    (runs.len(), steps.into_iter().map(|step| step.step).collect())
}

#[tokio::test]
async fn a_process_can_be_killed_when_it_comes_by_for_the_third_time() {
    let (runs, steps) = after_a_kill("TIEOUT_KILL_AFTER", "pulled:3").await;
    assert_eq!((runs, steps), (3, vec![Step::Started, Step::Pulled]));
    let (runs, steps) = after_a_kill("TIEOUT_KILL_BEFORE", "started:4").await;
    assert_eq!((runs, steps), (3, vec![Step::Started, Step::Pulled, Step::Normalized]));
}

#[tokio::test]
async fn a_process_killed_after_a_mark_has_the_mark_and_one_killed_before_it_has_not() {
    let (runs, steps) = after_a_kill("TIEOUT_KILL_AFTER", "pulled").await;
    assert_eq!((runs, steps), (1, vec![Step::Started, Step::Pulled]));
    let (runs, steps) = after_a_kill("TIEOUT_KILL_BEFORE", "pulled").await;
    assert_eq!((runs, steps), (1, vec![Step::Started]));
}
