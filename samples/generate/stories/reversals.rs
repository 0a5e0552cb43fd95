//! Money or rewards that go back.

use super::super::rows::{LedgerRow, NoticeKind, State, major};
use super::super::world::{HOUR, Purchase};
use super::Story;

/// The ledger's row of money going back under the same key.
fn returned(purchase: &Purchase, state: State, amount: i64) -> LedgerRow {
    let mut row = purchase.ledger_row();
    row.purchase.amount = amount;
    row.state = state;
    row.booked_at = purchase.at.plus(HOUR);
    row.note = "customer service";
    row
}

pub(super) fn returned_too_much(purchase: &Purchase) -> Story {
    let mut story = Story::agreed(purchase);
    let back = purchase.amount + 200;
    story.ledger.push(returned(purchase, State::Refunded, back));
    let why = format!("Bought for {}, returned {}.", major(purchase.amount), major(back));
    story.breaks(purchase, "returns_exceed_purchase", why)
}

pub(super) fn clawback_unbooked(purchase: &Purchase) -> Story {
    let mut story = Story::agreed(purchase);
    let mut notice = purchase.notice(NoticeKind::Clawback { reason: "Transaction was returned to the merchant" }, 1);
    notice.received_at = purchase.at.plus(HOUR);
    story.notices.push(notice);
    let why = format!(
        "The provider claws the reward back; the ledger still holds {} cashback and no return.",
        major(purchase.user_reward)
    );
    story.breaks(purchase, "clawback_unbooked", why)
}

pub(super) fn returned_after_payout(purchase: &Purchase) -> Story {
    after_payout(purchase, State::Refunded, "returned in full")
}

pub(super) fn reversed_after_payout(purchase: &Purchase) -> Story {
    after_payout(purchase, State::Voided, "reversed")
}

fn after_payout(purchase: &Purchase, state: State, words: &str) -> Story {
    let mut story = Story::agreed(purchase);
    story.file[0].paid = true;
    story.ledger.push(returned(purchase, state, purchase.amount));
    let why = format!("The file says PAID_IN_FULL; in the ledger the {} are {words}.", major(purchase.amount));
    story.breaks(purchase, "reversed_after_payout", why)
}
