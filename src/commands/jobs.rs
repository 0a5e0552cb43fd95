//! `tieout jobs`: the jobs of the project, their last run, and when the next one is due.

use chrono::{DateTime, Utc};

use super::Context;
use crate::exit::{ExitCode, Failure};
use crate::job::load::load_all;
use crate::job::{Grain, Job, Source};
use crate::journal::{Journal, RunFilter, RunRecord};
use crate::output::{Cell, Rows};
use crate::period::Period;

/// One job and what is known about it.
#[derive(Debug)]
pub struct JobLine<'a> {
    pub job: &'a Job,
    /// The latest run, however it stands.
    pub last: Option<RunRecord>,
    /// The period after the last finished one, or the last complete one where none is finished.
    pub next_period: Option<String>,
    /// When the schedule asks for a run next.
    pub next_due: Option<DateTime<Utc>>,
}

/// Lists the jobs.
///
/// # Errors
/// When the project or one of its jobs is wrong, or the journal cannot be read.
pub async fn run(mut context: Context) -> Result<ExitCode, Failure> {
    let jobs = load_jobs(&mut context)?;
    let journal = context.read_journal().await?;
    let now = Utc::now();
    let mut lines = Vec::with_capacity(jobs.len());
    for job in &jobs {
        let latest = RunFilter { job: Some(job.name.clone()), limit: Some(1), ..RunFilter::default() };
        let last = match &journal {
            Some(journal) => journal.runs(&latest).await?.pop(),
            None => None,
        };
        let next_period = Some(next_period(journal.as_ref(), job, now).await?);
        let next_due = job.schedule.as_ref().and_then(|schedule| schedule.next_fire(now));
        lines.push(JobLine { job, last, next_period, next_due });
    }
    context.output.rows(&job_rows(&lines))?;
    Ok(ExitCode::Done)
}

/// The list as rows.
pub fn job_rows(lines: &[JobLine<'_>]) -> Rows {
    let mut rows = Rows::new(&[
        "job",
        "does",
        "grain",
        "timezone",
        "schedule",
        "provider",
        "inputs",
        "last_run",
        "last_status",
        "next_period",
        "next_due",
        "description",
    ])
    .spare(&["description", "timezone", "inputs", "provider", "grain", "schedule", "next_due", "last_status"]);
    for JobLine { job, last, next_period, next_due } in lines {
        rows.push(vec![
            Cell::text(&job.name),
            Cell::text(job.sending().map_or("compare", |sending| sending.way.name())),
            Cell::text(match job.grain {
                Grain::Day => "day",
                Grain::Month => "month",
            }),
            Cell::text(job.zone.name()),
            Cell::or_empty(job.schedule.as_ref().map(|schedule| Cell::text(&schedule.cron))),
            Cell::text(providers(job).join(" ")),
            Cell::text(inputs(job)),
            Cell::or_empty(last.as_ref().map(|run| Cell::text(&run.id))),
            Cell::or_empty(last.as_ref().map(|run| Cell::text(run.status.name()))),
            Cell::or_empty(next_period.as_deref().map(Cell::text)),
            Cell::or_empty(next_due.map(Cell::Time)),
            Cell::or_empty(job.description.as_deref().map(Cell::text)),
        ]);
    }
    rows
}

/// The providers that the job asks, each once.
fn providers(job: &Job) -> Vec<&str> {
    let pulled = job.inputs().into_iter().filter_map(|input| match &input.source {
        Source::Provider { provider, .. } | Source::Dataset { provider, .. } => Some(provider.as_str()),
        Source::Path { .. } | Source::Query { .. } | Source::S3(_) => None,
    });
    let asked = job.effects().map(|effects| effects.provider.as_str());
    let sent = job.sending().map(|sending| sending.provider.as_str());
    let mut names: Vec<&str> = pulled.chain(asked).chain(sent).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The sides that are compared, or the path of what is sent.
fn inputs(job: &Job) -> String {
    match job.sending().map(|sending| &sending.source.source) {
        Some(Source::Path { pattern }) => pattern.clone(),
        Some(Source::Query { database, .. }) => database.clone(),
        Some(Source::S3(objects)) => objects.to_string(),
        Some(Source::Provider { provider, .. } | Source::Dataset { provider, .. }) => provider.clone(),
        None => job.inputs().iter().map(|input| input.side.name()).collect::<Vec<_>>().join(" "),
    }
}

fn load_jobs(context: &mut Context) -> Result<Vec<Job>, Failure> {
    let (jobs, problems) = load_all(context.load_project()?);
    if problems.is_empty() { Ok(jobs) } else { Err(Failure::new(ExitCode::Configuration, problems)) }
}

/// The period after the last finished one, or the last complete one where none is finished.
async fn next_period(journal: Option<&Journal>, job: &Job, now: DateTime<Utc>) -> Result<String, Failure> {
    let filter = RunFilter { job: Some(job.name.clone()), finished: true, ..RunFilter::default() };
    let finished = match journal {
        Some(journal) => journal.runs(&filter).await?,
        None => Vec::new(),
    };
    // Backfilled periods finish out of order: the latest label counts, not the latest run.
    let latest = finished.into_iter().map(|run| run.period).max();
    let after = latest.and_then(|label| Period::parse(&label, job.grain, job.zone).ok()).map(|period| period.next());
    Ok(after.unwrap_or_else(|| Period::last_complete(now, job.grain, job.zone)).label)
}
