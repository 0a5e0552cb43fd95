//! What fraud rules and their findings say: the rule in words, the facts, the rows; no whole card, no long text.

use chrono::TimeDelta;
use tieout::effects::rules::{Rows, find_all};
use tieout::frames::Field;
use tieout::job::{FraudRule, Grouping};

use crate::fraud_rules::{Spent, amounts, count, deny, found, ids, ledger, outlier, returns, spent, sum};

#[test]
fn the_rules_are_told_in_words() {
    let hour = TimeDelta::hours(1);
    let both = FraudRule::Velocity {
        by: Grouping::Card,
        within: hour,
        count: Some(5),
        sum_minor: amounts(&[("USD", 200_000), ("JPY", 5)]),
    };
    let words = [
        (count(Grouping::User, 1), "velocity: more than 1 purchase by user within 1m"),
        (sum(Grouping::Merchant, &[("USD", 5)]), "velocity: more than 0.05 USD by merchant within 1m"),
        (both, "velocity: more than 5 purchases or 5 JPY or 2000.00 USD by card within 1h"),
        (returns(Grouping::User, &[]), "returns above purchases by user"),
        (returns(Grouping::Card, &[("USD", 5_000)]), "returns above purchases by card, beyond 50.00 USD"),
        (FraudRule::SharedCard { users: 3 }, "shared card: 3 or more users"),
        (outlier("2.5", 5), "outlier: 2.5 times the median of 5 or more earlier purchases"),
        (deny(Field::Merchant, &["x"]), "deny list: merchant"),
    ];
    for (rule, expected) in words {
        assert_eq!(rule.to_string(), expected);
    }
}

#[test]
fn a_finding_tells_its_facts_and_never_a_whole_card() {
    let rows = [
        spent("a", 12),
        spent("b", 13).currency("EUR").minor(2_050),
        spent("c", 14).user("u-2").minor(7),
        spent("d", 15).user("u-2").minor(-1_007).status("RETURNED"),
    ];
    let rules = [
        count(Grouping::Card, 2),
        returns(Grouping::User, &[]),
        FraudRule::SharedCard { users: 2 },
        outlier("0.005", 1),
        deny(Field::Merchant, &["acme"]),
    ];
    let findings = find_all(&rules, &Rows::of(&ledger("today.csv", &rows), &[]).unwrap());
    let told: Vec<String> = findings
        .iter()
        .map(|found| {
            let lines: Vec<String> = found.rows.iter().map(|place| place.line.to_string()).collect();
            let user = found.user.as_deref().unwrap_or("-");
            format!(
                "{} {user} {} {} [{}] {}",
                found.transaction,
                found.amount_minor,
                found.currency,
                lines.join(" "),
                found.detail
            )
        })
        .collect();
    let expected = [
        "a u-1 1000 USD [2 4] card 411111…1234 is used by 2 users: u-1, u-2",
        "a u-1 1000 USD [2] merchant ACME is on the deny list",
        "b u-1 2050 EUR [2 3 4] card 411111…1234 is used by 2 users: u-1, u-2",
        "b u-1 2050 EUR [3] merchant ACME is on the deny list",
        "c u-2 7 USD [2 3 4] 3 purchases by card 411111…1234 within 1m from 2025-03-19 12:00:12 UTC, 20.50 EUR and 10.07 USD in all",
        "c u-2 7 USD [2 4] card 411111…1234 is used by 2 users: u-1, u-2",
        "c u-2 7 USD [4] merchant ACME is on the deny list",
        "d u-2 1007 USD [5] 10.07 USD in 1 return by user u-2, 10.00 USD above purchases of 0.07 USD",
        "d u-2 1007 USD [2 4 5] card 411111…1234 is used by 2 users: u-1, u-2",
        "d u-2 1007 USD [5] merchant ACME is on the deny list",
    ];
    assert_eq!(told, expected);
}

#[test]
fn of_many_rows_fifty_are_listed_and_all_are_counted() {
    let rows: Vec<Spent> = (0..60).map(|at| spent(&format!("t{at:02}"), at / 2)).collect();
    let findings = found(&count(Grouping::User, 58), &rows);
    assert_eq!(ids(&findings), ["t58", "t59"]);
    let last = &findings[1];
    assert_eq!(
        last.detail,
        "60 purchases by user u-1 within 1m from 2025-03-19 12:00:00 UTC, 600.00 USD in all; 50 rows are listed"
    );
    let lines: Vec<u64> = last.rows.iter().map(|place| place.line).collect();
    assert_eq!(lines, (12..62).collect::<Vec<u64>>());
}

#[test]
fn a_text_of_others_is_made_harmless_and_cut() {
    let long = "x".repeat(80);
    let rows = [spent("a", 0).user("u\u{202e}1\u{1b}[2J"), spent("b", 0).user(&long)];
    let findings = found(&deny(Field::User, &["u\u{202e}1\u{1b}[2J", &long]), &rows);
    let details: Vec<&str> = findings.iter().map(|finding| finding.detail.as_str()).collect();
    assert_eq!(details[0], "user u\u{fffd}1\u{fffd}[2J is on the deny list");
    assert_eq!(details[1], format!("user {}… is on the deny list", "x".repeat(59)));
}
