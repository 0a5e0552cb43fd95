//! Asking the journal what is known of a workbook's lines, and writing what can be taken.

use std::collections::{BTreeSet, HashMap};

use chrono::Utc;

use super::check::{Known, Outcome, Step, check};
use super::{Filled, Line, Mark};
use crate::breaks::{BreakStatus, life};
use crate::decisions::breaks::BreakDecisionError;
use crate::decisions::effects::{DecisionError, planned};
use crate::effects::{self, State};
use crate::exit::{ExitCode, Failure};
use crate::job::Effects;
use crate::journal::{EffectFilter, Journal, JournalError, RunRecord, Writer};
use crate::report::xlsx::form::List;

/// A workbook of which nothing can be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// Exit code 2.
    #[error("the workbook is of run {run}, and run {by} has superseded it; decide on the report of that one")]
    Superseded { run: String, by: String },
    /// Exit code 2.
    #[error("the workbook is of run {run}, which ended as `{status}` and is no finished one; run the period again")]
    Unfinished { run: String, status: &'static str },
    /// Exit code 65.
    #[error(
        "the workbook says that it is of run {run}, and its {what} is not the one that the journal has for that run; \
         import the report.xlsx that this project's run has written"
    )]
    Foreign { run: String, what: &'static str },
}

impl ImportError {
    /// The exit code of a process that ends by it.
    pub const fn exit_code(&self) -> ExitCode {
        match self {
            Self::Superseded { .. } | Self::Unfinished { .. } => ExitCode::Usage,
            Self::Foreign { .. } => ExitCode::InputData,
        }
    }
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        Self::new(error.exit_code(), error)
    }
}

/// A workbook with what becomes of each of its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    pub run: RunRecord,
    pub lines: Vec<(Line, Outcome)>,
}

impl Checked {
    pub fn refused(&self) -> usize {
        self.count(|outcome| matches!(outcome, Outcome::Refused(_)))
    }

    pub fn accepted(&self) -> usize {
        self.count(|outcome| matches!(outcome, Outcome::Accepted(_)))
    }

    fn count(&self, is_meant: impl Fn(&Outcome) -> bool) -> usize {
        self.lines.iter().filter(|(_, outcome)| is_meant(outcome)).count()
    }
}

/// The run that a workbook is of, if the journal knows it as the workbook does and it is the last finished one of its
/// period.
///
/// # Errors
/// [`ImportError`], or when the run is unknown.
pub async fn run_of(journal: &Journal, mark: &Mark) -> Result<RunRecord, Failure> {
    let run = journal.run(&mark.run).await?;
    let foreign = |what| ImportError::Foreign { run: run.id.clone(), what };
    if run.job_sha256 != mark.job_sha256 {
        return Err(foreign("job file").into());
    }
    if planned(journal, &run.id).await? != mark.plan {
        return Err(foreign("plan").into());
    }
    let inputs = journal.inputs(&run.id).await?;
    let known: BTreeSet<&str> = inputs.iter().map(|input| input.file.sha256.as_str()).collect();
    if !mark.inputs.iter().all(|sha256| known.contains(sha256.as_str())) {
        return Err(foreign("input").into());
    }
    match journal.last_finished(&run.job, &run.period).await? {
        Some(last) if last.id == run.id => Ok(run),
        Some(last) => Err(ImportError::Superseded { run: run.id, by: last.id }.into()),
        None => Err(ImportError::Unfinished { run: run.id, status: run.status.name() }.into()),
    }
}

