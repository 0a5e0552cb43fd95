//! What the journal keeps of effects, and what it refuses.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::json;
use tieout::digest::sha256;
use tieout::effects::{Approver, Decision, Doubt, EffectKind, Event, News, Standing, State, apply};
use tieout::exit::ExitCode;
use tieout::journal::{EffectFilter, GENESIS, Journal, JournalError, Writer};

use crate::support::journal::{JOB, PERIOD, PLAN, Place, also_on_postgres, effect, key, proposed};
use EffectKind::{FraudMarker, ProviderAudit};

also_on_postgres!(
    events_are_read_back_in_order_and_each_names_the_hash_of_the_one_before,
    an_empty_journal_has_an_anchor_and_appending_nothing_writes_nothing,
    an_illegal_step_anywhere_in_a_batch_writes_nothing_of_it,
    what_is_known_under_one_id_is_never_proposed_under_another,
    the_latest_opening_of_each_key_is_found_in_the_order_of_the_keys,
    effects_are_filtered_and_come_in_one_order,
    an_effect_is_found_by_the_first_digits_of_its_id_or_the_nearest_are_named,
    ten_thousand_effects_in_batches_of_a_thousand_are_ten_commits,
    entries_and_effects_cannot_be_rewritten_by_hand,
);

fn approved() -> Event {
    Event::Approved {
        plan: PLAN.to_owned(),
        by: Approver::Person { name: "robin".to_owned() },
        comment: Some("seen".to_owned()),
    }
}

fn in_flight() -> Event {
    Event::InFlight { call: "call-1".to_owned(), body_sha256: "cd".repeat(32), session: None }
}

/// So many markers, each proposed.
fn proposals(count: usize) -> Vec<(String, Event)> {
    (0..count).map(|number| proposed(&effect(FraudMarker, &format!("t-{number:05}"), 1))).collect()
}

fn ids(standings: &[Standing]) -> Vec<&str> {
    standings.iter().map(|standing| standing.effect.id.as_str()).collect()
}

#[tokio::test]
async fn events_are_read_back_in_order_and_each_names_the_hash_of_the_one_before() {
    let place = Place::new();
    let journal = place.open().await;
    let (_lease, run) = place.begin(&journal).await;
    let (audit, marker) = (effect(ProviderAudit, "t-1", 1), effect(FraudMarker, "t-1", 1));
    let first = [proposed(&audit), proposed(&marker), (audit.id.clone(), approved())];
    let after = journal.append(Writer::Run(&run), &first).await.unwrap();
    assert_eq!(
        after.iter().map(|standing| (standing.effect.id.as_str(), standing.state)).collect::<Vec<_>>(),
        [(&*audit.id, State::Proposed), (&*marker.id, State::Proposed), (&*audit.id, State::Approved)]
    );
    let refused = Event::Refused { by: "robin".to_owned(), comment: "no fraud".to_owned() };
    journal.append(Writer::Person, &[(marker.id.clone(), refused.clone())]).await.unwrap();

    let entries = journal.history(&audit.id).await.unwrap();
    let told: Vec<_> = entries.iter().map(|entry| (entry.sequence, &entry.event)).collect();
    assert_eq!(told, [(1, &first[0].1), (3, &first[2].1)]);
    let by_run = (Some("rewards-daily/2025-03-19/1"), Some(1));
    assert!(entries.iter().all(|entry| (entry.run.as_deref(), entry.epoch) == by_run));
    let [proposal, refusal] = journal.history(&marker.id).await.unwrap().try_into().unwrap();
    assert_eq!((refusal.run, refusal.epoch, refusal.event), (None, None, refused));

    // Anybody can follow the chain with the texts alone.
    let rows = place.entries().await;
    let mut previous = GENESIS.to_owned();
    for (number, (sequence, entry, hash)) in (1..).zip(&rows) {
        assert_eq!((*sequence, hash), (number, &sha256(entry.as_bytes())));
        let read: serde_json::Value = serde_json::from_str(entry).unwrap();
        assert_eq!((&read["previous"], &read["sequence"]), (&json!(previous), &json!(number)));
        previous.clone_from(hash);
    }
    assert_eq!((rows.len(), &proposal.previous), (4, &rows[0].2));
    let anchor = journal.anchor().await.unwrap();
    assert_eq!((anchor.sequence, anchor.hash), (4, previous));
}

