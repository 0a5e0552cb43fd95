//! `summary.json`: a typed reader gets back all that was written, to the last minor unit.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, like the tests")]

use serde_json::{Value, json};
use tieout::report::Facts;
use tieout::report::json::{MOST_QUARANTINED, Minor, Summary, render, summary};

use crate::support_facts::{a_day, clean, every_kind, extremes, hostile};

fn text(facts: &Facts) -> String {
    let mut bytes = Vec::new();
    render(facts, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn summary_schema_round_trips_through_a_typed_reader() {
    for facts in [clean(), a_day(), hostile(), every_kind(), extremes()] {
        let written = text(&facts);
        let read: Summary = serde_json::from_str(&written).unwrap();
        assert_eq!(read, summary(&facts));
        assert_eq!(read.schema, "tieout.summary/1");
    }
}

#[test]
fn every_amount_of_minor_units_is_a_string_and_nothing_else_is_lost() {
    fn amounts(value: &Value, path: &str) {
        match value {
            Value::Object(map) => map.iter().for_each(|(key, value)| {
                assert!(!key.ends_with("_minor") || value.is_string(), "{path}.{key} is {value}");
                amounts(value, &format!("{path}.{key}"));
            }),
            Value::Array(list) => list.iter().for_each(|value| amounts(value, path)),
            _ => {}
        }
    }
    let value: Value = serde_json::from_str(&text(&extremes())).unwrap();
    amounts(&value, "");
    let bridge = &value["statement"]["bridges"][0];
    assert_eq!(bridge["left_total_minor"], json!("-170141183460469231731687303715884105728"));
    assert_eq!(bridge["right_total_minor"], json!("170141183460469231731687303715884105727"));
    assert_eq!(value["breaks"]["at_risk"][0]["at_risk_minor"], json!("18446744073709551614"));
}

#[test]
fn keys_stand_in_their_order_and_currencies_tell_their_decimals() {
    let written = text(&a_day());
    let order = [
        "schema",
        "verdict",
        "job",
        "period",
        "run",
        "program",
        "currencies",
        "breaks",
        "statement",
        "gates",
        "suggestions",
        "expected",
        "excluded",
        "quarantine",
        "warnings",
        "changes",
        "inputs",
    ];
    let places: Vec<usize> = order.map(|key| written.find(&format!("\n  \"{key}\":")).unwrap()).to_vec();
    assert!(places.is_sorted(), "{places:?}");
    let value: Value = serde_json::from_str(&written).unwrap();
    assert_eq!(value["currencies"], json!({"JPY": 0, "KWD": 3, "USD": 2}));
    assert_eq!(value["verdict"]["exit_code"], json!(0));
    assert_eq!(
        value["breaks"]["by_kind"][0],
        json!({
            "kind": "missing_in_ledger",
            "count": 2,
            "at_risk": [{"currency": "USD", "measure": "transaction_amount", "at_risk_minor": "6420"}],
        })
    );
}

#[test]
fn the_first_hundred_quarantined_rows_are_spelled_out_and_all_are_counted() {
    let mut facts = a_day();
    let row = facts.quarantine[0].clone();
    facts.quarantine = (0..250).map(|line| tieout::frames::Quarantined { line, ..row.clone() }).collect();
    let summary = summary(&facts);
    assert_eq!(summary.quarantine.count, 250);
    assert_eq!(summary.quarantine.by_reason["expected a decimal such as 1234.50"], 250);
    assert_eq!(summary.quarantine.first.len(), MOST_QUARANTINED);
    assert_eq!(summary.quarantine.first[99].line, 99);
}

#[test]
fn a_reader_of_amounts_says_what_it_wants() {
    let error = serde_json::from_str::<Minor>("\"12.5\"").unwrap_err();
    assert_eq!(error.to_string(), r#""12.5" is no integer of minor units in a string, such as "1250""#);
}

#[test]
fn a_breached_gate_and_an_open_residual_show_in_the_exit_code() {
    assert_eq!(summary(&every_kind()).verdict.exit_code, 10);
    let mut facts = every_kind();
    facts.statement.bridges[0].residual_minor = -1;
    let verdict = summary(&facts).verdict;
    assert_eq!((verdict.exit_code, verdict.ties_out), (70, false));
    assert!(
        verdict.words.starts_with(
            "Does not tie out. This is a fault of tieout, not of the data: 1 total has a rest that no line explains. \
         Do not rely on this report."
        ),
        "{}",
        verdict.words
    );
}
