//! The sheets that let a stranger check the report: what it was made from, and what its words mean.

use rust_xlsxwriter::{Worksheet, XlsxError};

use super::super::definitions::{run_lines, terms};
use super::super::facts::Facts;
use super::super::table::Value;
use super::super::totals::measure_words;
use super::cells::{Page, Styles, lines_of, page_setup, put_text, set_lines};
use super::form;
use crate::breaks::BreakKind;

/// In characters; what is longer goes on in the next line.
const ORIGIN_WIDTH: f64 = 42.0;

pub(super) fn write_evidence(sheet: &mut Worksheet, facts: &Facts, styles: &Styles) -> Result<(), XlsxError> {
    sheet.set_name("Evidence")?;
    page_setup(sheet, facts);
    for (col, width) in (0_u16..).zip([28.0, 42.0, ORIGIN_WIDTH, 68.0, 18.0, 12.0]) {
        sheet.set_column_width(col, width)?;
    }
    let mut page = Page::new(sheet, styles);
    page.line("Evidence", &styles.title)?;
    page.line("The same inputs, job file and program give the same breaks.", &styles.note)?;
    page.section("Inputs, as received")?;
    page.heads(&["Side", "Name", "Origin", "SHA-256", ">Bytes", ">Rows"])?;
    for input in facts.all_inputs() {
        page.cells(&[
            Value::text(facts.rows_words(input.side)),
            Value::text(&input.name),
            Value::Empty,
            Value::text(&input.sha256),
            Value::count(input.bytes),
            Value::count(input.rows),
        ])?;
        put_text(page.sheet, page.row - 1, 2, &input.origin, &styles.wrapped)?;
        set_lines(page.sheet, page.row - 1, lines_of(&input.origin, ORIGIN_WIDTH))?;
    }
    page.section("Sums over all readable rows of each input")?;
    page.heads(&["Side", "Name", "Measure", "Currency", ">Sum"])?;
    for input in &facts.inputs {
        for (currency, measure, minor) in &input.sums {
            page.cells(&[
                Value::text(facts.rows_words(input.side)),
                Value::text(&input.name),
                Value::text(measure_words(*measure)),
                Value::text(currency),
                Value::amount(*minor, currency),
            ])?;
        }
    }
    page.section("Run")?;
    for (name, value) in run_lines(facts) {
        page.cells(&[Value::text(name), Value::text(value)])?;
    }
    page.section("Parameters of the job")?;
    for (name, value) in &facts.job.parameters {
        page.cells(&[Value::text(name), Value::text(value)])?;
    }
    Ok(())
}

pub(super) fn write_definitions(sheet: &mut Worksheet, facts: &Facts, styles: &Styles) -> Result<(), XlsxError> {
    sheet.set_name("Definitions")?;
    page_setup(sheet, facts);
    sheet.set_column_width(0, 28)?.set_column_width(1, 100)?;
    let mut page = Page::new(sheet, styles);
    page.line("Definitions", &styles.title)?;
    page.section("Words")?;
    for (term, meaning) in terms(facts) {
        define(&mut page, term, meaning)?;
    }
    page.section("Decisions that can be typed on Breaks, Suggested and Effects")?;
    for word in form::Word::ALL {
        define(&mut page, word.text(), word.meaning())?;
    }
    page.section("Kinds of breaks")?;
    for kind in BreakKind::ALL {
        define(&mut page, kind.name(), kind.words())?;
    }
    Ok(())
}

fn define(page: &mut Page<'_>, term: &str, meaning: &str) -> Result<(), XlsxError> {
    put_text(page.sheet, page.row, 0, term, &page.styles.bold)?;
    put_text(page.sheet, page.row, 1, meaning, &page.styles.wrapped)?;
    page.row += 1;
    Ok(())
}
