//! `tieout serve`: the scheduler, and the receiver where that is asked for, until it is stopped.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::person::person_or_unknown;
use super::{Context, listen, stopped};
use crate::cli::{ListenArgs, ServeArgs};
use crate::config::Problems;
use crate::exit::{ExitCode, Failure};
use crate::job::Job;
use crate::job::load::load_all;
use crate::journal::Journal;
use crate::notify::desk::Desk as NoticeDesk;
use crate::notify::judge::NO_PERIOD;
use crate::ops::{Port, Pulse};
use crate::pipeline::stop::Stop;
use crate::project::{Project, ReviewConfig};
use crate::review::desk::Desk;
use crate::review::gate::Gate;
use crate::review::port as review;
use crate::schedule::plan;
use crate::schedule::serve::{Jobs, Orders, serve};

/// Runs what is due until it is stopped.
///
/// # Errors
/// When the project is wrong, the journal cannot be used, or the receiver cannot go on.
pub async fn run(mut context: Context, args: ServeArgs) -> Result<ExitCode, Failure> {
    let stop = Stop::when(stopped()?);
    if args.review_only {
        return review_only(context, args.review_bind, stop).await;
    }
    let hangup = signal(SignalKind::hangup())?;
    let world = context.start_world().await?;
    let project = context.load_project()?.clone();
    let (jobs, problems) = load_all(&project);
    tell(&jobs, &problems, "it is not run until its file is mended and read again (SIGHUP)");
    let scheduled = jobs.iter().filter(|job| job.schedule.is_some()).count();
    tracing::info!("{scheduled} of {} jobs have a schedule", jobs.len());
    let journal = Arc::new(Journal::open(&project.state).await?);
    let telling = tell_people(&project, &journal, &problems);
    let jobs = Jobs { project, jobs };
    let (send, fresh) = mpsc::channel(1);
    let reading = tokio::spawn(read_on_hangup(jobs.clone(), hangup, send, context.sandbox));
    let pulse = Arc::new(Pulse::default());
    let answering = match args.ops_bind.or(jobs.project.ops).filter(|_| !args.once) {
        Some(address) => Some(answer(address, &journal, &pulse, &stop).await?),
        None => None,
    };
    let is_asked = args.review || args.review_bind.is_some();
    let showing = match jobs.project.review.clone().or_else(|| is_asked.then(ReviewConfig::default)) {
        Some(review) if !args.once => Some(show(&jobs.project, review, args.review_bind, &journal).await?),
        _ => None,
    };
    let orders = Orders {
        pulse,
        world: jobs,
        started_by: person_or_unknown(args.by.as_deref())?,
        sandbox: context.sandbox,
        max_parallel: args.max_parallel as usize,
        once: args.once,
    };
    let outcome = if args.listen {
        let receiver = listen::start(&mut context, ListenArgs::default()).await?;
        let asked = stop.clone();
        // A receiver that cannot go on ends the process: whoever watches it starts it again.
        tokio::try_join!(
            async { receiver.serve(async move { _ = asked.asked().await }).await.map_err(Failure::from) },
            serve(orders, &journal, fresh, stop)
        )
        .map(|((), code)| code)
    } else {
        serve(orders, &journal, fresh, stop).await
    };
    reading.abort();
    if let Err(panic) = telling.await {
        tracing::warn!("nobody is notified of job files that are wrong: {panic}");
    }
    // They end when the process is told to stop, and what else ends them is told already.
    for task in [answering, showing].into_iter().flatten() {
        task.abort();
        _ = task.await;
    }
    world.stop().await;
    if let Some(journal) = Arc::into_inner(journal) {
        journal.close().await?;
    }
    let code = outcome?;
    // A service that was told to stop has ended well, whatever its runs have found.
    Ok(if args.once { code } else { ExitCode::Done })
}

/// What no scheduler runs, nobody would miss: people are told of job files that are wrong. The scheduler does not wait for
/// it.
fn tell_people(project: &Project, journal: &Arc<Journal>, problems: &Problems) -> JoinHandle<()> {
    let mut of_jobs = BTreeMap::new();
    for problem in problems {
        let name = problem.file.file_stem().map(|name| name.to_string_lossy().into_owned());
        of_jobs.entry(name.unwrap_or_default()).or_insert_with(|| problem.headline());
    }
    let (notify, journal) = (project.notify.clone(), journal.clone());
    tokio::spawn(async move {
        for (job, problem) in of_jobs {
            let failure = Failure::new(ExitCode::Configuration, anyhow::Error::msg(problem));
            NoticeDesk { journal: &journal, notify: &notify }.not_begun(&job, NO_PERIOD, &failure).await;
        }
    })
}

