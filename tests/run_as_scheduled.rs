//! `tieout run JOB --period auto --as-scheduled`: what a CronJob starts does what the schedule asks for.

use tieout::schedule::asked::made_for;

use crate::schedule_plan::job_text;
use crate::support::backfill_project::runs_of_job;
use crate::support::project::{Output, TestProject};
use crate::support::utc;

fn project(jobs: &[(&str, &str, &str)], days: &[&str]) -> TestProject {
    let project = TestProject::empty();
    for (name, grain, schedule) in jobs {
        project.write(&format!("jobs/{name}.yaml"), job_text(name, grain, schedule));
    }
    for day in days {
        put(&project, day);
    }
    project
}

fn put(project: &TestProject, label: &str) {
    for side in ["file", "ledger"] {
        project.write(&format!("data/{side}-{label}.csv"), format!("id,amount\n{label},1.00\n"));
    }
}

fn run_at(project: &TestProject, job: &str, at: &str) -> Output {
    project.run(&["run", job, "--period", "auto", "--as-scheduled", "--scheduled-at", at])
}

/// The periods of a job that were run, with how.
fn runs(project: &TestProject, job: &str) -> Vec<(String, Vec<String>)> {
    runs_of_job(project, job).into_iter().map(|(label, runs)| (label.clone(), runs.clone())).collect()
}

fn done(labels: &[&str]) -> Vec<(String, Vec<String>)> {
    labels.iter().map(|label| ((*label).to_owned(), vec!["done".to_owned()])).collect()
}

#[test]
fn what_is_finished_is_not_run_again_and_what_was_missed_is_made_good() {
    let days = ["2025-03-19", "2025-03-20", "2025-03-21", "2025-03-22"];
    let project = project(&[("daily", "day", "{cron: \"0 6 * * *\", catchup: 2}")], &days);
    run_at(&project, "daily", "2025-03-20T06:00:00Z").ended_with(0);
    // Nobody was there before the first one: nothing was missed.
    assert_eq!(runs(&project, "daily"), done(&["2025-03-19"]));
    let again = run_at(&project, "daily", "2025-03-20T06:00:00Z").ended_with(0);
    assert!(again.stderr.contains("nothing to do: what the schedule asks for is finished"), "{}", again.stderr);
    run_at(&project, "daily", "2025-03-23T06:00:00Z").ended_with(0);
    assert_eq!(runs(&project, "daily"), done(&days));
}

#[test]
fn a_period_that_fails_keeps_no_other_from_being_run_and_decides_the_code() {
    let project = project(&[("daily", "day", "{cron: \"0 6 * * *\", catchup: 1}")], &["2025-03-19", "2025-03-21"]);
    run_at(&project, "daily", "2025-03-20T06:00:00Z").ended_with(0);
    // The files of the 20th are not there; those of the 21st are.
    let both = run_at(&project, "daily", "2025-03-22T06:00:00Z").ended_with(75);
    assert!(both.error().contains("no file input for 2025-03-20 yet"), "{}", both.stderr);
    let found = runs(&project, "daily");
    assert_eq!(found[1].1, ["failed"]);
    assert_eq!(found[2], done(&["2025-03-21"])[0]);
    put(&project, "2025-03-20");
    run_at(&project, "daily", "2025-03-22T06:00:00Z").ended_with(0);
    assert_eq!(runs(&project, "daily")[1].1, ["failed", "done"]);
}

#[test]
fn while_the_jobs_before_it_are_not_done_it_is_to_be_tried_again() {
    let daily = ("daily", "day", "{cron: \"0 6 * * *\", catchup: 40}");
    let monthly = ("monthly", "month", "{cron: \"0 8 15 * *\", after: [daily]}");
    let project = project(&[daily, monthly], &["2025-02"]);
    let blocked = run_at(&project, "monthly", "2025-03-15T08:00:00Z").ended_with(75);
    assert_eq!(blocked.error(), "monthly: 2025-02 is not run yet: it waits for daily 2025-02-01 and 27 more");
    assert!(runs(&project, "monthly").is_empty());
    for day in 1..=28 {
        let label = format!("2025-02-{day:02}");
        put(&project, &label);
        project.run(&["run", "daily", "--period", &label]).ended_with(0);
    }
    run_at(&project, "monthly", "2025-03-15T08:00:00Z").ended_with(0);
    assert_eq!(runs(&project, "monthly"), done(&["2025-02"]));
}

