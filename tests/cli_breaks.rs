//! `tieout breaks list`, `show` and what people decide about breaks; `tieout diff`.

use std::os::unix::process::ExitStatusExt;

use serde_json::Value;

use crate::support::decisions::redacted;
use crate::support::effect_project;
use crate::support::project::{DAY, Output, TestProject, job, rows};

const FIRST: &str = "rewards/2025-03-19/1";
const SECOND: &str = "rewards/2025-03-19/2";

/// The small job after its first run: t-2 differs, t-3 and t-4 are missing on a side.
fn run_once() -> TestProject {
    let project = TestProject::small();
    project.run_day(&["--run-time", "2025-03-20T09:45:00Z"]).ended_with(0);
    project
}

/// What `tieout breaks` with these arguments lists, as JSON.
fn listed(project: &TestProject, arguments: &[&str]) -> Vec<Value> {
    let told = project.run(&[&["breaks"], arguments, &["--format", "json"]].concat()).ended_with(0);
    serde_json::from_str(&told.stdout).unwrap()
}

/// Every status, whatever it is: key → status.
fn statuses(project: &TestProject) -> Vec<(String, String)> {
    let all = ["open", "suggested", "confirmed", "in_dispute", "resolved", "written_off", "force_matched"];
    let flags: Vec<&str> = all.iter().flat_map(|status| ["--status", status]).collect();
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    let listed = listed(project, &[&["list", "rewards"], &flags[..]].concat());
    let mut told: Vec<_> = listed.iter().map(|row| (text(row, "key"), text(row, "status"))).collect();
    told.sort();
    told
}

fn with_statuses(statuses: [(&str, &str); 3]) -> Vec<(String, String)> {
    statuses.map(|(key, status)| (key.to_owned(), status.to_owned())).to_vec()
}

fn id(project: &TestProject, key: &str) -> String {
    let row = listed(project, &["list"]).into_iter().find(|row| row["key"] == key).unwrap();
    row["break"].as_str().unwrap().to_owned()
}

/// `tieout breaks …` by Mara.
fn decide(project: &TestProject, arguments: &[&str]) -> Output {
    project.run(&[&["breaks"], arguments, &["--by", "Mara Lind"]].concat())
}

