//! What goes wrong between a job that sends and the provider, through the whole pipeline: what is sent again and to
//! where, what is not, what is left for the next run, and what is told.

use std::collections::BTreeSet;

use serde_json::Value;
use tieout::sandbox::Received;

use crate::support::outbox::{
    attributes, breaks, bridge, cells, effects, ended, historical, ids, incoming, lines, many, project, requests, row,
    rows_of, run, serve, source, stand, taken, upload, uploads,
};
use crate::support::project::{DAY, TestProject};

fn statuses(requests: &[Received]) -> Vec<u16> {
    // A connection that was reset before it was looked at had no answer.
    requests.iter().map(|request| request.status.unwrap_or(0)).collect()
}

/// The places that bulk files were put to, each once.
fn places(project: &TestProject) -> BTreeSet<String> {
    requests(project, "/storage/").into_iter().map(|request| request.path).collect()
}

/// The journal holds what was sent, and every doubt has ended.
fn is_sound(project: &TestProject) {
    project.run(&["journal", "verify"]).ended_with(0);
    project.run(&["in-doubt", "list"]).ended_with(0);
}

/// Fault of a PUT → its answers; how many URLs were used; how often each row arrived.
#[test]
fn a_put_that_fails_goes_again_to_the_same_url_unless_that_was_refused() {
    let table: [(&str, &[u16], usize, u32); 10] = [
        ("{on: storage, nth: 1, do: expired_url}", &[403, 200], 2, 1),
        ("{on: uploads, nth: 1, do: expired_url}", &[403, 200], 2, 1),
        ("{on: storage, nth: 1, do: {status: 403}}", &[403, 200], 2, 1),
        ("{on: storage, nth: 1, do: reset_before}", &[0, 200], 1, 1),
        ("{on: storage, nth: 1, do: reset_after}", &[200, 200], 1, 2),
        ("{on: storage, nth: 1, do: {status: 500}}", &[500, 200], 1, 1),
        ("{on: storage, nth: 1, do: {status: 503}}", &[503, 200], 1, 1),
        ("{on: storage, nth: 1, do: {status: 408}}", &[408, 200], 1, 1),
        ("{on: storage, nth: 1, do: {status: 429, retry_after: 0}}", &[429, 200], 1, 1),
        ("{on: storage, nth: 1, do: {status: 500, applied: true}}", &[500, 200], 1, 2),
    ];
    for (fault, answers, urls, times) in table {
        let project = project(&upload(""), &many(3), &format!("  - {fault}\n"));
        run(&project, &[]).ended_with(0);
        let puts = requests(&project, "/storage/");
        assert_eq!(statuses(&puts), answers, "{fault}");
        assert_eq!((places(&project).len(), uploads(&project).len()), (urls, urls), "{fault}");
        assert!(puts.iter().all(|put| !put.bearer), "{fault}: a bearer token went to the storage");
        let whole: BTreeSet<_> =
            puts.iter().filter(|put| put.status == Some(200)).map(|put| &put.body_sha256).collect();
        assert_eq!(whole.len(), 1, "{fault}: the same bytes");
        assert_eq!((stand(&project), taken(&project)), ("acknowledged 1".to_owned(), (3, times)), "{fault}");
        assert_eq!(bridge(&project, 1), (375, Vec::new(), 375), "{fault}");
        is_sound(&project);
        let before = project.received().len();
        run(&project, &[]).ended_with(0);
        assert_eq!(project.received().len(), before, "{fault}: it is not sent again");
    }
}

