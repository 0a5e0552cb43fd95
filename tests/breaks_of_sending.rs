//! Breaks of what was sent: refused rows and files, and files of which nothing was heard, in words and amounts.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use tieout::breaks::sending::{
    RejectedFile, RejectedRow, UnacknowledgedFile, file_rejected, row_rejected, unacknowledged,
};
use tieout::breaks::{Break, BreakKind, BreakStatus, RowRef, SideFacts};
use tieout::frames::{Measure, Side};

use crate::support::frames::day;
use crate::support_facts::at;

const JOB: &str = "core-upload";
const FILE: &str = "core-upload-2025-03-19-001-ab12cd34.jsonl.gz";

/// The third line of the file: 12.50 USD, the fourth line of its source.
pub fn rejected(event: &str) -> RejectedRow {
    RejectedRow {
        file: FILE.to_owned(),
        line: 3,
        event_id: event.to_owned(),
        transaction: "txn-1".to_owned(),
        user: "user-1".to_owned(),
        currency: "USD".to_owned(),
        amount_minor: 12_50,
        source: Some(RowRef { file: 0, line: 4 }),
        words: "amount is negative (attributes.amount)".to_owned(),
        occurred_at: Some(at("2025-03-18T22:00:00Z")),
    }
}

/// Two rows of dollars.
pub fn unheard(name: &str) -> UnacknowledgedFile {
    UnacknowledgedFile {
        file: name.to_owned(),
        rows: 2,
        totals: BTreeMap::from([("USD".to_owned(), 30_50)]),
        since: at("2025-03-20T09:45:30Z"),
        within: TimeDelta::hours(24),
    }
}

fn refused(name: &str, words: &[&str]) -> RejectedFile {
    let UnacknowledgedFile { file, rows, totals, since, .. } = unheard(name);
    RejectedFile {
        file,
        rows,
        totals,
        since: Some(since),
        words: words.iter().map(|text| (*text).to_owned()).collect(),
    }
}

fn now() -> DateTime<Utc> {
    at("2025-03-21T11:50:00Z")
}

fn of_rows(rows: &[RejectedRow]) -> Vec<Break> {
    row_rejected(JOB, &day(), rows)
}

fn of_files(files: &[UnacknowledgedFile]) -> Vec<Break> {
    unacknowledged(JOB, &day(), files, now())
}

fn details(breaks: &[Break]) -> Vec<&str> {
    breaks.iter().map(|found| found.detail.as_str()).collect()
}

#[test]
fn a_refused_row_is_told_with_its_amount_its_user_and_both_its_places() {
    let found = of_rows(&[rejected("e1")]);
    let expected = Break {
        id: found[0].id.clone(),
        kind: BreakKind::RowRejected,
        key: "txn-1".to_owned(),
        currency: "USD".to_owned(),
        measure: Measure::TransactionAmount,
        at_risk_minor: 12_50,
        difference_minor: None,
        sides: [
            None,
            Some(
                SideFacts {
                    amount_minor: Some(12_50),
                    currency: Some("USD".to_owned()),
                    user: Some("user-1".to_owned()),
                    occurred_at: Some(at("2025-03-18T22:00:00Z")),
                    rows: vec![RowRef { file: 0, line: 4 }],
                    ..SideFacts::default()
                }
                .into(),
            ),
            None,
        ],
        occurred_at: Some(at("2025-03-18T22:00:00Z")),
        age_days: 1,
        status: BreakStatus::Open,
        detail: "Kard has refused line 3 of core-upload-2025-03-19-001-ab12cd34.jsonl.gz: \
                 amount is negative (attributes.amount) (event e1)"
            .to_owned(),
    };
    assert_eq!(found, [expected]);
    assert_eq!(found[0].id.len(), 16);
}

