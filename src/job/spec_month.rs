//! `month_end:` of a job as written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Payout;

/// How a month is closed: carried forward from the earlier months, and held against its days.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MonthEndSpec {
    /// The job whose daily files are held against the month's; no roll-forward when left out.
    #[serde(default)]
    pub dailies: Option<String>,
    /// Files of so many months before are read too; 12 when left out.
    #[serde(default)]
    #[schemars(range(min = 1, max = 120))]
    pub earlier: Option<u32>,
    /// In how many days merchants pay.
    #[serde(default)]
    pub terms: Option<TermsSpec>,
    /// Upper ends of the ageing buckets in days from settlement, ascending; 30, 60, 90 when left out.
    #[serde(default)]
    #[schemars(length(min = 1), inner(range(min = 1, max = 3650)))]
    pub buckets: Option<Vec<u32>>,
    /// `at_once`: users are paid when a transaction settles; `withheld`: when Kard has paid.
    pub payout: Payout,
}

/// In how many days after settlement merchants pay.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TermsSpec {
    /// Of merchants that are not listed; 30 when left out.
    #[serde(default)]
    #[schemars(range(min = 1, max = 3650))]
    pub default: Option<u32>,
    /// Merchant, as the file states it: days.
    #[serde(default)]
    #[schemars(inner(range(min = 1, max = 3650)))]
    pub merchants: BTreeMap<String, u32>,
}
