//! Notifications that were delivered more than once: the same id with the same content counts once.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use polars::prelude::{
    ChunkedArray, Column, DataFrame, Int64Chunked, IntoColumn, PolarsResult, StringChunked, UInt32Type,
};

use super::schema::{EXCLUDED, Exclusion, Field, FieldType};

enum Cells<'f> {
    Text(&'f StringChunked),
    Number(&'f Int64Chunked),
}

impl Cells<'_> {
    fn hash(&self, row: usize, hasher: &mut impl Hasher) {
        match self {
            Self::Text(texts) => texts.get(row).hash(hasher),
            Self::Number(numbers) => numbers.get(row).hash(hasher),
        }
    }

    fn equal(&self, left: usize, right: usize) -> bool {
        match self {
            Self::Text(texts) => texts.get(left) == texts.get(right),
            Self::Number(numbers) => numbers.get(left) == numbers.get(right),
        }
    }
}

/// Marks every row but the one received first (of several the first in order of file and line)
/// whose event id and content stand elsewhere too. The content is every canonical column but the
/// time of receipt: a repeat comes later, wherever it stands in the logs.
///
/// # Errors
/// When polars refuses the column: a bug.
pub(super) fn mark(rows: &mut DataFrame, mapped: impl Iterator<Item = Field>) -> PolarsResult<()> {
    let mut excluded: Vec<u32> = rows.column(EXCLUDED)?.u32()?.iter().map(Option::unwrap_or_default).collect();
    let mut content = Vec::new();
    for field in mapped.filter(|field| *field != Field::OccurredAt) {
        let column: &Column = rows.column(field.name())?;
        content.push(match field.kind() {
            FieldType::Text | FieldType::Date => Cells::Text(column.str()?),
            FieldType::Minor | FieldType::Micros => Cells::Number(column.i64()?),
        });
    }
    let ids = rows.column(Field::EventId.name())?.str()?;
    let received = rows.column(Field::OccurredAt.name()).ok().map(Column::i64).transpose()?;
    let mut order: Vec<usize> =
        (0..excluded.len()).filter(|row| excluded[*row] == 0 && ids.get(*row).is_some()).collect();
    if let Some(received) = received {
        // Stable, and one without a time comes first: it may have come whenever.
        order.sort_by_key(|row| received.get(*row));
    }
    let mut first_rows: HashMap<u64, Vec<usize>> = HashMap::new();
    for row in order {
        let mut hasher = DefaultHasher::new();
        for cells in &content {
            cells.hash(row, &mut hasher);
        }
        let candidates = first_rows.entry(hasher.finish()).or_default();
        // The hash only finds candidates: equal is what is equal cell by cell.
        if candidates.iter().any(|first| content.iter().all(|cells| cells.equal(*first, row))) {
            excluded[row] = Exclusion::RepeatedNotification as u32;
        } else {
            candidates.push(row);
        }
    }
    let column = ChunkedArray::<UInt32Type>::from_vec(EXCLUDED.into(), excluded).into_column();
    rows.with_column(column)?;
    Ok(())
}
