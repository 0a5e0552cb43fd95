//! `effects` and `in-doubt list|show` over a journal that this test writes.

use serde_json::Value;
use tieout::effects::{Decision, Doubt};

use crate::support::decisions::{Ledger, RUN, redacted};
use crate::support::effects::{acknowledged, approved, audit, closed, in_doubt, in_flight, marker, rejected, resolved};

/// An effect in each state that a list tells apart, and one of another period.
fn ledger() -> Ledger {
    let mut ledger = Ledger::new();
    ledger.run("2025-03-19", "dana");
    let sent = |last| [approved(), in_flight(), last];
    ledger.effect(audit("t-1", 12_50), &[]);
    ledger.effect(audit("t-2", 3_00), &sent(in_doubt(Doubt::NoReply, "no answer within 30s")));
    ledger.effect(audit("t-3", 2_00), &sent(rejected("404: =User \u{1b}[31mnot found")));
    ledger.effect(marker("t-4", 80_00), &[approved()]);
    ledger.effect(marker("t-5", 81_00), &[approved(), in_flight()]);
    ledger.effect(audit("t-6", 1_00), &sent(acknowledged(Some("audit-6"))));
    ledger.run("2025-03-20", "dana");
    ledger.effect_of(marker("t-7", 7_00), "2025-03-20", &[]);
    ledger
}

fn states(json: &str) -> Vec<(String, String)> {
    let rows: Vec<Value> = serde_json::from_str(json).unwrap();
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    rows.iter().map(|row| (text(row, "transaction"), text(row, "state"))).collect()
}

fn pairs(states: &[(String, String)]) -> Vec<(&str, &str)> {
    states.iter().map(|(transaction, state)| (&**transaction, &**state)).collect()
}

#[test]
fn without_an_argument_all_that_is_not_finished_is_listed_doubts_first() {
    let ledger = ledger();
    let listed = ledger.project.run(&["effects", "--format", "json"]).ended_with(0);
    let states = states(&listed.stdout);
    assert_eq!(
        pairs(&states),
        [
            ("t-2", "in_doubt"),
            ("t-3", "rejected"),
            ("t-1", "proposed"),
            ("t-7", "proposed"),
            ("t-4", "approved"),
            ("t-5", "in_flight"),
        ]
    );
    assert!(
        listed.stderr.contains(
            "6 effects: 1 in doubt, 1 refused by the provider, 2 waiting for approval, 1 approved, not sent, 1 being sent"
        ),
        "{}",
        listed.stderr
    );
}

#[test]
fn the_filters_narrow_the_list() {
    let ledger = ledger();
    for (arguments, expected) in [
        (&["--state", "acknowledged"][..], &["t-6"][..]),
        (&["--state", "acknowledged", "--state", "approved"], &["t-4", "t-6"]),
        (&["--kind", "provider_audit"], &["t-2", "t-3", "t-1"]),
        (&["--transaction", "t-4"], &["t-4"]),
        (&["--period", "2025-03-20"], &["t-7"]),
        (&["--limit", "2"], &["t-2", "t-3"]),
        (&["rewards", "--kind", "provider_audit"], &["t-2", "t-3", "t-1", "t-6"]),
        (&[RUN], &["t-2", "t-3", "t-1", "t-4", "t-5", "t-6"]),
        (&["rewards/2025-03-20/1"], &["t-7"]),
        (&["other"], &[]),
    ] {
        let listed = ledger.project.run(&[&["effects", "--format", "json"], arguments].concat()).ended_with(0);
        let found: Vec<String> = states(&listed.stdout).into_iter().map(|(transaction, _)| transaction).collect();
        assert_eq!(found, expected, "{arguments:?}");
    }
}

