//! Whole runs with the journal in a database: the same reports as with a file, restarts of the server in the middle,
//! and processes that race.

use std::process::Child;
use std::time::Duration;

use serde_json::Value;

use crate::support::effect_project::{self, AUDITS, FAST, MARKERS};
use crate::support::outbox::{self, many, stand, taken, upload, uploads};
use crate::support::postgres::{Server, shared};
use crate::support::project::{DAY, TestProject};

/// Points the project's journal at a new database of the server.
fn keep_in_database(project: &TestProject, server: &Server) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let database = runtime.block_on(server.database());
    project.write("state-url", server.address(&database) + "\n");
    let text = String::from_utf8(project.read("tieout.yaml")).unwrap();
    assert!(text.contains("state: sqlite:.tieout/state.db"), "{text}");
    project.write("tieout.yaml", text.replace("state: sqlite:.tieout/state.db", "state: {file: state-url}"));
    database
}

/// What a report says, but for the times and the address of the provider.
fn told(project: &TestProject, run: &str) -> (Value, Vec<u8>) {
    let mut summary = project.summary(run);
    let object = summary.as_object_mut().unwrap();
    object.retain(|key, _| !["run_time", "duration_ms", "program_version"].contains(&key.as_str()));
    (summary, project.read(&format!("runs/{run}/breaks.csv")))
}

#[test]
#[ignore = "needs PostgreSQL: .ci/postgres"]
fn a_sample_day_has_the_same_report_with_a_database_as_with_a_file() {
    let reports = [false, true].map(|in_database| {
        let project = TestProject::shipped("");
        if in_database {
            keep_in_database(&project, shared());
        }
        let arguments = ["run", "rewards-daily", "--period", DAY, "--run-time", "2025-03-20T09:45:00Z"];
        project.run(&arguments).ended_with(0);
        assert_eq!(project.path(".tieout/state.db").exists(), !in_database);
        project.run(&["journal", "verify"]).ended_with(0);
        assert_eq!(project.statuses().into_values().collect::<Vec<_>>(), ["done"]);
        told(&project, &format!("rewards-daily/{DAY}/1"))
    });
    let [file, database] = reports;
    assert_eq!(file.1, database.1);
    assert!(!file.1.is_empty());
    let leave = |mut summary: Value| {
        // Entries hold the times at which they were written.
        summary["effects"]["anchor"].take();
        summary
    };
    assert_eq!(leave(file.0), leave(database.0));
}

#[test]
#[ignore = "needs PostgreSQL: .ci/postgres"]
fn a_day_that_is_sent_stands_at_the_provider_once_with_a_database_too() {
    let project = outbox::project(&upload("  split: {max_rows: 2}\n"), &many(5), "");
    keep_in_database(&project, shared());
    outbox::run(&project, &[]).ended_with(0);
    assert_eq!((taken(&project), stand(&project)), ((5, 1), "acknowledged 3".to_owned()));
    outbox::run(&project, &[]).ended_with(0);
    assert_eq!(uploads(&project).len(), 3, "the second run sends nothing again");
    project.run(&["journal", "verify"]).ended_with(0);
}

