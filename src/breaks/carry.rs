//! Keys that stand in more than one period: what one period leaves open, another may clear. Pure.
//!
//! Each period leaves a list: the keys that it could not settle ([`OpenItem`]), and those of other periods that its own
//! files settled ([`Settled`]). What is open is what all lists say together, whichever was written first: periods may
//! be run in any order, and again.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::classify::{Expected, Outcome, Verdict, classify};
use super::statement::Judged;
use super::{Break, BreakKind, RowRef, Rule, id};
use crate::frames::Side;
use crate::matching::{Flags, KeyFacts, KeySide, Pairing, Rules};

/// A key that a period could not settle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenItem {
    /// The label of the period.
    pub period: String,
    pub key: String,
    /// In the order of [`Side::ALL`]; the rows' places are those of the run that left the item.
    pub sides: [Option<KeySide>; 3],
    /// Why it is no break yet; none: it is.
    pub waits: Option<Expected>,
    /// The breaks that it made, by id.
    pub breaks: Vec<(String, BreakKind)>,
}

/// A key of another period that a period's files settled.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Settled {
    /// The label of the period that had left it open.
    pub period: String,
    pub key: String,
}

/// A key of an earlier period that a run took in and did not settle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarriedMark {
    /// The label of the period that had left it open.
    pub period: String,
    pub key: String,
    pub fate: Fate,
}

/// What the files of a later period say about a key.
#[derive(Debug, Clone)]
pub struct LaterSides {
    /// The label of the period.
    pub period: String,
    pub sides: [Option<KeySide>; 3],
}

/// What other periods say about keys.
#[derive(Debug, Clone, Default)]
pub struct Others {
    /// What other periods left open, the earliest first, one list a key.
    pub open: BTreeMap<String, Vec<OpenItem>>,
    /// The latest end of an earlier period that was run: what was over by then is no news.
    pub known_until: Option<DateTime<Utc>>,
    /// What files of later periods say about keys that this one leaves open, the nearest period first.
    pub later: BTreeMap<String, Vec<LaterSides>>,
}

impl Others {
    /// What other periods left open and no other has settled.
    pub fn of_open(items: impl IntoIterator<Item = OpenItem>, settled: &HashSet<Settled>) -> Self {
        let mut open = BTreeMap::<String, Vec<OpenItem>>::new();
        for item in items {
            let key = Settled { period: item.period.clone(), key: item.key.clone() };
            if !settled.contains(&key) {
                open.entry(item.key.clone()).or_default().push(item);
            }
        }
        for items in open.values_mut() {
            items.sort_by(|left, right| left.period.cmp(&right.period));
        }
        Self { open, ..Self::default() }
    }

    /// The keys that matching has to watch.
    pub fn keys(&self) -> HashSet<String> {
        self.open.keys().chain(self.later.keys()).cloned().collect()
    }

    /// What others say of a key, side by side: later periods before earlier ones, the latest news first.
    fn sides(&self, key: &str) -> [Option<KeySide>; 3] {
        let later = self.later.get(key).into_iter().flatten().map(|later| &later.sides);
        let open = self.open.get(key).into_iter().flatten().rev().map(|item| &item.sides);
        let mut merged: [Option<KeySide>; 3] = Default::default();
        for sides in later.chain(open) {
            for (merged, side) in merged.iter_mut().zip(sides) {
                if merged.is_none() {
                    merged.clone_from(side);
                }
            }
        }
        merged
    }

    /// The periods that speak of a key, in order.
    fn periods(&self, key: &str) -> Vec<&str> {
        let open = self.open.get(key).into_iter().flatten().map(|item| item.period.as_str());
        let later = self.later.get(key).into_iter().flatten().map(|later| later.period.as_str());
        open.chain(later).collect()
    }
}

/// What became of an open item of another period in this one. Items of later periods are told only when cleared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarriedItem {
    pub item: OpenItem,
    pub fate: Fate,
    /// The first row of this period's files that speaks of it, in the order of [`Side::ALL`].
    pub here: [Option<RowRef>; 3],
    /// What it is now: the breaks of the item and this period's files together; none once it is cleared or while it waits.
    pub breaks: Vec<Break>,
}

