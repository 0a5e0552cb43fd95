//! From what a sending job has sealed, and what became of it, to the facts of its report: the source is the ledger's
//! side, what Kard has accepted the file's. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::facts::{ExcludedFacts, Facts, Fate, InputFacts, ParcelFacts, RunFacts};
use super::gather::{job_facts, period_facts, program};
use crate::breaks::sending::RejectedRow;
use crate::breaks::{Break, Breaks, Bridge, BridgeLine, RowAccount, Statement, compare, gates};
use crate::frames::{Measure, Quarantined, Side, Warning};
use crate::job::Job;
use crate::period::Period;
use crate::seals::SealFacts;

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
    let breaks = Breaks::from(breaks);
    let statement = statement(&source, &parcels, &rejected);
    let excluded = excluded(&source, &parcels);
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
        lives: HashMap::new(),
        new_life: None,
        suggestions: Vec::new(),
        expected: expected(&parcels),
        excluded,
        quarantine,
        warnings,
        effects: None,
        sent: Some(parcels),
        month: None,
        carried: None,
        sealed: SealFacts::default(),
        changes: None,
    }
}

const REPEATED: &str = "another row has the same event id";
const DECLINED: &str = "a person has decided that it is not sent";

impl Fate {
    /// The line of the bridge on which its sum stands; none where Kard has accepted it.
    const fn line(self) -> Option<&'static str> {
        match self {
            Self::Accepted => None,
            Self::Unsent => Some("expected: still to be sent"),
            Self::Awaited => Some("expected: sent, and Kard has not told its result yet"),
            Self::InDoubt => Some("in doubt: nobody knows whether Kard has it"),
            Self::Refused => Some("break: refused by Kard as a whole"),
            Self::Overdue => Some("break: unacknowledged"),
            Self::Declined => Some("excluded: a person has decided that it is not sent"),
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
    // Rows of which no amount could be read stand in the account of rows alone.
    let aside = |counted: &Counted| if counted.sums_minor.contains_key(currency) { counted.rows } else { 0 };
    let (unfit, repeated) = (&source.quarantined, &source.repeated);
    line("quarantined: rows of the source that do not fit", aside(unfit), -of(&unfit.sums_minor));
    line(&format!("excluded from the source: {REPEATED}"), aside(repeated), -of(&repeated.sums_minor));
    let of_currency = || parcels.iter().filter(|parcel| parcel.totals_minor.contains_key(currency));
    for fate in Fate::ALL {
        let Some(label) = fate.line() else { continue };
        let mine: Vec<&ParcelFacts> = of_currency().filter(|parcel| parcel.fate == fate).collect();
        let rows = mine.iter().map(|parcel| parcel.rows).sum();
        line(label, rows, -mine.iter().map(|parcel| of(&parcel.totals_minor)).sum::<i128>());
    }
    let refused: Vec<i128> =
        rejected.iter().filter(|row| row.currency == currency).map(|row| i128::from(row.amount_minor)).collect();
    let refused_minor: i128 = refused.iter().sum();
    line("break: row rejected", refused.len() as u64, -refused_minor);
    let accepted = of_currency().filter(|parcel| parcel.fate == Fate::Accepted);
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

/// The rows that were sealed, by what became of them.
fn sealed_rows(side: Side, read: u64, parcels: &[ParcelFacts], rejected: &[RejectedRow]) -> RowAccount {
    let rows = |fates: &[Fate]| {
        parcels.iter().filter(|parcel| fates.contains(&parcel.fate)).map(|parcel| parcel.rows).sum::<u64>()
    };
    let alone = rejected.len() as u64;
    RowAccount {
        side,
        read,
        matched: rows(&[Fate::Accepted]).saturating_sub(alone),
        suggested: 0,
        expected: rows(&[Fate::Unsent, Fate::Awaited]),
        breaks: rows(&[Fate::Refused, Fate::Overdue, Fate::InDoubt]) + alone,
        quarantined: 0,
        excluded: rows(&[Fate::Declined]),
        unaccounted: 0,
    }
}

fn ledger_rows(source: &SourceCounts, parcels: &[ParcelFacts], rejected: &[RejectedRow]) -> RowAccount {
    let mut account = sealed_rows(Side::Ledger, source.read.rows, parcels, rejected);
    account.quarantined = source.quarantined.rows;
    account.excluded += source.repeated.rows;
    with_rest(account)
}

fn file_rows(parcels: &[ParcelFacts], rejected: &[RejectedRow]) -> RowAccount {
    let read = parcels.iter().map(|parcel| parcel.rows).sum();
    with_rest(sealed_rows(Side::File, read, parcels, rejected))
}

/// The account with what it leaves over.
fn with_rest(mut account: RowAccount) -> RowAccount {
    let RowAccount { matched, expected, breaks, quarantined, excluded, .. } = account;
    let placed: i128 = [matched, expected, breaks, quarantined, excluded].into_iter().map(i128::from).sum();
    account.unaccounted = i64::try_from(i128::from(account.read) - placed).unwrap_or(i64::MAX);
    account
}

/// Rows that are not sent although they can be, by reason.
fn excluded(source: &SourceCounts, parcels: &[ParcelFacts]) -> Vec<ExcludedFacts> {
    let declined = parcels.iter().filter(|parcel| parcel.fate == Fate::Declined).map(|parcel| parcel.rows).sum();
    [(REPEATED, source.repeated.rows), (DECLINED, declined)]
        .into_iter()
        .filter(|(_, rows)| *rows > 0)
        .map(|(reason, rows)| ExcludedFacts { side: Side::Ledger, reason: reason.to_owned(), rows })
        .collect()
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
