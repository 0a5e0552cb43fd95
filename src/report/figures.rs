//! A run in a few numbers: what the journal keeps of its facts for those who watch runs without reading reports.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::facts::Facts;
use crate::breaks::Head;
use crate::breaks::gates::GateFacts;

/// The numbers of one finished run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Figures {
    /// Side → rows read.
    pub rows: BTreeMap<String, u64>,
    /// Side → rows that have found their counterpart; runs of before do not say.
    pub matched: BTreeMap<String, u64>,
    /// Kind → open breaks.
    pub breaks: BTreeMap<String, u64>,
    /// Currency (ISO 4217) → what is at risk by open breaks, in minor units.
    pub at_risk_minor: BTreeMap<String, i64>,
    /// The gates that are breached.
    pub breached: Vec<GateFacts>,
}

impl Figures {
    /// Those of a run's facts. A sum that no integer of 64 bits holds stays at the largest one.
    pub fn of(facts: &Facts) -> Self {
        let mut figures = Self { breached: facts.breached_gates().cloned().collect(), ..Self::default() };
        for rows in facts.counted_rows() {
            *figures.rows.entry(rows.side.name().to_owned()).or_default() += rows.read;
            *figures.matched.entry(rows.side.name().to_owned()).or_default() += rows.matched;
        }
        for found in facts.breaks.heads().filter(Head::is_open) {
            *figures.breaks.entry(found.kind.name().to_owned()).or_default() += 1;
        }
        for ((currency, _), minor) in facts.at_risk() {
            let sum = figures.at_risk_minor.entry(currency).or_default();
            *sum = i64::try_from(i128::from(*sum) + minor).unwrap_or(i64::MAX);
        }
        figures
    }

    /// All open breaks.
    pub fn open_breaks(&self) -> u64 {
        self.breaks.values().sum()
    }
}
