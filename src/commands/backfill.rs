//! `tieout backfill`: one job, every period of a range that is to be run.

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use chrono::Utc;

use super::backfills::period_rows;
use super::person::person_or_unknown;
use super::run::load_job;
use super::{Context, stopped};
use crate::backfill::{self, Line, Open, Orders, Proposal, Report, Todo, plan, range};
use crate::cli::BackfillArgs;
use crate::exit::{ExitCode, Failure};
use crate::job::Job;
use crate::journal::{BackfillRecord, Journal};
use crate::output::{Cell, Format, Rows};
use crate::period::Period;

/// A backfill that does not begin.
#[derive(Debug, thiserror::Error)]
pub enum BackfillError {
    /// Exit code 2.
    #[error("{what}, and there is no terminal to ask on; give --yes to go on, or --dry-run to see the periods")]
    NeedsYes { what: String },
    /// Exit code 75.
    #[error("not begun: the answer was no")]
    Declined,
}

impl From<BackfillError> for Failure {
    fn from(error: BackfillError) -> Self {
        let code = match error {
            BackfillError::NeedsYes { .. } => ExitCode::Usage,
            BackfillError::Declined => ExitCode::TryAgainLater,
        };
        Self::new(code, error)
    }
}

/// Runs the periods of a range, or says which they are.
///
/// # Errors
/// When nothing can be begun; that a period failed is told by the exit code.
pub async fn run(mut context: Context, args: BackfillArgs) -> Result<ExitCode, Failure> {
    if args.dry_run {
        let job = load_job(&mut context, &args.job)?;
        let periods = periods(&job, &args)?;
        let proposal = propose(&mut context, &job, &periods, &args).await?;
        return dry_run(&context, &job, &args, &proposal);
    }
    let stopped = stopped()?;
    let world = context.start_world().await?;
    let job = load_job(&mut context, &args.job)?;
    let periods = periods(&job, &args)?;
    if !args.yes && !args.offline {
        let proposal = propose(&mut context, &job, &periods, &args).await?;
        ask(&context, &job, &proposal).await?;
    }
    let project = context.load_project()?.clone();
    let journal = Arc::new(Journal::open(&project.state).await?);
    let orders = Orders {
        project,
        job,
        periods,
        choice: args.choice.choice(),
        note: args.note,
        started_by: person_or_unknown(args.by.as_deref())?,
        offline: args.offline,
        sandbox: context.sandbox,
        max_parallel: args.order.max_parallel,
        newest_first: args.order.newest_first,
        progress: context.progress.clone(),
    };
    let outcome = backfill::run(orders, &journal, stopped).await;
    world.stop().await;
    // Nobody else holds it once all periods have ended; where one is dropped, the kernel closes the file.
    if let Some(journal) = Arc::into_inner(journal) {
        journal.close().await?;
    }
    let Some(report) = outcome? else {
        tracing::info!(
            "nothing is to be run; --dry-run says why, --reprocess all runs every period again that is not sealed"
        );
        context.output.rows(&period_rows(&[], &[]))?;
        return Ok(ExitCode::Done);
    };
    print(&context, &report)?;
    Ok(report.exit_code)
}

fn periods(job: &Job, args: &BackfillArgs) -> Result<Vec<Period>, Failure> {
    range::resolve(&args.from, &args.to, job.grain, job.zone, Utc::now()).map_err(|error| {
        Failure::new(ExitCode::Usage, anyhow::Error::new(error).context(format!("the range of job {}", job.name)))
    })
}

async fn propose(
    context: &mut Context,
    job: &Job,
    periods: &[Period],
    args: &BackfillArgs,
) -> Result<Proposal, Failure> {
    let journal = context.read_journal().await?;
    Ok(backfill::propose(journal.as_ref(), job, periods, args.choice.choice()).await?)
}

/// Where something will be sent that nobody is asked about again, a person has to say yes now.
async fn ask(context: &Context, job: &Job, proposal: &Proposal) -> Result<(), Failure> {
    let Some(what) = sends(job, proposal) else { return Ok(()) };
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(BackfillError::NeedsYes { what }.into());
    }
    // Heard from here on: a key that is pressed as soon as the question stands there counts.
    let told = stopped()?;
    let question = format!("To run: {}\n{what}. Go on? [y/N] ", plan::stretches(&proposal.lines));
    context.progress.suspend(|| {
        let mut stderr = std::io::stderr().lock();
        stderr.write_all(question.as_bytes()).and_then(|()| stderr.flush())
    })?;
    // A signal ends the process while it waits: nothing is begun.
    let answer = tokio::task::spawn_blocking(|| {
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).map(|_| answer)
    });
    let answer = tokio::select! {
        answer = answer => answer.map_err(|panic| Failure::new(ExitCode::Unexpected, panic))??,
        name = told => return Err(crate::pipeline::stopped(name)),
    };
    if ["y", "yes"].contains(&answer.trim().to_lowercase().as_str()) {
        return Ok(());
    }
    Err(BackfillError::Declined.into())
}

