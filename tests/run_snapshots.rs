//! Jobs that compare how things stand, run as a person runs them: a snapshot of cards day after day, and balances.

use serde_json::Value;

use crate::support::project::{Output, TestProject};

/// Cards of the provider against those of the ledger, without any time, and against the day before.
const CARDS: &str = "\
job: cards
period: {grain: day, timezone: UTC}
inputs:
  file:
    path: cards-{period}.csv
    columns:
      transaction_id: id
      amount: {column: limit, unit: major}
      currency: {constant: USD}
      status: state
      valid_to: expiry
      reason: why
  ledger:
    path: ledger.csv
    columns: {transaction_id: id, amount: {column: limit, unit: major}, currency: {constant: USD}, status: state, valid_to: {column: until, format: '%d.%m.%Y'}}
match:
  compare: {amount: {tolerance: 0}, currency: exact, status: exact, validity: exact}
  open_after_end: [ACTIVE]
  failed: [ISSUE_FAILED]
  status_changes: {expected: [[PENDING, ACTIVE]]}
";

const LEDGER: &str = "id,limit,state,until\n\
    c-1,100,ACTIVE,31.12.2027\n\
    c-2,250.50,ACTIVE,31.12.2027\n\
    c-3,10,ACTIVE,28.02.2025\n\
    c-4,20,ACTIVE,31.12.2027\n\
    c-5,30,ACTIVE,31.12.2027\n";

const FIRST: &str = "id,limit,state,expiry,why\n\
    c-1,100.00,PENDING,12/2027,\n\
    c-2,250.50,ACTIVE,12/2027,\n\
    c-3,10,ACTIVE,02/2025,\n\
    c-4,20,ACTIVE,12/2027,\n\
    c-6,5,ACTIVE,12/2027,\n";

const SECOND: &str = "id,limit,state,expiry,why\n\
    c-1,100.00,ACTIVE,12/2027,\n\
    c-2,200.00,ACTIVE,01/2028,\n\
    c-3,10,ACTIVE,02/2025,\n\
    c-4,20,ISSUE_FAILED,12/2027,no funds\n";

fn cards() -> TestProject {
    let project = TestProject::empty();
    project.write("jobs/cards.yaml", CARDS);
    project.write("data/ledger.csv", LEDGER);
    project.write("data/cards-2025-03-18.csv", FIRST);
    project.write("data/cards-2025-03-19.csv", SECOND);
    project
}

fn run(project: &TestProject, job: &str, day: &str, more: &[&str]) -> Output {
    project.run(&[&["run", job, "--period", day], more].concat()).ended_with(0)
}

/// Key and kind of each break.
fn kinds(project: &TestProject, run: &str) -> Vec<String> {
    project.breaks(run).into_iter().map(|[key, kind, ..]| format!("{key} {kind}")).collect()
}

fn parameter(summary: &Value, name: &str) -> Option<String> {
    let parameters = summary["job"]["parameters"].as_array().unwrap();
    parameters.iter().find(|pair| pair[0] == name).map(|pair| pair[1].as_str().unwrap().to_owned())
}

const SECOND_DAY: [&str; 7] = [
    "c-2 amount_mismatch",
    "c-2 validity_mismatch",
    "c-3 open_after_end",
    "c-4 provider_failed",
    "c-4 status_changed",
    "c-5 missing_in_file",
    "c-6 row_vanished",
];

#[test]
fn a_snapshot_is_held_against_the_ledger_and_against_the_day_before() {
    let project = cards();
    run(&project, "cards", "2025-03-18", &[]);
    let expected = ["c-1 status_mismatch", "c-3 open_after_end", "c-5 missing_in_file", "c-6 missing_in_ledger"];
    assert_eq!(kinds(&project, "cards/2025-03-18/1"), expected);
    let summary = project.summary("cards/2025-03-18/1");
    let nothing = "nothing: no earlier period has a finished run";
    assert_eq!(parameter(&summary, "statuses held against").as_deref(), Some(nothing));
    let warning =
        "no earlier period of this job has a finished run: there are no statuses to hold this period's against";
    assert_eq!(summary["warnings"][0]["message"], warning);

    run(&project, "cards", "2025-03-19", &[]);
    assert_eq!(kinds(&project, "cards/2025-03-19/1"), SECOND_DAY);
    let summary = project.summary("cards/2025-03-19/1");
    let held = "cards/2025-03-18/1: 5 keys then: 2 with the same status, 1 changed as expected, 1 changed otherwise, 1 gone; 0 new";
    assert_eq!(parameter(&summary, "statuses held against").as_deref(), Some(held));
    assert_eq!(parameter(&summary, "status changes to be expected").as_deref(), Some("PENDING to ACTIVE"));
    assert_eq!(summary["warnings"], Value::Array(Vec::new()));
    assert_eq!(summary["verdict"]["ties_out"], true);
    let history = &summary["history"][0];
    assert_eq!(history["name"], "cards-2025-03-18.csv");
    let origin = "local file, of 2025-03-18, as the run cards/2025-03-18/1 read it, for changes of status";
    assert_eq!(history["origin"], origin);
    let page = String::from_utf8(project.read("runs/cards/2025-03-19/1/report.html")).unwrap();
    for words in [
        "status: ACTIVE in 2025-03-18, ISSUE_FAILED now",
        "the provider states ISSUE_FAILED: no funds",
        "valid to 2028-01-31",
        "the provider has it ACTIVE on 2025-03-19, and its validity ended on 2025-02-28 (file)",
        "in the file of 2025-03-18 (ACTIVE, 5.00 USD), and gone from this one",
        "cards/2025-03-18/1: 5 keys then",
    ] {
        assert!(page.contains(words), "{words}");
    }
}

