//! Effects from breaks to the provider: what a run asks for, what it sends, and what it never does twice.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::effect_project::{AUDITED, AUDITS, FAST, MARKED, MARKERS, ledger_rows, project, states};
use crate::support::project::{DAY, Output, TestProject};

fn all(state: &str) -> BTreeMap<String, String> {
    AUDITED.iter().chain(&MARKED).map(|(_, transaction)| ((*transaction).to_owned(), state.to_owned())).collect()
}

#[test]
fn what_nobody_needs_to_approve_is_sent_once_and_never_again() {
    let project = project(&[FAST, AUDITS, MARKERS].concat(), "");
    for attempt in 1..=3 {
        let run = project.run_day(&[]).ended_with(0);
        assert!(run.stdout.contains(&format!("attempt {attempt}\n")), "{}", run.stdout);
        assert_eq!(states(&project), all("acknowledged"));
        let audits: Vec<_> =
            project.audits().into_iter().map(|audit| (audit.user, audit.transaction, audit.times)).collect();
        let expected: Vec<_> = AUDITED.map(|(user, transaction)| (user.to_owned(), transaction.to_owned(), 1)).into();
        assert_eq!(audits, expected);
        let markers: Vec<_> =
            project.markers().into_iter().map(|marker| (marker.user, marker.transaction, marker.times)).collect();
        let expected: Vec<_> = MARKED.map(|(user, transaction)| (user.to_owned(), transaction.to_owned(), 1)).into();
        assert_eq!(markers, expected);
    }
    project.run(&["journal", "verify"]).ended_with(0);
}

/// `approve --all` for a run of the small job's day.
fn approve(project: &TestProject, attempt: u32) -> Output {
    let run = format!("rewards/{DAY}/{attempt}");
    project.run(&["approve", "--all", "--run", &run, "--comment", "seen", "--by", "Mara Lind"])
}

fn count(project: &TestProject, state: &str) -> usize {
    states(project).values().filter(|found| *found == state).count()
}

const ASKED: &str = "  provider_audit: {for: [amount_mismatch, missing_in_file]}\n";

#[test]
fn what_waits_for_approval_is_sent_by_the_next_run_of_the_period() {
    let project = project(&[FAST, ASKED].concat(), "");
    let first = project.run_day(&[]).ended_with(0);
    assert!(first.stdout.contains("  audits:        4 waiting for approval\n"), "{}", first.stdout);
    assert_eq!((count(&project, "proposed"), project.audits().len()), (4, 0));
    approve(&project, 1).ended_with(0);
    assert_eq!(project.audits().len(), 0, "approving sends nothing");
    project.run_day(&[]).ended_with(0);
    assert_eq!((count(&project, "acknowledged"), project.audits().len()), (4, 4));
}

#[test]
fn a_rerun_that_changes_the_plan_voids_what_was_approved() {
    let project = project(&[FAST, ASKED].concat(), "");
    project.run_day(&[]).ended_with(0);
    approve(&project, 1).ended_with(0);
    // The ledger is corrected: one audit is no longer wanted.
    let ledger = String::from_utf8(ledger_rows()).unwrap().replace("20.05", "20.50");
    project.write(&format!("data/ledger-{DAY}.csv"), ledger);
    project.run_day(&[]).ended_with(0);
    let states = states(&project);
    assert_eq!(states["t-2"], "withdrawn");
    assert_eq!(["t-3", "t-4", "t-5"].map(|transaction| states[transaction].as_str()), ["proposed"; 3]);
    assert_eq!(project.audits().len(), 0, "nothing is sent that nobody has seen as it is now");
    // The first run's plan is gone.
    assert!(approve(&project, 1).error().contains("rewards/2025-03-19/2"));
    approve(&project, 2).ended_with(0);
    project.run_day(&[]).ended_with(0);
    assert_eq!(project.audits().len(), 3);
}

#[test]
fn small_ones_may_go_by_themselves_and_beyond_a_limit_none_does() {
    let above = "  provider_audit: {for: [amount_mismatch, missing_in_file], approval: {above: {USD: \"0.70\"}}}\n";
    let small = project(&[FAST, above].concat(), "");
    let run = small.run_day(&[]).ended_with(0);
    assert_eq!((count(&small, "acknowledged"), count(&small, "proposed")), (3, 1), "{}", run.stdout);
    let limited = "  provider_audit: {for: [amount_mismatch, missing_in_file], approval: none, limit: 3}\n";
    let limited = project(&[FAST, limited].concat(), "");
    let run = limited.run_day(&[]).ended_with(0);
    assert!(run.stdout.contains("  held: 4 audits, the job allows 3 a run: all wait for approval\n"), "{}", run.stdout);
    assert_eq!((count(&limited, "proposed"), limited.audits().len()), (4, 0));
    approve(&limited, 1).ended_with(0);
    limited.run_day(&[]).ended_with(0);
    assert_eq!(limited.audits().len(), 4, "a person may go beyond it");
}

