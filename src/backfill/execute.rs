//! Running the periods of a backfill, several at once where that is asked, until all are tried or going on is senseless.

use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};
use tokio::task::{JoinError, JoinSet};

use super::{Choice, DaysBefore, Line, Open, Proposal, Todo, last_ends, most_serious, plan, propose, range};
use crate::exit::{ExitCode, Failure};
use crate::job::Job;
use crate::journal::{
    BackfillRecord, Journal, LeaseError, NewBackfill, NewBackfillAttempt, PeriodEnd, PlannedPeriod, RunFilter,
    RunRecord, RunStatus,
};
use crate::period::Period;
use crate::pipeline::lease::Keeper;
use crate::pipeline::stop::Stop;
use crate::pipeline::{self, Patience, Queue, Request};
use crate::progress::Progress;
use crate::project::Project;

/// Takes the place of a period in the name of the lease: one backfill of a job at a time.
const LEASE: &str = "backfill";

/// So many ends in a row with the same code, one that the machine or the provider is to blame for: the next would be
/// no other.
const IN_A_ROW: u32 = 3;

/// What is to be backfilled, and how.
#[derive(Debug, Clone)]
pub struct Orders {
    pub project: Project,
    pub job: Job,
    /// Every period of the range, the earliest first; at least one.
    pub periods: Vec<Period>,
    pub choice: Choice,
    /// Of months: the days that were run before them; none: they were not asked for.
    pub days: Option<DaysBefore>,
    pub note: Option<String>,
    /// The person who starts it.
    pub started_by: String,
    /// As in [`Request`].
    pub offline: bool,
    pub sandbox: bool,
    /// Periods at once.
    pub max_parallel: u32,
    pub newest_first: bool,
    pub progress: Progress,
}

/// What a backfill has come to.
#[derive(Debug)]
pub struct Report {
    pub backfill: BackfillRecord,
    /// The attempt of the backfill that this process was.
    pub attempt: u32,
    pub periods: Vec<PlannedPeriod>,
    /// Of all attempts, in their order.
    pub ends: Vec<PeriodEnd>,
    /// What its runs have left to somebody else.
    pub open: Open,
    /// By what it was stopped before all periods were tried.
    pub stopped: Option<String>,
    /// The most serious of the periods' own; 75 where a signal stopped it.
    pub exit_code: ExitCode,
}

