//! Business days: the federal calendar of the United States by rule, own calendars by file, and what is told when one
//! is wrong.

use chrono::{Datelike, NaiveDate, Weekday};
use proptest::prelude::*;
use tieout::calendar::{Calendar, Calendars, load};
use tieout::commands::calendar::{due_rows, holiday_rows};
use tieout::output::Format;

use crate::job_files::load as load_job;
use crate::project_files::Workspace;
use crate::support::project::TestProject;

fn date(text: &str) -> NaiveDate {
    text.parse().expect("a test writes its days as YYYY-MM-DD")
}

fn holidays(calendar: &Calendar, year: i32) -> Vec<String> {
    let line = |found: &tieout::calendar::Holiday| format!("{} {}", found.day.format("%a %m-%d"), found.name);
    calendar.holidays(year).iter().map(line).collect()
}

#[test]
fn the_federal_holidays_of_a_year_follow_from_the_law() {
    let federal = Calendar::us_federal();
    let expected = [
        "Wed 01-01 New Year's Day",
        "Mon 01-20 Birthday of Martin Luther King, Jr.",
        "Mon 02-17 Washington's Birthday",
        "Mon 05-26 Memorial Day",
        "Thu 06-19 Juneteenth National Independence Day",
        "Fri 07-04 Independence Day",
        "Mon 09-01 Labor Day",
        "Mon 10-13 Columbus Day",
        "Tue 11-11 Veterans Day",
        "Thu 11-27 Thanksgiving Day",
        "Thu 12-25 Christmas Day",
    ];
    assert_eq!(holidays(&federal, 2025), expected);
}

#[test]
fn a_holiday_on_a_saturday_is_kept_on_friday_and_one_on_a_sunday_on_monday() {
    let federal = Calendar::us_federal();
    let cases = [
        // On a Saturday; the New Year of 2022 is kept in 2021.
        (2021, "Mon 07-05 Independence Day (observed)"),
        (2021, "Fri 06-18 Juneteenth National Independence Day (observed)"),
        (2021, "Fri 12-24 Christmas Day (observed)"),
        (2021, "Fri 12-31 New Year's Day (observed)"),
        // On a Sunday.
        (2023, "Mon 01-02 New Year's Day (observed)"),
        (2026, "Fri 07-03 Independence Day (observed)"),
        (2028, "Fri 11-10 Veterans Day (observed)"),
        // The 1st of June is a Monday, the 31st of May too: each is the last one of its year.
        (2021, "Mon 05-31 Memorial Day"),
        (2026, "Mon 05-25 Memorial Day"),
        (2010, "Fri 12-31 New Year's Day (observed)"),
    ];
    for (year, holiday) in cases {
        assert!(holidays(&federal, year).iter().any(|found| found == holiday), "{year}: {holiday}");
    }
    // 2022 has none of its own then.
    assert_eq!(holidays(&federal, 2022)[0], "Mon 01-17 Birthday of Martin Luther King, Jr.");
    assert!(federal.is_business_day(date("2022-01-03")));
}

#[test]
fn a_holiday_is_one_from_the_year_in_which_the_law_made_it() {
    let federal = Calendar::us_federal();
    let open = ["2020-06-19", "1985-01-21", "1975-11-11"];
    let closed = ["2021-06-18", "2022-06-20", "1986-01-20", "1975-10-27", "1978-11-10"];
    assert!(open.iter().all(|day| federal.is_business_day(date(day))));
    assert!(!closed.iter().any(|day| federal.is_business_day(date(day))));
}

#[test]
fn the_next_business_day_is_the_day_itself_or_passes_over_weekend_and_holiday() {
    let federal = Calendar::us_federal();
    let cases = [
        ("2025-04-15", "2025-04-15"), // a Tuesday
        ("2025-03-15", "2025-03-17"), // a Saturday
        ("2025-02-15", "2025-02-18"), // a Saturday before Washington's Birthday
        ("2026-02-15", "2026-02-17"), // a Sunday before Washington's Birthday
        ("2027-02-15", "2027-02-16"), // Washington's Birthday itself
        ("2021-12-31", "2022-01-03"), // New Year, kept on a Friday
        ("2025-12-25", "2025-12-26"),
    ];
    for (from, to) in cases {
        assert_eq!(federal.next_business_day(date(from)), date(to), "{from}");
    }
}

#[test]
fn business_days_between_two_days_leave_out_the_first() {
    let federal = Calendar::us_federal();
    let cases = [
        ("2025-04-14", "2025-04-14", 0),
        ("2025-04-14", "2025-04-15", 1),
        ("2025-04-11", "2025-04-14", 1),   // Friday to Monday
        ("2025-04-11", "2025-04-13", 0),   // Friday to Sunday
        ("2025-02-14", "2025-02-18", 1),   // over Washington's Birthday
        ("2025-04-15", "2025-04-01", 0),   // backwards
        ("2024-12-31", "2025-12-31", 250), // 261 weekdays and 11 holidays
    ];
    for (from, to, days) in cases {
        assert_eq!(federal.business_days_between(date(from), date(to)), days, "{from} to {to}");
    }
}

