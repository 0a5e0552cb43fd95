//! Days of validity and joined columns: how they are read, and why a row is put aside.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, like the tests")]

use chrono_tz::Tz;
use proptest::prelude::*;
use tieout::frames::Field;
use tieout::job::{Column, ColumnSource, Input, TimeFormat, Unit};
use tieout::matching::side::Columns;

use crate::reading_support::{CSV, json, ledger, map, message, quarantine, read, rows};

/// An input whose two dates are written like this.
fn dated(time: &TimeFormat) -> Input {
    let mut input = ledger(CSV);
    input.mapping.fields.remove(&Field::OccurredAt);
    input.quarantine_limit = 100;
    for (field, column) in [(Field::ValidFrom, "from"), (Field::ValidTo, "to")] {
        let from = ColumnSource::Columns(vec![column.to_owned()]);
        input.mapping.fields.insert(field, Column { from, unit: Unit::Minor, time: time.clone() });
    }
    input
}

/// The two dates of a row in which the same text stands for both, or why it could not be read.
fn days(time: &TimeFormat, text: &str) -> String {
    let frame = read(&dated(time), format!("id,amount,currency,from,to\na,1,USD,{text},{text}\n").as_bytes()).unwrap();
    let columns = Columns::of(&frame);
    let of = |field: Field| columns.text(field, 0).unwrap_or("none");
    match quarantine(&frame).as_slice() {
        [] => format!("{} {}", of(Field::ValidFrom), of(Field::ValidTo)),
        [told] => told.clone(),
        more => panic!("{more:?}"),
    }
}

fn iso(zone: Option<Tz>) -> TimeFormat {
    TimeFormat::Iso { zone }
}

fn pattern(pattern: &str, zone: Option<Tz>) -> TimeFormat {
    TimeFormat::Pattern { pattern: pattern.to_owned(), zone }
}

#[test]
fn a_day_is_that_of_a_date_of_a_time_or_of_the_ends_of_a_month() {
    let new_york = Some(chrono_tz::America::New_York);
    let table = [
        (iso(None), "2027-01-31", "2027-01-31 2027-01-31"),
        (iso(None), "2027-01-31T23:30:00Z", "2027-01-31 2027-01-31"),
        (iso(None), "2027-01-31T23:30:00-05:00", "2027-01-31 2027-01-31"),
        (iso(None), "2027-01-31 23:30", "2027-01-31 2027-01-31"),
        (iso(new_york), "2027-02-01T03:00:00Z", "2027-01-31 2027-01-31"),
        (iso(new_york), "2027-02-01T03:00:00", "2027-02-01 2027-02-01"),
        (iso(new_york), "2027-02-01", "2027-02-01 2027-02-01"),
        (iso(None), "02/2028", "2028-02-01 2028-02-29"),
        (iso(None), "12/2027", "2027-12-01 2027-12-31"),
        (iso(None), "", "none none"),
        (pattern("%d.%m.%Y", None), "31.01.2027", "2027-01-31 2027-01-31"),
        (pattern("%m/%y", None), "02/27", "2027-02-01 2027-02-28"),
        (pattern("%Y%m", None), "202702", "2027-02-01 2027-02-28"),
        (pattern("%Y-%m-%d %H:%M %z", None), "2027-02-01 03:00 +0000", "2027-02-01 2027-02-01"),
        (pattern("%Y-%m-%d %H:%M %z", new_york), "2027-02-01 03:00 +0000", "2027-01-31 2027-01-31"),
    ];
    for (time, text, expected) in table {
        assert_eq!(days(&time, text), expected, "{text} as {time:?}");
    }
}

#[test]
fn what_is_no_day_is_put_aside_with_a_reason() {
    const ISO: &str =
        "is no date such as 2025-03-19, no time such as 2025-03-19T14:05:00Z and no month such as 03/2025";
    let table = [
        (iso(None), "31.01.2027", ISO),
        (iso(None), "2027-02-30", ISO),
        (iso(None), "13/2027", ISO),
        (iso(None), "1/2027", ISO),
        (iso(None), "01/27", ISO),
        (iso(None), "2027-01-31x", ISO),
        (iso(None), "never", ISO),
        (iso(None), "ünïcödé", ISO),
        (iso(None), "0000-01-01", "lies outside of the years 1 to 9999"),
        (pattern("%m/%y", None), "13/27", "is no date of the form `%m/%y`"),
        (pattern("%H:%M", None), "10:30", "is no date of the form `%H:%M`"),
    ];
    for (time, text, reason) in table {
        let told = days(&time, text);
        assert!(told.starts_with("ledger.csv:2 valid_from ") && told.ends_with(reason), "{text}: {told}");
    }
}

