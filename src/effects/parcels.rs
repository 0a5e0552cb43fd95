//! What is to happen to what a sending job has sealed: held against what the journal knows. Pure.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::plan::{Plan, Scope};
use super::{Approver, Ask, BusinessKey, Effect, EffectKind, Event, Standing, State};
use crate::digest::hex;

/// How the job's own word for sending is written down.
const RULE: &str = "approval: none";

/// Holds what is sealed against what is known.
///
/// Each parcel's id follows from its bytes: what was sent is not sent again, unless a person has opened it again. With
/// `asks` everything waits for a person; and so does what is sealed of a period from other bytes after some of it was
/// sent already.
pub fn decide(scope: &Scope, sealed: Vec<Effect>, asks: bool, standings: &[Standing]) -> Plan {
    let latest = latest(standings);
    let wanted: Vec<Effect> = sealed.into_iter().map(|effect| opened(effect, &latest)).collect();
    let mut plan = Plan { digest: digest(&wanted), ..Plan::default() };
    let keys: HashSet<&BusinessKey> = wanted.iter().map(|effect| &effect.key).collect();
    let mut others: Vec<&Standing> =
        standings.iter().filter(|standing| scope.owns(standing) && !keys.contains(&standing.effect.key)).collect();
    others.sort_by_key(|standing| standing.effect.id.as_str());
    others.dedup_by_key(|standing| standing.effect.id.as_str());
    for standing in &others {
        if matches!(standing.state, State::Proposed | State::Approved) && !may_be_there(standing) {
            let event = Event::Withdrawn { plan: plan.digest.clone() };
            plan.events.push((standing.effect.id.clone(), event));
        }
    }
    let known = |effect: &Effect| latest.get(&effect.key).copied().filter(|known| known.effect.id == effect.id);
    let sent_before = others.iter().filter(|standing| may_be_there(standing)).count();
    let is_new = |effect: &Effect| {
        known(effect)
            .is_none_or(|known| is_open(known) && !(is_unchanged(known, effect, &plan.digest) && by_person(known)))
    };
    if sent_before > 0 && wanted.iter().any(is_new) {
        plan.held.push(format!(
            "this period was sent before from other bytes ({}): what is sealed now waits for approval",
            parcels(sent_before)
        ));
    }
    // Nobody sends them again: what became of them would be told nowhere.
    let forlorn = others.iter().filter(|standing| standing.state == State::Approved && may_be_there(standing)).count();
    if forlorn > 0 {
        let (them, are) = if forlorn == 1 { ("it", "is") } else { ("they", "are") };
        plan.held.push(format!(
            "{} of other bytes may have arrived in part or in full: {them} {are} not sent again",
            parcels(forlorn)
        ));
    }
    let waits = asks || sent_before > 0;
    for effect in wanted {
        plan.ids.push(effect.id.clone());
        let known = known(&effect);
        if known.is_none_or(is_open) {
            propose(&mut plan, effect, known, waits);
        }
    }
    plan
}

/// `1 parcel`, `2 parcels`
fn parcels(count: usize) -> String {
    format!("{count} {}", if count == 1 { "parcel" } else { "parcels" })
}

/// The latest opening of each key.
fn latest(standings: &[Standing]) -> HashMap<&BusinessKey, &Standing> {
    let mut latest = HashMap::<&BusinessKey, &Standing>::with_capacity(standings.len());
    for standing in standings {
        let kept = latest.entry(&standing.effect.key).or_insert(standing);
        if kept.effect.opening < standing.effect.opening {
            *kept = standing;
        }
    }
    latest
}

/// The effect in its latest opening; in one more where a person has asked for that.
fn opened(effect: Effect, latest: &HashMap<&BusinessKey, &Standing>) -> Effect {
    let Some(known) = latest.get(&effect.key) else { return effect };
    let again = known.reopening.clone().filter(|_| known.is_over());
    let (opening, reopened) = match again {
        Some(reason) => (known.effect.opening + 1, Some(reason)),
        None => (known.effect.opening, known.effect.reopened.clone()),
    };
    Effect { id: effect.key.effect_id(opening), opening, reopened, ..effect }
}

/// Something of it may be at the provider. A session without parts holds nothing.
fn may_be_there(known: &Standing) -> bool {
    let (state, kind) = (known.state, known.effect.kind());
    let is_sent = matches!(state, State::Acknowledged | State::InFlight | State::InDoubt)
        || (state != State::NotApplied && (known.was_in_doubt || !known.known.is_empty()));
    is_sent && kind != EffectKind::HistoricalStart
}

/// The plan may still say what happens to it.
fn is_open(known: &Standing) -> bool {
    matches!(known.state, State::Proposed | State::Withdrawn)
        || (known.state == State::Approved && !known.was_in_doubt && known.known.is_empty())
}

fn is_unchanged(known: &Standing, effect: &Effect, plan: &str) -> bool {
    known.state != State::Withdrawn && known.plan == plan && known.effect == *effect
}

fn by_person(known: &Standing) -> bool {
    let approval = known.approval.as_ref().filter(|_| known.state == State::Approved);
    approval.is_some_and(|approval| matches!(approval.by, Approver::Person { .. }))
}

fn propose(plan: &mut Plan, effect: Effect, known: Option<&Standing>, waits: bool) {
    let id = effect.id.clone();
    let unchanged = known.filter(|known| is_unchanged(known, &effect, &plan.digest));
    let approved = unchanged.is_some_and(|known| known.state == State::Approved);
    // The job's own word holds no longer than the job says so.
    let taken_back = waits && approved && !unchanged.is_some_and(by_person);
    if unchanged.is_none() || taken_back {
        plan.events.push((id.clone(), Event::Proposed { plan: plan.digest.clone(), effect: Box::new(effect) }));
    }
    if !waits && !approved {
        let by = Approver::Job { rule: RULE.to_owned() };
        plan.events.push((id, Event::Approved { plan: plan.digest.clone(), by, comment: None }));
    }
}

/// The event ids of the rows in the body of a call, in their order.
pub fn row_ids(body: &[u8]) -> Vec<String> {
    #[derive(Deserialize)]
    struct Rows {
        data: Vec<Row>,
    }
    serde_json::from_slice::<Rows>(body)
        .map(|rows| rows.data.into_iter().map(|row| row.id).collect())
        .unwrap_or_default()
}

/// The event id of one row as it is sealed.
pub fn row_id(line: &[u8]) -> Option<String> {
    serde_json::from_slice::<Row>(line).ok().map(|row| row.id)
}

#[derive(Deserialize)]
struct Row {
    id: String,
}

/// SHA-256 over the ids and bytes of all that is sealed.
fn digest(sealed: &[Effect]) -> String {
    let mut hasher = Sha256::new();
    for effect in sealed {
        hasher.update(effect.id.as_bytes());
        match &effect.ask {
            Ask::Parcel(parcel) => hasher.update(parcel.sha256.as_bytes()),
            Ask::Session { parts, rows } => hasher.update(format!("{parts} {rows}")),
            Ask::Audit { .. } | Ask::Marker | Ask::Card(_) => {}
        }
        hasher.update([0]);
    }
    hex(&hasher.finalize())
}
