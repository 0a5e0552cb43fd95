//! Two runs of one period while something is sent: only the holder of the lease sends, and one that was stopped for
//! longer than its lease sends nothing more and writes nothing more.

use std::collections::BTreeMap;
use std::process::Child;
use std::time::Duration;

use crate::support::effect_project::{AUDITED, AUDITS, FAST, MARKED, MARKERS, project, states};
use crate::support::project::{DAY, Output, TestProject};
use crate::support::sending::{applied, entries, set_lease, signal, wait_until, wait_until_stopped};

const RUN: [&str; 4] = ["run", "rewards", "--period", DAY];

/// The transactions of each call, in the order in which they are sent.
const CALLS: [&[&str]; 4] = [&["t-2", "t-3"], &["t-5"], &["t-4"], &["f-1", "f-2", "f-3"]];

/// Longer than the lease of these tests, even when it was renewed in the last moment.
const PAST_THE_LEASE: Duration = Duration::from_millis(1_500);

const OVERTAKEN: &str = "run rewards/2025-03-19/1 was stopped for longer than its lease and another has taken over; nothing more is written";

fn sending(faults: &str) -> TestProject {
    project(&[FAST, AUDITS, MARKERS].concat(), faults)
}

/// Each transaction of these calls, asked for once.
fn once(calls: &[&[&str]]) -> BTreeMap<String, u32> {
    calls.concat().into_iter().map(|transaction| (transaction.to_owned(), 1)).collect()
}

/// In doubt are these, acknowledged is all else.
fn all_but(doubtful: &[&str]) -> BTreeMap<String, String> {
    let state = |transaction: &str| if doubtful.contains(&transaction) { "in_doubt" } else { "acknowledged" };
    let all = AUDITED.iter().chain(&MARKED);
    all.map(|(_, transaction)| ((*transaction).to_owned(), state(transaction).to_owned())).collect()
}

/// The runs that wrote entries, in order, each once for all that it wrote in a row.
fn writers(project: &TestProject) -> Vec<(String, u64)> {
    let mut writers: Vec<(String, u64)> = entries(project)
        .iter()
        .map(|entry| (entry["run"].as_str().unwrap().to_owned(), entry["epoch"].as_u64().unwrap()))
        .collect();
    writers.dedup();
    writers
}

/// Continues the overtaken run, and holds that from then on nothing has changed anywhere.
fn continued_it_does_no_harm(case: &str, project: &TestProject, first: Child, doubtful: &[&str]) {
    let before = (applied(project), project.received().len(), entries(project));
    signal("-CONT", &first);
    let late = project.ended(first).ended_with(75);
    assert_eq!((late.error(), late.stdout.as_str()), (OVERTAKEN, ""), "{case}");
    assert_eq!((applied(project), project.received().len(), entries(project)), before, "{case}: a late change");
    assert_eq!(states(project), all_but(doubtful), "{case}");
    project.run(&["journal", "verify"]).ended_with(0);
    assert!(!project.path("runs/rewards/2025-03-19/1").exists(), "{case}: a report of the overtaken run");
    let statuses: Vec<_> = project.statuses().into_values().collect();
    assert_eq!(statuses, ["interrupted", "done"], "{case}");
    // The one that took over has ended and given its lease back: all is as it should be for the next.
    let code = if doubtful.is_empty() { 0 } else { 20 };
    let third = project.run_day(&[]).ended_with(code);
    assert!(third.stdout.contains("attempt 3\n"), "{case}: {}", third.stdout);
    assert_eq!(applied(project), before.0, "{case}: sent by a third run");
}

/// What a run says while another that is stopped is in the middle of writing.
const LOCKED: &str = "stays locked by another process";

