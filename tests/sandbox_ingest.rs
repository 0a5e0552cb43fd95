//! What the sandbox makes of a bulk file: every line judged as published, and every event taken once.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tieout::sandbox::{FileResult, UploadSession};

use crate::sandbox_contract::plain;
use crate::support::Rig;
use crate::support::bulk::{core, counts, gzip, jsonl, put, send, times, upload_url, uploaded, with};

fn result(session: &UploadSession) -> FileResult {
    session.results.last().unwrap().clone()
}

/// The errors of the last notification, as `status id pointer: detail`.
fn told(folder: &TempDir) -> Vec<String> {
    let log = std::fs::read_to_string(folder.path().join("log.jsonl")).unwrap();
    let envelope: Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    let body: Value = serde_json::from_str(envelope["body"].as_str().unwrap()).unwrap();
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let line = |error: &Value| {
        let pointer = word(&error["source"]["pointer"]);
        format!("{} {} {pointer}: {}", word(&error["status"]), word(&error["id"]), word(&error["detail"]))
    };
    body["errors"].as_array().map(|errors| errors.iter().map(line).collect()).unwrap_or_default()
}

/// A sandbox that writes its notifications to `log.jsonl` of the folder.
async fn telling(folder: &TempDir) -> Rig {
    let log = folder.path().join("log.jsonl");
    Rig::start_with(&[], "", |options| options.notifications = Some(log), |_| {}).await
}

#[tokio::test]
async fn plain_and_gzip_and_several_members_are_read_alike() {
    let rig = Rig::start(&[], "").await;
    let lines = |from: u32| jsonl(&(from..from + 3).map(|number| core(&format!("e-{number}"))).collect::<Vec<_>>());
    let two = [gzip(&lines(6)[..200]), gzip(&lines(6)[200..])].concat();
    let cut = lines(9);
    let table = [(lines(0), 0), (gzip(&lines(3)), 1), (two, 2), (cut[..cut.len() - 1].to_vec(), 0)];
    for (bytes, members) in table {
        let found = result(&uploaded(&rig, "a.jsonl", bytes).await);
        assert_eq!((counts(&found), found.gzip_members, found.unreadable), ([3, 3, 0, 0], members, None));
    }
    assert_eq!(rig.sandbox.ingested().len(), 12);
    assert!(rig.sandbox.ingested().events().all(|event| (event.times, event.arrivals) == (1, 1)));
}

#[tokio::test]
async fn a_repeated_event_is_counted_and_told_apart_from_one_that_says_something_else() {
    let folder = TempDir::new().unwrap();
    let rig = telling(&folder).await;
    let amount = |id: &str, amount: i64| with(core(id), "amount", json!(amount));
    let first = [amount("e-1", 1), amount("e-2", 2), amount("e-1", 1)];
    let session = uploaded(&rig, "a.jsonl", jsonl(&first)).await;
    let found = result(&session);
    assert_eq!((counts(&found), found.duplicates_within, found.conflicting), ([3, 2, 0, 1], 1, 0));
    assert_eq!(told(&folder), [""; 0]);

    // Another order of names, blanks and an unknown field: the same is said.
    let mut again = amount("e-1", 1);
    again["attributes"]["extra"] = json!({ "deep": [1, 2] });
    let again = format!("  {}\r\n", serde_json::to_string_pretty(&again).unwrap().replace('\n', " "));
    let second = [again.into_bytes(), jsonl(&[amount("e-2", 20), amount("e-3", 3)])].concat();
    let found = result(&uploaded(&rig, "b.jsonl", gzip(&second)).await);
    assert_eq!((counts(&found), found.duplicates_within, found.conflicting), ([3, 1, 1, 1], 0, 1));
    assert_eq!(found.unknown_fields, 1);
    assert_eq!(told(&folder), ["409 e-2 /1/id: An event with this id exists, and says something else."]);

    let ingested = rig.sandbox.ingested();
    let event = |id: &str| ingested.get(id).map(|event| (event.times, event.arrivals, event.other_content));
    assert_eq!(event("e-1"), Some((3, 2, 0)));
    assert_eq!(event("e-2"), Some((2, 2, 1)));
    assert_eq!((event("e-3"), event("e-4")), (Some((1, 1, 0)), None));
    // A call that brings an event of a file finds it known.
    let (status, _) = send(&rig, reqwest::Method::POST, "/transactions", &json!({ "data": [amount("e-3", 3)] })).await;
    assert_eq!((status, times(&rig, "e-3")), (409, 2));
    assert_eq!(rig.sandbox.ingested().get("e-3").unwrap().other_content, 0, "a file and a call say the same");
}

