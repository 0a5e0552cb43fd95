//! One run, stage by stage: pull → normalize → match → classify → report. Each arrow leaves a
//! mark in the journal; a process that dies between two of them leaves nothing half-written.

mod earlier;
mod lease;
mod publish;
mod pull;

use std::path::PathBuf;

use anyhow::Context as _;
use chrono::{DateTime, Utc};

use crate::breaks::compare::{CompareError, Comparison, compare};
use crate::breaks::{Break, files};
use crate::exit::{ExitCode, Failure};
use crate::frames::{Field, Frame, Side};
use crate::job::{Job, ReportFormat};
use crate::journal::{Ending, Journal, JournalError, Lease, NewRun, RunOutcome, RunRecord, Step};
use crate::matching::Rules;
use crate::period::Period;
use crate::progress::Progress;
use crate::project::Project;
use crate::report::facts::RunFacts;
use crate::report::gather::{self, Setting};
use crate::report::verdict::verdict;
use crate::report::{EFFECTS_FILE, Facts, file_name};
use crate::sources::RawFile;
use crate::sources::store::RawStore;

use earlier::Earlier;
use lease::Keeper;
use pull::PulledInput;

/// What is to be run.
#[derive(Debug)]
pub struct Request {
    pub project: Project,
    pub job: Job,
    pub period: Period,
    pub note: Option<String>,
    /// The one clock reading that goes into the report.
    pub run_time: DateTime<Utc>,
    /// Ask no provider and read no local file: take what an earlier attempt stored.
    pub offline: bool,
    pub sandbox: bool,
    pub progress: Progress,
}

/// A run that did its work.
#[derive(Debug)]
pub struct Finished {
    pub facts: Facts,
    /// The report's files; empty for a plan.
    pub written: Vec<PathBuf>,
}

impl Finished {
    /// What the report's verdict ends the process with.
    pub fn exit_code(&self) -> ExitCode {
        verdict(&self.facts).exit
    }
}

/// Where marks go: into the journal, or nowhere for a plan.
struct Trail<'a>(Option<(&'a Journal, &'a RunRecord)>);

impl Trail<'_> {
    async fn mark(&self, step: Step, detail: serde_json::Value) -> Result<(), Failure> {
        if let Some((journal, run)) = self.0 {
            journal.mark(run, step, detail).await?;
        }
        tracing::debug!(step = step.name(), "done");
        Ok(())
    }
}

/// Runs a job for a period as a new attempt. When `stop` says by what, the attempt ends at its next pause:
/// what it has marked stays, nothing else does.
///
/// # Errors
/// With the exit code of what went wrong; the journal then holds the attempt as failed or, stopped, as interrupted.
pub async fn run(
    request: &Request,
    journal: &Journal,
    stop: impl Future<Output = &'static str>,
) -> Result<Finished, Failure> {
    let state_folder = request.project.state.parent().unwrap_or(&request.project.root);
    // Held until the end: what else was begun for this period and never ended is dead, or can write no more.
    let lease = journal
        .take_lease(state_folder, &request.job.name, &request.period.label, request.project.lease)
        .await
        .map_err(|error| Failure::new(error.exit_code(), error))?;
    let outcome = leased(request, journal, &lease, stop).await;
    if let Err(error) = journal.release(lease).await {
        tracing::debug!("the lease is not released and is free when this process has ended: {error}");
    }
    outcome
}

async fn leased(
    request: &Request,
    journal: &Journal,
    lease: &Lease,
    stop: impl Future<Output = &'static str>,
) -> Result<Finished, Failure> {
    let record = journal
        .start_run(NewRun {
            job: request.job.name.clone(),
            period: request.period.label.clone(),
            note: request.note.clone(),
            job_sha256: request.job.digest.clone(),
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
            // Not the report's run time, which may be pinned.
            started_at: Utc::now(),
            sandbox: request.sandbox,
            started_by: login_name(),
            lease_epoch: Some(lease.epoch()),
        })
        .await?;
    let keeper = Keeper::new();
    let (outcome, without_result) = tokio::select! {
        outcome = attempt(request, journal, &record) => (outcome, Ending::Failed),
        name = stop => (Err(stopped(name)), Ending::Interrupted),
        _ = keeper.keep(journal, lease) => {
            (Err(JournalError::LeaseLost { run: record.id.clone() }.into()), Ending::Failed)
        }
    };
    let ending = match &outcome {
        Ok(finished) => success(finished, request),
        Err(failure) => unfinished(failure, without_result),
    };
    match (journal.finish(&record, ending).await, outcome) {
        (_, Err(failure)) => Err(failure),
        (Err(error), Ok(_)) => Err(error.into()),
        (Ok(_), Ok(finished)) => Ok(finished),
    }
}

