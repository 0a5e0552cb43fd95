//! From what a sending job has sealed, and what became of it, to the facts of its report: the source is the ledger's
//! side, what Kard has accepted the file's. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{ExcludedFacts, Facts, Fate, InputFacts, ParcelFacts, RunFacts};
use super::gather::{job_facts, period_facts, program};
use crate::breaks::sending::RejectedRow;
use crate::breaks::{Break, Bridge, BridgeLine, RowAccount, Statement, compare, gates};
use crate::frames::{Measure, Quarantined, Side, Warning};
use crate::job::Job;
use crate::period::Period;

/// Sums by currency (ISO 4217), in minor units.
pub type Sums = BTreeMap<String, i128>;

/// Rows and what they add up to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counted {
    pub rows: u64,
    pub sums_minor: Sums,
}

/// What was found in the source, counted where it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceCounts {
    /// Every row, with the amounts that could be read.
    pub read: Counted,
    /// Rows that do not fit.
    pub quarantined: Counted,
    /// Rows whose event id another row has already.
    pub repeated: Counted,
}

/// What a report of sending needs.
#[derive(Debug)]
pub struct Setting<'a> {
    pub job: &'a Job,
    pub period: &'a Period,
    pub run: RunFacts,
    pub inputs: Vec<InputFacts>,
    pub source: SourceCounts,
    /// In the order of the plan; rows and sums as read back from the sealed bytes.
    pub parcels: Vec<ParcelFacts>,
    /// Rows of accepted parcels that Kard refused by themselves.
    pub rejected: Vec<RejectedRow>,
    pub breaks: Vec<Break>,
    pub quarantine: Vec<Quarantined>,
    pub warnings: Vec<Warning>,
    /// What was asked for, in words.
    pub parameters: Vec<(String, String)>,
}

/// Gathers the facts. Effects and what changed against an earlier attempt are left for the caller to add.
pub fn gather(setting: Setting<'_>) -> Facts {
    let Setting { job, period, run, inputs, source, parcels, rejected, mut breaks, quarantine, warnings, parameters } =
        setting;
    compare::sort(&mut breaks);
    let statement = statement(&source, &parcels, &rejected);
    let repeated = ExcludedFacts { side: Side::Ledger, reason: REPEATED.to_owned(), rows: source.repeated.rows };
    Facts {
        program: program(),
        job: job_facts(job, parameters),
        period: period_facts(period),
        run,
        inputs,
        history: Vec::new(),
        statement,
        gates: gates::check(&job.gates, &breaks),
        breaks,
        suggestions: Vec::new(),
        expected: expected(&parcels),
        excluded: if repeated.rows == 0 { Vec::new() } else { vec![repeated] },
        quarantine,
        warnings,
        effects: None,
        sent: parcels,
        changes: None,
    }
}

const REPEATED: &str = "another row has the same event id";

impl Fate {
    /// The line of the bridge on which its sum stands; none where Kard has accepted it.
    const fn line(self) -> Option<&'static str> {
        match self {
            Self::Accepted => None,
            Self::Unsent => Some("expected: not sent yet"),
            Self::Awaited => Some("expected: sent, and Kard has not told its result yet"),
            Self::InDoubt => Some("in doubt: nobody knows whether Kard has it"),
            Self::Refused => Some("break: refused by Kard as a whole"),
            Self::Overdue => Some("break: unacknowledged"),
        }
    }
}

fn statement(source: &SourceCounts, parcels: &[ParcelFacts], rejected: &[RejectedRow]) -> Statement {
    let mut currencies: BTreeSet<&String> = source.read.sums_minor.keys().collect();
    currencies.extend(parcels.iter().flat_map(|parcel| parcel.totals_minor.keys()));
    let bridges = currencies.into_iter().map(|currency| bridge(currency, source, parcels, rejected)).collect();
    Statement { bridges, rows: vec![ledger_rows(source, parcels, rejected), file_rows(parcels, rejected)] }
}

