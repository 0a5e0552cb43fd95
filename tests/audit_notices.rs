//! `auditUpdate` notifications read from a webhook log: the published shape, what is carried, what is left aside.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, like the tests")]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tieout::frames::{AuditUpdate, Field, Frame, Side, WarningKind};
use tieout::job::{Format, Input, TimeFormat, preset};

use crate::reading_support::{gzip, ledger, quarantine, read_all, rows};
use crate::support_facts::at;

pub const KEY: &str = "webhook-key";

/// As the preset `kard-notifications` reads it.
pub fn log() -> Input {
    let preset = preset::by_name("kard-notifications").unwrap();
    let mut input = ledger(Format::WebhookLog);
    input.side = Side::Webhooks;
    input.mapping.fields = preset.fields;
    input.mapping.statuses = preset.statuses;
    input.quarantine_limit = 100;
    input
}

/// All that "`AuditUpdateAttributes`" and "`AuditUpdateRelationships`" publish.
fn published() -> Value {
    json!({
        "data": {
            "type": "auditUpdate",
            "id": "f3f1a0f0-36c8-4d5c-8f4e-c0d3b3c1a001",
            "attributes": {
                "status": "CLOSED",
                "auditCode": 3006,
                "merchantName": "Bluebird Coffee",
                "auditDescription": "cashback missing",
                "transactionId": "txn-0319-0019",
                "resolutionCode": 5004,
                "resolutionDescription": "Reward dispute resolved",
                "resolutionTimeStamp": "2025-03-21T09:30:00.000Z"
            },
            "relationships": {
                "user": {"data": {"type": "user", "id": "user-020"}},
                "audit": {"data": {"type": "audit", "id": "audit-1"}}
            }
        },
        "meta": {"issuerId": "org-123", "issuerName": "Issuer"}
    })
}

/// The published shape under another id, with one value changed; null takes it away.
fn changed(id: &str, path: &str, value: &Value) -> String {
    let mut notification = published();
    notification["data"]["id"] = json!(id);
    if let Some(place) = notification.pointer_mut(path) {
        *place = value.clone();
    }
    notification.to_string()
}

pub fn envelope(body: &str, key: &str, received_at: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    json!({"received_at": received_at, "signature": signature, "body": body}).to_string()
}

pub fn frame(lines: &[String], key: Option<&str>) -> Frame {
    read_all(&log(), &[("log.jsonl", lines.join("\n").as_bytes())], key).unwrap()
}

pub fn warnings(frame: &Frame) -> Vec<&str> {
    assert!(frame.warnings.iter().all(|warning| warning.kind == WarningKind::Notification));
    frame.warnings.iter().map(|warning| warning.message.as_str()).collect()
}

#[test]
fn the_published_shape_is_read_whole_bare_and_from_its_envelope() {
    let bare = AuditUpdate {
        notification: "f3f1a0f0-36c8-4d5c-8f4e-c0d3b3c1a001".to_owned(),
        audit: Some("audit-1".to_owned()),
        transaction: "txn-0319-0019".to_owned(),
        user: Some("user-020".to_owned()),
        status: "CLOSED".to_owned(),
        resolution_code: Some(5004),
        resolution: Some("Reward dispute resolved".to_owned()),
        resolved_at: Some(at("2025-03-21T09:30:00Z")),
        received_at: None,
        file: 0,
        line: 1,
    };
    let body = published().to_string();
    assert_eq!(frame(std::slice::from_ref(&body), None).audit_updates, std::slice::from_ref(&bare));
    let logged = envelope(&body, KEY, "2025-03-21T09:31:02Z");
    let found = frame(&[logged], Some(KEY));
    assert_eq!(found.audit_updates, [AuditUpdate { received_at: Some(at("2025-03-21T09:31:02Z")), ..bare }]);
    assert_eq!(warnings(&found), [""; 0]);
    // In the comparison it stays what it was: left out as not about a transaction.
    let row = "1/2: user=user-020 currency=USD status=AUDITUPDATE occurred_at=1742549462000000 event_kind=auditUpdate \
               event_id=f3f1a0f0-36c8-4d5c-8f4e-c0d3b3c1a001";
    assert_eq!(rows(&found), [row]);
}

