//! Plans: what becomes of each draft, given what the journal knows of its key.

use std::collections::BTreeMap;

use tieout::effects::draft::Draft;
use tieout::effects::plan::standings_after;
use tieout::effects::{Approver, Decision, Event, State};
use tieout::job::AuditCode::{CashbackIncorrect, CashbackMissing};
use tieout::job::{ApprovalRule, Caution, Effects};

use crate::support::plans::{Book, asking, audit, free, here, marker, now, rules, scope};

fn nothing() -> Vec<String> {
    Vec::new()
}

fn limited(approval: ApprovalRule, limit: Option<u64>, usd: Option<i64>) -> Effects {
    let limit_amount_minor = usd.map(|minor| ("USD".to_owned(), minor)).into_iter().collect();
    rules(&Caution { approval, distinct: false, limit, limit_amount_minor })
}

fn above(amounts: &[(&str, i64)]) -> ApprovalRule {
    ApprovalRule::Above(amounts.iter().map(|(currency, minor)| ((*currency).to_owned(), *minor)).collect())
}

#[test]
fn what_is_new_is_proposed_in_the_order_of_kind_user_and_transaction() {
    let mut book = Book::default();
    let drafts = [marker("d", "u1"), audit("c", "u2"), audit("b", "u1"), audit("a", "u2")];
    let (plan, told) = book.plan(&asking(), &here(), &drafts);
    assert_eq!(told, ["proposed audit b", "proposed audit a", "proposed audit c", "proposed marker d"]);
    let ids: Vec<String> = [&drafts[2], &drafts[3], &drafts[1], &drafts[0]].map(|draft| draft.key.effect_id(1)).into();
    assert_eq!(plan.ids, ids);
    assert_eq!((plan.digest.len(), plan.held.len(), plan.elsewhere.len()), (64, 0, 0));
    let effect = &book.of("b").effect;
    assert_eq!((effect.opening, effect.reopened.as_deref()), (1, None));
    assert_eq!((effect.job.as_str(), effect.period.as_str()), ("daily", "2025-03-19"));
    assert_eq!((&effect.ask, &effect.grounds), (&drafts[2].ask, &drafts[2].grounds));
    assert_eq!(book.of("b").plan, plan.digest);
}

#[test]
fn a_job_that_asks_nobody_approves_at_once() {
    let mut book = Book::default();
    let told = book.told(&free(), &here(), &[audit("a", "u"), marker("m", "u")]);
    assert_eq!(told, ["proposed audit a", "approved audit a", "proposed marker m", "approved marker m"]);
    let by = &book.of("a").approval.as_ref().unwrap().by;
    assert_eq!(*by, Approver::Job { rule: "approval: none".to_owned() });
}

#[test]
fn a_job_asks_above_an_amount_and_in_any_other_currency() {
    let with = |transaction: &str, minor: i64, currency: &str| Draft {
        at_risk_minor: minor,
        currency: currency.to_owned(),
        ..marker(transaction, "u")
    };
    let drafts = [with("a", 10_00, "USD"), with("b", 10_01, "USD"), with("c", 1, "EUR"), with("d", 7, "JPY")];
    let mut book = Book::default();
    let rules = limited(above(&[("USD", 10_00), ("JPY", 7)]), None, None);
    book.plan(&rules, &here(), &drafts);
    let states: Vec<State> = ["a", "b", "c", "d"].map(|transaction| book.of(transaction).state).into();
    assert_eq!(states, [State::Approved, State::Proposed, State::Proposed, State::Approved]);
    for (transaction, words) in [("a", "approval: above 10.00 USD"), ("d", "approval: above 7 JPY")] {
        let by = &book.of(transaction).approval.as_ref().unwrap().by;
        assert_eq!(*by, Approver::Job { rule: words.to_owned() });
    }
}

