//! A run that is asked to end in the middle of sending: what is under way is awaited and written down, nothing new
//! leaves, and the next run goes on from there.

use std::collections::BTreeMap;
use std::process::Child;
use std::time::{Duration, Instant};

use crate::support::effect_project::{AUDITS, FAST, MARKERS, job, project, states};
use crate::support::project::{DAY, TestProject, settled};
use crate::support::sending::{applied, entries, signal, wait_until, wait_until_stopped};

const RUN: [&str; 4] = ["run", "rewards", "--period", DAY];
const STOPPED: &str = "stopped by SIGTERM; nothing is half-written, run it again when it suits";

/// One audit a user, so one call each.
const AUDITED: usize = 40;

/// The transactions of the audits, all in this state.
fn all(state: &str) -> BTreeMap<String, String> {
    (0..AUDITED).map(|number| (format!("t-{number:02}"), state.to_owned())).collect()
}

/// A day on which the file has one row and the ledger forty more, at a provider with these faults.
fn many(effects: &str, faults: &str) -> TestProject {
    let header = "id,user,merchant,amount,currency,at\n";
    let agreed = "t-same,u-same,Diner,1.00,USD,2025-03-19T01:00:00Z\n";
    let missing = (0..AUDITED).map(|number| format!("t-{number:02},u-{number:02},Diner,9.00,USD,{DAY}T02:00:00Z\n"));
    let mut project = TestProject::new(&[settled(format!("{header}{agreed}").as_bytes())], faults);
    project.write("jobs/rewards.yaml", job(&[effects, AUDITS].concat()));
    project.write(&format!("data/ledger-{DAY}.csv"), format!("{header}{agreed}{}", missing.collect::<String>()));
    project.set_http("{idle_timeout: 10m, total_timeout: 10m, attempts: 1}");
    project
}

/// Waits for a process that was asked to end, and holds what it says against the journal. Gives the states.
#[track_caller]
fn stopped(project: &TestProject, process: Child, told: &str) -> BTreeMap<String, String> {
    let output = project.ended(process).ended_with(75);
    assert_eq!((output.error(), output.stdout.as_str()), (told, ""));
    let listed = project.run(&["runs", "--format", "csv"]).stdout;
    assert!(listed.contains("rewards/2025-03-19/1,interrupted,75,"), "{listed}");
    assert!(!project.path("runs/rewards/2025-03-19/1").exists(), "no report of what was not finished");
    project.run(&["journal", "verify"]).ended_with(0);
    states(project)
}

/// How many effects are in this state.
fn count(states: &BTreeMap<String, String>, state: &str) -> usize {
    states.values().filter(|is| *is == state).count()
}

/// What the journal holds for done is what the provider has done, each once.
#[track_caller]
fn assert_done_is_done(project: &TestProject, states: &BTreeMap<String, String>) {
    let done = states.iter().filter(|(_, state)| *state == "acknowledged");
    let expected: BTreeMap<String, u32> = done.map(|(transaction, _)| (transaction.clone(), 1)).collect();
    assert_eq!(applied(project), expected);
}

/// The next run sends the rest, and nothing twice.
#[track_caller]
fn the_next_run_goes_on(project: &TestProject, expected: &BTreeMap<String, String>) {
    let next = project.run_day(&[]).ended_with(0);
    assert!(next.stdout.contains("attempt 2\n"), "{}", next.stdout);
    let states = states(project);
    assert_eq!(&states, expected);
    assert_done_is_done(project, &states);
    project.run(&["journal", "verify"]).ended_with(0);
    assert_eq!(project.statuses().into_values().collect::<Vec<_>>(), ["interrupted", "done"]);
}

#[test]
fn calls_under_way_are_awaited_and_written_down_and_nothing_new_leaves() {
    std::thread::scope(|scope| {
        for (name, told) in [("-TERM", STOPPED.to_owned()), ("-INT", STOPPED.replace("SIGTERM", "an interrupt"))] {
            scope.spawn(move || {
                // The first three are done at once, and answered long after the signal.
                let slow = [1, 2, 3].map(|nth| format!("  - {{on: audits, nth: {nth}, do: {{slow: 3s}}}}\n"));
                let project = many("  rate: 1000/s\n  concurrency: 3\n", &slow.concat());
                let process = project.command(&RUN).spawn().unwrap();
                wait_until("three calls", || project.audits().len() == 3);
                signal(name, &process);
                let states = stopped(&project, process, &told);
                assert_eq!((count(&states, "acknowledged"), count(&states, "approved")), (3, AUDITED - 3), "{name}");
                assert_done_is_done(&project, &states);
                the_next_run_goes_on(&project, &all("acknowledged"));
            });
        }
    });
}

