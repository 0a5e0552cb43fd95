//! Items that one day leaves open and another clears, whichever of them is run first.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::project::{TestProject, rows};
use crate::support::sending::{signal, wait_until, wait_until_stopped};

const JOB: &str = "\
job: rewards
period: {grain: day, timezone: UTC}
inputs:
  file:
    path: \"file-{period}.csv\"
    columns: {transaction_id: id, amount: {column: amount, unit: major}, currency: currency, occurred_at: at}
  ledger:
    path: \"ledger-{period}.csv\"
    columns: {transaction_id: id, amount: {column: amount, unit: major}, currency: currency, occurred_at: at}
match:
  compare: {amount: {tolerance: 0}, currency: exact, date: {tolerance: 1d}}
grace: 4h
carry: 7
report: [csv]
";

/// Day, rows of the file, rows of the ledger.
pub(crate) type Day = (&'static str, &'static [&'static str], &'static [&'static str]);

pub(crate) const THREE_DAYS: &[Day] = &[
    (
        "2025-03-18",
        &["both,1.00,USD,2025-03-18T08:00:00Z"],
        &[
            "both,1.00,USD,2025-03-18T08:00:00Z",
            // Booked late in the evening; the file of the next day has it.
            "evening,2.00,USD,2025-03-18T23:00:00Z",
            // Nobody reports it ever.
            "lost,3.00,USD,2025-03-18T23:30:00Z",
            // Missing, and delivered two days later with its own date.
            "late,4.00,USD,2025-03-18T09:00:00Z",
            // As the evening's, but of another amount.
            "differs,5.00,USD,2025-03-18T23:10:00Z",
        ],
    ),
    ("2025-03-19", &["evening,2.00,USD,2025-03-19T00:10:00Z", "differs,5.50,USD,2025-03-19T00:20:00Z"], &[]),
    (
        "2025-03-20",
        &["late,4.00,USD,2025-03-18T09:00:00Z", "own,6.00,USD,2025-03-20T10:00:00Z"],
        &["own,6.00,USD,2025-03-20T10:00:00Z"],
    ),
];

pub(crate) fn project(days: &[Day], more: &str) -> TestProject {
    let project = TestProject::new(&[], "");
    project.write("jobs/rewards.yaml", format!("{JOB}{more}"));
    for (day, file, ledger) in days {
        project.write(&format!("data/file-{day}.csv"), rows(file));
        project.write(&format!("data/ledger-{day}.csv"), rows(ledger));
    }
    project
}

fn run(project: &TestProject, day: &str) -> String {
    project.run(&["run", "rewards", "--period", day]).ended_with(0).stdout
}

/// Key → kind, of the day's last run.
fn breaks(project: &TestProject, day: &str) -> BTreeMap<String, String> {
    let listed = project.run(&["breaks", "rewards", "--period", day, "--format", "json"]).ended_with(0).stdout;
    let listed: Vec<Value> = serde_json::from_str(&listed).unwrap();
    let text = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
    listed.iter().map(|one| (text(one, "key"), text(one, "kind"))).collect()
}

/// What the last runs of all days leave open together: the keys that some list has and no list settles.
fn open(project: &TestProject) -> Vec<String> {
    let (mut open, mut settled) = (Vec::new(), Vec::new());
    for (day, ..) in THREE_DAYS {
        let runs = project.run(&["runs", "rewards", "--period", day, "--format", "json"]).ended_with(0).stdout;
        let runs: Vec<Value> = serde_json::from_str(&runs).unwrap();
        let Some(last) = runs.first() else { continue };
        let left = project.read(&format!("runs/{}/open-items.jsonl", last["run"].as_str().unwrap()));
        for line in String::from_utf8(left).unwrap().lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            let of = |one: &Value| format!("{} {}", one["period"].as_str().unwrap(), one["key"].as_str().unwrap());
            open.extend(line.get("open").map(of));
            settled.extend(line.get("settled").map(of));
        }
    }
    open.retain(|one| !settled.contains(one));
    open.sort();
    open
}

fn expected<const N: usize>(breaks: [(&str, &str); N]) -> BTreeMap<String, String> {
    breaks.map(|(key, kind)| (key.to_owned(), kind.to_owned())).into()
}

#[test]
fn a_later_day_clears_what_an_earlier_one_left_and_says_so() {
    let project = project(THREE_DAYS, "");
    run(&project, "2025-03-18");
    assert_eq!(breaks(&project, "2025-03-18"), expected([("late", "missing_in_file")]), "the others are in grace");

    let told = run(&project, "2025-03-19");
    // The evening's purchase stands in two days and is no break of either; the grace of the lost one has run out.
    let found = breaks(&project, "2025-03-19");
    assert_eq!(found, expected([("differs", "amount_mismatch"), ("lost", "missing_in_file")]));
    let line = "Carried items: 1 cleared by this period, 2 grace has run out, 1 still open\n";
    assert!(told.contains(line), "{told}");

    let told = run(&project, "2025-03-20");
    assert_eq!(breaks(&project, "2025-03-20"), expected([]), "a row of another day is no break of this one");
    assert!(told.contains("Carried items: 1 cleared by this period, 2 still open\n"), "{told}");
    assert_eq!(open(&project), ["2025-03-18 differs", "2025-03-18 lost", "2025-03-19 differs"]);
}

/// Key and kind of every break of the journal that is open.
fn open_breaks(project: &TestProject) -> Vec<(String, String)> {
    let listed = project.run(&["breaks", "list", "rewards", "--status", "open", "--format", "json"]).ended_with(0);
    let listed: Vec<Value> = serde_json::from_str(&listed.stdout).unwrap();
    let text = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
    let mut open: Vec<_> = listed.iter().map(|one| (text(one, "key"), text(one, "kind"))).collect();
    open.sort();
    open
}

const LEFT: [&str; 3] = ["2025-03-18 differs", "2025-03-18 lost", "2025-03-19 differs"];

fn left_breaks() -> Vec<(String, String)> {
    let left = [("differs", "amount_mismatch"), ("lost", "missing_in_file")];
    left.map(|(key, kind)| (key.to_owned(), kind.to_owned())).to_vec()
}

#[test]
fn in_any_order_and_again_the_same_items_and_the_same_breaks_are_open_in_the_end() {
    let days = THREE_DAYS.iter().map(|(day, ..)| *day).collect::<Vec<_>>();
    let orders: &[&[usize]] = &[
        &[0, 1, 2],
        &[0, 2, 1],
        &[1, 0, 2],
        &[1, 2, 0],
        &[2, 0, 1],
        &[2, 1, 0],
        // Again, when each of them knows what the others had left.
        &[0, 1, 2, 0, 1, 2],
        &[0, 1, 2, 2, 1, 0],
        &[0, 2, 1, 0, 2, 1],
        &[1, 0, 2, 1, 0, 1],
        &[2, 1, 0, 1, 0, 2, 2],
    ];
    for order in orders {
        let project = project(THREE_DAYS, "");
        for day in *order {
            run(&project, days[*day]);
        }
        assert_eq!(open(&project), LEFT, "{order:?}");
        assert_eq!(open_breaks(&project), left_breaks(), "{order:?}");
        project.run(&["journal", "verify"]).ended_with(0);
    }
}

#[test]
fn a_backfill_leaves_the_same_open_however_many_periods_run_at_once() {
    let days = THREE_DAYS.iter().map(|(day, ..)| *day).collect::<Vec<_>>();
    let backfill = ["backfill", "rewards", "--from", days[0], "--to", days[2]];
    let breaks_of = |project: &TestProject, attempt: u32| {
        let file = |day: &&str| project.read(&format!("runs/rewards/{day}/{attempt}/open-items.jsonl"));
        days.iter().map(file).collect::<Vec<_>>()
    };
    let alone = project(THREE_DAYS, "");
    for day in &days {
        run(&alone, day);
    }
    let ways: &[&[&str]] = &[&[], &["--max-parallel", "2"], &["--max-parallel", "8"], &["--newest-first"]];
    for way in ways.iter().copied().chain([&["--max-parallel", "3", "--newest-first"][..]]) {
        let project = project(THREE_DAYS, "");
        for attempt in 1..=2 {
            project.run(&[&backfill[..], way, &["--reprocess", "all"]].concat()).ended_with(0);
            assert_eq!(open(&project), LEFT, "{way:?}, attempt {attempt}");
            assert_eq!(open_breaks(&project), left_breaks(), "{way:?}, attempt {attempt}");
            if attempt == 1 && !way.contains(&"--newest-first") {
                // Not only in the end: each period found what it finds when it is run after the one before.
                assert_eq!(breaks_of(&project, 1), breaks_of(&alone, 1), "{way:?}");
            }
        }
        project.run(&["journal", "verify"]).ended_with(0);
    }
}

#[test]
fn two_processes_take_their_turns() {
    let project = project(THREE_DAYS, "");
    let mut first = project.command(&["run", "rewards", "--period", "2025-03-18"]);
    let first = first.env("TIEOUT_STOP_AFTER", "classified").spawn().unwrap();
    wait_until_stopped(&first);
    let second = project.command(&["run", "rewards", "--period", "2025-03-19"]).spawn().unwrap();
    // It has read its files and waits; one that did not wait has ended long before.
    wait_until("the second run's rows", || {
        let shown = project.run(&["runs", "show", "rewards/2025-03-19/1", "--format", "json"]);
        shown.stdout.contains("normalized")
    });
    std::thread::sleep(std::time::Duration::from_millis(500));
    signal("-CONT", &first);
    project.ended(first).ended_with(0);
    project.ended(second).ended_with(0);
    let found = breaks(&project, "2025-03-19");
    assert_eq!(found, expected([("differs", "amount_mismatch"), ("lost", "missing_in_file")]));
    assert_eq!(open_breaks(&project).len(), 3, "and what is late");
}

#[test]
fn a_file_that_comes_once_more_with_what_was_missing_clears_it_in_the_same_day() {
    let project = project(THREE_DAYS, "");
    run(&project, "2025-03-18");
    run(&project, "2025-03-19");
    assert!(open_breaks(&project).contains(&("lost".to_owned(), "missing_in_file".to_owned())));
    let file = [THREE_DAYS[1].1, &["lost,3.00,USD,2025-03-19T00:05:00Z"]].concat();
    project.write("data/file-2025-03-19.csv", rows(&file));
    let told = run(&project, "2025-03-19");
    assert!(told.contains("Carried items: 2 cleared by this period, 1 grace has run out, 1 still open\n"), "{told}");
    let left = [("differs", "amount_mismatch"), ("file-2025-03-19.csv", "file_changed"), ("late", "missing_in_file")];
    assert_eq!(open_breaks(&project), left.map(|(key, kind)| (key.to_owned(), kind.to_owned())));
    project.run(&["journal", "verify"]).ended_with(0);
}

#[test]
fn a_day_between_two_that_do_not_reach_each_other_sees_that_they_belong_together() {
    let days: &[Day] = &[
        ("2025-03-18", &[], &["far,4.00,USD,2025-03-18T09:00:00Z"]),
        ("2025-03-19", &[], &[]),
        ("2025-03-20", &["far,4.00,USD,2025-03-20T09:00:00Z"], &[]),
    ];
    let project = project(days, "");
    project.write("jobs/rewards.yaml", JOB.replace(", date: {tolerance: 1d}", "").replace("carry: 7", "carry: 1"));
    run(&project, "2025-03-18");
    run(&project, "2025-03-20");
    assert_eq!(open_breaks(&project).len(), 1, "one key, one rule");
    let told = run(&project, "2025-03-19");
    assert!(told.contains("Carried items: 2 cleared by this period\n"), "{told}");
    assert_eq!(open_breaks(&project), []);
}

#[test]
fn a_job_that_says_nothing_carries_a_month() {
    let project = project(THREE_DAYS, "");
    project.write("jobs/rewards.yaml", JOB.replace("carry: 7\n", ""));
    for (day, ..) in THREE_DAYS {
        run(&project, day);
    }
    assert_eq!(open_breaks(&project), left_breaks());
    // A month closes by its own files.
    let monthly = JOB.replace("carry: 7\n", "").replace("grain: day", "grain: month");
    project.write("jobs/rewards.yaml", monthly);
    project.run(&["validate"]).ended_with(0);
}

#[test]
fn a_rerun_of_the_earlier_day_knows_what_came_later() {
    let project = project(THREE_DAYS, "");
    for (day, ..) in THREE_DAYS {
        run(&project, day);
    }
    let told = run(&project, "2025-03-18");
    assert!(told.contains("attempt 2"), "{told}");
    assert_eq!(
        breaks(&project, "2025-03-18"),
        expected([("differs", "amount_mismatch"), ("lost", "missing_in_file")]),
        "late and evening are found; that the lost one is not is known by now"
    );
    // A plan says the same.
    let plan = project.run(&["plan", "rewards", "--period", "2025-03-18"]).ended_with(0).stdout;
    assert!(plan.contains("2 breaks to review"), "{plan}");
}

#[test]
fn a_job_that_carries_nothing_sees_each_day_by_itself() {
    let project = project(THREE_DAYS, "");
    project.write("jobs/rewards.yaml", JOB.replace("carry: 7\n", "carry: 0\n"));
    for (day, ..) in THREE_DAYS {
        run(&project, day);
    }
    let found = breaks(&project, "2025-03-19");
    assert_eq!(found, expected([("differs", "missing_in_ledger"), ("evening", "missing_in_ledger")]));
    assert!(!project.path("runs/rewards/2025-03-19/1/open-items.jsonl").exists());
}

#[test]
fn a_key_that_agrees_by_itself_clears_nothing_it_should_not_and_ties_out() {
    // The same id is used again two days later, complete in itself: the day's own rows count.
    let days: &[Day] = &[
        ("2025-03-18", &[], &["again,3.00,USD,2025-03-18T09:00:00Z"]),
        ("2025-03-19", &["again,3.00,USD,2025-03-19T09:00:00Z"], &["again,3.00,USD,2025-03-19T09:00:00Z"]),
    ];
    let project = project(days, "");
    run(&project, "2025-03-18");
    let told = run(&project, "2025-03-19");
    assert_eq!(breaks(&project, "2025-03-19"), expected([]));
    assert!(told.contains("Every difference is explained"), "{told}");
}

#[test]
fn what_a_job_may_carry_is_checked() {
    let table = [
        (("carry: 7", "carry: 93"), "93 days are too many"),
        (("carry: 7", "carry: x"), "carry"),
        (("grain: day", "grain: month"), "open items are carried from day to day, and this job's period is a month"),
    ];
    for ((right, wrong), expected) in table {
        let project = project(THREE_DAYS, "");
        project.write("jobs/rewards.yaml", JOB.replace(right, wrong));
        let error = project.run(&["validate"]).ended_with(78);
        let told = format!("{}{}", error.stdout, error.stderr);
        assert!(told.contains(expected), "{told}");
    }
}
