//! Bongloy's sandbox against its document, rule by rule, and the client's rows.

use reqwest::StatusCode;
use serde_json::{Value, json};
use tieout::project::Secret;
use tieout::providers::Provider as _;
use tieout::providers::bongloy::{BongloyConfig, SANDBOX_API_KEY};

use crate::support::fast_http;
use crate::support::rows::Played;

const KEY: (&str, &str) = ("authorization", "Bearer sandbox-bongloy-key");
const JSON_API: (&str, &str) = ("content-type", "application/vnd.api+json");

/// So many resources `a-1`, `a-2`, … of a type, in order of creation.
fn list(kind: &str, prefix: &str, count: usize, attributes: impl Fn(usize) -> Value) -> String {
    let one =
        |number: usize| json!({ "id": format!("{prefix}-{number}"), "type": kind, "attributes": attributes(number) });
    json!({ "data": (1..=count).map(one).collect::<Vec<_>>() }).to_string()
}

/// Seven accounts of two holders, transactions of three of them, five cards, one cardholder.
pub(crate) fn world(paging: &str) -> Vec<(&'static str, String)> {
    let account = |number| json!({ "cardholder": format!("h-{}", number % 2), "currency": "USD", "status": "active" });
    let transaction = |number: usize| {
        let status = if number.is_multiple_of(5) { "pending" } else { "available" };
        json!({ "account": format!("a-{}", number % 3 + 1), "amount": -1000 * i64::try_from(number).unwrap(),
            "currency": "USD", "status": status, "type": "purchase", "created_at": "2019-12-11T12:48:43Z" })
    };
    let balance = |number: usize| match number {
        1 => {
            json!({ "available": [{ "amount": 1997, "currency": "USD" }], "pending": [{ "amount": 791, "currency": "USD" }, { "amount": -5, "currency": "KHR" }] })
        }
        _ => json!({ "available": [], "pending": [] }),
    };
    let card = |number: usize| json!({ "account": format!("a-{number}"), "status": if number == 5 { "stolen" } else { "active" }, "last_four": "2345" });
    vec![
        ("bongloy/accounts.json", list("account", "a", 7, account)),
        ("bongloy/balance_transactions.json", list("balance_transaction", "t", 20, transaction)),
        ("bongloy/balances.json", list("balance", "a", 7, balance)),
        ("bongloy/cards.json", list("card", "c", 5, card)),
        ("bongloy/cardholders.json", list("cardholder", "h", 1, |_| json!({ "name": "Tang Dara" }))),
        ("bongloy/paging.json", paging.to_owned()),
    ]
}

/// As the document shows it.
pub(crate) const FROM_THE_END: &str = r#"{"size": 3, "from_the_end": true}"#;
const FROM_THE_START: &str = r#"{"size": 3, "from_the_end": false}"#;

/// The sandbox as a provider of `tieout.yaml`, with quick retries.
pub(crate) fn config(played: &Played) -> BongloyConfig {
    let mut config = BongloyConfig {
        base_url: String::new(),
        api_key: Secret::Env("UNUSED".to_owned()),
        concurrency: 3,
        http: fast_http(),
    };
    config.move_to_sandbox(&played.sandbox.base_url);
    config
}

pub(crate) fn ids(rows: &[String]) -> Vec<String> {
    let of = |row: &String| serde_json::from_str::<Value>(row).unwrap()["row"]["id"].as_str().unwrap().to_owned();
    rows.iter().map(of).collect()
}

#[tokio::test]
async fn every_call_wants_the_key_as_a_bearer_token() {
    let played = Played::start(&world(FROM_THE_END), "").await;
    for path in
        ["accounts", "accounts/a-1", "accounts/a-1/balance", "cards", "cards/c-1", "cardholders", "cardholders/h-1"]
    {
        let call = format!("GET /bongloy/v1/{path}");
        for (headers, status) in [
            (vec![], 401),
            (vec![("authorization", SANDBOX_API_KEY)], 401),
            (vec![("authorization", "Bearer another")], 401),
            (vec![KEY], 200),
        ] {
            let told = played.call(&call, &headers, None).await;
            assert_eq!(told.status.as_u16(), status, "{call} {headers:?}: {}", told.text);
            assert_eq!(told.headers["content-type"], JSON_API.1);
            assert_eq!(told.json().get("errors").is_some(), status != 200);
        }
    }
}