/// Begins to answer probes.
async fn answer(
    address: SocketAddr,
    journal: &Arc<Journal>,
    pulse: &Arc<Pulse>,
    stop: &Stop,
) -> Result<JoinHandle<()>, Failure> {
    let port = Port::bind(address).await.map_err(|error| {
        let error = anyhow::Error::new(error).context(format!("cannot answer probes on {address} (`ops: bind:`)"));
        Failure::new(ExitCode::Configuration, error)
    })?;
    tracing::info!("probes and metrics on http://{}", port.address());
    let (journal, pulse, asked) = (journal.clone(), pulse.clone(), stop.clone());
    Ok(tokio::spawn(async move {
        let until_stopped = {
            let pulse = pulse.clone();
            async move {
                _ = asked.asked().await;
                pulse.stopping();
                // As long as runs are under way, probes are answered.
                std::future::pending::<()>().await;
            }
        };
        if let Err(error) = port.serve(journal, pulse, until_stopped).await {
            tracing::error!("probes are answered no more: {error}");
        }
    }))
}

/// Shows the pages until it is stopped, and runs nothing.
async fn review_only(mut context: Context, bind: Option<SocketAddr>, stop: Stop) -> Result<ExitCode, Failure> {
    let project = context.load_project()?.clone();
    let journal = Arc::new(Journal::open(&project.state).await?);
    let showing = show(&project, project.review.clone().unwrap_or_default(), bind, &journal).await?;
    _ = stop.asked().await;
    showing.abort();
    _ = showing.await;
    if let Some(journal) = Arc::into_inner(journal) {
        journal.close().await?;
    }
    Ok(ExitCode::Done)
}

/// Begins to show the pages.
async fn show(
    project: &Project,
    mut review: ReviewConfig,
    bind: Option<SocketAddr>,
    journal: &Arc<Journal>,
) -> Result<JoinHandle<()>, Failure> {
    review.bind = bind.unwrap_or(review.bind);
    let gate = Gate::open(&project.root, &review)?;
    if let Some(url) = gate.url.as_ref().filter(|_| gate.has_sign_in() && !gate.is_https() && !gate.is_local()) {
        tracing::warn!("passwords and sessions pass over plain http on their way to {url}; put TLS before the pages");
    }
    let port = review::Port::bind(review.bind).await.map_err(|error| {
        let error =
            anyhow::Error::new(error).context(format!("cannot show the pages on {} (`review: bind:`)", review.bind));
        Failure::new(ExitCode::Configuration, error)
    })?;
    tracing::info!("pages for review on http://{}", port.address());
    let desk = Desk::new(project.clone(), journal.clone()).with_gate(gate);
    Ok(tokio::spawn(async move {
        if let Err(error) = port.serve(desk, std::future::pending()).await {
            tracing::error!("the pages are shown no more: {error}");
        }
    }))
}

/// Says which jobs are not run, and why.
fn tell(jobs: &[Job], problems: &Problems, what: &str) {
    for problem in problems {
        tracing::error!("{}; {what}", problem.headline());
    }
    for problem in plan::problems(jobs) {
        tracing::warn!("{problem}");
    }
}

/// Reads the project and its jobs again each time that the process is told to.
async fn read_on_hangup(mut known: Jobs, mut hangup: Signal, send: mpsc::Sender<Jobs>, sandbox: bool) {
    while hangup.recv().await.is_some() {
        if sandbox {
            tracing::warn!("SIGHUP: with --sandbox nothing is read again");
            continue;
        }
        known = read_again(known);
        if send.send(known.clone()).await.is_err() {
            return;
        }
    }
}

/// The project as its files say now; what is wrong by now stays as it was. A job whose file is gone is gone.
fn read_again(known: Jobs) -> Jobs {
    let project = match Project::load(&known.project.root) {
        Ok(project) => project,
        Err(problems) => {
            let problems = Failure::from(problems);
            tracing::error!("SIGHUP: {problems}; everything stays as it was");
            return known;
        }
    };
    let (mut jobs, problems) = load_all(&project);
    tell(&jobs, &problems, "it stays as it was");
    let is_there = |job: &Job| project.root.join(&job.path).is_file();
    let kept: Vec<Job> =
        known.jobs.into_iter().filter(|job| !jobs.iter().any(|read| read.name == job.name) && is_there(job)).collect();
    tracing::info!("SIGHUP: {} jobs, {} of them as they were before", jobs.len() + kept.len(), kept.len());
    jobs.extend(kept);
    Jobs { project, jobs }
}
