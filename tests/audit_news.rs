//! What became of an audit: which news belong to which opening, in which order, and what they say in words.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, like the tests")]

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use tieout::breaks::BreakStatus;
use tieout::effects::news::{follow, news_words, resolution_words, silent, verdict_on_break};
use tieout::effects::{
    Approver, Ask, BusinessKey, Decision, Doubt, Effect, EffectKind, Event, Ground, News, Standing, State, apply,
};
use tieout::frames::AuditUpdate;
use tieout::job::AuditCode;

use crate::support_facts::at;

const START: &str = "2025-03-20T08:00:00Z";

pub fn effect(transaction: &str, opening: u32, break_id: &str) -> Effect {
    let key = BusinessKey {
        provider: "kard".to_owned(),
        organization: "org-123".to_owned(),
        kind: EffectKind::ProviderAudit,
        transaction: transaction.to_owned(),
    };
    Effect {
        id: key.effect_id(opening),
        key,
        opening,
        reopened: (opening > 1).then(|| "not what was asked for".to_owned()),
        job: "rewards-daily".to_owned(),
        period: "2025-03-19".to_owned(),
        user: "user-1".to_owned(),
        ask: Ask::Audit {
            code: AuditCode::CashbackMissing,
            merchant: "Bluebird Coffee".to_owned(),
            description: "cashback missing".to_owned(),
        },
        at_risk_minor: 67,
        currency: "USD".to_owned(),
        grounds: vec![Ground {
            break_id: Some(break_id.to_owned()),
            rule: "reward_missing".to_owned(),
            detail: "no reward".to_owned(),
            rows: Vec::new(),
        }],
    }
}

/// The effect with these events behind it, one a minute from [`START`].
pub fn standing(effect: &Effect, events: Vec<Event>) -> Standing {
    let proposed = Event::Proposed { plan: "p1".to_owned(), effect: Box::new(effect.clone()) };
    let mut now = at(START);
    let mut standing = apply(None, &effect.id, &proposed, now).unwrap();
    for event in events {
        now += TimeDelta::minutes(1);
        standing = apply(Some(&standing), &effect.id, &event, now).unwrap();
    }
    standing
}

fn approved() -> Event {
    Event::Approved { plan: "p1".to_owned(), by: Approver::Person { name: "Ada".to_owned() }, comment: None }
}

/// Approved and put in flight.
pub fn sent() -> Vec<Event> {
    vec![approved(), Event::InFlight { call: "c1".to_owned(), body_sha256: "b".repeat(64), session: None }]
}

/// Sent, and acknowledged under this audit id.
pub fn acknowledged(audit: Option<&str>) -> Vec<Event> {
    let mut events = sent();
    events.push(Event::Acknowledged { provider_id: audit.map(str::to_owned), note: None, refused: Vec::new() });
    events
}

pub fn in_doubt() -> Vec<Event> {
    let mut events = sent();
    events.push(Event::InDoubt { doubt: Doubt::NoReply, why: "the connection broke".to_owned() });
    events
}

fn with(mut events: Vec<Event>, more: impl IntoIterator<Item = Event>) -> Vec<Event> {
    events.extend(more);
    events
}

fn update(id: &str, audit: Option<&str>, transaction: &str, status: &str, time: Option<&str>) -> AuditUpdate {
    AuditUpdate {
        notification: id.to_owned(),
        audit: audit.map(str::to_owned),
        transaction: transaction.to_owned(),
        user: None,
        status: status.to_owned(),
        resolution_code: (status == "CLOSED").then_some(5004),
        resolution: None,
        resolved_at: None,
        received_at: time.map(at),
        file: 0,
        line: 1,
    }
}

pub fn news(status: &str, code: Option<i64>) -> News {
    News {
        notification: format!("{status}-{code:?}"),
        audit: Some("a1".to_owned()),
        status: status.to_owned(),
        resolution_code: code,
        resolution: None,
        at: None,
    }
}

/// Each event as `opening status notification`, in order.
fn told(standings: &[Standing], updates: &[AuditUpdate]) -> Vec<String> {
    let events = follow(standings, updates);
    let line = |(id, event): &(String, Event)| {
        let standing = standings.iter().find(|standing| standing.effect.id == *id).unwrap();
        let Event::News(news) = event else { panic!("{event:?} is no news") };
        format!("{} {} {}", standing.effect.opening, news.status, news.notification)
    };
    events.iter().map(line).collect()
}

