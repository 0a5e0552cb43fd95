//! Decisions about breaks: about all that are named or about none, each with a person's name.

use std::collections::BTreeSet;

use chrono::Utc;

use crate::breaks::BreakStatus;
use crate::breaks::life::{Event, Standing, apply};
use crate::exit::{ExitCode, Failure};
use crate::journal::{Journal, JournalError};

/// A decision that cannot be taken. Nothing is written then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BreakDecisionError {
    /// Exit code 2.
    #[error("break {id} is {}; only {allowed} can be {decided}", .status.words())]
    WrongStatus { id: String, status: BreakStatus, allowed: &'static str, decided: &'static str },
    /// Exit code 2.
    #[error("`{id}` is no break but a suggestion; {hint}")]
    Suggestion { id: String, hint: &'static str },
    /// Exit code 75.
    #[error("another process has just changed break {id}: it is {status} now; look at it again, nothing was decided")]
    Meanwhile { id: String, status: &'static str },
}

impl BreakDecisionError {
    /// The exit code of a process that ends by it.
    pub const fn exit_code(&self) -> ExitCode {
        match self {
            Self::WrongStatus { .. } | Self::Suggestion { .. } => ExitCode::Usage,
            Self::Meanwhile { .. } => ExitCode::TryAgainLater,
        }
    }
}

impl From<BreakDecisionError> for Failure {
    fn from(error: BreakDecisionError) -> Self {
        Self::new(error.exit_code(), error)
    }
}

/// What a decision is about, in words.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// `open ones`
    pub allowed: &'static str,
    /// `assigned`
    pub decided: &'static str,
}

/// What can be closed by a person.
const CLOSABLE: &str = "open, confirmed and disputed ones";

/// What a person's decision is about; what only runs tell is none.
///
/// # Panics
/// For an event that no person causes.
pub fn rule(event: &Event) -> Rule {
    let (allowed, decided) = match event {
        Event::Assigned { .. } => ("ones that are not closed", "assigned"),
        Event::Commented { .. } => ("known ones", "commented on"),
        Event::Confirmed { .. } => ("open ones", "confirmed"),
        Event::WrittenOff { .. } => (CLOSABLE, "written off"),
        Event::ForceMatched { .. } => (CLOSABLE, "force matched"),
        Event::SuggestionAccepted { .. } => ("suggested ones", "accepted"),
        Event::ReopenedByPerson { .. } => ("resolved, written off and force matched ones", "reopened"),
        Event::Opened { .. }
        | Event::Changed { .. }
        | Event::Closed { .. }
        | Event::Reopened { .. }
        | Event::Disputed { .. }
        | Event::Settled { .. } => unreachable!("`{}` is no decision of a person", event.name()),
    };
    Rule { allowed, decided }
}

/// Takes the same decision about the breaks of these ids or first digits, each once, and gives where they stand then. A
/// suggestion to accept may also be told by a key that it pairs.
///
/// # Errors
/// When a break is unknown, the decision does not fit where it stands, or somebody else was quicker. Nothing is written
/// then.
pub async fn decide(journal: &Journal, ids: &[String], event: &Event) -> Result<Vec<Standing>, Failure> {
    let accepts = matches!(event, Event::SuggestionAccepted { .. });
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for id in ids {
        let standing = if accepts { suggested(journal, id).await? } else { journal.life(id).await? };
        check(&standing, event)?;
        if seen.insert(standing.id.clone()) {
            found.push(standing.id);
        }
    }
    match journal.decide(&found, event).await {
        // What was allowed when it was read is no longer: somebody else was quicker.
        Err(JournalError::IllegalBreak(step)) => {
            let status = step.status.map_or("gone", BreakStatus::words);
            Err(BreakDecisionError::Meanwhile { id: step.id, status }.into())
        }
        after => Ok(after?),
    }
}

/// The suggestion of an id, of its first digits, or that pairs a key.
async fn suggested(journal: &Journal, id: &str) -> Result<Standing, Failure> {
    match journal.life(id).await {
        Err(JournalError::UnknownBreak { id, nearest }) => match journal.suggestions_of_key(&id).await?.pop() {
            Some(standing) => Ok(standing),
            None => Err(JournalError::UnknownBreak { id, nearest }.into()),
        },
        found => Ok(found?),
    }
}

/// Whether a decision fits where a break stands.
///
/// # Errors
/// When it does not, with what it fits.
pub fn check(standing: &Standing, event: &Event) -> Result<(), BreakDecisionError> {
    if apply(Some(standing), &standing.id, event, Utc::now()).is_ok() {
        return Ok(());
    }
    let (id, status) = (standing.id.clone(), standing.status);
    let closes = matches!(event, Event::Confirmed { .. } | Event::WrittenOff { .. } | Event::ForceMatched { .. });
    if standing.facts().is_pair() && closes && status.is_open() {
        let hint = "`tieout breaks accept-suggestion` says that its keys belong together";
        return Err(BreakDecisionError::Suggestion { id, hint });
    }
    let Rule { allowed, decided } = rule(event);
    Err(BreakDecisionError::WrongStatus { id, status, allowed, decided })
}
