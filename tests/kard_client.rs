//! The conversation with Kard: tokens, paging, downloads, and what never leaves this machine.

use std::time::{Duration, Instant};

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::any as any_method;
use chrono::TimeDelta;
use proptest::prelude::*;
use serde_json::json;
use tieout::exit::ExitCode;
use tieout::job::FileType;
use tieout::project::Secret;
use tieout::providers::kard::KardConfig;
use tieout::providers::kard::{Client, FilesQuery, reply};
use tieout::sandbox::ORGANIZATION;

use crate::support::{Rig, Sample, chain, fast_http, utc};

fn march() -> FilesQuery {
    let (from, to) = (utc("2025-03-01T00:00:00Z"), utc("2025-05-01T00:00:00Z"));
    FilesQuery { date_from: Some(from), date_to: Some(to), ..FilesQuery::default() }
}

fn many(count: usize) -> Vec<Sample> {
    (0..count)
        .map(|number| {
            let mut sample = Sample::daily(&format!("f-{number:03}"), &format!("file-{number}.json"), b"{}");
            sample.sent_at += TimeDelta::minutes(i64::try_from(number).unwrap());
            sample
        })
        .collect()
}

/// A server that answers every request alike, and a client for it.
async fn server(answer: impl Fn(HeaderMap) -> axum::response::Response + Clone + Send + Sync + 'static) -> KardConfig {
    let router = Router::new().fallback(any_method(move |headers: HeaderMap| {
        let answer = answer(headers);
        async { answer }
    }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    KardConfig {
        base_url: format!("http://{address}"),
        token_url: format!("http://{address}/v2/auth/token"),
        organization: "org/with spaces?".to_owned(),
        target_issuer: None,
        client_id: Secret::Sandbox("canary-client-id".into()),
        client_secret: Secret::Sandbox("canary-client-secret".into()),
        webhook_key: Some(Secret::Sandbox("canary-webhook-key".into())),
        webhook_key_previous: None,
        http: fast_http(),
    }
}

#[tokio::test]
async fn a_list_of_250_files_is_read_page_by_page_each_file_once() {
    let rig = Rig::start(&many(250), "").await;
    let listing = rig.client.files(&march()).await.unwrap();
    let ids: Vec<_> = listing.files.iter().map(|file| file.id.clone()).collect();
    let expected: Vec<_> = (0..250).map(|number| format!("f-{number:03}")).collect();
    assert_eq!(ids, expected, "all of them, oldest first");
    let pages = rig.requests().iter().filter(|line| line.contains("/files/metadata 200")).count();
    assert_eq!(pages, 3, "pages of a hundred");
}

#[tokio::test]
async fn every_filter_reaches_the_provider() {
    let mut samples = many(5);
    samples[3].kind = FileType::Monthly;
    let rig = Rig::start(&samples, "").await;
    let query = FilesQuery { file_type: Some(FileType::Monthly), page_size: 2, ..march() };
    let listing = rig.client.files(&query).await.unwrap();
    assert_eq!(listing.files.iter().map(|file| file.id.as_str()).collect::<Vec<_>>(), ["f-003"]);
    assert_eq!(listing.files[0].file_type, "monthlyReconciliationFile");
    let last = rig.sandbox.received().pop().unwrap();
    let expected = "filter%5BdateFrom%5D=2025-03-01T00%3A00%3A00Z&filter%5BdateTo%5D=2025-05-01T00%3A00%3A00Z\
                    &filter%5BfileType%5D=monthlyReconciliationFile&page%5Bsize%5D=2&sort=sentDate";
    assert_eq!(last.query, expected);
    let narrow = FilesQuery { date_to: Some(utc("2025-03-20T00:11:00Z")), ..march() };
    let ids: Vec<_> = rig.client.files(&narrow).await.unwrap().files.into_iter().map(|file| file.id).collect();
    assert_eq!(ids, ["f-000", "f-001"]);
}

#[tokio::test]
async fn a_token_is_asked_for_once_and_kept() {
    let rig = Rig::start(&many(1), "").await;
    rig.client.files(&march()).await.unwrap();
    rig.client.files(&march()).await.unwrap();
    rig.client.probe().await.unwrap();
    let files = "GET /v2/issuers/org-sandbox/files/metadata 200";
    assert_eq!(rig.requests(), ["POST /v2/auth/token 200", files, files, files]);
}

#[tokio::test]
async fn a_token_in_its_last_minute_is_replaced_before_use() {
    let rig = Rig::start_with(&many(1), "", |options| options.token_life = Duration::from_secs(59), |_| {}).await;
    rig.client.files(&march()).await.unwrap();
    rig.client.files(&march()).await.unwrap();
    let tokens = rig.requests().iter().filter(|line| line.starts_with("POST")).count();
    assert_eq!(tokens, 2);
    assert!(rig.requests().iter().all(|line| line.ends_with(" 200")), "none was refused: {:?}", rig.requests());
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let rig = Rig::start(&many(1), "  - {on: files, nth: 1, do: revoke_token}\n").await;
    rig.client.files(&march()).await.unwrap();
    let files = "GET /v2/issuers/org-sandbox/files/metadata";
    let expected = [
        "POST /v2/auth/token 200".to_owned(),
        format!("{files} 401"),
        "POST /v2/auth/token 200".to_owned(),
        format!("{files} 200"),
    ];
    assert_eq!(rig.requests(), expected);
}

#[tokio::test]
async fn a_token_is_locked_to_the_target_issuer() {
    let issuer = |name: &str| {
        let name = Some(name.to_owned());
        move |provider: &mut KardConfig| provider.target_issuer = name
    };
    let rig = Rig::start_with(&many(1), "", |_| {}, issuer(ORGANIZATION)).await;
    assert_eq!(rig.client.files(&march()).await.unwrap().files.len(), 1);
    let rig = Rig::start_with(&many(1), "", |_| {}, issuer("another-issuer")).await;
    let error = rig.client.files(&march()).await.unwrap_err();
    assert_eq!(error.exit_code(), ExitCode::CredentialsRefused, "the header was sent: {}", chain(&error));
}

#[tokio::test]
async fn wrong_credentials_are_told_with_their_own_exit_code() {
    let wrong = |id: &str, secret: &str| {
        let (id, secret) = (Secret::Sandbox(id.to_owned()), Secret::Sandbox(secret.to_owned()));
        move |provider: &mut KardConfig| (provider.client_id, provider.client_secret) = (id, secret)
    };
    for (id, secret, told) in [
        ("sandbox-client", "wrong-secret", "status 401: Unauthorized: Invalid credentials."),
        ("nobody", "sandbox-secret", "status 404: Not Found: Client not found."),
    ] {
        let rig = Rig::start_with(&[], "", |_| {}, wrong(id, secret)).await;
        let error = rig.client.probe().await.unwrap_err();
        assert!(chain(&error).ends_with(told), "{}", chain(&error));
        assert_eq!(error.exit_code(), ExitCode::CredentialsRefused);
        assert_eq!(rig.requests().len(), 1, "credentials are not tried twice");
    }
}

#[tokio::test]
async fn the_download_host_never_sees_the_token() {
    let rig = Rig::start(&many(1), "").await;
    let listing = rig.client.files(&march()).await.unwrap();
    rig.client.download(&listing.files[0], &rig.store).await.unwrap();
    let received = rig.sandbox.received();
    let (downloads, lists): (Vec<_>, Vec<_>) =
        received.iter().filter(|entry| entry.method == "GET").partition(|entry| entry.path.starts_with("/presigned"));
    assert!(!downloads.is_empty() && downloads.iter().all(|entry| !entry.bearer && entry.status == Some(200)));
    assert!(!lists.is_empty() && lists.iter().all(|entry| entry.bearer), "the list does need it");
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_names_no_credentials() {
    let config = server(|_| {
        (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, "https://elsewhere.example/?token=x")]).into_response()
    })
    .await;
    let error = Client::new(&config).unwrap().probe().await.unwrap_err();
    assert_eq!(error.exit_code(), ExitCode::Configuration);
    let told = "failed after 1 attempt: status 307: redirects are not followed; write the final address in tieout.yaml";
    assert!(chain(&error).ends_with(told), "{}", chain(&error));
}

/// Echoes what it was sent, as a badly written proxy does.
fn echo(headers: &HeaderMap, status: StatusCode) -> axum::response::Response {
    let authorization = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap()).unwrap_or_default();
    let bare = authorization.split(' ').next_back().unwrap_or_default();
    let detail = format!("you sent {authorization}, that is ({bare}); also xcanary-client-secretx");
    let body = json!({"errors": [{"status": "x", "title": "Echo", "detail": detail}]}).to_string();
    // Escapes hide a secret until the JSON is read.
    (status, body.replace("canary-", "\\u0063anary-").replace('=', "\\u003d")).into_response()
}

