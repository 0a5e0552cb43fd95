//! A column of a window: numbers and instants as they are for those who take them so, else each value as the text that
//! it would be in a CSV.

use chrono::DateTime;
use polars::prelude::{
    ArrowDataType, Column, DataType, Int64Chunked, Int128Chunked, PolarsResult, StringChunked, TimeUnit,
};

use crate::frames::read::row::{Exact, Typed, Wanted};

/// The first instant of the year 0 and the last one of 9999: beyond these a time has no text of the usual form.
const WRITABLE_MICROS: std::ops::RangeInclusive<i64> = -62_167_219_200_000_000..=253_402_300_799_999_999;

#[derive(Debug)]
pub(super) enum TypedColumn {
    Text(StringChunked),
    Integers(Int64Chunked),
    /// With this many digits after the point.
    Decimals(Int128Chunked, u8),
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
        exact.map_or_else(|| as_text(column, stored).map(Self::Text), Ok)
    }

    /// Each value, in order.
    pub(super) fn values(&self) -> Box<dyn Iterator<Item = Typed<'_>> + '_> {
        let number = |unscaled, scale| Typed::Exact(Exact::Number { unscaled, scale });
        match self {
            Self::Text(texts) => Box::new(texts.iter().map(|text| text.map_or(Typed::Absent, Typed::Text))),
            Self::Integers(integers) => Box::new(
                integers.iter().map(move |value| value.map_or(Typed::Absent, |value| number(i128::from(value), 0))),
            ),
            Self::Decimals(decimals, scale) => {
                Box::new(decimals.iter().map(move |value| value.map_or(Typed::Absent, |value| number(value, *scale))))
            }
            Self::Micros(micros) => Box::new(micros.iter().map(|micros| match micros {
                Some(micros) => Typed::Exact(Exact::Micros(micros)),
                None => Typed::Absent,
            })),
        }
    }
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
        | DataType::UInt32 => Some(TypedColumn::Integers(column.cast(&DataType::Int64)?.i64()?.clone())),
        DataType::Decimal(..) => {
            let decimals = column.decimal()?;
            let scale = u8::try_from(decimals.scale()).ok();
            scale.map(|scale| TypedColumn::Decimals(decimals.physical().clone(), scale))
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
