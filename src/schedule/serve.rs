//! The scheduler as a process: looks at the clock and the journal, runs what is due, until it is stopped.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};

use super::plan::{self, Planner};
use super::{Due, History, Todo, histories, late};
use crate::backfill::most_serious;
use crate::exit::{ExitCode, Failure};
use crate::job::Job;
use crate::journal::Journal;
use crate::notify::desk::Desk;
use crate::ops::{Pulse, Watched, push};
use crate::pipeline::stop::Stop;
use crate::pipeline::{self, Request};
use crate::progress::Progress;
use crate::project::Project;

/// However far away the next thing to do is, it looks again: clocks are put, and other processes run periods too.
const LOOK: Duration = Duration::from_mins(1);

/// What is run, and how.
#[derive(Debug)]
pub struct Orders {
    pub world: Jobs,
    /// Who is said to have started the runs.
    pub started_by: String,
    pub sandbox: bool,
    /// Runs at once; never two of one job.
    pub max_parallel: usize,
    /// End when nothing can be run now.
    pub once: bool,
    /// Where it leaves for probes and scrapes what it sees.
    pub pulse: Arc<Pulse>,
}

/// The project and its jobs, as read at one time.
#[derive(Debug, Clone)]
pub struct Jobs {
    pub project: Project,
    pub jobs: Vec<Job>,
}

/// One run that has ended.
struct Ended {
    job: String,
    period: String,
    outcome: Result<(ExitCode, usize), Failure>,
}

/// Runs what is due until it is stopped; `fresh` brings the jobs as they were read again. Says how its runs ended: the
/// most serious code, 0 where there was none.
///
/// # Errors
/// With `once`, when the journal cannot be read; otherwise it is tried again.
pub(crate) async fn serve(
    orders: Orders,
    journal: &Arc<Journal>,
    mut fresh: mpsc::Receiver<Jobs>,
    stop: Stop,
) -> Result<ExitCode, Failure> {
    let mut server = Server {
        orders,
        journal,
        stop,
        since: Utc::now(),
        running: JoinSet::new(),
        busy: BTreeSet::new(),
        not_before: BTreeMap::new(),
        codes: Vec::new(),
        told: BTreeSet::new(),
        telling: None,
    };
    let mut is_fresh = true;
    while server.stop.by().is_none() {
        let next = match server.begin().await {
            Ok(next) => next,
            Err(failure) if server.orders.once => return Err(failure),
            Err(failure) => {
                tracing::error!("{failure}; looking again in {} s", LOOK.as_secs());
                LOOK
            }
        };
        if server.orders.once && server.running.is_empty() {
            break;
        }
        tokio::select! {
            Some(ended) = server.running.join_next() => server.ended(ended)?,
            read = fresh.recv(), if is_fresh => match read {
                Some(world) => server.orders.world = world,
                None => is_fresh = false,
            },
            _ = server.stop.asked() => {}
            () = tokio::time::sleep(next) => {}
        }
    }
    if let Some(name) = server.stop.by() {
        tracing::info!("stopping on {name}; {} under way", server.running.len());
    }
    while let Some(ended) = server.running.join_next().await {
        server.ended(ended)?;
    }
    if let Some(telling) = server.telling.take() {
        telling.await.map_err(|panic| Failure::new(ExitCode::Unexpected, panic))?;
    }
    Ok(most_serious(server.codes.into_iter()))
}

struct Server<'s> {
    orders: Orders,
    journal: &'s Arc<Journal>,
    stop: Stop,
    /// When it began to watch the clock.
    since: DateTime<Utc>,
    running: JoinSet<Ended>,
    /// Jobs with a run under way.
    busy: BTreeSet<String>,
    /// Job and period → when it may be tried again, where an attempt has left nothing in the journal.
    not_before: BTreeMap<(String, String), DateTime<Utc>>,
    codes: Vec<u8>,
    /// What cannot be run and was told of, so that it is told once.
    told: BTreeSet<String>,
    /// People are being told of what is late.
    telling: Option<JoinHandle<()>>,
}

