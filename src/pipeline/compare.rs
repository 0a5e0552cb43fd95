//! From the inputs of a run to the facts of its report: pull, read, match, classify.

use std::collections::HashSet;
use std::sync::Arc;

use anyhow::Context as _;
use futures_util::future::join;
use tracing::Instrument as _;

use super::carried::Neighbours;
use super::earlier::{self, Earlier};
use super::effects::Wanted;
use super::engine::{self, Sifted};
use super::month::{self, MonthFrames};
use super::previous::{self, Previous};
use super::pull::{self, PulledInput};
use super::{Request, Trail, aside, carried, history};
use crate::breaks::carry::Others;
use crate::breaks::compare::{CompareError, Comparison, Keeps, compare_sifted};
use crate::breaks::{Break, files, losses};
use crate::effects::Finding;
use crate::exit::{ExitCode, Failure};
use crate::frames::{Frame, Pace, Side, Spread, Warning};
use crate::job::Reconciliation;
use crate::journal::{Journal, Step};
use crate::matching::{Afterwards, Carried, Rules};
use crate::report::Facts;
use crate::report::facts::RunFacts;
use crate::report::gather::{self, Setting};
use crate::sources::RawFile;
use crate::sources::store::RawStore;
use crate::spans;

/// What a comparison is made among: earlier attempts of the period, and the periods around it.
pub(super) struct Among<'a> {
    pub(super) earlier: &'a Earlier,
    pub(super) neighbours: Neighbours,
    /// None where nothing was ever run.
    pub(super) journal: Option<&'a Journal>,
}

/// The first stage: what asks nothing of other periods of the job but their files. They may be read from now on, and are
/// to be [`kept`].
pub(super) async fn pull(
    request: &Request,
    store: &RawStore,
    earlier: &Earlier,
    trail: &Trail<'_>,
) -> Result<Vec<PulledInput>, Failure> {
    let stage = request.progress.stage("pull");
    let sides = request.job.inputs();
    let pulled =
        pull::inputs(request, &sides, store, earlier, trail.0.is_some()).instrument(spans::stage("pull")).await?;
    stage.finish(format!("{} files", pulled.iter().map(|input| input.files.len()).sum::<usize>()));
    Ok(pulled)
}

/// Makes sure that what was pulled lasts, and marks it.
pub(super) async fn kept(
    request: &Request,
    store: &RawStore,
    pulled: &[PulledInput],
    trail: &Trail<'_>,
) -> Result<(), Failure> {
    if let Trail(Some(_)) = trail {
        let unsettled = store.clone();
        let settled = aside(move || unsettled.settle()).await?.context("cannot store what was pulled");
        settled.map_err(|error| Failure::new(ExitCode::Unexpected, error))?;
        pull::keep(request, pulled).await?;
    }
    trail.mark(Step::Pulled, earlier::detail(request, pulled)).await
}

/// The second stage, up to rows, while `keeping` makes what was pulled last. `journal`: none where nothing was ever run.
pub(super) async fn read(
    request: &Request,
    pulled: &[PulledInput],
    keeping: impl Future<Output = Result<(), Failure>>,
    (earlier, journal): (&Earlier, Option<&Journal>),
    trail: &Trail<'_>,
) -> Result<Read, Failure> {
    let reading = rows(request, pulled, (earlier, journal)).instrument(spans::stage("read"));
    let (kept, read) = join(keeping, reading).await;
    // Marks stand in their order, and what is wrong with a row is told of a file that is kept.
    kept?;
    let read = read?;
    if let Trail(Some((journal, record))) = trail {
        let mut inputs: Vec<_> = read.frames().flat_map(files_of).collect();
        pull::recorded(request, &mut inputs);
        journal.record_inputs(record, &inputs).await?;
    }
    trail.mark(Step::Normalized, previous::detail(request, read.rows(), read.previous.as_ref())).await?;
    pull::check_there(request, pulled, &read.frames)?;
    Ok(read)
}

