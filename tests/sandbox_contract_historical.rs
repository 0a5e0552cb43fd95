//! The sandbox's historical uploads of one user against what Kard publishes: start, parts, complete.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};
use tieout::sandbox::HistoricalSession;

use crate::sandbox_contract::{assert_error, call, plain, token};
use crate::support::Rig;
use crate::support::bulk::{ORGANIZATION, card, core, send, times, with};

fn item(id: &str) -> Value {
    card("historicalTransaction", id)
}

fn begin() -> Value {
    json!({ "data": { "type": "historicalTransactionStart", "attributes": {} } })
}

fn end(id: &str) -> Value {
    json!({ "data": { "type": "historicalTransactionComplete", "id": id, "attributes": {} } })
}

async fn start(rig: &Rig) -> String {
    let (status, body) = send(rig, Method::POST, "/users/user-1/uploads", &begin()).await;
    assert_eq!((status, &body["data"]["type"]), (200, &json!("historicalTransactionStart")));
    assert_eq!(body["data"]["attributes"], json!({}));
    body["data"]["id"].as_str().unwrap().to_owned()
}

async fn part(rig: &Rig, upload: &str, items: &[Value]) -> (u16, Value) {
    send(rig, Method::PUT, &format!("/users/user-1/uploads/{upload}/parts"), &json!({ "data": items })).await
}

async fn complete(rig: &Rig, upload: &str) -> (u16, Value) {
    send(rig, Method::PUT, &format!("/users/user-1/uploads/{upload}"), &end(upload)).await
}

fn told(body: &Value) -> Vec<String> {
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let line = |error: &Value| {
        format!("{} {} {}", word(&error["status"]), word(&error["id"]), word(&error["source"]["pointer"]))
    };
    body["errors"].as_array().unwrap_or_else(|| panic!("errors in {body}")).iter().map(line).collect()
}

#[tokio::test]
async fn an_upload_is_started_filled_and_completed() {
    let rig = Rig::start(&[], "").await;
    let id = start(&rig).await;
    let (status, body) = part(&rig, &id, &[item("e-1"), item("e-2")]).await;
    let taken = json!({ "type": "historicalTransaction", "id": id, "attributes": {} });
    assert_eq!((status, body), (200, json!({ "data": [taken, taken] })));
    // Sent again, as after a reply that was lost: taken without a word, and counted.
    assert_eq!(part(&rig, &id, &[item("e-2"), item("e-3")]).await.0, 200);
    let (status, body) = complete(&rig, &id).await;
    assert_eq!(status, 200);
    assert_eq!(body, json!({ "data": { "type": "historicalTransactionComplete", "id": id, "attributes": {} } }));
    let items = BTreeMap::from([("e-1".to_owned(), 1), ("e-2".to_owned(), 2), ("e-3".to_owned(), 1)]);
    let session = HistoricalSession { id: id.clone(), user: "user-1".into(), parts: 2, items, completed: 1 };
    assert_eq!(rig.sandbox.sessions(), [session]);
    assert_eq!((times(&rig, "e-1"), times(&rig, "e-2")), (1, 2));

    // Complete is complete.
    let (status, body) = complete(&rig, &id).await;
    assert_eq!((status, rig.sandbox.sessions()[0].completed), (409, 2));
    assert_error(&body, 409);
    let (status, body) = part(&rig, &id, &[item("e-4")]).await;
    assert_eq!((status, times(&rig, "e-4")), (400, 0));
    assert_error(&body, 400);
    assert_ne!(start(&rig).await, id);
}

#[tokio::test]
async fn items_are_refused_one_by_one() {
    let rig = Rig::start(&[], "").await;
    let id = start(&rig).await;
    let items = [
        item("e-1"),
        with(item("e-2"), "userId", json!("user-2")),
        with(item("e-3"), "settledDate", Value::Null),
        with(item("e-4"), "transactionId", json!("refuse-4")),
        core("e-5"),
        item("e-6"),
    ];
    let (status, body) = part(&rig, &id, &items).await;
    assert_eq!(
        (status, told(&body)),
        (
            207,
            vec![
                "400 e-2 /data/1/attributes/userId".to_owned(),
                "400 e-3 /data/2/attributes/settledDate".to_owned(),
                "400 e-4 /data/3".to_owned(),
                "400 e-5 /data/4/type".to_owned(),
            ]
        )
    );
    assert_eq!(body["data"].as_array().unwrap().len(), 2);
    let (status, body) = part(&rig, &id, &items[1..2]).await;
    assert_eq!((status, body.get("data")), (207, None), "`data` is not required here");
    let session = rig.sandbox.sessions().remove(0);
    assert_eq!((session.parts, session.items.into_keys().collect::<Vec<_>>()), (1, vec!["e-1".into(), "e-6".into()]));
}

#[tokio::test]
async fn what_is_not_as_published_is_refused() {
    let rig = Rig::start(&[], "").await;
    let id = start(&rig).await;
    let uploads = "/users/user-1/uploads";
    let (one, parts) = (format!("{uploads}/{id}"), format!("{uploads}/{id}/parts"));
    let other = format!("/users/user-2/uploads/{id}");
    let (post, put) = (Method::POST, Method::PUT);
    let table = [
        (400, &post, uploads, json!({ "data": { "type": "historicalTransactionStart" } })),
        (400, &post, uploads, json!({ "data": { "type": "historicalTransactionComplete", "attributes": {} } })),
        (400, &post, uploads, json!({})),
        (404, &post, "/users/unknown-1/uploads", begin()),
        (400, &put, &parts, json!({ "data": [] })),
        (400, &put, &parts, json!({ "data": vec![item("e"); 501] })),
        (400, &put, &parts, json!({ "data": item("e") })),
        (404, &put, &format!("{uploads}/nothing/parts"), json!({ "data": [item("e")] })),
        (404, &put, &format!("{other}/parts"), json!({ "data": [item("e")] })),
        (400, &put, &one, begin()),
        (400, &put, &one, end("another")),
        (404, &put, &format!("{uploads}/nothing"), end("nothing")),
        (404, &put, &other, end(&id)),
        (405, &post, &parts, json!({ "data": [item("e")] })),
        (405, &Method::GET, &one, json!({})),
    ];
    for (expected, method, path, body) in table {
        let (status, reply) = send(&rig, method.clone(), path, &body).await;
        assert_eq!(status, expected, "{method} {path}: {reply}");
        assert_error(&reply, expected);
    }
    for (method, path) in [(post, uploads), (put.clone(), parts.as_str()), (put, one.as_str())] {
        let url = format!("{}{ORGANIZATION}{path}", rig.sandbox.base_url);
        let json = |url: String| plain().request(method.clone(), url).header("Content-Type", "application/json");
        assert_eq!(call(json(url.clone()).body("{}")).await.0, 401);
        let good = token(&rig).await;
        assert_eq!(call(json(url.replace("org-sandbox", "org-x")).bearer_auth(good).body("{}")).await.0, 403);
    }
    let session = rig.sandbox.sessions().remove(0);
    assert_eq!((session.parts, session.items.len(), session.completed, rig.sandbox.sessions().len()), (0, 0, 0, 1));
}