/// The standings after what `follow` makes of the updates, as a run would journal it.
fn followed(standings: &[Standing], updates: &[AuditUpdate]) -> Vec<Standing> {
    let mut all: BTreeMap<String, Standing> =
        standings.iter().map(|standing| (standing.effect.id.clone(), standing.clone())).collect();
    for (id, event) in follow(standings, updates) {
        let next = apply(all.get(&id), &id, &event, at("2025-03-22T08:00:00Z")).unwrap();
        all.insert(id, next);
    }
    standings.iter().map(|standing| all[&standing.effect.id].clone()).collect()
}

#[test]
fn every_published_resolution_has_its_words_and_its_verdict() {
    use BreakStatus::{Open, Resolved, WrittenOff};
    let published = [
        (5001, "transaction will be deleted", Resolved),
        (5002, "settlement amount will be adjusted", Resolved),
        (5003, "return amount will be adjusted", Resolved),
        (5004, "reward dispute resolved", Resolved),
        (5005, "transaction will be marked for writeoff", WrittenOff),
        (5006, "transaction will be marked as rejected", Open),
        (5007, "transaction will be resent through webhook", Resolved),
        (5008, "transaction will be resent through daily file", Resolved),
        (5009, "no change needed", Open),
        (9001, "ineligible item in purchase", Open),
        (9002, "return was made", Open),
        (9003, "user ineligible for offer", Open),
        (9004, "redemption limit hit", Open),
        (9005, "transaction not captured", Open),
        (5999, "unknown resolution", Open),
        (-1, "unknown resolution", Open),
    ];
    for (code, words, verdict) in published {
        let closed = news("CLOSED", Some(code));
        assert_eq!(resolution_words(code), words);
        assert_eq!(news_words(&closed), format!("closed: {words} ({code})"));
        assert_eq!(verdict_on_break(&closed), verdict, "{code}");
        // A code settles nothing before the audit is closed.
        assert_eq!(verdict_on_break(&news("IN_PROGRESS", Some(code))), Open, "{code}");
    }
    assert_eq!(verdict_on_break(&news("CLOSED", None)), Open);
}

#[test]
fn news_are_told_in_words_and_unknown_ones_as_they_were_sent() {
    let cases = [
        ("NEW", None, "new"),
        ("IN_PROGRESS", None, "in progress"),
        ("CLOSED", None, "closed without a resolution code"),
        ("ESCALATED", Some(5004), "ESCALATED"),
        ("ill\u{1b}[31m", None, "ill\u{fffd}[31m"),
        (
            "a status that is much longer than any that was ever published",
            None,
            "a status that is much longer than any t…",
        ),
    ];
    for (status, code, words) in cases {
        assert_eq!(news_words(&news(status, code)), words);
    }
}

#[test]
fn news_belong_to_the_audit_with_their_id_and_else_to_the_transaction() {
    let one = standing(&effect("t1", 1, "b1"), acknowledged(Some("a1")));
    let two = standing(&effect("t2", 1, "b2"), acknowledged(None));
    let mut marker = effect("t3", 1, "b3");
    marker.key.kind = EffectKind::FraudMarker;
    let marker = Standing { effect: marker, ..standing(&effect("t3", 1, "b3"), acknowledged(None)) };
    let standings = [one, two, marker];
    let at = Some("2025-03-21T09:00:00Z");
    let cases = [
        // The id counts more than the transaction.
        (update("n1", Some("a1"), "t2", "NEW", at), vec![0]),
        (update("n1", Some("a2"), "t2", "NEW", at), vec![1]),
        (update("n1", None, "t1", "NEW", at), vec![0]),
        // An id that nobody knows: the provider has one audit for a transaction.
        (update("n1", Some("a9"), "t1", "NEW", at), vec![0]),
        (update("n1", Some("a9"), "t9", "NEW", at), vec![]),
        (update("n1", None, "t3", "NEW", at), vec![]),
    ];
    for (update, wanted) in cases {
        let found: Vec<String> =
            follow(&standings, std::slice::from_ref(&update)).into_iter().map(|event| event.0).collect();
        let wanted: Vec<String> = wanted.into_iter().map(|index: usize| standings[index].effect.id.clone()).collect();
        assert_eq!(found, wanted, "{update:?}");
    }
}

