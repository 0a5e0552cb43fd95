//! What is to happen to what a sending job has sealed: held against what the journal knows. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::plan::{Plan, Scope};
use super::{Approver, Ask, Effect, Event, Standing, State};
use crate::digest::hex;

/// How the job's own word for sending is written down.
const RULE: &str = "approval: none";

/// Holds what is sealed against what is known.
///
/// Each parcel's id follows from its bytes: what was sent is not sent again. With `asks` everything waits for a
/// person; and so does what is sealed of a period from other bytes after some of it was sent already.
pub fn decide(scope: &Scope, sealed: Vec<Effect>, asks: bool, standings: &[Standing]) -> Plan {
    let known: HashMap<&str, &Standing> =
        standings.iter().map(|standing| (standing.effect.id.as_str(), standing)).collect();
    let wanted: HashSet<&str> = sealed.iter().map(|effect| effect.id.as_str()).collect();
    let mut plan = Plan { digest: digest(&sealed), ..Plan::default() };
    let own: BTreeMap<&str, &Standing> = standings
        .iter()
        .filter(|standing| scope.owns(standing) && !wanted.contains(standing.effect.id.as_str()))
        .map(|standing| (standing.effect.id.as_str(), standing))
        .collect();
    for (id, standing) in &own {
        let unsent = matches!(standing.state, State::Proposed | State::Approved) && !standing.was_in_doubt;
        if unsent {
            plan.events.push(((*id).to_owned(), Event::Withdrawn { plan: plan.digest.clone() }));
        }
    }
    let open = |effect: &Effect| known.get(effect.id.as_str()).is_none_or(|known| is_open(known));
    let sent_before = own.values().filter(|standing| standing.was_sent()).count();
    let news = sealed.iter().filter(|effect| open(effect)).count();
    if sent_before > 0 && news > 0 {
        plan.held.push(format!(
            "this period was sent before from other bytes ({sent_before} {}): what is sealed now waits for approval",
            if sent_before == 1 { "parcel" } else { "parcels" }
        ));
    }
    let waits = asks || sent_before > 0;
    for effect in sealed {
        let id = effect.id.clone();
        if open(&effect) {
            propose(&mut plan, effect, known.get(id.as_str()).copied(), waits);
        }
        plan.ids.push(id);
    }
    plan
}

/// Nothing of it has been sent.
fn is_open(known: &Standing) -> bool {
    matches!(known.state, State::Proposed | State::Withdrawn)
        || (known.state == State::Approved && known.attempts == 0)
}

fn propose(plan: &mut Plan, effect: Effect, known: Option<&Standing>, waits: bool) {
    let id = effect.id.clone();
    let unchanged = known.filter(|known| {
        known.state != State::Withdrawn && known.plan == plan.digest && known.effect == effect
    });
    if unchanged.is_none() {
        plan.events.push((id.clone(), Event::Proposed { plan: plan.digest.clone(), effect: Box::new(effect) }));
    }
    let approved = unchanged.is_some_and(|known| known.state == State::Approved);
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
    serde_json::from_slice::<Rows>(body).map(|rows| rows.data.into_iter().map(|row| row.id).collect()).unwrap_or_default()
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
            Ask::Audit { .. } | Ask::Marker => {}
        }
        hasher.update([0]);
    }
    hex(&hasher.finalize())
}
