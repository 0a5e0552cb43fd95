//! What the journal keeps of breaks: found, changed, gone, decided about; and how it is proved.

use std::time::{Duration, Instant};

use sqlx::Connection as _;
use tieout::breaks::BreakStatus;
use tieout::breaks::life::{Event, Evidence, Standing, apply};
use tieout::breaks::observe::{Dispute, Observation};
use tieout::exit::ExitCode;
use tieout::journal::{BreakFilter, Journal, JournalError, Writer};

use crate::support::journal::{Place, also_on_postgres, effect, proposed};
use crate::support::lives::{AT, DAY, JOB, many, person};
use crate::support::utc;
use tieout::effects::EffectKind;

also_on_postgres!(
    a_run_again_records_nothing_but_when_it_was_seen_last,
    what_is_new_changed_gone_and_found_again_is_told_apart,
    effects_and_breaks_stand_in_one_chain,
    a_decision_is_written_for_all_or_for_none,
    what_an_audit_says_of_a_break_of_another_period_is_recorded_too,
    ids_are_found_by_their_first_digits,
    a_run_without_its_lease_records_nothing,
    what_is_written_stays_written,
    twenty_thousand_breaks_take_seconds_and_one_commit,
);

fn id(number: usize) -> String {
    format!("{number:016x}")
}

async fn statuses(journal: &Journal) -> Vec<(String, &'static str)> {
    let found = journal.breaks(&BreakFilter::default()).await.unwrap();
    found.into_iter().map(|row| (row.standing.id, row.standing.status.name())).collect()
}

#[tokio::test]
async fn a_run_again_records_nothing_but_when_it_was_seen_last() {
    let place = Place::new();
    let journal = place.open().await;
    let (_lease, run) = place.begin(&journal).await;
    assert_eq!(journal.observe(&run, &many(3), utc(AT)).await.unwrap(), 3);
    let anchor = journal.anchor().await.unwrap();
    assert_eq!(anchor.sequence, 3);
    let second = journal.start_run(crate::support::journal::new_run(run.lease_epoch)).await.unwrap();
    let later = utc("2025-03-21T09:45:00Z");
    assert_eq!(journal.observe(&second, &many(3), later).await.unwrap(), 0);
    assert_eq!(journal.anchor().await.unwrap(), anchor);

    let [sighting] = journal.sightings(&id(1)).await.unwrap().try_into().unwrap();
    assert_eq!((&*sighting.period, sighting.present, sighting.last_seen), (DAY, true, later));
    assert_eq!((sighting.first_run, sighting.last_run), (run.id.clone(), second.id.clone()));
    let standing = journal.life(&id(1)).await.unwrap();
    assert_eq!((standing.first.seen_at, standing.status), (utc(AT), BreakStatus::Open));
    let [entry] = journal.life_of(&id(1)).await.unwrap().try_into().unwrap();
    assert_eq!((entry.sequence, entry.run, entry.epoch), (2, Some(run.id), run.lease_epoch));
    assert!(matches!(entry.event, Event::Opened { job, .. } if job == JOB));

    // Nothing found and nothing known is not even a commit.
    let other = Observation { period: "2025-03-20".to_owned(), found: vec![].into(), ..many(0) };
    let commits = journal.commits();
    assert_eq!(journal.observe(&second, &other, later).await.unwrap(), 0);
    assert_eq!(journal.commits(), commits);
}

#[tokio::test]
async fn what_is_new_changed_gone_and_found_again_is_told_apart() {
    let place = Place::new();
    let journal = place.open().await;
    let (_lease, run) = place.begin(&journal).await;
    journal.observe(&run, &many(3), utc(AT)).await.unwrap();
    // The first is gone, the second has changed, the fourth is new.
    let mut second = many(4);
    let mut found: Vec<_> = second.found.iter().skip(1).collect();
    found[0].facts.to_mut().digest = "other".to_owned();
    second.found = found.into();
    second.changed_inputs = vec!["ledger l.csv".to_owned()];
    assert_eq!(journal.observe(&run, &second, utc(AT)).await.unwrap(), 3);
    let told: Vec<_> = statuses(&journal)
        .await
        .into_iter()
        .map(|(id, status)| (usize::from_str_radix(&id, 16).unwrap(), status))
        .collect();
    assert_eq!(told, [(0, "resolved"), (1, "open"), (2, "open"), (3, "open")]);
    let [_, gone] = journal.life_of(&id(0)).await.unwrap().try_into().unwrap();
    let evidence = Evidence::Inputs { changed: vec!["ledger l.csv".to_owned()] };
    assert_eq!(gone.event, Event::Closed { period: DAY.to_owned(), evidence });
    assert!(!journal.sightings(&id(0)).await.unwrap()[0].present);

    assert_eq!(journal.observe(&run, &many(4), utc(AT)).await.unwrap(), 2, "the first is back, the second as it was");
    let names: Vec<_> = journal.life_of(&id(0)).await.unwrap().iter().map(|entry| entry.event.name()).collect();
    assert_eq!(names, ["opened", "closed", "reopened"]);
    assert!(journal.sightings(&id(0)).await.unwrap()[0].present);
    assert!(journal.verify(&[]).await.unwrap().is_whole());
}

