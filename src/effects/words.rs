//! Effects in words: one place for what reports, commands and messages say of them.
//!
//! What a provider or a person said is carried as it is; who shows it makes it harmless (`text.rs`).

use std::collections::BTreeSet;
use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use super::news::news_words;
use super::{Approver, Ask, CardAsk, Effect, EffectKind, Event, Standing, State};
use crate::money::{exponent, format_minor};

/// A state alone, for counts: `waiting for approval`.
pub const fn state_name_words(state: State) -> &'static str {
    match state {
        State::Proposed => "waiting for approval",
        State::Approved => "approved, not sent",
        State::InFlight => "being sent",
        State::Acknowledged => "sent",
        State::Rejected => "refused by the provider",
        State::InDoubt => "in doubt",
        State::Refused => "refused by a person",
        State::Withdrawn => "no longer wanted",
        State::NotApplied => "not applied",
    }
}

/// Every state, the one that needs a person most first: the order of lists.
pub const BY_URGENCY: [State; 9] = [
    State::InDoubt,
    State::Rejected,
    State::Proposed,
    State::Approved,
    State::InFlight,
    State::Acknowledged,
    State::Refused,
    State::NotApplied,
    State::Withdrawn,
];

/// Where an effect stands, in a few words: `in doubt: no reply, since 2025-03-20 10:00 UTC`,
/// `acknowledged as audit-1; closed: reward dispute resolved (5004)`.
pub fn state_words(standing: &Standing) -> String {
    let said = standing.said.as_deref();
    let with_said = |words: &str| said.map_or_else(|| words.to_owned(), |said| format!("{words}: {said}"));
    let mut words = match standing.state {
        State::InDoubt => in_doubt(standing),
        State::Acknowledged => acknowledged(standing),
        State::Proposed | State::InFlight | State::Withdrawn => state_name_words(standing.state).to_owned(),
        // Before the first attempt nobody has said anything about sending.
        State::Approved if standing.attempts == 0 => state_name_words(standing.state).to_owned(),
        state => with_said(state_name_words(state)),
    };
    if let Some(reason) = &standing.reopening {
        words.push_str("; to be opened again: ");
        words.push_str(reason);
    }
    words
}

fn in_doubt(standing: &Standing) -> String {
    let why = standing.doubt.map_or("nobody knows why", super::Doubt::words);
    format!("in doubt: {why}, since {}", minutes(standing.since))
}

fn acknowledged(standing: &Standing) -> String {
    let mut words = "acknowledged".to_owned();
    if let Some(id) = &standing.provider_id {
        words.push_str(" as ");
        words.push_str(id);
    }
    let more = standing.news.as_ref().map(news_words).or_else(|| standing.said.clone());
    for more in more.into_iter().chain(rows_told(standing)) {
        words.push_str("; ");
        words.push_str(&more);
    }
    words
}

/// What is known of the rows of a parcel that has arrived: `all rows read`, `3 rows refused`.
fn rows_told(standing: &Standing) -> Option<String> {
    let outcome = standing.outcome.as_ref();
    if let Some(outcome) = outcome.filter(|outcome| !outcome.against.is_empty()) {
        return Some(format!("Kard says of the file: {}", outcome.against.join("; ")));
    }
    let of_file = outcome.iter().flat_map(|outcome| &outcome.refused);
    let rows: BTreeSet<_> = standing.refused.iter().chain(of_file).map(|row| (&row.event_id, row.line)).collect();
    let more = outcome.map_or(0, |outcome| outcome.more);
    match (rows.len() as u64, more) {
        (0, 0) => outcome.map(|_| "all rows read".to_owned()),
        (refused, 0) => Some(format!("{} refused", rows_words(refused))),
        (refused, more) => Some(format!("{} refused, and {more} more refusals", rows_words(refused))),
    }
}

/// What is asked for: `audit 3006, reward missing`, `500 rows, 1250.00 USD`.
pub fn ask_words(effect: &Effect) -> String {
    match &effect.ask {
        Ask::Audit { code, .. } => format!("audit {}, {}", code.number(), code.words()),
        Ask::Marker => EffectKind::FraudMarker.words(1).to_owned(),
        Ask::Parcel(parcel) => {
            let mut words = rows_words(parcel.rows);
            for (currency, sum_minor) in &parcel.totals_minor {
                let sum = format_minor(i128::from(*sum_minor), exponent(currency).unwrap_or(2));
                write!(words, ", {sum} {currency}").expect("writing to a string cannot fail");
            }
            words
        }
        Ask::Card(ask) => card_words(effect, ask),
        Ask::Session { parts, rows } => {
            format!("{parts} {}, {}", EffectKind::HistoricalPart.words(*parts), rows_words(*rows))
        }
    }
}

/// `card change: limit 500.00 USD, valid from 2025-01-01 to 2025-12-31`
fn card_words(effect: &Effect, ask: &CardAsk) -> String {
    let limit = if effect.kind() == EffectKind::CardTopUp { "" } else { "limit " };
    let [amount, valid] = terms_words(ask, &effect.currency);
    let parts: Vec<String> = amount.map(|amount| format!("{limit}{amount}")).into_iter().chain(valid).collect();
    let what = effect.kind().words(1);
    if parts.is_empty() { what.to_owned() } else { format!("{what}: {}", parts.join(", ")) }
}