/// A run that was stopped there for longer than its lease, and was taken over by another; `made` calls have reached
/// the provider before. Stopped in the very moment of a renewal it keeps the state file itself, and nobody can write:
/// that is no takeover, and is begun again.
fn overtaken((variable, point, made, doubt): Stopped) -> (TestProject, Child) {
    let case = format!("{variable}={point}");
    for _ in 0..5 {
        let project = sending("");
        set_lease(&project, "1s");
        let mut first = project.command(&RUN).env(variable, point).spawn().unwrap();
        wait_until_stopped(&first);
        assert_eq!(applied(&project), once(&CALLS[..made]), "{case}");
        std::thread::sleep(PAST_THE_LEASE);
        let second = project.run_day(&[]);
        if second.stderr.contains(LOCKED) {
            first.kill().unwrap();
            first.wait().unwrap();
            continue;
        }
        assert_taken_over(&case, &project, &second, made, doubt);
        return (project, first);
    }
    panic!("{case}: the state file was locked each time");
}

fn assert_taken_over(case: &str, project: &TestProject, second: &Output, made: usize, doubt: Option<usize>) {
    let doubtful = members(doubt);
    assert_eq!(second.code, Some(if doubtful.is_empty() { 0 } else { 20 }), "{case}: {second:?}");
    assert!(second.stdout.contains("attempt 2\n"), "{case}: {}", second.stdout);
    assert_eq!(states(project), all_but(doubtful), "{case}");
    // All but what is in doubt and had not been sent.
    let mut calls = CALLS.to_vec();
    if let Some(call) = doubt.filter(|call| *call >= made) {
        calls.remove(call);
    }
    assert_eq!(applied(project), once(&calls), "{case}");
}

/// The transactions of a call, or none.
fn members(call: Option<usize>) -> &'static [&'static str] {
    call.map_or(&[], |call| CALLS[call])
}

/// Where a run is stopped, how many calls it had made by then, and which call's outcome nobody knows.
type Stopped = (&'static str, &'static str, usize, Option<usize>);

const STOPS: [Stopped; 8] = [
    ("TIEOUT_STOP_BEFORE", "intent", 0, None),
    ("TIEOUT_STOP_AFTER", "intent", 0, Some(0)),
    ("TIEOUT_STOP_BEFORE", "outcome", 1, Some(0)),
    // One commit holds the first outcome and the second intent.
    ("TIEOUT_STOP_AFTER", "outcome", 1, Some(1)),
    ("TIEOUT_STOP_BEFORE", "outcome:3", 3, Some(2)),
    ("TIEOUT_STOP_AFTER", "intent:4", 3, Some(3)),
    ("TIEOUT_STOP_BEFORE", "outcome:4", 4, Some(3)),
    ("TIEOUT_STOP_AFTER", "outcome:4", 4, None),
];

#[test]
fn stopped_around_a_call_past_its_lease_it_sends_and_writes_nothing_when_it_goes_on() {
    std::thread::scope(|scope| {
        for stop in STOPS {
            scope.spawn(move || {
                let (variable, point, made, doubt) = stop;
                let case = format!("{variable}={point}");
                let (project, first) = overtaken(stop);
                continued_it_does_no_harm(&case, &project, first, members(doubt));
                // Whatever the first wrote, it wrote before the second wrote anything.
                let (first, second) = (("rewards/2025-03-19/1".to_owned(), 1), ("rewards/2025-03-19/2".to_owned(), 2));
                let all_was_done = made == CALLS.len() && doubt.is_none();
                let expected = if all_was_done { vec![first] } else { vec![first, second] };
                assert_eq!(writers(&project), expected, "{case}");
            });
        }
    });
}

