//! The sandbox's fraud markers and audits against what Kard publishes: statuses, shapes, limits, and what it remembers.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tieout::sandbox::{AppliedAudit, AppliedMarker};

use crate::sandbox_contract::{assert_error, call, plain, token};
use crate::support::Rig;

const FRAUD: &str = "/v2/issuers/org-sandbox/fraud";
const AUDITS: &str = "/v2/issuers/org-sandbox/users/user-1/audits";

fn marker(transaction: &str, user: &str) -> Value {
    json!({ "id": transaction, "type": "fraudulentTransaction", "attributes": { "userId": user } })
}

fn audit(transaction: &str) -> Value {
    let attributes = json!({
        "auditCode": 3006, "merchantName": "Shop", "auditDescription": "missing", "transactionId": transaction,
    });
    json!({ "type": "audit", "attributes": attributes })
}

async fn post(rig: &Rig, path: &str, body: &Value) -> (u16, Value) {
    call(request(rig, path, &token(rig).await).body(body.to_string())).await
}

fn request(rig: &Rig, path: &str, token: &str) -> RequestBuilder {
    let url = format!("{}{path}", rig.sandbox.base_url);
    plain().request(Method::POST, url).bearer_auth(token).header("Content-Type", "application/json")
}

fn flagged(rig: &Rig) -> Vec<(String, u32)> {
    rig.sandbox.markers().into_iter().map(|marker| (marker.transaction, marker.times)).collect()
}

fn audited(rig: &Rig) -> Vec<(String, u32)> {
    rig.sandbox.audits().into_iter().map(|audit| (audit.transaction, audit.times)).collect()
}

fn times(expected: &[(&str, u32)]) -> Vec<(String, u32)> {
    expected.iter().map(|(transaction, times)| ((*transaction).to_owned(), *times)).collect()
}

/// The items of `errors` as `status id pointer`.
fn told(body: &Value) -> Vec<String> {
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let line = |error: &Value| {
        assert!(error["title"].is_string() && error["detail"].is_string(), "{error}");
        format!("{} {} {}", word(&error["status"]), word(&error["id"]), word(&error["source"]["pointer"]))
    };
    body["errors"].as_array().unwrap_or_else(|| panic!("errors in {body}")).iter().map(line).collect()
}

#[tokio::test]
async fn markers_are_taken_and_told_as_they_came() {
    let rig = Rig::start(&[], "").await;
    let items = json!({ "data": [marker("t1", "user-1"), marker("t2", "user-2")] });
    assert_eq!(post(&rig, FRAUD, &items).await, (200, items));
    let taken =
        |user: &str, transaction: &str| AppliedMarker { user: user.into(), transaction: transaction.into(), times: 1 };
    assert_eq!(rig.sandbox.markers(), [taken("user-1", "t1"), taken("user-2", "t2")]);
    // Flagging again is no error, and is counted.
    assert_eq!(post(&rig, FRAUD, &json!({ "data": [marker("t2", "user-2")] })).await.0, 200);
    assert_eq!(flagged(&rig), times(&[("t1", 1), ("t2", 2)]));
}

#[tokio::test]
async fn audits_are_taken_and_get_an_id() {
    let rig = Rig::start(&[], "").await;
    let (status, body) = post(&rig, AUDITS, &json!({ "data": [audit("t1"), audit("t2")] })).await;
    assert_eq!(status, 201);
    let audits = rig.sandbox.audits();
    let standing = AppliedAudit {
        user: "user-1".into(),
        transaction: "t1".into(),
        code: 3006,
        id: audits[0].id.clone(),
        times: 1,
    };
    assert_eq!(audits[0], standing);
    let item = |audit: &AppliedAudit| json!({ "type": "audit", "id": audit.id, "attributes": { "transactionId": audit.transaction } });
    assert_eq!(body, json!({ "data": [item(&audits[0]), item(&audits[1])] }));
    assert_ne!(audits[0].id, audits[1].id);
    let digits = audits[0].id.strip_prefix("audit-").unwrap();
    assert!(digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_digit()), "{digits}");
    // The same transaction has the same id in every sandbox, whatever came before it.
    let other = Rig::start(&[], "").await;
    post(&other, AUDITS, &json!({ "data": [audit("t0"), audit("t1")] })).await;
    assert_eq!(other.sandbox.audits()[1].id, audits[0].id);
}

