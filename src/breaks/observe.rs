//! What a run's findings mean for the lives of breaks: new, changed, gone, found again, in dispute, settled. Pure: a
//! run's report, a plan on paper and the journal go by the same steps.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::BuildHasher;

use chrono::{DateTime, Utc};

use super::BreakStatus;
use super::found::Found;
use super::life::{Event, Evidence, IllegalBreakStep, Sighted, Standing, apply};

/// What one run has to say of breaks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Observation {
    pub job: String,
    /// The period's label.
    pub period: String,
    /// Everything that is found in the period, each id once.
    pub found: Found,
    /// Break id → the audits about it that stand at the provider, in the order of their openings.
    pub disputes: BTreeMap<String, Vec<Dispute>>,
    /// What differs from the attempt before: `ledger data/ledger.csv`. Evidence for what is gone.
    pub changed_inputs: Vec<String>,
    /// Key → the suggestion that pairs it. Evidence for what is gone, too.
    pub paired: BTreeMap<String, String>,
    /// Breaks of other periods that this run's files clear, with the rows that do.
    pub cleared: Vec<(String, Evidence)>,
    /// What is found here and the files of a later period clear, which was run already: id → that period, and the rows.
    pub cleared_later: BTreeMap<String, (String, Evidence)>,
}

/// An audit about a break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispute {
    /// The effect's id.
    pub effect: String,
    /// `in_dispute` until the provider has closed it; then what that means for the break.
    pub verdict: BreakStatus,
}

impl Observation {
    /// The breaks that it says something of, besides those that its period had before: each id once, sorted.
    pub fn ids(&self) -> Vec<&str> {
        let found = self.found.ids();
        let told = self.disputes.keys().map(String::as_str).chain(self.cleared.iter().map(|(id, _)| id.as_str()));
        let mut ids: Vec<&str> = found.chain(told).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

/// The steps that follow from an observation. `known` holds, by id, the standings of [`Observation::ids`] and of every
/// break that its job has in its period; what is found as it was makes no step.
pub fn steps(observation: &Observation, known: &HashMap<String, Standing, impl BuildHasher>) -> Vec<(String, Event)> {
    each_step(observation, known).collect()
}

/// [`steps`], one after the other: those of what is found are made as they are asked for.
pub fn each_step<'o>(
    observation: &'o Observation,
    known: &'o HashMap<String, Standing, impl BuildHasher>,
) -> impl Iterator<Item = (String, Event)> + 'o {
    let of_found = observation.found.iter().flat_map(|one| {
        let standing = known.get(&one.id);
        found_steps(observation, one, standing)
    });
    of_found.chain(other_steps(observation, known))
}

/// The steps of an observation in short.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outline {
    pub steps: usize,
    /// The ids of which the steps tell more than that they are found for the first time.
    pub eventful: HashSet<String>,
}

impl Outline {
    pub fn of(observation: &Observation, known: &HashMap<String, Standing, impl BuildHasher>) -> Self {
        if known.is_empty() && observation.cleared_later.is_empty() && observation.disputes.is_empty() {
            return Self { steps: observation.found.len(), eventful: HashSet::new() };
        }
        let mut outline = Self::default();
        for (id, event) in each_step(observation, known) {
            outline.steps += 1;
            if !matches!(event, Event::Opened { .. }) {
                outline.eventful.insert(id);
            }
        }
        outline
    }
}

fn found_steps(
    observation: &Observation,
    one: Sighted,
    standing: Option<&Standing>,
) -> impl Iterator<Item = (String, Event)> {
    let event = step(observation, &one, standing);
    let opens = matches!(event, Some(Event::Opened { .. } | Event::Reopened { .. }));
    let is_open = opens || standing.is_some_and(|standing| standing.status.is_open());
    let later = observation.cleared_later.get(&one.id).filter(|_| is_open);
    let closed = later.map(|(period, evidence)| Event::Closed { period: period.clone(), evidence: evidence.clone() });
    event.into_iter().chain(closed).map(move |event| (one.id.clone(), event))
}

