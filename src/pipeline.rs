//! One run, stage by stage: pull → normalize → match → classify → report. Each arrow leaves a
//! mark in the journal; a process that dies between two of them leaves nothing half-written.

mod book;
mod carried;
mod carrier;
mod cleared;
mod compare;
mod datasets;
mod earlier;
mod effects;
mod engine;
mod found_breaks;
mod history;
pub(crate) mod lease;
mod lives;
mod looks;
mod month;
mod patience;
mod previous;
mod provider;
mod publish;
mod pull;
mod repeats;
mod results;
mod sealing;
mod seals;
mod send;
mod sending;
mod shelf;
pub(crate) mod stop;
mod turn;
mod urls;
mod wait;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use futures_util::future::{FutureExt as _, join};
use serde_json::json;
use tracing::{Instrument as _, Span};

use crate::effects::Call;
use crate::exit::{ExitCode, Failure};
use crate::job::{Job, ReportFormat, Work};
use crate::journal::{Ending, Journal, JournalError, Lease, NewRun, RunOutcome, RunRecord, Step};
use crate::period::Period;
use crate::progress::Progress;
use crate::project::Project;
use crate::report::verdict::verdict;
use crate::report::{EFFECTS_FILE, Facts, Figures, RECEIVABLE_FILE, SENT_FILE, file_name};
use crate::sources::store::RawStore;
use crate::spans;

use book::Book;
use carried::Neighbours;
use compare::Among;
use earlier::Earlier;
use effects::Wanted;
use lease::{Guard, Keeper};
use lives::Lives;
pub(crate) use month::days as days_of_month;
pub use patience::Patience;
pub(crate) use results::is_awaited;
use send::Sent;
use stop::Stop;
use turn::Turn;
pub use turn::{Place, Queue, takes_turns};

/// What is to be run.
#[derive(Debug)]
pub struct Request {
    pub project: Project,
    pub job: Job,
    pub period: Period,
    pub note: Option<String>,
    /// The person who starts it: where the job says so, somebody else has to approve its effects.
    pub started_by: String,
    /// The one clock reading that goes into the report.
    pub run_time: DateTime<Utc>,
    /// Ask no provider and read no local file: take what an earlier attempt stored.
    pub offline: bool,
    pub sandbox: bool,
    /// Shared with other runs of the job: none waits longer for results than this lasts. None: each waits as its job says.
    pub patience: Option<Arc<Patience>>,
    /// Where the run stands among those of its process that depend on each other; none: it is the only one.
    pub place: Option<Place>,
    pub progress: Progress,
}

/// A run that did its work.
#[derive(Debug)]
pub struct Finished {
    pub facts: Facts,
    /// The report's files; empty for a plan.
    pub written: Vec<PathBuf>,
    /// For a plan: the calls that a run would begin with, in their order.
    pub calls: Vec<Call>,
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
    stop: impl Future<Output = &'static str> + Send + 'static,
) -> Result<Finished, Failure> {
    let asked = (Instant::now(), Utc::now());
    // Held until the end: what else was begun for this period and never ended is dead, or can write no more.
    let lease = journal
        .take_lease(state_folder(request), &request.job.name, &request.period.label, request.project.lease)
        .await
        .map_err(|error| Failure::new(error.exit_code(), error))?;
    let keeper = Keeper::new(&lease, asked);
    let span = spans::run(&request.job.name, &request.period.label);
    let stop = Stop::when(stop);
    let outcome = leased(request, journal, (&lease, &keeper), &stop).instrument(span.clone()).await;
    spans::run_ended(&span, outcome.as_ref().map_or_else(|failure| failure.code, Finished::exit_code) as u8);
    drop(span);
    if let Err(error) = journal.release(lease).await {
        tracing::debug!("the lease is not released and is free when this process has ended: {error}");
    }
    outcome
}

/// Beside the state file lie the locks.
fn state_folder(request: &Request) -> &Path {
    request.project.state.folder_or(&request.project.root)
}

