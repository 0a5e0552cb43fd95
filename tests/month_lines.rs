//! The receivable, line by line: what each kind of row of a monthly file does to what is owed.

use chrono::NaiveDate;
use tieout::job::Payout;
use tieout::month::facts::{Line, Owed, Place};
use tieout::month::{Closing, MonthError};

use crate::support::months::{World, clawback, files, item};

/// The lines of one currency that hold an item: line, items, commission, reward.
fn lines(closing: &Closing, currency: &str) -> Vec<(Line, u64, i128, i128)> {
    let one = closing.facts.receivable.iter().find(|one| one.currency == currency);
    let lines = one.into_iter().flat_map(|one| &one.lines).filter(|line| line.items > 0);
    lines.map(|line| (line.line, line.items, line.owed.issuer_commission_minor, line.owed.user_reward_minor)).collect()
}

struct Case {
    name: &'static str,
    world: World,
    lines: Vec<(Line, u64, i128, i128)>,
    /// Items, commission, reward.
    closing: (u64, i128, i128),
}

fn case(name: &'static str, world: World, lines: &[(Line, u64, i128, i128)], closing: (u64, i128, i128)) -> Case {
    Case { name, world, lines: lines.to_vec(), closing }
}

/// February holds these rows, March those; a and b settle in February.
fn from_february() -> World {
    let [a, b] = ["a", "b"].map(|id| item(id).settled("2025-02-10"));
    World::new().month("2025-02", &[a, b])
}

fn february(id: &str) -> crate::support::months::Line {
    item(id).settled("2025-02-10")
}

fn plain_cases() -> Vec<Case> {
    use Line as L;
    vec![
        case(
            "pending and paid items that settle in the month",
            World::new().month("2025-03", &[item("a"), item("b").paid()]),
            &[(L::NewlySettled, 2, 400, 200), (L::Paid, 1, -200, -100), (L::Pending, 1, 200, 100)],
            (1, 200, 100),
        ),
        case(
            "an item that settled before, and that no file has told of",
            World::new().month("2025-03", &[february("a")]),
            &[(L::SettledEarlier, 1, 200, 100), (L::Pending, 1, 200, 100)],
            (1, 200, 100),
        ),
        case(
            "an item without a time is of the month whose file states it",
            World::new().month("2025-03", &[crate::support::months::Line { settled: None, ..item("a") }]),
            &[(L::NewlySettled, 1, 200, 100), (L::Pending, 1, 200, 100)],
            (1, 200, 100),
        ),
        case(
            "what is pending stays, and what is paid goes",
            from_february().month("2025-03", &[february("a"), february("b").paid()]),
            &[(L::Opening, 2, 400, 200), (L::Paid, 1, -200, -100), (L::Pending, 1, 200, 100)],
            (1, 200, 100),
        ),
        case(
            "another amount is an adjustment, whether it is pending or paid",
            from_february().month("2025-03", &[february("a").owed(150, 100), february("b").owed(200, 130).paid()]),
            &[
                (L::Opening, 2, 400, 200),
                (L::Adjusted, 2, -50, 30),
                (L::Paid, 1, -200, -130),
                (L::Pending, 1, 150, 100),
            ],
            (1, 150, 100),
        ),
        case(
            "what is dropped stays claimed",
            from_february().month("2025-03", &[february("a")]),
            &[(L::Opening, 2, 400, 200), (L::Pending, 1, 200, 100), (L::Dropped, 1, 200, 100)],
            (2, 400, 200),
        ),
        case(
            "what is clawed back is owed no more",
            from_february().month("2025-03", &[february("a")]).notices(&[clawback("b")]),
            &[(L::Opening, 2, 400, 200), (L::ClawedBack, 1, -200, -100), (L::Pending, 1, 200, 100)],
            (1, 200, 100),
        ),
        case(
            "a clawback notice takes nothing away that the file still states",
            from_february().month("2025-03", &[february("a"), february("b")]).notices(&[clawback("b")]),
            &[(L::Opening, 2, 400, 200), (L::Pending, 2, 400, 200)],
            (2, 400, 200),
        ),
    ]
}

