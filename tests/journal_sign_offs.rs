//! What the journal keeps of signatures: given, withdrawn, refused; and how it is proved.

use tieout::exit::ExitCode;
use tieout::journal::{Ending, Journal, JournalError, NewSignOff, RunOutcome, Step};
use tieout::sign_off::{Event, SignOffState};

use crate::support::journal::{JOB, PERIOD, Place, also_on_postgres, new_run};
use crate::support::lives::{AT, many};
use crate::support::utc;

also_on_postgres!(
    a_report_is_prepared_signed_off_and_withdrawn,
    what_cannot_follow_is_refused_and_nothing_is_written,
    a_run_that_has_finished_meanwhile_keeps_the_signature_off,
    signatures_stand_in_the_one_chain_and_are_exported,
    what_is_written_stays_written,
);

fn run(attempt: u32) -> String {
    format!("{JOB}/{PERIOD}/{attempt}")
}

fn prepared(attempt: u32) -> NewSignOff {
    let (by, statement) = ("Mara Lind".to_owned(), "checked".to_owned());
    let event = Event::Prepared { run: run(attempt), digest: "5f".repeat(32), by, statement };
    NewSignOff { run: run(attempt), must_be_last: false, event }
}

fn signed(by: &str) -> NewSignOff {
    let (by, statement) = (by.to_owned(), "reviewed".to_owned());
    let event = Event::SignedOff { run: run(1), digest: "5f".repeat(32), by, statement };
    NewSignOff { event, ..prepared(1) }
}

fn withdrawn() -> NewSignOff {
    let event = Event::Withdrawn { by: "Ada".to_owned(), reason: "wrong rates".to_owned() };
    NewSignOff { event, ..prepared(1) }
}

#[tokio::test]
async fn a_report_is_prepared_signed_off_and_withdrawn() {
    let place = Place::new();
    let journal = place.open().await;
    assert_eq!(journal.sign_off(&run(1)).await.unwrap(), None);
    let standing = journal.sign(&prepared(1)).await.unwrap();
    assert_eq!((standing.state, standing.job_and_period()), (SignOffState::Prepared, (JOB, PERIOD)));
    let standing = journal.sign(&signed("Robin")).await.unwrap();
    assert_eq!(standing.state, SignOffState::SignedOff);
    assert_eq!(journal.sign_off(&run(1)).await.unwrap(), Some(standing.clone()));
    let other = journal.sign(&prepared(2)).await.unwrap();
    assert_eq!(journal.sign_offs(Some(JOB)).await.unwrap(), [standing.clone(), other.clone()]);
    assert_eq!(journal.sign_offs_of(JOB, PERIOD).await.unwrap(), [standing, other]);
    assert_eq!(journal.sign_offs(Some("other")).await.unwrap(), []);
    assert_eq!(journal.sign_offs_of(JOB, "2025-03-20").await.unwrap(), []);
    assert_eq!(journal.sign(&withdrawn()).await.unwrap().state, SignOffState::Withdrawn);
    journal.sign(&signed("Mara Lind")).await.unwrap();
    let verdict = journal.verify(&[journal.anchor().await.unwrap()]).await.unwrap();
    assert!(verdict.is_whole(), "{verdict:?}");
    assert_eq!((verdict.entries, verdict.sign_offs, verdict.seals, verdict.breaks), (5, 2, 0, 0));
}

#[tokio::test]
async fn what_cannot_follow_is_refused_and_nothing_is_written() {
    let place = Place::new();
    let journal = place.open().await;
    journal.sign(&prepared(1)).await.unwrap();
    for (new, told) in [
        (signed("mara lind"), "`signed_off` cannot follow prepared by the same person"),
        (prepared(1), "`prepared` cannot follow prepared"),
    ] {
        let refused = journal.sign(&new).await.unwrap_err();
        assert_eq!(refused.to_string(), format!("sign-off of {}: {told}", run(1)));
        assert!(matches!(refused, JournalError::IllegalSignOff(_)), "{refused:?}");
        assert_eq!(refused.exit_code(), ExitCode::InvariantFailed);
    }
    assert_eq!(journal.anchor().await.unwrap().sequence, 1);
}

/// Ends the run as one whose report is complete.
async fn finish(journal: &Journal, run: &tieout::journal::RunRecord) {
    let steps = [Step::Pulled, Step::Normalized, Step::Matched, Step::Classified];
    for step in steps.into_iter().chain([Step::Planned, Step::Sent, Step::Reported]) {
        journal.mark(run, step, serde_json::json!({})).await.unwrap();
    }
    let outcome = RunOutcome {
        ending: Ending::Done,
        exit_code: ExitCode::Done,
        breaks: Some(0),
        rows: Some(3),
        ties_out: Some(true),
        message: None,
        finished_at: utc(AT),
        artifacts: None,
    };
    journal.finish(run, outcome).await.unwrap();
}

