//! Cardlytics' reconciliation report of a month, twice: a first revision with errors, and the one that replaces it.

use chrono::{Datelike, NaiveDate};

use super::super::shipped::Files;
use super::super::world::HOUR;
use super::{Line, Plan, major};

const HEADER: [&str; 11] = [
    "id",
    "revision_number",
    "start_date_utc",
    "end_date_utc",
    "merchant_name",
    "user_id",
    "transaction_id",
    "transaction_date_utc",
    "transaction_amount",
    "transaction_currency",
    "reward_id",
];

pub(super) fn files(seed: u64, day: NaiveDate) -> anyhow::Result<Files> {
    let first = day.with_day(1).expect("every month has a first day");
    let label = first.format("%Y-%m").to_string();
    let plan = Plan { purpose: 104, prefix: "22222222-0000-4000-8000-0000", start: first, count: 40, apart: 18 * HOUR };
    let report = plan.report(seed);
    // What the later revision puts right: an amount, and a line that was left out.
    let mistaken: Vec<Line> = report
        .lines
        .iter()
        .filter(|line| line.number != 9)
        .map(|line| if line.number == 12 { Line { minor: line.minor * 10, ..line.clone() } } else { line.clone() })
        .collect();
    let mut files = report.files(
        "cardlytics-revisions",
        &label,
        (format!("data/cardlytics-{label}-revision-1.csv"), text(&report.lines, 1, first)?),
    )?;
    files.insert(format!("data/cardlytics-{label}-revision-0.csv"), text(&mistaken, 0, first)?);
    Ok(files)
}

fn text(lines: &[Line], revision: u64, first: NaiveDate) -> anyhow::Result<Vec<u8>> {
    let last = first + chrono::Months::new(1) - chrono::Days::new(1);
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(HEADER)?;
    for line in lines {
        let merchant = ["Bluebird Coffee", "Harbor Books", "O'Malley's Diner"][usize::try_from(line.number % 3)?];
        csv.write_record([
            first.format("%y%m").to_string(),
            revision.to_string(),
            first.to_string(),
            last.to_string(),
            merchant.to_owned(),
            format!("00000000-0000-4000-8000-{:012}", line.number % 12),
            line.key.clone(),
            line.at.to_string().replace('T', " ").trim_end_matches('Z').to_owned(),
            major(line.minor),
            line.currency.to_owned(),
            format!("33333333-0000-4000-8000-{:012}", line.number),
        ])?;
    }
    Ok(csv.into_inner()?)
}
