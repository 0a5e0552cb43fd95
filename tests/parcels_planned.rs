//! What is to happen to what a job has sealed: held against all that may have happened to it before.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tieout::effects::parcels::decide;
use tieout::effects::plan::{Plan, Scope, standings_after};
use tieout::effects::{
    Approver, Ask, BusinessKey, Decision, Doubt, Effect, EffectKind, Event, Parcel, Standing, State, apply,
};

use crate::support::plans::{now, scope};

fn here() -> Scope {
    scope("core-upload", "2025-03-19")
}

/// A parcel whose name follows from its bytes, as a build names it.
fn parcel(kind: EffectKind, number: u32, bytes: &str) -> Effect {
    let transaction = format!("core-upload-2025-03-19-{number:03}-{bytes}");
    let key = BusinessKey { provider: "kard".to_owned(), organization: "org-1".to_owned(), kind, transaction };
    let ask = match kind {
        EffectKind::HistoricalStart | EffectKind::HistoricalComplete => Ask::Session { parts: 1, rows: 2 },
        _ => Ask::Parcel(Parcel {
            sha256: format!("{bytes}-{number}"),
            bytes: 10,
            rows: 2,
            totals_minor: BTreeMap::from([("USD".to_owned(), 500)]),
            session: None,
        }),
    };
    Effect {
        id: key.effect_id(1),
        key,
        opening: 1,
        reopened: None,
        job: here().job,
        period: here().period,
        user: String::new(),
        ask,
        at_risk_minor: 0,
        currency: String::new(),
        grounds: Vec::new(),
    }
}

/// Two bulk files from these bytes.
fn files(bytes: &str) -> Vec<Effect> {
    [1, 2].map(|number| parcel(EffectKind::BulkFile, number, bytes)).to_vec()
}

/// What the journal holds.
#[derive(Debug, Clone, Default)]
struct Book(Vec<Standing>);

impl Book {
    fn plan(&mut self, sealed: Vec<Effect>, asks: bool) -> Plan {
        let plan = decide(&here(), sealed, asks, &self.0);
        self.0 = standings_after(&self.0, &plan.events, now()).unwrap();
        plan
    }

    fn of(&self, id: &str) -> &Standing {
        self.0.iter().find(|standing| standing.effect.id == id).unwrap()
    }

    #[track_caller]
    fn happens(&mut self, id: &str, events: &[Event]) {
        for event in events {
            let next = apply(Some(self.of(id)), id, event, now()).unwrap();
            *self.0.iter_mut().find(|standing| standing.effect.id == id).unwrap() = next;
        }
    }

    fn states(&self, ids: &[String]) -> Vec<State> {
        ids.iter().map(|id| self.of(id).state).collect()
    }
}

fn in_flight() -> Event {
    Event::InFlight { call: "c".to_owned(), body_sha256: "d".to_owned(), session: None }
}

fn acknowledged() -> Event {
    Event::Acknowledged { provider_id: None, note: None, refused: Vec::new() }
}

fn again() -> Event {
    Event::Again { doubt: Doubt::NoReply, why: "lost".to_owned() }
}

fn by_person(book: &Book, id: &str) -> Event {
    let by = Approver::Person { name: "mai".to_owned() };
    Event::Approved { plan: book.of(id).plan.clone(), by, comment: None }
}

/// The names of the events of one effect, in order.
fn of<'a>(plan: &'a Plan, id: &str) -> Vec<&'a str> {
    plan.events.iter().filter(|(of, _)| of == id).map(|(_, event)| event.name()).collect()
}

#[test]
fn what_is_new_is_proposed_and_the_job_lets_it_go() {
    let mut book = Book::default();
    let plan = book.plan(files("aa"), false);
    assert_eq!(plan.ids, files("aa").into_iter().map(|effect| effect.id).collect::<Vec<_>>());
    for id in &plan.ids {
        assert_eq!(of(&plan, id), ["proposed", "approved"]);
    }
    assert_eq!((book.states(&plan.ids), plan.held.len()), (vec![State::Approved; 2], 0));
    let again = book.plan(files("aa"), false);
    assert_eq!((again.events.len(), &again.digest, &again.ids), (0, &plan.digest, &plan.ids), "nothing has changed");
}