#[tokio::test]
async fn a_line_that_is_not_as_published_is_rejected_with_its_place() {
    let folder = TempDir::new().unwrap();
    let rig = telling(&folder).await;
    let number = 1_u64 << 63;
    let table = [
        (json!("no object"), "400 - /0: Must be an object."),
        (with(core("e"), "userId", Value::Null), "400 e /0/attributes/userId: Is required."),
        (with(core("e"), "userId", json!("")), "400 e /0/attributes/userId: Must not be empty."),
        (with(core("e"), "userId", json!(7)), "400 e /0/attributes/userId: Must be a string."),
        (with(core("e"), "transactionId", Value::Null), "400 e /0/attributes/transactionId: Is required."),
        (with(core("e"), "amount", json!("12")), "400 e /0/attributes/amount: Must be an integer."),
        (with(core("e"), "amount", json!(12.5)), "400 e /0/attributes/amount: Must be an integer."),
        (with(core("e"), "amount", json!(number)), "400 e /0/attributes/amount: Must be an integer."),
        (with(core("e"), "currency", json!("usd")), "400 e /0/attributes/currency: Must be a currency of ISO 4217."),
        (with(core("e"), "description", Value::Null), "400 e /0/attributes/description: Is required."),
        (with(core("e"), "direction", json!("debit")), "400 e /0/attributes/direction: Must be one of DEBIT, CREDIT."),
        (with(core("e"), "status", json!("APPROVED")), "400 e /0/attributes/status: Must be one of SETTLED."),
        (
            with(core("e"), "settledDate", json!("2025-03-19 14:05:00Z")),
            "400 e /0/attributes/settledDate: Must be a date-time such as 1994-11-05T08:15:30-05:00.",
        ),
        (
            with(core("e"), "authorizationDate", json!("2025-02-29T14:05:00Z")),
            "400 e /0/attributes/authorizationDate: Must be a date-time such as 1994-11-05T08:15:30-05:00.",
        ),
        (
            with(core("e"), "financialInstitutionId", json!(1)),
            "400 e /0/attributes/financialInstitutionId: Must be a string.",
        ),
        (with(core("e"), "cardLastFours", json!("1234")), "400 e /0/attributes/cardLastFours: Must be a list."),
        (
            with(core("e"), "cardLastFours", json!(["1234", "12345"])),
            "400 e /0/attributes/cardLastFours/1: Must be 4 digits.",
        ),
        (
            with(core("e"), "transactionId", json!("refuse-1")),
            "400 e /0/attributes/transactionId: The sandbox refuses transactions whose id begins with refuse-.",
        ),
        (with(core("e"), "userId", json!("unknown-1")), "404 e /0/attributes/userId: User not found."),
        (json!({ "id": "e", "attributes": core("e")["attributes"] }), "400 e /0/type: Must be \"coreTransaction\"."),
        (json!({ "type": "coreTransaction", "attributes": core("e")["attributes"] }), "400 - /0/id: Is required."),
        (json!({ "type": "coreTransaction", "id": "e" }), "400 e /0/attributes: Is required."),
    ];
    for (item, words) in table {
        let found = result(&uploaded(&rig, "a.jsonl", jsonl(std::slice::from_ref(&item))).await);
        assert_eq!((counts(&found), told(&folder)), ([1, 0, 1, 0], vec![words.to_owned()]), "{item}");
    }
    assert!(rig.sandbox.ingested().is_empty());
    // The good lines around a bad one are taken; lines are counted as a pointer counts, from 0.
    let lines =
        [core("e-1"), with(core("e-2"), "amount", json!(null)), with(core("e-3"), "amount", json!("x")), core("e-4")];
    let mut bytes = jsonl(&lines);
    bytes.extend(b"\nnot json\n");
    bytes.extend(vec![b'x'; (1 << 20) + 1]);
    let found = result(&uploaded(&rig, "a.jsonl", bytes).await);
    assert_eq!(counts(&found), [7, 2, 5, 0]);
    assert_eq!(
        told(&folder),
        [
            "400 e-2 /1/attributes/amount: Is required.",
            "400 e-3 /2/attributes/amount: Must be an integer.",
            "400 - /4: Must be one JSON object a line: EOF while parsing a value at line 1 column 0.",
            "400 - /5: Must be one JSON object a line: expected ident at line 1 column 2.",
            "400 - /6: Must not be longer than 1 MiB.",
        ]
    );
}

