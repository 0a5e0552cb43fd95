//! From the inputs of a run to the facts of its report: pull, read, match, classify.

use std::collections::HashSet;
use std::sync::Arc;

use super::earlier::{self, Earlier};
use super::effects::Wanted;
use super::pull::{self, PulledInput};
use super::{Request, Trail, aside, carried, history};
use crate::breaks::carry::{self, Others};
use crate::breaks::carry_file::LeftOpen;
use crate::breaks::compare::{CompareError, Comparison, compare_among};
use crate::breaks::{Break, files};
use crate::effects::Finding;
use crate::exit::{ExitCode, Failure};
use crate::frames::{Frame, Side};
use crate::job::Reconciliation;
use crate::journal::{Journal, Step};
use crate::matching::Rules;
use crate::report::Facts;
use crate::report::facts::{CarriedFacts, RunFacts};
use crate::report::gather::{self, Setting};
use crate::sources::RawFile;
use crate::sources::store::RawStore;

/// The stages from inputs to facts.
pub(super) async fn compared(
    request: &Request,
    reconciliation: &Reconciliation,
    (store, journal): (&RawStore, Option<&Journal>),
    earlier: &Earlier,
    attempt: u32,
    trail: &Trail<'_>,
) -> Result<(Facts, Wanted), Failure> {
    let stage = request.progress.stage("pull");
    let pulled = pull::inputs(request, &request.job.inputs(), store, earlier).await?;
    stage.finish(format!("{} files", pulled.iter().map(|input| input.files.len()).sum::<usize>()));
    trail.mark(Step::Pulled, earlier::detail(&pulled)).await?;

    let stage = request.progress.stage("read");
    let frames = load(request, &pulled).await?;
    let history = history::load(request, &pulled).await?;
    let read = frames.iter().chain(&history);
    let rows: u64 = read.clone().flat_map(|frame| &frame.rows_read).sum();
    stage.finish(format!("{rows} rows"));
    if let Trail(Some((journal, record))) = trail {
        journal.record_inputs(record, &read.flat_map(inputs).collect::<Vec<_>>()).await?;
    }
    trail.mark(Step::Normalized, serde_json::json!({ "rows": rows })).await?;

    let stage = request.progress.stage("compare");
    let (frames, comparison) = compare_frames(request, reconciliation, &pulled, (frames, journal), earlier).await?;
    let (frames, history, findings) = history::findings(request, frames, history).await?;
    stage.finish(format!("{} keys agree", comparison.tally.clean_keys));
    trail.mark(Step::Matched, serde_json::json!({ "agreeing_keys": comparison.tally.clean_keys })).await?;

    let setting = Setting {
        job: &request.job,
        reconciliation,
        period: &request.period,
        run: run_facts(request, attempt),
        history: &history,
        file_breaks: file_breaks(request, &pulled, &frames, earlier),
        warnings: pulled.iter().flat_map(|input| input.warnings.iter().cloned()).collect(),
    };
    let mut facts = gather::gather(setting, &frames, &comparison);
    facts.carried = carried_facts(request, reconciliation, earlier, &comparison);
    facts.changes = earlier.changes(&facts);
    trail.mark(Step::Classified, serde_json::json!({ "breaks": facts.breaks.len() })).await?;
    Ok((facts, wanted(request, frames, findings)))
}

/// What was taken in of other periods, and what is handed on; none where the job carries nothing.
fn carried_facts(
    request: &Request,
    reconciliation: &Reconciliation,
    earlier: &Earlier,
    comparison: &Comparison,
) -> Option<CarriedFacts> {
    (reconciliation.carry > 0).then(|| CarriedFacts {
        from: earlier.neighbours.runs(),
        items: comparison.carried.clone(),
        left: LeftOpen {
            items: comparison.left_open(&request.period.label),
            settled: carry::settled(&comparison.carried),
        },
    })
}

/// What planning effects needs beside the facts.
fn wanted(request: &Request, frames: Vec<Frame>, findings: Vec<Finding>) -> Wanted {
    let mut wanted = Wanted { findings, ..Wanted::default() };
    if request.job.effects().is_none() {
        return wanted;
    }
    for frame in frames {
        wanted.files[frame.side as usize] = frame.files.into_iter().map(|file| file.name).collect();
        wanted.updates.extend(frame.audit_updates);
    }
    wanted
}

/// Reads all sides, each on a thread of its own.
async fn load(request: &Request, pulled: &[PulledInput]) -> Result<Vec<Frame>, Failure> {
    let mut reading = Vec::new();
    for input in pulled {
        let spec = request.job.input(input.side).expect("inputs are pulled for the job's own sides").clone();
        let key = pull::verify_key(request, &spec)?;
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

/// The pure middle, away from the threads that answer the network. Where files of later periods speak of what this one
/// leaves open, it is compared once more in their light.
async fn compare_frames(
    request: &Request,
    reconciliation: &Reconciliation,
    pulled: &[PulledInput],
    (frames, journal): (Vec<Frame>, Option<&Journal>),
    earlier: &Earlier,
) -> Result<(Vec<Frame>, Comparison), Failure> {
    let missing: Vec<Side> = pulled.iter().filter(|input| input.missing()).map(|input| input.side).collect();
    let states_reward = carried::states_reward(&frames);
    let rules = Rules::new(&request.job.name, reconciliation, &request.period, missing, states_reward);
    let mut others = earlier.neighbours.others();
    let (frames, comparison) = compare_once(rules.clone(), others.clone(), frames).await?;
    let open: HashSet<String> = comparison.left_open(&request.period.label).into_iter().map(|item| item.key).collect();
    let Some(journal) = journal.filter(|_| !open.is_empty()) else { return Ok((frames, comparison)) };
    others.later = earlier.neighbours.later(journal, request, reconciliation, &Arc::new(open)).await?;
    if others.later.is_empty() {
        return Ok((frames, comparison));
    }
    compare_once(rules, others, frames).await
}

async fn compare_once(
    mut rules: Rules,
    others: Others,
    frames: Vec<Frame>,
) -> Result<(Vec<Frame>, Comparison), Failure> {
    rules.watched = Arc::new(others.keys());
    let work = aside(move || {
        let comparison = compare_among(&rules, &frames, &others);
        comparison.map(|comparison| (frames, comparison))
    });
    work.await?.map_err(|error| Failure::new(compare_exit_code(&error), error))
}

pub(super) const fn compare_exit_code(error: &CompareError) -> ExitCode {
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

/// What the journal keeps of an input: each file with its side and its rows.
fn inputs(frame: &Frame) -> impl Iterator<Item = (Side, RawFile, u64)> {
    let files = frame.files.iter().cloned().zip(frame.rows_read.iter().copied());
    files.map(|(file, rows)| (frame.side, file, rows))
}

pub(super) fn run_facts(request: &Request, attempt: u32) -> RunFacts {
    RunFacts {
        id: format!("{}/{}/{attempt}", request.job.name, request.period.label),
        attempt,
        run_time: request.run_time,
        note: request.note.clone(),
        sandbox: request.sandbox,
    }
}
