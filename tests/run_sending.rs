//! Jobs that send, from the source to what stands at the provider: what goes, what does not, and what a run, a plan
//! and a second run say of it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::outbox::{
    CONFIRM, approve, attributes, breaks, bridge, effects, ended, historical, ids, incoming, lines, many, project,
    requests, row, rows_of, run, source, stand, taken, upload, uploads,
};
use crate::support::project::{DAY, TestProject};

/// Five rows that fit, of 1.25 each; one whose amount is no number (line 4), one without a user (line 6), and one
/// that is there twice (line 8).
fn mixed() -> String {
    source(&[
        row("t-1", "user-1"),
        row("t-2", "user-2"),
        row("t-x", "user-3").replace("1.25", "much"),
        row("t-3", "user-3"),
        row("t-y", ""),
        row("t-4", "user-4"),
        row("t-2", "user-2"),
        row("t-5", "user-1"),
    ])
}

/// The sealed files of the day, and what else lies beside them.
fn sealed(project: &TestProject) -> Vec<String> {
    project.listing(&format!("runs/core/{DAY}/outgoing"))
}

#[test]
fn exactly_the_rows_that_fit_stand_at_the_provider_in_files_of_so_many_rows() {
    let project = project(&upload("  quarantine: 3\n  split: {max_rows: 2}\n"), &mixed(), "");
    run(&project, &[]).ended_with(0);
    let sessions = uploads(&project);
    let files: Vec<Vec<_>> = sessions.iter().map(lines).collect();
    let transactions: Vec<Vec<String>> = files.iter().map(|file| attributes(file, "transactionId")).collect();
    assert_eq!(transactions, [vec!["t-1", "t-2"], vec!["t-3", "t-4"], vec!["t-5"]]);
    let all: Vec<Value> = files.into_iter().flatten().collect();
    assert_eq!(attributes(&all, "userId"), ["user-1", "user-2", "user-3", "user-4", "user-1"]);
    assert_eq!(attributes(&all, "amount"), ["125"; 5]);
    assert_eq!(attributes(&all, "currency"), ["USD"; 5]);
    assert_eq!(attributes(&all, "description"), ["SHOP 12"; 5]);
    assert!(all.iter().all(|line| line["type"] == "coreTransaction"));
    assert_eq!(ids(&all).into_iter().collect::<BTreeSet<_>>().len(), 5);
    for (number, session) in (1..).zip(&sessions) {
        let stored = session.object.as_ref().unwrap();
        let name = format!("core-{DAY}-{number:03}-{}.jsonl.gz", &stored.sha256[..session.filename.len() - 29]);
        assert_eq!((session.filename.as_str(), session.kind.as_str()), (name.as_str(), "incomingTransactionsFile"));
        let [result] = &session.results[..] else { panic!("{session:?}") };
        assert_eq!(
            (result.accepted, result.rejected, result.duplicates, result.unknown_fields),
            (result.lines, 0, 0, 0)
        );
        assert_eq!((session.puts, result.gzip_members), (1, 1));
    }
    assert_eq!(taken(&project), (5, 1));
    assert_eq!(stand(&project), "acknowledged 3");
}

#[test]
fn the_report_leads_from_the_source_to_what_the_provider_accepted() {
    let project = project(&upload("  quarantine: 3\n"), &mixed(), "");
    run(&project, &[]).ended_with(0);
    // Seven rows state an amount of 1.25.
    let (source, lines, accepted) = bridge(&project, 1);
    assert_eq!((source, accepted), (7 * 125, 5 * 125));
    let amounts: Vec<i64> = lines.iter().map(|(_, amount)| *amount).collect();
    assert_eq!(amounts, [-125, -125], "{lines:?}");
    assert!(lines[0].0.starts_with("quarantined") && lines[1].0.starts_with("excluded"), "{lines:?}");
    let summary = project.summary(&format!("core/{DAY}/1"));
    let account = |side: &str| {
        let rows = summary["statement"]["rows"].as_array().unwrap().iter().find(|rows| rows["side"] == side).unwrap();
        ["read", "matched", "quarantined", "excluded", "breaks", "expected", "unaccounted"]
            .map(|name| rows[name].as_i64().unwrap())
    };
    assert_eq!(account("ledger"), [8, 5, 2, 1, 0, 0, 0]);
    assert_eq!(account("file"), [5, 5, 0, 0, 0, 0, 0]);
    let rows = summary["quarantine"]["first"].as_array().unwrap();
    let places: Vec<_> = rows.iter().map(|row| row["line"].as_u64().unwrap()).collect();
    assert_eq!(places, [4, 6, 8], "{rows:#?}");
}

