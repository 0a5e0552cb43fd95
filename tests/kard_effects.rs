//! A call that changes something, against the sandbox: each way in which it can go wrong, what the client makes of
//! it, how it is judged, and what the provider really has.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tieout::effects::{EffectKind, Event, Judgement, Method, Next, Standing, judge};
use tieout::exit::ExitCode;
use tieout::providers::http::{Answer, REPLY_BYTES};
use tieout::providers::kard::Client;
use tieout::providers::kard::KardConfig;
use tieout::providers::kard::reply_effects::{self, Done, ItemError};
use tieout::sandbox::Sandbox;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::sent::{sent, sent_again, sent_for, step};
use crate::support::{Rig, chain, fast_http};

use EffectKind::{FraudMarker, ProviderAudit};

const KINDS: [EffectKind; 2] = [ProviderAudit, FraudMarker];
const FRAUD: &str = "/v2/issuers/org-sandbox/fraud";
const AUDITS: &str = "/v2/issuers/org-sandbox/users/user-1/audits";

/// Path and body of the call for these members.
fn call(kind: EffectKind, members: &[Standing]) -> (String, Vec<u8>) {
    let item = |member: &Standing| match kind {
        FraudMarker => {
            let user = &member.effect.user;
            json!({ "id": member.effect.transaction(), "type": "fraudulentTransaction", "attributes": { "userId": user } })
        }
        ProviderAudit => json!({ "type": "audit", "attributes": {
            "auditCode": 3006, "merchantName": "Shop", "auditDescription": "missing",
            "transactionId": member.effect.transaction(),
        } }),
        kind => panic!("{kind} is not sent here"),
    };
    let user = members.first().map_or("user-1", |member| &member.effect.user);
    let path = if kind == FraudMarker { FRAUD.to_owned() } else { AUDITS.replace("user-1", user) };
    let body = json!({ "data": members.iter().map(item).collect::<Vec<_>>() }).to_string();
    (path, body.into_bytes())
}

/// Sends the members in one call and judges the answer; every event may follow.
async fn send(client: &Client, kind: EffectKind, members: &[Standing]) -> (Answer, Judgement) {
    let (path, body) = call(kind, members);
    let answer = client.send_once(Method::Post, &path, &body).await.unwrap();
    let judgement = judge(kind, members, &answer);
    assert_eq!(judgement.events.len(), members.len());
    for (member, (id, event)) in members.iter().zip(&judgement.events) {
        assert_eq!(*id, member.effect.id);
        step(member, event);
    }
    (answer, judgement)
}

/// `acknowledged`, `rejected`, `not_sent`, `NoReply`: without the words.
fn short(event: &Event) -> String {
    match event {
        Event::InDoubt { doubt, .. } => format!("{doubt:?}"),
        other => other.name().to_owned(),
    }
}

/// What stands at the provider, as `transaction times`.
fn standing(sandbox: &Sandbox, kind: EffectKind) -> Vec<String> {
    match kind {
        ProviderAudit => sandbox.audits().iter().map(|it| format!("{} {}", it.transaction, it.times)).collect(),
        FraudMarker => sandbox.markers().iter().map(|it| format!("{} {}", it.transaction, it.times)).collect(),
        kind => panic!("{kind} is not sent here"),
    }
}

/// One row: the fault, whether there is a reply (and its status), the outcomes of t1 and t2, what comes next, and
/// what the provider has in the end.
struct Row {
    fault: &'static str,
    answer: &'static str,
    outcomes: [&'static str; 2],
    next: Next,
    stands: &'static [&'static str],
}

const fn row(
    fault: &'static str,
    answer: &'static str,
    outcomes: [&'static str; 2],
    next: Next,
    stands: &'static [&'static str],
) -> Row {
    Row { fault, answer, outcomes, next, stands }
}

const BOTH: &[&str] = &["t1 1", "t2 1"];
const WAIT: Next = Next::Again { wait: Some(Duration::from_secs(7)) };

