//! What is known of a provider's limit of calls: never one too many, whatever order the replies come in.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use reqwest::header::{HeaderMap, HeaderValue};
use tieout::providers::http::limits::{LimitHeaders, Limits, Room};

use crate::support::utc;

const HOUR: Duration = Duration::from_hours(1);

fn now() -> DateTime<Utc> {
    utc("2025-03-19T12:00:00Z")
}

/// A reply's headers: what is left, and in how many seconds the window ends.
fn headers(limit: u64, remaining: u64, ends_in: i64) -> HeaderMap {
    let reset = (now() + TimeDelta::seconds(ends_in)).timestamp();
    let values = [
        ("x-ratelimit-limit", limit.to_string()),
        ("x-ratelimit-remaining", remaining.to_string()),
        ("x-ratelimit-reset", reset.to_string()),
    ];
    values.into_iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_str(&value).unwrap())).collect()
}

fn limits() -> Limits {
    Limits::new(LimitHeaders::default(), HOUR)
}

#[test]
fn calls_that_are_on_their_way_count_until_they_are_answered() {
    let limits = limits();
    limits.note(&headers(20, 2, 60), now());
    let Room::Go(first) = limits.take(now()) else { panic!("two are left") };
    let Room::Go(_second) = limits.take(now()) else { panic!("one is left") };
    assert!(matches!(limits.take(now()), Room::Answer(_)), "both are on their way");
    // Answered, and told that one is left: that is the other one.
    limits.note(&headers(20, 1, 60), now());
    drop(first);
    assert!(matches!(limits.take(now()), Room::Answer(_)));
}

#[test]
fn nothing_left_is_waited_for_until_the_window_ends_and_a_little_longer() {
    let limits = limits();
    limits.note(&headers(20, 0, 60), now());
    let Room::Wait(wait) = limits.take(now()) else { panic!("nothing is left") };
    assert_eq!(wait, Duration::from_millis(60_500));
    assert!(matches!(limits.take(now() + TimeDelta::seconds(61)), Room::Go(_)), "a new window");
}

#[test]
fn a_window_that_ends_later_than_anyone_waits_is_told_with_its_end() {
    let limits = Limits::new(LimitHeaders::default(), Duration::from_secs(5));
    limits.note(&headers(20, 0, 60), now());
    let Room::NotBefore(until) = limits.take(now()) else { panic!("nothing is left") };
    assert_eq!(until, utc("2025-03-19T12:01:00.5Z"));
}

#[test]
fn what_is_reserved_is_left_alone() {
    let limits = limits().reserving(1);
    limits.note(&headers(20, 1, 60), now());
    assert!(matches!(limits.take(now()), Room::Wait(_)), "the last one is for those who do not ask");
}

#[test]
fn a_reply_of_a_window_that_is_over_says_nothing_of_the_next_one() {
    let limits = limits();
    limits.note(&headers(20, 0, 2), now());
    let later = now() + TimeDelta::seconds(3);
    let Room::Go(_call) = limits.take(later) else { panic!("a new window") };
    limits.note(&headers(20, 19, 4), later);
    limits.note(&headers(20, 0, 2), later);
    assert!(matches!(limits.take(later), Room::Go(_)), "nineteen are left, one of which is on its way");
}

#[test]
fn the_reset_is_measured_by_the_servers_clock_where_ours_is_off() {
    let limits = limits();
    let mut told = headers(20, 0, 60);
    // The server is ten minutes behind: its reset lies ten minutes before, by its own clock a minute ahead.
    let reset = (now() - TimeDelta::minutes(10) + TimeDelta::seconds(60)).timestamp().to_string();
    told.insert("x-ratelimit-reset", HeaderValue::from_str(&reset).unwrap());
    told.insert("date", HeaderValue::from_static("Wed, 19 Mar 2025 11:50:00 GMT"));
    limits.note(&told, now());
    let Room::Wait(wait) = limits.take(now()) else { panic!("nothing is left") };
    assert_eq!(wait, Duration::from_millis(60_500));
}

#[test]
fn without_a_reset_nothing_is_waited_for() {
    let limits = limits();
    let mut told = headers(20, 0, 60);
    told.remove("x-ratelimit-reset");
    limits.note(&told, now());
    assert!(matches!(limits.take(now()), Room::Go(_)));
}

proptest! {
    /// A server with a limit counts calls in any order and its answers arrive in any order: it never sees one too many,
    /// and all room is used in the end.
    #[test]
    fn no_order_of_answers_makes_a_call_too_many(limit in 2_u64..12, steps in proptest::collection::vec(0_usize..6, 0..200)) {
        let limits = limits();
        // The first reply says how many there are.
        limits.note(&headers(limit, limit - 1, 600), now());
        let mut counted = 1;
        let mut sent = Vec::new();
        let mut answers = Vec::new();
        for step in steps {
            match step {
                // Another call leaves, where one may.
                0..=2 => if let Room::Go(call) = limits.take(now()) { sent.push(call); },
                // The server counts one of those that are under way, not always the first.
                3 if !sent.is_empty() => {
                    let call = sent.swap_remove(sent.len() / 2);
                    counted += 1;
                    prop_assert!(counted <= limit, "a call too many");
                    answers.push((call, limit - counted));
                }
                // An answer arrives, not always the first.
                _ if !answers.is_empty() => {
                    let (call, remaining) = answers.swap_remove(answers.len() / 2);
                    limits.note(&headers(limit, remaining, 600), now());
                    drop(call);
                }
                _ => {}
            }
        }
        for (call, remaining) in answers.drain(..) {
            limits.note(&headers(limit, remaining, 600), now());
            drop(call);
        }
        prop_assert!(counted + sent.len() as u64 <= limit);
        // Whoever goes on one by one uses what is left.
        while counted + (sent.len() as u64) < limit {
            let room = limits.take(now());
            let Room::Go(call) = room else { return Err(TestCaseError::fail(format!("{room:?}, though there is room"))) };
            counted += 1;
            limits.note(&headers(limit, limit - counted, 600), now());
            drop(call);
        }
    }
}
