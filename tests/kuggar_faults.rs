//! Every fault at Kuggar: done once it is overcome, done every time it ends with its exit code and words for people.

use std::time::Duration;

use tieout::exit::{ExitCode, Failure};
use tieout::providers::http::Answer;
use tieout::providers::kuggar::reply::{self, Judged, Next};
use tieout::providers::kuggar::{Client, request};
use tieout::providers::{Asked, ProviderError, RowWriter};

use crate::support::chain;
use crate::support::kuggar::{CARD, DELETED, FOREIGN, KuggarRig, NUMBER, Reply, answering, config, published, with};

const VIEW: &str = "GET HOST/kuggar/api/v2/virtual_card/1deb214d-f6a6-4546-86fe-55e80593dbb0";
const AUTH: &str = "POST HOST/kuggar/api/v2/identity/auth";
const DOING: &str = "asking for card 1deb214d-f6a6-4546-86fe-55e80593dbb0";

/// Endpoint, fault, how often it is tried, exit code, what is told.
type Case = (&'static str, &'static str, u32, ExitCode, String);

const PLANNED: &str = "The fault plan wants this.";
const MAINTAINED: &str = " (Kuggar is not accessible now, as while it is maintained; run again later)";
const CHECK: &str = " (check client_id and client_secret)";
const BROKE: &str = "the connection broke before the reply was complete";
const PAGE: &str = "status 200 with a web page instead of data; a proxy or a maintenance page may answer";

fn attempts(tries: u32) -> String {
    if tries == 1 { "1 attempt".to_owned() } else { format!("{tries} attempts") }
}

fn view(hint: &str, tries: u32, told: &str) -> String {
    format!("{DOING}{hint}: {VIEW} failed after {}: {told}", attempts(tries))
}

fn login(hint: &str, tries: u32, told: &str) -> String {
    format!("logging in{hint}: {AUTH} failed after {}: {told}", attempts(tries))
}

fn cases() -> Vec<Case> {
    login_cases().into_iter().chain(card_cases()).collect()
}

fn login_cases() -> Vec<Case> {
    use ExitCode::{Configuration, CredentialsRefused, InputData, ProviderUnavailable};
    vec![
        ("auth", "{status: 400}", 1, Configuration, login(CHECK, 1, &format!("status 400: {PLANNED}"))),
        ("auth", "{status: 401}", 1, CredentialsRefused, login(CHECK, 1, &format!("status 401: {PLANNED}"))),
        ("auth", "{status: 404}", 1, Configuration, login(" (check base_url)", 1, &format!("status 404: {PLANNED}"))),
        ("auth", "{status: 503}", 3, ProviderUnavailable, login(MAINTAINED, 3, &format!("status 503: {PLANNED}"))),
        ("auth", "{status: 500}", 3, ProviderUnavailable, login("", 3, &format!("status 500: {PLANNED}"))),
        (
            "auth",
            "{status: 307}",
            1,
            Configuration,
            login("", 1, "status 307: redirects are not followed; write the final address in tieout.yaml"),
        ),
        ("auth", "reset_before", 3, ProviderUnavailable, login("", 3, BROKE)),
        ("auth", "html_page", 3, ProviderUnavailable, login("", 3, PAGE)),
        (
            "auth",
            "malformed_json",
            3,
            InputData,
            login("", 3, "the reply of the login holds no token; expected a JSON text"),
        ),
    ]
}

fn card_cases() -> Vec<Case> {
    use ExitCode::{CredentialsRefused, InputData, ProviderUnavailable};
    vec![
        (
            "card",
            "{status: 400}",
            1,
            InputData,
            format!("{DOING}: Kuggar takes no such id; expected the kuggarId of the card (status 400: {PLANNED})"),
        ),
        (
            "card",
            "{status: 401}",
            2,
            CredentialsRefused,
            format!("{DOING}: a new token is refused, too; check client_id (status 401: {PLANNED})"),
        ),
        (
            "card",
            "{status: 403}",
            1,
            CredentialsRefused,
            format!(
                "{DOING}: the token is good, and not for this card: it is another client's; check which client the card \
                 belongs to (status 403: {PLANNED})"
            ),
        ),
        (
            "card",
            "{status: 429, retry_after: 0}",
            3,
            ProviderUnavailable,
            view("", 3, &format!("status 429: {PLANNED}")),
        ),
        (
            "card",
            "{status: 500}",
            3,
            ProviderUnavailable,
            view(" (Kuggar's server failed; run again)", 3, &format!("status 500: {PLANNED}")),
        ),
        ("card", "{status: 503}", 3, ProviderUnavailable, view(MAINTAINED, 3, &format!("status 503: {PLANNED}"))),
        ("card", "reset_before", 3, ProviderUnavailable, view("", 3, BROKE)),
        ("card", "reset_after", 3, ProviderUnavailable, view("", 3, BROKE)),
        ("card", "{slow: 3s}", 3, ProviderUnavailable, view("", 3, "no answer in time")),
        ("card", "{truncate: 150}", 3, ProviderUnavailable, view("", 3, BROKE)),
        ("card", "html_page", 3, ProviderUnavailable, view("", 3, PAGE)),
        ("card", "malformed_json", 3, InputData, view("", 3, "the reply is no JSON: it breaks at line 1, column ")),
        ("card", "wrong_bytes", 3, InputData, view("", 3, "the reply is no JSON: it breaks at line 1, column 1 ")),
    ]
}