#[tokio::test]
async fn an_empty_journal_has_an_anchor_and_appending_nothing_writes_nothing() {
    let place = Place::new();
    let journal = place.open().await;
    let anchor = journal.anchor().await.unwrap();
    assert_eq!((anchor.sequence, anchor.hash.as_str()), (0, GENESIS));
    assert_eq!(journal.append(Writer::Person, &[]).await.unwrap(), []);
    assert_eq!(journal.commits(), 0);
}

#[tokio::test]
async fn an_illegal_step_anywhere_in_a_batch_writes_nothing_of_it() {
    let place = Place::new();
    let journal = place.open().await;
    let known = effect(FraudMarker, "t-1", 1);
    let fresh = effect(FraudMarker, "t-2", 1);
    let before = journal.append(Writer::Person, &[proposed(&known)]).await.unwrap();
    let (anchor, commits) = (journal.anchor().await.unwrap(), journal.commits());

    let mut other_key = effect(FraudMarker, "t-9", 1);
    other_key.id.clone_from(&known.id);
    let illegal = format!("effect {}: `in_flight` cannot follow proposed", known.id);
    let nothing = format!("effect {}: `approved` cannot follow nothing", fresh.id);
    let other = format!("effect {}: `proposed` cannot follow proposed", known.id);
    for (events, told) in [
        (vec![proposed(&fresh), (known.id.clone(), in_flight())], illegal),
        (vec![(known.id.clone(), approved()), (fresh.id.clone(), approved())], nothing),
        (vec![proposed(&fresh), proposed(&other_key)], other),
    ] {
        let refused = journal.append(Writer::Person, &events).await.unwrap_err();
        assert!(matches!(refused, JournalError::IllegalEffect(_)), "{refused:?}");
        assert_eq!((refused.to_string(), refused.exit_code()), (told, ExitCode::InvariantFailed));
    }
    assert_eq!(journal.anchor().await.unwrap(), anchor);
    assert_eq!(journal.commits(), commits);
    assert_eq!(journal.effects(&EffectFilter::default()).await.unwrap(), before);
    assert!(journal.verify(&[]).await.unwrap().is_whole());
}

#[tokio::test]
async fn what_is_known_under_one_id_is_never_proposed_under_another() {
    let place = Place::new();
    let journal = place.open().await;
    let known = effect(ProviderAudit, "t-1", 1);
    journal.append(Writer::Person, &[proposed(&known)]).await.unwrap();
    let mut again = known.clone();
    again.id = "00000000000000ff".to_owned();
    let (mut first, mut second) = (effect(FraudMarker, "t-2", 1), effect(FraudMarker, "t-2", 1));
    (first.id, second.id) = ("0000000000000001".to_owned(), "0000000000000002".to_owned());
    for (events, told) in [
        (
            vec![proposed(&again)],
            format!(
                "effect 00000000000000ff: the provider_audit for transaction `t-1` is known as effect {} already",
                known.id
            ),
        ),
        (
            vec![proposed(&first), proposed(&second)],
            "effect 0000000000000002: the fraud_marker for transaction `t-2` is known as effect 0000000000000001 \
             already"
                .to_owned(),
        ),
    ] {
        let refused = journal.append(Writer::Person, &events).await.unwrap_err();
        assert_eq!(refused.to_string(), told);
    }
    assert_eq!(journal.anchor().await.unwrap().sequence, 1);
    // Another opening is another effect.
    journal.append(Writer::Person, &[proposed(&effect(ProviderAudit, "t-1", 2))]).await.unwrap();
}

