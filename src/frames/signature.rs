//! Logged notifications: the envelope around the raw body, and the check of its signature
//! (Kard, "Notifications", webhook authentication: base64 of HMAC-SHA256 over the raw body).

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::Sha256;

/// The keyed state, ready to be cloned for each body. Never prints its key.
pub(crate) struct Verifier {
    keyed: Hmac<Sha256>,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").finish_non_exhaustive()
    }
}

impl Verifier {
    pub(crate) fn new(key: &SecretString) -> Self {
        let keyed = Hmac::new_from_slice(key.expose_secret().as_bytes()).expect("HMAC takes a key of any length");
        Self { keyed }
    }

    /// Compares in constant time.
    fn check(&self, body: &str, signature: &str) -> Result<(), String> {
        let signature = STANDARD
            .decode(signature.trim())
            .map_err(|_| "has a signature that is not base64; expected base64 of an HMAC-SHA256".to_owned())?;
        let mut mac = self.keyed.clone();
        mac.update(body.as_bytes());
        mac.verify_slice(&signature)
            .map_err(|_| "has a wrong signature: the body is not what was signed with the webhook key".to_owned())
    }
}

/// One notification of the log.
#[derive(Debug)]
pub(crate) struct Notification<'l> {
    pub(crate) body: Cow<'l, str>,
    /// As the logger wrote it.
    pub(crate) received_at: Option<String>,
}

#[derive(Deserialize)]
struct Envelope {
    received_at: Option<String>,
    signature: Option<String>,
    body: Option<String>,
}

/// The notification on a line, bare or in its envelope; with a verifier, only if it is signed.
///
/// # Errors
/// A lowercase fragment: why the line is no notification that may be believed.
pub(crate) fn unwrap_line<'l>(line: &'l str, verifier: Option<&Verifier>) -> Result<Notification<'l>, String> {
    // A list could be read as an envelope, value by value.
    if !line.trim_start().starts_with('{') {
        return Err("is not a readable JSON object: expected `{`".to_owned());
    }
    let envelope: Envelope = serde_json::from_str(line)
        .map_err(|error| format!("is not a readable JSON object: {}", super::read::told(&error)))?;
    let Some(body) = envelope.body else {
        return match verifier {
            None => Ok(Notification { body: Cow::Borrowed(line), received_at: None }),
            Some(_) => {
                Err("has no signature: a bare notification; expected an envelope with `signature` and `body`"
                    .to_owned())
            }
        };
    };
    if let Some(verifier) = verifier {
        let signature = envelope.signature.filter(|text| !text.trim().is_empty());
        let signature = signature.ok_or("has no signature; expected `signature` beside `body`")?;
        verifier.check(&body, &signature)?;
    }
    Ok(Notification { body: Cow::Owned(body), received_at: envelope.received_at })
}
