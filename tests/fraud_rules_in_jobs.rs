//! Fraud rules as a job file writes them: what they become, and what is told of mistakes.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Deserialize;
use tieout::config::{self, Checker};
use tieout::frames::{Field, Side};
use tieout::job::check::rules::rules;
use tieout::job::spec_rules::FraudRuleSpec;
use tieout::job::{self, FraudRule, Grouping, Input};

use crate::job_files::workspace;

/// The part of a job file that holds rules.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Part {
    rules: Vec<FraudRuleSpec>,
}

/// A file that maps everything that rules ask for, and a ledger that maps little.
const JOB: &str = "\
job: daily
period: {grain: day, timezone: UTC}
inputs:
  file:
    path: file.csv
    columns:
      {transaction_id: id, amount: amount, currency: currency, user: user, merchant: shop, occurred_at: at, card_first_six: bin, card_last_four: four}
  ledger:
    path: ledger.csv
    columns: {transaction_id: id, amount: amount, currency: currency}
match:
  compare:
    amount: {tolerance: 0}
";

/// The rules of a list, or everything that is told: line, column, message and help.
fn checked(text: &str, side: Side) -> Result<Vec<FraudRule>, Vec<String>> {
    let inputs: Vec<(Side, Option<Input>)> = {
        let job = job::load(&workspace(JOB).project(), "daily").unwrap();
        job.inputs().into_iter().map(|input| (input.side, Some(input.clone()))).collect()
    };
    let schema = schemars::schema_for!(Part).to_value();
    let told = |findings: Vec<config::Finding>| {
        let line = |finding: config::Finding| {
            let place = finding.place.unwrap();
            let help = finding.help.map(|help| format!("; {help}")).unwrap_or_default();
            format!("{}:{}: {}{help}", place.line, place.column, finding.message)
        };
        findings.into_iter().map(line).collect::<Vec<String>>()
    };
    let document = config::parse::<Part>(text.as_bytes(), &schema).map_err(|(_, findings)| told(findings))?;
    let mut checker = Checker::new(&document);
    let rules = rules("rules", &document.spec.rules, side, &inputs, &mut checker);
    let findings = checker.finish();
    assert!(rules.is_some() || !findings.is_empty(), "refused only with a reason");
    rules.filter(|_| findings.is_empty()).ok_or_else(|| told(findings))
}

#[test]
fn rules_are_read_as_they_are_written() {
    let text = r#"
rules:
  - velocity: {by: card, within: 1h, count: 5}
  - velocity: {by: user, within: 24h, sum: {USD: "2000.00", JPY: 300}}
  - returns_above_purchases: {by: user, beyond: {USD: "50.00"}}
  - returns_above_purchases: {by: merchant}
  - shared_card: {users: 3}
  - outlier: {times: 2.50, history: 5}
  - deny: {merchant: [CASINO ROYALE], user: [u-77, "78"]}
"#;
    let amounts = |pairs: &[(&str, i64)]| {
        pairs.iter().map(|(code, minor)| ((*code).to_owned(), *minor)).collect::<BTreeMap<_, _>>()
    };
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let hours = TimeDelta::hours;
    let expected = vec![
        FraudRule::Velocity { by: Grouping::Card, within: hours(1), count: Some(5), sum_minor: amounts(&[]) },
        FraudRule::Velocity {
            by: Grouping::User,
            within: hours(24),
            count: None,
            sum_minor: amounts(&[("USD", 200_000), ("JPY", 300)]),
        },
        FraudRule::ReturnsAbovePurchases { by: Grouping::User, beyond_minor: amounts(&[("USD", 5_000)]) },
        FraudRule::ReturnsAbovePurchases { by: Grouping::Merchant, beyond_minor: amounts(&[]) },
        FraudRule::SharedCard { users: 3 },
        FraudRule::Outlier { times: Decimal::new(25, 1), history: 5 },
        FraudRule::Deny { field: Field::User, values: texts(&["u-77", "78"]) },
        FraudRule::Deny { field: Field::Merchant, values: texts(&["CASINO ROYALE"]) },
    ];
    assert_eq!(checked(text, Side::File), Ok(expected));
}

