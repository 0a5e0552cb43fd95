//! The breaks of a run with the most at risk, from its `breaks.parquet`: some rows at a time, whatever its size.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::fs::File;
use std::path::Path;

use polars::prelude::{DataFrame, ParquetReader, PolarsResult, SerReader};

use crate::breaks::BreakStatus;

/// So many are shown.
pub(super) const MOST: usize = 10;
/// Rows in memory at once.
const ROWS: usize = 64 * 1024;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TopBreak {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) key: String,
    pub(super) currency: String,
    pub(super) at_risk_minor: i64,
    pub(super) status: String,
    pub(super) detail: String,
}

/// The open breaks with the most at risk, in units of their currency; of equal ones the first in the file.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn top(path: &Path, decimals: &BTreeMap<String, u8>) -> PolarsResult<Vec<TopBreak>> {
    let all = ParquetReader::new(File::open(path)?).num_rows()?;
    // The least of the best stands on top.
    let mut best = BinaryHeap::<Reverse<(i128, Reverse<usize>)>>::new();
    for from in (0..all).step_by(ROWS) {
        let frame = read(path, &["at_risk_minor", "currency", "status"], (from, ROWS.min(all - from)))?;
        let (at_risk, currencies) = (frame.column("at_risk_minor")?.i64()?, frame.column("currency")?.str()?);
        let statuses = frame.column("status")?.str()?;
        for row in 0..frame.height() {
            let is_open = statuses.get(row).and_then(BreakStatus::from_name).is_some_and(BreakStatus::is_open);
            let (Some(minor), Some(currency), true) = (at_risk.get(row), currencies.get(row), is_open) else {
                continue;
            };
            let finer = 4_u8.saturating_sub(decimals.get(currency).copied().unwrap_or(2));
            let size = i128::from(minor) * 10_i128.pow(finer.into());
            best.push(Reverse((size, Reverse(from + row))));
            if best.len() > MOST {
                best.pop();
            }
        }
    }
    let best = best.into_sorted_vec();
    best.into_iter().map(|Reverse((_, Reverse(row)))| one(path, row)).collect()
}

fn one(path: &Path, row: usize) -> PolarsResult<TopBreak> {
    let frame = read(path, &["id", "kind", "key", "currency", "at_risk_minor", "status", "detail"], (row, 1))?;
    let text = |name: &str| {
        Ok::<_, polars::error::PolarsError>(frame.column(name)?.str()?.get(0).unwrap_or_default().to_owned())
    };
    Ok(TopBreak {
        id: text("id")?,
        kind: text("kind")?,
        key: text("key")?,
        currency: text("currency")?,
        at_risk_minor: frame.column("at_risk_minor")?.i64()?.get(0).unwrap_or_default(),
        status: text("status")?,
        detail: text("detail")?,
    })
}

fn read(path: &Path, columns: &[&str], (from, rows): (usize, usize)) -> PolarsResult<DataFrame> {
    let columns = columns.iter().map(|name| (*name).to_owned()).collect();
    ParquetReader::new(File::open(path)?).with_columns(Some(columns)).with_slice(Some((from, rows))).finish()
}
