//! Logged notifications: the envelope around the raw body, written and read, and the check of its signature
//! (Kard, "Notifications", webhook authentication: base64 of HMAC-SHA256 over the raw body).

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::Sha256;

/// The keyed states, ready to be cloned for each body. Never prints its keys.
pub(crate) struct Verifier {
    keyed: Vec<Hmac<Sha256>>,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").finish_non_exhaustive()
    }
}

impl Verifier {
    /// Takes the key, and the one before it while a key is rotated: either is good.
    pub(crate) fn new(keys: &[SecretString]) -> Self {
        let keyed = keys
            .iter()
            .map(|key| Hmac::new_from_slice(key.expose_secret().as_bytes()).expect("HMAC takes a key of any length"));
        Self { keyed: keyed.collect() }
    }

    /// Checks a signature over the raw bytes, in constant time.
    ///
    /// # Errors
    /// A lowercase fragment that goes on from "the notification".
    pub(crate) fn check(&self, body: &[u8], signature: &str) -> Result<(), String> {
        let signature = STANDARD
            .decode(signature.trim())
            .map_err(|_| "has a signature that is not base64; expected base64 of an HMAC-SHA256".to_owned())?;
        let good = self.keyed.iter().fold(false, |good, keyed| {
            let mut mac = keyed.clone();
            mac.update(body);
            // Not lazily: which key fits is nobody's business either.
            mac.verify_slice(&signature).is_ok() | good
        });
        if good {
            return Ok(());
        }
        Err("has a wrong signature: the body is not what was signed with the webhook key".to_owned())
    }
}

/// What stands after the time of receipt in one line of a log; without its end.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Logged<'n> {
    pub(crate) signature: Option<&'n str>,
    /// None where it is no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<&'n str>,
    /// Base64, in its stead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body_base64: Option<&'n str>,
    /// Why it was rejected; what was taken has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<&'n str>,
}

impl Logged<'_> {
    /// The line but for its beginning, which [`line`] adds.
    pub(crate) fn rest(self) -> String {
        serde_json::to_string(&self).expect("text is always JSON")
    }
}

/// Adds to `log` the line with the time of receipt (RFC 3339) before what [`Logged::rest`] wrote.
pub(crate) fn line(log: &mut String, received_at: &str, rest: &str) {
    log.push_str("{\"received_at\":\"");
    log.push_str(received_at);
    log.push_str("\",");
    log.push_str(&rest[1..]);
    log.push('\n');
}

/// The id of a notification: its idempotency key ("Notifications", `data.id`).
///
/// # Errors
/// A lowercase fragment that goes on from "the notification": it is no JSON object of which every value can be read,
/// or has no such id.
pub(crate) fn event_id(body: &str) -> Result<String, String> {
    if !body.trim_ascii_start().starts_with('{') {
        return Err("is not a readable JSON object: expected `{`".to_owned());
    }
    let told = |error: serde_json::Error| format!("is not a readable JSON object: {}", super::read::told(&error));
    let mut value: Value = serde_json::from_str(body).map_err(told)?;
    let id = match value.pointer_mut("/data/id").map(Value::take) {
        Some(Value::String(id)) if !id.trim().is_empty() && !id.contains('\0') => id,
        Some(_) => return Err("has a `data.id` that is no text, or empty".to_owned()),
        None => return Err("has no `data.id`".to_owned()),
    };
    // Of two values nobody knows which is meant, and no job reads such a line.
    serde_json::from_str::<Once>(body).map(|_| id).map_err(told)
}

/// Refuses what stands twice where notifications are told apart.
#[derive(Deserialize)]
struct Once {
    #[expect(dead_code, reason = "that it can be read is all that is asked")]
    data: OnceInData,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "likewise")]
struct OnceInData {
    id: IgnoredAny,
    r#type: Option<IgnoredAny>,
    relationships: Option<IgnoredAny>,
}

/// One notification of the log.
#[derive(Debug)]
pub(crate) struct Notification<'l> {
    pub(crate) body: Cow<'l, str>,
    /// As the logger wrote it.
    pub(crate) received_at: Option<String>,
    /// Why the receiver rejected it; none for what it took. The signature of what was rejected is not checked again.
    pub(crate) rejected: Option<String>,
}

#[derive(Deserialize)]
struct Envelope {
    received_at: Option<String>,
    signature: Option<String>,
    body: Option<String>,
    reason: Option<String>,
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
    let (received_at, rejected) = (envelope.received_at, envelope.reason);
    if rejected.is_some() && (received_at.is_some() || envelope.body.is_some()) {
        return Ok(Notification { body: Cow::Owned(envelope.body.unwrap_or_default()), received_at, rejected });
    }
    let Some(body) = envelope.body else {
        return match verifier {
            None => Ok(Notification { body: Cow::Borrowed(line), received_at: None, rejected: None }),
            Some(_) => {
                Err("has no signature: a bare notification; expected an envelope with `signature` and `body`"
                    .to_owned())
            }
        };
    };
    if let Some(verifier) = verifier {
        let signature = envelope.signature.filter(|text| !text.trim().is_empty());
        let signature = signature.ok_or("has no signature; expected `signature` beside `body`")?;
        verifier.check(body.as_bytes(), &signature)?;
    }
    Ok(Notification { body: Cow::Owned(body), received_at, rejected: None })
}
