//! The sandbox's bulk upload: the URLs as Kard publishes them, and a storage that refuses what S3 refuses.

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tieout::sandbox::{Options, UploadSession};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::sandbox_contract::{assert_error, call, plain, token};
use crate::support::Rig;
use crate::support::bulk::{core, counts, jsonl, put, send, upload_url};

const UPLOADS: &str = "/transactions/uploads";

fn file(kind: &str, filename: &str) -> Value {
    json!({ "type": kind, "attributes": { "filename": filename } })
}

fn sha256(bytes: &[u8]) -> String {
    tieout::digest::sha256(bytes)
}

/// Status, S3's code, and the whole body.
async fn refusal(response: Response) -> (u16, String, String) {
    let status = response.status().as_u16();
    assert_eq!(response.headers()["content-type"], "application/xml");
    assert!(response.headers().contains_key("x-amz-request-id"));
    let body = response.text().await.unwrap();
    assert!(body.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>"), "{body}");
    let code = body.split_once("<Code>").unwrap().1.split_once("</Code>").unwrap().0.to_owned();
    (status, code, body)
}

/// Writes a request by hand, and reads what comes back to the end.
async fn raw(rig: &Rig, head: &str, body: &[u8]) -> String {
    let address = rig.sandbox.base_url.trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let head = format!("{head}\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await.unwrap();
    String::from_utf8(reply).unwrap()
}

/// The URL without scheme and host.
fn target<'u>(rig: &Rig, url: &'u str) -> &'u str {
    url.strip_prefix(&rig.sandbox.base_url).unwrap()
}

#[tokio::test]
async fn urls_are_given_as_published() {
    let rig = Rig::start(&[], "").await;
    let wanted = [("incomingTransactionsFile", "a.jsonl.gz"), ("historicalTransactionsFile", "b 100%.jsonl")];
    let items: Vec<Value> = wanted.iter().map(|(kind, name)| file(kind, name)).collect();
    let (status, body) = send(&rig, Method::POST, UPLOADS, &json!({ "data": items })).await;
    assert_eq!(status, 201);
    let sessions = rig.sandbox.uploads();
    assert_eq!((body["data"].as_array().unwrap().len(), sessions.len()), (2, 2));
    for ((told, session), (kind, name)) in body["data"].as_array().unwrap().iter().zip(&sessions).zip(wanted) {
        assert_eq!((&told["type"], &told["id"]), (&json!(kind), &json!(session.id)));
        assert_eq!(told["attributes"]["expiresIn"], 900);
        let url = told["attributes"]["url"].as_str().unwrap();
        assert!(url.starts_with(&format!("{}/storage/", rig.sandbox.base_url)), "{url}");
        assert!(url.contains("&X-Amz-Expires=900&") && url.contains("&X-Amz-Signature="), "{url}");
        assert_eq!((session.kind.as_str(), session.filename.as_str(), session.puts), (kind, name, 0));
        assert_eq!(put(url, jsonl(&[core(name)])).await.status(), 200);
    }
    assert_ne!(sessions[0].id, sessions[1].id);
}

#[tokio::test]
async fn what_is_no_request_for_urls_is_refused_with_its_place() {
    let rig = Rig::start(&[], "").await;
    let one = || file("incomingTransactionsFile", "a.jsonl");
    let long = "x".repeat(256);
    let table = [
        (json!({}), "/data"),
        (json!({ "data": one() }), "/data"),
        (json!({ "data": [] }), "/data"),
        (json!({ "data": vec![one(); 11] }), "/data"),
        (json!({ "data": [one(), file("coreTransaction", "a.jsonl")] }), "/data/1/type"),
        (json!({ "data": [{ "type": "incomingTransactionsFile" }] }), "/data/0/attributes/filename"),
        (json!({ "data": [file("incomingTransactionsFile", "")] }), "/data/0/attributes/filename"),
        (json!({ "data": [file("incomingTransactionsFile", "a/b")] }), "/data/0/attributes/filename"),
        (json!({ "data": [file("incomingTransactionsFile", &long)] }), "/data/0/attributes/filename"),
    ];
    for (body, pointer) in table {
        let (status, reply) = send(&rig, Method::POST, UPLOADS, &body).await;
        assert_eq!(status, 400, "{body}");
        assert_error(&reply, 400);
        assert_eq!(reply["errors"][0]["source"]["pointer"], pointer, "{body}");
    }
    assert_eq!(send(&rig, Method::POST, UPLOADS, &json!({ "data": vec![one(); 10] })).await.0, 201);

    let body = json!({ "data": [one()] }).to_string();
    let post = |organization: &str| {
        let url = format!("{}/v2/issuers/{organization}{UPLOADS}", rig.sandbox.base_url);
        plain().post(url).header("Content-Type", "application/json").body(body.clone())
    };
    assert_eq!(call(post("org-sandbox")).await.0, 401);
    assert_eq!(call(post("org-other").bearer_auth(token(&rig).await)).await.0, 403);
    assert_eq!(rig.sandbox.uploads().len(), 10);
}

