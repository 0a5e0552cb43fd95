//! `breaks.parquet`: typed columns that filter and add up.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, like the tests")]

use std::io::Cursor;

use polars::prelude::{DataFrame, DataType, ParquetReader, SerReader, TimeUnit};
use tieout::report::{Facts, parquet::render};

use crate::support_facts::{a_day, clean, extremes, hostile};

fn read(facts: &Facts) -> DataFrame {
    let mut bytes = Vec::new();
    render(facts, &mut bytes).unwrap();
    ParquetReader::new(Cursor::new(bytes)).finish().unwrap()
}

fn texts(frame: &DataFrame, name: &str) -> Vec<Option<String>> {
    frame.column(name).unwrap().str().unwrap().iter().map(|text| text.map(str::to_owned)).collect()
}

fn minors(frame: &DataFrame, name: &str) -> Vec<Option<i64>> {
    frame.column(name).unwrap().i64().unwrap().iter().collect()
}

#[test]
fn amounts_are_integers_of_minor_units_with_their_exponent() {
    let frame = read(&a_day());
    assert_eq!(frame.shape(), (7, 4 + 11 + 3 * 17 + 4));
    assert_eq!(
        minors(&frame, "at_risk_minor"),
        [4420, 2000, 3100, 550, 125, 1500].map(Some).into_iter().chain([None]).collect::<Vec<_>>()
    );
    assert_eq!(minors(&frame, "ledger_amount_minor")[3], Some(3050));
    assert_eq!(minors(&frame, "difference_minor")[3], Some(-550));
    let exponents: Vec<Option<i32>> = frame.column("exponent").unwrap().i32().unwrap().iter().collect();
    assert_eq!(exponents, [2, 2, 2, 2, 2, 3, 0].map(Some));
    assert_eq!(texts(&frame, "rule")[0].as_deref(), Some("presence"));
    assert_eq!(texts(&frame, "job")[6].as_deref(), Some("rewards-daily"));
    assert_eq!(texts(&frame, "currency")[6], None);
}

#[test]
fn times_are_utc_microseconds() {
    let frame = read(&a_day());
    let column = frame.column("occurred_at").unwrap();
    assert_eq!(column.dtype(), &DataType::Datetime(TimeUnit::Microseconds, None));
    let micros = column.cast(&DataType::Int64).unwrap().i64().unwrap().get(0);
    assert_eq!(micros, Some(1_742_373_000_000_000));
}

#[test]
fn a_file_without_breaks_has_all_columns_and_no_row() {
    let (empty, full) = (read(&clean()), read(&a_day()));
    assert_eq!(empty.height(), 0);
    assert_eq!(empty.schema(), full.schema());
}

#[test]
fn hostile_text_and_the_widest_amounts_come_back_as_they_were() {
    let facts = hostile();
    let keys: Vec<Option<String>> = facts.breaks.iter().map(|found| Some(found.key.clone())).collect();
    assert_eq!(texts(&read(&facts), "key"), keys);
    let frame = read(&extremes());
    assert_eq!(minors(&frame, "at_risk_minor"), [Some(i64::MAX), Some(i64::MAX)]);
    assert_eq!(minors(&frame, "difference_minor"), [Some(i64::MIN), None]);
}
