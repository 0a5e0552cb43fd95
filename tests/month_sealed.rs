//! A month whose month before is sealed: it opens with what was signed off, and what the files say otherwise since is a
//! line of its own.

use proptest::prelude::*;
use tieout::month::Closing;
use tieout::month::facts::{Line as Of, Owed, Place, Receivable};

use crate::support::months::{Line, World, clawback, file, item};

/// Line, items, commission and reward of every line that moves something.
fn lines(closing: &Closing, currency: &str) -> Vec<(Of, u64, i128, i128)> {
    let one = closing.facts.receivable.iter().find(|one| one.currency == currency).expect("the currency");
    let told = one.lines.iter().filter(|line| line.items > 0);
    told.map(|line| (line.line, line.items, line.owed.issuer_commission_minor, line.owed.user_reward_minor)).collect()
}

/// Closes March after February was sealed over another world.
fn close_after(now: &World, sealed: &World) -> Closing {
    let february = sealed.close("2025-02");
    now.try_close_after("2025-03", Some((sealed, &february.facts.receivable))).unwrap()
}

fn february(id: &str) -> Line {
    item(id).settled("2025-02-10")
}

fn world(february: &[Line], march: &[Line]) -> World {
    World::new().month("2025-02", february).month("2025-03", march)
}

#[test]
fn where_nothing_has_changed_the_month_opens_as_it_would_have() {
    let now = world(&[february("a"), february("b").paid()], &[february("a").paid(), item("c")]);
    let mut after = close_after(&now, &now);
    let open = now.close("2025-03");
    assert_eq!(after.facts.sealed.take().unwrap().period, "2025-02");
    for item in &mut after.facts.items {
        item.sealed = None;
    }
    assert_eq!(after, open);
}

#[test]
fn each_kind_of_later_fact_is_adjusted_with_both_rows_behind_it() {
    let then = [february("a"), february("b"), february("c").paid(), february("e")];
    let corrected = [february("a").owed(300, 100), february("c"), february("d"), february("e").paid()];
    let now = world(&corrected, &[february("a").owed(300, 100).paid(), february("c"), february("d"), item("m")]);
    let sealed = world(&then, &[]);
    let closing = close_after(&now, &sealed);
    assert_eq!(
        lines(&closing, "USD"),
        [
            (Of::Opening, 3, 600, 300),
            // a +100; b is gone, e is paid; c and d are owed.
            (Of::AdjustedAfterSeal, 5, 100, 0),
            (Of::NewlySettled, 1, 200, 100),
            (Of::Paid, 1, -300, -100),
            (Of::Pending, 3, 600, 300),
        ]
    );
    let facts = &closing.facts;
    assert_eq!(facts.files, ["kard-2025-02.csv", "kard-2025-03.csv", "kard-2025-02.csv"]);
    let place = |file, line| Some(Place { file, line });
    let rows: Vec<_> = facts.items.iter().map(|one| (&*one.transaction, one.now, one.before, one.sealed)).collect();
    assert_eq!(
        rows,
        [
            ("a", place(1, 2), place(0, 2), place(2, 2)),
            ("b", None, None, place(2, 3)),
            ("c", place(1, 3), place(0, 3), None),
            ("d", place(1, 4), place(0, 4), None),
            ("e", None, place(0, 5), place(2, 5)),
            ("m", place(1, 5), None, None),
        ]
    );
    let adjusted: Vec<_> = facts
        .entries
        .iter()
        .filter(|entry| entry.line == Of::AdjustedAfterSeal)
        .map(|entry| {
            (&*facts.items[entry.item as usize].transaction, entry.issuer_commission_minor, entry.user_reward_minor)
        })
        .collect();
    assert_eq!(adjusted, [("a", 100, 0), ("b", -200, -100), ("c", 200, 100), ("d", 200, 100), ("e", -200, -100)]);
}

#[test]
fn another_currency_is_taken_from_one_balance_and_added_to_the_other() {
    let now = world(&[february("a").currency("EUR")], &[february("a").currency("EUR")]);
    let sealed = world(&[february("a")], &[]);
    let closing = close_after(&now, &sealed);
    assert_eq!(lines(&closing, "EUR"), [(Of::AdjustedAfterSeal, 1, 200, 100), (Of::Pending, 1, 200, 100)]);
    assert_eq!(lines(&closing, "USD"), [(Of::Opening, 1, 200, 100), (Of::AdjustedAfterSeal, 1, -200, -100)]);
}

