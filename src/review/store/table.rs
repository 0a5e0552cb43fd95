//! Reading `breaks.parquet` in parts: single rows, or single columns a row group at a time.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use chrono::{DateTime, Utc};
use polars::prelude::{AnyValue, DataFrame, ParquetReader, PolarsResult, SerReader, TimeUnit};

/// The columns that lists show.
pub(super) const LISTED: [&str; 13] = [
    "id",
    "kind",
    "key",
    "currency",
    "measure",
    "exponent",
    "at_risk_minor",
    "difference_minor",
    "occurred_at",
    "age_days",
    "status",
    "detail",
    "owner",
];

/// What a cell of the file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Cell {
    Text(String),
    /// Minor units, or a count.
    Whole(i64),
    Time(DateTime<Utc>),
}

/// One break, as the run found it: its columns by the names that the file gives them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BreakRow {
    cells: BTreeMap<String, Cell>,
}

impl BreakRow {
    /// The text of a column; none where the cell is empty or no text.
    pub fn text(&self, column: &str) -> Option<&str> {
        match self.cells.get(column) {
            Some(Cell::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The text of a column, which may be empty.
    pub fn said(&self, column: &str) -> &str {
        self.text(column).unwrap_or_default()
    }

    /// A count, or minor units.
    pub fn whole(&self, column: &str) -> Option<i64> {
        match self.cells.get(column) {
            Some(Cell::Whole(number)) => Some(*number),
            _ => None,
        }
    }

    /// A time, UTC.
    pub fn time(&self, column: &str) -> Option<DateTime<Utc>> {
        match self.cells.get(column) {
            Some(Cell::Time(time)) => Some(*time),
            _ => None,
        }
    }
}

/// How many rows there are.
pub(super) fn count(path: &Path) -> PolarsResult<usize> {
    ParquetReader::new(File::open(path)?).num_rows()
}

/// These rows in the order asked for, one stretch of each row group that holds any; all columns unless some are named.
pub(super) fn rows(path: &Path, wanted: &[u32], columns: Option<&[&str]>) -> PolarsResult<Vec<BreakRow>> {
    let mut reader = ParquetReader::new(File::open(path)?);
    let metadata = reader.get_metadata()?.clone();
    let mut places: Vec<(usize, usize)> = wanted.iter().map(|row| *row as usize).zip(0..).collect();
    places.sort_unstable();
    let mut found = vec![BreakRow::default(); wanted.len()];
    let (mut start, mut left) = (0, &places[..]);
    for group in &metadata.row_groups {
        let end = start + group.num_rows();
        let (here, after) = left.split_at(left.partition_point(|(row, _)| *row < end));
        if let ([(first, _), ..], [.., (last, _)]) = (here, here) {
            let mut reader = ParquetReader::new(File::open(path)?)
                .with_slice(Some((*first, last - first + 1)))
                .with_columns(columns.map(|names| names.iter().map(ToString::to_string).collect()));
            reader.set_metadata(metadata.clone());
            let frame = reader.finish()?;
            for (row, place) in here {
                found[*place] = row_of(&frame, row - first)?;
            }
        }
        (start, left) = (end, after);
    }
    Ok(found)
}

/// Hands on each row group with these columns alone, and the number of its first row, until told to stop.
pub(super) fn each_group(
    path: &Path,
    columns: &[&str],
    mut take: impl FnMut(usize, &DataFrame) -> PolarsResult<bool>,
) -> PolarsResult<()> {
    let metadata = ParquetReader::new(File::open(path)?).get_metadata()?.clone();
    let mut start = 0;
    for group in &metadata.row_groups {
        let mut reader = ParquetReader::new(File::open(path)?)
            .with_slice(Some((start, group.num_rows())))
            .with_columns(Some(columns.iter().map(ToString::to_string).collect()));
        reader.set_metadata(metadata.clone());
        if !take(start, &reader.finish()?)? {
            break;
        }
        start += group.num_rows();
    }
    Ok(())
}

/// The number of the row with that id.
pub(super) fn find(path: &Path, id: &str) -> PolarsResult<Option<u32>> {
    let mut found = None;
    each_group(path, &["id"], |start, frame| {
        let place = frame.column("id")?.str()?.iter().position(|known| known == Some(id));
        found = place.and_then(|place| u32::try_from(start + place).ok());
        Ok(found.is_none())
    })?;
    Ok(found)
}

fn row_of(frame: &DataFrame, row: usize) -> PolarsResult<BreakRow> {
    let mut cells = BTreeMap::new();
    for column in frame.columns() {
        let cell = match column.get(row)? {
            AnyValue::String(text) => Cell::Text(text.to_owned()),
            // A column of one row is told as a value of its own.
            AnyValue::StringOwned(text) => Cell::Text(text.to_string()),
            AnyValue::Int64(number) => Cell::Whole(number),
            AnyValue::Int32(number) => Cell::Whole(number.into()),
            AnyValue::Datetime(micros, TimeUnit::Microseconds, _)
            | AnyValue::DatetimeOwned(micros, TimeUnit::Microseconds, _) => {
                match DateTime::from_timestamp_micros(micros) {
                    Some(time) => Cell::Time(time),
                    None => continue,
                }
            }
            _ => continue,
        };
        cells.insert(column.name().to_string(), cell);
    }
    Ok(BreakRow { cells })
}
