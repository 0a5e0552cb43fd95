//! A container that is given one processor only: the same numbers as with many.

use crate::support::project::{DAY, TestProject};

const JOB: &str = "\
job: rewards
period: {grain: day, timezone: UTC}
inputs:
  file:
    path: file.csv
    columns: {transaction_id: id, amount: {column: amount, unit: minor}, currency: currency}
  ledger:
    path: ledger.csv
    columns: {transaction_id: id, amount: {column: amount, unit: minor}, currency: currency}
match:
  compare: {amount: {tolerance: 5}, currency: exact}
";

/// The first processor that this process may use.
fn first_processor() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap().trim();
    allowed.split([',', '-']).next().unwrap().to_owned()
}

#[test]
fn on_one_processor_what_is_within_tolerance_is_in_the_proof_too() {
    let project = TestProject::empty();
    project.write("jobs/rewards.yaml", JOB);
    let rows = |less: i64| -> String {
        let row = |number: usize| format!("t-{number},{},{}\n", 100 - less, ["USD", "EUR"][number % 2]);
        format!("id,amount,currency\n{}", (0..40).map(row).collect::<String>())
    };
    project.write("data/file.csv", rows(3));
    project.write("data/ledger.csv", rows(0));
    let arguments = ["run", "rewards", "--period", DAY];
    let program = ["taskset", "-c", &first_processor(), env!("CARGO_BIN_EXE_tieout")];
    let process = project.wrapped(&program, &arguments).spawn().unwrap();
    project.ended(process).ended_with(0);
    let summary = project.summary("rewards/2025-03-19/1");
    let bridges = summary["statement"]["bridges"].as_array().unwrap();
    assert_eq!(bridges.len(), 2, "{bridges:?}");
    for bridge in bridges {
        let lines = bridge["lines"].as_array().unwrap();
        assert_eq!(lines.len(), 1, "twenty keys that are 3 apart: {bridge}");
        assert_eq!(lines[0]["count"], 20, "{bridge}");
    }
}
