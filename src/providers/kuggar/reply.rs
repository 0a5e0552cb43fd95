//! What Kuggar answers: the login's token, and what an answer says of a call that was to change something.
//!
//! The shape of the login's reply is not published, nor is that of errors.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;
use serde::Deserialize;
use serde_json::Value;

use super::card::Card;
use super::mask;
use super::request::{Call, Doing};
use crate::providers::http::{Answer, displayable};

/// Where the token is looked for.
const TOKEN_NAMES: [&str; 3] = ["token", "accessToken", "jwt"];
/// A header of more is not taken anywhere.
const MOST_TOKEN_BYTES: usize = 16 << 10;
/// Words of others are told up to this many characters.
const TOLD: usize = 300;

/// The token of a login's reply: a JSON text, a bare text, or an object that holds it at `path` (without one: in
/// `token`, `accessToken` or `jwt`).
///
/// # Errors
/// When there is none, in words without any of the reply.
pub fn token(body: &[u8], path: Option<&str>) -> Result<SecretString, String> {
    let found = match (serde_json::from_slice::<Value>(body), path) {
        (Ok(Value::String(text)), None) => Some(text),
        (Ok(object), Some(path)) => {
            let found = path.split('.').try_fold(&object, |value, name| value.get(name));
            found.and_then(Value::as_str).map(str::to_owned)
        }
        (Ok(object), None) => TOKEN_NAMES.iter().find_map(|name| object.get(name)?.as_str()).map(str::to_owned),
        (Err(_), None) => std::str::from_utf8(body).ok().map(|text| text.trim().to_owned()),
        (Err(_), Some(_)) => None,
    };
    let found = found.map(Zeroizing::new).filter(|text| is_token(text));
    let looked_for = match path {
        Some(path) => format!("at `{path}`, where token_path says that it is"),
        None => "; expected a JSON text or an object with `token`, `accessToken` or `jwt`; set token_path".to_owned(),
    };
    found.map(|text| SecretString::from(text.as_str())).ok_or_else(|| {
        format!("the reply of the login holds no token{}{looked_for}", if path.is_some() { " " } else { "" })
    })
}

/// What the field calls `token68`: letters, digits and a few signs. Half a JSON text is none.
fn is_token(text: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    !text.is_empty() && text.len() <= MOST_TOKEN_BYTES && text.bytes().all(good)
}

/// When a JSON web token says that it goes stale (`exp`), if it does. Its signature is Kuggar's own business.
pub fn expiry(token: &str) -> Option<DateTime<Utc>> {
    #[derive(Deserialize)]
    struct Claims {
        exp: f64,
    }
    let claims = token.split('.').nth(1)?;
    let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    let Claims { exp } = serde_json::from_slice(&claims).ok()?;
    // A time, no amount: beyond a thousandth of a second nothing is lost.
    #[expect(clippy::cast_possible_truncation, reason = "beyond the range of i64 it becomes its end, which is no time")]
    let seconds = exp.floor() as i64;
    DateTime::from_timestamp(seconds, 0)
}

/// The words of an error's body for people. Whatever may be card data is masked, and a body that is no JSON is not told.
pub fn words(body: &str) -> String {
    const NAMES: [&str; 6] = ["message", "detail", "title", "error_description", "error", "errors"];
    let body: Option<Value> = serde_json::from_str(body).ok();
    let text = match &body {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Object(fields)) => {
            NAMES.iter().filter_map(|name| fields.get(*name)).find_map(|value| match value {
                Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
                _ => None,
            })
        }
        _ => None,
    };
    // What speaks of card data is not told at all: a security code is too short to be found in it.
    match text.filter(|text| !mask::names_card_data(text)) {
        Some(text) => displayable(&mask::without_numbers(text.trim()), TOLD),
        None => "without a reason that may be shown".to_owned(),
    }
}

/// What came of a call that was sent once. There is no idempotency key: what may have been done is never sent again by
/// itself. For a card that has an id [`Call::seen`] tells after a look at it.
#[derive(Debug, Clone)]
pub enum Judged {
    /// Done, and this is the card now. Its state may be `Failed`: then Kuggar has it, and the card's issuer refused.
    Done(Box<Card>),
    /// A deletion without a word about the card (204).
    Deleted,
    /// Surely not done.
    NotDone { why: String, next: Next },
    /// It may have been done.
    InDoubt { why: String },
}

/// What is to be done after a call that surely changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It did not get there, or Kuggar wants it later: again is fine.
    Again,
    /// 401: with a new token.
    NewToken,
    /// 400: nobody will ever take it so.
    Refused,
    /// 403: the token is good, and not for this card.
    NotOurs,
    /// 404: there is no such card.
    NoSuchCard,
}

/// Judges the answer to a call ("Response Codes").
pub fn judge(call: &Call, answer: &Answer) -> Judged {
    let (status, body, web_page) = match answer {
        Answer::NotSent { why } => return Judged::NotDone { why: why.clone(), next: Next::Again },
        Answer::Lost { why } => return Judged::InDoubt { why: why.clone() },
        Answer::Reply { status, body, web_page, .. } => (*status, body.as_slice(), *web_page),
    };
    let why = || {
        if web_page {
            return format!("status {status} with a web page; a proxy or a maintenance page may answer");
        }
        format!("status {status}: {}", words(&String::from_utf8_lossy(body)))
    };
    let next = match status {
        200 | 201 if !web_page => return done(call, status, body),
        204 if call.doing == Doing::Delete => return Judged::Deleted,
        100..=299 | 408 | 425 | 500..=599 => return Judged::InDoubt { why: why() },
        401 => Next::NewToken,
        403 => Next::NotOurs,
        404 if call.doing != Doing::Create => Next::NoSuchCard,
        429 => Next::Again,
        _ => Next::Refused,
    };
    Judged::NotDone { why: why(), next }
}

/// A success that must tell the card of the call.
fn done(call: &Call, status: u16, body: &[u8]) -> Judged {
    let card = match Card::read(body) {
        Ok(card) => card,
        Err(error) => return Judged::InDoubt { why: format!("status {status}, but {error}") },
    };
    match &call.kuggar_id {
        Some(id) if !id.eq_ignore_ascii_case(&card.kuggar_id) => {
            Judged::InDoubt { why: format!("status {status}, but the reply is about another card") }
        }
        _ => Judged::Done(Box::new(card)),
    }
}
