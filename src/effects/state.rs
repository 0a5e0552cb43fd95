//! The life of one effect: what can happen to it, and the one function that says what may follow what.
//!
//! `proposed → approved → in_flight → acknowledged | rejected | in_doubt`, and a person or evidence ends a doubt.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Approval, Decision, Effect, EffectKind, Event, FileOutcome, News, RefusedRow};

/// Where an effect stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Waits for a person.
    Proposed,
    /// May be sent, and surely stands nowhere yet.
    Approved,
    /// Written down before it is sent; the outcome is not written down yet.
    InFlight,
    /// The provider has it.
    Acknowledged,
    /// The provider refused it, and said why.
    Rejected,
    /// Nobody here knows whether the provider has it.
    InDoubt,
    /// A person said no before it was sent.
    Refused,
    /// The plan no longer wants it, and it was never sent.
    Withdrawn,
    /// A person found that the provider does not have it, and left it at that.
    NotApplied,
}

impl State {
    pub const ALL: [Self; 9] = [
        Self::Proposed,
        Self::Approved,
        Self::InFlight,
        Self::Acknowledged,
        Self::Rejected,
        Self::InDoubt,
        Self::Refused,
        Self::Withdrawn,
        Self::NotApplied,
    ];

    /// The name in the journal, in files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Approved => "approved",
            Self::InFlight => "in_flight",
            Self::Acknowledged => "acknowledged",
            Self::Rejected => "rejected",
            Self::InDoubt => "in_doubt",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
            Self::NotApplied => "not_applied",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// Why nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// The connection broke or no answer came in time.
    NoReply,
    /// 408 or 5xx: it may have been done before something failed.
    ServerError,
    /// A success that cannot be read.
    Unreadable,
    /// A reply that does not name it.
    NotInReply,
    /// The process ended between writing the intent and writing the outcome.
    Interrupted,
    /// The provider says that it has one already, and we do not know of it.
    Conflict,
}

impl Doubt {
    /// In words: `in doubt: …`.
    pub const fn words(self) -> &'static str {
        match self {
            Self::NoReply => "no reply",
            Self::ServerError => "the provider failed",
            Self::Unreadable => "the reply cannot be read",
            Self::NotInReply => "the reply does not name it",
            Self::Interrupted => "stopped before the reply was recorded",
            Self::Conflict => "the provider has one that we do not know of",
        }
    }
}

/// An effect with all that is known of it: what its events add up to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    pub effect: Effect,
    pub state: State,
    /// The digest of the plan that proposed it last.
    pub plan: String,
    /// Only while it is approved, or was when it was sent.
    pub approval: Option<Approval>,
    /// How often it was put in flight.
    pub attempts: u32,
    /// The last call it was part of, and the digest of that call's body.
    pub call: Option<String>,
    pub body_sha256: Option<String>,
    /// It must go in a call of its own; a bulk file: through a new URL.
    pub alone: bool,
    /// An attempt has been in doubt: a conflict later on is that attempt.
    pub was_in_doubt: bool,
    pub doubt: Option<Doubt>,
    /// The provider's id: of the audit, of the user's upload session, or of the request that it queued.
    pub provider_id: Option<String>,
    /// The upload session of a bulk file's URL that was used last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Event ids of a part's rows that the provider has, from an answer that did not settle the others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<String>,
    /// Rows of it that the provider refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<RefusedRow>,
    /// What the provider told of the bulk file after it had read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<FileOutcome>,
    /// The latest words about it: the provider's, or a person's.
    pub said: Option<String>,
    pub news: Option<News>,
    /// A person wants it opened again, for this reason; the next plan may.
    pub reopening: Option<String>,
    /// When it came into its state, UTC.
    pub since: DateTime<Utc>,
    pub acknowledged_at: Option<DateTime<Utc>>,
}

/// An event that cannot follow what an effect has behind it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("effect {effect}: `{event}` cannot follow {}", .state.map_or("nothing", State::name))]
pub struct IllegalEffectStep {
    pub effect: String,
    pub event: &'static str,
    pub state: Option<State>,
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
) -> Result<Standing, IllegalEffectStep> {
    let illegal = || IllegalEffectStep {
        effect: id.to_owned(),
        event: event.name(),
        state: standing.map(|standing| standing.state),
    };
    let Some(before) = standing else {
        return match event {
            Event::Proposed { plan, effect } if effect.id == id => Ok(first(plan, effect, at)),
            _ => Err(illegal()),
        };
    };
    let next = next_state(before, event).ok_or_else(illegal)?;
    let mut after = before.clone();
    if next != before.state {
        after.since = at;
    }
    after.state = next;
    note(&mut after, event, at);
    Ok(after)
}

