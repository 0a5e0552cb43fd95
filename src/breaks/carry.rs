//! Keys that stand in more than one period: what one period leaves open, another may clear. Pure.
//!
//! Each period leaves a list: the keys that its own files do not settle ([`OpenItem`]), what its files say of keys that
//! others left ([`Said`]), and which items are settled by all that together. An item stays on its period's list when
//! another settles it: each period states what its own files say, whichever was run first, and what is open is what all
//! lists say together. So periods may be run in any order, and again.

use std::collections::{BTreeMap, BTreeSet, HashSet};

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
    /// Why it is no break; none: it is.
    pub waits: Option<Expected>,
    /// The breaks that it made, by id.
    pub breaks: Vec<(String, BreakKind)>,
}

impl OpenItem {
    fn name(&self) -> ItemName {
        ItemName { period: self.period.clone(), key: self.key.clone() }
    }

    /// The breaks that it has made, or makes when its time is over.
    fn break_ids(&self, job: &str) -> Vec<String> {
        let made = self.breaks.iter().map(|(id, _)| id.clone());
        let currency = self.sides.iter().flatten().next().map_or("", KeySide::currency);
        let would_be = self.waits.map(|_| id::break_id(job, Rule::Presence, &self.key, currency));
        made.chain(would_be).collect()
    }
}

/// Which item is meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ItemName {
    /// The label of the period that left it.
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

/// What one run leaves for other periods.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftOpen {
    pub items: Vec<OpenItem>,
    /// Items, its own and of others, that are settled by what all say.
    pub settled: Vec<ItemName>,
    /// What its files, and those of later periods that it has read again, say of keys beside its items.
    pub said: Vec<Said>,
    /// Items of earlier periods that are breaks from this one on.
    pub ran_out: Vec<ItemName>,
    /// What it took in and could not settle.
    pub carried: Vec<CarriedMark>,
}

/// What the files of a period say about a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The label of the period.
    pub period: String,
    pub key: String,
    /// In the order of [`Side::ALL`].
    pub sides: [Option<KeySide>; 3],
}

/// The latest period after this one that was run: what was not due in this one may have been due in that.
#[derive(Debug, Clone)]
pub struct Until {
    /// Of that period.
    pub end: DateTime<Utc>,
    /// Sides whose input was not there.
    pub missing: Vec<Side>,
}

/// How far back the lists go. What settled an item near the edge may stand in a period beyond it.
#[derive(Debug, Clone)]
pub struct Reach {
    /// The label of the first period in the nearer half.
    pub near: String,
    /// The end of the latest earlier period that was run: what was over by then was told then.
    pub known_until: DateTime<Utc>,
}

/// What other periods say about keys.
#[derive(Debug, Clone, Default)]
pub struct Others {
    /// What other periods left, the earliest first, one list a key; what is settled since, too.
    pub items: BTreeMap<String, Vec<OpenItem>>,
    /// What files say besides, by key.
    pub said: BTreeMap<String, Vec<Said>>,
    /// The items that some period tells to be settled.
    pub settled: HashSet<ItemName>,
    /// The items of which some period tells that their time is over: that is no news.
    pub ran_out: HashSet<ItemName>,
    /// None where no later period was run.
    pub until: Option<Until>,
    /// None where no earlier period was run.
    pub reach: Option<Reach>,
    /// What files of later periods say about keys that this one leaves open, the nearest period first; nothing, where
    /// they say nothing.
    pub later: BTreeMap<String, Vec<Said>>,
}

