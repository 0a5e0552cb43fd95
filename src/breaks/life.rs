//! The life of one break across runs: what can happen to it, and the one function that says what may follow what.
//!
//! `open → suggested | confirmed → in_dispute → resolved | written_off | force_matched`; what is closed is opened
//! again when other facts are found, or when a person says so.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::BreakStatus;
pub use super::sighting::{Sighted, Sighting};
use crate::frames::Side;
use crate::shared::Shared;

/// What can happen to a break. What the journal holds is a list of these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A run finds it for the first time.
    Opened {
        job: String,
        facts: Shared<Sighting>,
    },
    /// A run finds it with other facts than before, or in another period too.
    Changed {
        facts: Shared<Sighting>,
    },
    /// A run no longer finds it in a period, or finds what clears it.
    Closed {
        period: String,
        evidence: Evidence,
    },
    /// A run finds it again, or with other facts than those over which it was closed.
    Reopened {
        facts: Shared<Sighting>,
    },
    /// An audit about it stands at the provider.
    Disputed {
        /// The effect's id.
        effect: String,
    },
    /// That audit was closed; `open`: without an end, or a person has opened it again.
    Settled {
        effect: String,
        verdict: BreakStatus,
    },
    Assigned {
        to: String,
        by: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    Commented {
        text: String,
        by: String,
    },
    /// A person has looked at it, and it is one.
    Confirmed {
        by: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// A person accepts the loss.
    WrittenOff {
        by: String,
        reason: String,
    },
    /// A person says that it has its counterpart.
    ForceMatched {
        /// The key of the counterpart, where there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        with: Option<String>,
        by: String,
        reason: String,
    },
    /// A person says that keys which a weaker rule pairs belong together.
    SuggestionAccepted {
        by: String,
        reason: String,
    },
    /// A person wants it open again.
    ReopenedByPerson {
        by: String,
        reason: String,
    },
}

impl Event {
    /// The name in the journal and in messages.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "opened",
            Self::Changed { .. } => "changed",
            Self::Closed { .. } => "closed",
            Self::Reopened { .. } => "reopened",
            Self::Disputed { .. } => "disputed",
            Self::Settled { .. } => "settled",
            Self::Assigned { .. } => "assigned",
            Self::Commented { .. } => "commented",
            Self::Confirmed { .. } => "confirmed",
            Self::WrittenOff { .. } => "written_off",
            Self::ForceMatched { .. } => "force_matched",
            Self::SuggestionAccepted { .. } => "suggestion_accepted",
            Self::ReopenedByPerson { .. } => "reopened_by_person",
        }
    }

    /// The person whose decision it is; none for what runs find.
    pub fn person(&self) -> Option<&str> {
        match self {
            Self::Assigned { by, .. }
            | Self::Commented { by, .. }
            | Self::Confirmed { by, .. }
            | Self::WrittenOff { by, .. }
            | Self::ForceMatched { by, .. }
            | Self::SuggestionAccepted { by, .. }
            | Self::ReopenedByPerson { by, .. } => Some(by),
            Self::Opened { .. }
            | Self::Changed { .. }
            | Self::Closed { .. }
            | Self::Reopened { .. }
            | Self::Disputed { .. }
            | Self::Settled { .. } => None,
        }
    }
}

/// What cleared a break.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cleared_by", rename_all = "snake_case")]
pub enum Evidence {
    /// A later attempt of the same period finds it no more.
    Inputs {
        /// What differs from the attempt before: `ledger data/ledger.csv`, `the job file`. Nothing where no input does.
        changed: Vec<String>,
    },
    /// A weaker rule pairs its key now; the suggestion has a life of its own.
    Suggestion { id: String },
    /// A row of another period's file.
    Row { period: String, side: Side, file: String, line: u64 },
    /// What a period left, with what others left: no row of the run that noticed it.
    Together {
        /// The label of the period that left the item.
        period: String,
    },
}

impl Evidence {
    /// Whether the period itself finds the break no more; otherwise another clears it, and its own still finds it.
    pub const fn is_of_its_own_period(&self) -> bool {
        matches!(self, Self::Inputs { .. } | Self::Suggestion { .. })
    }
}

/// Who closed a break.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "closer", rename_all = "snake_case")]
pub enum Closer {
    /// No run finds it any more, or one found what clears it.
    Run,
    /// The provider closed the audit about it.
    Audit {
        effect: String,
    },
    Person {
        name: String,
    },
}

/// How a break was closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    pub by: Closer,
    /// The digests of the facts that were known then: with these it stays closed, with others it is opened again.
    pub over: BTreeSet<String>,
}

