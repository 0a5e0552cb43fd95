//! Which failures are tried again, after how long, and what is kept out of messages.

use std::time::Duration;

use proptest::prelude::*;
use secrecy::SecretString;
use tieout::project::HttpConfig;
use tieout::providers::http::{Decision, Outcome, Redactor, decide, displayable, http_date, retry_after};

use crate::support::utc;

fn config() -> HttpConfig {
    HttpConfig {
        attempts: 4,
        first_delay: Duration::from_millis(500),
        max_delay: Duration::from_mins(1),
        ..HttpConfig::default()
    }
}

const fn status(code: u16) -> Outcome {
    Outcome::Status { code, retry_after: None }
}

#[test]
fn only_what_may_pass_is_tried_again() {
    let again = [
        Outcome::NotConnected,
        Outcome::TimedOut,
        Outcome::Broken,
        Outcome::WebPage,
        Outcome::Unreadable,
        status(408),
        status(425),
        status(429),
        status(500),
        status(502),
        status(503),
        status(504),
        status(507),
        status(520),
        status(599),
    ];
    let never = [
        Outcome::Invalid,
        status(301),
        status(304),
        status(307),
        status(400),
        status(401),
        status(403),
        status(404),
        status(405),
        status(409),
        status(410),
        status(422),
        status(501),
        status(505),
    ];
    for outcome in again {
        assert!(matches!(decide(outcome, 1, &config(), 0), Decision::Retry { .. }), "{outcome:?}");
        assert_eq!(decide(outcome, 4, &config(), 0), Decision::GiveUp, "{outcome:?} after the last attempt");
    }
    for outcome in never {
        assert_eq!(decide(outcome, 1, &config(), 0), Decision::GiveUp, "{outcome:?}");
    }
}

#[test]
fn the_back_off_doubles_from_half_to_all_of_its_step() {
    let table = [(1, 250, 500), (2, 500, 1_000), (3, 1_000, 2_000)];
    for (made, least_ms, most_ms) in table {
        let least = decide(status(503), made, &config(), 0);
        assert_eq!(least, Decision::Retry { wait: Duration::from_millis(least_ms) });
        let Decision::Retry { wait } = decide(status(503), made, &config(), u64::MAX) else { panic!("retried") };
        assert_eq!(wait.as_millis(), most_ms - 1, "just below the whole step");
    }
}

#[test]
fn a_server_that_asks_for_a_wait_gets_it_up_to_the_cap() {
    let table = [(0, 0), (1, 1), (59, 59), (60, 60), (61, 60), (u64::MAX, 60)];
    for (asked, waited) in table {
        let outcome = Outcome::Status { code: 429, retry_after: Some(Duration::from_secs(asked)) };
        let expected = Decision::Retry { wait: Duration::from_secs(waited) };
        assert_eq!(decide(outcome, 1, &config(), u64::MAX), expected, "Retry-After: {asked}");
    }
    let refused = Outcome::Status { code: 403, retry_after: Some(Duration::ZERO) };
    assert_eq!(decide(refused, 1, &config(), 0), Decision::GiveUp, "Retry-After opens no closed door");
}

proptest! {
    #[test]
    fn no_wait_is_longer_than_the_cap(made in 0_u32..2_000, random: u64, first_ms in 0_u64..100_000, max_ms in 0_u64..100_000) {
        let config = HttpConfig {
            attempts: u32::MAX,
            first_delay: Duration::from_millis(first_ms),
            max_delay: Duration::from_millis(max_ms),
            ..HttpConfig::default()
        };
        let Decision::Retry { wait } = decide(Outcome::TimedOut, made, &config, random) else { panic!("retried") };
        prop_assert!(wait <= config.max_delay);
    }

    #[test]
    fn redaction_never_fails_and_leaves_no_known_secret(text in ".{0,200}", secret in "[A-Za-z0-9]{6,30}", after in ".{0,20}") {
        let redactor = Redactor::new(vec![SecretString::from(secret.clone())]);
        let told = redactor.redact(&format!("{text}{secret}{after}"));
        prop_assert!(!told.contains(&secret), "{told}");
    }

    #[test]
    fn what_is_displayed_is_short_and_moves_no_cursor(text in "\\PC*|[\\x00-\\x20]*", limit in 1_usize..50) {
        let shown = displayable(&text, limit);
        prop_assert!(shown.chars().count() <= limit);
        prop_assert!(!shown.chars().any(char::is_control));
    }
}

#[test]
fn retry_after_is_read_as_seconds_or_as_any_http_date() {
    let now = utc("1994-11-06T08:49:30Z");
    let table = [
        ("7", Some(7)),
        (" 0 ", Some(0)),
        ("99999999999999999999999", Some(u64::MAX)),
        ("Sun, 06 Nov 1994 08:49:37 GMT", Some(7)),
        ("Sunday, 06-Nov-94 08:49:37 GMT", Some(7)),
        ("Sun Nov  6 08:49:37 1994", Some(7)),
        ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
    ];
    for (value, seconds) in table {
        assert_eq!(retry_after(value, now), seconds.map(Duration::from_secs), "{value:?}");
    }
    assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(utc("1994-11-06T08:49:37Z")));
}

#[test]
fn redaction_takes_out_what_looks_like_a_secret() {
    let long = "A".repeat(41);
    let table = [
        ("authorization: Bearer abc.def", "authorization: Bearer [redacted]"),
        ("basic QWxhZGRpbg==", "basic [redacted]"),
        (r#"{"access_token": "short", "x": 1}"#, r#"{"access_token": "[redacted]", "x": 1}"#),
        (r#"{"access_token":"short"}"#, r#"{"access_token":"[redacted]"}"#),
        ("grant_type=x&client_secret=short", "[redacted]"),
        ("see https://s3.example/a/b?X-Amz-Signature=ff&x=1 now", "see https://s3.example/a/b?[redacted] now"),
        (long.as_str(), "[redacted]"),
        ("card 4111 1111 1111 1111.", "card [redacted]."),
        ("card 4111-1111-1111-1111", "card [redacted]"),
        ("id 4111111111111111x", "id [redacted]x"),
        ("at 2025-03-19 in 12 of 100", "at 2025-03-19 in 12 of 100"),
        ("page[size] must be from 1 to 100", "page[size] must be from 1 to 100"),
        ("the canary-key sings", "the [redacted] sings"),
    ];
    let redactor = Redactor::new(vec![SecretString::from("canary-key")]);
    for (text, told) in table {
        assert_eq!(redactor.redact(text), told);
    }
    assert!(!format!("{redactor:?}").contains("canary"), "secrets stand in no Debug output");
}

#[test]
fn names_of_others_are_cut_for_display() {
    let table = [
        ("plain.json", "plain.json".to_owned()),
        ("a\u{1b}[31mred\nline\r\0", "a[31mredline".to_owned()),
        ("gnp.\u{202e}exe", "gnp.exe".to_owned()),
    ];
    for (text, shown) in table {
        assert_eq!(displayable(text, 120), shown);
    }
    let shown = displayable(&"é".repeat(300), 120);
    assert_eq!(shown, format!("{}…", "é".repeat(119)));
}
