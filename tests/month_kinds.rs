//! The breaks of a closed month: when each kind is found, with what at risk, and when not.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use tieout::breaks::{Break, BreakKind, RowRef};
use tieout::frames::{Frame, Measure, Quarantined, Side};
use tieout::job::{Payout, Splits};
use tieout::month::facts::{Counted, DayLine};

use crate::support::months::{Line, World, clawback, file, item, told};

fn january(id: &str) -> Line {
    item(id).settled("2025-01-10").merchant("Airline")
}

fn february(id: &str) -> Line {
    item(id).settled("2025-02-25").merchant("Airline")
}

/// Name, world, and what is found in March.
type Case = (&'static str, World, Vec<(BreakKind, &'static str, i64)>);

fn from_month_to_month() -> Vec<Case> {
    use BreakKind as K;
    let paid = || World::new().month("2025-02", &[february("a").paid()]);
    let pending = || World::new().month("2025-02", &[february("a")]);
    vec![
        ("pending stays pending", pending().month("2025-03", &[february("a")]), vec![]),
        ("pending is paid", pending().month("2025-03", &[february("a").paid()]), vec![]),
        ("paid is gone", paid().month("2025-03", &[]), vec![]),
        ("pending is gone", pending().month("2025-03", &[]), vec![(K::DroppedPending, "a", 300)]),
        ("gone with a notice", pending().month("2025-03", &[]).notices(&[clawback("a")]), vec![]),
        (
            "gone with a notice about another one",
            pending().month("2025-03", &[]).notices(&[clawback("b")]),
            vec![(K::DroppedPending, "a", 300)],
        ),
        (
            "gone with a notice that is no clawback",
            pending().month("2025-03", &[]).notices(&[item("a")]),
            vec![(K::DroppedPending, "a", 300)],
        ),
        (
            "gone since February",
            World::new().month("2025-01", &[january("a")]).month("2025-02", &[]).month("2025-03", &[]),
            vec![(K::DroppedPending, "a", 300)],
        ),
        (
            "gone in February and back",
            World::new().month("2025-01", &[january("a")]).month("2025-02", &[]).month("2025-03", &[january("a")]),
            vec![],
        ),
        (
            "gone in February and paid",
            World::new()
                .month("2025-01", &[january("a")])
                .month("2025-02", &[])
                .month("2025-03", &[january("a").paid()]),
            vec![],
        ),
        ("pending, and no file", pending().without_file("2025-03"), vec![]),
        ("paid twice", paid().month("2025-03", &[february("a").paid()]), vec![(K::PaidTwice, "a", 300)]),
        ("paid and pending", paid().month("2025-03", &[february("a")]), vec![(K::PaidTwice, "a", 300)]),
        (
            "paid, and again with another amount, is one thing and not two",
            paid().month("2025-03", &[february("a").owed(500, 1).paid()]),
            vec![(K::PaidTwice, "a", 501)],
        ),
        (
            "paid and repeated in the one file",
            World::new().month("2025-03", &[item("a").paid(), item("a").paid()]),
            vec![],
        ),
    ]
}

