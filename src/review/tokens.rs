//! Tokens of sessions and forms, and the cookies that carry them. A token is shown to nobody but its browser.

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::digest::{hex, sha256};

/// 256 random bits, in hexadecimal.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The machine gives no random numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this machine gives no random numbers")]
pub struct NoRandomness;

impl Token {
    /// A new one.
    ///
    /// # Errors
    /// When the machine gives no random numbers.
    pub fn random() -> Result<Self, NoRandomness> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|_| NoRandomness)?;
        Ok(Self(hex(&bytes)))
    }

    /// What a browser has brought, if it has the form of one.
    pub fn parse(text: &str) -> Option<Self> {
        let good = text.len() == 64 && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        good.then(|| Self(text.to_owned()))
    }

    /// What the journal knows it by.
    pub fn id(&self) -> String {
        sha256(self.0.as_bytes())
    }

    /// What each form of whoever has this token must bring back. The token cannot be found by it.
    pub fn of_forms(&self) -> String {
        hex(&self.mac("form").finalize().into_bytes())
    }

    /// Whether a form has brought back what belongs to this token, in a time that says nothing.
    pub fn is_of_form(&self, brought: &str) -> bool {
        is_mac(self.mac("form"), brought)
    }

    /// The token of forms of somebody without a session, whom a proxy names.
    pub fn of_forms_of(&self, name: &str) -> String {
        hex(&self.mac(&format!("proxy {name}")).finalize().into_bytes())
    }

    /// See [`Self::of_forms_of`].
    pub fn is_of_form_of(&self, name: &str, brought: &str) -> bool {
        is_mac(self.mac(&format!("proxy {name}")), brought)
    }

    fn mac(&self, of: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()).expect("HMAC takes a key of any length");
        mac.update(of.as_bytes());
        mac
    }
}

fn is_mac(mac: Hmac<Sha256>, brought: &str) -> bool {
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let bytes: Option<Vec<u8>> = brought
        .as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect();
    bytes.is_some_and(|bytes| mac.verify_slice(&bytes).is_ok())
}

/// Which cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookie {
    /// Of a session.
    Session,
    /// Of the form by which one begins.
    SignIn,
}

impl Cookie {
    /// Over TLS browsers take a cookie of this prefix from this very host alone.
    pub const fn name(self, https: bool) -> &'static str {
        match (self, https) {
            (Self::Session, true) => "__Host-tieout",
            (Self::Session, false) => "tieout",
            (Self::SignIn, true) => "__Host-tieout-sign-in",
            (Self::SignIn, false) => "tieout-sign-in",
        }
    }

    /// The token that a browser has brought. One that comes twice was planted by somebody: it counts for nothing.
    pub fn read(self, headers: &HeaderMap, https: bool) -> Option<Token> {
        let name = self.name(https);
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs = cookies.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut found = pairs.filter(|(key, _)| *key == name).map(|(_, value)| value);
        match (found.next(), found.next()) {
            (Some(value), None) => Token::parse(value),
            _ => None,
        }
    }

    /// `Set-Cookie` that keeps it until the browser is closed.
    pub fn set(self, token: &Token, https: bool) -> String {
        format!("{}={}{}", self.name(https), token.0, attributes(https))
    }

    /// `Set-Cookie` that takes it away.
    pub fn clear(self, https: bool) -> String {
        format!("{}=; Max-Age=0{}", self.name(https), attributes(https))
    }
}

const fn attributes(https: bool) -> &'static str {
    if https { "; Path=/; HttpOnly; SameSite=Strict; Secure" } else { "; Path=/; HttpOnly; SameSite=Strict" }
}
