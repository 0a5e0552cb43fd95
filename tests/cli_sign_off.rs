//! `tieout sign-off` and `tieout sign-offs`, as processes.

use serde_json::Value;
use tieout::sign_off::DEFAULT_STATEMENT;

use crate::support::project::{DAY, TestProject};

const RUN: &str = "rewards/2025-03-19/1";

/// A project whose day was run by Ada.
fn run_by_ada() -> TestProject {
    let project = TestProject::small();
    project.run_day(&["--by", "Ada"]).ended_with(0);
    project
}

fn listed(project: &TestProject) -> Vec<Value> {
    serde_json::from_str(&project.run(&["sign-offs", "--format", "json"]).ended_with(0).stdout).unwrap()
}

fn refused(project: &TestProject, arguments: &[&str], code: i32) -> String {
    project.run(&[arguments, &["-q"]].concat()).ended_with(code).error().to_owned()
}

#[test]
fn a_report_is_prepared_by_one_and_signed_off_by_another() {
    let project = run_by_ada();
    assert_eq!(listed(&project), Vec::<Value>::new());
    let told = project.run(&["sign-off", RUN, "--by", "Mara Lind"]).ended_with(0);
    assert!(told.stderr.contains("is prepared: it waits for its review by someone else"), "{}", told.stderr);
    let one = &listed(&project)[0];
    assert_eq!((&one["run"], &one["state"], &one["now"]), (&RUN.into(), &"prepared".into(), &"current".into()));
    assert_eq!((&one["prepared_by"], &one["statement"]), (&"Mara Lind".into(), &DEFAULT_STATEMENT.into()));
    assert_eq!(
        refused(&project, &["sign-off", RUN, "--by", "MARA LIND "], 2),
        format!("MARA LIND  has prepared run {RUN} and may not sign it off as well; someone else has to review it")
    );
    let digest = one["digest"].as_str().unwrap().to_owned();
    let sign = ["sign-off", RUN, "--as", "reviewer", "--by", "Robin", "--statement", " seen ", "--digest", &digest];
    project.run(&sign).ended_with(0);
    let one = &listed(&project)[0];
    assert_eq!(
        (&one["state"], &one["signed_off_by"], &one["statement"]),
        (&"signed_off".into(), &"Robin".into(), &"seen".into())
    );
    assert_eq!(one["digest"], *digest);
    assert_eq!(refused(&project, &sign, 2), format!("run {RUN} is signed off by Robin already"));
    let verified = project.run(&["journal", "verify"]).ended_with(0).stdout;
    assert!(verified.contains("3 breaks and 1 signed report"), "{verified}");
}

#[test]
fn a_later_attempt_supersedes_a_signature_and_can_be_signed_itself() {
    let project = run_by_ada();
    project.run(&["sign-off", RUN, "--by", "Mara"]).ended_with(0);
    project.run_day(&["--by", "Ada"]).ended_with(0);
    assert_eq!(listed(&project)[0]["now"], "superseded by rewards/2025-03-19/2");
    assert_eq!(
        refused(&project, &["sign-off", RUN, "--by", "Robin"], 2),
        format!("run {RUN} is superseded by rewards/2025-03-19/2: look at that one and sign it")
    );
    project.run(&["sign-off", "rewards/2025-03-19/2", "--as", "reviewer", "--by", "Robin"]).ended_with(0);
    let now: Vec<_> = listed(&project).iter().map(|one| one["now"].as_str().unwrap().to_owned()).collect();
    assert_eq!(now, ["superseded by rewards/2025-03-19/2", "current"]);
}

#[test]
fn only_the_report_that_was_seen_is_signed() {
    let project = run_by_ada();
    let digest = "0".repeat(64);
    let told = refused(&project, &["sign-off", RUN, "--by", "Mara", "--digest", &digest], 2);
    assert!(told.contains("is not the one that was seen") && told.contains(&digest), "{told}");
    project.run(&["sign-off", RUN, "--by", "Mara"]).ended_with(0);
    let summary = format!("runs/{RUN}/summary.json");
    let mut bytes = project.read(&summary);
    bytes.push(b' ');
    project.write(&summary, &bytes);
    assert_eq!(listed(&project)[0]["now"], "report changed");
    let told = refused(&project, &["sign-off", RUN, "--by", "Robin"], 2);
    assert!(told.contains("has changed since Mara prepared it"), "{told}");
    std::fs::remove_dir_all(project.path(&format!("runs/{RUN}"))).unwrap();
    assert_eq!(listed(&project)[0]["now"], "report gone");
    assert_eq!(
        refused(&project, &["sign-off", RUN, "--by", "Robin"], 65),
        format!("the report of run {RUN} is gone: nothing is signed that nobody can read; make a new attempt")
    );
}

#[test]
fn signatures_are_withdrawn_with_a_reason_and_given_again() {
    let project = run_by_ada();
    let withdraw = ["sign-off", "withdraw", RUN, "--reason", "wrong rates", "--by", "Ada"];
    assert_eq!(
        refused(&project, &withdraw, 2),
        format!("nothing is signed under the report of run {RUN}; `tieout sign-offs` lists what is")
    );
    project.run(&["sign-off", RUN, "--by", "Mara"]).ended_with(0);
    project.run(&withdraw).ended_with(0);
    let one = &listed(&project)[0];
    assert_eq!(
        (&one["now"], &one["withdrawn_by"], &one["reason"]),
        (&"withdrawn".into(), &"Ada".into(), &"wrong rates".into())
    );
    assert_eq!(
        refused(&project, &withdraw, 2),
        format!("nothing is signed under the report of run {RUN} any more: it was withdrawn")
    );
    project.run(&["sign-off", RUN, "--by", "Mara"]).ended_with(0);
    project.run(&["sign-off", RUN, "--by", "Robin"]).ended_with(0);
}

#[test]
fn what_cannot_be_signed_is_told() {
    let project = run_by_ada();
    assert_eq!(
        refused(&project, &["sign-off", RUN, "--as", "reviewer", "--by", "ada"], 2),
        format!(
            "nobody has prepared run {RUN}, and ada has started it: who made a report does not review it alone; prepare \
             it, and have someone else sign it off"
        )
    );
    assert_eq!(
        refused(&project, &["sign-off", RUN, "--by", "Mara", "--statement", " "], 2),
        "a statement is empty; say it in words"
    );
    let long = "x".repeat(4_001);
    assert_eq!(
        refused(&project, &["sign-off", RUN, "--by", "Mara", "--statement", &long], 2),
        "a statement has 4001 bytes; at most 4000 are kept"
    );
    assert!(
        refused(&project, &["sign-off", "rewards/2025-03-19/7", "--by", "Mara"], 2)
            .starts_with("no run `rewards/2025-03-19/7`")
    );
    std::fs::remove_file(project.path("data/ledger-2025-03-19.csv")).unwrap();
    project.run(&["run", "rewards", "--period", DAY]).ended_with(75);
    let failed = refused(&project, &["sign-off", "rewards/2025-03-19/2", "--by", "Mara"], 2);
    assert_eq!(failed, "run rewards/2025-03-19/2 has not finished: only a complete report is signed");
    project.run(&["sign-off", RUN, "--by", "Mara"]).ended_with(0);
    assert!(project.run(&["sign-off"]).ended_with(2).stderr.contains("<RUN>"));
}
