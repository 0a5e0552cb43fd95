//! Counts and sums of what needs no second look: keys that agree, and rows that were set aside.
//! All sums are 128-bit: they cannot overflow.

use std::collections::BTreeMap;

use super::side::{Disposition, RowView, SideView};
use crate::frames::{Exclusion, Side};

/// Sums of the three measures, in the order of [`crate::frames::Measure::ALL`]; minor units.
pub type Sums = [i128; 3];

/// Why rows stand outside of the value of any key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Aside {
    Quarantined,
    Excluded(Exclusion),
    /// Within their key: duplicates, superseded authorisations, …
    Folded(Disposition),
}

/// Sums for one currency.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CleanSums {
    pub keys: u64,
    /// By side.
    pub sides: [Sums; 3],
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AsideSums {
    pub rows: u64,
    pub sums: Sums,
}

/// Running counts while keys go by.
#[derive(Debug, Clone, Default)]
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
    /// The currency of the last clean key: sums go here until it changes.
    open: Option<(String, CleanSums)>,
}

impl Tally {
    /// Counts one key on which all sides agree.
    pub fn agree(&mut self, views: &[Option<SideView>; 3], rows: [u64; 3]) {
        let currency = views.iter().flatten().next().map_or("", |view| view.row.currency);
        if self.open.as_ref().is_none_or(|(open, _)| open != currency) {
            self.settle();
            self.open = Some((currency.to_owned(), CleanSums::default()));
        }
        self.clean_keys += 1;
        if let Some((_, sums)) = &mut self.open {
            sums.keys += 1;
            for (side, view) in sums.sides.iter_mut().zip(views) {
                add(side, view.map_or([None; 3], |view| view.values));
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

    /// Closes the running sums; call once after the last key.
    pub fn settle(&mut self) {
        if let Some((currency, sums)) = self.open.take() {
            let closed = self.clean.entry(currency).or_default();
            closed.keys += sums.keys;
            for (closed, open) in closed.sides.iter_mut().zip(sums.sides) {
                for (closed, open) in closed.iter_mut().zip(open) {
                    *closed += open;
                }
            }
        }
    }
}

fn add(sums: &mut Sums, values: [Option<i64>; 3]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += i128::from(value.unwrap_or(0));
    }
}
