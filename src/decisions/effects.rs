//! Decisions about effects: which effects, what may be decided, who may, writing all or nothing.

use std::collections::BTreeSet;

use super::person::is_same;
use crate::effects::{Approver, Decision, EffectKind, Event, Standing, State};
use crate::exit::{ExitCode, Failure};
use crate::job::Effects;
use crate::journal::{EffectFilter, Journal, JournalError, RunFilter, RunRecord, Step, Writer};

/// A decision that cannot be taken. Nothing is written then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecisionError {
    /// Exit code 2.
    #[error("effect {effect} is {state}; only {allowed} can be {decided}")]
    WrongState { effect: String, state: String, allowed: &'static str, decided: &'static str },
    /// Exit code 75.
    #[error(
        "effect {effect} is in flight in run {run}; try again when that has ended (if it was killed, the next `tieout \
         run {job} --period {period}` finds out what can be known)"
    )]
    InFlight { effect: String, run: String, job: String, period: String },
    /// Exit code 2.
    #[error(
        "effect {effect} is of {job} for {period}, not of run {run}; `tieout effects {run}` lists the run's effects"
    )]
    NotOfRun { effect: String, job: String, period: String, run: String },
    /// Exit code 2.
    #[error("run {run} planned no effects (it is {status}); `tieout runs show {run}` tells how far it came")]
    NoPlan { run: String, status: &'static str },
    /// Exit code 2.
    #[error("the plan of run {run} is void, {changed}; nothing was decided")]
    PlanChanged { run: String, changed: Changed },
    /// Exit code 2.
    #[error(
        "{person} may not approve this: the job says `distinct: true` and run {run} was started by {starter}; someone \
         else has to approve it"
    )]
    SamePerson { person: String, starter: String, run: String },
    /// Exit code 75.
    #[error(
        "another process has just changed effect {effect}: it is {state} now; look at it again, nothing was decided"
    )]
    Meanwhile { effect: String, state: &'static str },
}

/// Which run to look at instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// None: no run with the current plan is known.
    pub by: Option<String>,
}

impl std::fmt::Display for Changed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.by {
            Some(run) => {
                write!(f, "run {run} has changed it: look at `tieout effects {run}` and decide about that run")
            }
            None => write!(f, "it was changed since: run the period again and decide about that run"),
        }
    }
}

impl DecisionError {
    /// The exit code of a process that ends by it.
    pub const fn exit_code(&self) -> ExitCode {
        match self {
            Self::InFlight { .. } | Self::Meanwhile { .. } => ExitCode::TryAgainLater,
            Self::WrongState { .. }
            | Self::NotOfRun { .. }
            | Self::NoPlan { .. }
            | Self::PlanChanged { .. }
            | Self::SamePerson { .. } => ExitCode::Usage,
        }
    }
}

impl From<DecisionError> for Failure {
    fn from(error: DecisionError) -> Self {
        Self::new(error.exit_code(), error)
    }
}

/// What one kind of decision may be about.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    pub allows: fn(&Standing) -> bool,
    /// `proposed ones`
    pub allowed: &'static str,
    /// `approved`
    pub decided: &'static str,
}

/// Approving.
pub const APPROVE: Rule =
    Rule { allows: |standing| standing.state == State::Proposed, allowed: "proposed ones", decided: "approved" };

/// Refusing what is not sent yet.
pub const REJECT: Rule = Rule {
    allows: |standing| matches!(standing.state, State::Proposed | State::Approved),
    allowed: "proposed and approved ones that are not sent yet",
    decided: "refused",
};

/// Ending a doubt.
pub const RESOLVE: Rule =
    Rule { allows: |standing| standing.state == State::InDoubt, allowed: "ones in doubt", decided: "resolved" };

/// Opening what has come to an end.
pub const REOPEN: Rule =
    Rule { allows: Standing::is_over, allowed: "refused, rejected, not applied or closed ones", decided: "reopened" };

/// Which effects of a run's plan.
#[derive(Debug, Clone, Copy)]
pub enum Which<'a> {
    /// All that wait for approval.
    Waiting,
    /// These, by their ids or first digits.
    These(&'a [String]),
}

