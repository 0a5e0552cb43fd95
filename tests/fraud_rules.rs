//! Each fraud rule at its edges: exactly at a limit, at the window's end, at the same time, without a user.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use rust_decimal::Decimal;
use tieout::effects::Finding;
use tieout::effects::rules::{Rows, find};
use tieout::frames::rows::{Cell, PlainRow, pack};
use tieout::frames::{Exclusion, Field, Frame, Side, Spread};
use tieout::job::{FraudRule, Grouping};
use tieout::sources::{Origin, RawFile};

use crate::support::frames::hour;

/// `spent("t1", 0)` is a settled purchase of 10.00 USD by u-1 with card 411111…1234 at ACME, at noon and so many seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spent {
    pub(crate) id: String,
    pub(crate) minor: Option<i64>,
    pub(crate) currency: &'static str,
    pub(crate) status: &'static str,
    pub(crate) user: Option<String>,
    pub(crate) merchant: Option<&'static str>,
    pub(crate) card: (Option<&'static str>, Option<&'static str>),
    pub(crate) micros: Option<i64>,
    pub(crate) line: u64,
    pub(crate) excluded: bool,
}

pub(crate) fn spent(id: &str, seconds: i64) -> Spent {
    Spent {
        id: id.to_owned(),
        minor: Some(1_000),
        currency: "USD",
        status: "SETTLED",
        user: Some("u-1".to_owned()),
        merchant: Some("ACME"),
        card: (Some("411111"), Some("1234")),
        micros: Some(hour(12) + seconds * 1_000_000),
        line: 0,
        excluded: false,
    }
}

impl Spent {
    pub(crate) fn minor(self, minor: i64) -> Self {
        Self { minor: Some(minor), ..self }
    }
    pub(crate) fn currency(self, currency: &'static str) -> Self {
        Self { currency, ..self }
    }
    pub(crate) fn status(self, status: &'static str) -> Self {
        Self { status, ..self }
    }
    pub(crate) fn user(self, user: &str) -> Self {
        Self { user: Some(user.to_owned()), ..self }
    }
    fn nobody(self) -> Self {
        Self { user: None, ..self }
    }
    fn untimed(self) -> Self {
        Self { micros: None, ..self }
    }
    fn merchant(self, merchant: &'static str) -> Self {
        Self { merchant: Some(merchant), ..self }
    }
    pub(crate) fn card(self, first_six: &'static str, last_four: &'static str) -> Self {
        Self { card: (Some(first_six), Some(last_four)), ..self }
    }
    fn excluded(self) -> Self {
        Self { excluded: true, ..self }
    }
    pub(crate) fn line(self, line: u64) -> Self {
        Self { line, ..self }
    }
    fn cells(&self) -> Vec<(Field, Cell<'_>)> {
        let cell = |field: Field| match field {
            Field::TransactionId => Some(Cell::Text(&self.id)),
            Field::User => self.user.as_deref().map(Cell::Text),
            Field::Merchant => self.merchant.map(Cell::Text),
            Field::Amount => self.minor.map(Cell::Number),
            Field::Currency => Some(Cell::Text(self.currency)),
            Field::Status => Some(Cell::Text(self.status)),
            Field::OccurredAt => self.micros.map(Cell::Number),
            Field::CardFirstSix => self.card.0.map(Cell::Text),
            Field::CardLastFour => self.card.1.map(Cell::Text),
            _ => None,
        };
        MAPPED.into_iter().filter_map(|field| Some((field, cell(field)?))).collect()
    }
}

const MAPPED: [Field; 9] = [
    Field::TransactionId,
    Field::User,
    Field::Merchant,
    Field::Amount,
    Field::Currency,
    Field::Status,
    Field::OccurredAt,
    Field::CardFirstSix,
    Field::CardLastFour,
];

/// The rows as a ledger's file; lines are counted from 2 where none is written.
pub(crate) fn ledger(name: &str, rows: &[Spent]) -> Frame {
    let plain = (2..).zip(rows).map(|(line, row)| PlainRow {
        file: 0,
        line: if row.line == 0 { line } else { row.line },
        excluded: row.excluded.then_some(Exclusion::Filtered),
        cells: row.cells(),
    });
    let (packed, totals) = pack(Field::TransactionId, Spread::held(0), plain).unwrap();
    Frame {
        side: Side::Ledger,
        rows: packed,
        totals,
        mapped: BTreeSet::from(MAPPED),
        quarantine: Vec::new(),
        files: vec![RawFile {
            name: name.to_owned(),
            origin: Origin::Path { path: name.to_owned() },
            stored: name.into(),
            sha256: name.to_owned(),
            bytes: 1,
        }],
        repeats: Vec::new(),
        rows_read: vec![rows.len() as u64],
        warnings: Vec::new(),
        control_mismatches: Vec::new(),
        audit_updates: Vec::new(),
        file_results: Vec::new(),
        rejected: Vec::new(),
        sifted: Vec::new(),
    }
}

