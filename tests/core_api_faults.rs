//! Whatever Core API does wrong: overcome where it passes, told with its exit code where it stays, and logged out of in
//! either case; its limit of calls is never hit.

use std::time::{Duration, Instant};

use serde_json::json;
use tieout::exit::ExitCode;
use tieout::project::Secret;
use tieout::providers::Asked;
use tieout::providers::core_api::{SANDBOX_EMAIL, SANDBOX_PASSWORD};

use crate::core_api_contract::{config, world};
use crate::support::rows::{Played, ids, told};

/// A fault that is done every time.
struct Case {
    on: &'static str,
    fault: &'static str,
    exit: ExitCode,
    /// How the message begins, the address of the sandbox written as HOST.
    message: &'static str,
    /// It passes when it is done once.
    passes: bool,
}

const fn case(on: &'static str, fault: &'static str, exit: ExitCode, message: &'static str, passes: bool) -> Case {
    Case { on, fault, exit, message, passes }
}

const LOGIN: &str = "asking Core API for the movements of card card_001: POST HOST/core_api/auth/login failed after ";
const CARD: &str =
    "asking Core API for the movements of card card_001: GET HOST/core_api/cards/card_001/movements failed after ";

const CASES: &[Case] = &[
    case(
        "login",
        "{status: 503}",
        ExitCode::ProviderUnavailable,
        "3 attempts: status 503: The fault plan wants this.",
        true,
    ),
    case(
        "login",
        "{status: 401}",
        ExitCode::CredentialsRefused,
        "1 attempt: status 401: The fault plan wants this.",
        false,
    ),
    case("login", "{status: 403}", ExitCode::CredentialsRefused, "1 attempt: status 403: ", false),
    case("login", "{status: 400}", ExitCode::Configuration, "1 attempt: status 400: ", false),
    // Of a card it would be an answer.
    case("login", "{status: 404}", ExitCode::Configuration, "1 attempt: status 404: ", false),
    case("login", "{status: 429}", ExitCode::ProviderUnavailable, "3 attempts: status 429: ", true),
    case("login", "reset_before", ExitCode::ProviderUnavailable, "3 attempts: the connection broke", true),
    case("login", "malformed_json", ExitCode::InputData, "3 attempts: the reply is not the published JSON: ", true),
    case("login", "html_page", ExitCode::ProviderUnavailable, "3 attempts: status 200 with a web page", true),
    case(
        "movements",
        "{status: 500}",
        ExitCode::ProviderUnavailable,
        "3 attempts: status 500: The fault plan wants this.",
        true,
    ),
    case("movements", "{status: 429}", ExitCode::ProviderUnavailable, "3 attempts: status 429: ", true),
    case(
        "movements",
        "{status: 403}",
        ExitCode::CredentialsRefused,
        "1 attempt: status 403: The fault plan wants this.",
        true,
    ),
    case(
        "movements",
        "{status: 401}",
        ExitCode::CredentialsRefused,
        "1 attempt: status 401: The fault plan wants this.",
        true,
    ),
    case("movements", "{status: 400}", ExitCode::Configuration, "1 attempt: status 400: ", false),
    case("movements", "{status: 307}", ExitCode::Configuration, "1 attempt: status 307", false),
    case("movements", "reset_before", ExitCode::ProviderUnavailable, "3 attempts: the connection broke", true),
    case("movements", "reset_after", ExitCode::ProviderUnavailable, "3 attempts: the connection broke", true),
    case("movements", "{slow: 3s}", ExitCode::ProviderUnavailable, "3 attempts: no answer in time", true),
    case("movements", "{truncate: 20}", ExitCode::ProviderUnavailable, "3 attempts: the connection broke", true),
    case(
        "movements",
        "malformed_json",
        ExitCode::InputData,
        "3 attempts: the reply is not the published JSON: it ends early",
        true,
    ),
    case(
        "movements",
        "wrong_bytes",
        ExitCode::InputData,
        "3 attempts: the reply is not the published JSON: bad syntax",
        true,
    ),
    case("movements", "html_page", ExitCode::ProviderUnavailable, "3 attempts: status 200 with a web page", true),
    case(
        "movements",
        "revoke_token",
        ExitCode::CredentialsRefused,
        "1 attempt: status 403: The token has expired.",
        true,
    ),
];

