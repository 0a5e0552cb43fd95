//! What people decide about breaks: about all that they name or about none, each with their name and a reason.

use super::lives::decided_rows;
use super::{Context, person::person};
use crate::breaks::life::Event;
use crate::cli::{AssignArgs, CloseArgs, CommentArgs, ConfirmArgs, ForceMatchArgs, WhichBreaks};
use crate::decisions::breaks;
use crate::exit::{ExitCode, Failure};
use crate::journal::JournalError;

/// Says whose breaks are.
///
/// # Errors
/// When a break is unknown or closed, or nobody is named; so are the errors of all decisions.
pub async fn assign(context: Context, args: AssignArgs) -> Result<ExitCode, Failure> {
    let by = person(args.person.by.as_deref())?;
    let event = Event::Assigned { to: args.to, by, reason: args.reason };
    decide(context, &args.which, event).await
}

/// Comments on breaks.
///
/// # Errors
/// As [`assign`].
pub async fn comment(context: Context, args: CommentArgs) -> Result<ExitCode, Failure> {
    let by = person(args.person.by.as_deref())?;
    decide(context, &args.which, Event::Commented { text: args.text, by }).await
}

/// Says that breaks are breaks.
///
/// # Errors
/// As [`assign`].
pub async fn confirm(context: Context, args: ConfirmArgs) -> Result<ExitCode, Failure> {
    let by = person(args.person.by.as_deref())?;
    decide(context, &args.which, Event::Confirmed { by, reason: args.reason }).await
}

/// Accepts the loss.
///
/// # Errors
/// As [`assign`].
pub async fn write_off(context: Context, args: CloseArgs) -> Result<ExitCode, Failure> {
    let by = person(args.person.by.as_deref())?;
    decide(context, &args.which, Event::WrittenOff { by, reason: args.reason }).await
}

/// Says that breaks have their counterparts.
///
/// # Errors
/// As [`assign`].
pub async fn force_match(context: Context, args: ForceMatchArgs) -> Result<ExitCode, Failure> {
    let by = person(args.close.person.by.as_deref())?;
    let event = Event::ForceMatched { with: args.with, by, reason: args.close.reason };
    decide(context, &args.close.which, event).await
}

/// Says that the keys of suggestions belong together.
///
/// # Errors
/// As [`assign`].
pub async fn accept(context: Context, args: CloseArgs) -> Result<ExitCode, Failure> {
    let by = person(args.person.by.as_deref())?;
    decide(context, &args.which, Event::SuggestionAccepted { by, reason: args.reason }).await
}

/// Opens what is closed.
///
/// # Errors
/// As [`assign`].
pub async fn reopen(context: Context, args: CloseArgs) -> Result<ExitCode, Failure> {
    let by = person(args.person.by.as_deref())?;
    decide(context, &args.which, Event::ReopenedByPerson { by, reason: args.reason }).await
}

/// Takes the same decision about all breaks, each once.
async fn decide(mut context: Context, which: &WhichBreaks, event: Event) -> Result<ExitCode, Failure> {
    let unknown =
        || JournalError::UnknownBreak { id: which.ids.first().cloned().unwrap_or_default(), nearest: Vec::new() };
    let journal = context.write_journal().await?.ok_or_else(unknown)?;
    let after = breaks::decide(&journal, &which.ids, &event).await?;
    journal.close().await?;
    let breaks = if after.len() == 1 { "break" } else { "breaks" };
    let accepts = matches!(event, Event::SuggestionAccepted { .. });
    let things = if accepts { breaks.replace("break", "suggestion") } else { breaks.to_owned() };
    tracing::info!("{} {} {things}", breaks::rule(&event).decided, after.len());
    context.output.rows(&decided_rows(&after))?;
    Ok(ExitCode::Done)
}
