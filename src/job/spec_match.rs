//! `match` as written: the key, what is compared, and what else is looked for.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Splits;
use crate::frames::Field;

/// How rows find each other.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MatchSpec {
    /// The field whose text is the key; `transaction_id` when left out.
    #[serde(default)]
    pub key: Option<Field>,
    /// What must agree; what is not listed is not compared.
    pub compare: CompareSpec,
    /// Several rows of one key: `sum` (settled ones), `forbid` (the default) or `balance` (all are summed).
    #[serde(default)]
    pub splits: Option<Splits>,
    /// Statuses that a row of the file must not have when its `valid_to` (or, where it states none, the ledger's) lies
    /// before the period's last day: `open_after_end`.
    #[serde(default)]
    pub open_after_end: Option<Vec<String>>,
    /// Statuses of the file that say that the provider has failed: `provider_failed`, in place of `status_mismatch`.
    #[serde(default)]
    pub failed: Option<Vec<String>>,
    /// Holds the statuses of the file against those of the last finished run of an earlier period: `status_changed`,
    /// `row_vanished`.
    #[serde(default)]
    pub status_changes: Option<StatusChangesSpec>,
    /// Weaker rules, in order, for what the key left over. Their matches are suggested.
    #[serde(default)]
    pub fallback: Vec<FallbackSpec>,
}

/// What is compared, and how exactly.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CompareSpec {
    /// The transaction amount.
    #[serde(default)]
    pub amount: Option<MinorTolerance>,
    /// What the provider owes the issuer.
    #[serde(default)]
    pub issuer_commission: Option<MinorTolerance>,
    /// What the user earns.
    #[serde(default)]
    pub user_reward: Option<MinorTolerance>,
    /// `exact`.
    #[serde(default)]
    pub currency: Option<Exact>,
    /// `exact`, or pairs of statuses that count as the same.
    #[serde(default)]
    pub status: Option<StatusSpec>,
    /// `exact`: `valid_from` and `valid_to` must be equal where both sides state them.
    #[serde(default)]
    pub validity: Option<Exact>,
    /// Fields that must be equal where both sides state them.
    #[serde(default)]
    pub identity: Vec<Field>,
    /// How far the file and the ledger may lie apart in time; without, they must lie in the same period.
    #[serde(default)]
    pub date: Option<DateTolerance>,
}

/// By how much two amounts may differ.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MinorTolerance {
    /// In minor units (cents) of the row's currency.
    #[schemars(range(min = 0))]
    pub tolerance: i64,
}

/// By how much two times may differ.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DateTolerance {
    /// A duration such as `1d`.
    pub tolerance: String,
}

/// The only way to compare currencies and validities.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Exact {
    Exact,
}

/// How statuses are compared.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatusSpec {
    /// Word for word.
    Exact,
    /// These pairs count as the same.
    Same(Vec<[String; 2]>),
}

/// Which changes of a status are nothing to tell of.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatusChangesSpec {
    /// Pairs of a status before and the one after it, such as `[PENDING, AVAILABLE]`; none when left out.
    #[serde(default)]
    pub expected: Vec<[String; 2]>,
}

/// One weaker rule.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FallbackSpec {
    /// Fields that must all be equal and stated on both sides.
    #[schemars(length(min = 1))]
    pub by: Vec<Field>,
    /// And how far apart in time at most; a duration such as `1d`.
    #[serde(default)]
    pub within: Option<String>,
}
