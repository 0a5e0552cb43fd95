//! A sandbox that plays the issuer of corporate cards over the shipped samples, and clients for it.

use std::path::Path;
use std::time::Duration;

use chrono::Utc;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use tieout::project::Secret;
use tieout::providers::Provider as _;
use tieout::providers::card_issuing::envelope::Envelope;
use tieout::providers::card_issuing::{CardIssuingConfig, Client, Fields, NoncePlace, Paths, key};
use tieout::sandbox::card_issuing::{API_KEY, ENCRYPTION_KEY};
use tieout::sandbox::{Options, Sandbox};

use super::{fast_http, plan};
use crate::sandbox_contract::plain;

/// The sandbox over `samples/`, with the rules of a fault plan, one a line.
pub(crate) async fn sandbox(faults: &str) -> Sandbox {
    let mut options = Options::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/kard"));
    options.faults = plan(faults);
    Sandbox::start(options).await.unwrap()
}

/// A provider at an address, `/card_issuing` behind it.
pub(crate) fn config(base_url: &str) -> CardIssuingConfig {
    let nothing = || Secret::Sandbox("replaced".to_owned());
    let path = || "/replaced".to_owned();
    let mut config = CardIssuingConfig {
        base_url: base_url.to_owned(),
        api_key: nothing(),
        encryption_key: nothing(),
        nonce: NoncePlace::Prepended,
        paths: Paths { card_order: path(), topup_order: path(), card_create: path(), card_topup: path() },
        fields: Fields::default(),
        clock_tolerance: Duration::from_secs(30),
        concurrency: 4,
        http: fast_http(),
    };
    config.move_to_sandbox(base_url);
    config
}

pub(crate) fn client(sandbox: &Sandbox) -> Client {
    Client::new(&config(&sandbox.base_url)).unwrap()
}

/// A sandbox with these faults, and a client for it.
pub(crate) async fn faulty(faults: &str) -> (Sandbox, Client) {
    let sandbox = sandbox(faults).await;
    let client = client(&sandbox);
    (sandbox, client)
}

/// Seals and opens as the sandbox does.
pub(crate) fn envelope() -> Envelope {
    Envelope::new(&key::parse(ENCRYPTION_KEY).unwrap())
}

pub(crate) fn now_micros() -> i64 {
    Utc::now().timestamp_micros()
}

/// A request as the document wants it, not yet with a body.
pub(crate) fn post(sandbox: &Sandbox, path: &str) -> RequestBuilder {
    let url = format!("{}/card_issuing/api/v1{path}", sandbox.base_url);
    plain().post(url).header("API-KEY", API_KEY).header("Content-Type", "application/json")
}

/// Sends a body as it is. What comes back in an envelope is opened; what comes back without one is told as `plain`.
pub(crate) async fn answer(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let body = response.bytes().await.unwrap();
    match envelope().open_body(&body) {
        Ok(text) => (status, serde_json::from_slice(&text).unwrap()),
        Err(_) => (status, json!({ "plain": String::from_utf8_lossy(&body) })),
    }
}

/// Seals fields with the time as it is, and sends them.
pub(crate) async fn ask(request: RequestBuilder, mut fields: Value) -> (u16, Value) {
    fields["request_timestamp"] = json!(now_micros());
    answer(request.body(envelope().seal_body(fields.to_string().as_bytes()).unwrap())).await
}