#[test]
fn where_a_person_is_asked_it_waits_and_stays_approved_once_it_is() {
    let mut book = Book::default();
    let plan = book.plan(files("aa"), true);
    assert_eq!(book.states(&plan.ids), [State::Proposed; 2]);
    let event = by_person(&book, &plan.ids[0]);
    book.happens(&plan.ids[0], &[event]);
    let again = book.plan(files("aa"), true);
    assert_eq!(again.events, []);
    assert_eq!(book.states(&plan.ids), [State::Approved, State::Proposed]);
    // The job no longer asks: the other one goes too, and the person's word stays a person's.
    let free = book.plan(files("aa"), false);
    assert_eq!((of(&free, &plan.ids[0]).len(), of(&free, &plan.ids[1])), (0, vec!["approved"]));
    assert!(matches!(book.of(&plan.ids[0]).approval.as_ref().unwrap().by, Approver::Person { .. }));
}

#[test]
fn the_jobs_own_word_holds_no_longer_than_the_job_says_so() {
    let mut book = Book::default();
    let plan = book.plan(files("aa"), false);
    // One of them was on its way already, and surely did not arrive.
    let unsent = Event::NotSent { why: "429".to_owned(), alone: false };
    book.happens(&plan.ids[0], &[in_flight(), unsent]);
    let asking = book.plan(files("aa"), true);
    for id in &plan.ids {
        assert_eq!(of(&asking, id), ["proposed"]);
    }
    assert_eq!(book.states(&plan.ids), [State::Proposed; 2]);
}

#[test]
fn other_bytes_take_the_place_of_what_was_not_sent() {
    let mut book = Book::default();
    let first = book.plan(files("aa"), false);
    let unsent = Event::NotSent { why: "connection refused".to_owned(), alone: false };
    book.happens(&first.ids[1], &[in_flight(), unsent]);
    let second = book.plan(files("bb"), false);
    assert_eq!(book.states(&first.ids), [State::Withdrawn; 2]);
    assert_eq!((book.states(&second.ids), second.held.len()), (vec![State::Approved; 2], 0));
    // And back again.
    let third = book.plan(files("aa"), false);
    assert_eq!((&third.ids, &third.digest), (&first.ids, &first.digest));
    assert_eq!(book.states(&first.ids), [State::Approved; 2]);
    assert_eq!(book.states(&second.ids), [State::Withdrawn; 2]);
}

#[test]
fn after_some_of_a_period_was_sent_other_bytes_wait_for_a_person() {
    let mut book = Book::default();
    let first = book.plan(files("aa"), false);
    book.happens(&first.ids[0], &[in_flight(), acknowledged()]);
    let second = book.plan(files("bb"), false);
    assert_eq!(book.states(&first.ids), [State::Acknowledged, State::Withdrawn]);
    assert_eq!(book.states(&second.ids), [State::Proposed; 2]);
    let held = "this period was sent before from other bytes (1 parcel): what is sealed now waits for approval";
    assert_eq!(second.held, [held]);
    for id in &second.ids {
        let event = by_person(&book, id);
        book.happens(id, &[event]);
    }
    let third = book.plan(files("bb"), false);
    assert_eq!((third.events.len(), third.held.len()), (0, 0), "a person has let them go");
    book.happens(&second.ids[0], &[in_flight(), acknowledged()]);
    assert_eq!(book.plan(files("bb"), false).events, [], "nothing is sent twice");
}