#[tokio::test]
async fn an_object_is_there_once_all_its_bytes_came() {
    let rig = Rig::start(&[], "").await;
    let bytes = jsonl(&[core("e-1")]);
    let url = upload_url(&rig, "a.jsonl").await;
    // Half of what was announced: the client goes away.
    let address = rig.sandbox.base_url.trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let head =
        format!("PUT {} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\n\r\n", target(&rig, &url), bytes.len());
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&bytes[..100]).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply).await;
    rig.sandbox.idle().await;
    let half = rig.sandbox.received().pop().unwrap();
    assert_eq!((half.status, half.body_bytes), (Some(400), Some(100)));
    assert_eq!(half.body_sha256, Some(sha256(&bytes[..100])));
    assert_eq!((rig.sandbox.uploads()[0].puts, rig.sandbox.ingested().len()), (0, 0));

    let reply = put(&url, bytes.clone()).await;
    assert_eq!(reply.status(), 200);
    assert_eq!(reply.headers()["etag"], format!("\"{}\"", &sha256(&bytes)[..32]));
    assert_eq!(reply.headers()["x-amz-request-id"], "SANDBOX");
    assert_eq!(reply.bytes().await.unwrap().len(), 0);
    rig.sandbox.idle().await;
    let UploadSession { puts, object, results, .. } = rig.sandbox.uploads().remove(0);
    let object = object.unwrap();
    assert_eq!((puts, object.bytes, object.sha256), (1, bytes.len() as u64, sha256(&bytes)));
    assert_eq!(std::fs::read(object.path).unwrap(), bytes);
    assert_eq!(results.iter().map(counts).collect::<Vec<_>>(), [[1, 1, 0, 0]]);
    // The request is noted by length and digest, and its signature is not.
    let noted = rig.sandbox.received().pop().unwrap();
    assert_eq!((noted.body, noted.body_bytes), (None, Some(bytes.len() as u64)));
    assert_eq!(noted.body_sha256, Some(sha256(&bytes)));
    assert!(noted.query.ends_with("&X-Amz-Signature=[redacted]"), "{}", noted.query);
}

#[tokio::test]
async fn a_second_put_replaces_the_object_and_is_processed_again() {
    let rig = Rig::start(&[], "").await;
    let url = upload_url(&rig, "a.jsonl").await;
    let (first, second) = (jsonl(&[core("e-1")]), jsonl(&[core("e-1"), core("e-2")]));
    for bytes in [&first, &second] {
        assert_eq!(put(&url, bytes.clone()).await.status(), 200);
    }
    rig.sandbox.idle().await;
    let session = rig.sandbox.uploads().remove(0);
    assert_eq!((session.puts, session.object.unwrap().sha256), (2, sha256(&second)));
    assert_eq!(session.results.iter().map(counts).collect::<Vec<_>>(), [[1, 1, 0, 0], [2, 1, 0, 1]]);
}

#[tokio::test]
async fn only_the_signature_lets_in() {
    let rig = Rig::start(&[], "").await;
    let url = upload_url(&rig, "a.jsonl").await;
    let put = |url: &str| plain().put(url.to_owned()).body("x");
    let (bare, query) = url.split_once('?').unwrap();
    let table = [
        (403, "AccessDenied", put(bare)),
        (403, "SignatureDoesNotMatch", put(&format!("{bare}x?{query}"))),
        (403, "SignatureDoesNotMatch", put(&url.replace("X-Amz-Expires=900", "X-Amz-Expires=901"))),
        (403, "InvalidAccessKeyId", put(&url.replace("SANDBOXACCESSKEY", "OTHERKEY"))),
        (400, "AuthorizationQueryParametersError", put(&url.replace("X-Amz-Date", "X-Amz-Dates"))),
        (400, "InvalidArgument", put(&url).bearer_auth(token(&rig).await)),
        (403, "AccessDenied", put(&url).header("x-amz-acl", "public-read")),
        // The URL is for a PUT.
        (403, "SignatureDoesNotMatch", plain().get(&url)),
    ];
    for (status, code, request) in table {
        let (found, word, body) = refusal(request.send().await.unwrap()).await;
        assert_eq!((found, word.as_str()), (status, code), "{body}");
    }
    let (_, _, body) = refusal(put(&url).bearer_auth("x").send().await.unwrap()).await;
    assert!(body.contains("<Message>Only one auth mechanism allowed;"), "{body}");
    assert_eq!((rig.sandbox.uploads()[0].puts, rig.sandbox.uploads()[0].object.clone()), (0, None));
}

