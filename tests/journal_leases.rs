//! One run of a job and period at a time, and nothing from one that has been overtaken.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;
use tieout::exit::ExitCode;
use tieout::journal::{
    EffectFilter, Ending, Journal, JournalError, Lease, LeaseError, RunOutcome, RunStatus, Step, Writer,
};

use crate::support::journal::{JOB, PERIOD, Place, also_on_postgres, database_of, effect, new_run, proposed};
use tieout::effects::EffectKind;

also_on_postgres!(
    a_renewed_lease_lasts_on_also_when_the_renewal_comes_late,
    an_overtaken_lease_is_neither_renewed_nor_released,
    every_late_write_of_an_overtaken_run_is_refused_and_changes_nothing,
);

const FOLDER: &str = "TIEOUT_TEST_LEASE_FOLDER";
const MINUTE: Duration = Duration::from_mins(1);

async fn take(journal: &Journal, folder: &Path) -> Result<Lease, LeaseError> {
    journal.take_lease(folder, JOB, PERIOD, MINUTE).await
}

/// What lies in `locks/`.
fn lock_files(place: &Place) -> Vec<String> {
    let entries = std::fs::read_dir(place.folder.path().join("locks")).into_iter().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

async fn expire(place: &Place) {
    place.sql("UPDATE leases SET expires_at = '2020-01-01T00:00:00.000000Z'").await;
}

#[tokio::test]
async fn a_lease_is_held_until_it_is_released_and_only_for_its_own_period() {
    let place = Place::new();
    let (journal, folder) = (place.open().await, place.folder.path());
    let held = take(&journal, folder).await.unwrap();
    assert_eq!((held.epoch(), held.lasting()), (1, MINUTE));
    assert_eq!(lock_files(&place), ["rewards-daily--2025-03-19.1.lock"]);

    let refused = take(&journal, folder).await.unwrap_err();
    assert_eq!(refused.exit_code(), ExitCode::TryAgainLater);
    let told = refused.to_string();
    let (before, after) = told.split_once(" since ").unwrap();
    assert_eq!(before, format!("rewards-daily for 2025-03-19 is already running (pid {}", std::process::id()));
    let (since, after) = after.split_once(')').unwrap();
    since.parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    assert_eq!(after, "; try again when it has ended");

    let other_day = journal.take_lease(folder, JOB, "2025-03-20", MINUTE).await.unwrap();
    let other_job = journal.take_lease(folder, "refunds", PERIOD, MINUTE).await.unwrap();
    // A period whose name begins with another's has files of its own.
    let month = journal.take_lease(folder, JOB, "2025-03", MINUTE).await.unwrap();
    assert_eq!([other_day.epoch(), other_job.epoch(), month.epoch()], [1, 1, 1]);
    for other in [other_day, other_job, month] {
        journal.release(other).await.unwrap();
    }
    journal.release(held).await.unwrap();
    assert_eq!(lock_files(&place), Vec::<String>::new());
    assert_eq!(take(&journal, folder).await.unwrap().epoch(), 2);
}

#[tokio::test]
async fn who_may_take_over_from_whom() {
    // What became of the holder's file, whether its time is past, and whether the next one gets the lease.
    let table = [
        ("locked", false, false),
        ("locked", true, true),
        ("freed", false, true),
        ("freed", true, true),
        // Nothing is proved by a file that somebody removed.
        ("removed", false, false),
        ("removed", true, true),
    ];
    for (file, expired, free) in table {
        let place = Place::new();
        let (journal, folder) = (place.open().await, place.folder.path());
        let first = take(&journal, folder).await.unwrap();
        let mut kept = Some(first);
        match file {
            "freed" => drop(kept.take()),
            "removed" => std::fs::remove_file(folder.join("locks/rewards-daily--2025-03-19.1.lock")).unwrap(),
            _ => {}
        }
        if expired {
            expire(&place).await;
        }
        match take(&journal, folder).await {
            Ok(lease) => {
                assert!(free, "{file} {expired}");
                assert_eq!(lease.epoch(), 2);
                assert_eq!(lock_files(&place), ["rewards-daily--2025-03-19.2.lock"], "{file} {expired}");
            }
            Err(error) => {
                assert!(!free, "{file} {expired}: {error}");
                assert!(matches!(error, LeaseError::Held { .. }), "{error:?}");
            }
        }
        drop(kept);
    }
}

#[tokio::test]
async fn a_renewed_lease_lasts_on_also_when_the_renewal_comes_late() {
    let place = Place::new();
    let (journal, folder) = (place.open().await, place.folder.path());
    let lease = take(&journal, folder).await.unwrap();
    expire(&place).await;
    journal.renew(&lease).await.unwrap();
    assert!(matches!(take(&journal, folder).await, Err(LeaseError::Held { .. })));
}

#[tokio::test]
async fn an_overtaken_lease_is_neither_renewed_nor_released() {
    let place = Place::new();
    let (journal, folder) = (place.open().await, place.folder.path());
    let first = take(&journal, folder).await.unwrap();
    expire(&place).await;
    let second = take(&journal, folder).await.unwrap();

    let lost = journal.renew(&first).await.unwrap_err();
    assert_eq!(
        lost.to_string(),
        "run rewards-daily/2025-03-19 was stopped for longer than its lease and another has taken over; nothing more \
         is written"
    );
    assert_eq!(lost.exit_code(), ExitCode::TryAgainLater);
    journal.release(first).await.unwrap();
    assert!(matches!(take(&journal, folder).await, Err(LeaseError::Held { .. })), "the second one still has it");
    // Beside a file; who shares a database shares no disk.
    let of_file = database_of(folder).await.is_none();
    assert_eq!(lock_files(&place), of_file.then_some("rewards-daily--2025-03-19.2.lock").as_slice());
    journal.renew(&second).await.unwrap();
}

#[tokio::test]
async fn every_late_write_of_an_overtaken_run_is_refused_and_changes_nothing() {
    let place = Place::new();
    let journal = place.open().await;
    let (_first_lease, first) = place.begin(&journal).await;
    assert_eq!((first.lease_epoch, first.started_by.as_deref()), (Some(1), Some("dana")));
    journal.mark(&first, Step::Pulled, json!(null)).await.unwrap();
    expire(&place).await;
    // From the taking on, not only from the next attempt's first mark.
    let second_lease = take(&journal, place.folder.path()).await.unwrap();

    let steps = journal.steps(&first.id).await.unwrap();
    let proposal = [proposed(&effect(EffectKind::FraudMarker, "t-1", 1))];
    let failed = RunOutcome {
        ending: Ending::Failed,
        exit_code: ExitCode::Unexpected,
        breaks: None,
        rows: None,
        ties_out: None,
        message: None,
        finished_at: chrono::Utc::now(),
        artifacts: None,
    };
    let late = [
        journal.mark(&first, Step::Normalized, json!(null)).await.unwrap_err(),
        journal.record_inputs(&first, &[]).await.unwrap_err(),
        journal.append(Writer::Run(&first), &proposal).await.unwrap_err(),
        journal.finish(&first, failed).await.unwrap_err(),
        journal.start_run(new_run(Some(1))).await.unwrap_err(),
        journal.start_run(new_run(None)).await.unwrap_err(),
    ];
    for error in &late {
        assert!(matches!(error, JournalError::LeaseLost { .. }), "{error:?}");
        assert_eq!(error.exit_code(), ExitCode::TryAgainLater);
    }
    assert_eq!(
        late[0].to_string(),
        "run rewards-daily/2025-03-19/1 was stopped for longer than its lease and another has taken over; nothing \
         more is written"
    );
    assert_eq!(journal.steps(&first.id).await.unwrap(), steps);
    assert_eq!(journal.run(&first.id).await.unwrap().status, RunStatus::Running);
    assert_eq!(journal.effects(&EffectFilter::default()).await.unwrap(), []);
    assert_eq!(journal.anchor().await.unwrap().sequence, 0);

    let second = journal.start_run(new_run(Some(second_lease.epoch()))).await.unwrap();
    journal.append(Writer::Run(&second), &proposal).await.unwrap();
    let [entry] = journal.history(&proposal[0].0).await.unwrap().try_into().unwrap();
    assert_eq!((entry.run.as_deref(), entry.epoch), (Some("rewards-daily/2025-03-19/2"), Some(2)));
    assert_eq!(journal.run(&first.id).await.unwrap().status, RunStatus::Interrupted);
}

#[tokio::test]
async fn a_state_folder_that_is_none_is_told_with_the_path_of_the_lock() {
    let place = Place::new();
    let file = place.folder.path().join("file");
    std::fs::write(&file, "in the way").unwrap();
    let journal = place.open().await;
    let refused = take(&journal, &file).await.unwrap_err();
    assert_eq!(refused.exit_code(), ExitCode::Unexpected);
    assert_eq!(
        refused.to_string(),
        format!(
            "cannot use the lock file {}/locks/rewards-daily--2025-03-19.1.lock; the state folder must be writable",
            file.display()
        )
    );
    // The lease was not taken.
    assert_eq!(take(&journal, place.folder.path()).await.unwrap().epoch(), 1);
}

#[tokio::test]
#[ignore = "run by other tests as a second process"]
async fn helper_that_holds_the_lease_until_it_is_killed() {
    let folder = std::path::PathBuf::from(std::env::var_os(FOLDER).unwrap());
    let journal = Journal::open(&folder.join("state.db")).await.unwrap();
    let _held = take(&journal, &folder).await.unwrap();
    // Past the test harness, which keeps what a test prints.
    std::io::Write::write_all(&mut std::io::stderr(), b"held\n").unwrap();
    loop {
        std::thread::park();
    }
}

/// A process that holds the lease by the time this returns.
fn holder(folder: &Path) -> Child {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "journal_leases::helper_that_holds_the_lease_until_it_is_killed", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stderr = BufReader::new(process.stderr.take().unwrap());
    assert!(stderr.lines().any(|line| line.unwrap() == "held"), "the second process takes the lease");
    process
}

#[tokio::test]
async fn another_process_is_kept_out_and_nobody_waits_for_a_killed_one() {
    let place = Place::new();
    let journal = place.open().await;
    let mut process = holder(place.folder.path());
    let refused = take(&journal, place.folder.path()).await.unwrap_err();
    let pid = format!("pid {} since ", process.id());
    assert!(matches!(&refused, LeaseError::Held { holder, .. } if holder.starts_with(&pid)), "{refused}");

    // On Unix this is SIGKILL: the process has no chance to tidy up.
    process.kill().unwrap();
    process.wait().unwrap();
    assert_eq!(take(&journal, place.folder.path()).await.unwrap().epoch(), 2);
}