impl CarriedItem {
    /// The ids of the breaks that it has made, or makes when its time is over.
    pub fn break_ids(&self, job: &str) -> Vec<String> {
        let made = self.item.breaks.iter().map(|(id, _)| id.clone());
        let currency = self.item.sides.iter().flatten().next().map_or("", KeySide::currency);
        let would_be = self.item.waits.map(|_| id::break_id(job, Rule::Presence, &self.item.key, currency));
        made.chain(would_be).collect()
    }

    /// The row here that speaks of it: of a side on which it was missing, if there is one.
    pub fn evidence(&self) -> Option<(Side, RowRef)> {
        let here = || Side::ALL.into_iter().filter_map(|side| Some((side, self.here[side as usize]?)));
        here().find(|(side, _)| self.item.sides[*side as usize].is_none()).or_else(|| here().next())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// This period's files bring what was missing, or take back what differed.
    Cleared,
    /// It was expected, and its time is over: a break from this period on.
    RanOut,
    /// It was a break, and still is.
    Open,
    /// Still expected.
    Waits,
}

impl Fate {
    pub const ALL: [Self; 4] = [Self::Cleared, Self::RanOut, Self::Open, Self::Waits];

    /// The name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cleared => "cleared",
            Self::RanOut => "ran_out",
            Self::Open => "open",
            Self::Waits => "waits",
        }
    }

    /// For people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Cleared => "cleared by this period",
            Self::RanOut => "grace has run out",
            Self::Open => "still open",
            Self::Waits => "still expected",
        }
    }
}

/// Judges the keys of which other periods speak: those that this period has, for its own statement, and the items that
/// earlier periods left. `strays` are keys whose rows all lie outside of this period, in text order.
pub(super) fn judge(
    rules: &Rules,
    suspects: Vec<KeyFacts>,
    strays: &[KeyFacts],
    others: &Others,
) -> (Vec<Judged>, Vec<CarriedItem>) {
    let light = Light::new(rules, others);
    let mut judged = Vec::with_capacity(suspects.len());
    let mut carried = Vec::new();
    let mut seen = HashSet::new();
    for facts in suspects {
        let whole = together(&facts.key, &facts.sides, others);
        let verdict = classify(rules, &whole);
        carried.extend(light.carried_items(Some(&facts.sides), &whole, &verdict));
        seen.insert(facts.key.clone());
        let verdict = light.across(&facts, &whole, verdict);
        judged.push(Judged { facts, verdict });
    }
    for key in others.open.keys().filter(|key| !seen.contains(*key)) {
        let stray = strays.binary_search_by(|stray| stray.key.cmp(key)).ok().map(|place| &strays[place].sides);
        let whole = together(key, stray.unwrap_or(&Default::default()), others);
        carried.extend(light.carried_items(stray, &whole, &classify(rules, &whole)));
    }
    carried.sort_by(|left, right| {
        (left.fate, &left.item.period, &left.item.key).cmp(&(right.fate, &right.item.period, &right.item.key))
    });
    (judged, carried)
}

/// A key as all periods together state it: this period's word counts before any other's. Rows of other periods have
/// places in other files, so only this period's are kept.
fn together(key: &str, here: &[Option<KeySide>; 3], others: &Others) -> KeyFacts {
    let mut sides = others.sides(key);
    for (side, here) in sides.iter_mut().zip(here) {
        match here {
            Some(here) => *side = Some(here.clone()),
            None => {
                if let Some(side) = side {
                    side.facts.rows.clear();
                    side.duplicate_rows = 0;
                    side.flags.remove(Flags::DUPLICATE);
                }
            }
        }
    }
    KeyFacts { key: key.to_owned(), sides, pairing: Pairing::ByKey }
}

/// In what light a period's keys are judged.
struct Light<'a> {
    rules: &'a Rules,
    others: &'a Others,
    /// The rules as an earlier run saw them last; none where none was run.
    before: Option<Rules>,
}

impl<'a> Light<'a> {
    fn new(rules: &'a Rules, others: &'a Others) -> Self {
        let before = others.known_until.map(|end| {
            let mut before = rules.clone();
            before.period.end = end;
            before
        });
        Self { rules, others, before }
    }

