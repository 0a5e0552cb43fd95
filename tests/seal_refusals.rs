//! What cannot be sealed or opened again, told whole.

use crate::support::project::{DAY, TestProject};

fn refused(project: &TestProject, arguments: &[&str], code: i32) -> String {
    project.run(&[arguments, &["-q"]].concat()).ended_with(code).error().to_owned()
}

fn seal<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["seal", "rewards", "--period", DAY, "--reason", "signed off", "--by", "Mara Lind"], more].concat()
}

#[test]
fn a_period_without_a_finished_run_cannot_be_signed_off() {
    let project = TestProject::small();
    let expected = "rewards has no finished run for 2025-03-19; `tieout run rewards --period 2025-03-19` makes one, and \
                    it can be sealed then";
    assert_eq!(refused(&project, &seal(&[]), 2), expected);
    assert!(!project.path(".tieout/state.db").exists());
    std::fs::remove_file(project.path("data/ledger-2025-03-19.csv")).unwrap();
    project.run_day(&[]).ended_with(75);
    assert_eq!(refused(&project, &seal(&[]), 2), expected, "only a failed run");
}

#[test]
fn a_run_that_has_not_ended_keeps_the_seal_off() {
    let project = TestProject::small();
    project.run_day(&[]).ended_with(0);
    let killed = project.command(&["run", "rewards", "--period", DAY]).env("TIEOUT_KILL_AFTER", "pulled").output();
    assert_eq!(killed.unwrap().status.code(), None);
    assert_eq!(
        refused(&project, &seal(&[]), 75),
        "run rewards/2025-03-19/2 has not ended; seal 2025-03-19 when it has (if it was killed, `tieout run rewards \
         --period 2025-03-19` makes a new attempt)"
    );
    project.run_day(&[]).ended_with(0);
    project.run(&seal(&[])).ended_with(0);
}

#[test]
fn a_report_that_is_gone_cannot_be_signed_off() {
    let project = TestProject::small();
    project.run_day(&[]).ended_with(0);
    std::fs::remove_file(project.path("runs/rewards/2025-03-19/1/breaks.parquet")).unwrap();
    let told = refused(&project, &seal(&[]), 65);
    let expected = "the report of run rewards/2025-03-19/1 is not whole: FOLDER/runs/rewards/2025-03-19/1/breaks.parquet \
                    cannot be read; `tieout run rewards --period 2025-03-19` makes a new attempt";
    assert!(told.starts_with(expected), "{told}");
}

#[test]
fn a_seal_needs_a_reason_a_person_and_a_period_of_the_job() {
    let project = TestProject::small();
    let usage = project.run(&["seal", "rewards", "--period", DAY]).ended_with(2);
    assert!(usage.stderr.contains("--reason <TEXT>"), "{}", usage.stderr);
    let empty = ["seal", "rewards", "--period", DAY, "--reason", "signed off", "--by", " "];
    let expected = "--by is empty; give the name of the person who decides, such as --by \"Mara Lind\"";
    assert_eq!(refused(&project, &empty, 2), expected);
    let month = ["seal", "rewards", "--period", "2025-03", "--reason", "signed off", "--by", "Mara Lind"];
    assert!(refused(&project, &month, 2).starts_with("--period of job rewards: \"2025-03\" is a month"));
}

#[test]
fn to_seal_twice_changes_nothing_and_is_told() {
    let project = TestProject::small();
    project.run_day(&[]).ended_with(0);
    let first = project.run(&seal(&["--format", "csv"])).ended_with(0);
    assert!(first.stderr.contains("sealed rewards/2025-03-19/1; 3 breaks stay open in it"), "{}", first.stderr);
    project.run_day(&[]).ended_with(0);
    let again = project.run(&seal(&["--format", "csv", "--by", "Robin"][..2])).ended_with(0);
    let told = "2025-03-19 of rewards is sealed already, by Mara Lind; nothing is changed";
    assert!(again.stderr.contains(told), "{}", again.stderr);
    assert_eq!(again.stdout, first.stdout);
    let verified = project.run(&["journal", "verify"]).ended_with(0);
    let told = "4 entries about 0 effects, 3 breaks and 1 seal, held against 0 anchors";
    assert!(verified.stdout.contains(told), "{}", verified.stdout);
}

#[test]
fn only_what_is_sealed_is_opened_again() {
    let project = TestProject::small();
    let unseal = ["unseal", "rewards", "--period", DAY, "--reason", "too early", "--by", "Mara Lind"];
    let expected = "2025-03-19 of rewards is not sealed; `tieout seals rewards` lists what is";
    assert_eq!(refused(&project, &unseal, 2), expected);
    project.run_day(&[]).ended_with(0);
    assert_eq!(refused(&project, &unseal, 2), expected);
    project.run(&seal(&[])).ended_with(0);
    project.run(&unseal).ended_with(0);
    assert_eq!(refused(&project, &unseal, 2), expected);
    let listed = project.run(&["seals"]).ended_with(0);
    let told = "no period is sealed; `tieout seal JOB --period PERIOD --reason TEXT` seals one";
    assert!(listed.stderr.contains(told), "{}", listed.stderr);
    // A run of it is an ordinary one again.
    assert!(!project.run_day(&[]).ended_with(0).stdout.contains("SEALED"));
}

#[test]
fn a_job_that_sends_has_nothing_to_seal() {
    let project = TestProject::shipped("");
    let arguments = ["seal", "core-upload", "--period", DAY, "--reason", "signed off", "--by", "Mara Lind"];
    let expected = "job core-upload sends: what is sent is sent, and only what is compared is sealed";
    assert_eq!(refused(&project, &arguments, 2), expected);
}