/// What follows for breaks of other periods, for those that are gone, and from audits.
fn other_steps(observation: &Observation, known: &HashMap<String, Standing, impl BuildHasher>) -> Vec<(String, Event)> {
    let mut steps = Vec::new();
    if known.is_empty() && observation.disputes.is_empty() {
        return steps;
    }
    let found: HashSet<&str> = observation.found.ids().collect();
    // Before what is gone from the period: a break may be both, and what clears it says more.
    for (id, evidence) in &observation.cleared {
        // What a run finds itself it does not clear.
        if known.get(id).is_some_and(|standing| standing.status.is_open()) && !found.contains(id.as_str()) {
            steps.push((id.clone(), Event::Closed { period: observation.period.clone(), evidence: evidence.clone() }));
        }
    }
    let mut gone: Vec<&Standing> = known
        .values()
        .filter(|standing| standing.job == observation.job && standing.periods.contains_key(&observation.period))
        .filter(|standing| !found.contains(standing.id.as_str()))
        .collect();
    gone.sort_unstable_by_key(|standing| &standing.id);
    for standing in gone {
        let period = observation.period.clone();
        let event = Event::Closed { period, evidence: evidence(observation, standing) };
        steps.push((standing.id.clone(), event));
    }
    for (id, disputes) in &observation.disputes {
        let standing = known.get(id);
        if standing.is_some() || found.contains(id.as_str()) {
            steps.extend(dispute_steps(standing, disputes).map(|event| (id.clone(), event)));
        }
    }
    steps
}

/// What finding a break means for its life; none where nothing is new.
fn step(observation: &Observation, one: &Sighted, known: Option<&Standing>) -> Option<Event> {
    let facts = || one.facts.clone();
    match known {
        None => Some(Event::Opened { job: observation.job.clone(), facts: facts() }),
        Some(standing) if standing.status.is_open() || standing.is_closed_over(&one.facts.digest) => {
            (!standing.knows(&one.facts)).then(|| Event::Changed { facts: facts() })
        }
        Some(_) => Some(Event::Reopened { facts: facts() }),
    }
}

fn evidence(observation: &Observation, standing: &Standing) -> Evidence {
    match observation.paired.get(&standing.facts().key) {
        Some(id) if !standing.facts().is_pair() => Evidence::Suggestion { id: id.clone() },
        _ => Evidence::Inputs { changed: observation.changed_inputs.clone() },
    }
}

/// What its audits say of a break that is not recorded yet.
pub fn dispute_steps(standing: Option<&Standing>, disputes: &[Dispute]) -> impl Iterator<Item = Event> {
    disputes
        .iter()
        .flat_map(move |dispute| {
            let effect = || dispute.effect.clone();
            let known = standing.and_then(|standing| standing.effects.get(&dispute.effect)).copied();
            let first = match (known, dispute.verdict) {
                (Some(known), verdict) if known == verdict => return [None, None],
                (None, _) | (Some(_), BreakStatus::InDispute) => Some(Event::Disputed { effect: effect() }),
                (Some(_), _) => None,
            };
            let settled = dispute.verdict != BreakStatus::InDispute;
            [first, settled.then(|| Event::Settled { effect: effect(), verdict: dispute.verdict })]
        })
        .flatten()
}

/// Where breaks stand after steps: those that have any.
///
/// # Errors
/// When a step cannot follow: a bug.
pub fn after(
    known: &HashMap<String, Standing, impl BuildHasher>,
    steps: impl IntoIterator<Item: Borrow<(String, Event)>>,
    at: DateTime<Utc>,
) -> Result<HashMap<String, Standing>, IllegalBreakStep> {
    let mut after = HashMap::<String, Standing>::new();
    for step in steps {
        let (id, event) = step.borrow();
        let standing = apply(after.get(id).or_else(|| known.get(id)), id, event, at)?;
        after.insert(id.clone(), standing);
    }
    Ok(after)
}