#[test]
fn all_that_is_said_against_an_event_is_one_break() {
    let row = |line: u64, words: &str| RejectedRow { line, words: words.to_owned(), ..rejected("e1") };
    let other_file = |words: &str| RejectedRow {
        file: "b.jsonl.gz".to_owned(),
        source: Some(RowRef { file: 1, line: 9 }),
        ..row(7, words)
    };
    let cases = [
        (vec![row(3, "")], "Kard has refused line 3 of FILE without saying why (event e1)"),
        (vec![row(3, "zip is missing"), row(3, "currency is unknown")], {
            "Kard has refused line 3 of FILE: currency is unknown; zip is missing (event e1)"
        }),
        (vec![row(3, ""), row(3, "zip is missing")], "Kard has refused line 3 of FILE: zip is missing (event e1)"),
        (vec![row(3, "late"), other_file("late")], {
            "Kard has refused line 7 of b.jsonl.gz: late; Kard has refused line 3 of FILE: late (event e1)"
        }),
    ];
    for (rows, expected) in cases {
        let found = of_rows(&rows);
        assert_eq!(details(&found), [expected.replace("FILE", FILE)]);
        assert_eq!((found[0].at_risk_minor, found[0].key.as_str()), (12_50, "txn-1"));
    }
    let found = of_rows(&[other_file("late"), row(3, "late")]);
    let places = &found[0].side(Side::Ledger).unwrap().rows;
    assert_eq!(*places, [RowRef { file: 0, line: 4 }, RowRef { file: 1, line: 9 }]);
}

#[test]
fn two_settlements_of_one_transaction_are_two_breaks() {
    let other = RejectedRow { line: 4, amount_minor: -80_00, source: None, occurred_at: None, ..rejected("e2") };
    let found = of_rows(&[rejected("e1"), other]);
    let told: Vec<_> = found.iter().map(|found| (found.key.as_str(), found.at_risk_minor, found.age_days)).collect();
    assert_eq!(told, [("txn-1", 80_00, 0), ("txn-1", 12_50, 1)]);
    assert_ne!(found[0].id, found[1].id);
    let facts = found[0].side(Side::Ledger).unwrap();
    assert_eq!((facts.amount_minor, facts.rows.len(), facts.occurred_at), (Some(-80_00), 0, None));
}

#[test]
fn the_id_of_a_break_depends_on_the_event_or_the_file_alone() {
    let first = of_rows(&[rejected("e1")]).remove(0).id;
    let later = RejectedRow {
        file: "later.jsonl.gz".to_owned(),
        line: 900,
        amount_minor: 1,
        words: String::new(),
        ..rejected("e1")
    };
    assert_eq!(of_rows(&[later]).remove(0).id, first);
    let euros = RejectedRow { currency: "EUR".to_owned(), ..rejected("e1") };
    let ids = [
        first,
        of_rows(&[rejected("e2")]).remove(0).id,
        of_rows(&[euros]).remove(0).id,
        row_rejected("another-job", &day(), &[rejected("e1")]).remove(0).id,
        of_files(&[unheard("e1")]).remove(0).id,
        file_rejected(JOB, &day(), &[refused("e2", &[])]).remove(0).id,
    ];
    // Nor is a file that is named like an event the same.
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    let a_day_later = unacknowledged(JOB, &day(), &[unheard("a")], now() + TimeDelta::days(1));
    assert_eq!(a_day_later[0].id, of_files(&[unheard("a")])[0].id);
}

#[test]
fn a_silent_file_is_told_with_its_times_its_rows_and_its_sums() {
    let sums = |list: &[(&str, i128)]| list.iter().map(|(code, sum)| ((*code).to_owned(), *sum)).collect();
    let two = UnacknowledgedFile { totals: sums(&[("USD", -1_00), ("JPY", 500)]), ..unheard("two.jsonl.gz") };
    let one = UnacknowledgedFile { rows: 1, totals: sums(&[("KWD", -1_005)]), ..unheard("one.jsonl.gz") };
    let none = UnacknowledgedFile { rows: 0, totals: sums(&[]), ..unheard("none.jsonl.gz") };
    let huge = UnacknowledgedFile { totals: sums(&[("USD", i128::MIN)]), ..unheard("huge.jsonl.gz") };
    let sent = "was sent 2025-03-20 09:45 UTC, 26 hours ago, and its result was due within 1d; it holds";
    let cases = [
        (unheard(FILE), format!("{FILE} {sent} 2 rows (30.50 USD)"), ("USD", 30_50)),
        (two, format!("two.jsonl.gz {sent} 2 rows (500 JPY, -1.00 USD)"), ("", 0)),
        (one, format!("one.jsonl.gz {sent} 1 row (-1.005 KWD)"), ("KWD", 1_005)),
        (none, format!("none.jsonl.gz {sent} 0 rows"), ("", 0)),
        (
            huge,
            format!("huge.jsonl.gz {sent} 2 rows (-1701411834604692317316873037158841057.28 USD)"),
            ("USD", i64::MAX),
        ),
    ];
    for (file, detail, at_risk) in cases {
        let found = of_files(std::slice::from_ref(&file)).remove(0);
        let expected = Break {
            id: found.id.clone(),
            kind: BreakKind::Unacknowledged,
            key: file.file.clone(),
            currency: at_risk.0.to_owned(),
            measure: Measure::TransactionAmount,
            at_risk_minor: at_risk.1,
            difference_minor: None,
            sides: [None, None, None],
            occurred_at: Some(at("2025-03-20T09:45:30Z")),
            age_days: 0,
            status: BreakStatus::Open,
            detail,
        };
        assert_eq!(found, expected);
    }
}

