//! `tieout approve` and `tieout reject`: a person decides about effects of a plan that was seen.

use super::Context;
use super::decision;
use super::effects::rows;
use super::person::person;
use super::run::load_job;
use crate::cli::{ApproveArgs, RejectArgs, WhichArgs};
use crate::decisions::effects::{self, APPROVE, REJECT, Rule, Seen, Which};
use crate::exit::{ExitCode, Failure};
use crate::journal::{Journal, JournalError};

/// Approves effects of a run's plan, all or none.
///
/// # Errors
/// When an effect is unknown, not waiting, or of another plan than the one that was seen; when the person may not.
pub async fn approve(mut context: Context, args: ApproveArgs) -> Result<ExitCode, Failure> {
    let by = person(args.person.by.as_deref())?;
    let Some((journal, seen)) = seen(&mut context, &args.which, APPROVE).await? else {
        return nothing_waits(&context, &args.which);
    };
    let job = load_job(&mut context, &seen.run.job)?;
    let after = effects::approve(&journal, &seen, job.effects(), &by, args.comment).await?;
    journal.close().await?;
    tracing::info!(
        "approved {}; {} sends them",
        decision::counted(&after),
        decision::next_runs(&after, context.sandbox)
    );
    context.output.rows(&rows(&after))?;
    Ok(ExitCode::Done)
}

/// Refuses effects of a run's plan, all or none.
///
/// # Errors
/// As [`approve`], but anybody may.
pub async fn reject(mut context: Context, args: RejectArgs) -> Result<ExitCode, Failure> {
    let by = person(args.person.by.as_deref())?;
    let Some((journal, seen)) = seen(&mut context, &args.which, REJECT).await? else {
        return nothing_waits(&context, &args.which);
    };
    let after = effects::reject(&journal, &seen, &by, args.comment).await?;
    journal.close().await?;
    tracing::info!("refused {}; `tieout reopen` would open them again", decision::counted(&after));
    context.output.rows(&rows(&after))?;
    Ok(ExitCode::Done)
}

fn nothing_waits(context: &Context, which: &WhichArgs) -> Result<ExitCode, Failure> {
    tracing::info!("nothing of run {} waits for approval", which.run);
    context.output.rows(&rows(&[]))?;
    Ok(ExitCode::Done)
}

/// The effects that are meant, checked; none where all were meant and nothing waits.
async fn seen(context: &mut Context, which: &WhichArgs, rule: Rule) -> Result<Option<(Journal, Seen)>, Failure> {
    let Some(journal) = context.write_journal().await? else {
        return Err(JournalError::UnknownRun { id: which.run.clone(), nearest: Vec::new() }.into());
    };
    let meant = if which.all { Which::Waiting } else { Which::These(&which.effects) };
    let seen = effects::seen(&journal, &which.run, meant, rule).await?;
    Ok(seen.map(|seen| (journal, seen)))
}