#[test]
fn a_storage_that_stays_away_ends_the_run_and_the_next_one_goes_on_with_the_sealed_file_and_its_url() {
    let faults = (1..=3).map(|nth| format!("  - {{on: storage, nth: {nth}, do: {{status: 503}}}}\n"));
    let project = project(&upload("  split: {max_rows: 2}\n  concurrency: 1\n"), &many(4), &faults.collect::<String>());
    let output = run(&project, &[]).ended_with(69);
    let last = output.stdout.lines().last();
    assert_eq!(last, Some("Exit code 69: the provider did not answer, the next run goes on."));
    assert!(
        ended(&project, 1).contains("503 SlowDown: The fault plan wants this., 3 times in a row"),
        "{}",
        ended(&project, 1)
    );
    assert_eq!((stand(&project), taken(&project)), ("approved 2".to_owned(), (0, 0)));
    assert_eq!(requests(&project, "/storage/").len(), 3, "as many attempts as the project allows");
    assert_eq!(places(&project).len(), 1);
    let (total, waiting, accepted) = bridge(&project, 1);
    assert_eq!((total, accepted), (500, 0));
    assert_eq!(waiting.iter().map(|(_, amount)| amount).sum::<i64>(), -500, "{waiting:?}");
    let files = || {
        let outgoing = project.listing(&format!("runs/core/{DAY}/outgoing"));
        let sealed = outgoing.into_iter().filter(|name| name.ends_with(".jsonl.gz"));
        sealed
            .map(|name| (std::fs::metadata(project.path(&name)).unwrap().modified().unwrap(), name))
            .collect::<Vec<_>>()
    };
    let before = files();
    assert_eq!(before.len(), 2);
    run(&project, &[]).ended_with(0);
    assert_eq!(files(), before, "they are not built again");
    assert_eq!((stand(&project), taken(&project)), ("acknowledged 2".to_owned(), (4, 1)));
    assert_eq!(uploads(&project).len(), 2, "the first file went to the URL that it had");
    let left = project.listing(&format!("runs/core/{DAY}/outgoing"));
    assert!(!left.iter().any(|name| name.contains(".url")), "a URL that is used up is kept nowhere: {left:?}");
    is_sound(&project);
}

#[test]
fn a_file_that_the_storage_will_not_take_is_refused_and_told() {
    let mut project = project(&upload(""), &many(3), "");
    serve(&mut project, "", 10);
    for attempt in 1..=2 {
        run(&project, &[]).ended_with(20);
        assert_eq!((stand(&project), taken(&project)), ("rejected 1".to_owned(), (0, 0)));
        let shown = project.run(&["effects", "show", &effects(&project)[0].id]).stdout;
        assert!(shown.contains("400 EntityTooLarge"), "{shown}");
        assert_eq!(statuses(&requests(&project, "/storage/")), [400], "attempt {attempt}");
        let (total, lines, accepted) = bridge(&project, attempt);
        assert_eq!((total, lines.len(), lines[0].1, accepted), (375, 1, -375, 0), "{lines:?}");
    }
}

/// Fault of the request for URLs → exit code, answers, sessions that were made at the provider.
#[test]
fn a_request_for_urls_that_fails_is_made_again_where_that_can_help() {
    let table: [(&str, i32, &[u16], usize); 12] = [
        ("{on: uploads, nth: 1, do: {status: 500}}", 0, &[500, 201], 1),
        ("{on: uploads, nth: 1, do: {status: 500, applied: true}}", 0, &[500, 201], 2),
        ("{on: uploads, nth: 1, do: {status: 429, retry_after: 0}}", 0, &[429, 201], 1),
        ("{on: uploads, nth: 1, do: {status: 429, retry_after: 3600}}", 75, &[429], 0),
        ("{on: uploads, nth: 1, do: reset_before}", 0, &[0, 201], 1),
        ("{on: uploads, nth: 1, do: reset_after}", 0, &[201, 201], 2),
        ("{on: uploads, nth: 1, do: malformed_json}", 0, &[201, 201], 2),
        ("{on: uploads, nth: 1, do: missing_item}", 0, &[201, 201], 2),
        ("{on: uploads, nth: 1, do: revoke_token}", 0, &[401, 201], 1),
        ("{on: uploads, nth: every, do: {status: 503}}", 69, &[503, 503, 503], 0),
        ("{on: uploads, nth: every, do: {status: 401}}", 77, &[401, 401], 0),
        ("{on: uploads, nth: 1, do: {status: 400}}", 78, &[400], 0),
    ];
    for (fault, code, answers, sessions) in table {
        let project = project(&upload(""), &many(3), &format!("  - {fault}\n"));
        let output = run(&project, &[]);
        assert_eq!(output.code, Some(code), "{fault}: {}{}", output.stdout, output.stderr);
        assert_eq!(statuses(&requests(&project, "/transactions/uploads")), answers, "{fault}");
        assert_eq!(uploads(&project).len(), sessions, "{fault}");
        let (state, count) = if code == 0 { ("acknowledged 1", (3, 1)) } else { ("approved 1", (0, 0)) };
        assert_eq!((stand(&project).as_str(), taken(&project)), (state, count), "{fault}");
        if code != 0 {
            assert!(ended(&project, 1).contains("stopped: \"no URL for core-"), "{fault}: {}", ended(&project, 1));
        }
        is_sound(&project);
    }
    // Refused for good; 403 says that asking again with a new token is of no use.
    let project = project(&upload(""), &many(3), "  - {on: uploads, nth: every, do: {status: 403}}\n");
    run(&project, &[]).ended_with(77);
    assert_eq!(stand(&project), "approved 1");
}

