//! Stripe's itemized payout reconciliation report, with the columns that it has where none are chosen.

use chrono::NaiveDate;

use super::super::shipped::Files;
use super::super::world::MINUTE;
use super::{Kind, Line, Plan, major};

const HEADER: [&str; 17] = [
    "automatic_payout_id",
    "automatic_payout_effective_at",
    "balance_transaction_id",
    "created_utc",
    "created",
    "available_on_utc",
    "available_on",
    "currency",
    "gross",
    "fee",
    "net",
    "reporting_category",
    "source_id",
    "description",
    "customer_facing_amount",
    "customer_facing_currency",
    "regulatory_tag",
];

pub(super) fn files(seed: u64, day: NaiveDate) -> anyhow::Result<Files> {
    let plan = Plan { purpose: 101, prefix: "txn_1R4", start: day, count: 40, apart: 33 * MINUTE };
    let report = plan.report(seed);
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(HEADER)?;
    for line in &report.lines {
        csv.write_record(record(line, day))?;
    }
    report.files("stripe-payouts", &day.to_string(), (format!("data/stripe-payouts-{day}.csv"), csv.into_inner()?))
}

fn record(line: &Line, day: NaiveDate) -> [String; 17] {
    let (category, source) = match line.kind {
        Kind::Sale => ("charge", "ch"),
        Kind::Refund => ("refund", "re"),
        Kind::Dispute => ("dispute", "dp"),
    };
    // 2.9 % and 30 cents of a sale, 15 dollars of a dispute; a refund gives no fee back.
    let fee = match line.kind {
        Kind::Sale => line.minor * 29 / 1_000 + 30,
        Kind::Refund => 0,
        Kind::Dispute => 1_500,
    };
    let created = line.at.to_string().replace('T', " ").trim_end_matches('Z').to_owned();
    let currency = line.currency.to_lowercase();
    let available = format!("{} 00:00:00", day + chrono::Days::new(2));
    let payout = format!("{} 00:00:00", day + chrono::Days::new(3));
    [
        format!("po_1R4{}{currency}", day.format("%m%d")),
        payout,
        line.key.clone(),
        created.clone(),
        created,
        available.clone(),
        available,
        currency.clone(),
        major(line.minor),
        major(fee),
        major(line.minor - fee),
        category.to_owned(),
        format!("{source}_3R4{:04}", line.number),
        format!("Order {}", 10_400 + line.number),
        major(line.minor),
        currency,
        String::new(),
    ]
}
