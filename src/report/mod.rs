//! Renderings of one set of facts: pure functions from `Facts` to bytes, and one writer.

mod ageing;
mod amount;
mod as_read;
mod carried;
pub mod csv;
mod definitions;
mod digest;
mod effects;
pub mod facts;
pub mod figures;
mod files;
pub mod gather;
pub mod gather_sent;
pub mod html;
pub mod json;
pub mod json_effects;
pub mod json_month;
pub mod json_seals;
pub mod lives;
mod month;
pub mod parquet;
mod seals;
mod sent;
mod table;
mod terminal;
mod text;
mod totals;
pub mod verdict;
pub mod xlsx;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

pub(crate) use amount::{count, money};
pub use digest::{report_digest, sums};
pub use facts::Facts;
pub use figures::Figures;
pub use files::{FilesError, digest_of as digest_of_folder, files};
pub use terminal::{MOST_EFFECT_LINES, MOST_LINES, terminal_summary};

use crate::job::ReportFormat;
use crate::seals::adjustments::write_list as write_list_of;

/// What a run leaves for other periods, beside its report; see [`crate::breaks::carry_file`].
pub const OPEN_ITEMS_FILE: &str = "open-items.jsonl";

/// The adjustments that a run takes in of sealed periods, beside its report; see [`crate::seals::adjustments`].
pub const ADJUSTMENTS_FILE: &str = "adjustments.jsonl";

/// How much each rendering holds before it goes on elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Rows of one sheet under its header; more continue on the next one.
    pub sheet_rows: usize,
    /// Breaks (and likewise suggestions and quarantined rows) on the HTML page; the page says where the rest is.
    pub page_rows: usize,
}

impl Default for Layout {
    fn default() -> Self {
        // A sheet holds 1,048,576 rows; what is left is for the header and for totals.
        Self { sheet_rows: 1_000_000, page_rows: 2_000 }
    }
}

/// A report that could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error("cannot create {path}")]
    Create { path: PathBuf, source: std::io::Error },
    #[error("cannot write {path}")]
    Write { path: PathBuf, source: std::io::Error },
    #[error("cannot write {path}")]
    Json { path: PathBuf, source: serde_json::Error },
    #[error("cannot write {path}")]
    Csv { path: PathBuf, source: ::csv::Error },
    #[error("cannot write {path}")]
    Parquet { path: PathBuf, source: polars::prelude::PolarsError },
    #[error("cannot write {path}")]
    Workbook { path: PathBuf, source: rust_xlsxwriter::XlsxError },
    #[error("cannot write {path}: the rows of its sheets cannot be kept beside it, the disk may be full: {reason}")]
    WorkbookRows { path: PathBuf, reason: String },
}

/// Writes `summary.json` and then each asked rendering into `folder`, side by side on all cores; the folder must exist.
/// Returns their paths in the order asked; with `breaks.csv` comes [`EFFECTS_FILE`] where the job has effects, and
/// [`SENT_FILE`] where it sends. [`RECEIVABLE_FILE`] is always written where a month was closed: every number of the
/// receivable leads to its rows. Each file and the folder are on disk when this returns; a format that is asked twice is
/// written once.
///
/// # Errors
/// When a file cannot be created or written: of several the first in their order is told. What is written stays.
pub fn write(facts: &Facts, formats: &[ReportFormat], folder: &Path) -> Result<Vec<PathBuf>, ReportError> {
    write_with(facts, formats, folder, Layout::default())
}

/// [`write`], with bounds of the caller's choice.
///
/// # Errors
/// As [`write`].
pub fn write_with(
    facts: &Facts,
    formats: &[ReportFormat],
    folder: &Path,
    layout: Layout,
) -> Result<Vec<PathBuf>, ReportError> {
    let mut wanted: Vec<ReportFormat> = Vec::new();
    for format in formats.iter().filter(|format| **format != ReportFormat::Json) {
        if !wanted.contains(format) {
            wanted.push(*format);
        }
    }
    // It is small, and first on the disk: of a disk that is full, what has filled it is told.
    let summary = write_format(facts, ReportFormat::Json, folder, layout)?;
    let writing = wanted.into_par_iter().map(|format| write_format(facts, format, folder, layout));
    let done: Vec<Result<Vec<PathBuf>, ReportError>> = writing.collect();
    let written = std::iter::once(Ok(summary)).chain(done).collect::<Result<Vec<_>, _>>()?.concat();
    if let Some(carried) = &facts.carried {
        write_lines(OPEN_ITEMS_FILE, folder, |out| carried.left.write(out))?;
    }
    if let Some(adjustments) = &facts.sealed.adjustments {
        write_lines(ADJUSTMENTS_FILE, folder, |out| write_list_of(adjustments, out))?;
    }
    let sync = File::open(folder).and_then(|folder| folder.sync_all());
    sync.map_err(|source| ReportError::Write { path: folder.to_owned(), source })?;
    Ok(written)
}

