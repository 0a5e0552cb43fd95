//! Whatever Bongloy does wrong: overcome where it passes, told with its exit code where it stays.

use std::time::Duration;

use tieout::exit::ExitCode;
use tieout::project::Secret;
use tieout::providers::bongloy::{Client, reply};
use tieout::providers::{Ask, RowWriter};
use tieout::sources::store::RawStore;

use crate::bongloy_contract::{FROM_THE_END, config, ids, world};
use crate::support::rows::{Played, told};
use crate::support::{chain, day};

/// A fault that is done every time: how it ends, how the message goes on, and whether it passes when done once.
type Case = (&'static str, ExitCode, &'static str, bool);

const CASES: &[Case] = &[
    (
        "{status: 503}",
        ExitCode::ProviderUnavailable,
        "3 attempts: status 503: Service Unavailable: The fault plan wants this.",
        true,
    ),
    ("{status: 429, retry_after: 0}", ExitCode::ProviderUnavailable, "3 attempts: status 429: ", true),
    ("{status: 401}", ExitCode::CredentialsRefused, "1 attempt: status 401: Unauthorized: ", false),
    ("{status: 403}", ExitCode::CredentialsRefused, "1 attempt: status 403: Forbidden: ", false),
    ("{status: 404}", ExitCode::Configuration, "1 attempt: status 404: Not Found: ", false),
    ("{status: 307}", ExitCode::Configuration, "1 attempt: status 307", false),
    ("reset_before", ExitCode::ProviderUnavailable, "3 attempts: the connection broke", true),
    ("reset_after", ExitCode::ProviderUnavailable, "3 attempts: the connection broke", true),
    ("{slow: 3s}", ExitCode::ProviderUnavailable, "3 attempts: no answer in time", true),
    ("{truncate: 20}", ExitCode::ProviderUnavailable, "3 attempts: the connection broke", true),
    ("malformed_json", ExitCode::InputData, "3 attempts: the reply is not the published JSON: it ends early", true),
    ("wrong_bytes", ExitCode::InputData, "3 attempts: the reply is not the published JSON: bad syntax", true),
    ("html_page", ExitCode::ProviderUnavailable, "3 attempts: status 200 with a web page", true),
];

const ENDPOINTS: [(&str, &str, &str); 3] = [
    ("accounts", "accounts", "asking Bongloy for its accounts: GET HOST/bongloy/v1/accounts failed after "),
    (
        "balance",
        "balances",
        "asking Bongloy for the balance of account a-5: GET HOST/bongloy/v1/accounts/a-5/balance failed after ",
    ),
    (
        "balance_transactions",
        "balance_transactions",
        "asking Bongloy for the transactions of account a-5: GET HOST/bongloy/v1/balance_transactions failed after ",
    ),
];

async fn played(on: &str, nth: &str, fault: &str) -> Played {
    Played::start(&world(FROM_THE_END), &format!("  - {{on: bongloy.{on}, nth: {nth}, do: {fault}}}\n")).await
}