#[test]
fn the_list_has_a_table_and_a_csv_form_that_obey_nobodys_text() {
    let ledger = ledger();
    let table = ledger.project.run(&["effects", "--state", "rejected"]).ended_with(0);
    let id = audit("t-3", 0).id;
    assert_eq!(
        redacted(&table.stdout),
        format!(
            "effect            state     kind            transaction  user  asks                        at_risk  currency  \
             since                 why             words                                                    job      period\n\
             {id}  rejected  provider_audit  t-3          u-7   audit 3006, reward missing     2.00  USD       \
             ....................  reward_missing  refused by the provider: 404: =User \\u{{1b}}[31mnot found  rewards  2025-03-19\n"
        ),
        "{}",
        table.stdout
    );
    let csv = ledger.project.run(&["effects", "--state", "rejected", "--format", "csv"]).ended_with(0);
    let mut reader = csv::Reader::from_reader(csv.stdout.as_bytes());
    let row = reader.records().next().unwrap().unwrap();
    assert_eq!((&row[0], &row[6], &row[7]), (&*id, "2.00", "USD"));
    assert_eq!(&row[10], "refused by the provider: 404: =User \u{1b}[31mnot found");
}

#[test]
fn one_effect_is_shown_with_its_grounds_and_its_history() {
    let mut ledger = ledger();
    let effect = audit("t-8", 4_00);
    let doubt = in_doubt(Doubt::Interrupted, "the process ended");
    let decided = resolved(Decision::Applied, "seen in the portal");
    let news = closed("reward dispute resolved", 5004);
    ledger.effect(effect.clone(), &[approved(), in_flight(), doubt, decided, news]);
    let shown = ledger.project.run(&["effects", "show", &effect.id[..6]]).ended_with(0);
    let text = redacted(&shown.stdout);
    for line in [
        "words         acknowledged as audit-1; closed: reward dispute resolved (5004)",
        "description   Transaction t-8 is settled and has no reward.",
        "at_risk       4.00",
        "approved_by   Mara Lind",
        "comment       checked against the ledger",
        "attempts      1",
        "reward_missing  00112233aabbccdd  the ledger has 31.00 USD, settled; no reward in the file  ledger ledger.csv \
         line 12; ledger ledger.csv line 15",
    ] {
        assert!(text.lines().any(|found| found.trim_end() == line), "{line}\n{text}");
    }
    let history = text.split("entry  at").nth(1).unwrap();
    let what: Vec<&str> =
        history.lines().skip(1).map(|line| line.split("....................  ").nth(1).unwrap()).collect();
    assert_eq!(
        what,
        [
            "rewards/2025-03-20/1  proposed by plan 5f0c00000000",
            "Mara Lind             approved plan 5f0c00000000: checked against the ledger",
            "rewards/2025-03-20/1  sending in call c0ffee00c0ffee00, body bbbbbbbbbbbb",
            "rewards/2025-03-20/1  in doubt, stopped before the reply was recorded: the process ended",
            "Mara Lind             resolved as applied: seen in the portal",
            "rewards/2025-03-20/1  news from Kard: closed: reward dispute resolved (5004)",
        ]
    );
    let json = ledger.project.run(&["effects", "show", &effect.id, "--format", "json"]).ended_with(0);
    let value: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(value["standing"]["effect"]["id"], effect.id.as_str());
    assert_eq!(value["history"].as_array().unwrap().len(), 6);
}

#[test]
fn an_unknown_effect_is_told_with_what_is_near() {
    let ledger = ledger();
    let id = audit("t-1", 0).id;
    let near = format!("{}{}", &id[..15], if id.ends_with('0') { "1" } else { "0" });
    let refused = ledger.project.run(&["effects", "show", &near]).ended_with(2);
    assert_eq!(refused.error(), format!("no effect `{near}` in the state file; did you mean {id}?"));
    let run = ledger.project.run(&["effects", "rewards/2025-03-19/7"]).ended_with(2);
    assert!(
        run.error().starts_with("no run `rewards/2025-03-19/7` in the state file; did you mean rewards/"),
        "{run:?}"
    );
}

