//! Core API's sandbox against its document, rule by rule, and the client's rows.

use reqwest::StatusCode;
use serde_json::{Value, json};
use tieout::providers::core_api::{CoreApiConfig, SANDBOX_EMAIL, SANDBOX_PASSWORD};
use tieout::providers::{Asked, Provider as _};

use crate::support::fast_http;
use crate::support::rows::{Played, Told, ids};

const JSON: (&str, &str) = ("content-type", "application/json");

/// Two cards of the document's kind, the first with its movements.
const CARDS: &str = r#"{"cards": [
  {"cardId": "card_001", "status": "active", "currency": "USD", "customerId": "cus_001", "movements": [
    {"id": "mov_004", "amount": -1.10, "description": "Late", "date": "2025-03-20T00:00:00Z"},
    {"id": "mov_001", "amount": -20, "description": "Online purchase - \"Amazon\"", "date": "2025-03-19T23:59:59Z"},
    {"id": "mov_002", "amount": 100, "description": "Balance top-up", "date": "2025-02-10T11:00:00+01:00"},
    {"id": "mov_003", "amount": -15.50, "description": "Subscription - Netflix", "date": "2025-02-09T18:30:00Z"}]},
  {"cardId": "card_002", "status": "blocked", "currency": "EUR", "movements": []},
  {"cardId": "card_003", "status": "cancelled", "currency": "COP"}]}"#;
const CUSTOMERS: &str =
    r#"{"customers": [{"customerId": "cus_001", "name": "Juan Perez", "email": "juan@email.com"}]}"#;