#[test]
fn only_what_is_published_as_required_is_required() {
    let line = json!({"data": {"type": "auditUpdate", "id": "n1", "attributes": {
        "status": "NEW", "auditCode": 3005, "merchantName": "M", "auditDescription": "d", "transactionId": "t1"}}});
    let found = frame(&[line.to_string()], None);
    let update = &found.audit_updates[0];
    let said = (&*update.notification, &*update.transaction, &*update.status, update.line);
    assert_eq!(said, ("n1", "t1", "NEW", 1));
    assert_eq!((&update.audit, &update.user, &update.resolution), (&None, &None, &None));
    assert_eq!((update.resolution_code, update.resolved_at, update.received_at), (None, None, None));
}

#[test]
fn unknown_statuses_and_codes_are_carried() {
    let status = "/data/attributes/status";
    let code = "/data/attributes/resolutionCode";
    let lines = [changed("n1", status, &json!("ESCALATED")), changed("n2", code, &json!(5999))];
    let found = frame(&lines, None);
    assert_eq!(warnings(&found), [""; 0]);
    let said: Vec<_> = found.audit_updates.iter().map(|update| (&*update.status, update.resolution_code)).collect();
    assert_eq!(said, [("ESCALATED", Some(5004)), ("CLOSED", Some(5999))]);
}

#[test]
fn a_notification_without_the_right_signature_says_nothing() {
    let body = published().to_string();
    let time = "2025-03-21T10:00:00Z";
    let lines = [envelope(&body, "another-key", time), body.clone(), json!({"body": body}).to_string()];
    let checked = frame(&lines, Some(KEY));
    assert_eq!(checked.audit_updates, []);
    assert_eq!(quarantine(&checked).len(), 3);
    // A job that does not verify believes them; it is the same notification three times.
    assert_eq!(frame(&lines, None).audit_updates.len(), 1);
}

#[test]
fn a_repeated_id_counts_once_across_files_and_another_content_is_told() {
    let first = published().to_string();
    let other = changed("f3f1a0f0-36c8-4d5c-8f4e-c0d3b3c1a001", "/data/attributes/resolutionCode", &json!(5005));
    let packed = gzip(format!("{first}\n{other}\n{}", changed("n2", "/meta", &Value::Null)).as_bytes());
    let lines = format!("{}\n{first}", envelope(&first, KEY, "2025-03-21T10:00:00Z"));
    let found = read_all(&log(), &[("1.jsonl", lines.as_bytes()), ("2.jsonl.gz", &packed)], None).unwrap();
    let places: Vec<_> = found.audit_updates.iter().map(|update| (update.file, update.line)).collect();
    assert_eq!(places, [(0, 1), (1, 3)]);
    assert_eq!(found.audit_updates[0].resolution_code, Some(5004));
    let told = "the auditUpdate in 2.jsonl.gz line 2 is left aside: it repeats the id \
                `f3f1a0f0-36c8-4d5c-8f4e-c0d3b3c1a001` with another content; the first one counts";
    assert_eq!(warnings(&found), [told]);
}