#[test]
fn urls_that_are_refused_every_time_end_the_run() {
    let project = project(&upload(""), &many(3), "  - {on: uploads, nth: every, do: expired_url}\n");
    run(&project, &[]).ended_with(69);
    assert_eq!(statuses(&requests(&project, "/storage/")), [403, 403, 403]);
    assert_eq!((places(&project).len(), stand(&project)), (3, "approved 1".to_owned()));
    assert!(ended(&project, 1).contains("Request has expired, again and again"), "{}", ended(&project, 1));
}

#[test]
fn without_a_token_nothing_is_sent_and_the_report_tells_it() {
    for (fault, code) in [("{status: 401}", 77), ("{status: 503}", 69)] {
        for job in [upload(""), incoming(""), historical("")] {
            let faults = format!("  - {{on: token, nth: every, do: {fault}}}\n");
            let project = project(&job, &many(3), &faults);
            let output = run(&project, &[]);
            assert_eq!(output.code, Some(code), "{fault}: {}{}", output.stdout, output.stderr);
            assert!(!ended(&project, 1).contains("stopped: null"), "{fault}");
            assert_eq!((bridge(&project, 1).2, taken(&project)), (0, (0, 0)), "{fault}");
            assert!(stand(&project).starts_with("approved "), "{fault}: {}", stand(&project));
        }
    }
}

#[test]
fn with_more_files_than_urls_in_a_request_each_file_has_its_own() {
    let project = project(&upload("  split: {max_rows: 1}\n  concurrency: 16\n"), &many(12), "");
    run(&project, &[]).ended_with(0);
    let asked: Vec<usize> =
        requests(&project, "/transactions/uploads").iter().map(|asked| rows_of(asked).len()).collect();
    assert!(asked.iter().all(|items| *items <= 10), "{asked:?}");
    assert_eq!((asked.iter().sum::<usize>(), uploads(&project).len(), taken(&project)), (12, 12, (12, 1)));
    let sent: BTreeSet<String> =
        uploads(&project).iter().flat_map(|file| attributes(&lines(file), "transactionId")).collect();
    assert_eq!(sent.len(), 12);
}

/// The calls of a kind: their statuses and the transactions in each.
fn calls(project: &TestProject, path: &str) -> Vec<(u16, Vec<String>)> {
    let told = requests(project, path);
    let rows = |request: &Received| attributes(&rows_of(request), "transactionId");
    told.iter().map(|request| (request.status.unwrap_or(0), rows(request))).collect()
}

fn call(status: u16, transactions: &[&str]) -> (u16, Vec<String>) {
    (status, transactions.iter().map(|id| (*id).to_owned()).collect())
}

const ALL: &[&str] = &["t-1", "t-2", "t-3"];