#[test]
fn on_a_closed_day_nothing_new_is_asked_for() {
    let schedule = "{cron: \"0 6 * * *\", calendar: us-federal}";
    let project = project(&[("daily", "day", schedule)], &["2025-07-02", "2025-07-06"]);
    run_at(&project, "daily", "2025-07-03T06:00:00Z").ended_with(0);
    for closed in ["2025-07-04T06:00:00Z", "2025-07-05T06:00:00Z", "2025-07-06T06:00:00Z"] {
        let nothing = run_at(&project, "daily", closed).ended_with(0);
        assert!(nothing.stderr.contains("nothing to do"), "{closed}: {}", nothing.stderr);
    }
    run_at(&project, "daily", "2025-07-07T06:00:00Z").ended_with(0);
    assert_eq!(runs(&project, "daily"), done(&["2025-07-02", "2025-07-06"]));
}

#[test]
fn a_run_by_hand_is_run_whatever_the_schedule_says() {
    let project = project(&[("daily", "day", "{cron: \"0 6 * * *\"}")], &["2025-03-19"]);
    for attempt in 1..=2 {
        project.run(&["run", "daily", "--period", "auto", "--scheduled-at", "2025-03-20T06:00:00Z"]).ended_with(0);
        assert_eq!(runs(&project, "daily")[0].1.len(), attempt);
    }
}

#[test]
fn what_cannot_be_asked_of_a_schedule_is_a_wrong_command_line() {
    let project = project(&[("daily", "day", "{cron: \"0 6 * * *\"}")], &[]);
    let text = job_text("by-hand", "day", "{cron: \"0 6 * * *\"}");
    project.write("jobs/by-hand.yaml", text.replace("schedule: {cron: \"0 6 * * *\"}\n", ""));
    for (job, period, told) in [
        ("by-hand", "auto", "job by-hand has no schedule; without --as-scheduled it can be run"),
        (
            "daily",
            "2025-03-19",
            "--as-scheduled asks the schedule which period to run, and --period says 2025-03-19; expected auto",
        ),
    ] {
        let refused = project.run(&["run", job, "--period", period, "--as-scheduled"]).ended_with(2);
        assert_eq!(refused.error(), told);
    }
}

#[test]
fn the_name_of_a_job_says_for_which_minute_it_was_made() {
    let now = utc("2025-03-20T13:46:10Z");
    for (name, expected) in [
        ("rewards-daily-29041305", Some("2025-03-20T13:45:00Z")),
        ("prod-rewards-29041300", Some("2025-03-20T13:40:00Z")),
        // A week late, and by a clock that is a little ahead.
        ("rewards-daily-29031226", Some("2025-03-13T13:46:00Z")),
        ("rewards-daily-29041307", Some("2025-03-20T13:47:00Z")),
        ("rewards-daily-20250319", None),
        ("rewards-daily-manual-x7k2p", None),
        ("rewards-daily-", None),
        ("29041305", None),
        ("rewards-daily-+9041305", None),
        ("rewards-daily-99999999999999999999", None),
        ("$(TIEOUT_KUBERNETES_JOB)", None),
        ("", None),
    ] {
        assert_eq!(made_for(name, now), expected.map(utc), "{name}");
    }
}

#[test]
fn a_pod_that_starts_late_takes_the_period_of_its_job() {
    let project = project(&[("daily", "day", "{cron: \"50 23 * * *\"}")], &["2025-03-18", "2025-03-19"]);
    // Made for 23:50 of the 19th, started on the 20th.
    let job = format!("daily-{}", utc("2025-03-19T23:50:00Z").timestamp() / 60);
    let arguments = ["run", "daily", "--period", "auto", "--as-scheduled", "--scheduled-by", &job];
    project.run(&[&arguments[..], &["--run-time", "2025-03-20T00:05:00Z"]].concat()).ended_with(0);
    assert_eq!(runs(&project, "daily"), done(&["2025-03-18"]));
    // Made by hand: now.
    let arguments = ["run", "daily", "--period", "auto", "--scheduled-by", "daily-by-hand"];
    let by_hand = project.run(&[&arguments[..], &["--run-time", "2025-03-20T00:05:00Z"]].concat()).ended_with(0);
    assert!(by_hand.stderr.contains("the name of the Job daily-by-hand says no time"), "{}", by_hand.stderr);
    assert_eq!(runs(&project, "daily"), done(&["2025-03-18", "2025-03-19"]));
}
