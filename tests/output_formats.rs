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
fn a_table_on_a_terminal_keeps_within_its_width_by_cutting_the_widest_column() {
    let mut rows = Rows::new(&["key", "detail"]);
    rows.push(vec![Cell::text("txn-1"), Cell::text("the amounts differ by much more than the tolerance ".repeat(5))]);
    assert_eq!(
        rows.render(Format::Table, Some(60)),
        "key    detail\ntxn-1  the amounts differ by much more than the tolerance t…\n"
    );
}

#[test]
fn columns_go_in_the_stated_order_where_a_terminal_is_narrow_and_nowhere_else() {
    let mut rows = Rows::new(&["run", "note", "status", "started", "message"]).spare(&["started", "status"]);
    let time = Utc.with_ymd_and_hms(2025, 3, 19, 10, 0, 0).unwrap() + chrono::TimeDelta::microseconds(7);
    let message = "no file input yet";
    for run in ["rewards-daily/2025-03-19/1", "rewards-daily/2025-03-19/2"] {
        rows.push(vec![Cell::text(run), Cell::Empty, Cell::text("failed"), Cell::Time(time), Cell::text(message)]);
    }
    let wide = rows.render(Format::Table, Some(100));
    assert_eq!(wide.lines().next(), Some("run                         status  started               message"));
    assert!(wide.ends_with("rewards-daily/2025-03-19/2  failed  2025-03-19T10:00:00Z  no file input yet\n"), "{wide}");
    assert_eq!(
        rows.render(Format::Table, Some(60)),
        "\
run                         status  message
rewards-daily/2025-03-19/1  failed  no file input yet
rewards-daily/2025-03-19/2  failed  no file input yet
(--format csv has more columns: started)
"
    );
    // Too narrow for anything: what names the row is still whole.
    let narrow = rows.render(Format::Table, Some(20));
    assert!(narrow.contains("rewards-daily/2025-03-19/2  no file…\n"), "{narrow}");
    assert!(rows.render(Format::Table, None).starts_with("run                         note  status  started"));
    assert!(rows.render(Format::Csv, Some(20)).contains("2025-03-19T10:00:00.000007Z"));
}

#[test]
fn a_table_that_must_be_whole_is_cut_nowhere() {
    let digest = "0123456789abcdef".repeat(4);
    let mut rows = Rows::new(&["field", "value"]).whole();
    rows.push(vec![Cell::text("sha256"), Cell::text(&digest)]);
    assert_eq!(rows.render(Format::Table, Some(40)), format!("field   value\nsha256  {digest}\n"));
}

#[test]
fn a_column_is_aligned_as_numbers_only_where_all_of_it_is() {
    let mut rows = Rows::new(&["field", "value"]);
    rows.push(vec![Cell::text("status"), Cell::text("done")]);
    rows.push(vec![Cell::text("breaks"), Cell::Integer(7)]);
    assert_eq!(rows.render(Format::Table, None), "field   value\nstatus  done\nbreaks  7\n");
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
