//! The card of a reply ("Kuggar Card Response"): the one place that sees its number and its code.
//!
//! What is handed on is written anew: the first six and the last four digits of the number, no code, and of all else
//! what was received, number by number as it was sent. What this file does not know is carried too, but for numbers as
//! long as a card's and for fields whose names say that they hold card data. No error repeats anything of a reply: the
//! words of the JSON library would.

use std::collections::HashSet;
use std::fmt;

use secrecy::zeroize::Zeroizing;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::mask;

/// Deeper nesting is no card.
const MOST_LEVELS: usize = 32;
/// A limit of more digits before its point, or in all, is none: a card number may have got there.
const MOST_LIMIT_DIGITS: [usize; 2] = [11, 15];

/// Fields of the published response that are texts, or null.
const TEXTS: [&str; 9] = [
    "provider",
    "providerId",
    "cardHolderName",
    "cardExpiry",
    "validFromDate",
    "validToDate",
    "currencyCode",
    "fundingCurrencyCode",
    "failureReason",
];

/// A card as Kuggar tells it, without what nobody may keep.
#[derive(Debug, Clone)]
pub struct Card {
    pub kuggar_id: String,
    /// `Created`, `Updated`, `Deleted`, `Failed`, or a word that is not published.
    pub state: String,
    /// Why it is `Failed`; the words of others.
    pub failure_reason: Option<String>,
    /// The limit digit by digit as it was sent, in major units of [`Self::currency`].
    pub limit: Option<String>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// As sent: `2022-04-19T00:00:00Z`.
    pub valid_from: Option<String>,
    pub valid_to: Option<String>,
    /// None where the card has no number (yet).
    pub first_six: Option<String>,
    pub last_four: Option<String>,
    /// The reply written anew.
    row: Box<RawValue>,
}

/// A reply that is no card. Nothing of the reply is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CardError {
    #[error("the reply is empty; expected a card")]
    Empty,
    #[error(
        "the reply is no JSON: it breaks at line {line}, column {column} (it is not shown, since it may hold a card number)"
    )]
    Json { line: usize, column: usize },
    #[error("the reply is no JSON object; expected a card")]
    NotAnObject,
    #[error("`{field}` of the card is {found}; expected {expected}")]
    Field { field: &'static str, found: &'static str, expected: &'static str },
    #[error("the card lacks `{field}`")]
    Missing { field: &'static str },
    #[error("a field of the card stands there twice; expected each once")]
    Twice,
    #[error("the card nests deeper than {MOST_LEVELS} levels")]
    TooDeep,
}

impl Card {
    /// Reads a reply's body. Whoever has the body drops it right after.
    ///
    /// # Errors
    /// When it is no card as published; never repeats any of it.
    pub fn read(body: &[u8]) -> Result<Self, CardError> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Err(CardError::Empty);
        }
        let members: Members<'_> = serde_json::from_slice(body).map_err(|error| wordless(&error))?;
        members.once()?;
        let mut card = Self {
            kuggar_id: members.required("kuggarId")?,
            state: members.required("state")?,
            failure_reason: None,
            limit: None,
            currency: None,
            valid_from: None,
            valid_to: None,
            first_six: None,
            last_four: None,
            row: RawValue::NULL.to_owned(),
        };
        let mut row = Row::default();
        for (name, raw) in &members.0 {
            card.take(name, raw, &mut row)?;
        }
        // What was put together from whole values is a whole value.
        card.row = RawValue::from_string(row.finish()).map_err(|error| wordless(&error))?;
        Ok(card)
    }

    /// The reply written anew: a JSON object with `cardFirstSix` and `cardLastFour` instead of the number, and no code.
    pub fn row(&self) -> &RawValue {
        &self.row
    }

    /// Kuggar holds the card no longer open.
    pub fn is_deleted(&self) -> bool {
        self.state == "Deleted"
    }

    /// The last thing that was asked of the card has failed.
    pub fn has_failed(&self) -> bool {
        self.state == "Failed"
    }

    /// One field of the reply, checked, into the card and into the new row.
    fn take(&mut self, name: &str, raw: &RawValue, row: &mut Row) -> Result<(), CardError> {
        match name {
            "kuggarId" => row.text(name, Some(&self.kuggar_id)),
            "state" => row.text(name, Some(&self.state)),
            "cardNumber" => {
                (self.first_six, self.last_four) = ends(raw)?;
                row.text("cardFirstSix", self.first_six.as_deref());
                row.text("cardLastFour", self.last_four.as_deref());
            }
            "cardLimit" => {
                self.limit = limit(raw)?;
                row.raw(name, raw.get());
            }
            "enhancedDataFields" => {
                if !matches!(kind(raw), "a list" | "null") {
                    return Err(unexpected("enhancedDataFields", raw, "a list of names and values, or null"));
                }
                row.any(name, raw.get())?;
            }
            // Our own names for what is left of the number.
            "cardFirstSix" | "cardLastFour" => {}
            _ => match TEXTS.iter().find(|field| **field == name) {
                Some(field) => {
                    let text = text(field, raw)?;
                    row.text(field, text.as_deref());
                    self.keep(field, text);
                }
                None if mask::names_card_data(name) => {}
                None => row.any(name, raw.get())?,
            },
        }
        Ok(())
    }

    fn keep(&mut self, field: &str, text: Option<String>) {
        match field {
            "failureReason" => self.failure_reason = text,
            "currencyCode" => self.currency = text,
            "validFromDate" => self.valid_from = text,
            "validToDate" => self.valid_to = text,
            _ => {}
        }
    }
}

