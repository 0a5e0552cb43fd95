//! Faults on request: which request goes wrong, and how. `plan` reads them from a file.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

use super::mounts::MOUNTS;

/// What goes wrong, in the order of its rules: the first that fits a request is done to it.
#[derive(Debug, Clone, Default)]
pub struct FaultPlan {
    pub rules: Vec<FaultRule>,
}

/// `{on: files, nth: 2, do: {status: 503, retry_after: 1}}`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultRule {
    pub on: On,
    pub nth: Nth,
    pub fault: Fault,
}

/// The endpoint that a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum On {
    Token,
    Files,
    Download,
    Fraud,
    Audits,
    /// The URLs for bulk files.
    Uploads,
    /// The bulk files themselves.
    Storage,
    Transactions,
    HistoricalStart,
    HistoricalPart,
    HistoricalComplete,
    Subscriptions,
    /// What tells the result of a bulk file: no request, but counted like one.
    Notification,
    /// An endpoint of another provider, by its name: `kuggar.card`.
    Other(&'static str),
}

impl On {
    /// Kard's own.
    const KARD: [Self; 13] = [
        Self::Token,
        Self::Files,
        Self::Download,
        Self::Fraud,
        Self::Audits,
        Self::Uploads,
        Self::Storage,
        Self::Transactions,
        Self::HistoricalStart,
        Self::HistoricalPart,
        Self::HistoricalComplete,
        Self::Subscriptions,
        Self::Notification,
    ];

    /// Every endpoint.
    fn all() -> impl Iterator<Item = Self> {
        let others = MOUNTS.iter().flat_map(|mount| mount.endpoints).copied();
        Self::KARD.into_iter().chain(others.map(Self::Other))
    }

    /// As the plan file calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Files => "files",
            Self::Download => "download",
            Self::Fraud => "fraud",
            Self::Audits => "audits",
            Self::Uploads => "uploads",
            Self::Storage => "storage",
            Self::Transactions => "transactions",
            Self::HistoricalStart => "historical_start",
            Self::HistoricalPart => "historical_part",
            Self::HistoricalComplete => "historical_complete",
            Self::Subscriptions => "subscriptions",
            Self::Notification => "notification",
            Self::Other(name) => name,
        }
    }

    /// Whether its requests change something.
    pub(super) const fn has_effect(self) -> bool {
        match self {
            // What is sent there are credentials: it is not noted.
            Self::Other(name) => !is_login(name),
            _ => !matches!(self, Self::Token | Self::Files | Self::Download | Self::Notification),
        }
    }

    /// Whether its requests carry items of which each can be refused.
    const fn has_items(self) -> bool {
        matches!(self, Self::Fraud | Self::Audits | Self::Transactions | Self::HistoricalPart)
    }

    /// Whether its replies tell an item for each item of the request.
    const fn tells_items(self) -> bool {
        matches!(self, Self::Fraud | Self::Audits | Self::Uploads | Self::HistoricalPart)
    }
}

/// Whether an endpoint of another provider grants tokens: `core_api.login`.
const fn is_login(name: &str) -> bool {
    matches!(name.as_bytes(), [.., b'.', b'l', b'o', b'g', b'i', b'n'])
}

impl<'de> Deserialize<'de> for On {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let unknown = || serde::de::Error::custom(format!("unknown endpoint `{name}`"));
        Self::all().find(|on| on.name() == name).ok_or_else(unknown)
    }
}

impl JsonSchema for On {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "On".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = Self::all().map(Self::name).collect();
        json_schema!({ "type": "string", "enum": names })
    }
}

/// Which of the endpoint's requests, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nth {
    Only(u64),
    Every,
}

/// What is done to a request. The request's own work is done first, but for `Status` (unless it is `applied`),
/// `ResetBefore`, `ResetWithin` and `Late`. "Effects" are all but `token`, `files`, `download` and `notification`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// `{status: 503, retry_after: 1}`; `retry_after_date` writes the same as a date, in seconds from now.
    /// Effects: with `applied: true` the work is done all the same, and only the answer is this.
    Status { code: u16, retry_after: Option<u64>, retry_after_date: Option<u64>, applied: bool },
    /// The connection is reset before the request is looked at.
    ResetBefore,
    /// The request is done, and the connection reset in the middle of the reply.
    ResetAfter,
    /// `storage`: the connection is reset when the first bytes of the body have come.
    ResetWithin,
    /// `{slow: 5s}`: the reply waits.
    Slow(Duration),
    /// `{truncate: 100}`: the connection closes after that many bytes of the body; the length announced is the whole one.
    Truncate(u64),
    /// The body ends in the middle, and so says its length.
    MalformedJson,
    /// 200 with a web page.
    HtmlPage,
    /// `download`, `storage`: the URL is refused as expired. `files`, `uploads`: the URLs in this list have expired
    /// already.
    ExpiredUrl,
    /// Not `token`, `download`, `storage`: the token that came with the request is revoked before it is looked at.
    RevokeToken,
    /// `files`: the next page has the cursor of this one.
    RepeatCursor,
    /// As many bytes as there should be, but others (in reverse).
    WrongBytes,
    /// `{late: 5s}`; effects: nothing is done for that long, then it is, whatever became of the connection. (An object
    /// must have come whole by then.) `notification`: it comes so much later.
    Late(Duration),
    /// `fraud`, `audits`, `uploads`, `historical_part`: the reply leaves out the last item that was applied.
    MissingItem,
    /// The same endpoints: the reply names one that nobody sent.
    ExtraItem,
    /// The same endpoints: the reply names the first item that was applied twice.
    RepeatItem,
    /// `fraud`, `audits`, `transactions`, `historical_part`: the first item is refused by name; the others are applied.
    RefuseItem,
    /// The same endpoints: the same, but the error does not say which item it is about.
    ErrorWithoutId,
    /// `transactions`, `historical_part`: the first item is put off by name (429); the others are applied.
    BusyItem,
    /// The same endpoints: the call as a whole is refused (400) on account of its first item; nothing is applied.
    RefuseCall,
    /// `notification`: none is sent.
    Drop,
    /// `notification`: it is sent twice.
    Repeat,
    /// `notification`: it names another file.
    WrongFileName,
    /// `card_issuing.*`: the provider's clock is 95 seconds ahead of ours.
    ClockAhead,
    /// `card_issuing.*`: something on the way sends the request twice, and the second answer is what comes back.
    DeliveredTwice,
}

