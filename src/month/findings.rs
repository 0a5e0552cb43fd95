//! The breaks of a closed month, each with the rows and the money behind it.

use super::Inputs;
use super::ageing::Age;
use super::books::{At, Books, Row, place_in_words};
use super::days::{DayRow, Rolled, differ, differs};
use super::fold::{Change, Folded, Held, Standing};
use crate::breaks::detail::money;
use crate::breaks::{Break, BreakKind, BreakStatus, SideFacts, compare, files, id};
use crate::frames::Measure;

/// All of them, in the order of reports.
pub(super) fn find(
    inputs: &Inputs<'_>,
    books: &Books<'_>,
    folded: &Folded<'_>,
    rolled: Option<&Rolled<'_>>,
) -> Vec<Break> {
    let finder = Finder { inputs, books, folded };
    let mut breaks = Vec::new();
    for change in &folded.changes {
        breaks.extend(finder.receivable(change));
        let day = rolled.and_then(|rolled| rolled.items.get(change.transaction));
        breaks.extend(finder.restatement(change, day));
    }
    if let Some(rolled) = rolled {
        let dailies = &rolled.roll_forward.dailies;
        breaks.extend(rolled.missing.iter().map(|missing| finder.missing_in_month(missing)));
        let absent = rolled.not_in_dailies.iter().filter_map(|index| folded.changes[*index].now);
        breaks.extend(absent.map(|now| finder.missing_in_dailies(now, dailies)));
        let days = inputs.days.iter().filter(|day| day.own().is_none());
        breaks.extend(days.map(|day| files::missing_day(inputs.job, (day.day, day.frame), dailies)));
    }
    compare::sort(&mut breaks);
    breaks
}

struct Finder<'a> {
    inputs: &'a Inputs<'a>,
    books: &'a Books<'a>,
    folded: &'a Folded<'a>,
}

impl Finder<'_> {
    /// What is wrong with how a transaction stands; at most one thing.
    fn receivable(&self, change: &Change<'_>) -> Option<Break> {
        let Change { before, now, after, .. } = change;
        if let (Some(first), Some(now)) = (before.and_then(|held| held.paid), now) {
            return Some(self.paid_twice(first, *now));
        }
        if after.standing != Standing::Open {
            return None;
        }
        match (after.dropped, now) {
            (Some(since), _) => Some(self.dropped(after, since)),
            (None, Some(now)) => self.unpaid(after, *now),
            (None, None) => None,
        }
    }

    fn dropped(&self, held: &Held, since: u32) -> Break {
        let row = self.books.row(held.stated);
        let (last, closed) = self.books.closed();
        let detail = format!(
            "pending in {} ({}), not in the file of {}{}, and no clawback notice says why; {} stay claimed{}",
            self.books.place_in_words(held.stated),
            self.label(held.stated.month),
            self.label(since),
            if since != last && closed.frame.is_some() { ", nor in any since" } else { "" },
            owed_words(row),
            self.where_it_may_be(row.transaction(), held.stated.month, since)
        );
        self.of_row(BreakKind::DroppedPending, row, self.facts(held.stated), detail)
    }

    /// A row of the closed month's file that is not settled; else what nobody could read: files that are not there between
    /// the last one that states an item and the first one that does not, and that one's unreadable rows.
    fn where_it_may_be(&self, transaction: &str, stated: u32, since: u32) -> String {
        if let Some(at) = self.folded.unsettled.get(transaction) {
            let status = self.books.row(*at).status().unwrap_or_default();
            return format!("; {} states it as {status}", self.books.place_in_words(*at));
        }
        let between = (stated + 1..since).filter(|month| self.books.month(*month).frame.is_none());
        let between: Vec<&str> = between.map(|month| self.label(month)).collect();
        let unread = self.books.month(since).frame.map_or(0, |frame| frame.quarantine.len());
        match (between.as_slice(), unread) {
            ([], 0) => String::new(),
            ([], unread) => format!("; it may be among the {unread} rows of {} that cannot be read", self.label(since)),
            (between, _) => format!("; it may be paid in a file that is not there: {}", between.join(", ")),
        }
    }

    fn label(&self, month: u32) -> &str {
        &self.books.month(month).period.label
    }

    fn paid_twice(&self, first: At, now: At) -> Break {
        let row = self.books.row(now);
        let detail = format!(
            "paid in {} ({}), and stated again as {} in {}: {}",
            self.books.place_in_words(first),
            self.label(first.month),
            if row.is_paid() { "paid" } else { "pending" },
            self.books.place_in_words(now),
            owed_words(row)
        );
        self.of_row(BreakKind::PaidTwice, row, self.facts(now), detail)
    }

    fn unpaid(&self, held: &Held, now: At) -> Option<Break> {
        let age = Age::of(self.inputs, self.books, held);
        if !age.is_past_terms() {
            return None;
        }
        let row = self.books.row(now);
        let detail = format!(
            "still pending {} days after it settled, where the merchant's terms are {} days: {}",
            age.days,
            age.terms_days,
            owed_words(row)
        );
        Some(self.of_row(BreakKind::SettledUnpaid, row, self.facts(now), detail))
    }

    /// Amounts that are not those of the file before, or, where there is none, of the day.
    fn restatement(&self, change: &Change<'_>, day: Option<&DayRow<'_>>) -> Option<Break> {
        let now = change.now?;
        let row = self.books.row(now);
        let (before, place) = match (change.before, day) {
            (Some(held), _) if held.standing == Standing::Open && held.paid.is_none() => {
                (self.books.row(held.stated), self.books.place_in_words(held.stated))
            }
            (None, Some(day)) => (day.row, place_in_words(day.day.frame, day.row)),
            _ => return None,
        };
        if !differ(before, row) {
            return None;
        }
        let apart: Vec<Measure> = Measure::ALL.into_iter().filter(|measure| differs(before, row, *measure)).collect();
        let other_currency = before.currency() != row.currency();
        let owed_apart = other_currency || apart.iter().any(|measure| *measure != Measure::TransactionAmount);
        let kind = if row.is_paid() && owed_apart { BreakKind::PaidAmountMismatch } else { BreakKind::Restated };
        let shown = if other_currency { Measure::ALL.to_vec() } else { apart.clone() };
        let said = |row: Row<'_>| {
            let told = |measure: &Measure| {
                let name = measure.name().replace('_', " ");
                Some(format!("{name} {}", money(row.value(*measure)?, row.currency())))
            };
            shown.iter().filter_map(told).collect::<Vec<_>>().join(", ")
        };
        let detail = format!("{} in {place}, {} in {}", said(before), said(row), self.books.place_in_words(now));
        let mut found = self.of_row(kind, row, self.facts(now), detail);
        if !other_currency {
            (found.measure, found.at_risk_minor, found.difference_minor) = difference(before, row, &apart);
        }
        Some(found)
    }

    fn missing_in_month(&self, missing: &DayRow<'_>) -> Break {
        let detail = format!(
            "settled in {} ({}), not in the file of {}: {}",
            place_in_words(missing.day.frame, missing.row),
            missing.day.label,
            self.inputs.period.label,
            owed_words(missing.row)
        );
        self.of_row(BreakKind::MissingInMonth, missing.row, missing.row.facts(), detail)
    }

    fn missing_in_dailies(&self, now: At, dailies: &str) -> Break {
        let row = self.books.row(now);
        let detail = format!(
            "newly settled in {}, in no file of {dailies}: {}",
            self.books.place_in_words(now),
            owed_words(row)
        );
        self.of_row(BreakKind::MissingInDailies, row, self.facts(now), detail)
    }

    /// What a row says; its place only where it stands in the closed month's file, whose files a report lists as the side's.
    fn facts(&self, at: At) -> SideFacts {
        let row = self.books.row(at);
        let (last, _) = self.books.closed();
        let rows = if at.month == last { vec![row.columns.place(row.number)] } else { Vec::new() };
        SideFacts { rows, ..row.facts() }
    }

    fn of_row(&self, kind: BreakKind, row: Row<'_>, facts: SideFacts, detail: String) -> Break {
        let (key, currency) = (row.transaction(), row.currency());
        let (measure, at_risk_minor) = at_risk(row);
        let occurred_at = facts.occurred_at;
        Break {
            id: id::break_id(self.inputs.job, kind.rule(), key, currency),
            kind,
            key: key.to_owned(),
            currency: currency.to_owned(),
            measure,
            at_risk_minor,
            difference_minor: None,
            sides: [Some(facts.into()), None, None],
            occurred_at,
            age_days: occurred_at.map_or(0, |at| (self.inputs.period.end - at).num_days().max(0)),
            status: BreakStatus::Open,
            detail,
        }
    }
}

