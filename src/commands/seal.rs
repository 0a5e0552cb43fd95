//! `tieout seal`, `tieout unseal` and `tieout seals`: periods that a person signs off.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::Utc;

use super::person::person;
use super::run::{load_job, resolve_period};
use super::{Context, unseal::Rests};
use crate::breaks::life::Standing as Life;
use crate::cli::{SealArgs, SealsArgs};
use crate::digest::sha256;
use crate::exit::{ExitCode, Failure};
use crate::job::{Job, ReportFormat, Work};
use crate::journal::{Journal, JournalError, NewSeal, RunFilter, RunRecord, RunStatus};
use crate::objects::Artifacts;
use crate::output::{Cell, Rows};
use crate::period::Period;
use crate::pipeline::days_of_month;
use crate::report::files;
use crate::seals::{Event, IllegalSealStep, Standing};

/// A period that cannot be sealed, or opened again. Nothing is written then.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// Exit code 2.
    #[error("job {job} sends: what is sent is sent, and only what is compared is sealed")]
    Sends { job: String },
    /// Exit code 2.
    #[error("{job} has no finished run for {period}; `{command}` makes one, and it can be sealed then")]
    NoRun { job: String, period: String, command: String },
    /// Exit code 75.
    #[error("run {run} has not ended; seal {period} when it has (if it was killed, `{command}` makes a new attempt)")]
    Running { run: String, period: String, command: String },
    /// Exit code 2.
    #[error(
        "run {run} does not tie out: a statement that is not proved is not sealed; `{command}` makes a new attempt"
    )]
    NotTied { run: String, command: String },
    /// Exit code 65.
    #[error("the report of run {run} is not whole: {path} cannot be read; `{command}` makes a new attempt")]
    NoReport { run: String, path: PathBuf, command: String, source: std::io::Error },
    /// Exit code 2.
    #[error(
        "{} of {month} {} no finished run of {dailies}: {}; `{command}` runs them, or seal the month alone with \
         --without-days",
        counted(*.missing, "day"), if *.missing == 1 { "has" } else { "have" }, .first
    )]
    DaysMissing { month: String, dailies: String, missing: usize, first: String, command: String },
    /// Exit code 2.
    #[error("{period} of {job} is not sealed; `tieout seals {job}` lists what is")]
    NotSealed { job: String, period: String },
    /// Exit code 2.
    #[error("{period} of {job} stays sealed: {rests}; unseal {later} first")]
    RestsOn { job: String, period: String, rests: Rests, later: String },
    /// Exit code 65.
    #[error("what run {run} has booked of earlier periods cannot be read from {path}; bring that file back")]
    NoList { run: String, path: PathBuf, source: std::io::Error },
    /// Exit code 75.
    #[error("another process has just changed the seal of {id}: it is {state} now; look at it again, nothing was done")]
    Meanwhile { id: String, state: &'static str },
}

impl SealError {
    /// The exit code of a process that ends by it.
    pub const fn exit_code(&self) -> ExitCode {
        match self {
            Self::Running { .. } | Self::Meanwhile { .. } => ExitCode::TryAgainLater,
            Self::NoReport { .. } | Self::NoList { .. } => ExitCode::InputData,
            Self::Sends { .. }
            | Self::NoRun { .. }
            | Self::NotTied { .. }
            | Self::DaysMissing { .. }
            | Self::NotSealed { .. }
            | Self::RestsOn { .. } => ExitCode::Usage,
        }
    }
}

impl From<SealError> for Failure {
    fn from(error: SealError) -> Self {
        Self::new(error.exit_code(), error)
    }
}