impl Others {
    /// All lists together.
    pub fn of_lists<'l>(lists: impl IntoIterator<Item = &'l LeftOpen>) -> Self {
        let mut others = Self::default();
        for list in lists {
            for item in &list.items {
                others.items.entry(item.key.clone()).or_default().push(item.clone());
            }
            for said in &list.said {
                others.said.entry(said.key.clone()).or_default().push(said.clone());
            }
            others.settled.extend(list.settled.iter().cloned());
            others.ran_out.extend(list.ran_out.iter().cloned());
        }
        for items in others.items.values_mut() {
            items.sort_by(|left, right| left.period.cmp(&right.period));
        }
        others
    }

    /// The keys that matching has to watch.
    pub fn keys(&self) -> HashSet<String> {
        self.items.keys().chain(self.later.keys()).cloned().collect()
    }

    /// What all say of a key, side by side, the latest period's word before any other's; `own`: with its label. Rows of
    /// other periods have places in other files, so only this period's are kept. A key that its own period settles alone
    /// has no business with what comes later: whoever ran that first did not know of it.
    fn together(&self, own: (&str, &[Option<KeySide>; 3]), key: &str, alone: bool) -> [Option<KeySide>; 3] {
        let items = self.items.get(key).into_iter().flatten().map(|item| (item.period.as_str(), &item.sides));
        let said = [&self.said, &self.later].into_iter().filter_map(|said| said.get(key)).flatten();
        let others = items.chain(said.map(|said| (said.period.as_str(), &said.sides)));
        let others = others.filter(|(period, _)| *period != own.0 && !(alone && *period > own.0));
        let mut known: Vec<_> = others.chain([own]).collect();
        known.sort_by_key(|(period, _)| std::cmp::Reverse(*period));
        let mut merged: [Option<KeySide>; 3] = Default::default();
        for (period, sides) in known {
            for (merged, side) in merged.iter_mut().zip(sides).filter(|(merged, _)| merged.is_none()) {
                merged.clone_from(side);
                if let Some(side) = merged.as_mut().filter(|_| period != own.0) {
                    side.facts.rows.clear();
                    side.duplicate_rows = 0;
                    side.flags.remove(Flags::DUPLICATE);
                }
            }
        }
        merged
    }

    /// The periods that speak of a key, in order.
    fn periods(&self, key: &str) -> Vec<&str> {
        let items = self.items.get(key).into_iter().flatten().map(|item| item.period.as_str());
        let said = [&self.said, &self.later].into_iter().filter_map(|said| said.get(key)).flatten();
        let periods: BTreeSet<&str> = items.chain(said.map(|said| said.period.as_str())).collect();
        periods.into_iter().collect()
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
        self.item.break_ids(job)
    }

    /// Whether its breaks are found by this period: its time is over in it, or its files change what is open.
    pub fn is_found_here(&self) -> bool {
        self.fate == Fate::RanOut || (self.fate == Fate::Open && self.here != [None; 3])
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

/// What a period's files and the others' say together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Across {
    /// What became of the items of other periods: by fate, period and key.
    pub items: Vec<CarriedItem>,
    /// As in [`LeftOpen`]; so is what is said.
    pub settled: Vec<ItemName>,
    pub said: Vec<Said>,
    pub ran_out: Vec<ItemName>,
    /// Breaks of other periods in the place of which this period's files put others, with the row that does.
    pub replaced: Vec<(String, Side, RowRef)>,
}

/// Judges the keys of which other periods speak: those that this period has, for its own statement, and the items of
/// others. `strays` are keys whose rows all lie outside of this period, in text order.
pub(super) fn judge(
    rules: &Rules,
    suspects: Vec<KeyFacts>,
    strays: &[KeyFacts],
    others: &Others,
) -> (Vec<Judged>, Across) {
    let light = Light::new(rules, others);
    let mut judged = Vec::with_capacity(suspects.len());
    let mut across = Across::default();
    let mut seen = HashSet::new();
    for facts in suspects {
        let alone = classify(rules, &facts).outcome == Outcome::Matched;
        let whole = light.together(&facts.key, &facts.sides, alone);
        let verdict = light.verdict(&whole);
        light.follow(&facts.sides, (&whole, alone), &verdict, &mut across);
        seen.insert(facts.key.clone());
        light.suspend(&facts, &verdict, &mut across);
        let verdict = light.across(&facts, &whole, verdict);
        if verdict.outcome == Outcome::Expected(Expected::OtherPeriod) {
            across.settled.push(ItemName { period: rules.period.label.clone(), key: facts.key.clone() });
        }
        let one = Judged { facts, verdict };
        if !is_left_open(&one) && others.items.contains_key(&one.facts.key) {
            across.said.push(light.said(&one.facts.key, &one.facts.sides));
        }
        judged.push(one);
    }
    for (key, items) in others.items.iter().filter(|(key, _)| !seen.contains(*key)) {
        // What a file holds ahead of time is for the period in which that time lies.
        if items.iter().all(|item| item.period >= rules.period.label) {
            continue;
        }
        let stray = strays.binary_search_by(|stray| stray.key.cmp(key)).ok().map(|place| &strays[place].sides);
        across.said.extend(stray.map(|here| light.said(key, here)));
        let nothing = Default::default();
        let here = stray.unwrap_or(&nothing);
        let whole = light.together(key, here, false);
        light.follow(here, (&whole, false), &light.verdict(&whole), &mut across);
    }
    // Those periods may have been read before this one had the key.
    across.said.extend(others.later.values().flatten().cloned());
    across.items.sort_by(|left, right| {
        (left.fate, &left.item.period, &left.item.key).cmp(&(right.fate, &right.item.period, &right.item.key))
    });
    (judged, across)
}