/// Who this process belongs to, as far as the environment says.
fn login_name() -> String {
    let named = ["USER", "LOGNAME"].iter().filter_map(|name| std::env::var(name).ok());
    named.into_iter().find(|name| !name.is_empty()).unwrap_or_else(|| "unknown".to_owned())
}

/// The failure of work that was asked to stop.
pub fn stopped(name: &str) -> Failure {
    let message = anyhow::anyhow!("stopped by {name}; nothing is half-written, run it again when it suits");
    Failure::new(ExitCode::TryAgainLater, message)
}

/// Does what computes or waits for the disk away from the threads that answer the network and the signals.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|panic| Failure::new(ExitCode::Unexpected, panic))
}

/// Everything that `run` does, but nothing is kept: no attempt, no report, no mark.
///
/// # Errors
/// As [`run`].
pub async fn plan(request: &Request, journal: Option<&Journal>) -> Result<Finished, Failure> {
    let scratch = tempfile::tempdir()?;
    let store = RawStore::open(scratch.path())?;
    let earlier = match journal {
        Some(journal) => Earlier::read(journal, request).await?,
        None => Earlier::default(),
    };
    let attempt = earlier.attempts + 1;
    let facts = compared(request, &store, &earlier, attempt, &Trail(None)).await?;
    Ok(Finished { facts, written: Vec::new() })
}

/// Where the report of an attempt goes.
pub fn report_folder(request: &Request, attempt: u32) -> PathBuf {
    publish::attempt_folder(&publish::period_folder(request), attempt)
}

/// The names of the files that a job's report consists of.
pub fn report_files(job: &Job) -> Vec<&'static str> {
    let mut names = Vec::new();
    for format in publish::formats(&job.reports) {
        names.push(file_name(format));
        if format == ReportFormat::Csv && job.effects.is_some() {
            names.push(EFFECTS_FILE);
        }
    }
    names
}

async fn attempt(request: &Request, journal: &Journal, record: &RunRecord) -> Result<Finished, Failure> {
    let trail = Trail(Some((journal, record)));
    let home = publish::period_folder(request);
    publish::sweep(&home)?;
    let raw = home.join("raw");
    let store = RawStore::open(&raw)
        .with_context(|| {
            format!("cannot make the folder {}; `artifacts` in tieout.yaml must be writable", raw.display())
        })
        .map_err(|error| Failure::new(ExitCode::Unexpected, error))?;
    let earlier = Earlier::read(journal, request).await?;
    let facts = compared(request, &store, &earlier, record.attempt, &trail).await?;
    let stage = request.progress.stage("report");
    let (formats, attempt) = (request.job.reports.clone(), record.attempt);
    let published = aside(move || {
        let written = publish::publish(&facts, &formats, &home, attempt);
        (facts, written)
    });
    let (facts, written) = published.await?;
    let written = written?;
    stage.finish(format!("{} files", written.len()));
    trail.mark(Step::Reported, serde_json::json!({ "files": written.len() })).await?;
    Ok(Finished { facts, written })
}

/// The stages from inputs to facts.
async fn compared(
    request: &Request,
    store: &RawStore,
    earlier: &Earlier,
    attempt: u32,
    trail: &Trail<'_>,
) -> Result<Facts, Failure> {
    let stage = request.progress.stage("pull");
    let pulled = pull::all(request, store, earlier).await?;
    stage.finish(format!("{} files", pulled.iter().map(|input| input.files.len()).sum::<usize>()));
    trail.mark(Step::Pulled, earlier::detail(&pulled)).await?;

    let stage = request.progress.stage("read");
    let frames = load(request, &pulled).await?;
    let rows: u64 = frames.iter().flat_map(|frame| &frame.rows_read).sum();
    stage.finish(format!("{rows} rows"));
    if let Trail(Some((journal, record))) = trail {
        journal.record_inputs(record, &inputs(&frames)).await?;
    }
    trail.mark(Step::Normalized, serde_json::json!({ "rows": rows })).await?;

    let stage = request.progress.stage("compare");
    let (frames, comparison) = compare_frames(request, &pulled, frames).await?;
    stage.finish(format!("{} keys agree", comparison.tally.clean_keys));
    trail.mark(Step::Matched, serde_json::json!({ "agreeing_keys": comparison.tally.clean_keys })).await?;

    let setting = Setting {
        job: &request.job,
        period: &request.period,
        run: run_facts(request, attempt),
        file_breaks: file_breaks(request, &pulled, &frames, earlier),
        warnings: pulled.iter().flat_map(|input| input.warnings.iter().cloned()).collect(),
    };
    let mut facts = gather::gather(setting, &frames, &comparison);
    facts.changes = earlier.changes(&facts);
    trail.mark(Step::Classified, serde_json::json!({ "breaks": facts.breaks.len() })).await?;
    trail.mark(Step::Planned, serde_json::Value::Null).await?;
    trail.mark(Step::Sent, serde_json::Value::Null).await?;
    Ok(facts)
}