/// The fields of an object in the order in which they came; values are not read yet.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry::<String, &'de RawValue>()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

impl Members<'_> {
    /// Of two fields of one name nobody can say which counts.
    fn once(&self) -> Result<(), CardError> {
        let mut seen = HashSet::new();
        if self.0.iter().all(|(name, _)| seen.insert(name.as_str())) { Ok(()) } else { Err(CardError::Twice) }
    }

    fn required(&self, field: &'static str) -> Result<String, CardError> {
        let found = self.0.iter().find(|(name, _)| name == field).ok_or(CardError::Missing { field })?;
        text(field, found.1)?.filter(|text| !text.is_empty()).ok_or(CardError::Missing { field })
    }
}

/// The new row as it is written.
#[derive(Default)]
struct Row(String);

impl Row {
    fn name(&mut self, name: &str) {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        self.0.push_str(&quoted(name));
        self.0.push(':');
    }

    fn text(&mut self, name: &str, text: Option<&str>) {
        self.name(name);
        self.0.push_str(&text.map_or_else(|| "null".to_owned(), quoted));
    }

    fn raw(&mut self, name: &str, json: &str) {
        self.name(name);
        self.0.push_str(json);
    }

    /// A value of any shape, with all masked that may be card data.
    fn any(&mut self, name: &str, json: &str) -> Result<(), CardError> {
        self.name(&mask::without_numbers(name));
        put(json, 1, &mut self.0)
    }

    fn finish(mut self) -> String {
        self.0.push_str(if self.0.is_empty() { "{}" } else { "}" });
        self.0
    }
}

/// Writes a value again, masked where it may be card data.
fn put(json: &str, level: usize, to: &mut String) -> Result<(), CardError> {
    if level > MOST_LEVELS {
        return Err(CardError::TooDeep);
    }
    match json.as_bytes().first() {
        Some(b'{') => put_object(json, level, to),
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(json).map_err(|error| wordless(&error))?;
            to.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    to.push(',');
                }
                put(item.get(), level + 1, to)?;
            }
            to.push(']');
            Ok(())
        }
        Some(b'"') => {
            let text: Zeroizing<String> =
                serde_json::from_str::<String>(json).map_err(|error| wordless(&error))?.into();
            to.push_str(&quoted(&mask::without_numbers(&text)));
            Ok(())
        }
        Some(b'-' | b'0'..=b'9') if json.bytes().filter(u8::is_ascii_digit).count() >= mask::FEWEST_DIGITS => {
            to.push_str(&quoted(&mask::without_numbers(json)));
            Ok(())
        }
        _ => {
            to.push_str(json);
            Ok(())
        }
    }
}