#[test]
fn a_second_run_sends_nothing_and_says_so() {
    for job in [upload(""), incoming(""), historical("")] {
        let project = project(&job, &many(3), "");
        let first = run(&project, &[]).ended_with(0);
        let (before, stood) = (project.received().len(), stand(&project));
        let (manifest, second) = (sealed(&project), run(&project, &[]).ended_with(0));
        assert_eq!(project.received().len(), before, "not even a token: {}", second.stderr);
        assert_eq!((stand(&project), taken(&project)), (stood, (3, 1)));
        assert_eq!(sealed(&project), manifest, "nothing is built anew");
        assert_eq!(bridge(&project, 1), bridge(&project, 2));
        assert!(first.stdout.contains("attempt 1\n") && second.stdout.contains("attempt 2\n"), "{}", second.stdout);
        let told = project.run(&["plan", "core", "--period", DAY]).ended_with(0).stdout;
        assert!(told.contains("  send   nothing that is new and approved\n"), "{told}");
        project.run(&["journal", "verify"]).ended_with(0);
    }
}

#[test]
fn a_source_that_changed_waits_for_a_person_and_goes_under_the_same_ids() {
    let project = project(&upload(""), &many(3), "");
    run(&project, &[]).ended_with(0);
    project.write(&format!("data/core-{DAY}.csv"), many(4));
    run(&project, &[]).ended_with(0);
    assert_eq!(stand(&project), "acknowledged 1, proposed 1");
    let held = ended(&project, 2);
    assert!(held.contains("this period was sent before from other bytes (1 parcel)"), "{held}");
    assert_eq!((taken(&project), uploads(&project).len()), ((3, 1), 1));
    // Asking again changes nothing.
    run(&project, &[]).ended_with(0);
    assert_eq!(stand(&project), "acknowledged 1, proposed 1");
    approve(&project, 3).ended_with(0);
    assert_eq!(uploads(&project).len(), 1, "approving sends nothing");
    run(&project, &[]).ended_with(0);
    assert_eq!(stand(&project), "acknowledged 2");
    assert_eq!(taken(&project), (4, 2), "the three known ones came twice under their ids, the new one once");
    let sessions = uploads(&project);
    assert_eq!(ids(&lines(&sessions[1]))[..3], ids(&lines(&sessions[0]))[..]);
    assert_eq!(sessions[1].results[0].duplicates, 3);
    project.run(&["journal", "verify"]).ended_with(0);
}

#[test]
fn more_rows_that_do_not_fit_than_tolerated_and_nothing_at_all_is_sent() {
    for (job, block) in [(upload as fn(&str) -> String, "upload"), (incoming, "incoming"), (historical, "historical")] {
        let project = project(&job("  quarantine: 2\n"), &mixed(), "");
        let refused = run(&project, &[]).ended_with(65);
        let told = refused.error();
        assert!(
            told.contains(&format!("{block}: 3 rows do not fit, 2 are tolerated, so nothing is sent:\n")),
            "{told}"
        );
        assert!(told.contains(&format!("\n  core-{DAY}.csv: line 4: amount `much` ")), "{told}");
        assert!(told.contains(&format!("\n  core-{DAY}.csv: line 6: userId ")), "{told}");
        assert!(told.contains(&format!("\n  core-{DAY}.csv: line 8: ")), "{told}");
        assert!(told.ends_with(&format!("tolerate more with `{block}.quarantine`")), "{told}");
        assert_eq!(project.received(), []);
        assert_eq!(effects(&project), []);
        let left: Vec<_> = sealed(&project).into_iter().filter(|name| !name.ends_with('/')).collect();
        assert_eq!(left, [""; 0], "nothing of it is kept");
        // With one more tolerated the same source goes.
        project.write("jobs/core.yaml", job("  quarantine: 3\n"));
        run(&project, &[]).ended_with(0);
        assert_eq!(taken(&project), (5, 1));
    }
}

