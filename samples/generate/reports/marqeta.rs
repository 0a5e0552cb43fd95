//! Marqeta's settlements as the `DiVA` API hands them out: a document with records, and words about it.

use std::fmt::Write;

use chrono::NaiveDate;

use super::super::shipped::Files;
use super::super::world::MINUTE;
use super::{Kind, Line, Plan, major};

pub(super) fn files(seed: u64, day: NaiveDate) -> anyhow::Result<Files> {
    let plan = Plan { purpose: 103, prefix: "3f7c91d2-", start: day, count: 36, apart: 36 * MINUTE };
    let report = plan.report(seed);
    let records: Vec<String> = report.lines.iter().map(|line| record(line, day)).collect();
    let mut text = String::new();
    write!(
        text,
        concat!(
            r#"{{"total": {count}, "is_more": false, "count": {count}, "info": {{}}, "#,
            r#""start_date": "{day}T00:00:00+0000", "end_date": "{day}T00:00:00+0000", "#,
            r#""last_run_time": "{next}T13:00:00Z", "records": ["#,
            "\n{records}\n]}}\n"
        ),
        count = records.len(),
        day = day,
        next = day + chrono::Days::new(1),
        records = records.join(",\n"),
    )?;
    report.files(
        "marqeta-settlement",
        &day.to_string(),
        (format!("data/marqeta-settlement-{day}.json"), text.into_bytes()),
    )
}

fn record(line: &Line, day: NaiveDate) -> String {
    let kind = match line.kind {
        Kind::Sale => "authorization.clearing",
        Kind::Refund => "refund",
        Kind::Dispute => "authorization.clearing.chargeback",
    };
    let network = if line.number.is_multiple_of(3) { "MASTERCARD" } else { "VISA" };
    let settled = day + chrono::Days::new(1);
    format!(
        concat!(
            r#"{{"transaction_token": "{key}", "transaction_type": "{kind}", "network": "{network}", "#,
            r#""post_date": "{day}T00:00:00.000Z", "settlement_date": "{settled}T00:00:00.000Z", "#,
            r#""purchases": {amount}, "currency": "{currency}"}}"#
        ),
        key = line.key,
        kind = kind,
        network = network,
        day = day,
        settled = settled,
        amount = major(line.minor),
        currency = line.currency,
    )
}
