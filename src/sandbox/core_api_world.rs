//! What Core API's sandbox knows: customers, cards with their movements, and how many calls the account has left.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::SamplesError;
use super::samples::read_json;
use crate::job::Unit;
use crate::money;

/// "1000 requests per hour per account"
const LIMIT: u64 = 1_000;
const WINDOW_S: i64 = 3_600;
/// "USD, EUR, COP"
const CURRENCIES: [&str; 3] = ["USD", "EUR", "COP"];
/// All three have cents.
const EXPONENT: u8 = 2;

/// Why a call is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refused(pub(super) StatusCode, pub(super) &'static str);

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Customer {
    #[serde(rename = "customerId")]
    pub(super) id: String,
    pub(super) name: String,
    pub(super) email: String,
}

/// One card, and its movements, the newest first, as they are told.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Card {
    #[serde(rename = "cardId")]
    pub(super) id: String,
    pub(super) status: String,
    pub(super) currency: String,
    #[serde(default)]
    pub(super) customer_id: Option<String>,
    #[serde(default)]
    pub(super) movements: Vec<Box<RawValue>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCustomers {
    customers: Vec<Customer>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCards {
    cards: Vec<Card>,
}

/// Calls in a window of so many seconds; windows begin at whole multiples of that.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Allowance {
    limit: u64,
    window_s: i64,
    #[serde(skip)]
    made: u64,
    #[serde(skip)]
    window: i64,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { limit: LIMIT, window_s: WINDOW_S, made: 0, window: 0 }
    }
}

/// What the headers say besides what is left.
#[derive(Debug, Clone, Copy)]
pub(super) struct LimitTold {
    pub(super) limit: u64,
    /// Seconds since 1970.
    pub(super) reset: i64,
}

impl Allowance {
    /// Counts a call: what is left after it, or none where it is one too many.
    pub(super) fn count(&mut self, now: DateTime<Utc>) -> (LimitTold, Option<u64>) {
        let window = now.timestamp().div_euclid(self.window_s);
        if window != self.window {
            (self.window, self.made) = (window, 0);
        }
        let told = LimitTold { limit: self.limit, reset: (window + 1) * self.window_s };
        if self.made >= self.limit {
            return (told, None);
        }
        self.made += 1;
        (told, Some(self.limit - self.made))
    }
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) customers: Vec<Customer>,
    cards: BTreeMap<String, Card>,
    pub(super) limits: Allowance,
    /// Tokens that were logged out.
    pub(super) ended: HashSet<String>,
}

impl World {
    /// From `customers.json`, `cards.json` and `limits.json` of a folder; each may be missing.
    pub(super) fn read(samples: &Path) -> Result<Self, SamplesError> {
        let customers: WrittenCustomers = read_json(&samples.join("customers.json"))?.unwrap_or_default();
        let cards: WrittenCards = read_json(&samples.join("cards.json"))?.unwrap_or_default();
        let limits: Allowance = read_json(&samples.join("limits.json"))?.unwrap_or_default();
        Ok(Self {
            customers: customers.customers,
            cards: cards.cards.into_iter().map(|card| (card.id.clone(), card)).collect(),
            limits,
            ended: HashSet::new(),
        })
    }

    pub(super) fn card(&self, id: &str) -> Result<&Card, Refused> {
        self.cards.get(id).ok_or(Refused(StatusCode::NOT_FOUND, "The card does not exist."))
    }

    fn card_mut(&mut self, id: &str) -> Result<&mut Card, Refused> {
        self.cards.get_mut(id).ok_or(Refused(StatusCode::NOT_FOUND, "The card does not exist."))
    }

    pub(super) fn create_customer(&mut self, name: String, email: String) -> Result<Customer, Refused> {
        if self.customers.iter().any(|known| known.email == email) {
            return Err(Refused(StatusCode::CONFLICT, "A customer with this e-mail exists."));
        }
        let made = Customer { id: format!("cus_{:03}", self.customers.len() + 1), name, email };
        self.customers.push(made.clone());
        Ok(made)
    }

    /// "New cards are created with inactive status."
    pub(super) fn create_card(&mut self, currency: &str) -> Result<Card, Refused> {
        if !CURRENCIES.contains(&currency) {
            return Err(Refused(StatusCode::BAD_REQUEST, "`currency` must be USD, EUR or COP."));
        }
        let id = format!("card_new_{:03}", self.cards.len() + 1);
        let card = Card {
            id: id.clone(),
            status: "inactive".to_owned(),
            currency: currency.to_owned(),
            customer_id: None,
            movements: Vec::new(),
        };
        self.cards.insert(id, card.clone());
        Ok(card)
    }

    pub(super) fn assign(&mut self, card: &str, customer: &str) -> Result<(), Refused> {
        if !self.customers.iter().any(|known| known.id == customer) {
            return Err(Refused(StatusCode::NOT_FOUND, "The customer does not exist."));
        }
        let card = self.card_mut(card)?;
        if card.customer_id.is_some() {
            return Err(Refused(StatusCode::CONFLICT, "The card is assigned already."));
        }
        card.customer_id = Some(customer.to_owned());
        Ok(())
    }

    /// "Cancelled status is permanent."
    pub(super) fn change_status(&mut self, card: &str, status: &str) -> Result<(), Refused> {
        if !["active", "blocked", "cancelled"].contains(&status) {
            return Err(Refused(StatusCode::BAD_REQUEST, "`status` must be active, blocked or cancelled."));
        }
        let card = self.card_mut(card)?;
        if card.status == "cancelled" {
            return Err(Refused(StatusCode::CONFLICT, "A cancelled card stays cancelled."));
        }
        status.clone_into(&mut card.status);
        Ok(())
    }

    /// "Can add balance" is said of active cards only. The balance after it, in major units.
    pub(super) fn add_balance(&mut self, card: &str, amount: &str, date: &str) -> Result<String, Refused> {
        let bad = Refused(StatusCode::BAD_REQUEST, "`amount` must be a number above zero.");
        let minor = money::parse_minor(amount, Unit::Major, EXPONENT).ok().filter(|minor| *minor > 0).ok_or(bad)?;
        let card = self.card_mut(card)?;
        if card.status != "active" {
            return Err(Refused(StatusCode::CONFLICT, "The card is not active."));
        }
        let id = format!("mov_{}_{}", card.id, card.movements.len() + 1);
        let text = format!(r#"{{"id":"{id}","amount":{amount},"description":"Balance top-up","date":"{date}"}}"#);
        let row = RawValue::from_string(text).map_err(|_| bad)?;
        let before: i128 = card.movements.iter().map(|row| i128::from(minor_of(row))).sum();
        card.movements.insert(0, row);
        Ok(money::format_minor(before + i128::from(minor), EXPONENT))
    }
}

/// Of a movement, in minor units; what is no amount counts nothing.
fn minor_of(movement: &RawValue) -> i64 {
    #[derive(Deserialize)]
    struct Written<'a> {
        #[serde(borrow)]
        amount: &'a RawValue,
    }
    let written: Option<Written> = serde_json::from_str(movement.get()).ok();
    written.and_then(|written| money::parse_minor(written.amount.get(), Unit::Major, EXPONENT).ok()).unwrap_or_default()
}