#[test]
fn offline_a_snapshot_is_held_against_the_run_that_it_was_held_against() {
    let project = cards();
    run(&project, "cards", "2025-03-18", &[]);
    run(&project, "cards", "2025-03-19", &[]);
    // The day before is run again with another file; all files of this machine go.
    project.write("data/cards-2025-03-18.csv", SECOND);
    run(&project, "cards", "2025-03-18", &[]);
    for file in ["cards-2025-03-18.csv", "cards-2025-03-19.csv", "ledger.csv"] {
        std::fs::remove_file(project.path(&format!("data/{file}"))).unwrap();
    }
    let again = run(&project, "cards", "2025-03-19", &["--offline"]);
    assert!(again.stdout.contains("\nSince attempt 1: the same breaks; inputs unchanged\n"), "{}", again.stdout);
    assert_eq!(kinds(&project, "cards/2025-03-19/2"), kinds(&project, "cards/2025-03-19/1"));
    let held = parameter(&project.summary("cards/2025-03-19/2"), "statuses held against").unwrap();
    assert!(held.starts_with("cards/2025-03-18/1: "), "{held}");
}

#[test]
fn with_its_files_a_rerun_is_held_against_the_latest_run_of_the_day_before_and_says_what_has_changed() {
    let project = cards();
    run(&project, "cards", "2025-03-18", &[]);
    run(&project, "cards", "2025-03-19", &[]);
    project.write("data/cards-2025-03-18.csv", SECOND);
    run(&project, "cards", "2025-03-18", &[]);
    run(&project, "cards", "2025-03-19", &[]);
    let summary = project.summary("cards/2025-03-19/2");
    let held = parameter(&summary, "statuses held against").unwrap();
    assert_eq!(held, "cards/2025-03-18/2: 4 keys then: 4 with the same status; 0 new");
    assert_eq!(summary["changes"]["changed_inputs"], serde_json::json!(["file cards-2025-03-18.csv"]));
    assert_eq!(summary["changes"]["gone_breaks"], 2);
}

#[test]
fn a_plan_holds_against_the_run_before_and_keeps_nothing() {
    let project = cards();
    run(&project, "cards", "2025-03-18", &[]);
    let before = project.listing("runs");
    let plan = project.run(&["plan", "cards", "--period", "2025-03-19"]).ended_with(0);
    assert!(plan.stdout.contains("row_vanished") || plan.stdout.contains("row vanished"), "{}", plan.stdout);
    assert_eq!(project.listing("runs"), before);
}

#[test]
fn a_snapshot_in_which_nothing_has_changed_is_no_repeat_of_the_day_before() {
    let project = cards();
    project.write("data/cards-2025-03-19.csv", FIRST);
    run(&project, "cards", "2025-03-18", &[]);
    run(&project, "cards", "2025-03-19", &[]);
    assert_eq!(kinds(&project, "cards/2025-03-19/1"), kinds(&project, "cards/2025-03-18/1"));
    // Nor where the file has one name on all days.
    project.write("jobs/cards.yaml", CARDS.replace("cards-{period}.csv", "cards.csv"));
    project.write("data/cards.csv", SECOND);
    run(&project, "cards", "2025-03-20", &[]);
    project.write("data/cards.csv", FIRST);
    run(&project, "cards", "2025-03-21", &[]);
    let history = &project.summary("cards/2025-03-21/1")["history"][0];
    assert_eq!(history["name"], "cards.csv of 2025-03-20");
    run(&project, "cards", "2025-03-21", &[]);
    let changes = &project.summary("cards/2025-03-21/2")["changes"];
    assert_eq!((&changes["inputs_unchanged"], &changes["new_breaks"]), (&Value::Bool(true), &Value::from(0)));
}

