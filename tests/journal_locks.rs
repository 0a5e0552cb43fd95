//! One run of a job and period at a time.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use chrono::{DateTime, TimeZone, Utc};
use tempfile::TempDir;
use tieout::exit::ExitCode;
use tieout::journal::{LockError, RunLock};

const FOLDER: &str = "TIEOUT_TEST_LOCK_FOLDER";

fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2025, 3, 20, 12, 0, 0).unwrap()
}

fn take(folder: &Path) -> Result<RunLock, LockError> {
    RunLock::take(folder, "rewards", "2025-03-19", noon())
}

#[test]
fn a_lock_is_held_until_it_is_dropped_and_only_for_its_own_period() {
    let folder = TempDir::new().unwrap();
    let held = take(folder.path()).unwrap();
    assert!(folder.path().join("locks/rewards--2025-03-19.lock").is_file());

    let refused = take(folder.path()).unwrap_err();
    assert_eq!(refused.exit_code(), ExitCode::TryAgainLater);
    assert_eq!(
        refused.to_string(),
        format!(
            "rewards for 2025-03-19 is already running (pid {} since 2025-03-20T12:00:00Z); try again when it has ended",
            std::process::id()
        )
    );
    RunLock::take(folder.path(), "rewards", "2025-03-20", noon()).unwrap();
    RunLock::take(folder.path(), "refunds", "2025-03-19", noon()).unwrap();

    drop(held);
    take(folder.path()).unwrap();
}

#[test]
fn a_state_folder_that_is_none_is_told_with_the_path_of_the_lock() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "in the way").unwrap();
    let refused = take(&file).unwrap_err();
    assert_eq!(refused.exit_code(), ExitCode::Unexpected);
    assert_eq!(
        refused.to_string(),
        format!(
            "cannot use the lock file {}/locks/rewards--2025-03-19.lock; the state folder must be writable",
            file.display()
        )
    );
}

#[test]
#[ignore = "run by other tests as a second process"]
fn helper_that_holds_the_lock_until_it_is_killed() {
    let folder: PathBuf = std::env::var_os(FOLDER).unwrap().into();
    let _held = take(&folder).unwrap();
    // Past the test harness, which keeps what a test prints.
    std::io::Write::write_all(&mut std::io::stderr(), b"held\n").unwrap();
    loop {
        std::thread::park();
    }
}

/// A process that holds the lock by the time this returns.
fn holder(folder: &Path) -> Child {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "journal_locks::helper_that_holds_the_lock_until_it_is_killed", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stderr = BufReader::new(process.stderr.take().unwrap());
    assert!(stderr.lines().any(|line| line.unwrap() == "held"), "the second process takes the lock");
    process
}

#[test]
fn another_process_is_kept_out_and_a_killed_one_leaves_no_lock_behind() {
    let folder = TempDir::new().unwrap();
    let mut process = holder(folder.path());
    let refused = take(folder.path()).unwrap_err();
    assert!(
        matches!(&refused, LockError::Held { holder, .. } if *holder
        == format!("pid {} since 2025-03-20T12:00:00Z", process.id())),
        "{refused}"
    );

    // On Unix this is SIGKILL: the process has no chance to tidy up.
    process.kill().unwrap();
    process.wait().unwrap();
    let _ours = take(folder.path()).unwrap();
    let text = std::fs::read_to_string(folder.path().join("locks/rewards--2025-03-19.lock")).unwrap();
    assert_eq!(text, format!("pid {} since 2025-03-20T12:00:00Z\n", std::process::id()));
}
