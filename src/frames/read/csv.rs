//! CSV, record by record in bounded memory: a record that is too long is skipped, not held.

mod plain;

use std::io::{self, BufRead};
use std::ops::Range;

use csv_core::ReadRecordResult;
use memchr::memchr;

use super::open::{self, Stream};
use super::row::{Cell, RowView};
use super::{Outcome, Reading, RowSink, drift, positions};
use crate::frames::error::InputError;
use plain::{Plain, Taken};

/// How the values of a line are told apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dialect {
    pub(crate) delimiter: u8,
    pub(crate) quote: u8,
    pub(crate) header: bool,
}

const FIRST_OUTPUT_BYTES: usize = 16 << 10;
const FIRST_FIELDS: usize = 64;
/// As much of a too long record as is kept to be shown.
const SHOWN_BYTES: usize = 256;

pub(super) fn read(
    reading: Reading<'_>,
    mut stream: Stream,
    dialect: Dialect,
    sink: &mut impl RowSink,
) -> Result<Outcome, InputError> {
    let raw = reading.raw;
    let max_row_bytes = reading.input.limits.max_row_bytes;
    let mut records = Records::new(dialect, max_row_bytes);
    let mut outcome = Outcome::default();
    let mut layout: Option<Layout> = None;
    loop {
        if let Some(layout) = &mut layout {
            let plain = layout.plain.rows(stream.buffer(), records.line, |row| sink.row(row));
            let Taken { bytes, lines, rows } = plain.map_err(|halted| reading.given_up(halted))?;
            outcome.rows += rows;
            records.line += lines;
            stream.consume(bytes);
            if bytes > 0 {
                continue;
            }
        }
        let next = records.next(&mut stream).map_err(|error| open::input_error(raw, error))?;
        let Some(record) = next else { return Ok(outcome) };
        if record.state == State::Unclosed {
            return Err(InputError::UnclosedQuote {
                file: raw.name.clone(),
                place: reading.place,
                line: record.line,
                quote: char::from(dialect.quote),
            });
        }
        if layout.is_none() {
            let names = if dialect.header { header(reading, &records, record)? } else { numbers(record.fields) };
            outcome.drift = if dialect.header { drift(reading, &names) } else { super::Drift::default() };
            let places = positions(reading, &names)?;
            let plain = Plain::new(dialect, max_row_bytes, places.clone(), names.len());
            layout = Some(Layout::new(places, names.len(), plain));
            if dialect.header {
                continue;
            }
        }
        outcome.rows += 1;
        let layout = layout.as_mut().expect("set before the first row");
        let taken = match layout.view(&records, record) {
            Ok(row) => sink.row(row),
            Err(reason) => sink.unreadable(record.line, &records.shown(record, dialect.delimiter), reason),
        };
        taken.map_err(|halted| reading.given_up(halted))?;
    }
}

/// The names of columns that have none: their places, counted from 1.
fn numbers(fields: usize) -> Vec<String> {
    (1..=fields).map(|place| place.to_string()).collect()
}

fn header(reading: Reading<'_>, records: &Records, record: Record) -> Result<Vec<String>, InputError> {
    let file = || reading.raw.name.clone();
    let unreadable = |reason: String| InputError::Header { file: file(), line: record.line, reason };
    if record.state != State::Whole {
        return Err(unreadable(records.too_long()));
    }
    let mut names: Vec<String> = Vec::with_capacity(record.fields);
    for index in 0..record.fields {
        let bytes = &records.output[records.range(index)];
        let name = std::str::from_utf8(bytes).map_err(|_| unreadable(format!("name {} is not UTF-8", index + 1)))?;
        if name.contains('\0') {
            return Err(unreadable(format!("name {} holds a NUL byte", index + 1)));
        }
        let name = name.trim().to_owned();
        if let Some(first) = names.iter().position(|known| *known == name && !name.is_empty()) {
            return Err(InputError::DuplicateColumn {
                file: file(),
                column: name,
                first: first + 1,
                second: index + 1,
            });
        }
        names.push(name);
    }
    Ok(names)
}

/// Where the wanted columns stand in every record.
#[derive(Debug)]
struct Layout {
    places: Vec<Option<usize>>,
    width: usize,
    cells: Vec<Cell>,
    plain: Plain,
}

impl Layout {
    fn new(places: Vec<Option<usize>>, width: usize, plain: Plain) -> Self {
        let cells = vec![Cell::default(); places.len()];
        Self { places, width, cells, plain }
    }

    /// The record as a row, or why it is none.
    fn view<'r>(&'r mut self, records: &'r Records, record: Record) -> Result<RowView<'r>, String> {
        if record.state == State::TooLong {
            return Err(records.too_long());
        }
        if record.state == State::OpenQuote {
            return Err("a quote opens and is never closed".to_owned());
        }
        let bytes = records.bytes(record);
        let text = std::str::from_utf8(bytes).map_err(|error| not_utf8(error.valid_up_to()))?;
        if memchr(0, bytes).is_some() {
            return Err("holds a NUL byte".to_owned());
        }
        if record.fields != self.width {
            return Err(format!("has {} values; expected {}, one for each column", record.fields, self.width));
        }
        for (cell, place) in self.cells.iter_mut().zip(&self.places) {
            let Range { start, end } = place.map_or(0..0, |place| records.range(place));
            *cell = Cell { start, end };
            // Two halves of a character in neighbouring values are valid together, but not apart.
            if text.get(start..end).is_none() {
                return Err(not_utf8(start));
            }
        }
        Ok(RowView { line: record.line, text, cells: &self.cells, typed: &[] })
    }
}

