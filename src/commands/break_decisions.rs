//! What people decide about breaks: about all that they name or about none, each with their name and a reason.

use std::collections::BTreeSet;

use chrono::Utc;

use super::lives::{decided_rows, life};
use super::{Context, person::person};
use crate::breaks::BreakStatus;
use crate::breaks::life::{Event, Standing, apply};
use crate::cli::{AssignArgs, CloseArgs, CommentArgs, ConfirmArgs, ForceMatchArgs, WhichBreaks};
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
struct Rule {
    /// `open ones`
    allowed: &'static str,
    /// `assigned`
    decided: &'static str,
}

/// What can be closed by a person.
const CLOSABLE: &str = "open, confirmed and disputed ones";

/// Says whose breaks are.
///
/// # Errors
/// When a break is unknown or closed, or nobody is named; so are the errors of all decisions.
pub async fn assign(context: Context, args: AssignArgs) -> Result<ExitCode, Failure> {
    let by = person(args.person.by.as_deref())?;
    let rule = Rule { allowed: "ones that are not closed", decided: "assigned" };
    let event = Event::Assigned { to: args.to, by, reason: args.reason };
    decide(context, &args.which, rule, event).await
}

/// Comments on breaks.
///
/// # Errors
/// As [`assign`].
pub async fn comment(context: Context, args: CommentArgs) -> Result<ExitCode, Failure> {
    let by = person(args.person.by.as_deref())?;
    let rule = Rule { allowed: "known ones", decided: "commented on" };
    decide(context, &args.which, rule, Event::Commented { text: args.text, by }).await
}

/// Says that breaks are breaks.
///
/// # Errors
/// As [`assign`].
pub async fn confirm(context: Context, args: ConfirmArgs) -> Result<ExitCode, Failure> {
    let by = person(args.person.by.as_deref())?;
    let rule = Rule { allowed: "open ones", decided: "confirmed" };
    decide(context, &args.which, rule, Event::Confirmed { by, reason: args.reason }).await
}

/// Accepts the loss.
///
/// # Errors
/// As [`assign`].
pub async fn write_off(context: Context, args: CloseArgs) -> Result<ExitCode, Failure> {
    let by = person(args.person.by.as_deref())?;
    let rule = Rule { allowed: CLOSABLE, decided: "written off" };
    decide(context, &args.which, rule, Event::WrittenOff { by, reason: args.reason }).await
}

/// Says that breaks have their counterparts.
///
/// # Errors
/// As [`assign`].
pub async fn force_match(context: Context, args: ForceMatchArgs) -> Result<ExitCode, Failure> {
    let by = person(args.close.person.by.as_deref())?;
    let rule = Rule { allowed: CLOSABLE, decided: "force matched" };
    let event = Event::ForceMatched { with: args.with, by, reason: args.close.reason };
    decide(context, &args.close.which, rule, event).await
}

/// Says that the keys of suggestions belong together.
///
/// # Errors
/// As [`assign`].
pub async fn accept(context: Context, args: CloseArgs) -> Result<ExitCode, Failure> {
    let by = person(args.person.by.as_deref())?;
    let rule = Rule { allowed: "suggested ones", decided: "accepted" };
    decide(context, &args.which, rule, Event::SuggestionAccepted { by, reason: args.reason }).await
}

/// Opens what is closed.
///
/// # Errors
/// As [`assign`].
pub async fn reopen(context: Context, args: CloseArgs) -> Result<ExitCode, Failure> {
    let by = person(args.person.by.as_deref())?;
    let rule = Rule { allowed: "resolved, written off and force matched ones", decided: "reopened" };
    decide(context, &args.which, rule, Event::ReopenedByPerson { by, reason: args.reason }).await
}

/// Takes the same decision about all breaks, each once.
async fn decide(mut context: Context, which: &WhichBreaks, rule: Rule, event: Event) -> Result<ExitCode, Failure> {
    let journal = context.write_journal().await?;
    let accepts = matches!(event, Event::SuggestionAccepted { .. });
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for id in &which.ids {
        let standing =
            if accepts { suggested(journal.as_ref(), id).await? } else { life(journal.as_ref(), id).await? };
        check(&standing, rule, &event)?;
        if seen.insert(standing.id.clone()) {
            found.push(standing.id);
        }
    }
    let Some(journal) = journal else { return Ok(ExitCode::Done) };
    let after = match journal.decide(&found, &event).await {
        // What was allowed when it was read is no longer: somebody else was quicker.
        Err(JournalError::IllegalBreak(step)) => {
            let status = step.status.map_or("gone", BreakStatus::words);
            return Err(BreakDecisionError::Meanwhile { id: step.id, status }.into());
        }
        after => after?,
    };
    journal.close().await?;
    let breaks = if after.len() == 1 { "break" } else { "breaks" };
    let things = if accepts { breaks.replace("break", "suggestion") } else { breaks.to_owned() };
    tracing::info!("{} {} {things}", rule.decided, after.len());
    context.output.rows(&decided_rows(&after))?;
    Ok(ExitCode::Done)
}

/// The suggestion of an id, of its first digits, or that pairs a key.
async fn suggested(journal: Option<&Journal>, id: &str) -> Result<Standing, Failure> {
    match (life(journal, id).await, journal) {
        (Err(JournalError::UnknownBreak { id, nearest }), Some(journal)) => {
            match journal.suggestions_of_key(&id).await?.pop() {
                Some(standing) => Ok(standing),
                None => Err(JournalError::UnknownBreak { id, nearest }.into()),
            }
        }
        (found, _) => Ok(found?),
    }
}

fn check(standing: &Standing, rule: Rule, event: &Event) -> Result<(), BreakDecisionError> {
    if apply(Some(standing), &standing.id, event, Utc::now()).is_ok() {
        return Ok(());
    }
    let (id, status) = (standing.id.clone(), standing.status);
    let closes = matches!(event, Event::Confirmed { .. } | Event::WrittenOff { .. } | Event::ForceMatched { .. });
    if standing.facts().is_pair() && closes && status.is_open() {
        let hint = "`tieout breaks accept-suggestion` says that its keys belong together";
        return Err(BreakDecisionError::Suggestion { id, hint });
    }
    Err(BreakDecisionError::WrongStatus { id, status, allowed: rule.allowed, decided: rule.decided })
}