fn bridge(currency: &str, source: &SourceCounts, parcels: &[ParcelFacts], rejected: &[RejectedRow]) -> Bridge {
    let of = |sums: &Sums| sums.get(currency).copied().unwrap_or(0);
    let mut lines = Vec::new();
    let mut line = |label: &str, count: u64, amount_minor: i128| {
        if count > 0 {
            lines.push(BridgeLine { label: label.to_owned(), count, amount_minor });
        }
    };
    line("quarantined: rows of ledger that do not fit", source.quarantined.rows, -of(&source.quarantined.sums_minor));
    let repeated = format!("excluded from ledger: {REPEATED}");
    line(&repeated, source.repeated.rows, -of(&source.repeated.sums_minor));
    for fate in Fate::ALL {
        let Some(label) = fate.line() else { continue };
        let mine: Vec<&ParcelFacts> = parcels.iter().filter(|parcel| parcel.fate == fate).collect();
        let rows = mine.iter().map(|parcel| parcel.rows).sum();
        line(label, rows, -mine.iter().map(|parcel| of(&parcel.totals_minor)).sum::<i128>());
    }
    let refused: Vec<i128> = rejected
        .iter()
        .filter(|row| row.currency == currency)
        .map(|row| i128::from(row.amount_minor))
        .collect();
    let refused_minor: i128 = refused.iter().sum();
    line("break: row rejected", refused.len() as u64, -refused_minor);
    let accepted = parcels.iter().filter(|parcel| parcel.fate == Fate::Accepted);
    let right_total_minor = accepted.map(|parcel| of(&parcel.totals_minor)).sum::<i128>() - refused_minor;
    let left_total_minor = of(&source.read.sums_minor);
    let explained_minor: i128 = lines.iter().map(|line| line.amount_minor).sum();
    Bridge {
        left: Side::Ledger,
        right: Side::File,
        currency: currency.to_owned(),
        measure: Measure::TransactionAmount,
        left_total_minor,
        residual_minor: left_total_minor + explained_minor - right_total_minor,
        lines,
        right_total_minor,
    }
}

/// Rows of parcels by what became of them: accepted, waiting, and what is a break or in doubt.
fn by_outcome(parcels: &[ParcelFacts], rejected: &[RejectedRow]) -> (u64, u64, u64) {
    let rows = |fates: &[Fate]| {
        parcels.iter().filter(|parcel| fates.contains(&parcel.fate)).map(|parcel| parcel.rows).sum::<u64>()
    };
    let alone = rejected.len() as u64;
    let accepted = rows(&[Fate::Accepted]).saturating_sub(alone);
    (accepted, rows(&[Fate::Unsent, Fate::Awaited]), rows(&[Fate::Refused, Fate::Overdue, Fate::InDoubt]) + alone)
}

fn ledger_rows(source: &SourceCounts, parcels: &[ParcelFacts], rejected: &[RejectedRow]) -> RowAccount {
    let (matched, expected, breaks) = by_outcome(parcels, rejected);
    let (read, quarantined, excluded) = (source.read.rows, source.quarantined.rows, source.repeated.rows);
    let placed: i128 = [matched, expected, breaks, quarantined, excluded].into_iter().map(i128::from).sum();
    RowAccount {
        side: Side::Ledger,
        read,
        matched,
        suggested: 0,
        expected,
        breaks,
        quarantined,
        excluded,
        unaccounted: i64::try_from(i128::from(read) - placed).unwrap_or(i64::MAX),
    }
}

fn file_rows(parcels: &[ParcelFacts], rejected: &[RejectedRow]) -> RowAccount {
    let (matched, expected, breaks) = by_outcome(parcels, rejected);
    let read: u64 = parcels.iter().map(|parcel| parcel.rows).sum();
    let placed = matched + expected + breaks;
    RowAccount {
        side: Side::File,
        read,
        matched,
        suggested: 0,
        expected,
        breaks,
        quarantined: 0,
        excluded: 0,
        unaccounted: i64::try_from(i128::from(read) - i128::from(placed)).unwrap_or(i64::MAX),
    }
}

/// Rows that wait, by reason.
fn expected(parcels: &[ParcelFacts]) -> BTreeMap<String, u64> {
    let mut waiting = BTreeMap::new();
    for parcel in parcels {
        if let Some(reason) = parcel.fate.line().and_then(|line| line.strip_prefix("expected: ")) {
            *waiting.entry(reason.to_owned()).or_default() += parcel.rows;
        }
    }
    waiting
}
