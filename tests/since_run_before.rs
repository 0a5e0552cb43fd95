//! The provider's file held against that of the run before: what has changed, what is gone, and what is to be expected.

use proptest::prelude::*;
use tieout::breaks::since::{Since, since};
use tieout::breaks::{Break, BreakKind};
use tieout::frames::{Exclusion, Field, Frame, Side};
use tieout::matching::Rules;

use crate::support::frames::{Row, frame, hour, leaving_out, row, rules};

fn watching(expected: &[(&str, &str)]) -> Rules {
    let mut rules = Rules { sides: vec![Side::File, Side::Ledger], ..rules() };
    let pairs = expected.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned()));
    rules.matching.status_changes = Some(pairs.collect());
    rules
}

fn held(rules: &Rules, then: &[Row], file: &[Row], ledger: &[Row]) -> Since {
    let frames = [frame(Side::File, file), frame(Side::Ledger, ledger)];
    since(rules, "2025-03-18", &frame(Side::File, then), &frames).expect("no sum is too big")
}

fn told(breaks: &[Break]) -> Vec<(&str, BreakKind, i64, &str)> {
    breaks.iter().map(|found| (found.key.as_str(), found.kind, found.at_risk_minor, found.detail.as_str())).collect()
}

#[test]
fn each_key_of_before_has_one_outcome_and_only_what_nobody_expects_is_told() {
    let of = |id: &str, status: &str| row(id).status(status).at(hour(-30));
    let then = [
        of("same", "AVAILABLE"),
        of("booked", "PENDING"),
        of("odd", "PENDING").amount(2_500),
        of("gone", "PENDING").amount(700),
        of("twice", "PENDING"),
    ];
    let mut silent = of("silent", "");
    silent.status = None;
    let now = [
        of("same", "AVAILABLE"),
        of("booked", "AVAILABLE"),
        of("odd", "DECLINED_LATE").amount(2_400),
        of("twice", "PENDING"),
        of("twice", "PENDING").user("other"),
        of("new", "PENDING"),
        silent,
    ];
    let found = held(&watching(&[("PENDING", "AVAILABLE")]), &then, &now, &[of("gone", "PENDING").amount(700)]);
    let expected = [
        ("gone", BreakKind::RowVanished, 700, "in the file of 2025-03-18 (PENDING, 7.00 USD), and gone from this one"),
        ("odd", BreakKind::StatusChanged, 2_400, "status: PENDING in 2025-03-18, DECLINED_LATE now"),
    ];
    assert_eq!(told(&found.breaks), expected);
    let words = "5 keys then: 1 with the same status, 1 changed as expected, 1 changed otherwise, 1 gone, 1 not compared; 2 new";
    assert_eq!(found.words(), words);
    // What the other side says stands beside it.
    let [gone, odd] = found.breaks.as_slice() else { panic!("{found:?}") };
    assert!(gone.side(Side::File).is_none() && gone.side(Side::Ledger).is_some());
    assert!(odd.side(Side::File).is_some() && odd.side(Side::Ledger).is_none());
}

#[test]
fn a_status_that_is_stated_no_more_has_changed() {
    let mut silent = row("a");
    silent.status = None;
    let found = held(&watching(&[]), &[row("a")], &[silent.clone()], &[]);
    let text = "status: SETTLED in 2025-03-18, not stated now";
    assert_eq!(told(&found.breaks), [("a", BreakKind::StatusChanged, 1_000, text)]);
    assert_eq!(held(&watching(&[]), &[silent.clone()], &[silent], &[]).breaks, []);
}

#[test]
fn what_the_job_leaves_out_is_there_and_not_compared() {
    let left_out = |rows: &[Row], at: usize| {
        leaving_out(Field::TransactionId, Side::File, rows, |row| (row == at).then_some(Exclusion::Filtered))
    };
    let rows = [row("a").status("X"), row("b").status("X")];
    let frames = [left_out(&rows, 0)];
    let found = since(&watching(&[]), "2025-03-18", &frame(Side::File, &[row("a"), row("b")]), &frames).unwrap();
    assert_eq!(told(&found.breaks), [("b", BreakKind::StatusChanged, 1_000, "status: SETTLED in 2025-03-18, X now")]);
    // What was left out then is neither gone nor new.
    let found = since(&watching(&[]), "2025-03-18", &left_out(&rows, 0), &[frame(Side::File, &rows)]).unwrap();
    assert_eq!((found.before, found.same, found.new, found.breaks.len()), (1, 1, 0, 0));
}

#[test]
fn rows_that_cannot_be_read_may_be_those_that_are_gone() {
    let mut now: Frame = frame(Side::File, &[]);
    now.quarantine.push(tieout::frames::Quarantined {
        side: Side::File,
        file: 0,
        file_name: "file.csv".to_owned(),
        line: 2,
        field: None,
        value: String::new(),
        reason: "is odd".to_owned(),
        currency: None,
        amounts_minor: [None; 3],
    });
    let found = since(&watching(&[]), "2025-03-18", &frame(Side::File, &[row("a")]), &[now]).unwrap();
    let text = "in the file of 2025-03-18 (SETTLED, 10.00 USD), and gone from this one, of which 1 row cannot be read";
    assert_eq!(found.breaks[0].detail, text);
    assert_eq!((found.breaks[0].currency.as_str(), found.breaks[0].occurred_at), ("USD", None));
}

/// One of each kind that only the run before can show.
pub fn kinds_of_changes() -> Vec<BreakKind> {
    let found = held(&watching(&[]), &[row("a"), row("b")], &[row("a").status("X")], &[]);
    found.breaks.iter().map(|found| found.kind).collect()
}

fn any_rows() -> impl Strategy<Value = Vec<Row>> {
    let status = prop::option::of(prop::sample::select(vec!["PENDING", "AVAILABLE", "CLOSED"]));
    let one = (0_u8..10, status, -2_i64..3).prop_map(|(id, status, units)| {
        let row = row(&format!("k{id}")).amount(units * 100);
        Row { status: status.map(str::to_owned), ..row }
    });
    prop::collection::vec(one, 0..15)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_key_of_before_is_lost_or_counted_twice(then in any_rows(), now in any_rows()) {
        let found = held(&watching(&[("PENDING", "AVAILABLE")]), &then, &now, &[]);
        let outcomes = found.same + found.expected + found.changed + found.vanished + found.not_compared;
        prop_assert_eq!(outcomes, found.before);
        prop_assert_eq!(found.changed + found.vanished, found.breaks.len() as u64);
        let keys = |rows: &[Row]| rows.iter().map(|row| row.id.clone()).collect::<std::collections::BTreeSet<_>>();
        let (then_keys, now_keys) = (keys(&then), keys(&now));
        prop_assert_eq!(found.vanished, then_keys.difference(&now_keys).count() as u64);
        prop_assert_eq!(found.new, now_keys.difference(&then_keys).count() as u64);
        prop_assert_eq!(found.before, then_keys.len() as u64);
    }

    #[test]
    fn a_file_held_against_itself_shows_nothing(rows in any_rows()) {
        prop_assert_eq!(held(&watching(&[]), &rows, &rows, &[]).breaks, []);
    }
}
