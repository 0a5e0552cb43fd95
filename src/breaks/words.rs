//! Lives of breaks in words: one place for what commands and pages say of them.
//!
//! What people and files said is carried as it is; who shows it makes it harmless (`text.rs`).

use super::life::{Event, Evidence, Sighting};

/// One entry of the journal in a line.
pub fn what(event: &Event) -> String {
    let said = |words: &str, text: &str| format!("{words}: {text}");
    let perhaps = |words: String, text: Option<&str>| text.map_or_else(|| words.clone(), |text| said(&words, text));
    let found = |words: &str, facts: &Sighting| {
        format!("{words} in {} as {}: {}", facts.period, facts.kind_name().replace('_', " "), facts.detail)
    };
    match event {
        Event::Opened { facts, .. } => found("found", facts),
        Event::Changed { facts } => found("found with other facts", facts),
        Event::Reopened { facts } => found("open again, found", facts),
        Event::Closed { period, evidence } => cleared(period, evidence),
        Event::Disputed { effect } => format!("in dispute by audit {effect}"),
        Event::Settled { effect, verdict } => format!("audit {effect} leaves it {}", verdict.words()),
        Event::Assigned { to, reason, .. } => perhaps(format!("assigned to {to}"), reason.as_deref()),
        Event::Commented { text, .. } => said("comment", text),
        Event::Confirmed { reason, .. } => perhaps("confirmed".to_owned(), reason.as_deref()),
        Event::WrittenOff { reason, .. } => said("written off", reason),
        Event::ForceMatched { with: Some(key), reason, .. } => said(&format!("force matched with {key}"), reason),
        Event::ForceMatched { with: None, reason, .. } => said("force matched", reason),
        Event::SuggestionAccepted { reason, .. } => said("suggestion accepted", reason),
        Event::ReopenedByPerson { reason, .. } => said("opened again", reason),
    }
}

/// Why a run finds a break no more.
fn cleared(period: &str, evidence: &Evidence) -> String {
    match evidence {
        Evidence::Inputs { changed } if changed.is_empty() => {
            format!("no longer found in {period}, though no input has changed")
        }
        Evidence::Inputs { changed } => format!("no longer found in {period}; changed since: {}", changed.join(", ")),
        Evidence::Suggestion { id } => format!("no longer found in {period}: suggestion {id} pairs its key"),
        Evidence::Row { period: by, side, file, line } => {
            format!("cleared by the run of {by}: {side} {file} line {line}")
        }
        Evidence::Together { period: of } => {
            format!("seen by the run of {period}: what {of} and other periods left open belongs together")
        }
    }
}
