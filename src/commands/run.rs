//! `tieout run`: one job, one period, one new attempt.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::person::person_or_unknown;
use super::{Context, stopped};
use crate::cli::RunArgs;
use crate::exit::{ExitCode, Failure};
use crate::job::{self, Job};
use crate::journal::Journal;
use crate::output::{Cell, Format, Rows};
use crate::period::{Period, Resolver};
use crate::pipeline::{self, Finished, Request};
use crate::report::{json, terminal_summary};

/// Runs a job for one period and prints the summary.
///
/// # Errors
/// With the exit code of what went wrong.
pub async fn run(mut context: Context, args: RunArgs) -> Result<ExitCode, Failure> {
    let stopped = stopped()?;
    let world = context.start_world().await?;
    let run_time = args.run_time.unwrap_or_else(Utc::now);
    let job = load_job(&mut context, &args.job)?;
    let period = resolve_period(&job, &args.period, args.scheduled_at.unwrap_or(run_time))?;
    let project = context.load_project()?.clone();
    let journal = Journal::open(&project.state).await?;
    let request = Request {
        project,
        job,
        period,
        note: args.attempt_note,
        started_by: person_or_unknown(args.by.as_deref())?,
        run_time,
        offline: args.offline,
        sandbox: context.sandbox,
        patience: None,
        place: None,
        progress: context.progress.clone(),
    };
    let outcome = pipeline::run(&request, &journal, stopped).await;
    world.stop().await;
    journal.close().await?;
    let finished = outcome?;
    print(&context, &finished)?;
    Ok(finished.exit_code())
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
