//! Where rows are compared: here, or sifted by a cluster first. Whatever keeps a cluster from it is told, and the comparison
//! is made here: the result is the same.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::info;

use super::carried::Neighbours;
use super::pull::PulledInput;
use super::{Request, aside, compare};
use crate::engine::{At, Plan, Sieve, SieveError, Unfit};
use crate::exit::{ExitCode, Failure};
use crate::frames::{Frame, InputError, load_sifted};
use crate::job::Input;
use crate::journal::Journal;
use crate::project::{EngineConfig, Reads};

/// What a cluster has found out about a comparison.
#[derive(Debug)]
pub(super) struct Sifted {
    pub(super) plan: Plan,
    pub(super) sieve: Sieve,
    /// How long the cluster took.
    asked: Duration,
}

/// The rows of all sides that have to be looked at here, and what is known of all others.
pub(super) async fn rows(
    request: &Request,
    pulled: &[PulledInput],
    journal: Option<&Journal>,
) -> Result<(Vec<Frame>, Option<Arc<Sifted>>), Failure> {
    let Some(engine) = &request.project.engine else { return Ok((compare::load(request, pulled).await?, None)) };
    let job = &request.job.name;
    let sifting = async {
        let plan = plan(request, engine, pulled, journal).await?;
        let start = Instant::now();
        let (plan, sieve) = sift(engine, plan).await?;
        let asked = start.elapsed();
        Ok::<_, Kept>((frames(request, pulled, &sieve).await?, Sifted { plan, sieve, asked }))
    };
    match sifting.await {
        Ok((frames, sifted)) => {
            let (sure, left) = sifted.sieve.counts();
            let seconds = sifted.asked.as_secs_f64();
            info!(
                job,
                sure, left, "{job}: the cluster leaves {left} rows to look at, {sure} need none ({seconds:.1} s)"
            );
            Ok((frames, Some(Arc::new(sifted))))
        }
        Err(Kept::Failed(failure)) => Err(failure),
        Err(Kept::Here(why)) => {
            info!(job, "{job}: compared here: {why}");
            Ok((compare::load(request, pulled).await?, None))
        }
        Err(Kept::Trouble(why)) => {
            tracing::warn!(job, "{job}: compared here, since the cluster was no help: {why}");
            Ok((compare::load(request, pulled).await?, None))
        }
    }
}

/// Why a comparison is made here.
enum Kept {
    /// It is none for a cluster.
    Here(String),
    /// The cluster should have done it.
    Trouble(String),
    /// It is not made at all.
    Failed(Failure),
}

impl From<Unfit> for Kept {
    fn from(unfit: Unfit) -> Self {
        Self::Here(unfit.to_string())
    }
}

impl From<SieveError> for Kept {
    fn from(error: SieveError) -> Self {
        match error {
            SieveError::Unfit(unfit) => unfit.into(),
            error => Self::Trouble(error.to_string()),
        }
    }
}

async fn plan(
    request: &Request,
    engine: &EngineConfig,
    pulled: &[PulledInput],
    journal: Option<&Journal>,
) -> Result<Plan, Kept> {
    let here = |why: &str| Kept::Here(why.to_owned());
    let reconciliation = request.job.reconciliation().ok_or_else(|| here("it compares nothing"))?;
    Plan::check(reconciliation)?;
    let bytes: u64 = pulled.iter().flat_map(|input| &input.files).map(|file| file.bytes).sum();
    if bytes < engine.from_bytes {
        return Err(Kept::Here(format!("{bytes} bytes are fewer than `engine.from` says")));
    }
    let at = at(request, engine, pulled).ok_or_else(|| here("the raw files are where no cluster reads"))?;
    let neighbours = Neighbours::read(journal, request, reconciliation).await.map_err(Kept::Failed)?;
    let others = neighbours.others(journal, request).await.map_err(Kept::Failed)?;
    let watched: BTreeSet<String> = others.keys().into_iter().collect();
    let spec = |one: &PulledInput| request.job.input(one.side).cloned();
    let specs: Vec<Input> = pulled.iter().filter_map(spec).collect();
    let taking: Vec<Vec<bool>> = pulled.iter().map(takes_part).collect();
    let matching = reconciliation.matching.clone();
    let period = request.period.clone();
    let files: Vec<_> = pulled.iter().map(|one| one.files.clone()).collect();
    let planning = aside(move || {
        let inputs: Vec<_> = (specs.iter().zip(&files).zip(&taking))
            .map(|((spec, files), taking)| (spec, files.as_slice(), taking.as_slice()))
            .collect();
        Plan::of(&matching, &period, watched, &inputs, &at)
    });
    Ok(planning.await.map_err(Kept::Failed)??)
}

