//! Weaker rules for what the key left over. They only ever *suggest*: a unique fit joins two or
//! three keys for review, more than one fit is ambiguous and stays apart.

use std::collections::{BTreeMap, BTreeSet};

use super::side::Flags;
use super::{KeyFacts, Pairing, Rules};
use crate::frames::{Field, Measure, Side};
use crate::job::Fallback;

/// Joins what fits. The order of `suspects` (text order of the keys) is kept.
pub fn pair_leftovers(rules: &Rules, mut suspects: Vec<KeyFacts>) -> Vec<KeyFacts> {
    for rule in &rules.matching.fallback {
        suspects = apply(rules, rule, suspects);
    }
    suspects.sort_by(|left, right| left.key.cmp(&right.key));
    suspects
}

fn apply(rules: &Rules, rule: &Fallback, suspects: Vec<KeyFacts>) -> Vec<KeyFacts> {
    let mut buckets: BTreeMap<Vec<String>, Vec<usize>> = BTreeMap::new();
    for (index, facts) in suspects.iter().enumerate() {
        if let Some(signature) = signature(rules, rule, facts) {
            buckets.entry(signature).or_default().push(index);
        }
    }
    let mut slots: Vec<Option<KeyFacts>> = suspects.into_iter().map(Some).collect();
    let mut paired = Vec::new();
    for bucket in buckets.values() {
        for cluster in clusters(rule, bucket, &slots) {
            resolve(rule, &cluster, &mut slots, &mut paired);
        }
    }
    slots.into_iter().flatten().chain(paired).collect()
}

/// What the rule compares, as text; none when the key takes no part.
fn signature(rules: &Rules, rule: &Fallback, facts: &KeyFacts) -> Option<Vec<String>> {
    let complete = rules.sides.iter().all(|side| facts.side(*side).is_some());
    let unfit = Flags::CONFLICT;
    let taken = facts.pairing != Pairing::ByKey;
    if complete || taken || facts.sides.iter().flatten().any(|side| side.flags.has(unfit) || is_bare_notice(side.flags))
    {
        return None;
    }
    rule.by.iter().map(|field| stated(facts, *field)).collect()
}

/// A failed or clawback notice on its own is news about a key, not a candidate for another one.
fn is_bare_notice(flags: Flags) -> bool {
    flags.has(Flags::FAILED) || flags.has(Flags::VOIDED)
}

/// The first side that states the field.
fn stated(facts: &KeyFacts, field: Field) -> Option<String> {
    let measure = Measure::ALL.into_iter().find(|measure| measure.field() == field);
    facts.sides.iter().flatten().find_map(|side| match measure {
        Some(measure) => side.values()[measure as usize].map(|minor| minor.to_string()),
        None => side.text(field).map(str::to_owned),
    })
}

/// More leftovers than this with one and the same signature are not told apart by time: comparing
/// each with each would take for ever, and no reviewer could choose among them either.
const MOST_IN_A_BUCKET: usize = 256;

/// Candidates named on each ambiguous key.
const CANDIDATES_NAMED: usize = 5;

/// Groups of keys that fit each other, directly or through others.
fn clusters(rule: &Fallback, bucket: &[usize], slots: &[Option<KeyFacts>]) -> Vec<Vec<usize>> {
    if bucket.len() > MOST_IN_A_BUCKET {
        return vec![bucket.to_vec()];
    }
    let mut clusters: Vec<Vec<usize>> = Vec::new();
    for &index in bucket {
        let joins = |cluster: &Vec<usize>| cluster.iter().any(|&other| fits(rule, slots, index, other));
        let (touching, mut apart): (Vec<_>, Vec<_>) = clusters.into_iter().partition(joins);
        let mut merged: Vec<usize> = touching.into_iter().flatten().collect();
        merged.push(index);
        apart.push(merged);
        clusters = apart;
    }
    clusters
}

/// Two keys fit when no side states both and their times are near enough.
fn fits(rule: &Fallback, slots: &[Option<KeyFacts>], left: usize, right: usize) -> bool {
    let (Some(left), Some(right)) = (&slots[left], &slots[right]) else { return false };
    let disjoint = Side::ALL.iter().all(|side| left.side(*side).is_none() || right.side(*side).is_none());
    disjoint && near(rule, left.latest(), right.latest())
}

fn near(rule: &Fallback, left: Option<i64>, right: Option<i64>) -> bool {
    let Some(within_micros) = rule.within.and_then(|within| within.num_microseconds()) else { return true };
    matches!((left, right), (Some(left), Some(right)) if left.abs_diff(right) <= within_micros.unsigned_abs())
}

/// A cluster in which no side stands twice is one suggestion; any other is ambiguous for all its keys.
fn resolve(rule: &Fallback, cluster: &[usize], slots: &mut [Option<KeyFacts>], paired: &mut Vec<KeyFacts>) {
    if cluster.len() < 2 {
        return;
    }
    let keys: BTreeSet<String> =
        cluster.iter().filter_map(|&at| slots[at].as_ref()).map(|facts| facts.key.clone()).collect();
    let words = words(rule);
    let unique = Side::ALL.iter().all(|side| {
        cluster.iter().filter(|&&at| slots[at].as_ref().is_some_and(|facts| facts.side(*side).is_some())).count() <= 1
    });
    if unique {
        let members: Vec<KeyFacts> = cluster.iter().filter_map(|&at| slots[at].take()).collect();
        paired.push(join(members, keys, words));
    } else {
        for &at in cluster {
            if let Some(facts) = &mut slots[at] {
                let candidates = keys.iter().filter(|key| **key != facts.key).take(CANDIDATES_NAMED).cloned().collect();
                facts.pairing = Pairing::Ambiguous { candidates, rule: words.clone() };
            }
        }
    }
}

fn join(members: Vec<KeyFacts>, keys: BTreeSet<String>, rule: String) -> KeyFacts {
    let lead = Side::ALL
        .iter()
        .find_map(|side| members.iter().find(|facts| facts.side(*side).is_some()))
        .map_or_else(String::new, |facts| facts.key.clone());
    let mut sides = [None, None, None];
    for member in members {
        for (slot, side) in sides.iter_mut().zip(member.sides) {
            *slot = side.or(slot.take());
        }
    }
    KeyFacts { key: lead, sides, pairing: Pairing::Suggested { keys: keys.into_iter().collect(), rule } }
}

/// `card_last_four, amount within 1d`
fn words(rule: &Fallback) -> String {
    let fields = rule.by.iter().map(|field| field.name()).collect::<Vec<_>>().join(", ");
    match rule.within {
        Some(within) => format!("{fields} within {}", crate::period::duration_words(within)),
        None => fields,
    }
}