pub(super) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Seals the last finished run of a period; of a month its days, too.
///
/// # Errors
/// When there is nothing that could be signed off, or nobody is named.
pub async fn seal(mut context: Context, args: SealArgs) -> Result<ExitCode, Failure> {
    let by = person(args.person.by.as_deref())?;
    let job = load_job(&mut context, &args.job)?;
    let Work::Reconcile(work) = &job.work else {
        return Err(SealError::Sends { job: job.name }.into());
    };
    let period = resolve_period(&job, &args.period, Utc::now())?;
    let candidates = Candidates { kept: context.load_project()?.kept(), sandbox: context.sandbox };
    let no_run = || SealError::NoRun {
        job: job.name.clone(),
        period: period.label.clone(),
        command: candidates.run_command(&job.name, &period.label),
    };
    let journal = context.write_journal().await?.ok_or_else(no_run)?;
    if let Some(known) = journal.sealed(&job.name, &period.label).await? {
        tracing::info!("{} of {} is sealed already, by {}; nothing is changed", period.label, job.name, known.by);
        context.output.rows(&rows(&[Listed { seal: known, late_run: None }], &candidates.kept).await?)?;
        return Ok(ExitCode::Done);
    }
    let own = candidates.find(&journal, &job.name, &period.label).await?.ok_or_else(no_run)?;
    let month_end = work.month_end.as_ref();
    if month_end.is_some() {
        warn_of_open_month(&journal, &job, &period).await?;
    }
    let mut found = match month_end.and_then(|spec| spec.dailies.as_ref()).filter(|_| !args.without_days) {
        Some(dailies) => candidates.days(&journal, dailies, &period).await?,
        None => Vec::new(),
    };
    found.push(own);
    let decisions: Vec<NewSeal> = found.iter().map(|one| one.decision(&by, &args.reason)).collect();
    let after = decided(&journal, &decisions).await?;
    journal.close().await?;
    tracing::info!("{}", told(&after));
    let listed: Vec<Listed> = after.into_iter().map(|seal| Listed { seal, late_run: None }).collect();
    context.output.rows(&rows(&listed, &candidates.kept).await?)?;
    Ok(ExitCode::Done)
}

/// `sealed rewards-monthly/2025-02/1 and 28 days; 4 breaks stay open in them`; the period itself is the last one.
fn told(sealed: &[Standing]) -> String {
    let run = sealed.last().map_or("nothing", |seal| seal.run.as_str());
    let days = match sealed.len() {
        0 | 1 => String::new(),
        all => format!(" and {}", counted(all - 1, "day")),
    };
    let open: u64 = sealed.iter().map(|seal| seal.open_breaks).sum();
    let open = match open {
        0 => "no break is open in it".to_owned(),
        1 => "1 break stays open in it".to_owned(),
        open => format!("{open} breaks stay open in it"),
    };
    format!("sealed {run}{days}; {open}")
}

/// Records decisions; what was allowed when it was read may no longer be.
pub(super) async fn decided(journal: &Journal, decisions: &[NewSeal]) -> Result<Vec<Standing>, Failure> {
    match journal.decide_seals(decisions).await {
        Err(JournalError::IllegalSeal(IllegalSealStep { id, state, .. })) => {
            let state = state.map_or("open", |state| state.name());
            Err(SealError::Meanwhile { id, state }.into())
        }
        after => Ok(after?),
    }
}

/// The months are closed one after the other: the next one opens with what this one says.
async fn warn_of_open_month(journal: &Journal, job: &Job, period: &Period) -> Result<(), Failure> {
    let before = period.previous().label;
    let was_run = journal.last_finished(&job.name, &before).await?.is_some();
    if was_run && journal.sealed(&job.name, &before).await?.is_none() {
        tracing::warn!("{before} is still open: if it is run again, its closing balance may leave {period}'s opening");
    }
    Ok(())
}

/// Where runs that may be sealed are looked for.
struct Candidates {
    kept: Artifacts,
    sandbox: bool,
}

/// A run that may be sealed.
struct Candidate {
    run: RunRecord,
    /// The latest attempt of the period, finished or not.
    latest: String,
    files: BTreeMap<String, String>,
    open_breaks: u64,
}

impl Candidate {
    fn decision(&self, by: &str, reason: &str) -> NewSeal {
        let (job, period) = (self.run.job.clone(), self.run.period.clone());
        let event = Event::Sealed {
            job: job.clone(),
            period: period.clone(),
            run: self.run.id.clone(),
            files: self.files.clone(),
            open_breaks: self.open_breaks,
            by: by.to_owned(),
            reason: reason.to_owned(),
        };
        NewSeal { job, period, latest_run: Some(self.latest.clone()), event }
    }
}

impl Candidates {
    fn run_command(&self, job: &str, period: &str) -> String {
        let sandbox = if self.sandbox { " --sandbox" } else { "" };
        format!("tieout run {job} --period {period}{sandbox}")
    }

