//! What is due, and what is done about it: pure.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use tieout::exit::ExitCode;
use tieout::job::Job;
use tieout::job::load::load_all_from;
use tieout::journal::{RunRecord, RunStatus};
use tieout::schedule::plan::{self, Planner};
use tieout::schedule::{Due, History};

use crate::support::utc;

/// A job over local files; `schedule` as it is written.
pub(crate) fn job_text(name: &str, grain: &str, schedule: &str) -> String {
    format!(
        "job: {name}
period: {{grain: {grain}, timezone: UTC}}
schedule: {schedule}
inputs:
  file: {{path: \"file-{{period}}.csv\", columns: {{transaction_id: id, amount: {{column: amount, unit: major}}, currency: {{constant: USD}}}}}}
  ledger: {{path: \"ledger-{{period}}.csv\", columns: {{transaction_id: id, amount: {{column: amount, unit: major}}, currency: {{constant: USD}}}}}}
match: {{compare: {{amount: {{tolerance: 0}}}}}}
"
    )
}

/// Name, grain and schedule of each job, as the jobs of a project.
pub(crate) fn jobs(written: &[(&str, &str, &str)]) -> Vec<Job> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("jobs")).unwrap();
    for (name, grain, schedule) in written {
        let path = folder.path().join(format!("jobs/{name}.yaml"));
        std::fs::write(path, job_text(name, grain, schedule)).unwrap();
    }
    let (jobs, problems) = load_all_from(folder.path(), None);
    assert!(problems.is_empty(), "{problems}");
    jobs
}

/// The latest attempt for a period, and how it ended.
pub(crate) fn run(job: &Job, period: &str, code: Option<ExitCode>, at: DateTime<Utc>) -> RunRecord {
    let status = match code {
        None => RunStatus::Running,
        Some(ExitCode::Done | ExitCode::PersonNeeded) => RunStatus::Done,
        Some(ExitCode::GateBreached) => RunStatus::GateBreached,
        Some(_) => RunStatus::Failed,
    };
    RunRecord {
        id: format!("{}/{period}/1", job.name),
        job: job.name.clone(),
        period: period.to_owned(),
        attempt: 1,
        note: None,
        job_sha256: job.digest.clone(),
        program_version: "0".to_owned(),
        sandbox: false,
        started_at: at,
        status,
        exit_code: code.map(|code| code as u8),
        breaks: None,
        rows: None,
        ties_out: None,
        message: None,
        finished_at: code.map(|_| at),
        artifacts: None,
        started_by: None,
        lease_epoch: None,
    }
}

/// Each job with what was run of it.
pub(crate) fn world(jobs: Vec<Job>, runs: &[RunRecord]) -> BTreeMap<String, (Job, History)> {
    let history = |job: &Job| {
        let own: Vec<RunRecord> = runs.iter().filter(|run| run.job == job.name).cloned().collect();
        let first = own.iter().map(|run| run.period.clone()).min();
        History::of(&own, first)
    };
    jobs.into_iter().map(|job| (job.name.clone(), (job.clone(), history(&job)))).collect()
}

fn due(jobs: &BTreeMap<String, (Job, History)>, now: &str, since: Option<&str>) -> Vec<Due> {
    Planner { jobs, now: utc(now), watched_since: since.map(utc) }.due()
}

/// `2025-03-19 run: never run`
fn words(due: &[Due]) -> Vec<String> {
    let until = |one: &Due| match one.todo {
        tieout::schedule::Todo::Wait(until) => format!(" until {}", until.format("%H:%M")),
        _ => String::new(),
    };
    due.iter().map(|one| format!("{} {}{}: {}", one.period, one.todo.name(), until(one), one.why)).collect()
}

const DAILY: &str = "{cron: \"45 9 * * *\", catchup: 3}";

#[test]
fn before_its_time_nothing_new_is_due_and_at_its_time_the_last_complete_period_is() {
    let world = |runs: &[RunRecord]| world(jobs(&[("daily", "day", DAILY)]), runs);
    // Never run at all: what lies before the latest period was not missed.
    assert_eq!(words(&due(&world(&[]), "2025-03-20T09:45:00Z", None)), ["2025-03-19 run: never run"]);
    let job = &jobs(&[("daily", "day", DAILY)])[0];
    let done = run(job, "2025-03-18", Some(ExitCode::Done), utc("2025-03-19T09:46:00Z"));
    assert!(due(&world(std::slice::from_ref(&done)), "2025-03-20T09:44:59Z", None).is_empty());
    assert_eq!(words(&due(&world(&[done]), "2025-03-20T09:45:00Z", None)), ["2025-03-19 run: never run"]);
}

#[test]
fn what_was_missed_is_made_good_as_the_schedule_says() {
    for (catchup, since, expected) in [
        ("none", "2025-03-20T09:00:00Z", &["2025-03-19"][..]),
        ("none", "2025-03-20T10:00:00Z", &[]),
        ("latest", "2025-03-20T10:00:00Z", &["2025-03-19"]),
        ("2", "2025-03-20T10:00:00Z", &["2025-03-17", "2025-03-18", "2025-03-19"]),
        // Not before the first period that was ever tried, and not what is finished.
        (
            "30",
            "2025-03-20T10:00:00Z",
            &["2025-03-12", "2025-03-13", "2025-03-15", "2025-03-16", "2025-03-17", "2025-03-18", "2025-03-19"],
        ),
    ] {
        let schedule = format!("{{cron: \"45 9 * * *\", catchup: {catchup}}}");
        let jobs = jobs(&[("daily", "day", &schedule)]);
        let at = utc("2025-03-12T09:45:00Z");
        let runs = ["2025-03-11", "2025-03-14"].map(|period| run(&jobs[0], period, Some(ExitCode::Done), at));
        let found = due(&world(jobs, &runs), "2025-03-20T10:05:00Z", Some(since));
        let labels: Vec<&str> = found.iter().map(|one| one.period.label.as_str()).collect();
        assert_eq!(labels, expected, "{catchup} since {since}");
    }
}

#[test]
fn a_run_is_tried_again_where_that_may_help_and_else_left_to_a_person() {
    let ended = utc("2025-03-20T10:00:00Z");
    for (code, now, expected) in [
        (Some(ExitCode::TryAgainLater), "2025-03-20T10:10:00Z", "wait until 10:15: daily/2025-03-19/1 failed (75)"),
        (Some(ExitCode::TryAgainLater), "2025-03-20T10:15:00Z", "run: daily/2025-03-19/1 failed (75)"),
        (Some(ExitCode::ProviderUnavailable), "2025-03-20T10:15:00Z", "run: daily/2025-03-19/1 failed (69)"),
        (None, "2025-03-20T10:14:00Z", "wait until 10:15: daily/2025-03-19/1 has not ended"),
        (None, "2025-03-20T10:15:00Z", "run: daily/2025-03-19/1 has not ended"),
        (Some(ExitCode::InputData), "2025-03-20T20:00:00Z", "given_up: daily/2025-03-19/1 failed (65)"),
        (Some(ExitCode::Configuration), "2025-03-20T20:00:00Z", "given_up: daily/2025-03-19/1 failed (78)"),
        (Some(ExitCode::InvariantFailed), "2025-03-20T20:00:00Z", "given_up: daily/2025-03-19/1 failed (70)"),
    ] {
        let jobs = jobs(&[("daily", "day", DAILY)]);
        let runs = [run(&jobs[0], "2025-03-19", code, ended)];
        let found = words(&due(&world(jobs, &runs), now, None));
        assert_eq!(found, [format!("2025-03-19 {expected}")], "{code:?} at {now}");
    }
    // The next time that the schedule fires, it is tried once more; at another job file's first sight, at once.
    let jobs = jobs(&[("daily", "day", DAILY)]);
    let runs = [run(&jobs[0], "2025-03-19", Some(ExitCode::InputData), ended)];
    let found = words(&due(&world(jobs.clone(), &runs), "2025-03-21T09:45:00Z", None));
    assert_eq!(found, ["2025-03-19 run: daily/2025-03-19/1 failed (65)", "2025-03-20 run: never run"]);
    let other = [RunRecord { job_sha256: "of another file".to_owned(), ..runs[0].clone() }];
    let found = words(&due(&world(jobs, &other), "2025-03-20T10:01:00Z", None));
    assert_eq!(found, ["2025-03-19 run: daily/2025-03-19/1 failed (65); the job file is another now"]);
}

#[test]
fn what_fails_for_unknown_reasons_is_tried_ever_more_seldom() {
    let jobs = jobs(&[("daily", "day", DAILY)]);
    let ended = utc("2025-03-20T10:00:00Z");
    let one = run(&jobs[0], "2025-03-19", Some(ExitCode::Unexpected), ended);
    for (tries, until) in [(1, "10:15"), (2, "10:30"), (3, "11:00"), (4, "12:00"), (5, "14:00"), (9, "14:00")] {
        let runs = vec![one.clone(); tries];
        let found = words(&due(&world(jobs.clone(), &runs), "2025-03-20T10:01:00Z", None));
        assert_eq!(found, [format!("2025-03-19 wait until {until}: daily/2025-03-19/1 failed (1)")], "{tries}");
    }
}

#[test]
fn a_month_waits_for_its_days() {
    let monthly = "{cron: \"0 17 15-20 * *\", after: [daily]}";
    let written = [("daily", "day", DAILY), ("monthly", "month", monthly)];
    let of_month = |runs: &[RunRecord]| {
        let mut found = due(&world(jobs(&written), runs), "2025-03-15T17:00:00Z", None);
        found.retain(|one| one.job == "monthly");
        words(&found)
    };
    let job = jobs(&written).remove(0);
    let at = utc("2025-03-01T09:46:00Z");
    let mut runs: Vec<RunRecord> =
        (1..=28).map(|day| run(&job, &format!("2025-02-{day:02}"), Some(ExitCode::GateBreached), at)).collect();
    assert_eq!(of_month(&runs), ["2025-02 run: never run"]);
    runs[10].status = RunStatus::Failed;
    assert_eq!(of_month(&runs), ["2025-02 blocked: waits for daily 2025-02-11"]);
    runs.truncate(10);
    assert_eq!(of_month(&runs), ["2025-02 blocked: waits for daily 2025-02-11 and 17 more"]);
    // As far back as that is asked of the journal.
    let earliest = plan::earliest(&jobs(&written), utc("2025-03-15T17:00:00Z"));
    assert_eq!(earliest["daily"].label, "2025-02-01");
    assert_eq!(earliest["monthly"].label, "2025-02");
}

#[test]
fn jobs_that_can_never_have_their_turn_are_told() {
    let jobs = jobs(&[
        ("first", "day", "{cron: \"0 9 * * *\", after: [second]}"),
        ("second", "day", "{cron: \"0 9 * * *\", after: [first]}"),
        ("third", "day", "{cron: \"0 9 * * *\", after: [nobody, month]}"),
        ("month", "month", "{cron: \"0 9 1 * *\"}"),
    ]);
    assert_eq!(
        plan::problems(&jobs),
        [
            "first: schedule.after waits for itself by way of first, second",
            "second: schedule.after waits for itself by way of first, second",
            "third: schedule.after names `nobody`, and there is no such job",
            "third: schedule.after names `month`, whose periods are longer than its own",
        ]
    );
}

#[test]
fn what_is_wrong_with_a_schedule_is_told_with_its_place() {
    for (schedule, expected) in [
        (
            "{cron: \"0 9 * * *\", catchup: all}",
            "`schedule.catchup` is `all`; expected `none`, `latest` or a whole number",
        ),
        ("{cron: \"0 9 * * *\", catchup: 500}", "`schedule.catchup` is 500; expected at most 400"),
        ("{cron: \"0 9 * * *\", retry: 10s}", "`10s` is too short; expected 1m or more"),
        ("{cron: \"0 9 * * *\", after: [daily]}", "a job cannot wait for itself"),
        (
            "{cron: \"0 9 * * *\", calendar: nyse}",
            "unknown calendar `nyse`; expected one of `us-federal`; own calendars stand in calendars/NAME.yaml",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("jobs")).unwrap();
        std::fs::write(folder.path().join("jobs/daily.yaml"), job_text("daily", "day", schedule)).unwrap();
        let (_, problems) = load_all_from(folder.path(), None);
        let told: Vec<String> = problems.iter().map(tieout::config::Problem::headline).collect();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with("jobs/daily.yaml:3:") && told[0].ends_with(expected), "{told:?}");
    }
}
