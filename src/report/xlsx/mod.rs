//! `report.xlsx`: what a finance reviewer opens, filters and signs off.
//!
//! Text is only ever written as a string, so nothing that came from outside can become a formula;
//! the few formulas there are refer to cells and quote no text.

mod cells;
mod evidence;
mod lists;
mod month;
mod summary;

use std::io::Write;
use std::path::Path;

use rust_xlsxwriter::{DocProperties, Workbook, XlsxError};

use super::facts::Facts;
use super::text::{cut, visible};
use cells::Styles;

/// Writes the workbook. Long sheets go through temporary files in `scratch`, so that memory does
/// not grow with the breaks; a sheet of more than `sheet_rows` rows continues on the next one.
/// The only time in the document's properties is the run's.
///
/// # Errors
/// When writing to `out` or to `scratch` fails.
pub fn render(facts: &Facts, sheet_rows: usize, scratch: &Path, out: impl Write + Send) -> Result<(), XlsxError> {
    let mut book = Workbook::new();
    book.set_tempdir(scratch)?;
    book.set_properties(
        &DocProperties::new()
            .set_title(title(facts))
            .set_author(format!("tieout {}", visible(&facts.program.version)))
            .set_creation_datetime(&facts.run.run_time),
    );
    let styles = Styles::new();
    summary::write(book.add_worksheet(), facts, &styles)?;
    month::write(&mut book, facts, &styles)?;
    lists::write(&mut book, facts, &styles, sheet_rows.max(1))?;
    evidence::write_evidence(book.add_worksheet(), facts, &styles)?;
    evidence::write_definitions(book.add_worksheet(), facts, &styles)?;
    book.save_to_writer(out)
}

fn title(facts: &Facts) -> String {
    // Document properties hold 255 characters at most.
    cut(&visible(&format!("{} for {}", facts.job.name, facts.period.label)), 200).into_owned()
}

/// A footer line; `&` begins a code there and is doubled.
fn footer(facts: &Facts) -> String {
    let run = cut(&visible(&facts.run.id), 80).replace('&', "&&");
    let sandbox = if facts.run.sandbox { " (sandbox)" } else { "" };
    format!("&L{run}{sandbox}&CPeriod {}, times in UTC&RPage &P of &N", cut(&visible(&facts.period.label), 40))
}