pub(crate) fn found(rule: &FraudRule, rows: &[Spent]) -> Vec<Finding> {
    find(rule, &Rows::of(&ledger("today.csv", rows), &[]).unwrap())
}

pub(crate) fn ids(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.transaction.as_str()).collect()
}

pub(crate) fn amounts(pairs: &[(&str, i64)]) -> BTreeMap<String, i64> {
    pairs.iter().map(|(currency, minor)| ((*currency).to_owned(), *minor)).collect()
}

/// More than so many purchases within 60 seconds.
pub(crate) fn count(by: Grouping, most: u64) -> FraudRule {
    FraudRule::Velocity { by, within: TimeDelta::seconds(60), count: Some(most), sum_minor: BTreeMap::new() }
}

/// More than so much within 60 seconds.
pub(crate) fn sum(by: Grouping, most: &[(&str, i64)]) -> FraudRule {
    FraudRule::Velocity { by, within: TimeDelta::seconds(60), count: None, sum_minor: amounts(most) }
}

pub(crate) fn returns(by: Grouping, beyond: &[(&str, i64)]) -> FraudRule {
    FraudRule::ReturnsAbovePurchases { by, beyond_minor: amounts(beyond) }
}

pub(crate) fn outlier(times: &str, history: u64) -> FraudRule {
    FraudRule::Outlier { times: times.parse::<Decimal>().unwrap(), history }
}

pub(crate) fn deny(field: Field, values: &[&str]) -> FraudRule {
    FraudRule::Deny { field, values: values.iter().map(|value| (*value).to_owned()).collect() }
}

/// What a case is about, the rule, the rows, and the transactions that are found.
type Case<'c> = (&'c str, FraudRule, Vec<Spent>, &'c [&'c str]);

fn check(cases: Vec<Case<'_>>) {
    for (about, rule, rows, expected) in cases {
        assert_eq!(ids(&found(&rule, &rows)), expected, "{about}");
    }
}

#[test]
fn velocity_counts_the_purchases_of_a_window() {
    use Grouping::{Card, Merchant, User};
    let three = || vec![spent("a", 0), spent("b", 10), spent("c", 59)];
    let with = |more: &[Spent]| three().into_iter().chain(more.iter().cloned()).collect::<Vec<_>>();
    check(vec![
        ("exactly at the limit", count(User, 3), three(), &[]),
        ("one above", count(User, 2), three(), &["c"]),
        ("from the crossing on", count(User, 1), three(), &["b", "c"]),
        ("the window's end is out", count(User, 2), vec![spent("a", 0), spent("b", 10), spent("c", 60)], &[]),
        ("the first has left, the window is below again", count(User, 2), with(&[spent("d", 61)]), &["c", "d"]),
        ("long after", count(User, 2), with(&[spent("d", 200)]), &["c"]),
        ("another user", count(User, 2), with(&[spent("d", 30).user("u-2")]), &["c"]),
        ("no user", count(User, 0), vec![spent("a", 0).nobody()], &[]),
        ("no time", count(User, 0), vec![spent("a", 0).untimed()], &[]),
        ("a limit of none", count(User, 0), vec![spent("a", 0)], &["a"]),
        ("users of one merchant", count(Merchant, 1), vec![spent("a", 0), spent("b", 1).user("u-2")], &["b"]),
        ("another merchant", count(Merchant, 1), vec![spent("a", 0), spent("b", 1).merchant("B")], &[]),
        ("users of one card", count(Card, 1), vec![spent("a", 0), spent("b", 1).user("u-2")], &["b"]),
        ("the same last four", count(Card, 1), vec![spent("a", 0), spent("b", 1).card("511111", "1234")], &[]),
        (
            "half a card",
            count(Card, 0),
            vec![
                Spent { card: (None, Some("1234")), ..spent("a", 0) },
                Spent { card: (Some("4"), None), ..spent("b", 0) },
            ],
            &[],
        ),
        ("two currencies", count(User, 1), vec![spent("a", 0), spent("b", 1).currency("EUR")], &["b"]),
        ("an excluded row", count(User, 2), vec![spent("a", 0), spent("b", 1).excluded(), spent("c", 2)], &[]),
        ("declined", count(User, 1), vec![spent("a", 0), spent("b", 1).status("DECLINED")], &[]),
        ("reversed", count(User, 1), vec![spent("a", 0), spent("b", 1).minor(-1_000).status("REVERSED")], &[]),
        ("returned", count(User, 1), vec![spent("a", 0), spent("b", 1).status("RETURNED")], &[]),
        ("nothing spent", count(User, 1), vec![spent("a", 0), spent("b", 1).minor(0)], &[]),
        ("no amount", count(User, 1), vec![spent("a", 0), Spent { minor: None, ..spent("b", 1) }], &[]),
    ]);
}

