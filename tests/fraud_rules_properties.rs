//! What must hold for fraud rules whatever the rows say: the order of rows is nothing, and each rule finds what its
//! definition, written down plainly and slowly, finds.

use proptest::prelude::*;
use tieout::effects::Finding;
use tieout::effects::rules::{Rows, find, find_all};
use tieout::frames::Field;
use tieout::job::{FraudRule, Grouping};

use crate::fraud_rules::{Spent, count, found, ledger, outlier, spent, sum};

const CURRENCIES: [&str; 2] = ["USD", "EUR"];
const CARDS: [(&str, &str); 3] = [("411111", "1234"), ("411111", "9999"), ("511111", "1234")];

/// Rows with few users, cards, amounts and times, so that they meet; each with its own line.
fn any_rows(ids: impl Strategy<Value = u8> + Clone) -> impl Strategy<Value = Vec<Spent>> {
    let status =
        prop::sample::select(vec!["SETTLED", "SETTLED", "SETTLED", "APPROVED", "DECLINED", "REVERSED", "RETURNED"]);
    let one = (ids, 1_i64..6, 0_i64..120, 0_usize..2, 0_usize..3, prop::option::weighted(0.9, 0_u8..3), status);
    prop::collection::vec(one, 0..40).prop_map(|rows| {
        let lined = (2_u64..).zip(rows);
        lined
            .map(|(line, (id, units, seconds, currency, card, user, status))| {
                let (first_six, last_four) = CARDS[card];
                let minor = if matches!(status, "RETURNED" | "REVERSED") { -units * 100 } else { units * 100 };
                let row = spent(&format!("t{id}"), seconds).minor(minor).currency(CURRENCIES[currency]);
                let row = row.card(first_six, last_four).status(status).line(line);
                Spent { user: user.map(|user| format!("u-{user}")), ..row }
            })
            .collect()
    })
}

/// Rows of which each is a transaction of its own.
fn single_rows() -> impl Strategy<Value = Vec<Spent>> {
    any_rows(0_u8..1).prop_map(|rows| {
        let numbered = rows.into_iter().enumerate();
        numbered.map(|(at, row)| Spent { id: format!("t{at:02}"), ..row }).collect()
    })
}

fn shuffled(rows: impl Strategy<Value = Vec<Spent>>) -> impl Strategy<Value = (Vec<Spent>, Vec<Spent>)> {
    rows.prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle()))
}

fn every_rule() -> Vec<FraudRule> {
    let mut rules = vec![
        FraudRule::SharedCard { users: 2 },
        outlier("1.5", 2),
        FraudRule::Deny { field: Field::User, values: vec!["U-1".to_owned()] },
    ];
    for by in [Grouping::User, Grouping::Card, Grouping::Merchant] {
        rules.extend([count(by, 2), sum(by, &[("USD", 700)])]);
        rules.push(FraudRule::ReturnsAbovePurchases { by, beyond_minor: [("USD".to_owned(), 100)].into() });
    }
    rules
}

fn is_purchase(row: &Spent) -> bool {
    row.minor.is_some_and(|minor| minor > 0) && !["DECLINED", "REVERSED", "RETURNED"].contains(&row.status)
}

/// Purchases of one group that lie before this one, or at its time on an earlier line, in that order.
fn before<'r>(rows: &'r [Spent], one: &Spent, same: impl Fn(&Spent) -> bool) -> Vec<&'r Spent> {
    let place = |row: &Spent| (row.micros, row.line);
    let mut earlier: Vec<&Spent> =
        rows.iter().filter(|row| is_purchase(row) && same(row) && place(row) < place(one)).collect();
    earlier.sort_by_key(|row| place(row));
    earlier
}

fn group(by: Grouping, row: &Spent) -> Option<String> {
    match by {
        Grouping::User => row.user.clone(),
        Grouping::Card => Some(format!("{:?}", row.card)),
        Grouping::Merchant => row.merchant.map(str::to_owned),
    }
}