#[tokio::test]
async fn effects_and_breaks_stand_in_one_chain() {
    let place = Place::new();
    let journal = place.open().await;
    let (_lease, run) = place.begin(&journal).await;
    let audit = effect(EffectKind::ProviderAudit, "t-1", 1);
    journal.append(Writer::Run(&run), &[proposed(&audit)]).await.unwrap();
    journal.observe(&run, &many(2), utc(AT)).await.unwrap();
    journal.decide(&[id(0), id(1)], &person("comment")).await.unwrap();
    journal.append(Writer::Run(&run), &[proposed(&effect(EffectKind::FraudMarker, "t-1", 1))]).await.unwrap();
    let verdict = journal.verify(&[journal.anchor().await.unwrap()]).await.unwrap();
    assert!(verdict.is_whole(), "{verdict:?}");
    assert_eq!((verdict.entries, verdict.effects, verdict.breaks, verdict.end.sequence), (6, 2, 2, 6));
    let mut lines = Vec::new();
    let count = journal.export(|bytes| {
        lines.extend_from_slice(bytes);
        Ok(())
    });
    assert_eq!(count.await.unwrap(), 6);
    let lines: Vec<serde_json::Value> =
        String::from_utf8(lines).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[1]["entry"]["break"], &lines[1]["entry"]["event"]["event"]), (&id(0).into(), &"opened".into()));
    assert_eq!((&lines[3]["entry"]["run"], &lines[3]["entry"]["event"]["by"]), (&().into(), &"Mara Lind".into()));
    for (before, after) in lines.iter().zip(&lines[1..]) {
        assert_eq!(after["entry"]["previous"], before["hash"]);
    }
}

#[tokio::test]
async fn a_decision_is_written_for_all_or_for_none() {
    let place = Place::new();
    let journal = place.open().await;
    let (_lease, run) = place.begin(&journal).await;
    journal.observe(&run, &many(3), utc(AT)).await.unwrap();
    let after = journal.decide(&[id(0)], &person("write off")).await.unwrap();
    assert_eq!((after[0].status, after[0].is_closed_by_person()), (BreakStatus::WrittenOff, true));
    let anchor = journal.anchor().await.unwrap();
    let refused = journal.decide(&[id(1), id(0)], &person("confirm")).await.unwrap_err();
    assert!(matches!(refused, JournalError::IllegalBreak(_)), "{refused:?}");
    assert_eq!(refused.to_string(), format!("break {}: `confirmed` cannot follow written_off", id(0)));
    assert_eq!((journal.anchor().await.unwrap(), refused.exit_code()), (anchor, ExitCode::InvariantFailed));
    // The same facts again change nothing, others open it again.
    assert_eq!(journal.observe(&run, &many(3), utc(AT)).await.unwrap(), 0);
    let mut other = many(3);
    let mut found: Vec<_> = other.found.iter().collect();
    found[0].facts.to_mut().digest = "other".to_owned();
    other.found = found.into();
    assert_eq!(journal.observe(&run, &other, utc(AT)).await.unwrap(), 1);
    assert_eq!(journal.life(&id(0)).await.unwrap().status, BreakStatus::Open);
}

#[tokio::test]
async fn what_an_audit_says_of_a_break_of_another_period_is_recorded_too() {
    let place = Place::new();
    let journal = place.open().await;
    let (_lease, run) = place.begin(&journal).await;
    journal.observe(&run, &many(2), utc(AT)).await.unwrap();
    let mut later = Observation { period: "2025-03-20".to_owned(), ..many(0) };
    let says = |verdict| vec![Dispute { effect: "a".to_owned(), verdict }];
    later.disputes.insert(id(1), says(BreakStatus::WrittenOff));
    later.disputes.insert(id(7), says(BreakStatus::InDispute));
    assert_eq!(journal.observe(&run, &later, utc(AT)).await.unwrap(), 2, "of what nobody knows nothing is recorded");
    let told: Vec<_> = statuses(&journal).await.into_iter().map(|(_, status)| status).collect();
    assert_eq!(told, ["open", "written_off"]);
    assert_eq!(journal.observe(&run, &later, utc(AT)).await.unwrap(), 0);
    assert!(journal.sightings(&id(1)).await.unwrap()[0].present, "its own period still has it");
    assert!(journal.verify(&[]).await.unwrap().is_whole());
}

