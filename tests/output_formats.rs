//! Rows in every form, with the cells that go wrong elsewhere.

use chrono::{TimeZone, Utc};
use proptest::prelude::*;
use tieout::output::{Cell, Format, Rows};

fn awkward() -> Rows {
    let mut rows = Rows::new(&["text", "number", "amount", "flag", "time"]);
    let time = Utc.with_ymd_and_hms(2025, 3, 19, 10, 0, 0).unwrap();
    rows.push(vec![
        Cell::text("a,\"b\"\nc"),
        Cell::Integer(i128::MAX),
        Cell::amount(-1_250, "USD"),
        Cell::Flag(true),
        Cell::Time(time),
    ]);
    rows.push(vec![Cell::text("\u{1b}[31mred"), Cell::Integer(-1), Cell::amount(5, "JPY"), Cell::Empty, Cell::Empty]);
    rows
}

#[test]
fn csv_keeps_numbers_as_they_are() {
    assert_eq!(
        awkward().render(Format::Csv, None),
        "text,number,amount,flag,time\n\"a,\"\"b\"\"\nc\",170141183460469231731687303715884105727,-12.50,true,\
         2025-03-19T10:00:00Z\n\u{1b}[31mred,-1,5,,\n"
    );
}

#[test]
fn text_that_a_spreadsheet_would_compute_gets_an_apostrophe_in_csv() {
    for (text, written) in [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "\"'\r=1\""),
        ("1=1", "1=1"),
        ("", "\"\""),
    ] {
        let mut rows = Rows::new(&["text"]);
        rows.push(vec![Cell::text(text)]);
        assert_eq!(rows.render(Format::Csv, None), format!("text\n{written}\n"), "{text:?}");
    }
}

#[test]
fn json_keeps_order_types_and_exact_amounts() {
    assert_eq!(
        awkward().render(Format::Json, None),
        r#"[
  {"text":"a,\"b\"\nc","number":170141183460469231731687303715884105727,"amount":"-12.50","flag":true,"time":"2025-03-19T10:00:00Z"},
  {"text":"\u001b[31mred","number":-1,"amount":"5","flag":null,"time":null}
]
"#
    );
    assert_eq!(Rows::new(&["text"]).render(Format::Json, None), "[]\n");
    assert_eq!(Rows::new(&["text"]).render(Format::Jsonl, None), "");
}

#[test]
fn a_piped_table_is_plain_and_sends_no_control_characters() {
    let mut rows = Rows::new(&["key", "amount"]);
    rows.push(vec![Cell::text("\u{1b}[31mred"), Cell::amount(1_250, "USD")]);
    rows.push(vec![Cell::text("two\nlines"), Cell::amount(-5, "USD")]);
    assert_eq!(
        rows.render(Format::Table, None),
        "\
key            amount
\\u{1b}[31mred   12.50
two\\nlines      -0.05
"
    );
}

#[test]
fn a_table_on_a_terminal_keeps_within_its_width() {
    let mut rows = Rows::new(&["key", "detail"]);
    rows.push(vec![Cell::text("txn-1"), Cell::text("the amounts differ by much more than the tolerance ".repeat(5))]);
    let table = rows.render(Format::Table, Some(60));
    assert!(table.lines().count() > 4, "{table}");
    assert!(table.lines().all(|line| line.chars().count() <= 60), "{table}");
}

proptest! {
    #[test]
    fn no_text_becomes_a_formula_and_none_is_lost(texts in prop::collection::vec("\\PC{0,12}|[=+@\t\r-].{0,6}", 1..8)) {
        let mut rows = Rows::new(&["text", "other"]);
        for text in &texts {
            rows.push(vec![Cell::text(text), Cell::integer(1)]);
        }
        let written = rows.render(Format::Csv, None);
        let mut reader = csv::Reader::from_reader(written.as_bytes());
        let read: Vec<String> = reader.records().map(|record| record.unwrap()[0].to_owned()).collect();
        prop_assert_eq!(read.len(), texts.len());
        for (text, read) in texts.iter().zip(read) {
            prop_assert!(!read.starts_with(['=', '+', '-', '@', '\t', '\r']));
            prop_assert_eq!(read.strip_prefix('\'').filter(|_| !text.starts_with('\'')).unwrap_or(&read), text);
        }
    }
}
