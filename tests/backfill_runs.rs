//! `tieout backfill` and `tieout backfills` as processes: what they print, ask, run, and how they end.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::backfill_project::{attempts, days, labels, order_of_runs, runs_of_periods, shown};
use crate::support::effect_project::{self, AUDITS, FAST, states};
use crate::support::project::{DAY, TestProject, file_rows, job, ledger_rows, settled};
use crate::support::sending::{applied, signal, wait_until, wait_until_stopped};

/// `tieout backfill rewards --from … --to …`
fn backfill<'a>(from: &'a str, to: &'a str) -> Vec<&'a str> {
    vec!["backfill", "rewards", "--from", from, "--to", to]
}

/// The first days of January.
fn january<'a>(to: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [backfill("2025-01-01", to).as_slice(), more].concat()
}

/// Id and status of every break of the journal that is not closed.
fn open_breaks(project: &TestProject) -> BTreeMap<String, String> {
    let listed = project.run(&["breaks", "list", "rewards-daily", "--format", "json"]).ended_with(0);
    let listed: Vec<Value> = serde_json::from_str(&listed.stdout).unwrap();
    let text = |one: &Value, field: &str| one[field].as_str().unwrap().to_owned();
    listed.iter().map(|one| (text(one, "break"), text(one, "status"))).collect()
}

#[test]
fn the_shipped_days_in_parallel_come_out_as_one_after_the_other() {
    let days = ["2025-03-19", "2025-03-20", "2025-03-21"];
    let alone = TestProject::shipped("");
    for day in days {
        alone.run(&["run", "rewards-daily", "--period", day]).ended_with(0);
    }
    let project = TestProject::shipped("");
    let command = ["backfill", "rewards-daily", "--from", days[0], "--to", days[2], "--max-parallel", "3"];
    let done = project.run(&[&command[..], &["--note", "the audit asks"]].concat()).ended_with(0);
    assert!(done.stdout.contains("attempt 1: 3 of 3 done, 0 not done, 0 left out\n"), "{}", done.stdout);
    assert!(done.stdout.contains(" effects of 3 periods wait for approval before "), "{}", done.stdout);
    assert!(done.stdout.ends_with("\nExit code 0\n"), "{}", done.stdout);
    for day in days {
        let file = format!("runs/rewards-daily/{day}/1/breaks.csv");
        // When a break was found first is a matter of the clock: the last four columns.
        let found = |project: &TestProject| -> Vec<Vec<String>> {
            let text = project.read(&file);
            let mut rows = csv::ReaderBuilder::new().has_headers(false).from_reader(&*text);
            let cells = |row: csv::StringRecord| row.iter().take(row.len() - 4).map(str::to_owned).collect();
            rows.records().map(|row| cells(row.unwrap())).collect()
        };
        assert_eq!(found(&project), found(&alone), "{day}");
        assert!(done.stderr.contains(&format!(" {day}  done, ")), "{}", done.stderr);
    }
    assert!(open_breaks(&project).len() > 22, "those of the first day and more");
    assert_eq!(open_breaks(&project), open_breaks(&alone));
    let runs: Vec<Value> = serde_json::from_str(&project.run(&["runs", "--format", "json"]).stdout).unwrap();
    assert!(runs.iter().all(|run| run["note"] == "backfill 1: the audit asks"), "{runs:?}");
}

#[test]
fn a_dry_run_tells_every_period_and_does_nothing() {
    let project = days(&labels(4));
    let before = project.listing("");
    let told = project.run(&january("2025-01-04", &["--dry-run", "--newest-first"])).ended_with(0);
    assert_eq!(
        told.stdout,
        "\
period      todo  why
2025-01-04  run   never run
2025-01-03  run   never run
2025-01-02  run   never run
2025-01-01  run   never run

rewards, 2025-01-01 to 2025-01-04: 4 of 4 days to run.
"
    );
    assert_eq!((told.stderr.as_str(), project.listing("")), ("", before));

    project.run(&["run", "rewards", "--period", "2025-01-02"]).ended_with(0);
    let csv = project.run(&january("2025-01-03", &["--dry-run", "--format", "csv"])).ended_with(0);
    assert_eq!(
        csv.stdout,
        "period,todo,why\n2025-01-01,run,never run\n2025-01-02,skip,done by rewards/2025-01-02/1\n\
         2025-01-03,run,never run\n"
    );
    assert_eq!(project.run(&["backfills", "--format", "csv"]).stdout.lines().count(), 1);
}