#[tokio::test]
async fn the_latest_opening_of_each_key_is_found_in_the_order_of_the_keys() {
    let place = Place::new();
    let journal = place.open().await;
    let mut other_provider = effect(ProviderAudit, "t-1", 1);
    other_provider.key.provider = "other".to_owned();
    other_provider.id = other_provider.key.effect_id(1);
    let effects = [
        effect(ProviderAudit, "t-1", 1),
        effect(ProviderAudit, "t-1", 2),
        effect(FraudMarker, "t-1", 1),
        effect(FraudMarker, "t-0", 10),
        effect(FraudMarker, "t-0", 9),
        other_provider,
    ];
    journal.append(Writer::Person, &effects.each_ref().map(proposed)).await.unwrap();
    let mut keys =
        vec![key(FraudMarker, "t-1"), key(ProviderAudit, "t-1"), key(ProviderAudit, "t-0"), key(FraudMarker, "t-0")];
    let found = journal.standings(&keys).await.unwrap();
    assert_eq!(ids(&found), [&*effects[2].id, &*effects[1].id, &*effects[3].id]);

    // Many keys are asked for in a few statements.
    keys.splice(0..0, (0..100_000).map(|number| key(FraudMarker, &format!("unknown-{number}"))));
    let begun = Instant::now();
    assert_eq!(ids(&journal.standings(&keys).await.unwrap()), ids(&found));
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn effects_are_filtered_and_come_in_one_order() {
    let place = Place::new();
    let journal = place.open().await;
    let mut other_day = effect(ProviderAudit, "t-0", 1);
    "2025-03-18".clone_into(&mut other_day.period);
    let mut other_job = effect(FraudMarker, "t-0", 1);
    "a-job".clone_into(&mut other_job.job);
    let effects = [
        effect(ProviderAudit, "t-2", 1),
        effect(ProviderAudit, "t-1", 2),
        effect(ProviderAudit, "t-1", 1),
        effect(FraudMarker, "t-9", 1),
        other_day,
        other_job,
    ];
    let mut events = effects.each_ref().map(proposed).to_vec();
    events.push((effects[0].id.clone(), approved()));
    journal.append(Writer::Person, &events).await.unwrap();

    let all = EffectFilter::default();
    let job = || Some(JOB.to_owned());
    let table: [(EffectFilter, &[usize]); 10] = [
        (all.clone(), &[5, 4, 3, 2, 1, 0]),
        (EffectFilter { job: job(), ..all.clone() }, &[4, 3, 2, 1, 0]),
        (EffectFilter { job: job(), period: Some(PERIOD.to_owned()), ..all.clone() }, &[3, 2, 1, 0]),
        (EffectFilter { kind: Some(FraudMarker), ..all.clone() }, &[5, 3]),
        (EffectFilter { states: vec![State::Approved], ..all.clone() }, &[0]),
        (EffectFilter { states: vec![State::Approved, State::Proposed], limit: Some(2), ..all.clone() }, &[5, 4]),
        (EffectFilter { states: vec![State::InDoubt], ..all.clone() }, &[]),
        (EffectFilter { transaction: Some("t-1".to_owned()), ..all.clone() }, &[2, 1]),
        (EffectFilter { plan: Some(PLAN.to_owned()), limit: Some(1), ..all.clone() }, &[5]),
        (EffectFilter { plan: Some("plan-2".to_owned()), ..all }, &[]),
    ];
    for (filter, expected) in table {
        let found = journal.effects(&filter).await.unwrap();
        let expected: Vec<_> = expected.iter().map(|index| &*effects[*index].id).collect();
        assert_eq!(ids(&found), expected, "{filter:?}");
    }
}

#[tokio::test]
async fn an_effect_is_found_by_the_first_digits_of_its_id_or_the_nearest_are_named() {
    let place = Place::new();
    let journal = place.open().await;
    let mut effects = ["t-1", "t-2", "t-3"].map(|transaction| effect(FraudMarker, transaction, 1));
    for (effect, id) in effects.iter_mut().zip(["abcd000000000001", "abcd000000000002", "1234000000000000"]) {
        id.clone_into(&mut effect.id);
    }
    let unknown = journal.effect("abcd").await.unwrap_err();
    assert_eq!(unknown.to_string(), "no effect `abcd` in the state file; `tieout effects` lists them");
    journal.append(Writer::Person, &effects.each_ref().map(proposed)).await.unwrap();

    for (asked, id) in [
        ("1234", "1234000000000000"),
        ("1234000000000000", "1234000000000000"),
        ("ABCD000000000002", "abcd000000000002"),
    ] {
        assert_eq!(journal.effect(asked).await.unwrap().effect.id, id, "{asked}");
        assert_eq!(journal.history(asked).await.unwrap().len(), 1, "{asked}");
    }
    for (asked, told) in [
        ("abcd", "`abcd` begins the ids of several effects: abcd000000000001, abcd000000000002; give more digits"),
        ("123", "no effect `123` in the state file; `tieout effects` lists them"),
        ("123400000000000f", "no effect `123400000000000f` in the state file; did you mean 1234000000000000?"),
        // A transaction instead of an effect.
        ("t-2", "no effect `t-2` in the state file; did you mean abcd000000000002?"),
    ] {
        let refused = journal.effect(asked).await.unwrap_err();
        assert_eq!((refused.to_string().as_str(), refused.exit_code()), (told, ExitCode::Usage));
        assert_eq!(journal.history(asked).await.unwrap_err().to_string(), told);
    }
}

#[tokio::test]
async fn ten_thousand_effects_in_batches_of_a_thousand_are_ten_commits() {
    let place = Place::new();
    let journal = place.open().await;
    let (_lease, run) = place.begin(&journal).await;
    let before = journal.commits();
    for batch in proposals(10_000).chunks(1_000) {
        journal.append(Writer::Run(&run), batch).await.unwrap();
    }
    assert_eq!(journal.commits() - before, 10);
    assert_eq!(journal.anchor().await.unwrap().sequence, 10_000);
    let verdict = journal.verify(&[]).await.unwrap();
    assert_eq!((verdict.entries, verdict.effects, verdict.found), (10_000, 10_000, 0));
}

#[tokio::test]
async fn entries_and_effects_cannot_be_rewritten_by_hand() {
    let place = Place::new();
    let journal = place.open().await;
    journal.append(Writer::Person, &proposals(2)).await.unwrap();
    journal.close().await.unwrap();
    for (sql, reason) in [
        ("DELETE FROM entries", "an entry is never deleted"),
        ("UPDATE entries SET entry = '{}'", "an entry is never changed"),
        ("DELETE FROM effects", "an effect is never deleted"),
        ("UPDATE effects SET id = 'x', opening = 0 WHERE rowid = 1", "check constraint"),
    ] {
        let refused = place.try_sql(sql).await.unwrap_err().to_string();
        assert!(refused.to_lowercase().contains(reason), "{sql}: {refused}");
    }
}

#[tokio::test]
async fn a_state_file_of_version_1_is_brought_up_to_date_with_all_that_is_in_it() {
    let place = Place::new();
    let first = include_str!("../src/journal/migrations/0001_runs.sql");
    place
        .create(&format!(
            "{first}
         INSERT INTO runs (id, job, period, attempt, job_sha256, program_version, sandbox, started_at, status)
         VALUES ('{JOB}/{PERIOD}/1', '{JOB}', '{PERIOD}', 1, 'ab', '0.1.0', 0, '2025-03-20T12:00:00Z', 'running');
         INSERT INTO steps VALUES ('{JOB}/{PERIOD}/1', 1, 'started', '2025-03-20T12:00:00Z', 'null');
         PRAGMA application_id = 1953066869; PRAGMA user_version = 1"
        ))
        .await;
    // Reading alone brings it up to date, too.
    let journal = Journal::open_read_only(&place.path()).await.unwrap().unwrap();
    let old = journal.run("rewards-daily/2025-03-19/1").await.unwrap();
    assert_eq!((old.started_by, old.lease_epoch, old.attempt), (None, None, 1));
    assert_eq!(place.number("SELECT user_version FROM pragma_user_version").await, 9);
    let (_lease, run) = place.begin(&journal).await;
    assert_eq!(run.id, "rewards-daily/2025-03-19/2");
    journal.append(Writer::Run(&run), &proposals(1)).await.unwrap();
    assert!(journal.verify(&[]).await.unwrap().is_whole());
}

/// Every kind of event, also in combinations that are never legal.
fn any_event() -> impl Strategy<Value = Event> {
    let text = || "[a-zäé\"\\\\\n ]{0,12}".prop_map(String::from);
    let plan = || prop_oneof![Just(PLAN.to_owned()), Just("plan-2".to_owned())];
    let decision = prop_oneof![Just(Decision::Applied), Just(Decision::NotApplied), Just(Decision::Resend)];
    prop_oneof![
        (plan(), text()).prop_map(|(plan, comment)| Event::Approved {
            plan,
            by: Approver::Job { rule: "approval: none".to_owned() },
            comment: Some(comment)
        }),
        plan().prop_map(|plan| Event::Withdrawn { plan }),
        text().prop_map(|comment| Event::Refused { by: "robin".to_owned(), comment }),
        Just(in_flight()),
        (text(), any::<bool>()).prop_map(|(why, alone)| Event::NotSent { why, alone }),
        proptest::option::of(text()).prop_map(|note| Event::Acknowledged {
            provider_id: note.clone(),
            note,
            refused: Vec::new()
        }),
        text().prop_map(|why| Event::Rejected { why }),
        text().prop_map(|why| Event::InDoubt { doubt: Doubt::NoReply, why }),
        (decision, text()).prop_map(|(decision, reason)| Event::Resolved { decision, by: "robin".to_owned(), reason }),
        any::<bool>().prop_map(|closed| Event::News(News {
            notification: "n-1".to_owned(),
            audit: Some("audit-1".to_owned()),
            status: if closed { "CLOSED" } else { "NEW" }.to_owned(),
            resolution_code: closed.then_some(1),
            resolution: None,
            at: None,
        })),
        text().prop_map(|reason| Event::Reopened { by: "robin".to_owned(), reason }),
    ]
}

static RUNTIME: LazyLock<tokio::runtime::Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap());

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_legal_events_in_any_batches_add_up_to_the_same_by_journal_and_by_the_rules(
        wanted in proptest::collection::vec((any::<Index>(), any_event()), 1..60),
        size in 1_usize..20,
    ) {
        RUNTIME.block_on(async {
            let place = Place::new();
            let journal = place.open().await;
            let effects = ["t-1", "t-2", "t-3"].map(|transaction| effect(ProviderAudit, transaction, 1));
            let mut events = effects.each_ref().map(proposed).to_vec();
            events.extend(wanted.iter().map(|(which, event)| (which.get(&effects).id.clone(), event.clone())));
            // What the rules allow, and what it adds up to.
            let mut legal: Vec<(String, Event, Standing)> = Vec::new();
            for (id, event) in events {
                let before = legal.iter().rev().find(|(known, ..)| *known == id).map(|(.., standing)| standing);
                if let Ok(after) = apply(before, &id, &event, chrono::DateTime::UNIX_EPOCH) {
                    legal.push((id, event, after));
                }
            }
            for batch in legal.chunks(size) {
                let events: Vec<_> = batch.iter().map(|(id, event, _)| (id.clone(), event.clone())).collect();
                let after = journal.append(Writer::Person, &events).await.unwrap();
                let expected: Vec<_> = batch.iter().map(|(.., standing)| timeless(standing)).collect();
                assert_eq!(after.iter().map(timeless).collect::<Vec<_>>(), expected);
            }
            for effect in &effects {
                let history = journal.history(&effect.id).await.unwrap();
                let replayed = history.iter().fold(None, |before: Option<Standing>, entry| {
                    Some(apply(before.as_ref(), &effect.id, &entry.event, entry.at).unwrap())
                });
                assert_eq!(journal.effect(&effect.id).await.unwrap(), replayed.unwrap());
            }
            let verdict = journal.verify(&[journal.anchor().await.unwrap()]).await.unwrap();
            assert!(verdict.is_whole(), "{:?}", verdict.findings);
        });
    }
}

/// Without the times that only the journal knows.
fn timeless(standing: &Standing) -> Standing {
    let mut standing = standing.clone();
    let epoch = chrono::DateTime::UNIX_EPOCH;
    standing.since = epoch;
    standing.acknowledged_at = standing.acknowledged_at.map(|_| epoch);
    if let Some(approval) = &mut standing.approval {
        approval.at = epoch;
    }
    standing
}