pub(super) fn not_utf8(position: usize) -> String {
    format!("is not UTF-8 (byte {} of the row's text)", position + 1)
}

/// One record in the buffers of [`Records`].
#[derive(Debug, Clone, Copy)]
struct Record {
    line: u64,
    fields: usize,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Whole,
    TooLong,
    /// The last line of the file ends inside quotes.
    OpenQuote,
    /// Quotes opened on an earlier line swallow the rest of the file.
    Unclosed,
}

#[derive(Debug)]
struct Records {
    core: csv_core::Reader,
    quote: u8,
    output: Vec<u8>,
    /// Bytes used of `output`.
    used: usize,
    /// Bytes at the beginning of `output` that are this record's, however long it is.
    shown: usize,
    ends: Vec<usize>,
    /// The line that is read next, from 1.
    line: u64,
    max_row_bytes: usize,
}

/// What was met in the raw bytes of one record.
#[derive(Debug, Default)]
struct Progress {
    fields: usize,
    bytes: usize,
    newlines: u64,
    quotes: usize,
    too_long: bool,
}

impl Records {
    fn new(dialect: Dialect, max_row_bytes: usize) -> Self {
        let core = csv_core::ReaderBuilder::new().delimiter(dialect.delimiter).quote(dialect.quote).build();
        let output = vec![0; FIRST_OUTPUT_BYTES.min(max_row_bytes.max(2 * SHOWN_BYTES))];
        let ends = vec![0; FIRST_FIELDS];
        Self { core, quote: dialect.quote, output, used: 0, shown: 0, ends, line: 1, max_row_bytes }
    }

    fn range(&self, field: usize) -> Range<usize> {
        let start = if field == 0 { 0 } else { self.ends[field - 1] };
        start..self.ends[field]
    }

    /// The record's values one after the other; of a record that is too long, its beginning.
    fn bytes(&self, record: Record) -> &[u8] {
        match record.state {
            State::TooLong => &self.output[..self.shown],
            _ => &self.output[..self.used],
        }
    }

    /// The record's beginning much as it is written, to be shown.
    fn shown(&self, record: Record, delimiter: u8) -> Vec<u8> {
        if record.state == State::TooLong {
            return self.bytes(record).to_vec();
        }
        let mut shown = Vec::new();
        for field in 0..record.fields {
            if field > 0 {
                shown.push(delimiter);
            }
            shown.extend_from_slice(&self.output[self.range(field)]);
            if shown.len() > SHOWN_BYTES {
                break;
            }
        }
        shown
    }

    fn too_long(&self) -> String {
        format!("is longer than {} bytes (`max_row_bytes` in `limits`)", self.max_row_bytes)
    }

    /// Reads the next record into the buffers; blank lines are no records.
    fn next(&mut self, stream: &mut Stream) -> io::Result<Option<Record>> {
        if !self.skip_newlines(stream)? {
            return Ok(None);
        }
        let line = self.line;
        let mut progress = Progress::default();
        self.used = 0;
        self.shown = 0;
        loop {
            let input = stream.fill_buf()?;
            let at_end = input.is_empty();
            // What is too long is still parsed to its end, over and over into the buffer's second half.
            let from = if progress.too_long { SHOWN_BYTES } else { self.used };
            let first_end = if progress.too_long { 0 } else { progress.fields };
            let (result, taken, written, ended) =
                self.core.read_record(input, &mut self.output[from..], &mut self.ends[first_end..]);
            progress.newlines += count(&input[..taken], b'\n') as u64;
            progress.quotes += count(&input[..taken], self.quote);
            progress.bytes += taken;
            stream.consume(taken);
            progress.too_long |= progress.bytes > self.max_row_bytes.saturating_add(2);
            self.used = from + written;
            if from < SHOWN_BYTES {
                self.shown = self.used.min(SHOWN_BYTES);
            }
            progress.fields = first_end + ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.grow_output(&mut progress),
                ReadRecordResult::OutputEndsFull if progress.too_long => {}
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::End => return Ok(None),
                ReadRecordResult::Record => {
                    self.line += progress.newlines;
                    return Ok(Some(Record { line, fields: progress.fields, state: self.state(&progress, at_end) }));
                }
            }
        }
    }

    fn grow_output(&mut self, progress: &mut Progress) {
        let most = self.max_row_bytes.max(2 * SHOWN_BYTES);
        if self.output.len() < most {
            self.output.resize((self.output.len() * 2).min(most), 0);
        } else {
            progress.too_long = true;
        }
    }

    fn state(&self, progress: &Progress, at_end: bool) -> State {
        let odd = at_end && progress.quotes % 2 == 1;
        if odd && progress.newlines > 0 {
            State::Unclosed
        } else if progress.too_long {
            State::TooLong
        } else if odd && !self.output[..self.used].contains(&self.quote) {
            State::OpenQuote
        } else {
            State::Whole
        }
    }

    /// Past line ends to the next record; false at the end of the file.
    fn skip_newlines(&mut self, stream: &mut Stream) -> io::Result<bool> {
        loop {
            let input = stream.fill_buf()?;
            if input.is_empty() {
                return Ok(false);
            }
            let blank = input.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
            self.line += count(&input[..blank], b'\n') as u64;
            let more = blank < input.len();
            stream.consume(blank);
            if more {
                return Ok(true);
            }
        }
    }
}

#[expect(clippy::naive_bytecount, reason = "the compiler vectorises it, and no crate is worth one line")]
fn count(bytes: &[u8], wanted: u8) -> usize {
    bytes.iter().filter(|byte| **byte == wanted).count()
}