#[tokio::test]
async fn what_stands_before_damage_is_taken_and_the_damage_is_told() {
    let folder = TempDir::new().unwrap();
    let rig = telling(&folder).await;
    let good = gzip(&jsonl(&[core("e-1"), core("e-2")]));
    let garbage = [good.as_slice(), b"not another member"].concat();
    let found = result(&uploaded(&rig, "a.jsonl", garbage).await);
    assert_eq!((counts(&found), found.unreadable.as_deref()), ([2, 2, 0, 0], Some("invalid gzip header")));
    assert_eq!(told(&folder), ["400 - -: The file cannot be read past line 2: invalid gzip header."]);
    let found = result(&uploaded(&rig, "a.jsonl", good[..good.len() - 4].to_vec()).await);
    assert!(found.unreadable.is_some(), "{found:?}");
    // A client says nothing of the length of nothing, unless it is told to.
    let url = upload_url(&rig, "empty.jsonl").await;
    assert_eq!(put(&url, Vec::new()).await.status(), 411);
    assert_eq!(plain().put(&url).header("Content-Length", "0").send().await.unwrap().status(), 200);
    rig.sandbox.idle().await;
    assert_eq!(result(&rig.sandbox.uploads().pop().unwrap()), FileResult::default());
}

#[tokio::test]
async fn files_are_processed_one_after_the_other_and_many_rows_in_bounded_time() {
    let rig = Rig::start(&[], "").await;
    let lines = |from: usize| (from..from + 10_000).map(|number| core(&format!("e-{number}"))).collect::<Vec<_>>();
    let mut urls = Vec::new();
    for number in 0..3 {
        urls.push(upload_url(&rig, &format!("{number}.jsonl.gz")).await);
    }
    for (number, url) in urls.iter().enumerate() {
        // Each repeats half of the one before it.
        assert_eq!(put(url, gzip(&jsonl(&lines(number * 5_000)))).await.status(), 200);
    }
    rig.sandbox.idle().await;
    let found: Vec<_> = rig.sandbox.uploads().iter().map(|session| counts(&result(session))).collect();
    assert_eq!(found, [[10_000, 10_000, 0, 0], [10_000, 5_000, 0, 5_000], [10_000, 5_000, 0, 5_000]]);
    assert_eq!((rig.sandbox.ingested().len(), times(&rig, "e-0"), times(&rig, "e-7000")), (20_000, 1, 2));
}

/// One change to a core transaction that may or may not spoil it.
fn changed() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "userId",
        "transactionId",
        "amount",
        "currency",
        "description",
        "direction",
        "status",
        "settledDate",
        "authorizationDate",
        "financialInstitutionName",
        "financialInstitutionId",
        "cardLastFours",
        "extra",
    ]);
    let values = prop_oneof![
        Just(json!(null)),
        Just(json!("")),
        Just(json!("USD")),
        Just(json!("CREDIT")),
        Just(json!("SETTLED")),
        Just(json!("2025-03-19T14:05:00Z")),
        Just(json!(["1234", "0000"])),
        Just(json!([])),
        Just(json!([1])),
        Just(json!({})),
        any::<i64>().prop_map(|number| json!(number)),
        any::<f64>().prop_map(|number| json!(number)),
        ".*".prop_map(|text| json!(text)),
    ];
    prop::collection::vec((names, values), 0..3).prop_map(|changes| {
        let mut item = core("e");
        for (name, value) in changes {
            item["attributes"][name] = value;
        }
        item
    })
}

#[test]
fn a_file_and_a_call_judge_and_understand_an_item_alike() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let items = {
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        (0..300).map(|_| changed().new_tree(&mut runner).unwrap().current()).collect::<Vec<Value>>()
    };
    // Every item under an id of its own; first by file (read quickly), then by call (read as a tree).
    let items: Vec<Value> = items
        .into_iter()
        .zip(0..)
        .map(|(mut item, number)| {
            item["id"] = json!(format!("e-{number}"));
            item
        })
        .collect();
    runtime.block_on(async {
        let rig = Rig::start(&[], "").await;
        let found = result(&uploaded(&rig, "a.jsonl", jsonl(&items)).await);
        let (status, body) = send(&rig, reqwest::Method::POST, "/transactions", &json!({ "data": items })).await;
        assert_eq!(status, 207, "some are wrong and some are known");
        let errors = body["errors"].as_array().unwrap();
        let known = errors.iter().filter(|error| error["status"] == "409").count() as u64;
        assert_eq!(known, found.accepted, "what the file took is known");
        assert!(found.accepted > 30 && found.rejected > 30, "{found:?}");
        assert!(rig.sandbox.ingested().events().all(|event| event.times == 2 && event.other_content == 0));
        assert_eq!(rig.sandbox.ingested().len() as u64, found.accepted);
    });
}