/// One rendering, and the lists that go with it.
fn write_format(
    facts: &Facts,
    format: ReportFormat,
    folder: &Path,
    layout: Layout,
) -> Result<Vec<PathBuf>, ReportError> {
    let path = folder.join(file_name(format));
    write_one(facts, format, folder, layout, &path)?;
    let mut written = vec![path];
    if let (ReportFormat::Json, Some(month)) = (format, &facts.month) {
        written.push(write_list(RECEIVABLE_FILE, folder, |out| csv::render_receivable(month, out))?);
    }
    if let (ReportFormat::Csv, Some(effects)) = (format, &facts.effects) {
        written.push(write_list(EFFECTS_FILE, folder, |out| csv::render_effects(effects, out))?);
    }
    if let (ReportFormat::Csv, Some(sent)) = (format, &facts.sent) {
        written.push(write_list(SENT_FILE, folder, |out| csv::render_sent(sent, out))?);
    }
    Ok(written)
}

/// The list of effects as CSV, beside that of the breaks; for jobs that have effects.
pub const EFFECTS_FILE: &str = "effects.csv";

/// The list of what was sent as CSV, beside that of the breaks; for jobs that send.
pub const SENT_FILE: &str = "sent.csv";

/// The transactions behind each line of the receivable as CSV, for jobs that close months.
pub const RECEIVABLE_FILE: &str = "receivable.csv";

/// The name of a rendering's file; people and scripts rely on it.
pub const fn file_name(format: ReportFormat) -> &'static str {
    match format {
        ReportFormat::Json => "summary.json",
        ReportFormat::Csv => "breaks.csv",
        ReportFormat::Parquet => "breaks.parquet",
        ReportFormat::Xlsx => "report.xlsx",
        ReportFormat::Html => "report.html",
    }
}

fn write_list(
    name: &str,
    folder: &Path,
    render: impl FnOnce(&mut BufWriter<File>) -> Result<(), ::csv::Error>,
) -> Result<PathBuf, ReportError> {
    let path = folder.join(name);
    let file = File::create(&path).map_err(|source| ReportError::Create { path: path.clone(), source })?;
    let mut out = BufWriter::with_capacity(1 << 16, file);
    render(&mut out).map_err(|source| ReportError::Csv { path: path.clone(), source })?;
    finish(out, &path)?;
    Ok(path)
}

/// A list for programs, like the Parquet file: no rendering that anybody asked for.
fn write_lines(
    name: &str,
    folder: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>,
) -> Result<(), ReportError> {
    let path = folder.join(name);
    let failed = |source| ReportError::Write { path: path.clone(), source };
    let mut out = BufWriter::new(File::create(&path).map_err(failed)?);
    write(&mut out).map_err(failed)?;
    finish(out, &path)
}

/// Whether all of it is on the disk.
fn finish(out: BufWriter<File>, path: &Path) -> Result<(), ReportError> {
    let owned = || path.to_owned();
    let file = out.into_inner().map_err(|error| ReportError::Write { path: owned(), source: error.into_error() })?;
    file.sync_all().map_err(|source| ReportError::Write { path: owned(), source })
}

fn write_one(
    facts: &Facts,
    format: ReportFormat,
    folder: &Path,
    layout: Layout,
    path: &Path,
) -> Result<(), ReportError> {
    let file = File::create(path).map_err(|source| ReportError::Create { path: path.to_owned(), source })?;
    let mut out = BufWriter::with_capacity(1 << 16, file);
    let owned = || path.to_owned();
    match format {
        ReportFormat::Json => {
            json::render(facts, &mut out).map_err(|source| ReportError::Json { path: owned(), source })?;
        }
        ReportFormat::Csv => {
            csv::render(facts, &mut out).map_err(|source| ReportError::Csv { path: owned(), source })?;
        }
        ReportFormat::Parquet => {
            parquet::render(facts, &mut out).map_err(|source| ReportError::Parquet { path: owned(), source })?;
        }
        ReportFormat::Xlsx => write_workbook(facts, layout, folder, &mut out, path)?,
        ReportFormat::Html => {
            let page = html::render(facts, layout.page_rows);
            out.write_all(page.as_bytes()).map_err(|source| ReportError::Write { path: owned(), source })?;
        }
    }
    finish(out, path)
}

/// The library writes a sheet's rows to a temporary file first, and panics where that fails.
fn write_workbook(
    facts: &Facts,
    layout: Layout,
    folder: &Path,
    out: &mut (impl Write + Send),
    path: &Path,
) -> Result<(), ReportError> {
    let render = std::panic::AssertUnwindSafe(|| xlsx::render(facts, layout.sheet_rows, folder, out));
    match std::panic::catch_unwind(render) {
        Ok(rendered) => rendered.map_err(|source| ReportError::Workbook { path: path.to_owned(), source }),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let reason = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given").to_owned();
            Err(ReportError::WorkbookRows { path: path.to_owned(), reason })
        }
    }
}