/// Why no further period begins.
#[derive(Debug, Clone, Copy)]
enum Halt {
    Asked(&'static str),
    /// No other period would end otherwise.
    Senseless(ExitCode),
    InARow(ExitCode),
}

impl Halt {
    fn words(self) -> String {
        match self {
            Self::Asked(name) => format!("stopped by {name}"),
            Self::Senseless(code) => {
                let what = match code {
                    ExitCode::CredentialsRefused => "the provider refuses the credentials",
                    ExitCode::InvariantFailed => "an invariant failed",
                    _ => "the configuration is wrong",
                };
                format!("stopped because {what} ({}): the other periods would end like that", code as u8)
            }
            Self::InARow(code) => format!("stopped because {IN_A_ROW} periods in a row ended with {}", code as u8),
        }
    }
}

/// Begins a backfill, or goes on with the one of the same job, range and choice that was killed or stopped. None: no
/// period is to be run, and nothing is written down.
///
/// When `stop` says by what, no further period begins and those under way end at their next pause.
///
/// # Errors
/// When another backfill of the job goes on, or the journal cannot be used. That a period failed is no error.
pub async fn run(
    orders: Orders,
    journal: &Arc<Journal>,
    stop: impl Future<Output = &'static str> + Send + 'static,
) -> Result<Option<Report>, Failure> {
    let asked = (Instant::now(), Utc::now());
    let folder = orders.project.state.folder_or(&orders.project.root).to_owned();
    let lease = journal.take_lease(&folder, &orders.job.name, LEASE, orders.project.lease).await;
    let lease = lease.map_err(|error| held(&orders.job, error))?;
    let keeper = Keeper::new(&lease, asked);
    let outcome = tokio::select! {
        outcome = leased(Arc::new(orders), journal, Stop::when(stop)) => outcome,
        lost = keeper.keep(journal, &lease) => Err(lost.into()),
    };
    if let Err(error) = journal.release(lease).await {
        tracing::debug!("the lease is not released and is free when this process has ended: {error}");
    }
    outcome
}

fn held(job: &Job, error: LeaseError) -> Failure {
    match error {
        LeaseError::Held { holder, .. } => {
            let message =
                format!("a backfill of {} is already running ({holder}); try again when it has ended", job.name);
            Failure::new(ExitCode::TryAgainLater, anyhow::Error::msg(message))
        }
        error => Failure::new(error.exit_code(), error),
    }
}

async fn leased(orders: Arc<Orders>, journal: &Arc<Journal>, stop: Stop) -> Result<Option<Report>, Failure> {
    let proposal = propose(Some(journal), &orders.job, &orders.periods, orders.choice, orders.days.as_ref());
    let proposal = proposal.await?;
    if proposal.continues.is_none() && proposal.to_run() == 0 {
        return Ok(None);
    }
    let backfill = match &proposal.continues {
        Some(backfill) => backfill.id,
        None => journal.begin_backfill(&new_backfill(&orders, &proposal.lines)).await?,
    };
    tell_beginning(&orders, &proposal, backfill);
    let before = journal.backfill_attempts(backfill).await?;
    if let Some(last) = before.last().filter(|last| last.job_sha256 != orders.job.digest) {
        tracing::warn!(
            "the job file has changed since attempt {} of backfill {backfill}: what was done by then was done by the other",
            last.attempt
        );
    }
    let attempt = journal.begin_backfill_attempt(backfill, &new_attempt(&orders)).await?;
    let wait = orders.job.sending().and_then(|sending| sending.confirm.as_ref()).map(|confirm| confirm.wait);
    let patience = wait.map(|wait| Arc::new(Patience::new(wait)));
    let job = orders.job.clone();
    let queue = pipeline::takes_turns(&job).then(Arc::<Queue>::default);
    let mut work =
        Work { orders, journal, backfill, attempt, stop, patience, queue, total: proposal.to_run(), ended: 0 };
    let halt = match work.all(proposal.lines).await {
        Ok(halt) => halt,
        Err(failure) => {
            // That it cannot be written down either is told by the first error.
            let told = journal.end_backfill_attempt(backfill, attempt, Some(&failure.to_string()), failure.code).await;
            if let Err(error) = told {
                tracing::debug!("the end of the backfill's attempt is not recorded: {error}");
            }
            return Err(failure);
        }
    };
    let ends = journal.backfill_ends(backfill).await?;
    let exit_code = exit_code(&ends, halt);
    let stopped = halt.map(Halt::words);
    journal.end_backfill_attempt(backfill, attempt, stopped.as_deref(), exit_code).await?;
    let (record, periods) = (journal.backfill(backfill).await?, journal.backfill_periods(backfill).await?);
    let open = Open::read(journal, &job, &periods).await?;
    Ok(Some(Report { backfill: record, attempt, periods, ends, open, stopped, exit_code }))
}

fn exit_code(ends: &[PeriodEnd], halt: Option<Halt>) -> ExitCode {
    let worst = most_serious(last_ends(ends).values().map(|end| end.exit_code));
    match halt {
        Some(Halt::Asked(_)) if worst != ExitCode::InvariantFailed => ExitCode::TryAgainLater,
        _ => worst,
    }
}

fn new_backfill(orders: &Orders, lines: &[Line]) -> NewBackfill {
    let label = |period: Option<&Period>| period.map(|period| period.label.clone()).unwrap_or_default();
    NewBackfill {
        job: orders.job.name.clone(),
        from: label(orders.periods.first()),
        to: label(orders.periods.last()),
        reprocess: orders.choice.reprocess,
        begun_at: Utc::now(),
        begun_by: orders.started_by.clone(),
        periods: lines.iter().map(Line::planned).collect(),
    }
}

fn new_attempt(orders: &Orders) -> NewBackfillAttempt {
    NewBackfillAttempt {
        begun_at: Utc::now(),
        begun_by: orders.started_by.clone(),
        note: orders.note.clone(),
        max_parallel: orders.max_parallel,
        newest_first: orders.newest_first,
        offline: orders.offline,
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        job_sha256: orders.job.digest.clone(),
    }
}

fn tell_beginning(orders: &Orders, proposal: &Proposal, backfill: u64) {
    let stretches = plan::stretches(&proposal.lines);
    let stretches = if stretches.is_empty() { "nothing".to_owned() } else { stretches };
    if let Some(record) = &proposal.continues {
        let (begun, by) = (record.begun_at.format("%Y-%m-%dT%H:%M:%SZ"), &record.begun_by);
        // What ended well, and was not written down any more, counts.
        let found = proposal.lines.iter().filter(|line| matches!(line.todo, Todo::Record(_))).count() as u64;
        let (done, all) = (record.done + found, record.to_run);
        tracing::info!(
            "continuing backfill {backfill}, begun {begun} by {by}: {done} of {all} done; to run: {stretches}"
        );
    } else {
        let (all, to_run) = (proposal.lines.len(), proposal.to_run());
        let units = range::units(orders.job.grain);
        tracing::info!("backfill {backfill} of {}: {to_run} of {all} {units} to run: {stretches}", orders.job.name);
    }
}

/// An attempt under way.
struct Work<'a> {
    orders: Arc<Orders>,
    journal: &'a Arc<Journal>,
    backfill: u64,
    attempt: u32,
    stop: Stop,
    /// For results of what the periods send.
    patience: Option<Arc<Patience>>,
    /// The order of those that depend on each other: that in which they begin.
    queue: Option<Arc<Queue>>,
    /// Periods to run in this attempt, and how many of them have ended.
    total: usize,
    ended: usize,
}

