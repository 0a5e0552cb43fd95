//! What a job does at the end of a month, beside the comparison: the monthly files of earlier months, the days of the
//! month, the merchants' terms.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The month is closed: carried forward from the earlier months, and held against its days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthEnd {
    /// The job whose daily provider files are held against the month's; none: no roll-forward.
    pub dailies: Option<String>,
    /// Files of so many months before are read (at least 1): what they held pending must stand in the next one.
    pub earlier: u32,
    pub terms: Terms,
    /// Upper ends of the ageing buckets in days from settlement, ascending: 30, 60, 90.
    pub buckets: Vec<u32>,
    pub payout: Payout,
}

/// In how many days after settlement merchants pay ("Payouts": usually net 30, at most net 90).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    pub default_days: u32,
    /// The merchant's text as the file states it → days.
    pub merchants: BTreeMap<String, u32>,
}

impl Terms {
    /// The days that a merchant has; of one that is not named or not stated the default.
    pub fn days(&self, merchant: Option<&str>) -> u32 {
        merchant.and_then(|name| self.merchants.get(name)).copied().unwrap_or(self.default_days)
    }
}

/// How the issuer pays its users ("Payouts").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Payout {
    /// At settlement: the issuer fronts the rewards, and is reimbursed when Kard pays.
    AtOnce,
    /// When Kard has paid.
    Withheld,
}
