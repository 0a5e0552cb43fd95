//! `tieout gc`: files of old periods go, what is needed stays, and what is gone is told.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use tieout::digest::sha256;
use tieout::journal::{Journal, NewRun};

use crate::support::journal::new_run;
use crate::support::project::{DAY, TestProject, file_rows, job, settled};

const FIRST: &str = "rewards/2025-03-19/1";
/// Everything that has ended is old.
const ALL: [&str; 4] = ["--raw", "1ms", "--reports", "1ms"];

/// Both sides agree; run twice.
fn agreed() -> TestProject {
    let project = TestProject::new(&[settled(&file_rows())], "");
    project.write("jobs/rewards.yaml", job(&[]));
    project.write("data/ledger-2025-03-19.csv", file_rows());
    project.run_day(&[]).ended_with(0);
    project.run_day(&[]).ended_with(0);
    project
}

/// Relative to the period's folder: the files and their digests.
fn files(project: &TestProject) -> BTreeMap<String, String> {
    let home = format!("runs/rewards/{DAY}/");
    let below = project.listing(&home);
    let names = below.iter().map(|name| name.strip_prefix(&home).unwrap_or(name).to_owned());
    let of_files = names.filter(|name| project.path(&format!("{home}{name}")).is_file());
    of_files.map(|name| (name.clone(), sha256(&project.read(&format!("{home}{name}"))))).collect()
}

#[test]
fn a_dry_run_says_what_would_go_and_removes_nothing() {
    let project = agreed();
    let before = files(&project);
    let told = project.run(&[&["gc", "--dry-run"], &ALL[..]].concat()).ended_with(0);
    assert!(told.stdout.contains("report of attempt 1"), "{}", told.stdout);
    assert!(told.stdout.contains("inputs as received"), "{}", told.stdout);
    assert!(told.stdout.contains(", would be removed.\n"), "{}", told.stdout);
    assert_eq!(files(&project), before);
}

