//! `tieout backfill`: one job, every period of a range that is to be run; of months, their days first where that is asked.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::sync::Arc;

use chrono::Utc;

use super::backfills::{period_rows, period_rows_of_jobs};
use super::person::person_or_unknown;
use super::run::load_job;
use super::{Context, stopped};
use crate::backfill::{self, DaysBefore, Line, Open, Orders, Proposal, Report, Todo, days, plan, range};
use crate::cli::BackfillArgs;
use crate::exit::{ExitCode, Failure};
use crate::job::Job;
use crate::journal::{BackfillRecord, Journal, PeriodEnd, PlannedPeriod};
use crate::notify::desk::Desk;
use crate::ops::push;
use crate::output::{Cell, Format, Rows};
use crate::period::Period;
use crate::pipeline::stop::Stop;
use crate::project::Project;

/// A backfill that does not begin.
#[derive(Debug, thiserror::Error)]
pub enum BackfillError {
    /// Exit code 2.
    #[error("{what}, and there is no terminal to ask on; give --yes to go on, or --dry-run to see the periods")]
    NeedsYes { what: String },
    /// Exit code 2.
    #[error(
        "--with-days is for jobs that close months by their days, and {job} names no daily job; leave it out, or say \
             `month_end: {{dailies: JOB}}` in jobs/{job}.yaml"
    )]
    NoDays { job: String },
    /// Exit code 75.
    #[error("not begun: the answer was no")]
    Declined,
}

impl From<BackfillError> for Failure {
    fn from(error: BackfillError) -> Self {
        let code = match error {
            BackfillError::NeedsYes { .. } | BackfillError::NoDays { .. } => ExitCode::Usage,
            BackfillError::Declined => ExitCode::TryAgainLater,
        };
        Self::new(code, error)
    }
}

/// One job of the command, and its periods.
struct Part {
    job: Job,
    periods: Vec<Period>,
}

/// Runs the periods of a range, or says which they are.
///
/// # Errors
/// When nothing can be begun; that a period failed is told by the exit code.
pub async fn run(mut context: Context, args: BackfillArgs) -> Result<ExitCode, Failure> {
    context.memory = args.memory.memory;
    if args.dry_run {
        let parts = parts(&mut context, &args).await?;
        let proposals = propose(&mut context, &parts, &args).await?;
        return dry_run(&context, &parts, &args, &proposals);
    }
    let stopped = stopped()?;
    let world = context.start_world().await?;
    let parts = parts(&mut context, &args).await?;
    let proposals = propose(&mut context, &parts, &args).await?;
    if !args.yes && !args.offline {
        ask(&context, &parts, &proposals).await?;
    }
    let project = context.load_project()?.clone();
    let journal = Arc::new(Journal::open(&project.state).await?);
    let outcome = run_all(&mut context, parts, &args, &journal, Stop::when(stopped)).await;
    world.stop().await;
    // Nobody else holds it once all periods have ended; where one is dropped, the kernel closes the file.
    if let Some(journal) = Arc::into_inner(journal) {
        journal.close().await?;
    }
    let reports = outcome?;
    if reports.is_empty() {
        tracing::info!(
            "nothing is to be run; --dry-run says why, --reprocess all runs every period again that is not sealed"
        );
        context.output.rows(&if args.order.with_days { period_rows_of_jobs(&[]) } else { period_rows(&[], &[]) })?;
        return Ok(ExitCode::Done);
    }
    print(&context, &args, &reports)?;
    Ok(backfill::most_serious(reports.iter().map(|report| report.exit_code as u8)))
}

/// One backfill after the other; what is stopped keeps those after it from beginning.
async fn run_all(
    context: &mut Context,
    parts: Vec<Part>,
    args: &BackfillArgs,
    journal: &Arc<Journal>,
    stop: Stop,
) -> Result<Vec<Report>, Failure> {
    let mut reports: Vec<Report> = Vec::new();
    for Part { job, periods } in parts {
        let days = days::daily_job(&job).filter(|_| args.order.with_days);
        let orders = Orders {
            project: context.load_project()?.clone(),
            days: days.map(|daily| DaysBefore { job: daily.to_owned(), ..DaysBefore::default() }),
            job,
            periods,
            choice: args.choice.choice(),
            note: args.note.clone(),
            started_by: person_or_unknown(args.by.as_deref())?,
            offline: args.offline,
            sandbox: context.sandbox,
            max_parallel: args.order.max_parallel,
            newest_first: args.order.newest_first,
            progress: context.progress.clone(),
        };
        let asked = stop.clone();
        let told_job = orders.job.clone();
        let report = backfill::run(orders, journal, async move { asked.asked().await }).await?;
        if let Some(report) = &report {
            after(context.load_project()?, journal, &told_job, report).await;
        }
        let is_stopped = report.as_ref().is_some_and(|report| report.stopped.is_some());
        reports.extend(report);
        if is_stopped {
            break;
        }
    }
    Ok(reports)
}

