//! Reading what is filled in: from the form's own columns, wherever they stand by now, and from text cells alone.

use std::io::{Read, Seek, SeekFrom};

use calamine::{DataRef, Reader as _, Xlsx, XlsxCellFormula, XlsxError};

use super::{Filled, Line, MOST_BYTES, MOST_CHARACTERS, MOST_LINES, MOST_UNPACKED, Mark};
use crate::report::xlsx::form::{self, List, key};
use crate::text::{cut, visible};

/// A file that is no workbook to import. Exit code 65, all of them.
#[derive(Debug, thiserror::Error)]
pub enum WorkbookError {
    #[error("cannot be read")]
    Io(#[from] std::io::Error),
    #[error("has {bytes} bytes; a workbook has {MOST_BYTES} at most")]
    TooLarge { bytes: u64 },
    #[error("unpacks to {bytes} bytes; a workbook has {MOST_UNPACKED} at most")]
    Unpacks { bytes: u64 },
    #[error("is no .xlsx file, or a damaged one; save the workbook as .xlsx, without a password")]
    NotXlsx(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error(
        "is no report of tieout: it has no sheet `{}`; import the report.xlsx that a run has written",
        form::MARK_SHEET
    )]
    NotOurs,
    #[error(
        "is a form `{found}`, and this program reads `{}`; run the period again and fill in that report",
        form::SCHEMA
    )]
    Schema { found: String },
    #[error("sheet `{}` does not say `{missing}`; import the report.xlsx that a run has written", form::MARK_SHEET)]
    Mark { missing: &'static str },
    #[error("sheet {sheet} has no column `{head}`; the first row names the columns, and the form's must be there")]
    NoColumn { sheet: String, head: &'static str },
    #[error("sheet {sheet} has two columns `{head}`; which one is meant cannot be known, remove one")]
    TwoColumns { sheet: String, head: &'static str },
    #[error("has more than {MOST_LINES} rows that are filled in; import them in parts")]
    TooManyLines,
}

fn damaged(error: impl std::error::Error + Send + Sync + 'static) -> WorkbookError {
    WorkbookError::NotXlsx(Box::new(error))
}

/// Reads the mark and every row that is filled in. Memory does not grow with the rows that are not.
///
/// # Errors
/// When it is no workbook of ours, or too large.
pub fn read<R: Read + Seek>(mut file: R) -> Result<Filled, WorkbookError> {
    let bytes = file.seek(SeekFrom::End(0))?;
    if bytes > MOST_BYTES {
        return Err(WorkbookError::TooLarge { bytes });
    }
    file.rewind()?;
    check_unpacked(&mut file)?;
    file.rewind()?;
    let mut book = Xlsx::new(file).map_err(damaged)?;
    let mark = mark(&mut book)?;
    let mut lines = Vec::new();
    for sheet in book.sheet_names() {
        if let Some(list) = List::of_sheet(&sheet) {
            read_sheet(&mut book, list, &sheet, &mut lines)?;
        }
    }
    Ok(Filled { mark, lines })
}

/// Looks at the sizes that the archive states before anything is unpacked.
fn check_unpacked<R: Read + Seek>(file: &mut R) -> Result<(), WorkbookError> {
    let mut archive = zip::ZipArchive::new(file).map_err(damaged)?;
    let mut bytes = 0_u64;
    for index in 0..archive.len() {
        bytes = bytes.saturating_add(archive.by_index_raw(index).map_err(damaged)?.size());
    }
    if bytes > MOST_UNPACKED { Err(WorkbookError::Unpacks { bytes }) } else { Ok(()) }
}

/// What the hidden sheet says.
fn mark<R: Read + Seek>(book: &mut Xlsx<R>) -> Result<Mark, WorkbookError> {
    if !book.sheet_names().iter().any(|name| name == form::MARK_SHEET) {
        return Err(WorkbookError::NotOurs);
    }
    let mut cells = book.worksheet_cells_reader(form::MARK_SHEET).map_err(damaged)?;
    let mut rows: Vec<(String, String)> = Vec::new();
    let mut name = (u32::MAX, String::new());
    while let Some(cell) = cells.next_cell().map_err(damaged)? {
        let (row, col) = cell.get_position();
        let Some(text) = text_of(cell.get_value()) else { continue };
        match col {
            0 => name = (row, text.to_owned()),
            1 if name.0 == row => rows.push((name.1.clone(), text.to_owned())),
            _ => {}
        }
        if rows.len() > MOST_LINES {
            return Err(WorkbookError::TooManyLines);
        }
    }
    let value = |wanted: &'static str| rows.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
    let wanted = |name: &'static str| value(name).ok_or(WorkbookError::Mark { missing: name });
    let schema = wanted(key::SCHEMA)?;
    if schema != form::SCHEMA {
        return Err(WorkbookError::Schema { found: cut(&visible(&schema), 60).into_owned() });
    }
    Ok(Mark {
        run: wanted(key::RUN)?,
        job_sha256: wanted(key::JOB_SHA256)?,
        plan: value(key::PLAN).filter(|plan| !plan.is_empty()),
        inputs: rows.into_iter().filter(|(name, _)| name == key::INPUT_SHA256).map(|(_, value)| value).collect(),
    })
}

fn text_of<'c>(value: &'c DataRef<'_>) -> Option<&'c str> {
    match value {
        DataRef::String(text) => Some(text),
        DataRef::SharedString(text) => Some(text),
        _ => None,
    }
}

/// Where the form's columns stand on a sheet.
#[derive(Debug, Default)]
struct Heads {
    id: Option<u32>,
    decision: Option<u32>,
    comment: Option<u32>,
    assign_to: Option<u32>,
}

impl Heads {
    fn note(&mut self, list: List, col: u32, text: &str, sheet: &str) -> Result<(), WorkbookError> {
        let heads = [
            (list.id_head(), &mut self.id),
            (form::DECISION, &mut self.decision),
            (form::COMMENT, &mut self.comment),
            (form::ASSIGN_TO, &mut self.assign_to),
        ];
        for (head, place) in heads {
            if text.trim() == head && place.replace(col).is_some() {
                return Err(WorkbookError::TwoColumns { sheet: sheet.to_owned(), head });
            }
        }
        Ok(())
    }

    /// A sheet that lost one of its columns would lose what is filled in there, in silence.
    fn check(&self, list: List, sheet: &str) -> Result<(), WorkbookError> {
        let wanted = [
            (list.id_head(), self.id.is_some()),
            (form::DECISION, self.decision.is_some()),
            (form::COMMENT, self.comment.is_some()),
            (form::ASSIGN_TO, self.assign_to.is_some() || !list.can_be_assigned()),
        ];
        match wanted.into_iter().find(|(_, found)| !found) {
            Some((head, _)) => Err(WorkbookError::NoColumn { sheet: sheet.to_owned(), head }),
            None => Ok(()),
        }
    }
}

fn read_sheet<R: Read + Seek>(
    book: &mut Xlsx<R>,
    list: List,
    sheet: &str,
    lines: &mut Vec<Line>,
) -> Result<(), WorkbookError> {
    let mut cells = match book.worksheet_cells_reader(sheet) {
        // A chart may have taken the name.
        Err(XlsxError::NotAWorksheet(_)) => return Ok(()),
        cells => cells.map_err(damaged)?,
    };
    let mut heads = Heads::default();
    let mut checked = false;
    let empty = |row| Line {
        list,
        sheet: sheet.to_owned(),
        row,
        id: String::new(),
        decision: None,
        comment: None,
        assign_to: None,
        problem: None,
    };
    let mut line = empty(0);
    while let Some(cell) = cells.next_cell_with_formula().map_err(damaged)? {
        let (row, col) = cell.pos;
        if row == 0 {
            if let Some(text) = text_of(&cell.value) {
                heads.note(list, col, text, sheet)?;
            }
            continue;
        }
        if !checked {
            heads.check(list, sheet)?;
            checked = true;
        }
        if line.row != row + 1 {
            keep(std::mem::replace(&mut line, empty(row + 1)), lines)?;
        }
        note(&mut line, &heads, &cell);
    }
    if !checked {
        heads.check(list, sheet)?;
    }
    keep(line, lines)
}

/// Takes one cell into its line, if it is of the form.
fn note(line: &mut Line, heads: &Heads, cell: &XlsxCellFormula<'_>) {
    let (row, col) = cell.pos;
    let at = Some(col);
    let is_filled = at == heads.decision || at == heads.comment || at == heads.assign_to;
    if !is_filled && at != heads.id {
        return;
    }
    let address = || {
        format!(
            "{}{}",
            rust_xlsxwriter::utility::column_number_to_name(u16::try_from(col).unwrap_or(u16::MAX)),
            row + 1
        )
    };
    // The id of a row in which nothing is filled in may be anything.
    let trouble = if cell.formula.is_some() {
        Some(format!("{} holds a formula; type its text instead", address()))
    } else {
        kind_of(&cell.value).map(|kind| format!("{} holds {kind}; text is expected there", address()))
    };
    if let Some(trouble) = trouble {
        line.problem.get_or_insert(trouble);
        if is_filled && line.decision.is_none() {
            // So that the row counts as filled in.
            line.decision = Some(String::new());
        }
        return;
    }
    let text = text_of(&cell.value).map(str::trim).filter(|text| !text.is_empty());
    let Some(text) = text else { return };
    if is_filled && text.chars().count() > MOST_CHARACTERS {
        line.problem.get_or_insert(format!("{} holds more than {MOST_CHARACTERS} characters", address()));
    }
    let text: String = text.chars().take(MOST_CHARACTERS).collect();
    match at {
        at if at == heads.id => line.id = text,
        at if at == heads.decision => line.decision = Some(text),
        at if at == heads.comment => line.comment = Some(text),
        _ => line.assign_to = Some(text),
    }
}

/// What a cell holds that is no text.
const fn kind_of(value: &DataRef<'_>) -> Option<&'static str> {
    match value {
        DataRef::String(_) | DataRef::SharedString(_) | DataRef::Empty => None,
        DataRef::Int(_) | DataRef::Float(_) => Some("a number"),
        DataRef::Bool(_) => Some("a truth value"),
        DataRef::DateTime(_) | DataRef::DateTimeIso(_) => Some("a date"),
        DataRef::DurationIso(_) => Some("a duration"),
        DataRef::Error(_) => Some("an error"),
    }
}

fn keep(line: Line, lines: &mut Vec<Line>) -> Result<(), WorkbookError> {
    if line.decision.is_none() && line.comment.is_none() && line.assign_to.is_none() {
        return Ok(());
    }
    if lines.len() >= MOST_LINES {
        return Err(WorkbookError::TooManyLines);
    }
    lines.push(line);
    Ok(())
}
