//! The sandbox against what Kard publishes: required fields, statuses, limits, error shapes.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use tieout::job::FileType;
use tieout::sandbox::{Options, Sandbox, SandboxError};

use crate::support::{Rig, Sample, chain};

const FILES: &str = "/v2/issuers/org-sandbox/files/metadata";

/// A plain client: the contract is not checked with the code that was written against it. It is made once, and keeps
/// no connection, which would end with the test that made it.
pub(crate) fn plain() -> Client {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    let make = || {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap()
    };
    CLIENT.get_or_init(make).clone()
}

pub(crate) async fn call(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or(Value::Null))
}

fn token_request(rig: &Rig, credentials: &str) -> RequestBuilder {
    plain()
        .post(&rig.sandbox.token_url)
        .header("Authorization", format!("Basic {}", STANDARD.encode(credentials)))
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body("grant_type=client_credentials")
}

pub(crate) async fn token(rig: &Rig) -> String {
    let (status, body) = call(token_request(rig, "sandbox-client:sandbox-secret")).await;
    assert_eq!(status, 200);
    body["access_token"].as_str().unwrap().to_owned()
}

fn get(rig: &Rig, path: &str, token: &str) -> RequestBuilder {
    plain().request(Method::GET, format!("{}{path}", rig.sandbox.base_url)).bearer_auth(token)
}

/// The shape of `ErrorResponse`, all its required fields.
pub(crate) fn assert_error(body: &Value, status: u16) {
    let errors = body["errors"].as_array().unwrap_or_else(|| panic!("errors in {body}"));
    for error in errors {
        assert_eq!(error["status"], status.to_string(), "{body}");
        assert!(error["title"].is_string() && error["detail"].is_string(), "{body}");
    }
    assert!(!errors.is_empty());
}

/// `count` settled files, a minute apart; `f-0` is the oldest.
fn samples(count: i32) -> Vec<Sample> {
    (0..count)
        .map(|number| {
            let mut sample = Sample::daily(&format!("f-{number}"), "name", b"bytes");
            sample.sent_at += TimeDelta::minutes(number.into());
            sample
        })
        .collect()
}

