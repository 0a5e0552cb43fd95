//! Logged notifications: envelopes, signatures, repeats, and what is about no transaction.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, like the tests")]

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::SecretString;
use sha2::Sha256;
use tieout::frames::{Field, Frame, Repeat, Side, Spread, load, load_among};
use tieout::job::{Format, Input, ReadLimits, Sign};

use crate::reading_support::{Shelf, constant, gzip, ledger, map, quarantine, read_all, rows};

const KEY: &str = "webhook-key";

fn log() -> Input {
    let mut input = ledger(Format::WebhookLog);
    input.side = Side::Webhooks;
    input.mapping.fields = BTreeMap::new();
    input.mapping.sign = Sign::Unsigned;
    map(&mut input, Field::TransactionId, "data.relationships.transaction.data.id");
    map(&mut input, Field::EventId, "data.id");
    map(&mut input, Field::EventKind, "data.type");
    map(&mut input, Field::Status, "data.type");
    map(
        &mut input,
        Field::UserReward,
        "data.attributes.commissionEarned.user.value|data.attributes.commissionEarned.value",
    );
    map(&mut input, Field::OccurredAt, "envelope.received_at");
    constant(&mut input, Field::Currency, "USD");
    let words = [("earnedRewardSettled", "SETTLED"), ("clawback", "CLAWBACK")];
    input.mapping.statuses = words.map(|(kind, word)| (kind.to_owned(), word.to_owned())).into();
    input.quarantine_limit = 100;
    input
}

fn notification(event: &str, kind: &str, transaction: &str, value: i64) -> String {
    format!(
        r#"{{"data": {{"type": "{kind}", "id": "{event}", "attributes": {{"commissionEarned": {{"value": {value}}}}}, "relationships": {{"transaction": {{"data": {{"id": "{transaction}"}}}}}}}}, "envelope": {{"received_at": "1999-01-01T00:00:00Z"}}}}"#
    )
}

