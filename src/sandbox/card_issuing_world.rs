//! What the simulated issuer of corporate cards holds: orders, users, cards, and the master wallet.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use chrono::Utc;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use super::card_issuing::ASKS_FOR_SLUG;
use super::samples::SamplesError;
use crate::job::Unit;
use crate::money;
use crate::providers::card_issuing::slugs::Slug;

/// The endpoint's own fields, as they were written.
pub(super) type Fields = BTreeMap<String, Box<RawValue>>;

/// What can be ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Order {
    Card,
    TopUp,
}

/// No, and why.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) slug: Slug,
    pub(super) words: &'static str,
}

type Answer = Result<String, Refusal>;

/// `orders.json`: objects as they are shown, but for `success`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Orders {
    card_orders: Vec<Box<RawValue>>,
    topup_orders: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Named {
    order_id: String,
}

/// `world.json`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Holdings {
    /// Currency → major units.
    master_balance: BTreeMap<String, String>,
    users: Vec<User>,
    cards: Vec<Card>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct User {
    external_user_id: String,
    /// Whether there is a cardholder for the user.
    cardholder: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Card {
    #[serde(rename = "card_id")]
    id: String,
    #[serde(rename = "external_user_id")]
    user: String,
    active: bool,
}

/// Everything, behind one lock.
#[derive(Debug)]
pub(super) struct World {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    orders: HashMap<(Order, String), Kept>,
    holdings: Holdings,
    /// Minor units.
    balance: BTreeMap<String, i64>,
    /// Idempotency key → the order that it made.
    keys: HashMap<(Order, String), String>,
    made: u32,
}

#[derive(Debug)]
enum Kept {
    /// Of the samples: the members after the brace.
    Sample(String),
    /// Made here: members without the status, and how often it was looked at.
    Made { members: String, looks: u32 },
}

impl Kept {
    /// The object of a reply.
    fn shown(&self) -> String {
        match self {
            Self::Sample(members) => format!("{{\"success\":true,{members}"),
            Self::Made { members, looks } => {
                let status = ["pending", "processing"].get(*looks as usize).unwrap_or(&"completed");
                format!("{{\"success\":true,{members},\"status\":\"{status}\"}}")
            }
        }
    }
}

impl World {
    /// Reads `orders.json` and `world.json`; without the folder there is nothing.
    pub(super) fn read(samples: &Path) -> Result<Self, SamplesError> {
        let orders: Orders = read(samples.join("orders.json"))?;
        let holdings: Holdings = read(samples.join("world.json"))?;
        let mut kept = HashMap::new();
        for (kind, rows) in [(Order::Card, orders.card_orders), (Order::TopUp, orders.topup_orders)] {
            for row in rows {
                let malformed = |source| SamplesError::Malformed { path: samples.join("orders.json"), source };
                let Named { order_id } = serde_json::from_str(row.get()).map_err(malformed)?;
                let members = row.get().trim_start_matches('{').to_owned();
                kept.insert((kind, order_id), Kept::Sample(members));
            }
        }
        let minor = |(currency, text): (&String, &String)| {
            let minor = money::parse_minor(text, Unit::Major, money::exponent(currency)?).ok()?;
            Some((currency.clone(), minor))
        };
        let balance = holdings.master_balance.iter().filter_map(minor).collect();
        let inner = Inner { orders: kept, holdings, balance, keys: HashMap::new(), made: 0 };
        Ok(Self { inner: Mutex::new(inner) })
    }

    /// One order by its id. One that was made here moves on.
    pub(super) fn look(&self, kind: Order, fields: &Fields) -> Answer {
        only(fields, &["order_id"])?;
        let id = text(fields, "order_id")?;
        let mut inner = self.lock();
        let kept = inner.orders.get_mut(&(kind, id));
        let kept = kept.ok_or_else(|| no(Slug::OrderNotFound, "Order not found"))?;
        let shown = kept.shown();
        if let Kept::Made { looks, .. } = kept {
            *looks += 1;
        }
        Ok(shown)
    }

    /// `POST /cards/create`
    pub(super) fn create(&self, key: Option<&str>, fields: &Fields) -> Answer {
        let key = key.ok_or_else(|| no(Slug::IdempotencyKeyRequired, "Idempotency-Key header is required"))?;
        only(fields, &["external_user_id", "card_product_id"])?;
        let user = text(fields, "external_user_id")?;
        let mut inner = self.lock();
        if let Some(first) = inner.first(Order::Card, key) {
            return Ok(first);
        }
        match inner.holdings.users.iter().find(|known| known.external_user_id == user) {
            None => return Err(no(Slug::UserNotFound, "User not found")),
            Some(User { cardholder: false, .. }) => {
                return Err(no(Slug::CardholderNotFound, "Cardholder not found"));
            }
            Some(_) => {}
        }
        let members = format!("\"external_user_id\":{}", Value::from(user));
        Ok(inner.make(Order::Card, key, &members))
    }

    /// `POST /cards/topup`
    pub(super) fn top_up(&self, key: Option<&str>, fields: &Fields) -> Answer {
        let key = key.ok_or_else(|| no(Slug::IdempotencyKeyRequired, "Idempotency-Key header is required"))?;
        only(fields, &["external_user_id", "card_id", "amount", "currency"])?;
        let (user, id) = (text(fields, "external_user_id")?, text(fields, "card_id")?);
        let currency = text(fields, "currency")?;
        let amount = fields.get("amount").ok_or_else(|| no(Slug::InvalidRequest, "amount is required"))?.get();
        let exponent = money::exponent(&currency).ok_or_else(|| no(Slug::InvalidRequest, "currency is unknown"))?;
        let minor = money::parse_minor(amount, Unit::Major, exponent).ok().filter(|minor| *minor > 0);
        let minor = minor.ok_or_else(|| no(Slug::InvalidAmount, "Amount must be a positive number"))?;
        let mut inner = self.lock();
        if let Some(first) = inner.first(Order::TopUp, key) {
            return Ok(first);
        }
        if !inner.holdings.users.iter().any(|known| known.external_user_id == user) {
            return Err(no(Slug::UserNotFound, "User not found"));
        }
        let card = inner.holdings.cards.iter().find(|known| known.id == id);
        let card = card.ok_or_else(|| no(Slug::CardNotFound, "Card not found"))?;
        if card.user != user {
            return Err(no(Slug::CardUserMismatch, "Card does not belong to user"));
        }
        if !card.active {
            return Err(no(Slug::CardNotActive, "Card is not active"));
        }
        let balance = inner.balance.entry(currency.clone()).or_default();
        if *balance < minor {
            return Err(no(Slug::InsufficientFunds, "Insufficient master balance"));
        }
        *balance -= minor;
        let members = format!(
            "\"external_user_id\":{},\"card_id\":{},\"amount\":{amount},\"currency\":\"{currency}\"",
            Value::from(user),
            Value::from(id)
        );
        Ok(inner.make(Order::TopUp, key, &members))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// "Retried requests with the same idempotency key return the original order without double charging."
    fn first(&self, kind: Order, key: &str) -> Option<String> {
        let id = self.keys.get(&(kind, key.to_owned()))?;
        self.orders.get(&(kind, id.clone())).map(Kept::shown)
    }

    fn make(&mut self, kind: Order, key: &str, members: &str) -> String {
        self.made += 1;
        let id = match kind {
            Order::Card => format!("ord-card-{}", self.made),
            Order::TopUp => format!("ord-topup-{}", self.made),
        };
        let at = Utc::now().format("%Y-%m-%dT%H:%M:%SZ");
        let members = format!("\"order_id\":\"{id}\",{members},\"created_at\":\"{at}\"");
        let made = Kept::Made { members, looks: 0 };
        let shown = made.shown();
        self.keys.insert((kind, key.to_owned()), id.clone());
        self.orders.insert((kind, id), made);
        shown
    }
}

fn no(slug: Slug, words: &'static str) -> Refusal {
    Refusal { slug, words }
}

/// "do not wrap them in a data object": fields that are not known are refused.
fn only(fields: &Fields, known: &[&str]) -> Result<(), Refusal> {
    if fields.keys().all(|name| known.contains(&name.as_str())) {
        Ok(())
    } else {
        Err(no(Slug::InvalidRequest, "Unknown field"))
    }
}

/// A text that must be there; an id may ask for an error by name.
fn text(fields: &Fields, name: &str) -> Result<String, Refusal> {
    let text = fields.get(name).and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
    let text = text.filter(|text| !text.is_empty()).ok_or_else(|| no(Slug::InvalidRequest, "Invalid request"))?;
    match text.strip_prefix(ASKS_FOR_SLUG) {
        Some(slug) => Err(no(Slug::of(slug), "The id asks for this.")),
        None => Ok(text),
    }
}

fn read<T: DeserializeOwned + Default>(path: PathBuf) -> Result<T, SamplesError> {
    match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|source| SamplesError::Malformed { path, source }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(T::default()),
        Err(source) => Err(SamplesError::Unreadable { path, source }),
    }
}