/// The fields of an object but for those that hold card data, by their own names or by a `name` beside the value.
fn put_object(json: &str, level: usize, to: &mut String) -> Result<(), CardError> {
    let members: Members<'_> = serde_json::from_str(json).map_err(|error| wordless(&error))?;
    let is_told = |(name, raw): &(String, &RawValue)| {
        let told = || serde_json::from_str::<String>(raw.get()).is_ok_and(|told| mask::names_card_data(&told));
        name.eq_ignore_ascii_case("name") && told()
    };
    let holds_card_data = members.0.iter().any(is_told);
    let mut row = Row::default();
    for (name, raw) in &members.0 {
        if mask::names_card_data(name) || (holds_card_data && name.eq_ignore_ascii_case("value")) {
            continue;
        }
        row.name(&mask::without_numbers(name));
        put(raw.get(), level + 1, &mut row.0)?;
    }
    to.push_str(&row.finish());
    Ok(())
}

/// The first six and the last four digits of a number. The number itself is wiped from memory; a provider that masks it
/// already is fine.
fn ends(raw: &RawValue) -> Result<(Option<String>, Option<String>), CardError> {
    const EXPECTED: &str = "12 to 19 digits as a text, or null";
    let wrong = || unexpected("cardNumber", raw, EXPECTED);
    let number = match kind(raw) {
        "null" => return Ok((None, None)),
        "a text" => Zeroizing::new(serde_json::from_str::<String>(raw.get()).map_err(|_| wrong())?),
        _ => return Err(wrong()),
    };
    let number: Zeroizing<String> = Zeroizing::new(number.chars().filter(|c| !matches!(c, ' ' | '-')).collect());
    let known = |c: char| c.is_ascii_digit() || matches!(c, '*' | 'x' | 'X' | '•');
    let count = number.chars().count();
    if !(12..=19).contains(&count) || !number.chars().all(known) {
        return Err(CardError::Field { field: "cardNumber", found: "another text", expected: EXPECTED });
    }
    let digits = |text: String| text.bytes().all(|byte| byte.is_ascii_digit()).then_some(text);
    let first = number.chars().take(6).collect();
    let last = number.chars().skip(count - 4).collect();
    Ok((digits(first), digits(last)))
}

/// A decimal number as it was sent.
fn limit(raw: &RawValue) -> Result<Option<String>, CardError> {
    const EXPECTED: &str = "a decimal number such as 123.45, or null";
    match kind(raw) {
        "null" => Ok(None),
        "a number" => {
            let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count();
            let whole = raw.get().split(['.', 'e', 'E']).next().map_or(0, digits);
            let [most_whole, most] = MOST_LIMIT_DIGITS;
            if whole > most_whole || digits(raw.get()) > most {
                let found = "a number of more than 11 digits before its point, or 15 in all";
                return Err(CardError::Field { field: "cardLimit", found, expected: EXPECTED });
            }
            Ok(Some(raw.get().to_owned()))
        }
        _ => Err(unexpected("cardLimit", raw, EXPECTED)),
    }
}

/// A text of the published response, with numbers masked that may be a card's. An id of Kuggar's shape is none.
fn text(field: &'static str, raw: &RawValue) -> Result<Option<String>, CardError> {
    match kind(raw) {
        "null" => Ok(None),
        "a text" => {
            let text: Zeroizing<String> =
                serde_json::from_str::<String>(raw.get()).map_err(|error| wordless(&error))?.into();
            Ok(Some(mask::without_numbers(&text)))
        }
        _ => Err(unexpected(field, raw, "a text, or null")),
    }
}

fn unexpected(field: &'static str, raw: &RawValue, expected: &'static str) -> CardError {
    CardError::Field { field, found: kind(raw), expected }
}

/// What a value is, in words that say nothing of it.
fn kind(raw: &RawValue) -> &'static str {
    match raw.get().as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'"') => "a text",
        Some(b't' | b'f') => "true or false",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// A JSON error without its words: these may repeat what was read.
fn wordless(error: &serde_json::Error) -> CardError {
    match error.classify() {
        Category::Data => CardError::NotAnObject,
        _ => CardError::Json { line: error.line(), column: error.column() },
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
