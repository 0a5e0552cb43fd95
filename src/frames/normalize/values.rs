//! Canonical text values: folded words, card digits, months.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::Text;
use super::columns::{Value, Values};
use crate::frames::schema::Field;

/// The canonical form of a text field that is none of its own (a currency, a status). The text is neither empty nor
/// surrounded by blanks.
pub(super) fn text(field: Field, text: &str) -> Text<'_> {
    match field {
        Field::Direction => upper(text),
        Field::PaymentStatus if text.eq_ignore_ascii_case("PENDING") => Cow::Borrowed("UNPAID"),
        Field::PayoutMonth => Cow::Borrowed(month(text)),
        Field::CardFirstSix => digits(text, |all| &all[..all.len().min(6)]),
        Field::CardLastFour => digits(text, |all| &all[all.len().saturating_sub(4)..]),
        _ => Cow::Borrowed(text),
    }
}

/// Whether [`text`] leaves a field as it is, and nothing else is made of it.
pub(super) const fn is_as_written(field: Field) -> bool {
    !matches!(
        field,
        Field::Currency
            | Field::Status
            | Field::Direction
            | Field::PaymentStatus
            | Field::PayoutMonth
            | Field::CardFirstSix
            | Field::CardLastFour
    )
}

/// A text; one that is empty says nothing.
pub(super) const fn word(text: &str) -> Value<'_> {
    if text.is_empty() { Value::Null } else { Value::Text(text) }
}

pub(super) fn upper(text: &str) -> Text<'_> {
    if text.bytes().any(|byte| byte.is_ascii_lowercase()) {
        Cow::Owned(text.to_ascii_uppercase())
    } else {
        Cow::Borrowed(text)
    }
}

/// `YYYY-MM` of a time that begins with it; anything else as it is written.
fn month(text: &str) -> &str {
    let bytes = text.as_bytes();
    let begins = bytes.len() >= 7
        && bytes[..4].iter().all(u8::is_ascii_digit)
        && bytes[4] == b'-'
        && bytes[5..7].iter().all(u8::is_ascii_digit)
        && bytes.get(7).is_none_or(|next| *next == b'-');
    if begins { &text[..7] } else { text }
}

/// At most the digits that `part` takes: a whole card number gets no further than this.
fn digits(text: &str, part: impl Fn(&str) -> &str) -> Text<'_> {
    if text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Cow::Borrowed(text);
    }
    let all: String = text.chars().filter(char::is_ascii_digit).collect();
    Cow::Owned(part(&all).to_owned())
}

/// Whether every field that the job restricts holds one of the words it asks for.
pub(super) fn selected(values: &Values<'_>, only: &BTreeMap<Field, Vec<String>>) -> bool {
    only.iter().all(|(field, words)| match values[*field as usize] {
        Value::Null => false,
        Value::Text(text) => words.iter().any(|word| word == text),
        Value::Number(number) => words.contains(&number.to_string()),
    })
}