    /// The verdict on this period's rows of the key, in the light of the other periods.
    fn across(&self, own: &KeyFacts, whole: &KeyFacts, mut verdict: Verdict) -> Verdict {
        if own.sides == whole.sides {
            // The others say nothing that this period does not say itself.
            return verdict;
        }
        if matches!(verdict.outcome, Outcome::Matched | Outcome::Excluded(_)) {
            verdict.outcome = Outcome::Expected(Expected::OtherPeriod);
        }
        verdict.waits = Some(Expected::OtherPeriod);
        let periods = self.others.periods(&own.key).join(", ");
        for found in &mut verdict.breaks {
            found.detail = format!("{} (also stands in {periods})", found.detail);
        }
        verdict
    }

    /// What has become of the items of this key, whose verdict over all periods is this one.
    fn carried_items(
        &self,
        here: Option<&[Option<KeySide>; 3]>,
        whole: &KeyFacts,
        verdict: &Verdict,
    ) -> Vec<CarriedItem> {
        let Some(items) = self.others.open.get(&whole.key) else { return Vec::new() };
        let first_row = |side: &KeySide| side.facts.rows.first().copied();
        let here = Side::ALL.map(|side| here.and_then(|here| here[side as usize].as_ref().and_then(first_row)));
        let is_news = here != [None; 3] || !self.was_over(whole);
        let one = |item: &OpenItem| {
            let fate = match verdict.outcome {
                Outcome::Break if item.waits.is_some() && is_news => Fate::RanOut,
                Outcome::Break => Fate::Open,
                Outcome::Expected(_) if item.waits.is_some() && here == [None; 3] => Fate::Waits,
                Outcome::Expected(Expected::InGrace | Expected::NotSettledYet | Expected::FileNotThere) => Fate::Waits,
                Outcome::Matched | Outcome::Excluded(_) | Outcome::Expected(_) => Fate::Cleared,
            };
            let open = matches!(fate, Fate::RanOut | Fate::Open);
            let mut breaks = if open { verdict.breaks.clone() } else { Vec::new() };
            for found in &mut breaks {
                found.detail = format!("of {}: {}", item.period, found.detail);
            }
            CarriedItem { item: item.clone(), fate, here, breaks }
        };
        // Two periods may have left one key: what is cleared is cleared in both, what stays open is one matter.
        let is_told = |(at, one): &(usize, CarriedItem)| {
            one.fate == Fate::Cleared || *at == 0 && one.item.period < self.rules.period.label
        };
        items.iter().map(one).enumerate().filter(is_told).map(|(_, one)| one).collect()
    }

    /// Whether an earlier run has told already that the key's grace is over.
    fn was_over(&self, whole: &KeyFacts) -> bool {
        self.before.as_ref().is_some_and(|before| classify(before, whole).outcome == Outcome::Break)
    }
}

/// What this period leaves open: breaks, and what is expected of a later one.
pub fn left_open(period: &str, judged: &[Judged]) -> Vec<OpenItem> {
    let open = |one: &&Judged| match one.verdict.outcome {
        Outcome::Break => !matches!(one.facts.pairing, Pairing::Suggested { .. }),
        Outcome::Expected(why) => matches!(why, Expected::InGrace | Expected::NotSettledYet),
        _ => false,
    };
    let item = |one: &Judged| OpenItem {
        period: period.to_owned(),
        key: one.facts.key.clone(),
        sides: one.facts.sides.clone(),
        waits: match one.verdict.outcome {
            Outcome::Expected(why) => Some(why),
            _ => None,
        },
        breaks: one.verdict.breaks.iter().map(|found| (found.id.clone(), found.kind)).collect(),
    };
    judged.iter().filter(open).map(item).collect()
}

/// The items that were taken in and go on: for the story of a transaction, no other run reads them.
pub fn marks(carried: &[CarriedItem]) -> Vec<CarriedMark> {
    let on = carried.iter().filter(|one| one.fate != Fate::Cleared);
    let mark = |one: &CarriedItem| {
        let (period, key) = (one.item.period.clone(), one.item.key.clone());
        CarriedMark { period, key, fate: one.fate }
    };
    on.map(mark).collect()
}

/// The items that this period's files have settled.
pub fn settled(carried: &[CarriedItem]) -> Vec<Settled> {
    let cleared = carried.iter().filter(|one| one.fate == Fate::Cleared);
    cleared.map(|one| Settled { period: one.item.period.clone(), key: one.item.key.clone() }).collect()
}
