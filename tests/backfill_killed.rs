//! A backfill of sixty periods that is killed twice and stopped once: it ends complete, each period run to its end once.

use std::os::unix::process::ExitStatusExt;

use crate::support::backfill_project::{attempts, days, labels, runs_of_periods, shown};
use crate::support::project::{Output, TestProject};
use crate::support::sending::{signal, wait_until_stopped};

const SIGKILL: i32 = 9;
const BACKFILL: [&str; 6] = ["backfill", "rewards", "--from", "2025-01-01", "--to", "2025-03-01"];

/// Runs until the kernel kills it at this point.
#[track_caller]
fn killed(project: &TestProject, more: &[&str], variable: &str, point: &str) {
    let process = project.command(&[&BACKFILL, more].concat()).env(variable, point).spawn().unwrap();
    let output = process.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.signal(), Some(SIGKILL), "{variable}={point}: {told}");
}

/// Runs until this point, where it is stopped, asked to end, and continued.
#[track_caller]
fn stopped_at(project: &TestProject, point: &str) -> Output {
    let process = project.command(&BACKFILL).env("TIEOUT_STOP_AFTER", point).spawn().unwrap();
    wait_until_stopped(&process);
    signal("-TERM", &process);
    signal("-CONT", &process);
    project.ended(process).ended_with(75)
}

#[test]
fn sixty_periods_killed_twice_and_stopped_once_end_complete_each_run_to_its_end_once() {
    let labels = labels(60);
    let project = days(&labels);
    // The 21st period is done, and that is not written down.
    killed(&project, &[], "TIEOUT_KILL_BEFORE", "backfill:21");
    assert_eq!(attempts(&project, 1), [("running".to_owned(), [20, 0, 0], None, None)]);

    // It is found done; nineteen more are written down, and others are under way.
    killed(&project, &["--max-parallel", "3"], "TIEOUT_KILL_AFTER", "backfill:20");
    let so_far = shown(&project, 1);
    assert_eq!((so_far["backfill"]["done"].as_u64(), so_far["backfill"]["to_run"].as_u64()), (Some(40), Some(60)));
    assert_eq!(so_far["ends"][20]["found"], true, "{}", so_far["ends"][20]);

    let asked = stopped_at(&project, "backfill:5");
    assert!(asked.stderr.contains(" by "), "{}", asked.stderr);
    assert!(asked.stdout.contains("attempt 3: 45 of 60 done, 15 not done, 0 left out\n"), "{}", asked.stdout);
    assert!(
        asked.stdout.ends_with("stopped by SIGTERM; the same command goes on with it\nExit code 75\n"),
        "{}",
        asked.stdout
    );

    let last = project.run(&BACKFILL).ended_with(0);
    assert!(last.stderr.contains("continuing backfill 1, begun 20"), "{}", last.stderr);
    assert!(last.stderr.contains(": 45 of 60 done; to run: 2025-0"), "{}", last.stderr);
    let end = "\nbackfill 1 of rewards, attempt 4: 60 of 60 done, 0 not done, 0 left out\nExit code 0\n";
    assert!(last.stdout.ends_with(end), "{}", last.stdout);

    told_by_attempt(&project);
    each_run_to_its_end_once(&project, &labels);

    // There is nothing left, and nothing is written down about that.
    let again = project.run(&BACKFILL).ended_with(0);
    assert!(again.stderr.contains("nothing is to be run"), "{}", again.stderr);
    assert_eq!(project.run(&["backfills", "--format", "jsonl"]).stdout.lines().count(), 1);
}

fn told_by_attempt(project: &TestProject) {
    let told = attempts(project, 1);
    let statuses: Vec<_> = told.iter().map(|attempt| (attempt.0.as_str(), attempt.2, attempt.3.as_deref())).collect();
    let stopped = ("stopped", Some(75), Some("stopped by SIGTERM"));
    assert_eq!(statuses, [("killed", None, None), ("killed", None, None), stopped, ("ended", Some(0), None)]);
    assert_eq!((told[0].1, told[1].1, told[3].1), ([20, 0, 0], [19, 1, 0], [15, 0, 0]), "{told:?}");
    // What was under way at the second kill had ended by then, or not.
    let [done, found, not_done] = told[2].1;
    assert_eq!((done + found, not_done), (5, 0), "{told:?}");
    assert!(found <= 2, "{told:?}");
}

fn each_run_to_its_end_once(project: &TestProject, labels: &[String]) {
    let runs = runs_of_periods(project);
    assert_eq!(runs.keys().collect::<Vec<_>>(), labels.iter().collect::<Vec<_>>());
    for (period, statuses) in &runs {
        let (last, before) = statuses.split_last().unwrap();
        assert_eq!(last, "done", "{period}: {statuses:?}");
        assert!(before.iter().all(|status| status == "interrupted"), "{period}: {statuses:?}");
    }
    let twice = runs.values().filter(|statuses| statuses.len() > 1).count();
    assert!(twice <= 2, "only what was under way at the second kill: {runs:?}");

    let shown = shown(project, 1);
    assert_eq!(shown["backfill"]["status"], "complete");
    assert_eq!(shown["periods"].as_array().unwrap().len(), 60);
    let mut ended: Vec<&str> =
        shown["ends"].as_array().unwrap().iter().map(|end| end["period"].as_str().unwrap()).collect();
    ended.sort_unstable();
    assert_eq!(ended, labels, "each stands on the list once");
}

#[test]
fn killed_before_its_first_period_ends_the_next_attempt_does_all() {
    let labels = labels(2);
    let project = days(&labels);
    let command = ["backfill", "rewards", "--from", "2025-01-01", "--to", "2025-01-02"];
    for (variable, point) in [("TIEOUT_KILL_BEFORE", "started"), ("TIEOUT_KILL_AFTER", "matched")] {
        let process = project.command(&command).env(variable, point).spawn().unwrap();
        assert_eq!(process.wait_with_output().unwrap().status.signal(), Some(SIGKILL), "{point}");
    }
    project.run(&command).ended_with(0);
    let statuses: Vec<_> = attempts(&project, 1).into_iter().map(|attempt| (attempt.0, attempt.1)).collect();
    let killed = || ("killed".to_owned(), [0, 0, 0]);
    assert_eq!(statuses, [killed(), killed(), ("ended".to_owned(), [2, 0, 0])]);
    let runs: Vec<_> = runs_of_periods(&project).into_values().collect();
    assert_eq!(runs, [vec!["interrupted".to_owned(), "done".to_owned()], vec!["done".to_owned()]]);
}