/// The one list of what may follow what.
fn next_state(before: &Standing, event: &Event) -> Option<State> {
    use State::{Acknowledged, Approved, InDoubt, InFlight, NotApplied, Proposed, Refused, Rejected, Withdrawn};
    let state = before.state;
    match (state, event) {
        // What another job or period has proposed is theirs until they withdraw it.
        (Proposed | Approved | Withdrawn, Event::Proposed { effect, .. })
            if effect.id == before.effect.id && (state == Withdrawn || is_of_one_owner(effect, &before.effect)) =>
        {
            Some(Proposed)
        }
        (Proposed | Approved, Event::Withdrawn { .. }) => Some(Withdrawn),
        // An approval holds for the plan that was seen, and for no other.
        (Proposed, Event::Approved { plan, .. }) if *plan == before.plan => Some(Approved),
        (Proposed | Approved, Event::Refused { .. }) => Some(Refused),
        (Approved, Event::InFlight { .. }) => Some(InFlight),
        (InFlight, Event::NotSent { .. }) => Some(Approved),
        (InFlight, Event::Acknowledged { .. }) => Some(Acknowledged),
        (InFlight, Event::Rejected { .. }) => Some(Rejected),
        (InFlight, Event::InDoubt { .. }) => Some(InDoubt),
        (InDoubt, Event::Resolved { decision, .. }) => Some(match decision {
            Decision::Applied => Acknowledged,
            Decision::NotApplied => NotApplied,
            Decision::Resend => Approved,
        }),
        // A parcel that may have arrived goes once more: its lines carry ids by which a second one is known.
        (InFlight, Event::Again { .. }) if before.effect.repeats_safely() => Some(Approved),
        (InFlight, Event::Narrowed { .. }) if before.effect.kind().is_part() => Some(Approved),
        // The provider's own word, read after the attempt.
        (InDoubt, Event::Seen { done, .. }) if before.effect.kind().operation().is_some() => {
            Some(if *done { Acknowledged } else { Approved })
        }
        // Whatever we thought: the provider has it. What is in flight gets its outcome first.
        (_, Event::News(_)) if state != InFlight => Some(Acknowledged),
        (Acknowledged | InDoubt, Event::Processed(_)) if before.effect.kind() == EffectKind::BulkFile => {
            Some(Acknowledged)
        }
        (Approved, Event::Processed(_)) if before.effect.kind() == EffectKind::BulkFile && before.was_in_doubt => {
            Some(Acknowledged)
        }
        (_, Event::Reopened { .. }) if before.is_over() => Some(state),
        _ => None,
    }
}

fn is_of_one_owner(one: &Effect, other: &Effect) -> bool {
    (&one.job, &one.period) == (&other.job, &other.period)
}

fn first(plan: &str, effect: &Effect, at: DateTime<Utc>) -> Standing {
    Standing {
        effect: effect.clone(),
        state: State::Proposed,
        plan: plan.to_owned(),
        approval: None,
        attempts: 0,
        call: None,
        body_sha256: None,
        alone: false,
        was_in_doubt: false,
        doubt: None,
        provider_id: None,
        session: None,
        known: Vec::new(),
        refused: Vec::new(),
        outcome: None,
        said: None,
        news: None,
        reopening: None,
        since: at,
        acknowledged_at: None,
    }
}

/// What the event leaves in the standing besides the state.
fn note(after: &mut Standing, event: &Event, at: DateTime<Utc>) {
    match event {
        Event::Proposed { plan, effect } => {
            plan.clone_into(&mut after.plan);
            after.effect = (**effect).clone();
            after.approval = None;
        }
        Event::Withdrawn { plan } => {
            plan.clone_into(&mut after.plan);
            after.approval = None;
        }
        Event::Approved { plan, by, comment } => {
            after.approval = Some(Approval { plan: plan.clone(), by: by.clone(), comment: comment.clone(), at });
        }
        Event::Refused { comment: said, .. } | Event::Rejected { why: said } => after.said = Some(said.clone()),
        Event::InFlight { call, body_sha256, session } => {
            after.attempts += 1;
            after.call = Some(call.clone());
            after.body_sha256 = Some(body_sha256.clone());
            if session.is_some() {
                after.session.clone_from(session);
                after.alone = false;
            }
        }
        Event::NotSent { why, alone } => {
            after.said = Some(why.clone());
            after.alone |= alone;
        }
        Event::Acknowledged { provider_id, note, refused } => {
            after.provider_id.clone_from(provider_id);
            after.said.clone_from(note);
            after.refused.extend(refused.iter().cloned());
            after.doubt = None;
            after.acknowledged_at = Some(at);
        }
        Event::Again { why, .. } => {
            after.was_in_doubt = true;
            after.said = Some(why.clone());
        }
        Event::Narrowed { known, refused, why } => {
            after.known.extend(known.iter().cloned());
            after.refused.extend(refused.iter().cloned());
            after.said = Some(why.clone());
        }
        Event::Processed(outcome) => {
            after.doubt = None;
            after.acknowledged_at = after.acknowledged_at.or(Some(at));
            after.outcome = Some(outcome.clone());
        }
        Event::InDoubt { doubt, why } => {
            after.doubt = Some(*doubt);
            after.was_in_doubt = true;
            after.said = Some(why.clone());
        }
        Event::Seen { done, what } => ended(after, what, done.then_some(at)),
        Event::Resolved { decision, reason, .. } => {
            ended(after, reason, (*decision == Decision::Applied).then_some(at));
        }
        Event::News(news) => {
            after.doubt = None;
            after.provider_id = news.audit.clone().or(after.provider_id.take());
            after.acknowledged_at = after.acknowledged_at.or(Some(at));
            after.news = Some(news.clone());
        }
        Event::Reopened { reason, .. } => after.reopening = Some(reason.clone()),
    }
}

/// A doubt is over.
fn ended(after: &mut Standing, said: &str, acknowledged_at: Option<DateTime<Utc>>) {
    after.doubt = None;
    after.said = Some(said.to_owned());
    after.acknowledged_at = acknowledged_at.or(after.acknowledged_at);
}

impl Standing {
    /// Nothing more happens to it by itself: only now can a person open the matter again.
    pub fn is_over(&self) -> bool {
        match self.state {
            State::Refused | State::Rejected | State::NotApplied => true,
            State::Acknowledged => self.news.as_ref().is_some_and(News::is_closed),
            State::Proposed | State::Approved | State::InFlight | State::InDoubt | State::Withdrawn => false,
        }
    }
}
