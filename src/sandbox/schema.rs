//! The published transactions, field by field, as tables ("Create Incoming Transactions", "Add Upload Part"), and
//! the check of one item against them. Written down apart from what makes the records: an independent judge.

use chrono::DateTime;
use serde_json::Value;

use crate::money;

/// The four items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item {
    Transaction,
    Matched,
    Core,
    Historical,
}

/// What a value must be.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    /// A text that may not be empty.
    Id,
    Integer,
    DateTime,
    Currency,
    /// A text of so many digits.
    Digits(usize),
    ListOfLastFours,
    OneOf(&'static [&'static str]),
    Object(&'static [Field]),
}

/// One property: its name, what it must be, and whether it must be there.
#[derive(Debug)]
pub(super) struct Field(&'static str, Kind, bool);

const STATUSES: &[&str] = &["APPROVED", "SETTLED", "REVERSED", "RETURNED", "DECLINED"];
const DIRECTIONS: &[&str] = &["DEBIT", "CREDIT"];
const NETWORKS: &[&str] = &["VISA", "MASTERCARD", "AMERICANEXPRESS", "DISCOVER"];
const STATES: &[&str] = &[
    "AL", "AK", "AS", "AZ", "AR", "CA", "CO", "CT", "DE", "DC", "FM", "FL", "GA", "GU", "HI", "ID", "IL", "IN", "IA",
    "KS", "KY", "LA", "ME", "MH", "MD", "MA", "MI", "MN", "MS", "MO", "MT", "NE", "NV", "NH", "NJ", "NM", "NY", "NC",
    "ND", "MP", "OH", "OK", "OR", "PW", "PA", "PR", "RI", "SC", "SD", "TN", "TX", "UT", "VT", "VI", "VA", "WA", "WV",
    "WI", "WY",
];

const MERCHANT: &[Field] = &[
    Field("id", Kind::Text, false),
    Field("name", Kind::Text, true),
    Field("addrStreet", Kind::Text, false),
    Field("addrCity", Kind::Text, false),
    Field("addrState", Kind::OneOf(STATES), false),
    Field("addrZipcode", Kind::Text, false),
    Field("addrCountry", Kind::Text, false),
    Field("latitude", Kind::Text, false),
    Field("longitude", Kind::Text, false),
    Field("storeId", Kind::Text, false),
];

const VISA_MIDS: &[Field] = &[Field("vmid", Kind::Text, true), Field("vsid", Kind::Text, true)];
const PROCESSOR_MIDS: &[Field] =
    &[Field("processor", Kind::OneOf(&["VISA"]), true), Field("mids", Kind::Object(VISA_MIDS), true)];

/// `TransactionsAttributes`
const TRANSACTION: &[Field] = &[
    Field("userId", Kind::Id, true),
    Field("amount", Kind::Integer, true),
    Field("subtotal", Kind::Integer, false),
    Field("status", Kind::OneOf(STATUSES), true),
    Field("currency", Kind::Currency, true),
    Field("description", Kind::Text, true),
    Field("description2", Kind::Text, false),
    Field("mcc", Kind::Text, false),
    Field("coreProviderId", Kind::Text, false),
    Field("transactionDate", Kind::DateTime, false),
    Field("authorizationDate", Kind::DateTime, false),
    Field("settledDate", Kind::DateTime, false),
    Field("merchant", Kind::Object(MERCHANT), false),
    Field("cardPresence", Kind::Text, false),
    Field("panEntryMode", Kind::Text, false),
    Field("cardBIN", Kind::Digits(6), true),
    Field("cardLastFour", Kind::Digits(4), true),
    Field("authorizationCode", Kind::Text, false),
    Field("retrievalReferenceNumber", Kind::Text, false),
    Field("systemTraceAuditNumber", Kind::Text, false),
    Field("acquirerReferenceNumber", Kind::Text, false),
    Field("direction", Kind::OneOf(DIRECTIONS), true),
    Field("paymentType", Kind::OneOf(&["CARD"]), true),
    Field("cardNetwork", Kind::OneOf(NETWORKS), false),
    Field("transactionId", Kind::Id, true),
    Field("cardProductId", Kind::Text, false),
    Field("userZipCode", Kind::Text, false),
    Field("processorMids", Kind::Object(PROCESSOR_MIDS), false),
];

/// `MatchedTransactionsAttributes`
const MATCHED: &[Field] = &[
    Field("userId", Kind::Id, true),
    Field("amount", Kind::Integer, true),
    Field("subtotal", Kind::Integer, false),
    Field("description", Kind::Text, true),
    Field("authorizationDate", Kind::DateTime, true),
    Field("matchedOfferId", Kind::Text, false),
    Field("matchedLocationId", Kind::Text, false),
    Field("merchant", Kind::Object(MERCHANT), false),
    Field("paymentType", Kind::OneOf(&["CARD", "CASH", "UNKNOWN"]), true),
    Field("cardBIN", Kind::Digits(6), false),
    Field("cardLastFour", Kind::Digits(4), false),
    Field("authorizationCode", Kind::Text, false),
    Field("retrievalReferenceNumber", Kind::Text, false),
    Field("systemTraceAuditNumber", Kind::Text, false),
    Field("acquirerReferenceNumber", Kind::Text, false),
    Field("direction", Kind::OneOf(DIRECTIONS), true),
    Field("cardNetwork", Kind::OneOf(NETWORKS), false),
    Field("transactionId", Kind::Id, true),
    Field("cardProductId", Kind::Text, false),
    Field("orderId", Kind::Text, false),
    Field("receiptMedium", Kind::OneOf(&["ELECTRONIC", "PHYSICAL"]), false),
];

/// `CoreTransactionAttributes`. `lines` reads the same fields without a table: keep them alike.
const CORE: &[Field] = &[
    Field("userId", Kind::Id, true),
    Field("transactionId", Kind::Id, true),
    Field("amount", Kind::Integer, true),
    Field("currency", Kind::Currency, true),
    Field("description", Kind::Text, true),
    Field("direction", Kind::OneOf(DIRECTIONS), true),
    Field("status", Kind::OneOf(&["SETTLED"]), true),
    Field("settledDate", Kind::DateTime, true),
    Field("authorizationDate", Kind::DateTime, true),
    Field("financialInstitutionName", Kind::Text, false),
    Field("financialInstitutionId", Kind::Text, false),
    Field("cardLastFours", Kind::ListOfLastFours, false),
];

impl Item {
    /// The discriminator.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Transaction => "transaction",
            Self::Matched => "matchedTransaction",
            Self::Core => "coreTransaction",
            Self::Historical => "historicalTransaction",
        }
    }

    const fn fields(self) -> &'static [Field] {
        match self {
            Self::Transaction | Self::Historical => TRANSACTION,
            Self::Matched => MATCHED,
            Self::Core => CORE,
        }
    }
}

