//! The sandbox's incoming transactions against what Kard publishes: item by item, with every condition.

use reqwest::Method;
use serde_json::{Value, json};

use crate::sandbox_contract::{assert_error, call, plain, token};
use crate::support::Rig;
use crate::support::bulk::{ORGANIZATION, card, core, send, times, with};

async fn post(rig: &Rig, items: &[Value]) -> (u16, Value) {
    send(rig, Method::POST, "/transactions", &json!({ "data": items })).await
}

/// A `matchedTransaction` with every required field.
fn matched(id: &str, payment: &str) -> Value {
    let attributes = json!({
        "userId": "user-1", "amount": 1250, "description": "SHOP 12", "authorizationDate": "2025-03-19T14:05:00Z",
        "paymentType": payment, "direction": "DEBIT", "transactionId": format!("t-{id}"),
    });
    json!({ "type": "matchedTransaction", "id": id, "attributes": attributes })
}

/// The errors as `status id pointer`.
fn told(body: &Value) -> Vec<String> {
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let line = |error: &Value| {
        assert!(error["title"].is_string() && error["detail"].is_string(), "{error}");
        format!("{} {} {}", word(&error["status"]), word(&error["id"]), word(&error["source"]["pointer"]))
    };
    body["errors"].as_array().unwrap_or_else(|| panic!("errors in {body}")).iter().map(line).collect()
}

fn assert_queued(body: &Value) {
    let job = &body["data"];
    assert!(job["type"].is_string() && job["id"].is_string(), "{body}");
    assert_eq!(job["attributes"]["status"], "queued", "{body}");
    assert!(job["attributes"]["message"].is_string(), "{body}");
}

#[tokio::test]
async fn the_three_types_are_queued() {
    let rig = Rig::start(&[], "").await;
    let merchant = json!({ "name": "Shop", "id": "1", "addrState": "PA", "storeId": "9" });
    let mids = json!({ "processor": "VISA", "mids": { "vmid": "1", "vsid": "2" } });
    let full = with(with(card("transaction", "e-1"), "merchant", merchant), "processorMids", mids);
    let full = with(full, "somethingNew", json!({ "a": 1 }));
    let (status, body) = post(&rig, &[full, matched("e-2", "CARD"), core("e-3")]).await;
    assert_eq!(status, 202, "{body}");
    assert_queued(&body);
    assert!(body.get("errors").is_none());
    for event in ["e-1", "e-2", "e-3"] {
        assert_eq!(times(&rig, event), 1);
    }
}

#[tokio::test]
async fn an_item_that_is_not_as_published_is_refused_by_name_and_place() {
    let rig = Rig::start(&[], "").await;
    let plain = |name: &str, value: Value| with(card("transaction", "x"), name, value);
    let status = |word: &str| {
        let item = plain("status", json!(word));
        with(item, "settledDate", Value::Null)
    };
    let table = [
        (plain("amount", Value::Null), "/attributes/amount"),
        (plain("subtotal", json!("1")), "/attributes/subtotal"),
        (plain("status", json!("PENDING")), "/attributes/status"),
        (plain("cardBIN", json!("12345678")), "/attributes/cardBIN"),
        (plain("cardLastFour", json!("432")), "/attributes/cardLastFour"),
        (plain("paymentType", json!("CASH")), "/attributes/paymentType"),
        (plain("cardNetwork", json!("DINERS")), "/attributes/cardNetwork"),
        (plain("merchant", json!("Shop")), "/attributes/merchant"),
        (plain("merchant", json!({ "id": "1" })), "/attributes/merchant/name"),
        (plain("merchant", json!({ "name": "Shop", "addrState": "Ohio" })), "/attributes/merchant/addrState"),
        (plain("processorMids", json!({ "processor": "VISA" })), "/attributes/processorMids/mids"),
        (
            plain("processorMids", json!({ "processor": "VISA", "mids": { "vmid": "1" } })),
            "/attributes/processorMids/mids/vsid",
        ),
        // What the statuses ask for.
        (status("APPROVED"), "/attributes/authorizationDate"),
        (status("SETTLED"), "/attributes/settledDate"),
        (status("REVERSED"), "/attributes/transactionDate"),
        (status("RETURNED"), "/attributes/transactionDate"),
        (status("DECLINED"), "/attributes/transactionDate"),
        // What the payment types of a matched transaction ask for.
        (with(matched("x", "CASH"), "cardBIN", json!("123456")), "/attributes/cardBIN"),
        (with(matched("x", "CASH"), "cardLastFour", json!("4321")), "/attributes/cardLastFour"),
        (with(matched("x", "CASH"), "cardNetwork", json!("VISA")), "/attributes/cardNetwork"),
        (with(matched("x", "UNKNOWN"), "cardProductId", json!("p")), "/attributes/cardProductId"),
        (with(matched("x", "UNKNOWN"), "matchedLocationId", json!("l")), "/attributes/matchedLocationId"),
        (with(matched("x", "UNKNOWN"), "matchedOfferId", json!("o")), "/attributes/matchedOfferId"),
        (with(matched("x", "CARD"), "matchedOfferId", json!("o")), "/attributes/cardLastFour"),
        (with(matched("x", "CARD"), "receiptMedium", json!("PAPER")), "/attributes/receiptMedium"),
        (card("historicalTransaction", "x"), "/type"),
        (with(card("transaction", "x"), "transactionId", json!("refuse-1")), ""),
    ];
    for (item, at) in table {
        let good = format!("good-{}", rig.sandbox.ingested().len());
        let (status, body) = post(&rig, &[core(&good), item.clone()]).await;
        assert_eq!((status, told(&body)), (207, vec![format!("400 x /data/1{at}")]), "{item}");
        assert_queued(&body);
        assert_eq!((times(&rig, &good), times(&rig, "x")), (1, 0));
        let (status, body) = post(&rig, &[item]).await;
        assert_eq!((status, told(&body)), (400, vec![format!("400 x /data/0{at}")]));
    }
    // What may be there when there is a trace of the purchase.
    let order = with(with(matched("o", "UNKNOWN"), "orderId", json!("1")), "matchedOfferId", json!("o"));
    let offer = with(with(matched("c", "CARD"), "cardLastFour", json!("4321")), "matchedOfferId", json!("o"));
    assert_eq!(post(&rig, &[order, offer]).await.0, 202);
}

