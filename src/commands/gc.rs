//! `tieout gc`: removes files of old periods.

use std::collections::BTreeMap;

use chrono::Utc;

use super::Context;
use super::person::person;
use crate::cli::GcArgs;
use crate::exit::{ExitCode, Failure};
use crate::job::Job;
use crate::job::load::load_all;
use crate::journal::{Journal, Lease, LeaseError, RunFilter, RunStatus};
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
    let of_job = |name: &Name| args.job.as_ref().is_none_or(|job| *job == name.job);
    let plan = match &journal {
        None => Plan::default(),
        Some(journal) => {
            let work = Work { journal, project: &project, jobs: &jobs, policy, of_job: &of_job };
            if args.dry_run { work.plan().await? } else { work.remove(&Sweeper { at: Utc::now(), by }).await? }
        }
    };
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

/// What is looked through, and what may go of it.
struct Work<'a> {
    journal: &'a Journal,
    project: &'a Project,
    jobs: &'a [Job],
    policy: Policy,
    of_job: &'a (dyn Fn(&Name) -> bool + Send + Sync),
}

impl Work<'_> {
    async fn plan(&self) -> Result<Plan, Failure> {
        let found = survey(self.journal, &self.project.artifacts, self.jobs, Utc::now()).await?;
        let mut plan = found.plan(self.policy);
        plan.removed.retain(|name, _| (self.of_job)(name));
        Ok(plan)
    }

    /// Removes what a plan says that was made after the last run had ended, and tells all that went.
    async fn remove(&self, sweeper: &Sweeper) -> Result<Plan, Failure> {
        let mut gone = BTreeMap::<Name, Vec<Found>>::new();
        loop {
            let latest = self.latest_run().await?;
            self.nobody_works().await?;
            let mut plan = self.plan().await?;
            let mut is_true = true;
            for (name, things) in &plan.removed {
                is_true = self.remove_of(sweeper, name, things, latest.as_deref()).await?;
                if !is_true {
                    break;
                }
                gone.entry(name.clone()).or_default().extend_from_slice(things);
            }
            if is_true {
                plan.removed = gone;
                return Ok(plan);
            }
        }
    }

    /// Whether the plan is still true: a run that was begun after `latest` may have read what it gives up.
    async fn remove_of(
        &self,
        sweeper: &Sweeper,
        name: &Name,
        things: &[Found],
        latest: Option<&str>,
    ) -> Result<bool, Failure> {
        let lease = self.lease(&name.job, &name.period).await;
        let lease = lease.map_err(|error| Failure::new(error.exit_code(), error))?;
        let is_true = self.latest_run().await?.as_deref() == latest;
        let removed = if is_true { sweeper.remove(&self.project.artifacts, name, things) } else { Ok(0) };
        self.journal.release(lease).await?;
        removed?;
        Ok(is_true)
    }

    async fn latest_run(&self) -> Result<Option<String>, Failure> {
        let latest = self.journal.runs(&RunFilter { limit: Some(1), ..RunFilter::default() }).await?;
        Ok(latest.into_iter().next().map(|run| run.id))
    }

    /// A run at work may read files of any period that it looks back to.
    async fn nobody_works(&self) -> Result<(), Failure> {
        let runs = self.journal.runs(&RunFilter::default()).await?;
        for run in runs.iter().filter(|run| run.status == RunStatus::Running) {
            match self.lease(&run.job, &run.period).await {
                // It was killed: nobody holds its lease.
                Ok(lease) => self.journal.release(lease).await?,
                Err(LeaseError::Held { holder, .. }) => {
                    return Err(GcError::AtWork { run: run.id.clone(), holder }.into());
                }
                Err(error) => return Err(Failure::new(error.exit_code(), error)),
            }
        }
        Ok(())
    }

    async fn lease(&self, job: &str, period: &str) -> Result<Lease, LeaseError> {
        let folder = self.project.state.folder_or(&self.project.root);
        self.journal.take_lease(folder, job, period, self.project.lease).await
    }
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
