//! The list of presets: every one is right, is shown, and is refused where it is not.

use std::process::Command;

use tieout::config::Problem;
use tieout::frames::Field;
use tieout::job::preset;
use tieout::job::{ColumnSource, Format, TimeFormat};

fn printed(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_tieout")).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_preset_is_right_and_says_where_it_comes_from() {
    for name in preset::names() {
        let text = preset::text(name).unwrap();
        let read = preset::read(name, text).unwrap_or_else(|problems| panic!("{problems}"));
        assert!(!read.description.contains('\n') && read.description.len() < 100, "{name}: {}", read.description);
        assert!(read.source.contains(['"']), "{name} names no section of a document: {}", read.source);
        assert!(read.fields.contains_key(&Field::TransactionId), "{name}");
        assert!(text.is_ascii() || text.lines().all(|line| line.chars().count() <= 120), "{name}");
    }
}

#[test]
fn presets_stand_in_the_order_of_their_names_each_once() {
    let names = preset::names();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(names, sorted);
}

#[test]
fn kard_monthly_takes_attributes_with_and_without_their_group() {
    let monthly = preset::by_name("kard-monthly").unwrap();
    assert_eq!(monthly.format, Format::Csv { delimiter: b',', quote: b'"', header: true });
    let lines: Vec<String> = monthly
        .fields
        .iter()
        .map(|(field, column)| match &column.from {
            ColumnSource::Columns(names) => format!("{} = {}", field.name(), names.join(" | ")),
            other => format!("{} = {other:?}", field.name()),
        })
        .collect();
    let expected = r#"transaction_id = transactionId | attributes.transactionId
user = userId | relationships.user.data.id
merchant = merchantId | relationships.merchant.data.id
amount = transactionAmountInCents | attributes.transactionAmountInCents
currency = Constant("USD")
status = status | attributes.status
occurred_at = transactionTimestamp | attributes.transactionTimestamp
card_first_six = cardBIN | attributes.cardBIN
card_last_four = cardLastFour | attributes.cardLastFour
issuer_commission = commissionEarned.issuer.value | attributes.commissionEarned.issuer.value
user_reward = commissionEarned.user.value | attributes.commissionEarned.user.value
payment_status = paidToIssuer | attributes.paidToIssuer
payout_month = payoutTimestamp | attributes.payoutTimestamp"#;
    assert_eq!(lines.join("\n"), expected);
    assert!(monthly.fields.values().all(|column| column.time == TimeFormat::Iso { zone: None }));
    assert!(monthly.statuses.is_empty() && monthly.only.is_empty() && monthly.sign.is_none());
    assert!(monthly.revisions.is_none());
    let mut known = monthly.known_columns.clone().unwrap();
    known.sort();
    let expected = "attributes.commissionEarned.issuer.type attributes.commissionEarned.user.type \
                    commissionEarned.issuer.type commissionEarned.user.type id offerId relationships.merchant.data.type \
                    relationships.offer.data.id relationships.offer.data.type relationships.user.data.type type";
    assert_eq!(known.join(" "), expected);
}

#[test]
fn the_list_names_every_preset_with_its_description() {
    let listed = printed(&["presets", "--format", "csv"]);
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(lines[0], "preset,description");
    assert_eq!(lines.len(), preset::names().len() + 1);
    assert!(lines.contains(&"kard-notifications,\"Kard's notifications, logged one a line\""), "{listed}");
}

#[test]
fn a_preset_is_printed_as_it_is_kept() {
    for name in preset::names() {
        let text = preset::text(name).unwrap();
        assert_eq!(printed(&["presets", name]), *text, "{name}");
    }
}

/// What is told about a document, without the file's name.
fn told(text: &str) -> Vec<String> {
    match preset::read("mine", text) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(Problem::headline).collect(),
    }
}

const RIGHT: &str = "\
description: rows of a test
source: \"this file\"
format: csv
columns:
  transaction_id: id
  amount: {credit: in, debit: out, unit: major}
  occurred_at: {column: at, timezone: {column: zone, names: {CEST: Europe/Amsterdam}}}
only: {transaction_id: [a]}
revisions: {report: report, revision: revision}
";

#[test]
fn what_is_wrong_with_a_preset_is_told_as_of_a_job() {
    assert_eq!(told(RIGHT), Vec::<String>::new());
    let cases: [(&str, &str, &str); 13] = [
        ("description: rows of a test", "description: \"\"", "1:14: `description` is empty"),
        (
            "format: csv",
            "format: csv\npath: x",
            "4:1: unknown key `path`; expected one of `columns`, `description`, `format`, `known_columns`, `only`, `revisions`, `sign`, `source`, `statuses`",
        ),
        (
            "  transaction_id: id\n",
            "  transaction_id: \"\"\n",
            "5:19: a column without a name; expected a header, a dotted path, or a number from 1",
        ),
        ("debit: out, ", "", "6:3: missing key `debit`; an amount of two columns needs both"),
        ("debit: out", "debit: in", "6:3: `credit` and `debit` are the same column"),
        (
            "debit: out",
            "debit: out, column: sum",
            "6:44: `column` beside `credit` or `debit`; expected `credit` and `debit` alone",
        ),
        (
            "amount: {credit: in, debit: out, unit: major}",
            "user: {credit: in, debit: out}",
            "6:3: `credit` and `debit` are for amounts; `user` is none",
        ),
        (
            "Europe/Amsterdam",
            "Europe/Amsterdm",
            "7:68: unknown time zone `Europe/Amsterdm`; did you mean `Europe/Amsterdam`?",
        ),
        (
            "column: at, timezone",
            "column: at, format: epoch_seconds, timezone",
            "7:52: a number of seconds since 1970 is in no time zone",
        ),
        ("only: {transaction_id: [a]}", "only: {user: [a]}", "8:14: `user` is not mapped; expected it under columns"),
        (
            "only: {transaction_id: [a]}",
            "sign: unsigned",
            "8:7: `unsigned` would take no notice of whether `amount` stands in `credit` or in `debit`; expected `signed` (a credit is positive) or `inverted`",
        ),
        ("revision: revision}", "revision: report}", "9:1: `report` and `revision` are the same column"),
        ("report: report, ", "", "9:1: missing key `report` in revisions"),
    ];
    for (right, wrong, expected) in cases {
        assert!(RIGHT.contains(right), "{right}");
        assert_eq!(told(&RIGHT.replacen(right, wrong, 1)), [format!("mine.yaml:{expected}")], "{wrong}");
    }
}