#[test]
fn what_was_refused_or_surely_never_arrived_holds_nothing_back() {
    for end in [
        vec![in_flight(), Event::Rejected { why: "400".to_owned() }],
        vec![
            in_flight(),
            Event::InDoubt { doubt: Doubt::Conflict, why: "409".to_owned() },
            Event::Resolved { decision: Decision::NotApplied, by: "mai".to_owned(), reason: "asked".to_owned() },
        ],
        vec![Event::Refused { by: "mai".to_owned(), comment: "no".to_owned() }],
    ] {
        let mut book = Book::default();
        let first = book.plan(files("aa"), false);
        book.happens(&first.ids[0], &end);
        let second = book.plan(files("bb"), false);
        assert_eq!((book.states(&second.ids), second.held.len()), (vec![State::Approved; 2], 0), "{end:?}");
        assert_eq!(book.plan(files("aa"), false).ids, first.ids);
        assert_eq!(book.of(&first.ids[0]).state, book.of(&first.ids[0]).state);
    }
    // A session that is open and holds nothing yet.
    let mut book = Book::default();
    let start = |bytes| vec![parcel(EffectKind::HistoricalStart, 1, bytes)];
    let first = book.plan(start("aa"), false);
    book.happens(&first.ids[0], &[in_flight(), acknowledged()]);
    let second = book.plan(start("bb"), false);
    assert_eq!((book.states(&second.ids), second.held.len()), (vec![State::Approved], 0));
}

#[test]
fn an_interrupted_parcel_stays_wanted_and_is_never_withdrawn() {
    let narrowed = Event::Narrowed { known: vec!["r1".to_owned()], refused: Vec::new(), why: "207".to_owned() };
    for (kind, end) in
        [(EffectKind::BulkFile, again()), (EffectKind::IncomingPart, again()), (EffectKind::IncomingPart, narrowed)]
    {
        let mut book = Book::default();
        let first = book.plan(vec![parcel(kind, 1, "aa")], false);
        book.happens(&first.ids[0], &[in_flight(), end]);
        // The job asks by now: what is half done is brought to its end.
        let same = book.plan(vec![parcel(kind, 1, "aa")], true);
        assert_eq!((same.events.len(), &same.ids), (0, &first.ids));
        assert_eq!(book.states(&first.ids), [State::Approved]);
        let other = book.plan(vec![parcel(kind, 1, "bb")], false);
        assert_eq!((book.states(&first.ids), book.states(&other.ids)), (vec![State::Approved], vec![State::Proposed]));
        assert_eq!(
            other.held,
            [
                "this period was sent before from other bytes (1 parcel): what is sealed now waits for approval",
                "1 parcel of other bytes may have arrived in part or in full: it is not sent again",
            ]
        );
    }
}

#[test]
fn what_is_over_is_sent_once_more_only_when_a_person_opens_it_again() {
    let mut book = Book::default();
    let first = book.plan(files("aa"), false);
    book.happens(&first.ids[0], &[in_flight(), Event::Rejected { why: "400".to_owned() }]);
    assert_eq!(book.plan(files("aa"), false).events, []);
    let reason = "the mapping is right now".to_owned();
    book.happens(&first.ids[0], &[Event::Reopened { by: "mai".to_owned(), reason: reason.clone() }]);
    let second = book.plan(files("aa"), false);
    assert_eq!(second.ids[1], first.ids[1]);
    let opened = book.of(&second.ids[0]);
    assert_eq!((opened.effect.opening, &opened.effect.reopened, opened.state), (2, &Some(reason), State::Approved));
    assert_eq!(opened.effect.id, files("aa")[0].key.effect_id(2));
    let third = book.plan(files("aa"), false);
    assert_eq!((third.events.len(), third.ids), (0, second.ids), "the second opening is the one that counts");
    assert_eq!(third.digest, second.digest);
}

#[test]
fn what_another_period_has_sealed_is_left_alone() {
    let mut book = Book::default();
    let first = book.plan(files("aa"), false);
    book.happens(&first.ids[0], &[in_flight(), acknowledged()]);
    for standing in &mut book.0 {
        "2025-03-18".clone_into(&mut standing.effect.period);
    }
    let plan = decide(&here(), files("bb"), false, &book.0);
    assert_eq!((plan.held.len(), plan.events.len()), (0, 4));
}

