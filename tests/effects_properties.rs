//! What must hold for plans whatever has happened: nothing twice, nothing lost, order is nothing.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tieout::breaks::BreakKind;
use tieout::effects::call::calls;
use tieout::effects::draft::{Draft, Material, drafts};
use tieout::effects::plan::{Plan, Scope, decide};
use tieout::effects::{
    Approver, BusinessKey, Decision, Doubt, EffectKind, Event, FileOutcome, News, Standing, State, apply,
};
use tieout::job::{ApprovalRule, Caution, Effects};

use crate::support::effects::{approved, effect, standing};
use crate::support::plans::{Book, audit, marker, now, rules, scope};
use crate::support_facts::found;

/// One thing that happens in the world.
#[derive(Debug, Clone)]
enum Step {
    /// A job plans for a period.
    Plan { scope: Scope, rules: Box<Effects>, drafts: Vec<Draft> },
    /// Something befalls the effect of that place in the book, if it can.
    Happens(prop::sample::Index, Befalls),
}

#[derive(Debug, Clone, Copy)]
enum Befalls {
    Approved,
    Refused,
    InFlight,
    Acknowledged,
    Rejected,
    InDoubt,
    NotSent,
    Resolved(Decision),
    News(&'static str),
    Reopened,
}

fn any_draft() -> impl Strategy<Value = Draft> {
    (any::<bool>(), 0_u8..5, 0_u8..3, 1_i64..4, any::<bool>()).prop_map(|(audits, transaction, user, units, euro)| {
        let (transaction, user) = (format!("t{transaction}"), format!("u{user}"));
        let draft = if audits { audit(&transaction, &user) } else { marker(&transaction, &user) };
        let currency = if euro { "EUR" } else { "USD" };
        Draft { at_risk_minor: units * 100, currency: currency.to_owned(), ..draft }
    })
}

/// Each transaction and kind at most once, as `drafts` gives them.
fn any_drafts() -> impl Strategy<Value = Vec<Draft>> {
    prop::collection::vec(any_draft(), 0..8).prop_map(|drafts| {
        let by_key: BTreeMap<BusinessKey, Draft> = drafts.into_iter().map(|draft| (draft.key.clone(), draft)).collect();
        by_key.into_values().collect()
    })
}

fn any_rules() -> impl Strategy<Value = Effects> {
    let approval = prop_oneof![
        Just(ApprovalRule::Required),
        Just(ApprovalRule::None),
        Just(ApprovalRule::Above(BTreeMap::from([("USD".to_owned(), 200)]))),
    ];
    (approval, prop::option::of(0_u64..5), prop::option::of(0_i64..900)).prop_map(|(approval, limit, usd)| {
        let limit_amount_minor = usd.map(|minor| ("USD".to_owned(), minor)).into_iter().collect();
        rules(&Caution { approval, distinct: false, limit, limit_amount_minor })
    })
}

fn any_step() -> impl Strategy<Value = Step> {
    let scopes = vec![scope("daily", "2025-03-18"), scope("daily", "2025-03-19"), scope("monthly", "2025-03")];
    let plan = (prop::sample::select(scopes), any_rules(), any_drafts())
        .prop_map(|(scope, rules, drafts)| Step::Plan { scope, rules: Box::new(rules), drafts });
    let befalls = prop::sample::select(vec![
        Befalls::Approved,
        Befalls::Refused,
        Befalls::InFlight,
        Befalls::InFlight,
        Befalls::Acknowledged,
        Befalls::Rejected,
        Befalls::InDoubt,
        Befalls::NotSent,
        Befalls::Resolved(Decision::Applied),
        Befalls::Resolved(Decision::NotApplied),
        Befalls::Resolved(Decision::Resend),
        Befalls::News("IN_PROGRESS"),
        Befalls::News("CLOSED"),
        Befalls::Reopened,
        Befalls::Reopened,
    ]);
    let happens = (any::<prop::sample::Index>(), befalls).prop_map(|(place, befalls)| Step::Happens(place, befalls));
    prop_oneof![2 => plan, 5 => happens]
}

fn event(befalls: Befalls, standing: &Standing) -> Event {
    let (by, words) = ("ada".to_owned(), "words".to_owned());
    match befalls {
        Befalls::Approved => {
            let plan = standing.plan.clone();
            Event::Approved { plan, by: Approver::Person { name: by }, comment: None }
        }
        Befalls::Refused => Event::Refused { by, comment: words },
        Befalls::InFlight => Event::InFlight { call: "c".to_owned(), body_sha256: "d".to_owned(), session: None },
        Befalls::Acknowledged => Event::Acknowledged { provider_id: None, note: None, refused: Vec::new() },
        Befalls::Rejected => Event::Rejected { why: words },
        Befalls::InDoubt => Event::InDoubt { doubt: Doubt::NoReply, why: words },
        Befalls::NotSent => Event::NotSent { why: words, alone: standing.attempts > 1 },
        Befalls::Resolved(decision) => Event::Resolved { decision, by, reason: words },
        Befalls::News(status) => Event::News(News {
            notification: "n".to_owned(),
            audit: None,
            status: status.to_owned(),
            resolution_code: None,
            resolution: None,
            at: None,
        }),
        Befalls::Reopened => Event::Reopened { by, reason: words },
    }
}

/// What the journal hands to a plan: the latest opening of each wanted key, and all of the scope.
fn asked_for(book: &Book, scope: &Scope, drafts: &[Draft]) -> Vec<Standing> {
    let owned = |standing: &&Standing| standing.effect.job == scope.job && standing.effect.period == scope.period;
    let mut found: Vec<Standing> = book.0.iter().filter(owned).cloned().collect();
    for draft in drafts {
        let same = book.0.iter().filter(|standing| standing.effect.key == draft.key);
        let latest = same.max_by_key(|standing| standing.effect.opening);
        found.extend(latest.filter(|latest| !owned(latest)).cloned());
    }
    found
}

/// All that must hold of one plan.
fn check(before: &Book, after: &mut Book, plan: &Plan, (scope, rules, drafts): (&Scope, &Effects, &[Draft])) {
    proposals_are_new(before, plan);
    everything_wanted_has_one_place(before, plan, drafts);
    limits_are_kept(before, plan, rules);

    let owned: Vec<Standing> =
        after.0.iter().filter(|s| s.effect.job == scope.job && s.effect.period == scope.period).cloned().collect();
    let mut members: Vec<String> = calls(&owned).into_iter().flat_map(|call| call.members).collect();
    members.sort();
    let approved = plan.ids.iter().filter(|id| after.by_id(id).state == State::Approved);
    let mut approved: Vec<String> = approved.cloned().collect();
    approved.sort();
    assert_eq!(members, approved, "what is wanted and approved is in exactly one call, and nothing else is");

    let (again, told) = after.plan(rules, scope, drafts);
    assert_eq!(told, Vec::<String>::new(), "planned again");
    assert_eq!((&again.digest, &again.ids), (&plan.digest, &plan.ids));
}

fn proposals_are_new(before: &Book, plan: &Plan) {
    for (id, event) in &plan.events {
        let Event::Proposed { effect, .. } = event else { continue };
        assert_eq!(*id, effect.key.effect_id(effect.opening));
        let same = before.0.iter().filter(|standing| standing.effect.key == effect.key);
        let Some(latest) = same.max_by_key(|standing| standing.effect.opening) else {
            assert_eq!(effect.opening, 1);
            continue;
        };
        if latest.effect.opening == effect.opening {
            assert!(matches!(latest.state, State::Proposed | State::Approved | State::Withdrawn), "{latest:?}");
        } else {
            assert_eq!(effect.opening, latest.effect.opening + 1);
            assert_eq!(effect.reopened, latest.reopening, "a new opening needs a person's word");
            assert!(effect.reopened.is_some());
            let closed = latest.news.as_ref().is_some_and(News::is_closed);
            let over = matches!(latest.state, State::Refused | State::Rejected | State::NotApplied) || closed;
            assert!(over, "it stands, and is not closed: {latest:?}");
        }
    }
}

fn everything_wanted_has_one_place(before: &Book, plan: &Plan, drafts: &[Draft]) {
    let elsewhere = plan.elsewhere.iter().map(|standing| standing.effect.id.clone());
    let placed: Vec<String> = plan.ids.iter().cloned().chain(elsewhere).collect();
    let distinct: BTreeSet<&String> = placed.iter().collect();
    assert_eq!((placed.len(), distinct.len()), (drafts.len(), drafts.len()));
    for draft in drafts {
        let known = before.0.iter().filter(|standing| standing.effect.key == draft.key).count();
        let possible = (1..=u32::try_from(known).unwrap() + 1).map(|opening| draft.key.effect_id(opening));
        assert_eq!(possible.filter(|id| placed.contains(id)).count(), 1);
    }
}

fn limits_are_kept(before: &Book, plan: &Plan, rules: &Effects) {
    let caution = &rules.provider_audit.as_ref().unwrap().caution;
    for kind in EffectKind::ALL {
        let mut proposed = BTreeMap::new();
        let (mut count, mut usd) = (0, 0);
        for (id, event) in &plan.events {
            if let Event::Proposed { effect, .. } = event {
                proposed.insert(id, (**effect).clone());
            }
            let Event::Approved { by, .. } = event else { continue };
            let doubted = before.0.iter().any(|standing| standing.effect.id == *id && standing.was_in_doubt);
            assert!(!doubted, "what may have arrived once needs a person");
            let effect = proposed.get(id).cloned().unwrap_or_else(|| before.by_id(id).effect.clone());
            assert!(matches!(by, Approver::Job { .. }), "no plan speaks for a person");
            if effect.kind() == kind {
                count += 1;
                usd += if effect.currency == "USD" { effect.at_risk_minor } else { 0 };
            }
        }
        assert!(caution.limit.is_none_or(|limit| count <= limit));
        assert!(caution.limit_amount_minor.get("USD").is_none_or(|limit| usd <= *limit));
        assert!(count == 0 || caution.approval != ApprovalRule::Required);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_happens_nothing_is_asked_for_twice_and_nothing_is_lost(
        steps in prop::collection::vec(any_step(), 1..40),
    ) {
        let mut book = Book::default();
        for step in steps {
            match step {
                Step::Plan { scope, rules, drafts } => {
                    let before = book.clone();
                    let (plan, _) = book.plan(&rules, &scope, &drafts);
                    prop_assert_eq!(&decide(&rules, &scope, &drafts, &asked_for(&before, &scope, &drafts)), &plan);
                    check(&before, &mut book, &plan, (&scope, &rules, &drafts));
                }
                Step::Happens(place, befalls) if !book.0.is_empty() => {
                    let standing = place.get(&book.0).clone();
                    let id = standing.effect.id.clone();
                    if let Ok(next) = apply(Some(&standing), &id, &event(befalls, &standing), now()) {
                        *book.0.iter_mut().find(|standing| standing.effect.id == id).unwrap() = next;
                    }
                }
                Step::Happens(..) => {}
            }
        }
    }

    #[test]
    fn the_order_of_what_comes_in_changes_nothing(
        (first, second) in any_drafts().prop_flat_map(|drafts| (Just(drafts.clone()), Just(drafts).prop_shuffle())),
        rules in any_rules(),
    ) {
        let here = scope("daily", "2025-03-19");
        prop_assert_eq!(decide(&rules, &here, &first, &[]), decide(&rules, &here, &second, &[]));
        let mut book = Book::default();
        book.plan(&rules, &here, &first[..first.len() / 2]);
        let plan = decide(&rules, &here, &first, &book.0);
        book.0.reverse();
        prop_assert_eq!(decide(&rules, &here, &second, &book.0), plan);
    }

    #[test]
    fn breaks_become_the_same_drafts_in_whatever_order_they_come(
        (first, second) in prop::collection::vec((0_u8..4, 0_u8..3, 0_i64..3, any::<bool>()), 0..12).prop_flat_map(
            |breaks| (Just(breaks.clone()), Just(breaks).prop_shuffle())
        ),
    ) {
        let text = crate::effects_in_jobs::JOB.replacen("[reward_missing]", "[reward_missing, reward_mismatch, file_only]", 1);
        let job = crate::effects_in_jobs::load(&text);
        let kinds = [BreakKind::RewardMissing, BreakKind::RewardMismatch, BreakKind::FileOnly];
        let planned = |written: &[(u8, u8, i64, bool)]| {
            let breaks: Vec<_> = written.iter().map(|(transaction, kind, minor, named)| {
                let mut found = found(kinds[usize::from(*kind)], &format!("t{transaction}"), "USD", *minor);
                let ledger = found.sides[1].as_mut().unwrap().to_mut();
                ledger.user = named.then(|| "u".to_owned());
                ledger.merchant = Some("m".to_owned());
                found
            }).collect();
            let names = [vec!["file.json".to_owned()], vec!["ledger.csv".to_owned()], vec![]];
            let period = "2025-03-19";
            drafts(&Material { job: &job, period, organization: "org-1", breaks: &breaks, file_names: &names, findings: &[], cards: None })
        };
        let made = planned(&first);
        let transactions: BTreeSet<u8> = first.iter().map(|written| written.0).collect();
        prop_assert_eq!(made.effects.len() + made.unplannable.len(), transactions.len());
        prop_assert_eq!(planned(&second), made);
    }
}

/// What can befall what a sending job sends, and what only some kinds can bear.
fn any_of_sending() -> impl Strategy<Value = Event> {
    let words = || "words".to_owned();
    let resolved = |decision| Event::Resolved { decision, by: words(), reason: words() };
    let outcome = FileOutcome { notification: words(), refused: Vec::new(), more: 0, against: Vec::new(), at: None };
    let in_flight = |session: Option<&str>| Event::InFlight {
        call: words(),
        body_sha256: words(),
        session: session.map(str::to_owned),
    };
    prop::sample::select(vec![
        in_flight(None),
        in_flight(Some("s-1")),
        in_flight(Some("s-2")),
        Event::Again { doubt: Doubt::NoReply, why: words() },
        Event::Narrowed { known: vec!["r1".to_owned()], refused: Vec::new(), why: words() },
        Event::Processed(outcome),
        Event::NotSent { why: words(), alone: true },
        Event::Acknowledged { provider_id: None, note: None, refused: Vec::new() },
        Event::Rejected { why: words() },
        Event::InDoubt { doubt: Doubt::Conflict, why: words() },
        resolved(Decision::Applied),
        resolved(Decision::NotApplied),
        resolved(Decision::Resend),
        Event::Seen { done: true, what: words() },
        Event::Seen { done: false, what: words() },
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn what_arrived_is_never_sent_again_and_a_second_try_is_for_kinds_that_bear_one(
        kind in prop::sample::select(EffectKind::ALL.to_vec()),
        events in prop::collection::vec(any_of_sending(), 1..30),
    ) {
        let mut now_at = standing(&effect(kind, "t", 0), &[approved()]);
        for event in events {
            let id = now_at.effect.id.clone();
            let Ok(next) = apply(Some(&now_at), &id, &event, now()) else { continue };
            match &event {
                Event::Again { .. } => {
                    prop_assert!(now_at.effect.repeats_safely());
                    prop_assert!(next.was_in_doubt, "it may have arrived, for ever after");
                }
                Event::Narrowed { .. } => prop_assert!(kind.is_part()),
                Event::Seen { .. } => prop_assert!(kind.operation().is_some() && now_at.state == State::InDoubt),
                Event::Processed(_) => {
                    prop_assert!(kind == EffectKind::BulkFile && now_at.attempts > 0, "nothing was sent: {now_at:?}");
                }
                Event::InFlight { session: Some(session), .. } => {
                    prop_assert_eq!(next.session.as_deref(), Some(session.as_str()));
                    prop_assert!(!next.alone, "a new URL is as good as any");
                }
                _ => {}
            }
            let arrived = now_at.acknowledged_at.is_some() && now_at.state == State::Acknowledged;
            prop_assert!(!arrived || next.state == State::Acknowledged, "{event:?} after {now_at:?}");
            prop_assert!(next.attempts == now_at.attempts || now_at.state == State::Approved);
            prop_assert!(now_at.known.iter().all(|row| next.known.contains(row)), "what is settled stays settled");
            prop_assert!(!now_at.was_in_doubt || next.was_in_doubt);
            now_at = next;
        }
    }
}
