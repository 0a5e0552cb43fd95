//! Text of others made fit for logs and errors: no token, no signed query, no card number.

use std::fmt::Write as _;

use secrecy::{ExposeSecret, SecretString};

use crate::text::{cut, is_hidden};

/// What stands in place of a secret.
const GONE: &str = "[redacted]";
/// Longer words without a space are tokens, signatures or keys rather than language.
const LONGEST_WORD: usize = 40;
/// Card numbers have 13 to 19 digits.
const CARD_DIGITS: usize = 13;

/// Knows this client's own secrets and the looks of others'.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    /// Replaced wherever they stand. `SecretString` keeps them out of `Debug`.
    known: Vec<SecretString>,
}

impl Redactor {
    pub const fn new(known: Vec<SecretString>) -> Self {
        Self { known }
    }

    /// The same, and `secret` too.
    #[must_use]
    pub fn and(&self, secret: &SecretString) -> Self {
        let mut known = self.known.clone();
        known.push(secret.clone());
        Self { known }
    }

    /// Takes out every known secret, credentials after `Bearer` and `Basic`, queries of addresses,
    /// words of more than 40 characters, and runs of 13 digits or more.
    pub fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.known {
            // A very short "secret" would punch holes into ordinary words.
            if secret.expose_secret().len() >= 4 {
                text = text.replace(secret.expose_secret(), GONE);
            }
        }
        mask_digits(&mask_words(&text))
    }
}

/// Cuts hidden characters and everything past `limit` characters, so that a text of others
/// cannot move the cursor, forge a line or fill the screen.
pub fn displayable(text: &str, limit: usize) -> String {
    let shown: String = text.chars().filter(|c| !is_hidden(*c)).take(limit + 1).collect();
    cut(&shown, limit).into_owned()
}

fn mask_words(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    // Whether the last word announces a secret.
    let mut after_name = false;
    for piece in text.split_inclusive(is_word_end) {
        let word = piece.trim_end_matches(is_word_end);
        let end = &piece[word.len()..];
        if word.is_empty() {
            masked.push_str(end);
            continue;
        }
        // `"access_token" : "x"`: what stands between name and value is no value yet.
        let is_separator = word.chars().all(|c| matches!(c, ':' | '=' | '\\'));
        if is_separator {
            masked.push_str(piece);
            continue;
        }
        let long = word.chars().count() > LONGEST_WORD && !word.contains("://");
        if word != "redacted" && (after_name || long || holds_secret(word)) {
            masked.push_str(GONE);
        } else if let Some(query) = word.find('?').filter(|_| word.contains("://")) {
            let _ = write!(masked, "{}?{GONE}", &word[..query]);
        } else {
            masked.push_str(word);
        }
        masked.push_str(end);
        // A number in groups is one value.
        let goes_on = after_name && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        after_name = goes_on || announces_secret(word);
    }
    masked
}

/// `Bearer x`, `"access_token": "x"`, `password: x`.
fn announces_secret(word: &str) -> bool {
    const NAMES: [&str; 17] = [
        "bearer",
        "basic",
        "access_token",
        "id_token",
        "refresh_token",
        "client_secret",
        "password",
        "clientsecret",
        // Card data: a code is too short to be found by its looks, and a number that is cut off, too.
        "cardnumber",
        "card_number",
        "pan",
        "cardsecuritycode",
        "card_security_code",
        "securitycode",
        "security_code",
        "cvv",
        "cvc",
    ];
    let word = word.trim_end_matches([':', '=', '\\']);
    NAMES.iter().any(|name| word.eq_ignore_ascii_case(name))
}

/// `client_secret=x`, also in the middle of a form body or a query.
fn holds_secret(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    !lower.contains("://") && ["secret=", "token=", "password=", "signature="].iter().any(|name| lower.contains(name))
}

fn is_word_end(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | ',' | ';' | '(' | ')' | '{' | '}' | '[' | ']')
}

/// Runs of digits, single spaces and hyphens between them allowed.
fn mask_digits(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        masked.push_str(&rest[..start]);
        let (run, digits) = digit_run(&rest[start..]);
        masked.push_str(if digits >= CARD_DIGITS { GONE } else { &rest[start..start + run] });
        rest = &rest[start + run..];
    }
    masked.push_str(rest);
    masked
}

/// Length in bytes of the run that `text` begins with, and how many digits are in it.
fn digit_run(text: &str) -> (usize, usize) {
    let bytes = text.as_bytes();
    let (mut end, mut digits) = (0, 0);
    for (at, byte) in bytes.iter().enumerate() {
        if byte.is_ascii_digit() {
            (end, digits) = (at + 1, digits + 1);
        } else if !matches!(byte, b' ' | b'-') || at != end {
            break;
        }
    }
    (end, digits)
}