impl Work<'_> {
    /// Records what is found done, and runs the others. Says why not all were tried, if they were not.
    async fn all(&mut self, mut lines: Vec<Line>) -> Result<Option<Halt>, Failure> {
        if self.orders.newest_first {
            lines.reverse();
        }
        let mut to_run = Vec::new();
        for line in lines {
            match line.todo {
                Todo::Run => to_run.push(line.period),
                Todo::Skip => {}
                Todo::Record(run) => self.record(&found(self.attempt, &run)).await?,
            }
        }
        let _bar = self.orders.progress.stage("backfill");
        let mut waiting = to_run.into_iter();
        let mut running = JoinSet::new();
        let (mut halt, mut interrupted, mut row) = (None, false, (0, 0_u32));
        loop {
            halt = halt.or_else(|| self.stop.by().map(Halt::Asked));
            while halt.is_none() && running.len() < self.orders.max_parallel as usize {
                let Some(period) = waiting.next() else { break };
                running.spawn(one(self.journal.clone(), self.request(period), self.stop.clone()));
            }
            let ended = tokio::select! {
                ended = running.join_next() => ended,
                name = self.stop.asked(), if halt.is_none() => {
                    halt = Some(Halt::Asked(name));
                    continue;
                }
            };
            // Nothing runs, and nothing more begins.
            let Some(ended) = ended else { break };
            let end = self.ended(ended).await?;
            interrupted |= end.status == RunStatus::Interrupted;
            row = if row.0 == end.exit_code { (row.0, row.1 + 1) } else { (end.exit_code, 1) };
            halt = halt.or_else(|| reason_to_halt(&end, row.1));
        }
        Ok(halt.filter(|_| interrupted || waiting.len() > 0))
    }

    /// Writes down and tells how a period ended.
    async fn ended(&mut self, ended: Result<Result<PeriodEnd, Failure>, JoinError>) -> Result<PeriodEnd, Failure> {
        let mut end = ended.map_err(|panic| Failure::new(ExitCode::Unexpected, panic))??;
        end.attempt = self.attempt;
        self.record(&end).await?;
        self.ended += 1;
        let took_s = (end.ended_at - end.begun_at).as_seconds_f64();
        let line = format!("{}  {}  ({took_s:.1} s)  {} of {}", end.period, words(&end), self.ended, self.total);
        if end.well {
            tracing::info!("{line}");
        } else {
            tracing::warn!("{line}");
        }
        Ok(end)
    }

    async fn record(&self, end: &PeriodEnd) -> Result<(), Failure> {
        Ok(self.journal.end_backfill_period(self.backfill, end).await?)
    }

    fn request(&self, period: Period) -> Request {
        Request {
            project: self.orders.project.clone(),
            job: self.orders.job.clone(),
            period,
            note: Some(self.note()),
            started_by: self.orders.started_by.clone(),
            run_time: Utc::now(),
            offline: self.orders.offline,
            sandbox: self.orders.sandbox,
            patience: self.patience.clone(),
            place: self.queue.as_ref().map(Queue::place),
            // Several at once would write over each other.
            progress: Progress::hidden(),
        }
    }

    /// That of each run: the list of runs shows where it comes from.
    fn note(&self) -> String {
        match &self.orders.note {
            Some(note) => format!("backfill {}: {note}", self.backfill),
            None => format!("backfill {}", self.backfill),
        }
    }
}

/// `in_a_row`: so many ends had this one's code, up to it.
fn reason_to_halt(end: &PeriodEnd, in_a_row: u32) -> Option<Halt> {
    let is = |code: ExitCode| end.exit_code == code as u8;
    let senseless = [ExitCode::InvariantFailed, ExitCode::Configuration, ExitCode::CredentialsRefused];
    if let Some(code) = senseless.into_iter().find(|code| is(*code)) {
        return Some(Halt::Senseless(code));
    }
    let outside = [ExitCode::ProviderUnavailable, ExitCode::Unexpected];
    outside.into_iter().find(|code| is(*code) && in_a_row >= IN_A_ROW).map(Halt::InARow)
}