#[tokio::test]
async fn ids_are_found_by_their_first_digits() {
    let place = Place::new();
    let journal = place.open().await;
    let (_lease, run) = place.begin(&journal).await;
    let mut found: Vec<_> = many(2).found.iter().collect();
    "a1b2c3d400000000".clone_into(&mut found[0].id);
    "a1b2c3d500000000".clone_into(&mut found[1].id);
    let found = Observation { found: found.into(), ..many(0) };
    journal.observe(&run, &found, utc(AT)).await.unwrap();
    assert_eq!(journal.life("A1B2C3D4").await.unwrap().id, "a1b2c3d400000000");
    let told = async |id: &str| {
        let error = journal.life(id).await.unwrap_err();
        (error.to_string(), error.exit_code())
    };
    let both = "`a1b2` begins the ids of several breaks: a1b2c3d400000000, a1b2c3d500000000; give more digits";
    assert_eq!(told("a1b2").await, (both.to_owned(), ExitCode::Usage));
    let short = "no break `a1b` in the state file; `tieout breaks list` lists them";
    assert_eq!(told("a1b").await, (short.to_owned(), ExitCode::Usage));
    let key = "no break `t-00001` in the state file; did you mean a1b2c3d500000000?";
    assert_eq!(told("t-00001").await, (key.to_owned(), ExitCode::Usage));
}

#[tokio::test]
async fn a_run_without_its_lease_records_nothing() {
    let place = Place::new();
    let journal = place.open().await;
    let (_lease, run) = place.begin(&journal).await;
    place.sql("UPDATE leases SET epoch = epoch + 1").await;
    let refused = journal.observe(&run, &many(3), utc(AT)).await.unwrap_err();
    assert!(matches!(refused, JournalError::LeaseLost { .. }), "{refused:?}");
    assert_eq!(journal.anchor().await.unwrap().sequence, 0);
    assert_eq!(statuses(&journal).await, []);
}

#[tokio::test]
async fn whoever_tampers_with_breaks_is_found_out() {
    let (first, digest) = (id(0), sha(3));
    for (sql, expected) in [
        (
            "UPDATE breaks SET status = 'written_off' WHERE key = 't-00000'".to_owned(),
            vec![format!("break {first}: `status` is `written_off`; expected `open`")],
        ),
        (
            "UPDATE breaks SET owner = 'Eve' WHERE key = 't-00000'".to_owned(),
            vec![format!("break {first}: `owner` is `Eve`; expected not there")],
        ),
        (
            "UPDATE sightings SET present = 0 WHERE break_id = '0000000000000000'".to_owned(),
            vec![
                format!("break {first}: for 2025-03-19 it is gone in the sightings; expected present"),
                format!("break {first}: it is present in 0 of the sightings; expected 1"),
            ],
        ),
        (
            "DROP TRIGGER breaks_are_kept; DELETE FROM breaks WHERE key = 't-00000'".to_owned(),
            vec![format!("break {first}: it is not among the breaks; expected it there as open")],
        ),
        (
            "INSERT INTO breaks SELECT 'ff', job, kind, key, currency, at_risk_minor, status, owner, first_period, \
             standing, last_sequence, last_hash FROM breaks WHERE key = 't-00000'"
                .to_owned(),
            vec!["break ff: no entry speaks of it".to_owned()],
        ),
        (
            "DROP TRIGGER entries_stay; UPDATE entries SET subject = 'effect' WHERE sequence = 3".to_owned(),
            vec![
                "entry 3: its text is no entry that this program can read".to_owned(),
                format!("break {}: no entry speaks of it", id(2)),
                format!("break {}: no entry speaks of it", id(2)),
            ],
        ),
        (
            "DROP TRIGGER entries_stay; UPDATE entries SET effect = '00000000000000ff' WHERE sequence = 3".to_owned(),
            vec![format!("entry 3: it is filed under break 00000000000000ff; expected {}, as its text says", id(2))],
        ),
        (
            format!("DROP TRIGGER entries_stay; UPDATE entries SET hash = '{digest}' WHERE sequence = 3"),
            vec![String::new()],
        ),
    ] {
        let place = Place::new();
        let journal = place.open().await;
        let (_lease, run) = place.begin(&journal).await;
        journal.observe(&run, &many(3), utc(AT)).await.unwrap();
        place.sql(&sql).await;
        let verdict = journal.verify(&[]).await.unwrap();
        let told: Vec<String> = verdict.findings.iter().map(ToString::to_string).collect();
        if expected == [String::new()] {
            assert!(!verdict.is_whole() && told[0].starts_with("entry 3: its text has the hash "), "{told:?}");
        } else {
            assert_eq!(told, expected, "{sql}");
        }
    }
}

