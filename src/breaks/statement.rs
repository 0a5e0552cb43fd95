//! The tie-out: control totals recomputed from the rows, the lines that lead from one to the
//! other, and the proof that nothing is left over.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::account::Account;
use super::classify::{Outcome, Verdict, classify};
use super::{Bridge, BridgeLine, RowAccount, Statement};
use crate::frames::{Exclusion, Frame, Measure, Side, Totals};
use crate::matching::agree::PAIRS;
use crate::matching::tally::{Apart, Aside};
use crate::matching::{Disposition, KeyFacts, KeySide, Pairing, Rules, Tally};

/// How the lines begin of rows that could not be read.
const QUARANTINED: &str = "quarantined";

/// One judged key.
#[derive(Debug, Clone)]
pub struct Judged {
    pub facts: KeyFacts,
    pub verdict: Verdict,
}

/// Judges every key that does not simply agree.
pub fn judge(rules: &Rules, suspects: Vec<KeyFacts>) -> Vec<Judged> {
    let verdict = |facts: KeyFacts| Judged { verdict: classify(rules, &facts), facts };
    suspects.into_par_iter().map(verdict).collect()
}

/// A tie-out that does not tie: a bug in tieout, and the end of the run.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Untied {
    #[error("{measure} {currency}: {left} total plus all lines misses the {right} total by {residual_minor} minor units", measure = .0.measure.name(), currency = .0.currency, left = .0.left, right = .0.right, residual_minor = .0.residual_minor)]
    Residual(Box<Bridge>),
    #[error("{side}: {read} rows read, but {unaccounted} too many or too few have an outcome; in two of them: {twice}")]
    Rows { side: Side, read: u64, unaccounted: i64, twice: String },
}

/// Draws the statement up.
pub fn draw_up(rules: &Rules, frames: &[Frame], tally: &Tally, account: &Account) -> Statement {
    let totals: BTreeMap<Side, Totals> = frames.iter().map(|frame| (frame.side, control_totals(frame))).collect();
    let mut bridges = Vec::new();
    for (left, right) in pairs(frames) {
        for measure in Measure::ALL {
            if !(states(left, measure) && states(right, measure)) {
                continue;
            }
            let currencies: BTreeSet<&String> = totals[&left.side].keys().chain(totals[&right.side].keys()).collect();
            for currency in currencies {
                let draft = Draft { rules, tally, account, left: left.side, right: right.side, currency, measure };
                let total = |side: Side| totals[&side].get(currency).map_or(0, |sums| sums[measure as usize]);
                bridges.push(draft.bridge(total(left.side), total(right.side)));
            }
        }
    }
    Statement { bridges, rows: frames.iter().map(|frame| row_account(frame, tally, account)).collect() }
}

/// Proves the statement. `judged`: as many as are held, to name a row that has two outcomes.
///
/// # Errors
/// [`Untied`] for the first side with a row too many or too few, or the first residual that is not zero.
pub fn prove(statement: &Statement, judged: &[Judged]) -> Result<(), Untied> {
    if let Some(rows) = statement.rows.iter().find(|rows| rows.unaccounted != 0) {
        let twice = rows_in_two_keys(rows.side, judged);
        return Err(Untied::Rows { side: rows.side, read: rows.read, unaccounted: rows.unaccounted, twice });
    }
    match statement.bridges.iter().find(|bridge| bridge.residual_minor != 0) {
        Some(bridge) => Err(Untied::Residual(Box::new(bridge.clone()))),
        None => Ok(()),
    }
}

/// `file 0 line 12, …`: rows that stand behind more than one judged key.
fn rows_in_two_keys(side: Side, judged: &[Judged]) -> String {
    let mut seen = BTreeSet::new();
    let again = judged.iter().flat_map(|one| one.facts.rows(side)).filter(|row| !seen.insert(**row));
    let named: Vec<String> = again.take(5).map(|row| format!("file {} line {}", row.file, row.line)).collect();
    if named.is_empty() { "none".to_owned() } else { named.join(", ") }
}

/// Everything is tied to the provider's file; without one, the notifications to the ledger.
fn pairs(frames: &[Frame]) -> Vec<(&Frame, &Frame)> {
    let find = |side: Side| frames.iter().find(|frame| frame.side == side);
    match (find(Side::File), find(Side::Ledger), find(Side::Webhooks)) {
        (Some(file), ledger, webhooks) => ledger.into_iter().chain(webhooks).map(|other| (other, file)).collect(),
        (None, Some(ledger), Some(webhooks)) => vec![(webhooks, ledger)],
        _ => Vec::new(),
    }
}

/// Whether a side has anything to say about a measure. Notifications need not name what the preset
/// maps: where none does, their total is not zero but unknown. Of the file and the ledger, an empty
/// column is a total of zero that somebody must see.
fn states(frame: &Frame, measure: Measure) -> bool {
    let field = measure.field();
    let quarantined = || frame.quarantine.iter().any(|row| row.amounts_minor[measure as usize].is_some());
    let has_rows = || frame.rows.height() > 0 || frame.sifted.iter().any(|sure| sure.rows > 0);
    let filled = || frame.totals.states(measure) || frame.sifted.iter().any(|sure| sure.stated[measure as usize]);
    let all_silent = || frame.side == Side::Webhooks && has_rows() && !filled() && !quarantined();
    frame.mapped.contains(&field) && !all_silent()
}

/// Sums of every row as read, quarantined ones included as far as they could be read.
/// Summed while they were read: matching has no part in it.
pub fn control_totals(frame: &Frame) -> Totals {
    let mut totals = Totals::new();
    for (currency, sums) in file_totals(frame).into_iter().flatten() {
        let total = totals.entry(currency).or_default();
        for (total, sum) in total.iter_mut().zip(sums) {
            *total += sum;
        }
    }
    totals
}