fn found_ids(rule: &FraudRule, rows: &[Spent]) -> Vec<String> {
    found(rule, rows).into_iter().map(|finding| finding.transaction).collect()
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_rows_changes_no_finding((one, other) in shuffled(any_rows(0_u8..12)), history in shuffled(any_rows(0_u8..12))) {
        let all = |rows: &[Spent], before: &[Spent]| -> Vec<Finding> {
            let before = ledger("before.csv", before);
            find_all(&every_rule(), &Rows::of(&ledger("today.csv", rows), &[before]).unwrap())
        };
        prop_assert_eq!(all(&one, &history.0), all(&other, &history.1));
    }

    #[test]
    fn every_finding_stands_on_rows_of_its_own_transaction(rows in any_rows(0_u8..12)) {
        for finding in find_all(&every_rule(), &Rows::of(&ledger("today.csv", &rows), &[]).unwrap()) {
            let own = |line: u64| rows.iter().any(|row| row.line == line && row.id == finding.transaction);
            prop_assert!(finding.rows.iter().any(|place| own(place.line)), "{finding:?}");
            prop_assert!(finding.rows.is_sorted() && finding.amount_minor > 0, "{finding:?}");
        }
    }

    #[test]
    fn history_is_never_found_but_changes_nothing_else(rows in single_rows(), split in 0_usize..40) {
        // As history and today, the later part is found as if both were today's.
        let mut rows = rows;
        rows.sort_by_key(|row| row.line);
        let (before, today) = rows.split_at(split.min(rows.len()));
        let apart = Rows::of(&ledger("today.csv", today), &[ledger("today.csv", before)]).unwrap();
        for rule in every_rule() {
            let whole: Vec<Finding> = found(&rule, &rows).into_iter().filter(|one| today.iter().any(|row| row.id == one.transaction)).collect();
            prop_assert_eq!(find(&rule, &apart), whole, "{}", rule);
        }
    }

    #[test]
    fn velocity_is_what_its_definition_says(
        rows in single_rows(),
        by in prop::sample::select(vec![Grouping::User, Grouping::Card, Grouping::Merchant]),
        most in 0_u64..6,
        cents in 0_i64..2_000,
    ) {
        let within = 60_000_000;
        let windows = |above: &dyn Fn(&Spent, &[&Spent]) -> bool| {
            let mut ids = Vec::new();
            for one in rows.iter().filter(|row| is_purchase(row) && group(by, row).is_some()) {
                let mut window = before(&rows, one, |row| group(by, row) == group(by, one));
                window.retain(|row| one.micros.unwrap() - row.micros.unwrap() < within);
                window.push(one);
                if above(one, &window) {
                    ids.push(one.id.clone());
                }
            }
            sorted(ids)
        };
        let counted = windows(&|_, window| window.len() as u64 > most);
        prop_assert_eq!(found_ids(&count(by, most), &rows), counted);
        let summed = windows(&|one, window| {
            let of_currency = window.iter().filter(|row| row.currency == one.currency);
            one.currency == "USD" && of_currency.map(|row| row.minor.unwrap()).sum::<i64>() > cents
        });
        prop_assert_eq!(found_ids(&sum(by, &[("USD", cents)]), &rows), summed);
    }

    #[test]
    fn an_outlier_is_what_its_definition_says(rows in single_rows(), tenths in 11_i64..40, history in 1_u64..5) {
        let mut expected = Vec::new();
        for one in rows.iter().filter(|row| is_purchase(row) && row.user.is_some()) {
            let same = |row: &Spent| row.user == one.user && row.currency == one.currency;
            let mut minors: Vec<i64> = before(&rows, one, same).iter().map(|row| row.minor.unwrap()).collect();
            minors.sort_unstable();
            let enough = minors.len() as u64 >= history;
            if enough && {
                let (low, high) = (minors[(minors.len() - 1) / 2], minors[minors.len() / 2]);
                one.minor.unwrap() * 20 >= tenths * (low + high)
            } {
                expected.push(one.id.clone());
            }
        }
        let times = format!("{}.{}", tenths / 10, tenths % 10);
        prop_assert_eq!(found_ids(&outlier(&times, history), &rows), sorted(expected));
    }

    #[test]
    fn returns_above_purchases_are_what_their_definition_says(rows in single_rows(), beyond in 0_i64..800) {
        let rule = FraudRule::ReturnsAbovePurchases {
            by: Grouping::User,
            beyond_minor: CURRENCIES.map(|code| (code.to_owned(), beyond)).into(),
        };
        let mut expected = Vec::new();
        for one in rows.iter().filter(|row| row.status == "RETURNED" && row.user.is_some()) {
            let same = |row: &&Spent| row.user == one.user && row.currency == one.currency;
            let minors = |rows: &mut dyn Iterator<Item = &Spent>| rows.map(|row| row.minor.unwrap().abs()).sum::<i64>();
            let back = minors(&mut rows.iter().filter(same).filter(|row| row.status == "RETURNED"));
            let bought = minors(&mut rows.iter().filter(same).filter(|row| is_purchase(row)));
            if back - bought > beyond {
                expected.push(one.id.clone());
            }
        }
        prop_assert_eq!(found_ids(&rule, &rows), sorted(expected));
    }
}

/// Nothing is timed: what grew with the square would not come to an end.
#[test]
fn many_rows_of_one_group_are_no_many_pairs() {
    let many = 30_000_u64;
    let back = |at: u64| {
        if at.is_multiple_of(2) {
            spent(&format!("t{at}"), 0)
        } else {
            spent(&format!("t{at}"), 0).minor(-1_001).status("RETURNED")
        }
    };
    let rows: Vec<Spent> = (0..many).map(|at| back(at).user(&format!("u-{}", at % 3))).collect();
    let rows = Rows::of(&ledger("today.csv", &rows), &[]).unwrap();
    let found = |rule: FraudRule| find(&rule, &rows).len() as u64;
    assert_eq!(found(count(Grouping::Card, 10)), many / 2 - 10);
    assert_eq!(found(FraudRule::ReturnsAbovePurchases { by: Grouping::Card, beyond_minor: [].into() }), many / 2);
    assert_eq!(found(FraudRule::SharedCard { users: 3 }), many);
    assert_eq!(found(outlier("1", 1)), many / 2 - 3);
    // And all of them of one transaction.
    let one: Vec<Spent> = (0..many).map(|at| back(2 * at + 1)).map(|row| Spent { id: "t".to_owned(), ..row }).collect();
    let one = [one, vec![spent("a", 0).minor(-1).status("RETURNED")]].concat();
    let one =
        crate::fraud_rules::found(&FraudRule::Deny { field: Field::Merchant, values: vec!["acme".to_owned()] }, &one);
    assert_eq!(one.len(), 2);
    assert_eq!(one[1].rows.len(), 50);
}