impl Server<'_> {
    /// Begins what can be begun now; says when to look again.
    async fn begin(&mut self) -> Result<Duration, Failure> {
        let now = Utc::now();
        let jobs = histories(Some(self.journal), self.orders.world.jobs.clone(), now).await?;
        let planner = Planner { jobs: &jobs, now, watched_since: Some(self.since) };
        let due = planner.due();
        let next = plan::next_look(&planner, &due);
        self.tell(&due);
        self.tell_people(&jobs, &due, now);
        self.not_before.retain(|_, until| *until > now);
        for one in due {
            let held = self.not_before.contains_key(&(one.job.clone(), one.period.label.clone()));
            let room = self.running.len() < self.orders.max_parallel;
            if one.todo == Todo::Run && room && !held && !self.busy.contains(&one.job) {
                let (job, _) = &jobs[&one.job];
                self.spawn(job.clone(), one);
            }
        }
        let wait = next.and_then(|next| (next - now).to_std().ok()).unwrap_or(LOOK);
        Ok(wait.min(LOOK))
    }

    fn spawn(&mut self, job: Job, due: Due) {
        tracing::info!("{} {} begins: {}", due.job, due.period, due.why);
        self.busy.insert(due.job.clone());
        let request = Request {
            project: self.orders.world.project.clone(),
            job,
            period: due.period,
            note: Some(format!("scheduled for {}", due.asked_at.format("%Y-%m-%dT%H:%M:%SZ"))),
            started_by: self.orders.started_by.clone(),
            run_time: Utc::now(),
            offline: false,
            sandbox: self.orders.sandbox,
            patience: None,
            place: None,
            progress: Progress::hidden(),
        };
        let (journal, stop) = (self.journal.clone(), self.stop.clone());
        self.running.spawn(async move {
            let outcome = pipeline::run(&request, &journal, async move { stop.asked().await }).await;
            let desk = Desk { journal: &journal, notify: &request.project.notify };
            desk.run_ended(&request.job, &request.period, outcome.as_ref().err()).await;
            push::after_run(&request.project.metrics, &journal, &request.job).await;
            let outcome = outcome.map(|finished| (finished.exit_code(), finished.facts.breaks.len()));
            Ended { job: request.job.name, period: request.period.label, outcome }
        });
    }

    fn ended(&mut self, ended: Result<Ended, tokio::task::JoinError>) -> Result<(), Failure> {
        let Ended { job, period, outcome } = ended.map_err(|panic| Failure::new(ExitCode::Unexpected, panic))?;
        self.busy.remove(&job);
        match outcome {
            Ok((code, breaks)) => {
                self.codes.push(code as u8);
                tracing::info!("{job} {period} ended with {}: {breaks} breaks", code as u8);
            }
            Err(failure) => {
                self.codes.push(failure.code as u8);
                tracing::warn!("{job} {period} ended with {}: {failure}", failure.code as u8);
                // What was refused before it became an attempt stands nowhere else.
                self.not_before.insert((job, period), Utc::now() + LOOK);
            }
        }
        Ok(())
    }

    /// Lets probes and scrapes see what is due, and tells people what is late. That takes its time, and nothing waits for
    /// it.
    fn tell_people(&mut self, jobs: &BTreeMap<String, (Job, History)>, due: &[Due], now: DateTime<Utc>) {
        let project = &self.orders.world.project;
        let alarms = late::alarms(jobs, due, project.notify.late_after, now);
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let watched = jobs.iter().map(|(name, (job, _))| {
            let due = due.iter().filter(|one| one.job == *name).count();
            let late = alarms.get(name).map_or(0, Vec::len);
            (name.clone(), Watched { due: count(due), late: count(late), ..Watched::of(job) })
        });
        self.orders.pulse.looked(now, watched.collect());
        if project.notify.channels.is_empty() || self.telling.as_ref().is_some_and(|telling| !telling.is_finished()) {
            return;
        }
        let (journal, notify) = (self.journal.clone(), project.notify.clone());
        let names: Vec<String> = jobs.keys().cloned().collect();
        self.telling = Some(tokio::spawn(async move {
            let desk = Desk { journal: &journal, notify: &notify };
            for (job, alarms) in alarms {
                desk.late(&job, alarms).await;
            }
            desk.look(&names).await;
        }));
    }

    /// Says once of each period why it is not run.
    fn tell(&mut self, due: &[Due]) {
        let waits = due.iter().filter(|one| matches!(one.todo, Todo::Blocked | Todo::GivenUp));
        let lines: BTreeSet<String> = waits
            .map(|one| match one.todo {
                Todo::GivenUp => format!("{} {} is left to a person: {}", one.job, one.period, one.why),
                _ => format!("{} {} {}", one.job, one.period, one.why),
            })
            .collect();
        for line in lines.difference(&self.told) {
            tracing::warn!("{line}");
        }
        self.told = lines;
    }
}