/// When a break was found first: run, and the time that its report states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct First {
    /// UTC
    pub seen_at: DateTime<Utc>,
    /// The earliest label of a period in which it was ever found, whichever was run first.
    pub period: String,
}

/// A break with all that is known of it: what its events add up to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    pub id: String,
    pub job: String,
    pub status: BreakStatus,
    /// When it came into its status, UTC.
    pub since: DateTime<Utc>,
    /// Period → what its latest attempt found there.
    pub periods: BTreeMap<String, Shared<Sighting>>,
    /// What was found last, where no period has it any more.
    pub last: Option<Shared<Sighting>>,
    pub first: First,
    /// None while it is open.
    pub closing: Option<Closing>,
    pub owner: Option<String>,
    pub comments: u32,
    /// Effect id → what its audit says of the break: `in_dispute`, or what it came to.
    pub effects: BTreeMap<String, BreakStatus>,
}

impl Standing {
    /// What was found in the latest period that has it; where none has it any more, the last that did.
    ///
    /// # Panics
    /// For a standing that no events add up to: a break is found before anything else happens to it.
    pub fn facts(&self) -> &Sighting {
        let latest = self.periods.values().next_back().or(self.last.as_ref());
        latest.expect("a break is found somewhere before it is known")
    }

    /// Whether a person has closed it: nothing is asked of the provider for it.
    pub fn is_closed_by_person(&self) -> bool {
        self.closing.as_ref().is_some_and(|closing| matches!(closing.by, Closer::Person { .. }))
    }

    /// Whether the period has it with these facts already.
    pub fn knows(&self, facts: &Sighting) -> bool {
        self.periods.get(&facts.period).is_some_and(|known| known.digest == facts.digest)
    }

    /// Whether it was closed over these facts, so that finding them again changes nothing.
    pub fn is_closed_over(&self, digest: &str) -> bool {
        self.closing.as_ref().is_some_and(|closing| closing.over.contains(digest))
    }

    /// What it is when it is opened again: an audit may be under way.
    fn opened(&self) -> BreakStatus {
        if self.effects.values().any(|said| *said == BreakStatus::InDispute) {
            return BreakStatus::InDispute;
        }
        self.facts().opened()
    }
}

/// An event that cannot follow what a break has behind it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("break {id}: `{event}` cannot follow {}", .status.map_or("nothing", BreakStatus::name))]
pub struct IllegalBreakStep {
    pub id: String,
    pub event: &'static str,
    pub status: Option<BreakStatus>,
}

/// The standing after an event. Every legal step is in this function; all others are an error.
///
/// # Errors
/// When the event cannot follow.
pub fn apply(
    standing: Option<&Standing>,
    id: &str,
    event: &Event,
    at: DateTime<Utc>,
) -> Result<Standing, IllegalBreakStep> {
    let status = standing.map(|standing| standing.status);
    let illegal = || IllegalBreakStep { id: id.to_owned(), event: event.name(), status };
    let Some(before) = standing else {
        return match event {
            Event::Opened { job, facts } => Ok(first(id, job, facts, at)),
            _ => Err(illegal()),
        };
    };
    let next = next_status(before, event).ok_or_else(illegal)?;
    let mut after = before.clone();
    if next != before.status {
        after.since = at;
        after.status = next;
    }
    note(&mut after, event);
    Ok(after)
}

/// The one list of what may follow what.
fn next_status(before: &Standing, event: &Event) -> Option<BreakStatus> {
    use BreakStatus::{Confirmed, ForceMatched, InDispute, Open, Resolved, Suggested, WrittenOff};
    let status = before.status;
    match event {
        Event::Opened { .. } => None,
        Event::Changed { facts } | Event::Reopened { facts } if facts.is_pair() != before.facts().is_pair() => None,
        // What is known already is no event.
        Event::Changed { facts } if before.knows(facts) => None,
        // What was confirmed is looked at again when it says something else.
        Event::Changed { facts } if status == Confirmed && before.facts().digest != facts.digest => Some(Open),
        Event::Changed { facts } => (status.is_open() || before.is_closed_over(&facts.digest)).then_some(status),
        Event::Reopened { facts } => {
            (!status.is_open() && !before.is_closed_over(&facts.digest)).then(|| before.opened())
        }
        Event::Closed { evidence, .. } if !evidence.is_of_its_own_period() => status.is_open().then_some(Resolved),
        Event::Closed { period, .. } => before.periods.contains_key(period).then(|| {
            let elsewhere = before.periods.len() > 1;
            if status.is_open() && !elsewhere { Resolved } else { status }
        }),
        Event::Disputed { .. } | Event::Settled { .. } if before.facts().is_pair() => None,
        Event::Disputed { effect } => (before.effects.get(effect) != Some(&InDispute))
            .then(|| if status.is_open() || is_closed_by_audit(before, effect) { InDispute } else { status }),
        Event::Settled { effect, verdict } => settled(before, effect, *verdict),
        Event::Commented { .. } => Some(status),
        Event::Assigned { .. } => status.is_open().then_some(status),
        Event::Confirmed { .. } => (status == Open).then_some(Confirmed),
        Event::WrittenOff { .. } => matches!(status, Open | Confirmed | InDispute).then_some(WrittenOff),
        Event::ForceMatched { .. } => matches!(status, Open | Confirmed | InDispute).then_some(ForceMatched),
        Event::SuggestionAccepted { .. } => (status == Suggested).then_some(ForceMatched),
        Event::ReopenedByPerson { .. } => (!status.is_open()).then(|| before.opened()),
    }
}

