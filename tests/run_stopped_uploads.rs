//! A run that is asked to end while it seals or puts a file: it ends soon, nothing is half-written, and the next run
//! goes on from there.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::project::{DAY, TestProject};
use crate::support::sending::{signal, wait_until, wait_until_stopped};
use crate::support::sending_project::{FITTING, SendingWay, sending_project};
use crate::support::sending_receipts::Receipts;
use crate::support::sending_scenario::is_url;

const RUN: [&str; 4] = ["run", "upload", "--period", DAY];
const STOPPED: &str = "stopped by SIGTERM; nothing is half-written, run it again when it suits";

/// About a second, on a machine that does other things too.
const SOON: Duration = Duration::from_secs(4);

/// What lies where files are sealed.
fn sealed(project: &TestProject) -> Vec<String> {
    project.listing(&format!("runs/upload/{DAY}/outgoing"))
}

/// The states of the files, in the order of their names.
fn states(project: &TestProject) -> Vec<String> {
    let listed = project.run(&["effects", "upload", "--format", "json"]).ended_with(0);
    let effects: Vec<Value> = serde_json::from_str(&listed.stdout).unwrap();
    let text = |effect: &Value, field: &str| effect[field].as_str().unwrap().to_owned();
    let mut states: Vec<_> = effects.iter().map(|it| (text(it, "transaction"), text(it, "state"))).collect();
    states.sort();
    states.into_iter().map(|(_, state)| state).collect()
}

#[test]
fn asked_in_the_middle_of_sealing_it_ends_soon_and_leaves_nothing() {
    let project = sending_project(SendingWay::Upload, "");
    let small = project.read(&format!("data/core-{DAY}.csv"));
    let header = "id,user,amount,text,at,dc\n".to_owned();
    // Far more than is sealed in the time that it has.
    let many = (0..300_000).fold(header, |text, row| text + &format!("x-{row},u-1,1.00,SHOP,{DAY}T10:00:00,D\n"));
    project.write(&format!("data/core-{DAY}.csv"), many);
    let process = project.command(&RUN).env("TIEOUT_STOP_AFTER", "collect:3").spawn().unwrap();
    wait_until_stopped(&process);
    assert!(sealed(&project).iter().any(|path| path.contains("/.tmp-")), "{:?}", sealed(&project));
    signal("-TERM", &process);
    let asked = Instant::now();
    signal("-CONT", &process);
    let output = project.ended(process).ended_with(75);
    assert!(asked.elapsed() < SOON, "{:?}", asked.elapsed());
    assert_eq!((output.error(), output.stdout.as_str()), (STOPPED, ""));
    assert_eq!(sealed(&project), Vec::<String>::new());
    assert!(project.run(&["runs", "--format", "csv"]).stdout.contains("upload/2025-03-19/1,interrupted,75,"));
    project.run(&["journal", "verify"]).ended_with(0);
    assert!(project.received().is_empty(), "nothing was sealed, so nothing is asked for");

    project.write(&format!("data/core-{DAY}.csv"), small);
    project.run(&RUN).ended_with(0);
    assert_eq!(states(&project), ["acknowledged"; 3]);
    assert_eq!(project.provider().ingested().len(), FITTING);
}

#[test]
fn asked_in_the_middle_of_a_put_it_ends_soon_and_the_next_run_puts_the_same_file_to_the_same_url() {
    let mut project = sending_project(SendingWay::Upload, "  - {on: storage, nth: 2, do: {late: 8s}}\n");
    project.set_http("{idle_timeout: 10m, total_timeout: 10m, attempts: 1}");
    let process = project.command(&RUN).spawn().unwrap();
    wait_until("the second file on its way", || {
        project.provider().uploads().len() == 2 && states(&project) == ["acknowledged", "in_flight", "approved"]
    });
    let before = sealed(&project);
    assert_eq!(before.iter().filter(|path| is_url(path)).count(), 1, "{before:?}");
    let asked = Instant::now();
    signal("-TERM", &process);
    let output = project.ended(process).ended_with(75);
    assert!(asked.elapsed() < SOON, "{:?}", asked.elapsed());
    assert_eq!(output.error(), STOPPED);
    assert_eq!(sealed(&project), before, "the sealed files and the URL stay");
    assert_eq!(states(&project), ["acknowledged", "approved", "approved"]);
    project.run(&["journal", "verify"]).ended_with(0);

    project.run(&RUN).ended_with(0);
    assert_eq!(states(&project), ["acknowledged"; 3]);
    // The first PUT is done at last, and is one more of the same.
    let receipts = Receipts::of(&project, SendingWay::Upload);
    assert_eq!((receipts.failures, receipts.missing.len(), receipts.repeated), (Vec::new(), 0, 200));
    let puts: Vec<u32> = project.provider().uploads().iter().map(|session| session.puts).collect();
    assert_eq!(puts, [1, 2, 1]);
    assert!(sealed(&project).iter().all(|path| !is_url(path) && !path.contains(".tmp-")));
}
