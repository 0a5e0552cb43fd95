//! `journal verify`, `export` and `anchor` over a journal that this test makes.

use serde_json::{Value, json};
use tieout::digest::sha256;
use tieout::effects::{Anchor, EffectKind};
use tieout::exit::ExitCode;
use tieout::journal::{Ending, GENESIS, Journal, RunOutcome, Step, Writer};

use crate::support::journal::{effect, new_run, proposed};
use crate::support::project::TestProject;

/// Three entries about three effects; gives the anchor after the second.
fn filled(project: &TestProject) -> (Anchor, Anchor) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let journal = Journal::open(&project.path(".tieout/state.db")).await.unwrap();
        let run = journal.start_run(new_run(None)).await.unwrap();
        let of = |transaction| [proposed(&effect(EffectKind::ProviderAudit, transaction, 1))];
        journal.append(Writer::Run(&run), &of("t-1")).await.unwrap();
        journal.append(Writer::Run(&run), &of("t-2")).await.unwrap();
        let second = journal.anchor().await.unwrap();
        journal.append(Writer::Person, &of("t-3")).await.unwrap();
        // Those of a reconciliation.
        let others = [Step::Started, Step::Sealed, Step::Finished];
        let steps = Step::ALL.into_iter().filter(|step| !others.contains(step));
        for step in steps {
            journal.mark(&run, step, Value::Null).await.unwrap();
        }
        let outcome = RunOutcome {
            ending: Ending::Done,
            exit_code: ExitCode::Done,
            breaks: Some(0),
            rows: Some(0),
            ties_out: Some(true),
            message: None,
            finished_at: chrono::Utc::now(),
            artifacts: Some(project.path("runs/rewards-daily/2025-03-19/1")),
        };
        journal.finish(&run, outcome).await.unwrap();
        let last = journal.anchor().await.unwrap();
        journal.close().await.unwrap();
        (second, last)
    })
}

/// What somebody with a shell does to the state file.
fn sql(project: &TestProject, sql: &'static str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = crate::support::journal::plain(&project.path(".tieout/state.db")).await;
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        sqlx::Connection::close(connection).await.unwrap();
    });
}

fn line(anchor: &Anchor) -> String {
    format!("{}:{}", anchor.sequence, anchor.hash)
}

const CUT: &str = "DROP TRIGGER entries_are_kept; DROP TRIGGER effects_are_kept;
    DELETE FROM effects WHERE last_sequence = 3; DELETE FROM entries WHERE sequence = 3";

#[test]
fn where_nothing_was_ever_run_the_journal_is_empty_and_whole() {
    let project = TestProject::small();
    let verified = project.run(&["journal", "verify"]).ended_with(0);
    assert_eq!(
        verified.stdout,
        format!(
            "The journal is whole: 0 entries about 0 effects, held against 0 anchors.\nWithout an anchor \
             nothing shows whether entries were cut off at its end.\nKeep this anchor elsewhere: 0:{GENESIS}\n"
        )
    );
    assert_eq!(project.run(&["journal", "anchor"]).ended_with(0).stdout, format!("0:{GENESIS}\n"));
    assert_eq!(project.run(&["journal", "export"]).ended_with(0).stdout, "");
    // The state file is gone, and somebody knows that it was not empty.
    let anchor = format!("4:{}", "ab".repeat(32));
    let gone = project.run(&["journal", "verify", "--anchor", &anchor]).ended_with(70);
    assert!(gone.stdout.contains("the end: the last entry is 0; an anchor knows entry 4"), "{}", gone.stdout);
}

#[test]
fn a_whole_journal_is_proved_against_the_anchors_that_are_given_and_those_of_its_reports() {
    let project = TestProject::small();
    let (second, last) = filled(&project);
    let verified = project.run(&["journal", "verify", "--anchor", &line(&last)]).ended_with(0);
    assert_eq!(
        verified.stdout,
        format!(
            "The journal is whole: 3 entries about 3 effects, held against 1 anchor.\nKeep this anchor \
             elsewhere: {}\n",
            line(&last)
        )
    );
    let report = json!({ "schema": "tieout.summary/1", "effects": { "plan": "p", "anchor": second } });
    project.write("runs/rewards-daily/2025-03-19/1/summary.json", report.to_string());
    let verified = project.run(&["journal", "verify", "--anchor", &line(&last), "--format", "json"]).ended_with(0);
    let document: Value = serde_json::from_str(&verified.stdout).unwrap();
    assert_eq!(
        document,
        json!({ "whole": true, "entries": 3, "effects": 3, "breaks": 0, "seals": 0, "sign_offs": 0, "anchors": 2, "end": last, "found": 0, "findings": [] })
    );
    assert_eq!(project.run(&["journal", "anchor"]).ended_with(0).stdout, format!("{}\n", line(&last)));
}

