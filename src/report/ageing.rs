//! Open breaks by their age in business days, as renderings show them.

use std::collections::BTreeMap;

use super::facts::Facts;
use crate::breaks::BreakKind;
use crate::frames::Measure;

/// How many buckets there are.
pub(super) const BUCKETS: usize = 6;

/// The first and the last day of each bucket, in business days since the period that had it first.
const DAYS: [(i64, Option<i64>); BUCKETS] =
    [(0, Some(0)), (1, Some(2)), (3, Some(5)), (6, Some(10)), (11, Some(20)), (21, None)];

/// `0 days`, `1 to 2 days`, `over 20 days`
pub(super) fn bucket_words(bucket: usize) -> String {
    match DAYS[bucket] {
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
    for found in facts.breaks.iter().filter(|found| found.is_open()) {
        let age = facts.lives.get(&found.id).map_or(0, |life| life.age_business_days);
        let measure = (!found.currency.is_empty()).then_some(found.measure);
        let aged = &mut groups.entry((found.kind, &found.currency, measure)).or_default()[bucket_of(age)];
        aged.breaks += 1;
        if measure.is_some() {
            aged.at_risk_minor += i128::from(found.at_risk_minor);
        }
    }
    groups
}

fn bucket_of(age: i64) -> usize {
    DAYS.iter().position(|(_, to)| to.is_none_or(|to| age <= to)).expect("the last bucket has no end")
}
