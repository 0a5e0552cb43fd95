//! Runs that tell people: once and not each attempt, signed, and never at the cost of the run.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::effect_project::{self, FAST};
use crate::support::http_listener::{HttpListener, Reaction};
use crate::support::project::{DAY, Output, TestProject, file_rows, job, settled};
use crate::support::watched::{KEY, REFUSED, add, hook, told, verified};

fn one(event: &str) -> Vec<(String, String)> {
    vec![(event.to_owned(), DAY.to_owned())]
}

/// The small project, told to the listener.
fn watched(listener: &HttpListener, more: &str) -> TestProject {
    let project = TestProject::small();
    add(&project, &hook(listener, more));
    project
}

/// Three breaks where one is allowed.
fn breached(listener: &HttpListener) -> TestProject {
    let project = watched(listener, "");
    project.write("jobs/rewards.yaml", job(&[("job", "gates: {max_breaks: 1}")]));
    project
}

#[test]
fn five_failing_attempts_are_told_once_and_the_one_that_goes_well_is_told_too() {
    let listener = HttpListener::start(&[]);
    let mut project = watched(&listener, "");
    project.stop_provider();
    for _ in 0..5 {
        project.run_day(&[]).ended_with(69);
    }
    let posts = listener.take();
    assert_eq!(posts.len(), 1, "{posts:?}");
    let notice = verified(&posts[0], KEY.as_bytes());
    let fields = ["event", "job", "period", "attempt", "exit_code", "link", "title"];
    let expected = serde_json::json!({
        "event": "failed", "job": "rewards", "period": DAY, "attempt": 1, "exit_code": 69,
        "link": "https://r.example/rewards/2025-03-19/1/",
        "title": "tieout: failed: rewards 2025-03-19, attempt 1",
    });
    for field in fields {
        assert_eq!(notice[field], expected[field], "{field}");
    }
    let text = notice["text"].as_str().unwrap();
    assert!(text.contains("Exit code 69: the provider did not answer after all retries.\nWhy: "), "{text}");
    project.serve(&[settled(&file_rows())], "");
    add(&project, &hook(&listener, ""));
    project.run_day(&[]).ended_with(0);
    let posts = listener.take();
    assert_eq!(posts.len(), 1, "{posts:?}");
    let notice = verified(&posts[0], KEY.as_bytes());
    assert_eq!((&notice["event"], &notice["attempt"], &notice["breaks"]), (&"resolved".into(), &6.into(), &3.into()));
    assert!(notice["text"].as_str().unwrap().contains("All is well again; it was: failed.\n"), "{notice}");
    project.run_day(&[]).ended_with(0);
    assert_eq!(told(&listener), []);
    // It is armed again.
    project.stop_provider();
    project.run_day(&[]).ended_with(69);
    assert_eq!(told(&listener), one("failed"));
}

#[test]
fn a_breached_gate_is_told_with_its_numbers_and_what_is_at_risk() {
    let listener = HttpListener::start(&[]);
    let project = breached(&listener);
    let run = project.run_day(&[]).ended_with(10);
    let notice = verified(&listener.take()[0], KEY.as_bytes());
    assert_eq!(notice["event"], "gate_breached");
    assert_eq!((&notice["breaks"], &notice["rows"]), (&3.into(), &6.into()));
    let risk = notice["at_risk"]["USD"].as_str().unwrap();
    assert!(run.stdout.contains(&format!("At risk: USD {risk} ")), "{risk} in {}", run.stdout);
    assert!(notice["text"].as_str().unwrap().contains("max_breaks: 3 found, 1 allowed.\n"), "{notice}");
    let body = notice.to_string();
    assert!(!body.contains("t-2") && !body.contains("t-3"), "no ids of transactions: {body}");
}

/// What a run leaves and says, but for the log.
fn outcome(project: &TestProject, run: &Output) -> (Option<i32>, String, Vec<u8>, Value) {
    let mut summary = project.summary("rewards/2025-03-19/1");
    summary["job"] = Value::Null;
    let place = run.stdout.replace("FOLDER", "");
    (run.code, place, project.read("runs/rewards/2025-03-19/1/breaks.csv"), summary)
}

