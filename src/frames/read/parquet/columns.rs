//! A column of a window: numbers and instants as they are for those who take them so, else each value as the text that
//! it would be in a CSV.

use std::ops::Range;

use chrono::DateTime;
use polars::prelude::{
    ArrowDataType, ChunkedArray, Column, DataType, Int64Chunked, PolarsDataType, PolarsResult, StringChunked, TimeUnit,
};

use crate::frames::read::row::{Exact, Typed, Wanted};

/// The first instant of the year 0 and the last one of 9999: beyond these a time has no text of the usual form.
const WRITABLE_MICROS: std::ops::RangeInclusive<i64> = -62_167_219_200_000_000..=253_402_300_799_999_999;

/// Each of them in one piece.
#[derive(Debug)]
pub(super) enum TypedColumn {
    Text(StringChunked),
    /// With this many digits after the point.
    Numbers(Int64Chunked, u8),
    /// Microseconds since the epoch, UTC, all of them writable.
    Micros(Int64Chunked),
}

impl TypedColumn {
    /// # Errors
    /// When polars cannot cast the column: a bug.
    pub(super) fn new(column: &Column, stored: &ArrowDataType, wanted: Wanted) -> PolarsResult<Self> {
        let exact = match wanted {
            Wanted::Text => None,
            Wanted::Number => numbers(column)?,
            Wanted::Instant => instants(column, stored)?,
        };
        let mut typed = exact.map_or_else(|| as_text(column, stored).map(Self::Text), Ok)?;
        match &mut typed {
            Self::Text(texts) => texts.rechunk_mut(),
            Self::Numbers(numbers, _) | Self::Micros(numbers) => numbers.rechunk_mut(),
        }
        Ok(typed)
    }

    /// Hands on the values of these rows, in order.
    pub(super) fn tell<'c>(&'c self, rows: Range<usize>, mut say: impl FnMut(Typed<'c>)) {
        match self {
            Self::Text(column) => {
                let (Some(texts), stated) = (column.downcast_get(0), stated(column)) else { return };
                rows.for_each(|row| say(if stated(row) { Typed::Text(texts.value(row)) } else { Typed::Absent }));
            }
            Self::Numbers(numbers, scale) => {
                tell_exact(numbers, rows, |unscaled| Exact::Number { unscaled, scale: *scale }, say);
            }
            Self::Micros(micros) => tell_exact(micros, rows, Exact::Micros, say),
        }
    }
}

fn tell_exact<'c>(
    column: &Int64Chunked,
    rows: Range<usize>,
    exact: impl Fn(i64) -> Exact,
    mut say: impl FnMut(Typed<'c>),
) {
    let (Some(numbers), stated) = (column.downcast_get(0), stated(column)) else { return };
    rows.for_each(|row| say(if stated(row) { Typed::Exact(exact(numbers.value(row))) } else { Typed::Absent }));
}

/// Whether a row of a column, which is in one piece, holds a value.
fn stated<T: PolarsDataType>(column: &ChunkedArray<T>) -> impl Fn(usize) -> bool {
    let complete = column.null_count() == 0;
    move |row| complete || !column.chunks()[0].is_null(row)
}

/// A column of numbers as it is, if it is one.
fn numbers(column: &Column) -> PolarsResult<Option<TypedColumn>> {
    Ok(match column.dtype() {
        DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32 => Some(TypedColumn::Numbers(column.cast(&DataType::Int64)?.i64()?.clone(), 0)),
        DataType::Decimal(..) => {
            let decimals = column.decimal()?;
            let digits = decimals.physical();
            // What 64 bits do not hold is no amount, and its text tells that best.
            let fits = digits.iter().flatten().all(|digits| i64::try_from(digits).is_ok());
            let scale = u8::try_from(decimals.scale()).ok().filter(|_| fits);
            let small = |digits: Option<i128>| digits.and_then(|digits| i64::try_from(digits).ok());
            scale.map(|scale| TypedColumn::Numbers(digits.iter().map(small).collect(), scale))
        }
        _ => None,
    })
}

/// A column of instants, if it is one and each of them has a text.
fn instants(column: &Column, stored: &ArrowDataType) -> PolarsResult<Option<TypedColumn>> {
    // A zone in the file means that the instant is known: it is stored in UTC.
    let (DataType::Datetime(unit, _), ArrowDataType::Timestamp(_, Some(_))) = (column.dtype(), stored) else {
        return Ok(None);
    };
    let numbers = column.cast(&DataType::Int64)?;
    let numbers = numbers.i64()?;
    let micros = |value: i64| match unit {
        TimeUnit::Nanoseconds => Some(value.div_euclid(1_000)),
        TimeUnit::Microseconds => Some(value),
        TimeUnit::Milliseconds => value.checked_mul(1_000),
    };
    let writable = |value| micros(value).filter(|micros| WRITABLE_MICROS.contains(micros));
    let all = numbers.iter().flatten().all(|value| writable(value).is_some());
    Ok(all.then(|| TypedColumn::Micros(numbers.iter().map(|value| value.and_then(writable)).collect())))
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
