//! Days that are sealed: late attempts, what they leave to the first open day, in whatever order it is run.

use serde_json::Value;

use crate::support::Sample;
use crate::support::project::{Output, TestProject, job, rows};
use crate::support::utc;

const JOB: &str = "rewards";
const FIRST: &str = "2025-03-19";
const SECOND: &str = "2025-03-20";
const THIRD: &str = "2025-03-21";

/// What the provider says of a day: two rows.
fn file(day: &str) -> Sample {
    let bytes = rows(&[&format!("a-{day},10.00,USD,{day}T01:00:00Z"), &format!("b-{day},20.50,USD,{day}T02:00:00Z")]);
    let sent_at = utc(&format!("{day}T23:50:00Z"));
    Sample {
        sent_at,
        last_modified: sent_at,
        ..Sample::daily(&format!("f-{day}"), &format!("settled-{day}.csv"), &bytes)
    }
}

/// The ledger of a day: the second amount, and rows more.
fn ledger(day: &str, second: &str, more: &[&str]) -> Vec<u8> {
    let own = [format!("a-{day},10.00,USD,{day}T01:00:00Z"), format!("b-{day},{second},USD,{day}T02:00:00Z")];
    let more = more.iter().map(|row| format!("{row},USD,{day}T03:00:00Z"));
    let all: Vec<String> = own.into_iter().chain(more).collect();
    rows(&all.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Three days of which each has a break: the ledger's second amount is 0.50 short.
fn project() -> TestProject {
    let mut project = TestProject::empty();
    project.serve(&[FIRST, SECOND, THIRD].map(file), "");
    project.write("jobs/rewards.yaml", job(&[("job", "report: [xlsx, html, csv, json, parquet]")]));
    for day in [FIRST, SECOND, THIRD] {
        project.write(&format!("data/ledger-{day}.csv"), ledger(day, "20.00", &[]));
    }
    project
}

fn run(project: &TestProject, day: &str) -> Output {
    project.run(&["run", JOB, "--period", day]).ended_with(0)
}

fn seal(project: &TestProject, day: &str) -> Output {
    project.run(&["seal", JOB, "--period", day, "--reason", "signed off", "--by", "Mara Lind"]).ended_with(0)
}

/// The ledger of the first day as it was corrected: the amount is right, and there is one row more.
fn correct(project: &TestProject) {
    project.write(&format!("data/ledger-{FIRST}.csv"), ledger(FIRST, "20.50", &["c,7.00"]));
}

/// Period, key, at risk before and after of each adjustment that a run has left, files apart.
fn adjustments(project: &TestProject, run: &str) -> Vec<(String, String, Option<i64>, Option<i64>)> {
    let text = String::from_utf8(project.read(&format!("runs/{run}/adjustments.jsonl"))).unwrap();
    let all = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut told: Vec<_> = all
        .map(|one| {
            let state = if one["after"].is_null() { &one["before"] } else { &one["after"] };
            let minor = |state: &Value| state["at_risk_minor"].as_i64();
            let key = state["key"].as_str().unwrap().to_owned();
            (one["period"].as_str().unwrap().to_owned(), key, minor(&one["before"]), minor(&one["after"]))
        })
        .filter(|(_, key, ..)| !key.contains(".csv"))
        .collect();
    told.sort();
    told
}

fn expected() -> Vec<(String, String, Option<i64>, Option<i64>)> {
    vec![(FIRST.to_owned(), format!("b-{FIRST}"), Some(50), None), (FIRST.to_owned(), "c".to_owned(), None, Some(700))]
}

#[test]
fn a_late_attempt_is_headed_sealed_in_every_rendering_and_leaves_the_sealed_report_as_it_is() {
    let project = project();
    run(&project, FIRST);
    let before = project.read(&format!("runs/{JOB}/{FIRST}/1/summary.json"));
    let told = seal(&project, FIRST);
    assert!(told.stderr.contains("sealed rewards/2025-03-19/1; 1 break stays open in it"), "{}", told.stderr);
    correct(&project);
    let late = run(&project, FIRST);
    let head = late.stdout.lines().nth(1).unwrap();
    assert!(head.starts_with("SEALED: attempt 1 was signed off by Mara Lind on 20"), "{head}");
    assert!(late.stdout.lines().count() <= 25 && late.stdout.lines().all(|line| line.chars().count() <= 80));

    let summary = project.summary(&format!("{JOB}/{FIRST}/2"));
    let seal = &summary["seal"];
    assert_eq!(
        (&seal["run"], &seal["by"], &seal["reason"]),
        (&"rewards/2025-03-19/1".into(), &"Mara Lind".into(), &"signed off".into())
    );
    assert!(summary["adjustments"].is_null(), "nothing is sealed before it");
    let page = String::from_utf8(project.read(&format!("runs/{JOB}/{FIRST}/2/report.html"))).unwrap();
    assert!(page.contains("SEALED: attempt 1 was signed off by Mara Lind on "), "{page}");
    assert!(
        page.contains("What differs from the sealed attempt is an adjustment of the first open period after this one")
    );
    assert_eq!(project.read(&format!("runs/{JOB}/{FIRST}/1/summary.json")), before);
    assert!(!String::from_utf8(before).unwrap().contains("\"seal\""));

    let diff = project.run(&["diff", "rewards/2025-03-19/1", "rewards/2025-03-19/2", "--format", "csv"]).ended_with(0);
    assert!(diff.stderr.contains("2 new, 1 gone, 0 changed of 1 and 2 breaks"), "{}", diff.stderr);
}

#[test]
fn the_next_open_day_takes_the_adjustments_in_whichever_is_run_first_and_however_often() {
    // In one order: late attempt first. In the other: the next day first, and again after the late attempt.
    for next_day_first in [false, true] {
        let project = project();
        run(&project, FIRST);
        seal(&project, FIRST);
        let mut attempt = 1;
        if next_day_first {
            run(&project, SECOND);
            assert_eq!(adjustments(&project, &format!("{JOB}/{SECOND}/1")), []);
            let early = project.summary(&format!("{JOB}/{SECOND}/1"));
            assert_eq!(early["adjustments"]["count"], 0);
            attempt = 2;
        }
        correct(&project);
        run(&project, FIRST);
        let told = run(&project, SECOND);
        assert_eq!(adjustments(&project, &format!("{JOB}/{SECOND}/{attempt}")), expected(), "{next_day_first}");
        let line = "Adjustments from sealed periods: 2 new, 1 gone; at risk USD +6.50 (from USD 0.5";
        assert!(told.stdout.contains(line), "{}", told.stdout);
        let list = project.read(&format!("runs/{JOB}/{SECOND}/{attempt}/adjustments.jsonl"));
        run(&project, SECOND);
        let again = project.read(&format!("runs/{JOB}/{SECOND}/{}/adjustments.jsonl", attempt + 1));
        assert!(list == again, "the same again");
        // The day after is none of theirs: the second is open.
        run(&project, THIRD);
        assert!(!project.path(&format!("runs/{JOB}/{THIRD}/1/adjustments.jsonl")).exists());
    }
}

#[test]
fn the_summary_and_the_page_tell_the_adjustments() {
    let project = project();
    run(&project, FIRST);
    seal(&project, FIRST);
    correct(&project);
    run(&project, FIRST);
    run(&project, SECOND);
    let told = &project.summary(&format!("{JOB}/{SECOND}/1"))["adjustments"];
    assert_eq!(
        *told,
        serde_json::json!({
            "count": 3, "new": 2, "gone": 1, "changed": 0,
            "periods": [{
                "period": FIRST, "sealed_run": "rewards/2025-03-19/1", "late_run": "rewards/2025-03-19/2"
            }],
            "totals": [{
                "currency": "USD", "count": 2, "before_minor": "50", "change_minor": "650", "after_minor": "700"
            }],
        })
    );
    let page = String::from_utf8(project.read(&format!("runs/{JOB}/{SECOND}/1/report.html"))).unwrap();
    for part in
        ["Adjustments from sealed periods", "<td class=\"n\">+6.50</td>", "3 adjustments of 2025-03-19 fall into"]
    {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn what_a_sealed_day_has_booked_is_not_booked_again_by_the_next() {
    let project = project();
    run(&project, FIRST);
    seal(&project, FIRST);
    correct(&project);
    run(&project, FIRST);
    run(&project, SECOND);
    seal(&project, SECOND);
    run(&project, THIRD);
    assert_eq!(adjustments(&project, &format!("{JOB}/{THIRD}/1")), []);

    // Another correction of the first day: only what is new since falls into the third.
    project.write(&format!("data/ledger-{FIRST}.csv"), ledger(FIRST, "20.50", &["c,8.00"]));
    run(&project, FIRST);
    run(&project, THIRD);
    let day = FIRST.to_owned();
    assert_eq!(adjustments(&project, &format!("{JOB}/{THIRD}/2")), [(day, "c".to_owned(), Some(700), Some(800))]);
    // A late attempt of the second says what was signed off with it.
    run(&project, SECOND);
    assert_eq!(adjustments(&project, &format!("{JOB}/{SECOND}/2")), expected());

    let refused =
        project.run(&["unseal", JOB, "--period", FIRST, "--reason", "again", "--by", "Mara Lind", "-q"]).ended_with(2);
    assert_eq!(
        refused.error(),
        "2025-03-19 of rewards stays sealed: the sealed run rewards/2025-03-20/1 has booked adjustments of 2025-03-19; \
         unseal 2025-03-20 first"
    );
    for day in [SECOND, FIRST] {
        project.run(&["unseal", JOB, "--period", day, "--reason", "again", "--by", "Mara Lind"]).ended_with(0);
    }
    // Open again, the first day says so itself, and nobody adjusts anything.
    run(&project, SECOND);
    assert!(!project.path(&format!("runs/{JOB}/{SECOND}/3/adjustments.jsonl")).exists());
    project.run(&["journal", "verify"]).ended_with(0);
}

#[test]
fn a_sealed_report_that_somebody_has_changed_stops_the_day_that_needs_it() {
    let project = project();
    run(&project, FIRST);
    seal(&project, FIRST);
    correct(&project);
    run(&project, FIRST);
    let path = format!("runs/{JOB}/{FIRST}/1/breaks.parquet");
    let whole = project.read(&path);
    project.write(&path, [whole.clone(), b" ".to_vec()].concat());
    let refused = project.run(&["run", JOB, "--period", SECOND, "-q"]).ended_with(65);
    let expected = "FOLDER/runs/rewards/2025-03-19/1/breaks.parquet is not as run rewards/2025-03-19/1 was sealed with";
    assert!(refused.error().starts_with(expected), "{}", refused.error());
    let listed = project.run(&["seals", "--format", "csv"]).ended_with(0);
    assert!(listed.stdout.contains(",changed,"), "{}", listed.stdout);
    std::fs::remove_file(project.path(&path)).unwrap();
    let refused = project.run(&["run", JOB, "--period", SECOND, "-q"]).ended_with(65);
    assert!(
        refused.error().contains("cannot be read; bring it back from where reports are kept"),
        "{}",
        refused.error()
    );
    project.write(&path, whole);
    run(&project, SECOND);
}

#[test]
fn listings_tell_what_is_sealed() {
    let project = project();
    run(&project, FIRST);
    run(&project, SECOND);
    seal(&project, FIRST);
    run(&project, FIRST);
    let json = |arguments: &[&str]| -> Vec<Value> {
        let listed = project.run(&[arguments, &["--format", "json"]].concat()).ended_with(0);
        serde_json::from_str(&listed.stdout).unwrap()
    };
    let [listed] = json(&["seals", JOB]).try_into().unwrap();
    let text = |key: &str| listed[key].as_str().unwrap().to_owned();
    assert_eq!(
        ["period", "run", "late_run", "report", "by", "reason"].map(text),
        [FIRST, "rewards/2025-03-19/1", "rewards/2025-03-19/2", "whole", "Mara Lind", "signed off"]
    );
    let runs: Vec<(String, Value)> =
        json(&["runs"]).into_iter().map(|run| (run["run"].as_str().unwrap().to_owned(), run["seal"].clone())).collect();
    assert_eq!(
        runs,
        [
            ("rewards/2025-03-19/2".to_owned(), "late".into()),
            ("rewards/2025-03-20/1".to_owned(), Value::Null),
            ("rewards/2025-03-19/1".to_owned(), "sealed".into()),
        ]
    );
    let breaks: Vec<(String, Value)> = json(&["breaks", "list"])
        .into_iter()
        .map(|found| (found["period"].as_str().unwrap().to_owned(), found["sealed"].clone()))
        .collect();
    assert_eq!(breaks, [(FIRST.to_owned(), true.into()), (SECOND.to_owned(), Value::Null)]);
    let shown = project.run(&["runs", "show", "rewards/2025-03-19/2", "--format", "csv"]).ended_with(0);
    assert!(shown.stdout.contains("seal,late\nsealed_by,Mara Lind\n"), "{}", shown.stdout);
}

#[test]
fn a_backfill_leaves_sealed_days_alone_unless_it_is_told_otherwise() {
    let project = project();
    for day in [FIRST, SECOND] {
        run(&project, day);
    }
    seal(&project, FIRST);
    let all = ["backfill", JOB, "--from", FIRST, "--to", THIRD, "--reprocess", "all"];
    let dry = project.run(&[&all[..], &["--dry-run", "--format", "csv"]].concat()).ended_with(0);
    assert_eq!(
        dry.stdout,
        "period,todo,why\n2025-03-19,skip,sealed with rewards/2025-03-19/1\n2025-03-20,run,done by rewards/2025-03-20/1\n\
         2025-03-21,run,never run\n"
    );
    project.run(&all).ended_with(0);
    assert!(!project.path(&format!("runs/{JOB}/{FIRST}/2")).exists());
    assert!(project.path(&format!("runs/{JOB}/{SECOND}/2")).exists());
    project.run(&[&all[..], &["--sealed-too"]].concat()).ended_with(0);
    assert!(project.path(&format!("runs/{JOB}/{FIRST}/2")).exists());
}

#[test]
fn a_plan_of_the_next_day_tells_the_adjustments_and_writes_nothing() {
    let project = project();
    run(&project, FIRST);
    seal(&project, FIRST);
    correct(&project);
    run(&project, FIRST);
    let planned = project.run(&["plan", JOB, "--period", SECOND, "--format", "json"]).ended_with(0);
    assert!(planned.stdout.contains("3 adjustments of 2025-03-19 fall into this period"), "{}", planned.stdout);
    assert!(!project.path(&format!("runs/{JOB}/{SECOND}")).exists());
}
