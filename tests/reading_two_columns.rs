//! What reports of processors need: an amount in one of two columns, and the time zone of each row.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tieout::frames::{Field, Side};
use tieout::job::{Column, ColumnSource, Input, Sign, TimeFormat, Unit};

use crate::reading_support::{CSV, json, ledger, message, numbers, quarantine, read, rows};

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn two(format: tieout::job::Format) -> Input {
    let mut input = ledger(format);
    let from = ColumnSource::TwoColumns { credit: names(&["in", "IN"]), debit: names(&["out"]) };
    let amount = Column { from, unit: Unit::Major, time: TimeFormat::Iso { zone: None } };
    input.mapping.fields.insert(Field::Amount, amount);
    input.mapping.fields.remove(&Field::OccurredAt);
    input.quarantine_limit = 100;
    input
}

/// The amounts of rows written as `in,out,currency`.
fn amounts(input: &Input, written: &[&str]) -> Vec<String> {
    let body: String = written.iter().map(|row| format!("a,{row}\n")).collect::<Vec<_>>().concat();
    let frame = read(input, format!("id,in,out,currency\n{body}").as_bytes()).unwrap();
    assert_eq!(frame.side, Side::Ledger);
    let kept = rows(&frame).into_iter().map(|row| row.split_once(": transaction_id=a ").unwrap().1.to_owned());
    kept.chain(quarantine(&frame)).collect()
}

#[test]
fn a_credit_is_positive_and_a_debit_negative_by_the_column_alone() {
    let input = two(CSV);
    let rows = ["5.00,,USD", ",3.25,USD", "5.00,0,USD", "0.00,3.25,USD", "0,0,USD", ",,USD", "1200,,JPY"];
    assert_eq!(
        amounts(&input, &rows),
        [
            "amount=500 currency=USD",
            "amount=-325 currency=USD",
            "amount=500 currency=USD",
            "amount=-325 currency=USD",
            "amount=0 currency=USD",
            "currency=USD",
            "amount=1200 currency=JPY",
        ]
    );
    let mut inverted = two(CSV);
    inverted.mapping.sign = Sign::Inverted;
    assert_eq!(
        amounts(&inverted, &["5.00,,USD", ",3.25,USD"]),
        ["amount=-500 currency=USD", "amount=325 currency=USD"]
    );
}

#[test]
fn an_amount_that_is_both_or_has_a_sign_of_its_own_is_quarantined() {
    let found = amounts(&two(CSV), &["5.00,3.00,USD", "-5.00,,USD", ",-0.01,USD", "5.001,,USD", ",x,USD", "5.00,,"]);
    assert_eq!(
        found,
        [
            "ledger.csv:2 amount `5.00 and 3.00`: states a credit and a debit; expected one of them, the other empty or zero",
            "ledger.csv:3 amount `-5.00`: is negative; whether money came or went is told by the column, expected a size",
            "ledger.csv:4 amount `-0.01`: is negative; whether money came or went is told by the column, expected a size",
            "ledger.csv:5 amount `5.001`: has 3 decimals; the currency has 2",
            "ledger.csv:6 amount `x`: holds 'x' as character 1; expected digits, at most one decimal point and a leading minus",
            "ledger.csv:7 currency ``: is empty; every row needs a currency",
        ]
    );
}

