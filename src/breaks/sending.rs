//! Breaks of what was sent: rows and files that the provider speaks against, and files that it has not spoken of in
//! time.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::{Break, BreakKind, BreakStatus, RowRef, SideFacts, compare, id};
use crate::frames::{Measure, Side};
use crate::money::{exponent, format_minor};
use crate::period::{Period, duration_words};

/// One thing that the provider says against a row that was sent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RejectedRow {
    /// The sent file, by its name.
    pub file: String,
    /// In the sent file, from 1.
    pub line: u64,
    pub event_id: String,
    pub transaction: String,
    pub user: String,
    /// ISO 4217
    pub currency: String,
    /// As sent: minor units of `currency`.
    pub amount_minor: i64,
    /// The row of the source that it was made of.
    pub source: Option<RowRef>,
    /// The provider's words, harmless to show. May be empty.
    pub words: String,
    /// UTC
    pub occurred_at: Option<DateTime<Utc>>,
}

/// A sent file that the provider speaks against without naming a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedFile {
    pub file: String,
    pub rows: u64,
    /// Currency → sum of the amounts, in minor units.
    pub totals: BTreeMap<String, i128>,
    /// When the provider took it, UTC.
    pub since: Option<DateTime<Utc>>,
    /// The provider's words, harmless to show.
    pub words: Vec<String>,
}

/// A sent file of which nothing was heard in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnacknowledgedFile {
    pub file: String,
    pub rows: u64,
    /// Currency → sum of the amounts, in minor units.
    pub totals: BTreeMap<String, i128>,
    /// When the provider took it, UTC.
    pub since: DateTime<Utc>,
    /// How long the job waits for its result.
    pub within: TimeDelta,
}

/// One break for each refused row, known by its event id: whatever is said against it, and in however many files it
/// was sent. In the order of [`compare::sort`], whatever the order of the rows.
pub fn row_rejected(job: &str, period: &Period, rows: &[RejectedRow]) -> Vec<Break> {
    let mut events = BTreeMap::<(&str, &str), BTreeSet<&RejectedRow>>::new();
    for row in rows {
        events.entry((&row.event_id, &row.currency)).or_default().insert(row);
    }
    sorted(events.into_values().map(|rows| refused(job, period, &rows)))
}

fn refused(job: &str, period: &Period, rows: &BTreeSet<&RejectedRow>) -> Break {
    // An event keeps its id when its amount was corrected in between.
    let largest = rows.iter().max_by_key(|row| row.amount_minor.unsigned_abs()).expect("an event is made of its rows");
    let mut said = BTreeMap::<(&str, u64), BTreeSet<&str>>::new();
    for row in rows {
        said.entry((&row.file, row.line)).or_default().insert(&row.words);
    }
    let told: Vec<String> = said
        .into_iter()
        .map(|((file, line), words)| format!("Kard has refused line {line} of {file}{}", why(words)))
        .collect();
    let occurred_at = rows.iter().filter_map(|row| row.occurred_at).max();
    let facts = SideFacts {
        amount_minor: Some(largest.amount_minor),
        currency: Some(largest.currency.clone()),
        user: Some(largest.user.clone()).filter(|user| !user.is_empty()),
        occurred_at,
        rows: rows.iter().filter_map(|row| row.source).collect::<BTreeSet<_>>().into_iter().collect(),
        ..SideFacts::default()
    };
    let subject = Subject {
        job,
        period,
        kind: BreakKind::RowRejected,
        what: "event",
        name: &largest.event_id,
        currency: &largest.currency,
        at_risk_minor: largest.amount_minor.saturating_abs(),
        occurred_at,
    };
    let mut found = subject.found(format!("{} (event {})", told.join("; "), largest.event_id));
    found.key.clone_from(&largest.transaction);
    found.sides[Side::Ledger as usize] = Some(facts.into());
    found
}

/// One break for each file. In the order of [`compare::sort`], whatever the order of the files.
pub fn file_rejected(job: &str, period: &Period, files: &[RejectedFile]) -> Vec<Break> {
    sorted(files.iter().map(|file| {
        let words = file.words.iter().map(String::as_str).collect();
        let rows = rows_and_sums(file.rows, &file.totals);
        let detail = format!("Kard speaks against {}{}; it holds {rows}", file.file, why(words));
        of_file(job, period, BreakKind::RowRejected, &file.file, &file.totals, file.since).found(detail)
    }))
}