/// An audit settles what is open, and changes its mind only about what it has settled itself.
fn settled(before: &Standing, effect: &str, verdict: BreakStatus) -> Option<BreakStatus> {
    use BreakStatus::{InDispute, Open, Resolved, WrittenOff};
    let known = before.effects.get(effect)?;
    if *known == verdict || !matches!(verdict, Open | Resolved | WrittenOff) {
        return None;
    }
    let status = before.status;
    Some(match verdict {
        Open if status == InDispute || is_closed_by_audit(before, effect) => Open,
        Open => status,
        _ if status.is_open() || is_closed_by_audit(before, effect) => verdict,
        _ => status,
    })
}

fn is_closed_by_audit(before: &Standing, effect: &str) -> bool {
    let closing = before.closing.as_ref();
    closing.is_some_and(|closing| matches!(&closing.by, Closer::Audit { effect: by } if by == effect))
}

fn first(id: &str, job: &str, facts: &Shared<Sighting>, at: DateTime<Utc>) -> Standing {
    Standing {
        id: id.to_owned(),
        job: job.to_owned(),
        status: facts.opened(),
        since: at,
        periods: BTreeMap::from([(facts.period.clone(), facts.clone())]),
        last: None,
        first: First { seen_at: facts.seen_at, period: facts.period.clone() },
        closing: None,
        owner: None,
        comments: 0,
        effects: BTreeMap::new(),
    }
}

/// What the event leaves in the standing besides the status, which is that of after it.
fn note(after: &mut Standing, event: &Event) {
    match event {
        Event::Changed { facts } | Event::Reopened { facts } => found(after, facts),
        Event::Closed { period, evidence } => {
            if evidence.is_of_its_own_period() {
                let gone = after.periods.remove(period);
                after.last = if after.periods.is_empty() { gone } else { None };
            }
        }
        Event::Disputed { effect } => {
            after.effects.insert(effect.clone(), BreakStatus::InDispute);
        }
        Event::Settled { effect, verdict } => {
            after.effects.insert(effect.clone(), *verdict);
        }
        Event::Assigned { to, .. } => after.owner = Some(to.clone()),
        Event::Commented { .. } => after.comments = after.comments.saturating_add(1),
        Event::Opened { .. }
        | Event::Confirmed { .. }
        | Event::WrittenOff { .. }
        | Event::ForceMatched { .. }
        | Event::SuggestionAccepted { .. }
        | Event::ReopenedByPerson { .. } => {}
    }
    if after.status.is_open() {
        after.closing = None;
    } else if let Some(by) = closer(after, event) {
        after.closing = Some(Closing { by, over: after.periods.values().map(|facts| facts.digest.clone()).collect() });
    }
}

/// Who has closed it with this event; none where it was closed before.
fn closer(after: &Standing, event: &Event) -> Option<Closer> {
    match event {
        Event::Closed { .. } => after.closing.is_none().then_some(Closer::Run),
        Event::Settled { effect, .. } => match &after.closing {
            None => Some(Closer::Audit { effect: effect.clone() }),
            Some(_) => None,
        },
        _ if after.closing.is_none() => event.person().map(|name| Closer::Person { name: name.to_owned() }),
        _ => None,
    }
}

/// What a period's latest attempt has found.
fn found(after: &mut Standing, facts: &Shared<Sighting>) {
    after.periods.insert(facts.period.clone(), facts.clone());
    after.last = None;
    if facts.period < after.first.period {
        after.first.period.clone_from(&facts.period);
    }
}