#[test]
fn both_columns_must_be_there_with_a_header_and_one_of_them_without() {
    let told = message(read(&two(CSV), b"id,in,currency\na,1.00,USD\n"));
    assert_eq!(
        told,
        "ledger.csv: no column `out` for `amount`; the file has `id`, `in`, `currency`; correct \
         `inputs.ledger.columns.amount`"
    );
    // The alternative of the credit column; nothing went out on this day.
    let document = br#"{"rows": [{"id": "a", "IN": "1.00", "currency": "USD"}]}"#;
    let frame = read(&two(json("rows")), document).unwrap();
    assert_eq!(rows(&frame), ["1/0: transaction_id=a amount=100 currency=USD"]);
    let told = message(read(&two(json("rows")), br#"{"rows": [{"id": "a", "currency": "USD"}]}"#));
    assert_eq!(told, "ledger.csv: no row has `in` or `IN` for `amount`; correct `inputs.ledger.columns.amount`");
}

proptest! {
    #[test]
    fn the_sum_of_two_columns_is_credits_less_debits(cells in prop::collection::vec((any::<bool>(), 0..10_000_000_i64), 1..40)) {
        let major = |minor: i64| format!("{}.{:02}", minor / 100, minor % 100);
        let lines: String = cells
            .iter()
            .map(|(came, minor)| if *came { format!("a,{},,USD\n", major(*minor)) } else { format!("a,,{},USD\n", major(*minor)) })
            .collect();
        let frame = read(&two(CSV), format!("id,in,out,currency\n{lines}").as_bytes()).unwrap();
        let sum: i64 = numbers(&frame, Field::Amount).into_iter().flatten().sum();
        prop_assert_eq!(sum, cells.iter().map(|(came, minor)| if *came { *minor } else { -minor }).sum::<i64>());
    }
}

fn zoned(format: TimeFormat) -> Input {
    let mut input = ledger(CSV);
    let listed = BTreeMap::from([("CEST".to_owned(), chrono_tz::Europe::Amsterdam)]);
    let time = TimeFormat::ZoneOfRow { column: names(&["zone"]), names: listed, format: Box::new(format) };
    let from = ColumnSource::Columns(names(&["at"]));
    input.mapping.fields.insert(Field::OccurredAt, Column { from, unit: Unit::Minor, time });
    input.quarantine_limit = 100;
    input
}

/// The times of rows written as `at,zone`, in UTC.
fn times(input: &Input, written: &[&str]) -> Vec<String> {
    let body: String = written.iter().map(|row| format!("a,1.00,USD,{row}\n")).collect::<Vec<_>>().concat();
    let frame = read(input, format!("id,amount,currency,at,zone\n{body}").as_bytes()).unwrap();
    let shown = |micros: i64| chrono::DateTime::from_timestamp_micros(micros).unwrap().format("%FT%TZ").to_string();
    let times = numbers(&frame, Field::OccurredAt).into_iter();
    times.map(|at| at.map_or_else(|| "none".to_owned(), shown)).chain(quarantine(&frame)).collect()
}

#[test]
fn a_local_time_is_in_the_zone_that_its_row_names() {
    let iso = zoned(TimeFormat::Iso { zone: None });
    let rows = [
        "2025-03-19 12:00:00,CET",
        "2025-07-19 12:00:00,CEST",
        "2025-07-19 12:00:00,America/New_York",
        "2025-07-19T12:00:00Z,CEST",
        ",CEST",
        "2025-03-19,CET",
    ];
    let expected = [
        "2025-03-19T11:00:00Z",
        "2025-07-19T10:00:00Z",
        "2025-07-19T16:00:00Z",
        "2025-07-19T12:00:00Z",
        "none",
        "2025-03-18T23:00:00Z",
    ];
    assert_eq!(times(&iso, &rows), expected);
    let pattern = zoned(TimeFormat::Pattern { pattern: "%d.%m.%Y %H:%M".to_owned(), zone: None });
    assert_eq!(times(&pattern, &["19.07.2025 12:00,CEST"]), ["2025-07-19T10:00:00Z"]);
}

#[test]
fn a_zone_that_is_missing_or_unknown_quarantines_the_row() {
    let found = times(
        &zoned(TimeFormat::Iso { zone: None }),
        &["2025-03-19 12:00:00,", "2025-03-19 12:00:00,XST", "2025-10-26 02:30:00,CEST", "noon,CEST"],
    );
    assert_eq!(
        found,
        [
            "ledger.csv:2 occurred_at `****-**-19 12:00:00`: is a local time, and the row names no time zone for it",
            "ledger.csv:3 occurred_at `****-**-19 12:00:00`: is in the time zone `XST`, which is no IANA name; list it in \
             `timezone.names` of the column",
            "ledger.csv:4 occurred_at `****-**-26 02:30:00`: exists twice in Europe/Amsterdam (clocks go back); expected a time \
             with an offset",
            "ledger.csv:5 occurred_at `noon`: is no time such as 2025-03-19T14:05:00Z",
        ]
    );
}
