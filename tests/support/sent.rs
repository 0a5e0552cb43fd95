//! Effects that are in flight, made step by step as a run makes them.

use tieout::effects::{Approval, Approver, Ask, BusinessKey, Decision, Doubt, Effect, EffectKind, Event, Standing, apply};
use tieout::job::AuditCode;

use super::asks::sent_by_a_job;
use super::utc;

/// An effect of the sandbox's organization for `user-1`, in flight for the first time.
pub(crate) fn sent(kind: EffectKind, transaction: &str) -> Standing {
    sent_for(kind, "user-1", transaction)
}

pub(crate) fn sent_for(kind: EffectKind, user: &str, transaction: &str) -> Standing {
    let plan = "plan-1".to_owned();
    let effect = Box::new(effect(kind, user, transaction));
    let id = effect.id.clone();
    let by = Approver::Job { rule: "approval: none".to_owned() };
    let proposed = apply(None, &id, &Event::Proposed { plan: plan.clone(), effect }, utc("2025-03-20T09:00:00Z"));
    let approved = step(&proposed.unwrap(), &Event::Approved { plan, by, comment: None });
    assert!(matches!(&approved.approval, Some(Approval { .. })));
    step(&approved, &in_flight())
}

/// The same in flight for the second time: nobody learned what had become of the first attempt.
pub(crate) fn sent_again(kind: EffectKind, transaction: &str) -> Standing {
    let doubted = step(&sent(kind, transaction), &Event::InDoubt { doubt: Doubt::NoReply, why: "lost".to_owned() });
    let resend = Event::Resolved { decision: Decision::Resend, by: "mai".to_owned(), reason: "asked".to_owned() };
    step(&step(&doubted, &resend), &in_flight())
}

/// The standing after an event that may follow.
pub(crate) fn step(standing: &Standing, event: &Event) -> Standing {
    apply(Some(standing), &standing.effect.id, event, utc("2025-03-20T09:30:00Z")).unwrap()
}

fn in_flight() -> Event {
    Event::InFlight { call: "call-1".to_owned(), body_sha256: "0".repeat(64), session: None }
}

fn effect(kind: EffectKind, user: &str, transaction: &str) -> Effect {
    let key = BusinessKey {
        provider: "kard".to_owned(),
        organization: tieout::sandbox::ORGANIZATION.to_owned(),
        kind,
        transaction: transaction.to_owned(),
    };
    let ask = match kind {
        EffectKind::FraudMarker => Ask::Marker,
        EffectKind::ProviderAudit => Ask::Audit {
            code: AuditCode::CashbackMissing,
            merchant: "Caribbean Goodness".to_owned(),
            description: "the reward is missing".to_owned(),
        },
        kind => sent_by_a_job(kind),
    };
    Effect {
        id: key.effect_id(1),
        key,
        opening: 1,
        reopened: None,
        job: "rewards-daily".to_owned(),
        period: "2025-03-19".to_owned(),
        user: user.to_owned(),
        ask,
        at_risk_minor: 250,
        currency: "USD".to_owned(),
        grounds: Vec::new(),
    }
}