#[tokio::test]
async fn no_secret_appears_in_any_error() {
    let grant = json!({"access_token": "canary-token", "token_type": "Bearer", "expires_in": 3600});
    let encoded = "Y2FuYXJ5LWNsaWVudC1pZDpjYW5hcnktY2xpZW50LXNlY3JldA==";
    let secrets = ["canary-client-secret", "canary-token", "canary-webhook-key", encoded];
    for status in [400, 401, 403, 404, 500, 503] {
        let status = StatusCode::from_u16(status).unwrap();
        let refuse_token = server(move |headers| echo(&headers, status)).await;
        let grant = grant.clone();
        let refuse_list = server(move |headers| {
            let asks_token =
                headers.get(header::AUTHORIZATION).is_some_and(|value| value.as_bytes().starts_with(b"Basic"));
            if asks_token { axum::Json(grant.clone()).into_response() } else { echo(&headers, status) }
        })
        .await;
        for config in [refuse_token, refuse_list] {
            let client = Client::new(&config).unwrap();
            let error = client.probe().await.unwrap_err();
            let told = format!("{} {error:?} {client:?} {config:?}", chain(&error));
            assert!(chain(&error).contains("Echo: you sent"), "the rest is told: {}", chain(&error));
            // `config` is the test's own: its sandbox secrets are readable by design.
            let told = told.replace(&format!("{config:?}"), "");
            for secret in secrets {
                assert!(!told.contains(secret), "{status}: {secret} in {told}");
            }
        }
    }
}