async fn leased(
    request: &Request,
    journal: &Journal,
    (lease, keeper): (&Lease, &Keeper),
    stop: &Stop,
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
            started_by: request.started_by.clone(),
            lease_epoch: Some(lease.epoch()),
        })
        .await?;
    Span::current().record("tieout.attempt", record.attempt);
    let guard = keeper.guard();
    let outcome = tokio::select! {
        outcome = Box::pin(attempt(request, journal, &record, &guard, stop)) => outcome,
        _ = keeper.keep(journal, lease) => Err(JournalError::LeaseLost { run: record.id.clone() }.into()),
    };
    let (outcome, turn) = match outcome {
        Ok((finished, turn)) => (Ok(finished), turn),
        Err(failure) => (Err(failure), None),
    };
    let ending = match &outcome {
        Ok(finished) => success(finished, request),
        Err(failure) if failure.code == ExitCode::TryAgainLater && stop.is_asked() => {
            unfinished(failure, Ending::Interrupted)
        }
        Err(failure) => unfinished(failure, Ending::Failed),
    };
    let recorded = journal.finish(&record, ending).await;
    // Only now do other periods see what this one has left.
    Turn::end(turn, journal).await;
    match (recorded, outcome) {
        (_, Err(failure)) => Err(failure),
        (Err(error), Ok(_)) => Err(error.into()),
        (Ok(_), Ok(finished)) => Ok(finished),
    }
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
    let reconciliation = match &request.job.work {
        Work::Reconcile(reconciliation) => reconciliation,
        Work::Send(sending) => return sending::on_paper(request, sending, journal, scratch.path()).await,
    };
    let store = RawStore::scratch(scratch.path())?.holding(request.project.rows_bytes());
    let earlier = match journal {
        Some(journal) => Earlier::read(journal, request).await?,
        None => Earlier::default(),
    };
    let attempt = earlier.attempts + 1;
    let pulled = Box::pin(compare::pull(request, &store, &earlier, &Trail(None))).await?;
    let nothing_kept = std::future::ready(Ok(()));
    let read = compare::read(request, &pulled, nothing_kept, (&earlier, journal), &Trail(None)).await?;
    let among =
        Among { earlier: &earlier, neighbours: Neighbours::read(journal, request, reconciliation).await?, journal };
    let comparing =
        Box::pin(compare::compared(request, reconciliation, (&pulled, read), &among, attempt, &Trail(None)));
    let (mut facts, wanted) = comparing.await?;
    let mut lives = Lives::read(request, journal, &facts).await?;
    let mut calls = Vec::new();
    if let Some(effects) = request.job.effects() {
        let book = Book::Paper(journal);
        let planned = effects::plan(request, effects, book, &wanted, (&mut facts, &lives)).await?;
        calls = planned.calls();
        effects::told(request, effects, book, (planned, Sent::default()), (&mut facts, &mut lives)).await?;
    } else {
        lives.tell(request, &mut facts, &[])?;
    }
    Ok(Finished { facts, written: Vec::new(), calls })
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
        if format == ReportFormat::Json && job.reconciliation().is_some_and(|work| work.month_end.is_some()) {
            names.push(RECEIVABLE_FILE);
        }
        let sends = matches!(job.work, Work::Send(_));
        if format == ReportFormat::Csv && (sends || job.effects().is_some()) {
            names.push(EFFECTS_FILE);
        }
        if format == ReportFormat::Csv && sends {
            names.push(SENT_FILE);
        }
    }
    names
}

/// How an attempt goes, in order; `stop` ends it where nothing is lost by that. Hands on the turn that it has taken, to be
/// ended when its end is recorded.
async fn attempt(
    request: &Request,
    journal: &Journal,
    record: &RunRecord,
    guard: &Guard,
    stop: &Stop,
) -> Result<(Finished, Option<Turn>), Failure> {
    let reconciliation = match &request.job.work {
        Work::Reconcile(reconciliation) => reconciliation,
        Work::Send(sending) => {
            let run = sending::Run { journal, record, guard, stop };
            return Ok((Box::pin(sending::attempt(request, sending, run)).await?, None));
        }
    };
    let trail = Trail(Some((journal, record)));
    let home = publish::period_folder(request);
    publish::sweep(&home)?;
    let store = open_store(&home, RawStore::to_settle)?.holding(request.project.rows_bytes());
    let earlier = Earlier::read(journal, request).await?;
    let pulled = unless_stopped(stop, compare::pull(request, &store, &earlier, &trail)).await?;
    let mut keeping = compare::kept(request, &store, &pulled, &trail).boxed();
    // What is held against the run before must not miss one that ends just now; all others read side by side.
    let looks_back = reconciliation.matching.status_changes.is_some();
    if looks_back || request.project.engine.is_some() {
        // A cluster reads what is kept, and a turn may be long in coming.
        unless_stopped(stop, std::mem::replace(&mut keeping, std::future::ready(Ok(())).boxed())).await?;
    }
    let mut turn = if looks_back { unless_stopped(stop, Turn::take(request, journal)).await? } else { None };
    let reading = unless_stopped(stop, compare::read(request, &pulled, keeping, (&earlier, Some(journal)), &trail));
    let read = Box::pin(Turn::within(turn.as_ref(), (journal, record), reading)).await?;
    if !looks_back {
        turn = unless_stopped(stop, Turn::take(request, journal)).await?;
    }
    let rest = async {
        let neighbours = Neighbours::read(Some(journal), request, reconciliation).await?;
        let among = Among { earlier: &earlier, neighbours, journal: Some(journal) };
        let comparing = compare::compared(request, reconciliation, (&pulled, read), &among, record.attempt, &trail);
        let (mut facts, wanted) = Box::pin(unless_stopped(stop, comparing)).await?;
        let mut lives = Lives::read(request, Some(journal), &facts).await?;
        Box::pin(acted(request, journal, record, (guard, stop), &wanted, (&mut facts, &mut lives))).await?;
        Turn::still_ours(turn.as_ref(), (journal, record)).await?;
        // Side by side: whichever of them is missing after a crash, the next attempt makes it anew.
        let publishing = unless_stopped(stop, published(request, facts, home));
        let (published, recorded) = join(publishing, lives.record(journal, record)).await;
        let (facts, written) = published?;
        recorded?;
        trail.mark(Step::Reported, reported(&facts, &written)).await?;
        Ok(Finished { facts, written, calls: Vec::new() })
    };
    let finished = Box::pin(Turn::within(turn.as_ref(), (journal, record), rest)).await?;
    Ok((finished, turn))
}