#[tokio::test]
async fn what_is_not_there_and_what_is_no_parameter_is_refused() {
    let played = Played::start(&world(FROM_THE_END), "").await;
    for (path, status) in [
        ("accounts/a-9", 404),
        ("accounts/a-9/balance", 404),
        ("balance_transactions/t-99", 404),
        ("balance_transactions/t-1", 200),
        ("nothing", 404),
        ("balance_transactions", 400),
        ("balance_transactions?filter[account]=", 400),
        ("balance_transactions?filter[account]=a-1", 200),
        ("balance_transactions?filter[account]=a-1&filter[account]=a-2", 400),
        ("accounts?page[before]=a-9", 400),
        ("accounts?page[before]=a-3&page[after]=a-1", 400),
        ("accounts?page[size]=3", 400),
        ("accounts?filter[cardholder]=h-1", 200),
        ("cards?filter[cardholder]=h-1", 200),
        ("cardholders?filter[cardholder]=h-1", 400),
    ] {
        let told = played.call(&format!("GET /bongloy/v1/{path}"), &[KEY], None).await;
        assert_eq!(told.status.as_u16(), status, "{path}: {}", told.text);
    }
    let told = played.call("POST /bongloy/v1/cards", &[KEY, JSON_API], Some("{}")).await;
    assert_eq!(told.status, StatusCode::METHOD_NOT_ALLOWED, "nothing is created here");
}

#[tokio::test]
async fn lists_begin_at_their_end_and_lead_on_by_prev_as_the_document_shows() {
    let played = Played::start(&world(FROM_THE_END), "").await;
    let told = played.call("GET /bongloy/v1/accounts", &[KEY], None).await.json();
    assert_eq!(told["data"][0]["id"], "a-5");
    let links = json!({ "prev": "http://example.org/v1/accounts?page%5Bbefore%5D=a-5", "next": null });
    assert_eq!(told["links"], links);
    let told = played.call("GET /bongloy/v1/accounts?page[before]=a-2", &[KEY], None).await.json();
    let links = json!({
        "prev": "http://example.org/v1/accounts?page%5Bbefore%5D=a-1",
        "next": "http://example.org/v1/accounts?page%5Bafter%5D=a-1",
    });
    assert_eq!(told["links"], links);
    let told = played.call("GET /bongloy/v1/accounts?page[before]=a-1", &[KEY], None).await.json();
    assert_eq!(told, json!({ "data": [], "links": { "prev": null, "next": null } }));
    let told = played.call("GET /bongloy/v1/balance_transactions?filter[account]=a-1", &[KEY], None).await.json();
    let prev = "http://example.org/v1/balance_transactions?filter%5Baccount%5D=a-1&page%5Bbefore%5D=t-12";
    assert_eq!(told["links"]["prev"], prev);
}