fn ids(body: &Value) -> Vec<&str> {
    body["data"].as_array().unwrap().iter().map(|file| file["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_token_endpoint_answers_as_published() {
    let rig = Rig::start(&[], "").await;
    let (status, body) = call(token_request(&rig, "sandbox-client:sandbox-secret")).await;
    assert_eq!((status, &body["token_type"], &body["expires_in"]), (200, &"Bearer".into(), &3600.into()));
    assert!(!body["access_token"].as_str().unwrap().is_empty());

    let url = &rig.sandbox.token_url;
    let basic = format!("Basic {}", STANDARD.encode("sandbox-client:sandbox-secret"));
    let form = "application/x-www-form-urlencoded";
    let good = "grant_type=client_credentials";
    let refused = [
        (400, plain().post(url).header("Content-Type", form).body(good)),
        (400, plain().post(url).header("Authorization", &basic).body(good)),
        (
            400,
            plain().post(url).header("Authorization", &basic).header("Content-Type", form).body("grant_type=password"),
        ),
        (400, plain().post(url).header("Authorization", &basic).header("Content-Type", "application/json").body(good)),
        (401, token_request(&rig, "sandbox-client:wrong")),
        (404, token_request(&rig, "nobody:sandbox-secret")),
        (405, plain().get(url)),
    ];
    for (expected, request) in refused {
        let (status, body) = call(request).await;
        assert_eq!(status, expected, "{body}");
        assert_error(&body, expected);
    }
}

#[tokio::test]
async fn the_file_list_has_every_required_field() {
    let rig = Rig::start(&samples(1), "").await;
    let (status, body) = call(get(&rig, FILES, &token(&rig).await)).await;
    assert_eq!(status, 200);
    let file = &body["data"][0];
    assert_eq!((&file["id"], &file["type"]), (&"f-0".into(), &"earnedRewardSettledDailyReconciliationFile".into()));
    let attributes = &file["attributes"];
    assert_eq!(attributes["fileName"], "name");
    assert_eq!(attributes["sentAt"], "2025-03-20T00:10:00.000Z");
    assert_eq!(attributes["lastModified"], "2025-03-20T00:10:00.000Z");
    assert!(attributes["downloadUrl"].as_str().unwrap().contains("X-Sandbox-Signature="));
    assert!(body["links"]["self"].as_str().unwrap().ends_with(FILES));
    assert_eq!((&body["meta"]["pageSize"], &body["meta"]["hasNextPage"]), (&10.into(), &false.into()));
}

#[tokio::test]
async fn pages_lead_forward_and_back() {
    let rig = Rig::start(&samples(25), "").await;
    let token = token(&rig).await;
    let (_, first) = call(get(&rig, FILES, &token)).await;
    assert_eq!(ids(&first).len(), 10, "ten by default");
    assert_eq!(ids(&first)[0], "f-24", "newest first by default");
    assert!(first["links"].get("prev").is_none());
    let follow = |body: &Value, link: &str| plain().get(body["links"][link].as_str().unwrap()).bearer_auth(&token);
    let (_, second) = call(follow(&first, "next")).await;
    let (_, third) = call(follow(&second, "next")).await;
    assert_eq!(ids(&third), ["f-4", "f-3", "f-2", "f-1", "f-0"]);
    assert_eq!(third["meta"]["hasNextPage"], false);
    assert!(third["links"].get("next").is_none());
    let (_, back) = call(follow(&third, "prev")).await;
    assert_eq!(ids(&back), ids(&second));
    let (_, sorted) = call(get(&rig, &format!("{FILES}?sort=sentDate&page[size]=2"), &token)).await;
    assert_eq!(ids(&sorted), ["f-0", "f-1"]);
}

#[tokio::test]
async fn without_dates_the_last_month_is_listed() {
    let mut samples = samples(3);
    samples[0].sent_at -= TimeDelta::days(40);
    samples[1].sent_at -= TimeDelta::days(20);
    samples[1].kind = FileType::Monthly;
    let rig = Rig::start(&samples, "").await;
    let token = token(&rig).await;
    let list = async |query: &str| call(get(&rig, &format!("{FILES}{query}"), &token)).await.1;
    assert_eq!(ids(&list("").await), ["f-2", "f-1"]);
    assert_eq!(ids(&list("?filter[dateFrom]=2025-01-01T00:00:00Z").await), ["f-2", "f-1", "f-0"]);
    assert_eq!(ids(&list("?filter[dateTo]=2025-03-10T00:00:00Z").await), ["f-1"]);
    assert_eq!(ids(&list("?filter[fileType]=monthlyReconciliationFile").await), ["f-1"]);
}

#[tokio::test]
async fn a_bad_parameter_is_refused_by_name() {
    let rig = Rig::start(&samples(1), "").await;
    let token = token(&rig).await;
    let table = [
        ("page[size]=0", "page[size]"),
        ("page[size]=101", "page[size]"),
        ("page[size]=ten", "page[size]"),
        ("page[size]=1&page[size]=1", "page[size]"),
        ("page[after]=zzz", "page[after]"),
        ("page[after]=ZmlsZTpub25l", "page[after]"),
        ("page[before]=ZmlsZTpub25l", "page[before]"),
        ("page[after]=ZmlsZTpmLTA=&page[before]=ZmlsZTpmLTA=", "page[before]"),
        ("filter[dateFrom]=yesterday", "filter[dateFrom]"),
        ("filter[dateTo]=19.3.2025", "filter[dateTo]"),
        ("filter[fileType]=dailyReconciliationFile", "filter[fileType]"),
        ("sort=name", "sort"),
        ("filter[filetype]=x", "filter[filetype]"),
    ];
    for (query, parameter) in table {
        let (status, body) = call(get(&rig, &format!("{FILES}?{query}"), &token)).await;
        assert_eq!(status, 400, "{query}: {body}");
        assert_error(&body, 400);
        assert_eq!(body["errors"][0]["source"]["parameter"], parameter, "{query}");
    }
}

#[tokio::test]
async fn the_file_list_is_for_those_who_may_read_it() {
    let rig = Rig::start(&samples(1), "").await;
    let good = token(&rig).await;
    let table = [
        (401, plain().get(format!("{}{FILES}", rig.sandbox.base_url))),
        (401, get(&rig, FILES, "made-up")),
        (403, get(&rig, "/v2/issuers/org-other/files/metadata", &good)),
        (404, get(&rig, "/v2/issuers/org-sandbox/nothing", &good)),
        (405, plain().delete(format!("{}{FILES}", rig.sandbox.base_url)).bearer_auth(&good)),
    ];
    for (expected, request) in table {
        let (status, body) = call(request).await;
        assert_eq!(status, expected, "{body}");
        assert_error(&body, expected);
    }
}

#[tokio::test]
async fn downloads_are_guarded_by_their_signature_alone() {
    let rig = Rig::start(&samples(1), "").await;
    let token = token(&rig).await;
    let (_, body) = call(get(&rig, FILES, &token)).await;
    let url = body["data"][0]["attributes"]["downloadUrl"].as_str().unwrap().to_owned();
    let response = plain().get(&url).send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.content_length()), (200, Some(5)));
    assert_eq!(response.bytes().await.unwrap().as_ref(), b"bytes");

    let (bare, signature) = url.rsplit_once('=').unwrap();
    let table = [
        (400, "InvalidArgument", plain().get(&url).bearer_auth(&token)),
        (403, "SignatureDoesNotMatch", plain().get(format!("{bare}={}", signature.replace(['a', 'b', '1'], "0")))),
        (403, "SignatureDoesNotMatch", plain().get(url.replace("X-Sandbox-Expires=", "X-Sandbox-Expires=9"))),
        (403, "SignatureDoesNotMatch", plain().get(url.replace("/presigned/f-0", "/presigned/f-1"))),
        (403, "AccessDenied", plain().get(url.split('?').next().unwrap())),
    ];
    for (expected, code, request) in table {
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        assert_eq!(status, expected, "{text}");
        assert!(text.starts_with("<?xml") && text.contains(&format!("<Code>{code}</Code>")), "{text}");
    }
    let rig = Rig::start(&samples(1), "  - {on: files, nth: every, do: expired_url}\n").await;
    let (_, body) = call(get(&rig, FILES, &self::token(&rig).await)).await;
    let response = plain().get(body["data"][0]["attributes"]["downloadUrl"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 403);
    assert!(response.text().await.unwrap().contains("<Message>Request has expired</Message>"));
}

#[tokio::test]
async fn the_log_tells_every_request_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("received.jsonl");
    let rule = "  - {on: download, nth: 1, do: {status: 503}}\n";
    let rig = Rig::start_with(&samples(1), rule, |options| options.log = Some(log.clone()), |_| {}).await;
    let token = token(&rig).await;
    let (_, body) = call(get(&rig, FILES, &token)).await;
    let url = body["data"][0]["attributes"]["downloadUrl"].as_str().unwrap().to_owned();
    plain().get(&url).send().await.unwrap();
    let text = std::fs::read_to_string(&log).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let seen: Vec<_> =
        lines.iter().map(|line| (line["path"].as_str().unwrap(), line["status"].as_u64().unwrap())).collect();
    assert_eq!(seen, [("/v2/auth/token", 200), (FILES, 200), ("/presigned/f-0", 503)]);
    assert_eq!(lines[2]["fault"], "status");
    assert_eq!(serde_json::to_value(rig.sandbox.received()).unwrap(), Value::from(lines));
    let signature = url.rsplit_once('=').unwrap().1;
    for secret in [token.as_str(), signature, "sandbox-secret", "c2FuZGJveC1jbGllbnQ6c2FuZGJveC1zZWNyZXQ="] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[tokio::test]
async fn samples_that_cannot_be_served_are_told_at_the_start() {
    let good = r#""id": "a", "fileType": "monthlyReconciliationFile", "fileName": "n", "sentAt": "2025-03-20T00:00:00Z", "lastModified": "2025-03-20T00:00:00Z""#;
    let table = [
        (format!(r#"{{"files": [{{{good}, "path": "../x"}}]}}"#), "has a path that leads out of the samples: ../x"),
        (format!(r#"{{"files": [{{{good}, "path": "gone"}}]}}"#), "gone is not there"),
        (
            format!(r#"{{"files": [{{{good}, "path": "files.json"}}, {{{good}, "path": "files.json"}}]}}"#),
            "file a stands there twice",
        ),
        (
            format!(r#"{{"files": [{{{good}, "path": "files.json", "extra": 1}}]}}"#),
            "unknown field `extra`, expected one of",
        ),
    ];
    for (list, told) in table {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("files.json"), list).unwrap();
        let error = Sandbox::start(Options::new(folder.path())).await.unwrap_err();
        assert!(chain(&error).contains(told), "{}", chain(&error));
    }
    let error = Sandbox::start(Options::new("/nowhere/at/all")).await.unwrap_err();
    assert!(
        chain(&error).starts_with("cannot serve the samples: cannot read /nowhere/at/all/files.json"),
        "{}",
        chain(&error)
    );
}

#[tokio::test]
async fn a_port_that_is_taken_is_told() {
    let rig = Rig::start(&[], "").await;
    let port = rig.sandbox.base_url.rsplit_once(':').unwrap().1.parse().unwrap();
    let options = Options { port, ..Options::new(rig.folder.path()) };
    let error = Sandbox::start(options).await.unwrap_err();
    assert!(matches!(error, SandboxError::Listen { .. }));
    assert!(error.to_string().contains(&port.to_string()), "{error}");
}
