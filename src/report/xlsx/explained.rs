//! The sheet Explained: what differs between the sides and is no break, and why.

use std::collections::BTreeMap;

use rust_xlsxwriter::{Worksheet, XlsxError};

use super::super::facts::Facts;
use super::super::table::Value;
use super::super::totals::{by_size, measure_words};
use super::cells::{Page, Styles, lines_of, page_setup, put_text, set_lines};
use crate::breaks::BridgeLine;

const FIRST_WIDTH: f64 = 80.0;

/// Whether a line of a bridge is told by something else than open differences.
pub(super) fn explains(line: &BridgeLine) -> bool {
    !line.label.starts_with("break")
}

pub(super) fn write(sheet: &mut Worksheet, facts: &Facts, styles: &Styles) -> Result<(), XlsxError> {
    sheet.set_name("Explained")?;
    page_setup(sheet, facts);
    for (col, width) in (0_u16..).zip([FIRST_WIDTH, 12.0, 17.0, 13.0, 20.0, 28.0]) {
        sheet.set_column_width(col, width)?;
    }
    sheet.set_row_height(0, 24)?;
    let mut page = Page::new(sheet, styles);
    page.line("Explained: what differs and is no break", &styles.title)?;
    page.line("Nothing here is hidden: each line is part of the tie-out on the sheet Summary.", &styles.note)?;
    lines(&mut page, facts)?;
    waiting(&mut page, facts)?;
    excluded(&mut page, facts)?;
    if facts.is_sending() { Ok(()) } else { suggested(&mut page, facts) }
}

fn lines(page: &mut Page<'_>, facts: &Facts) -> Result<(), XlsxError> {
    let styles = page.styles;
    page.section("Lines of the tie-out that are explained")?;
    let found: Vec<_> = by_size(&facts.statement.bridges)
        .into_iter()
        .flat_map(|bridge| bridge.lines.iter().filter(|line| explains(line)).map(move |line| (bridge, line)))
        .collect();
    if found.is_empty() {
        return page.line("None: all that differs is a break.", &styles.note);
    }
    page.heads(&["Line", ">Items", ">Amount", "Currency", "Measure", "From and to"])?;
    for (bridge, line) in found {
        let way = format!("{} to {}", facts.total_words(bridge.left), facts.total_words(bridge.right));
        page.cells(&[
            Value::Empty,
            Value::count(line.count),
            Value::amount(line.amount_minor, &bridge.currency),
            Value::text(&bridge.currency),
            Value::text(measure_words(bridge.measure)),
            Value::text(way),
        ])?;
        wrapped(page, &line.label)?;
    }
    Ok(())
}

/// Long text in the first cell of the row that was just written.
fn wrapped(page: &mut Page<'_>, text: &str) -> Result<(), XlsxError> {
    put_text(page.sheet, page.row - 1, 0, text, &page.styles.wrapped)?;
    set_lines(page.sheet, page.row - 1, lines_of(text, FIRST_WIDTH))
}

fn waiting(page: &mut Page<'_>, facts: &Facts) -> Result<(), XlsxError> {
    let styles = page.styles;
    page.section("Timing: not yet due, or told to earn nothing")?;
    if facts.expected.is_empty() {
        return page.line("Nothing waits.", &styles.note);
    }
    page.heads(&["Reason", if facts.is_sending() { ">Rows" } else { ">Keys" }])?;
    for (reason, keys) in &facts.expected {
        page.cells(&[Value::Empty, Value::count(*keys)])?;
        wrapped(page, reason)?;
    }
    Ok(())
}

fn excluded(page: &mut Page<'_>, facts: &Facts) -> Result<(), XlsxError> {
    let styles = page.styles;
    page.section("Rows that take no part")?;
    if facts.excluded.is_empty() {
        return page.line("None.", &styles.note);
    }
    page.heads(&["Reason", ">Rows", "Side"])?;
    for excluded in &facts.excluded {
        let side = Value::text(facts.rows_words(excluded.side));
        page.cells(&[Value::Empty, Value::count(excluded.rows), side])?;
        wrapped(page, &excluded.reason)?;
    }
    Ok(())
}

fn suggested(page: &mut Page<'_>, facts: &Facts) -> Result<(), XlsxError> {
    let styles = page.styles;
    page.section("Suggested: paired by a weaker rule, to be reviewed")?;
    if facts.suggestions.is_empty() {
        return page.line("None.", &styles.note);
    }
    let mut rules = BTreeMap::<(&str, &str), u64>::new();
    for suggestion in &facts.suggestions {
        *rules.entry((&suggestion.rule, &suggestion.currency)).or_default() += 1;
    }
    page.heads(&["Rule", ">Pairs", "", "Currency"])?;
    for ((rule, currency), pairs) in rules {
        page.cells(&[Value::Empty, Value::count(pairs), Value::Empty, Value::text(currency)])?;
        wrapped(page, rule)?;
    }
    page.line("Each pair stands on the sheet Suggested, with a column for the decision.", &styles.note)
}
