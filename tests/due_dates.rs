//! Inputs that are due on a day by a calendar: the instant, over weekends, holidays and changes of the clocks; what a
//! job may write; and a run before and after.

use std::sync::Arc;

use chrono::{NaiveTime, TimeDelta};
use chrono_tz::Tz;
use tieout::calendar::{Calendar, DueDate};
use tieout::config::Problem;
use tieout::frames::Side;
use tieout::job::{self, Due, FileType, Grain};
use tieout::period::Period;

use crate::job_files::{load, workspace};
use crate::support::project::{TestProject, file_rows, job as small_job, ledger_rows, settled};
use crate::support::{Sample, utc};

fn period(label: &str) -> Period {
    let grain = if label.len() == 7 { Grain::Month } else { Grain::Day };
    Period::parse(label, grain, Tz::UTC).unwrap()
}

fn due(day: Option<u32>, time: &str, zone: &str) -> DueDate {
    let time: NaiveTime = time.parse().expect("HH:MM:SS");
    let calendar = Some(Arc::new(Calendar::us_federal()));
    DueDate { day, time, zone: zone.parse().unwrap(), calendar }
}

#[test]
fn the_fifteenth_moves_to_the_next_business_day() {
    let fifteenth = due(Some(15), "17:00:00", "America/New_York");
    let cases = [
        ("2025-03", "2025-04-15T21:00:00Z"), // a Tuesday
        ("2025-02", "2025-03-17T21:00:00Z"), // a Saturday
        ("2025-01", "2025-02-18T22:00:00Z"), // a Saturday, and Monday is Washington's Birthday
        ("2026-01", "2026-02-17T22:00:00Z"), // a Sunday before Washington's Birthday
        ("2027-01", "2027-02-16T22:00:00Z"), // Washington's Birthday
        ("2024-11", "2024-12-16T22:00:00Z"), // a Sunday
        ("2024-12", "2025-01-15T22:00:00Z"), // the next year
    ];
    for (label, instant) in cases {
        assert_eq!(fifteenth.of(&period(label)), utc(instant), "{label}");
    }
    let without = DueDate { calendar: None, ..fifteenth };
    assert_eq!(without.of(&period("2027-01")), utc("2027-02-15T22:00:00Z"), "every day will do");
}

#[test]
fn a_time_that_the_clocks_skip_or_repeat_is_one_instant() {
    let cases = [
        // The night of 2025-03-09: from 02:00 to 03:00 there is no time; the first one after it counts.
        ("2025-03-08", "02:30:00", "America/New_York", "2025-03-09T07:00:00Z"),
        ("2025-03-08", "01:59:00", "America/New_York", "2025-03-09T06:59:00Z"),
        ("2025-03-08", "03:00:00", "America/New_York", "2025-03-09T07:00:00Z"),
        // The night of 2025-11-02: 01:30 comes twice; the first one counts. 02:30 comes once.
        ("2025-11-01", "01:30:00", "America/New_York", "2025-11-02T05:30:00Z"),
        ("2025-11-01", "02:30:00", "America/New_York", "2025-11-02T07:30:00Z"),
        // In Berlin it is 02:30 that is skipped in spring and comes twice in autumn.
        ("2025-03-29", "02:30:00", "Europe/Berlin", "2025-03-30T01:00:00Z"),
        ("2025-10-25", "02:30:00", "Europe/Berlin", "2025-10-26T00:30:00Z"),
    ];
    for (label, time, zone, instant) in cases {
        let due = DueDate { calendar: None, ..due(None, time, zone) };
        assert_eq!(due.of(&period(label)), utc(instant), "{label} {time} {zone}");
    }
}

#[test]
fn a_day_is_due_on_the_next_business_day() {
    let morning = due(None, "09:00:00", "America/New_York");
    let cases = [
        ("2025-03-19", "2025-03-20T13:00:00Z"),
        ("2025-03-07", "2025-03-10T13:00:00Z"), // Friday: over the weekend in which the clocks change
        ("2025-03-08", "2025-03-10T13:00:00Z"), // Saturday
        ("2025-07-03", "2025-07-07T13:00:00Z"), // over Independence Day, a Friday
        ("2025-12-31", "2026-01-02T14:00:00Z"),
    ];
    for (label, instant) in cases {
        assert_eq!(morning.of(&period(label)), utc(instant), "{label}");
    }
    assert_eq!(morning.words(&period("2025-03-19")), "2025-03-20 09:00 America/New_York (2025-03-20 13:00 UTC)");
    assert_eq!(morning.to_string(), "the next day at 09:00 America/New_York, or the next business day of us-federal");
    assert_eq!(due(Some(15), "17:00:00", "UTC").words(&period("2025-02")), "2025-03-17 17:00 UTC");
}

