//! What goes wrong between us and the issuer of corporate cards: done once it is overcome, done every time it ends with
//! its exit code and a message that says what to do.

use tieout::exit::ExitCode;
use tieout::project::Secret;
use tieout::providers::ProviderError;
use tieout::providers::card_issuing::{CardIssuingConfig, Client, OrderKind};
use tieout::sandbox::Sandbox;

use crate::support::chain;
use crate::support::issuing::{config, faulty, sandbox};

const ORDER: &str = "top-0319-001";

async fn failed(client: &Client, order: &str) -> ProviderError {
    client.order(OrderKind::TopUp, order).await.unwrap_err()
}

/// The whole message, the sandbox's address written as HOST.
fn told(error: &ProviderError, sandbox: &Sandbox) -> String {
    chain(error).replace(&sandbox.base_url, "HOST")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_once_is_overcome() {
    for fault in [
        "{status: 500}",
        "{status: 502}",
        "{status: 503, retry_after: 0}",
        "{status: 429, retry_after: 0}",
        "reset_before",
        "reset_after",
        "{truncate: 9}",
        "malformed_json",
        "wrong_bytes",
        "html_page",
        "delivered_twice",
    ] {
        let (sandbox, client) = faulty(&format!("  - {{on: card_issuing.topup_order, nth: 1, do: {fault}}}")).await;
        let order = client.order(OrderKind::TopUp, ORDER).await;
        assert!(matches!(order, Ok(Some(_))), "{fault}: {order:?}");
        let sent: Vec<String> = sandbox.received().into_iter().filter_map(|request| request.body).collect();
        assert!(sent.windows(2).all(|two| two[0] != two[1]), "{fault}: each attempt is sealed anew");
    }
}

/// A fault that is done every time, how the process ends, and the message after `asking for top-up order …`.
const CASES: &[(&str, ExitCode, &str)] = &[
    (
        "{status: 500}",
        ExitCode::ProviderUnavailable,
        "POST HOST/card_issuing/api/v1/orders/topup failed after 3 attempts: status 500: internal_error \"The fault plan wants this.\": the provider failed; try again later; tell the provider if it stays so",
    ),
    (
        "{status: 503}",
        ExitCode::ProviderUnavailable,
        "POST HOST/card_issuing/api/v1/orders/topup failed after 3 attempts: status 503: topup_attempts_exceeded \"The fault plan wants this.\": the provider has given up trying the top-up; try again later",
    ),
    (
        "{status: 429, retry_after: 0}",
        ExitCode::ProviderUnavailable,
        "POST HOST/card_issuing/api/v1/orders/topup failed after 3 attempts: status 429: {\"detail\":\"The fault plan wants this.\"}",
    ),
    (
        "{status: 400}",
        ExitCode::Configuration,
        "invalid_request \"The fault plan wants this.\": the request failed the provider's validation; check the paths and field names of this provider in tieout.yaml against its document",
    ),
    (
        "{status: 403}",
        ExitCode::CredentialsRefused,
        "\"You do not have access to this API\": the provider knows the api_key and lets it do nothing here; ask the provider for access",
    ),
    (
        "{status: 404}",
        ExitCode::CredentialsRefused,
        "\"API key not found\": the provider does not know the api_key; check it, and that base_url is the system that it is for",
    ),
    (
        "reset_after",
        ExitCode::ProviderUnavailable,
        "POST HOST/card_issuing/api/v1/orders/topup failed after 3 attempts: the connection broke before the reply was complete",
    ),
    (
        "malformed_json",
        ExitCode::InputData,
        "POST HOST/card_issuing/api/v1/orders/topup failed after 3 attempts: the reply cannot be opened: it is not JSON with the one text `encrypted`",
    ),
    (
        "html_page",
        ExitCode::ProviderUnavailable,
        "POST HOST/card_issuing/api/v1/orders/topup failed after 3 attempts: status 200 with a web page instead of data; a proxy or a maintenance page may answer",
    ),
    (
        "delivered_twice",
        ExitCode::ProviderUnavailable,
        "POST HOST/card_issuing/api/v1/orders/topup failed after 3 attempts: \"Duplicate request detected\": the provider has seen this time stamp before",
    ),
    ("clock_ahead", ExitCode::Configuration, "\"Request timestamp outside allowed window\": this machine's clock is 9"),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_every_time_is_told_with_what_to_do() {
    for (fault, exit, message) in CASES {
        let (sandbox, client) = faulty(&format!("  - {{on: card_issuing.topup_order, nth: every, do: {fault}}}")).await;
        let error = failed(&client, ORDER).await;
        let wanted = format!("asking for top-up order {ORDER}: {message}");
        let found = told(&error, &sandbox);
        assert!(found.starts_with(&wanted), "{fault}:\n{found}\n{wanted}");
        assert_eq!(error.exit_code(), *exit, "{fault}");
    }
}

async fn with(change: impl FnOnce(&mut CardIssuingConfig)) -> (Sandbox, Result<Client, ProviderError>) {
    let sandbox = sandbox("").await;
    let mut config = config(&sandbox.base_url);
    change(&mut config);
    let client = Client::new(&config);
    (sandbox, client)
}

fn secret(text: &str) -> Secret {
    Secret::Sandbox(text.to_owned())
}

#[tokio::test]
async fn a_wrong_key_and_an_unknown_one_are_told_apart() {
    let (sandbox, client) = with(|config| config.encryption_key = secret(&"ab".repeat(32))).await;
    let error = failed(&client.unwrap(), ORDER).await;
    assert_eq!(
        told(&error, &sandbox),
        "asking for top-up order top-0319-001: \"Invalid encrypted payload format\": the provider cannot open what was sealed: \
         the encryption_key is not the one that it has for this api_key"
    );
    assert_eq!(error.exit_code(), ExitCode::CredentialsRefused);
    for (key, sentence) in [("other", "API key not found"), ("sandbox-issuing-no-access", "You do not have access")] {
        let (_sandbox, client) = with(|config| config.api_key = secret(key)).await;
        let error = failed(&client.unwrap(), ORDER).await;
        assert!(chain(&error).contains(sentence) && !chain(&error).contains(key), "{}", chain(&error));
        assert_eq!(error.exit_code(), ExitCode::CredentialsRefused);
    }
}

#[tokio::test]
async fn secrets_that_cannot_be_used_are_told_before_anything_is_sent_and_not_shown() {
    let (sandbox, client) = with(|config| config.encryption_key = secret("hunter2hunter2")).await;
    let error = client.unwrap_err();
    assert!(chain(&error).starts_with("reading the provider's secrets: encryption_key is "), "{}", chain(&error));
    assert!(!chain(&error).contains("hunter2"));
    assert_eq!((error.exit_code(), sandbox.received().len()), (ExitCode::Configuration, 0));
    let (_sandbox, client) = with(|config| config.api_key = secret("line\nbreak")).await;
    assert_eq!(
        chain(&client.unwrap_err()),
        "reading the provider's secrets: api_key holds characters that no header can carry"
    );
}

#[tokio::test]
async fn every_slug_on_a_read_says_what_it_means_and_a_path_that_is_none_is_a_matter_of_configuration() {
    let (_sandbox, client) = faulty("").await;
    let error = failed(&client, "slug-card_user_mismatch").await;
    assert_eq!(
        chain(&error),
        "asking for top-up order slug-card_user_mismatch: card_user_mismatch \"The id asks for this.\": the card does not \
         belong to this user; correct the card or the user in the ledger"
    );
    let (sandbox, client) = with(|config| config.paths.topup_order = "/orders/none".to_owned()).await;
    let error = failed(&client.unwrap(), ORDER).await;
    assert_eq!(error.exit_code(), ExitCode::Configuration, "{}", told(&error, &sandbox));
}