#[test]
fn where_the_job_says_so_a_person_approves_first() {
    for (job, count) in [(upload as fn(&str) -> String, 1), (incoming, 1), (historical, 3)] {
        let project = project(&job("  approval: required\n"), &many(3), "");
        run(&project, &[]).ended_with(0);
        assert_eq!((stand(&project), project.received().len()), (format!("proposed {count}"), 0));
        approve(&project, 1).ended_with(0);
        assert_eq!((stand(&project), project.received().len()), (format!("approved {count}"), 0));
        run(&project, &[]).ended_with(0);
        assert_eq!((stand(&project), taken(&project)), (format!("acknowledged {count}"), (3, 1)));
    }
}

#[test]
fn what_changes_between_approval_and_run_waits_again() {
    let project = project(&upload("  approval: required\n"), &many(3), "");
    run(&project, &[]).ended_with(0);
    approve(&project, 1).ended_with(0);
    project.write(&format!("data/core-{DAY}.csv"), many(2));
    run(&project, &[]).ended_with(0);
    assert_eq!(stand(&project), "proposed 1, withdrawn 1");
    assert_eq!(project.received(), []);
}

#[test]
fn offline_everything_is_sealed_from_what_is_stored_and_nothing_is_sent() {
    let project = project(&upload("  approval: required\n"), &many(3), "");
    run(&project, &[]).ended_with(0);
    approve(&project, 1).ended_with(0);
    // What is stored counts, not what lies there now.
    project.write(&format!("data/core-{DAY}.csv"), many(9));
    run(&project, &["--offline"]).ended_with(0);
    assert_eq!(ended(&project, 2), "stopped: \"--offline asks no provider: nothing is sent\"; held: []");
    assert_eq!((stand(&project), project.received().len()), ("approved 1".to_owned(), 0));
    assert_eq!(bridge(&project, 2).0, 3 * 125);
}

#[test]
fn a_plan_tells_the_calls_that_a_run_makes_and_leaves_nothing() {
    for (job, kind) in [(upload as fn(&str) -> String, "upload"), (incoming, "incoming"), (historical, "historical")] {
        let project = project(&job("  quarantine: 3\n"), &mixed(), "");
        let before = project.listing("");
        let told = project.run(&["plan", "core", "--period", DAY]).ended_with(0).stdout;
        assert!(told.contains(&format!("  read   ledger   core-{DAY}.csv (local file, 8 rows, ")), "{told}");
        let planned = project.run(&["plan", "core", "--period", DAY, "--calls"]).ended_with(0).stdout;
        assert_eq!(project.listing(""), before, "{kind}: a plan leaves nothing");
        assert_eq!(project.received(), [], "{kind}: a plan sends nothing");
        let planned: Vec<Value> = planned.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        run(&project, &[]).ended_with(0);
        let known: BTreeSet<String> = effects(&project).into_iter().map(|effect| effect.id).collect();
        for call in &planned {
            assert!(
                call["effects"].as_array().unwrap().iter().all(|id| known.contains(id.as_str().unwrap())),
                "{call}"
            );
        }
        let received = project.received();
        if kind == "upload" {
            let [session] = &uploads(&project)[..] else { panic!("{:?}", uploads(&project)) };
            let [call] = &planned[..] else { panic!("{planned:?}") };
            assert_eq!(call["file"], session.filename.as_str());
            assert_eq!(call["body_sha256"], session.object.as_ref().unwrap().sha256.as_str());
        } else {
            // A session's parts need its id: they are not known before it is open.
            let path = |call: &Value| call["path"].as_str().unwrap().to_owned();
            for call in &planned {
                let made = received.iter().find(|made| made.path.ends_with(&path(call)) && made.body_sha256.is_some());
                let made = made.unwrap_or_else(|| panic!("{call} was not made: {received:#?}"));
                assert_eq!(call["body_sha256"], made.body_sha256.as_deref().unwrap());
            }
            assert!(!planned.is_empty());
        }
    }
}

