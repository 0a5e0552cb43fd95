//! `tieout backfill --with-days`: the days of months first, then the months, as one command.

use std::os::unix::process::ExitStatusExt;

use serde_json::Value;

use crate::support::backfill_project::{attempts, runs_of_job, shown};
use crate::support::project::{TestProject, keyed_rows};

const COLUMNS: &str = "{transaction_id: id, amount: {column: amount, unit: major}, currency: {constant: USD}, \
     occurred_at: at, issuer_commission: {column: commission, unit: major}, \
     user_reward: {column: reward, unit: major}, payment_status: payment}";

/// Nothing but this machine decides how it goes.
fn job(name: &str, grain: &str, [file, ledger]: [&str; 2], more: &str) -> String {
    format!(
        "job: {name}\nperiod: {{grain: {grain}, timezone: UTC}}\ninputs:\n  file: {{path: \"{file}\", columns: {COLUMNS}}}\n  \
         ledger: {{path: \"{ledger}\", columns: {COLUMNS}}}\nmatch: {{compare: {{amount: {{tolerance: 0}}}}}}\n\
         report: [csv]\n{more}"
    )
}

/// The days of February 2025, each with one purchase, and the month's own file.
fn february() -> TestProject {
    let project = TestProject::new(&[], "");
    let daily = job("daily", "day", ["file-{period}.csv", "ledger-{period}.csv"], "");
    let closes = "month_end: {dailies: daily, earlier: 1, payout: at_once}\n";
    let monthly = job("monthly", "month", ["month-{period}.csv", "ledger-{period}-*.csv"], closes);
    project.write("jobs/daily.yaml", daily);
    project.write("jobs/monthly.yaml", monthly);
    let header = "id,amount,at,commission,reward,payment\n";
    let row = |day: &str| format!("t-{day},10.00,{day}T12:00:00Z,0.50,0.20,PENDING\n");
    let days: Vec<String> = (1..=28).map(|day| format!("2025-02-{day:02}")).collect();
    for day in &days {
        project.write(&format!("data/file-{day}.csv"), format!("{header}{}", row(day)));
        project.write(&format!("data/ledger-{day}.csv"), format!("{header}{}", row(day)));
    }
    let rows: String = days.iter().map(|day| row(day)).collect();
    project.write("data/month-2025-02.csv", format!("{header}{rows}"));
    project
}

const BACKFILL: [&str; 6] = ["backfill", "monthly", "--from", "2025-02", "--to", "2025-02"];

fn with_days<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&BACKFILL[..], &["--with-days"], more].concat()
}

/// Key and kind of the month's last report.
fn breaks(project: &TestProject, attempt: u32) -> Vec<String> {
    let rows = keyed_rows(&project.path(&format!("runs/monthly/2025-02/{attempt}/breaks.csv")));
    rows.into_iter().map(|[key, kind, ..]| format!("{kind} {key}")).collect()
}

/// The jobs of the runs, in the order in which they were started, each as often as it was run in a row.
fn order_of_jobs(project: &TestProject) -> Vec<(String, usize)> {
    let listed = project.run(&["runs", "--limit", "1000", "--format", "json"]).ended_with(0).stdout;
    let runs: Vec<Value> = serde_json::from_str(&listed).unwrap();
    let mut order: Vec<(String, usize)> = Vec::new();
    for run in runs.iter().rev() {
        let job = run["run"].as_str().unwrap().split('/').next().unwrap().to_owned();
        match order.last_mut() {
            Some((last, count)) if *last == job => *count += 1,
            _ => order.push((job, 1)),
        }
    }
    order
}

fn times(order: &[(&str, usize)]) -> Vec<(String, usize)> {
    order.iter().map(|(job, count)| ((*job).to_owned(), *count)).collect()
}

