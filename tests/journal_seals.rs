//! What the journal keeps of sealed periods: sealed, opened again, refused; and how it is proved.

use std::collections::BTreeMap;

use tieout::breaks::observe::Observation;
use tieout::exit::ExitCode;
use tieout::journal::{JournalError, NewSeal};
use tieout::seals::life::apply;
use tieout::seals::{Event, SealState};

use crate::support::journal::{JOB, PERIOD, Place, also_on_postgres, new_run};
use crate::support::lives::{AT, many};
use crate::support::utc;

also_on_postgres!(
    a_period_is_sealed_opened_again_and_sealed_with_another_attempt,
    what_cannot_follow_is_refused_and_nothing_is_written,
    a_run_that_was_begun_meanwhile_keeps_the_seal_off,
    seals_stand_in_the_one_chain_and_are_exported,
    what_is_written_stays_written,
);

fn run(attempt: u32) -> String {
    format!("{JOB}/{PERIOD}/{attempt}")
}

fn seal(attempt: u32, latest: Option<String>) -> NewSeal {
    let event = Event::Sealed {
        job: JOB.to_owned(),
        period: PERIOD.to_owned(),
        run: run(attempt),
        files: BTreeMap::from([("summary.json".to_owned(), "5f".repeat(32))]),
        open_breaks: 3,
        by: "Mara Lind".to_owned(),
        reason: "signed off".to_owned(),
    };
    NewSeal { job: JOB.to_owned(), period: PERIOD.to_owned(), latest_run: latest, event }
}

fn unseal() -> NewSeal {
    let event = Event::Unsealed { by: "Robin".to_owned(), reason: "closed too early".to_owned() };
    NewSeal { event, ..seal(1, None) }
}

#[tokio::test]
async fn a_period_is_sealed_opened_again_and_sealed_with_another_attempt() {
    let place = Place::new();
    let journal = place.open().await;
    assert_eq!(journal.sealed(JOB, PERIOD).await.unwrap(), None);
    let [sealed] = journal.decide_seals(&[seal(1, None)]).await.unwrap().try_into().unwrap();
    assert_eq!((sealed.state, &*sealed.run, sealed.open_breaks), (SealState::Sealed, &*run(1), 3));
    assert_eq!(journal.sealed(JOB, PERIOD).await.unwrap(), Some(sealed.clone()));
    assert_eq!(journal.seals(Some(JOB)).await.unwrap(), [sealed]);
    assert_eq!(journal.seals(Some("other")).await.unwrap(), []);

    let [open] = journal.decide_seals(&[unseal()]).await.unwrap().try_into().unwrap();
    assert_eq!((open.state, &*open.by, &*open.run), (SealState::Unsealed, "Robin", &*run(1)));
    assert_eq!(journal.sealed(JOB, PERIOD).await.unwrap(), None);
    journal.decide_seals(&[seal(2, None)]).await.unwrap();
    assert_eq!(journal.sealed(JOB, PERIOD).await.unwrap().unwrap().run, run(2));
    let verdict = journal.verify(&[journal.anchor().await.unwrap()]).await.unwrap();
    assert!(verdict.is_whole(), "{verdict:?}");
    assert_eq!((verdict.entries, verdict.effects, verdict.breaks, verdict.seals), (3, 0, 0, 1));
}

#[tokio::test]
async fn what_cannot_follow_is_refused_and_nothing_is_written() {
    let place = Place::new();
    let journal = place.open().await;
    let refused = journal.decide_seals(&[unseal()]).await.unwrap_err();
    assert_eq!(refused.to_string(), format!("period {JOB}/{PERIOD}: `unsealed` cannot follow nothing"));
    journal.decide_seals(&[seal(1, None)]).await.unwrap();
    let other = NewSeal { period: "2025-03-20".to_owned(), ..unseal() };
    // The second is illegal: the first is not written either.
    let both = [unseal(), other];
    let refused = journal.decide_seals(&both).await.unwrap_err();
    assert!(matches!(refused, JournalError::IllegalSeal(_)), "{refused:?}");
    let refused = journal.decide_seals(&[seal(2, None)]).await.unwrap_err();
    assert_eq!(refused.to_string(), format!("period {JOB}/{PERIOD}: `sealed` cannot follow sealed"));
    assert_eq!(refused.exit_code(), ExitCode::InvariantFailed);
    assert_eq!(journal.anchor().await.unwrap().sequence, 1);
    assert_eq!(journal.sealed(JOB, PERIOD).await.unwrap().unwrap().run, run(1));
}

