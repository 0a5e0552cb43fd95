//! Faults at the endpoints that take transactions: what the client sees, and what took effect all the same.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::sandbox_contract::{plain, token};
use crate::support::Rig;
use crate::support::bulk::{ORGANIZATION, card, core, jsonl, put, send, times, upload_url};

async fn faulty(rules: &[&str]) -> Rig {
    let rules: Vec<String> = rules.iter().map(|rule| format!("  - {{{rule}}}\n")).collect();
    Rig::start(&[], &rules.concat()).await
}

async fn request(rig: &Rig, method: Method, path: &str, body: &Value) -> RequestBuilder {
    let url = format!("{}{ORGANIZATION}{path}", rig.sandbox.base_url);
    let request = plain().request(method, url).bearer_auth(token(rig).await);
    request.header("Content-Type", "application/json").body(body.to_string())
}

fn files(names: &[&str]) -> Value {
    let file = |name: &&str| json!({ "type": "incomingTransactionsFile", "attributes": { "filename": name } });
    json!({ "data": names.iter().map(file).collect::<Vec<_>>() })
}

/// Whether the reply never came whole.
async fn broken(request: RequestBuilder) -> bool {
    match request.send().await {
        Ok(response) => response.bytes().await.is_err(),
        Err(_) => true,
    }
}

async fn text(response: Response) -> (u16, String) {
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn urls_are_given_or_not_whatever_the_reply_says() {
    let rig = faulty(&[
        "on: uploads, nth: 1, do: {status: 503, retry_after: 1}",
        "on: uploads, nth: 2, do: {status: 500, applied: true}",
        "on: uploads, nth: 3, do: reset_before",
        "on: uploads, nth: 4, do: reset_after",
        "on: uploads, nth: 5, do: malformed_json",
        "on: uploads, nth: 6, do: revoke_token",
    ])
    .await;
    let post = async || request(&rig, Method::POST, "/transactions/uploads", &files(&["a.jsonl"])).await;
    let made = || rig.sandbox.uploads().len();
    let refused = post().await.send().await.unwrap();
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (503, &"1".parse().unwrap()));
    assert_eq!(made(), 0);
    assert_eq!((post().await.send().await.unwrap().status().as_u16(), made()), (500, 1));
    assert!(broken(post().await).await);
    assert_eq!(made(), 1);
    assert!(broken(post().await).await);
    rig.sandbox.idle().await;
    assert_eq!(made(), 2);
    let (status, body) = text(post().await.send().await.unwrap()).await;
    assert_eq!((status, serde_json::from_str::<Value>(&body).is_err(), made()), (201, true, 3));
    assert_eq!((post().await.send().await.unwrap().status().as_u16(), made()), (401, 3));
    let told: Vec<_> = rig.sandbox.received().into_iter().filter_map(|entry| entry.fault).collect();
    assert_eq!(told, ["status", "status", "reset_before", "reset_after", "malformed_json", "revoke_token"]);
}