/// What stands behind the card in the business key of a change: ` 500.00 USD valid from 2025-01-01 to 2025-12-31`.
pub(super) fn change_words(ask: &CardAsk, currency: &str) -> String {
    let mut words = String::new();
    for term in terms_words(ask, currency).into_iter().flatten() {
        words.push(' ');
        words.push_str(&term);
    }
    words
}

/// The transaction, order or card that it is about. Of a change of a card that is the card alone: limit and days are part
/// of the business key, and are told by [`ask_words`].
pub fn about(effect: &Effect) -> &str {
    let whole = effect.transaction();
    match &effect.ask {
        Ask::Card(ask) if effect.kind() == EffectKind::CardModify => {
            whole.strip_suffix(&*change_words(ask, &effect.currency)).unwrap_or(whole)
        }
        _ => whole,
    }
}

/// What [`about`] tells the id of.
pub const fn about_name(kind: EffectKind) -> &'static str {
    match kind {
        EffectKind::CardCreate | EffectKind::CardModify | EffectKind::CardDelete => "Card",
        EffectKind::CardTopUp => "Order",
        _ => "Transaction",
    }
}

/// What a card shall have, as far as it is stated: `500.00 USD` and `valid from 2025-01-01 to 2025-12-31`.
fn terms_words(ask: &CardAsk, currency: &str) -> [Option<String>; 2] {
    let amount = ask.amount_minor.map(|minor| {
        let exponent = exponent(currency).unwrap_or(2);
        format!("{} {currency}", format_minor(i128::from(minor), exponent))
    });
    let valid = match (&ask.valid_from, &ask.valid_to) {
        (Some(from), Some(to)) => Some(format!("valid from {from} to {to}")),
        (Some(from), None) => Some(format!("valid from {from}")),
        (None, Some(to)) => Some(format!("valid to {to}")),
        (None, None) => None,
    };
    [amount, valid]
}

fn rows_words(rows: u64) -> String {
    format!("{rows} {}", if rows == 1 { "row" } else { "rows" })
}

/// `2025-03-20 10:00 UTC`
pub fn minutes(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// The person whose decision it is; none for what runs and the provider do.
pub fn person_of(event: &Event) -> Option<&str> {
    match event {
        Event::Approved { by: Approver::Person { name: by }, .. }
        | Event::Refused { by, .. }
        | Event::Resolved { by, .. }
        | Event::Reopened { by, .. } => Some(by),
        _ => None,
    }
}

/// One entry of the journal in a line.
pub fn what(event: &Event) -> String {
    let short = |digest: &str| digest.chars().take(12).collect::<String>();
    let said = |words: &str, text: &str| format!("{words}: {text}");
    match event {
        Event::Proposed { plan, .. } => format!("proposed by plan {}", short(plan)),
        Event::Withdrawn { plan } => format!("no longer wanted by plan {}", short(plan)),
        Event::Approved { plan, by, comment } => {
            let words = match by {
                Approver::Person { .. } => format!("approved plan {}", short(plan)),
                Approver::Job { rule } => format!("approved by the job ({rule}), plan {}", short(plan)),
            };
            comment.as_ref().map_or_else(|| words.clone(), |comment| said(&words, comment))
        }
        Event::Refused { comment, .. } => said("refused", comment),
        Event::InFlight { call, body_sha256, .. } => format!("sending in call {call}, body {}", short(body_sha256)),
        Event::NotSent { why, .. } => said("surely not applied", why),
        Event::Acknowledged { provider_id, note, .. } => {
            let words =
                provider_id.as_ref().map_or_else(|| "acknowledged".to_owned(), |id| format!("acknowledged as {id}"));
            note.as_ref().map_or_else(|| words.clone(), |note| said(&words, note))
        }
        Event::Again { doubt, why } => format!("may have arrived and goes again, {}: {why}", doubt.words()),
        Event::Narrowed { known, refused, why } => {
            format!("{} rows have arrived, {} are refused, the rest goes again: {why}", known.len(), refused.len())
        }
        Event::Processed(outcome) => match outcome.refused.len() as u64 + outcome.more {
            0 => "Kard has read all of its rows".to_owned(),
            refused => format!("Kard has read it and refused {refused} of its rows"),
        },
        Event::Rejected { why } => said("refused by the provider", why),
        Event::InDoubt { doubt, why } => format!("in doubt, {}: {why}", doubt.words()),
        Event::Seen { done: true, what } => said("the provider shows that it is done", what),
        Event::Seen { done: false, what } => said("the provider shows that it is not done", what),
        Event::Resolved { decision, reason, .. } => {
            said(&format!("resolved as {}", decision.name().replace('_', " ")), reason)
        }
        Event::News(news) => said("news from Kard", &news_words(news)),
        Event::Reopened { reason, .. } => said("opened again", reason),
    }
}
