//! Handing a notice to a channel: Slack-compatible webhooks, signed webhooks of one's own, and mail.
//!
//! A signed webhook follows the Standard Webhooks specification 1.0.0 (<https://www.standardwebhooks.com>): the headers
//! `webhook-id` (the notice's id: the same whenever it is sent again), `webhook-timestamp` (Unix seconds of this try)
//! and `webhook-signature`, which is `v1,` and the Base64 of HMAC-SHA256 over `ID.TIMESTAMP.BODY`. A receiver checks the
//! signature over the raw body, refuses a time that is more than five minutes off, and drops an id that it knows.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::{CONTENT_TYPE, HeaderName};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::{Notice, send_mail, words};
use crate::project::{Channel, HttpConfig, SecretError, Way};
use crate::providers::http::{Answer, Http, HttpError, Redactor, displayable};

/// No channel is waited for longer.
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// Of what the other side says so much is told.
const LONGEST_ANSWER: usize = 200;
/// Begins a key that is written in Base64.
const BASE64_KEY: &str = "whsec_";

/// Why a channel did not take a notice. Holds no secret.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error("{key}")]
    Secret { key: &'static str, source: SecretError },
    #[error("{key} is no https address")]
    Address { key: &'static str },
    #[error("webhook.secret begins with {BASE64_KEY} and is no Base64 after that")]
    Key,
    #[error("cannot make the request")]
    SetUp(#[from] HttpError),
    #[error("status {status}: {said}")]
    Refused { status: u16, said: String },
    #[error("{why}")]
    NoAnswer { why: String },
    #[error("no answer within {} s", TIMEOUT.as_secs())]
    TooSlow,
    #[error("cannot write the mail: {why}")]
    Mail { why: String },
    #[error("mail server: {said}")]
    MailServer { said: String },
}

/// Sends a notice, once; says what the other side answered.
///
/// # Errors
/// When the channel did not take it, or did not say so within [`TIMEOUT`].
pub async fn send(channel: &Channel, notice: &Notice, now: DateTime<Utc>) -> Result<String, SendError> {
    let sending = async {
        match &channel.way {
            Way::Slack { url } => {
                let secret = url.read().map_err(|source| SendError::Secret { key: "slack.url", source })?;
                let address = https(secret.expose_secret()).ok_or(SendError::Address { key: "slack.url" })?;
                // What follows the host is what opens the door.
                let tail = SecretString::from(address.path().trim_matches('/').to_owned());
                post(address, words::slack(notice), Vec::new(), &Redactor::new(vec![secret, tail])).await
            }
            Way::Webhook { url, secret } => {
                let key = secret.read().map_err(|source| SendError::Secret { key: "webhook.secret", source })?;
                let address = https(url).ok_or(SendError::Address { key: "webhook.url" })?;
                let body = words::json(notice);
                let headers = signed(&notice.id, now, &body, &key)?;
                post(address, body, headers, &Redactor::new(vec![key])).await
            }
            Way::Email(email) => send_mail::send(email, notice).await,
        }
    };
    tokio::time::timeout(TIMEOUT, sending).await.unwrap_or(Err(SendError::TooSlow))
}

/// `https`, or `http` on this machine.
fn https(text: &str) -> Option<Url> {
    let url = Url::parse(text.trim()).ok()?;
    (url.scheme() == "https" || (url.scheme() == "http" && is_local(&url))).then_some(url)
}

fn is_local(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

/// The headers of a signed webhook.
fn signed(
    id: &str,
    now: DateTime<Utc>,
    body: &[u8],
    key: &SecretString,
) -> Result<Vec<(&'static str, String)>, SendError> {
    let key = match key.expose_secret().strip_prefix(BASE64_KEY) {
        Some(encoded) => BASE64_STANDARD.decode(encoded).map_err(|_| SendError::Key)?,
        None => key.expose_secret().as_bytes().to_vec(),
    };
    let time = now.timestamp().to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes a key of any length");
    mac.update(format!("{id}.{time}.").as_bytes());
    mac.update(body);
    let signature = format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()));
    Ok(vec![("webhook-id", id.to_owned()), ("webhook-timestamp", time), ("webhook-signature", signature)])
}

/// Posts JSON once: no redirects, no retries.
async fn post(
    url: Url,
    body: Vec<u8>,
    headers: Vec<(&'static str, String)>,
    redactor: &Redactor,
) -> Result<String, SendError> {
    let http = Http::new(&HttpConfig::once(TIMEOUT), is_local(&url))?;
    let mut request = http.request(Method::POST, url).header(CONTENT_TYPE, "application/json").body(body);
    for (name, value) in headers {
        request = request.header(HeaderName::from_static(name), value);
    }
    let request = request.build();
    let request = request.map_err(|error| SendError::NoAnswer { why: error.without_url().to_string() })?;
    match http.send_once(request, redactor).await? {
        Answer::Reply { status, body, .. } => {
            let said = displayable(&redactor.redact(String::from_utf8_lossy(&body).trim()), LONGEST_ANSWER);
            if (200..300).contains(&status) {
                let said = if said.is_empty() { String::new() } else { format!(": {said}") };
                Ok(format!("status {status}{said}"))
            } else {
                Err(SendError::Refused { status, said })
            }
        }
        Answer::NotSent { why } | Answer::Lost { why } => Err(SendError::NoAnswer { why }),
    }
}
