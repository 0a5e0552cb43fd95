//! A purchase that all sides know, and about which they disagree.

use super::super::rows::{State, major};
use super::super::world::{DAY, Purchase};
use super::Story;

pub(super) fn amount_differs(purchase: &Purchase) -> Story {
    let mut story = Story::agreed(purchase);
    let booked = purchase.amount + 90;
    story.ledger[0].purchase.amount = booked;
    let why = format!("The file says {}, the ledger {}.", major(purchase.amount), major(booked));
    story.breaks(purchase, "amount_mismatch", why)
}

pub(super) fn cashback_differs(purchase: &Purchase) -> Story {
    let mut story = Story::agreed(purchase);
    let booked = purchase.user_reward + 25;
    story.ledger[0].purchase.user_reward = booked;
    let why = format!(
        "File and notification give the user {}, the ledger booked {} cashback.",
        major(purchase.user_reward),
        major(booked)
    );
    story.breaks(purchase, "reward_mismatch", why)
}

pub(super) fn commission_differs(purchase: &Purchase) -> Story {
    let mut story = Story::agreed(purchase);
    let booked = purchase.issuer_commission + 12;
    story.ledger[0].purchase.issuer_commission = booked;
    let why = format!(
        "The file owes the issuer a commission of {}, the ledger expects {}.",
        major(purchase.issuer_commission),
        major(booked)
    );
    story.breaks(purchase, "reward_mismatch", why).about("issuer_commission")
}

pub(super) fn currency_differs(purchase: &Purchase) -> Story {
    let mut story = Story::agreed(purchase);
    story.ledger[0].currency = "CAD";
    let why = format!("The same {} is USD in the file and CAD in the ledger.", major(purchase.amount));
    story.breaks(purchase, "currency_mismatch", why)
}

pub(super) fn status_differs(purchase: &Purchase) -> Story {
    let mut story = Story::agreed(purchase);
    story.ledger[0].state = State::Authorized;
    story.breaks(purchase, "status_mismatch", "SETTLED for the provider, still authorized in the ledger.")
}

pub(super) fn user_differs(purchase: &Purchase) -> Story {
    let mut story = Story::agreed(purchase);
    story.ledger[0].purchase.user.clone_from(&purchase.other_user);
    let why = format!("The provider rewards {}, the ledger books it for {}.", purchase.user, purchase.other_user);
    story.breaks(purchase, "identity_mismatch", why)
}

pub(super) fn card_differs(purchase: &Purchase) -> Story {
    let mut story = Story::agreed(purchase);
    story.ledger[0].purchase.last_four.clone_from(&purchase.other_last_four);
    let why = format!(
        "The card ends in {} in the file and in {} in the ledger.",
        purchase.last_four, purchase.other_last_four
    );
    story.breaks(purchase, "identity_mismatch", why)
}

pub(super) fn booked_days_earlier(purchase: &Purchase) -> Story {
    let mut story = Story::agreed(purchase);
    story.ledger[0].booked_at = purchase.at.plus(-2 * DAY);
    let why = format!("The file dates it {}, the ledger {}: two days apart.", purchase.at, story.ledger[0].booked_at);
    story.breaks(purchase, "period_mismatch", why)
}