proptest! {
    #[test]
    fn a_year_has_no_more_than_twelve_holidays_none_of_them_on_a_weekend(year in 1971..2200_i32) {
        let federal = Calendar::us_federal();
        let found = federal.holidays(year);
        prop_assert!((8..=12).contains(&found.len()), "{found:?}");
        for holiday in found {
            prop_assert!(!matches!(holiday.day.weekday(), Weekday::Sat | Weekday::Sun));
            prop_assert!(!federal.is_business_day(holiday.day));
        }
    }

    #[test]
    fn the_days_between_add_up_and_a_business_day_is_its_own_next(start in 0..60_000_i64, first in 0..400_u64, second in 0..400_u64) {
        let federal = Calendar::us_federal();
        let from = NaiveDate::from_ymd_opt(1990, 1, 1).unwrap() + chrono::TimeDelta::days(start);
        let middle = from + chrono::Days::new(first);
        let to = middle + chrono::Days::new(second);
        let between = |from, to| federal.business_days_between(from, to);
        prop_assert_eq!(between(from, middle) + between(middle, to), between(from, to));
        let next = federal.next_business_day(from);
        prop_assert!(federal.is_business_day(next) && next >= from);
        prop_assert_eq!(federal.next_business_day(next), next);
        prop_assert_eq!(between(from, next), u64::from(next != from));
    }
}

const BANK: &str = "\
calendar: bank
description: the days on which the bank books
extends: us-federal
holidays:
  - {date: 2025-12-26, name: Bridge day}
business_days: [2025-10-13]
";

fn calendars(name: &str, text: &str) -> (Workspace, Calendars, Vec<String>) {
    let workspace = Workspace::new("");
    workspace.write(&format!("calendars/{name}.yaml"), text);
    let (calendars, problems) = load::load_all(workspace.root());
    let told = problems.iter().map(tieout::config::Problem::headline).collect();
    (workspace, calendars, told)
}

#[test]
fn an_own_calendar_closes_further_days_and_opens_others() {
    let (_workspace, calendars, problems) = calendars("bank", BANK);
    assert!(problems.is_empty(), "{problems:?}");
    let bank = calendars.get("bank").unwrap();
    assert_eq!(bank.digest.as_deref().map(str::len), Some(64));
    assert!(!bank.is_business_day(date("2025-12-26")), "its own holiday");
    assert!(!bank.is_business_day(date("2025-12-25")), "a federal one");
    assert!(bank.is_business_day(date("2025-10-13")), "Columbus Day is open here");
    assert_eq!(bank.next_business_day(date("2025-12-25")), date("2025-12-29"));
    let autumn: Vec<String> = holidays(&bank, 2025).split_off(7);
    assert_eq!(
        autumn,
        ["Tue 11-11 Veterans Day", "Thu 11-27 Thanksgiving Day", "Thu 12-25 Christmas Day", "Fri 12-26 Bridge day",]
    );
}

#[test]
fn a_calendar_of_its_own_weekend_knows_no_other_holidays() {
    let (_workspace, calendars, problems) = calendars("gulf", "calendar: gulf\nweekend: [friday, saturday]\n");
    assert!(problems.is_empty(), "{problems:?}");
    let gulf = calendars.get("gulf").unwrap();
    assert!(gulf.is_business_day(date("2025-07-06")), "a Sunday");
    assert_eq!(gulf.next_business_day(date("2025-07-04")), date("2025-07-06"));
    assert!(holidays(&gulf, 2025).is_empty());
}