/// The status and the transactions of each call.
type Made = &'static [(u16, &'static [&'static str])];

/// Fault of a call → the calls that were made, and how often the row that came most often came.
#[test]
fn a_call_that_may_have_arrived_is_made_again_and_what_is_known_counts_as_arrived() {
    let table: [(&str, Made, u32); 10] = [
        ("{on: transactions, nth: 1, do: {status: 429, retry_after: 0}}", &[(429, ALL), (202, ALL)], 1),
        ("{on: transactions, nth: 1, do: {status: 500}}", &[(500, ALL), (202, ALL)], 1),
        ("{on: transactions, nth: 1, do: {status: 408}}", &[(408, ALL), (202, ALL)], 1),
        ("{on: transactions, nth: 1, do: reset_before}", &[(202, ALL)], 1),
        ("{on: transactions, nth: 1, do: revoke_token}", &[(401, ALL), (202, ALL)], 1),
        // The reply is lost: the second call learns that all of it is there.
        ("{on: transactions, nth: 1, do: reset_after}", &[(202, ALL), (409, ALL)], 2),
        ("{on: transactions, nth: 1, do: {status: 500, applied: true}}", &[(500, ALL), (409, ALL)], 2),
        ("{on: transactions, nth: 1, do: html_page}", &[(200, ALL), (409, ALL)], 2),
        ("{on: transactions, nth: 1, do: malformed_json}", &[(202, ALL), (409, ALL)], 2),
        // One row is put off: only that one goes again.
        ("{on: transactions, nth: 1, do: busy_item}", &[(207, ALL), (202, &["t-1"])], 1),
    ];
    for (fault, made, times) in table {
        let project = project(&incoming(""), &many(3), &format!("  - {fault}\n"));
        run(&project, &[]).ended_with(0);
        let whole = |found: &(u16, Vec<String>)| found.0 != 0;
        let found: Vec<_> = answered(&project).into_iter().filter(whole).collect();
        assert_eq!(found, made.iter().map(|(status, rows)| call(*status, rows)).collect::<Vec<_>>(), "{fault}");
        assert_eq!((stand(&project), taken(&project)), ("acknowledged 1".to_owned(), (3, times)), "{fault}");
        assert_eq!(bridge(&project, 1), (375, Vec::new(), 375), "{fault}");
        assert_eq!(breaks(&project, 1), [], "{fault}");
        is_sound(&project);
        let before = project.received().len();
        run(&project, &[]).ended_with(0);
        assert_eq!(project.received().len(), before, "{fault}: nothing is sent again");
    }
}

/// The calls of transactions whose bodies came.
fn answered(project: &TestProject) -> Vec<(u16, Vec<String>)> {
    let came = requests(project, "/transactions").into_iter().filter(|request| request.body.is_some());
    came.map(|request| (request.status.unwrap_or(0), attributes(&rows_of(&request), "transactionId"))).collect()
}

#[test]
fn rows_that_are_put_off_again_and_again_end_the_run_and_the_next_one_sends_them_alone() {
    let faults = (1..=4).map(|nth| format!("  - {{on: transactions, nth: {nth}, do: busy_item}}\n"));
    let project = project(&incoming(""), &many(3), &faults.collect::<String>());
    run(&project, &[]).ended_with(69);
    assert_eq!((stand(&project), taken(&project)), ("approved 1".to_owned(), (2, 1)));
    let before = calls(&project, "/transactions");
    assert_eq!(before[0], call(207, ALL));
    assert!(before[1..].iter().all(|made| made.1 == ["t-1"]) && before.len() <= 4, "{before:?}");
    let faults_left = 4 - before.len();
    let code = run(&project, &[]).code;
    assert_eq!(code, Some(0), "{faults_left} more replies put it off");
    assert!(calls(&project, "/transactions")[1..].iter().all(|made| made.1 == ["t-1"]));
    assert_eq!((stand(&project), taken(&project)), ("acknowledged 1".to_owned(), (3, 1)));
}

/// Rows 2 to 5 of the source; the third has a user that the provider does not know, the fourth is refused by itself.
fn unwelcome() -> String {
    source(&[row("t-1", "user-1"), row("t-2", "unknown-9"), row("refuse-3", "user-1"), row("t-4", "user-1")])
}

#[test]
fn refused_rows_are_breaks_with_the_line_of_the_source_and_the_others_have_arrived() {
    let project = project(&incoming(""), &unwelcome(), "");
    for attempt in 1..=2 {
        run(&project, &[]).ended_with(0);
        assert_eq!((stand(&project), taken(&project)), ("acknowledged 1".to_owned(), (2, 1)));
        let told = |key: &str| (key.to_owned(), "row_rejected".to_owned());
        assert_eq!(breaks(&project, attempt), [told("refuse-3"), told("t-2")]);
        let file = format!("core-{DAY}.csv");
        let found = cells(&project, attempt, &["key", "ledger_files", "ledger_lines", "at_risk"]);
        assert_eq!(found, [["refuse-3", &file, "4", "1.25"], ["t-2", &file, "3", "1.25"]]);
        let (total, lines, accepted) = bridge(&project, attempt);
        assert_eq!((total, accepted), (500, 250));
        assert_eq!(lines, [("break: row rejected".to_owned(), -250)]);
    }
    assert_eq!(calls(&project, "/transactions").len(), 1, "a refused row is not sent again");
    is_sound(&project);
}

#[test]
fn a_call_that_is_refused_on_account_of_one_row_goes_without_it() {
    let project = project(&incoming(""), &many(3), "  - {on: transactions, nth: 1, do: refuse_call}\n");
    run(&project, &[]).ended_with(0);
    assert_eq!(calls(&project, "/transactions"), [call(400, ALL), call(202, &["t-2", "t-3"])]);
    assert_eq!(breaks(&project, 1), [("t-1".to_owned(), "row_rejected".to_owned())]);
    assert_eq!((stand(&project), taken(&project)), ("acknowledged 1".to_owned(), (2, 1)));
    assert_eq!(bridge(&project, 1).2, 250);
}

#[test]
fn what_another_job_has_sent_is_known_by_its_ids_and_counts_as_arrived() {
    let project = project(&incoming(""), &many(3), "");
    run(&project, &[]).ended_with(0);
    project.write("jobs/again.yaml", incoming("").replace("job: core", "job: again"));
    project.run(&["run", "again", "--period", DAY]).ended_with(0);
    assert_eq!(calls(&project, "/transactions"), [call(202, ALL), call(409, ALL)]);
    assert_eq!(taken(&project), (3, 2));
    let listed = project.run(&["effects", "again", "--format", "json"]).stdout;
    let listed: Vec<Value> = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed[0]["state"], "acknowledged");
}

