//! `tieout sign-off` and `tieout sign-offs`: names under reports.

use super::Context;
use super::person::person;
use super::run::load_job;
use crate::cli::{SignOffArgs, SignOffCommand, SignOffsArgs, WithdrawArgs};
use crate::decisions::sign_off::{Signed, Signing, sign, withdraw};
use crate::exit::{ExitCode, Failure};
use crate::journal::{Journal, JournalError};
use crate::objects::Artifacts;
use crate::output::{Cell, Rows};
use crate::sign_off::{DEFAULT_STATEMENT, Role, Signature, Standing};

/// Signs the report of a run, or takes the signatures under it back.
///
/// # Errors
/// When the person may not sign, or the report is not one to be signed.
pub async fn run(mut context: Context, args: SignOffArgs) -> Result<ExitCode, Failure> {
    if let Some(SignOffCommand::Withdraw(args)) = args.withdraw {
        return take_back(context, args).await;
    }
    let by = person(args.person.by.as_deref())?;
    let id = args.run.unwrap_or_default();
    let kept = context.load_project()?.kept();
    let journal = journal_of(&mut context, &id).await?;
    let signed = Signed::read(&journal, &kept, &id).await?;
    let job = load_job(&mut context, &signed.run.job)?;
    let role = args.role.unwrap_or_else(|| signed.next_role());
    let digest = args.digest.map(|digest| digest.to_ascii_lowercase());
    let digest = digest.or_else(|| signed.digest_now.clone()).unwrap_or_default();
    let statement = args.statement.as_deref().unwrap_or(DEFAULT_STATEMENT);
    let signing = Signing { role, by: &by, digest: &digest, statement };
    let after = sign(&journal, &signed, signing, job.effects()).await?;
    let told = match role {
        Role::Preparer => "prepared: it waits for its review by someone else",
        Role::Reviewer => "signed off",
    };
    tracing::info!("the report of {id}, {digest}, is {told}");
    listed(context, journal, &kept, vec![after]).await
}

async fn take_back(mut context: Context, args: WithdrawArgs) -> Result<ExitCode, Failure> {
    let by = person(args.person.by.as_deref())?;
    let kept = context.load_project()?.kept();
    let journal = journal_of(&mut context, &args.run).await?;
    let after = withdraw(&journal, &args.run, &by, &args.reason).await?;
    tracing::info!("the signatures under the report of {} are withdrawn", args.run);
    listed(context, journal, &kept, vec![after]).await
}

/// Lists the reports that were ever signed.
///
/// # Errors
/// When there is no project, or the journal or a report cannot be read.
pub async fn list(mut context: Context, args: SignOffsArgs) -> Result<ExitCode, Failure> {
    let kept = context.load_project()?.kept();
    let Some(journal) = context.read_journal().await? else {
        context.output.rows(&rows(&[]))?;
        return Ok(ExitCode::Done);
    };
    let mut standings = journal.sign_offs(args.job.as_deref()).await?;
    if standings.is_empty() {
        tracing::info!("no report is signed; `tieout sign-off RUN` signs one");
    }
    standings.sort_by_cached_key(|standing| {
        let (job, period, attempt) = crate::sign_off::life::parts(&standing.run).unwrap_or_default();
        (job.to_owned(), period.to_owned(), attempt)
    });
    listed(context, journal, &kept, standings).await
}

async fn journal_of(context: &mut Context, run: &str) -> Result<Journal, Failure> {
    let unknown = || JournalError::UnknownRun { id: run.to_owned(), nearest: Vec::new() };
    Ok(context.write_journal().await?.ok_or_else(unknown)?)
}

async fn listed(
    context: Context,
    journal: Journal,
    kept: &Artifacts,
    standings: Vec<Standing>,
) -> Result<ExitCode, Failure> {
    let mut lines = Vec::with_capacity(standings.len());
    for standing in standings {
        let signed = Signed::read(&journal, kept, &standing.run).await?;
        let now = signed.validity().map_or_else(String::new, |validity| validity.words());
        lines.push((standing, now));
    }
    journal.close().await?;
    context.output.rows(&rows(&lines))?;
    Ok(ExitCode::Done)
}

fn rows(lines: &[(Standing, String)]) -> Rows {
    let columns = [
        "run",
        "state",
        "now",
        "prepared_by",
        "prepared_at",
        "signed_off_by",
        "signed_off_at",
        "withdrawn_by",
        "reason",
        "statement",
        "digest",
    ];
    let mut rows = Rows::new(&columns).spare(&["prepared_at", "signed_off_at", "statement", "digest", "reason"]);
    let by = |signature: &Option<Signature>| Cell::or_empty(signature.as_ref().map(|one| Cell::text(&*one.by)));
    let at = |signature: &Option<Signature>| Cell::or_empty(signature.as_ref().map(|one| Cell::Time(one.at)));
    for (standing, now) in lines {
        let last = standing.signed_off.as_ref().or(standing.prepared.as_ref());
        let withdrawn = standing.withdrawn.as_ref();
        rows.push(vec![
            Cell::text(&*standing.run),
            Cell::text(standing.state.name()),
            Cell::text(&**now),
            by(&standing.prepared),
            at(&standing.prepared),
            by(&standing.signed_off),
            at(&standing.signed_off),
            Cell::or_empty(withdrawn.map(|one| Cell::text(&*one.by))),
            Cell::or_empty(withdrawn.map(|one| Cell::text(&*one.reason))),
            Cell::or_empty(last.map(|one| Cell::text(&*one.statement))),
            Cell::text(&*standing.digest),
        ]);
    }
    rows
}