#[test]
fn at_whatever_moment_it_is_asked_nothing_is_lost_twice_or_in_doubt() {
    std::thread::scope(|scope| {
        for wanted in [1, 7, 18, 31] {
            scope.spawn(move || {
                let faults = "  - {on: audits, nth: every, do: {slow: 60ms}}\n";
                let project = many("  rate: 1000/s\n  concurrency: 2\n", faults);
                let process = project.command(&RUN).spawn().unwrap();
                wait_until("some calls", || project.audits().len() >= wanted);
                signal("-TERM", &process);
                let states = stopped(&project, process, STOPPED);
                let done = count(&states, "acknowledged");
                assert!((wanted..AUDITED).contains(&done), "{done} done when asked after {wanted}");
                assert_eq!(count(&states, "approved"), AUDITED - done, "{states:?}");
                assert_done_is_done(&project, &states);
                the_next_run_goes_on(&project, &all("acknowledged"));
            });
        }
    });
}

#[test]
fn while_it_waits_for_its_rate_it_ends_at_once() {
    let project = many("  rate: 2/h\n  concurrency: 4\n", "");
    let process = project.command(&RUN).spawn().unwrap();
    wait_until("both calls of this hour", || count(&states(&project), "acknowledged") == 2);
    let asked = Instant::now();
    signal("-TERM", &process);
    let states = stopped(&project, process, STOPPED);
    assert!(asked.elapsed() < Duration::from_secs(15), "nothing was under way: {:?}", asked.elapsed());
    assert_eq!((count(&states, "acknowledged"), count(&states, "approved")), (2, AUDITED - 2));
    assert_done_is_done(&project, &states);
    // How fast it is sent is no part of what was approved.
    project.write("jobs/rewards.yaml", job(&[FAST, AUDITS].concat()));
    the_next_run_goes_on(&project, &all("acknowledged"));
}

#[test]
fn asked_in_the_last_call_it_leaves_only_the_report_to_the_next_run() {
    let mut project = project(&[FAST, AUDITS, MARKERS].concat(), "  - {on: fraud, nth: 1, do: {slow: 2s}}\n");
    project.set_http("{idle_timeout: 10m, total_timeout: 10m, attempts: 1}");
    let process = project.command(&RUN).spawn().unwrap();
    wait_until("the last call", || !project.markers().is_empty());
    signal("-TERM", &process);
    let states = stopped(&project, process, STOPPED);
    assert_eq!(count(&states, "acknowledged"), states.len(), "{states:?}");
    assert_done_is_done(&project, &states);
    let written = entries(&project).len();
    the_next_run_goes_on(&project, &states);
    assert_eq!(entries(&project).len(), written, "there was nothing left to do");
}

#[test]
fn asked_before_its_first_call_it_makes_none() {
    let project = many("  rate: 1000/s\n  concurrency: 4\n", "");
    // Stopped when the plan stands, asked to end while it is stopped, and continued.
    let process = project.command(&RUN).env("TIEOUT_STOP_AFTER", "planned").spawn().unwrap();
    wait_until_stopped(&process);
    signal("-TERM", &process);
    signal("-CONT", &process);
    let states = stopped(&project, process, STOPPED);
    assert_eq!(states, all("approved"));
    assert!(applied(&project).is_empty());
    let intents = entries(&project).iter().filter(|entry| entry["event"]["event"] == "in_flight").count();
    assert_eq!(intents, 0);
    the_next_run_goes_on(&project, &all("acknowledged"));
}

#[test]
#[ignore = "takes the 20 s that a call gets to be answered; `cargo test --test main run_stopped_sending -- --ignored`"]
fn a_call_that_never_answers_is_in_doubt_after_the_patience() {
    let project = many("  rate: 1000/s\n  concurrency: 2\n", "  - {on: audits, nth: 1, do: {slow: 10m}}\n");
    let process = project.command(&RUN).spawn().unwrap();
    // The other calls go on beside the one that hangs, and all of them are through.
    wait_until("all calls", || count(&states(&project), "acknowledged") == AUDITED - 1);
    let asked = Instant::now();
    signal("-TERM", &process);
    let stopped = stopped(&project, process, STOPPED);
    let took = asked.elapsed();
    assert!((Duration::from_secs(19)..Duration::from_secs(40)).contains(&took), "{took:?}");
    assert_eq!((count(&stopped, "acknowledged"), count(&stopped, "in_doubt")), (AUDITED - 1, 1));
    let last = entries(&project).pop().unwrap();
    assert_eq!(
        (last["event"]["event"].as_str(), last["event"]["why"].as_str()),
        (Some("in_doubt"), Some("asked to stop, and no reply within 20 s")),
        "{last}"
    );
    // It was done all the same, and is never done again: that is for evidence or a person to say.
    let done = applied(&project);
    assert_eq!(done, all("").into_keys().map(|transaction| (transaction, 1)).collect());
    project.run_day(&[]).ended_with(20);
    assert_eq!(states(&project), stopped);
    assert_eq!(applied(&project), done);
}