#[test]
fn calls_hold_at_most_500_rows_and_each_row_is_in_one() {
    let project = project(&incoming(""), &many(1_001), "");
    run(&project, &[]).ended_with(0);
    let calls: Vec<Vec<Value>> = requests(&project, "/transactions").iter().map(rows_of).collect();
    assert_eq!(calls.iter().map(Vec::len).collect::<Vec<_>>(), [500, 500, 1]);
    let sent = calls.iter().flat_map(|rows| attributes(rows, "transactionId")).collect::<Vec<_>>();
    assert_eq!(sent, (1..=1_001).map(|number| format!("t-{number}")).collect::<Vec<_>>());
    assert_eq!((taken(&project), stand(&project)), ((1_001, 1), "acknowledged 3".to_owned()));
}

#[test]
fn each_user_has_one_session_with_parts_of_at_most_500() {
    let rows: Vec<String> = (1..=503).map(|number| row(&format!("t-{number}"), "user-1")).collect();
    let others = [row("u-1", "user-2"), row("u-2", "user-2")];
    let project = project(&historical(""), &source(&[&others[..1], &rows, &others[1..]].concat()), "");
    run(&project, &[]).ended_with(0);
    let sessions = project.provider().sessions();
    let told =
        sessions.iter().map(|session| (session.user.as_str(), session.parts, session.items.len(), session.completed));
    assert_eq!(told.collect::<BTreeSet<_>>(), BTreeSet::from([("user-1", 2, 503, 1), ("user-2", 1, 2, 1)]));
    let parts: BTreeSet<usize> = requests(&project, "/parts").iter().map(|part| rows_of(part).len()).collect();
    assert_eq!(parts, BTreeSet::from([500, 3, 2]));
    assert_eq!((taken(&project), stand(&project)), ((505, 1), "acknowledged 7".to_owned()));
}

/// What is wrong with the source → exit code, and what the message says and tells to do.
#[test]
fn messages_name_the_block_of_the_job_that_sends() {
    let day = |job: &str, rows: Option<&str>| {
        let project = project(job, rows.unwrap_or_default(), "");
        if rows.is_none() {
            std::fs::remove_file(project.path(&format!("data/core-{DAY}.csv"))).unwrap();
        }
        let ended = run(&project, &[]);
        assert_eq!((project.received().len(), effects(&project).len()), (0, 0));
        (ended.code, ended.error().to_owned())
    };
    for (job, block) in [(upload(""), "upload"), (incoming(""), "incoming"), (historical(""), "historical")] {
        let missing = format!(
            "no source for {DAY} yet: core-{DAY}.csv; try again when it is there, or set {block}.source.on_missing to \
             break"
        );
        assert_eq!(day(&job, None), (Some(75), missing));
        let empty = format!(
            "core-{DAY}.csv: the file has 0 bytes; ask for it again or, if a period without rows comes as an empty \
             file, set `{block}.source.allow_empty: true`"
        );
        assert_eq!(day(&job, Some("")), (Some(65), empty));
        let column = format!(
            "core-{DAY}.csv: no column `user` for `userId`; the file has `txn`, `users`, `amount`, `text`, `at` (did \
             you mean `users`?); correct `{block}.columns.userId`"
        );
        assert_eq!(day(&job, Some(&many(1).replace("user,", "users,"))), (Some(65), column));
    }
    let stated = upload("  confirm: {path: \"notifications*.jsonl*\", verify: kard}\n");
    let project = project(&stated, &many(1), "");
    let text = String::from_utf8(project.read("tieout.yaml")).unwrap();
    project.write("tieout.yaml", text.replace("    webhook_key: {env: TEST_WEBHOOK_KEY}\n", ""));
    project.write("data/notifications.jsonl", "{}\n");
    let told = run(&project, &[]).ended_with(78).error().to_owned();
    assert!(told.contains("verify") && told.contains("webhook_key") && !told.contains("inputs."), "{told}");
    assert_eq!(project.received(), []);
}