/// The rows that are alike for both kinds; `full` stands for the kind's own success.
const ROWS: &[Row] = &[
    row("", "full", ["acknowledged"; 2], Next::GoOn, BOTH),
    row("{status: 500}", "500", ["ServerError"; 2], Next::Doubtful, &[]),
    row("{status: 500, applied: true}", "500", ["ServerError"; 2], Next::Doubtful, BOTH),
    row("{status: 503, retry_after: 7}", "503", ["ServerError"; 2], Next::Doubtful, &[]),
    row("{status: 408, applied: true}", "408", ["ServerError"; 2], Next::Doubtful, BOTH),
    row("{status: 202, applied: true}", "202", ["Unreadable"; 2], Next::Doubtful, BOTH),
    row("{status: 429, retry_after: 7}", "429", ["not_sent"; 2], WAIT, &[]),
    row("{status: 302}", "302", ["not_sent"; 2], Next::Refused(ExitCode::Configuration), &[]),
    row("{status: 403}", "403", ["not_sent"; 2], Next::Refused(ExitCode::CredentialsRefused), &[]),
    row("{status: 400}", "400", ["not_sent"; 2], Next::GoOn, &[]),
    row("reset_before", "lost", ["NoReply"; 2], Next::Doubtful, &[]),
    row("reset_after", "lost", ["NoReply"; 2], Next::Doubtful, BOTH),
    row("{truncate: 10}", "lost", ["NoReply"; 2], Next::Doubtful, BOTH),
    row("{truncate: 0}", "lost", ["NoReply"; 2], Next::Doubtful, BOTH),
    row("malformed_json", "full", ["Unreadable"; 2], Next::Doubtful, BOTH),
    row("wrong_bytes", "full", ["Unreadable"; 2], Next::Doubtful, BOTH),
    row("html_page", "200", ["Unreadable"; 2], Next::Doubtful, BOTH),
    row("revoke_token", "401", ["not_sent"; 2], Next::NewToken, &[]),
    row("missing_item", "full", ["acknowledged", "NotInReply"], Next::GoOn, BOTH),
    row("extra_item", "full", ["acknowledged"; 2], Next::GoOn, BOTH),
    row("repeat_item", "full", ["acknowledged"; 2], Next::GoOn, BOTH),
    row("refuse_item", "207", ["rejected", "acknowledged"], Next::GoOn, &["t2 1"]),
    row("error_without_id", "207", ["NotInReply", "acknowledged"], Next::GoOn, &["t2 1"]),
];

#[tokio::test]
async fn every_fault_is_judged_for_what_it_may_have_done() {
    for kind in KINDS {
        let (on, full) = if kind == ProviderAudit { ("audits", "201") } else { ("fraud", "200") };
        let rules = ROWS.iter().zip(1..).filter(|(row, _)| !row.fault.is_empty());
        let rules = rules.map(|(row, nth)| format!("  - {{on: {on}, nth: {nth}, do: {}}}\n", row.fault));
        // One sandbox for all rows: each has a call, and transactions, of its own.
        let rig = Rig::start(&[], &rules.collect::<String>()).await;
        for (row, nth) in ROWS.iter().zip(1..) {
            let own = |suffix: &&str| format!("{nth}-{suffix}");
            let members = ["t1", "t2"].map(|suffix| sent(kind, &own(&suffix)));
            let (answer, judgement) = send(&rig.client, kind, &members).await;
            let came = match &answer {
                Answer::Reply { status, .. } => status.to_string(),
                Answer::NotSent { .. } => "not sent".to_owned(),
                Answer::Lost { .. } => "lost".to_owned(),
            };
            let label = format!("{kind}, {}: {judgement:?}", row.fault);
            assert_eq!(came, if row.answer == "full" { full } else { row.answer }, "{label}");
            let outcomes: Vec<String> = judgement.events.iter().map(|(_, event)| short(event)).collect();
            assert_eq!((outcomes, judgement.next), (row.outcomes.map(str::to_owned).to_vec(), row.next), "{label}");
            rig.sandbox.idle().await;
            let mut stands = standing(&rig.sandbox, kind);
            stands.retain(|line| line.starts_with(&own(&"")));
            assert_eq!(stands, row.stands.iter().map(own).collect::<Vec<_>>(), "{label}");
            let calls = rig.sandbox.received().iter().filter(|entry| !entry.path.contains("/auth/")).count();
            assert_eq!(calls, nth, "each call is sent once: {label}");
        }
    }
}

/// A call whose reply comes after the client's patience has ended.
async fn too_late(kind: EffectKind, fault: &str, stands_at_once: &[&str]) {
    let on = if kind == ProviderAudit { "audits" } else { "fraud" };
    let rule = format!("  - {{on: {on}, nth: 1, do: {fault}}}\n");
    let impatient = |config: &mut KardConfig| config.http.idle_timeout = Duration::from_millis(500);
    let rig = Rig::start_with(&[], &rule, |_| {}, impatient).await;
    let members = [sent(kind, "t1"), sent(kind, "t2")];
    let (answer, judgement) = send(&rig.client, kind, &members).await;
    let Answer::Lost { why } = answer else { panic!("{fault}: {answer:?}") };
    assert!(why.starts_with("no answer in time"), "{why}");
    assert!(judgement.events.iter().all(|(_, event)| short(event) == "NoReply"));
    assert_eq!(standing(&rig.sandbox, kind), stands_at_once, "{kind} {fault}");
    rig.sandbox.idle().await;
    assert_eq!(standing(&rig.sandbox, kind), BOTH, "{kind} {fault}");
    let entry = rig.sandbox.received().pop().unwrap();
    assert_eq!(entry.body.unwrap().into_bytes(), call(kind, &members).1, "told though nobody waited");
}

