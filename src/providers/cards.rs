//! What can be done to cards at a provider: an order becomes a call, purely; the call is sent once; what is answered, or
//! what the provider shows afterwards, says whether it was done.

use std::fmt::Debug;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Task;
use crate::config::http::HttpConfig;
use crate::exit::{ExitCode, Failure};

/// What is done to a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CardOperation {
    /// A new card, as the ledger has it.
    Create,
    /// Limit and validity of a card become those of the ledger.
    Modify,
    /// The card is closed.
    Delete,
    /// Money is put on it.
    TopUp,
}

impl CardOperation {
    pub const ALL: [Self; 4] = [Self::Create, Self::Modify, Self::Delete, Self::TopUp];

    /// The key in job files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "card_create",
            Self::Modify => "card_modify",
            Self::Delete => "card_delete",
            Self::TopUp => "card_top_up",
        }
    }
}

/// What shall be done, in the ledger's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CardOrder<'a> {
    pub operation: CardOperation,
    /// The key that the break is about.
    pub reference: &'a str,
    /// The card as the provider calls it; none where the ledger does not say.
    pub card: Option<&'a str>,
    /// The user's id on the issuer's system.
    pub user: Option<&'a str>,
    /// Limit, or what is put on it: minor units of `currency`.
    pub amount_minor: Option<i64>,
    /// ISO 4217
    pub currency: &'a str,
    /// `YYYY-MM-DD`
    pub valid_from: Option<&'a str>,
    /// `YYYY-MM-DD`
    pub valid_to: Option<&'a str>,
}

/// How a path is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// As HTTP writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl From<Method> for reqwest::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Post => Self::POST,
            Method::Put => Self::PUT,
            Method::Patch => Self::PATCH,
            Method::Delete => Self::DELETE,
        }
    }
}

/// The call that an order becomes, exactly as it is approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardCall {
    pub method: Method,
    /// Below the provider's `base_url`, percent-encoded.
    pub path: String,
    /// JSON; empty where nothing is sent. What the provider wants around it (an envelope, a time stamp) is put there
    /// when it is sent.
    pub body: String,
    /// The provider takes an idempotency key, which is the effect's id: a second arrival is the first order again.
    pub keyed: bool,
}

/// What a complete answer says of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CardAnswer {
    Done {
        /// The provider's id of the card or order.
        id: Option<String>,
        /// How we know, where it was not the plain reply.
        note: Option<String>,
    },
    /// The provider says no to this order, and will again.
    Refused { why: String },
    /// Surely not done.
    NotDone { why: String, next: After },
    /// It may have been done. `failed`: the provider failed on the way, rather than said what cannot be understood.
    Unclear { why: String, failed: bool },
}

/// What came of a call that was sent once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CardSent {
    /// Not one byte went out.
    NotSent {
        why: String,
    },
    /// It went out, at least in part, and no complete reply came.
    Lost {
        why: String,
    },
    Told(CardAnswer),
}

/// What follows from an order that was surely not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// The same order goes again in a later run.
    GoOn,
    /// The provider wants fewer calls, and may say how long to wait.
    Slower { wait: Option<Duration> },
    /// The token was refused.
    NewToken,
    /// No call will fare better until a person has changed something; the run ends with this code.
    End(ExitCode),
}

/// What the provider shows of an order whose outcome is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    Done {
        what: String,
    },
    NotDone {
        what: String,
    },
    /// Nothing that tells.
    Unknown,
}

/// A provider of cards, as far as orders go. Pure but for the courier.
pub trait CardProvider: Debug + Send + Sync {
    /// What it offers.
    fn operations(&self) -> &'static [CardOperation];

    /// Time-outs, and how often what was surely not done is tried again.
    fn http(&self) -> &HttpConfig;

    /// The call of an order.
    ///
    /// # Errors
    /// What the order lacks, as a lowercase fragment: `the ledger states no valid_to`.
    fn call(&self, order: &CardOrder<'_>) -> Result<CardCall, String>;

    /// Reads the secrets; talks to nobody yet.
    ///
    /// # Errors
    /// When a secret is missing.
    fn courier(&self) -> Result<Box<dyn Courier>, Failure>;
}

/// Sends orders, each once.
pub trait Courier: Debug + Send + Sync {
    /// Gets what sending needs, so that nothing but the call itself lies between the last look at the lease and the
    /// first byte.
    fn warm(&self) -> Task<'_, ()>;

    /// Sends a call once, and reads what is answered: a reply may hold card data, and goes no further than this. `key` is
    /// the effect's id.
    fn send<'a>(&'a self, operation: CardOperation, call: &'a CardCall, key: &'a str) -> Task<'a, CardSent>;

    /// Looks whether an order was done; `card` as in [`CardOrder::card`].
    fn look<'a>(&'a self, operation: CardOperation, call: &'a CardCall, card: Option<&'a str>) -> Task<'a, Looked>;
}
