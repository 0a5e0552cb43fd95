//! A project with many small days, all of them local files, and what the journal tells of its backfills.

use std::collections::BTreeMap;

use serde_json::Value;

use super::project::{TestProject, file_rows, ledger_rows};

/// Both sides are local: nothing but this machine decides how it goes.
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
  compare: {amount: {tolerance: 0}, currency: exact}
report: [csv]
";

/// A project whose job has both files for each of these days.
pub(crate) fn days(labels: &[String]) -> TestProject {
    let project = TestProject::new(&[], "");
    project.write("jobs/rewards.yaml", JOB);
    for label in labels {
        let of_day = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace("2025-03-19", label);
        project.write(&format!("data/file-{label}.csv"), of_day(file_rows()));
        project.write(&format!("data/ledger-{label}.csv"), of_day(ledger_rows()));
    }
    project
}

/// So many days from 2025-01-01 on.
pub(crate) fn labels(count: usize) -> Vec<String> {
    let first: chrono::NaiveDate = "2025-01-01".parse().unwrap();
    first.iter_days().take(count).map(|day| day.to_string()).collect()
}

/// `tieout backfills show ID`, as JSON.
#[track_caller]
pub(crate) fn shown(project: &TestProject, id: u64) -> Value {
    let shown = project.run(&["backfills", "show", &id.to_string(), "--format", "json"]).ended_with(0);
    serde_json::from_str(&shown.stdout).unwrap()
}

/// Of an attempt: status; periods done, found done and not done; exit code; what stopped it.
pub(crate) type Attempt = (String, [u64; 3], Option<u64>, Option<String>);

/// The attempts of a backfill, in order.
pub(crate) fn attempts(project: &TestProject, id: u64) -> Vec<Attempt> {
    let shown = shown(project, id);
    let attempts = shown["attempts"].as_array().unwrap().iter().map(|attempt| {
        let text = |field: &str| attempt[field].as_str().map(str::to_owned);
        let counts = ["done", "found", "not_done"].map(|field| attempt[field].as_u64().unwrap());
        (text("status").unwrap(), counts, attempt["exit_code"].as_u64(), text("message"))
    });
    attempts.collect()
}

/// Period → the statuses of its runs, in their order.
pub(crate) fn runs_of_periods(project: &TestProject) -> BTreeMap<String, Vec<String>> {
    runs_of_job(project, "rewards")
}

/// The same of another job.
pub(crate) fn runs_of_job(project: &TestProject, job: &str) -> BTreeMap<String, Vec<String>> {
    let listed = project.run(&["runs", job, "--limit", "10000", "--format", "json"]).ended_with(0);
    let mut runs: Vec<Value> = serde_json::from_str(&listed.stdout).unwrap();
    runs.reverse();
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for run in runs {
        let period = run["run"].as_str().unwrap().split('/').nth(1).unwrap().to_owned();
        found.entry(period).or_default().push(run["status"].as_str().unwrap().to_owned());
    }
    found
}

/// The periods of the runs, in the order in which they were started.
pub(crate) fn order_of_runs(project: &TestProject) -> Vec<String> {
    let listed = project.run(&["runs", "rewards", "--limit", "10000", "--format", "json"]).ended_with(0);
    let runs: Vec<Value> = serde_json::from_str(&listed.stdout).unwrap();
    runs.iter().rev().map(|run| run["run"].as_str().unwrap().split('/').nth(1).unwrap().to_owned()).collect()
}