#[tokio::test]
async fn work_whose_reply_comes_too_late_was_done() {
    for kind in KINDS {
        too_late(kind, "{slow: 2s}", BOTH).await;
    }
}

#[tokio::test]
async fn work_that_begins_too_late_for_the_client_is_done_all_the_same() {
    for kind in KINDS {
        too_late(kind, "{late: 2s}", &[]).await;
    }
}

#[tokio::test]
async fn a_token_that_dies_costs_one_call_and_no_effect() {
    let rig = Rig::start(&[], "  - {on: audits, nth: 2, do: revoke_token}\n").await;
    let mut next = Vec::new();
    for transaction in ["t1", "t2", "t2"] {
        next.push(send(&rig.client, ProviderAudit, &[sent(ProviderAudit, transaction)]).await.1.next);
    }
    assert_eq!(next, [Next::GoOn, Next::NewToken, Next::GoOn]);
    assert_eq!(standing(&rig.sandbox, ProviderAudit), BOTH);
    let requests = rig.requests();
    let token = "POST /v2/auth/token 200";
    let sent = |status: u16| format!("POST {AUDITS} {status}");
    assert_eq!(requests, [token, &sent(201), &sent(401), token, &sent(201)]);
}

#[test]
fn a_reply_is_read_with_whatever_else_it_holds() {
    let body = json!({
        "data": [{ "type": "audit", "id": "a-1", "attributes": { "transactionId": "t1", "new": 1 }, "links": {} }],
        "errors": [
            { "status": 409, "title": "Conflict", "detail": "Exists.", "id": "t2", "code": "X" },
            { "status": "400", "title": "Bad", "detail": "No.", "source": { "pointer": "/data/2/id", "line": 3 } },
        ],
        "meta": {},
    });
    let read = reply_effects::audits(body.to_string().as_bytes(), true).unwrap();
    assert_eq!(read.done, [Done { transaction: "t1".into(), id: Some("a-1".into()) }]);
    let error = |id: Option<&str>, pointer: Option<&str>, status, words: &str| ItemError {
        id: id.map(str::to_owned),
        pointer: pointer.map(str::to_owned),
        status: Some(status),
        words: words.to_owned(),
    };
    let expected = [
        error(Some("t2"), None, 409, "Conflict: Exists. (id t2)"),
        error(None, Some("/data/2/id"), 400, "Bad: No. (pointer /data/2/id)"),
    ];
    assert_eq!(read.errors, expected);
    assert_eq!(reply_effects::refusal(body.to_string().as_bytes()).unwrap(), expected);
    for body in ["", "[]", "{}", "{\"errors\": []}", "{\"errors\": {}}"] {
        assert_eq!(reply_effects::refusal(body.as_bytes()), None, "{body}");
    }
}

#[test]
fn a_pointer_leads_to_an_item_or_nowhere() {
    let table = [
        ("/data/0", Some(0)),
        ("/data/12/attributes/userId", Some(12)),
        ("#/data/3/id", Some(3)),
        ("/data", None),
        ("/data/", None),
        ("/data/-", None),
        ("/data/+1", None),
        ("/data/01", None),
        ("/data/x", None),
        ("/data/99999999999999999999", None),
        ("/meta/1", None),
        ("", None),
    ];
    for (pointer, index) in table {
        let error = ItemError { id: None, pointer: Some(pointer.into()), status: None, words: String::new() };
        assert_eq!(error.index(), index, "{pointer}");
    }
}