#[tokio::test]
async fn a_list_of_urls_may_lack_one_or_hold_one_too_many() {
    let rig = faulty(&[
        "on: uploads, nth: 1, do: missing_item",
        "on: uploads, nth: 2, do: extra_item",
        "on: uploads, nth: 3, do: repeat_item",
    ])
    .await;
    for expected in [1, 3, 3] {
        let (status, body) = send(&rig, Method::POST, "/transactions/uploads", &files(&["a", "b"])).await;
        let ids: Vec<&str> = body["data"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
        assert_eq!((status, ids.len()), (201, expected));
        assert!(
            expected != 3 || ids[2] == ids[0] || rig.sandbox.uploads().last().unwrap().filename == "nobody-sent-this"
        );
    }
}

#[tokio::test]
async fn an_object_is_stored_or_not_whatever_the_reply_says() {
    let rig = faulty(&[
        "on: storage, nth: 1, do: {status: 503}",
        "on: storage, nth: 2, do: {status: 403}",
        "on: storage, nth: 3, do: reset_before",
        "on: storage, nth: 4, do: expired_url",
        "on: storage, nth: 5, do: {status: 500, applied: true}",
        "on: storage, nth: 6, do: reset_after",
        "on: storage, nth: 7, do: html_page",
    ])
    .await;
    let url = upload_url(&rig, "a.jsonl").await;
    let bytes = jsonl(&[core("e-1")]);
    let puts = || rig.sandbox.uploads()[0].puts;
    for (status, code) in [(503, "SlowDown"), (403, "AccessDenied")] {
        let (found, body) = text(put(&url, bytes.clone()).await).await;
        assert_eq!((found, body.contains(&format!("<Code>{code}</Code>")), puts()), (status, true, 0), "{body}");
    }
    assert!(broken(plain().put(&url).body(bytes.clone())).await);
    assert_eq!(puts(), 0);
    let (status, body) = text(put(&url, bytes.clone()).await).await;
    assert_eq!((status, body.contains("<Message>Request has expired</Message>"), puts()), (403, true, 0), "{body}");
    let (status, body) = text(put(&url, bytes.clone()).await).await;
    assert_eq!((status, body.contains("<Code>InternalError</Code>"), puts()), (500, true, 1), "{body}");
    // The object's reply has no body: the connection is reset before its head.
    assert!(plain().put(&url).body(bytes.clone()).send().await.is_err());
    rig.sandbox.idle().await;
    assert_eq!(puts(), 2);
    let (status, body) = text(put(&url, bytes.clone()).await).await;
    assert_eq!((status, body.starts_with("<!DOCTYPE html>"), puts()), (200, true, 3));
    rig.sandbox.idle().await;
    assert_eq!(times(&rig, "e-1"), 3);
}

#[tokio::test]
async fn a_late_object_comes_when_its_client_has_gone() {
    let rig = faulty(&["on: storage, nth: 1, do: {late: 400ms}", "on: transactions, nth: 1, do: {late: 400ms}"]).await;
    let url = upload_url(&rig, "a.jsonl").await;
    let impatient = plain().put(&url).body(jsonl(&[core("e-1")])).timeout(Duration::from_millis(100));
    assert!(impatient.send().await.unwrap_err().is_timeout());
    let body = json!({ "data": [core("e-2")] });
    let impatient = request(&rig, Method::POST, "/transactions", &body).await.timeout(Duration::from_millis(100));
    assert!(impatient.send().await.unwrap_err().is_timeout());
    rig.sandbox.idle().await;
    assert_eq!((rig.sandbox.uploads()[0].puts, times(&rig, "e-1"), times(&rig, "e-2")), (1, 1, 1));
}

#[tokio::test]
async fn transactions_are_taken_or_not_whatever_the_reply_says() {
    let rig = faulty(&[
        "on: transactions, nth: 1, do: refuse_item",
        "on: transactions, nth: 2, do: error_without_id",
        "on: transactions, nth: 3, do: {status: 500, applied: true}",
        "on: transactions, nth: 4, do: {truncate: 10}",
    ])
    .await;
    let items = |number: u32| json!({ "data": [core(&format!("a-{number}")), core(&format!("b-{number}"))] });
    let (status, body) = send(&rig, Method::POST, "/transactions", &items(1)).await;
    assert_eq!((status, &body["errors"][0]["id"], times(&rig, "a-1"), times(&rig, "b-1")), (207, &json!("a-1"), 0, 1));
    let (status, body) = send(&rig, Method::POST, "/transactions", &items(2)).await;
    assert_eq!((status, body["errors"][0].get("id"), times(&rig, "a-2"), times(&rig, "b-2")), (207, None, 0, 1));
    assert_eq!(send(&rig, Method::POST, "/transactions", &items(3)).await.0, 500);
    assert_eq!((times(&rig, "a-3"), times(&rig, "b-3")), (1, 1));
    assert!(broken(request(&rig, Method::POST, "/transactions", &items(4)).await).await);
    assert_eq!((times(&rig, "a-4"), times(&rig, "b-4")), (1, 1));
}

#[tokio::test]
async fn each_step_of_a_historical_upload_has_faults_of_its_own() {
    let rig = faulty(&[
        "on: historical_start, nth: 1, do: reset_after",
        "on: historical_part, nth: 1, do: missing_item",
        "on: historical_part, nth: 2, do: extra_item",
        "on: historical_part, nth: 3, do: refuse_item",
        "on: historical_part, nth: 4, do: {status: 500, applied: true}",
        "on: historical_complete, nth: 1, do: {status: 503}",
        "on: historical_complete, nth: 2, do: reset_after",
    ])
    .await;
    let begin = json!({ "data": { "type": "historicalTransactionStart", "attributes": {} } });
    assert!(broken(request(&rig, Method::POST, "/users/user-1/uploads", &begin).await).await);
    rig.sandbox.idle().await;
    let id = rig.sandbox.sessions()[0].id.clone();
    let parts = format!("/users/user-1/uploads/{id}/parts");
    let items = |names: [&str; 2]| json!({ "data": names.map(|name| card("historicalTransaction", name)) });
    for (names, status, told) in
        [(["a", "b"], 200, 1), (["c", "d"], 200, 3), (["e", "f"], 207, 1), (["g", "h"], 500, 0)]
    {
        let (found, body) = send(&rig, Method::PUT, &parts, &items(names)).await;
        assert_eq!((found, body["data"].as_array().map_or(0, Vec::len)), (status, told), "{body}");
    }
    let taken: Vec<String> = rig.sandbox.sessions()[0].items.keys().cloned().collect();
    assert_eq!(taken, ["a", "b", "c", "d", "f", "g", "h"]);
    let end = json!({ "data": { "type": "historicalTransactionComplete", "id": id, "attributes": {} } });
    let one = format!("/users/user-1/uploads/{id}");
    assert_eq!(send(&rig, Method::PUT, &one, &end).await.0, 503);
    assert_eq!(rig.sandbox.sessions()[0].completed, 0);
    assert!(broken(request(&rig, Method::PUT, &one, &end).await).await);
    rig.sandbox.idle().await;
    assert_eq!(rig.sandbox.sessions()[0].completed, 1);
}

#[tokio::test]
async fn rows_can_be_put_off_and_calls_refused_on_account_of_one_row() {
    let rig = faulty(&[
        "on: transactions, nth: 1, do: busy_item",
        "on: transactions, nth: 2, do: refuse_call",
        "on: historical_part, nth: 1, do: busy_item",
        "on: historical_part, nth: 2, do: refuse_call",
    ])
    .await;
    let items = |kind: &str| json!({ "data": [card(kind, "a"), card(kind, "b")] });
    let begin = json!({ "data": { "type": "historicalTransactionStart", "attributes": {} } });
    let (_, opened) = send(&rig, Method::POST, "/users/user-1/uploads", &begin).await;
    let parts = format!("/users/user-1/uploads/{}/parts", opened["data"]["id"].as_str().unwrap());
    let calls = [(Method::POST, "/transactions", "transaction"), (Method::PUT, &parts, "historicalTransaction")];
    for (method, path, kind) in calls {
        let (before, (status, body)) = (times(&rig, "b"), send(&rig, method.clone(), path, &items(kind)).await);
        assert_eq!((status, &body["errors"][0]["id"], &body["errors"][0]["status"]), (207, &json!("a"), &json!("429")));
        assert_eq!((times(&rig, "a"), times(&rig, "b")), (0, before + 1));
        let (status, body) = send(&rig, method, path, &items(kind)).await;
        assert_eq!((status, &body["errors"][0]["id"], body["errors"].as_array().unwrap().len()), (400, &json!("a"), 1));
        assert_eq!((times(&rig, "a"), times(&rig, "b")), (0, before + 1), "nothing is applied");
    }
}
