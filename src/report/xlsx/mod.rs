//! `report.xlsx`: what a finance reviewer opens, filters and signs off.
//!
//! Text is only ever written as a string, so nothing that came from outside can become a formula;
//! the few formulas there are refer to cells and quote no text. What links to a page is an address of our own making.
//! `form` says what a reviewer fills in, for whoever reads it back.

mod ageing;
mod cells;
mod charts;
mod evidence;
mod explained;
pub mod form;
mod links;
mod lists;
mod month;
pub mod sign_off;
mod summary;

use std::io::Write;
use std::path::Path;

use rust_xlsxwriter::{DocProperties, Workbook, XlsxError};

use super::facts::Facts;
use super::text::{cut, visible};
use cells::Styles;
use lists::Part;

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
    let sheet_rows = sheet_rows.max(1);
    let lists = |book: &mut Workbook, part| lists::write(book, facts, &styles, sheet_rows, part);
    summary::write(book.add_worksheet(), facts, &styles)?;
    // It draws what the sheet Ageing counts.
    let charts = book.worksheets().len();
    book.add_worksheet();
    month::write(&mut book, facts, &styles)?;
    lists(&mut book, Part::Breaks)?;
    let ages = ageing::write(book.add_worksheet(), facts, &styles)?;
    charts::write(book.worksheet_from_index(charts)?, facts, ages, &styles)?;
    lists(&mut book, Part::Moved)?;
    explained::write(book.add_worksheet(), facts, &styles)?;
    lists(&mut book, Part::Explained)?;
    evidence::write_evidence(book.add_worksheet(), facts, &styles)?;
    sign_off::write(book.add_worksheet(), facts, &styles)?;
    evidence::write_definitions(book.add_worksheet(), facts, &styles)?;
    sign_off::write_mark(book.add_worksheet(), facts, &styles)?;
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