/// All that is owed for a row, under the name of the larger part; its amount where the row states neither part.
fn at_risk(row: Row<'_>) -> (Measure, i64) {
    let stated = [Measure::IssuerCommission, Measure::UserReward].map(|measure| row.value(measure));
    if let [None, None] = stated {
        let amount = row.value(Measure::TransactionAmount).unwrap_or(0);
        return (Measure::TransactionAmount, amount.saturating_abs());
    }
    let [commission, reward] = row.owed_minor();
    let total = i128::from(commission) + i128::from(reward);
    let larger =
        if reward.unsigned_abs() > commission.unsigned_abs() { Measure::UserReward } else { Measure::IssuerCommission };
    (larger, i64::try_from(total.unsigned_abs()).unwrap_or(i64::MAX))
}

/// By how much what is owed differs (the amount, where nothing owed does); with its sign where it is one measure.
fn difference(before: Row<'_>, now: Row<'_>, apart: &[Measure]) -> (Measure, i64, Option<i64>) {
    let of = |measure: Measure| {
        let value = |row: Row<'_>| i128::from(row.value(measure).unwrap_or(0));
        value(before) - value(now)
    };
    let owed: Vec<Measure> = apart.iter().copied().filter(|measure| *measure != Measure::TransactionAmount).collect();
    let counted = if owed.is_empty() { apart } else { &owed };
    let largest =
        counted.iter().copied().max_by_key(|measure| (of(*measure).unsigned_abs(), std::cmp::Reverse(*measure)));
    let sum: u128 = counted.iter().map(|measure| of(*measure).unsigned_abs()).sum();
    let signed = match counted {
        [one] => i64::try_from(of(*one)).ok(),
        _ => None,
    };
    (largest.unwrap_or(Measure::IssuerCommission), i64::try_from(sum).unwrap_or(i64::MAX), signed)
}

/// `issuer commission 2.00 USD and user reward 1.00 USD`
fn owed_words(row: Row<'_>) -> String {
    let [commission, reward] = row.owed_minor();
    let currency = row.currency();
    format!("issuer commission {} and user reward {}", money(commission, currency), money(reward, currency))
}
