//! What is no break: agreement in its several forms, and what is expected, suggested, excluded or quarantined.

use super::super::rows::{AuditNews, LedgerRow, NoticeKind, State, major};
use super::super::world::{DAY, HOUR, Purchase};
use super::{Story, What};

pub(super) fn agreed_and_paid(purchase: &Purchase) -> Story {
    let mut story = Story::agreed(purchase);
    story.file[0].paid = true;
    story
}

pub(super) fn agreed_with_authorization(purchase: &Purchase) -> Story {
    let mut story = Story::agreed(purchase);
    story.ledger.insert(0, purchase.authorization());
    story
}

pub(super) fn agreed_with_approval(purchase: &Purchase) -> Story {
    let mut story = Story::agreed(purchase);
    let mut approval = purchase.notice(NoticeKind::Approved, 1);
    approval.received_at = story.notices[0].received_at.plus(-HOUR / 2);
    story.notices.insert(0, approval);
    story
}

pub(super) fn late_on_file_only(purchase: &Purchase) -> Story {
    Story::agreed(purchase).without_ledger().without_notices().and(
        &purchase.key,
        What::Expected,
        format!("In the file since {}; booking and notification are not yet due.", purchase.at),
    )
}

pub(super) fn late_in_file(purchase: &Purchase) -> Story {
    Story::agreed(purchase).without_file().and(
        &purchase.key,
        What::Expected,
        format!("Booked and notified at {}, the file's row is not yet due.", purchase.at),
    )
}

pub(super) fn late_in_ledger(purchase: &Purchase) -> Story {
    Story::agreed(purchase).without_ledger().and(
        &purchase.key,
        What::Expected,
        format!("In the file and notified at {}, the booking is not yet due.", purchase.at),
    )
}

pub(super) fn arrives_in_file(purchase: &Purchase) -> Story {
    Story::agreed(purchase).without_ledger().without_notices().and(
        &purchase.key,
        What::Excluded,
        format!("Of the day before, bought at {}: its row comes with this file, and clears it there.", purchase.at),
    )
}

pub(super) fn arrives_in_ledger(purchase: &Purchase) -> Story {
    let row = purchase.ledger_row();
    let why =
        format!("Of the day before, booked at {}: its row comes with this ledger, and clears it there.", row.booked_at);
    Story::of_ledger(row).and(&purchase.key, What::Excluded, why)
}

pub(super) fn failed_validation(purchase: &Purchase) -> Story {
    let mut story = Story::of_ledger(purchase.ledger_row());
    story.notices.push(purchase.notice(NoticeKind::Failed { reason: "Offer was redeemed before" }, 0));
    story.and(
        &purchase.key,
        What::Expected,
        "Booked, and the provider told why it gives no reward (explained_no_reward): the offer was redeemed before.",
    )
}

pub(super) fn other_key_in_file(purchase: &Purchase) -> Story {
    let mut story = Story::agreed(purchase);
    let alias = &purchase.aliases[0];
    story.file[0].purchase.key.clone_from(alias);
    let (card, amount) = (&purchase.last_four, major(purchase.amount));
    let (ours, theirs) = (
        format!("Booked and notified, not in the file; {alias} there fits by card {card} and {amount}."),
        format!("Only in the file; {} fits by card {card} and {amount}.", purchase.key),
    );
    story.and(&purchase.key, What::Suggested, ours).and(alias, What::Suggested, theirs)
}

pub(super) fn nothing_due(purchase: &Purchase) -> Story {
    let row = LedgerRow { rewarded: false, note: "no offer", ..purchase.ledger_row() };
    Story::of_ledger(row).and(&purchase.key, What::Excluded, "Booked without cashback, and none reported: nothing due.")
}

pub(super) fn declined(purchase: &Purchase) -> Story {
    let row =
        LedgerRow { state: State::Declined, rewarded: false, note: "insufficient funds", ..purchase.ledger_row() };
    Story::of_ledger(row).and(&purchase.key, What::Excluded, "Declined: no money moved.")
}

pub(super) fn voided(purchase: &Purchase) -> Story {
    let row =
        LedgerRow { state: State::Voided, rewarded: false, note: "voided, before it settled", ..purchase.ledger_row() };
    Story::of_ledger(row).and(&purchase.key, What::Excluded, "Reversed before it settled: no money moved.")
}

pub(super) fn other_day(purchase: &Purchase) -> Story {
    let row = LedgerRow { booked_at: purchase.at.plus(-DAY), ..purchase.ledger_row() };
    let why = format!("Booked on {}, and no side has the key in this period.", row.booked_at);
    Story::of_ledger(row).and(&purchase.key, What::Excluded, why)
}

pub(super) fn notified_twice(purchase: &Purchase) -> Story {
    let mut story = Story::agreed(purchase);
    let mut again = story.notices[0].clone();
    again.received_at = again.received_at.plus(HOUR / 4);
    story.notices.push(again);
    story.and(
        &purchase.key,
        What::Excluded,
        "The notification was delivered again under its own event id: the repeat is left out, the first one matches.",
    )
}

pub(super) fn audit_notice(purchase: &Purchase) -> Story {
    let news = AuditNews {
        status: "IN_PROGRESS",
        code: 3006,
        description: "cashback missing",
        resolution: None,
        resolved_at: None,
    };
    let kind = NoticeKind::AuditUpdate(news);
    aside(purchase, kind, "An auditUpdate notification: not about a transaction's reward.")
}

pub(super) fn upload_notice(purchase: &Purchase) -> Story {
    aside(purchase, NoticeKind::FileProcessingResult, "A fileProcessingResult notification: about no transaction.")
}

/// A notification beside the purchases: its own event id is its key.
fn aside(purchase: &Purchase, kind: NoticeKind, why: &str) -> Story {
    let notice = purchase.notice(kind, 0);
    let key = notice.event_id.clone();
    Story { notices: vec![notice], ..Story::default() }.and(&key, What::Excluded, why)
}

pub(super) fn grouped_amount(purchase: &Purchase) -> Story {
    let mut row = LedgerRow { rewarded: false, grouped_amount: true, ..purchase.ledger_row() };
    row.purchase.amount = 123_450;
    Story::of_ledger(row).and(
        &purchase.key,
        What::Quarantined,
        "The ledger's amount is written 1,234.50: with a separator it could be read in two ways.",
    )
}

pub(super) fn forged_notice(purchase: &Purchase) -> Story {
    let mut notice = purchase.notice(NoticeKind::Settled, 0);
    notice.forged = true;
    Story { notices: vec![notice], ..Story::default() }.and(
        &purchase.key,
        What::Quarantined,
        "A notification whose signature is wrong: not from the provider, or changed on the way.",
    )
}