/// The control totals of each file, in the order of the frame's files.
pub fn file_totals(frame: &Frame) -> Vec<Totals> {
    let mut totals = frame.totals.of_files(frame.files.len(), &frame.quarantine);
    if Measure::ALL.iter().any(|measure| frame.mapped.contains(&measure.field())) {
        for (totals, sure) in totals.iter_mut().zip(&frame.sifted) {
            for (currency, sums) in &sure.totals {
                let total = totals.entry(currency.clone()).or_default();
                total.iter_mut().zip(sums).for_each(|(total, sum)| *total += sum);
            }
        }
    }
    totals
}

/// One bridge while it is drawn up.
struct Draft<'a> {
    rules: &'a Rules,
    tally: &'a Tally,
    account: &'a Account,
    left: Side,
    right: Side,
    currency: &'a str,
    measure: Measure,
}

impl Draft<'_> {
    fn bridge(&self, left_total_minor: i128, right_total_minor: i128) -> Bridge {
        let mut lines = self.set_aside(self.left, -1);
        lines.extend(self.set_aside(self.right, 1));
        lines.extend(self.keys());
        // What is explained otherwise comes first, then the breaks, the largest first.
        lines.sort_by_cached_key(|line| {
            let is_break = line.is_of_breaks();
            (is_break, Reverse(if is_break { line.amount_minor.unsigned_abs() } else { 0 }))
        });
        let explained_minor: i128 = lines.iter().map(|line| line.amount_minor).sum();
        Bridge {
            left: self.left,
            right: self.right,
            currency: self.currency.to_owned(),
            measure: self.measure,
            left_total_minor,
            lines,
            right_total_minor,
            residual_minor: left_total_minor + explained_minor - right_total_minor,
        }
    }

    /// Rows of one side that stand in no key's value: they leave the left total, or enter the right one.
    fn set_aside(&self, side: Side, sign: i128) -> Vec<BridgeLine> {
        let mine = self.tally.aside.iter().filter(|((at, _, currency), _)| *at == side && currency == self.currency);
        mine.map(|((_, aside, _), sums)| BridgeLine {
            label: match aside {
                Aside::Quarantined => format!("{QUARANTINED}: rows of {side} that could not be read"),
                Aside::Excluded(exclusion) => format!("excluded from {side}: {}", exclusion.words()),
                Aside::Folded(disposition @ (Disposition::Duplicate | Disposition::Conflicting)) => {
                    format!("{}{} in {side}", BridgeLine::BREAK, disposition.words())
                }
                Aside::Folded(disposition) => format!("{side}: {}", disposition.words()),
            },
            count: sums.rows,
            amount_minor: sign * sums.sums[self.measure as usize],
        })
        .filter(|line| line.amount_minor != 0 || line.label.starts_with(QUARANTINED))
        .collect()
    }

    /// What the keys themselves explain, line by line.
    fn keys(&self) -> Vec<BridgeLine> {
        let mut lines: BTreeMap<String, (u64, i128)> =
            self.account.lines((self.left, self.right), self.currency, self.measure).cloned().unwrap_or_default();
        for (label, apart) in self.agreeing() {
            if apart.keys != 0 {
                let line = lines.entry(label).or_default();
                line.0 += apart.keys;
                line.1 += apart.minor;
            }
        }
        lines.into_iter().map(|(label, (count, amount_minor))| BridgeLine { label, count, amount_minor }).collect()
    }

    /// Differences over the keys on which all sides agree. A bridge leads from a pair's second side to its first.
    fn agreeing(&self) -> Vec<(String, Apart)> {
        let pair = PAIRS.iter().position(|pair| *pair == (self.right, self.left));
        let Some((clean, pair)) = self.tally.clean.get(self.currency).zip(pair) else { return Vec::new() };
        let sums = clean[pair][self.measure as usize];
        let compared = self.rules.matching.tolerance_minor(self.measure).is_some();
        let both = if compared { "within tolerance" } else { "not compared by this job" };
        vec![
            (both.to_owned(), sums.both_state),
            (format!("not stated by {}", self.left), sums.first_states),
            (format!("not stated by {}", self.right), sums.second_states),
        ]
    }
}

fn row_account(frame: &Frame, tally: &Tally, judged: &Account) -> RowAccount {
    let side = frame.side;
    let excluded: u64 = Exclusion::ALL.iter().filter_map(|reason| tally.excluded_rows.get(&(side, *reason))).sum();
    let rows = judged.rows(side);
    let mut account = RowAccount {
        side,
        read: frame.rows_read.iter().sum(),
        matched: tally.clean_rows[side as usize] + rows.matched,
        suggested: rows.suggested,
        expected: rows.expected,
        breaks: rows.breaks,
        quarantined: frame.quarantine.len() as u64,
        excluded: excluded + rows.excluded,
        unaccounted: 0,
    };
    let placed = [account.matched, account.expected, account.breaks, account.quarantined, account.excluded];
    let placed: i128 = placed.into_iter().map(i128::from).sum();
    account.unaccounted = i64::try_from(i128::from(account.read) - placed).unwrap_or(i64::MAX);
    account
}

/// The rows of a side without the copies among them.
pub(super) fn single_rows(stated: &KeySide) -> u64 {
    (stated.facts.rows.len() as u64).saturating_sub(stated.duplicate_rows)
}

/// The rows of a side that are matched only because a weaker rule pairs their keys.
pub(super) fn suggested_rows(one: &Judged, side: Side) -> u64 {
    let is_suggested =
        one.verdict.outcome == Outcome::Matched && matches!(one.facts.pairing, Pairing::Suggested { .. });
    one.facts.side(side).filter(|_| is_suggested).map_or(0, single_rows)
}