#[tokio::test]
async fn of_a_long_error_only_the_start_is_told() {
    let long = "no idea, ".repeat(200_000);
    let config = server(move |_| (StatusCode::BAD_GATEWAY, long.clone()).into_response()).await;
    let error = Client::new(&config).unwrap().probe().await.unwrap_err();
    let told = chain(&error);
    assert!(told.contains("status 502: no idea, no idea, ") && told.ends_with('…'), "{told}");
    assert!(told.chars().count() < 450, "{}", told.len());
    assert!(format!("{error:?}").len() < 20_000, "and only 8 KiB were read");
}

#[tokio::test]
async fn a_reply_without_end_is_refused() {
    let config = server(|_| vec![b' '; (16 << 20) + 1].into_response()).await;
    let error = Client::new(&config).unwrap().probe().await.unwrap_err();
    assert!(chain(&error).ends_with("the reply is longer than 16777216 bytes"), "{}", chain(&error));
    assert_eq!(error.exit_code(), ExitCode::InputData);
}

proptest! {
    #[test]
    fn no_reply_makes_the_reader_panic(body in "[\\[\\]{}\",:a-z0-9 ]{0,80}|\\PC*", bytes: Vec<u8>) {
        for body in [body.as_bytes(), &bytes] {
            prop_assert!(reply::files(body, Instant::now()).is_err());
            prop_assert!(reply::token(body).is_err());
            reply::errors_in_words(&String::from_utf8_lossy(body));
        }
    }
}