/// One thing that happens.
#[derive(Debug, Clone)]
enum Happening {
    Plan { bytes: &'static str, asks: bool },
    Befalls(prop::sample::Index, Event),
}

fn any_happening() -> impl Strategy<Value = Happening> {
    let plan = (prop::sample::select(vec!["aa", "bb"]), any::<bool>())
        .prop_map(|(bytes, asks)| Happening::Plan { bytes, asks });
    let text = || "words".to_owned();
    let resolved = |decision| Event::Resolved { decision, by: "mai".to_owned(), reason: "asked".to_owned() };
    let rows = vec!["r1".to_owned()];
    let events = vec![
        in_flight(),
        in_flight(),
        in_flight(),
        acknowledged(),
        again(),
        Event::Narrowed { known: rows, refused: Vec::new(), why: text() },
        Event::NotSent { why: text(), alone: false },
        Event::Rejected { why: text() },
        Event::InDoubt { doubt: Doubt::Conflict, why: text() },
        resolved(Decision::Applied),
        resolved(Decision::NotApplied),
        resolved(Decision::Resend),
        Event::Refused { by: text(), comment: text() },
        Event::Reopened { by: text(), reason: text() },
    ];
    let befalls = (any::<prop::sample::Index>(), prop::sample::select(events))
        .prop_map(|(place, event)| Happening::Befalls(place, event));
    prop_oneof![2 => plan, 6 => befalls]
}

fn sealed(bytes: &str) -> Vec<Effect> {
    [(EffectKind::BulkFile, 1), (EffectKind::IncomingPart, 2), (EffectKind::HistoricalPart, 3)]
        .map(|(kind, number)| parcel(kind, number, bytes))
        .to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_happens_nothing_that_arrived_goes_again_and_nothing_wanted_is_lost(
        happenings in prop::collection::vec(any_happening(), 1..40),
    ) {
        let mut book = Book::default();
        for happening in happenings {
            match happening {
                Happening::Plan { bytes, asks } => {
                    let before = book.clone();
                    let plan = book.plan(sealed(bytes), asks);
                    let wanted: BTreeSet<String> = plan.ids.iter().map(|id| book.of(id).effect.transaction().to_owned()).collect();
                    prop_assert_eq!(wanted.len(), 3, "each parcel has one place");
                    for (id, event) in &plan.events {
                        let known = before.0.iter().find(|standing| standing.effect.id == *id);
                        let Some(known) = known else { continue };
                        prop_assert!(!known.was_in_doubt || known.state == State::Withdrawn, "{event:?} after {known:?}");
                        prop_assert!(matches!(known.state, State::Proposed | State::Approved | State::Withdrawn));
                    }
                    if asks {
                        let by_job = plan.events.iter().any(|(_, event)| matches!(event, Event::Approved { .. }));
                        prop_assert!(!by_job, "the job asks, and nobody was asked");
                        for id in &plan.ids {
                            let standing = book.of(id);
                            let half_done = standing.was_in_doubt || !standing.known.is_empty();
                            let by_person = standing.approval.as_ref().is_some_and(|given| matches!(given.by, Approver::Person { .. }));
                            prop_assert!(standing.state != State::Approved || half_done || by_person);
                        }
                    }
                    prop_assert_eq!(book.plan(sealed(bytes), asks).events, [], "planned again");
                }
                Happening::Befalls(place, event) if !book.0.is_empty() => {
                    let standing = place.get(&book.0).clone();
                    let id = standing.effect.id.clone();
                    if let Ok(next) = apply(Some(&standing), &id, &event, now()) {
                        let sent_again = standing.acknowledged_at.is_some() && next.attempts > standing.attempts;
                        prop_assert!(!sent_again, "it arrived, and goes again: {standing:?}");
                        *book.0.iter_mut().find(|standing| standing.effect.id == id).unwrap() = next;
                    }
                }
                Happening::Befalls(..) => {}
            }
        }
    }
}