#[test]
fn an_event_holds_what_the_notification_says() {
    let mine = standing(&effect("t1", 1, "b1"), acknowledged(None));
    let mut said = update("n1", Some("a1"), "t1", "CLOSED", None);
    said.resolution = Some("we were wrong".to_owned());
    said.resolved_at = Some(at("2025-03-21T07:00:00Z"));
    let expected = News {
        notification: "n1".to_owned(),
        audit: Some("a1".to_owned()),
        status: "CLOSED".to_owned(),
        resolution_code: Some(5004),
        resolution: Some("we were wrong".to_owned()),
        at: said.resolved_at,
    };
    let wanted = [(mine.effect.id.clone(), Event::News(expected.clone()))];
    assert_eq!(follow(std::slice::from_ref(&mine), std::slice::from_ref(&said)), wanted);
    // The receipt is the better time.
    said.received_at = Some(at("2025-03-21T07:30:00Z"));
    let Event::News(news) = follow(&[mine], &[said]).remove(0).1 else { panic!("no news") };
    assert_eq!(news.at, Some(at("2025-03-21T07:30:00Z")));
}

#[test]
fn the_way_of_an_audit_is_told_in_order_and_never_backwards() {
    let (t1, t2, t3) = ("2025-03-21T09:00:00Z", "2025-03-21T10:00:00Z", "2025-03-21T11:00:00Z");
    let mine = [standing(&effect("t1", 1, "b1"), acknowledged(Some("a1")))];
    let said = |id: &str, status: &str, time: Option<&str>| update(id, Some("a1"), "t1", status, time);
    let cases: [(&str, Vec<AuditUpdate>, Vec<&str>); 8] = [
        (
            "in order of receipt, whatever the order of the log",
            vec![said("n3", "CLOSED", Some(t3)), said("n1", "NEW", Some(t1)), said("n2", "IN_PROGRESS", Some(t2))],
            vec!["1 NEW n1", "1 IN_PROGRESS n2", "1 CLOSED n3"],
        ),
        (
            "of one time, the further one is later",
            vec![said("n2", "CLOSED", Some(t1)), said("n1", "IN_PROGRESS", Some(t1))],
            vec!["1 IN_PROGRESS n1", "1 CLOSED n2"],
        ),
        (
            "without times, in order of the statuses",
            vec![said("n3", "CLOSED", None), said("n2", "IN_PROGRESS", None), said("n1", "NEW", None)],
            vec!["1 NEW n1", "1 IN_PROGRESS n2", "1 CLOSED n3"],
        ),
        (
            "an end without a time is not overtaken",
            vec![said("n1", "CLOSED", None), said("n2", "IN_PROGRESS", Some(t1))],
            vec!["1 IN_PROGRESS n2", "1 CLOSED n1"],
        ),
        (
            "an audit taken up again",
            vec![said("n1", "CLOSED", Some(t1)), said("n2", "IN_PROGRESS", Some(t2))],
            vec!["1 CLOSED n1", "1 IN_PROGRESS n2"],
        ),
        ("the same once more", vec![said("n1", "NEW", Some(t1)), said("n2", "NEW", Some(t1))], vec!["1 NEW n1"]),
        (
            "a status that we do not know comes before the end",
            vec![said("n2", "CLOSED", Some(t1)), said("n1", "ESCALATED", Some(t1))],
            vec!["1 ESCALATED n1", "1 CLOSED n2"],
        ),
        ("nothing", vec![], vec![]),
    ];
    for (name, updates, expected) in cases {
        assert_eq!(told(&mine, &updates), expected, "{name}");
        // The next run reads the same log again and learns nothing.
        assert_eq!(told(&followed(&mine, &updates), &updates), [""; 0], "{name}");
    }
}

#[test]
fn what_is_older_than_what_is_known_is_no_news() {
    let known = update("n5", Some("a1"), "t1", "CLOSED", Some("2025-03-21T10:00:00Z"));
    let mine = followed(&[standing(&effect("t1", 1, "b1"), acknowledged(Some("a1")))], &[known]);
    let cases = [
        ("n5", "CLOSED", Some("2025-03-21T12:00:00Z"), false),
        ("n6", "IN_PROGRESS", Some("2025-03-21T09:00:00Z"), false),
        ("n6", "IN_PROGRESS", Some("2025-03-21T10:00:00Z"), false),
        ("n6", "CLOSED", Some("2025-03-21T09:59:59Z"), false),
        ("n6", "NEW", None, false),
        ("n6", "CLOSED", Some("2025-03-21T10:00:01Z"), true),
    ];
    for (id, status, time, is_news) in cases {
        let said = update(id, Some("a1"), "t1", status, time);
        assert_eq!(follow(&mine, &[said]).len(), usize::from(is_news), "{id} {status} {time:?}");
    }
}

