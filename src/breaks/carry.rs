//! Keys that stand in more than one period: what one period leaves open, another may clear. Pure.
//!
//! Each period leaves a list: the keys that its own files do not settle ([`OpenItem`]), what its files say of keys that
//! others left ([`Said`]), and which items are settled by all that together. An item stays on its period's list when
//! another settles it: each period states what its own files say, whichever was run first, and what is open is what all
//! lists say together. So periods may be run in any order, and again. `carry_judge` decides.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::classify::Expected;
use super::{Break, BreakKind, RowRef, Rule, id};
use crate::frames::Side;
use crate::matching::{Flags, KeySide};

/// A key that a period could not settle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenItem {
    /// The label of the period.
    pub period: String,
    pub key: String,
    /// In the order of [`Side::ALL`]; the rows' places are those of the run that left the item.
    pub sides: [Option<KeySide>; 3],
    /// Why it is no break, or, where it has some, why it may have more of them later; none: it waits for nothing.
    pub waits: Option<Expected>,
    /// The breaks that it made, by id.
    pub breaks: Vec<(String, BreakKind)>,
}

impl OpenItem {
    pub(super) fn name(&self) -> ItemName {
        ItemName { period: self.period.clone(), key: self.key.clone() }
    }

    /// What it is in its own period: the kinds of its breaks, or why it is none.
    pub fn words(&self) -> String {
        let kinds = self.breaks.iter().map(|(_, kind)| kind.name().replace('_', " "));
        let kinds = kinds.collect::<Vec<_>>().join(", ");
        match self.waits {
            Some(why) if kinds.is_empty() => format!("expected, {}", why.words()),
            _ => kinds,
        }
    }

    /// The breaks that it has made, or makes when its time is over.
    pub(super) fn break_ids(&self, job: &str) -> Vec<String> {
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
    pub(super) fn together(&self, own: (&str, &[Option<KeySide>; 3]), key: &str, alone: bool) -> [Option<KeySide>; 3] {
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
                    side.facts.to_mut().rows.clear();
                    side.duplicate_rows = 0;
                    side.flags.remove(Flags::DUPLICATE);
                }
            }
        }
        merged
    }

    /// The periods that speak of a key, in order.
    pub(super) fn periods(&self, key: &str) -> Vec<&str> {
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
    /// Keys of this period that are breaks already, and wait for what may make another.
    pub pending: BTreeMap<String, Expected>,
    /// Breaks of other periods in the place of which this period's files put others, with the row that does.
    pub replaced: Vec<(String, Side, RowRef)>,
}