#[tokio::test]
async fn a_second_audit_is_a_conflict_and_is_counted() {
    let rig = Rig::start(&[], "").await;
    post(&rig, AUDITS, &json!({ "data": [audit("t1"), audit("t2")] })).await;
    let (status, body) = post(&rig, AUDITS, &json!({ "data": [audit("t1")] })).await;
    assert_eq!((status, told(&body)), (409, vec!["409 t1 /data/0".to_owned()]));
    let (status, body) = post(&rig, AUDITS, &json!({ "data": [audit("t2"), audit("t1")] })).await;
    assert_eq!((status, told(&body)), (409, vec!["409 t2 /data/0".to_owned(), "409 t1 /data/1".to_owned()]));
    assert_error(&body, 409);
    let (status, body) = post(&rig, AUDITS, &json!({ "data": [audit("t3"), audit("t1")] })).await;
    assert_eq!((status, told(&body)), (207, vec!["409 t1 /data/1".to_owned()]));
    assert_eq!(body["data"][0]["attributes"]["transactionId"], "t3");
    // Another user's call for the same transaction meets the same audit.
    let path = AUDITS.replace("user-1", "user-2");
    assert_eq!(post(&rig, &path, &json!({ "data": [audit("t3")] })).await.0, 409);
    assert_eq!(audited(&rig), times(&[("t1", 4), ("t2", 2), ("t3", 2)]));
}

#[tokio::test]
async fn what_is_refused_by_convention_is_refused_item_by_item() {
    let rig = Rig::start(&[], "").await;
    let items = json!({ "data": [marker("refuse-1", "user-1"), marker("t1", "user-1"), marker("t2", "unknown-1")] });
    let (status, body) = post(&rig, FRAUD, &items).await;
    assert_eq!((status, told(&body)), (207, vec!["400 refuse-1 /data/0".into(), "404 t2 /data/2".into()]));
    assert_eq!(body["data"], json!([marker("t1", "user-1")]));
    assert_eq!(flagged(&rig), times(&[("t1", 1)]));
    let (status, body) = post(&rig, FRAUD, &json!({ "data": [marker("refuse-1", "user-1")] })).await;
    assert_eq!((status, &body["data"]), (207, &json!([])), "both lists are required of markers");

    let (status, body) = post(&rig, AUDITS, &json!({ "data": [audit("t1"), audit("refuse-1")] })).await;
    assert_eq!((status, told(&body)), (207, vec!["400 refuse-1 /data/1".to_owned()]));
    let (status, body) = post(&rig, AUDITS, &json!({ "data": [audit("refuse-1")] })).await;
    assert_eq!((status, body.get("data")), (207, None), "data is optional for audits");
    assert_eq!(audited(&rig), times(&[("t1", 1)]));
    let (status, body) = post(&rig, &AUDITS.replace("user-1", "unknown-1"), &json!({ "data": [audit("t9")] })).await;
    assert_eq!(status, 404);
    assert_error(&body, 404);
    assert_eq!(audited(&rig), times(&[("t1", 1)]), "nothing of the call was done");
}

