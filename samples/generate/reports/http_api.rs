//! Movements of a made-up JSON API, as the sandbox lists them, and what was booked: what the guide for a new provider
//! begins with.

use std::fmt::Write as _;

use chrono::NaiveDate;

use super::super::shipped::Files;
use super::super::world::{HOUR, MINUTE, Moment};
use super::major;

/// One page and two rows more.
const MOVEMENTS: i64 = 12;
/// The seventh came back.
const CAME_BACK: i64 = 7;
/// Booked with another amount.
const OTHERWISE: i64 = 6;
/// Not booked.
const NOT_BOOKED: i64 = 10;

/// Minor units.
const fn amount(number: i64) -> i64 {
    if number == CAME_BACK { -1_250 } else { 1_000 + number * 175 }
}

fn at(day: NaiveDate, number: i64) -> Moment {
    Moment::start_of(day).plus(8 * HOUR + number * 25 * MINUTE)
}

pub(super) fn files(day: NaiveDate) -> Files {
    let id = |number: i64| format!("m-{}-{number:02}", day.format("%m%d"));
    let row = |number: i64| {
        format!(
            r#"  {{"id": "{}", "at": "{}", "amount": "{}", "currency": "EUR", "state": "booked"}}"#,
            id(number),
            at(day, number),
            major(amount(number))
        )
    };
    let rows: Vec<String> = (1..=MOVEMENTS).map(row).collect();
    let mut ledger = "reference,booked_at,amount,currency\n".to_owned();
    // One more than the API lists.
    for number in (1..=MOVEMENTS + 1).filter(|number| *number != NOT_BOOKED) {
        let minor = match number {
            OTHERWISE => 2_500,
            _ if number > MOVEMENTS => 800,
            _ => amount(number),
        };
        writeln!(ledger, "{},{},{},EUR", id(number), at(day, number), major(minor))
            .expect("a text can always be written");
    }
    let truth = format!(
        "key,kind,currency,measure,why\n{},amount_mismatch,EUR,transaction_amount,Booked with another amount.\n\
         {},missing_in_ledger,EUR,transaction_amount,\"Listed, and never booked.\"\n\
         {},missing_in_file,EUR,transaction_amount,\"Booked, and never listed.\"\n",
        id(OTHERWISE),
        id(NOT_BOOKED),
        id(MOVEMENTS + 1)
    );
    Files::from([
        ("http_api/movements.json".to_owned(), format!("[\n{}\n]\n", rows.join(",\n")).into_bytes()),
        (format!("data/ledger-http-daily-{day}.csv"), ledger.into_bytes()),
        (format!("data/truth-http-daily-{day}.csv"), truth.into_bytes()),
    ])
}
