//! Control totals: what the rows of each file add up to as they are read, before anything is done with them.

use std::collections::BTreeMap;

use super::schema::{Measure, Quarantined};

/// Sums of the three measures, in the order of [`Measure::ALL`]; minor units. 128 bits: they cannot overflow.
pub type Sums = [i128; 3];

/// Sums by currency.
pub type Totals = BTreeMap<String, Sums>;

/// The sums of every file of an input, over all rows that could be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ControlTotals {
    /// In the order of the files.
    files: Vec<Totals>,
    /// Whether any row states the measure.
    stated: [bool; 3],
}

impl ControlTotals {
    /// Whether any readable row states the measure.
    pub const fn states(&self, measure: Measure) -> bool {
        self.stated[measure as usize]
    }

    /// The totals of each of so many files, with what could be read of rows in quarantine.
    pub fn of_files(&self, files: usize, quarantine: &[Quarantined]) -> Vec<Totals> {
        let mut totals = self.files.clone();
        totals.resize(files, Totals::new());
        for row in quarantine {
            if let Some(currency) = &row.currency
                && row.amounts_minor.iter().any(Option::is_some)
            {
                add(totals[row.file as usize].entry(currency.clone()).or_default(), row.amounts_minor);
            }
        }
        for totals in &mut totals {
            // Rows that are not about a transaction may state no currency, and then no amount either.
            totals.retain(|currency, sums| !currency.is_empty() || *sums != [0; 3]);
        }
        totals
    }
}

/// Currencies whose sums are looked for one by one.
const MOST_OPEN: usize = 8;

/// The sums while rows go by.
#[derive(Debug, Default)]
pub(crate) struct Summing {
    totals: ControlTotals,
    /// The file of the last row.
    file: u32,
    /// The sums of its rows by currency: files have few.
    open: Vec<(String, Sums)>,
    /// The place of the last row's currency among them.
    last: usize,
}

impl Summing {
    /// Adds what a row says; without a currency it is the empty text.
    pub(crate) fn add(&mut self, file: u32, currency: &str, values: [Option<i64>; 3]) {
        if self.file != file || self.open.len() > MOST_OPEN {
            self.close();
            self.file = file;
        }
        let is_last = self.open.get(self.last).is_some_and(|(last, _)| same(last, currency));
        if !is_last {
            self.last = self.open.iter().position(|(open, _)| open == currency).unwrap_or_else(|| {
                self.open.push((currency.to_owned(), [0; 3]));
                self.open.len() - 1
            });
        }
        add(&mut self.open[self.last].1, values);
        for (stated, value) in self.totals.stated.iter_mut().zip(values) {
            *stated |= value.is_some();
        }
    }

    fn close(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let (files, file) = (&mut self.totals.files, self.file as usize);
        if files.len() <= file {
            files.resize(file + 1, Totals::new());
        }
        for (currency, sums) in self.open.drain(..) {
            let total = files[file].entry(currency).or_default();
            total.iter_mut().zip(sums).for_each(|(total, sum)| *total += sum);
        }
    }

    pub(crate) fn finish(mut self) -> ControlTotals {
        self.close();
        self.totals
    }
}

/// Whether these are one currency. Three letters are compared as they are, without a call.
fn same(left: &str, right: &str) -> bool {
    let letters = |text: &str| <[u8; 3]>::try_from(text.as_bytes()).ok();
    match (letters(left), letters(right)) {
        (Some(left), Some(right)) => left == right,
        _ => left == right,
    }
}

fn add(sums: &mut Sums, values: [Option<i64>; 3]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += i128::from(value.unwrap_or(0));
    }
}
