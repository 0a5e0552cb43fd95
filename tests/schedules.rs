//! When a schedule fires: cron(5) on the wall clock of a zone.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use tieout::calendar::Calendar;
use tieout::job::{Catchup, Schedule, cron};

fn schedule(cron: &str, zone: &str) -> Schedule {
    Schedule {
        cron: cron.to_owned(),
        zone: zone.parse().expect("a zone"),
        calendar: None,
        catchup: Catchup::Latest,
        after: Vec::new(),
        retry: TimeDelta::minutes(15),
    }
}

fn fires(cron: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
    let schedule = schedule(cron, zone);
    let mut instant: DateTime<Utc> = after.parse().expect("a time");
    let mut found = Vec::new();
    while found.len() < count {
        instant = schedule.next_fire(instant).expect("it fires again");
        found.push(instant.format("%a %Y-%m-%dT%H:%MZ").to_string());
    }
    found
}

#[test]
fn a_daily_schedule_keeps_its_wall_clock_time() {
    let found = fires("45 9 * * *", "America/New_York", "2025-03-08T14:45:00Z", 2);
    assert_eq!(found, ["Sun 2025-03-09T13:45Z", "Mon 2025-03-10T13:45Z"]);
    let found = fires("45 9 * * *", "America/New_York", "2025-03-08T14:44:59Z", 1);
    assert_eq!(found, ["Sat 2025-03-08T14:45Z"]);
}

#[test]
fn a_time_that_is_skipped_fires_at_the_end_of_the_gap() {
    let found = fires("30 2 * * *", "America/New_York", "2025-03-08T12:00:00Z", 2);
    assert_eq!(found, ["Sun 2025-03-09T07:00Z", "Mon 2025-03-10T06:30Z"]);
}

#[test]
fn a_time_that_comes_twice_fires_once() {
    let found = fires("30 1 * * *", "America/New_York", "2025-11-01T12:00:00Z", 2);
    assert_eq!(found, ["Sun 2025-11-02T05:30Z", "Mon 2025-11-03T06:30Z"]);
}

#[test]
fn week_days_are_counted_as_cron_counts_them() {
    let week = |cron: &str| {
        let found = fires(cron, "UTC", "2025-03-15T12:00:00Z", 7);
        let mut days = found.iter().map(|text| text[..3].to_owned()).collect::<Vec<_>>();
        let first = days[0].clone();
        if let Some(again) = days.iter().skip(1).position(|day| *day == first) {
            days.truncate(again + 1);
        }
        days.join(" ")
    };
    // 2025-03-15 is a Saturday.
    for (field, days) in [
        ("0", "Sun"),
        ("7", "Sun"),
        ("1", "Mon"),
        ("6", "Sat"),
        ("1-5", "Mon Tue Wed Thu Fri"),
        ("mon-fri", "Mon Tue Wed Thu Fri"),
        ("5-7", "Sun Fri Sat"),
        ("fri-sun", "Sun Fri Sat"),
        ("sun,Wed", "Sun Wed"),
        ("1-5/2", "Mon Wed Fri"),
        ("*/2", "Sun Tue Thu Sat"),
        ("*", "Sun Mon Tue Wed Thu Fri Sat"),
        ("0-7", "Sun Mon Tue Wed Thu Fri Sat"),
    ] {
        assert_eq!(week(&format!("0 6 * * {field}")), days, "{field}");
    }
}

#[test]
fn months_and_days_of_the_month_are_honoured() {
    let found = fires("0 6 15 * *", "UTC", "2025-01-15T06:00:00Z", 2);
    assert_eq!(found, ["Sat 2025-02-15T06:00Z", "Sat 2025-03-15T06:00Z"]);
    assert_eq!(fires("0 0 29 feb *", "UTC", "2025-01-01T00:00:00Z", 1), ["Tue 2028-02-29T00:00Z"]);
}

#[test]
fn what_is_no_cron_line_is_refused_in_words() {
    let cases = [
        ("45 9 * *", "\"45 9 * *\" has 4 fields; expected 5: minute hour day-of-month month day-of-week"),
        ("0 45 9 * * *", "\"0 45 9 * * *\" has 6 fields; expected 5: minute hour day-of-month month day-of-week"),
        ("@daily", "\"@daily\" has 1 fields; expected 5: minute hour day-of-month month day-of-week"),
        ("60 9 * * *", "\"60\" is no minute; expected 0 to 59, `*`, `*/5`, `1-5` or a list"),
        ("0 24 * * *", "\"24\" is no hour; expected 0 to 23, `*`, `*/5`, `1-5` or a list"),
        ("0 9 32 * *", "\"32\" is no day of month; expected 1 to 31, `*`, `*/5`, `1-5` or a list"),
        ("0 9 ? * *", "\"?\" is no day of month; expected 1 to 31, `*`, `*/5`, `1-5` or a list"),
        ("0 9 * 13 *", "\"13\" is no month; expected 1 to 12, jan to dec, `*`, `*/3`, `1-5` or a list"),
        (
            "0 9 * * 8",
            "\"8\" is no day of week; expected 0 to 7 (0 and 7 are Sunday), sun to sat, `*`, `1-5` or a list",
        ),
        (
            "0 9 * * 5-1",
            "\"5-1\" is no day of week; expected 0 to 7 (0 and 7 are Sunday), sun to sat, `*`, `1-5` or a list",
        ),
        (
            "0 9 1 * 1",
            "\"0 9 1 * 1\" restricts the day of month and the day of week, which some crons join by `or`, \
             others by `and`; write `*` for one of them",
        ),
        ("0 9 31 feb *", "\"0 9 31 feb *\" never fires: there is no such day"),
    ];
    for (expression, message) in cases {
        assert_eq!(cron::parse(expression).unwrap_err().to_string(), message);
    }
}

#[test]
fn on_business_days_only_a_weekend_and_a_holiday_are_passed_over() {
    let mut schedule = schedule("45 9 * * *", "America/New_York");
    schedule.calendar = Some(Arc::new(Calendar::us_federal()));
    // Friday before Presidents' Day of 2025.
    let friday: DateTime<Utc> = "2025-02-14T14:45:00Z".parse().unwrap();
    let tuesday: DateTime<Utc> = "2025-02-18T14:45:00Z".parse().unwrap();
    assert_eq!(schedule.next_fire(friday), Some(tuesday));
    assert_eq!(schedule.last_fire(tuesday - TimeDelta::seconds(1)), Some(friday));
    assert_eq!(schedule.last_fire(tuesday), Some(tuesday));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Around every change of clocks of two years, too.
    #[test]
    fn the_last_time_that_it_fired_is_the_one_after_which_nothing_fired(
        seconds in 1_735_689_600_i64..1_798_761_600,
        zone in prop::sample::select(vec!["UTC", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"]),
        cron in prop::sample::select(vec!["30 2 * * *", "15 1,13 * * *", "*/20 * * * *", "0 17 15-20 * *", "0 0 29 2 *"]),
    ) {
        let schedule = schedule(cron, zone);
        let now = DateTime::from_timestamp(seconds, 0).unwrap();
        let last = schedule.last_fire(now).unwrap();
        prop_assert!(last <= now);
        let next = schedule.next_fire(last).unwrap();
        prop_assert!(next > now, "fired at {last} and again at {next}");
        prop_assert_eq!(schedule.next_fire(last - TimeDelta::seconds(1)), Some(last));
    }
}