#[test]
fn the_same_plan_again_is_nothing_new_and_keeps_approvals() {
    let mut book = Book::default();
    let drafts = [audit("a", "u"), audit("b", "u")];
    let (first, _) = book.plan(&asking(), &here(), &drafts);
    book.approve("a");
    let (second, told) = book.plan(&asking(), &here(), &drafts);
    assert_eq!(told, nothing());
    assert_eq!((second.digest, second.ids), (first.digest, first.ids));
    assert_eq!(book.of("a").state, State::Approved);
}

#[test]
fn another_plan_voids_every_approval_that_is_not_sent() {
    let changed = |draft: &Draft| Draft { user: "other".to_owned(), ..draft.clone() };
    let (a, b) = (audit("a", "u"), audit("b", "u"));
    for (name, drafts, told) in [
        ("one more", vec![a.clone(), b.clone(), audit("c", "u")], vec!["proposed audit c"]),
        ("another content", vec![a.clone(), changed(&b)], vec![]),
    ] {
        let mut book = Book::default();
        book.plan(&asking(), &here(), &[a.clone(), b.clone()]);
        book.approve("a");
        let mut expected = vec!["proposed audit a", "proposed audit b"];
        expected.extend(told);
        let mut found = book.told(&asking(), &here(), &drafts);
        found.sort();
        assert_eq!(found, expected, "{name}");
        assert_eq!((book.of("a").state, book.of("a").approval.is_none()), (State::Proposed, true), "{name}");
        assert_eq!(book.told(&asking(), &here(), &drafts), nothing(), "{name}");
    }
}

#[test]
fn a_change_that_is_not_sent_concerns_its_own_effect_only() {
    let mut book = Book::default();
    let mut drafts = [audit("a", "u"), audit("b", "u")];
    let (first, _) = book.plan(&asking(), &here(), &drafts);
    book.approve("a");
    book.approve("b");
    drafts[1].at_risk_minor += 1;
    let (second, told) = book.plan(&asking(), &here(), &drafts);
    assert_eq!(told, ["proposed audit b"]);
    assert_eq!(second.digest, first.digest, "the provider would receive the very same");
    assert_eq!((book.of("a").state, book.of("b").state), (State::Approved, State::Proposed));
}

#[test]
fn what_another_job_or_period_asked_for_is_not_asked_for_again() {
    for owner in [scope("daily", "2025-03-18"), scope("monthly", "2025-03-19")] {
        for state in State::ALL.into_iter().filter(|state| *state != State::Withdrawn) {
            let mut book = Book::default();
            book.plan(&asking(), &owner, &[audit("a", "u")]);
            book.bring("a", state);
            let before = book.of("a").clone();
            assert_eq!(before.state, state);
            let (plan, told) = book.plan(&free(), &here(), &[audit("a", "u"), audit("b", "u")]);
            assert_eq!(told, ["proposed audit b", "approved audit b"], "{state}");
            assert_eq!(plan.elsewhere, std::slice::from_ref(&before), "{state}");
            assert_eq!(plan.ids, [audit("b", "u").key.effect_id(1)], "{state}");
            assert_eq!(*book.of("a"), before, "{state}");
        }
    }
}

#[test]
fn what_another_period_withdrew_is_adopted_under_the_same_id() {
    let mut book = Book::default();
    let yesterday = scope("daily", "2025-03-18");
    book.plan(&asking(), &yesterday, &[audit("a", "u")]);
    let id = book.of("a").effect.id.clone();
    assert_eq!(book.told(&asking(), &yesterday, &[]), ["withdrawn audit a"]);
    let (plan, told) = book.plan(&asking(), &here(), &[audit("a", "u")]);
    assert_eq!(told, ["proposed audit a"]);
    assert_eq!((plan.ids, plan.elsewhere), (vec![id], vec![]));
    assert_eq!(book.of("a").effect.period, "2025-03-19");
    // And now the other one keeps off.
    let (plan, told) = book.plan(&asking(), &yesterday, &[audit("a", "u")]);
    assert_eq!((told, plan.elsewhere.len()), (nothing(), 1));
}

