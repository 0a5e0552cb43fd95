//! `fileProcessingResult`, as published under "Notifications": written to a webhook log as a receiver would log it,
//! and posted to an address if one is given.

use std::fs::File;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat, Utc};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Url;
use serde_json::{Value, json};
use sha2::Sha256;

use super::state::State;
use super::uploads::{StoredObject, UploadSession, object_path, presigned};
use super::{Fault, ORGANIZATION, On, WEBHOOK_KEY};

/// "Temporary URL that provides direct access to download the file for 30 minutes."
const DOWNLOAD_SECONDS: u32 = 1_800;

/// Where notifications go.
#[derive(Debug)]
pub(super) struct Notifier {
    log: Option<Mutex<File>>,
    address: Option<(reqwest::Client, Url)>,
}

impl Notifier {
    /// # Errors
    /// When no HTTP client can be made.
    pub(super) fn new(log: Option<File>, address: Option<Url>) -> Result<Self, reqwest::Error> {
        let client = |url: Url| {
            // An error says that a provider is installed already, which is all that is wanted.
            let _ = rustls::crypto::ring::default_provider().install_default();
            let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
            builder.timeout(std::time::Duration::from_secs(10)).build().map(|client| (client, url))
        };
        Ok(Self { log: log.map(Mutex::new), address: address.map(client).transpose()? })
    }

    /// Once, to the log and to the address. What fails is told, and not tried again.
    async fn send(self: &Arc<Self>, body: String) {
        let signature = signature(&body);
        if self.log.is_some() {
            let (notifier, line) = (Arc::clone(self), envelope(&body, &signature));
            match tokio::task::spawn_blocking(move || notifier.append(&line)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, "the sandbox cannot write its notifications"),
                Err(error) => tracing::warn!(%error, "the sandbox did not write a notification"),
            }
        }
        if let Some((client, url)) = &self.address {
            let request = client.post(url.clone()).header("content-type", "application/json");
            match request.header("notify-signature", signature).body(body).send().await {
                Ok(response) if response.status().is_success() => {}
                Ok(response) => tracing::warn!(status = response.status().as_u16(), "a notification was refused"),
                Err(error) => tracing::warn!(error = %error.without_url(), "a notification was not delivered"),
            }
        }
    }

    fn append(&self, line: &str) -> std::io::Result<()> {
        let Some(log) = &self.log else { return Ok(()) };
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        log.write_all(line.as_bytes())?;
        log.sync_all()
    }
}

/// Tells what was made of an object, as the fault plan wants it.
pub(super) async fn tell(state: &State, session: &UploadSession, object: &StoredObject, errors: Vec<Value>) {
    let fault = state.faults.next(On::Notification);
    match &fault {
        Some(Fault::Drop) => return,
        Some(Fault::Late(wait)) => tokio::time::sleep(*wait).await,
        _ => {}
    }
    let name = match fault {
        Some(Fault::WrongFileName) => format!("other-{}", session.filename),
        _ => session.filename.clone(),
    };
    let body = payload(state, session, object, &name, errors).to_string();
    if fault == Some(Fault::Repeat) {
        state.notifier.send(body.clone()).await;
    }
    state.notifier.send(body).await;
}

fn payload(state: &State, session: &UploadSession, object: &StoredObject, name: &str, errors: Vec<Value>) -> Value {
    let path = object_path(session);
    let mut payload = json!({
        "data": {
            "type": "fileProcessingResult",
            "id": format!("file-result-{}-{}", session.id, session.puts),
            "attributes": {
                "fileName": name,
                "sentAt": time(object.put_at),
                "lastModified": time(Utc::now()),
                "downloadUrl": presigned(state, "GET", &path, Utc::now(), DOWNLOAD_SECONDS),
            },
        },
        "meta": { "issuerId": ORGANIZATION, "issuerName": "Sandbox" },
    });
    if !errors.is_empty() {
        payload["errors"] = errors.into();
    }
    payload
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// "base64 of HMAC-SHA256 over the body with the issuer's webhook key"
fn signature(body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(WEBHOOK_KEY.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(body.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// One line of a webhook log.
fn envelope(body: &str, signature: &str) -> String {
    let envelope = json!({ "received_at": time(Utc::now()), "signature": signature, "body": body });
    format!("{envelope}\n")
}