#[test]
fn a_wrong_range_or_choice_ends_with_2_before_anything_is_done() {
    let project = days(&labels(1));
    let in_words = |from, to| project.run(&backfill(from, to)).ended_with(2).error().to_owned();
    assert_eq!(
        in_words("2025-01-02", "2025-01-01"),
        "the range of job rewards: --from 2025-01-02 lies after --to 2025-01-01; the earlier one comes first: \
         --from 2025-01-01 --to 2025-01-02"
    );
    assert_eq!(
        in_words("2025-01", "2025-01-01"),
        "the range of job rewards: --from: \"2025-01\" is a month, but the job's period is a day; expected \
         YYYY-MM-DD, such as 2025-01-01"
    );
    assert!(in_words("2025-01-01", "9999-01-01").contains("9999-01-01 is not over yet: it ends at 9999-01-02T"));
    for (more, told) in [
        (["--max-parallel", "9"], "invalid value '9' for '--max-parallel <N>': 9 is not in 1..=8"),
        (["--reprocess", "some"], "invalid value 'some' for '--reprocess <WHICH>'"),
    ] {
        let refused = project.run(&january("2025-01-01", &more)).ended_with(2);
        assert!(refused.stderr.contains(told), "{}", refused.stderr);
    }
    let unknown = project.run(&["backfills", "show", "7"]).ended_with(2);
    assert_eq!(unknown.error(), "no backfill 7 in the state file; `tieout backfills` lists them");
    assert!(!project.path(".tieout/state.db").exists());
}

#[test]
fn newest_first_begins_with_the_latest_period() {
    let project = days(&labels(4));
    project.run(&january("2025-01-04", &["--newest-first"])).ended_with(0);
    assert_eq!(order_of_runs(&project), ["2025-01-04", "2025-01-03", "2025-01-02", "2025-01-01"]);
    project.run(&january("2025-01-03", &["--reprocess", "all"])).ended_with(0);
    assert_eq!(order_of_runs(&project)[4..], ["2025-01-01", "2025-01-02", "2025-01-03"]);
}

/// Period, done, status, run, exit code of what a backfill prints as JSON.
fn ends(stdout: &str) -> Vec<(String, bool, String, String, u64)> {
    let rows: Vec<Value> = serde_json::from_str(stdout).unwrap_or_else(|error| panic!("{error}: {stdout}"));
    let text = |row: &Value, field: &str| row[field].as_str().unwrap_or_default().to_owned();
    let line = |row: &Value| {
        let code = row["exit_code"].as_u64().unwrap_or(999);
        (text(row, "period"), row["done"].as_bool().unwrap(), text(row, "status"), text(row, "run"), code)
    };
    rows.iter().map(line).collect()
}

#[test]
fn a_period_that_fails_does_not_stop_the_others_and_is_tried_again_when_asked() {
    let project = days(&labels(5));
    project.run(&["run", "rewards", "--period", "2025-01-05"]).ended_with(0);
    std::fs::remove_file(project.path("data/ledger-2025-01-02.csv")).unwrap();
    let whole = project.read("data/file-2025-01-03.csv");
    project.write("data/file-2025-01-03.csv", "id,amount\nt-1,ten\n");
    // 75 and 65: the file that will not get better by waiting is told.
    let told = project.run(&january("2025-01-05", &["--format", "json"])).ended_with(65);
    let line = |period: &str, done, status: &str, attempt: u32, code| {
        (period.to_owned(), done, status.to_owned(), format!("rewards/{period}/{attempt}"), code)
    };
    assert_eq!(
        ends(&told.stdout),
        [
            line("2025-01-01", true, "done", 1, 0),
            line("2025-01-02", false, "failed", 1, 75),
            line("2025-01-03", false, "failed", 1, 65),
            line("2025-01-04", true, "done", 1, 0),
            ("2025-01-05".to_owned(), false, "left_out".to_owned(), String::new(), 999),
        ]
    );
    assert!(
        told.stderr.contains("WARN 2025-01-02  failed (75): no ledger input for 2025-01-02 yet"),
        "{}",
        told.stderr
    );
    assert_eq!(shown(&project, 1)["backfill"]["status"], "ended");

    let dry = project.run(&january("2025-01-05", &["--reprocess", "failed", "--dry-run"])).ended_with(0);
    assert_eq!(
        dry.stdout,
        "\
period      todo  why
2025-01-01  skip  done by rewards/2025-01-01/1
2025-01-02  run   rewards/2025-01-02/1 failed (75)
2025-01-03  run   rewards/2025-01-03/1 failed (65)
2025-01-04  skip  done by rewards/2025-01-04/1
2025-01-05  skip  done by rewards/2025-01-05/1

rewards, 2025-01-01 to 2025-01-05: 2 of 5 days to run.
"
    );
    project.write("data/file-2025-01-03.csv", whole);
    project.write("data/ledger-2025-01-02.csv", ledger_rows());
    let again = project.run(&january("2025-01-05", &["--reprocess", "failed"])).ended_with(0);
    assert!(
        again.stderr.contains("backfill 2 of rewards: 2 of 5 days to run: 2025-01-02 to 2025-01-03\n"),
        "{again:?}"
    );
    let end = "\nbackfill 2 of rewards, attempt 1: 2 of 2 done, 0 not done, 3 left out\nExit code 0\n";
    assert!(again.stdout.ends_with(end), "{}", again.stdout);
    let listed = project.run(&["backfills", "rewards", "--format", "csv"]).ended_with(0).stdout;
    let lines: Vec<&str> = listed.lines().map(|line| line.rsplitn(3, ',').last().unwrap()).collect();
    assert_eq!(
        lines,
        [
            "backfill,job,from,to,reprocess,status,done,to_run,left_out,attempts",
            "2,rewards,2025-01-01,2025-01-05,failed,complete,2,2,3,1",
            "1,rewards,2025-01-01,2025-01-05,missing,ended,2,4,1,1",
        ]
    );
}