/// What a decision is about: a run's plan as it was seen.
#[derive(Debug, Clone)]
pub struct Seen {
    pub run: RunRecord,
    /// The plan's digest.
    pub plan: String,
    /// At least one.
    pub effects: Vec<Standing>,
}

/// The effects of a run's plan that are meant, checked; none where all were meant and nothing waits.
///
/// # Errors
/// When the run or an effect is unknown, an effect is not of the run or of another plan than the run's, or `rule` does not
/// allow the decision.
pub async fn seen(journal: &Journal, run: &str, which: Which<'_>, rule: Rule) -> Result<Option<Seen>, Failure> {
    let run = journal.run(run).await?;
    let Some(plan) = planned(journal, &run.id).await? else {
        return Err(DecisionError::NoPlan { run: run.id, status: run.status.name() }.into());
    };
    let effects = match which {
        Which::Waiting => {
            let (job, period) = (Some(run.job.clone()), Some(run.period.clone()));
            let states = vec![State::Proposed];
            journal.effects(&EffectFilter { job, period, states, ..EffectFilter::default() }).await?
        }
        Which::These(ids) => effects(journal, ids).await?,
    };
    if effects.is_empty() {
        return Ok(None);
    }
    let of_run = |effect: &crate::effects::Effect| effect.job == run.job && effect.period == run.period;
    if let Some(other) = effects.iter().map(|standing| &standing.effect).find(|effect| !of_run(effect)) {
        let (job, period) = (other.job.clone(), other.period.clone());
        return Err(DecisionError::NotOfRun { effect: other.id.clone(), job, period, run: run.id }.into());
    }
    check(journal, &effects, rule).await?;
    if let Some(other) = effects.iter().find(|standing| standing.plan != plan) {
        let by = run_that_planned(journal, &run, &other.plan).await?;
        return Err(DecisionError::PlanChanged { run: run.id, changed: Changed { by } }.into());
    }
    Ok(Some(Seen { run, plan, effects }))
}

/// Approves what was seen, all or none. `rules` are those of the run's job.
///
/// # Errors
/// When the job wants four eyes and `by` has started the run; when somebody else was quicker.
pub async fn approve(
    journal: &Journal,
    seen: &Seen,
    rules: Option<&Effects>,
    by: &str,
    comment: Option<String>,
) -> Result<Vec<Standing>, Failure> {
    refuse_starter(rules, &seen.run, &seen.effects, by)?;
    let by = Approver::Person { name: by.to_owned() };
    write(journal, &seen.effects, &Event::Approved { plan: seen.plan.clone(), by, comment }).await
}

/// Refuses what was seen, all or none.
///
/// # Errors
/// When somebody else was quicker.
pub async fn reject(journal: &Journal, seen: &Seen, by: &str, comment: String) -> Result<Vec<Standing>, Failure> {
    write(journal, &seen.effects, &Event::Refused { by: by.to_owned(), comment }).await
}

/// Ends doubts, all or none.
///
/// # Errors
/// When an effect is unknown or not in doubt, or somebody else was quicker.
pub async fn resolve(
    journal: &Journal,
    ids: &[String],
    decision: Decision,
    by: String,
    reason: String,
) -> Result<Vec<Standing>, Failure> {
    decide(journal, ids, RESOLVE, &Event::Resolved { decision, by, reason }).await
}

/// Opens effects again, all or none.
///
/// # Errors
/// When an effect is unknown or not at an end, or somebody else was quicker.
pub async fn reopen(journal: &Journal, ids: &[String], by: String, reason: String) -> Result<Vec<Standing>, Failure> {
    decide(journal, ids, REOPEN, &Event::Reopened { by, reason }).await
}

/// The effects of these ids or first digits, each once, in the order given.
async fn effects(journal: &Journal, ids: &[String]) -> Result<Vec<Standing>, Failure> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for id in ids {
        let standing = journal.effect(id).await?;
        if seen.insert(standing.effect.id.clone()) {
            found.push(standing);
        }
    }
    Ok(found)
}