#[test]
fn a_call_that_left_too_late_to_be_held_back_is_in_doubt_and_made_once_at_most() {
    // Between the look at the lease and the first byte nothing can hold it back: the protocol's last gap. What it
    // does at the provider is never done again.
    let (project, first) = overtaken(("TIEOUT_STOP_BEFORE", "send", 0, Some(0)));
    signal("-CONT", &first);
    let late = project.ended(first).ended_with(75);
    assert_eq!(late.error(), OVERTAKEN);
    assert_eq!(states(&project), all_but(CALLS[0]));
    project.run(&["journal", "verify"]).ended_with(0);
    project.run_day(&[]).ended_with(20);
    let mut applied = applied(&project);
    for transaction in CALLS[0] {
        assert!(applied.remove(*transaction).is_none_or(|times| times == 1), "{transaction} twice");
    }
    assert_eq!(applied, once(&CALLS[1..]));
}

#[test]
fn stopped_past_its_lease_while_a_call_is_under_way_it_is_overtaken() {
    // The first call is done at once, and answered when this test is long over.
    let mut project = sending("  - {on: audits, nth: 1, do: {slow: 10m}}\n");
    project.set_http("{idle_timeout: 10m, total_timeout: 10m, attempts: 1}");
    set_lease(&project, "1s");
    let first = project.command(&RUN).spawn().unwrap();
    wait_until("the first call", || !project.audits().is_empty());
    let overtaken = (0..5).any(|_| {
        signal("-STOP", &first);
        wait_until_stopped(&first);
        std::thread::sleep(PAST_THE_LEASE);
        let second = project.run_day(&[]);
        if second.stderr.contains(LOCKED) {
            signal("-CONT", &first);
            std::thread::sleep(Duration::from_millis(200));
            return false;
        }
        second.ended_with(20);
        true
    });
    assert!(overtaken);
    assert_eq!(states(&project), all_but(CALLS[0]));
    assert_eq!(applied(&project), once(&CALLS));
    continued_it_does_no_harm("a call under way", &project, first, CALLS[0]);
}

/// Two processes at once. Whether they met: else the second came when the first had ended.
fn met(round: usize) -> bool {
    // The files are listed slowly, so that the one that works is there for a while.
    let mut project = sending("  - {on: files, nth: every, do: {slow: 500ms}}\n");
    project.set_http("{idle_timeout: 60s, attempts: 1}");
    let processes = [(); 2].map(|()| project.command(&RUN).spawn().unwrap());
    let mut ended = processes.map(|process| project.ended(process));
    ended.sort_by_key(|output| output.code);
    let [works, other] = &ended;
    assert_eq!(works.code, Some(0), "round {round}: {ended:?}");
    assert_eq!(states(&project), all_but(&[]), "round {round}");
    assert_eq!(applied(&project), once(&CALLS), "round {round}");
    project.run(&["journal", "verify"]).ended_with(0);
    // Whoever came second had nothing left to send or to write.
    assert_eq!(writers(&project).len(), 1, "round {round}");
    let received = project.received();
    let calls = received.iter().filter(|request| request.body.is_some()).count();
    assert_eq!(calls, CALLS.len(), "round {round}");
    if other.code == Some(0) {
        return false;
    }
    assert_eq!((other.code, other.stdout.as_str()), (Some(75), ""), "round {round}: {other:?}");
    let told = other.error();
    let refused = told.starts_with("rewards for 2025-03-19 is already running (pid ")
        && told.ends_with("); try again when it has ended");
    assert!(refused, "round {round}: {told}");
    // It has not even asked the provider, nor left an attempt behind.
    let lists = received.iter().filter(|request| request.path.ends_with("/metadata")).count();
    assert_eq!(lists, 1, "round {round}");
    assert_eq!(project.statuses().into_values().collect::<Vec<_>>(), ["done"], "round {round}");
    true
}

#[test]
fn of_two_started_at_once_one_works_and_the_other_sends_nothing() {
    let meetings: usize = std::thread::scope(|scope| {
        let threads =
            [0, 1, 2].map(|thread| scope.spawn(move || (0..5).filter(|round| met(thread * 5 + round)).count()));
        threads.map(|thread| thread.join().unwrap()).iter().sum()
    });
    assert!(meetings >= 8, "of 15 rounds only {meetings} had both there at once");
}
