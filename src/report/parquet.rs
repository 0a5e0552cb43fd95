//! `breaks.parquet`: the columns of `breaks.csv` in their types, for notebooks and warehouses.

use std::borrow::Cow;
use std::io::Write;
use std::ops::Range;

use polars::prelude::{
    Column as Series, DataFrame, DataType, IntoColumn, NamedFrom, ParquetCompression, ParquetWriter, PolarsError,
    Series as Values, StatisticsOptions, TimeUnit,
};
use rayon::prelude::*;

use super::facts::Facts;
use super::table::{Column, Places, Value, ValueKind, columns};
use crate::breaks::Break;

/// Rows of a row group.
const GROUP: usize = 64 * 1024;

/// Writes all breaks. Amounts are `Int64` minor units in columns whose names end in `_minor`, times
/// UTC microseconds (without a zone in the type). In front of the columns of `breaks.csv`: `job`, `period`, `rule`, and
/// `exponent` (the decimals of `currency`).
///
/// # Errors
/// When writing fails.
pub fn render(facts: &Facts, out: impl Write) -> Result<(), PolarsError> {
    let places = Places::new(facts);
    let columns = columns();
    let empty = frame(facts, &[], (&columns, &places))?;
    let writer = ParquetWriter::new(out)
        .with_compression(ParquetCompression::Zstd(None))
        .with_statistics(StatisticsOptions::default())
        // One row group follows the other in the order of the breaks: the same facts, the same bytes.
        .set_parallel(false);
    let mut writer = writer.batched(empty.schema())?;
    for group in row_groups(facts.breaks.len()) {
        let breaks: Vec<Break> = facts.breaks.between(group).collect();
        writer.write_batch(&frame(facts, &breaks, (&columns, &places))?)?;
    }
    writer.finish()?;
    Ok(())
}

/// The places of each row group: all of them alike, and none much over [`GROUP`]; what is left over goes to the last.
fn row_groups(rows: usize) -> impl Iterator<Item = Range<usize>> {
    let groups = (rows / GROUP).max(1);
    let size = rows / groups;
    let end = move |group: usize| if group + 1 == groups { rows } else { (group + 1) * size };
    (0..groups).map(move |group| group * size..end(group)).filter(|group| !group.is_empty())
}

fn frame(
    facts: &Facts,
    breaks: &[Break],
    (columns, places): (&[Column], &Places<'_>),
) -> Result<DataFrame, PolarsError> {
    let mut all: Vec<Series> = vec![
        Values::new("job".into(), vec![facts.job.name.as_str(); breaks.len()]).into_column(),
        Values::new("period".into(), vec![facts.period.label.as_str(); breaks.len()]).into_column(),
        Values::new("rule".into(), breaks.iter().map(|found| found.kind.rule().name()).collect::<Vec<_>>())
            .into_column(),
        Values::new(
            "exponent".into(),
            breaks.iter().map(|found| i32::from(super::amount::decimals(&found.currency))).collect::<Vec<_>>(),
        )
        .into_column(),
    ];
    let columns: Vec<_> = columns.par_iter().map(|column| series(breaks, column, places)).collect();
    all.extend(columns.into_iter().collect::<Result<Vec<_>, _>>()?);
    DataFrame::new(breaks.len(), all)
}

fn series(breaks: &[Break], column: &Column, places: &Places<'_>) -> Result<Series, PolarsError> {
    let cells = breaks.iter().map(|found| column.value(found, places));
    let name = column.name();
    Ok(match column.kind() {
        ValueKind::Text => {
            let texts: Vec<Option<Cow<'_, str>>> = cells
                .map(|cell| match cell {
                    Value::Text(text) => Some(text),
                    _ => None,
                })
                .collect();
            Values::new(name.into(), texts).into_column()
        }
        ValueKind::Amount => {
            let minors: Vec<Option<i64>> = cells
                .map(|cell| match cell {
                    // A break's amounts are 64 bits wide; only sums are wider.
                    Value::Amount { minor, .. } => i64::try_from(minor).ok(),
                    _ => None,
                })
                .collect();
            Values::new(format!("{name}_minor").into(), minors).into_column()
        }
        ValueKind::Count => {
            let numbers: Vec<Option<i64>> = cells
                .map(|cell| match cell {
                    Value::Count(number) => Some(number),
                    _ => None,
                })
                .collect();
            Values::new(name.into(), numbers).into_column()
        }
        ValueKind::Time => {
            let micros: Vec<Option<i64>> = cells
                .map(|cell| match cell {
                    Value::Time(time) => Some(time.timestamp_micros()),
                    _ => None,
                })
                .collect();
            Values::new(name.into(), micros).cast(&DataType::Datetime(TimeUnit::Microseconds, None))?.into_column()
        }
    })
}