fn sha(number: usize) -> String {
    format!("{number:064x}")
}

/// What stands in the column.
async fn standings(place: &Place) -> Vec<String> {
    let path = place.folder.path().join("state.db");
    let mut connection =
        sqlx::SqliteConnection::connect_with(&sqlx::sqlite::SqliteConnectOptions::new().filename(path)).await.unwrap();
    sqlx::query_scalar("SELECT standing FROM breaks ORDER BY id").fetch_all(&mut connection).await.unwrap()
}

#[tokio::test]
async fn a_break_to_which_nothing_has_happened_stands_as_its_one_entry_says() {
    let place = Place::new();
    let journal = place.open().await;
    let (_lease, run) = place.begin(&journal).await;
    journal.observe(&run, &many(3), utc(AT)).await.unwrap();
    journal.decide(&[id(1)], &person("comment")).await.unwrap();
    let written = standings(&place).await;
    assert_eq!((&*written[0], &*written[2]), ("", ""));
    assert_eq!(serde_json::from_str::<Standing>(&written[1]).unwrap(), journal.life(&id(1)).await.unwrap());
    let [entry] = journal.life_of(&id(0)).await.unwrap().try_into().unwrap();
    let standing = journal.life(&id(0)).await.unwrap();
    assert_eq!(standing, apply(None, &id(0), &entry.event, entry.at).unwrap());

    // A journal of before says it in full, which is as good; of more than one entry the text is needed.
    let full = serde_json::to_string(&standing).unwrap();
    place.sql(&format!("UPDATE breaks SET standing = '{full}' WHERE id = '{}'", id(0))).await;
    assert!(journal.verify(&[]).await.unwrap().is_whole());
    assert_eq!(journal.life(&id(0)).await.unwrap(), standing);
    place.sql(&format!("UPDATE breaks SET standing = '' WHERE id = '{}'", id(1))).await;
    assert!(!journal.verify(&[]).await.unwrap().is_whole());
}

#[tokio::test]
async fn so_many_breaks_that_indexes_are_made_at_the_end_are_found_by_them() {
    let place = Place::new();
    let journal = place.open().await;
    let (_lease, run) = place.begin(&journal).await;
    let indexes = "SELECT count(*) FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL";
    let before = place.number(indexes).await;
    assert_eq!(journal.observe(&run, &many(50_000), utc(AT)).await.unwrap(), 50_000);
    assert_eq!(place.number(indexes).await, before);
    assert_eq!(journal.lives_of_key("t-04711").await.unwrap()[0].id, id(4_711));
    assert_eq!(journal.life_of(&id(4_711)).await.unwrap().len(), 1);
    assert_eq!(place.number("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'").await, 0);
}

#[tokio::test]
async fn what_is_written_stays_written() {
    let place = Place::new();
    let journal = place.open().await;
    let (_lease, run) = place.begin(&journal).await;
    journal.observe(&run, &many(1), utc(AT)).await.unwrap();
    for sql in
        ["DELETE FROM breaks", "DELETE FROM sightings", "DELETE FROM entries", "UPDATE entries SET subject = 'effect'"]
    {
        assert!(place.try_sql(sql).await.is_err(), "{sql}");
    }
}

#[tokio::test]
async fn twenty_thousand_breaks_take_seconds_and_one_commit() {
    let place = Place::new();
    let journal = place.open().await;
    let (_lease, run) = place.begin(&journal).await;
    let found = many(20_000);
    let commits = journal.commits();
    let start = Instant::now();
    assert_eq!(journal.observe(&run, &found, utc(AT)).await.unwrap(), 20_000);
    let first = start.elapsed();
    let start = Instant::now();
    assert_eq!(journal.observe(&run, &found, utc(AT)).await.unwrap(), 0);
    let again = start.elapsed();
    assert_eq!(journal.commits(), commits + 2);
    // Ten times what an optimized build takes: tests are built without, on machines with other work.
    assert!(first.max(again) < Duration::from_secs(30), "{first:?}, {again:?}");
}
