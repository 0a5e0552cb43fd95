//! Faults on request: which request goes wrong, and how. `plan` reads them from a file.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum On {
    Token,
    Files,
    Download,
}

impl On {
    /// As the plan file calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Files => "files",
            Self::Download => "download",
        }
    }
}

/// Which of the endpoint's requests, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nth {
    Only(u64),
    Every,
}

/// What is done to a request. The request's own work is done first, but for `Status` and `ResetBefore`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// `{status: 503, retry_after: 1}`; `retry_after_date` writes the same as a date, in seconds from now.
    Status { code: u16, retry_after: Option<u64>, retry_after_date: Option<u64> },
    /// The connection is reset before the request is looked at.
    ResetBefore,
    /// The request is done, and the connection reset in the middle of the reply.
    ResetAfter,
    /// `{slow: 5s}`: the reply waits.
    Slow(Duration),
    /// `{truncate: 100}`: the connection closes after that many bytes of the body; the length announced is the whole one.
    Truncate(u64),
    /// The body ends in the middle, and so says its length.
    MalformedJson,
    /// 200 with a web page.
    HtmlPage,
    /// `download`: the URL is refused as expired. `files`: the URLs in this list have expired already.
    ExpiredUrl,
    /// `files`: the token that came with the request is revoked before it is looked at.
    RevokeToken,
    /// `files`: the next page has the cursor of this one.
    RepeatCursor,
    /// As many bytes as there should be, but others (in reverse).
    WrongBytes,
}

impl Fault {
    /// Those that need no more than their name.
    pub(super) const PLAIN: [Self; 8] = [
        Self::ResetBefore,
        Self::ResetAfter,
        Self::MalformedJson,
        Self::HtmlPage,
        Self::ExpiredUrl,
        Self::RevokeToken,
        Self::RepeatCursor,
        Self::WrongBytes,
    ];

    /// As the plan file calls it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::ResetBefore => "reset_before",
            Self::ResetAfter => "reset_after",
            Self::Slow(_) => "slow",
            Self::Truncate(_) => "truncate",
            Self::MalformedJson => "malformed_json",
            Self::HtmlPage => "html_page",
            Self::ExpiredUrl => "expired_url",
            Self::RevokeToken => "revoke_token",
            Self::RepeatCursor => "repeat_cursor",
            Self::WrongBytes => "wrong_bytes",
        }
    }

    /// Whether the fault means anything at this endpoint.
    pub(super) const fn fits(&self, on: On) -> bool {
        match self {
            Self::ExpiredUrl => matches!(on, On::Files | On::Download),
            Self::RevokeToken | Self::RepeatCursor => matches!(on, On::Files),
            _ => true,
        }
    }
}

/// The plan at work: counts the requests of each endpoint.
#[derive(Debug)]
pub(super) struct Faults {
    rules: Vec<FaultRule>,
    counts: Mutex<[u64; 3]>,
}

impl Faults {
    pub(super) fn new(plan: FaultPlan) -> Self {
        Self { rules: plan.rules, counts: Mutex::default() }
    }

    /// Counts one request, and says what is to be done to it.
    pub(super) fn next(&self, on: On) -> Option<Fault> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = &mut counts[on as usize];
        *count += 1;
        let fits = |rule: &&FaultRule| rule.on == on && (rule.nth == Nth::Every || rule.nth == Nth::Only(*count));
        self.rules.iter().find(fits).map(|rule| rule.fault.clone())
    }
}