#[test]
fn what_is_in_flight_gets_its_outcome_first() {
    let said = [update("n1", None, "t1", "NEW", Some("2025-03-21T09:00:00Z"))];
    assert_eq!(told(&[standing(&effect("t1", 1, "b1"), sent())], &said), [""; 0]);
    assert_eq!(told(&[standing(&effect("t1", 1, "b1"), in_doubt())], &said), ["1 NEW n1"]);
}

#[test]
fn news_are_the_proof_that_ends_a_doubt() {
    let doubtful = standing(&effect("t1", 1, "b1"), in_doubt());
    assert_eq!((doubtful.state, doubtful.doubt), (State::InDoubt, Some(Doubt::NoReply)));
    let said = [update("n1", Some("a7"), "t1", "IN_PROGRESS", Some("2025-03-21T09:00:00Z"))];
    let after = followed(&[doubtful], &said).remove(0);
    assert_eq!((after.state, after.doubt), (State::Acknowledged, None));
    assert_eq!(after.provider_id.as_deref(), Some("a7"));
    assert_eq!(after.said.as_deref(), Some("the connection broke"));
    assert_eq!(after.acknowledged_at, Some(at("2025-03-22T08:00:00Z")));
    // From now on it is known by that id, also where the transaction is written otherwise.
    let closed = [update("n2", Some("a7"), "T1", "CLOSED", Some("2025-03-21T11:00:00Z"))];
    assert_eq!(told(&[after], &closed), ["1 CLOSED n2"]);
}

#[test]
fn news_without_an_audit_id_leave_the_known_one() {
    let mine = [standing(&effect("t1", 1, "b1"), acknowledged(Some("a1")))];
    let after = followed(&mine, &[update("n1", None, "t1", "IN_PROGRESS", None)]).remove(0);
    assert_eq!(after.provider_id.as_deref(), Some("a1"));
}

#[test]
fn late_news_about_an_old_opening_never_touch_the_new_one() {
    let time = Some("2025-03-21T12:00:00Z");
    let reopened = Event::Reopened { by: "Ada".to_owned(), reason: "not paid".to_owned() };
    let closed = Event::News(News { audit: None, at: Some(at("2025-03-21T09:00:00Z")), ..news("CLOSED", Some(5009)) });
    let old = |audit| standing(&effect("t1", 1, "b1"), with(acknowledged(audit), [closed.clone(), reopened.clone()]));
    let not_applied =
        Event::Resolved { decision: Decision::NotApplied, by: "Ada".to_owned(), reason: "asked Kard".to_owned() };
    let gone = standing(&effect("t1", 1, "b1"), with(in_doubt(), [not_applied, reopened.clone()]));
    let new = |events| standing(&effect("t1", 2, "b1"), events);
    let cases = [
        ("the old id, the new one proposed", vec![old(Some("a1")), new(vec![])], Some("a1"), vec!["1 CLOSED n1"]),
        ("the old id, the new one in doubt", vec![old(Some("a1")), new(in_doubt())], Some("a1"), vec!["1 CLOSED n1"]),
        (
            "the old id, both acknowledged",
            vec![new(acknowledged(Some("a2"))), old(Some("a1"))],
            Some("a1"),
            vec!["1 CLOSED n1"],
        ),
        ("the new id", vec![old(Some("a1")), new(acknowledged(Some("a2")))], Some("a2"), vec!["2 CLOSED n1"]),
        ("a new id, the new one in doubt", vec![old(Some("a1")), new(in_doubt())], Some("a2"), vec!["2 CLOSED n1"]),
        ("no id known, the new one never sent", vec![old(None), new(vec![])], Some("a1"), vec!["1 CLOSED n1"]),
        ("no id known, the new one never sent, no id told", vec![old(None), new(vec![])], None, vec!["1 CLOSED n1"]),
        ("the old one was applied after all", vec![gone.clone(), new(vec![])], Some("a1"), vec!["1 CLOSED n1"]),
        ("both were sent, the id of neither known", vec![gone, new(in_doubt())], Some("a1"), vec!["2 CLOSED n1"]),
        (
            "an id that nobody knows",
            vec![old(Some("a1")), new(acknowledged(Some("a2")))],
            Some("a3"),
            vec!["2 CLOSED n1"],
        ),
        ("an id that nobody knows, not yet sent", vec![old(Some("a1")), new(vec![])], Some("a3"), vec!["1 CLOSED n1"]),
    ];
    for (name, standings, audit, expected) in cases {
        assert_eq!(told(&standings, &[update("n1", audit, "t1", "CLOSED", time)]), expected, "{name}");
    }
}

