//! Parquet: the wanted columns, a window of rows at a time, as the text they would be in a CSV.

use std::fs::File;
use std::io::{Seek, Write};

use chrono::DateTime;
use polars::prelude::{
    ArrowDataType, Column, DataType, ParquetReader, PolarsError, PolarsResult, SerReader, StringChunked, TimeUnit,
};

use super::open;
use super::row::RowBuffer;
use super::{Outcome, Reading, RowSink, drift, positions};
use crate::frames::error::{InputError, StreamFault};

/// Rows decoded at a time.
const WINDOW_ROWS: usize = 128 << 10;
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
    let mut row = RowBuffer::new(places.len());
    for offset in (0..metadata.num_rows).step_by(WINDOW_ROWS) {
        let mut reader = ParquetReader::new(clone()?);
        reader.set_metadata(metadata.clone());
        let window = reader.with_columns(Some(wanted.clone())).with_slice(Some((offset, WINDOW_ROWS)));
        let frame = window.finish().map_err(unreadable)?;
        let texts = places.iter().map(|place| {
            let text = place.map(|place| {
                let (name, field) = schema.get_at_index(place).expect("the place comes from this schema");
                frame.column(name).and_then(|column| as_text(column, field.dtype()))
            });
            text.transpose()
        });
        let texts: Vec<Option<StringChunked>> = texts.collect::<PolarsResult<_>>().map_err(unreadable)?;
        for index in 0..frame.height() {
            outcome.rows += 1;
            row.clear();
            let taken = match fill(&mut row, &texts, index) {
                Ok(()) => sink.row(row.view(outcome.rows)),
                Err(value) => sink.unreadable(outcome.rows, value.as_bytes(), "holds a NUL byte".to_owned()),
            };
            taken.map_err(|halted| reading.given_up(halted))?;
        }
    }
    Ok(outcome)
}

/// The row's values, or the one that cannot stand in a text.
fn fill<'t>(row: &mut RowBuffer, texts: &'t [Option<StringChunked>], index: usize) -> Result<(), &'t str> {
    for (slot, column) in texts.iter().enumerate() {
        if let Some(value) = column.as_ref().and_then(|column| column.get(index)) {
            if value.contains('\0') {
                return Err(value);
            }
            row.set(slot, value);
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
    let mut stream = open::open_bytes(raw, reading.input.limits)?;
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

/// Each value as it would be written in a CSV. A decimal keeps all digits of its scale: it is
/// an integer in the file, and its text is made from that.
fn as_text(column: &Column, stored: &ArrowDataType) -> PolarsResult<StringChunked> {
    if let (DataType::Datetime(unit, _), ArrowDataType::Timestamp(_, zone)) = (column.dtype(), stored) {
        let numbers = column.cast(&DataType::Int64)?;
        // A zone in the file means that the instant is known: it is stored in UTC.
        let suffix = if zone.is_some() { "Z" } else { "" };
        let texts = numbers.i64()?.iter().map(|value| value.and_then(|value| time_text(value, *unit, suffix)));
        return Ok(texts.collect());
    }
    column.cast(&DataType::String)?.str().cloned()
}

fn time_text(value: i64, unit: TimeUnit, suffix: &str) -> Option<String> {
    let time = match unit {
        TimeUnit::Nanoseconds => Some(DateTime::from_timestamp_nanos(value)),
        TimeUnit::Microseconds => DateTime::from_timestamp_micros(value),
        TimeUnit::Milliseconds => DateTime::from_timestamp_millis(value),
    };
    time.map(|time| format!("{}{suffix}", time.format("%Y-%m-%dT%H:%M:%S%.f")))
}