#[tokio::test]
async fn a_second_audit_after_a_lost_reply_proves_the_first() {
    let rig = Rig::start(&[], "  - {on: audits, nth: 1, do: reset_after}\n").await;
    let (_, lost) = send(&rig.client, ProviderAudit, &[sent(ProviderAudit, "t1")]).await;
    assert_eq!(short(&lost.events[0].1), "NoReply");
    let (_, again) = send(&rig.client, ProviderAudit, &[sent_again(ProviderAudit, "t1")]).await;
    let note = Some("Kard already has it (409): an earlier attempt had arrived".to_owned());
    assert_eq!(again.events[0].1, Event::Acknowledged { provider_id: None, note, refused: Vec::new() });
    // One that we do not know of is a matter for a person.
    let (_, unknown) = send(&rig.client, ProviderAudit, &[sent(ProviderAudit, "t1")]).await;
    assert_eq!(short(&unknown.events[0].1), "Conflict");
    let ours = [sent_again(ProviderAudit, "t1"), sent(ProviderAudit, "t2")];
    let (_, mixed) = send(&rig.client, ProviderAudit, &ours).await;
    assert!(mixed.events.iter().all(|(_, event)| short(event) == "acknowledged"), "{mixed:?}");
    assert_eq!(standing(&rig.sandbox, ProviderAudit), ["t1 4", "t2 1"]);
}

#[tokio::test]
async fn refusals_arrive_in_the_providers_words() {
    let rig = Rig::start(&[], "").await;
    let why = |judgement: &Judgement| match &judgement.events[0].1 {
        Event::Rejected { why } => why.clone(),
        other => panic!("{other:?}"),
    };
    let (_, judgement) = send(&rig.client, ProviderAudit, &[sent_for(ProviderAudit, "unknown-7", "t1")]).await;
    assert_eq!(why(&judgement), "Kard does not know the user unknown-7: status 404: Not Found: User not found.");
    let (_, judgement) = send(&rig.client, FraudMarker, &[sent_for(FraudMarker, "unknown-7", "t1")]).await;
    assert_eq!(why(&judgement), "Not Found: User not found. (pointer /data/0) (id t1)");
    for kind in KINDS {
        let (_, judgement) = send(&rig.client, kind, &[sent(kind, "refuse-1"), sent(kind, "t1")]).await;
        let told = "Bad Request: The sandbox refuses transactions whose id begins with refuse-. (pointer /data/0) (id refuse-1)";
        assert_eq!(why(&judgement), told);
        assert_eq!(short(&judgement.events[1].1), "acknowledged");
        assert_eq!(standing(&rig.sandbox, kind), ["t1 1"]);
    }
    let (_, judgement) = send(&rig.client, FraudMarker, &[sent_for(FraudMarker, "", "t1")]).await;
    assert_eq!(why(&judgement), "Bad Request: Must not be empty. (pointer /data/0/attributes/userId)");
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent() {
    let rig = Rig::start(&[], "").await;
    let free = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let config = KardConfig { base_url: format!("http://{free}"), ..rig.sandbox.provider(fast_http()) };
    let (answer, judgement) = send(&Client::new(&config).unwrap(), FraudMarker, &[sent(FraudMarker, "t1")]).await;
    let Answer::NotSent { why } = answer else { panic!("{answer:?}") };
    assert!(why.starts_with("no connection; check the address, the network and any proxy: "), "{why}");
    assert_eq!((short(&judgement.events[0].1).as_str(), judgement.next), ("not_sent", Next::Unavailable));
}

#[tokio::test]
async fn without_a_token_nothing_is_sent_and_the_error_says_so() {
    let rig = Rig::start(&[], "  - {on: token, nth: every, do: {status: 401}}\n").await;
    let error = rig.client.send_once(Method::Post, FRAUD, b"{}").await.unwrap_err();
    assert!(chain(&error).starts_with("asking Kard for a token: "), "{}", chain(&error));
    assert_eq!(error.exit_code(), ExitCode::CredentialsRefused);
    assert!(rig.requests().iter().all(|line| line.contains("/auth/token")));
}

#[tokio::test]
async fn a_path_goes_out_as_it_was_planned_or_not_at_all() {
    let rig = Rig::start(&[], "").await;
    let odd = sent_for(ProviderAudit, "a%20b%2Fc%C3%BC", "t1");
    send(&rig.client, ProviderAudit, &[odd]).await;
    assert_eq!(rig.sandbox.audits()[0].user, "a b/cü");
    assert_eq!(rig.sandbox.received().pop().unwrap().path, "/v2/issuers/org-sandbox/users/a%20b%2Fc%C3%BC/audits");
    let before = rig.sandbox.received().len();
    let changed = "on its way it would become another path: an id in it is `.` or `..`, or is not percent-encoded";
    let table = [
        ("/v2/issuers/org/users/../audits", changed),
        ("/v2/issuers/org/users/%2E%2e/audits", changed),
        ("/v2/issuers/org/users/./audits", changed),
        ("/v2/issuers/org/users/a b/audits", changed),
        ("/v2/issuers/org/fraud?x=1", changed),
        ("/v2/issuers/org/fraud#x", changed),
        ("@elsewhere.example/fraud", "it does not begin with `/`"),
        ("", "it does not begin with `/`"),
    ];
    for (path, told) in table {
        let error = rig.client.send_once(Method::Post, path, b"{}").await.unwrap_err();
        assert_eq!(chain(&error), format!("nothing can be sent to {path}: {told}"));
        assert_eq!(error.exit_code(), ExitCode::InputData);
    }
    assert_eq!(rig.sandbox.received().len(), before);
}

/// A server of the test's own beside the sandbox, and a client whose calls go to it; it notes the port of each caller.
async fn elsewhere(rig: &Rig, prefix: &str, answer: fn(&Uri) -> Response) -> (Client, Arc<Mutex<Vec<(u16, String)>>>) {
    let callers = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&callers);
    let router = Router::new().fallback(move |ConnectInfo(caller): ConnectInfo<SocketAddr>, uri: Uri| {
        notes.lock().unwrap().push((caller.port(), uri.path().to_owned()));
        let answer = answer(&uri);
        async { answer }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    let base_url = format!("http://{address}{prefix}");
    let config = KardConfig { base_url, ..rig.sandbox.provider(fast_http()) };
    (Client::new(&config).unwrap(), callers)
}

#[tokio::test]
async fn every_call_has_a_connection_of_its_own() {
    let rig = Rig::start(&[], "").await;
    let (client, callers) = elsewhere(&rig, "/gateway/", |_| "{}".into_response()).await;
    for _ in 0..3 {
        client.send_once(Method::Post, FRAUD, b"{}").await.unwrap();
    }
    let mut callers = callers.lock().unwrap().clone();
    assert!(callers.iter().all(|(_, path)| *path == format!("/gateway{FRAUD}")), "{callers:?}");
    callers.dedup();
    assert_eq!(callers.len(), 3);
    let tokens = rig.requests().len();
    assert_eq!(tokens, 1, "and the token is kept");
}

/// A server that reads whatever comes and answers with these bytes, then closes the connection in good order.
async fn raw(rig: &Rig, reply: &'static [u8]) -> Client {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"{}") {
            stream.read_buf(&mut request).await.unwrap();
        }
        stream.write_all(reply).await.unwrap();
        stream.shutdown().await.unwrap();
    });
    let base_url = format!("http://{address}");
    Client::new(&KardConfig { base_url, ..rig.sandbox.provider(fast_http()) }).unwrap()
}

