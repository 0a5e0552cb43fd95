//! From approved effects to calls: which travel together, and the exact bytes. The same effects always make the same
//! calls.

use super::plan::place;
use super::{Ask, Body, Call, EffectKind, Standing, State, Target};
use crate::providers::kard::request::{
    AuditItem, MAX_AUDITS, MAX_MARKERS, MarkerItem, audits_body, audits_path, fraud_body, fraud_path,
};

/// The calls that send everything approved, each effect in exactly one, in the order of the plan. Markers travel at
/// most 500 together, audits by user, and what must go alone goes alone.
pub fn calls(standings: &[Standing]) -> Vec<Call> {
    let mut approved: Vec<&Standing> = standings.iter().filter(|standing| standing.state == State::Approved).collect();
    approved.sort_by(|one, other| {
        (target(one), one.alone, place(&one.effect)).cmp(&(target(other), other.alone, place(&other.effect)))
    });
    approved.dedup_by(|one, other| one.effect.id == other.effect.id);
    approved
        .chunk_by(|one, other| target(one) == target(other) && one.alone == other.alone)
        .flat_map(|together| together.chunks(most(together)))
        .filter_map(call)
        .collect()
}

/// What two effects must share to travel together: kind, and what stands in the path.
fn target(standing: &Standing) -> (EffectKind, &str, &str, Option<&str>) {
    let effect = &standing.effect;
    let user = (effect.kind() == EffectKind::ProviderAudit).then_some(effect.user.as_str());
    (effect.kind(), &effect.key.provider, &effect.key.organization, user)
}

/// How many of these may travel together.
fn most(together: &[&Standing]) -> usize {
    match together {
        [first, ..] if first.alone || first.effect.kind().operation().is_some() => 1,
        [first, ..] if first.effect.kind() == EffectKind::ProviderAudit => MAX_AUDITS,
        _ => MAX_MARKERS,
    }
}

fn call(together: &[&Standing]) -> Option<Call> {
    let first = &together.first()?.effect;
    if let Ask::Card(ask) = &first.ask {
        return Some(Call {
            kind: first.kind(),
            target: Target::Api { method: ask.call.method, path: ask.call.path.clone() },
            body: Body::Bytes(ask.call.body.clone().into_bytes()),
            members: vec![first.id.clone()],
            keyed: ask.call.keyed,
        });
    }
    let (path, body) = match first.kind() {
        EffectKind::ProviderAudit => (
            audits_path(&first.key.organization, &first.user),
            audits_body(&together.iter().copied().map(audit).collect::<Vec<_>>()),
        ),
        EffectKind::FraudMarker => {
            (fraud_path(&first.key.organization), fraud_body(&together.iter().copied().map(marker).collect::<Vec<_>>()))
        }
        // What a sending job sends is packed where its bytes lie.
        _ => return None,
    };
    let path = path.expect("a plan holds only what an address can be made of");
    let members = together.iter().map(|standing| standing.effect.id.clone()).collect();
    Some(Call::post(first.kind(), path, body, members))
}

fn audit(standing: &Standing) -> AuditItem<'_> {
    let Ask::Audit { code, merchant, description } = &standing.effect.ask else {
        unreachable!("a provider audit asks for an audit");
    };
    AuditItem { code: *code, merchant, description, transaction: standing.effect.transaction() }
}

fn marker(standing: &Standing) -> MarkerItem<'_> {
    MarkerItem { transaction: standing.effect.transaction(), user: &standing.effect.user }
}
