//! Transactions for the sandbox, by hand: items, calls, bulk files and their presigned uploads.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tieout::sandbox::{FileResult, IngestedEvent, UploadSession};

use super::Rig;
use crate::sandbox_contract::{call, plain, token};

pub(crate) const ORGANIZATION: &str = "/v2/issuers/org-sandbox";

/// A `coreTransaction` with every required field; the event `e-1` is about the transaction `t-e-1`.
pub(crate) fn core(id: &str) -> Value {
    let attributes = json!({
        "userId": "user-1", "transactionId": format!("t-{id}"), "amount": 1250, "currency": "USD",
        "description": "SHOP 12", "direction": "DEBIT", "status": "SETTLED",
        "settledDate": "2025-03-19T14:05:00.000Z", "authorizationDate": "2025-03-18T09:00:00-05:00",
    });
    json!({ "type": "coreTransaction", "id": id, "attributes": attributes })
}

/// A `transaction` (or, by its type, a `historicalTransaction`) with every required field.
pub(crate) fn card(kind: &str, id: &str) -> Value {
    let attributes = json!({
        "userId": "user-1", "amount": 1250, "status": "SETTLED", "currency": "USD", "description": "SHOP 12",
        "cardBIN": "123456", "cardLastFour": "4321", "direction": "DEBIT", "paymentType": "CARD",
        "transactionId": format!("t-{id}"), "settledDate": "2025-03-19T14:05:00Z",
    });
    json!({ "type": kind, "id": id, "attributes": attributes })
}

/// The item with an attribute changed; null takes it away.
pub(crate) fn with(mut item: Value, name: &str, value: Value) -> Value {
    let attributes = item["attributes"].as_object_mut().unwrap();
    match value {
        Value::Null => drop(attributes.remove(name)),
        value => drop(attributes.insert(name.to_owned(), value)),
    }
    item
}

/// One item a line.
pub(crate) fn jsonl(items: &[Value]) -> Vec<u8> {
    items.iter().flat_map(|item| format!("{item}\n").into_bytes()).collect()
}

/// One gzip member.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A call with a good token.
pub(crate) async fn send(rig: &Rig, method: Method, path: &str, body: &Value) -> (u16, Value) {
    let url = format!("{}{ORGANIZATION}{path}", rig.sandbox.base_url);
    let request = plain().request(method, url).bearer_auth(token(rig).await);
    call(request.header("Content-Type", "application/json").body(body.to_string())).await
}

/// The URL of a new upload session of incoming transactions.
pub(crate) async fn upload_url(rig: &Rig, filename: &str) -> String {
    let item = json!({ "type": "incomingTransactionsFile", "attributes": { "filename": filename } });
    let (status, body) = send(rig, Method::POST, "/transactions/uploads", &json!({ "data": [item] })).await;
    assert_eq!(status, 201, "{body}");
    body["data"][0]["attributes"]["url"].as_str().unwrap().to_owned()
}

pub(crate) async fn put(url: &str, bytes: Vec<u8>) -> Response {
    plain().put(url).body(bytes).send().await.unwrap()
}

/// Uploads a file over a session of its own, and waits until it is processed.
pub(crate) async fn uploaded(rig: &Rig, filename: &str, bytes: Vec<u8>) -> UploadSession {
    let url = upload_url(rig, filename).await;
    assert_eq!(put(&url, bytes).await.status(), 200);
    rig.sandbox.idle().await;
    rig.sandbox.uploads().pop().unwrap()
}

/// Lines, accepted, rejected, duplicates.
pub(crate) fn counts(result: &FileResult) -> [u64; 4] {
    [result.lines, result.accepted, result.rejected, result.duplicates]
}

/// How often an event arrived; 0 when it was never taken.
pub(crate) fn times(rig: &Rig, event: &str) -> u32 {
    rig.sandbox.ingested().get(event).map_or(0, |IngestedEvent { times, .. }| times)
}
