//! `tieout plan --calls` prints exactly the calls that `tieout run` then makes: paths and bodies, byte for byte.

use std::fmt::Write as _;

use serde_json::Value;
use tieout::digest::sha256;

use crate::support::effect_project::{AUDITS, FAST, MARKERS, job, project};
use crate::support::project::{DAY, TestProject, settled};
use crate::support::sending::{applied, entries};

/// More than fit into two calls of 500.
const MARKED: usize = 1_100;
const AUDITED: usize = 42;

/// Users whose ids need care in a path, in JSON and in CSV.
const USERS: [&str; 7] = ["u-1", "ü 2", "u/3", "u%2F4", "u\"\"5", "u,6?x=y#z", "üser-日本"];
const MERCHANTS: [&str; 4] = ["Diner", "Café \"\"Zur Post\"\"", "Tom & Jerry's <b>", "日本 🍣, Ltd \\"];

/// A day with audits and markers for every user.
fn big_day(effects: &str) -> TestProject {
    let header = "id,user,merchant,amount,currency,at\n";
    let row = |name: String, number: usize, cents: usize| {
        let (user, merchant) = (USERS[number % USERS.len()], MERCHANTS[number % MERCHANTS.len()]);
        let amount = 500 + cents;
        format!("{name},\"{user}\",\"{merchant}\",{}.{:02},USD,{DAY}T02:00:00Z\n", amount / 100, amount % 100)
    };
    let (mut file, mut ledger) = (header.to_owned(), header.to_owned());
    for number in 0..AUDITED {
        // Of every three, two are in both with other amounts, and one is missing in the file.
        ledger += &row(format!("t-{number}"), number, number);
        if number % 3 > 0 {
            file += &row(format!("t-{number}"), number, number + 7);
        }
    }
    for number in 0..MARKED {
        file += &row(format!("f-{number}"), number, number);
    }
    let project = TestProject::new(&[settled(file.as_bytes())], "");
    project.write("jobs/rewards.yaml", job(effects));
    project.write(&format!("data/ledger-{DAY}.csv"), ledger);
    project
}

/// One call: its path and its body.
type Call = (String, String);

/// What `plan --calls` prints, with everything that it says of a call held against the call.
#[track_caller]
fn planned(project: &TestProject, code: i32) -> Vec<Call> {
    let before = asked_for(project).len();
    let printed = project.run(&["plan", "rewards", "--period", DAY, "--calls"]).ended_with(code).stdout;
    assert_eq!(asked_for(project).len(), before, "a plan sends nothing");
    let mut calls = Vec::new();
    for line in printed.lines() {
        let call: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let body = call["body"].as_str().unwrap();
        assert_eq!((&call["method"], &call["body_sha256"]), (&"POST".into(), &sha256(body.as_bytes()).into()));
        let items = serde_json::from_str::<Value>(body).unwrap()["data"].as_array().unwrap().len();
        assert_eq!(call["effects"].as_array().unwrap().len(), items, "{line}");
        calls.push((call["path"].as_str().unwrap().to_owned(), body.to_owned()));
    }
    calls
}

/// The calls for effects that the provider has received, in their order.
fn asked_for(project: &TestProject) -> Vec<Call> {
    let received = project.received().into_iter().filter(|request| request.method == "POST");
    received.filter_map(|request| request.body.map(|body| (request.path + &request.query, body))).collect()
}

/// The digests of the bodies in the journal's intents, each once for all members of a call.
fn intended(project: &TestProject) -> Vec<String> {
    let mut digests: Vec<String> = entries(project)
        .iter()
        .filter(|entry| entry["event"]["event"] == "in_flight")
        .map(|entry| entry["event"]["body_sha256"].as_str().unwrap().to_owned())
        .collect();
    digests.dedup();
    digests
}

/// Tells where they differ, in few words: whole bodies are long.
#[track_caller]
fn assert_same(planned: &[Call], made: &[Call]) {
    let told = |(path, body): &Call| format!("{path} {} {}", sha256(body.as_bytes()), body.get(..200).unwrap_or(body));
    let mut difference = String::new();
    for (number, (planned, made)) in planned.iter().zip(made).enumerate() {
        if planned != made {
            let _ = writeln!(difference, "call {number}\n  planned {}\n  made    {}", told(planned), told(made));
        }
    }
    assert!(difference.is_empty(), "{difference}");
    assert_eq!(planned.len(), made.len(), "as many calls");
}

#[test]
fn one_after_the_other_the_calls_are_those_of_the_plan_in_its_order() {
    let project = big_day(&[FAST, AUDITS, MARKERS].concat());
    let calls = planned(&project, 0);
    assert_eq!(planned(&project, 0), calls, "the same plan twice");
    let (markers, audits): (Vec<_>, Vec<_>) = calls.iter().partition(|(path, _)| path.ends_with("/fraud"));
    assert_eq!((audits.len(), markers.len()), (USERS.len(), 3), "a call a user, and 1,100 markers in three");
    project.run_day(&[]).ended_with(0);
    let made = asked_for(&project);
    assert_same(&calls, &made);
    assert_eq!(intended(&project), calls.iter().map(|(_, body)| sha256(body.as_bytes())).collect::<Vec<_>>());
    let applied = applied(&project);
    assert_eq!((applied.len(), applied.values().max()), (AUDITED + MARKED, Some(&1)));
    // All of it is done: neither plan nor run has anything left.
    assert_same(&planned(&project, 0), &[]);
    project.run_day(&[]).ended_with(0);
    assert_same(&made, &asked_for(&project));
}

#[test]
fn several_at_once_the_calls_are_those_of_the_plan_in_any_order() {
    let project = big_day(&["  rate: 1000/s\n  concurrency: 8\n", AUDITS, MARKERS].concat());
    let mut calls = planned(&project, 0);
    project.run_day(&[]).ended_with(0);
    let mut made = asked_for(&project);
    calls.sort();
    made.sort();
    assert_same(&calls, &made);
}

#[test]
fn what_waits_for_a_person_is_neither_planned_nor_sent_until_it_is_approved() {
    let audits = AUDITS.replace("approval: none", "approval: required");
    let project = big_day(&[FAST, &audits, MARKERS].concat());
    let markers = planned(&project, 0);
    assert!(markers.len() == 3 && markers.iter().all(|(path, _)| path.ends_with("/fraud")), "{}", markers.len());
    project.run_day(&[]).ended_with(0);
    assert_same(&markers, &asked_for(&project));
    assert_same(&planned(&project, 0), &[]);
    project.run(&["approve", "--all", "--run", &format!("rewards/{DAY}/1"), "--by", "Mara"]).ended_with(0);
    let audits = planned(&project, 0);
    assert_eq!(audits.len(), USERS.len());
    project.run_day(&[]).ended_with(0);
    assert_same(&[markers, audits].concat(), &asked_for(&project));
}

#[test]
fn what_is_in_doubt_is_neither_planned_nor_sent() {
    // The plan reads what a killed run left in flight as the next run would: in doubt.
    let project = project(&[FAST, AUDITS, MARKERS].concat(), "");
    let all = planned(&project, 0);
    let killed = project.command(&["run", "rewards", "--period", DAY]).env("TIEOUT_KILL_AFTER", "intent:2").spawn();
    assert_eq!(project.ended(killed.unwrap()).code, None);
    assert_same(&all[..1], &asked_for(&project));
    let rest = planned(&project, 20);
    assert_same(&all[2..], &rest);
    project.run_day(&[]).ended_with(20);
    assert_same(&[&all[..1], &rest].concat(), &asked_for(&project));
}
