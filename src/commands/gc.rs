//! `tieout gc`: removes files of old periods.

use std::collections::BTreeMap;

use chrono::Utc;

use super::Context;
use super::person::person;
use crate::cli::GcArgs;
use crate::exit::{ExitCode, Failure};
use crate::job::load::load_all;
use crate::journal::{Journal, LeaseError, RunFilter, RunRecord, RunStatus};
use crate::output::{Cell, Format, Rows};
use crate::project::Project;
use crate::retention::survey::{SurveyError, survey};
use crate::retention::sweep::{SweepError, Sweeper};
use crate::retention::{Found, Name, Plan, Policy, Thing, Why};
use crate::text::size_in_words;

/// Why nothing is removed.
#[derive(Debug, thiserror::Error)]
enum GcError {
    #[error(
        "nothing says how long files are kept: set `retention: {{raw: 400d, reports: 3650d}}` in tieout.yaml, or give \
         --raw and --reports"
    )]
    NoPolicy,
    #[error(
        "artifacts are kept in {kept}, where `tieout gc` removes nothing yet; a lifecycle rule of the bucket knows neither \
         open breaks nor sealed periods, so let it expire nothing that may still be asked for"
    )]
    InBucket { kept: String },
    #[error(
        "{problems} of the job files cannot be read, and how far back their runs look is not known; mend them first (`tieout validate`)"
    )]
    Jobs { problems: usize },
    #[error("{run} is at work ({holder}) and may read what is old; try again when it has ended")]
    AtWork { run: String, holder: String },
}

impl From<GcError> for Failure {
    fn from(error: GcError) -> Self {
        let code = match error {
            GcError::NoPolicy | GcError::InBucket { .. } => ExitCode::Usage,
            GcError::Jobs { .. } => ExitCode::Configuration,
            GcError::AtWork { .. } => ExitCode::TryAgainLater,
        };
        Self::new(code, error)
    }
}

impl From<SurveyError> for Failure {
    fn from(error: SurveyError) -> Self {
        match error {
            SurveyError::Journal(error) => error.into(),
            error @ SurveyError::Disk { .. } => Self::new(ExitCode::Unexpected, error),
        }
    }
}

impl From<SweepError> for Failure {
    fn from(error: SweepError) -> Self {
        Self::new(ExitCode::Unexpected, error)
    }
}

/// Removes what is old, or says what would be removed.
///
/// # Errors
/// When nothing says how long files are kept, a job file is wrong, a run is at work, or a file cannot be removed.
pub async fn run(mut context: Context, args: GcArgs) -> Result<ExitCode, Failure> {
    let by = person(args.person.by.as_deref())?;
    let project = context.load_project()?.clone();
    if let Some(kept) = &project.kept {
        return Err(GcError::InBucket { kept: kept.to_string() }.into());
    }
    let policy = policy(&project, &args)?;
    let (jobs, problems) = load_all(&project);
    if !problems.is_empty() {
        return Err(GcError::Jobs { problems: problems.len() }.into());
    }
    let journal = if args.dry_run { context.read_journal().await? } else { context.write_journal().await? };
    let mut plan = Plan::default();
    if let Some(journal) = &journal {
        if !args.dry_run {
            nobody_works(journal, &project).await?;
        }
        plan = survey(journal, &project.artifacts, &jobs, Utc::now()).await?.plan(policy);
        plan.removed.retain(|name, _| args.job.as_ref().is_none_or(|job| *job == name.job));
        if !args.dry_run {
            let sweeper = Sweeper { at: Utc::now(), by };
            for (name, things) in &plan.removed {
                remove(journal, &project, &sweeper, name, things).await?;
            }
        }
    }
    context.output.rows(&rows(&plan.removed))?;
    if context.output.format == Format::Table {
        context.output.text(&told(&plan, args.dry_run))?;
    }
    Ok(ExitCode::Done)
}

fn policy(project: &Project, args: &GcArgs) -> Result<Policy, GcError> {
    let raw = args.raw.or_else(|| project.retention.map(|kept| kept.raw));
    let reports = args.reports.or_else(|| project.retention.map(|kept| kept.reports));
    let (Some(raw), Some(reports)) = (raw, reports) else { return Err(GcError::NoPolicy) };
    Ok(Policy { raw, reports })
}

/// A run at work may read files of any period that it looks back to.
async fn nobody_works(journal: &Journal, project: &Project) -> Result<(), Failure> {
    let runs = journal.runs(&RunFilter::default()).await?;
    for run in runs.iter().filter(|run| run.status == RunStatus::Running) {
        let taken = lease(journal, project, &run.job, &run.period).await;
        match taken {
            // It was killed: nobody holds its lease.
            Ok(lease) => journal.release(lease).await?,
            Err(LeaseError::Held { holder, .. }) => return Err(at_work(run, holder).into()),
            Err(error) => return Err(Failure::new(error.exit_code(), error)),
        }
    }
    Ok(())
}

fn at_work(run: &RunRecord, holder: String) -> GcError {
    GcError::AtWork { run: run.id.clone(), holder }
}

async fn lease(
    journal: &Journal,
    project: &Project,
    job: &str,
    period: &str,
) -> Result<crate::journal::Lease, LeaseError> {
    let folder = project.state.folder_or(&project.root);
    journal.take_lease(folder, job, period, project.lease).await
}

async fn remove(
    journal: &Journal,
    project: &Project,
    sweeper: &Sweeper,
    name: &Name,
    things: &[Found],
) -> Result<(), Failure> {
    let lease = lease(journal, project, &name.job, &name.period).await;
    let lease = lease.map_err(|error| Failure::new(error.exit_code(), error))?;
    let removed = sweeper.remove(&project.artifacts, name, things);
    journal.release(lease).await?;
    removed?;
    Ok(())
}

fn rows(removed: &BTreeMap<Name, Vec<Found>>) -> Rows {
    let mut rows = Rows::new(&["job", "period", "what", "files", "bytes"]);
    for (name, things) in removed {
        for (what, files, bytes) in totals(things) {
            rows.push(vec![
                Cell::text(&name.job),
                Cell::text(&name.period),
                Cell::text(what),
                Cell::integer(files),
                Cell::integer(bytes),
            ]);
        }
    }
    rows
}

/// Files and bytes by what they are.
fn totals(things: &[Found]) -> Vec<(String, u64, u64)> {
    let mut totals: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for found in things {
        let what = match &found.thing {
            Thing::Report { attempt } => format!("report of attempt {attempt}"),
            Thing::Raw { .. } => "inputs as received".to_owned(),
            Thing::Build { .. } => "sealed builds".to_owned(),
        };
        let (files, bytes) = totals.entry(what).or_default();
        *files += found.files;
        *bytes += found.bytes;
    }
    totals.into_iter().map(|(what, (files, bytes))| (what, files, bytes)).collect()
}

fn told(plan: &Plan, dry_run: bool) -> String {
    let things = || plan.removed.values().flatten();
    let (files, bytes) = things().fold((0, 0), |(files, bytes), found| (files + found.files, bytes + found.bytes));
    let done = if dry_run { "would be removed" } else { "removed" };
    let mut text = format!("{files} files, {}, {done}.\n", size_in_words(bytes));
    for (why, (count, bytes)) in &plan.kept {
        text.push_str(&kept_line(*why, *count, *bytes));
    }
    text
}

fn kept_line(why: Why, count: u64, bytes: u64) -> String {
    format!("Kept: {count} {} ({})\n", why.words(), size_in_words(bytes))
}
