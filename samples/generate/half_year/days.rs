//! What happens to a purchase within its day, and what the end of its month makes of that.

use super::super::stories::{Plot, Story, What, tell};
use super::cast::Scene;
use super::tale::{DAILY, MONTHLY, Tale};

/// Plots that end in breaks of the day and that the month finds too, since its file says what the day's does.
pub(super) const SEEN_TWICE: [Plot; 23] = [
    Plot::MissingInFile,
    Plot::MissingInLedger,
    Plot::MissingWebhook,
    Plot::FileOnly,
    Plot::WebhookOnly,
    Plot::RewardMissing,
    Plot::AmountDiffers,
    Plot::CashbackDiffers,
    Plot::CommissionDiffers,
    Plot::CurrencyDiffers,
    Plot::StatusDiffers,
    Plot::UserDiffers,
    Plot::CardDiffers,
    Plot::BookedDaysEarlier,
    Plot::LedgerRowTwice,
    Plot::NoticeTwice,
    Plot::LedgerContradictsItself,
    Plot::PartNotYetSettled,
    Plot::PartsExceedAuthorization,
    Plot::TipOnTop,
    Plot::ReturnedTooMuch,
    Plot::ReturnedAfterPayout,
    Plot::ReversedAfterPayout,
];

/// Plots in which nothing is wrong.
pub(super) const QUIET: [Plot; 4] =
    [Plot::FailedValidation, Plot::NotifiedTwice, Plot::GroupedAmount, Plot::ForgedNotice];

fn of_story(scene: &Scene, story: Story) -> Tale {
    let date = scene.date;
    let mut tale = Tale::new(scene.purchase.clone(), date);
    tale.file = story.file.into_iter().map(|row| (date, row)).collect();
    tale.ledger = story.ledger.into_iter().map(|row| (date, row)).collect();
    tale.notices = story.notices.into_iter().map(|notice| (date, notice)).collect();
    tale
}

/// Minor units at risk.
fn at_risk(plot: Plot, scene: &Scene) -> i64 {
    let purchase = &scene.purchase;
    match plot {
        Plot::WebhookOnly | Plot::RewardMissing | Plot::ClawbackUnbooked => purchase.user_reward,
        Plot::ReturnedAfterPayout | Plot::ReversedAfterPayout => purchase.issuer_commission,
        Plot::AmountDiffers => 90,
        Plot::CashbackDiffers => 25,
        Plot::CommissionDiffers => 12,
        // Notifications state no amount.
        Plot::NoticeTwice => 0,
        Plot::LedgerContradictsItself => purchase.amount + 300,
        Plot::PartNotYetSettled => 550,
        Plot::PartsExceedAuthorization => 125,
        Plot::TipOnTop => 150,
        Plot::ReturnedTooMuch => 200,
        _ => purchase.amount,
    }
}

/// The day of the plot, with its breaks.
fn day_of(plot: Plot, scene: &Scene) -> Tale {
    let story = tell(plot, &scene.purchase);
    let outcomes = story.outcomes.clone();
    let mut tale = of_story(scene, story);
    for outcome in outcomes {
        if let What::Break(kind, measure) = outcome.what {
            let found = (kind, measure, at_risk(plot, scene));
            tale = tale.label_of(&outcome.key, DAILY, scene.date.to_string(), found, outcome.why);
        }
    }
    tale
}

/// What is agreed and what ends in no break.
pub(super) fn quiet(plot: Plot, scene: &Scene) -> Tale {
    let tale = day_of(plot, scene);
    if tale.file.is_empty() { tale } else { tale.by_terms(scene.date) }
}

/// The month's file says of the purchase what the day's says.
pub(super) fn seen_twice(plot: Plot, scene: &Scene) -> Tale {
    let mut tale = day_of(plot, scene);
    let month = tale.month();
    for label in tale.labels.clone() {
        let found = (label.kind, label.measure, label.at_risk);
        let why = format!("Of {}: {}", scene.date, label.why);
        tale = tale.label_of(&label.key, MONTHLY, month.label(), found, why);
    }
    let paid = tale.file.iter().any(|(_, row)| row.paid);
    match tale.file.is_empty() {
        true => tale,
        false if paid => tale.settles(month).pays(month),
        false => tale.by_terms(scene.date),
    }
}

/// The day's file gives it to two users, the month's to one.
pub(super) fn contradicted(scene: &Scene) -> Tale {
    day_of(Plot::FileContradictsItself, scene).by_terms(scene.date)
}

/// A weaker rule sees two candidates in the day; the month goes by keys alone.
pub(super) fn two_candidates(scene: &Scene) -> Tale {
    let tale = day_of(Plot::TwoCandidates, scene).by_terms(scene.date);
    let (month, found) = (tale.month(), tale.amount("file_only"));
    let mut tale = tale.monthly(month, found, "Only the month's file knows this key.");
    for alias in scene.purchase.aliases.clone() {
        let found = tale.reward("reward_missing");
        let why = "Booked under a key that the month's file does not have.";
        tale = tale.label_of(&alias, MONTHLY, month.label(), found, why.to_owned());
    }
    tale
}

/// A weaker rule pairs two keys in the day, which is a suggestion; the month goes by keys alone.
pub(super) fn other_key(scene: &Scene) -> Tale {
    let mut tale = day_of(Plot::OtherKeyInFile, scene);
    let (month, alias) = (tale.month(), scene.purchase.aliases[0].clone());
    let found = tale.amount("missing_in_file");
    tale = tale.monthly(month, found, format!("The month's file has it under another key, {alias}."));
    let found = tale.amount("file_only");
    let why = format!("Booked and announced under another key, {}.", scene.purchase.key);
    tale = tale.label_of(&alias, MONTHLY, month.label(), found, why);
    tale = tale.by_terms(scene.date);
    for (_, row) in &mut tale.month_rows {
        row.purchase.key.clone_from(&alias);
    }
    tale
}