#[test]
fn a_late_clawback_notice_of_the_sealed_month_is_adjusted() {
    let then = World::new().month("2025-01", &[february("a").settled("2025-01-10")]).month("2025-02", &[]);
    let now = then.clone().notices(&[clawback("a")]).month("2025-03", &[]);
    let closing = close_after(&now, &then);
    assert_eq!(lines(&closing, "USD"), [(Of::Opening, 1, 200, 100), (Of::AdjustedAfterSeal, 1, -200, -100)]);
}

#[test]
fn a_month_without_a_file_carries_the_sealed_balance_and_its_adjustments() {
    let now = World::new().month("2025-02", &[february("a").owed(250, 100), february("b")]).without_file("2025-03");
    let sealed = world(&[february("a")], &[]);
    let closing = close_after(&now, &sealed);
    assert_eq!(
        lines(&closing, "USD"),
        [(Of::Opening, 1, 200, 100), (Of::AdjustedAfterSeal, 2, 250, 100), (Of::Pending, 2, 450, 200)]
    );
}

#[test]
fn an_opening_that_is_not_the_sealed_closing_is_refused() {
    let now = world(&[february("a")], &[]);
    let mut receivable = now.close("2025-02").facts.receivable;
    receivable[0].closing.user_reward_minor += 1;
    let refused = now.try_close_after("2025-03", Some((&now, &receivable))).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the opening balance of 2025-03 is not what the sealed run rewards-monthly/sealed/1 closed with: it is \
         300 minor units (1 items) of USD, sealed were 301 minor units (1 items); the job file reads the sealed files \
         otherwise than it did then: undo that change, or unseal the month, run it again and seal it"
    );
}

fn line_of(id: usize, commission: i64, kind: u8) -> Line {
    let row = february(&format!("t{id}")).owed(commission, commission / 2);
    match kind {
        0 => row.paid(),
        1 => row.currency("EUR"),
        _ => row,
    }
}

/// Up to eight transactions of one file, each at most once.
fn file_rows() -> impl Strategy<Value = Vec<Line>> {
    proptest::collection::btree_map(0_usize..8, (-500_i64..500, 0_u8..5), 0..8)
        .prop_map(|rows| rows.into_iter().map(|(id, (commission, kind))| line_of(id, commission, kind)).collect())
}

fn owed(receivable: &[Receivable], currency: &str, line: Of) -> Owed {
    let one = receivable.iter().find(|one| one.currency == currency);
    one.map(|one| one.line(line).owed).unwrap_or_default()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_is_corrected_the_sealed_closing_opens_and_the_closing_is_what_it_would_have_been(
        january in file_rows(), then in file_rows(), now in file_rows(), march in file_rows(),
    ) {
        let months = |february: &[Line]| {
            World::new().month("2025-01", &january).month("2025-02", february).month("2025-03", &march)
        };
        let (sealed, now) = (months(&then), months(&now));
        let signed_off = sealed.close("2025-02").facts.receivable;
        let after = close_after(&now, &sealed).facts.receivable;
        let open = now.close("2025-03").facts.receivable;
        for currency in ["USD", "EUR"] {
            let closing = |of: &[Receivable]| {
                of.iter().find(|one| one.currency == currency).map(|one| one.closing).unwrap_or_default()
            };
            prop_assert_eq!(owed(&after, currency, Of::Opening), closing(&signed_off));
            prop_assert_eq!(closing(&after), closing(&open));
            let mut moved = owed(&after, currency, Of::Opening);
            moved += owed(&after, currency, Of::AdjustedAfterSeal);
            prop_assert_eq!(moved, owed(&open, currency, Of::Opening));
            for line in Of::ALL.into_iter().filter(|line| !matches!(line, Of::Opening | Of::AdjustedAfterSeal)) {
                prop_assert_eq!(owed(&after, currency, line), owed(&open, currency, line));
            }
        }
    }
}

#[test]
fn an_item_of_a_month_too_long_ago_stays_in_the_balance() {
    // The sealed run looked back to January; the caller hands that file on, as it was sealed.
    let january = file("kard-2025-01.csv", &[february("old").settled("2025-01-10")]);
    let mut sealed = World::new();
    sealed.months.push((crate::support::months::month("2025-01"), Some(january), None));
    let sealed = sealed.month("2025-02", &[february("a")]);
    let now = sealed.clone().month("2025-03", &[february("a").paid()]);
    let closing = close_after(&now, &sealed);
    assert_eq!(
        lines(&closing, "USD"),
        [(Of::Opening, 2, 400, 200), (Of::Paid, 1, -200, -100), (Of::Dropped, 1, 200, 100)]
    );
}
