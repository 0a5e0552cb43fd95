//! A key with several rows on one side, or a purchase with several keys.

use super::super::rows::{LedgerRow, NoticeKind, major};
use super::super::world::{MINUTE, Purchase};
use super::{Story, What};

/// One authorisation of `authorized`, and two settlements that every side knows.
fn in_parts(authorized: i64, parts: &[Purchase; 2]) -> Story {
    // A notification states the reward alone: two equal ones would be the same news twice.
    assert_ne!(parts[0].user_reward, parts[1].user_reward, "{}: parts that cannot be told apart", parts[0].key);
    let mut whole = parts[0].clone();
    whole.amount = authorized;
    let mut story = Story { ledger: vec![whole.authorization()], ..Story::default() };
    for (n, part) in (0..).zip(parts) {
        let mut row = part.file_row();
        row.part = n;
        story.file.push(row);
        story.ledger.push(part.ledger_row());
        story.notices.push(part.notice(NoticeKind::Settled, n));
    }
    story
}

pub(super) fn agreed_in_parts(purchase: &Purchase) -> Story {
    in_parts(purchase.amount, &purchase.parts(60))
}

pub(super) fn part_not_yet_settled(purchase: &Purchase) -> Story {
    let authorized = purchase.amount + 550;
    let why =
        format!("Authorised for {}; the two settled parts add up to {}.", major(authorized), major(purchase.amount));
    in_parts(authorized, &purchase.parts(75)).breaks(purchase, "split_incomplete", why)
}

pub(super) fn parts_exceed_authorization(purchase: &Purchase) -> Story {
    let authorized = purchase.amount - 125;
    let why =
        format!("Authorised for {}; the two settled parts add up to {}.", major(authorized), major(purchase.amount));
    in_parts(authorized, &purchase.parts(75)).breaks(purchase, "split_excess", why)
}

pub(super) fn tip_on_top(purchase: &Purchase) -> Story {
    let authorized = purchase.amount - 150;
    let mut story = Story::agreed(purchase);
    let mut authorization = purchase.authorization();
    authorization.purchase.amount = authorized;
    story.ledger.insert(0, authorization);
    let why = format!("Authorised for {}, settled once for {}.", major(authorized), major(purchase.amount));
    story.breaks(purchase, "split_excess", why)
}

pub(super) fn ledger_row_twice(purchase: &Purchase) -> Story {
    let mut story = Story::agreed(purchase);
    story.ledger.push(story.ledger[0].clone());
    let why = format!("The ledger holds the very same row of {} twice.", major(purchase.amount));
    story.breaks(purchase, "duplicate_row", why)
}

pub(super) fn notice_twice(purchase: &Purchase) -> Story {
    let mut story = Story::agreed(purchase);
    let mut again = story.notices[0].clone();
    again.event_id = purchase.event_id(1);
    story.notices.push(again);
    let why = "The same notification was logged under two event ids: no redelivery, which would keep its id.";
    story.breaks(purchase, "duplicate_row", why)
}

pub(super) fn ledger_contradicts_itself(purchase: &Purchase) -> Story {
    let mut story = Story::agreed(purchase);
    let mut other = story.ledger[0].clone();
    other.purchase.amount += 300;
    let why = format!(
        "Two posted rows of one second in the ledger, {} and {}: no parts of a split, so neither can be trusted.",
        major(purchase.amount),
        major(other.purchase.amount)
    );
    story.ledger.push(other);
    story.breaks(purchase, "conflicting_rows", why)
}

pub(super) fn file_contradicts_itself(purchase: &Purchase) -> Story {
    let mut story = Story::agreed(purchase);
    let mut other = story.file[0].clone();
    other.part = 1;
    other.purchase.user.clone_from(&purchase.other_user);
    story.file.push(other);
    let why = format!("The file gives one transaction to two users, {} and {}.", purchase.user, purchase.other_user);
    story.breaks(purchase, "conflicting_rows", why)
}

pub(super) fn two_candidates(purchase: &Purchase) -> Story {
    let booked = |alias: &str, minutes: i64| {
        let mut row = purchase.ledger_row();
        alias.clone_into(&mut row.purchase.key);
        LedgerRow { booked_at: row.booked_at.plus(minutes * MINUTE), ..row }
    };
    let [first, second] = &purchase.aliases;
    let story = Story {
        file: vec![purchase.file_row()],
        ledger: vec![booked(first, 0), booked(second, 9)],
        ..Story::default()
    };
    let amount = major(purchase.amount);
    let card = &purchase.last_four;
    let ambiguous = What::Break("ambiguous_match", "transaction_amount");
    story
        .breaks(
            purchase,
            "ambiguous_match",
            format!("Only in the file; two booked keys fit by card {card} and {amount}: {first} and {second}."),
        )
        .and(first, ambiguous, format!("Fits {} of the file, as {second} does.", purchase.key))
        .and(second, ambiguous, format!("Fits {} of the file, as {first} does.", purchase.key))
}
