//! What can happen to an effect. What the journal holds is a list of these.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Doubt, Effect};

/// Who allowed an effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "approver", rename_all = "snake_case")]
pub enum Approver {
    Person {
        name: String,
    },
    /// The job's own rule, in words: `approval: none`.
    Job {
        rule: String,
    },
}

/// Holds for one plan only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The digest of the plan that was seen.
    pub plan: String,
    pub by: Approver,
    pub comment: Option<String>,
    pub at: DateTime<Utc>,
}

/// What a person found out about a doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The provider has it.
    Applied,
    /// The provider does not have it, and it shall not be sent.
    NotApplied,
    /// It shall be sent again, whatever the provider has.
    Resend,
}

impl Decision {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::NotApplied => "not_applied",
            Self::Resend => "resend",
        }
    }
}

/// What the provider's `auditUpdate` notification says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct News {
    /// The notification's id.
    pub notification: String,
    /// The provider's id of the audit.
    pub audit: Option<String>,
    /// `NEW`, `IN_PROGRESS`, `CLOSED`, or as sent.
    pub status: String,
    /// For `CLOSED` ("`AuditUpdateAttributes`").
    pub resolution_code: Option<i64>,
    pub resolution: Option<String>,
    /// When it was received, or resolved; UTC.
    pub at: Option<DateTime<Utc>>,
}

/// A row that the provider refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedRow {
    /// Its event id; empty where the provider named only its line.
    pub event_id: String,
    /// Its line in the bulk file, from 1, where the provider named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// In the provider's words, fit to be shown.
    pub why: String,
}

/// What the provider's `fileProcessingResult` notification says of a bulk file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileOutcome {
    /// The notification's id.
    pub notification: String,
    /// The rows that it names as refused, at most [`FileOutcome::MOST`] of them.
    pub refused: Vec<RefusedRow>,
    /// How many more it refuses.
    pub more: u64,
    /// What it says against the file as a whole; nothing where all is well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub against: Vec<String>,
    /// When it was received, or the file last changed at the provider; UTC.
    pub at: Option<DateTime<Utc>>,
}

impl FileOutcome {
    /// Refused rows that are kept by name.
    pub const MOST: usize = 10_000;
}

/// What can happen to an effect. What the journal holds is a list of these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A run's plan wants it; an approval of an earlier plan is void.
    Proposed {
        plan: String,
        effect: Box<Effect>,
    },
    /// A run's plan wants it no longer.
    Withdrawn {
        plan: String,
    },
    Approved {
        /// The digest of the plan that was seen.
        plan: String,
        by: Approver,
        comment: Option<String>,
    },
    /// A person said no.
    Refused {
        by: String,
        comment: String,
    },
    /// The intent, durable before the first byte is sent.
    InFlight {
        /// Names the call among the run's calls.
        call: String,
        /// SHA-256 of the exact bytes of the body.
        body_sha256: String,
        /// The upload session of the URL that a bulk file goes to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<String>,
    },
    /// Surely not applied; it may be sent again.
    NotSent {
        why: String,
        /// The provider refused the call as a whole: next time the effect goes alone; a bulk file goes to a new URL.
        alone: bool,
    },
    /// It may have arrived, and it will be sent again: its rows carry ids by which a second arrival is known.
    Again {
        doubt: Doubt,
        why: String,
    },
    /// The provider has some rows of a part and has refused others; the rest surely did not arrive and goes again.
    Narrowed {
        /// Event ids.
        known: Vec<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        refused: Vec<RefusedRow>,
        why: String,
    },
    Acknowledged {
        /// The provider's id: of the audit, of the user's upload session, or of the request that it queued.
        provider_id: Option<String>,
        /// How we know, where it was not the plain reply.
        note: Option<String>,
        /// The rows of a part that were refused, each by itself.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        refused: Vec<RefusedRow>,
    },
    /// In the provider's words.
    Rejected {
        why: String,
    },
    InDoubt {
        doubt: Doubt,
        why: String,
    },
    /// The provider was looked at after the attempt, and shows what became of it.
    Seen {
        done: bool,
        /// What it shows: `the limit is 500.00 USD`.
        what: String,
    },
    /// A person ended the doubt.
    Resolved {
        decision: Decision,
        by: String,
        reason: String,
    },
    /// The provider speaks of an audit for the transaction: proof that it stands.
    News(News),
    /// The provider has read a bulk file: proof that it arrived.
    Processed(FileOutcome),
    /// A person wants the matter opened again: the next plan may propose it anew.
    Reopened {
        by: String,
        reason: String,
    },
}

impl Event {
    /// The name in the journal and in messages.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Proposed { .. } => "proposed",
            Self::Withdrawn { .. } => "withdrawn",
            Self::Approved { .. } => "approved",
            Self::Refused { .. } => "refused",
            Self::InFlight { .. } => "in_flight",
            Self::NotSent { .. } => "not_sent",
            Self::Acknowledged { .. } => "acknowledged",
            Self::Rejected { .. } => "rejected",
            Self::InDoubt { .. } => "in_doubt",
            Self::Seen { .. } => "seen",
            Self::Resolved { .. } => "resolved",
            Self::News(_) => "news",
            Self::Again { .. } => "again",
            Self::Narrowed { .. } => "narrowed",
            Self::Processed(_) => "processed",
            Self::Reopened { .. } => "reopened",
        }
    }
}

impl News {
    /// Kard has ended the audit.
    pub fn is_closed(&self) -> bool {
        self.status == "CLOSED"
    }
}
