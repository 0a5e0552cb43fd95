//! Purchases on whose day all agree, and of which the end-of-month files say something wrong later.

use super::cast::Scene;
use super::months::Month;
use super::tale::Tale;

fn agreed(scene: &Scene) -> (Tale, Month) {
    let tale = Tale::agreed(scene.purchase.clone(), scene.date);
    let month = tale.month();
    (tale, month)
}

/// A label for each of these months, counted from that of the purchase.
fn each(tale: Tale, kind: &'static str, months: std::ops::RangeInclusive<u32>, why: &str) -> Tale {
    let (first, found) = (tale.month(), tale.owed(kind));
    months.fold(tale, |tale, later| tale.monthly(first.plus(later), found, why))
}

fn dropped(tale: Tale, months: std::ops::RangeInclusive<u32>) -> Tale {
    let first = tale.month();
    let tale = months.clone().fold(tale, |tale, later| tale.drops(first.plus(later)));
    each(
        tale,
        "dropped_pending",
        months,
        "Pending in an earlier file, and gone from the later ones without being paid.",
    )
}

pub(super) fn dropped_and_paid_later(scene: &Scene) -> Tale {
    let (tale, month) = agreed(scene);
    dropped(tale.settles(month), 1..=2).pays(month.plus(3)).cleared_in(month.plus(3))
}

pub(super) fn dropped_for_good(scene: &Scene) -> Tale {
    let (tale, month) = agreed(scene);
    dropped(tale.settles(month), 1..=6)
}

pub(super) fn paid_twice(scene: &Scene) -> Tale {
    let (tale, month) = agreed(scene);
    let tale = tale.settles(month).pays(month).comes_back(month.plus(1)).pays(month.plus(1));
    each(tale, "paid_twice", 1..=1, "Paid in the file before, and paid once more in this one.")
}

pub(super) fn pending_after_paid(scene: &Scene) -> Tale {
    let (tale, month) = agreed(scene);
    let tale = tale.settles(month).pays(month).comes_back(month.plus(1)).leaves_again(month.plus(2));
    each(tale, "paid_twice", 1..=1, "Paid in the file before, and pending in this one; gone from the next.")
}

/// The merchant pays three months late; its terms are 30 days.
pub(super) fn unpaid_30(scene: &Scene) -> Tale {
    let (tale, month) = agreed(scene);
    let tale = tale.settles(month).pending(month.plus(1)).pending(month.plus(2)).pays(month.plus(3));
    each(tale, "settled_unpaid", 1..=2, "Pending for more than the merchant's 30 days.").cleared_in(month.plus(3))
}

/// As before, with terms of 60 days.
pub(super) fn unpaid_60(scene: &Scene) -> Tale {
    let (tale, month) = agreed(scene);
    let tale = tale.settles(month).pending(month.plus(1)).pending(month.plus(2)).pays(month.plus(3));
    each(tale, "settled_unpaid", 2..=2, "Pending for more than the merchant's 60 days.").cleared_in(month.plus(3))
}

/// A month later still, with terms of 90 days.
pub(super) fn unpaid_90(scene: &Scene) -> Tale {
    let (tale, month) = agreed(scene);
    let tale = (1..=3).fold(tale.settles(month), |tale, later| tale.pending(month.plus(later))).pays(month.plus(4));
    each(tale, "settled_unpaid", 3..=3, "Pending for more than the merchant's 90 days.").cleared_in(month.plus(4))
}

/// The month's file states less cashback than the day's, and than the ledger.
fn less_than_the_day(tale: Tale, month: Month, kind: &'static str) -> Tale {
    tale.monthly(month, (kind, "user_reward", 20), "The month's file states 20 cents less cashback than the day's.")
        .monthly(
            month,
            ("reward_mismatch", "user_reward", 20),
            "The month's file states 20 cents less than was booked.",
        )
        .stating_less(20)
}

/// Bought late enough in the month to be pending.
pub(super) fn restated_since_the_day(scene: &Scene) -> Tale {
    let (tale, month) = agreed(scene);
    less_than_the_day(tale, month, "restated").by_terms(scene.date)
}

/// Bought early enough in the month to be paid.
pub(super) fn paid_less_than_the_day(scene: &Scene) -> Tale {
    let (tale, month) = agreed(scene);
    less_than_the_day(tale, month, "paid_amount_mismatch").by_terms(scene.date)
}

pub(super) fn restated_amount(scene: &Scene) -> Tale {
    let (tale, month) = agreed(scene);
    let amount = scene.purchase.amount + 90;
    tale.monthly(month, ("restated", "transaction_amount", 90), "The month's file states 90 cents more than the day's.")
        .monthly(
            month,
            ("amount_mismatch", "transaction_amount", 90),
            "The month's file states 90 cents more than booked.",
        )
        .stating_amount(amount)
        .by_terms(scene.date)
}

/// At a merchant with terms of 60 days.
pub(super) fn restated_since_the_month(scene: &Scene) -> Tale {
    let (tale, month) = agreed(scene);
    let next = month.plus(1);
    tale.settles(month)
        .adjusted(next, 20)
        .monthly(next, ("restated", "user_reward", 20), "Pending with 20 cents less cashback than in the file before.")
        .pays(month.plus(2))
}

pub(super) fn paid_less_than_pending(scene: &Scene) -> Tale {
    let (tale, month) = agreed(scene);
    let next = month.plus(1);
    tale.settles(month)
        .adjusted(next, 20)
        .monthly(
            next,
            ("paid_amount_mismatch", "user_reward", 20),
            "Paid with 20 cents less cashback than was pending.",
        )
        .pays(next)
}

fn missing_in_month(tale: Tale, month: Month) -> Tale {
    let (owed, amount) = (tale.owed("missing_in_month"), tale.amount("missing_in_file"));
    tale.monthly(month, owed, "Settled in the day's file, and not in the month's.").monthly(
        month,
        amount,
        "Booked and announced, and not in the month's file.",
    )
}

pub(super) fn in_no_month(scene: &Scene) -> Tale {
    let (tale, month) = agreed(scene);
    missing_in_month(tale, month)
}

pub(super) fn a_month_late(scene: &Scene) -> Tale {
    let (tale, month) = agreed(scene);
    let next = month.plus(1);
    missing_in_month(tale, month).settles_late(next).pays(next).cleared_in(next)
}

pub(super) fn in_no_day(scene: &Scene) -> Tale {
    let tale = Tale::new(scene.purchase.clone(), scene.date).booked(scene.date).noticed(scene.date);
    let (month, amount, owed) = (tale.month(), tale.amount("missing_in_file"), tale.owed("missing_in_dailies"));
    tale.daily(scene.date, amount, "Booked and announced, and in no daily file.")
        .monthly(month, owed, "In the month's file, and in no day's.")
        .by_terms(scene.date)
}

/// The month's file holds the very same row twice.
pub(super) fn twice_in_the_month(scene: &Scene) -> Tale {
    let (tale, month) = agreed(scene);
    let found = tale.amount("duplicate_row");
    let mut tale = tale.monthly(month, found, "The month's file holds the very same row twice.").by_terms(scene.date);
    let again = tale.month_rows.iter().find(|(of, _)| *of == month).cloned();
    tale.month_rows.extend(again);
    tale
}