#[test]
fn a_channel_that_fails_changes_nothing_of_the_run_and_the_next_run_tells_once() {
    let pinned = ["--run-time", "2025-03-20T10:00:00Z"];
    let quiet = TestProject::small();
    quiet.write("jobs/rewards.yaml", job(&[("job", "gates: {max_breaks: 1}")]));
    let expected = outcome(&quiet, &quiet.run_day(&pinned));
    let slow = Reaction::Silence(Duration::from_secs(11));
    for reaction in [REFUSED, Reaction::Silence(Duration::ZERO), slow] {
        let listener = HttpListener::start(&[reaction]);
        let project = breached(&listener);
        let begun = Instant::now();
        let run = project.run_day(&pinned).ended_with(10);
        assert!(begun.elapsed() < Duration::from_secs(40), "{:?}", begun.elapsed());
        assert!(run.stderr.contains("hook is not notified: "), "{}", run.stderr);
        assert!(!run.stderr.contains(KEY), "{}", run.stderr);
        assert_eq!(outcome(&project, &run), expected, "{reaction:?}");
        let first = listener.take();
        project.run_day(&[]).ended_with(10);
        let second = listener.take();
        assert_eq!((first.len(), second.len()), (1, 1));
        assert_eq!(first[0].header("webhook-id"), second[0].header("webhook-id"), "the receiver knows it again");
        assert_eq!(first[0].body, second[0].body);
        verified(&second[0], KEY.as_bytes());
        project.run_day(&[]).ended_with(10);
        assert_eq!(told(&listener), []);
    }
}

#[test]
fn nobody_listening_is_no_harm_either() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let listener = HttpListener::start(&[]);
    let project = breached(&listener);
    let own = String::from_utf8(project.read("tieout.yaml")).unwrap();
    project.write("tieout.yaml", own.replace(&listener.url(""), &format!("http://{closed}")));
    let run = project.run_day(&[]).ended_with(10);
    assert!(run.stderr.contains("hook is not notified: no connection"), "{}", run.stderr);
    project.write("tieout.yaml", own);
    project.run_day(&[]).ended_with(10);
    assert_eq!(told(&listener), one("gate_breached"));
}

#[test]
fn a_key_may_be_written_in_base64_as_the_specification_has_it() {
    let listener = HttpListener::start(&[]);
    let project = breached(&listener);
    project.write("keys/hook", "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX");
    project.run_day(&[]).ended_with(10);
    let key: Vec<u8> = (0..24).collect();
    verified(&listener.take()[0], &key);
}

#[test]
fn a_job_file_that_is_wrong_is_told_and_resolved_when_it_is_mended() {
    let listener = HttpListener::start(&[]);
    let project = watched(&listener, "");
    let good = project.read("jobs/rewards.yaml");
    project.write("jobs/rewards.yaml", "job: rewards\nperiod: 7\n");
    for _ in 0..2 {
        project.run_day(&[]).ended_with(78);
    }
    let posts = listener.take();
    assert_eq!(posts.len(), 1, "{posts:?}");
    let notice = verified(&posts[0], KEY.as_bytes());
    assert_eq!((&notice["exit_code"], &notice["attempt"]), (&78.into(), &Value::Null));
    assert_eq!(notice["link"], Value::Null, "there is no report");
    project.write("jobs/rewards.yaml", good);
    project.run_day(&[]).ended_with(0);
    assert_eq!(told(&listener), one("resolved"));
}

#[test]
fn what_waits_for_approval_is_told_once_a_plan() {
    const ASKED: &str = "  provider_audit: {for: [amount_mismatch, missing_in_file]}\n";
    let listener = HttpListener::start(&[]);
    let project = effect_project::project(&[FAST, ASKED].concat(), "");
    add(&project, &hook(&listener, ""));
    project.run_day(&[]).ended_with(0);
    project.run_day(&[]).ended_with(0);
    let posts = listener.take();
    assert_eq!(posts.len(), 1, "{posts:?}");
    let notice = verified(&posts[0], KEY.as_bytes());
    assert_eq!((&notice["event"], &notice["awaiting_approval"]), (&"approval_needed".into(), &4.into()));
    let text = notice["text"].as_str().unwrap();
    assert!(text.contains("Approve: tieout approve --all --run rewards/2025-03-19/1\n"), "{text}");
    let ledger = String::from_utf8(effect_project::ledger_rows()).unwrap().replace("20.05", "20.50");
    project.write(&format!("data/ledger-{DAY}.csv"), ledger);
    project.run_day(&[]).ended_with(0);
    assert_eq!(told(&listener), one("approval_needed"), "another plan");
}