/// What is wrong with an item: where in it, as a JSON pointer that begins with `/` or is empty, and what.
pub(super) type Mistake = (String, String);

/// An item that is as published.
#[derive(Debug)]
pub(super) struct Fitting {
    pub(super) id: String,
    pub(super) transaction: String,
    pub(super) user: String,
    /// See [`content`].
    pub(super) content: u64,
}

/// Checks one item, which must be of one of the types.
///
/// # Errors
/// Everything that is wrong with it, in the order of the fields; at least one.
pub(super) fn check(item: &Value, allowed: &[Item]) -> Result<Fitting, Vec<Mistake>> {
    if !item.is_object() {
        return Err(vec![(String::new(), "Must be an object.".to_owned())]);
    }
    let mut mistakes = Vec::new();
    let found = allowed.iter().find(|one| item["type"] == one.name());
    if found.is_none() {
        let names: Vec<String> = allowed.iter().map(|one| format!("\"{}\"", one.name())).collect();
        mistakes.push(("/type".to_owned(), format!("Must be {}.", names.join(" or "))));
    }
    value_check(&item["id"], item.get("id").is_some(), Kind::Id, true, "/id", &mut mistakes);
    let attributes = &item["attributes"];
    if let Some(item) = found {
        value_check(attributes, !attributes.is_null(), Kind::Object(item.fields()), true, "/attributes", &mut mistakes);
        conditions(*item, attributes, &mut mistakes);
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match found {
        Some(kind) if mistakes.is_empty() => Ok(Fitting {
            id: text(&item["id"]),
            transaction: text(&attributes["transactionId"]),
            user: text(&attributes["userId"]),
            content: content(*kind, attributes),
        }),
        _ => Err(mistakes),
    }
}

fn value_check(value: &Value, there: bool, kind: Kind, required: bool, at: &str, mistakes: &mut Vec<Mistake>) {
    if !there {
        if required {
            mistakes.push((at.to_owned(), "Is required.".to_owned()));
        }
        return;
    }
    match (kind, value) {
        (Kind::Object(fields), Value::Object(object)) => {
            for Field(name, kind, required) in fields {
                value_check(
                    &value[*name],
                    object.contains_key(*name),
                    *kind,
                    *required,
                    &format!("{at}/{name}"),
                    mistakes,
                );
            }
        }
        (Kind::Object(_), _) => mistakes.push((at.to_owned(), "Must be an object.".to_owned())),
        (Kind::Integer, value) if value.as_i64().is_some() => {}
        (Kind::Integer, _) => mistakes.push((at.to_owned(), "Must be an integer.".to_owned())),
        (Kind::ListOfLastFours, Value::Array(list)) => {
            for (index, value) in list.iter().enumerate() {
                value_check(value, true, Kind::Digits(4), true, &format!("{at}/{index}"), mistakes);
            }
        }
        (Kind::ListOfLastFours, _) => mistakes.push((at.to_owned(), "Must be a list.".to_owned())),
        (kind, Value::String(text)) => {
            mistakes.extend(text_mistake(kind, text).map(|mistake| (at.to_owned(), mistake)));
        }
        _ => mistakes.push((at.to_owned(), "Must be a string.".to_owned())),
    }
}

fn text_mistake(kind: Kind, text: &str) -> Option<String> {
    let (good, expected) = match kind {
        Kind::Id => (!text.is_empty(), "Must not be empty.".to_owned()),
        Kind::DateTime => (is_date_time(text), "Must be a date-time such as 1994-11-05T08:15:30-05:00.".to_owned()),
        Kind::Currency => (money::exponent(text).is_some(), "Must be a currency of ISO 4217.".to_owned()),
        Kind::Digits(count) => (is_digits(text, count), format!("Must be {count} digits.")),
        Kind::OneOf(words) => (words.contains(&text), format!("Must be one of {}.", words.join(", "))),
        _ => return None,
    };
    (!good).then_some(expected)
}

/// ISO 8601 as published: `YYYY-MM-DDThh:mm:ss.sTZD`.
pub(super) fn is_date_time(text: &str) -> bool {
    text.as_bytes().get(10) == Some(&b'T') && DateTime::parse_from_rfc3339(text).is_ok()
}

pub(super) fn is_digits(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What the descriptions of the fields ask for beyond the schema.
fn conditions(item: Item, attributes: &Value, mistakes: &mut Vec<Mistake>) {
    let there = |name: &str| attributes.get(name).is_some();
    let mut add = |name: &str, words: String| mistakes.push((format!("/attributes/{name}"), words));
    match item {
        Item::Core => {}
        Item::Transaction | Item::Historical => {
            let status = attributes["status"].as_str().unwrap_or_default();
            let dated = match status {
                "APPROVED" => "authorizationDate",
                "SETTLED" => "settledDate",
                "REVERSED" | "RETURNED" | "DECLINED" => "transactionDate",
                _ => return,
            };
            if !there(dated) {
                add(dated, format!("Is required for the status {status}."));
            }
        }
        Item::Matched => {
            let payment = attributes["paymentType"].as_str().unwrap_or_default();
            for name in omitted(payment, there("orderId") || there("cardLastFour")) {
                if there(name) {
                    add(name, format!("Must be omitted for the payment type {payment}."));
                }
            }
            if payment == "CARD" && there("matchedOfferId") && !there("cardLastFour") {
                add("cardLastFour", "Is required for a card payment with a matchedOfferId.".to_owned());
            }
        }
    }
}

/// Which fields a matched transaction of a payment type must not have; `traceable`: it names an order or a card.
fn omitted(payment: &str, traceable: bool) -> &'static [&'static str] {
    match payment {
        "CASH" => &["cardBIN", "cardLastFour", "cardNetwork", "cardProductId"],
        "UNKNOWN" if traceable => &["matchedLocationId", "cardBIN", "cardNetwork", "cardProductId"],
        "UNKNOWN" => &["matchedOfferId", "matchedLocationId", "cardBIN", "cardNetwork", "cardProductId"],
        _ => &[],
    }
}

/// What an event says, as a number: the same for the same published values, however they are written and whatever
/// stands beside them.
fn content(item: Item, attributes: &Value) -> u64 {
    let mut content = Content::default();
    content.fields(item.fields(), attributes);
    content.finish()
}

/// Takes names and values in the order of the table.
#[derive(Default)]
pub(super) struct Content(std::hash::DefaultHasher);

impl Content {
    fn fields(&mut self, fields: &[Field], object: &Value) {
        for Field(name, kind, _) in fields {
            match (kind, &object[*name]) {
                (Kind::Object(fields), value @ Value::Object(_)) => {
                    self.text(name, "{");
                    self.fields(fields, value);
                }
                (_, Value::String(text)) => self.text(name, text),
                (_, Value::Array(list)) => list.iter().filter_map(Value::as_str).for_each(|text| self.text(name, text)),
                (_, value) => {
                    if let Some(number) = value.as_i64() {
                        self.integer(name, number);
                    }
                }
            }
        }
    }

    pub(super) fn text(&mut self, name: &str, text: &str) {
        use std::hash::Hash as _;
        (name, text).hash(&mut self.0);
    }

    pub(super) fn integer(&mut self, name: &str, number: i64) {
        use std::hash::Hash as _;
        (name, number).hash(&mut self.0);
    }

    pub(super) fn finish(&self) -> u64 {
        use std::hash::Hasher as _;
        self.0.finish()
    }
}