/// How a period ended, for people.
pub fn words(end: &PeriodEnd) -> String {
    let breaks = match end.breaks {
        None | Some(0) => "no breaks".to_owned(),
        Some(1) => "1 break".to_owned(),
        Some(count) => format!("{count} breaks"),
    };
    let code = end.exit_code;
    let because = |what: &str| match end.message.as_deref().and_then(|message| message.lines().next()) {
        Some(message) => format!("{what}: {message}"),
        None => what.to_owned(),
    };
    match end.status {
        RunStatus::Done if code == ExitCode::Done as u8 => format!("done, {breaks}"),
        RunStatus::Done | RunStatus::GateBreached if code == ExitCode::PersonNeeded as u8 => {
            format!("done, {breaks}; a person is needed ({code})")
        }
        RunStatus::GateBreached if end.well => format!("done, {breaks}; a gate is breached ({code})"),
        RunStatus::Done | RunStatus::GateBreached => because(&format!("not all done ({code})")),
        RunStatus::Failed => because(&format!("failed ({code})")),
        RunStatus::Interrupted | RunStatus::Running => because("interrupted"),
    }
}

/// What an attempt writes down of a run that had ended when it came by.
fn found(attempt: u32, run: &RunRecord) -> PeriodEnd {
    let ended_at = run.finished_at.unwrap_or(run.started_at);
    PeriodEnd { attempt, found: true, ..end_of(run, ended_at) }
}

fn end_of(run: &RunRecord, ended_at: DateTime<Utc>) -> PeriodEnd {
    PeriodEnd {
        attempt: 0,
        period: run.period.clone(),
        status: run.status,
        well: run.ended_well(),
        found: false,
        run: Some(run.id.clone()),
        exit_code: run.exit_code.unwrap_or(ExitCode::Unexpected as u8),
        breaks: run.breaks,
        message: run.message.clone(),
        begun_at: run.started_at,
        ended_at,
    }
}

/// Runs one period.
///
/// # Errors
/// Only when the journal cannot be read.
async fn one(journal: Arc<Journal>, request: Request, stop: Stop) -> Result<PeriodEnd, Failure> {
    let begun_at = request.run_time;
    let latest = latest(&journal, &request.job.name, &request.period.label).await?;
    let known = latest.map_or(0, |run| run.attempt);
    let asked = stop.clone();
    let outcome = pipeline::run(&request, &journal, async move { asked.asked().await }).await;
    let run = latest_after(&journal, &request, known).await?;
    let ended_at = Utc::now();
    Ok(match (outcome, run) {
        // It was recorded, and nobody has taken it for dead.
        (_, Some(run)) if run.status != RunStatus::Running && run.exit_code.is_some() => {
            PeriodEnd { begun_at, ..end_of(&run, ended_at) }
        }
        (outcome, run) => unrecorded(&request.period, outcome.err(), run, (begun_at, ended_at)),
    })
}

async fn latest(journal: &Journal, job: &str, period: &str) -> Result<Option<RunRecord>, Failure> {
    let filter = RunFilter {
        job: Some(job.to_owned()),
        period: Some(period.to_owned()),
        limit: Some(1),
        ..RunFilter::default()
    };
    Ok(journal.runs(&filter).await?.pop())
}

/// The first attempt after those that were known: the one of this request, if it came so far as to have a number.
async fn latest_after(journal: &Journal, request: &Request, known: u32) -> Result<Option<RunRecord>, Failure> {
    let filter = RunFilter {
        job: Some(request.job.name.clone()),
        period: Some(request.period.label.clone()),
        ..RunFilter::default()
    };
    let runs = journal.runs(&filter).await?;
    Ok(runs.into_iter().find(|run| run.attempt == known + 1))
}

/// A run whose end the journal does not hold: it had no lease, or lost it.
fn unrecorded(
    period: &Period,
    failure: Option<Failure>,
    run: Option<RunRecord>,
    (begun_at, ended_at): (DateTime<Utc>, DateTime<Utc>),
) -> PeriodEnd {
    let code = failure.as_ref().map_or(ExitCode::Unexpected, |failure| failure.code);
    PeriodEnd {
        attempt: 0,
        period: period.label.clone(),
        status: RunStatus::Failed,
        well: false,
        found: false,
        run: run.map(|run| run.id),
        exit_code: code as u8,
        breaks: None,
        message: failure.map(|failure| failure.to_string()),
        begun_at,
        ended_at,
    }
}