/// In what light a period's keys are judged.
struct Light<'a> {
    rules: &'a Rules,
    others: &'a Others,
    /// The rules as an earlier period saw them last; none where none was run.
    before: Option<Rules>,
    /// The rules as of the latest period that was run; none where that is this one.
    until: Option<Rules>,
}

impl<'a> Light<'a> {
    fn new(rules: &'a Rules, others: &'a Others) -> Self {
        let until = others.until.as_ref().map(|until| {
            let mut later = rules.clone();
            later.period.end = until.end;
            later.missing.extend(&until.missing);
            later
        });
        let before = others.reach.as_ref().map(|reach| {
            let mut before = rules.clone();
            before.period.end = reach.known_until;
            before
        });
        Self { rules, others, before, until }
    }

    /// A key as all periods together state it.
    fn together(&self, key: &str, here: &[Option<KeySide>; 3], alone: bool) -> KeyFacts {
        let sides = self.others.together((&self.rules.period.label, here), key, alone);
        KeyFacts { key: key.to_owned(), sides, pairing: Pairing::ByKey }
    }

    /// The verdict on what all periods say. What was not due at the end of this one is a break where later ones were
    /// run, have not brought it, and it was due by then.
    fn verdict(&self, whole: &KeyFacts) -> Verdict {
        let verdict = classify(self.rules, whole);
        // Also where the sides that are there make a break already: the one that is not may make another.
        if !matches!(verdict.waits, Some(Expected::InGrace | Expected::NotSettledYet)) {
            return verdict;
        }
        let later = self.until.as_ref().map(|rules| classify(rules, whole));
        later.filter(|later| later.outcome == Outcome::Break).unwrap_or(verdict)
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

    /// What this period's files say of a key.
    fn said(&self, key: &str, sides: &[Option<KeySide>; 3]) -> Said {
        Said { period: self.rules.period.label.clone(), key: key.to_owned(), sides: sides.clone() }
    }

    /// What has become of the items of this key, whose verdict over all periods is this one. `here` is what this
    /// period's files say of it.
    fn follow(
        &self,
        here: &[Option<KeySide>; 3],
        (whole, alone): (&KeyFacts, bool),
        verdict: &Verdict,
        across: &mut Across,
    ) {
        let Some(items) = self.others.items.get(&whole.key) else { return };
        let first_row = |side: &KeySide| side.facts.rows.first().copied();
        let rows = Side::ALL.map(|side| here[side as usize].as_ref().and_then(first_row));
        let row = Side::ALL.into_iter().find_map(|side| Some((side, rows[side as usize]?)));
        let is_far = |item: &OpenItem| self.others.reach.as_ref().is_some_and(|reach| item.period < reach.near);
        let is_told = |item: &&OpenItem| {
            let is_settled = self.others.settled.contains(&item.name());
            if alone && item.period > self.rules.period.label {
                false
            } else if row.is_some() {
                true
            } else if is_far(item) {
                !is_settled && (item.waits.is_none() || self.is_news(item, whole))
            } else {
                verdict.outcome == Outcome::Break || !is_settled
            }
        };
        let fated = |item| (item, self.fate(item, verdict.outcome, row.is_some()));
        let told: Vec<(&OpenItem, Fate)> = items.iter().filter(is_told).map(fated).collect();
        let is_earlier = |item: &OpenItem| item.period < self.rules.period.label;
        let ran_out = |(item, fate): &&(&OpenItem, Fate)| *fate == Fate::RanOut && is_earlier(item);
        across.ran_out.extend(told.iter().filter(ran_out).map(|(item, _)| item.name()));
        // Two periods may have left one key: what is cleared is cleared in both, what stays open is one matter, that of
        // which there is news.
        let matter = told.iter().position(|one| ran_out(&one)).unwrap_or(0);
        for (at, (item, fate)) in told.into_iter().enumerate() {
            let is_open = matches!(fate, Fate::RanOut | Fate::Open);
            if let (true, Some((side, row))) = (is_open, row) {
                let is_gone = |id: &String| verdict.breaks.iter().all(|found| found.id != *id);
                let replaced = item.break_ids(&self.rules.job).into_iter().filter(is_gone);
                across.replaced.extend(replaced.map(|id| (id, side, row)));
            }
            if fate == Fate::Cleared {
                across.settled.push(item.name());
            } else if at != matter || !is_earlier(item) {
                continue;
            }
            let mut breaks = if is_open { verdict.breaks.clone() } else { Vec::new() };
            for found in &mut breaks {
                found.detail = format!("of {}: {}", item.period, found.detail);
            }
            across.items.push(CarriedItem { item: item.clone(), fate, here: rows, breaks });
        }
    }

    /// Whether it was told that the item's time is over, or that could not be told before.
    fn is_news(&self, item: &OpenItem, whole: &KeyFacts) -> bool {
        let was_over = self.before.as_ref().is_some_and(|before| classify(before, whole).outcome == Outcome::Break);
        self.others.ran_out.contains(&item.name()) || !was_over
    }

    /// What was a break is none while a row of this period has time left to find its counterpart: when that is over, the
    /// item that this period leaves makes it one again.
    fn suspend(&self, own: &KeyFacts, verdict: &Verdict, across: &mut Across) {
        let is_suspended = matches!(verdict.outcome, Outcome::Expected(Expected::InGrace | Expected::NotSettledYet));
        let row = Side::ALL.into_iter().find_map(|side| Some((side, own.rows(side).first().copied()?)));
        let (true, Some((side, row))) = (is_suspended, row) else { return };
        let items = self.others.items.get(&own.key).into_iter().flatten();
        let ids = items.flat_map(|item| item.break_ids(&self.rules.job));
        across.replaced.extend(ids.map(|id| (id, side, row)));
    }

    fn fate(&self, item: &OpenItem, outcome: Outcome, speaks: bool) -> Fate {
        match outcome {
            Outcome::Break if item.waits.is_some() && (speaks || !self.others.ran_out.contains(&item.name())) => {
                Fate::RanOut
            }
            Outcome::Break => Fate::Open,
            Outcome::Expected(_) if item.waits.is_some() && !speaks => Fate::Waits,
            Outcome::Expected(Expected::InGrace | Expected::NotSettledYet | Expected::FileNotThere) => Fate::Waits,
            Outcome::Matched | Outcome::Excluded(_) | Outcome::Expected(_) => Fate::Cleared,
        }
    }
}

/// What this period's files leave open by themselves: breaks, what is expected of a later one, and what another settles.
pub fn left_open(period: &str, judged: &[Judged]) -> Vec<OpenItem> {
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
    judged.iter().filter(|one| is_left_open(one)).map(item).collect()
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

fn is_left_open(one: &Judged) -> bool {
    match one.verdict.outcome {
        Outcome::Break => !matches!(one.facts.pairing, Pairing::Suggested { .. }),
        Outcome::Expected(why) => {
            matches!(why, Expected::InGrace | Expected::NotSettledYet | Expected::OtherPeriod)
        }
        _ => false,
    }
}

/// Breaks of other periods that are over, each once: with this period's row that says so, or without one, where what a
/// period left and what others say belongs together: that period.
pub fn closed(
    job: &str,
    items: &[CarriedItem],
    replaced: &[(String, Side, RowRef)],
) -> Vec<(String, Result<(Side, RowRef), String>)> {
    let cleared = items.iter().filter(|one| one.fate == Fate::Cleared).flat_map(|one| {
        let by = one.evidence().ok_or_else(|| one.item.period.clone());
        one.break_ids(job).into_iter().map(move |id| (id, by.clone()))
    });
    let replaced = replaced.iter().map(|(id, side, row)| (id.clone(), Ok((*side, *row))));
    let mut seen = HashSet::new();
    cleared.chain(replaced).filter(|(id, _)| seen.insert(id.clone())).collect()
}
