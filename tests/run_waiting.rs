//! `wait_until`: a run looks again for an input that is not there, until a time of day.

use std::io::{BufRead as _, BufReader};
use std::process::Child;

use chrono::{Days, Utc};
use chrono_tz::Tz;
use tieout::job::load::load_all;

use crate::project_files::Workspace;
use crate::schedule_plan::job_text;
use crate::support::project::TestProject;

/// A zone in which the day has hours left, whatever the time is here.
fn zone_with_time_left() -> Tz {
    let now = Utc::now();
    let zones = [Tz::UTC, Tz::Asia__Tokyo];
    let left = |zone: &Tz| now.with_timezone(zone).format("%H").to_string().parse::<u32>().unwrap() < 21;
    zones.into_iter().find(left).unwrap()
}

/// A job whose ledger is waited for, as `wait` says.
fn job(zone: Tz, wait: &str) -> String {
    let schedule = format!("{{cron: \"0 1 * * *\", timezone: {}}}", zone.name());
    job_text("daily", "day", &schedule)
        .replace("grain: day, timezone: UTC", &format!("grain: day, timezone: {}", zone.name()))
        .replace("ledger: {path:", &format!("ledger: {{wait_until: {wait}, path:"))
}

/// Yesterday's file is there, its ledger is not.
fn project(wait: &str) -> (TestProject, String) {
    let zone = zone_with_time_left();
    let label = (Utc::now().with_timezone(&zone).date_naive() - Days::new(1)).to_string();
    let project = TestProject::empty();
    project.write("jobs/daily.yaml", job(zone, wait));
    project.write(&format!("data/file-{label}.csv"), "id,amount\na,1.00\n");
    (project, label)
}

/// Starts a run and returns when it says that it waits.
fn waiting(project: &TestProject, label: &str) -> Child {
    let mut run = project.command(&["run", "daily", "--period", label]).spawn().unwrap();
    let mut stderr = BufReader::new(run.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("is not there yet; waiting for it until") {
        let mut line = String::new();
        assert!(stderr.read_line(&mut line).unwrap() > 0, "it ended: {said}");
        said.push_str(&line);
    }
    // Who writes to a pipe that nobody reads would end by that.
    std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
    run
}

#[test]
fn a_run_goes_on_as_soon_as_the_input_comes() {
    let (project, label) = project("\"23:59\"");
    let run = waiting(&project, &label);
    project.write(&format!("data/ledger-{label}.csv"), "id,amount\na,1.00\n");
    project.ended(run).ended_with(0);
    let breaks = project.run(&["breaks", &format!("daily/{label}/1"), "--format", "json"]).ended_with(0);
    assert_eq!(breaks.stdout, "[]\n");
}

#[test]
fn a_run_that_waits_and_is_told_to_stop_ends_with_75() {
    let (project, label) = project("{time: \"23:59\"}");
    let mut run = waiting(&project, &label);
    let killed = std::process::Command::new("kill").args(["-TERM", &run.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert_eq!(run.wait().unwrap().code(), Some(75));
    let runs = project.run(&["runs", "daily", "--format", "csv"]).ended_with(0);
    assert!(runs.stdout.contains("interrupted"), "{}", runs.stdout);
}

#[test]
fn when_its_time_is_over_the_run_goes_on_and_says_file_missing() {
    let project = TestProject::empty();
    project.write("jobs/daily.yaml", job(Tz::UTC, "\"11:30\""));
    project.write("data/file-2025-03-19.csv", "id,amount\na,1.00\n");
    let run = project.run(&["run", "daily", "--period", "2025-03-19"]).ended_with(0);
    assert!(!run.stderr.contains("waiting for it"), "{}", run.stderr);
    let breaks = project.run(&["breaks", "daily/2025-03-19/1", "--format", "csv"]).ended_with(0);
    assert!(breaks.stdout.contains("file_missing"), "{}", breaks.stdout);
}

#[test]
fn a_plan_waits_for_nothing() {
    let (project, label) = project("\"23:59\"");
    let plan = project.run(&["plan", "daily", "--period", &label]).ended_with(75);
    assert!(plan.error().contains(&format!("no ledger input for {label} yet")), "{}", plan.stderr);
}

#[test]
fn the_time_is_read_on_the_clocks_of_the_schedule() {
    let day = crate::support::day("2025-03-19");
    for (schedule, wait, expected) in [
        ("{cron: \"0 1 * * *\"}", "\"11:30\"", "2025-03-20T11:30:00Z"),
        ("{cron: \"0 1 * * *\", timezone: America/New_York}", "\"11:30\"", "2025-03-20T15:30:00Z"),
        (
            "{cron: \"0 1 * * *\", timezone: America/New_York}",
            "{time: \"11:30\", timezone: UTC}",
            "2025-03-20T11:30:00Z",
        ),
    ] {
        let workspace = Workspace::new("{}\n");
        let text = job_text("daily", "day", schedule);
        workspace
            .write("jobs/daily.yaml", text.replace("ledger: {path:", &format!("ledger: {{wait_until: {wait}, path:")));
        let (jobs, problems) = load_all(&workspace.project());
        assert!(problems.is_empty(), "{problems}");
        let until = jobs[0].input(tieout::frames::Side::Ledger).unwrap().wait_until.as_ref().unwrap();
        assert_eq!(until.of(&day), crate::support::utc(expected), "{schedule} {wait}");
    }
}

#[test]
fn a_time_that_is_none_is_told_with_its_place() {
    for (wait, told) in [
        ("\"noon\"", "`noon` is no time of day; expected hours and minutes such as \"11:30\""),
        ("\"24:00\"", "`24:00` is no time of day; expected hours and minutes such as \"11:30\""),
        ("{day: 3, time: \"11:30\"}", "`day` is a day of the month after the period, and this job's period is a day"),
        ("{time: \"11:30\", timezone: Mars/Base}", "Mars/Base"),
    ] {
        let workspace = Workspace::new("{}\n");
        workspace.write("jobs/daily.yaml", job(Tz::UTC, wait));
        let (_, problems) = load_all(&workspace.project());
        assert!(problems.to_string().contains(told), "{wait}: {problems}");
    }
}