async fn fetch(played: &Played, dataset: &str) -> Result<usize, tieout::exit::Failure> {
    let mut config = config(played);
    config.http.idle_timeout = Duration::from_millis(400);
    played.fetch(&config, dataset, &[]).await.map(|(rows, _)| rows.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_that_stays_ends_with_its_exit_code_and_says_what_happened() {
    for (on, dataset, begins) in ENDPOINTS {
        for (fault, exit, message, _) in CASES {
            let played = played(on, "every", fault).await;
            let failure = fetch(&played, dataset).await.expect_err(fault);
            let text = told(&failure, &played.sandbox.base_url);
            assert!(text.starts_with(&format!("{begins}{message}")), "{on} {fault}:\n{text}");
            assert_eq!(failure.code, *exit, "{on} {fault}: {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_that_passes_is_overcome() {
    for (on, dataset, _) in ENDPOINTS {
        let whole = fetch(&Played::start(&world(FROM_THE_END), "").await, dataset).await.unwrap();
        for (fault, ..) in CASES.iter().filter(|case| case.3) {
            let played = played(on, "2", fault).await;
            let rows = fetch(&played, dataset).await;
            let rows = rows.unwrap_or_else(|failure| panic!("{on} {fault}: {:#}", failure.source));
            assert_eq!(rows, whole, "{on} {fault}: each row once");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_that_comes_again_ends_the_walk() {
    let played = played("accounts", "every", "repeat_cursor").await;
    let failure = fetch(&played, "accounts").await.unwrap_err();
    assert_eq!(
        failure.source.to_string(),
        "asking Bongloy for its accounts: page 3 is one that was read before; the list would never end"
    );
    assert_eq!(failure.code, ExitCode::InputData);
    assert_eq!(played.requests().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_longer_than_lists_are_ends_the_walk() {
    let played = Played::start(&world(FROM_THE_END), "").await;
    let client = Client::new(&config(&played)).unwrap().with_at_most(2);
    let folder = tempfile::tempdir().unwrap();
    let mut rows = RowWriter::new(RawStore::open(folder.path()).unwrap().begin().unwrap());
    let period = day("2025-03-19");
    let error = client.fetch(&Ask { dataset: "accounts", period: &period, ids: &[] }, &mut rows).await.unwrap_err();
    assert_eq!(chain(&error), "asking Bongloy for its accounts: the list has more than 2 pages");
    assert_eq!(error.exit_code(), ExitCode::InputData);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_refused_and_never_shown() {
    let played = Played::start(&world(FROM_THE_END), "").await;
    let mut config = config(&played);
    config.api_key = Secret::Sandbox("canary-key-0123456789".to_owned());
    let failure = played.fetch(&config, "accounts", &[]).await.unwrap_err();
    assert_eq!(failure.code, ExitCode::CredentialsRefused);
    let text = format!("{:#} {:?}", failure.source, failure.source);
    assert!(text.contains("status 401: Unauthorized: The token is not known."), "{text}");
    assert!(!text.contains("canary"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_a_balance_is_an_error_and_not_a_gap() {
    let mut world = world(FROM_THE_END);
    world.retain(|(path, _)| *path != "bongloy/balances.json");
    let played = Played::start(&world, "").await;
    let failure = fetch(&played, "balances").await.unwrap_err();
    assert_eq!(failure.code, ExitCode::Configuration);
    assert!(failure.source.to_string().starts_with("asking Bongloy for the balance of account a-5"));
}

#[test]
fn a_page_that_is_none_says_why() {
    let own = [("filter[account]".to_owned(), "a-1".to_owned())];
    for (body, reason) in [
        (
            "[]",
            "the reply is not the published JSON: a required field is missing or of another type at line 1, column 2",
        ),
        (
            r#"{"data": {}}"#,
            "the reply is not the published JSON: a required field is missing or of another type at line 1, column 9",
        ),
        (r#"{"data": [{"id": "x"}, {"type": "account"}]}"#, "data[1] has no id"),
        (r#"{"data": [{"id": ""}]}"#, "data[0] has no id"),
        (
            r#"{"data": [], "links": {"prev": "http://example.org/v1/x"}}"#,
            "links.prev states no one page; expected page[before] or page[after]",
        ),
        (
            r#"{"data": [], "links": {"next": "http://example.org/v1/x?page[after]=1&page[before]=2"}}"#,
            "links.next states no one page; expected page[before] or page[after]",
        ),
        (
            r#"{"data": [], "links": {"next": "http://example.org/v1/x?page[after]=1"}}"#,
            "links.next leads to another list: its filter[account] is not the one that was asked for",
        ),
        (
            r#"{"data": [], "links": {"next": "/v1/x?page[after]=1&filter[account]=a-2"}}"#,
            "links.next leads to another list: its filter[account] is not the one that was asked for",
        ),
    ] {
        let error = reply::page("asking", body.as_bytes(), &own).unwrap_err();
        assert_eq!(error.to_string(), format!("asking: {reason}"), "{body}");
    }
    let page = reply::page("asking", br#"{"data": [{"id": "1"}]}"#, &[]).unwrap();
    assert!(page.prev.is_none() && page.next.is_none(), "a list without links is one page");
}

#[test]
fn a_balance_of_another_account_is_refused() {
    let body = br#"{"data": {"id": "b", "attributes": {"available": [], "pending": []}}}"#;
    let error = reply::balance("asking", body, "a").unwrap_err();
    assert_eq!(error.to_string(), "asking: the balance is that of account \"b\"");
    let missing =
        reply::balance("asking", br#"{"data": {"id": "a", "attributes": {"available": []}}}"#, "a").unwrap_err();
    assert!(missing.to_string().contains("a required field is missing"), "{missing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn links_are_only_read_for_their_query() {
    // The sandbox's links lead to example.org, as the document's do: every page came from the sandbox all the same.
    let played = Played::start(&world(FROM_THE_END), "").await;
    let (rows, _) = played.fetch(&config(&played), "accounts", &[]).await.unwrap();
    assert_eq!(ids(&rows).len(), 7);
    assert_eq!(played.requests().len(), 4, "three pages and the empty one behind them");
}