#[test]
fn what_goes_is_listed_with_its_digest_and_what_later_runs_read_stays() {
    let project = agreed();
    let before = files(&project);
    let command = [&["gc", "--by", "Mara Lind", "--format", "csv"], &ALL[..]].concat();
    let told = project.run(&command).ended_with(0);
    let lines: Vec<&str> = told.stdout.lines().map(|line| line.rsplit_once(',').unwrap().0).collect();
    assert_eq!(
        lines,
        [
            "job,period,what,files",
            "rewards,2025-03-19,inputs as received,1",
            "rewards,2025-03-19,report of attempt 1,4",
            "rewards,2025-03-19,report of attempt 2,4",
        ]
    );
    let mut after = files(&project);
    let list = after.remove("removed.json").unwrap();
    assert_eq!(
        after.keys().collect::<Vec<_>>(),
        ["1/open-items.jsonl", "1/summary.json", "2/open-items.jsonl", "2/summary.json"]
    );
    assert!(after.iter().all(|(name, digest)| before[name] == *digest), "what stays is untouched");
    let removed: Value = serde_json::from_slice(&project.read(&format!("runs/rewards/{DAY}/removed.json"))).unwrap();
    let gone: BTreeMap<String, String> = removed["removed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (line["name"].as_str().unwrap().to_owned(), line["sha256"].as_str().unwrap().to_owned()))
        .collect();
    let all: BTreeMap<String, String> = gone.into_iter().chain(after).collect();
    assert_eq!(all, before, "each file is there, or listed with what it held");
    assert_eq!(removed["removed"][0]["removed_by"], "Mara Lind");

    // Again: nothing is left to remove, and the list stays as it is.
    let again = project.run(&command).ended_with(0);
    assert_eq!(again.stdout.trim_end(), "job,period,what,files,bytes");
    assert_eq!(files(&project)["removed.json"], list);
    project.run(&["journal", "verify"]).ended_with(0);
}

#[test]
fn whoever_looks_for_what_is_gone_is_told_so_and_a_new_run_has_it_again() {
    let project = agreed();
    project.run(&[&["gc", "--by", "Mara Lind"], &ALL[..]].concat()).ended_with(0);
    let removed: Value = serde_json::from_slice(&project.read(&format!("runs/rewards/{DAY}/removed.json"))).unwrap();
    let at = &removed["removed"][0]["removed_at"].as_str().unwrap()[..19];
    let told = project.run(&["breaks", FIRST]).ended_with(65);
    assert_eq!(
        told.error(),
        format!(
            "the breaks of run {FIRST} are gone: no file FOLDER/runs/{FIRST}/breaks.parquet: `tieout gc` removed it at \
             {at}Z (Mara Lind); run the period again to have them"
        )
    );
    let told = project.run_day(&["--offline"]).ended_with(65);
    assert!(told.error().contains(&format!("are gone or cut short: `tieout gc` removed it at {at}Z")), "{told:?}");
    project.run_day(&[]).ended_with(0);
    project.run(&["breaks", "rewards"]).ended_with(0);
    project.run_day(&["--offline"]).ended_with(0);
}

#[test]
fn a_period_with_open_breaks_keeps_all_of_its_files() {
    let project = TestProject::small();
    project.run_day(&[]).ended_with(0);
    let before = files(&project);
    let told = project.run(&[&["gc"], &ALL[..]].concat()).ended_with(0);
    assert!(
        told.stdout.contains("0 files, 0 bytes, removed.\nKept: 3 of periods with open breaks ("),
        "{}",
        told.stdout
    );
    assert_eq!(files(&project), before);
}

#[test]
fn what_a_sealed_run_has_read_and_reported_stays() {
    let project = agreed();
    let seal = ["seal", "rewards", "--period", DAY, "--reason", "signed off", "--by", "Mara Lind"];
    project.run(&seal).ended_with(0);
    let before = files(&project);
    let told = project.run(&[&["gc"], &ALL[..]].concat()).ended_with(0);
    assert!(told.stdout.contains("report of attempt 1"), "{}", told.stdout);
    let mut expected = before;
    expected.retain(|name, _| !name.starts_with("1/") || name == "1/summary.json" || name == "1/open-items.jsonl");
    let mut after = files(&project);
    after.remove("removed.json").unwrap();
    assert_eq!(after, expected, "the second attempt is the sealed one");
}

#[test]
fn nothing_goes_while_a_run_is_at_work() {
    let project = agreed();
    let before = files(&project);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (journal, lease) = runtime.block_on(async {
        let journal = Journal::open(&project.path(".tieout/state.db")).await.unwrap();
        let lease =
            journal.take_lease(&project.path(".tieout"), "rewards", DAY, Duration::from_mins(10)).await.unwrap();
        let new = NewRun { job: "rewards".to_owned(), period: DAY.to_owned(), ..new_run(Some(lease.epoch())) };
        journal.start_run(new).await.unwrap();
        (journal, lease)
    });
    let told = project.run(&[&["gc"], &ALL[..]].concat()).ended_with(75);
    let said = told.error();
    assert!(said.starts_with("rewards/2025-03-19/3 is at work (pid "), "{said}");
    assert!(said.ends_with(") and may read what is old; try again when it has ended"), "{said}");
    assert_eq!(files(&project), before);
    // Its process is gone without a word: the period still counts as being worked on until its next attempt.
    runtime.block_on(async { journal.release(lease).await.unwrap() });
    let told = project.run(&[&["gc"], &ALL[..]].concat()).ended_with(0);
    assert!(told.stdout.contains("of periods with a run at work"), "{}", told.stdout);
    assert_eq!(files(&project), before);
}

#[test]
fn how_long_files_are_kept_is_said_by_the_project_file_or_not_at_all() {
    let project = agreed();
    let told = project.run(&["gc"]).ended_with(2);
    assert_eq!(
        told.error(),
        "nothing says how long files are kept: set `retention: {raw: 400d, reports: 3650d}` in tieout.yaml, or give \
         --raw and --reports"
    );
    let written = String::from_utf8(project.read("tieout.yaml")).unwrap();
    project.write("tieout.yaml", format!("{written}retention: {{raw: 400d, reports: 3650d}}\n"));
    let told = project.run(&["gc"]).ended_with(0);
    assert!(told.stdout.contains("Kept: ") && told.stdout.contains("not old enough"), "{}", told.stdout);
    project.write("tieout.yaml", format!("{written}retention: {{raw: 400d, reports: 12h}}\n"));
    let told = project.run(&["gc"]).ended_with(78);
    assert!(told.error().contains("`reports` is 12h; expected at least 1d"), "{told:?}");
}

#[test]
fn a_job_file_that_is_wrong_keeps_everything() {
    let project = agreed();
    project.write("jobs/other.yaml", "job: other\n");
    let told = project.run(&[&["gc"], &ALL[..]].concat()).ended_with(78);
    assert!(told.error().ends_with("mend them first (`tieout validate`)"), "{told:?}");
}