const MONTHLY: &str = "\
job: daily
period: {grain: month, timezone: America/Chicago}
inputs:
  file:
    path: month-{period}.csv
    columns: {transaction_id: id, amount: amount, currency: currency}
    due: {day: 15, time: \"17:00\", calendar: us-federal}
  ledger:
    path: ledger-{period}.csv
    columns: {transaction_id: id, amount: amount, currency: currency}
match:
  compare:
    amount: {tolerance: 0}
";

#[test]
fn a_job_says_when_an_input_is_due() {
    let job = load(MONTHLY);
    let Some(Due::On(date)) = &job.input(Side::File).unwrap().due else { panic!("a due date") };
    assert_eq!((date.day, date.zone), (Some(15), chrono_tz::America::Chicago), "the period's zone, if none is written");
    assert_eq!(date.of(&Period::parse("2025-02", Grain::Month, job.zone).unwrap()), utc("2025-03-17T22:00:00Z"));
    let after = load(
        &MONTHLY
            .replace("path: month-{period}.csv", "provider: kard\n    file_type: monthlyReconciliationFile")
            .replace("due: {day: 15, time: \"17:00\", calendar: us-federal}", "due: 16d"),
    );
    assert_eq!(after.input(Side::File).unwrap().due, Some(Due::After(TimeDelta::days(16))));
}

#[test]
fn mistakes_of_a_due_date_are_told() {
    let written = "{day: 15, time: \"17:00\", calendar: us-federal}";
    let cases = [
        ("{day: 29, time: \"17:00\"}", vec!["7:16: `inputs.file.due.day` is 29; expected at most 28"]),
        ("{day: 15}", vec!["7:5: missing key `time` in inputs.file.due"]),
        ("{day: 15, time: 5pm}", vec!["7:26: `5pm` is no time of day; expected hours and minutes such as \"17:00\""]),
        ("{time: \"7:00\"}", vec!["7:17: `7:00` is no time of day; expected hours and minutes such as \"17:00\""]),
        ("{time: \"24:00\"}", vec!["7:17: `24:00` is no time of day; expected hours and minutes such as \"17:00\""]),
        (
            "{day: 15, time: \"17:00\", timezone: EDT, calendar: us}",
            vec![
                "7:45: unknown time zone `EDT`; expected an IANA name such as `UTC` or `America/New_York`",
                "7:60: unknown calendar `us`; expected one of `us-federal`; own calendars stand in calendars/NAME.yaml",
            ],
        ),
        ("{day: 15, tme: \"17:00\"}", vec!["7:20: unknown key `tme` in inputs.file.due; did you mean `time`?"]),
        ("16d", vec!["7:10: `due` counts from the time at which a provider sent the file, and this input is a path"]),
    ];
    for (wrong, expected) in cases {
        let workspace = workspace(&MONTHLY.replace(written, wrong));
        let told: Vec<String> = match job::load(&workspace.project(), "daily") {
            Ok(_) => Vec::new(),
            Err(problems) => problems.iter().map(Problem::headline).collect(),
        };
        let expected: Vec<String> = expected.iter().map(|line| format!("jobs/daily.yaml:{line}")).collect();
        assert_eq!(told, expected, "{wrong}");
    }
    let of_days = MONTHLY.replace("grain: month", "grain: day");
    let workspace = workspace(&of_days);
    let problems = job::load(&workspace.project(), "daily").unwrap_err();
    assert_eq!(
        problems.iter().map(Problem::headline).collect::<Vec<_>>(),
        ["jobs/daily.yaml:7:16: `day` is a day of the month after the period, and this job's period is a day; leave \
             it out: the next day is meant"]
    );
}

#[test]
fn a_job_that_names_a_calendar_that_is_wrong_says_where() {
    let workspace = workspace(&MONTHLY.replace("us-federal", "bank"));
    workspace.write("calendars/bank.yaml", "calendar: bank\nweekend: [sunday, sunday]\n");
    let problems = job::load(&workspace.project(), "daily").unwrap_err();
    assert_eq!(
        problems.iter().map(Problem::headline).collect::<Vec<_>>(),
        ["jobs/daily.yaml:7:45: the calendar `bank` cannot be used: calendars/bank.yaml:2:19: the weekday is listed \
             twice"]
    );
    workspace.write("calendars/bank.yaml", "calendar: bank\n");
    assert!(job::load(&workspace.project(), "daily").is_ok());
}

/// The small job of 2025-03-19, due on the next business day at 09:00 in New York, which is 13:00 UTC.
fn due_at_nine(more: &str) -> String {
    let due = "due: {time: \"09:00\", timezone: America/New_York, calendar: us-federal}";
    small_job(&[("file", &format!("{due}{more}"))])
}

fn found(project: &TestProject, attempt: u32) -> Vec<(String, String)> {
    let rows = project.breaks(&format!("rewards/2025-03-19/{attempt}"));
    rows.into_iter().map(|[key, kind, ..]| (key, kind)).collect()
}

#[test]
fn before_the_due_time_a_run_without_the_file_says_when_it_is_due_and_after_it_the_file_is_missing() {
    let project = TestProject::new(&[], "");
    project.write("jobs/rewards.yaml", due_at_nine(""));
    let before = project.run_day(&["-q", "--run-time", "2025-03-20T13:00:00Z"]).ended_with(75);
    assert_eq!(
        before.error(),
        "no file input for 2025-03-19 yet: kard earnedRewardSettledDailyReconciliationFile settled-2025-03-19; it is not \
         due before 2025-03-20 09:00 America/New_York (2025-03-20 13:00 UTC); try again then, or set \
         inputs.file.on_missing to break"
    );
    project.run_day(&["--run-time", "2025-03-20T13:00:01Z"]).ended_with(0);
    let wanted = "kard earnedRewardSettledDailyReconciliationFile settled-2025-03-19";
    assert_eq!(found(&project, 2), [(wanted.to_owned(), "file_missing".to_owned())]);
    let report = String::from_utf8(project.read("runs/rewards/2025-03-19/2/breaks.csv")).unwrap();
    assert!(report.contains("; due 2025-03-20 09:00 America/New_York (2025-03-20 13:00 UTC)"), "{report}");
}

#[test]
fn a_local_input_can_be_due_too() {
    let project = TestProject::new(&[settled(&file_rows())], "");
    std::fs::remove_file(project.path("data/ledger-2025-03-19.csv")).unwrap();
    project.write("jobs/rewards.yaml", small_job(&[("ledger", "due: {time: \"09:00\"}")]));
    let before = project.run_day(&["-q", "--run-time", "2025-03-20T08:00:00Z"]).ended_with(75);
    assert!(before.error().contains("it is not due before 2025-03-20 09:00 UTC; try again then"), "{before:?}");
    project.run_day(&["--run-time", "2025-03-20T10:00:00Z"]).ended_with(0);
    assert_eq!(found(&project, 2), [("ledger-2025-03-19.csv*".to_owned(), "file_missing".to_owned())]);
    project.write("data/ledger-2025-03-19.csv", ledger_rows());
    project.run_day(&["--run-time", "2025-03-20T11:00:00Z"]).ended_with(0);
    assert_eq!(found(&project, 3).len(), 3, "the small breaks alone");
}

#[test]
fn a_file_that_was_sent_after_the_due_time_is_late() {
    for (sent, late) in [("2025-03-20T13:00:00Z", false), ("2025-03-20T13:00:01Z", true)] {
        let kind = FileType::EarnedRewardSettledDaily;
        let (sent_at, bytes) = (utc(sent), file_rows());
        let name = "settled-2025-03-19.csv".to_owned();
        let file = Sample { id: "f-1".to_owned(), name, kind, sent_at, last_modified: sent_at, bytes };
        let project = TestProject::new(&[file], "");
        project.write("jobs/rewards.yaml", due_at_nine(""));
        project.run_day(&[]).ended_with(0);
        let is_late = found(&project, 1).iter().any(|(_, kind)| kind == "file_late");
        assert_eq!(is_late, late, "{sent}");
        if late {
            let report = String::from_utf8(project.read("runs/rewards/2025-03-19/1/breaks.csv")).unwrap();
            let told = "settled-2025-03-19.csv was sent 2025-03-20 13:00 UTC; it was due 2025-03-20 09:00 \
                        America/New_York (2025-03-20 13:00 UTC)";
            assert!(report.contains(told), "{report}");
        }
    }
}

#[test]
fn what_a_job_waits_for_stands_in_its_report() {
    let project = TestProject::small();
    project.write("jobs/rewards.yaml", due_at_nine(""));
    project.run_day(&[]).ended_with(0);
    let summary = project.summary("rewards/2025-03-19/1").to_string();
    let said = "the next day at 09:00 America/New_York, or the next business day of us-federal";
    assert!(summary.contains(said), "{summary}");
}