/// Waits until the process has stopped itself; false where it has ended.
fn stopped(process: &mut Child) -> bool {
    loop {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap_or_default();
        let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
        if state == Some('T') {
            return true;
        }
        if process.try_wait().unwrap().is_some() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Four audits and three markers stand at the provider, and none was asked for twice.
fn assert_each_stands_once(project: &TestProject, when: &str) {
    let audits: Vec<u32> = project.audits().iter().map(|audit| audit.times).collect();
    let markers: Vec<u32> = project.markers().iter().map(|marker| marker.times).collect();
    assert_eq!((audits, markers), (vec![1; 4], vec![1; 3]), "{when}");
}

fn go_on(process: &Child) {
    let sent = std::process::Command::new("kill").args(["-CONT", &process.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

#[test]
#[ignore = "needs PostgreSQL: .ci/postgres"]
fn a_server_restarted_in_the_middle_of_a_run_costs_nothing_but_time() {
    let server = Server::start(&[]);
    // A stop of the process, and with what the server is restarted meanwhile.
    let marks = [
        ("TIEOUT_STOP_AFTER", "started", "immediate"),
        ("TIEOUT_STOP_BEFORE", "pulled", "fast"),
        ("TIEOUT_STOP_AFTER", "planned", "immediate"),
        ("TIEOUT_STOP_AFTER", "intent", "fast"),
        ("TIEOUT_STOP_AFTER", "send", "immediate"),
        ("TIEOUT_STOP_BEFORE", "outcome", "immediate"),
        ("TIEOUT_STOP_BEFORE", "observe", "fast"),
        ("TIEOUT_STOP_BEFORE", "finished", "immediate"),
    ];
    for (moment, point, mode) in marks {
        let mut project = effect_project::project(&format!("{AUDITS}{MARKERS}{FAST}"), "");
        // The process stands still for as long as the server takes to start again.
        project.set_http("{idle_timeout: 60s, attempts: 3}");
        keep_in_database(&project, &server);
        let mut command = project.command(&["run", "rewards", "--period", DAY]);
        let mut process = command.env(moment, point).spawn().unwrap();
        assert!(stopped(&mut process), "{moment}={point} is never passed");
        server.control(&["restart", "-m", mode]);
        go_on(&process);
        let ended = project.ended(process);
        assert_eq!(ended.code, Some(0), "{moment}={point} {mode}: {}", ended.stderr);
        let verified = project.run(&["journal", "verify"]);
        assert_eq!(verified.code, Some(0), "{moment}={point} {mode}: {}", verified.stdout);
        assert_each_stands_once(&project, &format!("{moment}={point} {mode}"));
        let states = effect_project::states(&project);
        assert_eq!(states.len(), 7, "{moment}={point} {mode}: {states:?}");
        assert!(states.values().all(|state| state == "acknowledged"), "{moment}={point} {mode}: {states:?}");
    }
}

#[test]
#[ignore = "needs PostgreSQL: .ci/postgres"]
fn of_two_processes_that_race_for_a_period_one_runs_it_and_the_other_comes_later() {
    for round in 0..20 {
        // Slow enough for both to be there before either has ended.
        let project = effect_project::project(
            &format!("{AUDITS}{MARKERS}{FAST}"),
            "  - {on: download, nth: 1, do: {slow: 600ms}}\n",
        );
        keep_in_database(&project, shared());
        let both = [(); 2].map(|()| project.command(&["run", "rewards", "--period", DAY]).spawn().unwrap());
        let mut codes = both.map(|process| project.ended(process).code);
        codes.sort_unstable();
        assert_eq!(codes, [Some(0), Some(75)], "round {round}");
        assert_eq!(project.statuses().len(), 1, "round {round}");
        assert_each_stands_once(&project, &format!("round {round}"));
        project.run(&["journal", "verify"]).ended_with(0);
    }
}

#[test]
#[ignore = "needs PostgreSQL: .ci/postgres"]
fn doctor_tells_what_is_wrong_with_the_database_and_what_to_do() {
    let project = TestProject::empty();
    let text = String::from_utf8(project.read("tieout.yaml")).unwrap();
    let text =
        text.split("providers:").next().unwrap().replace("state: sqlite:.tieout/state.db", "state: {file: state-url}");
    project.write("tieout.yaml", format!("{text}providers: {{}}\n"));
    project.write("jobs/.keep", "");
    let server = shared();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (good, newer, read_only) =
        (runtime.block_on(server.database()), runtime.block_on(server.database()), runtime.block_on(server.database()));
    let sql = |database: &str, sql: &str| runtime.block_on(server.sql(database, sql));
    for database in [&good, &newer, &read_only] {
        project.write("state-url", server.address(database));
        let checked = project.run(&["doctor", "--format", "json"]).ended_with(0);
        let checks: Vec<Value> = serde_json::from_str(&checked.stdout).unwrap();
        let state = checks.iter().find(|check| check["check"] == "state database").unwrap();
        assert_eq!(state["verdict"], "ok");
        let found = state["found"].as_str().unwrap();
        assert!(found.starts_with("in FOLDER/state-url can be written (PostgreSQL 1"), "{found}");
    }
    sql(&newer, "UPDATE tieout_journal SET version = 99");
    sql(&read_only, &format!("ALTER DATABASE {read_only} SET default_transaction_read_only = on"));
    let port = server.port;
    let table = [
        (
            format!("postgres://postgres:wrong@127.0.0.1:{port}/{good}"),
            77,
            "refuses this user or password",
            "set the right password",
        ),
        (server.address("nowhere"), 78, "database \"nowhere\" does not exist", "create the database"),
        (
            format!("postgres://postgres@127.0.0.1:1/{good}"),
            69,
            "no connection to",
            "check host, port, DNS and firewall",
        ),
        (
            format!("{}?sslmode=require", server.address(&good)),
            69,
            "server does not support TLS",
            "check sslmode and sslrootcert",
        ),
        (server.address(&newer), 78, "of version 99", "install the tieout that wrote them"),
        (server.address(&read_only), 78, "is read-only", "name the primary server"),
        ("mysql://me:hunter2@db/x".to_owned(), 78, "begins with `mysql:`", "set the secret that `state`"),
        (String::new(), 78, "is empty", "set the secret that `state`"),
    ];
    for (url, code, found, to_do) in table {
        project.write("state-url", &url);
        let checked = project.run(&["doctor", "--format", "json"]).ended_with(code);
        let checks: Vec<Value> = serde_json::from_str(&checked.stdout).unwrap();
        let state = checks.iter().find(|check| check["check"] == "state database").unwrap();
        assert_eq!(state["verdict"], "fail", "{url}");
        assert!(state["found"].as_str().unwrap().contains(found), "{found}: {state}");
        assert!(state["to_do"].as_str().unwrap().starts_with(to_do), "{to_do}: {state}");
        assert!(!checked.stdout.contains("hunter2") && !checked.stdout.contains("only of the tests"), "{url}");
    }
}
