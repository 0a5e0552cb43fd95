//! Readers: from the bytes of one file to rows of text, column by wanted column. What cannot be a
//! row at all goes to quarantine here; what its values mean is `normalize`'s business.

mod csv;
mod document;
mod json;
mod lines;
mod objects;
mod open;
mod parquet;
mod paths;
mod row;
mod shapes;

pub(crate) use paths::told;
pub(crate) use row::{Exact, RowView, Wanted};

use super::error::{InputError, Place};
use super::notices::Notices;
use super::pace::Runner;
use super::rejections::Rejections;
use super::signature::Verifier;
use crate::job::{Format, Input};
use crate::sources::RawFile;

/// The source columns that a mapping asks for, each once: its index here is the slot of its value.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    pub(crate) names: Vec<String>,
    /// The slots of each mapped field that has no constant, in order of preference.
    pub(crate) fields: Vec<(String, Vec<usize>)>,
    /// The fields that are put together from several columns.
    pub(crate) joins: Vec<(String, Join)>,
}

/// Columns that all must be there to make one text.
#[derive(Debug, Clone)]
pub(crate) struct Join {
    pub(crate) slots: Vec<usize>,
    /// What stands between them.
    pub(crate) with: String,
}

impl Join {
    /// The text of a row.
    ///
    /// # Errors
    /// The slot that the row lacks, or that holds what stands between the parts: the text could be another row's then.
    pub(crate) fn text(&self, row: RowView<'_>) -> Result<String, Unjoined> {
        let mut joined = String::new();
        for (place, slot) in self.slots.iter().enumerate() {
            let part = row.cell(*slot).ok_or(Unjoined::Lacks(*slot))?;
            if part.contains(&self.with) {
                return Err(Unjoined::Holds(*slot));
            }
            if place > 0 {
                joined.push_str(&self.with);
            }
            joined.push_str(part);
        }
        Ok(joined)
    }
}

/// The slot for which a row's columns make no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unjoined {
    Lacks(usize),
    Holds(usize),
}

/// Who takes the rows that a reader finds, in the order of the file.
pub(crate) trait RowSink {
    /// How it takes the values of a slot.
    fn wanted(&self, _slot: usize) -> Wanted {
        Wanted::Text
    }

    /// Takes one row.
    ///
    /// # Errors
    /// When no more rows are wanted.
    fn row(&mut self, row: RowView<'_>) -> Result<(), Halted>;

    /// Takes what stands where a row is expected and is none.
    ///
    /// # Errors
    /// When no more rows are wanted.
    fn unreadable(&mut self, line: u64, value: &[u8], reason: String) -> Result<(), Halted>;
}

/// No more rows are wanted: the reader gives up. Why is the sink's business.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Halted;

/// One file and all that is needed to read it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading<'a> {
    pub(crate) input: &'a Input,
    pub(crate) place: Place,
    pub(crate) raw: &'a RawFile,
    pub(crate) sources: &'a Sources,
    pub(crate) verifier: Option<&'a Verifier>,
    /// The input among those that are read at the same time; none where there is no other.
    pub(crate) runner: Option<&'a Runner>,
    /// The system need not keep in its memory what has passed of a longer file.
    pub(crate) held_bytes: u64,
}

impl Reading<'_> {
    /// What it means for the input that no more rows are wanted.
    fn given_up(&self, _: Halted) -> InputError {
        InputError::GivenUp { file: self.raw.name.clone() }
    }
}

/// What a reader learned besides the rows.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Rows met, readable or not.
    pub(crate) rows: u64,
    /// The file had no bytes at all.
    pub(crate) empty: bool,
    pub(crate) drift: Drift,
    /// Totals that the document states, as it writes them.
    pub(crate) stated_rows: Option<String>,
    pub(crate) stated_amount: Option<String>,
    /// By slot: whether any row has it. Empty where the format has a header that was checked.
    pub(crate) seen: Vec<bool>,
    /// What the notifications of a log say about audits and files.
    pub(crate) notices: Notices,
    /// What stands in a log as rejected; not among the rows.
    pub(crate) rejected: Rejections,
}

