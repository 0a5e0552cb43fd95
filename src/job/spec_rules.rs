//! Fraud rules as written in a job file.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Grouping;
use super::spec::{amounts_by_currency, by_field, text_or_number};
use crate::frames::Field;

/// One rule over the rows of a side: exactly one of these keys.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FraudRuleSpec {
    /// Too many purchases, or too much money, within a time.
    #[serde(default)]
    pub velocity: Option<VelocitySpec>,
    /// More comes back than was bought.
    #[serde(default)]
    pub returns_above_purchases: Option<ReturnsSpec>,
    /// One card (first six and last four digits) with many users.
    #[serde(default)]
    pub shared_card: Option<SharedCardSpec>,
    /// A purchase far above the user's earlier ones.
    #[serde(default)]
    pub outlier: Option<OutlierSpec>,
    /// Field: values that are denied, letter case and surrounding blanks aside.
    #[serde(default)]
    #[schemars(schema_with = "by_field::<Vec<String>>")]
    pub deny: Option<BTreeMap<Field, Vec<String>>>,
}

/// `count`, `sum` or both.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VelocitySpec {
    /// Whose purchases: `user`, `card` or `merchant`.
    pub by: Grouping,
    /// The length of the window, such as `1h`; purchases exactly so far apart are in no window together.
    pub within: String,
    /// More purchases than this.
    #[serde(default)]
    pub count: Option<u64>,
    /// Currency: more than this, in major units ("2000.00").
    #[serde(default)]
    #[schemars(schema_with = "amounts_by_currency")]
    pub sum: BTreeMap<String, String>,
}

/// Over all rows that are read, of this period and of `history`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnsSpec {
    /// Whose returns: `user`, `card` or `merchant`.
    pub by: Grouping,
    /// Currency: by more than this, in major units ("50.00"); in a currency that is not listed, by anything.
    #[serde(default)]
    #[schemars(schema_with = "amounts_by_currency")]
    pub beyond: BTreeMap<String, String>,
}

/// How many users are too many.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SharedCardSpec {
    /// So many users, or more.
    #[schemars(range(min = 2))]
    pub users: u64,
}

/// How far above, and above what.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutlierSpec {
    /// So many times the median of the user's earlier purchases in that currency, or more.
    #[schemars(schema_with = "text_or_number")]
    pub times: String,
    /// With fewer earlier purchases than this, nothing is said.
    #[schemars(range(min = 1))]
    pub history: u64,
}