#[test]
fn whoever_started_the_run_may_not_approve_it_where_the_job_says_so() {
    let distinct = "  provider_audit: {for: [amount_mismatch], distinct: true}\n";
    let project = project(&[FAST, distinct].concat(), "");
    project.run_day(&["--by", "mara lind"]).ended_with(0);
    let refused = approve(&project, 1).ended_with(2);
    assert!(refused.error().contains("mara lind") && refused.error().contains("Mara Lind"), "{}", refused.error());
    assert_eq!(count(&project, "approved"), 0);
}

/// How many audits are in which state.
type Counts = &'static [(&'static str, usize)];

/// Fault on the first call → exit code, and what one run makes of it.
#[test]
fn every_answer_is_taken_for_what_it_is() {
    let table: [(&str, i32, Counts); 9] = [
        ("{status: 429, retry_after: 0}", 0, &[("acknowledged", 4)]),
        ("revoke_token", 0, &[("acknowledged", 4)]),
        ("{status: 500}", 20, &[("acknowledged", 2), ("in_doubt", 2)]),
        ("{status: 500, applied: true}", 20, &[("acknowledged", 2), ("in_doubt", 2)]),
        ("reset_after", 20, &[("acknowledged", 2), ("in_doubt", 2)]),
        ("html_page", 20, &[("acknowledged", 2), ("in_doubt", 2)]),
        ("malformed_json", 20, &[("acknowledged", 2), ("in_doubt", 2)]),
        ("missing_item", 20, &[("acknowledged", 3), ("in_doubt", 1)]),
        ("refuse_item", 20, &[("acknowledged", 3), ("rejected", 1)]),
    ];
    for (fault, code, expected) in table {
        let project = project(&[FAST, AUDITS].concat(), &format!("  - {{on: audits, nth: 1, do: {fault}}}\n"));
        let run = project.run_day(&[]);
        assert_eq!(run.code, Some(code), "{fault}: {}", run.stderr);
        let found: Vec<(&str, usize)> = expected.iter().map(|(state, _)| (*state, count(&project, state))).collect();
        assert_eq!(found, expected, "{fault}: {}", run.stdout);
        assert!(project.audits().iter().all(|audit| audit.times == 1), "{fault}");
        // The report keeps showing it, and so does the exit code; nothing is sent again.
        let sent = project.audits();
        project.run_day(&[]).ended_with(code);
        assert_eq!(project.audits(), sent, "{fault}");
    }
}

#[test]
fn an_outage_ends_the_sending_and_the_rest_stays_approved() {
    // Every call fails: three in a row are enough.
    let failing = project(&[FAST, AUDITS, MARKERS].concat(), "  - {on: audits, nth: every, do: {status: 503}}\n");
    let run = failing.run_day(&[]).ended_with(20);
    assert!(run.stdout.contains("3 calls in a row are in doubt"), "{}", run.stdout);
    assert_eq!((count(&failing, "in_doubt"), count(&failing, "approved")), (4, 3), "{}", run.stdout);
    // 429 for ever: nothing is in doubt, and the next run goes on.
    let busy = project(&[FAST, AUDITS].concat(), "  - {on: audits, nth: every, do: {status: 429}}\n");
    let run = busy.run_day(&[]).ended_with(69);
    assert!(run.stdout.contains("\nUNFINISHED: Not everything is sent; ties out "), "{}", run.stdout);
    assert!(run.stdout.contains("sending ended early: "), "{}", run.stdout);
    assert_eq!(count(&busy, "approved"), 4);
    assert!(busy.path("runs/rewards/2025-03-19/1/report.html").is_file(), "the report is written all the same");
}

#[test]
fn a_refusal_is_told_and_a_reopened_matter_is_asked_for_anew() {
    let project = project(&[FAST, AUDITS].concat(), "  - {on: audits, nth: 3, do: {status: 400}}\n");
    let run = project.run_day(&[]).ended_with(20);
    assert_eq!((count(&project, "acknowledged"), count(&project, "rejected")), (3, 1), "{}", run.stdout);
    let rejected = states(&project).into_iter().find(|(_, state)| state == "rejected").unwrap().0;
    let listed = project.run(&["effects", "rewards", "--state", "rejected", "--format", "json"]).stdout;
    let id = serde_json::from_str::<Value>(&listed).unwrap()[0]["effect"].as_str().unwrap().to_owned();
    project.run(&["reopen", &id, "--reason", "the user is known now", "--by", "Mara Lind"]).ended_with(0);
    project.run_day(&[]).ended_with(0);
    let audits = project.audits();
    assert_eq!(audits.iter().filter(|audit| audit.transaction == rejected).map(|audit| audit.times).sum::<u32>(), 1);
    assert_eq!(audits.len(), 4);
}

