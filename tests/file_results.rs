//! `fileProcessingResult` notifications read from a webhook log: the published shape, what is carried of its errors
//! and what is only counted, what is left aside.

use serde_json::{Value, json};
use tieout::frames::{FileResult, RowError, Side};
use tieout::job::Format;

use crate::audit_notices::{KEY, envelope, frame, log, warnings};
use crate::reading_support::{gzip, quarantine, read_all, rows};
use crate::support_facts::at;

/// All that "`FileMetadataAttribute`" and "`NotificationPayload`" publish.
fn published() -> Value {
    json!({
        "data": {
            "type": "fileProcessingResult",
            "id": "7d9cf5a0-0d55-4cb9-a8a5-4d7e3a1b0001",
            "attributes": {
                "fileName": "core-upload-2025-03-19-001-ab12cd34.jsonl.gz",
                "sentAt": "2025-03-20T09:45:00.000Z",
                "lastModified": "2025-03-20T09:46:10.500Z",
                "downloadUrl": "https://files.example/x?signature=secret"
            }
        },
        "errors": [{
            "status": "400",
            "title": "Bad Request",
            "detail": "amount must not be negative",
            "source": {"pointer": "/4/attributes/amount"},
            "id": "0123456789abcdef0123456789abcdef"
        }],
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

fn with_errors(id: &str, count: usize) -> String {
    let error = |index: usize| json!({"status": "400", "title": "Bad", "detail": "no", "id": format!("e{index}")});
    changed(id, "/errors", &Value::Array((0..count).map(error).collect()))
}

/// What is read of the errors of one notification.
fn errors(written: &Value) -> Vec<RowError> {
    let found = frame(&[changed("n1", "/errors", written)], None);
    assert_eq!(warnings(&found), [""; 0]);
    found.file_results[0].errors.clone()
}

fn counts(results: &[FileResult]) -> Vec<(usize, u64)> {
    results.iter().map(|result| (result.errors.len(), result.errors_left_out)).collect()
}

#[test]
fn the_published_shape_is_read_whole_bare_and_from_its_envelope() {
    let bare = FileResult {
        notification: "7d9cf5a0-0d55-4cb9-a8a5-4d7e3a1b0001".to_owned(),
        file_name: "core-upload-2025-03-19-001-ab12cd34.jsonl.gz".to_owned(),
        sent_at: Some(at("2025-03-20T09:45:00Z")),
        last_modified: Some(at("2025-03-20T09:46:10.500Z")),
        received_at: None,
        errors: vec![RowError {
            id: Some("0123456789abcdef0123456789abcdef".to_owned()),
            line: Some(5),
            status: Some(400),
            words: "Bad Request: amount must not be negative (attributes.amount)".to_owned(),
        }],
        errors_left_out: 0,
        file: 0,
        line: 1,
    };
    let body = published().to_string();
    assert_eq!(frame(std::slice::from_ref(&body), None).file_results, std::slice::from_ref(&bare));
    let found = frame(&[envelope(&body, KEY, "2025-03-20T09:47:02Z")], Some(KEY));
    assert_eq!(found.file_results, [FileResult { received_at: Some(at("2025-03-20T09:47:02Z")), ..bare }]);
    assert_eq!(warnings(&found), [""; 0]);
    assert_eq!(found.audit_updates, []);
    // In the comparison it stays what it was: left out as not about a transaction.
    let row = "1/2: currency=USD status=FILEPROCESSINGRESULT occurred_at=1742464022000000 \
               event_kind=fileProcessingResult event_id=7d9cf5a0-0d55-4cb9-a8a5-4d7e3a1b0001";
    assert_eq!(rows(&found), [row]);
}

#[test]
fn a_name_is_enough_and_what_is_not_known_is_passed_over() {
    let bare = json!({"data": {"type": "fileProcessingResult", "id": "n1", "attributes": {"fileName": "a.jsonl"}}});
    let more = json!({
        "errors": null,
        "links": {"self": ["x"]},
        "data": {
            "type": "fileProcessingResult", "id": 2, "relationships": {},
            "attributes": {"fileName": "b.jsonl", "sentAt": null, "lastModified": "", "rows": {"taken": 3}}
        }
    });
    let found = frame(&[bare.to_string(), more.to_string()], None);
    assert_eq!(warnings(&found), [""; 0]);
    let names: Vec<_> =
        found.file_results.iter().map(|result| (&*result.notification, &*result.file_name, result.line)).collect();
    assert_eq!(names, [("n1", "a.jsonl", 1), ("2", "b.jsonl", 2)]);
    for result in &found.file_results {
        assert_eq!((result.sent_at, result.last_modified, result.received_at), (None, None, None));
        assert_eq!((result.errors.len(), result.error_count()), (0, 0));
    }
}

#[test]
fn times_without_an_offset_are_utc_as_in_the_lists_of_files() {
    let found = frame(&[changed("n1", "/data/attributes/sentAt", &json!("2025-03-20T09:45:00"))], None);
    assert_eq!(found.file_results[0].sent_at, Some(at("2025-03-20T09:45:00Z")));
}

#[test]
fn a_pointer_tells_the_line_and_the_field_and_counts_from_zero() {
    let cases = [
        ("/0", Some(1), "said"),
        ("/4/attributes/amount", Some(5), "said (attributes.amount)"),
        ("/data/0/attributes/amount", Some(1), "said (attributes.amount)"),
        ("#/data/12", Some(13), "said"),
        ("/999999/attributes/cardLastFours/0", Some(1_000_000), "said (attributes.cardLastFours.0)"),
        ("/01/attributes", None, "said (01.attributes)"),
        ("/-1/attributes", None, "said (-1.attributes)"),
        ("/+1", None, "said (+1)"),
        ("/18446744073709551615", None, "said (****************1615)"),
        ("/18446744073709551616", None, "said (****************1616)"),
        ("/data/attributes/fileName", None, "said (data.attributes.fileName)"),
        ("/data", None, "said (data)"),
        ("amount", None, "said (amount)"),
        ("/", None, "said"),
        ("", None, "said"),
    ];
    for (pointer, line, words) in cases {
        let found = errors(&json!([{"detail": "said", "source": {"pointer": pointer}}]));
        assert_eq!((found[0].line, found[0].words.as_str()), (line, words), "{pointer}");
        assert_eq!(found[0].names_a_row(), line.is_some());
    }
}

#[test]
fn what_cannot_be_read_of_an_error_leaves_the_error() {
    let cases = [
        (json!({}), None, None, ""),
        (json!({"id": 17, "status": 422, "title": "T"}), Some("17"), Some(422), "T"),
        (json!({"id": "e1", "status": "bad", "detail": "D"}), Some("e1"), None, "D"),
        (json!({"id": {"of": "e1"}, "status": "70000", "title": ["T"], "source": "here"}), None, None, ""),
        (json!({"id": "e1", "source": {"pointer": "/data/attributes"}}), Some("e1"), None, "data.attributes"),
        (json!("the file is no gzip"), None, None, "the file is no gzip"),
        (json!(null), None, None, ""),
        (json!([1, 2]), None, None, ""),
        (json!({"detail": "ill\u{1b}[31m card 4111 1111 1111 1111"}), None, None, {
            "ill[31m card **** **** **** 1111"
        }),
    ];
    for (written, id, status, words) in cases {
        let found = errors(&json!([written]));
        let expected = RowError { id: id.map(str::to_owned), line: None, status, words: words.to_owned() };
        assert_eq!(found, [expected], "{written}");
        assert_eq!(found[0].names_a_row(), id.is_some());
    }
    let long =
        errors(&json!([{"title": "x".repeat(1_000), "source": {"pointer": format!("/0/{}", "y".repeat(1_000))}}]));
    assert_eq!(long[0].words, format!("{}… ({}…)", "x".repeat(239), "y".repeat(59)));
}

#[test]
fn of_very_many_errors_the_first_are_kept_and_the_others_counted() {
    let mut input = log();
    input.limits.max_row_bytes = 100 << 20;
    let read = |lines: &[String]| read_all(&input, &[("log.jsonl", lines.join("\n").as_bytes())], None).unwrap();
    let found = read(&[with_errors("n1", 10_000), with_errors("n2", 10_001), with_errors("n3", 25_000)]);
    assert_eq!(counts(&found.file_results), [(10_000, 0), (10_000, 1), (10_000, 15_000)]);
    assert_eq!(found.file_results[2].error_count(), 25_000);
    assert_eq!(found.file_results[2].errors[9_999].id.as_deref(), Some("e9999"));
    assert_eq!(warnings(&found), [""; 0]);
}

#[test]
fn of_a_whole_log_no_more_than_a_hundred_thousand_errors_are_kept_however_often_it_repeats_itself() {
    let mut input = log();
    input.limits.max_row_bytes = 100 << 20;
    let one = |number: usize| with_errors(&format!("n{number}"), 9_000);
    let first: Vec<String> = (0..6).flat_map(|number| [one(number), one(number)]).collect();
    let second: Vec<String> = (3..14).map(one).collect();
    let files = [("1.jsonl", first.join("\n")), ("2.jsonl", second.join("\n"))];
    let files: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
    let found = read_all(&input, &files, None).unwrap();
    let mut expected = vec![(9_000, 0); 11];
    expected.extend([(1_000, 8_000), (0, 9_000), (0, 9_000)]);
    assert_eq!(counts(&found.file_results), expected);
    // What was cut is no other content.
    assert_eq!(warnings(&found), [""; 0]);
}

#[test]
fn a_notification_without_the_right_signature_says_nothing() {
    let body = published().to_string();
    let time = "2025-03-20T10:00:00Z";
    let lines = [envelope(&body, "another-key", time), body.clone(), json!({"body": body}).to_string()];
    let checked = frame(&lines, Some(KEY));
    assert_eq!(checked.file_results, []);
    assert_eq!(quarantine(&checked).len(), 3);
    // A job that does not verify believes them; it is the same notification three times.
    assert_eq!(frame(&lines, None).file_results.len(), 1);
}

#[test]
fn a_repeated_id_counts_once_across_files_and_another_content_is_told() {
    let id = "7d9cf5a0-0d55-4cb9-a8a5-4d7e3a1b0001";
    let first = published().to_string();
    // A new download address is no news.
    let later = changed(id, "/data/attributes/downloadUrl", &json!("https://files.example/y"));
    let others = [
        changed(id, "/data/attributes/fileName", &json!("other.jsonl.gz")),
        changed(id, "/data/attributes/lastModified", &Value::Null),
        changed(id, "/errors", &json!([])),
        changed(id, "/errors/0/detail", &json!("another reason")),
    ];
    let packed = gzip(format!("{}\n{}", others.join("\n"), changed("n2", "/meta", &Value::Null)).as_bytes());
    let lines = format!("{}\n{first}\n{later}", envelope(&first, KEY, "2025-03-20T10:00:00Z"));
    let found = read_all(&log(), &[("1.jsonl", lines.as_bytes()), ("2.jsonl.gz", &packed)], None).unwrap();
    let places: Vec<_> = found.file_results.iter().map(|result| (result.file, result.line)).collect();
    assert_eq!(places, [(0, 1), (1, 5)]);
    assert_eq!(found.file_results[0].file_name, "core-upload-2025-03-19-001-ab12cd34.jsonl.gz");
    // The second file contradicts itself three times, and its first notification contradicts the first file.
    let told = |line: u64| {
        format!(
            "the fileProcessingResult in 2.jsonl.gz line {line} is left aside: it repeats the id `{id}` with \
             another content; the first one counts"
        )
    };
    assert_eq!(warnings(&found), [told(2), told(3), told(4), told(1)]);
}

#[test]
fn what_cannot_be_read_as_a_result_is_a_warning_with_its_place() {
    let cases = [
        ("/data/id", Value::Null, "`data.id` is missing; expected the notification's id"),
        (
            "/data/attributes/fileName",
            json!(" "),
            "`data.attributes.fileName` is missing; expected the name of the file",
        ),
        ("/data/attributes", json!(7), "`data.attributes.fileName` is missing; expected the name of the file"),
        ("/data/attributes/fileName", json!(["a"]), "`data.attributes.fileName` is neither text nor a number"),
        (
            "/data/attributes/sentAt",
            json!("4111 1111 1111 1111"),
            "`data.attributes.sentAt` `**** **** **** 1111` is no time such as 2025-03-19T14:05:00Z",
        ),
        (
            "/data/attributes/lastModified",
            json!("yesterday"),
            "`data.attributes.lastModified` `yesterday` is no time such as 2025-03-19T14:05:00Z",
        ),
        ("/errors", json!({"0": {"status": "400"}}), "`errors` is no list"),
        ("/errors", json!("many"), "`errors` is no list"),
        ("/errors", json!(-1), "`errors` is no list"),
        ("/errors", json!(1), "`errors` is no list"),
        ("/errors", json!(1.5), "`errors` is no list"),
        ("/errors", json!(true), "`errors` is no list"),
    ];
    for (path, value, reason) in cases {
        let lines = ["{\"data\": {\"type\": \"other\"}}".to_owned(), changed("n1", path, &value)];
        let found = frame(&lines, None);
        assert_eq!(found.file_results, [], "{path} {value}");
        let warning = &found.warnings[0];
        assert_eq!((warning.side, warning.file.as_deref()), (Some(Side::Webhooks), Some("log.jsonl")));
        let told = format!("the fileProcessingResult in log.jsonl line 2 is left aside: {reason}");
        assert_eq!(warnings(&found), [told]);
    }
}

#[test]
fn a_log_full_of_unreadable_results_is_told_in_six_lines_beside_those_of_audits() {
    let broken = |id: usize| changed(&format!("n{id}"), "/data/attributes/fileName", &Value::Null);
    let mut lines: Vec<String> = (0..100).map(broken).collect();
    lines.push(json!({"data": {"type": "auditUpdate", "id": "n1", "attributes": {"status": "NEW"}}}).to_string());
    let found = frame(&lines, None);
    let told = warnings(&found);
    assert_eq!(told.len(), 7);
    assert_eq!(
        told[0],
        "the auditUpdate in log.jsonl line 101 is left aside: `data.attributes.transactionId` is missing; expected \
         the transaction's id"
    );
    assert_eq!(told[6], "95 more fileProcessingResult notifications in log.jsonl are left aside");
}

#[test]
fn an_audit_and_a_file_may_speak_of_each_other() {
    let mut file = published();
    file["errors"][0]["detail"] = json!("see the auditUpdate of yesterday");
    // Errors mean nothing to an audit, whatever they are.
    let audit = json!({"errors": "fileProcessingResult", "data": {"type": "auditUpdate", "id": "n1", "attributes": {
        "status": "NEW", "auditCode": 3005, "merchantName": "M", "auditDescription": "d", "transactionId": "t1"}}});
    let clawback = json!({"data": {"type": "clawback", "id": "n2", "attributes": {"reason": "fileProcessingResult"},
        "relationships": {"transaction": {"data": {"id": "t1"}}}}});
    let found = frame(&[file.to_string(), audit.to_string(), clawback.to_string()], None);
    assert_eq!((found.file_results.len(), found.audit_updates.len()), (1, 1));
    assert_eq!(warnings(&found), [""; 0]);
}

#[test]
fn other_formats_know_no_notifications() {
    let mut input = log();
    input.format = Format::Jsonl;
    input.mapping.fields.remove(&tieout::frames::Field::OccurredAt);
    let mut notification = published();
    notification["data"]["relationships"] = json!({"transaction": {"data": {"id": "t1"}}});
    let found = read_all(&input, &[("log.jsonl", notification.to_string().as_bytes())], None).unwrap();
    assert_eq!((found.rows.height(), found.file_results.len()), (1, 0));
}