fn amounts_and_age() -> Vec<Case> {
    use BreakKind as K;
    let pending = || World::new().month("2025-02", &[february("a")]);
    let only = |rows: &[Line]| World::new().month("2025-03", rows);
    let unsaid = Line { commission: None, reward: None, ..february("a") };
    let silent = Line { amount: None, commission: None, ..february("a") };
    vec![
        (
            "pending with another reward",
            pending().month("2025-03", &[february("a").owed(200, 130)]),
            vec![(K::Restated, "a", 30)],
        ),
        (
            "pending with two other amounts",
            pending().month("2025-03", &[february("a").owed(180, 130)]),
            vec![(K::Restated, "a", 50)],
        ),
        (
            "pending with another transaction amount",
            pending().month("2025-03", &[february("a").amount(9_900)]),
            vec![(K::Restated, "a", 100)],
        ),
        (
            "paid with another transaction amount",
            pending().month("2025-03", &[february("a").amount(9_900).paid()]),
            vec![(K::Restated, "a", 100)],
        ),
        (
            "paid with another commission",
            pending().month("2025-03", &[february("a").owed(150, 100).paid()]),
            vec![(K::PaidAmountMismatch, "a", 50)],
        ),
        (
            "in another currency",
            pending().month("2025-03", &[february("a").currency("EUR")]),
            vec![(K::Restated, "a", 300)],
        ),
        ("what a file does not state is no other amount", pending().month("2025-03", &[silent]), vec![]),
        ("on the last day of its terms", only(&[item("a").settled("2025-03-01")]), vec![]),
        ("past the usual terms", only(&[item("a").settled("2025-02-28")]), vec![(K::SettledUnpaid, "a", 300)]),
        ("within its merchant's terms", only(&[item("a").settled("2025-01-01").merchant("Airline")]), vec![]),
        (
            "past its merchant's terms",
            only(&[item("a").settled("2024-12-30").merchant("Airline")]),
            vec![(K::SettledUnpaid, "a", 300)],
        ),
        ("paid late", only(&[item("a").settled("2024-12-30").paid()]), vec![]),
        (
            "gone, and past its terms as well, is one thing and not two",
            World::new().month("2025-02", &[item("a").settled("2025-02-01")]).month("2025-03", &[]),
            vec![(K::DroppedPending, "a", 300)],
        ),
        (
            "where nothing is owed nothing is at risk",
            World::new().month("2025-02", &[february("a").owed(0, 0)]).month("2025-03", &[]),
            vec![(K::DroppedPending, "a", 0)],
        ),
        (
            "where the file does not say what is owed the amount is at risk",
            World::new().month("2025-02", &[unsaid]).month("2025-03", &[]),
            vec![(K::DroppedPending, "a", 10_000)],
        ),
    ]
}

fn days_and_month() -> Vec<Case> {
    use BreakKind as K;
    let day = |rows: &[Line]| World::new().day("2025-03-10", rows);
    let other = || item("a").owed(200, 120);
    vec![
        ("in the day and in the month", day(&[item("a")]).month("2025-03", &[item("a")]), vec![]),
        ("only in the day", day(&[item("a")]).month("2025-03", &[]), vec![(K::MissingInMonth, "a", 300)]),
        ("only in the month", day(&[]).month("2025-03", &[item("a")]), vec![(K::MissingInDailies, "a", 300)]),
        (
            "only in the month, on a day that has no file",
            day(&[]).month("2025-03", &[item("a").settled("2025-03-11")]),
            vec![],
        ),
        (
            "no file for a day",
            day(&[]).day_missing("2025-03-11").month("2025-03", &[]),
            vec![(K::FileMissing, "2025-03-11", 0)],
        ),
        ("not settled in the day", day(&[item("a").status("APPROVED")]).month("2025-03", &[]), vec![]),
        ("clawed back since", day(&[item("a")]).month("2025-03", &[]).notices(&[clawback("a")]), vec![]),
        ("settled after the month", day(&[item("a").settled("2025-04-01")]).month("2025-03", &[]), vec![]),
        ("the month has no file", day(&[item("a")]).without_file("2025-03"), vec![]),
        (
            "told late, and paid by an earlier file",
            day(&[february("a")]).month("2025-02", &[february("a").paid()]).month("2025-03", &[]),
            vec![],
        ),
        (
            "told by the day and by an earlier file, and gone: one thing and not two",
            day(&[february("a")]).month("2025-02", &[february("a")]).month("2025-03", &[]),
            vec![(K::DroppedPending, "a", 300)],
        ),
        ("restated", day(&[item("a")]).month("2025-03", &[other()]), vec![(K::Restated, "a", 20)]),
        (
            "paid with another amount than the day's",
            day(&[item("a")]).month("2025-03", &[other().paid()]),
            vec![(K::PaidAmountMismatch, "a", 20)],
        ),
        (
            "a later day says what the month says",
            day(&[item("a")]).day("2025-03-12", &[other()]).month("2025-03", &[other()]),
            vec![],
        ),
    ]
}

#[test]
fn each_kind_is_found_where_it_is_and_nowhere_else() {
    for (name, world, expected) in [from_month_to_month(), amounts_and_age(), days_and_month()].concat() {
        assert_eq!(told(&world.close("2025-03").breaks), expected, "{name}");
    }
}

/// The kinds that the close of a month can find, for the list of all kinds.
pub fn kinds_of_months() -> BTreeSet<BreakKind> {
    let all = [from_month_to_month(), amounts_and_age(), days_and_month()].concat();
    all.iter().flat_map(|(_, world, _)| world.close("2025-03").breaks).map(|found| found.kind).collect()
}

