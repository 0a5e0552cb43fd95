//! What an audit says to the person at the provider who reads it: the job's template, or the built-in one for its
//! code, filled with the facts of the break.

use super::Ground;
use crate::breaks::detail::money;
use crate::breaks::{Break, SideFacts};
use crate::frames::{Side, without_cards};
use crate::job::{AuditCode, Placeholder, Template};
use crate::text;

/// What stands where nobody states a value.
const NOT_STATED: &str = "not stated";
/// Most characters of an id or a name.
const MOST_OF_A_NAME: usize = 100;
/// Most characters of what differs, over all breaks of the transaction.
const MOST_OF_DETAIL: usize = 600;

/// The facts that a description may tell.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    pub job: &'a str,
    /// The period's label.
    pub period: &'a str,
    /// The break that the audit is for.
    pub found: &'a Break,
    /// The user and the merchant that the audit names.
    pub user: &'a str,
    pub merchant: &'a str,
    /// All that the audit rests on, the break itself first.
    pub grounds: &'a [Ground],
}

/// The description of an audit. Text of files is made visible, cut, and freed of card numbers.
pub fn describe(template: Option<&Template>, code: AuditCode, facts: &Facts<'_>) -> String {
    let value = |placeholder| value(placeholder, facts);
    match template {
        Some(template) => template.fill(value),
        None => built_in(code).fill(value),
    }
}

/// The template where the job has none.
fn built_in(code: AuditCode) -> Template {
    let text = match code {
        AuditCode::CashbackMissing => {
            "Transaction {transaction} of {date} at {merchant} has settled, but no cashback was reported for it. \
             In our ledger: amount {our_amount}, cashback {our_reward}. Please award the cashback, or tell us why \
             none is due. Our reference: {reference}."
        }
        AuditCode::CashbackIncorrect => {
            "For transaction {transaction} of {date} at {merchant} the cashback reported by you is not the one in our \
             ledger. In our ledger: amount {our_amount}, cashback {our_reward}, commission {our_commission}. As \
             reported by you: amount {their_amount}, cashback {their_reward}, commission {their_commission}. Please \
             correct it, or tell us why it is right. Our reference: {reference}."
        }
        AuditCode::Other => {
            "Our records and yours do not agree on transaction {transaction} of {date} at {merchant}: {detail}. In \
             our ledger: amount {our_amount}, status {status_ours}. As reported by you: amount {their_amount}, status \
             {status_theirs}. At risk: {at_risk}. Please look into it and tell us the outcome. Our reference: \
             {reference}."
        }
    };
    Template::parse(text).expect("the built-in templates are tested")
}

fn value(placeholder: Placeholder, facts: &Facts<'_>) -> String {
    let found = facts.found;
    let amount =
        |minor: Option<i64>| minor.map_or_else(|| NOT_STATED.to_owned(), |minor| money(minor, &found.currency));
    match placeholder {
        Placeholder::Transaction => name(&found.key),
        Placeholder::Break | Placeholder::Reference => found.id.clone(),
        Placeholder::Kind => found.kind.name().to_owned(),
        Placeholder::Job => facts.job.to_owned(),
        Placeholder::Period => facts.period.to_owned(),
        Placeholder::User => name(facts.user),
        Placeholder::Merchant => words(facts.merchant, MOST_OF_A_NAME),
        Placeholder::Currency => found.currency.clone(),
        Placeholder::Date => {
            found.occurred_at.map_or_else(|| NOT_STATED.to_owned(), |at| at.format("%Y-%m-%d").to_string())
        }
        Placeholder::OurAmount => ours(found, |side| side.amount_minor),
        Placeholder::TheirAmount => theirs(found, |side| side.amount_minor),
        Placeholder::OurReward => ours(found, |side| side.user_reward_minor),
        Placeholder::TheirReward => theirs(found, |side| side.user_reward_minor),
        Placeholder::OurCommission => ours(found, |side| side.issuer_commission_minor),
        Placeholder::TheirCommission => theirs(found, |side| side.issuer_commission_minor),
        Placeholder::Difference => amount(found.difference_minor.map(i64::saturating_abs)),
        Placeholder::AtRisk => amount(Some(found.at_risk_minor)),
        Placeholder::StatusOurs => status(&[Side::Ledger], found),
        Placeholder::StatusTheirs => status(&THEIRS, found),
        Placeholder::Detail => {
            let details: Vec<&str> = facts.grounds.iter().map(|ground| ground.detail.as_str()).collect();
            words(&details.join("; "), MOST_OF_DETAIL)
        }
    }
}

/// The provider's side: its file, or its notifications where the file says nothing.
const THEIRS: [Side; 2] = [Side::File, Side::Webhooks];

fn ours(found: &Break, minor: impl Fn(&SideFacts) -> Option<i64>) -> String {
    stated_amount(&[Side::Ledger], found, minor)
}

fn theirs(found: &Break, minor: impl Fn(&SideFacts) -> Option<i64>) -> String {
    stated_amount(&THEIRS, found, minor)
}

/// What the first of the sides says that says anything, in the currency that it states.
fn stated_amount(sides: &[Side], found: &Break, minor: impl Fn(&SideFacts) -> Option<i64>) -> String {
    let stated = sides.iter().filter_map(|side| found.side(*side));
    let mut amounts = stated.filter_map(|facts| {
        let currency = facts.currency.as_deref().unwrap_or(&found.currency);
        minor(facts).map(|minor| money(minor, currency))
    });
    amounts.next().unwrap_or_else(|| NOT_STATED.to_owned())
}

fn status(sides: &[Side], found: &Break) -> String {
    let stated = sides.iter().find_map(|side| found.side(*side)?.status.as_deref());
    stated.map_or_else(|| NOT_STATED.to_owned(), |status| words(status, MOST_OF_A_NAME))
}

/// An id: exact but for what cannot be seen, since somebody will look for it.
fn name(text: &str) -> String {
    text::cut(&text::visible(text), MOST_OF_A_NAME).into_owned()
}

/// Text of a file: a card number may stand in it.
fn words(text: &str, most: usize) -> String {
    // Masked before it is cut, so that no number loses the digits it is known by.
    let masked = without_cards(&text::visible(text));
    text::cut(&masked, most).into_owned()
}