#[tokio::test]
async fn an_expired_url_is_replaced_by_a_fresh_one() {
    let rig = Rig::start(&many(3), "  - {on: files, nth: 1, do: expired_url}\n").await;
    let listing = rig.client.files(&march()).await.unwrap();
    let (file, writer) = rig.client.download(&listing.files[1], &rig.store).await.unwrap();
    assert_eq!((file.id.as_str(), writer.bytes()), ("f-001", 2));
    let tail: Vec<_> = rig.requests().into_iter().skip(2).collect();
    let list = "GET /v2/issuers/org-sandbox/files/metadata 200";
    assert_eq!(tail, ["GET /presigned/f-001 403", list, "GET /presigned/f-001 200"]);
}

#[tokio::test]
async fn the_server_says_how_long_to_wait() {
    for (wait, least_ms) in [("retry_after: 1", 1_000), ("retry_after_date: 2", 1_000)] {
        let rule = format!("  - {{on: files, nth: 1, do: {{status: 429, {wait}}}}}\n");
        let patient = |provider: &mut KardConfig| provider.http.max_delay = Duration::from_secs(3);
        let rig = Rig::start_with(&many(1), &rule, |_| {}, patient).await;
        let start = Instant::now();
        rig.client.files(&march()).await.unwrap();
        // A date has whole seconds: two seconds ahead is at least one away.
        assert!(start.elapsed() >= Duration::from_millis(least_ms), "{wait}: {:?}", start.elapsed());
    }
}

#[tokio::test]
async fn the_probe_measures_the_provider_clock() {
    let rig = Rig::start(&many(1), "").await;
    let probe = rig.client.probe().await.unwrap();
    assert_eq!(probe.token_life, Duration::from_hours(1));
    assert!(probe.clock_skew.unwrap().abs() <= TimeDelta::seconds(5), "{:?}", probe.clock_skew);

    let config = server(|headers| {
        let ahead = (chrono::Utc::now() + TimeDelta::hours(2)).format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let body = if headers.get(header::AUTHORIZATION).unwrap().as_bytes().starts_with(b"Basic") {
            json!({"access_token": "t", "token_type": "bearer", "expires_in": 60, "more": true})
        } else {
            json!({"data": [], "links": {"self": ""}, "meta": {"pageSize": 1, "hasNextPage": false}})
        };
        ([(header::DATE, ahead)], axum::Json(body)).into_response()
    })
    .await;
    let probe = Client::new(&config).unwrap().probe().await.unwrap();
    let skew = probe.clock_skew.unwrap();
    assert!((TimeDelta::minutes(119)..=TimeDelta::minutes(121)).contains(&skew), "{skew:?}");
}

#[test]
fn addresses_that_would_leak_credentials_are_refused() {
    let table = [
        (
            "http://rewards-api.getkard.com",
            "base_url: http://rewards-api.getkard.com: credentials would travel in the clear: write https:// (http:// is for this machine only)",
        ),
        (
            "rewards-api.getkard.com",
            "base_url: rewards-api.getkard.com: not an address such as https://rewards-api.getkard.com",
        ),
        ("ftp://x.example", "base_url: ftp://x.example: not an address such as https://rewards-api.getkard.com"),
        (
            "https://me:pw@x.example",
            "base_url: x.example: an address with user, query or fragment cannot be used here; write scheme, host and path only",
        ),
        (
            "https://x.example/?a=b",
            "base_url: https://x.example/?a=b: an address with user, query or fragment cannot be used here; write scheme, host and path only",
        ),
    ];
    for (base_url, told) in table {
        let secret = || Secret::Sandbox("secret".into());
        let config = KardConfig {
            base_url: base_url.to_owned(),
            token_url: "https://acme.getkard.com/v2/auth/token".to_owned(),
            organization: "org".to_owned(),
            target_issuer: None,
            client_id: secret(),
            client_secret: secret(),
            webhook_key: None,
            webhook_key_previous: None,
            http: fast_http(),
        };
        let error = Client::new(&config).unwrap_err();
        assert_eq!(chain(&error), told);
        assert_eq!(error.exit_code(), ExitCode::Configuration);
    }
}

