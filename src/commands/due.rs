//! `tieout due`: the periods that the schedules ask for and that are not finished.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::Context;
use super::run::load_job;
use crate::cli::DueArgs;
use crate::exit::{ExitCode, Failure};
use crate::job::Job;
use crate::job::load::load_all;
use crate::output::{Cell, Rows};
use crate::schedule::plan::{self, Planner};
use crate::schedule::{Due, Todo, histories};

/// Lists what is due.
///
/// # Errors
/// When a job that is named is wrong, or the journal cannot be read.
pub async fn run(mut context: Context, args: DueArgs) -> Result<ExitCode, Failure> {
    for name in &args.jobs {
        load_job(&mut context, name)?;
    }
    let (jobs, problems) = load_all(context.load_project()?);
    for problem in &problems {
        tracing::warn!("{}", problem.headline());
    }
    for problem in plan::problems(&jobs) {
        tracing::warn!("{problem}");
    }
    let now = args.at.unwrap_or_else(Utc::now);
    let journal = context.read_journal().await?;
    let jobs = histories(journal.as_ref(), jobs, now).await?;
    let mut due = Planner { jobs: &jobs, now, watched_since: None }.due();
    due.retain(|one| args.jobs.is_empty() || args.jobs.contains(&one.job));
    context.output.rows(&due_rows(&due))?;
    if due.is_empty() {
        tracing::info!("{}", nothing(&jobs, now));
    }
    Ok(ExitCode::Done)
}

/// Nothing is due: when something will be.
fn nothing(jobs: &BTreeMap<String, (Job, plan::History)>, now: DateTime<Utc>) -> String {
    let fires = jobs.values().filter_map(|(job, _)| Some((job.schedule.as_ref()?.next_fire(now)?, &job.name)));
    match fires.min() {
        Some((at, name)) => format!("nothing is due; next is {name} at {}", at.format("%Y-%m-%dT%H:%M:%SZ")),
        None => "nothing is due: no job has a schedule".to_owned(),
    }
}

/// The list as rows.
pub fn due_rows(due: &[Due]) -> Rows {
    let mut rows = Rows::new(&["job", "period", "todo", "asked_at", "not_before", "why"]).spare(&["asked_at"]);
    for one in due {
        let not_before = match one.todo {
            Todo::Wait(until) => Some(until),
            _ => None,
        };
        rows.push(vec![
            Cell::text(&one.job),
            Cell::text(&one.period.label),
            Cell::text(one.todo.name()),
            Cell::Time(one.asked_at),
            Cell::or_empty(not_before.map(Cell::Time)),
            Cell::text(&one.why),
        ]);
    }
    rows
}