#[test]
fn a_cut_off_end_is_found_by_the_anchor_of_a_report() {
    let project = TestProject::small();
    let (_, last) = filled(&project);
    sql(&project, CUT);
    // An old report has no anchor, and one that is no JSON is passed over with a warning.
    for text in [r#"{"schema": "tieout.summary/1"}"#, "{"] {
        project.write("runs/rewards-daily/2025-03-19/1/summary.json", text);
        let verified = project.run(&["journal", "verify"]).ended_with(0);
        assert!(verified.stdout.contains("Without an anchor nothing shows"), "{}", verified.stdout);
        assert_eq!(verified.stderr.contains("summary.json is not used"), text == "{", "{}", verified.stderr);
    }
    let report = json!({ "effects": { "anchor": last } });
    project.write("runs/rewards-daily/2025-03-19/1/summary.json", report.to_string());
    let verified = project.run(&["journal", "verify"]).ended_with(70);
    assert_eq!(
        verified.stdout,
        "THE EFFECT JOURNAL IS NOT WHOLE: 1 finding in 2 entries about 2 effects, held against 1 anchor.\n  the end: \
         the last entry is 2; an anchor knows entry 3, so the end was cut off\n"
    );
    let csv = project.run(&["journal", "verify", "--format", "csv"]).ended_with(70).stdout;
    assert!(csv.starts_with("finding\n\"the end: the last entry is 2; "), "{csv}");
}

#[test]
fn an_export_holds_each_entry_as_it_was_hashed() {
    let project = TestProject::small();
    let (_, last) = filled(&project);
    let exported = project.run(&["journal", "export"]).ended_with(0).stdout;
    let lines: Vec<&str> = exported.lines().collect();
    assert_eq!(lines.len(), 3);
    for (sequence, line) in (1..).zip(&lines) {
        let read: Value = serde_json::from_str(line).unwrap();
        assert_eq!(read["entry"]["sequence"], sequence);
        let hash = read["hash"].as_str().unwrap();
        let text = line.strip_prefix(&format!("{{\"hash\":\"{hash}\",\"entry\":")).unwrap().strip_suffix('}').unwrap();
        assert_eq!(sha256(text.as_bytes()), hash);
    }
    assert!(lines[2].contains(&last.hash), "{}", lines[2]);

    project.run(&["journal", "export", "--out", "effects.jsonl"]).ended_with(0);
    assert_eq!(String::from_utf8(project.read("effects.jsonl")).unwrap(), exported);
    let refused = project.run(&["journal", "export", "--out", "nowhere/effects.jsonl"]).ended_with(1);
    assert!(
        refused.error().starts_with("cannot write the export to nowhere/effects.jsonl; its folder must be there"),
        "{}",
        refused.stderr
    );
    sql(&project, "DROP TRIGGER entries_stay; UPDATE entries SET entry = '{' WHERE sequence = 2");
    let broken = project.run(&["journal", "export", "--out", "effects.jsonl"]).ended_with(70);
    assert_eq!(
        broken.error(),
        "entry 2 of the journal is no JSON text; `tieout journal verify` tells what else is wrong"
    );
    assert_eq!(String::from_utf8(project.read("effects.jsonl")).unwrap(), exported, "the earlier export stays");
}

#[test]
fn an_anchor_that_is_none_is_refused_with_what_one_looks_like() {
    let project = TestProject::small();
    for anchor in ["4", "4:ab", &format!("x:{GENESIS}"), &format!("4:{}", "z".repeat(64))] {
        let refused = project.run(&["journal", "verify", "--anchor", anchor]).ended_with(2);
        let told = "expected a line of `tieout journal anchor`: a number, a colon and 64 digits";
        assert!(refused.stderr.contains(told), "{}", refused.stderr);
    }
}
