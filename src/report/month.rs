//! What every rendering shows of a closed month: the statement's rows, the ageing in words, one list with one set of
//! columns.

use std::collections::BTreeMap;

use super::amount::{count, money};
use super::table::Value;
use super::text::{counted, listed, visible};
use crate::job::Payout;
use crate::month::MonthFacts;
use crate::month::facts::{Ageing, CountedIn, Entry, Line, Owed, Place, Receivable, SealedMonth};

/// One row of the statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StatementRow {
    Of(Line),
    Closing,
    /// Zero, or the run is a bug.
    Unexplained,
}

impl StatementRow {
    /// From the opening balance down to what the closing one is made of.
    pub(super) fn all(month: &MonthFacts) -> impl Iterator<Item = Self> {
        let (of_closing, steps): (Vec<Line>, Vec<Line>) = lines(month).partition(|line| line.is_of_closing());
        let steps = steps.into_iter().map(Self::Of);
        steps.chain([Self::Closing]).chain(of_closing.into_iter().map(Self::Of)).chain([Self::Unexplained])
    }

    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Of(line) => line.words(),
            Self::Closing => "Closing balance",
            Self::Unexplained => "Unexplained (must be zero)",
        }
    }

    /// Whether it is a balance, rather than a step or a part.
    pub(super) const fn is_balance(self) -> bool {
        matches!(self, Self::Closing | Self::Of(Line::Opening))
    }

    /// Whether it moves the balance: its sign says which way.
    pub(super) const fn is_step(self) -> bool {
        matches!(self, Self::Of(line) if !line.is_of_closing() && !matches!(line, Line::Opening))
    }

    /// Items (none for what is no sum of items) and what they come to.
    pub(super) fn of(self, receivable: &Receivable) -> (Option<u64>, Owed) {
        match self {
            Self::Of(line) => {
                let line = receivable.line(line);
                (Some(line.items), line.owed)
            }
            Self::Closing => (Some(receivable.closing_items), receivable.closing),
            Self::Unexplained => (None, receivable.residual),
        }
    }
}

/// The lines that the month has: none for what was sealed where nothing is.
pub(super) fn lines(month: &MonthFacts) -> impl Iterator<Item = Line> {
    let is_sealed = month.sealed.is_some();
    Line::ALL.into_iter().filter(move |line| is_sealed || *line != Line::AdjustedAfterSeal)
}

/// What the closed month is known from, in sentences.
pub(super) fn notes(month: &MonthFacts) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(SealedMonth { period, run }) = &month.sealed {
        notes.push(format!(
            "{} is sealed: the opening balance is its closing one as {} states it, and what its files or those before say \
             otherwise since is adjusted here.",
            visible(period),
            visible(run)
        ));
    }
    if !month.file_is_there {
        notes.push("The month's file is not there: everything is carried forward as it was.".to_owned());
    }
    if let Some(from) = &month.known_from {
        notes.push(format!("The monthly files are known from {from} on; what was owed before is first stated there."));
    }
    if !month.without_file.is_empty() && (month.file_is_there || month.without_file.len() > 1) {
        notes.push(format!("Without a file: {}.", month.without_file.join(", ")));
    }
    notes.extend(month.left_out.iter().map(|left| {
        let rows = counted(left.rows, "row", "rows");
        format!(
            "Left out of all lines, {}: {rows}, {}.",
            left.reason.words(),
            money(left.owed.total_minor(), &left.currency)
        )
    }));
    notes
}

/// `Kard owes USD 21.50 at the end of 2025-03.`
pub(super) fn owed_in_words(month: &MonthFacts, period: &str) -> String {
    let owed = month.receivable.iter().filter(|one| one.closing_items > 0);
    let sums: Vec<String> = owed.map(|one| money(one.closing.total_minor(), &one.currency)).collect();
    let sums = if sums.is_empty() { "nothing".to_owned() } else { listed(&sums) };
    format!("Kard owes {sums} at the end of {}.", visible(period))
}

/// What is fronted, as one line: `fronted to users and not yet reimbursed: USD 300.00`.
pub(super) fn fronted(month: &MonthFacts) -> String {
    let what = match month.payout {
        Payout::AtOnce => "rewards paid to users and not yet reimbursed",
        Payout::Withheld => "rewards that are paid now, to be passed on to users",
    };
    let sums: Vec<String> =
        month.fronted.iter().map(|fronted| money(fronted.user_reward_minor, &fronted.currency)).collect();
    format!("{what}: {}", if sums.is_empty() { "none".to_owned() } else { sums.join(", ") })
}