#[test]
fn breaks_are_listed_across_runs_with_what_is_known_of_them() {
    let project = run_once();
    let told = project.run(&["breaks", "list", "--format", "csv"]).ended_with(0);
    let lines: Vec<&str> = told.stdout.lines().collect();
    let header = "break,status,kind,key,at_risk,currency,owner,age,comments,period,first_seen,last_seen,last_run,job,detail,sealed";
    assert_eq!((lines[0], lines.len()), (header, 4));
    assert!(told.stderr.contains("3 breaks: 3 open"), "{}", told.stderr);
    let t2 = listed(&project, &["list"]).into_iter().find(|row| row["key"] == "t-2").unwrap();
    assert_eq!(
        [&t2["status"], &t2["kind"], &t2["at_risk"], &t2["period"], &t2["last_run"], &t2["first_seen"]],
        ["open", "amount_mismatch", "0.45", DAY, FIRST, "2025-03-20T09:45:00Z"]
    );
    assert!(t2["age"].as_i64().unwrap() > 200, "business days since the period: {t2}");

    let keys = |arguments: &[&str]| -> Vec<String> {
        let rows = listed(&project, &[&["list"], arguments].concat());
        rows.iter().map(|row| row["key"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(keys(&["--kind", "missing_in_file"]), ["t-4"]);
    assert_eq!(keys(&["--min-amount", "5.26"]), ["t-4"]);
    assert_eq!(keys(&["--limit", "1", "--min-amount", "5.25"]).len(), 1);
    assert_eq!(keys(&["--older-than", "200"]).len(), 3);
    assert_eq!(keys(&["--older-than", "1000000"]), Vec::<String>::new());
    assert_eq!(keys(&["--period", DAY]).len(), 3);
    for nothing in [["--period", "2025-03-20"], ["--owner", "Robin"], ["--status", "confirmed"]] {
        assert_eq!(keys(&nothing), Vec::<String>::new(), "{nothing:?}");
    }
    assert_eq!(keys(&["core"]), Vec::<String>::new());
}

#[test]
fn nothing_was_run_and_nothing_is_known() {
    let project = TestProject::small();
    let told = project.run(&["breaks", "list"]).ended_with(0);
    assert!(told.stderr.contains("no such break"), "{}", told.stderr);
    for arguments in [&["breaks", "show", "12ab"][..], &["breaks", "confirm", "12ab", "--by", "Mara"]] {
        let refused = project.run(arguments).ended_with(2);
        assert_eq!(refused.error(), "no break `12ab` in the state file; `tieout breaks list` lists them");
    }
}

#[test]
fn the_life_of_a_break_is_shown_event_by_event() {
    let project = run_once();
    let t2 = id(&project, "t-2");
    decide(&project, &["assign", &t2, "--to", "Robin", "--reason", "knows the shop"]).ended_with(0);
    decide(&project, &["comment", &t2[..6], "--text", "asked the shop"]).ended_with(0);
    decide(&project, &["confirm", &t2]).ended_with(0);
    let done = decide(&project, &["force-match", &t2, "--with", "t-9", "--reason", "old id"]).ended_with(0);
    assert!(done.stderr.contains("force matched 1 break"), "{}", done.stderr);
    assert_eq!(
        done.stdout,
        format!(
            "break             status         kind             key  at_risk  currency  owner  comments  job\n\
             {t2}  force_matched  amount_mismatch  t-2     0.45  USD       Robin         1  rewards\n"
        )
    );
    decide(&project, &["reopen", &t2, "--reason", "no, it is not"]).ended_with(0);
    project.run_day(&["--run-time", "2025-03-21T09:45:00Z"]).ended_with(0);

    let shown = project.run(&["breaks", "show", &t2]).ended_with(0).stdout;
    let parts: Vec<&str> = shown.split("\n\n").collect();
    assert!(parts[0].contains("owner              Robin\n"), "{shown}");
    assert_eq!(
        parts[1],
        format!(
            "period      there  first_run             last_run              last_seen             sealed\n\
             {DAY}  yes    {FIRST}  {SECOND}  2025-03-21T09:45:00Z"
        )
    );
    let detail = "transaction amount: file 20.50 USD, ledger 20.05 USD";
    // Which of the three breaks comes first is decided by kind and amount.
    let life: Vec<String> = redacted(parts[2]).lines().skip(1).map(|line| line.trim_start().to_owned()).collect();
    let expected = [
        format!("3  ....................  {FIRST}  found in {DAY} as amount mismatch: {detail}"),
        "4  ....................  Mara Lind             assigned to Robin: knows the shop".to_owned(),
        "5  ....................  Mara Lind             comment: asked the shop".to_owned(),
        "6  ....................  Mara Lind             confirmed".to_owned(),
        "7  ....................  Mara Lind             force matched with t-9: old id".to_owned(),
        "8  ....................  Mara Lind             opened again: no, it is not".to_owned(),
    ];
    assert_eq!(life, expected);
    let document = project.run(&["breaks", "show", &t2, "--format", "json"]).ended_with(0).stdout;
    let document: Value = serde_json::from_str(&document).unwrap();
    assert_eq!((&document["standing"]["status"], &document["standing"]["comments"]), (&"open".into(), &1.into()));
    assert_eq!(document["history"].as_array().unwrap().len(), 6);
    let verified = project.run(&["journal", "verify"]).ended_with(0).stdout;
    assert!(verified.starts_with("The journal is whole: 8 entries about 0 effects and 3 breaks, "), "{verified}");
}

#[test]
fn a_decision_is_for_all_that_are_named_or_for_none() {
    let project = run_once();
    let [t2, t3, t4] = ["t-2", "t-3", "t-4"].map(|key| id(&project, key));
    let done = decide(&project, &["write-off", &t3, &t4, &t3, "--reason", "too small"]).ended_with(0);
    assert!(done.stderr.contains("written off 2 breaks"), "{}", done.stderr);
    let written = with_statuses([("t-2", "open"), ("t-3", "written_off"), ("t-4", "written_off")]);
    assert_eq!(statuses(&project), written);
    for (arguments, told) in [
        (
            vec!["write-off", &t2, &t3, "--reason", "x"],
            format!("break {t3} is written off; only open, confirmed and disputed ones can be written off"),
        ),
        (vec!["confirm", &t2, &t4], format!("break {t4} is written off; only open ones can be confirmed")),
        (
            vec!["assign", &t2, &t4, "--to", "Robin"],
            format!("break {t4} is written off; only ones that are not closed can be assigned"),
        ),
        (
            vec!["reopen", &t3, &t2, "--reason", "x"],
            format!("break {t2} is open; only resolved, written off and force matched ones can be reopened"),
        ),
        (
            vec!["accept-suggestion", &t2, "--reason", "x"],
            format!("break {t2} is open; only suggested ones can be accepted"),
        ),
        (
            vec!["comment", &t2, "ffff", "--text", "x"],
            "no break `ffff` in the state file; `tieout breaks list` lists them".to_owned(),
        ),
    ] {
        assert_eq!(decide(&project, &arguments).ended_with(2).error(), told);
    }
    assert_eq!(statuses(&project), written);
    let empty = decide(&project, &["write-off", &t2, "--reason", ""]).ended_with(2);
    assert!(empty.stderr.contains("--reason"), "{}", empty.stderr);
    let nobody = project.run(&["breaks", "confirm", &t2, "--by", " "]).ended_with(2);
    assert!(nobody.error().starts_with("--by is empty"), "{}", nobody.stderr);
}

#[test]
fn what_is_written_off_counts_at_no_gate_until_its_facts_change() {
    let project = TestProject::small();
    project.write("jobs/rewards.yaml", job(&[("job", "gates: {max_breaks: 1}")]));
    project.run_day(&[]).ended_with(10);
    let [t3, t4] = ["t-3", "t-4"].map(|key| id(&project, key));
    decide(&project, &["write-off", &t3, "--reason", "too small"]).ended_with(0);
    decide(&project, &["force-match", &t4, "--reason", "booked twice"]).ended_with(0);
    let again = project.run_day(&[]).ended_with(0);
    assert!(
        again.stdout.contains("Ties out with 1 break to review, and 1 written off, 1 force matched"),
        "{}",
        again.stdout
    );
    let breaks = &project.summary(SECOND)["breaks"];
    assert_eq!([&breaks["count"], &breaks["open"], &breaks["force_matched"]], [3, 1, 1]);
    let rows = listed(&project, &[SECOND]);
    let mut told: Vec<_> = rows.iter().map(|row| [&row["key"], &row["status"]]).collect();
    told.sort_by_key(|row| row[0].to_string());
    assert_eq!(told, [["t-2", "open"], ["t-3", "written_off"], ["t-4", "force_matched"]]);
    // What a run said stays in its report; the list says how it stands now.
    assert_eq!(listed(&project, &[FIRST]).iter().filter(|row| row["status"] == "open").count(), 1);

    // t-4 is of another amount now: nobody has matched that. t-2 is put right.
    let changed = [
        "t-1,10.00,USD,2025-03-19T01:00:00Z",
        "t-2,20.50,USD,2025-03-19T02:00:00Z",
        "t-4,7.01,USD,2025-03-19T04:00:00Z",
    ];
    project.write("data/ledger-2025-03-19.csv", self::rows(&changed));
    project.run_day(&[]).ended_with(10);
    let life = project.run(&["breaks", "show", &t4]).ended_with(0).stdout;
    assert!(
        life.contains("open again, found in 2025-03-19 as missing in file: in ledger (7.01 USD), not in file"),
        "{life}"
    );
    let t2 = statuses(&project).into_iter().find(|(key, _)| key == "t-2").unwrap();
    assert_eq!(t2.1, "resolved");
    let resolved = listed(&project, &["list", "--status", "resolved"]).remove(0);
    let life = project.run(&["breaks", "show", resolved["break"].as_str().unwrap()]).ended_with(0).stdout;
    let told = "no longer found in 2025-03-19; changed since: ledger ledger-2025-03-19.csv";
    assert!(life.contains(told), "{life}");
}

#[test]
fn a_plan_tells_lives_and_records_nothing() {
    let project = run_once();
    let t3 = id(&project, "t-3");
    decide(&project, &["write-off", &t3, "--reason", "too small"]).ended_with(0);
    let before = project.run(&["journal", "anchor"]).stdout;
    let plan = project.run(&["plan", "rewards", "--period", DAY]).ended_with(0);
    assert!(plan.stdout.contains("2 breaks to review, and 1 written off"), "{}", plan.stdout);
    assert_eq!(project.run(&["journal", "anchor"]).stdout, before);
}

#[test]
fn no_audit_is_asked_for_what_a_person_has_closed() {
    let project = effect_project::project("  provider_audit: {for: [amount_mismatch, missing_in_file]}\n", "");
    project.run_day(&[]).ended_with(0);
    let proposed = || effect_project::states(&project).into_iter().collect::<Vec<_>>();
    let state = |of: &str, states: &[(String, String)]| states.iter().find(|(key, _)| key == of).unwrap().1.clone();
    assert_eq!(state("t-4", &proposed()), "proposed");
    decide(&project, &["write-off", &id(&project, "t-4"), "--reason", "too small"]).ended_with(0);
    project.run_day(&[]).ended_with(0);
    assert_eq!((state("t-4", &proposed()), state("t-5", &proposed())), ("withdrawn".to_owned(), "proposed".to_owned()));
}

#[test]
fn what_an_audit_stands_for_is_in_dispute_and_named_by_it() {
    let project = effect_project::project(&[effect_project::FAST, effect_project::AUDITS].concat(), "");
    project.run_day(&[]).ended_with(0);
    let disputed: Vec<Value> = listed(&project, &["list", "--status", "in_dispute"]);
    assert_eq!(disputed.len(), effect_project::AUDITED.len());
    assert_eq!(project.summary(FIRST)["breaks"]["in_dispute"], disputed.len());
    let shown = project.run(&["breaks", "show", disputed[0]["break"].as_str().unwrap(), "--format", "json"]);
    let shown: Value = serde_json::from_str(&shown.ended_with(0).stdout).unwrap();
    let effect = &shown["effects"][0];
    assert_eq!(
        (&effect["state"], &effect["effect"]["key"]["transaction"]),
        (&"acknowledged".into(), &disputed[0]["key"])
    );
    assert_eq!(shown["history"][1]["event"]["effect"], effect["effect"]["id"]);
    // The same run again tells the same.
    project.run_day(&[]).ended_with(0);
    assert_eq!(listed(&project, &["list", "--status", "in_dispute"]).len(), disputed.len());
}

#[test]
fn an_accepted_suggestion_is_matched_like_any_other_from_then_on() {
    let project = TestProject::small();
    project.write(
        "jobs/rewards.yaml",
        job(&[("job", "grace: 0s")])
            .replace("match:\n", "match:\n  fallback: [{by: [amount, currency], within: 2h}]\n"),
    );
    let ledger = [
        "t-1,10.00,USD,2025-03-19T01:00:00Z",
        "t-2,20.50,USD,2025-03-19T02:00:00Z",
        "x-3,5.25,USD,2025-03-19T03:30:00Z",
    ];
    project.write("data/ledger-2025-03-19.csv", rows(&ledger));
    let first = project.run_day(&[]).ended_with(0);
    assert!(first.stdout.contains("suggested match"), "{}", first.stdout);
    let waiting = listed(&project, &["list", "--status", "suggested"]);
    assert_eq!(
        (waiting.len(), &waiting[0]["key"], &waiting[0]["kind"]),
        (1, &"t-3 = x-3".into(), &"suggested_match".into())
    );
    let pair = waiting[0]["break"].as_str().unwrap();
    let refused = decide(&project, &["write-off", pair, "--reason", "x"]).ended_with(2);
    let told = format!(
        "`{pair}` is no break but a suggestion; `tieout breaks accept-suggestion` says that its keys belong together"
    );
    assert_eq!(refused.error(), told);
    let suggested = |run: &str| -> Vec<u64> {
        let rows = project.summary(run)["statement"]["rows"].clone();
        let rows = if rows.is_null() { project.summary(run)["rows"].clone() } else { rows };
        rows.as_array().unwrap().iter().map(|row| row["suggested"].as_u64().unwrap()).collect()
    };
    assert_eq!(suggested(FIRST), [1, 1]);

    // By either of its keys, or its id.
    let done = decide(&project, &["accept-suggestion", "x-3", "--reason", "same minute"]).ended_with(0);
    assert!(done.stderr.contains("accepted 1 suggestion"), "{}", done.stderr);
    let again = project.run_day(&[]).ended_with(0);
    assert!(!again.stdout.contains("suggested match"), "{}", again.stdout);
    assert_eq!(suggested(SECOND), [0, 0]);
    decide(&project, &["reopen", pair, "--reason", "no"]).ended_with(0);
    assert_eq!(listed(&project, &["list", "--status", "suggested"]).len(), 1);
}

#[test]
fn killed_while_it_reports_and_records_the_next_run_does_both() {
    for variable in ["TIEOUT_KILL_BEFORE", "TIEOUT_KILL_AFTER"] {
        let project = TestProject::small();
        let process = project.command(&["run", "rewards", "--period", DAY]).env(variable, "observe").spawn().unwrap();
        assert_eq!(process.wait_with_output().unwrap().status.signal(), Some(9), "{variable}");
        let known = if variable == "TIEOUT_KILL_BEFORE" { 0 } else { 3 };
        assert_eq!(listed(&project, &["list"]).len(), known, "{variable}");
        project.run_day(&[]).ended_with(0);
        assert!(project.path(&format!("runs/{SECOND}/breaks.csv")).exists(), "{variable}");
        let found = listed(&project, &["list"]);
        assert_eq!(found.len(), 3, "{variable}");
        assert!(found.iter().all(|row| row["status"] == "open" && row["last_run"] == SECOND), "{found:?}");
        let verified = project.run(&["journal", "verify"]).ended_with(0).stdout;
        assert!(verified.contains(": 3 entries about 0 effects and 3 breaks, "), "{verified}");
    }
}

#[test]
fn a_diff_tells_what_is_new_gone_and_changed_field_by_field() {
    let project = run_once();
    let ledger = [
        "t-1,10.00,USD,2025-03-19T01:00:00Z",
        "t-2,20.07,USD,2025-03-19T02:00:00Z",
        "t-5,1.00,USD,2025-03-19T05:00:00Z",
    ];
    project.write("data/ledger-2025-03-19.csv", rows(&ledger));
    project.run_day(&[]).ended_with(0);
    let told = project.run(&["diff", FIRST, SECOND, "--format", "csv"]).ended_with(0);
    assert!(told.stderr.contains("2 new, 1 gone, 1 changed of 3 and 4 breaks"), "{}", told.stderr);
    let mut lines: Vec<String> = Vec::new();
    for row in csv::Reader::from_reader(told.stdout.as_bytes()).records() {
        let row = row.unwrap();
        lines.push([&row[0], &row[3], &row[5], &row[6], &row[7]].join("|"));
    }
    let name = "ledger-2025-03-19.csv";
    assert_eq!(lines.len(), 7, "{lines:#?}");
    assert_eq!(lines[0], "new|t-5|||in ledger (1.00 USD), not in file");
    assert!(lines[1].starts_with(&format!("new|{name}|||")), "{}", lines[1]);
    assert_eq!(
        lines[2..],
        [
            "gone|t-4||in ledger (7.00 USD), not in file|",
            "changed|t-2|at_risk|0.45|0.43",
            "changed|t-2|difference|0.45|0.43",
            "changed|t-2|detail|transaction amount: file 20.50 USD, ledger 20.05 USD|transaction amount: file 20.50 USD, \
             ledger 20.07 USD",
            "changed|t-2|ledger_amount|20.05|20.07",
        ]
    );
    let same = project.run(&["diff", SECOND, SECOND, "--format", "json"]).ended_with(0);
    assert_eq!(same.stdout, "[]\n");

    let refused = project.run(&["diff", FIRST, "rewards/2025-03-19/9"]).ended_with(2);
    assert!(refused.error().starts_with("no run `rewards/2025-03-19/9` in the state file"), "{}", refused.error());
    project.write("jobs/other.yaml", job(&[]).replace("job: rewards", "job: other"));
    project.run(&["run", "other", "--period", DAY]).ended_with(0);
    let refused = project.run(&["diff", FIRST, "other/2025-03-19/1"]).ended_with(2);
    let told = "run rewards/2025-03-19/1 is of job rewards, run other/2025-03-19/1 of job other; a diff is of two runs of one job";
    assert_eq!(refused.error(), told);
}