#[test]
fn a_doubt_is_told_and_when_a_person_has_ended_it_the_next_run_says_so() {
    let listener = HttpListener::start(&[]);
    let faults = "  - {on: audits, nth: 1, do: reset_after}\n";
    let project = effect_project::project(&[FAST, effect_project::AUDITS].concat(), faults);
    add(&project, &hook(&listener, ""));
    project.run_day(&[]).ended_with(20);
    let posts = listener.take();
    assert_eq!(posts.len(), 1, "in doubt, and no failure beside it: {posts:?}");
    let notice = verified(&posts[0], KEY.as_bytes());
    assert_eq!((&notice["event"], &notice["exit_code"]), (&"in_doubt".into(), &20.into()));
    assert_eq!(notice["in_doubt"], 2, "both audits of the call");
    assert!(!notice.to_string().contains("u-1"), "no id of a customer: {notice}");
    project.run_day(&[]).ended_with(20);
    assert_eq!(told(&listener), []);
    let listed = project.run(&["in-doubt", "list", "--format", "json"]);
    let doubts: Vec<Value> = serde_json::from_str(&listed.stdout).unwrap();
    for doubt in &doubts {
        let id = doubt["effect"].as_str().unwrap();
        let decided = ["in-doubt", "resolve", id, "--applied", "--reason", "case 4711", "--by", "Mara Lind"];
        project.run(&decided).ended_with(0);
    }
    project.run_day(&[]).ended_with(0);
    assert_eq!(told(&listener), one("resolved"));
}

#[test]
fn a_channel_hears_of_its_events_and_jobs_only() {
    let listener = HttpListener::start(&[]);
    let project = breached(&listener);
    let own = String::from_utf8(project.read("tieout.yaml")).unwrap();
    for more in ["      events: [failed, late]\n", "      jobs: [other]\n"] {
        project.write("tieout.yaml", own.clone() + more);
        project.run_day(&[]).ended_with(10);
        assert_eq!(told(&listener), [], "{more}");
    }
    let log = project.run_day(&["-v"]).ended_with(10).stderr;
    assert!(!log.contains("notified"), "{log}");
}

#[test]
fn a_secret_that_is_not_there_is_a_warning_and_no_failure() {
    let listener = HttpListener::start(&[]);
    let project = breached(&listener);
    std::fs::remove_file(project.path("keys/hook")).unwrap();
    let run = project.run_day(&[]).ended_with(10);
    assert!(run.stderr.contains("hook is not notified: webhook.secret: cannot read secret file"), "{}", run.stderr);
    let doctor = project.run(&["doctor", "--format", "csv"]).ended_with(78);
    assert!(doctor.stdout.contains("secret notify.channels.hook.webhook.secret,fail,"), "{}", doctor.stdout);
    project.write("keys/hook", KEY);
    let doctor = project.run(&["doctor", "--format", "csv"]).ended_with(0);
    assert!(doctor.stdout.contains("secret notify.channels.hook.webhook.secret,ok,present in "), "{}", doctor.stdout);
}

#[test]
fn a_channel_can_be_tried() {
    let listener = HttpListener::start(&[]);
    let project = watched(&listener, "    other:\n      slack: {url: {file: keys/slack}}\n");
    project.write("keys/slack", listener.url("/services/T1/B2/s3cret"));
    let tried = project.run(&["notify", "test", "--event", "late", "--format", "csv"]).ended_with(0);
    assert_eq!(tried.stdout, "channel,taken,answer\nhook,true,status 200: ok\nother,true,status 200: ok\n");
    let posts = listener.take();
    let notice = verified(&posts[0], KEY.as_bytes());
    assert_eq!((&notice["test"], &notice["event"]), (&true.into(), &"late".into()));
    assert_eq!(posts[1].path, "/services/T1/B2/s3cret");
    assert!(posts[1].json()["text"].as_str().unwrap().starts_with("*[TEST] LATE: test 2025-03-19, attempt 1*\n"));
    listener.react(&[Reaction::Answer(404)]);
    let tried = project.run(&["notify", "test", "other", "--format", "csv"]).ended_with(1);
    assert_eq!(tried.stdout, "channel,taken,answer\nother,false,status 404: ok\n");
    let unknown = project.run(&["notify", "test", "othr"]).ended_with(2);
    assert_eq!(unknown.error(), "no channel is called `othr`; did you mean `other`?");
    let silent = TestProject::small().run(&["notify", "test"]).ended_with(78);
    assert!(silent.error().starts_with("tieout.yaml names no channel"), "{}", silent.error());
}
