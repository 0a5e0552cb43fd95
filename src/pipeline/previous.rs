//! The provider's file of the last finished run of an earlier period, which this period's statuses are held against.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::carried::states_reward;
use super::compare::compare_exit_code;
use super::earlier::pulled_by;
use super::pull::PulledInput;
use super::{Request, aside, pull};
use crate::breaks::Break;
use crate::breaks::compare::CompareError;
use crate::breaks::since::since;
use crate::exit::{ExitCode, Failure};
use crate::frames::{Frame, Side, Warning, WarningKind};
use crate::job::Reconciliation;
use crate::journal::{Journal, RunFilter, Step};
use crate::matching::Rules;
use crate::sources::RawFile;
use crate::sources::removed::why_gone;

/// Earlier periods that are looked at for one that had a file.
const MOST_PERIODS: u32 = 92;

/// Where the mark of reading says which run this one is held against.
const HELD_AGAINST: &str = "held_against";

/// A finished run of an earlier period, and what it read of the provider's file.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct RunBefore {
    /// `JOB/PERIOD/ATTEMPT`
    run: String,
    /// The label.
    period: String,
    files: Vec<RawFile>,
}

/// What this period is held against.
#[derive(Debug)]
pub(super) struct Previous {
    /// None: no earlier period has a finished run that read a file.
    before: Option<RunBefore>,
    /// None also where its bytes are gone.
    frame: Option<Frame>,
    /// Why it is held against nothing.
    gone: Option<String>,
}

/// What was found by holding a period against the run before.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) breaks: Vec<Break>,
    /// For the parameters of the report: against what, and what came of it.
    pub(super) words: Option<String>,
}

/// The file of the run before, read as this period's is; none for a job that does not look at changes. Within the job's
/// turn: no other run of it ends meanwhile. Offline, what an earlier attempt was held against is taken again.
///
/// # Errors
/// When the journal cannot be read, or the file cannot be used (exit code 65).
pub(super) async fn read(
    request: &Request,
    journal: Option<&Journal>,
    pulled: &[PulledInput],
) -> Result<Option<Previous>, Failure> {
    let looks = request.job.reconciliation().is_some_and(|work| work.matching.status_changes.is_some());
    let Some(input) = request.job.input(Side::File).filter(|_| looks) else { return Ok(None) };
    let before = match journal {
        Some(journal) if request.offline => match as_before(journal, request).await? {
            Some(known) => known,
            None => run_before(journal, request).await?,
        },
        Some(journal) => run_before(journal, request).await?,
        None => None,
    };
    let Some(before) = before else { return Ok(Some(Previous { before: None, frame: None, gone: None })) };
    pull::bring(request, &before.files).await?;
    let is_whole = |file: &&RawFile| std::fs::metadata(&file.stored).is_ok_and(|found| found.len() == file.bytes);
    if let Some(file) = before.files.iter().find(|file| !is_whole(file)) {
        let gone = format!("the stored bytes of {} are gone or cut short{}", file.name, why_gone(&file.stored));
        return Ok(Some(Previous { before: Some(before), frame: None, gone: Some(gone) }));
    }
    let (input, files, key) = (input.clone(), before.files.clone(), pull::verify_key(request, input)?);
    let frame = aside(move || crate::frames::load(&input, files, key.as_ref())).await?;
    let mut frame = frame.map_err(|error| {
        let told = anyhow::Error::new(error).context(format!("the file of the run {} before", before.run));
        Failure::new(ExitCode::InputData, told)
    })?;
    // A file that bears the same name in every period is told apart from this period's own.
    let is_own = |name: &str| pulled.iter().flat_map(|input| &input.files).any(|file| file.name == name);
    for file in frame.files.iter_mut().filter(|file| is_own(&file.name)) {
        file.name = format!("{} of {}", file.name, before.period);
    }
    Ok(Some(Previous { before: Some(before), frame: Some(frame), gone: None }))
}

/// The last finished run of the latest period before this one that had a file.
async fn run_before(journal: &Journal, request: &Request) -> Result<Option<RunBefore>, Failure> {
    let (job, last) = (&request.job.name, request.period.previous());
    for period in journal.finished_up_to(job, &last.label, MOST_PERIODS).await? {
        let Some(run) = journal.last_finished(job, &period).await? else { continue };
        let pulled = pulled_by(journal, request, &run).await?;
        let files = pulled.into_iter().find(|input| input.side == Side::File).map(|input| input.files);
        if let Some(files) = files.filter(|files| !files.is_empty()) {
            return Ok(Some(RunBefore { run: run.id, period, files }));
        }
    }
    Ok(None)
}

