//! Numbers and instants of Parquet are taken as they are where nothing else is made of them, and say the same as their
//! text; rows stand in their order, however they are grouped.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, like the tests")]

use polars::prelude::{
    Column, DataFrame, Int64Chunked, Int128Chunked, IntoColumn, NewChunkedArray, ParquetWriter, TimeUnit, TimeZone,
};
use proptest::prelude::*;
use tieout::frames::Field;
use tieout::job::{Format, Input, Unit};
use tieout::matching::side::Columns;

use crate::reading_support::{constant, ledger, map, quarantine, read, rows};
use crate::support::engine::case_count;

fn parquet(columns: Vec<Column>, rows: usize, group_rows: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let writer = ParquetWriter::new(&mut bytes).with_row_group_size(Some(group_rows));
    writer.finish(&mut DataFrame::new(rows, columns).unwrap()).unwrap();
    bytes
}

/// With a second column for each field, which is not there: of several columns the text counts.
fn input(as_text: bool) -> Input {
    let mut input = ledger(Format::Parquet);
    let fields = [
        (Field::Amount, "amount", Unit::Major),
        (Field::IssuerCommission, "commission", Unit::Minor),
        (Field::UserReward, "reward", Unit::Major),
        (Field::OccurredAt, "at", Unit::Minor),
    ];
    for (field, column, unit) in fields {
        let columns = if as_text { format!("{column}|nowhere") } else { column.to_owned() };
        map(&mut input, field, &columns);
        input.mapping.fields.get_mut(&field).unwrap().unit = unit;
    }
    input.quarantine_limit = u64::MAX;
    input
}

fn any_number() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![
        1 => Just(None),
        4 => (-2_000_i64..2_000).prop_map(|number| Some(number * 10)),
        2 => (-2_000_i64..2_000).prop_map(Some),
        1 => prop::sample::select(vec![i64::MIN, i64::MIN + 1, i64::MAX, i64::MAX / 100]).prop_map(Some),
    ]
}

/// Seconds since the epoch, some beyond the years that can be written with four digits.
fn any_instant() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![
        1 => Just(None),
        6 => (-100_000_i64..3_000_000_000).prop_map(Some),
        1 => prop::sample::select(vec![-62_167_219_200, 253_402_300_799]).prop_map(Some),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: case_count(60), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_number_says_what_its_text_says(
        values in prop::collection::vec((any_number(), any_number(), any_number(), any_instant(), 0_i64..1_000), 1..12),
        beyond in prop::option::weighted(0.2, prop::sample::select(vec![-62_167_219_201_i64, 253_402_300_800])),
        currency in prop::sample::select(vec!["USD", "JPY", "KWD"]), scale in 0_usize..6,
        unit in prop::sample::select(vec![TimeUnit::Milliseconds, TimeUnit::Microseconds, TimeUnit::Nanoseconds]),
        group_rows in 1_usize..6,
    ) {
        let rows_of = values.len();
        let ids: Vec<String> = (0..rows_of).map(|row| format!("t{row}")).collect();
        let amounts: Vec<Option<i128>> = values.iter().map(|value| value.0.map(i128::from)).collect();
        let commissions: Vec<Option<i64>> = values.iter().map(|value| value.1).collect();
        let rewards: Vec<Option<i32>> = values.iter().map(|value| value.2.and_then(|reward| i32::try_from(reward).ok())).collect();
        let per_second: i64 = match unit {
            TimeUnit::Milliseconds => 1_000,
            TimeUnit::Microseconds => 1_000_000,
            TimeUnit::Nanoseconds => 1_000_000_000,
        };
        let part = |value: &(_, _, _, Option<i64>, i64)| Some(value.3?.checked_mul(per_second)? + value.4);
        let mut instants: Vec<Option<i64>> = values.iter().map(part).collect();
        if let Some(seconds) = beyond {
            instants[0] = seconds.checked_mul(per_second);
        }
        let at = Int64Chunked::from_slice_options("at".into(), &instants).into_datetime(unit, Some(TimeZone::UTC));
        let columns = vec![
            Column::new("id".into(), ids),
            Int128Chunked::from_slice_options("amount".into(), &amounts).into_decimal(38, scale).unwrap().into_column(),
            Column::new("currency".into(), vec![currency; rows_of]),
            Column::new("commission".into(), commissions),
            Column::new("reward".into(), rewards),
            at.into_column(),
        ];
        let bytes = parquet(columns, rows_of, group_rows);
        let [exact, text] = [false, true].map(|as_text| {
            let frame = read(&input(as_text), &bytes).unwrap();
            (rows(&frame), quarantine(&frame), frame.rows_read)
        });
        prop_assert_eq!(exact, text);
    }
}

#[test]
fn a_number_is_no_time_and_a_time_no_number() {
    let at = Int64Chunked::from_slice("at".into(), &[1_742_378_400])
        .into_datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC));
    let text = |column: &str, value: &str| Column::new(column.into(), [value]);
    let columns =
        vec![text("id", "t"), text("currency", "USD"), Column::new("amount".into(), [5_i64]), at.into_column()];
    let bytes = parquet(columns, 1, 1);
    for (field, column, told) in [(Field::OccurredAt, "amount", "is no time"), (Field::Amount, "at", "holds '-'")] {
        let [exact, text] = [column.to_owned(), format!("{column}|nowhere")].map(|columns| {
            let mut input = ledger(Format::Parquet);
            input.mapping.fields.remove(&Field::OccurredAt);
            input.mapping.fields.remove(&Field::Amount);
            map(&mut input, field, &columns);
            input.quarantine_limit = 1;
            quarantine(&read(&input, &bytes).unwrap()).concat()
        });
        assert!(exact.contains(told), "{exact}");
        assert_eq!(exact, text);
    }
}

#[test]
fn every_row_is_read_once_and_in_order_however_rows_are_grouped() {
    const ROWS: u32 = 140_000;
    let mut input = ledger(Format::Parquet);
    input.mapping.fields.remove(&Field::OccurredAt);
    constant(&mut input, Field::Currency, "USD");
    let lines: Vec<u64> = (1..=u64::from(ROWS)).collect();
    let numbers: Vec<i64> = (1..=i64::from(ROWS)).collect();
    let rows = numbers.len();
    for group_rows in [rows, 60_000, 9_000] {
        let id = Column::new("id".into(), numbers.as_slice());
        let amount = Column::new("amount".into(), numbers.as_slice());
        let frame = read(&input, &parquet(vec![id, amount], rows, group_rows)).unwrap();
        let columns = Columns::of(&frame);
        let found = || columns.numbered().map(|(_, row)| row);
        assert!(found().map(|row| row.place().1).eq(lines.iter().copied()), "{group_rows}");
        let amounts = found().filter_map(|row| row.number(Field::Amount));
        assert!(amounts.eq(numbers.iter().map(|number| 100 * number)), "{group_rows}");
        assert!(found().map(|row| row.key().to_owned()).eq(numbers.iter().map(ToString::to_string)), "{group_rows}");
    }
}
