//! Counts and sums of what needs no second look: keys that agree, and rows that were set aside.
//! All sums are 128-bit: they cannot overflow.

use std::collections::BTreeMap;

use super::agree::{PAIRS, Stated};
use super::side::{Disposition, RowView};
use crate::frames::{Exclusion, Side};

pub use crate::frames::Sums;

/// Why rows stand outside of the value of any key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Aside {
    Quarantined,
    Excluded(Exclusion),
    /// Within their key: duplicates, superseded authorisations, …
    Folded(Disposition),
}

/// How far apart two sides are over the keys on which they agree, in one currency and measure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Apart {
    /// Keys with a difference that is not zero.
    pub keys: u64,
    /// First side of the pair minus the second.
    pub minor: i128,
}

/// The same, by what the two sides state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PairSums {
    pub both_state: Apart,
    pub first_states: Apart,
    pub second_states: Apart,
}

/// By pair (in the order of [`PAIRS`]) and measure.
pub type CleanSums = [[PairSums; 3]; 3];

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AsideSums {
    pub rows: u64,
    pub sums: Sums,
}

/// Currencies whose sums are looked for one by one.
const MOST_OPEN: usize = 8;

/// Running counts while keys go by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Keys on which every side agrees.
    pub clean_keys: u64,
    /// Their rows, by side.
    pub clean_rows: [u64; 3],
    /// By the currency that the sides state (it is one, or the key would not be clean).
    pub clean: BTreeMap<String, CleanSums>,
    pub aside: BTreeMap<(Side, Aside, String), AsideSums>,
    /// Rows that normalize or the period keeps out, by side.
    pub excluded_rows: BTreeMap<(Side, Exclusion), u64>,
    /// Sums of clean keys by currency until they are settled: there are few.
    open: Vec<(String, CleanSums)>,
}

impl Tally {
    /// Counts one key on which all sides agree.
    pub fn agree<S: Stated>(&mut self, views: &[Option<S>; 3], rows: [u64; 3]) {
        let currency = views.iter().flatten().next().map_or("", Stated::currency);
        if self.open.len() > MOST_OPEN {
            self.settle();
        }
        let place = self.open.iter().position(|(open, _)| open == currency).unwrap_or_else(|| {
            self.open.push((currency.to_owned(), CleanSums::default()));
            self.open.len() - 1
        });
        self.clean_keys += 1;
        for (pair, (first, second)) in self.open[place].1.iter_mut().zip(PAIRS) {
            if let (Some(first), Some(second)) = (&views[first as usize], &views[second as usize]) {
                pair.iter_mut().zip(first.values().into_iter().zip(second.values())).for_each(compare);
            }
        }
        for (total, rows) in self.clean_rows.iter_mut().zip(rows) {
            *total += rows;
        }
    }

    /// Counts a row that is no part of its key's value.
    pub fn set_aside(&mut self, side: Side, row: &RowView) {
        self.aside(side, Aside::Folded(row.disposition), row.currency, row.values);
    }

    /// Counts a row that is kept out of the comparison.
    pub fn exclude(&mut self, side: Side, exclusion: Exclusion, row: &RowView) {
        *self.excluded_rows.entry((side, exclusion)).or_default() += 1;
        self.aside(side, Aside::Excluded(exclusion), row.currency, row.values);
    }

    /// Counts values that stand outside of every key.
    pub fn aside(&mut self, side: Side, aside: Aside, currency: &str, values: [Option<i64>; 3]) {
        let sums = self.aside.entry((side, aside, currency.to_owned())).or_default();
        sums.rows += 1;
        add(&mut sums.sums, values);
    }

    /// Adds what was counted elsewhere, of other keys and rows.
    pub fn merge(&mut self, mut other: Self) {
        self.settle();
        other.settle();
        self.clean_keys += other.clean_keys;
        self.clean_rows.iter_mut().zip(other.clean_rows).for_each(|(rows, more)| *rows += more);
        for (currency, sums) in other.clean {
            add_clean(self.clean.entry(currency).or_default(), &sums);
        }
        for (what, more) in other.aside {
            let aside = self.aside.entry(what).or_default();
            aside.rows += more.rows;
            aside.sums.iter_mut().zip(more.sums).for_each(|(sum, more)| *sum += more);
        }
        for (what, rows) in other.excluded_rows {
            *self.excluded_rows.entry(what).or_default() += rows;
        }
    }

    /// Closes the running sums: to be done before they are looked at.
    pub(super) fn settle(&mut self) {
        for (currency, sums) in self.open.drain(..) {
            add_clean(self.clean.entry(currency).or_default(), &sums);
        }
    }
}

fn add_clean(sums: &mut CleanSums, more: &CleanSums) {
    for (sums, more) in sums.as_flattened_mut().iter_mut().zip(more.as_flattened()) {
        sums.both_state.add(more.both_state);
        sums.first_states.add(more.first_states);
        sums.second_states.add(more.second_states);
    }
}

impl Apart {
    const fn add(&mut self, other: Self) {
        self.keys += other.keys;
        self.minor += other.minor;
    }
}

fn compare((sums, (first, second)): (&mut PairSums, (Option<i64>, Option<i64>))) {
    let minor = i128::from(first.unwrap_or(0)) - i128::from(second.unwrap_or(0));
    if minor != 0 {
        let apart = match (first, second) {
            (Some(_), None) => &mut sums.first_states,
            (None, _) => &mut sums.second_states,
            (Some(_), Some(_)) => &mut sums.both_state,
        };
        apart.add(Apart { keys: 1, minor });
    }
}

fn add(sums: &mut Sums, values: [Option<i64>; 3]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += i128::from(value.unwrap_or(0));
    }
}