fn only(world: &World) -> Break {
    let breaks = world.close("2025-03").breaks;
    let [one] = breaks.as_slice() else { panic!("{breaks:#?}") };
    one.clone()
}

#[test]
fn each_break_says_in_one_sentence_where_its_rows_stand_and_what_is_owed() {
    let owed = "issuer commission 2.00 USD and user reward 1.00 USD";
    let pending = || World::new().month("2025-01", &[january("x").paid(), january("a")]);
    let table = [
        (
            pending().month("2025-02", &[]).month("2025-03", &[]),
            format!(
                "pending in kard-2025-01.csv line 3 (2025-01), not in the file of 2025-02, nor in any since, and no \
                 clawback notice says why; {owed} stay claimed"
            ),
        ),
        (
            pending().without_file("2025-02").month("2025-03", &[]),
            format!(
                "pending in kard-2025-01.csv line 3 (2025-01), not in the file of 2025-03, and no clawback notice says \
                 why; {owed} stay claimed; it may be paid in a file that is not there: 2025-02"
            ),
        ),
        (
            World::new().month("2025-02", &[january("a")]).month("2025-03", &[january("a").status("RETURNED")]),
            format!(
                "pending in kard-2025-02.csv line 2 (2025-02), not in the file of 2025-03, and no clawback notice says \
                 why; {owed} stay claimed; kard-2025-03.csv line 2 states it as RETURNED"
            ),
        ),
        (
            World::new().month("2025-02", &[february("a").paid()]).month("2025-03", &[february("a")]),
            format!(
                "paid in kard-2025-02.csv line 2 (2025-02), and stated again as pending in kard-2025-03.csv line 2: {owed}"
            ),
        ),
        (
            World::new().month("2025-03", &[item("a").settled("2025-02-10")]),
            format!("still pending 49 days after it settled, where the merchant's terms are 30 days: {owed}"),
        ),
        (
            World::new().month("2025-02", &[february("a")]).month("2025-03", &[february("a").owed(200, 130).paid()]),
            "user reward 1.00 USD in kard-2025-02.csv line 2, user reward 1.30 USD in kard-2025-03.csv line 2"
                .to_owned(),
        ),
        (
            World::new().day("2025-03-10", &[item("a")]).month("2025-03", &[]),
            format!("settled in day-2025-03-10.json line 2 (2025-03-10), not in the file of 2025-03: {owed}"),
        ),
        (
            World::new().day("2025-03-10", &[]).month("2025-03", &[item("a")]),
            format!("newly settled in kard-2025-03.csv line 2, in no file of rewards-daily: {owed}"),
        ),
        (
            World::new().day_missing("2025-03-10").month("2025-03", &[]),
            "rewards-daily has no finished run for 2025-03-10: its items are not held against the month's".to_owned(),
        ),
    ];
    for (world, detail) in table {
        assert_eq!(only(&world).detail, detail);
    }
}

#[test]
fn a_dropped_item_may_be_among_the_rows_that_cannot_be_read() {
    let mut world = World::new().month("2025-02", &[february("a")]);
    let mut march = file("kard-2025-03.csv", &[]);
    march.quarantine.push(Quarantined {
        side: Side::File,
        file: 0,
        file_name: "kard-2025-03.csv".to_owned(),
        line: 2,
        field: None,
        value: "?".to_owned(),
        reason: "no row".to_owned(),
        currency: None,
        amounts_minor: [None; 3],
    });
    world.months.push((crate::support::months::month("2025-03"), Some(march), None));
    let detail = only(&world).detail;
    assert!(detail.ends_with("; it may be among the 1 rows of 2025-03 that cannot be read"), "{detail}");
}

#[test]
fn a_break_carries_what_the_file_says_and_its_age_and_points_only_into_the_months_own_files() {
    let dropped = only(&World::new().month("2025-02", &[february("a").owed(100, 250)]).month("2025-03", &[]));
    assert_eq!((dropped.measure, dropped.difference_minor, dropped.age_days), (Measure::UserReward, None, 34));
    let side = dropped.side(Side::File).expect("what the file said");
    assert_eq!((side.user_reward_minor, side.payment_status.as_deref()), (Some(250), Some("UNPAID")));
    // Its row stands in a file of another month, which the detail names.
    assert_eq!(side.rows, []);
    let restated = only(
        &World::new()
            .month("2025-02", &[february("a")])
            .month("2025-03", &[item("z").paid(), february("a").owed(200, 130)]),
    );
    assert_eq!((restated.measure, restated.difference_minor), (Measure::UserReward, Some(-30)));
    assert_eq!(restated.side(Side::File).expect("stated").rows, [RowRef { file: 0, line: 3 }]);
}