fn odd_cases() -> Vec<Case> {
    use Line as L;
    let paid = || World::new().month("2025-02", &[february("a").paid()]);
    vec![
        case(
            "paid before and paid again",
            paid().month("2025-03", &[february("a").paid()]),
            &[(L::StatedAgain, 1, 200, 100), (L::Paid, 1, -200, -100)],
            (0, 0, 0),
        ),
        case(
            "paid before and pending again",
            paid().month("2025-03", &[february("a")]),
            &[(L::StatedAgain, 1, 200, 100), (L::Pending, 1, 200, 100)],
            (1, 200, 100),
        ),
        case(
            "paid before, pending again, and gone again",
            World::new()
                .month("2025-01", &[item("a").settled("2025-01-10").paid()])
                .month("2025-02", &[item("a").settled("2025-01-10")])
                .month("2025-03", &[]),
            &[(L::Opening, 1, 200, 100), (L::StatedAgain, 1, -200, -100)],
            (0, 0, 0),
        ),
        case(
            "dropped in February, and back in March with another amount",
            World::new()
                .month("2025-01", &[item("a").settled("2025-01-10")])
                .month("2025-02", &[])
                .month("2025-03", &[item("a").settled("2025-01-10").owed(210, 100)]),
            &[(L::Opening, 1, 200, 100), (L::Adjusted, 1, 10, 0), (L::Pending, 1, 210, 100)],
            (1, 210, 100),
        ),
        case(
            "clawed back in February, and stated in March all the same",
            World::new()
                .month("2025-01", &[item("a").settled("2025-01-10")])
                .month("2025-02", &[])
                .notices(&[clawback("a")])
                .month("2025-03", &[item("a").settled("2025-01-10")]),
            &[(L::Adjusted, 1, 200, 100), (L::Pending, 1, 200, 100)],
            (1, 200, 100),
        ),
        case(
            "a notice of February explains what is gone in March",
            World::new().month("2025-02", &[february("a")]).notices(&[clawback("a")]).month("2025-03", &[]),
            &[(L::Opening, 1, 200, 100), (L::ClawedBack, 1, -200, -100)],
            (0, 0, 0),
        ),
        case(
            "without a file everything is carried forward",
            from_february().without_file("2025-03").notices(&[clawback("a")]),
            &[(L::Opening, 2, 400, 200), (L::Pending, 2, 400, 200)],
            (2, 400, 200),
        ),
    ]
}

#[test]
fn every_row_of_the_file_moves_its_lines_and_no_other() {
    let cases = [plain_cases(), odd_cases()].concat();
    for Case { name, world, lines: expected, closing: (items, commission, reward) } in cases {
        let closing = world.close("2025-03");
        assert_eq!(lines(&closing, "USD"), expected, "{name}");
        let usd = &closing.facts.receivable[0];
        let owed = Owed { issuer_commission_minor: commission, user_reward_minor: reward };
        assert_eq!((usd.closing_items, usd.closing), (items, owed), "{name}");
        assert!(usd.residual.is_zero(), "{name}");
    }
}

impl Clone for Case {
    fn clone(&self) -> Self {
        Self { name: self.name, world: self.world.clone(), lines: self.lines.clone(), closing: self.closing }
    }
}

#[test]
fn an_item_in_another_currency_leaves_the_one_and_enters_the_other() {
    let closing = World::new()
        .month("2025-02", &[february("a")])
        .month("2025-03", &[february("a").currency("EUR").owed(180, 90)])
        .close("2025-03");
    assert_eq!(lines(&closing, "USD"), [(Line::Opening, 1, 200, 100), (Line::Adjusted, 1, -200, -100)]);
    assert_eq!(lines(&closing, "EUR"), [(Line::Adjusted, 1, 180, 90), (Line::Pending, 1, 180, 90)]);
}

#[test]
fn repeated_contradicting_and_unsettled_rows_are_left_out_and_told() {
    let rows = [
        item("a"),
        item("a"),
        item("b"),
        item("b").owed(300, 100),
        item("b").paid(),
        item("c").status("RETURNED").owed(-200, -100),
    ];
    let closing = World::new().month("2025-03", &rows).close("2025-03");
    assert_eq!(lines(&closing, "USD"), [(Line::NewlySettled, 2, 400, 200), (Line::Pending, 2, 400, 200)]);
    let told: Vec<_> = closing
        .facts
        .left_out
        .iter()
        .map(|left| (left.reason.name(), left.currency.as_str(), left.rows, left.owed.total_minor()))
        .collect();
    let expected = [("repeated", "USD", 1, 300), ("conflicting", "USD", 2, 700), ("not_settled", "USD", 1, -300)];
    assert_eq!(told, expected);
}

#[test]
fn rows_that_are_excluded_and_files_of_later_months_take_no_part() {
    let march = files(&[("kard-2025-03.csv", &[item("a"), item("b").excluded()])]);
    let mut world = World::new().month("2025-04", &[item("c").settled("2025-04-10")]);
    world.months.push((crate::support::months::month("2025-03"), Some(march), None));
    let closing = world.close("2025-03");
    assert_eq!(lines(&closing, "USD"), [(Line::NewlySettled, 1, 200, 100), (Line::Pending, 1, 200, 100)]);
}

