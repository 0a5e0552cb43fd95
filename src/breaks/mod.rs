//! Breaks: discrepancies between sides that should agree, and the statement that proves that
//! they are all of them.

pub mod account;
pub mod age;
pub mod carry;
pub mod carry_file;
pub mod carry_judge;
pub mod classify;
mod codec;
pub mod compare;
pub mod detail;
pub mod files;
pub mod found;
pub mod gates;
pub mod id;
pub mod kinds;
mod label;
pub mod life;
pub mod losses;
pub mod observe;
pub mod packed;
pub mod sending;
pub mod sighting;
pub mod since;
pub mod statement;
mod values;
pub mod words;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use kinds::{BreakKind, Rule};
pub use packed::{Breaks, Head};

use crate::frames::{Measure, Side};
use crate::shared::Shared;

/// One discrepancy, with everything a person needs to judge it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Break {
    /// 16 hexadecimal digits of a SHA-256 over job, rule, key and currency: the same in every run.
    pub id: String,
    pub kind: BreakKind,
    /// The key's text (the transaction id); for kinds that are about a file the file's name.
    pub key: String,
    /// ISO 4217; empty for kinds that are about a file (but for a sent one of one currency).
    pub currency: String,
    /// What `at_risk_minor` and `difference_minor` are amounts of.
    pub measure: Measure,
    /// What may be lost or owed: never negative, minor units of `currency`.
    pub at_risk_minor: i64,
    /// The first of the two sides that differ minus the second, in the order file, ledger, webhooks.
    pub difference_minor: Option<i64>,
    /// What each side says, in the order of [`Side::ALL`].
    pub sides: [Option<Shared<SideFacts>>; 3],
    /// The latest time that file or ledger state; failing these, the notification's receipt.
    pub occurred_at: Option<DateTime<Utc>>,
    /// Whole days from `occurred_at` to the period's end.
    pub age_days: i64,
    pub status: BreakStatus,
    /// What differs, in one plain sentence with the numbers.
    pub detail: String,
}

impl Break {
    /// See [`BreakStatus::is_open`].
    pub const fn is_open(&self) -> bool {
        self.status.is_open()
    }

    pub fn side(&self, side: Side) -> Option<&SideFacts> {
        self.sides[side as usize].as_deref()
    }
}

/// Where a break stands. See [`life`] for what may follow what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakStatus {
    Open,
    /// Of a suggestion only: a weaker rule pairs its keys, and nobody has said whether that is right.
    Suggested,
    /// A person has looked at it, and it is one.
    Confirmed,
    /// An audit about it stands at the provider.
    InDispute,
    /// It is found no more, a later file clears it, or the provider has closed the audit about it and amends what
    /// differs.
    Resolved,
    /// Nobody will pay: a person has accepted that, or the provider has closed the audit so.
    WrittenOff,
    /// A person has said that it has its counterpart.
    ForceMatched,
}

impl BreakStatus {
    pub const ALL: [Self; 7] = [
        Self::Open,
        Self::Suggested,
        Self::Confirmed,
        Self::InDispute,
        Self::Resolved,
        Self::WrittenOff,
        Self::ForceMatched,
    ];

    /// Whether it still waits for somebody: what is open counts at gates and is at risk.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Open | Self::Suggested | Self::Confirmed | Self::InDispute)
    }

    /// The name in files, in the journal and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Suggested => "suggested",
            Self::Confirmed => "confirmed",
            Self::InDispute => "in_dispute",
            Self::Resolved => "resolved",
            Self::WrittenOff => "written_off",
            Self::ForceMatched => "force_matched",
        }
    }

    /// The status of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// For people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Suggested => "suggested",
            Self::Confirmed => "confirmed",
            Self::InDispute => "in dispute",
            Self::Resolved => "resolved",
            Self::WrittenOff => "written off",
            Self::ForceMatched => "force matched",
        }
    }
}

/// What one side says about one key, its rows already folded together.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SideFacts {
    pub amount_minor: Option<i64>,
    pub issuer_commission_minor: Option<i64>,
    pub user_reward_minor: Option<i64>,
    pub currency: Option<String>,
    pub status: Option<String>,
    pub user: Option<String>,
    pub merchant: Option<String>,
    pub card_first_six: Option<String>,
    pub card_last_four: Option<String>,
    pub payment_status: Option<String>,
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// `YYYY-MM-DD`, as `valid_to`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<String>,
    pub occurred_at: Option<DateTime<Utc>>,
    /// Where the rows stand, in order of file and line.
    pub rows: Vec<RowRef>,
}

/// The place of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RowRef {
    /// Index into the side's files.
    pub file: u32,
    /// See [`crate::frames::schema::Line`].
    pub line: u64,
}

/// Two keys that a weaker rule pairs: counted as matched, listed for review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suggestion {
    /// 16 hexadecimal digits over job, keys and currency: the same in every run.
    pub id: String,
    /// The keys that were joined, in text order.
    pub keys: Vec<String>,
    pub currency: String,
    /// The fallback rule in words: `card_last_four, amount within 1d`.
    pub rule: String,
    pub sides: [Option<Shared<SideFacts>>; 3],
    /// Rows of each side that are counted as suggested: none where the pair is a break, or not due.
    pub rows: [u64; 3],
}

/// The proof: left total + every line = right total, and every row in exactly one outcome.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Statement {
    pub bridges: Vec<Bridge>,
    pub rows: Vec<RowAccount>,
}

/// From one side's total to the other's, for one currency and one measure. Minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bridge {
    pub left: Side,
    pub right: Side,
    pub currency: String,
    pub measure: Measure,
    /// Recomputed from every row as read, apart from matching.
    pub left_total_minor: i128,
    /// Lines of zero rows are left out.
    pub lines: Vec<BridgeLine>,
    pub right_total_minor: i128,
    /// left + lines − right: zero, or the run is a bug.
    pub residual_minor: i128,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BridgeLine {
    /// In words: `expected: in grace …`, `excluded from ledger: …`, `break: missing in file`, …
    pub label: String,
    /// How many keys (or, for rows left out, rows) stand behind it.
    pub count: u64,
    pub amount_minor: i128,
}

impl BridgeLine {
    /// How the label of a line begins that breaks explain.
    pub const BREAK: &str = "break: ";

    /// Whether breaks explain it, rather than timing, exclusions or tolerance.
    pub fn is_of_breaks(&self) -> bool {
        self.label.starts_with(Self::BREAK)
    }
}

impl Bridge {
    /// The part of the way from left to right that breaks explain, in minor units.
    pub fn in_breaks_minor(&self) -> i128 {
        self.lines.iter().filter(|line| line.is_of_breaks()).map(|line| line.amount_minor).fold(0, i128::saturating_add)
    }
}

/// Every row of one side in exactly one outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowAccount {
    pub side: Side,
    /// As counted by the reader.
    pub read: u64,
    /// Of these, `suggested` were paired by a weaker rule.
    pub matched: u64,
    pub suggested: u64,
    pub expected: u64,
    pub breaks: u64,
    pub quarantined: u64,
    pub excluded: u64,
    /// read − matched − expected − breaks − quarantined − excluded: zero, or the run is a bug.
    pub unaccounted: i64,
}
