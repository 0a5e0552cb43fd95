//! Drafts of what is done to cards: breaks become orders in the ledger's words, and the provider makes calls of these.

use super::draft::{Draft, Drafts, Material, Reason, business_key, draft, grounds, reasons, unplannable, user};
use super::words::change_words;
use super::{Ask, CardAsk, EffectKind};
use crate::breaks::{Break, SideFacts};
use crate::frames::Side;
use crate::job::Effects;
use crate::providers::cards::{CardOperation, CardOrder, CardProvider};

/// One draft for each card and operation that open breaks ask for.
pub(super) fn drafts(material: &Material<'_>, rules: &Effects, found: &mut Drafts) {
    let Some(provider) = material.cards else { return };
    for (operation, rule) in &rules.cards {
        let kind = EffectKind::of_card(*operation);
        for (key, reasons) in reasons(material, &rule.kinds, &[], |_| None) {
            match one(material, rules, (*operation, provider), key, &reasons) {
                Ok(draft) => found.effects.push(draft),
                Err(reason) => found.unplannable.push(unplannable(kind, key, &reasons, reason)),
            }
        }
    }
}

fn one(
    material: &Material<'_>,
    rules: &Effects,
    (operation, provider): (CardOperation, &dyn CardProvider),
    key: &str,
    reasons: &[Reason<'_>],
) -> Result<Draft, String> {
    let ledger = ledger(reasons);
    let text =
        |of: fn(&SideFacts) -> Option<&String>| ledger.and_then(of).map(String::as_str).filter(|text| !text.is_empty());
    let account = text(|facts| facts.account.as_ref());
    let card = match operation {
        // The key is the card; of a top-up it is the order.
        CardOperation::Modify | CardOperation::Delete => Some(account.unwrap_or(key)),
        CardOperation::TopUp => account,
        CardOperation::Create => None,
    };
    let is_closed = operation == CardOperation::Delete;
    let order = CardOrder {
        operation,
        reference: key,
        card,
        user: user(reasons),
        amount_minor: ledger.and_then(|facts| facts.amount_minor).filter(|_| !is_closed),
        currency: text(|facts| facts.currency.as_ref()).unwrap_or_default(),
        valid_from: text(|facts| facts.valid_from.as_ref()).filter(|_| !is_closed),
        valid_to: text(|facts| facts.valid_to.as_ref()).filter(|_| !is_closed),
    };
    let call = provider.call(&order)?;
    let ask = CardAsk {
        card: card.map(str::to_owned),
        amount_minor: order.amount_minor,
        valid_from: order.valid_from.map(str::to_owned),
        valid_to: order.valid_to.map(str::to_owned),
        call,
    };
    let kind = EffectKind::of_card(operation);
    let mut draft = draft(
        business_key(material, rules, kind, &matter(&order, &ask)),
        order.user.unwrap_or_default(),
        Ask::Card(ask),
        reasons,
        grounds(material, reasons),
    );
    if !order.currency.is_empty() {
        order.currency.clone_into(&mut draft.currency);
    }
    Ok(draft)
}

/// What is unique for ever: a card is closed once and an order paid once, but a limit may be changed again next month.
fn matter(order: &CardOrder<'_>, ask: &CardAsk) -> String {
    let change = match order.operation {
        CardOperation::Modify => change_words(ask, order.currency),
        CardOperation::Create | CardOperation::Delete | CardOperation::TopUp => String::new(),
    };
    format!("{}{change}", order.reference)
}

/// What the ledger says of it, over all breaks of the key.
fn ledger<'a>(reasons: &[Reason<'a>]) -> Option<&'a SideFacts> {
    reasons.iter().filter_map(Reason::found).find_map(|found: &Break| found.side(Side::Ledger))
}