/// People are told of all periods in one, and the metrics go where they are wanted.
async fn after(project: &Project, journal: &Journal, job: &Job, report: &Report) {
    let ran = report.ends.iter().filter(|end| end.attempt == report.attempt && !end.found);
    let mut periods: Vec<String> = ran.map(|end| end.period.clone()).collect();
    periods.sort();
    Desk { journal, notify: &project.notify }.backfill_ended(&job.name, &periods).await;
    push::after_run(&project.metrics, journal, job).await;
}

/// The days, where they are asked for and not behind a backfill that is gone on with; then what is asked for.
async fn parts(context: &mut Context, args: &BackfillArgs) -> Result<Vec<Part>, Failure> {
    let job = load_job(context, &args.job)?;
    let wrong = |error| {
        Failure::new(ExitCode::Usage, anyhow::Error::new(error).context(format!("the range of job {}", args.job)))
    };
    let periods = range::resolve(&args.from, &args.to, job.grain, job.zone, Utc::now()).map_err(wrong)?;
    if !args.order.with_days {
        return Ok(vec![Part { job, periods }]);
    }
    let Some(daily) = days::daily_job(&job) else {
        return Err(BackfillError::NoDays { job: job.name }.into());
    };
    let daily = load_job(context, daily)?;
    let of_days = days::periods(&periods, &daily, Utc::now()).map_err(wrong)?;
    let mut are_behind = false;
    if let (Some(journal), [first, ..], [.., last]) = (context.read_journal().await?, &periods[..], &periods[..]) {
        let range = (first.label.as_str(), last.label.as_str());
        if let Some(months) = journal.unfinished_backfill(&job.name, range, args.choice.reprocess).await? {
            are_behind = days::are_behind(&journal, &daily.name, &of_days, args.choice.reprocess, &months).await?;
        }
    }
    let days = (!are_behind).then_some(Part { job: daily, periods: of_days });
    Ok(days.into_iter().chain([Part { job, periods }]).collect())
}

/// What is done about each of the parts; says where days are missing that nobody has asked for.
async fn propose(context: &mut Context, parts: &[Part], args: &BackfillArgs) -> Result<Vec<Proposal>, Failure> {
    let journal = context.read_journal().await?;
    let mut proposals: Vec<Proposal> = Vec::new();
    for Part { job, periods } in parts {
        let daily = days::daily_job(job);
        let before = daily.filter(|_| args.order.with_days).map(|daily| DaysBefore {
            job: daily.to_owned(),
            to_run: proposals
                .iter()
                .flat_map(|days| &days.lines)
                .filter(|line| line.is_to_run())
                .map(|line| line.period.label.clone())
                .collect(),
        });
        let proposal = backfill::propose(journal.as_ref(), job, periods, args.choice.choice(), before.as_ref()).await?;
        if let Some(daily) = daily.filter(|_| !args.order.with_days) {
            let finished = match &journal {
                Some(journal) => days::finished(journal, daily, periods).await?,
                None => BTreeMap::new(),
            };
            let count = days::without_runs(&proposal.lines, &finished);
            if count > 0 {
                let what = if count == 1 { "1 day".to_owned() } else { format!("{count} days") };
                tracing::warn!("{what} of these months without a finished run of {daily}; --with-days runs them first");
            }
        }
        proposals.push(proposal);
    }
    Ok(proposals)
}

/// Where something will be sent that nobody is asked about again, a person has to say yes now.
async fn ask(context: &Context, parts: &[Part], proposals: &[Proposal]) -> Result<(), Failure> {
    let Some(what) = sends(parts, proposals) else { return Ok(()) };
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(BackfillError::NeedsYes { what }.into());
    }
    // Heard from here on: a key that is pressed as soon as the question stands there counts.
    let told = stopped()?;
    let to_run: Vec<String> = proposals.iter().map(|proposal| plan::stretches(&proposal.lines)).collect();
    let question = format!("To run: {}\n{what}. Go on? [y/N] ", to_run.join("; "));
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
fn sends(parts: &[Part], proposals: &[Proposal]) -> Option<String> {
    let parts = parts.iter().zip(proposals);
    let told: Vec<String> = parts.filter_map(|(part, proposal)| sends_of(&part.job, proposal)).collect();
    (!told.is_empty()).then(|| told.join("; "))
}

