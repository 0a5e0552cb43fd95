//! What makes a whole input unusable. Every message names the file and says what to do.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::mask;
use super::schema::{Quarantined, Side};
use crate::exit::ExitCode;
use crate::job::ReadLimits;

/// Where the job says how a file is read: what messages point to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// An input of a reconciliation.
    Input(Side),
    /// The source of a job that sends, by the block of the job file that it stands in (`upload`, ...).
    Sending(&'static str),
}

impl Place {
    /// The key of the job file below which the columns are mapped.
    fn mapping(self) -> String {
        match self {
            Self::Input(side) => format!("inputs.{side}"),
            Self::Sending(block) => block.to_owned(),
        }
    }

    /// The key that says where a field comes from.
    fn mapping_of(self, field: &str) -> String {
        let group = if field.starts_with("revisions.") { "" } else { "columns." };
        format!("{}.{group}{field}", self.mapping())
    }
}

/// The key of the job file below which the file and its format stand.
impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Input(side) => write!(f, "inputs.{side}"),
            Self::Sending(block) => write!(f, "{block}.source"),
        }
    }
}

/// An input that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    #[error("{file}: cannot read the stored copy {path}")]
    Stored { file: String, path: PathBuf, source: std::io::Error },
    #[error(
        "{file}: the file has 0 bytes; ask for it again or, if a period without rows comes as an empty file, set `{place}.allow_empty: true`"
    )]
    Empty { file: String, place: Place },
    #[error("{file}: {fault}")]
    Stream { file: String, fault: StreamFault },
    #[error("{file}: the text is UTF-16; expected UTF-8: have it converted where it is made")]
    Utf16 { file: String },
    #[error("{file}: no column `{}` for `{}`; the file has {}{}; correct `{}`",
        .wanted.join("` or `"), field, listed(present), near(nearest.as_deref()), place.mapping_of(field))]
    MissingColumn {
        file: String,
        place: Place,
        field: Box<str>,
        wanted: Vec<String>,
        present: Box<[String]>,
        nearest: Option<Box<str>>,
    },
    #[error("{file}: no row has `{}` for `{}`; correct `{}`",
        .wanted.join("` or `"), field, place.mapping_of(field))]
    NeverPresent { file: String, place: Place, field: Box<str>, wanted: Vec<String> },
    #[error(
        "{file}: the header names `{}` twice (columns {first} and {second}); expected each name once",
        mask::shown(column)
    )]
    DuplicateColumn { file: String, column: String, first: usize, second: usize },
    #[error("{file}: line {line}: the header cannot be read: {reason}")]
    Header { file: String, line: u64, reason: String },
    #[error(
        "{file}: line {line}: a quote opens here and is never closed; expected a closing {quote:?} (or another `quote` in `{place}.format`)"
    )]
    UnclosedQuote { file: String, place: Place, line: u64, quote: char },
    #[error("{file}: line {line}: not JSON: {reason}; the rest of the file cannot be read safely")]
    Json { file: String, line: u64, reason: String },
    #[error(
        "{file}: no rows at `{}`; the document has {}; correct `{place}.format.json.rows`",
        shown_path(path),
        listed(present)
    )]
    NoRowsPath { file: String, place: Place, path: String, present: Vec<String> },
    #[error(
        "{file}: the document states nothing readable at `{path}` ({reason}); correct `{place}.format.json.control`"
    )]
    Control { file: String, place: Place, path: String, reason: String },
    #[error("{file}: not a readable Parquet file")]
    Parquet { file: String, source: polars::error::PolarsError },
    #[error(
        "{file}: column `{column}` is of Parquet type {found}; expected text, a whole number, a decimal, a float, a boolean, a date or a time: have it cast where it is made"
    )]
    ColumnType { file: String, column: String, found: String },
    #[error("{side}: {found} {} cannot be read, {limit} {} tolerated:{}\ncorrect the input, or tolerate more with `inputs.{side}.quarantine`",
        rows(*found), if *limit == 1 { "is" } else { "are" }, shown_rows(first, *found))]
    TooManyQuarantined { side: Side, limit: u64, found: u64, first: Vec<Quarantined> },
    #[error(
        "{second}: it calls itself revision {revision} of the report `{report}`, as {first} does, and holds other bytes; expected one file a revision: ask the provider which one counts, and take the other one away"
    )]
    SameRevision { first: String, second: String, report: String, revision: u64 },
    #[error(
        "{side}: its rows are more than `memory` holds, and the folder for temporary files does not take them; make room there (`TMPDIR` names it) or give more `memory`"
    )]
    LaidAside { side: Side, source: std::io::Error },
    #[error("{file}: reading was given up")]
    GivenUp { file: String },
    /// What a cluster has said of it does not hold: the file is read here as a whole.
    #[error("{file}: a cluster has read other rows than stand in it: {reason}")]
    NotAsSifted { file: String, reason: String },
}