#[test]
fn what_was_sent_or_refused_here_stays_as_it_is_and_part_of_the_plan() {
    let drafts = [audit("a", "u"), audit("b", "u")];
    for state in
        [State::InFlight, State::Acknowledged, State::Rejected, State::InDoubt, State::Refused, State::NotApplied]
    {
        let mut book = Book::default();
        let (first, _) = book.plan(&asking(), &here(), &drafts);
        book.approve("b");
        book.bring("a", state);
        let (second, told) = book.plan(&asking(), &here(), &drafts);
        assert_eq!(told, nothing(), "{state}");
        assert_eq!((&second.digest, &second.ids), (&first.digest, &first.ids), "{state}");
        assert_eq!(book.of("b").state, State::Approved, "{state}: what became of one voids no other");
        // A sent one is not taken back when its break is gone.
        let (_, told) = book.plan(&asking(), &here(), &drafts[1..]);
        assert_eq!(told, ["proposed audit b"], "{state}");
    }
}

#[test]
fn what_is_wanted_no_longer_is_withdrawn_and_may_come_back() {
    let mut book = Book::default();
    book.plan(&asking(), &here(), &[audit("a", "u"), audit("b", "u"), marker("m", "u")]);
    book.approve("b");
    assert_eq!(book.told(&asking(), &here(), &[]), ["withdrawn audit a", "withdrawn audit b", "withdrawn marker m"]);
    assert_eq!(book.told(&asking(), &here(), &[]), nothing());
    assert_eq!(book.told(&asking(), &here(), &[audit("b", "u")]), ["proposed audit b"]);
    assert_eq!(book.of("b").approval, None);
    // Another period's are none of our business.
    assert_eq!(book.told(&asking(), &scope("daily", "2025-03-20"), &[]), nothing());
}

#[test]
fn an_effect_that_a_person_opened_again_is_a_new_one_with_the_reason() {
    for owner in [here(), scope("daily", "2025-03-18")] {
        for state in [State::Refused, State::Rejected, State::NotApplied] {
            let mut book = Book::default();
            book.plan(&asking(), &owner, &[audit("a", "u")]);
            book.bring("a", state);
            book.reopen("a", "the user insists");
            assert_eq!(book.told(&asking(), &here(), &[]), nothing(), "{state}: not without its break");
            let (plan, told) = book.plan(&asking(), &here(), &[audit("a", "u")]);
            assert_eq!(told, ["proposed audit a 2"], "{state}");
            assert_eq!(plan.ids, [audit("a", "u").key.effect_id(2)]);
            let effect = &book.of("a").effect;
            assert_eq!((effect.opening, effect.reopened.as_deref()), (2, Some("the user insists")));
            assert_eq!(effect.period, "2025-03-19", "whoever owned it before");
            assert_eq!(book.told(&asking(), &here(), &[audit("a", "u")]), nothing(), "{state}: once");
            book.bring("a", State::Rejected);
            assert_eq!(book.told(&asking(), &here(), &[audit("a", "u")]), nothing(), "{state}: once");
        }
    }
}

#[test]
fn a_closed_audit_may_be_opened_again_but_none_that_the_provider_is_still_at_work_on() {
    let mut closed = Book::default();
    closed.plan(&asking(), &here(), &[audit("a", "u")]);
    closed.bring("a", State::Acknowledged);
    closed.news("a", "CLOSED");
    closed.reopen("a", "closed too early");
    assert_eq!(closed.told(&asking(), &here(), &[audit("a", "u")]), ["proposed audit a 2"]);

    let mut late = Book::default();
    late.plan(&asking(), &here(), &[audit("a", "u")]);
    late.bring("a", State::NotApplied);
    late.reopen("a", "Kard has nothing");
    late.news("a", "IN_PROGRESS");
    assert_eq!(late.told(&asking(), &here(), &[audit("a", "u")]), nothing(), "it stands after all");
}

