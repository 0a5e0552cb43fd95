//! Sums over the breaks that every rendering shows.

use std::collections::BTreeMap;

use super::amount::money;
use super::facts::Facts;
use crate::breaks::BreakKind;
use crate::frames::Measure;

/// The breaks of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KindTotal {
    pub(super) kind: BreakKind,
    pub(super) count: u64,
    /// What is at risk, by currency and measure; nothing for breaks of a whole file.
    pub(super) at_risk: BTreeMap<(String, Measure), i128>,
}

/// Totals of every kind that was found, in the order of [`BreakKind::ALL`].
pub(super) fn by_kind(facts: &Facts) -> Vec<KindTotal> {
    let mut totals = BTreeMap::<BreakKind, KindTotal>::new();
    for found in &facts.breaks {
        let total = totals.entry(found.kind).or_insert_with(|| KindTotal {
            kind: found.kind,
            count: 0,
            at_risk: BTreeMap::new(),
        });
        total.count += 1;
        if !found.currency.is_empty() {
            *total.at_risk.entry((found.currency.clone(), found.measure)).or_default() +=
                i128::from(found.at_risk_minor);
        }
    }
    totals.into_values().collect()
}

/// `USD 40.00, JPY 500`: measures of one currency are added, since each break counts once.
pub(super) fn at_risk_in_words(at_risk: &BTreeMap<(String, Measure), i128>) -> String {
    let mut by_currency = BTreeMap::<&str, i128>::new();
    for ((currency, _), minor) in at_risk {
        *by_currency.entry(currency).or_default() += minor;
    }
    by_currency.iter().map(|(currency, minor)| money(*minor, currency)).collect::<Vec<_>>().join(", ")
}

/// A measure for people.
pub(super) const fn measure_words(measure: Measure) -> &'static str {
    match measure {
        Measure::TransactionAmount => "transaction amount",
        Measure::IssuerCommission => "issuer commission",
        Measure::UserReward => "user reward",
    }
}

/// `missing in file`: a kind's name for people.
pub(super) fn kind_words(kind: BreakKind) -> String {
    kind.name().replace('_', " ")
}
