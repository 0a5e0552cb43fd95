//! `breaks.csv`: its columns, its amounts, and that no cell can become a formula.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, like the tests")]

use proptest::prelude::{prop_assert, proptest};
use tieout::breaks::BreakKind;
use tieout::report::{Facts, csv::render};

use crate::support_facts::{HOSTILE, a_day, clean, extremes, found, hostile, says};

fn text(facts: &Facts) -> String {
    let mut bytes = Vec::new();
    render(facts, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// Header and rows as a reader sees them.
fn rows(facts: &Facts) -> (Vec<String>, Vec<Vec<String>>) {
    let text = text(facts);
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().iter().map(str::to_owned).collect();
    (header, reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect())
}

fn cell<'a>((header, rows): &'a (Vec<String>, Vec<Vec<String>>), row: usize, column: &str) -> &'a str {
    &rows[row][header.iter().position(|name| name == column).unwrap()]
}

#[test]
fn the_columns_are_these() {
    let shared = "id,kind,key,currency,measure,at_risk,difference,occurred_at,age_days,status,detail";
    let of_side = [
        "amount",
        "issuer_commission",
        "user_reward",
        "currency",
        "status",
        "user",
        "merchant",
        "card_first_six",
        "card_last_four",
        "payment_status",
        "reason",
        "account",
        "valid_from",
        "valid_to",
        "occurred_at",
        "files",
        "lines",
    ];
    let life = "owner,first_period,age_business_days,comments";
    let sides = ["file", "ledger", "webhooks"].map(|side| of_side.map(|name| format!("{side}_{name}")).join(","));
    assert_eq!(text(&clean()), format!("{shared},{},{life}\n", sides.join(",")));
}

#[test]
fn amounts_are_decimals_of_their_currency_and_places_can_be_found() {
    let rows = rows(&a_day());
    let of = |row, column| cell(&rows, row, column);
    assert_eq!(of(3, "kind"), "amount_mismatch");
    assert_eq!((of(3, "at_risk"), of(3, "difference")), ("5.50", "-5.50"));
    assert_eq!((of(3, "file_amount"), of(3, "ledger_amount"), of(3, "webhooks_amount")), ("25.00", "30.50", ""));
    assert_eq!((of(3, "ledger_files"), of(3, "ledger_lines")), ("ledger.csv", "9 11"));
    assert_eq!(of(3, "occurred_at"), "2025-03-19T08:30:00Z");
    assert_eq!((of(5, "currency"), of(5, "at_risk")), ("KWD", "1.500"));
    // A break of a whole file is no amount of anything.
    assert_eq!((of(6, "kind"), of(6, "currency"), of(6, "measure"), of(6, "at_risk")), ("file_late", "", "", ""));
}

#[test]
fn a_yen_has_no_decimals_and_the_widest_amounts_keep_every_digit() {
    let mut facts = extremes();
    facts.breaks.push(found(BreakKind::FileOnly, "yen", "JPY", 1_200));
    let rows = rows(&facts);
    assert_eq!(cell(&rows, 2, "at_risk"), "1200");
    assert_eq!(cell(&rows, 0, "at_risk"), "92233720368547758.07");
    assert_eq!(cell(&rows, 0, "difference"), "-92233720368547758.08");
    assert_eq!(cell(&rows, 0, "file_amount"), "-9223372036854775.808", "the side's own currency is KWD");
}

#[test]
fn text_that_looks_like_a_formula_gets_an_apostrophe_and_numbers_stay_numbers() {
    let cases = [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("\n=1", "'\n=1"),
        ("＝1", "'＝1"),
        ("txn=1", "txn=1"),
        ("'=1", "'=1"),
        ("", ""),
        ("12.50", "12.50"),
    ];
    for (key, expected) in cases {
        let mut facts = clean();
        let mut one = found(BreakKind::AmountMismatch, key, "USD", 100);
        one.difference_minor = Some(-100);
        facts.breaks = vec![one].into();
        let rows = rows(&facts);
        assert_eq!(cell(&rows, 0, "key"), expected, "{key:?}");
        assert_eq!(cell(&rows, 0, "difference"), "-1.00", "a true number stays one");
    }
}

#[test]
fn no_cell_of_hostile_facts_begins_a_formula() {
    let (header, rows) = rows(&hostile());
    assert_eq!(rows.len(), 2 * HOSTILE.len());
    for row in &rows {
        for (name, cell) in header.iter().zip(row) {
            let amount = name.ends_with("amount") || ["at_risk", "difference", "age_days"].contains(&name.as_str());
            assert!(amount || !cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']), "{name}: {cell:?}");
        }
    }
}

#[test]
fn many_rows_of_one_side_are_counted_after_the_first_hundred() {
    let mut facts = clean();
    let mut one = found(BreakKind::DuplicateRow, "many", "USD", 100);
    one.sides[1] = Some(says(100, "USD", &(1..=130).collect::<Vec<u64>>()).into());
    facts.breaks = vec![one].into();
    let lines = cell(&rows(&facts), 0, "ledger_lines").to_owned();
    assert!(lines.starts_with("1 2 3 ") && lines.ends_with(" 99 100 and 30 more"), "{lines}");
}

proptest! {
    #[test]
    fn whatever_the_text_a_reader_gets_it_back_and_no_formula(key in "\\PC*|[=+@\t\r\n-].*", minor in 0_i64..) {
        let mut facts = clean();
        facts.breaks = vec![found(BreakKind::FileOnly, &key, "USD", minor)].into();
        let rows = rows(&facts);
        let read = cell(&rows, 0, "key");
        let kept = read.strip_prefix('\'').filter(|_| !key.starts_with('\'')).unwrap_or(read);
        prop_assert!(kept == key);
        prop_assert!(!read.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']));
        let digits: String = cell(&rows, 0, "at_risk").chars().filter(|c| *c != '.').collect();
        prop_assert!(digits.parse::<i64>().unwrap() == minor);
    }
}
