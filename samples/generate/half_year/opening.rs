//! December: what January opens with. Its days are not told, only its end-of-month file.

use super::super::rows::{LedgerRow, NoticeKind, State};
use super::super::world::{HOUR, Moment};
use super::cast::Scene;
use super::months::{DECEMBER, Month};
use super::tale::Tale;

fn of_december(scene: &Scene) -> Tale {
    Tale::new(scene.purchase.clone(), scene.date).settles(DECEMBER)
}

fn each(tale: Tale, kind: &'static str, months: std::ops::RangeInclusive<u32>, why: &str) -> Tale {
    let found = tale.owed(kind);
    months.fold(tale, |tale, month| tale.monthly(Month(month), found, why))
}

pub(super) fn paid_in_january(scene: &Scene) -> Tale {
    of_december(scene).pays(Month(1))
}

pub(super) fn paid_in_february(scene: &Scene) -> Tale {
    let tale = of_december(scene).pending(Month(1)).pays(Month(2));
    each(tale, "settled_unpaid", 1..=1, "Pending since December; the merchant has 30 days.").cleared_in(Month(2))
}

/// At a merchant with terms of 90 days.
pub(super) fn paid_in_march(scene: &Scene) -> Tale {
    of_december(scene).pending(Month(1)).pending(Month(2)).pays(Month(3))
}

pub(super) fn dropped(scene: &Scene) -> Tale {
    let tale = (1..=6).fold(of_december(scene), |tale, month| tale.drops(Month(month)));
    each(tale, "dropped_pending", 1..=6, "Pending in the file of December, and in none since.")
}

/// Paid in December: rightly in no later file.
pub(super) fn paid_already(scene: &Scene) -> Tale {
    of_december(scene).pays(DECEMBER)
}

pub(super) fn paid_again(scene: &Scene) -> Tale {
    let tale = paid_already(scene).comes_back(Month(1)).pays(Month(1));
    each(tale, "paid_twice", 1..=1, "Paid in the file of December, and paid once more in that of January.")
}

/// Refunded and clawed back in January.
pub(super) fn clawed_back(scene: &Scene) -> Tale {
    let on = Month(1).date(9);
    let tale = of_december(scene).clawed_back(Month(1));
    let booked_at = Moment::start_of(on).plus(10 * HOUR);
    let row = LedgerRow { state: State::Refunded, booked_at, ..tale.purchase.ledger_row() };
    let mut notice = tale.purchase.notice(NoticeKind::Clawback { reason: "Transaction was returned" }, 1);
    notice.received_at = Moment::start_of(on).plus(11 * HOUR);
    tale.booked_as(on, row).noticed_as(on, notice)
}