#[test]
fn a_call_that_nobody_can_make_sense_of_ends_as_it_should() {
    let table = [
        ("{status: 403}", 77, "approved 1"),
        ("{status: 404}", 20, "rejected 1"),
        ("{status: 400}", 20, "rejected 1"),
        ("{status: 409}", 20, "in_doubt 1"),
        ("error_without_id", 20, "in_doubt 1"),
        ("{status: 503}", 69, "approved 1"),
        ("{status: 401}", 77, "approved 1"),
    ];
    for (fault, code, state) in table {
        let faults = format!("  - {{on: transactions, nth: every, do: {fault}}}\n");
        let project = project(&incoming(""), &many(3), &faults);
        let output = run(&project, &[]);
        assert_eq!((output.code, stand(&project).as_str()), (Some(code), state), "{fault}: {}", output.stdout);
        assert_eq!(project.summary(&format!("core/{DAY}/1"))["verdict"]["ties_out"], true, "{fault}");
        project.run(&["journal", "verify"]).ended_with(0);
    }
}

/// Parts taken, events, times that it was completed; of every session of the provider that took anything.
fn sessions(project: &TestProject) -> Vec<(u32, usize, u32)> {
    let sessions = project.provider().sessions();
    let used = sessions.iter().filter(|session| session.parts > 0 || session.completed > 0);
    used.map(|session| (session.parts, session.items.len(), session.completed)).collect()
}

fn started(project: &TestProject) -> usize {
    requests(project, "/uploads").iter().filter(|request| request.path.ends_with("/uploads")).count()
}

/// Fault of an upload session → starts that were asked for, and what its only session that holds anything holds.
#[test]
fn a_session_ends_complete_whatever_reply_is_lost() {
    let table: [(&str, usize, (u32, usize, u32)); 12] = [
        ("{on: historical_start, nth: 1, do: {status: 500}}", 2, (2, 501, 1)),
        ("{on: historical_start, nth: 1, do: reset_before}", 2, (2, 501, 1)),
        // The reply is lost: an empty session stays behind, nothing is twice.
        ("{on: historical_start, nth: 1, do: reset_after}", 2, (2, 501, 1)),
        ("{on: historical_start, nth: 1, do: revoke_token}", 2, (2, 501, 1)),
        ("{on: historical_part, nth: 1, do: {status: 503}}", 1, (2, 501, 1)),
        ("{on: historical_part, nth: 1, do: {status: 429, retry_after: 0}}", 1, (2, 501, 1)),
        ("{on: historical_part, nth: 1, do: reset_after}", 1, (3, 501, 1)),
        ("{on: historical_part, nth: 2, do: {status: 500, applied: true}}", 1, (3, 501, 1)),
        ("{on: historical_part, nth: 1, do: busy_item}", 1, (3, 501, 1)),
        ("{on: historical_complete, nth: 1, do: {status: 500}}", 1, (2, 501, 1)),
        // The second asking is answered with 409: it is complete.
        ("{on: historical_complete, nth: 1, do: reset_after}", 1, (2, 501, 2)),
        ("{on: historical_complete, nth: 1, do: {status: 500, applied: true}}", 1, (2, 501, 2)),
    ];
    for (fault, starts, session) in table {
        let project = project(&historical(""), &many(501), &format!("  - {fault}\n"));
        run(&project, &[]).ended_with(0);
        assert_eq!((started(&project), sessions(&project)), (starts, vec![session]), "{fault}");
        assert_eq!((stand(&project), taken(&project).0), ("acknowledged 4".to_owned(), 501), "{fault}");
        assert_eq!(bridge(&project, 1).2, 501 * 125, "{fault}");
        is_sound(&project);
    }
}

