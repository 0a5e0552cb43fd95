//! Open breaks by their age in business days, as renderings show them.

use std::collections::BTreeMap;

use super::facts::Facts;
use crate::breaks::{BreakKind, Head};
use crate::frames::Measure;

/// How many buckets there are.
pub(super) const BUCKETS: usize = 5;

/// Where each bucket begins, in business days since the period that had it first: new, within a week, two, a month, older.
const AGES: [u32; BUCKETS] = [0, 1, 6, 11, 22];

/// The first and the last day of each bucket; the oldest has no last.
pub(super) fn buckets() -> [(u32, Option<u32>); BUCKETS] {
    std::array::from_fn(|bucket| (AGES[bucket], AGES.get(bucket + 1).map(|next| next - 1)))
}

/// The bucket of an age in business days.
pub(super) fn bucket_of(days: i64) -> usize {
    AGES.iter().rposition(|from| days >= i64::from(*from)).unwrap_or(0)
}

/// `0 days`, `1 to 5 days`, `over 21 days`
pub(super) fn bucket_words(bucket: usize) -> String {
    match buckets()[bucket] {
        (0, Some(0)) => "0 days".to_owned(),
        (from, Some(to)) => format!("{from} to {to} days"),
        (from, None) => format!("over {} days", from - 1),
    }
}

/// How many, and what is at risk by them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Aged {
    pub(super) breaks: u64,
    pub(super) at_risk_minor: i128,
}

/// One kind in one currency and measure; breaks of a whole file have neither.
pub(super) type Group<'a> = (BreakKind, &'a str, Option<Measure>);

/// The open breaks of each kind, currency and measure by age. A break of which no life is known is new.
pub(super) fn by_age(facts: &Facts) -> BTreeMap<Group<'_>, [Aged; BUCKETS]> {
    let mut groups = BTreeMap::<Group<'_>, [Aged; BUCKETS]>::new();
    for found in facts.breaks.heads().filter(Head::is_open) {
        let age = facts.life(found.id()).map_or(0, |life| life.age_business_days);
        let measure = (!found.currency.is_empty()).then_some(found.measure);
        let aged = &mut groups.entry((found.kind, found.currency, measure)).or_default()[bucket_of(age)];
        aged.breaks += 1;
        if measure.is_some() {
            aged.at_risk_minor += i128::from(found.at_risk_minor);
        }
    }
    groups
}
