//! What Kard tells of bulk files after it has read them: in the same run, in a later one, late, never, or of another
//! file; and what the journal and the report make of it.

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use tieout::sandbox::WEBHOOK_KEY;

use crate::audit_notices::envelope;
use crate::support::outbox::{
    CONFIRM, LOG, breaks, bridge, cells, effects, many, project, requests, row, run, source, stand, taken, upload,
    uploads,
};
use crate::support::project::{DAY, TestProject};

/// The job's limit has passed since everything that was sent until now.
fn much_later() -> String {
    (Utc::now() + TimeDelta::hours(25)).to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// A run after the job's limit has passed.
fn run_much_later(project: &TestProject) -> crate::support::project::Output {
    run(project, &["--run-time", &much_later()])
}

/// The reasons for which rows are expected, with their number.
fn expected(project: &TestProject, attempt: u32) -> Vec<u64> {
    let summary = project.summary(&format!("core/{DAY}/{attempt}"));
    summary["expected"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).collect()
}

/// The name of the only bulk file.
fn name(project: &TestProject) -> String {
    let [effect] = &effects(project)[..] else { panic!("{:?}", effects(project)) };
    effect.name.clone()
}

/// Adds a notification to the log, signed with this key.
fn tell(project: &TestProject, file: &str, errors: Value, key: &str) {
    let at = Utc::now().to_rfc3339();
    let mut body = json!({
        "data": {
            "type": "fileProcessingResult", "id": format!("told-{file}"),
            "attributes": { "fileName": file, "sentAt": at, "lastModified": at, "downloadUrl": "https://kard.example/f" },
        },
        "meta": { "issuerId": "org-sandbox", "issuerName": "Sandbox" },
    });
    if errors != json!([]) {
        body["errors"] = errors;
    }
    let log = std::fs::read_to_string(project.path(LOG)).unwrap_or_default();
    project.write(LOG, format!("{log}{}\n", envelope(&body.to_string(), key, &at)));
}

/// Nothing is open: all that was sent has been accepted.
#[track_caller]
fn is_confirmed(project: &TestProject, attempt: u32, total: i64) {
    assert_eq!((expected(project, attempt), breaks(project, attempt)), (vec![], vec![]));
    assert_eq!(bridge(project, attempt), (total, Vec::new(), total));
}

/// Nobody has told of it yet.
#[track_caller]
fn is_awaited(project: &TestProject, attempt: u32, rows: u64) {
    assert_eq!((expected(project, attempt), breaks(project, attempt)), (vec![rows], vec![]));
    assert_eq!(bridge(project, attempt).2, 0);
}

#[test]
fn a_result_that_comes_while_the_run_waits_confirms_the_file() {
    let waiting = CONFIRM.replace("within: 24h", "within: 24h, wait: 20s");
    let project = project(&upload(&waiting), &many(3), "");
    run(&project, &[]).ended_with(0);
    is_confirmed(&project, 1, 375);
    assert_eq!(stand(&project), "acknowledged 1");
}

#[test]
fn a_result_that_comes_after_the_run_confirms_the_file_in_the_next_one() {
    for fault in
        ["", "  - {on: notification, nth: 1, do: {late: 50ms}}\n", "  - {on: notification, nth: 1, do: repeat}\n"]
    {
        let project = project(&upload(CONFIRM), &many(3), fault);
        run(&project, &[]).ended_with(0);
        is_awaited(&project, 1, 3);
        run(&project, &[]).ended_with(0);
        is_confirmed(&project, 2, 375);
        // It is remembered, also when the log is gone.
        std::fs::remove_file(project.path(LOG)).unwrap();
        run_much_later(&project).ended_with(0);
        is_confirmed(&project, 3, 375);
        assert_eq!((uploads(&project).len(), taken(&project)), (1, (3, 1)), "{fault}");
        project.run(&["journal", "verify"]).ended_with(0);
    }
}

#[test]
fn a_file_without_a_result_in_time_is_a_break_until_the_result_comes() {
    let project = project(&upload(CONFIRM), &many(3), "  - {on: notification, nth: 1, do: drop}\n");
    run(&project, &[]).ended_with(0);
    is_awaited(&project, 1, 3);
    run_much_later(&project).ended_with(0);
    let file = name(&project);
    assert_eq!(cells(&project, 2, &["key", "kind", "at_risk", "currency"]), [[&file, "unacknowledged", "3.75", "USD"]]);
    let (total, lines, accepted) = bridge(&project, 2);
    assert_eq!((total, lines, accepted), (375, vec![("break: unacknowledged".to_owned(), -375)], 0));
    let ids = cells(&project, 2, &["id"]);
    run_much_later(&project).ended_with(0);
    assert_eq!(cells(&project, 3, &["id"]), ids, "it is the same break");
    tell(&project, &file, json!([]), WEBHOOK_KEY);
    run_much_later(&project).ended_with(0);
    is_confirmed(&project, 4, 375);
    assert_eq!((uploads(&project).len(), taken(&project)), (1, (3, 1)), "nothing was sent again");
}

#[test]
fn rejected_rows_are_breaks_with_the_line_of_the_source() {
    let rows = [
        row("t-1", "user-1"),
        row("refuse-2", "user-1"),
        row("t-bad", "user-1").replace("1.25", "x"),
        row("t-3", "unknown-3"),
        row("t-4", "user-1"),
    ];
    let job = upload(&[CONFIRM, "  quarantine: 1\n"].concat());
    let project = project(&job, &source(&rows), "");
    run(&project, &[]).ended_with(0);
    run(&project, &[]).ended_with(0);
    let file = format!("core-{DAY}.csv");
    let found = cells(&project, 2, &["key", "kind", "ledger_files", "ledger_lines", "at_risk"]);
    assert_eq!(found, [["refuse-2", "row_rejected", &file, "3", "1.25"], ["t-3", "row_rejected", &file, "5", "1.25"]]);
    let details = cells(&project, 2, &["detail"]).concat();
    assert!(details[0].contains("Kard has refused line 2 of core-") && details[0].contains("refuse-"), "{details:?}");
    assert!(details[1].contains("Kard has refused line 3 of core-"), "{details:?}");
    let (total, lines, accepted) = bridge(&project, 2);
    assert_eq!((total, accepted, lines.last()), (500, 250, Some(&("break: row rejected".to_owned(), -250))));
    // The next run tells the same.
    run(&project, &[]).ended_with(0);
    assert_eq!(cells(&project, 3, &["id"]), cells(&project, 2, &["id"]));
}

#[test]
fn a_result_against_the_file_as_a_whole_is_a_break_of_the_file() {
    let project = project(&upload(CONFIRM), &many(3), "  - {on: notification, nth: 1, do: drop}\n");
    run(&project, &[]).ended_with(0);
    let error = json!([{ "status": "400", "title": "Bad Request", "detail": "The file cannot be read." }]);
    tell(&project, &name(&project), error, WEBHOOK_KEY);
    run(&project, &[]).ended_with(0);
    assert_eq!(breaks(&project, 2), [(name(&project), "row_rejected".to_owned())]);
    assert_eq!((bridge(&project, 2).0, bridge(&project, 2).2), (375, 0));
}

#[test]
fn what_is_told_of_another_file_says_nothing_of_this_one() {
    let project = project(&upload(CONFIRM), &many(3), "  - {on: notification, nth: 1, do: wrong_file_name}\n");
    run(&project, &[]).ended_with(0);
    run(&project, &[]).ended_with(0);
    is_awaited(&project, 2, 3);
}

#[test]
fn what_is_not_signed_with_the_key_is_ignored_and_told() {
    let project = project(&upload(CONFIRM), &many(3), "  - {on: notification, nth: 1, do: drop}\n");
    run(&project, &[]).ended_with(0);
    tell(&project, &name(&project), json!([]), "somebody else's key");
    run(&project, &[]).ended_with(0);
    is_awaited(&project, 2, 3);
    let warnings = project.summary(&format!("core/{DAY}/2"))["warnings"].to_string();
    assert!(warnings.contains("a line of the notifications' log cannot be read: notifications.jsonl line 1: "));
    assert!(warnings.contains("has a wrong signature"), "{warnings}");
    // A good one beside it counts all the same.
    tell(&project, &name(&project), json!([]), WEBHOOK_KEY);
    run(&project, &[]).ended_with(0);
    is_confirmed(&project, 3, 375);
    // The job may do without the check.
    let trusting = upload(&CONFIRM.replace(" verify: kard,", ""));
    let open = project_with_log(&trusting);
    run(&open, &[]).ended_with(0);
    is_confirmed(&open, 2, 375);
}

/// A file was sent, and a notification of it is signed with a key that nobody knows.
fn project_with_log(job: &str) -> TestProject {
    let project = project(job, &many(3), "  - {on: notification, nth: 1, do: drop}\n");
    run(&project, &[]).ended_with(0);
    tell(&project, &name(&project), json!([]), "somebody else's key");
    project
}

#[test]
fn lines_that_are_no_notifications_stand_in_nobodys_way() {
    let project = project(&upload(CONFIRM), &many(3), "");
    project.write(LOG, "this is no JSON\n{\"half\": \n");
    run(&project, &[]).ended_with(0);
    run(&project, &[]).ended_with(0);
    is_confirmed(&project, 2, 375);
    let warnings = project.summary(&format!("core/{DAY}/2"))["warnings"].to_string();
    assert!(warnings.contains("2 lines of the notifications' log cannot be read"), "{warnings}");
}

#[test]
fn a_result_proves_that_a_file_arrived_whose_reply_was_lost() {
    let project = project(&upload(CONFIRM), &many(3), "  - {on: storage, nth: every, do: reset_after}\n");
    run(&project, &[]).ended_with(69);
    assert_eq!(stand(&project), "approved 1");
    let puts = requests(&project, "/storage/").len();
    run(&project, &[]).ended_with(0);
    assert_eq!(stand(&project), "acknowledged 1");
    assert_eq!(requests(&project, "/storage/").len(), puts, "nothing is sent to find that out");
    is_confirmed(&project, 2, 375);
    project.run(&["journal", "verify"]).ended_with(0);
}

#[test]
fn files_of_other_periods_are_told_when_they_are_overdue() {
    let project = project(&upload(CONFIRM), &many(3), "  - {on: notification, nth: 1, do: drop}\n");
    project.write("data/core-2025-03-18.csv", source(&[row("u-1", "user-1")]));
    project.run(&["run", "core", "--period", "2025-03-18"]).ended_with(0);
    project.provider_idle();
    let before = name(&project);
    run(&project, &[]).ended_with(0);
    assert_eq!(breaks(&project, 1), [], "it is not due yet");
    run_much_later(&project).ended_with(0);
    assert_eq!(breaks(&project, 2), [(before.clone(), "unacknowledged".to_owned())]);
    // What the own period has sent ties out by itself.
    assert_eq!(bridge(&project, 2), (375, Vec::new(), 375));
    // Any run of the job hears of it.
    tell(&project, &before, json!([]), WEBHOOK_KEY);
    run_much_later(&project).ended_with(0);
    assert_eq!(breaks(&project, 3), []);
}