/// The small job with ledgers for so many days from 2025-03-19 on; the provider has the first day's file.
fn with_provider(count: u32, faults: &str) -> TestProject {
    let project = TestProject::new(&[settled(&file_rows())], faults);
    project.write("jobs/rewards.yaml", job(&[("file", "on_missing: break")]));
    for number in 0..count {
        let ledger = String::from_utf8(ledger_rows()).unwrap().replace(DAY, &format!("2025-03-{}", 19 + number));
        project.write(&format!("data/ledger-2025-03-{}.csv", 19 + number), ledger);
    }
    project
}

#[test]
fn refused_credentials_stop_it_and_the_same_command_goes_on() {
    let mut project = with_provider(4, "  - {on: token, nth: every, do: {status: 401}}\n");
    let command = backfill(DAY, "2025-03-22");
    let stopped = project.run(&command).ended_with(77);
    let why = "stopped because the provider refuses the credentials (77): the other periods would end like that";
    assert!(stopped.stdout.contains("attempt 1: 0 of 4 done, 4 not done, 0 left out\n"), "{}", stopped.stdout);
    assert!(stopped.stdout.contains(&format!("{why}; the same command goes on with it\n")), "{}", stopped.stdout);
    assert_eq!(runs_of_periods(&project).len(), 1);

    project.serve(&[settled(&file_rows())], "");
    project.write("jobs/rewards.yaml", job(&[("file", "on_missing: break"), ("job", "grace: 1d")]));
    let done = project.run(&command).ended_with(0);
    let changed =
        "WARN the job file has changed since attempt 1 of backfill 1: what was done by then was done by the other";
    assert!(done.stderr.contains(changed), "{}", done.stderr);
    assert!(done.stderr.contains("continuing backfill 1, begun 20"), "{}", done.stderr);
    assert!(done.stderr.contains(": 0 of 4 done; to run: 2025-03-19 to 2025-03-22\n"), "{}", done.stderr);
    let told = attempts(&project, 1);
    assert_eq!(told[0], ("stopped".to_owned(), [0, 0, 1], Some(77), Some(why.to_owned())));
    assert_eq!(told[1], ("ended".to_owned(), [4, 0, 0], Some(0), None));
    assert_eq!(shown(&project, 1)["backfill"]["status"], "complete");
}

#[test]
fn a_provider_that_is_away_three_times_in_a_row_stops_it() {
    let mut project = with_provider(5, "");
    project.stop_provider();
    let stopped = project.run(&backfill(DAY, "2025-03-23")).ended_with(69);
    let why = "stopped because 3 periods in a row ended with 69";
    assert!(stopped.stdout.contains(&format!("{why}; the same command goes on with it\n")), "{}", stopped.stdout);
    assert_eq!(attempts(&project, 1), [("stopped".to_owned(), [0, 0, 3], Some(69), Some(why.to_owned()))]);
    // What did not end well is tried again, and first.
    let dry = project.run(&[&backfill(DAY, "2025-03-23")[..], &["--dry-run"]].concat()).ended_with(0);
    assert!(dry.stdout.contains("2025-03-21  run   rewards/2025-03-21/1 failed (69)\n"), "{}", dry.stdout);
    assert!(dry.stdout.contains(": 5 of 5 days to run; this goes on with backfill 1, begun 20"), "{}", dry.stdout);
}

