//! The lines that tell of a closed month: what is owed by currency, the roll-forward, what is fronted and overdue.

use super::super::amount::{grouped, money, signed};
use super::super::facts::Facts;
use super::super::month::{fronted, past_terms, roll_forward_in_words};
use super::super::text::{counted, visible};
use super::{fit, title, wrap};
use crate::month::facts::{Line, Receivable};

/// Currencies that are told; of more one line says how many.
const MOST_CURRENCIES: usize = 2;

/// At most eight lines; none for a job that closes no month.
pub(super) fn month(facts: &Facts, width: usize, color: bool) -> Vec<String> {
    let Some(month) = &facts.month else { return Vec::new() };
    let of = &month.receivable;
    let shown = if of.len() <= MOST_CURRENCIES { of.len() } else { MOST_CURRENCIES - 1 };
    let mut lines = statement(&of[..shown], width, color);
    if shown < of.len() {
        lines.push(format!("  and {} more currencies: see the report", of.len() - shown));
    }
    if of.is_empty() {
        lines.push("  nothing is owed, and nothing was".to_owned());
    }
    if !month.file_is_there {
        lines.push("  the month's file is not there: everything is carried forward".to_owned());
    }
    if let Some(words) = roll_forward_in_words(month) {
        lines.extend(wrap(&words, width - 2, 2).iter().map(|line| format!("  {line}")));
    }
    let overdue: Vec<String> = past_terms(month)
        .into_iter()
        .map(|(currency, (items, minor))| {
            format!("past terms: {}, {}", counted(items, "item", "items"), money(minor, currency))
        })
        .collect();
    lines.extend((!overdue.is_empty()).then(|| fit(&format!("  {}", overdue.join("; ")), width)));
    lines.extend((!of.is_empty()).then(|| fit(&format!("  {}", fronted(month)), width)));
    lines
}

/// Opening, what was added and taken away, closing: a line a currency.
fn statement(of: &[Receivable], width: usize, color: bool) -> Vec<String> {
    let heads = ["Owed by Kard", "opening", "settled", "paid", "other", "closing"].map(str::to_owned);
    let rows: Vec<[String; 6]> = std::iter::once(heads).chain(of.iter().map(row)).collect();
    let widths = [0, 1, 2, 3, 4, 5].map(|at| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0));
    let one = |row: &[String; 6]| {
        let cells = row.iter().zip(widths).skip(1).map(|(cell, column)| format!("  {cell:>column$}"));
        format!("{:<2$}{}", row[0], cells.collect::<String>(), widths[0])
    };
    let told = |(index, row): (usize, &[String; 6])| {
        let line = fit(&one(row), width);
        if index == 0 { title(&line, color) } else { line }
    };
    rows.iter().enumerate().map(told).collect()
}

fn row(of: &Receivable) -> [String; 6] {
    let total = |lines: &[Line]| lines.iter().map(|line| of.line(*line).owed.total_minor()).sum::<i128>();
    let currency = &of.currency;
    [
        format!("  {}", visible(currency)),
        grouped(total(&[Line::Opening]), currency),
        signed(total(&[Line::NewlySettled]), currency),
        signed(total(&[Line::Paid]), currency),
        signed(
            total(&[
                Line::AdjustedAfterSeal,
                Line::SettledEarlier,
                Line::Adjusted,
                Line::StatedAgain,
                Line::ClawedBack,
            ]),
            currency,
        ),
        grouped(of.closing.total_minor(), currency),
    ]
}