#[test]
fn mistakes_of_a_rule_are_told() {
    let mut wrong = Vec::new();
    for (rule, expected) in MISTAKES {
        let told = checked(&format!("rules: [{{{rule}}}]"), Side::File).unwrap_err();
        if told != *expected {
            wrong.push(format!("{rule}\n  found    {told:#?}\n  expected {expected:#?}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_rule_needs_its_fields_on_the_side_that_it_looks_at() {
    let needs = |rule: &str, fields: &[&str]| {
        let line = |field: &&str| {
            format!(
                "1:10: `{rule}` needs `{field}`, which the input `ledger` does not map; map it under inputs.ledger.columns, or take the rule out"
            )
        };
        fields.iter().map(line).collect::<Vec<String>>()
    };
    let cases = [
        (
            "velocity: {by: card, within: 1h, count: 1}",
            needs("velocity", &["card_first_six", "card_last_four", "occurred_at"]),
        ),
        ("velocity: {by: user, within: 1h, count: 1}", needs("velocity", &["user", "occurred_at"])),
        ("returns_above_purchases: {by: merchant}", needs("returns_above_purchases", &["merchant"])),
        ("shared_card: {users: 2}", needs("shared_card", &["card_first_six", "card_last_four", "user"])),
        ("outlier: {times: 5, history: 2}", needs("outlier", &["user", "occurred_at"])),
        ("deny: {user: [x]}", needs("deny", &["user"])),
    ];
    for (rule, expected) in cases {
        assert_eq!(checked(&format!("rules: [{{{rule}}}]"), Side::Ledger).unwrap_err(), expected, "{rule}");
    }
}

/// A rule, and all that is told of it.
const MISTAKES: &[(&str, &[&str])] = &[
    (
        "velocity: {by: user, within: 1h, count: 1}, shared_card: {users: 2}",
        &[
            "1:9: both `velocity` and `shared_card` in one rule; expected one of them; begin each rule with a hyphen of its own",
        ],
    ),
    (
        "",
        &[
            "1:9: a rule without a kind; expected one of `velocity`, `returns_above_purchases`, `shared_card`, `outlier`, `deny`",
        ],
    ),
    (
        "repeats: {users: 2}",
        &[
            "1:10: unknown key `repeats` in rules[0]; expected one of `deny`, `outlier`, `returns_above_purchases`, `shared_card`, `velocity`",
        ],
    ),
    (
        "velocety: {by: user, within: 1h, count: 1}",
        &["1:10: unknown key `velocety` in rules[0]; did you mean `velocity`?"],
    ),
    ("velocity: {by: user, within: 1h}", &["1:10: neither `count` nor `sum`; expected one of them, or both"]),
    ("velocity: {by: user, within: 1h, sum: {}}", &["1:10: neither `count` nor `sum`; expected one of them, or both"]),
    (
        "velocity: {by: currency, within: 1h, count: 1}",
        &["1:25: unknown value `currency` for `rules[0].velocity.by`; expected one of `user`, `card`, `merchant`"],
    ),
    (
        "velocity: {by: user, within: an hour, count: 1}",
        &["1:39: `an hour` is not a duration; expected a whole number and a unit, such as 90s, 30m, 6h or 2d"],
    ),
    (
        "velocity: {by: user, within: 1500ms, count: 1}",
        &["1:39: `1500ms` is no window; expected whole seconds, at least 1s"],
    ),
    ("velocity: {by: user, within: 0s, count: 1}", &["1:39: `0s` is no window; expected whole seconds, at least 1s"]),
    ("velocity: {by: user, within: 1h, count: -1}", &["1:50: `rules[0].velocity.count` is -1; expected at least 0"]),
    (
        "velocity: {by: user, within: 1h, sum: {USD: 1.005, ABC: 1}}",
        &[
            "1:66: unknown currency `ABC`; expected an ISO 4217 code such as `USD`",
            "1:54: 1.005 is finer than the minor unit of USD; expected at most 2 decimals",
        ],
    ),
    ("returns_above_purchases: {beyond: {USD: 5}}", &["1:10: missing key `by` in rules[0].returns_above_purchases"]),
    (
        "returns_above_purchases: {by: user, beyond: {USD: -5}}",
        &["1:60: the limit -5 is negative; expected zero or more"],
    ),
    ("shared_card: {users: 1}", &["1:31: `rules[0].shared_card.users` is 1; expected at least 2"]),
    ("outlier: {times: 10, history: 0}", &["1:40: `rules[0].outlier.history` is 0; expected at least 1"]),
    ("outlier: {times: 1, history: 5}", &["1:27: `1` is no number of times; expected one above 1, such as 10 or 2.5"]),
    (
        "outlier: {times: 1e3, history: 5}",
        &["1:27: `1e3` is no number of times; expected one above 1, such as 10 or 2.5"],
    ),
    (
        "outlier: {times: 1000001, history: 5}",
        &["1:27: `1000001` is no number of times; expected one above 1, such as 10 or 2.5"],
    ),
    ("deny: {}", &["1:10: nothing is denied; expected a field and its values, such as {user: [u-77]}"]),
    ("deny: {user: []}", &["1:23: no value is listed, so nothing would be denied"]),
    ("deny: {user: [a, ' ']}", &["1:27: an empty value; expected a text"]),
    ("deny: {user: [a, b, ' A']}", &["1:30: `A` is listed twice, letter case aside"]),
    (
        "deny: {amount: ['5']}",
        &["1:25: `amount` is no text; a deny list holds texts of fields such as `user`, `merchant`"],
    ),
    (
        "deny: {card_last_four: ['1234']}",
        &["1:33: the last four digits alone are those of many cards; deny the user, or the card's first six digits"],
    ),
    (
        "deny: {reason: [x]}",
        &[
            "1:10: `deny` needs `reason`, which the input `file` does not map; map it under inputs.file.columns, or take the rule out",
        ],
    ),
];
