//! `tieout jobs`: the jobs of the project, their last run, and when the next one is due.

use chrono::{DateTime, Utc};

use super::Context;
use crate::exit::{ExitCode, Failure};
use crate::job::{Grain, Job};
use crate::journal::{RunFilter, RunRecord};
use crate::output::{Cell, Rows};

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
    let mut lines = Vec::with_capacity(jobs.len());
    for job in &jobs {
        let latest = RunFilter { job: Some(job.name.clone()), limit: Some(1), ..RunFilter::default() };
        let last = match &journal {
            Some(journal) => journal.runs(&latest).await?.pop(),
            None => None,
        };
        lines.push(JobLine { job, last, next_period: None, next_due: None });
    }
    context.output.rows(&job_rows(&lines))?;
    Ok(ExitCode::Done)
}

/// The list as rows.
pub fn job_rows(lines: &[JobLine<'_>]) -> Rows {
    let mut rows = Rows::new(&[
        "job",
        "grain",
        "timezone",
        "schedule",
        "inputs",
        "last_run",
        "last_status",
        "next_period",
        "next_due",
        "description",
    ]);
    for JobLine { job, last, next_period, next_due } in lines {
        let inputs: Vec<_> = job.inputs.iter().map(|input| input.side.name()).collect();
        rows.push(vec![
            Cell::text(&job.name),
            Cell::text(match job.grain {
                Grain::Day => "day",
                Grain::Month => "month",
            }),
            Cell::text(job.zone.name()),
            Cell::or_empty(job.schedule.as_ref().map(|schedule| Cell::text(&schedule.cron))),
            Cell::text(inputs.join(" ")),
            Cell::or_empty(last.as_ref().map(|run| Cell::text(&run.id))),
            Cell::or_empty(last.as_ref().map(|run| Cell::text(run.status.name()))),
            Cell::or_empty(next_period.as_deref().map(Cell::text)),
            Cell::or_empty(next_due.map(Cell::Time)),
            Cell::or_empty(job.description.as_deref().map(Cell::text)),
        ]);
    }
    rows
}

fn load_jobs(context: &mut Context) -> Result<Vec<Job>, Failure> {
    context.load_project()?;
    Err(Failure::new(ExitCode::Unexpected, anyhow::anyhow!("`jobs` is not built yet")))
}