#[test]
fn a_day_without_a_run_is_passed_over_and_a_file_that_is_gone_is_told() {
    let project = cards();
    project.write("data/cards-2025-03-25.csv", SECOND);
    run(&project, "cards", "2025-03-18", &[]);
    run(&project, "cards", "2025-03-25", &[]);
    let held = parameter(&project.summary("cards/2025-03-25/1"), "statuses held against").unwrap();
    assert!(held.starts_with("cards/2025-03-18/1: 5 keys then"), "{held}");
    let raw = project.path("runs/cards/2025-03-18/raw");
    std::fs::remove_dir_all(raw).unwrap();
    run(&project, "cards", "2025-03-25", &[]);
    let summary = project.summary("cards/2025-03-25/2");
    let held = parameter(&summary, "statuses held against").unwrap();
    assert_eq!(held, "nothing of cards/2025-03-18/1: its file is gone");
    let message = summary["warnings"][0]["message"].as_str().unwrap();
    let expected = "the stored bytes of cards-2025-03-18.csv are gone or cut short";
    assert!(message.starts_with(expected), "{message}");
}

#[test]
fn days_that_are_run_at_once_are_held_against_each_other_in_their_order() {
    let project = cards();
    for day in 20..=24 {
        project.write(&format!("data/cards-2025-03-{day}.csv"), if day % 2 == 0 { FIRST } else { SECOND });
    }
    project
        .run(&["backfill", "cards", "--from", "2025-03-18", "--to", "2025-03-24", "--max-parallel", "4"])
        .ended_with(0);
    for day in 19..=24 {
        let held = parameter(&project.summary(&format!("cards/2025-03-{day}/1")), "statuses held against").unwrap();
        assert!(held.starts_with(&format!("cards/2025-03-{}/1: ", day - 1)), "{day}: {held}");
    }
}

const BALANCES: &str = "\
job: balances
period: {grain: day, timezone: UTC}
inputs:
  file:
    path: balances-{period}.csv
    columns: {transaction_id: account, account: account, amount: {column: balance, unit: major}, currency: currency}
    sign: signed
  ledger:
    path: movements-*.csv
    columns: {transaction_id: id, account: account, amount: {column: amount, unit: major}, currency: currency, occurred_at: at, status: state}
    sign: signed
match:
  key: account
  splits: balance
  compare: {amount: {tolerance: 0}, currency: exact}
";

#[test]
fn a_balance_is_held_against_the_sum_of_all_movements_whatever_day_they_are_of() {
    let project = TestProject::empty();
    project.write("jobs/balances.yaml", BALANCES);
    project.write(
        "data/balances-2025-03-19.csv",
        "account,balance,currency\na-1,12.50,USD\na-2,-3.00,USD\na-3,1.00,USD\n",
    );
    project.write(
        "data/movements-1.csv",
        "id,account,amount,currency,at,state\n\
         m-1,a-1,20.00,USD,2024-11-02T10:00:00Z,SETTLED\n\
         m-2,a-1,-7.50,USD,2025-03-19T10:00:00Z,RETURNED\n\
         m-3,a-2,-3.00,USD,2025-01-01T00:00:00Z,REVERSED\n",
    );
    project.write(
        "data/movements-2.csv",
        "id,account,amount,currency,at,state\nm-4,a-2,-0.01,USD,2025-03-20T00:00:00Z,FAILED\nm-5,a-4,5.00,USD,2025-02-02T00:00:00Z,OPEN\n",
    );
    let output = run(&project, "balances", "2025-03-19", &[]);
    assert_eq!(
        kinds(&project, "balances/2025-03-19/1"),
        ["a-2 balance_mismatch", "a-3 missing_in_ledger", "a-4 missing_in_file"]
    );
    let summary = project.summary("balances/2025-03-19/1");
    assert_eq!(summary["verdict"]["ties_out"], true);
    assert_eq!(parameter(&summary, "splits").as_deref(), Some("all rows of a key are summed"));
    let page = String::from_utf8(project.read("runs/balances/2025-03-19/1/report.html")).unwrap();
    assert!(page.contains("balance: file -3.00 USD (1 row), ledger -3.01 USD (2 rows)"), "{}", output.stdout);
}