#[test]
fn a_conflict_that_nobody_can_explain_waits_for_a_person() {
    let project = project(&[FAST, AUDITS].concat(), "  - {on: audits, nth: 2, do: {status: 409}}\n");
    let run = project.run_day(&[]).ended_with(20);
    assert!(run.stdout.contains(": the provider has one"), "{}", run.stdout);
    project.run(&["in-doubt", "list"]).ended_with(20);
    let listed = project.run(&["in-doubt", "list", "--format", "json"]).stdout;
    let id = serde_json::from_str::<Value>(&listed).unwrap()[0]["effect"].as_str().unwrap().to_owned();
    let found = ["in-doubt", "resolve", &id, "--applied", "--reason", "Kard support, case 4711", "--by", "Mara Lind"];
    project.run(&found).ended_with(0);
    project.run(&["in-doubt", "list"]).ended_with(0);
    project.run_day(&[]).ended_with(0);
    project.run(&["journal", "verify"]).ended_with(0);
}

#[test]
fn what_a_person_refuses_while_others_are_sent_stays_and_the_rest_goes() {
    // The second call's reply takes its time; the third leaves after it.
    let mut project = project(&[FAST, AUDITS].concat(), "  - {on: audits, nth: 2, do: {slow: 5s}}\n");
    project.set_http("{idle_timeout: 60s}");
    let process = project.command(&["run", "rewards", "--period", DAY]).spawn().unwrap();
    while project.audits().len() < 3 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let listed = project.run(&["effects", "rewards", "--transaction", "t-4", "--format", "json"]).stdout;
    let id = serde_json::from_str::<Value>(&listed).unwrap()[0]["effect"].as_str().unwrap().to_owned();
    let run = format!("rewards/{DAY}/1");
    project.run(&["reject", &id, "--run", &run, "--comment", "refunded", "--by", "Mara Lind"]).ended_with(0);
    project.ended(process).ended_with(0);
    let states = states(&project);
    assert_eq!(
        ["t-2", "t-3", "t-4", "t-5"].map(|transaction| states[transaction].as_str()),
        ["acknowledged", "acknowledged", "refused", "acknowledged"]
    );
    assert_eq!(project.audits().len(), 3);
    project.run(&["journal", "verify"]).ended_with(0);
}

#[test]
fn offline_nothing_is_sent() {
    let project = project(&[FAST, ASKED].concat(), "");
    project.run_day(&[]).ended_with(0);
    approve(&project, 1).ended_with(0);
    let run = project.run_day(&["--offline"]).ended_with(0);
    assert!(run.stdout.contains("--offline asks no provider: nothing is sent"), "{}", run.stdout);
    assert_eq!((count(&project, "approved"), project.audits().len()), (4, 0));
}

#[test]
fn the_shipped_days_tell_what_became_of_the_audits_and_of_their_breaks() {
    // The first audit's reply is lost: only the next day's notification tells that it stands.
    let project = TestProject::shipped("  - {on: audits, nth: every, do: reset_after}\n");
    let day = |day: &str| project.run(&["run", "rewards-daily", "--period", day]);
    day(DAY).ended_with(0);
    let run = format!("rewards-daily/{DAY}/1");
    project.run(&["approve", "--all", "--run", &run, "--comment", "seen", "--by", "Mara Lind"]).ended_with(0);
    let sent = day(DAY).ended_with(20);
    assert!(sent.stdout.contains("  audits:        3 in doubt\n"), "{}", sent.stdout);
    let next = day("2025-03-20").ended_with(20);
    assert!(next.stdout.contains("  news of audits: 1 in progress, 1 new\n"), "{}", next.stdout);
    assert!(next.stdout.contains("IN DOUBT"), "the third is still in doubt: {}", next.stdout);
    let last = day("2025-03-21").ended_with(0);
    assert!(last.stdout.contains("resolved (5004)"), "{}", last.stdout);
    let breaks = project.run(&["breaks", &run, "--format", "csv"]).ended_with(0).stdout;
    let status = |key: &str| {
        let line = breaks.lines().find(|line| line.contains(key)).unwrap();
        line.split(',').find(|cell| ["open", "resolved", "written_off"].contains(cell)).unwrap().to_owned()
    };
    let found = ["txn-0319-0019", "txn-0319-0012", "txn-0319-0015"].map(status);
    assert_eq!(found, ["resolved", "written_off", "open"], "{breaks}");
    // The period run again: its breaks follow, and its plan asks for nothing twice.
    let again = day(DAY).ended_with(0);
    assert!(again.stdout.contains("and 1 resolved, 1 written off"), "{}", again.stdout);
    assert!(project.audits().iter().all(|audit| audit.times == 1));
}