#[test]
fn where_nothing_was_ever_run_lists_are_empty() {
    let ledger = Ledger::new();
    std::fs::remove_dir_all(ledger.project.path(".tieout")).unwrap();
    let listed = ledger.project.run(&["effects", "--format", "json"]).ended_with(0);
    assert_eq!(listed.stdout, "[]\n");
    let doubts = ledger.project.run(&["in-doubt", "list", "--format", "json"]).ended_with(0);
    assert_eq!(doubts.stdout, "[]\n");
    let refused = ledger.project.run(&["reopen", "12ab", "--reason", "x", "--by", "Mara"]).ended_with(2);
    assert_eq!(refused.error(), "no effect `12ab` in the state file; `tieout effects` lists them");
    assert!(!ledger.project.path(".tieout").exists(), "a decision about nothing makes no journal");
}

#[test]
fn the_list_of_doubts_ends_with_20_while_there_is_one() {
    let mut ledger = ledger();
    let older = marker("t-0", 9_00);
    ledger.effect(older.clone(), &[approved(), in_flight(), in_doubt(Doubt::ServerError, "502 Bad Gateway")]);
    let listed = ledger.project.run(&["in-doubt", "list", "--format", "csv"]).ended_with(20);
    let mut reader = csv::Reader::from_reader(listed.stdout.as_bytes());
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    let told: Vec<[&str; 3]> = rows.iter().map(|row| [&row[3], &row[9], &row[10]]).collect();
    assert_eq!(
        told,
        [["t-2", "1", "no reply: no answer within 30s"], ["t-0", "1", "the provider failed: 502 Bad Gateway"]]
    );
    assert!(listed.stderr.contains("in doubt: 1 audit and 1 fraud marker, at risk USD 12.00; "), "{}", listed.stderr);
    let table = ledger.project.run(&["in-doubt", "list"]).ended_with(20);
    assert!(table.stdout.starts_with("effect            age  kind"), "{}", table.stdout);
    let json = ledger.project.run(&["in-doubt", "list", "--format", "jsonl"]).ended_with(20);
    assert_eq!(json.stdout.lines().count(), 2);

    let ids = [older.id, audit("t-2", 0).id];
    let resolve = ["in-doubt", "resolve", &ids[0], &ids[1], "--applied", "--reason", "support says so", "--by", "Mara"];
    ledger.project.run(&resolve).ended_with(0);
    let empty = ledger.project.run(&["in-doubt", "list"]).ended_with(0);
    assert!(empty.stderr.contains("nothing is in doubt"), "{}", empty.stderr);
}

#[test]
fn a_doubt_is_shown_with_its_call_the_question_to_kard_and_the_ways_out() {
    let mut ledger = ledger();
    let mut effect = audit("t 9/x", 9_00);
    effect.user = "u/7 ?".to_owned();
    ledger.effect(effect.clone(), &[approved(), in_flight(), in_doubt(Doubt::NoReply, "no answer within 30s")]);
    let shown = ledger.project.run(&["in-doubt", "show", &effect.id]).ended_with(0);
    let text = redacted(&shown.stdout);
    for part in [
        "sent_to       POST /v2/issuers/org-123/users/u%2F7%20%3F/audits\n",
        &format!("body_sha256   {}\n", "b".repeat(64)),
        "ask_provider  is there an audit (audit 3006, reward missing) for transaction t 9/x of user u/7 ? in organization \
         org-123, received up to ",
        "in doubt, no reply: no answer within 30s\n",
        &format!("    tieout in-doubt resolve {} --resend --reason TEXT\n", effect.id),
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let json = ledger.project.run(&["in-doubt", "show", &audit("t-2", 0).id, "--format", "json"]).ended_with(0);
    let value: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(value["call"]["path"], "/v2/issuers/org-123/users/u-7/audits");
    let id = audit("t-1", 0).id;
    let refused = ledger.project.run(&["in-doubt", "show", &id]).ended_with(2);
    assert_eq!(refused.error(), format!("effect {id} is proposed; only ones in doubt can be shown here"));
}