/// Columns or keys that nobody announced, in order of appearance.
#[derive(Debug, Default)]
pub(crate) struct Drift {
    pub(crate) names: Vec<String>,
    /// There are more than are named.
    pub(crate) more: bool,
}

impl Drift {
    /// Most names kept.
    const MOST: usize = 10;

    pub(crate) fn add(&mut self, name: &str) {
        if self.names.iter().any(|known| known == name) {
            return;
        }
        if self.names.len() < Self::MOST {
            self.names.push(name.to_owned());
        } else {
            self.more = true;
        }
    }
}

/// Reads one file into the sink.
///
/// # Errors
/// When the file as a whole cannot be read safely, or the sink wants no more.
pub(crate) fn read(reading: Reading<'_>, sink: &mut impl RowSink) -> Result<Outcome, InputError> {
    if reading.raw.bytes == 0 {
        return empty(reading);
    }
    if reading.input.format == Format::Parquet {
        return parquet::read(reading, sink);
    }
    let Some(stream) = open::open(reading)? else {
        return empty(reading);
    };
    match &reading.input.format {
        Format::Csv { delimiter, quote, header } => {
            csv::read(reading, stream, csv::Dialect { delimiter: *delimiter, quote: *quote, header: *header }, sink)
        }
        Format::Json { rows, control } => json::read(reading, stream, rows, control.as_ref(), sink),
        Format::Jsonl | Format::WebhookLog | Format::Parquet => lines::read(reading, stream, sink),
    }
}

fn empty(reading: Reading<'_>) -> Result<Outcome, InputError> {
    if reading.input.allow_empty {
        return Ok(Outcome { empty: true, ..Outcome::default() });
    }
    Err(InputError::Empty { file: reading.raw.name.clone(), place: reading.place })
}

/// Where each slot stands among the columns that are there.
///
/// # Errors
/// When a mapped field has none of its columns.
fn positions(reading: Reading<'_>, present: &[String]) -> Result<Vec<Option<usize>>, InputError> {
    let sources = reading.sources;
    let found: Vec<Option<usize>> =
        sources.names.iter().map(|name| present.iter().position(|column| column == name)).collect();
    let parts = sources.joins.iter().flat_map(|(field, join)| join.slots.iter().map(move |slot| (field, vec![*slot])));
    let fields = sources.fields.iter().map(|(field, slots)| (field, slots.clone()));
    for (field, slots) in fields.chain(parts) {
        if slots.iter().any(|slot| found[*slot].is_some()) {
            continue;
        }
        let wanted: Vec<String> = slots.iter().map(|slot| sources.names[*slot].clone()).collect();
        return Err(InputError::MissingColumn {
            file: reading.raw.name.clone(),
            place: reading.place,
            field: field.as_str().into(),
            nearest: nearest(&wanted, present).map(Into::into),
            wanted,
            present: present.into(),
        });
    }
    Ok(found)
}

/// The column that is most like one of the wanted ones, if any is much like it.
fn nearest<'p>(wanted: &[String], present: &'p [String]) -> Option<&'p str> {
    const ALIKE: f64 = 0.8;
    wanted
        .iter()
        .flat_map(|name| present.iter().map(move |column| (strsim::jaro_winkler(name, column), column)))
        .filter(|(alike, _)| *alike > ALIKE)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, column)| column.as_str())
}

/// Columns that are neither mapped nor known, when the job says which are known.
fn drift(reading: Reading<'_>, present: &[String]) -> Drift {
    let mut drift = Drift::default();
    if let Some(known) = &reading.input.known_columns {
        for column in present.iter().filter(|column| !reading.sources.names.contains(column) && !known.contains(column))
        {
            drift.add(column);
        }
    }
    drift
}