fn signature(key: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

fn envelope(body: &str, signature: &str, received_at: &str) -> String {
    serde_json::json!({"received_at": received_at, "signature": signature, "body": body}).to_string()
}

/// A log as one job reads it, signatures checked; unreadable lines are quarantined.
pub(crate) fn read_log(bytes: &[u8], key: &str) -> Frame {
    let input = Input { quarantine_limit: 1_000_000, limits: ReadLimits::of(&Format::WebhookLog), ..log() };
    read_all(&input, &[("log.jsonl", bytes)], Some(key)).unwrap()
}

fn frame(lines: &[String], key: Option<&str>) -> Frame {
    read_all(&log(), &[("log.jsonl", lines.join("\n").as_bytes())], key).unwrap()
}

#[test]
fn while_a_key_is_rotated_a_signature_by_either_is_good() {
    let line = |event: &str, key: &str| {
        let body = notification(event, "earnedRewardSettled", "t1", 5);
        envelope(&body, &signature(key, &body), "2025-03-19T10:00:00Z")
    };
    let lines = [line("e1", "old"), line("e2", "new"), line("e3", "other")].join("\n");
    let shelf = Shelf::new();
    let keys = ["new", "old"].map(SecretString::from);
    let frame = load(&log(), vec![shelf.file("log.jsonl", lines.as_bytes())], &keys).unwrap();
    assert_eq!((frame.rows.height(), frame.quarantine.len()), (2, 1));
    assert_eq!(frame.quarantine[0].line, 3);
}

#[test]
fn what_a_receiver_rejected_is_no_row_and_names_its_transaction() {
    let time = "2025-03-19T10:00:00Z";
    let good = notification("e1", "earnedRewardSettled", "t1", 5);
    let bad = notification("e2", "earnedRewardSettled", "t2", 5);
    let rejected = |body: serde_json::Value| {
        let mut line = serde_json::json!({"received_at": time, "signature": null, "reason": "has no signature"});
        line["body"] = body;
        line.to_string()
    };
    let lines = [
        rejected(bad.into()),
        envelope(&good, &signature(KEY, &good), time),
        rejected("no JSON".into()),
        rejected(serde_json::Value::Null),
    ];
    for key in [Some(KEY), None] {
        let frame = frame(&lines, key);
        assert_eq!((frame.rows.height(), frame.quarantine.len(), frame.rows_read.as_slice()), (1, 0, &[1][..]));
        let told: Vec<_> = frame.rejected.iter().map(|one| (one.transaction.as_str(), one.line)).collect();
        assert_eq!(told, [("t2", 1)]);
        assert_eq!(
            (frame.rejected[0].reason.as_str(), frame.rejected[0].received_at.as_deref()),
            ("has no signature", Some(time))
        );
        assert!(frame.warnings.is_empty(), "{:?}", frame.warnings);
    }
    let only = frame(&lines[..1], Some(KEY));
    assert!(only.warnings.is_empty(), "a file of rejected ones is not empty: {:?}", only.warnings);
}

#[test]
fn a_signature_is_checked_over_the_raw_body() {
    let body = notification("e1", "earnedRewardSettled", "t1", 5);
    let respaced = body.replace(": ", ":");
    let time = "2025-03-19T10:00:00Z";
    let lines = [
        envelope(&body, &signature(KEY, &body), time),
        envelope(&body, &signature("other", &body), time),
        envelope(&respaced, &signature(KEY, &body), time),
        envelope(&body, "not base64!", time),
        envelope(&body, "", time),
        envelope(&body, &signature(KEY, &body)[..8], time),
        serde_json::json!({"body": body}).to_string(),
        body.clone(),
    ];
    let checked = frame(&lines, Some(KEY));
    let good = "status=SETTLED occurred_at=1742378400000000 user_reward=5 event_kind=earnedRewardSettled event_id=e1";
    assert_eq!(rows(&checked), [format!("1/0: transaction_id=t1 currency=USD {good}")]);
    let reasons: Vec<String> = checked.quarantine.iter().map(|row| format!("{} {}", row.line, row.reason)).collect();
    let wrong = "has a wrong signature: the body is not what was signed with the webhook key";
    let expected = [
        format!("2 {wrong}"),
        format!("3 {wrong}"),
        "4 has a signature that is not base64; expected base64 of an HMAC-SHA256".to_owned(),
        "5 has no signature; expected `signature` beside `body`".to_owned(),
        format!("6 {wrong}"),
        "7 has no signature; expected `signature` beside `body`".to_owned(),
        "8 has no signature: a bare notification; expected an envelope with `signature` and `body`".to_owned(),
    ];
    assert_eq!(reasons, expected);
    let unchecked = frame(&lines, None);
    assert_eq!((unchecked.rows.height(), unchecked.quarantine.len()), (8, 0));
}

#[test]
fn the_receipt_time_comes_from_the_envelope_and_never_from_the_body() {
    let body = notification("e1", "clawback", "t1", 5);
    let found = rows(&frame(&[body.clone(), envelope(&body, "", "2025-03-19T10:00:00Z")], None));
    let rest = "user_reward=-5 event_kind=clawback event_id=e1";
    let expected = [
        format!("1/0: transaction_id=t1 currency=USD status=CLAWBACK {rest}"),
        format!("2/3: transaction_id=t1 currency=USD status=CLAWBACK occurred_at=1742378400000000 {rest}"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_repeated_id_counts_once_if_its_content_is_the_same() {
    let line = |event: &str, value: i64| notification(event, "earnedRewardSettled", "t1", value);
    let first = [line("e1", 5), line("e1", 6), line("e1", 5), line("e2", 5)].join("\n");
    let second = gzip([line("e1", 6), line("e3", 5)].join("\n").as_bytes());
    let found = read_all(&log(), &[("1.jsonl", first.as_bytes()), ("2.jsonl.gz", &second)], None).unwrap();
    let marks: Vec<String> = rows(&found).iter().map(|row| row.split(':').next().unwrap().to_owned()).collect();
    assert_eq!(marks, ["1/0", "2/0", "3/3", "4/0", "1/3", "2/0"]);
}

#[test]
fn notices_that_are_about_no_transaction_are_left_out_without_an_id() {
    let audit =
        r#"{"data": {"type": "auditUpdate", "id": "e9", "attributes": {"commissionEarned": {"value": "n/a"}}}}"#;
    let lines = [
        audit.to_owned(),
        notification("e1", "somethingNew", "", 5),
        r#"{"data": {"type": "clawback", "id": "e2"}}"#.to_owned(),
        r#"{"hello": 1}"#.to_owned(),
    ];
    let found = frame(&lines, None);
    let expected = [
        "1/2: currency=USD status=AUDITUPDATE event_kind=auditUpdate event_id=e9",
        "2/2: currency=USD status=SOMETHINGNEW user_reward=5 event_kind=somethingNew event_id=e1",
    ];
    assert_eq!(rows(&found), expected);
    let missing = "transaction_id ``: is empty; every notification needs a transaction id";
    let untyped = "event_kind ``: is empty; every notification needs a type";
    assert_eq!(quarantine(&found), [format!("log.jsonl:3 {missing}"), format!("log.jsonl:4 {untyped}")]);
}

#[test]
fn lines_that_are_no_notification_go_to_quarantine() {
    let lines = ["<html>", "{\"body\": {}}", "{\"body\": \"{\"}", "[]"].map(str::to_owned);
    let found = frame(&lines, None);
    assert_eq!(found.rows.height(), 0);
    let expected = [
        "log.jsonl:1 row `<html>`: is not a readable JSON object: expected `{`",
        "log.jsonl:2 row `{\"body\": {}}`: is not a readable JSON object: invalid type: map, expected a string (character 9)",
        "log.jsonl:3 row `{\"body\": \"{\"}`: is not a readable JSON object: EOF while parsing an object (character 1)",
        "log.jsonl:4 row `[]`: is not a readable JSON object: expected `{`",
    ];
    assert_eq!(quarantine(&found), expected);
}

#[test]
fn a_notification_that_a_repeated_log_holds_too_counts_where_the_days_own_log_has_it() {
    let shelf = Shelf::new();
    let line = envelope(&notification("e1", "earnedRewardSettled", "t1", 5), "", "2025-03-18T23:59:59Z");
    let files = vec![shelf.file("old", line.as_bytes()), shelf.file("own", format!("{line}\n\n").as_bytes())];
    let repeat = Repeat { file: 0, name: "first".to_owned(), period: "2025-03-18".to_owned() };
    let frame = load_among(&log(), files, vec![repeat], &[], Spread::held(0)).unwrap();
    let excluded: Vec<String> = rows(&frame).iter().map(|row| row.chars().take(3).collect()).collect();
    assert_eq!(excluded, ["1/4", "1/0"]);
}