async fn played(on: &str, nth: &str, fault: &str) -> Played {
    Played::start(&world(), &format!("  - {{on: core_api.{on}, nth: {nth}, do: {fault}}}\n")).await
}

/// One card is asked about, with little patience.
async fn fetch(played: &Played) -> Result<usize, tieout::exit::Failure> {
    let mut config = config(played);
    config.http.idle_timeout = Duration::from_millis(400);
    played.fetch(&config, "movements", &ids(&["card_001"])).await.map(|(rows, _)| rows.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_that_stays_ends_with_its_exit_code_and_says_what_happened() {
    for case in CASES {
        let played = played(case.on, "every", case.fault).await;
        let failure = fetch(&played).await.expect_err(case.fault);
        let begins = if case.on == "login" { LOGIN } else { CARD };
        let text = told(&failure, &played.sandbox.base_url);
        assert!(text.starts_with(&format!("{begins}{}", case.message)), "{} {}:\n{text}", case.on, case.fault);
        assert_eq!(failure.code, case.exit, "{} {}: {text}", case.on, case.fault);
        // A token that could not be read cannot be given back.
        let wanted = usize::from(case.on != "login");
        let outs = played.count("POST /core_api/auth/logout");
        assert_eq!(outs, wanted, "{} {}: {:?}", case.on, case.fault, played.requests());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_that_passes_is_overcome() {
    for case in CASES.iter().filter(|case| case.passes) {
        let played = played(case.on, "1", case.fault).await;
        let rows = fetch(&played).await;
        assert_eq!(rows.unwrap_or_else(|failure| panic!("{} {}: {:#}", case.on, case.fault, failure.source)), 4);
        assert_eq!(played.requests().last().unwrap(), "POST /core_api/auth/logout 200", "{} {}", case.on, case.fault);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_out_that_fails_hides_nothing() {
    let stays = played("logout", "every", "{status: 500}").await;
    assert_eq!(fetch(&stays).await.unwrap(), 4, "what was read is read");
    assert_eq!(stays.count("POST /core_api/auth/logout 500"), 3);
    let passes = played("logout", "1", "reset_before").await;
    assert_eq!(fetch(&passes).await.unwrap(), 4);
    assert_eq!(passes.requests().last().unwrap(), "POST /core_api/auth/logout 200");
    let rules = "  - {on: core_api.movements, nth: every, do: {status: 400}}\n  - {on: core_api.logout, nth: every, do: {status: 500}}\n";
    let both = Played::start(&world(), rules).await;
    let failure = fetch(&both).await.unwrap_err();
    assert!(failure.source.to_string().starts_with("asking Core API for the movements"), "{:#}", failure.source);
    assert_eq!(failure.code, ExitCode::Configuration);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_are_refused_and_never_shown() {
    let played = Played::start(&world(), "").await;
    let mut config = config(&played);
    config.password = Secret::Sandbox("canary-hunter2".to_owned());
    config.email = Secret::Sandbox("canary@mail.example".to_owned());
    let failure = played.fetch(&config, "customers", &[]).await.unwrap_err();
    let text = format!("{:#} {:?}", failure.source, failure.source);
    assert_eq!(failure.code, ExitCode::CredentialsRefused);
    assert!(text.contains("status 401: The credentials are wrong."), "{text}");
    assert!(!text.contains("canary"), "{text}");
    assert_eq!(played.requests(), ["POST /core_api/auth/login 401"]);
}

/// So many cards, each with one movement.
fn cards(count: usize) -> (String, Vec<Asked>) {
    let names: Vec<String> = (1..=count).map(|number| format!("card_{number:03}")).collect();
    let card = |name: &String| {
        let movement =
            json!({ "id": format!("mov_{name}"), "amount": 1, "description": "x", "date": "2025-03-19T01:00:00Z" });
        json!({ "cardId": name, "status": "active", "currency": "USD", "movements": [movement] })
    };
    let world = json!({ "cards": names.iter().map(card).collect::<Vec<_>>() }).to_string();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    (world, ids(&names))
}

fn in_order(rows: &[String], asked: &[Asked]) {
    let told: Vec<serde_json::Value> = rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect();
    let told: Vec<&str> = told.iter().map(|row| row["asked"]["id"].as_str().unwrap()).collect();
    assert_eq!(told, asked.iter().map(|asked| asked.id.as_str()).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_expires_while_many_calls_are_made_is_replaced_once() {
    let (world, asked) = cards(40);
    let rule = "  - {on: core_api.movements, nth: 9, do: revoke_token}\n";
    let played = Played::start(&[("core_api/cards.json", world)], rule).await;
    let mut config = config(&played);
    config.concurrency = 8;
    let (rows, _) = played.fetch(&config, "movements", &asked).await.unwrap();
    in_order(&rows, &asked);
    assert!(played.requests().iter().any(|request| request.ends_with(" 403")), "it did expire");
    assert_eq!(played.count("POST /core_api/auth/login 200"), 2);
    assert_eq!(played.count("POST /core_api/auth/logout 200"), 1, "the token that was good to the end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_is_told_is_never_hit_and_all_rows_come() {
    let (world, asked) = cards(50);
    let limits = r#"{"limit": 20, "window_s": 2}"#.to_owned();
    let played = Played::start(&[("core_api/cards.json", world), ("core_api/limits.json", limits)], "").await;
    let mut config = config(&played);
    config.concurrency = 8;
    let begun = Instant::now();
    let (rows, _) = played.fetch(&config, "movements", &asked).await.unwrap();
    in_order(&rows, &asked);
    let requests = played.requests();
    assert_eq!(requests.iter().filter(|request| request.ends_with(" 429")).count(), 0, "{requests:?}");
    assert_eq!(requests.len(), 52, "one login, fifty cards, one log-out");
    // Twenty in a window, one of them kept: the third window is needed, and no fourth.
    let took = begun.elapsed();
    assert!((Duration::from_secs(2)..Duration::from_secs(20)).contains(&took), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_others_have_used_up_is_waited_for() {
    let (world, asked) = cards(3);
    let limits = r#"{"limit": 10, "window_s": 2}"#.to_owned();
    let played = Played::start(&[("core_api/cards.json", world), ("core_api/limits.json", limits)], "").await;
    for _ in 0..10 {
        played.call("GET /core_api/customers", &[], None).await;
    }
    let (rows, _) = played.fetch(&config(&played), "movements", &asked).await.unwrap();
    in_order(&rows, &asked);
    let refused = played.count("POST /core_api/auth/login 429");
    // The window may have ended while the others used it up.
    assert!(refused <= 1, "{:?}", played.requests());
    assert_eq!(played.requests().last().unwrap(), "POST /core_api/auth/logout 200");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_that_is_too_far_away_ends_the_run_for_now_and_logs_out() {
    let (world, asked) = cards(6);
    let limits = r#"{"limit": 4, "window_s": 86400}"#.to_owned();
    let played = Played::start(&[("core_api/cards.json", world), ("core_api/limits.json", limits)], "").await;
    let mut config = config(&played);
    (config.concurrency, config.wait) = (1, Duration::ZERO);
    let failure = played.fetch(&config, "movements", &asked).await.unwrap_err();
    assert_eq!(failure.code, ExitCode::TryAgainLater);
    let text = told(&failure, &played.sandbox.base_url);
    assert!(text.starts_with("asking Core API for the movements of card card_003: GET HOST/core_api/cards/card_003/movements: the provider takes no more calls before "), "{text}");
    assert_eq!(played.requests().last().unwrap(), "POST /core_api/auth/logout 200", "by the call that was kept for it");
    assert_eq!(played.requests().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_that_is_dropped_gives_its_token_back() {
    let rule = "  - {on: core_api.movements, nth: every, do: {slow: 5s}}\n";
    let played = Played::start(&world(), rule).await;
    let config = config(&played);
    let asked = ids(&["card_001"]);
    let stopped = tokio::time::timeout(Duration::from_millis(300), played.fetch(&config, "movements", &asked)).await;
    assert!(stopped.is_err(), "it was still waiting");
    let until = Instant::now() + Duration::from_secs(5);
    while played.count("POST /core_api/auth/logout 200") == 0 && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(played.count("POST /core_api/auth/logout 200"), 1);
}

#[test]
fn the_sandboxs_credentials_are_told_as_such() {
    assert!(SANDBOX_EMAIL.starts_with("sandbox-") && SANDBOX_PASSWORD.starts_with("sandbox-"));
}
