//! What the sandbox tells of an uploaded file: signed, logged, posted, and done wrong on request.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tempfile::TempDir;
use tieout::sandbox::WEBHOOK_KEY;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::sandbox_contract::plain;
use crate::support::bulk::{core, jsonl, put, upload_url, uploaded, with};
use crate::support::{Rig, utc};

async fn rig(folder: &TempDir, faults: &str) -> Rig {
    let log = folder.path().join("log.jsonl");
    Rig::start_with(&[], faults, |options| options.notifications = Some(log), |_| {}).await
}

fn is_signed(body: &str, signature: &str) -> bool {
    let mut mac = Hmac::<Sha256>::new_from_slice(WEBHOOK_KEY.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    mac.verify_slice(&STANDARD.decode(signature).unwrap()).is_ok()
}

/// The notifications of the log, their signatures checked.
fn logged(folder: &TempDir) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.path().join("log.jsonl")).unwrap();
    let body = |line: &str| {
        let envelope: Value = serde_json::from_str(line).unwrap();
        utc(envelope["received_at"].as_str().unwrap());
        let body = envelope["body"].as_str().unwrap();
        assert!(is_signed(body, envelope["signature"].as_str().unwrap()), "{line}");
        serde_json::from_str(body).unwrap()
    };
    text.lines().map(body).collect()
}

fn names(folder: &TempDir) -> Vec<String> {
    let name = |body: &Value| body["data"]["attributes"]["fileName"].as_str().unwrap().to_owned();
    logged(folder).iter().map(name).collect()
}

#[tokio::test]
async fn the_result_of_a_file_is_told_as_published() {
    let folder = TempDir::new().unwrap();
    let rig = rig(&folder, "").await;
    let bytes = jsonl(&[core("e-1"), with(core("e-2"), "amount", json!("x"))]);
    let url = upload_url(&rig, "a.jsonl").await;
    for _ in 0..2 {
        assert_eq!(put(&url, bytes.clone()).await.status(), 200);
        rig.sandbox.idle().await;
    }
    let told = logged(&folder);
    let session = rig.sandbox.uploads().remove(0);
    assert_eq!(told.len(), 2);
    for (told, number) in told.iter().zip(1..) {
        let data = &told["data"];
        assert_eq!(data["type"], "fileProcessingResult");
        assert_eq!(data["id"], format!("file-result-{}-{number}", session.id));
        let attributes = &data["attributes"];
        assert_eq!(attributes["fileName"], "a.jsonl");
        let time = |name: &str| utc(attributes[name].as_str().unwrap());
        assert!(time("sentAt") <= time("lastModified"), "{told}");
        assert_eq!(told["meta"], json!({ "issuerId": "org-sandbox", "issuerName": "Sandbox" }));
        assert_eq!(
            told["errors"],
            json!([{
                "status": "400", "title": "Bad Request", "detail": "Must be an integer.", "id": "e-2",
                "source": { "pointer": "/1/attributes/amount" },
            }])
        );
        // Its URL gives the file back.
        let file = plain().get(attributes["downloadUrl"].as_str().unwrap()).send().await.unwrap();
        assert_eq!((file.status().as_u16(), file.bytes().await.unwrap().to_vec()), (200, bytes.clone()));
    }
    uploaded(&rig, "b.jsonl", jsonl(&[core("e-3")])).await;
    assert_eq!(logged(&folder)[2].get("errors"), None);
}

#[tokio::test]
async fn a_log_that_is_there_is_continued() {
    let folder = TempDir::new().unwrap();
    for name in ["a.jsonl", "b.jsonl"] {
        uploaded(&rig(&folder, "").await, name, jsonl(&[core("e-1")])).await;
    }
    assert_eq!(names(&folder), ["a.jsonl", "b.jsonl"]);
}

#[tokio::test]
async fn notifications_are_late_lost_repeated_or_about_another_file_on_request() {
    let folder = TempDir::new().unwrap();
    let faults = "  - {on: notification, nth: 1, do: drop}\n  - {on: notification, nth: 2, do: repeat}\n  \
                  - {on: notification, nth: 3, do: wrong_file_name}\n  - {on: notification, nth: 4, do: {late: 300ms}}\n";
    let rig = rig(&folder, faults).await;
    for name in ["1.jsonl", "2.jsonl", "3.jsonl"] {
        uploaded(&rig, name, jsonl(&[core(name)])).await;
    }
    assert_eq!(names(&folder), ["2.jsonl", "2.jsonl", "other-3.jsonl"]);
    assert_eq!(logged(&folder)[0], logged(&folder)[1], "the same notification, with the same id");
    // The fourth is late: the file is processed, and the fifth overtakes.
    let urls = [upload_url(&rig, "4.jsonl").await, upload_url(&rig, "5.jsonl").await];
    for (url, event) in urls.iter().zip(["e-4", "e-5"]) {
        assert_eq!(put(url, jsonl(&[core(event)])).await.status(), 200);
    }
    rig.sandbox.idle().await;
    assert_eq!(names(&folder)[3..], ["5.jsonl", "4.jsonl"]);
    assert_eq!(rig.sandbox.ingested().len(), 5);
}

#[tokio::test]
async fn notifications_are_posted_with_their_signature() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook?x=1", listener.local_addr().unwrap()).parse().unwrap();
    let rig = Rig::start_with(&[], "", |options| options.notify_url = Some(url), |_| {}).await;
    let receive = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = String::new();
        // The body is JSON and ends the request.
        while !request.ends_with("}}") {
            let mut bytes = vec![0; 64 << 10];
            let length = stream.read(&mut bytes).await.unwrap();
            request.push_str(std::str::from_utf8(&bytes[..length]).unwrap());
        }
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        request
    });
    uploaded(&rig, "a.jsonl", jsonl(&[core("e-1")])).await;
    let request = receive.await.unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /hook?x=1 HTTP/1.1\r\n"), "{head}");
    let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{head}"));
    assert!(is_signed(body, header("notify-signature: ")), "{request}");
    assert_eq!(header("content-type: "), "application/json");
    let told: Value = serde_json::from_str(body).unwrap();
    assert_eq!(told["data"]["attributes"]["fileName"], "a.jsonl");
}

#[tokio::test]
async fn nobody_at_the_address_does_no_harm() {
    let url = "http://127.0.0.1:1/hook".parse().unwrap();
    let rig = Rig::start_with(&[], "", |options| options.notify_url = Some(url), |_| {}).await;
    let session = uploaded(&rig, "a.jsonl", jsonl(&[core("e-1")])).await;
    assert_eq!(session.results.len(), 1);
}