#[test]
fn a_missing_secret_is_told_by_its_place() {
    let config = KardConfig {
        base_url: "https://x.example".to_owned(),
        token_url: "https://x.example/token".to_owned(),
        organization: "org".to_owned(),
        target_issuer: None,
        client_id: Secret::Env("TIEOUT_TEST_NO_SUCH_VARIABLE".to_owned()),
        client_secret: Secret::Sandbox("secret".into()),
        webhook_key: None,
        webhook_key_previous: None,
        http: fast_http(),
    };
    let error = Client::new(&config).unwrap_err();
    let told = "client_id cannot be read: environment variable TIEOUT_TEST_NO_SUCH_VARIABLE is not set";
    assert_eq!((chain(&error).as_str(), error.exit_code()), (told, ExitCode::Configuration));
}

fn page(entry: &serde_json::Value, links: &serde_json::Value, more: bool) -> Vec<u8> {
    json!({"data": [entry], "links": links, "meta": {"pageSize": 1, "hasNextPage": more, "new": 1}, "new": {}})
        .to_string()
        .into_bytes()
}

#[test]
fn additions_to_a_reply_are_accepted() {
    let entry = json!({"id": "f", "type": "aFileTypeOfTomorrow", "new": [1], "attributes": {
        "fileName": "n", "sentAt": "2025-03-20T00:10:00+01:00", "lastModified": "2025-03-20", "downloadUrl": "u", "new": null}});
    let next = json!({"self": "s", "next": "https://evil.example/x?page%5Bsize%5D=1&page%5Bafter%5D=a%2Bb%3D%3D"});
    let page = reply::files(&page(&entry, &next, true), Instant::now()).unwrap();
    assert_eq!(page.next.as_deref(), Some("a+b=="), "the cursor, decoded; the host is of no interest");
    assert_eq!(page.files[0].file_type, "aFileTypeOfTomorrow");
    assert_eq!(page.files[0].sent_at, utc("2025-03-19T23:10:00Z"));
    assert_eq!(page.files[0].last_modified, utc("2025-03-20T00:00:00Z"));
}

#[test]
fn replies_that_break_the_published_shape_are_told_by_field() {
    let entry = |sent: &str| {
        json!({"id": "f-9", "type": "x", "attributes":
            {"fileName": "n", "sentAt": sent, "lastModified": "2025-03-20", "downloadUrl": "u"}})
    };
    let good = "2025-03-20T00:00:00Z";
    let table = [
        (
            page(&entry("yesterday"), &json!({"self": ""}), false),
            "file f-9: sentAt is \"yesterday\", not an ISO 8601 time",
        ),
        (page(&entry(good), &json!({"self": ""}), true), "meta.hasNextPage is true, but links.next is missing"),
        (page(&entry(good), &json!({"next": "https://x.example/?a=b"}), true), "links.next has no page[after]"),
        (
            b"{}".to_vec(),
            "the reply is not the published JSON: a required field is missing or of another type at line 1, column 2",
        ),
        (
            b"[1".to_vec(),
            "the reply is not the published JSON: a required field is missing or of another type at line 1, column 2",
        ),
        (b"".to_vec(), "the reply is not the published JSON: it ends early, at line 1, column 0"),
    ];
    for (body, told) in table {
        assert_eq!(reply::files(&body, Instant::now()).unwrap_err().to_string(), told);
    }
    let token = br#"{"access_token": "a\nb", "token_type": "Bearer", "expires_in": 1}"#;
    let told = "the token is empty or holds characters that no header can carry";
    assert_eq!(reply::token(token).unwrap_err().to_string(), told);
}
