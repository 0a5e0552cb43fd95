//! Signatures in words: one place for what the pages and the journal say of them.
//!
//! What people said is carried as it is; who shows it makes it harmless (`text.rs`).

use super::life::{Event, SignOffState};

/// Digits of a digest that tell one report from another.
const DIGITS: usize = 12;

/// One entry of the journal in a line.
pub fn what(event: &Event) -> String {
    let signed = |words: &str, digest: &str, statement: &str| {
        format!("{words}, report {}: {statement}", digest.get(..DIGITS).unwrap_or(digest))
    };
    match event {
        Event::Prepared { digest, statement, .. } => signed("prepared for review", digest, statement),
        Event::SignedOff { digest, statement, .. } => signed("signed off", digest, statement),
        Event::Withdrawn { reason, .. } => format!("signatures withdrawn: {reason}"),
    }
}

/// Whose name an entry bears.
pub fn person_of(event: &Event) -> &str {
    match event {
        Event::Prepared { by, .. } | Event::SignedOff { by, .. } | Event::Withdrawn { by, .. } => by,
    }
}

/// Where a report stands, behind "this report is".
pub const fn stands(state: SignOffState) -> &'static str {
    match state {
        SignOffState::Prepared => "prepared, and waits for its review",
        SignOffState::SignedOff => "signed off",
        SignOffState::Withdrawn => "not signed: the signatures were withdrawn",
    }
}
