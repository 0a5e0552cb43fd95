//! Purchases that go back, and rewards that Kard takes back for them.

use super::super::rows::{LedgerRow, NoticeKind, State};
use super::super::stories::{Plot, tell};
use super::super::world::{HOUR, Moment};
use super::cast::Scene;
use super::tale::Tale;

/// The purchase comes back on a later day: the ledger's row.
fn refund(tale: Tale, scene: &Scene, days: u64) -> Tale {
    let on = scene.later(days);
    let booked_at = Moment::start_of(on).plus(10 * HOUR);
    let row = LedgerRow { state: State::Refunded, booked_at, note: "customer service", ..tale.purchase.ledger_row() };
    tale.booked_as(on, row)
}

/// Kard takes the reward back on a later day.
fn clawback(tale: Tale, scene: &Scene, days: u64) -> Tale {
    let on = scene.later(days);
    let kind = NoticeKind::Clawback { reason: "Transaction was returned to the merchant" };
    let mut notice = tale.purchase.notice(kind, 1);
    notice.received_at = Moment::start_of(on).plus(11 * HOUR);
    tale.noticed_as(on, notice)
}

const UNBOOKED: &str = "A clawback notice on a day on which nothing is booked; notices state no amount.";

/// Of the day of the notice: only the log of that day speaks of it.
fn unbooked(tale: Tale, scene: &Scene, days: u64) -> Tale {
    clawback(tale, scene, days).daily(scene.later(days), ("webhook_only", "user_reward", 0), UNBOOKED)
}

fn agreed(scene: &Scene) -> Tale {
    Tale::agreed(scene.purchase.clone(), scene.date)
}

/// Pending when it is refunded and clawed back in the next month.
pub(super) fn before_payment(scene: &Scene) -> Tale {
    let tale = agreed(scene);
    let month = tale.month();
    clawback(refund(tale, scene, 24), scene, 24).settles(month).clawed_back(month.plus(1))
}

/// Paid when it is refunded and clawed back in the next month: it is owed no more, and nothing is taken from it.
pub(super) fn after_payment(scene: &Scene) -> Tale {
    clawback(refund(agreed(scene), scene, 31), scene, 31).by_terms(scene.date)
}

/// Refunded in the next month, and Kard says nothing.
pub(super) fn unheard(scene: &Scene) -> Tale {
    let (tale, on) = (refund(agreed(scene), scene, 31), scene.later(31));
    let (month, found) = (tale.month().plus(1), tale.amount("missing_in_file"));
    tale.daily(on, found, "Returned in the ledger, and neither a file nor a notice tells of it.")
        .monthly(month, found, "Returned in the ledger, and nothing of the month tells of it.")
        .by_terms(scene.date)
}

/// Clawed back in the next month while it is pending; the ledger does nothing.
pub(super) fn unbooked_before_payment(scene: &Scene) -> Tale {
    let tale = agreed(scene);
    let month = tale.month();
    unbooked(tale, scene, 24).settles(month).clawed_back(month.plus(1))
}

pub(super) fn unbooked_after_payment(scene: &Scene) -> Tale {
    unbooked(agreed(scene), scene, 31).by_terms(scene.date)
}

const STILL_HELD: &str = "Clawed back, and the ledger still holds the cashback; the month's file rightly lacks it.";

/// Clawed back within its month: the month's file never has it.
pub(super) fn unbooked_in_its_month(scene: &Scene) -> Tale {
    let tale = unbooked(agreed(scene), scene, 5);
    let (month, found) = (tale.month(), tale.reward("clawback_unbooked"));
    tale.monthly(month, found, STILL_HELD)
}

pub(super) fn booked_in_its_month(scene: &Scene) -> Tale {
    clawback(refund(agreed(scene), scene, 5), scene, 5)
}

/// Clawed back an hour after the purchase.
pub(super) fn clawed_back_at_once(scene: &Scene) -> Tale {
    let story = tell(Plot::ClawbackUnbooked, &scene.purchase);
    let why = story.outcomes[0].why.clone();
    let mut tale = Tale::new(scene.purchase.clone(), scene.date).in_file(scene.date).booked(scene.date);
    tale.notices = story.notices.into_iter().map(|notice| (scene.date, notice)).collect();
    let (month, found) = (tale.month(), tale.reward("clawback_unbooked"));
    tale.daily(scene.date, found, why).monthly(month, found, STILL_HELD)
}