#[test]
fn everything_that_is_wrong_with_a_calendar_is_told_at_once() {
    let text = "\
calendar: us-federal
extends: us-federel
weekend: [saturday, saturday]
holidays:
  - {day: 2025-12-26, name: Bridge day}
business_days: [2025-12-26, soon]
";
    let (_workspace, _, told) = calendars("bank", text);
    assert_eq!(
        told,
        [
            "calendars/bank.yaml:1:11: `us-federal` is built in; give it another name, and `extends: us-federal`",
            "calendars/bank.yaml:2:10: unknown value `us-federel` for `extends`; did you mean `us-federal`?",
            "calendars/bank.yaml:3:21: the weekday is listed twice",
            "calendars/bank.yaml:5:5: missing key `date` in holidays[0]",
            "calendars/bank.yaml:5:6: unknown key `day` in holidays[0]; expected one of `date`, `name`",
            "calendars/bank.yaml:6:29: `soon` is not a day; expected YYYY-MM-DD",
        ]
    );
    let (_workspace, _, told) = calendars(
        "bank",
        "calendar: bank\nweekend: [monday, tuesday, wednesday, thursday, friday, saturday, sunday]\n",
    );
    assert_eq!(told, ["calendars/bank.yaml:2:10: every weekday is listed, so no day would be a business day"]);
    let days = "\
calendar: banks
holidays:
  - {date: 2025-02-29, name: Leap day}
  - {date: 2025-12-26, name: Bridge day}
  - {date: 2025-12-26, name: ''}
business_days: [2025-12-26, 2025-12-23, soon, 2025-12-27, 2025-12-27]
";
    let (_workspace, _, told) = calendars("bank", days);
    assert_eq!(
        told,
        [
            "calendars/bank.yaml:1:11: the calendar is named `banks`, but its file `bank`; expected the same name",
            "calendars/bank.yaml:3:12: `2025-02-29` is not a day; expected YYYY-MM-DD",
            "calendars/bank.yaml:5:12: 2025-12-26 is listed twice",
            "calendars/bank.yaml:5:30: the name is empty",
            "calendars/bank.yaml:6:17: 2025-12-26 stands under `holidays` too; expected one of them",
            "calendars/bank.yaml:6:29: 2025-12-23 is a business day anyway; correct the date, or take it out",
            "calendars/bank.yaml:6:41: `soon` is not a day; expected YYYY-MM-DD",
            "calendars/bank.yaml:6:59: 2025-12-27 is listed twice",
        ]
    );
}

#[test]
fn validate_tells_what_is_wrong_with_calendars_and_lists_the_good_ones() {
    let project = TestProject::small();
    project.write("calendars/bank.yaml", BANK);
    let good = project.run(&["validate"]).ended_with(0);
    assert_eq!(good.stdout, "tieout.yaml: valid\ncalendars/bank.yaml: valid\njobs/rewards.yaml: valid\n");
    project.write("calendars/bank.yaml", "calendar: bank\nholidays: [2025-12-26]\n");
    project.write("calendars/old.yml", "calendar: old\n");
    let bad = project.run(&["validate"]).ended_with(78);
    assert_eq!(
        bad.stdout,
        "calendars/old.yml: calendar files end in `.yaml`; rename the file\n\n\
         calendars/bank.yaml:2:12: `holidays[0]` is `2025-12-26`; expected a group with `date`, `name`\n  \
         2 | holidays: [2025-12-26]\n    |            ^\n\n\
         tieout.yaml: valid\njobs/rewards.yaml: valid\n2 problems in 2 files\n"
    );
}

#[test]
fn the_command_lists_the_holidays_of_a_year() {
    let project = TestProject::empty();
    project.write("calendars/bank.yaml", BANK);
    let ended = project.run(&["calendar", "bank", "--year", "2025", "--format", "csv"]).ended_with(0);
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(lines[0], "date,weekday,holiday");
    assert_eq!(lines[1], "2025-01-01,Wednesday,New Year's Day");
    assert_eq!(lines[11], "2025-12-26,Friday,Bridge day");
    assert_eq!(lines.len(), 12);
    let unknown = project.run(&["calendar", "bnak"]).ended_with(78);
    assert_eq!(
        unknown.error(),
        "unknown calendar `bnak`; did you mean `bank`?; own calendars stand in calendars/NAME.yaml"
    );
    assert_eq!(
        holiday_rows(&Calendar::us_federal(), 2027).render(Format::Csv, None).lines().nth(3),
        Some("2027-02-15,Monday,Washington's Birthday")
    );
}

#[test]
fn the_command_lists_when_the_inputs_of_a_job_are_due() {
    let job = load_job(
        "\
job: daily
period: {grain: month, timezone: UTC}
inputs:
  file:
    provider: kard
    file_type: monthlyReconciliationFile
    preset: kard-monthly
    due: {day: 15, time: \"17:00\", timezone: America/New_York, calendar: us-federal}
  ledger:
    path: ledger-{period}.csv
    columns: {transaction_id: id, currency: currency}
match:
  compare: {currency: exact}
",
    );
    let listed = due_rows(&job, 2025).render(Format::Csv, None);
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(
        lines[..4],
        [
            "period,input,due,weekday,timezone,utc",
            "2025-01,file,2025-02-18 17:00,Tuesday,America/New_York,2025-02-18T22:00:00Z",
            "2025-02,file,2025-03-17 17:00,Monday,America/New_York,2025-03-17T21:00:00Z",
            "2025-03,file,2025-04-15 17:00,Tuesday,America/New_York,2025-04-15T21:00:00Z",
        ]
    );
    assert_eq!(lines.len(), 13);
}