async fn rig(on: &str, nth: &str, fault: &str) -> KuggarRig {
    let rule = format!("  - {{on: kuggar.{on}, nth: {nth}, do: {fault}}}\n");
    KuggarRig::start_with(&rule, |_| {}, |config| config.http.idle_timeout = Duration::from_millis(300)).await
}

async fn fetch(rig: &KuggarRig, ids: &[&str]) -> Result<u64, ProviderError> {
    let ids: Vec<Asked> = ids.iter().map(|id| Asked { id: (*id).to_owned(), with: Vec::new() }).collect();
    let mut rows = RowWriter::new(rig.store.begin().unwrap());
    rig.client.cards(&ids, &mut rows).await.map(|_| rows.rows())
}

#[tokio::test]
async fn what_stays_wrong_ends_with_its_code_and_what_to_do() {
    for (on, fault, tries, code, told) in cases() {
        let rig = rig(on, "every", fault).await;
        let error = fetch(&rig, &[CARD]).await.unwrap_err();
        let text = chain(&error).replace(&rig.sandbox.base_url, "HOST");
        assert!(text.starts_with(&told), "{on} {fault}:\n{text}\n{told}");
        assert_eq!(error.exit_code(), code, "{on} {fault}");
        assert_eq!(Failure::from(error).code, code);
        // What nobody waited for is noted when it is done, which may be later.
        let late = fault.contains("slow");
        let path = if on == "auth" { "/auth" } else { CARD };
        let made = rig.requests().iter().filter(|request| request.contains(path)).count();
        assert!(late || made == tries as usize, "{on} {fault}: {made}");
    }
}

#[tokio::test]
async fn what_passes_is_overcome() {
    for (on, fault, ..) in cases().into_iter().filter(|case| case.2 > 1) {
        let rig = rig(on, "1", fault).await;
        assert_eq!(fetch(&rig, &[CARD]).await.unwrap(), 1, "{on} {fault}");
        let wanted = 3 + usize::from(fault == "{status: 401}") - usize::from(fault.contains("slow"));
        assert!(rig.requests().len() >= wanted, "{on} {fault}: {:?}", rig.requests());
    }
}

#[tokio::test]
async fn a_token_that_is_revoked_or_stale_is_replaced_by_one_new_one() {
    let revoked = rig("card", "2", "revoke_token").await;
    let mut config_of_one = config(&revoked.sandbox.base_url);
    config_of_one.concurrency = 1;
    let client = Client::new(&config_of_one).unwrap();
    for id in [CARD, DELETED, CARD] {
        assert!(client.card(id).await.unwrap().is_some());
    }
    let path = |id: &str| format!("GET /kuggar/api/v2/virtual_card/{id}");
    let auth = "POST /kuggar/api/v2/identity/auth 200".to_owned();
    assert_eq!(
        revoked.requests(),
        [
            auth.clone(),
            format!("{} 200", path(CARD)),
            format!("{} 401", path(DELETED)),
            auth.clone(),
            format!("{} 200", path(DELETED)),
            format!("{} 200", path(CARD)),
        ]
    );

    // The claim in it says that it is over before it is refused.
    let brief = |options: &mut tieout::sandbox::Options| options.token_life = Duration::from_secs(3);
    let stale = KuggarRig::start_with("", brief, |_| {}).await;
    assert!(stale.client.card(CARD).await.unwrap().is_some());
    tokio::time::sleep(Duration::from_millis(3_050)).await;
    assert!(stale.client.card(CARD).await.unwrap().is_some());
    assert!(!stale.requests().iter().any(|request| request.ends_with(" 401")), "{:?}", stale.requests());
    assert_eq!(stale.requests().iter().filter(|request| **request == auth).count(), 2);
}

