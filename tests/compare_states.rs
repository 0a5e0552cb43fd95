//! How things stand: validities, statuses after an end, what the provider has failed at, and balances.

use proptest::prelude::*;
use tieout::breaks::compare::Comparison;
use tieout::breaks::found::sightings;
use tieout::breaks::{Break, BreakKind};
use tieout::frames::{Field, Frame, Side};
use tieout::job::Splits;
use tieout::matching::Rules;

use crate::support::engine::{case_count, compare};
use crate::support::frames::{Row, day, frame, hour, keyed, row, rules};

/// The kinds that only a job which compares how things stand can show.
pub const KINDS: [BreakKind; 6] = [
    BreakKind::BalanceMismatch,
    BreakKind::ProviderFailed,
    BreakKind::StatusChanged,
    BreakKind::RowVanished,
    BreakKind::ValidityMismatch,
    BreakKind::OpenAfterEnd,
];

/// Cards of the provider and of the ledger: no time, no reward, and what only cards have is looked at.
fn cards() -> Rules {
    let mut rules = two_sides();
    rules.matching.validity = true;
    rules.matching.open_after_end = vec!["ACTIVE".to_owned()];
    rules.matching.failed = vec!["ISSUE_FAILED".to_owned()];
    rules
}

fn two_sides() -> Rules {
    let mut rules = Rules {
        sides: vec![Side::File, Side::Ledger],
        ledger_states_reward: false,
        settled_file: false,
        grace: chrono::TimeDelta::zero(),
        ..rules()
    };
    rules.matching.fallback.clear();
    rules
}

fn card(id: &str, status: &str, from: &str, to: &str) -> Row {
    let bare = Row { commission: None, reward: None, user: None, last_four: None, ..row(id) };
    bare.untimed().status(status).valid(from, to)
}

fn compared(rules: &Rules, file: &[Row], ledger: &[Row]) -> Comparison {
    compare(rules, &[keyed(rules.matching.key, Side::File, file), keyed(rules.matching.key, Side::Ledger, ledger)])
        .expect("ties out")
}

/// Kind, amount at risk and sentence of each break.
fn told(breaks: &[Break]) -> Vec<(BreakKind, i64, &str)> {
    breaks.iter().map(|found| (found.kind, found.at_risk_minor, found.detail.as_str())).collect()
}