#[test]
fn a_seal_is_of_an_attempt_of_its_own_period() {
    let Event::Sealed { job, files, by, reason, .. } = seal(1, None).event else { panic!("a seal") };
    for (period, run) in [
        ("2025-03-20", format!("{JOB}/{PERIOD}/1")),
        (PERIOD, format!("{JOB}/2025-03-20/1")),
        (PERIOD, format!("{JOB}/{PERIOD}")),
        (PERIOD, format!("{JOB}/{PERIOD}0/1")),
    ] {
        let (job, period, files) = (job.clone(), period.to_owned(), files.clone());
        let (by, reason) = (by.clone(), reason.clone());
        let event = Event::Sealed { job, period, run: run.clone(), files, open_breaks: 0, by, reason };
        let refused = apply(None, &format!("{JOB}/{PERIOD}"), &event, utc(AT));
        assert!(refused.is_err(), "{run}");
    }
}

#[tokio::test]
async fn a_run_that_was_begun_meanwhile_keeps_the_seal_off() {
    let place = Place::new();
    let journal = place.open().await;
    let (_lease, first) = place.begin(&journal).await;
    let second = journal.start_run(new_run(first.lease_epoch)).await.unwrap();
    let refused = journal.decide_seals(&[seal(1, Some(first.id.clone()))]).await.unwrap_err();
    let expected =
        format!("run {} was begun meanwhile; when it has ended, look at it and seal {JOB}/{PERIOD} again", second.id);
    assert_eq!((refused.to_string(), refused.exit_code()), (expected, ExitCode::TryAgainLater));
    assert_eq!(journal.anchor().await.unwrap().sequence, 0);
    journal.decide_seals(&[seal(1, Some(second.id))]).await.unwrap();
}

#[tokio::test]
async fn seals_stand_in_the_one_chain_and_are_exported() {
    let place = Place::new();
    let journal = place.open().await;
    let (_lease, first) = place.begin(&journal).await;
    let found: Observation = many(2);
    journal.observe(&first, &found, utc(AT)).await.unwrap();
    journal.decide_seals(&[seal(1, None)]).await.unwrap();
    let mut lines = Vec::new();
    let exported = journal.export(|bytes| {
        lines.extend_from_slice(bytes);
        Ok(())
    });
    assert_eq!(exported.await.unwrap(), 3);
    let lines: Vec<serde_json::Value> =
        String::from_utf8(lines).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let entry = &lines[2]["entry"];
    assert_eq!((&entry["seal"], &entry["event"]["event"]), (&format!("{JOB}/{PERIOD}").into(), &"sealed".into()));
    assert_eq!((&entry["run"], &entry["event"]["by"]), (&().into(), &"Mara Lind".into()));
    assert_eq!(entry["previous"], lines[1]["hash"]);
    let verdict = journal.verify(&[]).await.unwrap();
    assert_eq!((verdict.is_whole(), verdict.breaks, verdict.seals), (true, 2, 1));
}