#[tokio::test]
async fn a_bad_body_is_refused_with_its_place_and_nothing_of_it_is_done() {
    let rig = Rig::start(&[], "").await;
    let good = audit("t1");
    let broken = |name: &str, value: Value| {
        let mut item = audit("t2");
        item["attributes"][name] = value;
        json!({ "data": [good, item] })
    };
    let without_type = json!({ "attributes": good["attributes"] });
    let table = [
        (AUDITS, json!([]), vec![""]),
        (AUDITS, json!({}), vec!["/data"]),
        (AUDITS, json!({ "data": {} }), vec!["/data"]),
        (AUDITS, json!({ "data": [] }), vec!["/data"]),
        (
            AUDITS,
            json!({ "data": ["x"] }),
            vec![
                "/data/0/type",
                "/data/0/attributes/transactionId",
                "/data/0/attributes/merchantName",
                "/data/0/attributes/auditDescription",
                "/data/0/attributes/auditCode",
            ],
        ),
        (AUDITS, json!({ "data": [good, without_type] }), vec!["/data/1/type"]),
        (AUDITS, broken("auditCode", 3007.into()), vec!["/data/1/attributes/auditCode"]),
        (AUDITS, broken("auditCode", "3006".into()), vec!["/data/1/attributes/auditCode"]),
        (AUDITS, broken("merchantName", Value::Null), vec!["/data/1/attributes/merchantName"]),
        (AUDITS, broken("auditDescription", 1.into()), vec!["/data/1/attributes/auditDescription"]),
        (AUDITS, broken("transactionId", "".into()), vec!["/data/1/attributes/transactionId"]),
        (FRAUD, json!({ "data": [good] }), vec!["/data/0/type", "/data/0/id", "/data/0/attributes/userId"]),
        (FRAUD, json!({ "data": [marker("t1", "u"), marker("", "u")] }), vec!["/data/1/id"]),
        (FRAUD, json!({ "data": [marker("t1", "")] }), vec!["/data/0/attributes/userId"]),
        (FRAUD, json!({ "data": [] }), vec!["/data"]),
    ];
    for (path, body, pointers) in table {
        let (status, answer) = post(&rig, path, &body).await;
        assert_eq!(status, 400, "{body}");
        assert_error(&answer, 400);
        let found: Vec<&str> = answer["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| error["source"]["pointer"].as_str().unwrap())
            .collect();
        assert_eq!(found, pointers, "{body}");
    }
    let token = token(&rig).await;
    for (path, body) in [(AUDITS, json!({ "data": [good] })), (FRAUD, json!({ "data": [marker("t1", "u")] }))] {
        let url = format!("{}{path}", rig.sandbox.base_url);
        let (status, answer) = call(plain().post(url).bearer_auth(&token).body(body.to_string())).await;
        assert_eq!((status, &answer["errors"][0]["source"]["header"]), (400, &"Content-Type".into()));
        let (status, answer) = call(request(&rig, path, &token).body("{\"data\": [")).await;
        assert_eq!((status, &answer["errors"][0]["source"]["pointer"]), (400, &"".into()));
    }
    assert_eq!((audited(&rig), flagged(&rig)), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn no_more_than_500_markers_fit_into_one_call() {
    let rig = Rig::start(&[], "").await;
    let items = |count| json!({ "data": (0..count).map(|n| marker(&format!("t{n}"), "user-1")).collect::<Vec<_>>() });
    let (status, body) = post(&rig, FRAUD, &items(501)).await;
    assert_eq!((status, &body["errors"][0]["detail"]), (400, &"Maximum of 500 items per request.".into()));
    assert_eq!(rig.sandbox.markers().len(), 0);
    assert_eq!(post(&rig, FRAUD, &items(500)).await.0, 200);
    assert_eq!(rig.sandbox.markers().len(), 500);
}

#[tokio::test]
async fn effects_are_for_those_who_may_have_them() {
    let rig = Rig::start(&[], "").await;
    let good = token(&rig).await;
    for (path, body) in [(AUDITS, json!({ "data": [audit("t1")] })), (FRAUD, json!({ "data": [marker("t1", "u")] }))] {
        let url = format!("{}{path}", rig.sandbox.base_url);
        let table = [
            (401, plain().post(&url).header("Content-Type", "application/json")),
            (401, request(&rig, path, "made-up")),
            (403, request(&rig, &path.replace("org-sandbox", "org-other"), &good)),
            (405, plain().get(&url).bearer_auth(&good)),
        ];
        for (expected, request) in table {
            let (status, answer) = call(request.body(body.to_string())).await;
            assert_eq!(status, expected, "{answer}");
            assert_error(&answer, expected);
        }
    }
    assert_eq!((audited(&rig), flagged(&rig)), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn the_log_holds_the_exact_body_of_an_effect() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("received.jsonl");
    let rig = Rig::start_with(&[], "", |options| options.log = Some(log.clone()), |_| {}).await;
    let body = format!("{{ \"data\" :\n[{}] }}", marker("t1", "ü"));
    let token = token(&rig).await;
    assert_eq!(call(request(&rig, FRAUD, &token).body(body.clone())).await.0, 200);
    let received = rig.sandbox.received();
    assert_eq!(received.iter().map(|entry| entry.body.as_deref()).collect::<Vec<_>>(), [None, Some(&*body)]);
    let text = std::fs::read_to_string(&log).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, serde_json::to_value(&received).unwrap().as_array().unwrap()[..]);
    assert!(lines[0].get("body").is_none(), "a token request's body is not kept");
    assert!(!text.contains(&token));
}