#[test]
fn one_command_runs_the_days_and_then_the_month() {
    let project = february();
    let dry = project.run(&with_days(&["--dry-run"])).ended_with(0);
    assert_eq!(dry.stderr, "");
    let lines: Vec<&str> = dry.stdout.lines().collect();
    assert_eq!(lines[..2], ["job      period      todo  why", "daily    2025-02-01  run   never run"]);
    assert_eq!(
        lines[28..],
        [
            "daily    2025-02-28  run   never run",
            "monthly  2025-02     run   never run",
            "",
            "daily, 2025-02-01 to 2025-02-28: 28 of 28 days to run.",
            "monthly, 2025-02 to 2025-02: 1 of 1 months to run.",
        ]
    );
    assert!(!project.path(".tieout/state.db").exists());

    let done = project.run(&with_days(&["--max-parallel", "2", "--note", "the audit asks"])).ended_with(0);
    let end = "\nbackfill 1 of daily, attempt 1: 28 of 28 done, 0 not done, 0 left out\n\
         backfill 2 of monthly, attempt 1: 1 of 1 done, 0 not done, 0 left out\nExit code 0\n";
    assert!(done.stdout.ends_with(end), "{}", done.stdout);
    assert!(done.stdout.starts_with("job "), "{}", done.stdout);
    assert_eq!(order_of_jobs(&project), times(&[("daily", 28), ("monthly", 1)]));
    assert_eq!(breaks(&project, 1), [""; 0]);
    for id in [1, 2] {
        let shown = shown(&project, id);
        assert_eq!(shown["backfill"]["status"], "complete");
        assert_eq!(shown["attempts"][0]["note"], "the audit asks");
    }

    // Nothing is left; nothing is written down about that.
    let again = project.run(&with_days(&["--format", "csv"])).ended_with(0);
    assert!(again.stderr.contains("nothing is to be run"), "{}", again.stderr);
    assert_eq!(again.stdout, "job,period,done,status,run,exit_code,breaks,attempt,tries,took_ms,message\n");
    assert_eq!(project.run(&["backfills", "--format", "jsonl"]).stdout.lines().count(), 2);
}

#[test]
fn a_month_that_was_run_before_its_days_says_so_and_is_run_again_after_them() {
    let project = february();
    let told = "28 days of these months without a finished run of daily; --with-days runs them first\n";
    let dry = project.run(&[&BACKFILL[..], &["--dry-run"]].concat()).ended_with(0);
    assert!(dry.stderr.ends_with(told), "{}", dry.stderr);
    let alone = project.run(&BACKFILL).ended_with(0);
    assert!(alone.stderr.contains(told), "{}", alone.stderr);
    assert_eq!(breaks(&project, 1).iter().filter(|found| found.starts_with("file_missing ")).count(), 28);

    project.run(&["run", "daily", "--period", "2025-02-03"]).ended_with(0);
    let dry = project.run(&with_days(&["--dry-run", "--format", "csv"])).ended_with(0);
    assert!(dry.stdout.contains("\ndaily,2025-02-03,skip,done by daily/2025-02-03/1\n"), "{}", dry.stdout);
    let why = "\nmonthly,2025-02,run,\"done by monthly/2025-02/1, before 28 of its days\"\n";
    assert!(dry.stdout.ends_with(why), "{}", dry.stdout);

    let done = project.run(&with_days(&[])).ended_with(0);
    assert!(done.stdout.contains("27 of 27 done, 0 not done, 1 left out\n"), "{}", done.stdout);
    assert_eq!(breaks(&project, 2), [""; 0]);
    // Run after its days, it stands.
    let dry = project.run(&with_days(&["--dry-run"])).ended_with(0);
    assert!(dry.stdout.ends_with("monthly, 2025-02 to 2025-02: 0 of 1 months to run.\n"), "{}", dry.stdout);
    let dry = project.run(&[&BACKFILL[..], &["--dry-run"]].concat()).ended_with(0);
    assert_eq!(dry.stderr, "");
}