#[test]
fn each_line_stands_at_its_own_place() {
    assert_eq!(Line::ALL.map(|line| line as usize), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
}

#[test]
fn every_number_leads_to_its_rows() {
    let mut world = from_february().month("2025-03", &[february("a"), item("c").paid()]);
    world.months[0].1 =
        Some(files(&[("one.csv", &[february("a")]), ("two.csv", &[february("x").paid(), february("b")])]));
    let facts = world.close("2025-03").facts;
    assert_eq!(facts.files, ["one.csv", "two.csv", "kard-2025-03.csv"]);
    let items: Vec<_> = facts.items.iter().map(|item| (&*item.transaction, item.now, item.before)).collect();
    let place = |file, line| Some(Place { file, line });
    // What was paid in February moves nothing in March.
    assert_eq!(items, [("a", place(2, 2), place(0, 2)), ("b", None, place(1, 3)), ("c", place(2, 3), None)]);
    for receivable in &facts.receivable {
        for line in &receivable.lines {
            let entries: Vec<_> = facts.entries.iter().filter(|entry| entry.line == line.line).collect();
            let sum: i128 =
                entries.iter().map(|entry| i128::from(entry.issuer_commission_minor + entry.user_reward_minor)).sum();
            assert_eq!((entries.len() as u64, sum), (line.items, line.owed.total_minor()), "{:?}", line.line);
        }
    }
}

#[test]
fn the_months_that_are_known_and_those_without_a_file_are_told() {
    let world = World::new()
        .without_file("2024-12")
        .month("2025-01", &[])
        .without_file("2025-02")
        .month("2025-03", &[item("a")]);
    let facts = world.close("2025-03").facts;
    assert_eq!((facts.known_from.as_deref(), facts.without_file), (Some("2025-01"), vec!["2025-02".to_owned()]));
    let facts = World::new().close("2025-03").facts;
    assert_eq!((facts.known_from, facts.without_file, facts.file_is_there), (None, vec!["2025-03".to_owned()], false));
}

#[test]
fn what_is_fronted_depends_on_how_users_are_paid() {
    let mut world = from_february().month("2025-03", &[february("a").paid(), item("c"), item("d").owed(0, 250)]);
    let fronted = |world: &World| {
        let facts = world.close("2025-03").facts;
        (facts.fronted[0].items, facts.fronted[0].user_reward_minor)
    };
    // b is dropped and stays claimed: its user has the reward.
    assert_eq!(fronted(&world), (3, 450));
    world.spec.payout = Payout::Withheld;
    assert_eq!(fronted(&world), (1, 100));
}

#[test]
fn what_is_owed_is_counted_by_days_from_settlement_to_the_end_of_the_month() {
    // From noon to the end of 2025-03-31: half a day more than the whole ones.
    let settled = |id: &str, days: u64| {
        let day = NaiveDate::from_ymd_opt(2025, 3, 31).unwrap() - chrono::Days::new(days);
        item(id).settled(&day.to_string())
    };
    let rows = [
        settled("a", 0),
        settled("b", 30),
        settled("c", 31),
        settled("d", 60).merchant("Airline"),
        settled("e", 61),
        settled("f", 90).merchant("Airline"),
        settled("g", 91).merchant("Airline"),
        item("later").settled("2025-04-02"),
    ];
    let facts = World::new().month("2025-03", &rows).close("2025-03").facts;
    let told: Vec<_> = facts
        .ageing
        .iter()
        .map(|bucket| (bucket.from_days, bucket.to_days, bucket.items, bucket.past_terms_items))
        .collect();
    assert_eq!(told, [(0, Some(30), 3, 0), (31, Some(60), 2, 1), (61, Some(90), 2, 1), (91, None, 1, 1)]);
    let owed: i128 = facts.ageing.iter().map(|bucket| bucket.owed.total_minor()).sum();
    assert_eq!(owed, facts.receivable[0].closing.total_minor());
}

#[test]
fn amounts_that_64_bits_do_not_hold_are_refused_by_name() {
    let world = World::new()
        .month("2025-02", &[february("a").owed(i64::MIN, 0)])
        .month("2025-03", &[february("a").owed(i64::MAX, 0)]);
    let error = world.try_close("2025-03").unwrap_err();
    assert!(matches!(&error, MonthError::Overflow { transaction } if transaction == "a"));
    let text = "transaction `a`: its amounts are beyond what 64 bits hold when they are added or compared";
    assert_eq!(error.to_string(), text);
    let most = World::new().month("2025-03", &[item("a").owed(i64::MAX, i64::MAX), item("b").owed(i64::MAX, 1)]);
    let usd = most.close("2025-03").facts.receivable[0].closing;
    assert_eq!(usd.total_minor(), 3 * i128::from(i64::MAX) + 1);
}