#[tokio::test]
async fn whoever_tampers_with_a_seal_is_found_out() {
    let id = format!("`{JOB}/{PERIOD}`");
    for (sql, expected) in [
        (
            "UPDATE seals SET state = 'unsealed'".to_owned(),
            vec![format!("seal {id}: `state` is `unsealed`; expected `sealed`")],
        ),
        (
            format!("UPDATE seals SET run = '{}'", run(7)),
            vec![format!("seal {id}: `run` is `{}`; expected `{}`", run(7), run(1))],
        ),
        (
            "UPDATE seals SET standing = replace(standing, 'Mara Lind', 'Eve')".to_owned(),
            vec![format!("seal {id}: `standing.by` is `\"Eve\"`; expected `\"Mara Lind\"`")],
        ),
        (
            "DROP TRIGGER seals_are_kept; DELETE FROM seals".to_owned(),
            vec![format!("seal {id}: it is not among the seals; expected it there as sealed")],
        ),
        (
            "INSERT INTO seals SELECT 'a/b', 'a', 'b', state, run, standing, last_sequence, last_hash FROM seals"
                .to_owned(),
            vec!["seal `a/b`: no entry speaks of it".to_owned()],
        ),
        (
            "DROP TRIGGER entries_stay; UPDATE entries SET effect = 'a/b'".to_owned(),
            vec![format!("entry 1: it is filed under seal `a/b`; expected {id}, as its text says")],
        ),
        (
            "DROP TRIGGER entries_stay; UPDATE entries SET subject = 'break'".to_owned(),
            vec![
                "entry 1: its text is no entry that this program can read".to_owned(),
                format!("seal {id}: no entry speaks of it"),
            ],
        ),
    ] {
        let place = Place::new();
        let journal = place.open().await;
        journal.decide_seals(&[seal(1, None)]).await.unwrap();
        place.sql(&sql).await;
        let told: Vec<String> = journal.verify(&[]).await.unwrap().findings.iter().map(ToString::to_string).collect();
        assert_eq!(told, expected, "{sql}");
    }
}

#[tokio::test]
async fn what_is_written_stays_written() {
    let place = Place::new();
    let journal = place.open().await;
    journal.decide_seals(&[seal(1, None)]).await.unwrap();
    for sql in ["DELETE FROM seals", "DELETE FROM entries", "UPDATE entries SET subject = 'effect'"] {
        assert!(place.try_sql(sql).await.is_err(), "{sql}");
    }
}

#[tokio::test]
async fn the_entries_of_a_journal_of_before_are_kept_byte_for_byte() {
    let place = Place::new();
    let journal = place.open().await;
    let (_lease, first) = place.begin(&journal).await;
    journal.observe(&first, &many(3), utc(AT)).await.unwrap();
    let anchor = journal.anchor().await.unwrap();
    journal.close().await.unwrap();
    // As version 4 has left it.
    place
        .sql(
            "DROP TABLE sessions; DROP TABLE sign_offs; DROP TABLE notice_deliveries; DROP TABLE notice_topics;
             DROP TABLE notices; DROP TABLE seals;
             CREATE TABLE old (sequence INTEGER PRIMARY KEY CHECK (sequence > 0),
             effect TEXT NOT NULL, entry TEXT NOT NULL, hash TEXT NOT NULL, subject TEXT NOT NULL DEFAULT 'effect'
             CHECK (subject IN ('effect', 'break'))) STRICT;
             INSERT INTO old SELECT sequence, effect, entry, hash, subject FROM entries; DROP TABLE entries;
             ALTER TABLE old RENAME TO entries; CREATE INDEX entries_by_effect ON entries (effect, sequence);
             CREATE TRIGGER entries_are_kept BEFORE DELETE ON entries
             BEGIN SELECT RAISE(ABORT, 'an entry is never deleted'); END;
             PRAGMA user_version = 4",
        )
        .await;
    let journal = place.open().await;
    let verdict = journal.verify(&[anchor]).await.unwrap();
    assert!(verdict.is_whole(), "{verdict:?}");
    assert_eq!(verdict.entries, 3);
    assert!(place.try_sql("DELETE FROM entries").await.is_err());
    journal.decide_seals(&[seal(1, None)]).await.unwrap();
    assert!(journal.verify(&[]).await.unwrap().is_whole());
}