fn sends_of(job: &Job, proposal: &Proposal) -> Option<String> {
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

fn dry_run(
    context: &Context,
    parts: &[Part],
    args: &BackfillArgs,
    proposals: &[Proposal],
) -> Result<ExitCode, Failure> {
    let columns = ["job", "period", "todo", "why"];
    let mut rows = Rows::new(if args.order.with_days { &columns } else { &columns[1..] });
    for (Part { job, .. }, proposal) in parts.iter().zip(proposals) {
        let mut push = |line: &Line| {
            let todo = match line.todo {
                Todo::Run => "run",
                Todo::Skip | Todo::Record(_) => "skip",
            };
            let mut cells = vec![Cell::text(&line.period.label), Cell::text(todo), Cell::text(&line.why)];
            if args.order.with_days {
                cells.insert(0, Cell::text(&job.name));
            }
            rows.push(cells);
        };
        if args.order.newest_first {
            proposal.lines.iter().rev().for_each(&mut push);
        } else {
            proposal.lines.iter().for_each(&mut push);
        }
    }
    context.output.rows(&rows)?;
    if context.output.format == Format::Table {
        context.output.text(&told(parts, args, proposals))?;
    }
    Ok(ExitCode::Done)
}

/// What stands below the periods, for people.
fn told(parts: &[Part], args: &BackfillArgs, proposals: &[Proposal]) -> String {
    let one = |(Part { job, periods }, proposal): (&Part, &Proposal)| {
        let (all, to_run) = (proposal.lines.len(), proposal.to_run());
        let units = range::units(job.grain);
        let label = |period: Option<&Period>| period.map(|period| period.label.clone()).unwrap_or_default();
        let (from, to) = (label(periods.first()), label(periods.last()));
        let goes_on = proposal.continues.as_ref().map_or_else(String::new, |backfill| {
            let begun = backfill.begun_at.format("%Y-%m-%dT%H:%M:%SZ");
            format!("; this goes on with backfill {}, begun {begun}", backfill.id)
        });
        format!("{}, {from} to {to}: {to_run} of {all} {units} to run{goes_on}.\n", job.name)
    };
    let heads: Vec<String> = parts.iter().zip(proposals).map(one).collect();
    let asks = sends(parts, proposals).filter(|_| !args.offline);
    let asks = asks.map_or_else(String::new, |what| format!("It asks first, unless --yes is given: {what}.\n"));
    format!("\n{}{asks}", heads.concat())
}

fn print(context: &Context, args: &BackfillArgs, reports: &[Report]) -> Result<(), Failure> {
    let is_table = context.output.format == Format::Table;
    let shown: Vec<(&str, Vec<PlannedPeriod>, &[PeriodEnd])> = reports
        .iter()
        .map(|report| {
            let ran = report.periods.iter().filter(|period| !is_table || period.skipped.is_none());
            (report.backfill.job.as_str(), ran.cloned().collect(), report.ends.as_slice())
        })
        .collect();
    let of_jobs: Vec<_> = shown.iter().map(|(job, periods, ends)| (*job, periods.as_slice(), *ends)).collect();
    match (&of_jobs[..], args.order.with_days) {
        ([(_, periods, ends)], false) => context.output.rows(&period_rows(periods, ends))?,
        (of_jobs, _) => context.output.rows(&period_rows_of_jobs(of_jobs))?,
    }
    if !is_table {
        return Ok(());
    }
    let heads: Vec<String> = reports.iter().map(|report| end_of(context, report)).collect();
    let begun = reports.last().map(|report| report.backfill.job.as_str());
    let not_begun =
        if args.order.with_days && begun != Some(&args.job) && reports.iter().any(|one| one.stopped.is_some()) {
            format!("{} is not begun\n", args.job)
        } else {
            String::new()
        };
    let code = backfill::most_serious(reports.iter().map(|report| report.exit_code as u8));
    Ok(context.output.text(&format!("\n{}{not_begun}Exit code {}\n", heads.concat(), code as u8))?)
}

/// How a backfill ended, for people.
fn end_of(context: &Context, report: &Report) -> String {
    let record = &report.backfill;
    let left = record.to_run.saturating_sub(record.done);
    let head = format!(
        "backfill {} of {}, attempt {}: {} of {} done, {left} not done, {} left out\n",
        record.id, record.job, report.attempt, record.done, record.to_run, record.left_out
    );
    let next = match &report.stopped {
        Some(stopped) => format!("{stopped}; the same command goes on with it\n"),
        None if left > 0 => "the same command with --reprocess failed tries again what is not done\n".to_owned(),
        None => String::new(),
    };
    let open = left_open(context, record, &report.open);
    format!("{head}{open}{next}")
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