/// A variable without which nothing can be sent or confirmed → who asks for it, and the message.
#[test]
fn a_secret_that_is_not_there_is_told_before_the_work() {
    let unset = |variable: &str| format!("environment variable {variable} is not set");
    let key = format!("webhook_key of provider kard: {}", unset("TEST_WEBHOOK_KEY"));
    let client = format!("provider kard: client_secret cannot be read: {}", unset("TEST_CLIENT_SECRET"));
    let table = [
        ("run", "TEST_WEBHOOK_KEY", Some(key.as_str())),
        ("plan", "TEST_WEBHOOK_KEY", Some(&key)),
        ("run", "TEST_CLIENT_SECRET", Some(&client)),
        // A plan sends nothing.
        ("plan", "TEST_CLIENT_SECRET", None),
    ];
    for (command, variable, told) in table {
        // The source does not fit: were it read first, the message would be about that.
        let rows = if told.is_some() { mixed() } else { many(2) };
        let project = project(&upload(CONFIRM), &rows, "");
        let mut process = project.command(&[command, "core", "--period", DAY]);
        let ended = project.ended(process.env_remove(variable).spawn().unwrap());
        match told {
            Some(told) => assert_eq!(ended.ended_with(78).error(), told, "{command} {variable}"),
            None => drop(ended.ended_with(0)),
        }
        assert_eq!((project.received(), project.listing(&format!("runs/core/{DAY}"))), (vec![], Vec::<String>::new()));
    }
}

#[test]
fn a_source_that_may_be_missing_is_a_break_and_nothing_is_sent() {
    for job in [upload(""), incoming(""), historical("")] {
        let job = job.replace("known_columns: []", "known_columns: [], on_missing: break");
        let project = project(&job, "", "");
        std::fs::remove_file(project.path(&format!("data/core-{DAY}.csv"))).unwrap();
        run(&project, &[]).ended_with(0);
        assert_eq!(breaks(&project, 1), [(format!("core-{DAY}.csv"), "file_missing".to_owned())]);
        assert_eq!((project.received().len(), effects(&project).len()), (0, 0));
        // When it comes, it is sent.
        project.write(&format!("data/core-{DAY}.csv"), many(2));
        run(&project, &[]).ended_with(0);
        assert_eq!((breaks(&project, 2), taken(&project)), (Vec::new(), (2, 1)));
    }
}

#[test]
fn a_day_without_rows_sends_nothing_and_ties_out() {
    for job in [upload(""), incoming(""), historical("")] {
        let project = project(&job, &source(&[]), "");
        run(&project, &[]).ended_with(0);
        assert_eq!(project.received(), []);
        let summary = project.summary(&format!("core/{DAY}/1"));
        assert_eq!(summary["verdict"]["ties_out"], true);
    }
}

#[test]
fn the_files_of_a_partition_are_sent_as_one() {
    let job = upload("").replace("core-{period}.csv", "core/dt={period}/*.csv");
    let project = project(&job, "", "");
    project.write(&format!("data/core/dt={DAY}/part-0.csv"), many(2));
    project.write(&format!("data/core/dt={DAY}/part-1.csv"), source(&[row("u-1", "user-9")]));
    run(&project, &[]).ended_with(0);
    let [session] = &uploads(&project)[..] else { panic!("{:?}", uploads(&project)) };
    assert_eq!(attributes(&lines(session), "transactionId"), ["t-1", "t-2", "u-1"]);
}