#[tokio::test]
async fn a_url_that_expired_is_refused_before_its_body_is_read() {
    let rig = Rig::start(&[], "  - {on: uploads, nth: 1, do: expired_url}\n").await;
    let url = upload_url(&rig, "a.jsonl").await;
    let (status, code, body) = refusal(put(&url, jsonl(&[core("e-1")])).await).await;
    assert_eq!((status, code.as_str()), (403, "AccessDenied"));
    assert!(body.contains("<Message>Request has expired</Message><X-Amz-Expires>900</X-Amz-Expires>"), "{body}");
    assert!(body.contains("<ServerTime>"), "{body}");
    let received = rig.sandbox.received().pop().unwrap();
    assert_eq!(received.body_bytes, None, "it was not taken");
    assert_eq!(put(&upload_url(&rig, "a.jsonl").await, jsonl(&[core("e-1")])).await.status(), 200);
}

#[tokio::test]
async fn a_length_is_required_and_chunks_are_not_taken() {
    let rig = Rig::start(&[], "").await;
    let url = upload_url(&rig, "a.jsonl").await;
    let path = target(&rig, &url).to_owned();
    let without = raw(&rig, &format!("PUT {path} HTTP/1.1"), b"").await;
    assert!(without.starts_with("HTTP/1.1 411 "), "{without}");
    assert!(without.contains("<Code>MissingContentLength</Code>"), "{without}");
    let chunked =
        raw(&rig, &format!("PUT {path} HTTP/1.1\r\nTransfer-Encoding: chunked"), b"1\r\nx\r\n0\r\n\r\n").await;
    assert!(chunked.starts_with("HTTP/1.1 501 "), "{chunked}");
    assert!(chunked.contains("<Code>NotImplemented</Code>"), "{chunked}");
    assert!(chunked.contains("<Header>Transfer-Encoding</Header>"), "{chunked}");
    assert_eq!(rig.sandbox.uploads()[0].puts, 0);
}

#[tokio::test]
async fn a_client_that_expects_to_be_told_to_go_on_is_told() {
    let rig = Rig::start(&[], "").await;
    let url = upload_url(&rig, "a.jsonl").await;
    let bytes = jsonl(&[core("e-1")]);
    let head = |path: &str| format!("PUT {path} HTTP/1.1\r\nContent-Length: {}\r\nExpect: 100-continue", bytes.len());
    let reply = raw(&rig, &head(target(&rig, &url)), &bytes).await;
    assert!(reply.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"), "{reply}");
}

#[tokio::test]
async fn an_object_beyond_the_limit_is_refused_by_its_announcement() {
    let limit = |options: &mut Options| options.object_limit = 1_000;
    let rig = Rig::start_with(&[], "", limit, |_| {}).await;
    let url = upload_url(&rig, "a.jsonl").await;
    let (status, code, body) = refusal(put(&url, vec![b' '; 1_001]).await).await;
    assert_eq!((status, code.as_str()), (400, "EntityTooLarge"));
    assert!(body.contains("<ProposedSize>1001</ProposedSize><MaxSizeAllowed>1000</MaxSizeAllowed>"), "{body}");
    assert_eq!(put(&url, vec![b' '; 1_000]).await.status(), StatusCode::OK);
    assert_eq!(Options::new("samples").object_limit, 5_000_000_000);
    // Without a limit of one's own, an object may be larger than any other body.
    let rig = Rig::start(&[], "").await;
    let large = vec![b'x'; 24 << 20];
    let digest = sha256(&large);
    assert_eq!(put(&upload_url(&rig, "a.jsonl").await, large).await.status(), StatusCode::OK);
    assert_eq!(rig.sandbox.uploads()[0].object.as_ref().unwrap().sha256, digest);
}

#[tokio::test]
async fn the_storage_knows_no_other_method() {
    let rig = Rig::start(&[], "").await;
    let url = upload_url(&rig, "a.jsonl").await;
    assert_eq!(plain().delete(&url).send().await.unwrap().status(), 405);
    assert_eq!(plain().post(&url).body("x").send().await.unwrap().status(), 405);
    assert_eq!(rig.sandbox.uploads()[0].puts, 0);
}