/// What is wrong with the bytes of a file, before anyone looks at rows.
#[derive(Debug, thiserror::Error)]
pub enum StreamFault {
    #[error("the gzip data ends too early (truncated after {compressed_bytes} bytes); fetch the file again")]
    Truncated { compressed_bytes: u64 },
    #[error("the gzip checksum does not match the data; fetch the file again")]
    Checksum,
    #[error("the gzip data is damaged ({detail}); fetch the file again")]
    Corrupt { detail: String },
    #[error("bytes that are no gzip data follow the end of the gzip data (at byte {offset}); fetch the file again")]
    Trailing { offset: u64 },
    #[error("unfolds to more than {max_bytes} bytes; if that is right, raise `max_bytes` in `limits` of the input")]
    TooLarge { max_bytes: u64 },
    #[error(
        "unfolds to more than {max_ratio} times its size, like a decompression bomb; if that is right, raise `max_ratio` in `limits` of the input"
    )]
    Ratio { max_ratio: u64 },
}

impl InputError {
    /// How the process ends: a disk that is full says nothing about the input.
    pub const fn exit_code(&self) -> ExitCode {
        if let Self::LaidAside { .. } = self { ExitCode::Unexpected } else { ExitCode::InputData }
    }
}

impl StreamFault {
    /// Bounds of `limits` on what has been unfolded so far.
    pub(crate) fn beyond(limits: ReadLimits, unfolded_bytes: u64, compressed_bytes: Option<u64>) -> Option<Self> {
        /// A small file may well unfold a thousandfold; past this size it may not.
        const RATIO_COUNTS_FROM_BYTES: u64 = 16 << 20;
        if unfolded_bytes > limits.max_bytes {
            return Some(Self::TooLarge { max_bytes: limits.max_bytes });
        }
        let compressed = compressed_bytes?;
        let too_dense =
            unfolded_bytes > RATIO_COUNTS_FROM_BYTES && unfolded_bytes / limits.max_ratio.max(1) > compressed.max(1);
        too_dense.then_some(Self::Ratio { max_ratio: limits.max_ratio })
    }
}

const fn rows(count: u64) -> &'static str {
    if count == 1 { "row" } else { "rows" }
}

fn shown_path(path: &str) -> &str {
    if path.is_empty() { "(the document itself)" } else { path }
}

/// Names in backquotes, at most twenty.
fn listed(names: &[String]) -> String {
    const MOST: usize = 20;
    if names.is_empty() {
        return "no names".to_owned();
    }
    // Without a header the first row would be taken for names.
    let mut text =
        names.iter().take(MOST).map(|name| format!("`{}`", mask::shown(name))).collect::<Vec<_>>().join(", ");
    if names.len() > MOST {
        let _ = write!(text, " and {} more", names.len() - MOST);
    }
    text
}

fn near(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!(" (did you mean `{}`?)", mask::shown(name)))
}

fn shown_rows(first: &[Quarantined], found: u64) -> String {
    let mut text = String::new();
    for row in first {
        let _ = write!(text, "\n  {}: line {}: ", row.file_name, row.line);
        if let Some(field) = &row.field {
            text.push_str(field);
            text.push(' ');
        }
        if !row.value.is_empty() {
            let _ = write!(text, "`{}` ", row.value);
        }
        text.push_str(&row.reason);
    }
    let more = found - first.len() as u64;
    if more > 0 {
        let _ = write!(text, "\n  and {more} more");
    }
    text
}