/// What a break says: kind, amount at risk, sentence.
type Told = (BreakKind, i64, &'static str);

/// What the two sides state, and all that is told of it.
fn of_validities() -> Vec<(&'static str, Row, Row, Vec<Told>)> {
    use BreakKind as K;
    let active = |to: &str| card("c", "ACTIVE", "2025-01-01", to);
    vec![
        ("the same days", active("2027-01-31"), active("2027-01-31"), vec![]),
        ("one side states no end", active("2027-01-31"), active(""), vec![]),
        (
            "other ends",
            active("2027-01-31"),
            active("2026-01-31"),
            vec![(K::ValidityMismatch, 1_000, "valid_to: file 2027-01-31, ledger 2026-01-31")],
        ),
        (
            "other days at both ends",
            card("c", "ACTIVE", "2025-01-01", "2027-01-31"),
            card("c", "ACTIVE", "2025-02-01", "2027-02-28"),
            vec![(
                K::ValidityMismatch,
                1_000,
                "valid_from: file 2025-01-01, ledger 2025-02-01; valid_to: file 2027-01-31, ledger 2027-02-28",
            )],
        ),
        ("valid to the last day of the period", active("2025-03-19"), active("2025-03-19"), vec![]),
        (
            "over since the day before",
            active("2025-03-18"),
            active("2025-03-18"),
            vec![(
                K::OpenAfterEnd,
                1_000,
                "the provider has it ACTIVE on 2025-03-19, and its validity ended on 2025-03-18 (file)",
            )],
        ),
        (
            "over, as only the ledger says; at risk is the file's amount",
            active("").amount(700),
            active("2024-12-31").amount(700),
            vec![(
                K::OpenAfterEnd,
                700,
                "the provider has it ACTIVE on 2025-03-19, and its validity ended on 2024-12-31 (ledger)",
            )],
        ),
    ]
}

/// The same of statuses.
fn of_statuses() -> Vec<(&'static str, Row, Row, Vec<Told>)> {
    use BreakKind as K;
    let active = |to: &str| card("c", "ACTIVE", "2025-01-01", to);
    let closed = |to: &str| card("c", "CLOSED", "2025-01-01", to);
    let failed = || card("c", "ISSUE_FAILED", "2025-01-01", "2027-01-31");
    vec![
        ("over and closed", closed("2024-12-31"), closed("2024-12-31"), vec![]),
        (
            "failed, with a reason",
            failed().reason("no funds"),
            active("2027-01-31"),
            vec![(K::ProviderFailed, 1_000, "the provider states ISSUE_FAILED: no funds")],
        ),
        (
            "failed on both sides is a failure all the same",
            failed(),
            failed(),
            vec![(K::ProviderFailed, 1_000, "the provider states ISSUE_FAILED, and gives no reason")],
        ),
        (
            "failed in the ledger alone is another status",
            active("2027-01-31"),
            failed(),
            vec![(K::StatusMismatch, 1_000, "status: file ACTIVE, ledger ISSUE_FAILED")],
        ),
        (
            "another limit and another status",
            closed("2027-01-31").amount(1_500),
            active("2027-01-31"),
            vec![
                (K::AmountMismatch, 500, "transaction amount: file 15.00 USD, ledger 10.00 USD"),
                (K::StatusMismatch, 1_500, "status: file CLOSED, ledger ACTIVE"),
            ],
        ),
    ]
}

fn cases() -> Vec<(&'static str, Row, Row, Vec<Told>)> {
    [of_validities(), of_statuses()].concat()
}

#[test]
fn validities_ends_and_failures_are_told_with_what_is_at_risk() {
    for (name, file, ledger, expected) in cases() {
        let breaks = compared(&cards(), &[file], &[ledger]).breaks();
        assert_eq!(told(&breaks), expected, "{name}");
    }
}

#[test]
fn nothing_of_that_is_told_where_the_job_does_not_ask_for_it() {
    for (name, file, ledger, _) in cases() {
        let breaks = compared(&two_sides(), &[file], &[ledger]).breaks();
        let found: Vec<BreakKind> = breaks.iter().map(|found| found.kind).filter(|kind| KINDS.contains(kind)).collect();
        assert_eq!(found, [], "{name}");
    }
}

#[test]
fn a_card_on_one_side_alone_is_missing_and_may_be_open_past_its_end_too() {
    let breaks = compared(&cards(), &[card("f", "ACTIVE", "", "2025-01-31")], &[card("l", "ACTIVE", "", "")]).breaks();
    let kinds: Vec<(&str, BreakKind)> = breaks.iter().map(|found| (found.key.as_str(), found.kind)).collect();
    let expected = [("l", BreakKind::MissingInFile), ("f", BreakKind::MissingInLedger), ("f", BreakKind::OpenAfterEnd)];
    assert_eq!(kinds, expected);
}

#[test]
fn the_last_day_of_the_period_is_that_of_its_zone() {
    let open = [card("c", "ACTIVE", "", "2025-03-18")];
    let found = |zone: chrono_tz::Tz, hours: i64| {
        let mut period = day();
        // A day that ends so many hours after midnight UTC.
        period.zone = zone;
        period.end += chrono::TimeDelta::hours(hours);
        let rules = Rules { period, ..cards() };
        compared(&rules, &open, &open).breaks().len()
    };
    assert_eq!(found(chrono_tz::UTC, 0), 1);
    // 2025-03-19 of New York ends at 04:00 UTC of the day after, 2025-03-18 of it 24 hours before.
    assert_eq!(found(chrono_tz::America::New_York, 4), 1);
    assert_eq!(found(chrono_tz::America::New_York, -20), 0);
}

#[test]
fn a_failure_keeps_the_id_of_the_status_that_differed_before() {
    let find = |status: &str| {
        let breaks = compared(&cards(), &[card("c", status, "", "")], &[card("c", "ACTIVE", "", "")]).breaks();
        (breaks[0].kind, breaks[0].id.clone())
    };
    let (before, after) = (find("CLOSED"), find("ISSUE_FAILED"));
    assert_eq!((before.0, after.0), (BreakKind::StatusMismatch, BreakKind::ProviderFailed));
    assert_eq!(before.1, after.1);
}

#[test]
fn another_end_or_another_reason_makes_another_finding_of_the_same_break() {
    let digest = |file: Row, ledger: Row| {
        let breaks = compared(&cards(), &[file], &[ledger]).packed();
        sightings("2025-03-19", chrono::DateTime::UNIX_EPOCH, &breaks, &[]).get(0).facts.digest.clone()
    };
    let ends = |to: &str| digest(card("c", "CLOSED", "", "2027-01-31"), card("c", "CLOSED", "", to));
    let fails = |reason: &str| digest(card("c", "ISSUE_FAILED", "", "").reason(reason), card("c", "ACTIVE", "", ""));
    assert_eq!(ends("2026-01-31"), ends("2026-01-31"));
    assert_ne!(ends("2026-01-31"), ends("2026-02-28"));
    assert_ne!(fails("no funds"), fails("blocked"));
}

#[test]
fn rows_that_differ_only_in_account_or_validity_are_no_copies() {
    let others = [
        card("c", "ACTIVE", "2025-01-01", "").account("a"),
        card("c", "ACTIVE", "2025-01-02", "").account("a"),
        card("c", "ACTIVE", "2025-01-01", "2026-01-01").account("a"),
        card("c", "ACTIVE", "2025-01-01", "").account("b"),
    ];
    let mut rules = two_sides();
    rules.matching.splits = Splits::Forbid;
    for other in &others[1..] {
        let breaks = compared(&rules, &[others[0].clone(), other.clone()], &others[..1]).breaks();
        let kinds: Vec<BreakKind> = breaks.iter().map(|found| found.kind).collect();
        assert_eq!(kinds, [BreakKind::ConflictingRows], "{other:?}");
    }
    let copy = compared(&rules, &[others[0].clone(), others[0].clone()], &others[..1]).breaks();
    assert_eq!(copy[0].kind, BreakKind::DuplicateRow);
}

/// Balances by account: the file states one row an account, the ledger its movements.
fn balances() -> Rules {
    let mut rules = two_sides();
    rules.matching.key = Field::Account;
    rules.matching.splits = Splits::Balance;
    rules.matching.identity.clear();
    rules.matching.status = None;
    rules
}

fn movement(id: &str, minor: i64, status: &str, at: i64) -> Row {
    let bare = Row { commission: None, reward: None, user: None, last_four: None, ..row(id) };
    bare.amount(minor).status(status).account("acc").at(hour(at))
}

fn balance(minor: i64) -> Row {
    movement("acc", minor, "OPEN", 0).untimed()
}

#[test]
fn all_rows_of_an_account_are_summed_whatever_their_status_sign_and_time() {
    let ledger = [
        movement("m1", 5_000, "SETTLED", -900),
        movement("m2", -1_200, "RETURNED", 12),
        movement("m3", 300, "DECLINED", 12),
        movement("m4", -100, "REVERSED", 13),
        movement("m5", 1_000, "FAILED", 400),
        movement("m6", 1_000, "APPROVED", 13),
    ];
    assert_eq!(told(&compared(&balances(), &[balance(6_000)], &ledger).breaks()), []);
    let differs = compared(&balances(), &[balance(6_050)], &ledger);
    let breaks = differs.breaks();
    let text = "balance: file 60.50 USD (1 row), ledger 60.00 USD (6 rows)";
    assert_eq!(told(&breaks), [(BreakKind::BalanceMismatch, 50, text)]);
    assert_eq!((breaks[0].key.as_str(), breaks[0].difference_minor), ("acc", Some(50)));
    let line = &differs.statement.bridges[0].lines[0];
    assert_eq!((line.label.as_str(), line.amount_minor), ("break: balance mismatch", 50));
    let within = Rules {
        matching: tieout::job::Matching { amount_tolerance_minor: Some(50), ..balances().matching },
        ..balances()
    };
    assert_eq!(told(&compared(&within, &[balance(6_050)], &ledger).breaks()), []);
}

#[test]
fn of_equal_movements_only_those_with_the_same_ids_are_copies() {
    let twice = [movement("m1", 500, "SETTLED", 12), movement("m2", 500, "SETTLED", 12)];
    assert_eq!(told(&compared(&balances(), &[balance(1_000)], &twice).breaks()), []);
    let events = [movement("m1", 500, "SETTLED", 12).event("e1"), movement("m1", 500, "SETTLED", 12).event("e2")];
    assert_eq!(told(&compared(&balances(), &[balance(1_000)], &events).breaks()), []);
    let copied = [movement("m1", 500, "SETTLED", 12), movement("m1", 500, "SETTLED", 12)];
    let breaks = compared(&balances(), &[balance(1_000)], &copied).breaks();
    let expected = [
        (BreakKind::BalanceMismatch, 500, "balance: file 10.00 USD (1 row), ledger 5.00 USD (1 row)"),
        (BreakKind::DuplicateRow, 500, "the same row stands again: ledger 1 more; counted once"),
    ];
    assert_eq!(told(&breaks), expected);
}

#[test]
fn an_account_on_one_side_alone_is_missing_on_the_other() {
    let found = |file: &[Row], ledger: &[Row]| {
        let breaks = compared(&balances(), file, ledger).breaks();
        breaks.iter().map(|found| (found.kind, found.at_risk_minor)).collect::<Vec<_>>()
    };
    assert_eq!(found(&[balance(700)], &[]), [(BreakKind::MissingInLedger, 700)]);
    // Nothing is what no row adds up to.
    assert_eq!(found(&[balance(0)], &[]), []);
    let back_and_forth = [movement("m1", 500, "SETTLED", 12), movement("m2", -500, "SETTLED", 13)];
    assert_eq!(found(&[], &back_and_forth), []);
    let old = [movement("m1", 300, "SETTLED", -900), movement("m2", 400, "VALID", -800)];
    assert_eq!(found(&[], &old), [(BreakKind::MissingInFile, 700)], "of whatever period its rows are");
}

#[test]
fn an_account_in_two_currencies_has_no_sum_and_ties_out() {
    let ledger = [movement("m1", 900, "SETTLED", 12), movement("m2", 100, "SETTLED", 12).currency("EUR")];
    let comparison = compared(&balances(), &[balance(1_000)], &ledger);
    let text = "rows of this key are of several currencies in ledger; no sum holds them, and none is compared: join the \
                currency to the key";
    assert_eq!(told(&comparison.breaks()), [(BreakKind::ConflictingRows, 1_000, text)]);
    assert_eq!(comparison.statement.rows[1].breaks, 2);
}

/// One case of each kind that is found in a period alone.
pub fn kinds_of_states() -> Vec<BreakKind> {
    let states = cases().into_iter().flat_map(|(_, file, ledger, _)| compared(&cards(), &[file], &[ledger]).breaks());
    let balances = compared(&balances(), &[balance(1)], &[balance(2)]).breaks();
    states.chain(balances).map(|found| found.kind).collect()
}

fn any_movements() -> impl Strategy<Value = Vec<Row>> {
    let status = prop::sample::select(vec!["SETTLED", "APPROVED", "RETURNED", "REVERSED", "FAILED", "CLAWBACK", "ODD"]);
    let currency = prop::sample::select(vec!["USD", "USD", "USD", "EUR"]);
    let one = (0_u8..4, 0_u8..6, -300_i64..300, status, -50_i64..50, currency).prop_map(
        |(account, id, minor, status, at, currency)| {
            movement(&format!("m{id}"), minor, status, at).account(&format!("a{account}")).currency(currency)
        },
    );
    prop::collection::vec(one, 0..20)
}

/// Account → the sum of its movements; none where they are of several currencies.
type Sums = std::collections::BTreeMap<String, Option<i64>>;

/// The sum of each account that is of one currency, copies once: worked out anew, from the rows alone.
fn sums(rows: &[Row]) -> Sums {
    let mut accounts = std::collections::BTreeMap::<String, Vec<&Row>>::new();
    for row in rows {
        let known = accounts.entry(row.account.clone().unwrap_or_default()).or_default();
        if !known.contains(&row) {
            known.push(row);
        }
    }
    let sum = |rows: Vec<&Row>| {
        let one_currency = rows.iter().all(|row| row.currency == rows[0].currency);
        one_currency.then(|| rows.iter().filter_map(|row| row.amount).sum())
    };
    accounts.into_iter().map(|(account, rows)| (account, sum(rows))).collect()
}

fn any_card() -> impl Strategy<Value = Row> {
    let status = prop::sample::select(vec!["ACTIVE", "CLOSED", "ISSUE_FAILED"]);
    let end = || prop::sample::select(vec!["", "2025-03-18", "2025-03-19", "2025-12-31"]);
    (status, end(), end(), 1_i64..3)
        .prop_map(|(status, from, to, units)| card("c", status, from, to).amount(units * 100))
}

/// What must be told of a card, worked out anew.
fn expected_kinds(file: &Row, ledger: &Row) -> Vec<BreakKind> {
    use BreakKind as K;
    let differs =
        |at: usize| matches!((&file.valid[at], &ledger.valid[at]), (Some(left), Some(right)) if left != right);
    let end = file.valid[1].as_ref().or(ledger.valid[1].as_ref());
    let is = |status: &str| file.status.as_deref() == Some(status);
    let all = [
        (K::AmountMismatch, file.amount != ledger.amount),
        (K::StatusMismatch, file.status != ledger.status && !is("ISSUE_FAILED")),
        (K::ProviderFailed, is("ISSUE_FAILED")),
        (K::ValidityMismatch, differs(0) || differs(1)),
        (K::OpenAfterEnd, is("ACTIVE") && end.is_some_and(|end| end.as_str() < "2025-03-19")),
    ];
    all.into_iter().filter_map(|(kind, found)| found.then_some(kind)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: case_count(256), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_told_of_a_card_is_what_it_says_and_it_ties_out(file in any_card(), ledger in any_card()) {
        let comparison = compared(&cards(), std::slice::from_ref(&file), std::slice::from_ref(&ledger));
        let found: Vec<BreakKind> = comparison.breaks().iter().map(|found| found.kind).collect();
        prop_assert_eq!(&found, &expected_kinds(&file, &ledger));
        prop_assert_eq!(comparison.tally.clean_keys, u64::from(found.is_empty()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: case_count(256), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn balances_tie_out_and_differ_exactly_where_the_sums_do(file in any_movements(), ledger in any_movements()) {
        let comparison = compared(&balances(), &file, &ledger);
        for rows in &comparison.statement.rows {
            prop_assert_eq!(rows.unaccounted, 0);
            prop_assert_eq!(rows.excluded + rows.expected + rows.quarantined, 0);
        }
        let (left, right) = (sums(&file), sums(&ledger));
        let differs = |account: &String| matches!((left.get(account), right.get(account)), (Some(Some(one)), Some(Some(other))) if one != other);
        let breaks = comparison.breaks();
        for account in left.keys().chain(right.keys()) {
            let of = |kind: BreakKind| breaks.iter().filter(|found| found.key == *account && found.kind == kind).count();
            let several = [&left, &right].iter().any(|side| side.get(account) == Some(&None));
            prop_assert_eq!(of(BreakKind::ConflictingRows), usize::from(several), "{}", account);
            // What adds up to nothing is balanced by no row at all.
            let is_nothing = |sums: &Sums| sums.get(account) == Some(&Some(0));
            let missing = |here: &Sums, there: &Sums| usize::from(!here.contains_key(account) && !is_nothing(there));
            prop_assert_eq!(of(BreakKind::MissingInFile), missing(&left, &right), "{}", account);
            prop_assert_eq!(of(BreakKind::MissingInLedger), missing(&right, &left), "{}", account);
            let currencies = |rows: &[Row]| rows.iter().find(|row| row.account.as_ref() == Some(account)).map(|row| row.currency.clone());
            if currencies(&file) == currencies(&ledger) && !several {
                prop_assert_eq!(of(BreakKind::BalanceMismatch), usize::from(differs(account)), "{}", account);
            }
        }
    }

    #[test]
    fn the_order_of_movements_changes_no_balance((rows, shuffled) in any_movements().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle()))) {
        let said = |rows: &[Row]| {
            let comparison = compared(&balances(), &[balance(0)], rows);
            let breaks: Vec<_> = comparison.breaks().into_iter().map(|found| (found.id, found.kind, found.at_risk_minor, found.detail)).collect();
            (breaks, comparison.statement)
        };
        prop_assert_eq!(said(&rows), said(&shuffled));
    }

    #[test]
    fn two_frames_swapped_state_the_same_validity_and_balance_breaks(left in any_movements(), right in any_movements()) {
        let found = |file: &[Row], ledger: &[Row]| {
            let breaks = compared(&balances(), file, ledger).breaks();
            let values = breaks.into_iter().filter(|found| found.kind == BreakKind::BalanceMismatch);
            values.map(|found| (found.key, found.difference_minor)).collect::<std::collections::BTreeMap<_, _>>()
        };
        let mirrored: std::collections::BTreeMap<_, _> =
            found(&right, &left).into_iter().map(|(key, minor)| (key, minor.map(|minor| -minor))).collect();
        prop_assert_eq!(found(&left, &right), mirrored);
    }
}

/// The frames of a side by side comparison are what the reader makes of them.
#[test]
fn a_row_without_any_time_is_in_every_period() {
    let rows = [card("c", "ACTIVE", "", "")];
    let frames: [Frame; 2] = [frame(Side::File, &rows), frame(Side::Ledger, &rows)];
    let comparison = compare(&cards(), &frames).expect("ties out");
    assert_eq!((comparison.tally.clean_keys, comparison.breaks().len()), (1, 0));
}