#[test]
fn what_is_wrong_with_one_transaction_keeps_its_id_from_month_to_month() {
    let unpaid = only(&World::new().month("2025-03", &[item("a").settled("2025-01-02")]));
    let dropped = only(&World::new().month("2025-02", &[january("a")]).month("2025-03", &[]));
    let twice = only(&World::new().month("2025-02", &[january("a").paid()]).month("2025-03", &[january("a")]));
    assert_eq!((&unpaid.id, &dropped.id), (&twice.id, &twice.id));
    let missing = only(&World::new().day("2025-03-10", &[item("a")]).month("2025-03", &[]));
    assert_ne!(missing.id, unpaid.id);
}

#[test]
fn the_roll_forward_tells_day_by_day_where_the_items_are() {
    let mut world = World::new()
        .day("2025-03-10", &[item("a"), item("b"), item("c"), item("x"), item("y").status("APPROVED")])
        .day("2025-03-11", &[item("x"), item("e").currency("EUR"), item("f").settled("2025-04-01")])
        .day("2025-03-13", &[])
        .day_missing("2025-03-12")
        .month("2025-03", &[item("a"), item("b").owed(210, 100), item("x"), item("n"), item("m").settled("2025-03-12")])
        .notices(&[clawback("e")]);
    world.spec.payout = Payout::Withheld;
    let roll = world.close("2025-03").facts.roll_forward.expect("the job names its dailies");
    let shown = |line: &DayLine| {
        let of = |counted: Counted| counted.items;
        (
            (line.day.clone(), line.currency.clone(), line.rows, line.repeated_rows),
            [line.items, line.in_month, line.missing, line.clawed_back, line.waiting, line.restated].map(of),
        )
    };
    let day = |day: &str, currency: &str, rows, repeated| (day.to_owned(), currency.to_owned(), rows, repeated);
    let expected = [
        // x counts on the last day that tells of it.
        (day("2025-03-10", "USD", 4, 1), [3, 2, 1, 0, 0, 1]),
        (day("2025-03-11", "EUR", 1, 0), [1, 0, 0, 1, 0, 0]),
        (day("2025-03-11", "USD", 2, 0), [2, 1, 0, 0, 1, 0]),
        (day("2025-03-12", "", 0, 0), [0; 6]),
        (day("2025-03-13", "", 0, 0), [0; 6]),
    ];
    assert_eq!(roll.days.iter().map(shown).collect::<Vec<_>>(), expected);
    let there: Vec<bool> = roll.days.iter().map(|line| line.is_there).collect();
    assert_eq!((there, roll.days_missing), (vec![true, true, true, false, true], 1));
    let totals: Vec<_> = roll.totals.iter().map(shown).collect();
    assert_eq!(totals, [(day("", "EUR", 1, 0), [1, 0, 0, 1, 0, 0]), (day("", "USD", 6, 1), [5, 3, 1, 0, 1, 1])]);
    assert_eq!(roll.totals[1].restated.owed.total_minor(), 10);
    let counted = |of: &[tieout::month::facts::CountedIn]| of.iter().map(|one| one.items).collect::<Vec<_>>();
    // n settled on the 10th, whose file is there; m on the 12th, which has none.
    assert_eq!((counted(&roll.not_in_dailies), counted(&roll.not_compared)), (vec![1], vec![1]));
}

/// Two settlements of item `a`, so many minutes apart, in the file of one day; the month states their sum.
fn in_parts(minutes: i64) -> World {
    let first = item("a").amount(6_000).owed(120, 60);
    let later = first.settled.map(|at| at + TimeDelta::minutes(minutes));
    let rest = Line { settled: later, ..item("a").amount(4_000).owed(80, 40) };
    World::new().day("2025-03-10", &[first, rest]).month("2025-03", &[item("a")])
}