#[test]
fn asked_to_stop_the_period_under_way_ends_and_no_other_begins() {
    let mut project = with_provider(3, "  - {on: download, nth: 1, do: {slow: 30s}}\n");
    project.set_http("{idle_timeout: 60s, attempts: 1}");
    let process = project.command(&backfill(DAY, "2025-03-21")).spawn().unwrap();
    wait_until("the list of files", || project.received().iter().any(|request| request.path.ends_with("/metadata")));
    signal("-TERM", &process);
    let stopped = project.ended(process).ended_with(75);
    assert!(stopped.stderr.contains("WARN 2025-03-19  interrupted: stopped by SIGTERM; "), "{}", stopped.stderr);
    let told = "attempt 1: 0 of 3 done, 3 not done, 0 left out\nstopped by SIGTERM; the same command goes on with it\n";
    assert!(stopped.stdout.contains(told), "{}", stopped.stdout);
    assert_eq!(runs_of_periods(&project).into_values().collect::<Vec<_>>(), [["interrupted"]]);

    project.serve(&[settled(&file_rows())], "");
    project.run(&backfill(DAY, "2025-03-21")).ended_with(0);
    let runs: Vec<_> = runs_of_periods(&project).into_values().collect();
    assert_eq!(runs, [vec!["interrupted", "done"], vec!["done"], vec!["done"]]);
}

#[test]
fn one_backfill_of_a_job_at_a_time() {
    let project = days(&labels(3));
    let command = january("2025-01-03", &[]);
    let first = project.command(&command).env("TIEOUT_STOP_AFTER", "backfill:1").spawn().unwrap();
    wait_until_stopped(&first);
    let pid = first.id();
    let second = project.run(&command).ended_with(75);
    let told = format!("a backfill of rewards is already running (pid {pid} since ");
    assert!(second.error().starts_with(&told), "{}", second.error());
    assert!(second.error().ends_with("); try again when it has ended"), "{}", second.error());
    signal("-CONT", &first);
    project.ended(first).ended_with(0);
    assert_eq!(attempts(&project, 1), [("ended".to_owned(), [3, 0, 0], Some(0), None)]);
}

#[test]
fn what_sends_without_asking_needs_a_yes_where_there_is_no_terminal() {
    let project = effect_project::project(&[FAST, AUDITS].concat(), "");
    let command = backfill(DAY, DAY);
    let what = "a backfill of rewards over 1 period sends audits that nobody is asked about";
    let refused = project.run(&command).ended_with(2);
    let needs = "and there is no terminal to ask on; give --yes to go on, or --dry-run to see the periods";
    assert_eq!(refused.error(), format!("{what}, {needs}"));
    assert!(!project.path(".tieout/state.db").exists());
    let dry = project.run(&[&command[..], &["--dry-run"]].concat()).ended_with(0);
    assert!(dry.stdout.ends_with(&format!("It asks first, unless --yes is given: {what}.\n")), "{}", dry.stdout);

    project.run(&[&command[..], &["--yes"]].concat()).ended_with(0);
    assert!(states(&project).values().all(|state| state == "acknowledged"));
    assert_eq!(applied(&project).len(), 4);
    // Nothing is to be run: nothing is asked.
    project.run(&command).ended_with(0);
}

#[test]
fn what_was_approved_and_waits_needs_a_yes_too() {
    let waits = AUDITS.replace("approval: none", "approval: required");
    let project = effect_project::project(&[FAST, &waits].concat(), "");
    let command = [&backfill(DAY, DAY)[..], &["--reprocess", "all"]].concat();
    // A person is asked about each: nothing is sent.
    project.run(&command).ended_with(0);
    assert!(applied(&project).is_empty());
    let run = format!("rewards/{DAY}/1");
    project.run(&["approve", "--all", "--run", &run, "--by", "Mara"]).ended_with(0);
    let refused = project.run(&command).ended_with(2);
    let what = "a backfill of rewards over 1 period sends 4 effects that are approved, and there is no terminal";
    assert!(refused.error().starts_with(what), "{}", refused.error());
    // Offline nothing is sent.
    project.run(&[&command[..], &["--offline"]].concat());
    assert!(applied(&project).is_empty());
    project.run(&[&command[..], &["--yes"]].concat()).ended_with(0);
    assert_eq!(applied(&project).len(), 4);
}

#[test]
fn months_are_run_where_the_jobs_periods_are_months() {
    let project = days(&[]);
    let monthly = job(&[]).replace("grain: day", "grain: month");
    project.write("jobs/rewards.yaml", monthly);
    let dry = project.run(&[&backfill("2024-12", "2025-02")[..], &["--dry-run"]].concat()).ended_with(0);
    assert!(dry.stdout.ends_with("rewards, 2024-12 to 2025-02: 3 of 3 months to run.\n"), "{}", dry.stdout);
    let refused = project.run(&backfill("2024-12-01", "2025-02")).ended_with(2);
    assert!(refused.error().ends_with("is a day, but the job's period is a month; expected YYYY-MM: 2024-12"));
}