#[test]
fn beyond_a_limit_all_effects_of_the_kind_wait() {
    let three = [marker("a", "u"), marker("b", "u"), marker("c", "u"), audit("d", "u")];
    let held = |limit, usd| {
        let mut book = Book::default();
        let (plan, told) = book.plan(&limited(ApprovalRule::None, limit, usd), &here(), &three);
        (plan.held, told.iter().filter(|told| told.starts_with("approved")).cloned().collect::<Vec<_>>())
    };
    let all = ["approved audit d", "approved marker a", "approved marker b", "approved marker c"].map(str::to_owned);
    assert_eq!(held(Some(3), Some(30_00)), (vec![], all.to_vec()), "exactly at both limits");
    let count = "3 fraud markers, the job allows 2 a run: all wait for approval".to_owned();
    assert_eq!(held(Some(2), None), (vec![count.clone()], vec!["approved audit d".to_owned()]));
    let sum = "fraud markers with 30.00 USD at risk, the job allows 29.99 USD a run: all wait for approval".to_owned();
    assert_eq!(held(None, Some(29_99)), (vec![sum.clone()], vec!["approved audit d".to_owned()]));
    assert_eq!(held(Some(2), Some(29_99)), (vec![count, sum], vec!["approved audit d".to_owned()]));
    let (held, approved) = held(Some(0), None);
    let one = "1 audit, the job allows 0 a run: all wait for approval";
    assert_eq!((held[0].as_str(), held.len(), approved), (one, 2, vec![]));
}

#[test]
fn a_limit_is_not_told_where_a_person_is_asked_anyway() {
    let drafts = [marker("a", "u"), marker("b", "u")];
    for approval in [ApprovalRule::Required, above(&[("USD", 9_99)])] {
        let (plan, told) = Book::default().plan(&limited(approval, Some(1), None), &here(), &drafts);
        assert_eq!((plan.held, told.len()), (vec![], 2));
    }
}

#[test]
fn what_is_sent_no_longer_counts_towards_a_limit() {
    let drafts = [marker("a", "u"), marker("b", "u")];
    let mut book = Book::default();
    let rules = limited(ApprovalRule::None, Some(1), None);
    book.plan(&rules, &here(), &drafts);
    book.bring("a", State::Acknowledged);
    let (plan, told) = book.plan(&rules, &here(), &drafts);
    assert_eq!((plan.held, told), (vec![], vec!["approved marker b".to_owned()]));
}

#[test]
fn a_limit_that_is_raised_lets_go_and_one_that_is_lowered_takes_back() {
    let drafts = [marker("a", "u"), marker("b", "u")];
    let limit = |limit| limited(ApprovalRule::None, Some(limit), None);
    let mut book = Book::default();
    assert_eq!(book.told(&limit(1), &here(), &drafts), ["proposed marker a", "proposed marker b"]);
    assert_eq!(book.told(&limit(1), &here(), &drafts), nothing());
    assert_eq!(book.told(&limit(2), &here(), &drafts), ["approved marker a", "approved marker b"]);
    assert_eq!(book.told(&limit(2), &here(), &drafts), nothing());
    for stricter in [limit(1), asking(), limited(above(&[("USD", 9_99)]), None, None)] {
        let mut book = book.clone();
        assert_eq!(book.told(&stricter, &here(), &drafts), ["proposed marker a", "proposed marker b"]);
        assert_eq!(book.told(&stricter, &here(), &drafts), nothing());
    }
}

#[test]
fn a_persons_approval_stands_whatever_the_limit() {
    let drafts = [marker("a", "u"), marker("b", "u")];
    let mut book = Book::default();
    let rules = limited(ApprovalRule::None, Some(1), None);
    book.plan(&rules, &here(), &drafts);
    book.approve("a");
    book.approve("b");
    let (plan, told) = book.plan(&rules, &here(), &drafts);
    assert_eq!((plan.held, told), (vec![], nothing()));
}