pub(crate) fn world() -> [(&'static str, String); 2] {
    [("core_api/cards.json", CARDS.to_owned()), ("core_api/customers.json", CUSTOMERS.to_owned())]
}

/// The sandbox as a provider of `tieout.yaml`, with quick retries.
pub(crate) fn config(played: &Played) -> CoreApiConfig {
    let mut config = CoreApiConfig {
        base_url: String::new(),
        email: tieout::project::Secret::Env("UNUSED".to_owned()),
        password: tieout::project::Secret::Env("UNUSED".to_owned()),
        concurrency: 4,
        wait: std::time::Duration::from_secs(30),
        http: fast_http(),
    };
    config.move_to_sandbox(&played.sandbox.base_url);
    config
}

async fn log_in(played: &Played) -> String {
    let body = json!({ "email": SANDBOX_EMAIL, "password": SANDBOX_PASSWORD }).to_string();
    let told = played.call("POST /core_api/auth/login", &[JSON], Some(&body)).await;
    assert_eq!(told.status, StatusCode::OK, "{}", told.text);
    format!("Bearer {}", told.json()["token"].as_str().unwrap())
}

/// A call with the bearer token and a JSON body.
async fn send(played: &Played, bearer: &str, call: &str, body: &Value) -> Told {
    let call = call.replacen(' ', " /core_api", 1);
    played.call(&call, &[JSON, ("authorization", bearer)], Some(&body.to_string())).await
}

#[tokio::test]
async fn a_login_wants_both_fields_as_text_and_the_right_ones() {
    let played = Played::start(&world(), "").await;
    let good = json!({ "email": SANDBOX_EMAIL, "password": SANDBOX_PASSWORD }).to_string();
    for (headers, body, status) in [
        (vec![JSON], good.as_str(), 200),
        (vec![], &good, 400),
        (vec![("content-type", "text/plain")], &good, 400),
        (vec![JSON], "{", 400),
        (vec![JSON], "[]", 400),
        (vec![JSON], r#"{"email": "a@b.c"}"#, 400),
        (vec![JSON], r#"{"email": 1, "password": "x"}"#, 400),
        (vec![JSON], r#"{"email": "a@b.c", "password": "x"}"#, 401),
    ] {
        let told = played.call("POST /core_api/auth/login", &headers, Some(body)).await;
        assert_eq!(told.status.as_u16(), status, "{headers:?} {body}: {}", told.text);
        assert_eq!(told.json().get("error").is_some(), status != 200, "{}", told.text);
    }
    let told = played.call("GET /core_api/auth/login", &[], None).await;
    assert_eq!(told.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(played.sandbox.received().iter().all(|request| request.body.is_none()), "credentials are not noted");
}

#[tokio::test]
async fn every_call_but_the_login_wants_a_bearer_token_that_is_good() {
    let played = Played::start(&world(), "").await;
    let good = log_in(&played).await;
    let bare = good.trim_start_matches("Bearer ").to_owned();
    let unknown = "Bearer sandbox-token-unknown".to_owned();
    for call in ["GET /core_api/customers", "GET /core_api/cards/card_001/movements"] {
        for (header, status) in [
            (None, 401),
            (Some(&bare), 401),
            (Some(&"Bearer something".to_owned()), 401),
            // One that the sandbox once granted and no longer knows has expired.
            (Some(&unknown), 403),
            (Some(&good), 200),
        ] {
            let headers: Vec<(&str, &str)> = header.iter().map(|value| ("authorization", value.as_str())).collect();
            let told = played.call(call, &headers, None).await;
            assert_eq!(told.status.as_u16(), status, "{call} with {header:?}: {}", told.text);
        }
    }
    let told = played.call("POST /core_api/auth/logout", &[("authorization", &good)], None).await;
    assert_eq!(told.json(), json!({ "success": true }));
    let told = played.call("GET /core_api/customers", &[("authorization", &good)], None).await;
    assert_eq!(told.status, StatusCode::UNAUTHORIZED, "the log-out has invalidated it");
}

#[tokio::test]
async fn a_token_whose_time_is_over_is_forbidden() {
    let life = |options: &mut tieout::sandbox::Options| options.token_life = std::time::Duration::ZERO;
    let played = Played::start_with(&world(), "", life).await;
    let bearer = log_in(&played).await;
    let told = played.call("GET /core_api/customers", &[("authorization", &bearer)], None).await;
    assert_eq!(told.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_is_changed_follows_the_rules_of_the_document() {
    let played = Played::start(&world(), "").await;
    let bearer = log_in(&played).await;
    let table = [
        ("POST /customers", json!({ "name": "Maria" }), 400),
        ("POST /customers", json!({ "name": "Juan", "email": "juan@email.com" }), 409),
        ("POST /customers", json!({ "name": "Maria", "email": "maria@email.com" }), 200),
        ("POST /cards", json!({ "currency": "GBP" }), 400),
        ("POST /cards", json!({}), 400),
        ("POST /cards/assign", json!({ "cardId": "card_001", "customerId": "cus_002" }), 409),
        ("POST /cards/assign", json!({ "cardId": "card_002", "customerId": "cus_009" }), 404),
        ("POST /cards/assign", json!({ "cardId": "card_009", "customerId": "cus_001" }), 404),
        ("POST /cards/assign", json!({ "cardId": "card_002", "customerId": "cus_002" }), 200),
        ("PATCH /cards/status", json!({ "cardId": "card_002", "status": "pending" }), 400),
        ("PATCH /cards/status", json!({ "cardId": "card_009", "status": "active" }), 404),
        ("PATCH /cards/status", json!({ "cardId": "card_003", "status": "active" }), 409),
        ("POST /balances/add", json!({ "cardId": "card_001", "amount": "100" }), 400),
        ("POST /balances/add", json!({ "cardId": "card_001", "amount": 0 }), 400),
        ("POST /balances/add", json!({ "cardId": "card_001", "amount": -5 }), 400),
        ("POST /balances/add", json!({ "cardId": "card_001" }), 400),
        ("POST /balances/add", json!({ "cardId": "card_009", "amount": 5 }), 404),
        ("POST /balances/add", json!({ "cardId": "card_002", "amount": 5 }), 409),
        ("POST /balances/add", json!({ "cardId": "card_003", "amount": 5 }), 409),
        ("POST /nothing", json!({}), 404),
    ];
    for (call, body, status) in table {
        let told = send(&played, &bearer, call, &body).await;
        assert_eq!(told.status.as_u16(), status, "{call} {body}: {}", told.text);
    }
}

#[tokio::test]
async fn replies_have_the_published_shapes() {
    let played = Played::start(&world(), "").await;
    let bearer = log_in(&played).await;
    let made = send(&played, &bearer, "POST /customers", &json!({ "name": "M", "email": "m@email.com" })).await;
    assert_eq!(made.json(), json!({ "customerId": "cus_002", "name": "M", "email": "m@email.com" }));
    let card = send(&played, &bearer, "POST /cards", &json!({ "currency": "USD" })).await.json();
    assert_eq!((&card["status"], &card["currency"]), (&json!("inactive"), &json!("USD")), "new cards are inactive");
    let card = card["cardId"].as_str().unwrap();
    let refused = send(&played, &bearer, "POST /balances/add", &json!({ "cardId": card, "amount": 5 })).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "an inactive card takes no balance");
    let active = send(&played, &bearer, "PATCH /cards/status", &json!({ "cardId": card, "status": "active" })).await;
    assert_eq!(active.json(), json!({ "cardId": card, "status": "active" }));
    let balance = send(&played, &bearer, "POST /balances/add", &json!({ "cardId": "card_001", "amount": 0.35 })).await;
    // 0.35 and all its movements, exactly.
    assert_eq!(balance.text, r#"{"cardId":"card_001","balance":63.75}"#);
    let told = send(&played, &bearer, "GET /cards/card_001/movements", &json!({})).await;
    let dates: Vec<String> = told.json()["movements"].as_array().unwrap()[1..]
        .iter()
        .map(|row| row["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(dates, ["mov_004", "mov_001", "mov_002", "mov_003"], "the newest first");
    let told = send(&played, &bearer, "GET /cards/card_009/movements", &json!({})).await;
    assert_eq!(told.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn every_reply_says_what_is_left_of_the_limit_and_one_call_too_many_is_refused() {
    let limits = r#"{"limit": 3, "window_s": 3600}"#.to_owned();
    let played = Played::start(&[("core_api/limits.json", limits)], "").await;
    for (status, remaining) in [(401, 2), (404, 1), (401, 0), (429, 0), (429, 0)] {
        let path = if status == 404 { "GET /core_api/nothing" } else { "GET /core_api/customers" };
        let told = played.call(path, &[], None).await;
        assert_eq!(told.status.as_u16(), status);
        assert_eq!((told.number("x-ratelimit-limit"), told.number("x-ratelimit-remaining")), (3, remaining));
        assert_eq!(told.number("x-ratelimit-reset") % 3_600, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn movements_come_digit_by_digit_in_the_order_of_the_ids() {
    let played = Played::start(&world(), "").await;
    let asked = |id: &str, currency: &str| Asked {
        id: id.to_owned(),
        with: vec![("currency".to_owned(), currency.to_owned())],
    };
    let cards =
        [asked("card_003", "COP"), asked("gone/../x", "USD"), asked("card_001", "USD"), asked("card_002", "EUR")];
    let (rows, fetched) = played.fetch(&config(&played), "movements", &cards).await.unwrap();
    assert_eq!(fetched.not_found, 1);
    assert_eq!(
        rows,
        [
            r#"{"asked":{"id":"card_001","currency":"USD"},"row":{"id":"mov_004","amount":-1.10,"description":"Late","date":"2025-03-20T00:00:00Z"}}"#,
            r#"{"asked":{"id":"card_001","currency":"USD"},"row":{"id":"mov_001","amount":-20,"description":"Online purchase - \"Amazon\"","date":"2025-03-19T23:59:59Z"}}"#,
            r#"{"asked":{"id":"card_001","currency":"USD"},"row":{"id":"mov_002","amount":100,"description":"Balance top-up","date":"2025-02-10T11:00:00+01:00"}}"#,
            r#"{"asked":{"id":"card_001","currency":"USD"},"row":{"id":"mov_003","amount":-15.50,"description":"Subscription - Netflix","date":"2025-02-09T18:30:00Z"}}"#,
        ]
    );
    let requests = played.requests();
    assert_eq!(requests[0], "POST /core_api/auth/login 200");
    assert_eq!(requests.last().unwrap(), "POST /core_api/auth/logout 200");
    assert!(requests.contains(&"GET /core_api/cards/gone%2F..%2Fx/movements 404".to_owned()), "{requests:?}");
    assert_eq!(requests.len(), 6, "{requests:?}");
}

#[tokio::test]
async fn what_a_balance_is_the_sum_of_ends_with_the_period() {
    let played = Played::start(&world(), "").await;
    let (rows, _) = played.fetch(&config(&played), "movements_to_date", &ids(&["card_001"])).await.unwrap();
    let of = |row: &String| serde_json::from_str::<Value>(row).unwrap()["row"]["id"].as_str().unwrap().to_owned();
    assert_eq!(rows.iter().map(of).collect::<Vec<_>>(), ["mov_001", "mov_002", "mov_003"]);
}

#[tokio::test]
async fn a_movement_without_a_readable_date_cannot_be_put_before_or_after_the_periods_end() {
    let cards = CARDS.replace("2025-02-09T18:30:00Z", "09/02/2025");
    let played = Played::start(&[("core_api/cards.json", cards)], "").await;
    let failure = played.fetch(&config(&played), "movements_to_date", &ids(&["card_001"])).await.unwrap_err();
    assert_eq!(
        failure.source.to_string(),
        "asking Core API for the movements of card card_001: the `date` of a movement is \"09/02/2025\"; expected an \
         ISO 8601 timestamp"
    );
    assert_eq!(failure.code, tieout::exit::ExitCode::InputData);
    assert_eq!(played.requests().last().unwrap(), "POST /core_api/auth/logout 200", "logged out all the same");
    let (rows, _) = played.fetch(&config(&played), "movements", &ids(&["card_001"])).await.unwrap();
    assert_eq!(rows.len(), 4, "as received; reading judges it");
}

#[tokio::test]
async fn customers_are_listed() {
    let played = Played::start(&world(), "").await;
    let (rows, _) = played.fetch(&config(&played), "customers", &[]).await.unwrap();
    let rows: Vec<Value> = rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect();
    let juan = json!({ "customerId": "cus_001", "name": "Juan Perez", "email": "juan@email.com" });
    assert_eq!(rows, [json!({ "row": juan })]);
}

#[tokio::test]
async fn nobody_logs_in_who_has_nothing_to_ask() {
    let played = Played::start(&world(), "").await;
    let (rows, fetched) = played.fetch(&config(&played), "movements", &[]).await.unwrap();
    assert_eq!((rows.len(), fetched.not_found), (0, 0));
    assert_eq!(played.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn a_probe_logs_in_and_out_and_tells_the_clock() {
    let played = Played::start(&world(), "").await;
    let probed = config(&played).probe().await.unwrap();
    assert!(probed.clock_skew.unwrap().abs() < chrono::TimeDelta::seconds(5));
    assert_eq!(played.requests(), ["POST /core_api/auth/login 200", "POST /core_api/auth/logout 200"]);
}

#[tokio::test]
async fn another_dataset_is_none_of_it() {
    let played = Played::start(&world(), "").await;
    let failure = played.fetch(&config(&played), "cards", &[]).await.unwrap_err();
    assert_eq!(failure.source.to_string(), "asking for cards: the provider has no such dataset");
    assert_eq!(played.requests(), Vec::<String>::new());
}
