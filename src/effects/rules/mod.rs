//! Fraud rules over the rows of one side: which transactions meet one, and which rows show it. Pure.
//!
//! A rule sorts numbers, not rows: its work grows with the rows (times their logarithm), never with pairs of them.

mod deny;
mod outlier;
mod returns;
mod rows;
mod shared_card;
mod velocity;

use chrono::DateTime;

pub use rows::Rows;

use super::{Finding, RowPlace};
use crate::frames::Field;
use crate::job::{FraudRule, Grouping};
use crate::money;
use crate::text;

/// Rows listed with one finding; its detail tells how many there are.
const LISTED: usize = 50;

/// Rows listed with all findings of one rule: beyond, each lists its own only. A rule that meets every row of a
/// big period would otherwise list it fifty times over.
const LISTED_IN_ALL: usize = 1_000_000;

/// The transactions that meet a rule, in text order of their ids.
pub fn find(rule: &FraudRule, rows: &Rows) -> Vec<Finding> {
    let found = Found { rows, rule: rule.to_string(), listed: 0, findings: Vec::new() };
    let mut findings = match rule {
        FraudRule::Velocity { by, within, count, sum_minor } => {
            velocity::find(found, *by, *within, (*count, sum_minor))
        }
        FraudRule::ReturnsAbovePurchases { by, beyond_minor } => returns::find(found, *by, beyond_minor),
        FraudRule::SharedCard { users } => shared_card::find(found, *users),
        FraudRule::Outlier { times, history } => outlier::find(found, *times, *history),
        FraudRule::Deny { field, values } => deny::find(found, *field, values),
    };
    findings.sort_by(|left, right| (&left.transaction, &left.detail).cmp(&(&right.transaction, &right.detail)));
    findings
}

/// What all rules find: in text order of the transactions, of one transaction in the order of the rules.
pub fn find_all(rules: &[FraudRule], rows: &Rows) -> Vec<Finding> {
    let mut findings: Vec<Finding> = rules.iter().flat_map(|rule| find(rule, rows)).collect();
    findings.sort_by(|left, right| left.transaction.cmp(&right.transaction));
    findings
}

/// The findings of one rule while it is applied.
struct Found<'r> {
    rows: &'r Rows,
    /// In words.
    rule: String,
    /// Rows listed so far.
    listed: usize,
    findings: Vec<Finding>,
}

/// What is found of one transaction, before its texts are looked up.
struct Met {
    transaction: u32,
    amount_minor: i64,
    currency: String,
    detail: String,
}

impl Found<'_> {
    /// Adds a finding that `own` rows (in order) have met together with `others`: they are listed as far as there is
    /// room, of the others the last ones, and the detail tells when there was none for all.
    fn add(&mut self, met: Met, own: &[u32], others: impl DoubleEndedIterator<Item = u32>) {
        let Met { transaction, amount_minor, currency, mut detail } = met;
        let room = if self.listed < LISTED_IN_ALL { LISTED } else { own.len().min(LISTED) };
        let mut listed: Vec<u32> = own.iter().copied().take(LISTED).collect();
        let mut left_out = listed.len() < own.len();
        for row in others.rev().filter(|row| own.binary_search(row).is_err()) {
            left_out |= listed.len() >= room;
            if left_out {
                break;
            }
            listed.push(row);
        }
        listed.sort_unstable();
        listed.dedup();
        if left_out {
            let rows = if listed.len() == 1 { "1 row is".to_owned() } else { format!("{} rows are", listed.len()) };
            detail = format!("{detail}; {rows} listed");
        }
        self.listed += listed.len();
        let places: Vec<RowPlace> = listed.into_iter().map(|row| self.rows.place(row)).collect();
        let stated = |field| self.rows.rows_of(transaction).iter().find_map(|row| self.rows.text(field, *row));
        let user = own.iter().find_map(|row| self.rows.text(Field::User, *row)).or_else(|| stated(Field::User));
        self.findings.push(Finding {
            transaction: stated(Field::TransactionId).unwrap_or_default().to_owned(),
            user: user.map(str::to_owned),
            rule: self.rule.clone(),
            detail,
            rows: places,
            amount_minor,
            currency,
        });
    }

    /// What is at risk in a transaction as a whole: its biggest row, whichever way the money went.
    fn at_risk(&self, transaction: u32) -> (i64, String) {
        let rows = self.rows.rows_of(transaction);
        let size = |row: u32| self.rows.amount_minor(row).map_or(0, i64::unsigned_abs);
        // Of equal ones the first.
        let biggest = rows.iter().copied().rev().max_by_key(|row| size(*row));
        let Some(row) = biggest else { return (0, String::new()) };
        let currency = self.rows.text(Field::Currency, row).unwrap_or_default().to_owned();
        (i64::try_from(size(row)).unwrap_or(i64::MAX), currency)
    }

    /// `user u-1`, `card 411111…1234`: whom the row, or else its transaction, is about.
    fn whom(&self, by: Grouping, row: u32, transaction: u32) -> String {
        let rows = || std::iter::once(row).chain(self.rows.rows_of(transaction).iter().copied());
        let texts = rows().find_map(|row| {
            let texts = by.fields().iter().map(|field| self.rows.text(*field, row));
            texts.collect::<Option<Vec<&str>>>()
        });
        let texts: Vec<String> = texts.unwrap_or_default().into_iter().map(shown).collect();
        format!("{} {}", by.name(), texts.join("…"))
    }
}

/// `812.40 USD`
fn money(minor: i128, currency: &str) -> String {
    format!("{} {currency}", money::format_minor(minor, money::exponent(currency).unwrap_or(2)))
}

/// `1 purchase`, `6 purchases`
fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// `2025-03-19 10:00:12 UTC`
fn time(micros: i64) -> String {
    let time = DateTime::from_timestamp_micros(micros);
    time.map_or_else(|| "an unknown time".to_owned(), |time| time.format("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// As much of a text of others as a detail shows.
fn shown(text: &str) -> String {
    text::cut(&text::visible(text), 60).into_owned()
}
