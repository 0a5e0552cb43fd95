//! What judged keys add to the statement: summed up key by key, so that no key has to be held for it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rayon::prelude::*;

use super::Breaks;
use super::classify::{Expected, Outcome, classify};
use super::label::Telling;
use super::statement::{Judged, single_rows, suggested_rows};
use crate::frames::{Exclusion, Measure, Side};
use crate::matching::{KeyFacts, KeySide, Rules, Suspects};

/// The ways that a bridge may lead.
const WAYS: [(Side, Side); 3] =
    [(Side::Ledger, Side::File), (Side::Webhooks, Side::File), (Side::Webhooks, Side::Ledger)];

/// Label → how many keys, and by how much they differ, in minor units.
pub type Lines = BTreeMap<String, (u64, i128)>;

/// Rows of one side by what became of their keys; as in [`super::RowAccount`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Rows {
    pub matched: u64,
    pub suggested: u64,
    pub expected: u64,
    pub breaks: u64,
    pub excluded: u64,
}

/// What keys add up to.
#[derive(Debug, Clone, Default)]
pub struct Account {
    /// In the order of [`WAYS`], by currency; for each measure its lines.
    lines: [HashMap<String, [Lines; 3]>; 3],
    rows: [Rows; 3],
    /// Keys.
    pub expected: BTreeMap<Expected, u64>,
    /// Rows, copies left out.
    pub excluded: BTreeMap<(Side, Exclusion), u64>,
}

impl Account {
    /// That of these keys.
    pub fn of(rules: &Rules, judged: &[Judged]) -> Self {
        let added = judged.par_iter().fold(Self::default, |mut account, one| {
            account.add(rules, one);
            account
        });
        added.reduce(Self::default, |mut account, more| {
            account.merge(more);
            account
        })
    }

    /// One key more.
    pub fn add(&mut self, rules: &Rules, one: &Judged) {
        let currencies: BTreeSet<&str> = one.facts.sides.iter().flatten().map(KeySide::currency).collect();
        for currency in currencies {
            for (way, (left, right)) in WAYS.into_iter().enumerate() {
                for measure in Measure::ALL {
                    let value = |side: Side| value(one.facts.side(side), currency, measure);
                    let difference_minor = value(right) - value(left);
                    if difference_minor != 0 {
                        let told = Telling { rules, one, left, right, measure };
                        let line = entry(&mut self.lines[way], currency)[measure as usize].entry(told.label());
                        let line = line.or_default();
                        line.0 += 1;
                        line.1 += difference_minor;
                    }
                }
            }
        }
        for side in Side::ALL {
            self.add_rows(one, side);
        }
        if let Outcome::Expected(reason) = one.verdict.outcome {
            *self.expected.entry(reason).or_default() += 1;
        }
    }

    fn add_rows(&mut self, one: &Judged, side: Side) {
        let Some(stated) = one.facts.side(side) else { return };
        let (rows, account) = (single_rows(stated), &mut self.rows[side as usize]);
        // A copy is a break of its own, whatever becomes of the row that it repeats.
        account.breaks += stated.duplicate_rows;
        match one.verdict.outcome {
            Outcome::Matched => account.matched += rows,
            Outcome::Expected(_) => account.expected += rows,
            Outcome::Break => account.breaks += rows,
            Outcome::Excluded(reason) => {
                account.excluded += rows;
                *self.excluded.entry((side, reason)).or_default() += rows;
            }
        }
        account.suggested += suggested_rows(one, side);
    }

    /// Adds what others add up to.
    pub fn merge(&mut self, other: Self) {
        for (lines, more) in self.lines.iter_mut().zip(other.lines) {
            for (currency, more) in more {
                let known = entry(lines, &currency);
                for (known, more) in known.iter_mut().zip(more) {
                    for (label, (count, minor)) in more {
                        let line = known.entry(label).or_default();
                        line.0 += count;
                        line.1 += minor;
                    }
                }
            }
        }
        for (rows, more) in self.rows.iter_mut().zip(other.rows) {
            rows.matched += more.matched;
            rows.suggested += more.suggested;
            rows.expected += more.expected;
            rows.breaks += more.breaks;
            rows.excluded += more.excluded;
        }
        for (reason, keys) in other.expected {
            *self.expected.entry(reason).or_default() += keys;
        }
        for (place, rows) in other.excluded {
            *self.excluded.entry(place).or_default() += rows;
        }
    }

    /// The lines of one bridge; none where no key differs.
    pub(super) fn lines(&self, way: (Side, Side), currency: &str, measure: Measure) -> Option<&Lines> {
        let way = WAYS.iter().position(|known| *known == way)?;
        self.lines[way].get(currency).map(|lines| &lines[measure as usize])
    }

    pub(super) const fn rows(&self, side: Side) -> Rows {
        self.rows[side as usize]
    }
}

fn entry<'l>(lines: &'l mut HashMap<String, [Lines; 3]>, currency: &str) -> &'l mut [Lines; 3] {
    if !lines.contains_key(currency) {
        lines.insert(currency.to_owned(), <[Lines; 3]>::default());
    }
    lines.get_mut(currency).expect("it is there by now")
}

fn value(side: Option<&KeySide>, currency: &str, measure: Measure) -> i128 {
    let mine = side.filter(|stated| stated.currency() == currency);
    mine.and_then(|stated| stated.values()[measure as usize]).map_or(0, i128::from)
}

/// Judges the keys of a part when it has been matched, and keeps only what they add up to and their breaks.
#[derive(Debug, Default)]
pub(super) struct AtOnce {
    pub(super) account: Account,
    /// In no order.
    pub(super) breaks: Breaks,
    /// Those of which other periods speak, in no order: they are judged in the light of these.
    pub(super) watched: Vec<KeyFacts>,
}

impl Suspects for AtOnce {
    fn take(&mut self, rules: &Rules, suspects: Vec<KeyFacts>) {
        for facts in suspects {
            if rules.watched.contains(&facts.key) {
                self.watched.push(facts);
                continue;
            }
            let one = Judged { verdict: classify(rules, &facts), facts };
            self.account.add(rules, &one);
            one.verdict.breaks.iter().for_each(|found| self.breaks.push(found));
        }
    }

    fn merge(&mut self, other: Self) {
        self.account.merge(other.account);
        self.breaks.append(other.breaks);
        self.watched.extend(other.watched);
    }
}