/// The stages from rows to facts.
pub(super) async fn compared(
    request: &Request,
    reconciliation: &Reconciliation,
    (pulled, read): (&[PulledInput], Read),
    among: &Among<'_>,
    attempt: u32,
    trail: &Trail<'_>,
) -> Result<(Facts, Wanted), Failure> {
    let Read { frames, sifted, history, months, previous } = read;
    let stage = request.progress.stage("compare");
    let of_months = months.as_ref().map(|months| months.carried(reconciliation.matching.key, &frames));
    let comparing = compare_frames((request, pulled), reconciliation, (frames, sifted, of_months), among);
    let (frames, comparison) = comparing.instrument(spans::stage("match")).await?;
    let (frames, history, findings) = history::findings(request, frames, history).await?;
    let (frames, months, closing) = month::close(request, frames, months).await?;
    let (frames, previous, held) = previous::held(request, reconciliation, frames, previous).await?;
    stage.finish(format!("{} keys agree", comparison.tally.clean_keys));
    trail.mark(Step::Matched, serde_json::json!({ "agreeing_keys": comparison.tally.clean_keys })).await?;

    let setting = Setting {
        job: &request.job,
        reconciliation,
        period: &request.period,
        run: run_facts(request, attempt),
        history: other_periods(&history, &months, previous.as_ref()),
        breaks_besides: file_breaks(request, pulled, &frames, among.earlier).into_iter().chain(held.breaks).collect(),
        month: closing,
        warnings: warnings(pulled, &months, previous.as_ref()),
    };
    let mut facts = spans::stage("classify").in_scope(|| gather::gather(setting, &frames, &comparison));
    facts.job.parameters.extend(held.words.map(|words| ("statuses held against".to_owned(), words)));
    let tells_losses = request.job.input(Side::Webhooks).is_some_and(|input| input.rejected.is_some());
    if let Some(log) = frames.iter().find(|frame| tells_losses && frame.side == Side::Webhooks) {
        losses::tell(&mut facts.breaks, log);
    }
    facts.carried = among.neighbours.facts(request, reconciliation, &comparison);
    facts.sealed = among.earlier.seals.facts.clone();
    facts.changes = among.earlier.changes(&facts);
    trail.mark(Step::Classified, serde_json::json!({ "breaks": facts.breaks.len() })).await?;
    Ok((facts, wanted(request, frames, findings)))
}

/// The rows of all that was pulled.
pub(super) struct Read {
    /// The period's own, a side each.
    frames: Vec<Frame>,
    /// What a cluster has told of rows that are not among them; none where it was not asked.
    sifted: Option<Arc<Sifted>>,
    /// Of earlier periods, for rules.
    history: Vec<Frame>,
    /// For the close of the month; none for a job that closes none.
    months: Option<MonthFrames>,
    /// For changes of status; none for a job that does not look at them.
    previous: Option<Previous>,
}

impl Read {
    /// Of all that was read.
    fn frames(&self) -> impl Iterator<Item = &Frame> {
        let of_months = self.months.iter().flat_map(MonthFrames::frames).map(|(frame, _)| frame);
        let of_before = self.previous.iter().filter_map(Previous::frame);
        self.frames.iter().chain(&self.history).chain(of_months).chain(of_before)
    }

    fn rows(&self) -> u64 {
        self.frames().flat_map(|frame| &frame.rows_read).sum()
    }
}

async fn rows(
    request: &Request,
    pulled: &[PulledInput],
    (earlier, journal): (&Earlier, Option<&Journal>),
) -> Result<Read, Failure> {
    let stage = request.progress.stage("read");
    let (frames, sifted) = engine::rows(request, pulled, journal).await?;
    let history = history::load(request, pulled).await?;
    let months = month::load(request, pulled, earlier.seals.month_before.as_ref()).await?;
    let previous = previous::read(request, journal, pulled).await?;
    let read = Read { frames, sifted, history, months, previous };
    stage.finish(format!("{} rows", read.rows()));
    Ok(read)
}