#[test]
fn one_transaction_is_one_purchase() {
    use Grouping::User;
    check(vec![
        (
            "an authorisation and its settlement",
            count(User, 1),
            vec![spent("a", 0).status("APPROVED"), spent("a", 30).minor(1_100)],
            &[],
        ),
        ("a copy", count(User, 1), vec![spent("a", 0), spent("a", 0)], &[]),
        ("two parts", count(User, 1), vec![spent("a", 0), spent("a", 9).minor(500)], &[]),
        ("the sum of two parts", sum(User, &[("USD", 1_499)]), vec![spent("a", 0), spent("a", 9).minor(500)], &["a"]),
        (
            "the settlement's amount",
            sum(User, &[("USD", 1_099)]),
            vec![spent("a", 0).status("APPROVED"), spent("a", 30).minor(1_100)],
            &["a"],
        ),
        (
            "an authorisation that was reversed",
            count(User, 0),
            vec![spent("a", 0).status("APPROVED"), spent("a", 5).minor(-1_000).status("REVERSED")],
            &[],
        ),
        // Settled at the same time, spent an hour apart.
        (
            "the time is the authorisation's",
            count(User, 1),
            vec![spent("a", -3_600).status("APPROVED"), spent("a", 0), spent("b", 0)],
            &[],
        ),
        (
            "the user stands in another row",
            count(User, 1),
            vec![spent("a", 0).status("APPROVED"), spent("a", 5).nobody(), spent("b", 9)],
            &["b"],
        ),
    ]);
}

#[test]
fn velocity_sums_each_currency_by_itself() {
    use Grouping::User;
    let two = || vec![spent("a", 0), spent("b", 1)];
    check(vec![
        ("exactly at the limit", sum(User, &[("USD", 2_000)]), two(), &[]),
        ("one cent above", sum(User, &[("USD", 1_999)]), two(), &["b"]),
        ("a currency without a limit", sum(User, &[("EUR", 0)]), two(), &[]),
        (
            "of two currencies each",
            sum(User, &[("USD", 1_500), ("EUR", 1_500)]),
            vec![spent("a", 0), spent("b", 1).currency("EUR"), spent("c", 2), spent("d", 3).currency("EUR")],
            &["c", "d"],
        ),
        (
            "only what is of the currency that is above",
            sum(User, &[("USD", 1_500)]),
            vec![spent("a", 0), spent("b", 1), spent("c", 2).currency("EUR")],
            &["b"],
        ),
        (
            "more than 64 bits hold",
            sum(User, &[("USD", i64::MAX)]),
            vec![spent("a", 0).minor(i64::MAX), spent("b", 1).minor(i64::MAX)],
            &["b"],
        ),
    ]);
}

#[test]
fn purchases_of_the_same_time_stand_in_order_of_file_and_line() {
    let rows = vec![spent("c", 0).line(9), spent("a", 0).line(3), spent("b", 0).line(7)];
    let findings = found(&count(Grouping::User, 2), &rows);
    assert_eq!(ids(&findings), ["c"]);
    let lines: Vec<u64> = findings[0].rows.iter().map(|place| place.line).collect();
    assert_eq!(lines, [3, 7, 9]);
}