#[tokio::test]
async fn a_run_that_has_finished_meanwhile_keeps_the_signature_off() {
    let place = Place::new();
    let journal = place.open().await;
    let (_lease, first) = place.begin(&journal).await;
    finish(&journal, &first).await;
    let second = journal.start_run(new_run(first.lease_epoch)).await.unwrap();
    let of_first = NewSignOff { must_be_last: true, ..prepared(1) };
    // What only runs supersedes nothing yet.
    journal.sign(&of_first).await.unwrap();
    finish(&journal, &second).await;
    let refused = journal.sign(&NewSignOff { must_be_last: true, ..signed("Robin") }).await.unwrap_err();
    let expected =
        format!("run {} has finished meanwhile and supersedes {}; look at that one and sign it", run(2), run(1));
    assert_eq!((refused.to_string(), refused.exit_code()), (expected, ExitCode::TryAgainLater));
    assert_eq!(journal.anchor().await.unwrap().sequence, 1);
    journal.sign(&NewSignOff { must_be_last: true, ..prepared(2) }).await.unwrap();
}

#[tokio::test]
async fn signatures_stand_in_the_one_chain_and_are_exported() {
    let place = Place::new();
    let journal = place.open().await;
    let (_lease, first) = place.begin(&journal).await;
    journal.observe(&first, &many(2), utc(AT)).await.unwrap();
    journal.sign(&prepared(1)).await.unwrap();
    let mut lines = Vec::new();
    let exported = journal.export(|bytes| {
        lines.extend_from_slice(bytes);
        Ok(())
    });
    assert_eq!(exported.await.unwrap(), 3);
    let lines: Vec<serde_json::Value> =
        String::from_utf8(lines).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let entry = &lines[2]["entry"];
    assert_eq!((&entry["sign_off"], &entry["event"]["event"]), (&run(1).into(), &"prepared".into()));
    assert_eq!((&entry["run"], &entry["event"]["by"]), (&().into(), &"Mara Lind".into()));
    assert_eq!(entry["previous"], lines[1]["hash"]);
}

#[tokio::test]
async fn whoever_tampers_with_a_signature_is_found_out() {
    let id = format!("`{}`", run(1));
    for (sql, expected) in [
        (
            "UPDATE sign_offs SET state = 'withdrawn'".to_owned(),
            vec![format!("sign-off {id}: `state` is `withdrawn`; expected `prepared`")],
        ),
        (
            format!("UPDATE sign_offs SET digest = '{}'", "00".repeat(32)),
            vec![format!("sign-off {id}: `digest` is {}; expected {}", "00".repeat(32), "5f".repeat(32))],
        ),
        (
            "UPDATE sign_offs SET standing = replace(standing, 'Mara Lind', 'Eve')".to_owned(),
            vec![format!(
                "sign-off {id}: `standing.prepared` is `{{\"at\":\"AT\",\"by\":\"Eve\",\"statement\":…`; expected \
                 `{{\"at\":\"AT\",\"by\":\"Mara Lind\",\"state…`"
            )],
        ),
        (
            "DROP TRIGGER sign_offs_are_kept; DELETE FROM sign_offs".to_owned(),
            vec![format!("sign-off {id}: it is not among the sign-offs; expected it there as prepared")],
        ),
        (
            "INSERT INTO sign_offs SELECT 'a/b/1', 'a', 'b', state, digest, standing, last_sequence, last_hash
             FROM sign_offs"
                .to_owned(),
            vec!["sign-off `a/b/1`: no entry speaks of it".to_owned()],
        ),
        (
            "DROP TRIGGER entries_stay; UPDATE entries SET effect = 'a/b/1'".to_owned(),
            vec![format!("entry 1: it is filed under sign-off `a/b/1`; expected {id}, as its text says")],
        ),
        (
            "DROP TRIGGER entries_stay; UPDATE entries SET entry = replace(entry, 'checked', 'Checked')".to_owned(),
            vec!["entry 1: its text has the hash HASH; expected HASH, which stands beside it".to_owned()],
        ),
    ] {
        let place = Place::new();
        let journal = place.open().await;
        let standing = journal.sign(&prepared(1)).await.unwrap();
        let at = serde_json::to_value(standing.at()).unwrap();
        place.sql(&sql).await;
        let findings = journal.verify(&[]).await.unwrap().findings;
        let mut told: Vec<String> =
            findings.iter().map(|finding| finding.to_string().replace(at.as_str().unwrap(), "AT")).collect();
        if sql.contains("Checked") {
            // The standing differs, too.
            told.truncate(1);
            let hash = |word: &str| word.trim_end_matches([';', ',']).len() == 64;
            told[0] = told[0]
                .split(' ')
                .map(
                    |word| {
                        if hash(word) { word.replace(word.trim_end_matches([';', ',']), "HASH") } else { word.into() }
                    },
                )
                .collect::<Vec<_>>()
                .join(" ");
        }
        assert_eq!(told, expected, "{sql}");
    }
}

#[tokio::test]
async fn what_is_written_stays_written() {
    let place = Place::new();
    let journal = place.open().await;
    journal.sign(&prepared(1)).await.unwrap();
    for sql in ["DELETE FROM sign_offs", "DELETE FROM entries", "UPDATE entries SET subject = 'effect'"] {
        assert!(place.try_sql(sql).await.is_err(), "{sql}");
    }
}
