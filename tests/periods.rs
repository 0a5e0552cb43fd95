//! Periods: labels, intervals in a zone, the edges at which clocks change.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;
use tieout::job::Grain;
use tieout::period::{Period, Resolver};

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

fn zone(name: &str) -> Tz {
    name.parse().expect("a zone")
}

#[test]
fn an_interval_is_half_open_and_follows_the_zones_clocks() {
    let cases = [
        ("UTC", "2025-03-19", "2025-03-19T00:00:00Z", "2025-03-20T00:00:00Z"),
        ("UTC", "2024-02", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"),
        ("UTC", "2024-12", "2024-12-01T00:00:00Z", "2025-01-01T00:00:00Z"),
        ("Asia/Kolkata", "2025-03-19", "2025-03-18T18:30:00Z", "2025-03-19T18:30:00Z"),
        // A day of 23 hours, one of 25, and the month that holds the change.
        ("America/New_York", "2025-03-09", "2025-03-09T05:00:00Z", "2025-03-10T04:00:00Z"),
        ("America/New_York", "2025-11-02", "2025-11-02T04:00:00Z", "2025-11-03T05:00:00Z"),
        ("America/New_York", "2025-03", "2025-03-01T05:00:00Z", "2025-04-01T04:00:00Z"),
        // Midnight does not exist: the day begins at 01:00.
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"),
        ("America/Sao_Paulo", "2018-11-03", "2018-11-03T03:00:00Z", "2018-11-04T03:00:00Z"),
        ("Asia/Beirut", "2022-03-27", "2022-03-26T22:00:00Z", "2022-03-27T21:00:00Z"),
        // The hour before midnight comes twice: 25 hours.
        ("America/Sao_Paulo", "2018-02-17", "2018-02-17T02:00:00Z", "2018-02-18T03:00:00Z"),
        // Midnight comes twice: the first one counts.
        ("America/Havana", "2024-11-03", "2024-11-03T04:00:00Z", "2024-11-04T05:00:00Z"),
        ("America/St_Johns", "2010-11-07", "2010-11-07T02:30:00Z", "2010-11-08T03:30:00Z"),
        // The day before a day that was skipped.
        ("Pacific/Apia", "2011-12-29", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"),
    ];
    for (name, label, start, end) in cases {
        let grain = if label.len() == 7 { Grain::Month } else { Grain::Day };
        let period = Period::parse(label, grain, zone(name)).unwrap();
        assert_eq!((period.start, period.end), (utc(start), utc(end)), "{label} in {name}");
        assert_eq!(period.label, label);
        assert!(period.contains(period.start) && !period.contains(period.end), "{label} in {name}");
    }
}

#[test]
fn a_label_that_names_no_period_is_refused_in_words() {
    use Grain::{Day, Month};
    let cases = [
        ("2025-13-40", Day, "\"2025-13-40\" is not a day; expected YYYY-MM-DD"),
        ("2025-02-29", Day, "\"2025-02-29\" is not a day; expected YYYY-MM-DD"),
        ("2025-3-9", Day, "\"2025-3-9\" is not a day; expected YYYY-MM-DD"),
        ("+025-03-09", Day, "\"+025-03-09\" is not a day; expected YYYY-MM-DD"),
        ("0000-03-09", Day, "\"0000-03-09\" is not a day; expected YYYY-MM-DD"),
        ("2025-03-19T00", Day, "\"2025-03-19T00\" is not a day; expected YYYY-MM-DD"),
        ("", Day, "\"\" is not a day; expected YYYY-MM-DD"),
        ("today", Day, "\"today\" is not a day; expected YYYY-MM-DD"),
        ("2025-13", Month, "\"2025-13\" is not a month; expected YYYY-MM"),
        ("March", Month, "\"March\" is not a month; expected YYYY-MM"),
        (
            "2025-03",
            Day,
            "\"2025-03\" is a month, but the job's period is a day; expected YYYY-MM-DD, such as 2025-03-01",
        ),
        ("2025-03-19", Month, "\"2025-03-19\" is a day, but the job's period is a month; expected YYYY-MM: 2025-03"),
    ];
    for (label, grain, message) in cases {
        assert_eq!(Period::parse(label, grain, Tz::UTC).unwrap_err().to_string(), message);
    }
}

#[test]
fn a_day_that_the_zone_skipped_is_refused_and_passed_over() {
    let apia = zone("Pacific/Apia");
    let error = Period::parse("2011-12-30", Grain::Day, apia).unwrap_err().to_string();
    assert_eq!(error, "\"2011-12-30\" has no instant in Pacific/Apia: clocks were put forward over the whole day");
    let before = Period::parse("2011-12-29", Grain::Day, apia).unwrap();
    assert_eq!(before.next().label, "2011-12-31");
    assert_eq!(before.next().previous(), before);
}

#[test]
fn the_period_of_an_instant_is_that_of_the_zones_calendar() {
    let cases = [
        ("America/New_York", "2025-03-20T03:59:59Z", Grain::Day, "2025-03-19"),
        ("America/New_York", "2025-03-20T04:00:00Z", Grain::Day, "2025-03-20"),
        ("America/New_York", "2025-04-01T03:59:59Z", Grain::Month, "2025-03"),
        // After the first midnight the clocks went back to 23:01: still the new day.
        ("America/St_Johns", "2010-11-07T02:29:59Z", Grain::Day, "2010-11-06"),
        ("America/St_Johns", "2010-11-07T02:31:30Z", Grain::Day, "2010-11-07"),
    ];
    for (name, instant, grain, label) in cases {
        assert_eq!(Period::containing(utc(instant), grain, zone(name)).label, label, "{instant} in {name}");
    }
}

#[test]
fn the_last_complete_period_ends_at_or_before_the_instant() {
    let day = |instant: &str| Period::last_complete(utc(instant), Grain::Day, Tz::UTC).label;
    assert_eq!(day("2025-03-19T23:59:59Z"), "2025-03-18");
    assert_eq!(day("2025-03-20T00:00:00Z"), "2025-03-19");
    assert_eq!(Period::last_complete(utc("2025-03-20T00:00:00Z"), Grain::Month, Tz::UTC).label, "2025-02");
}

#[test]
fn auto_asks_for_the_last_complete_period() {
    let now = utc("2025-03-20T03:00:00Z");
    let resolver = Resolver { grain: Grain::Day, zone: zone("America/New_York"), at: now };
    let resolve = |asked: &str| resolver.resolve(asked).unwrap().label;
    assert_eq!(resolve("auto"), "2025-03-18");
    assert_eq!(resolve("2024-02-29"), "2024-02-29");
}

proptest! {
    #[test]
    fn consecutive_periods_tile_time_in_every_zone(
        second in -2_000_000_000_i64..4_000_000_000,
        index in 0..chrono_tz::TZ_VARIANTS.len(),
        monthly in any::<bool>(),
    ) {
        let zone = chrono_tz::TZ_VARIANTS[index];
        let grain = if monthly { Grain::Month } else { Grain::Day };
        let instant = DateTime::from_timestamp(second, 0).unwrap();
        let period = Period::containing(instant, grain, zone);
        prop_assert!(period.contains(instant), "{period:?} does not contain {instant}");
        prop_assert_eq!(period.previous().end, period.start);
        prop_assert_eq!(period.next().start, period.end);
        prop_assert_eq!(&period.next().previous(), &period);
        prop_assert_eq!(&Period::parse(&period.label, grain, zone).unwrap(), &period);
        for edge in [period.start, period.end - TimeDelta::nanoseconds(1)] {
            prop_assert_eq!(&Period::containing(edge, grain, zone), &period);
        }
        let complete = Period::last_complete(instant, grain, zone);
        prop_assert!(complete.end <= instant && instant < complete.next().end);
    }
}