/// Whether a rule allows a decision about all of these.
///
/// # Errors
/// [`DecisionError::InFlight`] or [`DecisionError::WrongState`] for the first effect that the rule leaves out.
pub async fn check(journal: &Journal, standings: &[Standing], rule: Rule) -> Result<(), Failure> {
    let Some(standing) = standings.iter().find(|standing| !(rule.allows)(standing)) else { return Ok(()) };
    let effect = &standing.effect;
    if standing.state == State::InFlight {
        let history = journal.history(&effect.id).await?;
        let run = history.into_iter().rev().find_map(|entry| entry.run).unwrap_or_else(|| "unknown".to_owned());
        let (job, period) = (effect.job.clone(), effect.period.clone());
        return Err(DecisionError::InFlight { effect: effect.id.clone(), run, job, period }.into());
    }
    Err(DecisionError::WrongState {
        effect: effect.id.clone(),
        state: standing.state.name().replace('_', " "),
        allowed: rule.allowed,
        decided: rule.decided,
    }
    .into())
}

/// Takes the same decision about the effects of these ids, all or none, and gives where they stand then.
async fn decide(journal: &Journal, ids: &[String], rule: Rule, event: &Event) -> Result<Vec<Standing>, Failure> {
    let found = effects(journal, ids).await?;
    check(journal, &found, rule).await?;
    write(journal, &found, event).await
}

/// Writes the same decision about all effects in one transaction, and gives where they stand then.
async fn write(journal: &Journal, standings: &[Standing], event: &Event) -> Result<Vec<Standing>, Failure> {
    let events: Vec<(String, Event)> =
        standings.iter().map(|standing| (standing.effect.id.clone(), event.clone())).collect();
    match journal.append(Writer::Person, &events).await {
        // What was allowed when it was read is no longer: somebody else was quicker.
        Err(JournalError::IllegalEffect(step)) => {
            let state = step.state.map_or("gone", State::name);
            Err(DecisionError::Meanwhile { effect: step.effect, state }.into())
        }
        written => Ok(written?),
    }
}

/// The digest of the plan that a run wrote down; none when it did not come so far or its job has no effects.
///
/// # Errors
/// When the journal cannot be read.
pub async fn planned(journal: &Journal, run: &str) -> Result<Option<String>, JournalError> {
    let steps = journal.steps(run).await?;
    let planned = steps.iter().find(|step| step.step == Step::Planned);
    Ok(planned.and_then(|step| step.detail["plan"].as_str()).filter(|plan| !plan.is_empty()).map(str::to_owned))
}

/// The latest run of the same job and period with this plan.
async fn run_that_planned(journal: &Journal, run: &RunRecord, plan: &str) -> Result<Option<String>, JournalError> {
    let filter = RunFilter { job: Some(run.job.clone()), period: Some(run.period.clone()), ..RunFilter::default() };
    for other in journal.runs(&filter).await? {
        if planned(journal, &other.id).await?.as_deref() == Some(plan) {
            return Ok(Some(other.id));
        }
    }
    Ok(None)
}

/// Where the job wants four eyes for a kind, whoever started the run may not approve effects of that kind.
///
/// # Errors
/// [`DecisionError::SamePerson`], with both names.
pub fn refuse_starter(
    rules: Option<&Effects>,
    run: &RunRecord,
    effects: &[Standing],
    person: &str,
) -> Result<(), DecisionError> {
    let distinct = |kind: EffectKind| {
        let rules = rules?;
        match kind {
            EffectKind::ProviderAudit => rules.provider_audit.as_ref().map(|rule| rule.caution.distinct),
            EffectKind::FraudMarker => rules.fraud_marker.as_ref().map(|rule| rule.caution.distinct),
            _ => kind.operation().and_then(|operation| rules.cards.get(&operation)).map(|rule| rule.caution.distinct),
        }
    };
    let wanted = effects.iter().any(|standing| distinct(standing.effect.kind()).unwrap_or(false));
    match run.started_by.as_deref().filter(|starter| wanted && is_same(starter, person)) {
        None => Ok(()),
        Some(starter) => Err(DecisionError::SamePerson {
            person: person.to_owned(),
            starter: starter.to_owned(),
            run: run.id.clone(),
        }),
    }
}