#[tokio::test]
async fn one_card_of_another_client_ends_the_whole() {
    let rig = KuggarRig::start("").await;
    let error = fetch(&rig, &[CARD, FOREIGN, DELETED]).await.unwrap_err();
    assert_eq!(error.exit_code(), ExitCode::CredentialsRefused);
    assert!(
        error.to_string().starts_with(&format!("asking for card {FOREIGN}: the token is good, and not for this card"))
    );
}

#[tokio::test]
async fn wrong_credentials_are_told_even_where_there_is_nothing_to_ask() {
    let wrong = |config: &mut tieout::providers::kuggar::KuggarConfig| {
        config.client_secret = tieout::project::Secret::Sandbox("wrong-secret".to_owned());
    };
    let rig = KuggarRig::start_with("", |_| {}, wrong).await;
    let error = fetch(&rig, &[]).await.unwrap_err();
    assert_eq!(error.exit_code(), ExitCode::CredentialsRefused);
    assert!(!chain(&error).contains("wrong-secret"));
    assert_eq!(rig.client.probe().await.unwrap_err().exit_code(), ExitCode::CredentialsRefused);
    let good = KuggarRig::start("").await;
    let skew = good.client.probe().await.unwrap().clock_skew.unwrap();
    assert!(skew.num_seconds().abs() <= 2, "{skew}");
}

#[tokio::test]
async fn an_answer_about_another_card_or_from_a_web_server_is_no_card_and_no_absence() {
    let asked = async |reply: Reply| {
        let address = answering(reply);
        let mut config = config("http://127.0.0.1:9");
        config.base_url.clone_from(&address);
        let error = Client::new(&config).unwrap().card(CARD).await.unwrap_err();
        (chain(&error).replace(&address, "HOST"), error.exit_code())
    };
    let at = "GET HOST/api/v2/virtual_card/1deb214d-f6a6-4546-86fe-55e80593dbb0 failed after 3 attempts";
    assert_eq!(
        asked(Reply::new(200, with(CARD, DELETED))).await,
        (format!("{DOING}: {at}: the reply is about another card, {DELETED}"), ExitCode::InputData)
    );
    assert_eq!(
        asked(Reply::new(200, with(CARD, NUMBER))).await,
        (format!("{DOING}: {at}: the reply is about another card, ************2872"), ExitCode::InputData)
    );
    assert_eq!(
        asked(Reply::new(204, "")).await,
        (format!("{DOING}: {at}: the reply is empty; expected a card"), ExitCode::InputData)
    );
    assert_eq!(
        asked(Reply::new(404, "<html>Not here</html>")).await,
        (
            format!(
                "{DOING}: a web page answers instead of Kuggar; check base_url and any proxy (status 404: without a \
                 reason that may be shown)"
            ),
            ExitCode::ProviderUnavailable
        )
    );
}

#[tokio::test]
async fn a_login_that_fails_in_the_middle_is_no_absence_of_a_card() {
    let rules = "  - {on: kuggar.card, nth: 1, do: revoke_token}\n  - {on: kuggar.auth, nth: 2, do: {status: 404}}\n";
    let rig = KuggarRig::start(rules).await;
    let error = fetch(&rig, &[CARD]).await.unwrap_err();
    let text = chain(&error).replace(&rig.sandbox.base_url, "HOST");
    assert_eq!(text, format!("{DOING}: {AUTH} failed after 1 attempt: status 404: The fault plan wants this."));
}

#[tokio::test]
async fn what_a_lost_reply_did_is_in_doubt_and_never_sent_again() {
    let terms = request::Terms {
        valid_from: "2023-02-01".parse().unwrap(),
        valid_to: "2023-02-28".parse().unwrap(),
        limit: request::Limit::of_minor(100, "USD").unwrap(),
        max_authorisation_count: None,
        enhanced_data: Vec::new(),
    };
    for fault in ["reset_after", "{status: 500, applied: true}", "{status: 503}", "malformed_json", "html_page"] {
        for (on, call) in [
            ("create", request::create("USD", &terms, Some(false))),
            ("modify", request::modify(CARD, &terms)),
            ("delete", request::delete(CARD)),
        ] {
            let rig = rig(on, "1", fault).await;
            let judged = rig.client.send(&call).await.unwrap();
            assert!(matches!(judged, Judged::InDoubt { .. }), "{on} {fault}: {judged:?}");
            assert_eq!(rig.requests().len(), 2, "a login and one call: {on} {fault}");
            assert!(!format!("{judged:?}").contains(NUMBER));
        }
    }
    let rig = rig("modify", "1", "revoke_token").await;
    let judged = rig.client.send(&request::modify(CARD, &terms)).await.unwrap();
    assert!(matches!(judged, Judged::NotDone { next: Next::NewToken, .. }), "{judged:?}");
    assert!(matches!(rig.client.send(&request::modify(CARD, &terms)).await.unwrap(), Judged::Done(_)));
    let nobody = Client::new(&config("http://127.0.0.1:9")).unwrap();
    assert!(nobody.send(&request::delete(CARD)).await.is_err(), "no token is to be had");
}