/// Holds each line against the journal; writes nothing. `rules` are those of the run's job, `by` decides.
///
/// # Errors
/// When the journal cannot be read.
pub async fn look(
    journal: &Journal,
    run: RunRecord,
    filled: Filled,
    rules: Option<&Effects>,
    by: &str,
) -> Result<Checked, JournalError> {
    let lines = filled.lines;
    let ids = |effects: bool| {
        let of = lines.iter().filter(move |line| (line.list == List::Effects) == effects);
        of.map(|line| line.id.as_str()).filter(|id| !id.is_empty()).collect::<BTreeSet<_>>()
    };
    let named: Vec<&str> = ids(false).into_iter().collect();
    let breaks = journal.lives(&named).await?;
    let mut of_breaks = HashMap::new();
    for id in breaks.keys() {
        let entries = journal.life_of(id).await?.into_iter().filter(|entry| entry.at >= run.started_at);
        of_breaks.insert(id.clone(), entries.map(|entry| entry.event).collect());
    }
    let effects = effects_of(journal, &run).await?;
    let of_effects = histories(journal, &run, &lines, &effects).await?;
    let known = Known { run: &run, plan: filled.mark.plan.as_deref(), rules, breaks, of_breaks, effects, of_effects };
    let outcomes = check(&lines, known, by, Utc::now());
    Ok(Checked { run, lines: lines.into_iter().zip(outcomes).collect() })
}

async fn effects_of(journal: &Journal, run: &RunRecord) -> Result<HashMap<String, effects::Standing>, JournalError> {
    let (job, period) = (Some(run.job.clone()), Some(run.period.clone()));
    let found = journal.effects(&EffectFilter { job, period, ..EffectFilter::default() }).await?;
    Ok(found.into_iter().map(|standing| (standing.effect.id.clone(), standing)).collect())
}

/// What became of the effects that lines are about since the run began: of what still waits, nothing.
async fn histories(
    journal: &Journal,
    run: &RunRecord,
    lines: &[Line],
    effects: &HashMap<String, effects::Standing>,
) -> Result<HashMap<String, Vec<effects::Event>>, JournalError> {
    let named: BTreeSet<&str> = lines.iter().map(|line| line.id.as_str()).collect();
    let is_meant = |standing: &&effects::Standing| {
        let mut breaks = standing.effect.grounds.iter().filter_map(|ground| ground.break_id.as_deref());
        named.contains(standing.effect.id.as_str()) || breaks.any(|id| named.contains(id))
    };
    let is_decided =
        |standing: &&effects::Standing| standing.state != State::Proposed && standing.since >= run.started_at;
    let mut found = HashMap::new();
    for standing in effects.values().filter(is_meant).filter(is_decided) {
        let entries: Vec<effects::Entry> = journal.history(&standing.effect.id).await?;
        let since = entries.into_iter().filter(|entry| entry.at >= run.started_at);
        found.insert(standing.effect.id.clone(), since.map(|entry| entry.event).collect());
    }
    Ok(found)
}

/// Writes what was accepted: all about breaks in one transaction, then all about effects in another.
///
/// # Errors
/// When somebody else was quicker: nothing of that transaction is written then.
pub async fn apply(journal: &Journal, checked: &Checked) -> Result<(), Failure> {
    let accepted = checked.lines.iter().filter_map(|(_, outcome)| match outcome {
        Outcome::Accepted(steps) => Some(steps),
        Outcome::AlreadyDone | Outcome::Refused(_) => None,
    });
    let mut breaks: Vec<(&str, &life::Event)> = Vec::new();
    let mut of_effects: Vec<(String, effects::Event)> = Vec::new();
    for step in accepted.flatten() {
        match step {
            Step::Break { id, event } => breaks.push((id, event)),
            Step::Effect { id, event } => of_effects.push((id.clone(), event.clone())),
        }
    }
    if !breaks.is_empty() {
        match journal.decide_each(&breaks).await {
            Err(JournalError::IllegalBreak(step)) => {
                let status = step.status.map_or("gone", BreakStatus::words);
                return Err(BreakDecisionError::Meanwhile { id: step.id, status }.into());
            }
            written => written?,
        };
    }
    match journal.append(Writer::Person, &of_effects).await {
        Err(JournalError::IllegalEffect(step)) => {
            let state = step.state.map_or("gone", State::name);
            Err(DecisionError::Meanwhile { effect: step.effect, state }.into())
        }
        written => {
            written?;
            Ok(())
        }
    }
}