#[tokio::test]
async fn a_reply_that_is_not_whole_is_lost_and_its_words_hold_no_secret() {
    let rig = Rig::start(&[], "").await;
    let broken: [&[u8]; 4] = [
        b"",
        b"HTTP/1.1 201 Cre",
        b"HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\n{\"data\":",
        b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{\"data\":\r\n",
    ];
    for reply in broken {
        let answer = raw(&rig, reply).await.send_once(Method::Post, FRAUD, b"{}").await.unwrap();
        let Answer::Lost { why } = answer else { panic!("{answer:?}") };
        assert!(why.starts_with("the connection broke before the reply was complete"), "{why}");
        assert!(!why.contains("sandbox-token-") && !why.contains("127.0.0.1"), "{why}");
    }
    // Without a length nobody can tell that it was cut: it is a reply, and will not be readable.
    let cut = b"HTTP/1.1 201 Created\r\n\r\n{\"data\":";
    let answer = raw(&rig, cut).await.send_once(Method::Post, FRAUD, b"{}").await.unwrap();
    assert!(matches!(&answer, Answer::Reply { status: 201, body, .. } if body == b"{\"data\":"), "{answer:?}");
}

#[tokio::test]
async fn a_reply_beyond_all_measure_is_lost() {
    let rig = Rig::start(&[], "").await;
    let (client, _) = elsewhere(&rig, "", |uri| {
        vec![b' '; if uri.path() == "/long" { REPLY_BYTES + 1 } else { REPLY_BYTES }].into_response()
    })
    .await;
    let why = "status 200, and the reply is longer than 16777216 bytes".to_owned();
    assert_eq!(client.send_once(Method::Post, "/long", b"{}").await.unwrap(), Answer::Lost { why });
    let answer = client.send_once(Method::Post, "/fits", b"{}").await.unwrap();
    assert!(matches!(&answer, Answer::Reply { status: 200, body, .. } if body.len() == REPLY_BYTES));
}