/// What pulling and other periods tell.
fn warnings(pulled: &[PulledInput], months: &MonthFrames, previous: Option<&Previous>) -> Vec<Warning> {
    let of_pulling = pulled.iter().flat_map(|input| input.warnings.iter().cloned());
    of_pulling.chain(months.warnings()).chain(previous.into_iter().flat_map(Previous::warnings)).collect()
}

/// What was read besides the period's own files, with what for in words.
fn other_periods<'f>(
    history: &'f [Frame],
    months: &'f MonthFrames,
    previous: Option<&'f Previous>,
) -> Vec<(&'f Frame, String)> {
    let rules = history.iter().map(|frame| (frame, "of an earlier period, for rules only".to_owned()));
    let close = months.frames().map(|(frame, label)| (frame, format!("of {label}, for the month's end")));
    rules.chain(close).chain(previous.and_then(Previous::told)).collect()
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
pub(super) async fn load(request: &Request, pulled: &[PulledInput]) -> Result<Vec<Frame>, Failure> {
    let mut reading = Vec::new();
    let pace = Pace::new(std::thread::available_parallelism().map_or(1, usize::from));
    for input in pulled {
        let (spread, pace) = (spread(request, pulled, input), pace.clone());
        let spec = request.job.input(input.side).expect("inputs are pulled for the job's own sides").clone();
        let key = pull::verify_key(request, &spec)?;
        let (files, repeats) = (input.files.clone(), input.repeats.clone());
        reading.push(tokio::task::spawn_blocking(move || {
            crate::frames::load_beside(&spec, files, repeats, key.as_ref(), spread, &pace)
        }));
    }
    let mut frames = Vec::new();
    for task in reading {
        let frame = task.await.map_err(|panic| Failure::new(ExitCode::Unexpected, panic))?;
        frames.push(frame.map_err(|error| Failure::new(error.exit_code(), error))?);
    }
    Ok(frames)
}

/// Whether rows are looked at by number when they have been matched.
fn looks_at_rows(request: &Request) -> bool {
    let work = request.job.reconciliation();
    let by_number = work.is_some_and(|work| work.month_end.is_some() || work.matching.status_changes.is_some());
    by_number || history::looks_at_rows(request)
}

/// How the rows of an input are kept until they are matched: each has its share of the memory, and a sixteenth of it
/// however small it is. What is looked at by number afterwards is held whatever it takes.
pub(super) fn spread(request: &Request, pulled: &[PulledInput], input: &PulledInput) -> Spread {
    let raw_bytes = |input: &PulledInput| {
        request.job.input(input.side).map_or(0, |spec| Spread::raw_bytes(&spec.format, &input.files))
    };
    let all_bytes = pulled.iter().map(raw_bytes).sum();
    if looks_at_rows(request) {
        return Spread::held(all_bytes);
    }
    let least = request.project.rows_bytes() / 16;
    let share = u128::from(least) * 13 * u128::from(raw_bytes(input)) / u128::from(all_bytes.max(1));
    Spread::new(all_bytes, usize::try_from(share + u128::from(least)).unwrap_or(usize::MAX))
}

/// The pure middle, away from the threads that answer the network. Where files of later periods speak of what this one
/// leaves open, it is compared once more in their light.
async fn compare_frames(
    (request, pulled): (&Request, &[PulledInput]),
    reconciliation: &Reconciliation,
    (frames, mut sifted, of_months): (Vec<Frame>, Option<Arc<Sifted>>, Option<Carried>),
    Among { neighbours, journal, .. }: &Among<'_>,
) -> Result<(Vec<Frame>, Comparison), Failure> {
    let missing: Vec<Side> = frames.iter().filter(|frame| !frame.is_there()).map(|frame| frame.side).collect();
    let states_reward = carried::states_reward(&frames);
    let mut rules = Rules::new(&request.job.name, reconciliation, &request.period, missing, states_reward);
    rules.carried = of_months;
    let others = neighbours.others(*journal, request).await?;
    // Only where periods are run out of order, or again, is there anything later to look at.
    let Some(journal) = journal.filter(|_| neighbours.has_later(&request.period)) else {
        let afterwards = if looks_at_rows(request) { Afterwards::RowsStay } else { Afterwards::RowsGo };
        let keeps = if reconciliation.carry > 0 { Keeps::Keys } else { Keeps::Breaks(afterwards) };
        return compare_once((request, pulled), rules, (others, keeps), (frames, &mut sifted)).await;
    };
    let (frames, comparison) =
        compare_once((request, pulled), rules.clone(), (others.clone(), Keeps::Keys), (frames, &mut sifted)).await?;
    let open = comparison.left_open(&request.period.label).items;
    if open.is_empty() {
        return Ok((frames, comparison));
    }
    let keys: HashSet<String> = open.iter().map(|item| item.key.clone()).collect();
    let mut later = neighbours.later(journal, request, reconciliation, &Arc::new(keys)).await?;
    // What waits is judged as of those periods, also where they say nothing of it.
    for item in open.into_iter().filter(|item| item.waits.is_some()) {
        later.entry(item.key).or_default();
    }
    if later.is_empty() {
        return Ok((frames, comparison));
    }
    let others = Others { later, ..others };
    compare_once((request, pulled), rules, (others, Keeps::Keys), (frames, &mut sifted)).await
}

async fn compare_once(
    (request, pulled): (&Request, &[PulledInput]),
    mut rules: Rules,
    (others, keeps): (Others, Keeps),
    (mut frames, sifted): (Vec<Frame>, &mut Option<Arc<Sifted>>),
) -> Result<(Vec<Frame>, Comparison), Failure> {
    rules.watched = Arc::new(others.keys());
    // Another period may have ended while the rows were read, and speak of keys that no row is left of.
    if sifted.as_ref().is_some_and(|sifted| !sifted.plan.serves(&rules, &frames)) {
        *sifted = None;
        frames = load(request, pulled).await?;
    }
    let sure = sifted.clone();
    let work = aside(move || {
        let sure = sure.as_ref().map(|sifted| &sifted.sieve.tally);
        let comparison = compare_sifted(&rules, &frames, sure, (&others, keeps));
        comparison.map(|comparison| (frames, comparison))
    });
    work.await?.map_err(|error| Failure::new(compare_exit_code(&error), error))
}

pub(super) const fn compare_exit_code(error: &CompareError) -> ExitCode {
    use crate::matching::MatchError;
    match error {
        CompareError::Untied(_) | CompareError::Match(MatchError::NotOnce { .. }) => ExitCode::InvariantFailed,
        CompareError::Match(MatchError::Overflow { .. } | MatchError::TooManyRows) => ExitCode::InputData,
        CompareError::Match(MatchError::LaidAside { .. }) => ExitCode::Unexpected,
    }
}

fn file_breaks(request: &Request, pulled: &[PulledInput], frames: &[Frame], earlier: &Earlier) -> Vec<Break> {
    let job = &request.job.name;
    let due = |side| request.job.input(side).and_then(|input| input.due.as_ref());
    let wanted = |side| pulled.iter().find(|input| input.side == side).map_or("", |input| input.wanted.as_str());
    let mut found = Vec::new();
    for frame in frames.iter().filter(|frame| !frame.is_there()) {
        let instead = files::instead(frame);
        let (wanted, due) = (wanted(frame.side), due(frame.side));
        found.push(files::missing(job, frame.side, (wanted, instead.as_deref()), due, &request.period));
    }
    for frame in frames {
        found.extend(files::of_frame(job, &request.period, due(frame.side), frame, &earlier.first_files));
    }
    found
}

/// What the journal keeps of an input: each file with its side and its rows.
fn files_of(frame: &Frame) -> impl Iterator<Item = (Side, RawFile, u64)> {
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
        pages: request.project.review.as_ref().and_then(|review| review.url.clone()),
    }
}
