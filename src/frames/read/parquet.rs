//! Parquet: the wanted columns, a window of rows at a time.

mod columns;

use std::fs::File;
use std::io::{Seek, Write};
use std::slice;

use memchr::memchr;
use polars::prelude::{ArrowDataType, ParquetReader, PolarsError, PolarsResult, SerReader};

use super::open;
use super::row::{RowView, Typed};
use super::{Halted, Outcome, Reading, RowSink, drift, positions};
use crate::frames::Spread;
use crate::frames::error::{InputError, StreamFault};
use crate::sources::passing;
use columns::TypedColumn;

/// Rows decoded at a time.
const WINDOW_ROWS: usize = 128 << 10;
/// Rows put together at a time from their columns.
const BATCH_ROWS: usize = 64;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

pub(super) fn read(reading: Reading<'_>, sink: &mut impl RowSink) -> Result<Outcome, InputError> {
    let file = seekable(reading)?;
    let unreadable = |source| InputError::Parquet { file: reading.raw.name.clone(), source };
    let clone = || file.try_clone().map_err(|error| unreadable(PolarsError::from(error)));
    let mut first = ParquetReader::new(clone()?);
    let metadata = first.get_metadata().map_err(unreadable)?.clone();
    let schema = first.schema().map_err(unreadable)?;
    let mut unfolded = 0;
    for group in &metadata.row_groups {
        unfolded += group.total_byte_size();
    }
    if let Some(fault) = StreamFault::beyond(reading.input.limits, unfolded as u64, None) {
        return Err(InputError::Stream { file: reading.raw.name.clone(), fault });
    }
    let present: Vec<String> = schema.iter_names().map(ToString::to_string).collect();
    let places = positions(reading, &present)?;
    for place in places.iter().flatten() {
        let (name, field) = schema.get_at_index(*place).expect("the place comes from this schema");
        if !is_readable(field.dtype()) {
            let found = format!("{:?}", field.dtype());
            return Err(InputError::ColumnType { file: reading.raw.name.clone(), column: name.to_string(), found });
        }
    }
    let wanted: Vec<String> = places.iter().flatten().map(|place| present[*place].clone()).collect();
    let mut outcome = Outcome { drift: drift(reading, &present), ..Outcome::default() };
    let mut groups = Vec::with_capacity(metadata.row_groups.len());
    for group in &metadata.row_groups {
        groups.push((group.num_rows(), group.full_byte_range().start));
    }
    let all = Spread::raw_bytes(&reading.input.format, slice::from_ref(reading.raw));
    let row_bytes = all / groups.iter().map(|(rows, _)| rows).sum::<usize>().max(1) as u64;
    for window in windows(&groups) {
        if reading.raw.bytes > reading.held_bytes {
            passing::forget(&file, 0..window.at);
        }
        if let Some(runner) = reading.runner {
            runner.passed(row_bytes * window.rows as u64);
        }
        let mut reader = ParquetReader::new(clone()?);
        reader.set_metadata(metadata.clone());
        let reader = reader.with_columns(Some(wanted.clone())).with_slice(Some((window.first, window.rows)));
        let frame = reader.finish().map_err(unreadable)?;
        let columns = places.iter().enumerate().map(|(slot, place)| {
            let column = place.map(|place| {
                let (name, field) = schema.get_at_index(place).expect("the place comes from this schema");
                TypedColumn::new(frame.column(name)?, field.dtype(), sink.wanted(slot))
            });
            column.transpose()
        });
        let columns: Vec<Option<TypedColumn>> = columns.collect::<PolarsResult<_>>().map_err(unreadable)?;
        hand_on(&columns, frame.height(), &mut outcome.rows, sink).map_err(|halted| reading.given_up(halted))?;
    }
    Ok(outcome)
}

/// Rows that are decoded at a time.
#[derive(Debug, Clone, Copy)]
struct Window {
    first: usize,
    rows: usize,
    /// Where the first of their row groups begins in the file.
    at: u64,
}