#[test]
fn an_audit_that_somebody_else_has_opened_is_not_asked_for_again() {
    let proposed = standing(&effect("t1", 1, "b1"), vec![]);
    let after = followed(&[proposed], &[update("n1", Some("a1"), "t1", "NEW", None)]).remove(0);
    assert_eq!(after.state, State::Acknowledged);
}

#[test]
fn silence_is_told_of_open_audits_only_and_the_longest_first() {
    let progress = |time: Option<&str>| Event::News(News { at: time.map(at), ..news("IN_PROGRESS", None) });
    let closed = Event::News(news("CLOSED", Some(5009)));
    let of = |transaction: &str, events| standing(&effect(transaction, 1, "b1"), events);
    let mut marker = of("marker", acknowledged(None));
    marker.effect.key.kind = EffectKind::FraudMarker;
    let standings = [
        of("fresh news", with(acknowledged(None), [progress(Some("2025-03-27T08:00:00Z"))])),
        of("old news", with(acknowledged(None), [progress(Some("2025-03-21T12:00:00Z"))])),
        of("news of before", with(acknowledged(None), [progress(Some("2025-03-01T12:00:00Z"))])),
        of("never heard of", acknowledged(Some("a1"))),
        of("closed", with(acknowledged(None), [closed])),
        of("in doubt", in_doubt()),
        marker,
    ];
    let silent_at = |days: i64, now: DateTime<Utc>| -> Vec<String> {
        let found = silent(&standings, TimeDelta::days(days), now);
        found.iter().map(|silent| format!("{} {}", silent.standing.effect.transaction(), silent.days)).collect()
    };
    let now = at("2025-03-30T08:03:00Z");
    // Acknowledged at 08:03 on the 20th, ten days before.
    let expected = ["old news 8", "never heard of 10", "news of before 10"];
    let mut found = silent_at(5, now);
    assert_eq!(found.pop().as_deref(), Some(expected[0]));
    found.sort();
    assert_eq!(found, expected[1..]);
    // As long as allowed is not longer than allowed.
    assert_eq!(silent_at(10, now), [""; 0]);
    assert_eq!(silent_at(10, now + TimeDelta::seconds(1)).len(), 2);
}

/// With the audit's id, which the contract requires.
fn any_update() -> impl Strategy<Value = AuditUpdate> {
    let status = prop::sample::select(vec!["NEW", "IN_PROGRESS", "ESCALATED", "CLOSED"]);
    let audit = prop::sample::select(vec!["a1", "a2", "a3"]).prop_map(Some);
    let hour = prop::option::of(0_u32..4);
    (0_u32..6, audit, status, hour, prop::option::of(0_u32..4)).prop_map(|(id, audit, status, received, resolved)| {
        let time = |hour: u32| at(&format!("2025-03-21T{hour:02}:00:00Z"));
        AuditUpdate {
            received_at: received.map(time),
            resolved_at: resolved.map(time),
            ..update(&format!("n{id}"), audit, "t1", status, None)
        }
    })
}

proptest! {
    #[test]
    fn every_event_can_follow_and_the_same_log_read_again_says_nothing(
        updates in prop::collection::vec(any_update(), 0..12),
        first in 0_usize..3,
        second in 0_usize..4,
    ) {
        let ways = || [acknowledged(Some("a1")), acknowledged(None), in_doubt(), sent()];
        let reopened = Event::Reopened { by: "Ada".to_owned(), reason: "not paid".to_owned() };
        let old = with(ways()[first].clone(), [Event::News(News { audit: None, ..news("CLOSED", None) })]);
        let old = if first == 2 { ways()[first].clone() } else { with(old, [reopened]) };
        let standings =
            [standing(&effect("t1", 1, "b1"), old), standing(&effect("t1", 2, "b1"), ways()[second].clone())];
        // Ids repeat: the reader keeps the first of each.
        let mut seen = std::collections::BTreeSet::new();
        let updates: Vec<_> =
            updates.into_iter().filter(|update| seen.insert(update.notification.clone())).collect();
        let after = followed(&standings, &updates);
        prop_assert_eq!(told(&after, &updates), Vec::<String>::new());
    }
}