/// Where the inputs of a period are kept as they were received.
fn open_store(home: &Path, open: impl FnOnce(PathBuf) -> std::io::Result<RawStore>) -> Result<RawStore, Failure> {
    let raw = home.join("raw");
    open(raw.clone())
        .with_context(|| {
            format!("cannot make the folder {}; `artifacts` in tieout.yaml must be writable", raw.display())
        })
        .map_err(|error| Failure::new(ExitCode::Unexpected, error))
}

/// Plans what the breaks ask for, and sends what is approved.
async fn acted(
    request: &Request,
    journal: &Journal,
    record: &RunRecord,
    (guard, stop): (&Guard, &Stop),
    wanted: &Wanted,
    (facts, lives): (&mut Facts, &mut Lives),
) -> Result<(), Failure> {
    let trail = Trail(Some((journal, record)));
    let Some(effects) = request.job.effects() else {
        lives.tell(request, facts, &[])?;
        trail.mark(Step::Planned, json!({ "effects": 0 })).await?;
        return trail.mark(Step::Sent, json!({ "calls": 0 })).await;
    };
    let stage = request.progress.stage("plan");
    effects::recover(request, journal, record).await?;
    looks::look(request, effects, journal, record).await?;
    let book = Book::Journal(journal, record);
    let planning = effects::plan(request, effects, book, wanted, (&mut *facts, lives));
    let planned = planning.instrument(spans::stage("plan")).await?;
    stage.finish(format!("{} effects", planned.count()));
    trail.mark(Step::Planned, json!({ "plan": planned.digest(), "effects": planned.count() })).await?;
    let stage = request.progress.stage("send");
    let sending = effects::send(request, effects, &planned, (journal, record, guard, stop));
    let sent = sending.instrument(spans::stage("send")).await?;
    stage.finish(format!("{} calls", sent.calls));
    trail.mark(Step::Sent, json!({ "calls": sent.calls })).await?;
    effects::told(request, effects, book, (planned, sent), (facts, lives)).await
}

/// Renders the report and puts it into its place.
async fn published(request: &Request, facts: Facts, home: PathBuf) -> Result<(Facts, Vec<PathBuf>), Failure> {
    let stage = request.progress.stage("report");
    let formats = request.job.reports.clone();
    let publishing = aside(move || {
        let written = publish::publish(&facts, &formats, &home, facts.run.attempt);
        (facts, written)
    });
    let (facts, written) = publishing.instrument(spans::stage("report")).await?;
    let written = written?;
    let kept = request.project.kept();
    kept.keep_folder(&report_folder(request, facts.run.attempt)).await?;
    let written: Vec<PathBuf> = written.iter().map(|path| kept.recorded(path)).collect();
    stage.finish(format!("{} files", written.len()));
    Ok((facts, written))
}

/// What the journal keeps of a report.
fn reported(facts: &Facts, written: &[PathBuf]) -> serde_json::Value {
    json!({ "files": written.len(), "figures": Figures::of(facts) })
}

/// Work that ends at its next pause when the process is asked to stop.
async fn unless_stopped<T>(stop: &Stop, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::select! {
        outcome = work => outcome,
        name = stop.asked() => Err(stopped(name)),
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
        message: told(facts, &breached),
        finished_at: Utc::now(),
        artifacts: Some(request.project.kept().recorded(&report_folder(request, facts.run.attempt))),
    }
}

/// Why the exit code is not 0, in one line.
fn told(facts: &Facts, breached: &[String]) -> Option<String> {
    let verdict = verdict(facts);
    let stopped = facts.effects.as_ref().and_then(|effects| effects.stopped.clone());
    match verdict.exit {
        ExitCode::Done => None,
        ExitCode::GateBreached => Some(breached.join("; ")),
        ExitCode::PersonNeeded => Some(verdict.headline),
        _ => stopped.map(|why| format!("sending ended early: {why}")),
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
