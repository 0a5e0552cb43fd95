//! What Kuggar is asked, without the asking: paths and the exact bytes of bodies.
//!
//! No call that changes something carries a key by which Kuggar could tell that it comes a second time.

use chrono::NaiveDate;
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::card::Card;
use crate::money;

/// Below `base_url`: "00. Authentication".
pub const AUTH: [&str; 4] = ["api", "v2", "identity", "auth"];
/// Below `base_url`: "01. Card Creation"; with an id after it all others.
pub const CARDS: [&str; 3] = ["api", "v2", "virtual_card"];

/// The body of the login.
pub(super) fn auth(client_id: &SecretString, client_secret: &SecretString) -> SecretString {
    let text = |secret: &SecretString| serde_json::Value::from(secret.expose_secret()).to_string();
    format!(r#"{{"clientId":{},"clientSecret":{}}}"#, text(client_id), text(client_secret)).into()
}

/// What is to be done to a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    Create,
    Modify,
    Delete,
}

/// A call that changes something, to be sent once.
#[derive(Debug, Clone)]
pub struct Call {
    pub doing: Doing,
    pub method: Method,
    /// The card; none: it is yet to be made, and Kuggar gives the id.
    pub kuggar_id: Option<String>,
    /// JSON; empty where the call has none.
    pub body: Vec<u8>,
}

/// A limit, exactly: a decimal number of major units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit(String);

/// Why there is no such limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    #[error("the limit is {minor} minor units; expected more than none")]
    NotPositive { minor: i64 },
    #[error("the limit's currency is `{currency}`; expected a code of ISO 4217 such as USD")]
    Currency { currency: String },
}

impl Limit {
    /// A limit of so many minor units: 12345 of USD are sent as `123.45`.
    ///
    /// # Errors
    /// When it is not positive, or the currency is not known.
    pub fn of_minor(minor: i64, currency: &str) -> Result<Self, LimitError> {
        if minor <= 0 {
            return Err(LimitError::NotPositive { minor });
        }
        let unknown = || LimitError::Currency { currency: crate::text::cut(currency, 12).into_owned() };
        let exponent = money::exponent(currency).ok_or_else(unknown)?;
        Ok(Self(money::format_minor(i128::from(minor), exponent)))
    }

    /// As it is sent.
    pub fn as_decimal(&self) -> &str {
        &self.0
    }

    /// Whether a number of a reply says the same: `123.450` is `123.45`.
    fn is(&self, sent: &str) -> bool {
        let plain = |text: &str| match text.split_once('.') {
            Some((whole, rest)) => (whole.to_owned(), rest.trim_end_matches('0').to_owned()),
            None => (text.to_owned(), String::new()),
        };
        plain(&self.0) == plain(sent)
    }
}

/// What a card shall be good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    pub valid_from: NaiveDate,
    /// The last day.
    pub valid_to: NaiveDate,
    pub limit: Limit,
    /// How often it may be used; none: not said.
    pub max_authorisation_count: Option<u32>,
    /// Name and value.
    pub enhanced_data: Vec<(String, String)>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    valid_from_date: NaiveDate,
    valid_to_date: NaiveDate,
    card_limit: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    use_cache: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_authorisation_count: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    enhanced_data_fields: Vec<DataField<'a>>,
}

#[derive(Serialize)]
struct DataField<'a> {
    name: &'a str,
    value: &'a str,
}

/// "01. Card Creation". `use_cache`: whether a card that lies ready may be handed out; Kuggar takes none for yes.
pub fn create(currency: &str, terms: &Terms, use_cache: Option<bool>) -> Call {
    let body = body(terms, Some(currency), use_cache);
    Call { doing: Doing::Create, method: Method::POST, kuggar_id: None, body }
}

/// "02. Card Modification". A card's currency never changes.
pub fn modify(kuggar_id: &str, terms: &Terms) -> Call {
    let body = body(terms, None, None);
    Call { doing: Doing::Modify, method: Method::PUT, kuggar_id: Some(kuggar_id.to_owned()), body }
}

/// "03. Card Deletion": it is closed, and can still be viewed.
pub fn delete(kuggar_id: &str) -> Call {
    Call { doing: Doing::Delete, method: Method::DELETE, kuggar_id: Some(kuggar_id.to_owned()), body: Vec::new() }
}

fn body(terms: &Terms, currency_code: Option<&str>, use_cache: Option<bool>) -> Vec<u8> {
    let body = Body {
        valid_from_date: terms.valid_from,
        valid_to_date: terms.valid_to,
        card_limit: RawValue::from_string(terms.limit.0.clone()).expect("a limit is written as a decimal number"),
        currency_code,
        use_cache,
        max_authorisation_count: terms.max_authorisation_count,
        enhanced_data_fields: terms.enhanced_data.iter().map(|(name, value)| DataField { name, value }).collect(),
    };
    serde_json::to_vec(&body).expect("texts and numbers can always be written")
}

/// What a look at the card says of a call whose reply was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    Done,
    NotDone,
    /// A card that may have been made has an id that nobody knows.
    Unknown,
}

impl Call {
    /// The path's parts below `base_url`.
    pub fn segments(&self) -> Vec<&str> {
        CARDS.into_iter().chain(self.kuggar_id.as_deref()).collect()
    }

    /// What the card as it stands now (none: Kuggar does not know it) says of this call. `terms` are those that were
    /// asked for. What is compared is what a reply tells: limit and dates.
    pub fn seen(&self, terms: Option<&Terms>, now: Option<&Card>) -> Seen {
        match (self.doing, now, terms) {
            (Doing::Create, ..) | (Doing::Modify, _, None) => Seen::Unknown,
            (Doing::Delete, None, _) => Seen::Done,
            (Doing::Delete, Some(card), _) if card.is_deleted() => Seen::Done,
            (Doing::Modify, Some(card), Some(terms)) if !card.has_failed() && terms.are_of(card) => Seen::Done,
            (Doing::Delete | Doing::Modify, ..) => Seen::NotDone,
        }
    }
}

impl Terms {
    /// What the body of a call asks for; none where it is not one of ours.
    pub fn of_body(body: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Asked<'a> {
            valid_from_date: NaiveDate,
            valid_to_date: NaiveDate,
            #[serde(borrow)]
            card_limit: &'a RawValue,
        }
        let asked: Asked<'_> = serde_json::from_slice(body).ok()?;
        Some(Self {
            valid_from: asked.valid_from_date,
            valid_to: asked.valid_to_date,
            limit: Limit(asked.card_limit.get().to_owned()),
            max_authorisation_count: None,
            enhanced_data: Vec::new(),
        })
    }

    fn are_of(&self, card: &Card) -> bool {
        let is = |told: Option<&str>, day: NaiveDate| {
            told.is_some_and(|told| told.get(..10) == Some(day.to_string().as_str()))
        };
        is(card.valid_from.as_deref(), self.valid_from)
            && is(card.valid_to.as_deref(), self.valid_to)
            && card.limit.as_deref().is_some_and(|limit| self.limit.is(limit))
    }
}
