//! The sheet Sign-off, to be filled in; and the hidden sheet that says which run the workbook belongs to.

use rust_xlsxwriter::{Worksheet, XlsxError};

use super::super::facts::Facts;
use super::super::table::Value;
use super::super::verdict::verdict;
use super::cells::{Page, Styles, lines_of, page_setup, put_text, set_lines};
use super::form::{self, MARK_SHEET, key};
use super::links::Links;
use crate::sign_off::DEFAULT_STATEMENT;

const VALUE_WIDTH: f64 = 84.0;
/// Inputs that are named here; all stand on the sheet Evidence.
const MOST_INPUTS: usize = 40;

pub(super) fn write(sheet: &mut Worksheet, facts: &Facts, styles: &Styles) -> Result<(), XlsxError> {
    sheet.set_name("Sign-off")?;
    page_setup(sheet, facts);
    // It is signed on one page.
    sheet.set_print_fit_to_pages(1, 1);
    sheet.set_column_width(0, 24.0)?.set_column_width(1, VALUE_WIDTH)?;
    sheet.set_row_height(0, 24)?;
    sheet.set_screen_gridlines(false);
    let mut page = Page::new(sheet, styles);
    page.line(&format!("Sign-off: {}", super::title(facts)), &styles.title)?;
    page.section("What is signed")?;
    for (name, value) in what(facts) {
        line(&mut page, name, &value)?;
    }
    page.section("Inputs, by the first digits of their SHA-256")?;
    let inputs: Vec<_> = facts.all_inputs().collect();
    for input in inputs.iter().take(MOST_INPUTS) {
        line(&mut page, short(&input.sha256), &format!("{}, {}", input.name, facts.rows_words(input.side)))?;
    }
    if inputs.len() > MOST_INPUTS {
        page.line(&format!("{} more on the sheet Evidence.", inputs.len() - MOST_INPUTS), &styles.note)?;
    }
    for who in ["Preparer", "Reviewer"] {
        page.section(who)?;
        line(&mut page, "Statement", DEFAULT_STATEMENT)?;
        for name in ["Name", "Date and time (UTC)", "Remarks"] {
            put_text(page.sheet, page.row, 0, name, &styles.bold)?;
            page.sheet.write_blank(page.row, 1, &styles.fill)?;
            set_lines(page.sheet, page.row, if name == "Remarks" { 3 } else { 1 })?;
            page.row += 1;
        }
    }
    how(&mut page, facts)
}

/// A name and its value, in as many lines as it needs.
fn line(page: &mut Page<'_>, name: &str, value: &str) -> Result<(), XlsxError> {
    put_text(page.sheet, page.row, 0, name, &page.styles.bold)?;
    put_text(page.sheet, page.row, 1, value, &page.styles.wrapped)?;
    set_lines(page.sheet, page.row, lines_of(value, VALUE_WIDTH))?;
    page.row += 1;
    Ok(())
}

fn what(facts: &Facts) -> Vec<(&'static str, String)> {
    let mut lines = vec![
        ("Run", facts.run.id.clone()),
        ("Run time", facts.run.run_time.format("%Y-%m-%d %H:%M:%S UTC").to_string()),
        ("Verdict", verdict(facts).headline),
        ("Job file", format!("{}, SHA-256 {}", facts.job.path, facts.job.sha256)),
    ];
    if let Some(effects) = facts.effects.as_ref().filter(|effects| !effects.plan.is_empty()) {
        lines.push(("Plan's digest", effects.plan.clone()));
    }
    lines.push(("Program", format!("tieout {}, commit {}", facts.program.version, facts.program.commit)));
    lines
}

fn how(page: &mut Page<'_>, facts: &Facts) -> Result<(), XlsxError> {
    let styles = page.styles;
    page.section("How it is signed for good")?;
    let lines = [
        "What is typed here is a note for people: whoever has the file can change it.",
        "A signature that counts stands in the journal, bound to the digest of the report: it is given on the run's page, \
         or by `tieout sign-off` on the command line.",
        "Decisions typed on Breaks, Suggested and Effects are taken over by `tieout review import` with this file.",
    ];
    for text in lines {
        page.line(text, &styles.text)?;
    }
    if let Some(address) = Links::new(facts).run() {
        put_text(page.sheet, page.row, 0, "The run's page", &styles.bold)?;
        super::cells::put_link(page.sheet, page.row, 1, (&address, &address), styles)?;
        page.row += 1;
    }
    Ok(())
}

/// The first digits of a digest.
fn short(sha256: &str) -> &str {
    sha256.get(..12).unwrap_or(sha256)
}

/// What `review::import` checks before it takes anything from a workbook.
pub(super) fn write_mark(sheet: &mut Worksheet, facts: &Facts, styles: &Styles) -> Result<(), XlsxError> {
    sheet.set_name(MARK_SHEET)?;
    sheet.set_very_hidden(true);
    let mut page = Page::new(sheet, styles);
    let plan = facts.effects.as_ref().map_or("", |effects| &effects.plan);
    let lines = [
        (key::SCHEMA, form::SCHEMA),
        (key::RUN, &facts.run.id),
        (key::JOB_SHA256, &facts.job.sha256),
        (key::PLAN, plan),
        (key::PROGRAM, &facts.program.version),
    ];
    let inputs = facts.inputs.iter().map(|input| (key::INPUT_SHA256, input.sha256.as_str()));
    lines.into_iter().chain(inputs).try_for_each(|(name, value)| page.cells(&[Value::text(name), Value::text(value)]))
}