/// Of each file whether its rows count: those of a file that says the same as another one do not.
fn takes_part(input: &PulledInput) -> Vec<bool> {
    let mut seen = BTreeSet::new();
    let files = (0_u32..).zip(&input.files);
    files
        .map(|(number, file)| {
            seen.insert(file.sha256.as_str()) && input.repeats.iter().all(|repeat| repeat.file != number)
        })
        .collect()
}

/// Where the cluster finds the raw files; none where they are nowhere for it, as those of a plan.
fn at(request: &Request, engine: &EngineConfig, pulled: &[PulledInput]) -> Option<At> {
    let first = pulled.iter().flat_map(|input| &input.files).next()?;
    if !first.stored.starts_with(&request.project.artifacts) {
        return None;
    }
    let scheme = match engine.reads {
        Reads::Disk => return Some(At::Disk),
        Reads::S3 => "s3",
        Reads::S3a => "s3a",
    };
    let recorded = request.project.kept().recorded(&first.stored).display().to_string();
    let (folder, _) = recorded.strip_prefix("s3://")?.rsplit_once('/')?;
    Some(At::Bucket { folder: format!("{scheme}://{folder}/") })
}

/// Asks the cluster, on a thread of its own: one that never answers is not waited for.
async fn sift(engine: &EngineConfig, plan: Plan) -> Result<(Plan, Sieve), Kept> {
    let address = engine.address().map_err(|error| Kept::Failed(Failure::new(ExitCode::Configuration, error)))?;
    let limit = engine.limit;
    let (told, answer) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let sieve = asked((&address, limit), &plan);
        // Whoever waited may have gone on alone.
        let _ = told.send(sieve.map(|sieve| (plan, sieve)));
    });
    match tokio::time::timeout(engine.limit, answer).await {
        Ok(Ok(found)) => Ok(found?),
        Ok(Err(_)) => Err(Kept::Trouble("its client has given up".to_owned())),
        Err(_) => Err(Kept::Trouble(format!("it took longer than {:?} (`engine.limit`)", engine.limit))),
    }
}

#[cfg(feature = "spark")]
fn asked((address, limit): (&str, Duration), plan: &Plan) -> Result<Sieve, SieveError> {
    let session = crate::engine::spark::Session::open(address, limit)?;
    Sieve::of(plan, |statement| session.ask(statement))
}

#[cfg(not(feature = "spark"))]
fn asked(_: (&str, Duration), _: &Plan) -> Result<Sieve, SieveError> {
    Err(SieveError::Cluster("this build has no client for it".to_owned()))
}

/// Reads all sides, each on a thread of its own, and keeps what the cluster has left.
async fn frames(request: &Request, pulled: &[PulledInput], sieve: &Sieve) -> Result<Vec<Frame>, Kept> {
    let mut reading = Vec::new();
    for input in pulled {
        let spec = request.job.input(input.side).expect("inputs are pulled for the job's own sides").clone();
        let (files, repeats) = (input.files.clone(), input.repeats.clone());
        let sifted = sieve.files(input.side, files.len());
        let spread = compare::spread(request, pulled, input);
        reading.push(tokio::task::spawn_blocking(move || load_sifted(&spec, files, repeats, sifted, spread)));
    }
    let mut frames = Vec::new();
    for task in reading {
        let frame = task.await.map_err(|panic| Kept::Failed(Failure::new(ExitCode::Unexpected, panic)))?;
        frames.push(frame.map_err(|error| match error {
            error @ InputError::NotAsSifted { .. } => Kept::Trouble(error.to_string()),
            error => Kept::Failed(Failure::new(ExitCode::InputData, error)),
        })?);
    }
    Ok(frames)
}
