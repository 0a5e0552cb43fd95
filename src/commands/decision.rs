//! What all decisions of a person about effects share: which effects, what may be decided, writing all or nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::Context;
use crate::effects::words::state_name_words;
use crate::effects::{Event, Standing, State};
use crate::exit::{ExitCode, Failure};
use crate::journal::{Journal, JournalError, Writer};
use crate::money;
use crate::output::visible;

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
pub(super) struct Rule {
    pub allows: fn(&Standing) -> bool,
    /// `proposed ones`
    pub allowed: &'static str,
    /// `approved`
    pub decided: &'static str,
}

/// The effects of these ids or first digits, each once, in the order given.
pub(super) async fn effects(journal: Option<&Journal>, ids: &[String]) -> Result<Vec<Standing>, Failure> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for id in ids {
        let standing = effect(journal, id).await?;
        if seen.insert(standing.effect.id.clone()) {
            found.push(standing);
        }
    }
    Ok(found)
}

/// The effect of an id or of its first digits.
pub(super) async fn effect(journal: Option<&Journal>, id: &str) -> Result<Standing, Failure> {
    match journal {
        Some(journal) => Ok(journal.effect(id).await?),
        None => Err(JournalError::UnknownEffect { id: id.to_owned(), nearest: Vec::new() }.into()),
    }
}

/// # Errors
/// [`DecisionError::InFlight`] or [`DecisionError::WrongState`] for the first effect that the rule leaves out.
pub(super) async fn check(journal: &Journal, standings: &[Standing], rule: Rule) -> Result<(), Failure> {
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

/// Takes the same decision about the effects of these ids (at least one), all or none, and gives where they stand then.
pub(super) async fn decide(
    context: &mut Context,
    ids: &[String],
    rule: Rule,
    event: &Event,
) -> Result<Vec<Standing>, Failure> {
    let journal = context.write_journal().await?;
    let found = effects(journal.as_ref(), ids).await?;
    let Some(journal) = journal else { return Ok(Vec::new()) };
    check(&journal, &found, rule).await?;
    write(journal, &found, event).await
}

/// Writes the same decision about all effects in one transaction, and gives where they stand then.
pub(super) async fn write(journal: Journal, standings: &[Standing], event: &Event) -> Result<Vec<Standing>, Failure> {
    let events: Vec<(String, Event)> =
        standings.iter().map(|standing| (standing.effect.id.clone(), event.clone())).collect();
    let after = match journal.append(Writer::Person, &events).await {
        // What was allowed when it was read is no longer: somebody else was quicker.
        Err(JournalError::IllegalEffect(step)) => {
            let state = step.state.map_or("gone", State::name);
            return Err(DecisionError::Meanwhile { effect: step.effect, state }.into());
        }
        written => written?,
    };
    journal.close().await?;
    Ok(after)
}

/// `2 audits and 1 fraud marker, at risk USD 12.50 and JPY 500`
pub(super) fn counted(standings: &[Standing]) -> String {
    let mut kinds = BTreeMap::<_, u64>::new();
    let mut amounts = BTreeMap::<&str, i128>::new();
    for standing in standings {
        *kinds.entry(standing.effect.kind()).or_default() += 1;
        // Of what a job sends nothing is at risk.
        if standing.effect.currency.is_empty() {
            continue;
        }
        *amounts.entry(&standing.effect.currency).or_default() += i128::from(standing.effect.at_risk_minor);
    }
    let kinds = kinds.into_iter().map(|(kind, count)| {
        let (one, many) = (kind.words(1), kind.words(2));
        format!("{count} {}", if count == 1 { one } else { many })
    });
    let amounts: Vec<String> = amounts
        .into_iter()
        .map(|(currency, minor)| {
            format!("{} {}", visible(currency), money::format_minor(minor, money::exponent(currency).unwrap_or(2)))
        })
        .collect();
    let listed = |parts: Vec<String>| match parts.as_slice() {
        [most @ .., last] if !most.is_empty() => format!("{} and {last}", most.join(", ")),
        parts => parts.concat(),
    };
    let kinds = listed(kinds.collect());
    if amounts.is_empty() { kinds } else { format!("{kinds}, at risk {}", listed(amounts)) }
}

/// What sends or plans anew, one command for each job and period among the effects.
pub(super) fn next_runs(standings: &[Standing], sandbox: bool) -> String {
    let pairs: BTreeSet<(&str, &str)> =
        standings.iter().map(|standing| (standing.effect.job.as_str(), standing.effect.period.as_str())).collect();
    let flag = if sandbox { " --sandbox" } else { "" };
    let commands = pairs.iter().map(|(job, period)| format!("`tieout run {job} --period {period}{flag}`"));
    commands.collect::<Vec<_>>().join(", ")
}

/// `2 in doubt, 1 waiting for approval`, the most urgent first.
pub(super) fn states_counted(standings: &[Standing]) -> String {
    let count = |state| standings.iter().filter(|standing| standing.state == state).count();
    let states = crate::effects::words::BY_URGENCY.into_iter().map(|state| (count(state), state));
    let words =
        states.filter(|(count, _)| *count > 0).map(|(count, state)| format!("{count} {}", state_name_words(state)));
    words.collect::<Vec<_>>().join(", ")
}
