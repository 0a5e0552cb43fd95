//! Doubts in words: what was sent, what the provider has to be asked, and what each decision of a person means.

use chrono::TimeDelta;

use super::words::{about, ask_words, minutes};
use super::{Ask, Decision, Doubt, Effect, EffectKind, Method, Standing};
use crate::providers::kard::request::{audits_path, fraud_path};
use crate::providers::kard::request_transactions::{historical_start_path, transactions_path, uploads_path};

/// What a decision says, as the beginning of a sentence.
pub const fn decision_words(decision: Decision) -> &'static str {
    match decision {
        Decision::Applied => "The provider has it",
        Decision::NotApplied => "The provider does not have it, and it shall not be sent",
        Decision::Resend => "Send it again in the next run, at the risk that the provider then has it twice",
    }
}

/// The kind of doubt and the words that came with it.
pub fn why(standing: &Standing) -> String {
    let doubt = standing.doubt.map_or("unknown", Doubt::words);
    standing.said.as_ref().map_or_else(|| doubt.to_owned(), |said| format!("{doubt}: {said}"))
}

/// `12m`, `5h`, `3d 4h`: whole units, never rounded up.
pub fn age(age: TimeDelta) -> String {
    let hours = age.num_hours().max(0);
    match (hours / 24, hours % 24) {
        (0, 0) => format!("{}m", age.num_minutes().max(0)),
        (0, hours) => format!("{hours}h"),
        (days, 0) => format!("{days}d"),
        (days, hours) => format!("{days}d {hours}h"),
    }
}

/// Below the provider's `base_url`.
pub fn path(effect: &Effect) -> String {
    let organization = &effect.key.organization;
    if let Ask::Card(ask) = &effect.ask {
        return ask.call.path.clone();
    }
    let path = match effect.kind() {
        EffectKind::ProviderAudit => audits_path(organization, &effect.user),
        EffectKind::FraudMarker => fraud_path(organization),
        EffectKind::BulkFile => uploads_path(organization),
        EffectKind::IncomingPart => transactions_path(organization),
        EffectKind::HistoricalStart | EffectKind::HistoricalPart | EffectKind::HistoricalComplete => {
            historical_start_path(organization, &effect.user)
        }
        EffectKind::CardCreate | EffectKind::CardModify | EffectKind::CardDelete | EffectKind::CardTopUp => None,
    };
    path.unwrap_or_default()
}

/// How its call was made.
pub const fn method(effect: &Effect) -> Method {
    match &effect.ask {
        Ask::Card(ask) => ask.call.method,
        _ => Method::Post,
    }
}

/// Whom to ask: Kard, or a provider of cards by its name in `tieout.yaml`.
pub fn asked(effect: &Effect) -> &str {
    if effect.kind().operation().is_some() { &effect.key.provider } else { "Kard" }
}

/// How a doubt ends other than by a decision, in sentences about whom to ask.
pub const fn ending(kind: EffectKind) -> &'static str {
    match kind {
        EffectKind::CardModify | EffectKind::CardDelete => {
            "The next run of the job asks it how the card stands now. Where it tells, that ends the doubt by itself; \
             else look there, or ask its support."
        }
        EffectKind::CardCreate | EffectKind::CardTopUp => "No run can look this up: look there, or ask its support.",
        _ => {
            "It offers no way to look this up: ask its support, or wait for its news of the audit, which ends the doubt \
             by itself."
        }
    }
}

/// Where the provider has no endpoint that tells, a person has to be asked.
pub fn question(standing: &Standing) -> String {
    let effect = &standing.effect;
    let what = match effect.kind() {
        EffectKind::ProviderAudit => "is there an audit",
        EffectKind::FraudMarker => "is there a fraud marker",
        EffectKind::BulkFile => "has this file arrived",
        EffectKind::IncomingPart | EffectKind::HistoricalPart => "have these rows arrived",
        EffectKind::HistoricalStart => "is there an upload session",
        EffectKind::HistoricalComplete => "is this upload session completed",
        EffectKind::CardCreate => "was this card made",
        EffectKind::CardModify => "was this card changed",
        EffectKind::CardDelete => "was this card closed",
        EffectKind::CardTopUp => "was this money put on the card",
    };
    let asked = ask_words(effect);
    let sent = minutes(standing.since);
    if effect.kind().operation().is_some() {
        return format!("{what} ({asked}) for {}, received up to {sent}?", about(effect));
    }
    format!(
        "{what} ({asked}) for transaction {} of user {} in organization {}, received up to {sent}, and what is its id?",
        effect.transaction(),
        effect.user,
        effect.key.organization
    )
}