#[test]
fn the_time_gone_by_is_told_in_the_unit_that_says_most() {
    let since = unheard(FILE).since;
    let cases = [
        (TimeDelta::zero(), "0 seconds"),
        (TimeDelta::seconds(-5), "0 seconds"),
        (TimeDelta::seconds(1), "1 seconds"),
        (TimeDelta::seconds(119), "119 seconds"),
        (TimeDelta::seconds(120), "2 minutes"),
        (TimeDelta::minutes(119), "119 minutes"),
        (TimeDelta::hours(2), "2 hours"),
        (TimeDelta::hours(47), "47 hours"),
        (TimeDelta::hours(71), "2 days"),
        (TimeDelta::days(400), "400 days"),
    ];
    for (gone, words) in cases {
        let found = unacknowledged(JOB, &day(), &[unheard(FILE)], since + gone);
        let told = found[0].detail.split(", ").nth(1).unwrap();
        assert_eq!(told, format!("{words} ago"));
    }
}

#[test]
fn a_file_that_is_refused_as_a_whole_is_one_break_with_its_sum() {
    let cases = [
        (
            vec!["Bad Request: no gzip"],
            "Kard speaks against a.jsonl.gz: Bad Request: no gzip; it holds 2 rows (30.50 USD)",
        ),
        (vec!["two", "one", "two"], "Kard speaks against a.jsonl.gz: one; two; it holds 2 rows (30.50 USD)"),
        (vec![""], "Kard speaks against a.jsonl.gz without saying why; it holds 2 rows (30.50 USD)"),
    ];
    for (words, detail) in cases {
        let found = file_rejected(JOB, &day(), &[refused("a.jsonl.gz", &words)]).remove(0);
        assert_eq!((found.kind, found.detail.as_str()), (BreakKind::RowRejected, detail));
        assert_eq!((found.key.as_str(), found.currency.as_str(), found.at_risk_minor), ("a.jsonl.gz", "USD", 30_50));
    }
}

fn any_row() -> impl Strategy<Value = RejectedRow> {
    let words = prop::sample::select(vec!["", "late", "amount is negative"]);
    (0_u64..3, 0_u32..3, words, 1_i64..3, any::<bool>()).prop_map(|(line, event, words, amount, placed)| RejectedRow {
        line: line + 1,
        words: words.to_owned(),
        amount_minor: amount,
        transaction: format!("txn-{}", event / 2),
        source: placed.then_some(RowRef { file: 0, line }),
        ..rejected(&format!("e{event}"))
    })
}

proptest! {
    #[test]
    fn neither_order_nor_repeats_of_refusals_change_the_breaks(
        rows in prop::collection::vec(any_row(), 0..12),
        again in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        turn in any::<prop::sample::Index>(),
    ) {
        let once = of_rows(&rows);
        let mut others = rows.clone();
        if !rows.is_empty() {
            others.extend(again.iter().map(|index| index.get(&rows).clone()));
            others.rotate_left(turn.index(rows.len()));
            others.reverse();
        }
        prop_assert_eq!(&of_rows(&others), &once);
        let events: BTreeSet<_> = rows.iter().map(|row| &row.event_id).collect();
        let ids: BTreeSet<_> = once.iter().map(|found| &found.id).collect();
        prop_assert_eq!((once.len(), ids.len()), (events.len(), events.len()));
    }
}