/// What is sent without asking anybody again, in words.
fn sends(job: &Job, proposal: &Proposal) -> Option<String> {
    let kinds = plan::sends_unasked(job).join(" and ");
    let to_run = match proposal.to_run() {
        0 => return None,
        1 => "1 period".to_owned(),
        count => format!("{count} periods"),
    };
    let waits = match proposal.approved {
        0 => None,
        1 => Some("1 effect that is approved".to_owned()),
        count => Some(format!("{count} effects that are approved")),
    };
    let what = match (kinds.is_empty(), waits) {
        (true, None) => return None,
        (true, Some(waits)) => waits,
        (false, None) => format!("{kinds} that nobody is asked about"),
        (false, Some(waits)) => format!("{waits}, and {kinds} that nobody is asked about"),
    };
    Some(format!("a backfill of {} over {to_run} sends {what}", job.name))
}

fn dry_run(context: &Context, job: &Job, args: &BackfillArgs, proposal: &Proposal) -> Result<ExitCode, Failure> {
    let mut rows = Rows::new(&["period", "todo", "why"]);
    let mut push = |line: &Line| {
        let todo = match line.todo {
            Todo::Run => "run",
            Todo::Skip | Todo::Record(_) => "skip",
        };
        rows.push(vec![Cell::text(&line.period.label), Cell::text(todo), Cell::text(&line.why)]);
    };
    if args.order.newest_first {
        proposal.lines.iter().rev().for_each(&mut push);
    } else {
        proposal.lines.iter().for_each(&mut push);
    }
    context.output.rows(&rows)?;
    if context.output.format == Format::Table {
        context.output.text(&told(job, args, proposal))?;
    }
    Ok(ExitCode::Done)
}

/// What stands below the periods, for people.
fn told(job: &Job, args: &BackfillArgs, proposal: &Proposal) -> String {
    let (all, to_run) = (proposal.lines.len(), proposal.to_run());
    let units = range::units(job.grain);
    let head = format!("\n{}, {} to {}: {to_run} of {all} {units} to run", job.name, args.from, args.to);
    let goes_on = proposal.continues.as_ref().map_or_else(String::new, |backfill| {
        let begun = backfill.begun_at.format("%Y-%m-%dT%H:%M:%SZ");
        format!("; this goes on with backfill {}, begun {begun}", backfill.id)
    });
    let asks = sends(job, proposal).filter(|_| !args.offline);
    let asks = asks.map_or_else(String::new, |what| format!("It asks first, unless --yes is given: {what}.\n"));
    format!("{head}{goes_on}.\n{asks}")
}

fn print(context: &Context, report: &Report) -> Result<(), Failure> {
    if context.output.format != Format::Table {
        return Ok(context.output.rows(&period_rows(&report.periods, &report.ends))?);
    }
    let ran: Vec<_> = report.periods.iter().filter(|period| period.skipped.is_none()).cloned().collect();
    context.output.rows(&period_rows(&ran, &report.ends))?;
    let record = &report.backfill;
    let left = record.to_run.saturating_sub(record.done);
    let head = format!(
        "\nbackfill {} of {}, attempt {}: {} of {} done, {left} not done, {} left out\n",
        record.id, record.job, report.attempt, record.done, record.to_run, record.left_out
    );
    let next = match &report.stopped {
        Some(stopped) => format!("{stopped}; the same command goes on with it\n"),
        None if left > 0 => "the same command with --reprocess failed tries again what is not done\n".to_owned(),
        None => String::new(),
    };
    let open = left_open(context, record, &report.open);
    Ok(context.output.text(&format!("{head}{open}{next}Exit code {}\n", report.exit_code as u8))?)
}

/// What its runs have left to somebody else, and what to do about it.
fn left_open(context: &Context, record: &BackfillRecord, open: &Open) -> String {
    let sandbox = if context.sandbox { " --sandbox" } else { "" };
    let job = &record.job;
    let of = |(count, periods): (usize, usize), one: &str, more: &str| {
        let what = if count == 1 { format!("1 {one}") } else { format!("{count} {more}") };
        let periods = if periods == 1 { "1 period".to_owned() } else { format!("{periods} periods") };
        format!("{what} of {periods} {}", if count == 1 { "waits" } else { "wait" })
    };
    let mut lines = Vec::new();
    if open.proposed.0 > 0 {
        let what = of(open.proposed, "effect", "effects");
        lines.push(format!(
            "{what} for approval before anything of that is sent: `tieout effects {job} --state proposed{sandbox}` lists them,\n\
             `tieout approve --all --run {job}/PERIOD/ATTEMPT{sandbox}` approves those of a period; then the \
             same range with --reprocess missing sends them\n"
        ));
    }
    if open.awaited.0 > 0 {
        let what = of(open.awaited, "file", "files");
        lines.push(format!(
            "{what} for the provider's result: the next run of the job hears it, and a period that is run again \
             reports it\n"
        ));
    }
    lines.concat()
}