#[test]
fn a_session_that_was_interrupted_is_gone_on_with_and_never_begun_again() {
    for (endpoint, state) in
        [("historical_part", "acknowledged 1, approved 3"), ("historical_complete", "acknowledged 3, approved 1")]
    {
        let faults = (1..=3).map(|nth| format!("  - {{on: {endpoint}, nth: {nth}, do: {{status: 503}}}}\n"));
        let project = project(&historical(""), &many(501), &faults.collect::<String>());
        run(&project, &[]).ended_with(69);
        assert_eq!((stand(&project).as_str(), started(&project)), (state, 1), "{endpoint}");
        assert_eq!(bridge(&project, 1).2, 0, "{endpoint}: nothing is accepted before it is complete");
        run(&project, &[]).ended_with(0);
        assert_eq!((started(&project), sessions(&project)), (1, vec![(2, 501, 1)]), "{endpoint}");
        assert_eq!((stand(&project), taken(&project)), ("acknowledged 4".to_owned(), (501, 1)), "{endpoint}");
        assert_eq!(bridge(&project, 2).2, 501 * 125, "{endpoint}");
        is_sound(&project);
    }
}

#[test]
fn a_part_with_refused_rows_has_arrived_and_the_session_is_completed() {
    let rows = source(&[row("t-1", "user-1"), row("refuse-2", "user-1"), row("t-3", "user-1")]);
    let project = project(&historical(""), &rows, "");
    run(&project, &[]).ended_with(0);
    assert_eq!(breaks(&project, 1), [("refuse-2".to_owned(), "row_rejected".to_owned())]);
    assert_eq!(cells(&project, 1, &["ledger_lines"]), [["3"]]);
    assert_eq!((sessions(&project), stand(&project)), (vec![(1, 2, 1)], "acknowledged 3".to_owned()));
    assert_eq!(bridge(&project, 1), (375, vec![("break: row rejected".to_owned(), -125)], 250));
}

#[test]
fn a_part_that_is_refused_keeps_the_session_open_and_the_report_says_so() {
    let project = project(&historical(""), &many(501), "  - {on: historical_part, nth: 1, do: {status: 400}}\n");
    run(&project, &[]).ended_with(20);
    assert!(ended(&project, 1).contains("is not completed, since a part of it was refused"), "{}", ended(&project, 1));
    assert_eq!(stand(&project), "acknowledged 2, approved 1, rejected 1");
    let open = project.provider().sessions();
    assert_eq!(open.iter().map(|session| (session.parts, session.completed)).collect::<Vec<_>>(), [(1, 0)]);
    assert_eq!(bridge(&project, 1).2, 0);
    run(&project, &[]).ended_with(20);
    assert_eq!((requests(&project, "/parts").len(), started(&project)), (2, 1), "nothing of it is tried again");
}

#[test]
fn a_user_whom_the_provider_does_not_know_keeps_nobody_else_waiting() {
    let rows = source(&[row("t-1", "unknown-1"), row("t-2", "user-2")]);
    let project = project(&historical(""), &rows, "");
    run(&project, &[]).ended_with(20);
    assert_eq!((sessions(&project), taken(&project)), (vec![(1, 1, 1)], (1, 1)));
    assert_eq!(stand(&project), "acknowledged 3, approved 2, rejected 1");
    assert_eq!(bridge(&project, 1).2, 125);
    assert_eq!(ids(&rows_of(&requests(&project, "/parts")[0])).len(), 1);
}
