//! Movements of a made-up JSON API, as the sandbox lists them: what the guide for a new provider begins with.

use chrono::NaiveDate;

use super::super::shipped::Files;
use super::super::world::{HOUR, MINUTE, Moment};
use super::major;

/// One page and two rows more.
const MOVEMENTS: i64 = 12;

pub(super) fn files(day: NaiveDate) -> Files {
    let row = |number: i64| {
        let at = Moment::start_of(day).plus(8 * HOUR + number * 25 * MINUTE);
        // The seventh came back.
        let amount = if number == 7 { -1_250 } else { 1_000 + number * 175 };
        let (amount, month_day) = (major(amount), day.format("%m%d"));
        format!(
            r#"  {{"id": "m-{month_day}-{number:02}", "at": "{at}", "amount": "{amount}", "currency": "EUR", "state": "booked"}}"#
        )
    };
    let rows: Vec<String> = (1..=MOVEMENTS).map(row).collect();
    Files::from([("http_api/movements.json".to_owned(), format!("[\n{}\n]\n", rows.join(",\n")).into_bytes())])
}
