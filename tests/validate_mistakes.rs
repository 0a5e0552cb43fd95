//! `tieout validate`: every problem of all files at once, with the lines they are about.

use std::fmt::Write as _;

use tieout::commands::validate;
use tieout::exit::ExitCode;

use crate::job_files::{JOB, workspace};
use crate::project_files::{PROJECT, Workspace};

/// Five mistakes of different kinds: a mistyped key, an unknown zone, a negative tolerance, an
/// unknown word, a limit finer than a cent.
const FIVE: &str = "\
job: daily
perod: {grain: day, timezone: America/New_Yrok}
inputs:
  file:
    path: file-{period}.csv
    columns: {transaction_id: id, amount: amount, currency: currency}
  ledger:
    path: ledger-{period}.csv
    columns: {transaction_id: id, amount: amount, currency: currency}
    sign: unsinged
match:
  compare:
    amount: {tolerance: -1}
gates: {max_break_amount: {USD: 0.001}}
";

#[test]
fn a_job_with_five_mistakes_prints_five_messages() {
    let workspace = workspace(FIVE);
    let outcome = validate::run(workspace.root(), &["daily".to_owned()]);
    assert_eq!(outcome.problems.len(), 5);
    assert_eq!(outcome.code(), ExitCode::Configuration);
    insta::assert_snapshot!(outcome.text(), @r#"
    jobs/daily.yaml:2:1: unknown key `perod`; did you mean `period`?
      2 | perod: {grain: day, timezone: America/New_Yrok}
        | ^

    jobs/daily.yaml:2:31: unknown time zone `America/New_Yrok`; did you mean `America/New_York`?
      2 | perod: {grain: day, timezone: America/New_Yrok}
        |                               ^

    jobs/daily.yaml:10:11: unknown value `unsinged` for `inputs.ledger.sign`; did you mean `unsigned`?
      10 |     sign: unsinged
         |           ^

    jobs/daily.yaml:13:25: `match.compare.amount.tolerance` is -1; expected at least 0
      13 |     amount: {tolerance: -1}
         |                         ^

    jobs/daily.yaml:14:33: 0.001 is finer than the minor unit of USD; expected at most 2 decimals
      14 | gates: {max_break_amount: {USD: 0.001}}
         |                                 ^

    tieout.yaml: valid
    5 problems in 1 file
    "#);
}

#[test]
fn the_same_problems_can_be_read_by_programs() {
    let workspace = workspace(FIVE);
    let outcome = validate::run(workspace.root(), &[]);
    let json = serde_json::to_value(&outcome).unwrap();
    assert_eq!(json["valid"], serde_json::json!(["tieout.yaml"]));
    let first = serde_json::json!({
        "file": "jobs/daily.yaml", "line": 2, "column": 1,
        "message": "unknown key `perod`", "help": "did you mean `period`?"
    });
    assert_eq!(json["problems"][0], first);
}

#[test]
fn what_is_valid_is_listed() {
    let workspace = workspace(JOB);
    let outcome = validate::run(workspace.root(), &[]);
    assert_eq!(outcome.code(), ExitCode::Done);
    assert_eq!(outcome.text(), "tieout.yaml: valid\njobs/daily.yaml: valid\n");
}

#[test]
fn a_broken_project_file_does_not_hide_what_is_wrong_with_the_jobs() {
    let workspace = Workspace::new(&PROJECT.replacen("organization: org-1", "organisation: org-1", 1));
    workspace.write("jobs/daily.yaml", JOB.replacen("path: file-{period}.csv", "path: /file.csv\n    verify: kard", 1));
    let outcome = validate::run(workspace.root(), &[]);
    insta::assert_snapshot!(outcome.text(), @r#"
    tieout.yaml:6:5: unknown key `organisation` in providers.kard; did you mean `organization`?
      6 |     organisation: …
        |     ^

    jobs/daily.yaml:5:11: `/file.csv` is not below the data folder; expected a relative path
      5 |     path: /file.csv
        |           ^

    jobs/daily.yaml:6:13: `verify` checks the signatures of notifications; expected format: webhook_log
      6 |     verify: kard
        |             ^

    3 problems in 2 files
    "#);
}

#[test]
fn a_job_that_is_not_there_is_told_with_the_nearest_name() {
    let workspace = workspace(JOB);
    let told = |name: &str| validate::run(workspace.root(), &[name.to_owned()]).problems.to_string();
    assert_eq!(told("dayly"), "jobs/dayly.yaml: there is no job `dayly`; did you mean `daily`?");
    assert_eq!(told("jobs/other.yaml"), "jobs/other.yaml: there is no such file");
    let empty = Workspace::new(PROJECT);
    let problems = validate::run(empty.root(), &["daily".to_owned()]).problems;
    assert_eq!(problems.to_string(), "jobs/daily.yaml: there is no job `daily`; the project has no job files in jobs/");
}

#[test]
fn a_file_that_is_no_yaml_at_all_is_told() {
    let cases: [(&[u8], &str); 5] = [
        (b"", "jobs/daily.yaml: the file is empty"),
        (b"# nothing\n", "jobs/daily.yaml: the file is empty"),
        (b"job: daily\n\xff\n", "jobs/daily.yaml:2:1: a byte that is not UTF-8; save the file as UTF-8"),
        (b"just text\n", "jobs/daily.yaml:1:1: the file is `just text`; expected a group of keys"),
        (b"- job: daily\n", "jobs/daily.yaml:1:1: the file is a list; expected a group of keys"),
    ];
    for (bytes, message) in cases {
        let workspace = workspace("");
        workspace.write("jobs/daily.yaml", bytes);
        let problems = validate::run(workspace.root(), &[]).problems;
        assert_eq!(problems.iter().map(tieout::config::Problem::headline).collect::<Vec<_>>(), [message]);
    }
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_do_no_harm() {
    let workspace = workspace(&format!("\u{feff}{}", JOB.replace('\n', "\r\n")));
    assert_eq!(validate::run(workspace.root(), &[]).code(), ExitCode::Done);
    let wrong = workspace_with_crlf("grain: dya");
    let problems = validate::run(wrong.root(), &[]).problems;
    assert_eq!(
        problems.to_string(),
        "jobs/daily.yaml:2:17: unknown value `dya` for `period.grain`; did you mean `day`?\n  \
         2 | period: {grain: dya, timezone: UTC}\n    |                 ^"
    );
}

fn workspace_with_crlf(grain: &str) -> Workspace {
    workspace(&JOB.replacen("grain: day", grain, 1).replace('\n', "\r\n"))
}

#[test]
fn a_file_that_unfolds_to_an_attack_is_refused_at_once() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let before = level - 1;
        let aliases = vec![format!("*a{before}"); 10].join(", ");
        let _ = writeln!(bomb, "a{level}: &a{level} [{aliases}]");
    }
    let deep = format!("job: {}{}\n", "[".repeat(60), "]".repeat(60));
    let deeper = format!("job: {}\n", "[".repeat(100_000));
    let blocks = (0..60).map(|depth| " ".repeat(depth) + "a:\n").collect::<String>();
    let big = format!("# {}\n", "x".repeat(1 << 20));
    let cases = [
        (bomb, "jobs/daily.yaml:5:10: more than 20000 values, aliases unfolded"),
        (deep, "jobs/daily.yaml:1:46: nested more than 40 levels deep"),
        (deeper, "jobs/daily.yaml:1:261: not valid YAML: recursion limit exceeded"),
        (blocks, "jobs/daily.yaml:41:41: nested more than 40 levels deep"),
        (big, "jobs/daily.yaml: the file has 1048579 bytes; expected at most 1 MiB"),
        ("a: &a [*a]\n".to_owned(), "jobs/daily.yaml:1:8: an alias inside the value that it stands for"),
    ];
    for (text, message) in cases {
        let problems = validate::run(workspace(&text).root(), &[]).problems;
        assert_eq!(problems.iter().map(tieout::config::Problem::headline).collect::<Vec<_>>(), [message]);
    }
}
