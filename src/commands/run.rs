//! `tieout run`: one job, one period, one new attempt; or what the job's schedule asks for.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::person::person_or_unknown;
use super::termination::{self, LastWords};
use super::{Context, notify, stopped};
use crate::backfill::most_serious;
use crate::cli::RunArgs;
use crate::exit::{ExitCode, Failure};
use crate::job::load::load_all;
use crate::job::{self, Job};
use crate::journal::Journal;
use crate::output::{Cell, Format, Rows};
use crate::period::{AUTO, Period, Resolver};
use crate::pipeline::stop::Stop;
use crate::pipeline::{self, Finished, Request};
use crate::project::Project;
use crate::report::{json, terminal_summary};
use crate::schedule::asked::{self, Asked};
use crate::schedule::histories;
use crate::text::visible;

/// Runs a job for one period, or for what its schedule asks for, and prints the summary.
///
/// # Errors
/// With the exit code of what went wrong.
pub async fn run(mut context: Context, args: RunArgs) -> Result<ExitCode, Failure> {
    context.memory = args.memory.memory;
    let log = termination::place(args.termination_log.as_deref());
    let mut said = None;
    let outcome = Box::pin(asked_for(&mut context, &args, &mut said)).await;
    if let Some(path) = log {
        let words = match (said, &outcome) {
            (Some(words), _) => words,
            (None, Ok(code)) => LastWords::without_run(&args.job, &args.period, *code, NOTHING_ASKED.to_owned()),
            (None, Err(failure)) => LastWords::of_failure(&args.job, &args.period, failure),
        };
        termination::write(&path, &words);
    }
    outcome
}

/// Does what is asked for; `said` becomes the last words on the run that decides the exit code.
async fn asked_for(context: &mut Context, args: &RunArgs, said: &mut Option<LastWords>) -> Result<ExitCode, Failure> {
    let stop = Stop::when(stopped()?);
    let world = context.start_world().await?;
    let run_time = args.run_time.unwrap_or_else(Utc::now);
    let job = match load_job(context, &args.job) {
        Ok(job) => job,
        Err(failure) => {
            notify::not_begun(context.load_project()?, (&args.job, &args.period), &failure).await;
            return Err(failure);
        }
    };
    let at = scheduled_at(args, run_time);
    // A label that is none is told before anything is opened.
    let named = resolve_period(&job, &args.period, at)?;
    let project = context.load_project()?.clone();
    let journal = Journal::open(&project.state).await?;
    let asked = if args.as_scheduled {
        as_scheduled((&project, &job), &args.period, &journal, at).await?
    } else {
        Asked { periods: vec![named], blocked: None }
    };
    let request = Request {
        project,
        period: Period::containing(at, job.grain, job.zone),
        job,
        note: args.attempt_note.clone(),
        started_by: person_or_unknown(args.by.as_deref())?,
        run_time,
        offline: args.offline,
        sandbox: context.sandbox,
        patience: None,
        place: None,
        progress: context.progress.clone(),
    };
    let outcome = each(context, request, asked, (&journal, &stop), said).await;
    world.stop().await;
    journal.close().await?;
    outcome
}

/// Runs one period after the other. One that fails keeps no other from being run; the most serious end is the whole's.
async fn each(
    context: &Context,
    mut request: Request,
    asked: Asked,
    (journal, stop): (&Journal, &Stop),
    said: &mut Option<LastWords>,
) -> Result<ExitCode, Failure> {
    let mut ends = Vec::new();
    for period in asked.periods {
        request.period = period;
        let stop_run = stop.clone();
        let outcome = pipeline::run(&request, journal, async move { stop_run.asked().await }).await;
        notify::after_run(&request.project, journal, (&request.job, &request.period), outcome.as_ref().err()).await;
        let (job, label) = (&request.job.name, &request.period.label);
        let end = match outcome {
            Ok(finished) => {
                print(context, &finished)?;
                (LastWords::of(&finished), None)
            }
            Err(failure) => (LastWords::of_failure(job, label, &failure), Some(failure)),
        };
        ends.push(end);
        if stop.by().is_some() {
            break;
        }
    }
    if let Some((period, why)) = asked.blocked.filter(|_| stop.by().is_none()) {
        let (job, message) = (&request.job.name, format!("{period} is not run yet: it {why}"));
        let failure = Failure::new(ExitCode::TryAgainLater, anyhow::anyhow!(message).context(job.clone()));
        ends.push((LastWords::of_failure(job, &period.label, &failure), Some(failure)));
    }
    conclude(ends, said)
}