/// `0 to 30 days`, `over 90 days`
pub(super) fn bucket_words(bucket: &Ageing) -> String {
    match bucket.to_days {
        Some(to_days) => format!("{} to {to_days} days", bucket.from_days),
        None => format!("over {} days", bucket.from_days.saturating_sub(1)),
    }
}

/// What is past the merchants' terms: currency → items and sum.
pub(super) fn past_terms(month: &MonthFacts) -> BTreeMap<&str, (u64, i128)> {
    let mut sums = BTreeMap::new();
    for bucket in month.ageing.iter().filter(|bucket| bucket.past_terms_items > 0) {
        let sum: &mut (u64, i128) = sums.entry(bucket.currency.as_str()).or_default();
        sum.0 += bucket.past_terms_items;
        sum.1 += bucket.past_terms.total_minor();
    }
    sums
}

/// `2 items, USD 6.00`; nothing where there is none.
pub(super) fn counted_in_words(found: &[CountedIn]) -> Option<String> {
    let items: u64 = found.iter().map(|one| one.items).sum();
    let sums: Vec<String> = found.iter().map(|one| money(one.owed.total_minor(), &one.currency)).collect();
    (items > 0).then(|| format!("{}, {}", counted(items, "item", "items"), sums.join(", ")))
}

/// The roll-forward in one line.
pub(super) fn roll_forward_in_words(month: &MonthFacts) -> Option<String> {
    let roll = month.roll_forward.as_ref()?;
    let sum = |of: fn(&crate::month::facts::DayLine) -> u64| roll.totals.iter().map(of).sum::<u64>();
    let mut parts = vec![
        format!("{} in the days", counted(sum(|line| line.items.items), "item", "items")),
        format!("{} in the month", count(sum(|line| line.in_month.items))),
    ];
    let told = [
        ("missing", sum(|line| line.missing.items)),
        ("clawed back", sum(|line| line.clawed_back.items)),
        ("not due", sum(|line| line.waiting.items)),
        ("restated", sum(|line| line.restated.items)),
        ("in no day", roll.not_in_dailies.iter().map(|one| one.items).sum()),
    ];
    parts.extend(told.iter().filter(|(_, items)| *items > 0).map(|(what, items)| format!("{} {what}", count(*items))));
    if roll.days_missing > 0 {
        parts.push(counted(roll.days_missing, "day without a file", "days without a file"));
    }
    Some(parts.join(", "))
}

/// The columns of `receivable.csv`; where the month before is sealed, the rows as sealed come last.
pub(super) fn columns(month: &MonthFacts) -> impl Iterator<Item = &'static str> {
    let of_seal: &[&str] = if month.sealed.is_some() { &["sealed_file", "sealed_line"] } else { &[] };
    COLUMNS.into_iter().chain(of_seal.iter().copied())
}

const COLUMNS: [&str; 13] = [
    "transaction",
    "line",
    "currency",
    "issuer_commission",
    "user_reward",
    "total",
    "settled_at",
    "file",
    "file_line",
    "before_file",
    "before_line",
    "paid_file",
    "paid_line",
];

/// The cells of one item's part in one line, in the order of [`columns`].
pub(super) fn cells<'a>(month: &'a MonthFacts, entry: &Entry) -> Vec<Value<'a>> {
    let item = &month.items[entry.item as usize];
    let currency = month.receivable[entry.currency as usize].currency.as_str();
    let (commission, reward) = (i128::from(entry.issuer_commission_minor), i128::from(entry.user_reward_minor));
    let name = |place: Option<Place>| {
        Value::optional_text(place.and_then(|place| month.files.get(place.file as usize)).map(String::as_str))
    };
    let line = |place: Option<Place>| place.map_or(Value::Empty, |place| Value::count(place.line));
    let mut cells = vec![
        Value::text(&*item.transaction),
        Value::text(entry.line.name()),
        Value::text(currency),
        Value::amount(commission, currency),
        Value::amount(reward, currency),
        Value::amount(commission + reward, currency),
        item.settled_at.map_or(Value::Empty, Value::Time),
        name(item.now),
        line(item.now),
        name(item.before),
        line(item.before),
        name(item.paid),
        line(item.paid),
    ];
    if month.sealed.is_some() {
        cells.extend([name(item.sealed), line(item.sealed)]);
    }
    cells
}
