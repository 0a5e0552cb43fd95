//! Effects in words: each state as people read it.

use tieout::effects::words::{BY_URGENCY, ask_words, state_words};
use tieout::effects::{Ask, Decision, Doubt, Effect, Event, News, State};
use tieout::job::AuditCode;

use crate::support::effects::{
    acknowledged, approved, audit, closed, in_doubt, in_flight, marker, refused, rejected, resolved, standing,
};

fn words(events: &[Event]) -> String {
    state_words(&standing(&audit("t-1", 100), events))
}

/// Approved and in flight, then this.
fn sent(more: &[Event]) -> String {
    words(&[&[approved(), in_flight()][..], more].concat())
}

fn news(status: &str) -> Event {
    Event::News(News {
        notification: "n".to_owned(),
        audit: None,
        status: status.to_owned(),
        resolution_code: None,
        resolution: None,
        at: None,
    })
}

#[test]
fn every_state_reads_as_a_person_would_say_it() {
    let not_sent = Event::NotSent { why: "connection refused".to_owned(), alone: false };
    let unclear = in_doubt(Doubt::NoReply, "no answer within 30s");
    let reopened = Event::Reopened { by: "Mara Lind".to_owned(), reason: "the user id is known now".to_owned() };
    for (found, expected) in [
        (words(&[]), "waiting for approval"),
        (words(&[approved()]), "approved, not sent"),
        (words(&[refused()]), "refused by a person: the user was refunded"),
        (words(&[Event::Withdrawn { plan: "p".to_owned() }]), "no longer wanted"),
        (sent(&[]), "being sent"),
        (sent(&[not_sent]), "approved, not sent: connection refused"),
        (sent(&[acknowledged(Some("audit-1"))]), "acknowledged as audit-1"),
        (sent(&[acknowledged(None)]), "acknowledged"),
        (sent(&[acknowledged(Some("audit-1")), news("NEW")]), "acknowledged as audit-1; new"),
        (sent(&[acknowledged(None), news("ODD")]), "acknowledged; ODD"),
        (
            sent(&[acknowledged(Some("audit-1")), closed("reward dispute resolved", 5004)]),
            "acknowledged as audit-1; closed: reward dispute resolved (5004)",
        ),
        (sent(&[rejected("404: User not found")]), "refused by the provider: 404: User not found"),
        (
            sent(&[rejected("404: User not found"), reopened]),
            "refused by the provider: 404: User not found; to be opened again: the user id is known now",
        ),
        (sent(std::slice::from_ref(&unclear)), "in doubt: no reply, since 2025-03-20 10:03 UTC"),
        (
            sent(&[unclear.clone(), resolved(Decision::NotApplied, "Kard's support says no")]),
            "not applied: Kard's support says no",
        ),
        (
            sent(&[unclear.clone(), resolved(Decision::Applied, "seen in the portal")]),
            "acknowledged; seen in the portal",
        ),
        (
            sent(&[unclear, resolved(Decision::Resend, "support has no trace of it")]),
            "approved, not sent: support has no trace of it",
        ),
    ] {
        assert_eq!(found, expected);
    }
}

#[test]
fn what_is_asked_for_is_told_with_its_code() {
    assert_eq!(ask_words(&audit("t", 1)), "audit 3006, reward missing");
    assert_eq!(ask_words(&marker("t", 1)), "fraud marker");
    let other = Ask::Audit { code: AuditCode::Other, merchant: String::new(), description: String::new() };
    assert_eq!(ask_words(&Effect { ask: other, ..audit("t", 1) }), "audit 8001, other");
}

#[test]
fn the_order_of_urgency_holds_every_state_once() {
    let mut sorted = BY_URGENCY;
    sorted.sort();
    assert_eq!(sorted, State::ALL);
}
