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
    let taken = facts.pairing != Pairing::ByKey;
    if complete || taken || facts.sides.iter().flatten().any(|side| is_no_candidate(side.flags)) {
        return None;
    }
    rule.by.iter().map(|field| stated(facts, *field)).collect()
}

/// Rows that contradict each other cannot be told to fit; what failed, was declined or was reversed
/// has no counterpart to look for.
fn is_no_candidate(flags: Flags) -> bool {
    flags.has(Flags::CONFLICT) || flags.has(Flags::FAILED) || flags.has(Flags::VOIDED)
}

/// The first side that states the field.
fn stated(facts: &KeyFacts, field: Field) -> Option<String> {
    let measure = Measure::ALL.into_iter().find(|measure| measure.field() == field);
    facts.sides.iter().flatten().find_map(|side| match measure {
        Some(measure) => side.values()[measure as usize].map(|minor| minor.to_string()),
        None => side.text(field).map(str::to_owned),
    })
}

/// Candidates named on each ambiguous key.
const CANDIDATES_NAMED: usize = 5;

/// Groups of keys that fit each other, directly or through others: two keys fit when no side states
/// both and their times are near enough. After sorting, the work grows with the keys, not their pairs.
fn clusters(rule: &Fallback, bucket: &[usize], slots: &[Option<KeyFacts>]) -> Vec<Vec<usize>> {
    let mut members: Vec<Member> = bucket.iter().filter_map(|&at| Member::of(rule, at, slots[at].as_ref()?)).collect();
    members.sort_by_key(|member| (member.micros, member.at));
    let mut groups = Groups::new(members.len());
    for left_sides in 1..ALL_SIDES {
        for right_sides in left_sides + 1..ALL_SIDES {
            if left_sides & right_sides == 0 {
                join_near(rule, &members, (left_sides, right_sides), &mut groups);
            }
        }
    }
    let mut clusters: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, member) in members.iter().enumerate() {
        clusters.entry(groups.root(index)).or_default().push(member.at);
    }
    clusters.into_values().collect()
}

/// The set of all three sides, one bit each.
const ALL_SIDES: u8 = 0b111;

/// A leftover key, as far as its fit goes.
#[derive(Debug, Clone, Copy)]
struct Member {
    at: usize,
    /// Which sides state it, one bit each.
    sides: u8,
    micros: i64,
}

impl Member {
    /// None for a key without a time where the rule asks for one.
    fn of(rule: &Fallback, at: usize, facts: &KeyFacts) -> Option<Self> {
        let sides = Side::ALL.iter().filter(|side| facts.side(**side).is_some());
        let sides = sides.fold(0, |sides, side| sides | 1 << *side as u8);
        let micros = if rule.within.is_some() { facts.latest()? } else { 0 };
        Some(Self { at, sides, micros })
    }
}

/// Joins what is near among the keys of two sets of sides that have no side in common. Both windows
/// only move forward, and keys that one key joins are joined to each other once.
fn join_near(rule: &Fallback, members: &[Member], sides: (u8, u8), groups: &mut Groups) {
    let within_micros = rule.within.and_then(|within| within.num_microseconds()).unwrap_or(i64::MAX).unsigned_abs();
    let of = |wanted: u8| (0..members.len()).filter(|index| members[*index].sides == wanted).collect::<Vec<_>>();
    let (left, right) = (of(sides.0), of(sides.1));
    let (mut first, mut joined) = (0, 0);
    for one in left {
        let apart = |other: &usize| members[*other].micros.abs_diff(members[one].micros) > within_micros;
        while right.get(first).is_some_and(|other| members[*other].micros < members[one].micros && apart(other)) {
            first += 1;
        }
        if right.get(first).is_none_or(apart) {
            continue;
        }
        groups.join(one, right[first]);
        joined = joined.max(first);
        while right.get(joined + 1).is_some_and(|other| !apart(other)) {
            groups.join(right[joined], right[joined + 1]);
            joined += 1;
        }
    }
}

/// Which members belong together.
#[derive(Debug)]
struct Groups(Vec<usize>);

impl Groups {
    fn new(members: usize) -> Self {
        Self((0..members).collect())
    }

    fn root(&mut self, mut member: usize) -> usize {
        while self.0[member] != member {
            self.0[member] = self.0[self.0[member]];
            member = self.0[member];
        }
        member
    }

    /// The smaller root stays, so that the outcome does not depend on the order of joining.
    fn join(&mut self, left: usize, right: usize) {
        let (left, right) = (self.root(left), self.root(right));
        self.0[left.max(right)] = left.min(right);
    }
}

/// A cluster in which no side stands twice is one suggestion; any other is ambiguous for all its keys.
fn resolve(rule: &Fallback, cluster: &[usize], slots: &mut [Option<KeyFacts>], paired: &mut Vec<KeyFacts>) {
    if cluster.len() < 2 {
        return;
    }
    let keys: BTreeSet<String> =
        cluster.iter().filter_map(|&at| slots[at].as_ref()).map(|facts| facts.key.clone()).collect();
    let words = rule.to_string();
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
