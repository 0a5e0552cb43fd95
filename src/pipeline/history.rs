//! The periods before, and what fraud rules find with them beside the period's own rows.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::compare::compare_exit_code;
use super::earlier::Earlier;
use super::pull::{self, PulledInput};
use super::{Request, aside};
use crate::breaks::compare::CompareError;
use crate::effects::Finding;
use crate::effects::rules::{Rows, find_all};
use crate::exit::{ExitCode, Failure};
use crate::frames::{Frame, Side, Warning, WarningKind};
use crate::job::{Input, MarkerRule, Source};
use crate::period::Period;
use crate::sources::RawFile;
use crate::sources::store::RawStore;

/// Where a pattern says which period it is of.
const PERIOD: &str = "{period}";

/// What one period before this one has on a side.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct PeriodFiles {
    /// The label.
    pub period: String,
    /// None: no file was there.
    pub files: Vec<RawFile>,
}

/// The rules of the job that look at rows.
fn marker(request: &Request) -> Option<&MarkerRule> {
    let marker = request.job.effects()?.fraud_marker.as_ref()?;
    (!marker.rules.is_empty()).then_some(marker)
}

/// Copies what the rules read of one side besides its own files into the raw store: local files of the periods before
/// this one, by the side's own pattern. A period that has none is left out, and how many these are is told: the
/// rules then know less. Offline, what an earlier attempt stored is taken.
///
/// A provider is not asked for earlier periods, and a pattern without `{period}` has none: that is told too.
///
/// # Errors
/// When a file cannot be copied, or was not stored before.
pub(super) async fn pull(
    request: &Request,
    input: &Input,
    store: &RawStore,
    earlier: &Earlier,
    pulled: &mut PulledInput,
) -> Result<(), Failure> {
    let (side, periods) = match marker(request) {
        Some(marker) if marker.side == input.side && marker.history > 0 => (marker.side, marker.history),
        _ => return Ok(()),
    };
    let pattern = match &input.source {
        Source::Path { pattern } if pattern.contains(PERIOD) => pattern.clone(),
        Source::S3(objects) if objects.is_of_period() => objects.to_string(),
        Source::Path { .. }
        | Source::S3(_)
        | Source::Query { .. }
        | Source::Dataset { .. }
        | Source::Provider { .. } => {
            pulled.warnings.push(unread(side, periods));
            return Ok(());
        }
    };
    for period in before(&request.period, periods) {
        let label = period.label.clone();
        let files = if request.offline {
            stored(request, earlier, (side, &pattern), &label).await?
        } else if let Source::S3(objects) = &input.source {
            let (files, warnings) = pull::objects(request, (side, objects), &period, (store, &[])).await?;
            pulled.warnings.extend(warnings);
            files
        } else {
            pull::local(request, &pattern, &period, store).await?
        };
        pulled.history.push(PeriodFiles { period: label, files });
    }
    let missing = pulled.history.iter().filter(|period| period.files.is_empty()).count();
    if missing > 0 {
        pulled.warnings.push(incomplete(side, &pattern, missing, periods));
    }
    Ok(())
}

/// What an earlier attempt stored of a period, as long as its bytes are still whole.
async fn stored(
    request: &Request,
    earlier: &Earlier,
    (side, pattern): (Side, &str),
    period: &str,
) -> Result<Vec<RawFile>, Failure> {
    let Some(found) = earlier.history(side, period) else {
        let wanted = pattern.replace(PERIOD, period);
        let message = format!("no earlier attempt looked for {wanted}; run without --offline first");
        return Err(Failure::new(ExitCode::TryAgainLater, anyhow::anyhow!(message)));
    };
    pull::whole(request, &found.files).await?;
    Ok(found.files.clone())
}

/// So many periods before this one, the oldest first.
pub(super) fn before(period: &Period, periods: u32) -> Vec<Period> {
    let earlier = std::iter::successors(Some(period.previous()), |later| Some(later.previous()));
    let mut before: Vec<Period> = earlier.take(periods as usize).collect();
    before.reverse();
    before
}

fn unread(side: Side, periods: u32) -> Warning {
    let message = format!(
        "the rules of fraud_marker look back {periods} periods, but inputs.{side} has no `path` with `{PERIOD}`: \
         they see this period's rows alone"
    );
    Warning { side: Some(side), kind: WarningKind::NoRows, file: None, message }
}

fn incomplete(side: Side, pattern: &str, missing: usize, periods: u32) -> Warning {
    let have = if missing == 1 { "has" } else { "have" };
    let message = format!(
        "of the {periods} periods that the rules of fraud_marker look back, {missing} {have} no file {pattern}: the \
         rules know less of them"
    );
    Warning { side: Some(side), kind: WarningKind::NoRows, file: None, message }
}

/// Reads the periods before as their side itself is read, the oldest first. Bytes that were read already, of this
/// period or of another, are not read again.
///
/// # Errors
/// When a file cannot be used (exit code 65): what an old file holds counts as much as what a new one does.
pub(super) async fn load(request: &Request, pulled: &[PulledInput]) -> Result<Vec<Frame>, Failure> {
    let mut frames = Vec::new();
    for side in pulled.iter().filter(|side| !side.history.is_empty()) {
        let input = request.job.input(side.side).expect("inputs are pulled for the job's own sides");
        // What the period repeats of an earlier one counts where it was read first.
        let own = (0_u32..).zip(&side.files).filter(|(at, _)| side.repeats.iter().all(|repeat| repeat.file != *at));
        let mut seen: BTreeSet<&str> = own.map(|(_, file)| file.sha256.as_str()).collect();
        for period in &side.history {
            let new = period.files.iter().filter(|file| seen.insert(&file.sha256));
            let files: Vec<RawFile> = new.cloned().collect();
            if files.is_empty() {
                continue;
            }
            let (input, key) = (input.clone(), pull::verify_key(request, input)?);
            let frame = aside(move || crate::frames::load(&input, files, key.as_ref())).await?;
            frames.push(frame.map_err(|error| Failure::new(ExitCode::InputData, error))?);
        }
    }
    Ok(frames)
}

/// Whether a rule looks at the rows of this job's inputs.
pub(super) fn looks_at_rows(request: &Request) -> bool {
    marker(request).is_some()
}

/// Applies the job's rules to their side; the frames come back.
///
/// # Errors
/// When the amounts of a transaction add up to more than 64 bits hold.
pub(super) async fn findings(
    request: &Request,
    frames: Vec<Frame>,
    history: Vec<Frame>,
) -> Result<(Vec<Frame>, Vec<Frame>, Vec<Finding>), Failure> {
    let Some(marker) = marker(request) else { return Ok((frames, history, Vec::new())) };
    let (side, rules) = (marker.side, marker.rules.clone());
    let work = aside(move || {
        let Some(current) = frames.iter().find(|frame| frame.side == side) else {
            return Ok((frames, history, Vec::new()));
        };
        let findings = find_all(&rules, &Rows::of(current, &history)?);
        Ok((frames, history, findings))
    });
    work.await?.map_err(|error| {
        let error = CompareError::Match(error);
        Failure::new(compare_exit_code(&error), error)
    })
}