/// Reads all sides, each on a thread of its own.
async fn load(request: &Request, pulled: &[PulledInput]) -> Result<Vec<Frame>, Failure> {
    let mut reading = Vec::new();
    for input in pulled {
        let spec = request.job.input(input.side).expect("inputs are pulled for the job's own sides").clone();
        let key = pull::verify_key(&request.project, &spec)?;
        let files = input.files.clone();
        reading.push(tokio::task::spawn_blocking(move || crate::frames::load(&spec, files, key.as_ref())));
    }
    let mut frames = Vec::new();
    for task in reading {
        let frame = task.await.map_err(|panic| Failure::new(ExitCode::Unexpected, panic))?;
        frames.push(frame.map_err(|error| Failure::new(ExitCode::InputData, error))?);
    }
    Ok(frames)
}

/// The pure middle, away from the threads that answer the network.
async fn compare_frames(
    request: &Request,
    pulled: &[PulledInput],
    frames: Vec<Frame>,
) -> Result<(Vec<Frame>, Comparison), Failure> {
    let missing: Vec<Side> = pulled.iter().filter(|input| input.missing()).map(|input| input.side).collect();
    let ledger_states_reward =
        frames.iter().any(|frame| frame.side == Side::Ledger && frame.mapped.contains(&Field::UserReward));
    let rules = Rules::new(&request.job, &request.period, missing, ledger_states_reward);
    let work = aside(move || {
        let comparison = compare(&rules, &frames);
        comparison.map(|comparison| (frames, comparison))
    });
    work.await?.map_err(|error| Failure::new(compare_exit_code(&error), error))
}

const fn compare_exit_code(error: &CompareError) -> ExitCode {
    use crate::matching::MatchError;
    match error {
        CompareError::Untied(_) | CompareError::Match(MatchError::NotOnce { .. }) => ExitCode::InvariantFailed,
        CompareError::Match(MatchError::Overflow { .. } | MatchError::TooManyRows) => ExitCode::InputData,
        CompareError::Match(MatchError::Polars(_)) => ExitCode::Unexpected,
    }
}

fn file_breaks(request: &Request, pulled: &[PulledInput], frames: &[Frame], earlier: &Earlier) -> Vec<Break> {
    let job = &request.job.name;
    let missing = pulled.iter().filter(|input| input.missing());
    let mut found: Vec<Break> =
        missing.map(|input| files::missing(job, input.side, &input.wanted, &request.period)).collect();
    for frame in frames {
        let due = request.job.input(frame.side).and_then(|input| input.due);
        found.extend(files::of_frame(job, &request.period, due, frame, &earlier.first_files));
    }
    found
}

/// What the journal keeps of the inputs: each file with its side and its rows.
fn inputs(frames: &[Frame]) -> Vec<(Side, RawFile, u64)> {
    let of = |frame: &Frame| {
        let files = frame.files.iter().cloned().zip(frame.rows_read.iter().copied());
        let side = frame.side;
        files.map(move |(file, rows)| (side, file, rows)).collect::<Vec<_>>()
    };
    frames.iter().flat_map(of).collect()
}

fn run_facts(request: &Request, attempt: u32) -> RunFacts {
    RunFacts {
        id: format!("{}/{}/{attempt}", request.job.name, request.period.label),
        attempt,
        run_time: request.run_time,
        note: request.note.clone(),
        sandbox: request.sandbox,
    }
}

fn success(finished: &Finished, request: &Request) -> RunOutcome {
    let facts = &finished.facts;
    let breached: Vec<String> =
        facts.breached_gates().map(|gate| format!("{} {} > {}", gate.gate, gate.found, gate.limit)).collect();
    RunOutcome {
        ending: if breached.is_empty() { Ending::Done } else { Ending::GateBreached },
        exit_code: finished.exit_code(),
        breaks: Some(facts.breaks.len() as u64),
        rows: Some(facts.statement.rows.iter().map(|rows| rows.read).sum()),
        ties_out: Some(facts.ties_out()),
        message: (!breached.is_empty()).then(|| breached.join("; ")),
        finished_at: Utc::now(),
        artifacts: Some(publish::attempt_folder(&publish::period_folder(request), facts.run.attempt)),
    }
}

fn unfinished(failure: &Failure, ending: Ending) -> RunOutcome {
    RunOutcome {
        ending,
        exit_code: failure.code,
        breaks: None,
        rows: None,
        ties_out: (failure.code == ExitCode::InvariantFailed).then_some(false),
        message: Some(failure.to_string()),
        finished_at: Utc::now(),
        artifacts: None,
    }
}