#[test]
fn returns_are_found_where_they_are_above_the_purchases() {
    use Grouping::{Merchant, User};
    let back = |id: &str, minor: i64| spent(id, 50).minor(-minor).status("RETURNED");
    check(vec![
        ("as much as was bought", returns(User, &[]), vec![spent("a", 0), back("b", 1_000)], &[]),
        ("a cent more", returns(User, &[]), vec![spent("a", 0), back("b", 1_001)], &["b"]),
        ("exactly as far beyond", returns(User, &[("USD", 5)]), vec![spent("a", 0), back("b", 1_005)], &[]),
        ("a cent further", returns(User, &[("USD", 5)]), vec![spent("a", 0), back("b", 1_006)], &["b"]),
        ("beyond in another currency", returns(User, &[("EUR", 500)]), vec![back("b", 1)], &["b"]),
        ("of another currency", returns(User, &[]), vec![spent("a", 0), back("b", 1).currency("EUR")], &["b"]),
        ("of another user", returns(User, &[]), vec![spent("a", 0), back("b", 1).user("u-2")], &["b"]),
        ("by merchant", returns(Merchant, &[]), vec![spent("a", 0), back("b", 1).user("u-2")], &[]),
        ("all returns of the user", returns(User, &[]), vec![back("b", 1), back("a", 2)], &["a", "b"]),
        ("of nobody", returns(User, &[]), vec![back("a", 1).nobody()], &[]),
        ("excluded", returns(User, &[]), vec![back("a", 1).excluded()], &[]),
        ("written without a minus", returns(User, &[]), vec![spent("a", 0).status("RETURNED")], &["a"]),
        ("negative without a status", returns(User, &[]), vec![spent("a", 0).minor(-1)], &["a"]),
        ("a declined return", returns(User, &[]), vec![back("a", 1).status("DECLINED")], &[]),
        ("without a time", returns(User, &[]), vec![back("a", 1).untimed()], &["a"]),
        ("of its own transaction", returns(User, &[]), vec![spent("a", 0), back("a", 1_500)], &["a"]),
        ("twice the same row", returns(User, &[]), vec![spent("a", 0), back("a", 600), back("a", 600)], &[]),
    ]);
}

#[test]
fn a_card_is_shared_from_so_many_users_on() {
    let users = |users| FraudRule::SharedCard { users };
    let two = || vec![spent("a", 0), spent("b", 1).user("u-2"), spent("c", 2)];
    check(vec![
        ("two of three", users(3), two(), &[]),
        ("two of two: every row", users(2), two(), &["a", "b", "c"]),
        ("rows without a user too", users(2), [two(), vec![spent("d", 3).nobody()]].concat(), &["a", "b", "c", "d"]),
        ("nobody is no user", users(2), vec![spent("a", 0), spent("b", 1).nobody()], &[]),
        (
            "the last four alone are no card",
            users(2),
            vec![
                Spent { card: (None, Some("1234")), ..spent("a", 0) },
                Spent { card: (None, Some("1234")), ..spent("b", 0) }.user("u-2"),
            ],
            &[],
        ),
        ("another card", users(2), vec![spent("a", 0), spent("b", 1).user("u-2").card("411111", "9")], &[]),
        ("declined counts", users(2), vec![spent("a", 0), spent("b", 1).user("u-2").status("DECLINED")], &["a", "b"]),
        ("excluded does not", users(2), vec![spent("a", 0), spent("b", 1).user("u-2").excluded()], &[]),
    ]);
}

#[test]
fn an_outlier_is_held_against_the_median_of_the_purchases_before_it() {
    let then = |minors: &[i64], last: i64| {
        let before = minors.iter().zip(0..).map(|(minor, at)| spent(&format!("p{at}"), at).minor(*minor));
        before.chain([spent("z", 1_000).minor(last)]).collect::<Vec<_>>()
    };
    check(vec![
        ("exactly so many times", outlier("10", 3), then(&[1, 2, 9], 20), &["z"]),
        ("a cent less", outlier("10", 3), then(&[1, 2, 9], 19), &[]),
        ("too little history", outlier("10", 4), then(&[1, 2, 9], 9_999), &[]),
        ("between the two in the middle", outlier("3", 4), then(&[1, 2, 3, 9], 8), &["z"]),
        ("half a cent below it", outlier("3", 4), then(&[1, 2, 3, 9], 7), &[]),
        ("a fraction of times", outlier("1.5", 3), then(&[2, 3, 3], 5), &["z"]),
        ("a fraction of times, not reached", outlier("1.5", 3), then(&[2, 3, 3], 4), &[]),
        ("28 decimals", outlier("1.0000000000000000000000000001", 1), then(&[i64::MAX - 1], i64::MAX - 1), &[]),
        ("28 decimals below one", outlier("0.9999999999999999999999999999", 1), then(&[i64::MAX], i64::MAX), &["z"]),
        ("times beyond 64 bits", outlier("79228162514264337593543950335", 1), then(&[i64::MAX], i64::MAX), &[]),
        ("later ones do not count", outlier("2", 1), vec![spent("a", 0).minor(500), spent("b", 1).minor(1)], &[]),
        (
            "of the same time the line decides",
            outlier("2", 1),
            vec![spent("a", 0).minor(9).line(8), spent("b", 0).minor(1).line(4)],
            &["a"],
        ),
        ("another user's", outlier("2", 1), vec![spent("a", 0).minor(1).user("u-2"), spent("b", 1)], &[]),
        ("another currency's", outlier("2", 1), vec![spent("a", 0).minor(1).currency("EUR"), spent("b", 1)], &[]),
        ("nobody's", outlier("2", 1), vec![spent("a", 0).minor(1).nobody(), spent("b", 1).nobody()], &[]),
        (
            "returns are no purchases",
            outlier("2", 1),
            vec![spent("a", 0).minor(-1).status("RETURNED"), spent("b", 1)],
            &[],
        ),
    ]);
}