/// The most serious of several ends, and the words on it; the other failures are told here.
fn conclude(ends: Vec<(LastWords, Option<Failure>)>, said: &mut Option<LastWords>) -> Result<ExitCode, Failure> {
    let code = most_serious(ends.iter().map(|(words, _)| words.exit_code));
    let mut decisive = None;
    for (words, failure) in ends {
        if words.verdict == code && said.is_none() {
            *said = Some(words);
            decisive = failure;
        } else if let Some(failure) = failure {
            tracing::error!("{} {} ended with {}: {failure}", words.job, words.period, words.exit_code);
        }
    }
    if said.is_none() {
        tracing::info!("{NOTHING_ASKED}");
    }
    decisive.map_or(Ok(code), Err)
}

/// Why a run that is asked to do what the schedule says does nothing.
const NOTHING_ASKED: &str =
    "nothing to do: what the schedule asks for is finished; give --period a label to run it again";

/// The time that a scheduler wanted the run at; now, where none says.
fn scheduled_at(args: &RunArgs, now: DateTime<Utc>) -> DateTime<Utc> {
    let made_for = args.scheduled_by.as_ref().map(|name| {
        let found = asked::made_for(name, now);
        if found.is_none() {
            tracing::info!("the name of the Job {} says no time: it was made by hand, for now", visible(name));
        }
        found
    });
    args.scheduled_at.or(made_for.flatten()).unwrap_or(now)
}

/// What the job's schedule asks for at that time.
async fn as_scheduled(
    (project, job): (&Project, &Job),
    period: &str,
    journal: &Journal,
    at: DateTime<Utc>,
) -> Result<Asked, Failure> {
    if period != AUTO {
        let message =
            format!("--as-scheduled asks the schedule which period to run, and --period says {period}; expected auto");
        return Err(Failure::new(ExitCode::Usage, anyhow::anyhow!(message)));
    }
    if job.schedule.is_none() {
        let message = format!("job {} has no schedule; without --as-scheduled it can be run", job.name);
        return Err(Failure::new(ExitCode::Usage, anyhow::anyhow!(message)));
    }
    // Another job whose file is wrong does not hold this one back, unless it has to come first.
    let (jobs, _) = load_all(project);
    Ok(asked::asked(&histories(Some(journal), jobs, at).await?, &job.name, at))
}

/// The job of that name, with every problem told if it cannot be used.
pub(super) fn load_job(context: &mut Context, name: &str) -> Result<Job, Failure> {
    let project = context.load_project()?;
    job::load::load(project, name).map_err(|problems| Failure::new(ExitCode::Configuration, problems))
}

/// The period that a label names; `auto` is the last one that is complete at `now`.
pub(super) fn resolve_period(job: &Job, label: &str, now: DateTime<Utc>) -> Result<Period, Failure> {
    Resolver::of(job, now).resolve(label).map_err(|error| {
        Failure::new(ExitCode::Usage, anyhow::Error::new(error).context(format!("--period of job {}", job.name)))
    })
}

/// What a run found, in the form that was asked for.
pub(super) fn print(context: &Context, finished: &Finished) -> Result<(), Failure> {
    let facts = &finished.facts;
    let text = match context.output.format {
        Format::Table => {
            let shown: Vec<PathBuf> = finished.written.iter().map(|path| nearby(path)).collect();
            let width = context.output.width.map_or(80, usize::from);
            terminal_summary(facts, &shown, width, context.output.color)
        }
        Format::Json => pretty(&json::summary(facts))?,
        Format::Jsonl => serde_json::to_string(&json::summary(facts)).map_err(unexpected)? + "\n",
        Format::Csv => row(finished).render(Format::Csv, None),
    };
    Ok(context.output.text(&text)?)
}

fn row(finished: &Finished) -> Rows {
    let facts = &finished.facts;
    let mut rows = Rows::new(&["run", "ties_out", "breaks", "quarantined", "gates_breached", "exit_code"]);
    rows.push(vec![
        Cell::text(&facts.run.id),
        Cell::Flag(facts.ties_out()),
        Cell::integer(facts.breaks.len() as u64),
        Cell::integer(facts.quarantine.len() as u64),
        Cell::integer(facts.breached_gates().count() as u64),
        Cell::integer(finished.exit_code() as u8),
    ]);
    rows
}

fn pretty(summary: &impl serde::Serialize) -> Result<String, Failure> {
    Ok(serde_json::to_string_pretty(summary).map_err(unexpected)? + "\n")
}

fn unexpected(error: serde_json::Error) -> Failure {
    Failure::new(ExitCode::Unexpected, error)
}

/// The path as seen from here, where that is shorter.
fn nearby(path: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).unwrap_or(path).to_owned()
}