#[test]
fn parts_of_one_purchase_are_held_against_the_month_together_where_the_daily_job_sums_them() {
    let summed = World { day_splits: Splits::Sum, ..in_parts(40) }.close("2025-03");
    assert_eq!(told(&summed.breaks), []);
    let line = &summed.facts.roll_forward.as_ref().expect("the job names its dailies").days[0];
    assert_eq!((line.rows, line.repeated_rows, line.items.items, line.in_month.items), (2, 0, 1, 1));
    assert_eq!((line.items.owed.total_minor(), line.restated.items), (300, 0));
    let apart = in_parts(40).close("2025-03");
    assert_eq!(told(&apart.breaks), [(BreakKind::Restated, "a", 120)], "the first row counts");
    // Two rows of one moment are no parts: they contradict each other.
    let conflicting = World { day_splits: Splits::Sum, ..in_parts(0) }.close("2025-03");
    assert_eq!(told(&conflicting.breaks), [(BreakKind::Restated, "a", 120)]);
    let line = &conflicting.facts.roll_forward.as_ref().expect("the job names its dailies").days[0];
    assert_eq!((line.rows, line.repeated_rows, line.items.items), (2, 1, 1));
}

#[test]
fn parts_that_the_month_does_not_have_are_missing_with_what_they_add_up_to() {
    let mut world = World { day_splits: Splits::Sum, ..in_parts(40) };
    world.months.clear();
    let found = only(&world.month("2025-03", &[]));
    assert_eq!((found.kind, found.at_risk_minor), (BreakKind::MissingInMonth, 300));
    assert_eq!(found.side(Side::File).expect("what the day says").amount_minor, Some(10_000));
}

#[test]
fn what_settles_within_the_grace_of_the_months_end_may_stand_in_the_next_months_first_file() {
    let late = |hours| Line {
        settled: item("a").settled("2025-03-31").settled.map(|at| at + TimeDelta::hours(hours)),
        ..item("a")
    };
    let world = |hours| World::new().day("2025-03-31", &[]).month("2025-03", &[late(hours)]);
    let graced = |hours| World { grace: TimeDelta::hours(4), ..world(hours) }.close("2025-03");
    let closed = graced(9);
    assert_eq!(told(&closed.breaks), []);
    let roll = closed.facts.roll_forward.expect("the job names its dailies");
    assert_eq!((roll.not_in_dailies.len(), roll.not_compared[0].items), (0, 1));
    assert_eq!(told(&graced(8).breaks), [(BreakKind::MissingInDailies, "a", 300)], "at 20:00 the grace is over");
    assert_eq!(told(&world(9).close("2025-03").breaks), [(BreakKind::MissingInDailies, "a", 300)], "without any grace");
}

#[test]
fn an_item_belongs_to_the_day_of_the_jobs_zone() {
    let mut world = World::new().day("2025-03-10", &[]);
    let late = Line { settled: Some(crate::support::months::noon("2025-03-11") - TimeDelta::hours(9)), ..item("a") };
    world = world.month("2025-03", &[late]);
    assert_eq!(told(&world.close("2025-03").breaks), [], "at 03:00 UTC it is the 11th, which has no file");
    for (period, ..) in &mut world.months {
        *period = in_new_york(&period.label);
    }
    let closing = tieout::month::close(&tieout::month::Inputs {
        job: "rewards-monthly",
        period: &world.months[0].0,
        spec: &world.spec,
        months: world.months.iter().map(|(period, frame, _)| month_file(period, frame.as_ref())).collect(),
        days: world.days.iter().map(|(day, frame)| tieout::month::DayFile { day, frame: frame.as_ref() }).collect(),
        sealed: None,
        day_splits: world.day_splits,
        grace: world.grace,
    });
    let breaks = closing.expect("closes").breaks;
    assert_eq!(told(&breaks), [(BreakKind::MissingInDailies, "a", 300)], "in New York it is still the 10th");
}

fn in_new_york(label: &str) -> tieout::period::Period {
    let zone = chrono_tz::America::New_York;
    tieout::period::Period::parse(label, tieout::job::Grain::Month, zone).expect("a month")
}

fn month_file<'a>(period: &'a tieout::period::Period, frame: Option<&'a Frame>) -> tieout::month::MonthFile<'a> {
    tieout::month::MonthFile { period, frame, webhooks: None }
}