/// Whole row groups where they are not too large. Of each group its rows and where it begins.
fn windows(groups: &[(usize, u64)]) -> Vec<Window> {
    let mut windows: Vec<Window> = Vec::new();
    let mut first = 0;
    for &(rows, at) in groups {
        match windows.last_mut() {
            Some(before) if before.rows + rows <= WINDOW_ROWS => before.rows += rows,
            _ => windows.extend((0..rows).step_by(WINDOW_ROWS).map(|from| Window {
                first: first + from,
                rows: WINDOW_ROWS.min(rows - from),
                at,
            })),
        }
        first += rows;
    }
    windows
}

/// Hands on the rows of these columns.
fn hand_on(
    columns: &[Option<TypedColumn>],
    height: usize,
    rows: &mut u64,
    sink: &mut impl RowSink,
) -> Result<(), Halted> {
    let slots = columns.len();
    let mut typed = vec![Typed::default(); slots * BATCH_ROWS];
    // By row: what cannot stand in a text.
    let mut broken: Vec<Option<&str>> = vec![None; BATCH_ROWS];
    for start in (0..height).step_by(BATCH_ROWS) {
        let count = BATCH_ROWS.min(height - start);
        broken.fill(None);
        for (slot, column) in columns.iter().enumerate() {
            let Some(column) = column else { continue };
            let mut row = 0;
            column.tell(start..start + count, |value| {
                if let Typed::Text(text) = value
                    && memchr(0, text.as_bytes()).is_some()
                {
                    broken[row].get_or_insert(text);
                }
                typed[row * slots + slot] = value;
                row += 1;
            });
        }
        for (row, broken) in broken.iter().enumerate().take(count) {
            *rows += 1;
            let view = RowView { line: *rows, text: "", cells: &[], typed: &typed[row * slots..][..slots] };
            match broken {
                None => sink.row(view)?,
                Some(value) => sink.unreadable(*rows, value.as_bytes(), "holds a NUL byte".to_owned())?,
            }
        }
    }
    Ok(())
}

/// Parquet is read from its end: a compressed file is unfolded to disk first, within its limits.
fn seekable(reading: Reading<'_>) -> Result<File, InputError> {
    use std::io::{BufRead, Read};

    let raw = reading.raw;
    let stored = |source| InputError::Stored { file: raw.name.clone(), path: raw.stored.clone(), source };
    let mut file = File::open(&raw.stored).map_err(stored)?;
    let mut start = [0; 2];
    let compressed = file.read_exact(&mut start).is_ok() && start == GZIP_MAGIC;
    file.rewind().map_err(stored)?;
    if !compressed {
        return Ok(file);
    }
    let mut unfolded = tempfile::tempfile().map_err(stored)?;
    let mut stream = open::open_bytes(Reading { runner: None, ..reading })?;
    loop {
        let part = stream.fill_buf().map_err(|error| open::input_error(raw, error))?;
        let length = part.len();
        if length == 0 {
            break;
        }
        unfolded.write_all(part).map_err(stored)?;
        stream.consume(length);
    }
    unfolded.rewind().map_err(stored)?;
    Ok(unfolded)
}

/// Types whose text is exact and unmistakable.
fn is_readable(kind: &ArrowDataType) -> bool {
    match kind {
        // Text that repeats, stored once and referred to by number.
        ArrowDataType::Dictionary(_, values, _) => is_text(values),
        ArrowDataType::Boolean
        | ArrowDataType::Int8
        | ArrowDataType::Int16
        | ArrowDataType::Int32
        | ArrowDataType::Int64
        | ArrowDataType::UInt8
        | ArrowDataType::UInt16
        | ArrowDataType::UInt32
        | ArrowDataType::UInt64
        | ArrowDataType::Float32
        | ArrowDataType::Float64
        | ArrowDataType::Decimal(..)
        | ArrowDataType::Decimal32(..)
        | ArrowDataType::Decimal64(..)
        | ArrowDataType::Decimal256(..)
        | ArrowDataType::Date32
        | ArrowDataType::Timestamp(..) => true,
        kind => is_text(kind),
    }
}

const fn is_text(kind: &ArrowDataType) -> bool {
    matches!(kind, ArrowDataType::Utf8 | ArrowDataType::LargeUtf8 | ArrowDataType::Utf8View)
}