#[test]
fn what_cannot_be_read_as_an_audit_update_is_a_warning_with_its_place() {
    let cases = [
        (
            "/data/attributes/transactionId",
            Value::Null,
            "`data.attributes.transactionId` is missing; expected the transaction's id",
        ),
        (
            "/data/attributes/status",
            json!(" "),
            "`data.attributes.status` is missing; expected NEW, IN_PROGRESS or CLOSED",
        ),
        ("/data/id", Value::Null, "`data.id` is missing; expected the notification's id"),
        ("/data/attributes", json!([]), "`data.attributes.transactionId` is missing; expected the transaction's id"),
        ("/data/attributes/status", json!({"now": "NEW"}), "`data.attributes.status` is neither text nor a number"),
        (
            "/data/attributes/resolutionCode",
            json!("fine"),
            "`data.attributes.resolutionCode` `fine` is no whole number",
        ),
        ("/data/attributes/resolutionCode", json!("4111111111111111222"), ""),
        (
            "/data/attributes/resolutionTimeStamp",
            json!("4111 1111 1111 1111"),
            "`data.attributes.resolutionTimeStamp` `**** **** **** 1111` is no time such as 2025-03-19T14:05:00Z",
        ),
        (
            "/data/attributes/resolutionTimeStamp",
            json!("2025-03-21T09:30:00"),
            "`data.attributes.resolutionTimeStamp` `2025-03-21T09:30:00` has no offset, and the job states no `timezone` for it",
        ),
    ];
    for (path, value, reason) in cases {
        let lines = ["{\"data\": {\"type\": \"other\"}}".to_owned(), changed("n1", path, &value)];
        let found = frame(&lines, None);
        if reason.is_empty() {
            assert_eq!(found.audit_updates.len(), 1, "{path} {value}");
            continue;
        }
        assert_eq!(found.audit_updates, [], "{path} {value}");
        let warning = &found.warnings[0];
        assert_eq!((warning.side, warning.file.as_deref()), (Some(Side::Webhooks), Some("log.jsonl")));
        assert_eq!(warnings(&found), [format!("the auditUpdate in log.jsonl line 2 is left aside: {reason}")]);
    }
}

#[test]
fn a_log_full_of_unreadable_updates_is_told_in_six_lines() {
    let broken = |id: usize| changed(&format!("n{id}"), "/data/attributes/transactionId", &Value::Null);
    let lines: Vec<String> = (0..100).map(broken).collect();
    let found = frame(&lines, None);
    assert_eq!(found.warnings.len(), 6);
    assert_eq!(warnings(&found)[5], "95 more auditUpdate notifications in log.jsonl are left aside");
    assert_eq!((found.rows.height(), found.quarantine.len()), (100, 0));
}

#[test]
fn the_word_alone_makes_no_audit_update() {
    let mut notice = published();
    notice["data"]["type"] = json!("clawback");
    notice["data"]["attributes"]["reason"] = json!("see the auditUpdate of yesterday");
    let found = frame(&[notice.to_string()], None);
    assert_eq!((found.audit_updates.len(), found.warnings.len()), (0, 0));
}

#[test]
fn the_receipt_is_read_as_the_job_reads_it() {
    let mut input = log();
    let body = published().to_string();
    let line = json!({"received_at": "1742549462", "signature": "", "body": body}).to_string();
    let read =
        |input: &Input| read_all(input, &[("log.jsonl", line.as_bytes())], None).unwrap().audit_updates[0].received_at;
    // Not as this job's receipts are written: it counts, without a time.
    assert_eq!(read(&input), None);
    input.mapping.fields.get_mut(&Field::OccurredAt).unwrap().time = TimeFormat::EpochSeconds;
    assert_eq!(read(&input), Some(at("2025-03-21T09:31:02Z")));
}

#[test]
fn other_formats_know_no_notifications() {
    let mut input = log();
    input.format = Format::Jsonl;
    input.mapping.fields.remove(&Field::OccurredAt);
    let mut notification = published();
    notification["data"]["relationships"]["transaction"] = json!({"data": {"id": "t1"}});
    let found = read_all(&input, &[("log.jsonl", notification.to_string().as_bytes())], None).unwrap();
    assert_eq!((found.rows.height(), found.audit_updates.len()), (1, 0));
    assert!(found.warnings.iter().all(|warning| warning.kind != WarningKind::Notification));
}
