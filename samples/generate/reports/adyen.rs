//! Adyen's settlement details report: local times in the zone that a column names, gross amounts in one of two columns,
//! and lines that are no payments.

use chrono::NaiveDate;

use super::super::shipped::Files;
use super::super::world::{HOUR, MINUTE};
use super::{Kind, Line, Plan, major};

const HEADER: [&str; 30] = [
    "Company Account",
    "Merchant Account",
    "Psp Reference",
    "Merchant Reference",
    "Payment Method",
    "Creation Date",
    "TimeZone",
    "Type",
    "Modification Reference",
    "Gross Currency",
    "Gross Debit (GC)",
    "Gross Credit (GC)",
    "Exchange Rate",
    "Net Currency",
    "Net Debit (NC)",
    "Net Credit (NC)",
    "Commission (NC)",
    "Markup (NC)",
    "Scheme Fees (NC)",
    "Interchange (NC)",
    "Payment Method Variant",
    "Modification Merchant Reference",
    "Batch Number",
    "Reserved4",
    "Reserved5",
    "Reserved6",
    "Reserved7",
    "Reserved8",
    "Reserved9",
    "Reserved10",
];

const BATCH: &str = "214";

pub(super) fn files(seed: u64, day: NaiveDate) -> anyhow::Result<Files> {
    let plan = Plan { purpose: 102, prefix: "88170255", start: day, count: 40, apart: 33 * MINUTE };
    let report = plan.report(seed);
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(HEADER)?;
    for line in &report.lines {
        csv.write_record(record(line))?;
    }
    // What was settled in euros leaves with a payout of its own.
    let in_dollars = report.lines.iter().filter(|line| line.currency == "USD");
    let net: i64 = in_dollars.map(|line| line.minor - cost(line)).sum();
    csv.write_record(of_batch(day, "Fee", "Transaction Fees March 2025", 240))?;
    csv.write_record(of_batch(day, "MerchantPayout", "TX214XT batch 214, ShopExample", net - 240))?;
    report.files("adyen-settlement", &day.to_string(), (format!("data/adyen-settlement-{day}.csv"), csv.into_inner()?))
}

/// Markup and interchange of a sale, the commission of a chargeback.
const fn cost(line: &Line) -> i64 {
    match line.kind {
        Kind::Sale => markup(line) + interchange(line),
        Kind::Refund => 10,
        Kind::Dispute => 750,
    }
}

const fn markup(line: &Line) -> i64 {
    line.minor * 6 / 1_000
}

const fn interchange(line: &Line) -> i64 {
    line.minor * 2 / 1_000
}

fn record(line: &Line) -> [String; 30] {
    let entry = match line.kind {
        Kind::Sale => "Settled",
        Kind::Refund => "Refunded",
        Kind::Dispute => "Chargeback",
    };
    let net = line.minor - cost(line);
    // Amsterdam in winter.
    let local = line.at.plus(HOUR).to_string().replace('T', " ").trim_end_matches('Z').to_owned();
    let sided = |minor: i64| {
        let size = major(minor.abs());
        if minor < 0 { [size, String::new()] } else { [String::new(), size] }
    };
    let [gross_debit, gross_credit] = sided(line.minor);
    let [net_debit, net_credit] = sided(net);
    let only = |kind: Kind, minor: i64| if line.kind == kind { major(minor) } else { String::new() };
    let mut cells = [const { String::new() }; 30];
    let commission = if line.kind == Kind::Sale { String::new() } else { major(cost(line)) };
    let filled = [
        "ExampleCompany".to_owned(),
        "ShopExample".to_owned(),
        format!("85170255{:08}", line.number),
        format!("ORDER-{}", 10_400 + line.number),
        if line.number.is_multiple_of(3) { "mc" } else { "visa" }.to_owned(),
        local,
        "CET".to_owned(),
        entry.to_owned(),
        line.key.clone(),
        line.currency.to_owned(),
        gross_debit,
        gross_credit,
        "1".to_owned(),
        line.currency.to_owned(),
        net_debit,
        net_credit,
        commission,
        only(Kind::Sale, markup(line)),
        String::new(),
        only(Kind::Sale, interchange(line)),
        if line.number.is_multiple_of(3) { "mcdebit" } else { "visaclassic" }.to_owned(),
        String::new(),
        BATCH.to_owned(),
    ];
    for (cell, text) in cells.iter_mut().zip(filled) {
        *cell = text;
    }
    cells
}

/// A line about the batch as a whole: no payment.
fn of_batch(day: NaiveDate, entry: &str, reference: &str, minor: i64) -> [String; 30] {
    let (closed, debit) = (format!("{day} 23:40:00"), major(minor));
    let mut cells = [const { String::new() }; 30];
    for (place, text) in [
        (0, "ExampleCompany"),
        (1, "ShopExample"),
        (5, closed.as_str()),
        (6, "CET"),
        (7, entry),
        (8, reference),
        (13, "USD"),
        (14, debit.as_str()),
        (22, BATCH),
    ] {
        text.clone_into(&mut cells[place]);
    }
    cells
}
