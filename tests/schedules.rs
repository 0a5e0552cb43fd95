//! When a schedule fires: cron(5) on the wall clock of a zone.

use chrono::{DateTime, Utc};
use tieout::job::{Schedule, cron, next_fire};

fn fires(cron: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
    let schedule = Schedule { cron: cron.to_owned(), zone: zone.parse().expect("a zone"), catchup: 0 };
    let mut instant: DateTime<Utc> = after.parse().expect("a time");
    let mut found = Vec::new();
    while found.len() < count {
        instant = next_fire(&schedule, instant).expect("it fires again");
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