#[tokio::test]
async fn a_cards_status_is_changed_by_the_rules_of_the_document() {
    let played = Played::start(&world(FROM_THE_END), "").await;
    let body = |id: &str, status: &str| {
        json!({ "status": null, "data": { "id": id, "type": "card", "attributes": { "status": status } } }).to_string()
    };
    let form = ("content-type", "application/x-www-form-urlencoded");
    for (path, kind, text, status) in [
        ("c-1", form, body("c-1", "inactive"), 415),
        ("c-1", ("content-type", "application/json"), body("c-1", "inactive"), 415),
        ("c-1", JSON_API, "{".to_owned(), 400),
        ("c-1", JSON_API, body("c-2", "inactive"), 409),
        ("c-1", JSON_API, body("c-1", "inactive").replace("\"card\"", "\"account\""), 409),
        ("c-1", JSON_API, body("c-1", "closed"), 422),
        ("c-9", JSON_API, body("c-9", "inactive"), 404),
        ("c-1", JSON_API, body("c-1", "inactive"), 200),
        ("c-1", JSON_API, body("c-1", "lost"), 200),
        ("c-1", JSON_API, body("c-1", "active"), 409),
        ("c-5", JSON_API, body("c-5", "active"), 409),
    ] {
        let told = played.call(&format!("PATCH /bongloy/v1/cards/{path}"), &[KEY, kind], Some(&text)).await;
        assert_eq!(told.status.as_u16(), status, "{path} {kind:?} {text}: {}", told.text);
    }
    let told = played.call("GET /bongloy/v1/cards/c-1", &[KEY], None).await.json();
    assert_eq!(told["data"]["attributes"]["status"], "lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_walked_to_its_other_end_whichever_way_it_leads() {
    for (paging, wanted) in [
        (FROM_THE_END, ["a-5", "a-6", "a-7", "a-2", "a-3", "a-4", "a-1"]),
        (FROM_THE_START, ["a-1", "a-2", "a-3", "a-4", "a-5", "a-6", "a-7"]),
    ] {
        let played = Played::start(&world(paging), "").await;
        let (rows, _) = played.fetch(&config(&played), "accounts", &[]).await.unwrap();
        assert_eq!(ids(&rows), wanted, "each once, as it came");
        assert!(played.requests().iter().all(|request| request == "GET /bongloy/v1/accounts 200"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cards_and_cardholders_are_listed() {
    let played = Played::start(&world(FROM_THE_END), "").await;
    let (rows, _) = played.fetch(&config(&played), "cards", &[]).await.unwrap();
    assert_eq!(ids(&rows), ["c-3", "c-4", "c-5", "c-1", "c-2"]);
    let (rows, _) = played.fetch(&config(&played), "cardholders", &[]).await.unwrap();
    assert_eq!(ids(&rows), ["h-1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_come_account_by_account_each_asked_with_its_filter() {
    for paging in [FROM_THE_END, FROM_THE_START] {
        let played = Played::start(&world(paging), "").await;
        let (rows, _) = played.fetch(&config(&played), "balance_transactions", &[]).await.unwrap();
        let mut all = ids(&rows);
        let of = |row: &String| {
            serde_json::from_str::<Value>(row).unwrap()["row"]["attributes"]["account"].as_str().unwrap().to_owned()
        };
        let mut accounts: Vec<String> = rows.iter().map(of).collect();
        accounts.dedup();
        assert_eq!(accounts.len(), 3, "one account after the other: {accounts:?}");
        all.sort();
        let mut wanted: Vec<String> = (1..=20).map(|number| format!("t-{number}")).collect();
        wanted.sort();
        assert_eq!(all, wanted);
        let lists = played.sandbox.received();
        let mut lists = lists.iter().filter(|request| request.path.ends_with("balance_transactions"));
        assert!(lists.all(|request| request.query.contains("filter%5Baccount%5D=a-")), "the filter is never left out");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balance_is_a_row_for_each_entry_beside_the_resource() {
    let played = Played::start(&world(FROM_THE_END), "").await;
    let (rows, _) = played.fetch(&config(&played), "balances", &[]).await.unwrap();
    let told: Vec<Value> = rows.iter().map(|row| serde_json::from_str::<Value>(row).unwrap()["row"].clone()).collect();
    let brief: Vec<String> = told
        .iter()
        .map(|row| {
            format!("{} {} {} {}", row["account"], row["status"], row["amount"], row["currency"]).replace('"', "")
        })
        .collect();
    assert_eq!(brief, ["a-1 available 1997 USD", "a-1 pending 791 USD", "a-1 pending -5 KHR"]);
    assert!(told.iter().all(|row| row["resource"]["attributes"]["available"][0]["amount"] == 1997));
    assert_eq!(played.count("GET /bongloy/v1/accounts/"), 7, "each account is asked once");
}

#[tokio::test]
async fn amounts_come_digit_by_digit() {
    use tieout::providers::bongloy::reply;
    let body = br#"{"data": {"id": "a", "type": "balance", "attributes": {"available": [{"amount": 12345678901234567890, "currency": "USD"}], "pending": [{"amount": 1.10, "currency": "USD"}]}}}"#;
    let rows = reply::balance("asking", body, "a").unwrap();
    assert!(rows[0].get().starts_with(
        r#"{"account":"a","status":"available","amount":12345678901234567890,"currency":"USD","resource":{"#
    ));
    assert!(rows[1].get().contains(r#""amount":1.10,"#));
}

#[tokio::test]
async fn a_probe_asks_for_a_page_of_accounts() {
    let played = Played::start(&world(FROM_THE_END), "").await;
    let probed = config(&played).probe().await.unwrap();
    assert!(probed.clock_skew.unwrap().abs() < chrono::TimeDelta::seconds(5));
    assert_eq!(played.requests(), ["GET /bongloy/v1/accounts 200"]);
}