/// Status, whether it is a web page, and what it says of creating, modifying and deleting.
#[test]
fn each_status_says_of_each_call_whether_it_was_done() {
    let terms = request::Terms {
        valid_from: "2023-02-01".parse().unwrap(),
        valid_to: "2023-02-28".parse().unwrap(),
        limit: request::Limit::of_minor(100, "USD").unwrap(),
        max_authorisation_count: None,
        enhanced_data: Vec::new(),
    };
    let calls = [request::create("USD", &terms, None), request::modify(CARD, &terms), request::delete(CARD)];
    let word = |judged: &Judged| match judged {
        Judged::Done(_) => "done",
        Judged::Deleted => "deleted",
        Judged::InDoubt { .. } => "in doubt",
        Judged::NotDone { next: Next::Again, .. } => "again",
        Judged::NotDone { next: Next::NewToken, .. } => "token",
        Judged::NotDone { next: Next::Refused, .. } => "refused",
        Judged::NotDone { next: Next::NotOurs, .. } => "not ours",
        Judged::NotDone { next: Next::NoSuchCard, .. } => "no card",
    };
    let words = |status: u16, body: &str, web_page: bool| {
        let answer = Answer::Reply { status, retry_after: None, body: body.as_bytes().to_vec(), web_page };
        calls.each_ref().map(|call| word(&reply::judge(call, &answer)))
    };
    let (card, other) = (&published()[..], &with(CARD, DELETED)[..]);
    for (status, body, wanted) in [
        (200, card, ["done"; 3]),
        (201, card, ["done"; 3]),
        (200, other, ["done", "in doubt", "in doubt"]),
        (200, "", ["in doubt"; 3]),
        (202, card, ["in doubt"; 3]),
        (204, "", ["in doubt", "in doubt", "deleted"]),
        (302, "", ["refused"; 3]),
        (400, "{}", ["refused"; 3]),
        (401, "", ["token"; 3]),
        (403, "", ["not ours"; 3]),
        (404, "", ["refused", "no card", "no card"]),
        (408, "", ["in doubt"; 3]),
        (429, "", ["again"; 3]),
        (500, "", ["in doubt"; 3]),
        (503, "", ["in doubt"; 3]),
    ] {
        assert_eq!(words(status, body, false), wanted, "{status} {body}");
    }
    assert_eq!(words(200, card, true), ["in doubt"; 3], "a page is no card");
    assert_eq!(words(503, "<html>", true), ["in doubt"; 3]);
    let lost = Answer::Lost { why: "reset".to_owned() };
    let unsent = Answer::NotSent { why: "no route".to_owned() };
    for call in &calls {
        assert_eq!([word(&reply::judge(call, &lost)), word(&reply::judge(call, &unsent))], ["in doubt", "again"]);
    }
}

#[test]
fn of_an_error_only_harmless_words_are_told() {
    let quiet = "without a reason that may be shown";
    for (body, told) in [
        (r#"{"message":"validToDate is in the past"}"#, "validToDate is in the past"),
        (r#"{"title":"Bad Request","detail":"no such currency","status":400}"#, "no such currency"),
        (r#""just words""#, "just words"),
        (
            r#"{"errors":{"cardLimit":["x"]},"title":"One or more validation errors occurred."}"#,
            "One or more validation errors occurred.",
        ),
        (r#"{"message":"card 5413 3302 6742 2872 is blocked"}"#, "card **** **** **** 2872 is blocked"),
        (r#"{"message":"{\"cardSecurityCode\":\"470\"}"}"#, quiet),
        (r#"{"message":"the CVV 470 is wrong"}"#, quiet),
        (r#"{"cardNumber":"5413330267422872"}"#, quiet),
        ("5413330267422872", quiet),
        ("<html>5413330267422872</html>", quiet),
        ("", quiet),
    ] {
        assert_eq!(reply::words(body), told, "{body}");
    }
}