    /// The last finished run of a period with what is sealed of it; none where there is none.
    async fn find(&self, journal: &Journal, job: &str, period: &str) -> Result<Option<Candidate>, Failure> {
        let filter = RunFilter { job: Some(job.to_owned()), period: Some(period.to_owned()), ..RunFilter::default() };
        let runs = journal.runs(&filter).await?;
        let command = || self.run_command(job, period);
        let Some(latest) = runs.first() else { return Ok(None) };
        if latest.status == RunStatus::Running {
            let (run, period) = (latest.id.clone(), period.to_owned());
            return Err(SealError::Running { run, period, command: command() }.into());
        }
        let latest = latest.id.clone();
        let Some(run) = runs.into_iter().find(|run| run.status.is_finished()) else { return Ok(None) };
        if run.ties_out != Some(true) {
            return Err(SealError::NotTied { run: run.id, command: command() }.into());
        }
        let folder = self.kept.bring(&run.id).await?;
        // A later run reads these two.
        let files = files(&folder, &[ReportFormat::Json, ReportFormat::Parquet]).map_err(|error| {
            SealError::NoReport { run: run.id.clone(), path: error.path, command: command(), source: error.source }
        })?;
        let lives = journal.lives_in(job, period).await?;
        let is_open = |life: &&Life| life.status.is_open() && !life.facts().is_pair();
        let open_breaks = lives.values().filter(is_open).count() as u64;
        Ok(Some(Candidate { run, latest, files, open_breaks }))
    }

    /// The days of a month that are open; each must have a finished run.
    async fn days(&self, journal: &Journal, dailies: &str, month: &Period) -> Result<Vec<Candidate>, Failure> {
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for day in days_of_month(month) {
            if journal.sealed(dailies, &day).await?.is_some() {
                continue;
            }
            match self.find(journal, dailies, &day).await? {
                Some(candidate) => found.push(candidate),
                None => missing.push(day),
            }
        }
        let (Some(first), Some(last)) = (missing.first(), missing.last()) else { return Ok(found) };
        let sandbox = if self.sandbox { " --sandbox" } else { "" };
        Err(SealError::DaysMissing {
            month: month.label.clone(),
            dailies: dailies.to_owned(),
            missing: missing.len(),
            first: if missing.len() == 1 { first.clone() } else { format!("{first} is the first") },
            command: format!("tieout backfill {dailies} --from {first} --to {last}{sandbox}"),
        }
        .into())
    }
}

/// A seal with what became of its period since.
struct Listed {
    seal: Standing,
    /// The last finished attempt, where that is a later one.
    late_run: Option<String>,
}

/// Lists the periods that are sealed, by job and period.
///
/// # Errors
/// When there is no project or the journal cannot be read.
pub async fn list(mut context: Context, args: SealsArgs) -> Result<ExitCode, Failure> {
    let kept = context.load_project()?.kept();
    let mut listed = Vec::new();
    if let Some(journal) = context.read_journal().await? {
        for seal in journal.seals(args.job.as_deref()).await?.into_iter().filter(Standing::is_sealed) {
            let last = journal.last_finished(&seal.job, &seal.period).await?.map(|run| run.id);
            let late_run = last.filter(|run| *run != seal.run);
            listed.push(Listed { seal, late_run });
        }
    }
    if listed.is_empty() {
        tracing::info!("no period is sealed; `tieout seal JOB --period PERIOD --reason TEXT` seals one");
    }
    context.output.rows(&rows(&listed, &kept).await?)?;
    Ok(ExitCode::Done)
}

async fn rows(listed: &[Listed], kept: &Artifacts) -> Result<Rows, Failure> {
    let columns = ["job", "period", "run", "late_run", "open_breaks", "report", "sealed_at", "by", "reason"];
    let mut rows = Rows::new(&columns).spare(&["sealed_at", "report", "open_breaks", "reason"]);
    for Listed { seal, late_run } in listed {
        let report = kept.bring(&seal.run).await?;
        rows.push(vec![
            Cell::text(&*seal.job),
            Cell::text(&*seal.period),
            Cell::text(&*seal.run),
            Cell::or_empty(late_run.as_deref().map(Cell::text)),
            Cell::integer(seal.open_breaks),
            Cell::text(report_state(seal, &report)),
            Cell::Time(seal.at),
            Cell::text(&*seal.by),
            Cell::text(&*seal.reason),
        ]);
    }
    Ok(rows)
}

/// Whether the sealed report is still what was sealed: `whole`, `changed` or `gone`.
fn report_state(seal: &Standing, folder: &Path) -> &'static str {
    let mut state = "whole";
    for (name, sealed) in &seal.files {
        match std::fs::read(folder.join(name)) {
            Ok(bytes) if sha256(&bytes) == *sealed => {}
            Ok(_) => state = "changed",
            Err(_) => return "gone",
        }
    }
    state
}
