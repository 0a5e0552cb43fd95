//! The blocks `seal` and `adjustments` of `summary.json`; each single adjustment stands in `adjustments.jsonl`.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::json::Minor;
use crate::seals::adjustments::{Adjustment, Change, totals};
use crate::seals::{SealFacts, Standing};

/// The seal of the report's period: the report is of a late attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealSummary {
    /// The sealed attempt, as `JOB/PERIOD/ATTEMPT`.
    pub run: String,
    pub at: DateTime<Utc>,
    pub by: String,
    pub reason: String,
}

/// What sealed periods leave to this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdjustmentsSummary {
    pub count: u64,
    pub new: u64,
    pub gone: u64,
    pub changed: u64,
    /// The sealed periods that have any.
    pub periods: Vec<AdjustedPeriod>,
    pub totals: Vec<AdjustmentTotal>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AdjustedPeriod {
    pub period: String,
    pub sealed_run: String,
    /// The last finished attempt of the period.
    pub late_run: String,
}

/// before + change = after
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdjustmentTotal {
    pub currency: String,
    pub count: u64,
    /// At risk by the adjusted breaks as sealed, and now.
    pub before_minor: Minor,
    pub change_minor: Minor,
    pub after_minor: Minor,
}

pub(super) fn seal(facts: &SealFacts) -> Option<SealSummary> {
    let Standing { run, at, by, reason, .. } = facts.seal.as_ref()?;
    Some(SealSummary { run: run.clone(), at: *at, by: by.clone(), reason: reason.clone() })
}

pub(super) fn adjustments(facts: &SealFacts) -> Option<AdjustmentsSummary> {
    let found = facts.adjustments.as_ref()?;
    let of = |change| found.iter().filter(|one| one.change() == change).count() as u64;
    let period = |one: &Adjustment| AdjustedPeriod {
        period: one.period.clone(),
        sealed_run: one.sealed_run.clone(),
        late_run: one.late_run.clone(),
    };
    let periods: BTreeSet<AdjustedPeriod> = found.iter().map(period).collect();
    let totals = totals(found).into_iter().map(|(currency, total)| AdjustmentTotal {
        currency: currency.to_owned(),
        count: total.count,
        before_minor: Minor(total.before_minor),
        change_minor: Minor(total.after_minor - total.before_minor),
        after_minor: Minor(total.after_minor),
    });
    Some(AdjustmentsSummary {
        count: found.len() as u64,
        new: of(Change::New),
        gone: of(Change::Gone),
        changed: of(Change::Changed),
        periods: periods.into_iter().collect(),
        totals: totals.collect(),
    })
}

/// Every currency that the blocks name.
pub(super) fn currencies(facts: &SealFacts) -> Vec<&String> {
    let states = facts.adjustments.iter().flatten().flat_map(|one| [&one.before, &one.after]).flatten();
    let by_name: BTreeMap<&str, &String> = states.map(|state| (state.currency.as_str(), &state.currency)).collect();
    by_name.into_values().collect()
}
