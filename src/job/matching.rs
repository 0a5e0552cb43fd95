//! How rows find each other, and what must agree.

use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::frames::{Field, Measure};
use crate::period::duration_words;

/// How rows find each other and what must agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matching {
    /// The field whose text is the key.
    pub key: Field,
    /// Tolerance in minor units for each compared measure; a measure that is not here is not compared.
    pub amount_tolerance_minor: Option<i64>,
    pub issuer_commission_tolerance_minor: Option<i64>,
    pub user_reward_tolerance_minor: Option<i64>,
    /// Compare currencies (always kept apart in sums).
    pub currency: bool,
    /// Compare statuses; a pair (any two sides, any order) listed here counts as equal.
    pub status: Option<Vec<(String, String)>>,
    /// Fields that must be equal where both sides state them (`user`, `merchant`, `card_last_four`, …).
    pub identity: Vec<Field>,
    /// Compare `valid_from` and `valid_to` where both sides state them.
    pub validity: bool,
    /// Statuses that the file must not have past the end of the validity, upper case.
    pub open_after_end: Vec<String>,
    /// Statuses of the file that say that the provider has failed, upper case.
    pub failed: Vec<String>,
    /// Changes of the file's status since the run before that are nothing to tell of (from, to), upper case; none: the
    /// run before is not looked at.
    pub status_changes: Option<Vec<(String, String)>>,
    /// Two sides may lie this far apart in time; none: they must lie in the same period.
    pub date_tolerance: Option<TimeDelta>,
    pub splits: Splits,
    pub fallback: Vec<Fallback>,
}

impl Matching {
    /// The tolerance of a measure in minor units; none where the job does not compare it.
    pub const fn tolerance_minor(&self, measure: Measure) -> Option<i64> {
        match measure {
            Measure::TransactionAmount => self.amount_tolerance_minor,
            Measure::IssuerCommission => self.issuer_commission_tolerance_minor,
            Measure::UserReward => self.user_reward_tolerance_minor,
        }
    }

    /// Whether what is compared is how things stand, rather than what has happened: then each period's inputs say all of
    /// it anew.
    pub fn compares_states(&self) -> bool {
        self.splits == Splits::Balance || self.validity || !self.open_after_end.is_empty()
    }

    /// Whether the file of one period may well hold the same as that of another: nothing has changed.
    pub fn may_repeat(&self) -> bool {
        self.compares_states() || self.status_changes.is_some()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Splits {
    /// Several settled rows of one key that differ are one purchase in parts: they are summed.
    Sum,
    /// Several settled rows of one key that differ are `conflicting_rows`.
    #[default]
    Forbid,
    /// All rows of one key are summed, whatever their status, sign and time: a balance.
    Balance,
}

/// A weaker rule, tried in order on what the key left over. Its matches are *suggested*.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fallback {
    /// Must all be equal and stated on both.
    pub by: Vec<Field>,
    /// And lie at most this far apart; none: time does not matter.
    pub within: Option<TimeDelta>,
}

/// `card_last_four, amount within 1d`
impl std::fmt::Display for Fallback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let fields: Vec<&str> = self.by.iter().map(|field| field.name()).collect();
        f.write_str(&fields.join(", "))?;
        self.within.map_or(Ok(()), |within| write!(f, " within {}", duration_words(within)))
    }
}