#[test]
fn what_may_have_arrived_once_is_never_approved_by_the_job() {
    let mut book = Book::default();
    let drafts = [audit("a", "u"), audit("b", "u")];
    book.plan(&asking(), &here(), &drafts);
    book.bring("a", State::InDoubt);
    book.resolve("a", Decision::Resend);
    assert_eq!(book.of("a").state, State::Approved);
    // A person said so: the job's rule neither takes it back …
    let mut same = book.clone();
    assert_eq!(same.told(&asking(), &here(), &drafts), nothing());
    // … nor, when the plan has changed, says it again.
    let told = book.told(&free(), &here(), &drafts[..1]);
    assert_eq!(told, ["withdrawn audit b", "proposed audit a"]);
    assert_eq!(book.told(&free(), &here(), &drafts[..1]), nothing());
    // Nor when another period takes it over.
    assert_eq!(book.told(&free(), &here(), &[]), ["withdrawn audit a"]);
    assert_eq!(book.told(&free(), &scope("daily", "2025-03-20"), &drafts[..1]), ["proposed audit a"]);
}

#[test]
fn what_was_surely_not_sent_is_changed_like_anything_else() {
    let mut book = Book::default();
    book.plan(&free(), &here(), &[audit("a", "u")]);
    book.happens("a", Event::InFlight { call: "c".to_owned(), body_sha256: "d".to_owned(), session: None });
    book.happens("a", Event::NotSent { why: "no connection".to_owned(), alone: true });
    assert_eq!(book.told(&free(), &here(), &[audit("a", "u")]), nothing());
    let told = book.told(&free(), &here(), &[audit("a", "other")]);
    assert_eq!(told, ["proposed audit a", "approved audit a"]);
    assert!(book.of("a").alone, "what is known of it stays known");
}

#[test]
fn a_kind_without_a_rule_is_withdrawn() {
    let mut book = Book::default();
    book.plan(&free(), &here(), &[audit("a", "u")]);
    let without = Effects { provider_audit: None, ..free() };
    assert_eq!(book.told(&without, &here(), &[]), ["withdrawn audit a"]);
}

#[test]
fn the_digest_covers_each_thing_that_is_sent() {
    let digest = |drafts: &[Draft]| Book::default().plan(&asking(), &here(), drafts).0.digest;
    let mut seen = BTreeMap::new();
    let with = |change: &dyn Fn(&mut Draft)| {
        let mut draft = audit("a", "u");
        change(&mut draft);
        draft
    };
    let ask = |code, merchant: &str, description: &str| tieout::effects::Ask::Audit {
        code,
        merchant: merchant.to_owned(),
        description: description.to_owned(),
    };
    let plans: Vec<(&str, Vec<Draft>)> = vec![
        ("nothing", vec![]),
        ("one", vec![audit("a", "u")]),
        ("marker", vec![marker("a", "u")]),
        ("transaction", vec![audit("b", "u")]),
        ("user", vec![audit("a", "v")]),
        ("two", vec![audit("a", "u"), audit("b", "u")]),
        ("organization", vec![with(&|draft| draft.key.organization = "org-2".to_owned())]),
        ("code", vec![with(&|draft| draft.ask = ask(CashbackIncorrect, "m", "d"))]),
        ("texts", vec![with(&|draft| draft.ask = ask(CashbackMissing, "m", "d"))]),
        ("shifted texts", vec![with(&|draft| draft.ask = ask(CashbackMissing, "md", ""))]),
    ];
    for (name, drafts) in plans {
        if let Some(other) = seen.insert(digest(&drafts), name) {
            panic!("{name} and {other} have the same digest");
        }
    }
}

#[test]
fn standings_that_are_not_those_that_were_planned_with_are_refused() {
    let mut book = Book::default();
    let (plan, _) = book.plan(&free(), &here(), &[audit("a", "u")]);
    let approvals = &plan.events[1..];
    assert!(standings_after(&[], approvals, now()).is_err());
}