proptest! {
    /// Any text is a day of four, two and two digits, or put aside; never a panic.
    #[test]
    fn every_text_is_a_day_or_put_aside(text in "[0-9/:TZ.+-]{1,22}") {
        let told = days(&iso(None), &text);
        let first = told.split(' ').next().unwrap_or_default();
        let is_day = first.len() == 10 && first.bytes().enumerate().all(|(at, byte)| {
            if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() }
        });
        prop_assert!(is_day || told.starts_with("ledger.csv:2 valid_from"), "{}: {}", text, told);
    }

    /// The order of the texts is the order of the days.
    #[test]
    fn the_texts_of_days_are_in_their_order(left in 0_i32..3_000_000, right in 0_i32..3_000_000) {
        let day = |number: i32| chrono::NaiveDate::from_num_days_from_ce_opt(number + 1).unwrap();
        let text = |number: i32| days(&iso(None), &day(number).format("%Y-%m-%d").to_string());
        prop_assert_eq!(left.cmp(&right), text(left).cmp(&text(right)));
    }
}

/// The account is the branch and the number, the id three columns.
fn joined(format: tieout::job::Format) -> Input {
    let mut input = ledger(format);
    input.mapping.fields.remove(&Field::OccurredAt);
    input.quarantine_limit = 100;
    for (field, parts, with) in
        [(Field::Account, &["branch", "number"][..], "/"), (Field::TransactionId, &["day", "terminal", "trace"], "--")]
    {
        let parts = parts.iter().map(|part| (*part).to_owned()).collect();
        let from = ColumnSource::Joined { parts, with: with.to_owned() };
        input.mapping.fields.insert(field, Column { from, unit: Unit::Minor, time: iso(None) });
    }
    input
}

#[test]
fn columns_are_joined_where_all_of_them_are_there() {
    let text = "amount,currency,branch,number,day,terminal,trace\n\
                1,USD, b1 ,17,0319,t-1,001\n\
                2,USD,,17,0319,t-1,002\n\
                3,USD,b1,17,0319,t-1,\n\
                4,USD,b/1,17,0319,t-1,004\n\
                5,USD,b1,17,03--19,t-1,005\n";
    let frame = read(&joined(CSV), text.as_bytes()).unwrap();
    assert_eq!(rows(&frame), ["2/0: transaction_id=0319--t-1--001 amount=100 currency=USD account=b1/17"]);
    let expected = [
        "ledger.csv:3 account ``: lacks its part `branch`; every part must be there",
        "ledger.csv:4 transaction_id ``: lacks its part `trace`; every part must be there",
        "ledger.csv:5 account ``: has `/`, which stands between the parts, in its part `branch`; expected another `with`",
        "ledger.csv:6 transaction_id ``: has `--`, which stands between the parts, in its part `day`; expected another `with`",
    ];
    assert_eq!(quarantine(&frame), expected);
}

#[test]
fn paths_of_documents_are_joined_too() {
    let text = br#"[{"amount":"1","currency":"USD","branch":7,"number":"17","day":"d","terminal":"t","trace":"1"},
                    {"amount":"1","currency":"USD","branch":null,"number":"17","day":"d","terminal":"t","trace":"2"}]"#;
    let frame = read(&joined(json("")), text).unwrap();
    assert_eq!(rows(&frame), ["1/0: transaction_id=d--t--1 amount=100 currency=USD account=7/17"]);
    assert_eq!(quarantine(&frame), ["ledger.csv:2 account ``: lacks its part `branch`; every part must be there"]);
}

#[test]
fn a_file_without_one_of_the_columns_is_refused() {
    let text = message(read(&joined(CSV), b"amount,currency,branch,number,day,terminal\n1,USD,b,1,d,t\n"));
    let expected = "ledger.csv: no column `trace` for `transaction_id`; the file has `amount`, `currency`, `branch`, `number`, \
                    `day`, `terminal`; correct `inputs.ledger.columns.transaction_id`";
    assert_eq!(text, expected);
}

#[test]
fn an_account_is_selected_by_its_text() {
    let mut input = ledger(CSV);
    input.mapping.fields.remove(&Field::OccurredAt);
    map(&mut input, Field::Account, "account");
    input.mapping.only.insert(Field::Account, vec!["a1".to_owned()]);
    let frame = read(&input, b"id,amount,currency,account\nx,1,USD,a1\ny,1,USD,a2\n").unwrap();
    let marks: Vec<String> = rows(&frame).iter().map(|row| row[..3].to_owned()).collect();
    assert_eq!(marks, ["2/0", "3/1"]);
}