#[tokio::test]
async fn an_event_that_is_known_is_a_conflict() {
    let rig = Rig::start(&[], "").await;
    assert_eq!(post(&rig, &[core("e-1"), core("e-2")]).await.0, 202);
    let (status, body) = post(&rig, &[core("e-1"), core("e-2")]).await;
    assert_eq!((status, told(&body)), (409, vec!["409 e-1 /data/0".to_owned(), "409 e-2 /data/1".to_owned()]));
    assert!(body.get("data").is_none());
    let (status, body) = post(&rig, &[core("e-1"), core("e-3"), core("e-3")]).await;
    assert_eq!((status, told(&body)), (207, vec!["409 e-1 /data/0".to_owned(), "409 e-3 /data/2".to_owned()]));
    assert_queued(&body);
    // Known and wrong, and nothing new: the items are told one by one.
    let wrong = with(core("e-4"), "amount", Value::Null);
    let (status, body) = post(&rig, &[core("e-1"), wrong]).await;
    assert_eq!(
        (status, told(&body)),
        (207, vec!["409 e-1 /data/0".to_owned(), "400 e-4 /data/1/attributes/amount".to_owned()])
    );
    let (_, body) = post(&rig, &[with(core("e-2"), "amount", json!(1))]).await;
    assert_eq!(body["errors"][0]["detail"], "An event with this id exists, and says something else.");
    let event = rig.sandbox.ingested().get("e-2").unwrap();
    assert_eq!((event.times, event.other_content, event.arrivals), (3, 1, 3));
    assert_eq!(times(&rig, "e-1"), 4);
}

#[tokio::test]
async fn a_body_that_is_not_right_as_a_whole_is_refused() {
    let rig = Rig::start(&[], "").await;
    let table = [
        (json!([]), ""),
        (json!({}), "/data"),
        (json!({ "data": core("e") }), "/data"),
        (json!({ "data": [] }), "/data"),
        (json!({ "data": vec![core("e"); 501] }), "/data"),
    ];
    for (body, pointer) in table {
        let (status, reply) = send(&rig, Method::POST, "/transactions", &body).await;
        assert_eq!((status, &reply["errors"][0]["source"]["pointer"]), (400, &json!(pointer)), "{reply}");
        assert_error(&reply, 400);
    }
    let many: Vec<Value> = (0..500).map(|number| core(&format!("e-{number}"))).collect();
    assert_eq!(post(&rig, &many).await.0, 202);
    let noted = rig.sandbox.received().pop().unwrap();
    let sent = json!({ "data": many }).to_string();
    assert_eq!(
        (noted.body_bytes, noted.body_sha256),
        (Some(sent.len() as u64), Some(tieout::digest::sha256(sent.as_bytes())))
    );
    assert_eq!(noted.body.as_deref(), (sent.len() <= 256 << 10).then_some(sent.as_str()));

    let url = format!("{}{ORGANIZATION}/transactions", rig.sandbox.base_url);
    let body = json!({ "data": [core("f")] }).to_string();
    let request = |url: &str| plain().post(url.to_owned()).body(body.clone());
    let good = token(&rig).await;
    let json = |url: &str| request(url).header("Content-Type", "application/json");
    assert_eq!(call(json(&url)).await.0, 401);
    assert_eq!(call(json(&url.replace("org-sandbox", "org-other")).bearer_auth(&good)).await.0, 403);
    assert_eq!(call(request(&url).bearer_auth(&good)).await.0, 400, "no content type");
    assert_eq!(call(plain().get(&url).bearer_auth(&good)).await.0, 405);
    assert_eq!(times(&rig, "f"), 0);
}
