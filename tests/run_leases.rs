//! A run that was stopped for longer than its lease: another takes over, and the first one can do no harm any more.

use std::process::Child;
use std::time::Duration;

use crate::support::project::{DAY, SMALL_BREAKS, TestProject, file_rows, settled};

fn send(signal: &str, process: &Child) {
    let sent = std::process::Command::new("kill").args([signal, &process.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

fn patient(lease: &str) -> TestProject {
    let mut project = TestProject::new(&[settled(&file_rows())], "  - {on: download, nth: 1, do: {slow: 30s}}\n");
    project.set_http("{idle_timeout: 60s, attempts: 1}");
    let text = String::from_utf8(project.read("tieout.yaml")).unwrap();
    project.write("tieout.yaml", format!("lease: {lease}\n{text}"));
    project
}

/// A run that waits for its download.
fn downloading(project: &TestProject) -> Child {
    let process = project.command(&["run", "rewards", "--period", DAY]).spawn().unwrap();
    // A request is told of when it is answered: the list is, next comes the download.
    while !project.received().iter().any(|request| request.path.ends_with("/metadata")) {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(100));
    process
}

#[test]
fn a_run_stopped_past_its_lease_is_overtaken_and_its_late_writes_are_refused() {
    let project = patient("1s");
    let first = downloading(&project);
    let overtaken = (0..5).any(|_| {
        send("-STOP", &first);
        // It may have renewed just before it was stopped.
        std::thread::sleep(Duration::from_millis(1_200));
        let second = project.run_day(&[]);
        send("-CONT", &first);
        // Stopped in the very moment of a renewal it keeps the file itself: nobody can write then, it least of all.
        if !second.stderr.contains("stays locked by another process") {
            second.ended_with(0);
            return true;
        }
        std::thread::sleep(Duration::from_millis(200));
        false
    });
    assert!(overtaken);
    let late = project.ended(first).ended_with(75);
    assert_eq!(
        late.error(),
        "run rewards/2025-03-19/1 was stopped for longer than its lease and another has taken over; nothing more is \
         written"
    );
    let statuses: Vec<_> = project.statuses().into_values().collect();
    assert_eq!(statuses, ["interrupted", "done"]);
    assert_eq!(project.breaks("rewards/2025-03-19/2"), SMALL_BREAKS.map(|row| row.map(str::to_owned)));
    assert!(!project.path("runs/rewards/2025-03-19/1").exists());
}

#[test]
fn a_run_that_works_for_longer_than_its_lease_keeps_it() {
    let project = patient("1s");
    let first = downloading(&project);
    std::thread::sleep(Duration::from_millis(2_500));
    let second = project.run_day(&["-q"]).ended_with(75);
    assert!(second.error().starts_with("rewards for 2025-03-19 is already running (pid "), "{}", second.stderr);
    send("-TERM", &first);
    project.ended(first).ended_with(75);
    // Stopped as asked, it has given its lease back.
    assert_eq!(project.listing(".tieout/locks"), Vec::<String>::new());
    project.run_day(&[]).ended_with(0);
}