impl Fault {
    /// Those that need no more than their name.
    pub(super) const PLAIN: [Self; 21] = [
        Self::ResetBefore,
        Self::ResetAfter,
        Self::ResetWithin,
        Self::MalformedJson,
        Self::HtmlPage,
        Self::ExpiredUrl,
        Self::RevokeToken,
        Self::RepeatCursor,
        Self::WrongBytes,
        Self::MissingItem,
        Self::ExtraItem,
        Self::RepeatItem,
        Self::RefuseItem,
        Self::ErrorWithoutId,
        Self::BusyItem,
        Self::RefuseCall,
        Self::Drop,
        Self::Repeat,
        Self::WrongFileName,
        Self::ClockAhead,
        Self::DeliveredTwice,
    ];

    /// As the plan file calls it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::ResetBefore => "reset_before",
            Self::ResetAfter => "reset_after",
            Self::ResetWithin => "reset_within",
            Self::Slow(_) => "slow",
            Self::Truncate(_) => "truncate",
            Self::MalformedJson => "malformed_json",
            Self::HtmlPage => "html_page",
            Self::ExpiredUrl => "expired_url",
            Self::RevokeToken => "revoke_token",
            Self::RepeatCursor => "repeat_cursor",
            Self::WrongBytes => "wrong_bytes",
            Self::Late(_) => "late",
            Self::MissingItem => "missing_item",
            Self::ExtraItem => "extra_item",
            Self::RepeatItem => "repeat_item",
            Self::RefuseItem => "refuse_item",
            Self::ErrorWithoutId => "error_without_id",
            Self::BusyItem => "busy_item",
            Self::RefuseCall => "refuse_call",
            Self::Drop => "drop",
            Self::Repeat => "repeat",
            Self::WrongFileName => "wrong_file_name",
            Self::ClockAhead => "clock_ahead",
            Self::DeliveredTwice => "delivered_twice",
        }
    }

    /// Those that mean something wherever a request is answered.
    const fn is_general(&self) -> bool {
        matches!(
            self,
            Self::Status { .. }
                | Self::ResetBefore
                | Self::ResetAfter
                | Self::Slow(_)
                | Self::Truncate(_)
                | Self::MalformedJson
                | Self::HtmlPage
                | Self::WrongBytes
        )
    }

    /// Whether the fault means anything at this endpoint.
    pub(super) fn fits(&self, on: On) -> bool {
        if let Self::ClockAhead | Self::DeliveredTwice = self {
            // Elsewhere nobody looks at clocks, nor tells a second arrival from the first.
            return matches!(on, On::Other(name) if name.starts_with("card_issuing."));
        }
        if let On::Other(_) = on {
            return matches!(self, Self::Late(_) | Self::RepeatCursor | Self::RevokeToken) || self.is_general();
        }
        match self {
            Self::Late(_) => on.has_effect() || matches!(on, On::Notification),
            Self::Drop | Self::Repeat | Self::WrongFileName => matches!(on, On::Notification),
            _ if matches!(on, On::Notification) => false,
            Self::ExpiredUrl => matches!(on, On::Files | On::Download | On::Uploads | On::Storage),
            Self::RevokeToken => !matches!(on, On::Token | On::Download | On::Storage),
            Self::RepeatCursor => matches!(on, On::Files),
            Self::ResetWithin => matches!(on, On::Storage),
            Self::MissingItem | Self::ExtraItem | Self::RepeatItem => on.tells_items(),
            Self::RefuseItem | Self::ErrorWithoutId => on.has_items(),
            Self::BusyItem | Self::RefuseCall => matches!(on, On::Transactions | On::HistoricalPart),
            // The storage answers without a body.
            Self::Truncate(_) | Self::MalformedJson | Self::WrongBytes => !matches!(on, On::Storage),
            _ => true,
        }
    }
}

/// The plan at work: counts the requests of each endpoint.
#[derive(Debug)]
pub(super) struct Faults {
    rules: Vec<FaultRule>,
    counts: Mutex<HashMap<On, u64>>,
}

impl Faults {
    pub(super) fn new(plan: FaultPlan) -> Self {
        Self { rules: plan.rules, counts: Mutex::default() }
    }

    /// Counts one request, and says what is to be done to it.
    pub(super) fn next(&self, on: On) -> Option<Fault> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(on).or_default();
        *count += 1;
        let fits = |rule: &&FaultRule| rule.on == on && (rule.nth == Nth::Every || rule.nth == Nth::Only(*count));
        self.rules.iter().find(fits).map(|rule| rule.fault.clone())
    }
}