#[test]
fn killed_among_the_days_and_again_in_the_month_the_same_command_goes_on() {
    let project = february();
    let command = with_days(&["--reprocess", "all"]);
    let killed = |point: &str| {
        let process = project.command(&command).env("TIEOUT_KILL_BEFORE", point).spawn().unwrap();
        let output = process.wait_with_output().unwrap();
        assert_eq!(output.status.signal(), Some(9), "{point}: {}", String::from_utf8_lossy(&output.stderr));
    };
    killed("backfill:10");
    // One day is found done, eighteen are run, and the month's end is not written down any more.
    killed("backfill:20");
    let dry = project.run(&[&command[..], &["--dry-run"]].concat()).ended_with(0);
    assert!(dry.stdout.contains("\nmonthly, 2025-02 to 2025-02: 0 of 1 months to run; this goes on with backfill 2, "));
    assert!(!dry.stdout.contains("daily,"), "{}", dry.stdout);

    let done = project.run(&command).ended_with(0);
    let end = "\nbackfill 2 of monthly, attempt 2: 1 of 1 done, 0 not done, 0 left out\nExit code 0\n";
    assert!(done.stdout.ends_with(end), "{}", done.stdout);
    assert!(runs_of_job(&project, "daily").values().all(|runs| runs == &["done"]));
    assert_eq!(runs_of_job(&project, "monthly").into_values().collect::<Vec<_>>(), [["done"]]);
    assert_eq!(attempts(&project, 1).len(), 2);

    // It is over: the same command begins anew, with the days.
    let dry = project.run(&[&command[..], &["--dry-run"]].concat()).ended_with(0);
    assert!(dry.stdout.contains("\ndaily, 2025-02-01 to 2025-02-28: 28 of 28 days to run.\n"), "{}", dry.stdout);
}

#[test]
fn days_that_are_stopped_keep_the_month_from_beginning() {
    let project = february();
    project.write("data/file-2025-02-02.csv", "id,amount\n");
    // A day that fails does not stop the others, nor the month, which tells the day as missing.
    let done = project.run(&with_days(&[])).ended_with(65);
    assert!(done.stdout.contains("backfill 1 of daily, attempt 1: 27 of 28 done, 1 not done"), "{}", done.stdout);
    assert!(done.stdout.contains("backfill 2 of monthly, attempt 1: 1 of 1 done"), "{}", done.stdout);
    assert!(breaks(&project, 1).contains(&"file_missing 2025-02-02".to_owned()), "{:?}", breaks(&project, 1));

    let project = february();
    let command = with_days(&[]);
    let process = project.command(&command).env("TIEOUT_STOP_AFTER", "backfill:2").spawn().unwrap();
    crate::support::sending::wait_until_stopped(&process);
    crate::support::sending::signal("-TERM", &process);
    crate::support::sending::signal("-CONT", &process);
    let stopped = project.ended(process).ended_with(75);
    assert!(stopped.stdout.contains("stopped by SIGTERM; the same command goes on with it\n"), "{}", stopped.stdout);
    assert!(stopped.stdout.ends_with("monthly is not begun\nExit code 75\n"), "{}", stopped.stdout);
    assert!(runs_of_job(&project, "monthly").is_empty());
}

#[test]
fn a_job_without_days_is_refused() {
    let project = february();
    for job in ["daily", "monthly"] {
        let text = String::from_utf8(project.read("jobs/monthly.yaml")).unwrap();
        project.write("jobs/monthly.yaml", text.replace("dailies: daily, ", ""));
        let month = if job == "daily" { "2025-02-01" } else { "2025-02" };
        let refused = project.run(&["backfill", job, "--from", month, "--to", month, "--with-days"]).ended_with(2);
        let told = format!(
            "--with-days is for jobs that close months by their days, and {job} names no daily job; leave it out, or say \
             `month_end: {{dailies: JOB}}` in jobs/{job}.yaml"
        );
        assert_eq!(refused.error(), told);
    }
}
