//! A purchase that one or two sides do not know.

use super::super::rows::major;
use super::super::world::Purchase;
use super::{Story, What};

pub(super) fn missing_in_file(purchase: &Purchase) -> Story {
    Story::agreed(purchase).without_file().breaks(
        purchase,
        "missing_in_file",
        format!("Booked for {} and notified as settled, but the file lacks it.", major(purchase.amount)),
    )
}

pub(super) fn missing_in_ledger(purchase: &Purchase) -> Story {
    Story::agreed(purchase).without_ledger().breaks(
        purchase,
        "missing_in_ledger",
        format!("In the file with {} and notified, but not booked.", major(purchase.amount)),
    )
}

pub(super) fn missing_webhook(purchase: &Purchase) -> Story {
    Story::agreed(purchase).without_notices().breaks(
        purchase,
        "missing_webhook",
        "In the file and booked alike, but no notification was logged.",
    )
}

pub(super) fn file_only(purchase: &Purchase) -> Story {
    Story::agreed(purchase).without_ledger().without_notices().breaks(
        purchase,
        "file_only",
        format!("Only the file knows this purchase of {}.", major(purchase.amount)),
    )
}

pub(super) fn webhook_only(purchase: &Purchase) -> Story {
    Story::agreed(purchase).without_file().without_ledger().breaks(
        purchase,
        "webhook_only",
        format!(
            "A reward of {} was notified for a purchase that neither file nor ledger has.",
            major(purchase.user_reward)
        ),
    )
}

pub(super) fn reward_missing(purchase: &Purchase) -> Story {
    Story::of_ledger(purchase.ledger_row()).breaks(
        purchase,
        "reward_missing",
        format!("Booked as settled with {} cashback, but the provider gave no reward.", major(purchase.user_reward)),
    )
}

pub(super) fn never_arrives(purchase: &Purchase) -> Story {
    let why = format!(
        "In the file of the day before since {}; booking and notification were due by now, and never came.",
        purchase.at
    );
    Story::default().and(&purchase.key, What::CarriedBreak("file_only", "transaction_amount"), why)
}
