//! Effects by hand, brought to a state by events, as the journal would bring them there.

use chrono::{DateTime, Utc};
use tieout::effects::{
    Anchor, Approver, Ask, BusinessKey, Decision, Doubt, Effect, EffectKind, EffectsFacts, Event, Ground, News,
    RowPlace, Silent, Standing, Unplannable, apply,
};
use tieout::frames::Side;
use tieout::job::AuditCode;

use super::asks::sent_by_a_job;
use super::utc;

/// The digest of the plan that most tests propose.
pub(crate) const PLAN: &str = "5f0c0000000000000000000000000000000000000000000000000000000000aa";

/// An effect of `rewards-daily` for 2025-03-19.
pub(crate) fn effect(kind: EffectKind, transaction: &str, at_risk_minor: i64) -> Effect {
    let key = BusinessKey {
        provider: "kard".to_owned(),
        organization: "org-123".to_owned(),
        kind,
        transaction: transaction.to_owned(),
    };
    let ask = match kind {
        EffectKind::ProviderAudit => Ask::Audit {
            code: AuditCode::CashbackMissing,
            merchant: "Blue Cafe".to_owned(),
            description: format!("Transaction {transaction} is settled and has no reward."),
        },
        EffectKind::FraudMarker => Ask::Marker,
        kind => sent_by_a_job(kind),
    };
    Effect {
        id: key.effect_id(1),
        key,
        opening: 1,
        reopened: None,
        job: "rewards-daily".to_owned(),
        period: "2025-03-19".to_owned(),
        user: "u-7".to_owned(),
        ask,
        at_risk_minor,
        currency: "USD".to_owned(),
        grounds: vec![Ground {
            break_id: Some("00112233aabbccdd".to_owned()),
            rule: "reward_missing".to_owned(),
            detail: "the ledger has 31.00 USD, settled; no reward in the file".to_owned(),
            rows: vec![
                RowPlace { side: Side::Ledger, file: "ledger.csv".to_owned(), line: 12 },
                RowPlace { side: Side::Ledger, file: "ledger.csv".to_owned(), line: 15 },
            ],
        }],
    }
}

pub(crate) fn audit(transaction: &str, at_risk_minor: i64) -> Effect {
    effect(EffectKind::ProviderAudit, transaction, at_risk_minor)
}

pub(crate) fn marker(transaction: &str, at_risk_minor: i64) -> Effect {
    effect(EffectKind::FraudMarker, transaction, at_risk_minor)
}

pub(crate) fn proposed(effect: &Effect) -> Event {
    Event::Proposed { plan: PLAN.to_owned(), effect: Box::new(effect.clone()) }
}

pub(crate) fn approved() -> Event {
    let by = Approver::Person { name: "Mara Lind".to_owned() };
    Event::Approved { plan: PLAN.to_owned(), by, comment: Some("checked against the ledger".to_owned()) }
}

pub(crate) fn in_flight() -> Event {
    Event::InFlight { call: "c0ffee00c0ffee00".to_owned(), body_sha256: "b".repeat(64), session: None }
}

pub(crate) fn acknowledged(provider_id: Option<&str>) -> Event {
    Event::Acknowledged { provider_id: provider_id.map(str::to_owned), note: None, refused: Vec::new() }
}

pub(crate) fn rejected(why: &str) -> Event {
    Event::Rejected { why: why.to_owned() }
}

pub(crate) fn in_doubt(doubt: Doubt, why: &str) -> Event {
    Event::InDoubt { doubt, why: why.to_owned() }
}

pub(crate) fn refused() -> Event {
    Event::Refused { by: "Mara Lind".to_owned(), comment: "the user was refunded".to_owned() }
}

pub(crate) fn resolved(decision: Decision, reason: &str) -> Event {
    Event::Resolved { decision, by: "Mara Lind".to_owned(), reason: reason.to_owned() }
}

pub(crate) fn closed(resolution: &str, code: i64) -> Event {
    Event::News(News {
        notification: "n-1".to_owned(),
        audit: Some("audit-1".to_owned()),
        status: "CLOSED".to_owned(),
        resolution_code: Some(code),
        resolution: Some(resolution.to_owned()),
        at: Some(time(9)),
    })
}

/// So many minutes after 2025-03-20 10:00 UTC.
pub(crate) fn time(minutes: u32) -> DateTime<Utc> {
    utc("2025-03-20T10:00:00Z") + chrono::TimeDelta::minutes(minutes.into())
}

/// The effect, proposed and then brought on by these events, a minute apart.
pub(crate) fn standing(effect: &Effect, events: &[Event]) -> Standing {
    let mut standing = apply(None, &effect.id, &proposed(effect), time(0)).unwrap();
    for (minute, event) in (1..).zip(events) {
        standing = apply(Some(&standing), &effect.id, event, time(minute)).unwrap();
    }
    standing
}

/// Something in every place: what a run's report may have to tell of effects.
pub(crate) fn some_of_all() -> EffectsFacts {
    let sent = [approved(), in_flight()];
    let with = |effect: Effect, last: Event| standing(&effect, &[&sent[..], &[last]].concat());
    let mut before = audit("txn-0001", 7_00);
    "2025-03-18".clone_into(&mut before.period);
    let mut elsewhere = marker("txn-0002", 9_00);
    "rewards-monthly".clone_into(&mut elsewhere.job);
    "2025-03".clone_into(&mut elsewhere.period);
    let mut silent = audit("txn-0003", 3_00);
    "2025-03-01".clone_into(&mut silent.period);
    let doubt = with(audit("txn-0101", 44_20), in_doubt(Doubt::NoReply, "no answer within 30s"));
    EffectsFacts {
        plan: PLAN.to_owned(),
        planned: vec![
            standing(&audit("txn-0044", 31_00), &[]),
            with(audit("txn-0031", 1_25), acknowledged(Some("audit-1"))),
            doubt.clone(),
            with(audit("txn-0099", 2_00), rejected("404: User not found")),
            standing(&marker("txn-0201", 80_00), &[approved()]),
            standing(&marker("txn-0202", 81_00), &[refused()]),
            standing(&marker("txn-0203", 82_00), &[]),
        ],
        elsewhere: vec![with(elsewhere, acknowledged(None))],
        unplannable: vec![Unplannable {
            kind: EffectKind::ProviderAudit,
            transaction: "txn-0300".to_owned(),
            break_id: Some("ffeeddcc00112233".to_owned()),
            reason: "no side states the user".to_owned(),
        }],
        held: vec!["312 fraud markers, the job allows 200 a run: all wait for approval".to_owned()],
        in_doubt: vec![with(before, in_doubt(Doubt::Interrupted, "the process ended")), doubt],
        silent: vec![Silent { standing: with(silent, acknowledged(Some("audit-3"))), days: 19 }],
        stopped: None,
        stopped_exit: None,
        news: Vec::new(),
        anchor: Some(Anchor { sequence: 41, hash: "a".repeat(64) }),
    }
}