/// One break for each file. In the order of [`compare::sort`], whatever the order of the files.
pub fn unacknowledged(job: &str, period: &Period, files: &[UnacknowledgedFile], now: DateTime<Utc>) -> Vec<Break> {
    sorted(files.iter().map(|file| {
        let detail = format!(
            "{} was sent {}, {} ago, and its result was due within {}; it holds {}",
            file.file,
            file.since.format("%Y-%m-%d %H:%M UTC"),
            elapsed_words(now.signed_duration_since(file.since)),
            duration_words(file.within),
            rows_and_sums(file.rows, &file.totals),
        );
        of_file(job, period, BreakKind::Unacknowledged, &file.file, &file.totals, Some(file.since)).found(detail)
    }))
}

/// `: amount is negative; currency is unknown`
fn why(mut words: BTreeSet<&str>) -> String {
    words.remove("");
    if words.is_empty() {
        return " without saying why".to_owned();
    }
    format!(": {}", words.into_iter().collect::<Vec<_>>().join("; "))
}

/// `2 rows (12.00 EUR, 30.50 USD)`
fn rows_and_sums(rows: u64, totals: &BTreeMap<String, i128>) -> String {
    let sums: Vec<String> = totals.iter().map(|(currency, sum_minor)| money(*sum_minor, currency)).collect();
    let sums = if sums.is_empty() { String::new() } else { format!(" ({})", sums.join(", ")) };
    format!("{rows} {}{sums}", if rows == 1 { "row" } else { "rows" })
}

/// `12.50 USD`
fn money(sum_minor: i128, currency: &str) -> String {
    format!("{} {currency}", format_minor(sum_minor, exponent(currency).unwrap_or(2)))
}

/// The time gone by in the largest unit of which there are at least two: `26 hours`.
fn elapsed_words(elapsed: TimeDelta) -> String {
    let seconds = elapsed.num_seconds().max(0);
    let units = [(86_400, "days"), (3_600, "hours"), (60, "minutes")];
    let unit = units.into_iter().find(|(unit_seconds, _)| seconds / unit_seconds >= 2);
    let (unit_seconds, unit) = unit.unwrap_or((1, "seconds"));
    format!("{} {unit}", seconds / unit_seconds)
}

/// What a break is about.
struct Subject<'a> {
    job: &'a str,
    period: &'a Period,
    kind: BreakKind,
    /// `event` or `file`.
    what: &'static str,
    /// The event's id, or the file's name.
    name: &'a str,
    currency: &'a str,
    at_risk_minor: i64,
    occurred_at: Option<DateTime<Utc>>,
}

fn of_file<'a>(
    job: &'a str,
    period: &'a Period,
    kind: BreakKind,
    name: &'a str,
    totals: &'a BTreeMap<String, i128>,
    since: Option<DateTime<Utc>>,
) -> Subject<'a> {
    let mut totals = totals.iter();
    // Sums of several currencies are no one amount.
    let (currency, at_risk_minor) = match (totals.next(), totals.next()) {
        (Some((currency, sum_minor)), None) => {
            (currency.as_str(), i64::try_from(sum_minor.unsigned_abs()).unwrap_or(i64::MAX))
        }
        _ => ("", 0),
    };
    Subject { job, period, kind, what: "file", name, currency, at_risk_minor, occurred_at: since }
}

impl Subject<'_> {
    /// The break about it, without sides.
    fn found(&self, detail: String) -> Break {
        // One rule finds both kinds, and events as well as files: here both are part of the key.
        let identity = format!("{}:{}:{}", self.kind.name(), self.what, self.name);
        Break {
            id: id::break_id(self.job, self.kind.rule(), &identity, self.currency),
            kind: self.kind,
            key: self.name.to_owned(),
            currency: self.currency.to_owned(),
            measure: Measure::TransactionAmount,
            at_risk_minor: self.at_risk_minor,
            difference_minor: None,
            sides: [None, None, None],
            occurred_at: self.occurred_at,
            age_days: self.occurred_at.map_or(0, |at| (self.period.end - at).num_days().max(0)),
            status: BreakStatus::Open,
            detail,
        }
    }
}

fn sorted(breaks: impl Iterator<Item = Break>) -> Vec<Break> {
    let mut breaks: Vec<Break> = breaks.collect();
    compare::sort(&mut breaks);
    breaks
}