/// What the latest attempt that got so far was held against; none: no attempt did.
async fn as_before(journal: &Journal, request: &Request) -> Result<Option<Option<RunBefore>>, Failure> {
    let (job, period) = (request.job.name.clone(), request.period.label.clone());
    let filter = RunFilter { job: Some(job), period: Some(period), ..RunFilter::default() };
    for run in journal.runs(&filter).await? {
        let marks = journal.steps(&run.id).await?;
        let held = marks.into_iter().filter(|mark| mark.step == Step::Normalized);
        let mut held = held.filter_map(|mut mark| Some(mark.detail.get_mut(HELD_AGAINST)?.take()));
        // A mark that a later version wrote otherwise says nothing.
        if let Some(mut before) = held.find_map(|held| serde_json::from_value::<Option<RunBefore>>(held).ok()) {
            let kept = request.project.kept();
            for file in before.iter_mut().flat_map(|before| &mut before.files) {
                file.stored = kept.here(&file.stored);
            }
            return Ok(Some(before));
        }
    }
    Ok(None)
}

/// What the mark of reading keeps.
pub(super) fn detail(request: &Request, rows: u64, previous: Option<&Previous>) -> serde_json::Value {
    let Some(previous) = previous else { return json!({ "rows": rows }) };
    let kept = request.project.kept();
    let mut before = previous.before.clone();
    for file in before.iter_mut().flat_map(|before| &mut before.files) {
        file.stored = kept.recorded(&file.stored);
    }
    json!({ "rows": rows, HELD_AGAINST: before })
}

impl Previous {
    pub(super) const fn frame(&self) -> Option<&Frame> {
        self.frame.as_ref()
    }

    /// What was read of it, with what for in words.
    pub(super) fn told(&self) -> Option<(&Frame, String)> {
        let before = self.before.as_ref()?;
        let words = format!("of {}, as the run {} read it, for changes of status", before.period, before.run);
        Some((self.frame.as_ref()?, words))
    }

    /// Where there is nothing to hold against, or not all of it.
    pub(super) fn warnings(&self) -> Vec<Warning> {
        let message = match (&self.before, &self.gone, &self.frame) {
            (None, ..) => "no earlier period of this job has a finished run: there are no statuses to hold this \
                           period's against"
                .to_owned(),
            (Some(before), Some(gone), _) => {
                format!("{gone}: this period's statuses are not held against those of the run {}", before.run)
            }
            (Some(before), None, Some(frame)) if !frame.quarantine.is_empty() => {
                let rows = frame.quarantine.len();
                let rows = if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") };
                format!(
                    "{rows} of the file of the run {} cannot be read: what has become of them is not known",
                    before.run
                )
            }
            _ => return Vec::new(),
        };
        vec![Warning { side: Some(Side::File), kind: WarningKind::Unread, file: None, message }]
    }
}

/// Holds the period's file against that of the run before; the frames come back.
///
/// # Errors
/// When the amounts of one key add up to more than 64 bits hold.
pub(super) async fn held(
    request: &Request,
    reconciliation: &Reconciliation,
    frames: Vec<Frame>,
    previous: Option<Previous>,
) -> Result<(Vec<Frame>, Option<Previous>, Held), Failure> {
    let Some(Previous { before: Some(before), .. }) = &previous else {
        let words = previous.as_ref().map(|_| "nothing: no earlier period has a finished run".to_owned());
        return Ok((frames, previous, Held { words, ..Held::default() }));
    };
    let (run, period) = (before.run.clone(), before.period.clone());
    let is_there = frames.iter().any(|frame| frame.side == Side::File && frame.is_there());
    if !is_there || previous.as_ref().is_none_or(|previous| previous.frame.is_none()) {
        let why = if is_there { "its file is gone" } else { "this period has no file" };
        return Ok((frames, previous, Held { words: Some(format!("nothing of {run}: {why}")), ..Held::default() }));
    }
    let rules = Rules::new(&request.job.name, reconciliation, &request.period, Vec::new(), states_reward(&frames));
    let work = aside(move || {
        let then = previous.as_ref().and_then(Previous::frame);
        let found = then.map(|then| since(&rules, &period, then, &frames)).transpose();
        found.map(|found| (frames, previous, found.unwrap_or_default()))
    });
    let found = work.await?.map_err(|error| {
        let error = CompareError::Match(error);
        Failure::new(compare_exit_code(&error), error)
    });
    let (frames, previous, found) = found?;
    let words = Some(format!("{run}: {}", found.words()));
    Ok((frames, previous, Held { breaks: found.breaks, words }))
}