#[test]
fn what_is_denied_is_found_whatever_its_letters() {
    use Field::{CardFirstSix, Merchant, TransactionId, User};
    check(vec![
        ("as written", deny(Merchant, &["ACME"]), vec![spent("a", 0)], &["a"]),
        ("another letter case", deny(Merchant, &["aCmE"]), vec![spent("a", 0)], &["a"]),
        ("blanks around it", deny(Merchant, &[" acme\t"]), vec![spent("a", 0).merchant(" Acme ")], &["a"]),
        ("letters beyond ASCII", deny(Merchant, &["ÄHRE"]), vec![spent("a", 0).merchant("ähre")], &["a"]),
        ("a part of it", deny(Merchant, &["ACM"]), vec![spent("a", 0)], &[]),
        ("one of several", deny(User, &["u-9", "U-1"]), vec![spent("a", 0), spent("b", 0).user("u-2")], &["a"]),
        ("not stated", deny(User, &["u-1"]), vec![spent("a", 0).nobody()], &[]),
        ("a range of cards", deny(CardFirstSix, &["411111"]), vec![spent("a", 0)], &["a"]),
        ("a transaction", deny(TransactionId, &["A"]), vec![spent("a", 0)], &["a"]),
        ("excluded", deny(User, &["u-1"]), vec![spent("a", 0).excluded()], &[]),
        ("declined", deny(User, &["u-1"]), vec![spent("a", 0).status("DECLINED")], &["a"]),
        ("two rows of one transaction", deny(User, &["u-1"]), vec![spent("a", 0), spent("a", 9).minor(5)], &["a"]),
    ]);
}

#[test]
fn rows_of_earlier_periods_count_and_are_not_found_themselves() {
    let before =
        ledger("before.csv", &[spent("x", 0).minor(-5_000).status("RETURNED"), spent("y", 1).minor(100).user("u-2")]);
    let cases = [
        (count(Grouping::Card, 1), vec!["a"]),
        (returns(Grouping::User, &[]), vec!["b"]),
        (returns(Grouping::Card, &[]), vec!["b"]),
        (FraudRule::SharedCard { users: 2 }, vec!["a", "b"]),
        (deny(Field::User, &["u-1", "u-2"]), vec!["a"]),
    ];
    let today = ledger("today.csv", &[spent("a", 50), spent("b", 51).minor(-10).status("RETURNED").user("u-3")]);
    let rows = Rows::of(&today, std::slice::from_ref(&before)).unwrap();
    for (rule, expected) in cases {
        assert_eq!(ids(&find(&rule, &rows)), expected, "{rule}");
    }
    let outlier =
        find(&outlier("10", 1), &Rows::of(&ledger("today.csv", &[spent("a", 50).user("u-2")]), &[before]).unwrap());
    assert_eq!(ids(&outlier), ["a"]);
    let places: Vec<String> = outlier[0].rows.iter().map(|place| format!("{}:{}", place.file, place.line)).collect();
    assert_eq!(places, ["before.csv:3", "today.csv:2"]);
}

#[test]
fn what_was_authorised_before_and_settles_now_may_be_found() {
    let before = ledger("before.csv", &[spent("a", 0).status("APPROVED"), spent("b", 1).status("APPROVED")]);
    let today = ledger("today.csv", &[spent("b", 5_000).minor(1_200)]);
    let findings = find(&count(Grouping::User, 1), &Rows::of(&today, &[before]).unwrap());
    assert_eq!(ids(&findings), ["b"]);
    assert_eq!(findings[0].amount_minor, 1_200);
    assert!(
        findings[0].detail.starts_with("2 purchases by user u-1 within 1m from 2025-03-19 12:00:00 UTC, 22.00 USD")
    );
}
