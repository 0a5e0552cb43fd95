//! One resolver for what people, schedules, reruns and ranges ask for.

use chrono_tz::Tz;
use proptest::prelude::*;
use tieout::job::Grain;
use tieout::period::{Period, Resolver, between};

use crate::schedule_plan::jobs;
use crate::support::utc;

fn resolver(grain: Grain, zone: &str, at: &str) -> Resolver {
    Resolver { grain, zone: zone.parse().unwrap(), at: utc(at) }
}

fn labels(periods: &[Period]) -> Vec<&str> {
    periods.iter().map(|period| period.label.as_str()).collect()
}

#[test]
fn auto_is_the_last_complete_period_of_the_zone() {
    for (grain, zone, at, expected) in [
        (Grain::Day, "UTC", "2025-03-20T00:00:00Z", "2025-03-19"),
        (Grain::Day, "UTC", "2025-03-19T23:59:59Z", "2025-03-18"),
        // In New York it is still the day before.
        (Grain::Day, "America/New_York", "2025-03-20T03:59:59Z", "2025-03-18"),
        (Grain::Day, "America/New_York", "2025-03-20T04:00:00Z", "2025-03-19"),
        // Clocks are put forward on March 9, back on November 2.
        (Grain::Day, "America/New_York", "2025-03-10T03:59:59Z", "2025-03-08"),
        (Grain::Day, "America/New_York", "2025-03-10T04:00:00Z", "2025-03-09"),
        (Grain::Day, "America/New_York", "2025-11-03T04:59:59Z", "2025-11-01"),
        (Grain::Day, "America/New_York", "2025-11-03T05:00:00Z", "2025-11-02"),
        // Samoa had no 2011-12-30.
        (Grain::Day, "Pacific/Apia", "2011-12-31T12:00:00Z", "2011-12-31"),
        (Grain::Day, "Pacific/Apia", "2011-12-30T12:00:00Z", "2011-12-29"),
        (Grain::Day, "UTC", "2024-03-01T12:00:00Z", "2024-02-29"),
        (Grain::Day, "UTC", "2025-01-01T00:00:00Z", "2024-12-31"),
        (Grain::Month, "UTC", "2025-03-31T23:59:59Z", "2025-02"),
        (Grain::Month, "UTC", "2025-04-01T00:00:00Z", "2025-03"),
        (Grain::Month, "Asia/Tokyo", "2025-03-31T15:00:00Z", "2025-03"),
        (Grain::Month, "UTC", "2025-01-31T00:00:00Z", "2024-12"),
    ] {
        let found = resolver(grain, zone, at).resolve("auto").unwrap();
        assert_eq!(found.label, expected, "{zone} at {at}");
        assert!(found.end <= utc(at));
    }
}

#[test]
fn a_label_is_the_same_period_whenever_it_is_asked_for() {
    for at in ["2025-03-20T00:00:00Z", "2031-01-01T00:00:00Z"] {
        let found = resolver(Grain::Day, "America/New_York", at).resolve("2025-03-09").unwrap();
        assert_eq!((found.start, found.end), (utc("2025-03-09T05:00:00Z"), utc("2025-03-10T04:00:00Z")));
    }
    let wrong = resolver(Grain::Month, "UTC", "2025-03-20T00:00:00Z").resolve("2025-03-09").unwrap_err();
    assert_eq!(
        wrong.to_string(),
        "\"2025-03-09\" is a day, but the job's period is a month; expected YYYY-MM: 2025-03"
    );
}

#[test]
fn catching_up_counts_back_from_the_last_complete_period() {
    let found = resolver(Grain::Day, "UTC", "2024-03-02T06:00:00Z").last_and_before(3);
    assert_eq!(labels(&found), ["2024-02-27", "2024-02-28", "2024-02-29", "2024-03-01"]);
    let found = resolver(Grain::Day, "Pacific/Apia", "2012-01-01T12:00:00Z").last_and_before(2);
    assert_eq!(labels(&found), ["2011-12-29", "2011-12-31", "2012-01-01"]);
    let found = resolver(Grain::Month, "UTC", "2025-02-01T00:00:00Z").last_and_before(0);
    assert_eq!(labels(&found), ["2025-01"]);
}

#[test]
fn the_days_of_a_month_are_those_of_its_calendar_whatever_their_zone() {
    let month = Period::parse("2025-03", Grain::Month, Tz::UTC).unwrap();
    for zone in ["UTC", "America/New_York", "Pacific/Apia"] {
        let days = resolver(Grain::Day, zone, "2025-04-15T00:00:00Z").within(&month);
        assert_eq!((days.len(), labels(&days)[0], labels(&days)[30]), (31, "2025-03-01", "2025-03-31"), "{zone}");
    }
    let day = Period::parse("2025-03-19", Grain::Day, Tz::UTC).unwrap();
    assert!(resolver(Grain::Month, "UTC", "2025-04-15T00:00:00Z").within(&day).is_empty());
}

/// Business days are a matter of when a schedule fires, never of which period is the last one.
#[test]
fn after_closed_days_a_schedule_asks_for_the_day_before_the_one_on_which_it_fires() {
    let jobs = jobs(&[("daily", "day", "{cron: \"0 6 * * *\", calendar: us-federal}")]);
    let schedule = jobs[0].schedule.as_ref().unwrap();
    for (now, fired, expected) in [
        // Independence Day is a Friday in 2025.
        ("2025-07-04T12:00:00Z", "2025-07-03T06:00:00Z", "2025-07-02"),
        ("2025-07-06T12:00:00Z", "2025-07-03T06:00:00Z", "2025-07-02"),
        ("2025-07-07T06:00:00Z", "2025-07-07T06:00:00Z", "2025-07-06"),
    ] {
        let asked_at = schedule.last_fire(utc(now)).unwrap();
        assert_eq!(asked_at, utc(fired), "{now}");
        assert_eq!(Resolver::of(&jobs[0], asked_at).last().label, expected, "{now}");
    }
}

proptest! {
    #[test]
    fn a_range_holds_every_period_once_and_in_order(start in 0_i64..4_000_000_000, count in 0_usize..60, zone in 0_usize..4) {
        let zone = ["UTC", "America/New_York", "Pacific/Apia", "Africa/Cairo"][zone].parse().unwrap();
        let first = Period::containing(chrono::DateTime::from_timestamp(start, 0).unwrap(), Grain::Day, zone);
        let last = (0..count).fold(first.clone(), |period, _| period.next());
        let all = between(&first, &last, count + 1).unwrap();
        prop_assert_eq!(all.len(), count + 1);
        prop_assert!(all.windows(2).all(|pair| pair[0].end == pair[1].start));
        prop_assert_eq!(&all[0], &first);
        prop_assert_eq!(all.last(), Some(&last));
        if count > 0 {
            let cut = between(&first, &last, count).unwrap_err();
            prop_assert_eq!(cut.last, last.previous());
            prop_assert!(between(&last, &first, 9).unwrap().is_empty());
        }
        // The last of them is what `auto` is when it has just ended.
        prop_assert_eq!(Resolver { grain: Grain::Day, zone, at: last.end }.last(), last);
    }
}
