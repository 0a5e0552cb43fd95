//! The canonical columns while they grow: one builder a field, no struct a row.

use std::borrow::Cow;

use polars::prelude::{
    ChunkedBuilder, Column, DataFrame, Int64Type, IntoColumn, PolarsResult, PrimitiveChunkedBuilder,
    StringChunkedBuilder, UInt32Type, UInt64Type,
};

use crate::frames::schema::{EXCLUDED, Exclusion, FILE, Field, FieldType, LINE};

/// One canonical value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value<'r> {
    Null,
    Text(Cow<'r, str>),
    /// Minor units or microseconds.
    Number(i64),
}

/// The values of one row, by field.
pub(crate) type Values<'r> = [Value<'r>; Field::ALL.len()];

enum Builder {
    Text(StringChunkedBuilder),
    Number(PrimitiveChunkedBuilder<Int64Type>),
}

pub(crate) struct Columns {
    fields: Vec<(Field, Builder)>,
    file: Vec<u32>,
    line: Vec<u64>,
    excluded: Vec<u32>,
}

impl std::fmt::Debug for Columns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Columns").field("rows", &self.line.len()).finish_non_exhaustive()
    }
}

impl Columns {
    pub(crate) fn new(fields: impl Iterator<Item = Field>) -> Self {
        let builder = |field: Field| match field.kind() {
            FieldType::Text | FieldType::Date => Builder::Text(StringChunkedBuilder::new(field.name().into(), 0)),
            FieldType::Minor | FieldType::Micros => {
                Builder::Number(PrimitiveChunkedBuilder::new(field.name().into(), 0))
            }
        };
        let fields = fields.map(|field| (field, builder(field))).collect();
        Self { fields, file: Vec::new(), line: Vec::new(), excluded: Vec::new() }
    }

    pub(crate) fn push(&mut self, file: u32, line: u64, excluded: Option<Exclusion>, values: &Values<'_>) {
        for (field, builder) in &mut self.fields {
            match (builder, &values[*field as usize]) {
                (Builder::Text(texts), Value::Text(text)) => texts.append_value(text),
                (Builder::Number(numbers), Value::Number(number)) => numbers.append_value(*number),
                (Builder::Text(texts), _) => texts.append_null(),
                (Builder::Number(numbers), _) => numbers.append_null(),
            }
        }
        self.file.push(file);
        self.line.push(line);
        self.excluded.push(excluded.map_or(0, |reason| reason as u32));
    }

    /// # Errors
    /// When polars refuses the columns: a bug.
    pub(crate) fn finish(self) -> PolarsResult<DataFrame> {
        let height = self.line.len();
        let mut columns: Vec<Column> = Vec::with_capacity(self.fields.len() + 3);
        for (_, builder) in self.fields {
            columns.push(match builder {
                Builder::Text(texts) => texts.finish().into_column(),
                Builder::Number(numbers) => numbers.finish().into_column(),
            });
        }
        columns.push(polars::prelude::ChunkedArray::<UInt32Type>::from_vec(FILE.into(), self.file).into_column());
        columns.push(polars::prelude::ChunkedArray::<UInt64Type>::from_vec(LINE.into(), self.line).into_column());
        columns
            .push(polars::prelude::ChunkedArray::<UInt32Type>::from_vec(EXCLUDED.into(), self.excluded).into_column());
        DataFrame::new(height, columns)
    }
}
