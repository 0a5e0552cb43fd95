//! What is asked: the fields of each endpoint, and the time stamp beside them ("Decrypted payload"). Pure: the same
//! order always makes the same body; what is new with each sending (time stamp and nonce) is put there when it is sent.

use serde_json::{Map, Value};

use super::config::{Fields, Unit};
use crate::money;

/// Above all paths.
pub const PREFIX: &str = "/api/v1";
/// Header of every request.
pub const API_KEY: &str = "api-key";
/// Header of the two mutations.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Published ("Idempotency and replay protection").
pub const CARD_CREATE: &str = "/cards/create";
/// Published in the same place.
pub const CARD_TOPUP: &str = "/cards/topup";

/// Something that is ordered, complete but for time stamp and envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutation {
    /// Below `/api/v1`.
    pub path: String,
    /// A JSON object of the endpoint's fields.
    pub body: String,
}

/// A new card for a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewCard<'a> {
    /// Our id of the user.
    pub user: &'a str,
}

/// Money for a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopUp<'a> {
    /// Our id of the user.
    pub user: &'a str,
    /// The provider's id of the card.
    pub card: &'a str,
    /// Above zero, in minor units of the currency.
    pub amount_minor: i64,
    /// ISO 4217
    pub currency: &'a str,
}

/// An order that cannot be made into a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    #[error("the order states no {what}")]
    Missing { what: &'static str },
    #[error("the amount is {amount_minor} minor units; expected more than zero")]
    Amount { amount_minor: i64 },
    #[error("`{currency}` is no currency of ISO 4217 that is known here")]
    Currency { currency: String },
}

/// The text that asks for one order.
pub fn order(fields: &Fields, id: &str) -> String {
    object([(fields.order.as_str(), Value::from(id))])
}

/// `POST /cards/create`.
///
/// # Errors
/// When the order names no user.
pub fn create(path: &str, fields: &Fields, new: NewCard<'_>) -> Result<Mutation, OrderError> {
    let user = stated("user", new.user)?;
    let more = fields.create.iter().map(|(name, text)| (name.as_str(), Value::from(text.as_str())));
    let body = object(std::iter::once((fields.user.as_str(), Value::from(user))).chain(more));
    Ok(Mutation { path: path.to_owned(), body })
}

/// `POST /cards/topup`. The amount is a JSON number, written digit by digit.
///
/// # Errors
/// When the order lacks something, its amount is not above zero, or its currency is not known.
pub fn top_up(path: &str, fields: &Fields, order: TopUp<'_>) -> Result<Mutation, OrderError> {
    let (user, card) = (stated("user", order.user)?, stated("card", order.card)?);
    let TopUp { amount_minor, currency, .. } = order;
    if amount_minor <= 0 {
        return Err(OrderError::Amount { amount_minor });
    }
    let unknown = || OrderError::Currency { currency: currency.to_owned() };
    let exponent = money::exponent(currency).ok_or_else(unknown)?;
    let amount = match fields.amounts {
        Unit::Minor => amount_minor.to_string(),
        Unit::Major => money::format_minor(amount_minor.into(), exponent),
    };
    // A number of `serde_json` would go through f64.
    let rest = object([
        (fields.user.as_str(), Value::from(user)),
        (fields.card.as_str(), Value::from(card)),
        (fields.currency.as_str(), Value::from(currency)),
    ]);
    let name = Value::from(fields.amount.as_str());
    Ok(Mutation { path: path.to_owned(), body: with_first(&rest, &format!("{name}:{amount}")) })
}

/// The text to seal: the fields of `body` and the time stamp, side by side at the root.
pub fn stamped(body: &str, timestamp_micros: i64) -> String {
    with_first(body, &format!("\"request_timestamp\":{timestamp_micros}"))
}

/// An object, compact, with one more entry before its others.
fn with_first(object: &str, entry: &str) -> String {
    match object.strip_prefix('{') {
        Some("}") | None => format!("{{{entry}}}"),
        Some(rest) => format!("{{{entry},{rest}"),
    }
}

fn object<'a>(entries: impl IntoIterator<Item = (&'a str, Value)>) -> String {
    Value::Object(entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>()).to_string()
}

fn stated<'a>(what: &'static str, text: &'a str) -> Result<&'a str, OrderError> {
    if text.trim().is_empty() { Err(OrderError::Missing { what }) } else { Ok(text) }
}
