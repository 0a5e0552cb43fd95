//! Sums over the breaks that every rendering shows.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::ageing;
use super::amount::{decimals, money};
use super::facts::Facts;
use crate::breaks::{BreakKind, Bridge, Head};
use crate::frames::Measure;

/// The breaks of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KindTotal {
    pub(super) kind: BreakKind,
    pub(super) count: u64,
    /// What is at risk by the open ones, by currency and measure; nothing for breaks of a whole file.
    pub(super) at_risk: BTreeMap<(String, Measure), i128>,
}

/// Totals of every kind that was found, in the order of [`BreakKind::ALL`].
pub(super) fn by_kind(facts: &Facts) -> Vec<KindTotal> {
    let mut totals = BTreeMap::<BreakKind, KindTotal>::new();
    for found in facts.breaks.heads() {
        let total = totals.entry(found.kind).or_insert_with(|| KindTotal {
            kind: found.kind,
            count: 0,
            at_risk: BTreeMap::new(),
        });
        total.count += 1;
        if found.is_open() && !found.currency.is_empty() {
            *total.at_risk.entry((found.currency.to_owned(), found.measure)).or_default() +=
                i128::from(found.at_risk_minor);
        }
    }
    totals.into_values().collect()
}

/// The open breaks of one age.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AgeTotal {
    /// Business days.
    pub(super) from_days: u32,
    /// Included; none for the oldest.
    pub(super) to_days: Option<u32>,
    pub(super) count: u64,
    pub(super) at_risk: BTreeMap<(String, Measure), i128>,
}

/// The open breaks by age, the youngest first; every bucket, or none where no break is open. What nobody has seen before
/// this period is new.
pub(super) fn by_age(facts: &Facts) -> Vec<AgeTotal> {
    let bucket = |(from_days, to_days)| AgeTotal { from_days, to_days, count: 0, at_risk: BTreeMap::new() };
    let mut buckets = ageing::buckets().map(bucket);
    for found in facts.breaks.heads().filter(Head::is_open) {
        let days = facts.life(found.id()).map_or(0, |life| life.age_business_days);
        let place = ageing::bucket_of(days);
        buckets[place].count += 1;
        if !found.currency.is_empty() {
            *buckets[place].at_risk.entry((found.currency.to_owned(), found.measure)).or_default() +=
                i128::from(found.at_risk_minor);
        }
    }
    if buckets.iter().all(|bucket| bucket.count == 0) { Vec::new() } else { buckets.into() }
}

/// The same totals, most at risk first, then most breaks.
pub(super) fn by_risk(facts: &Facts) -> Vec<KindTotal> {
    most_at_risk_first(by_kind(facts))
}

/// Totals of kinds, most at risk first, then most breaks.
pub(super) fn most_at_risk_first(mut totals: Vec<KindTotal>) -> Vec<KindTotal> {
    totals.sort_by_key(|total| {
        let size = |((currency, _), minor): (&(String, Measure), &i128)| size(*minor, currency);
        let sizes = total.at_risk.iter().map(size).fold(0_u128, u128::saturating_add);
        (Reverse(sizes), Reverse(total.count), total.kind)
    });
    totals
}

/// The bridges, currency by currency, the one with the largest total first; within a currency in
/// the order of the statement.
pub(super) fn by_size(bridges: &[Bridge]) -> Vec<&Bridge> {
    let mut largest = BTreeMap::<&str, u128>::new();
    for bridge in bridges {
        let of = |minor: i128| size(minor, &bridge.currency);
        let most = largest.entry(&bridge.currency).or_default();
        *most = (*most).max(of(bridge.left_total_minor)).max(of(bridge.right_total_minor));
    }
    let mut ordered: Vec<&Bridge> = bridges.iter().collect();
    ordered.sort_by_key(|bridge| (Reverse(largest[bridge.currency.as_str()]), &bridge.currency));
    ordered
}

/// An amount's size for ordering alone: units of its currency, whatever those are worth.
fn size(minor: i128, currency: &str) -> u128 {
    let finer = 10_u128.pow(u32::from(4_u8.saturating_sub(decimals(currency))));
    minor.unsigned_abs().saturating_mul(finer)
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
