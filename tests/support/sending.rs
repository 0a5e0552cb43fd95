//! Processes that are stopped, continued and asked to end while they send; and what stands where afterwards.

use std::collections::BTreeMap;
use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::project::TestProject;

/// Sends a signal, as `kill -STOP` does.
#[track_caller]
pub(crate) fn signal(signal: &str, process: &Child) {
    let sent = std::process::Command::new("kill").args([signal, &process.id().to_string()]).status().unwrap();
    assert!(sent.success(), "{signal}");
}

/// Waits until the condition holds, at most half a minute.
#[track_caller]
pub(crate) fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(30), "{what} did not happen");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until a process is stopped, by whomever.
#[track_caller]
pub(crate) fn wait_until_stopped(process: &Child) {
    wait_until("the stop of the process", || is_stopped(process.id()));
}

fn is_stopped(process: u32) -> bool {
    if let Ok(told) = std::fs::read_to_string(format!("/proc/{process}/stat")) {
        // `PID (NAME) STATE …`, and the name may hold anything.
        return told.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T'));
    }
    // Not on Linux.
    let told = std::process::Command::new("ps").args(["-o", "stat=", "-p", &process.to_string()]).output();
    told.is_ok_and(|told| told.stdout.trim_ascii_start().starts_with(b"T"))
}

/// A shorter lease than the usual minute.
pub(crate) fn set_lease(project: &TestProject, lease: &str) {
    let text = String::from_utf8(project.read("tieout.yaml")).unwrap();
    project.write("tieout.yaml", format!("lease: {lease}\n{text}"));
}

/// Transaction → how often it was asked for at the provider, of audits and markers alike.
pub(crate) fn applied(project: &TestProject) -> BTreeMap<String, u32> {
    let audits = project.audits().into_iter().map(|audit| (audit.transaction, audit.times));
    let markers = project.markers().into_iter().map(|marker| (marker.transaction, marker.times));
    audits.chain(markers).collect()
}

/// The entries about effects, first to last; those about breaks are left out.
pub(crate) fn entries(project: &TestProject) -> Vec<Value> {
    let exported = project.run(&["journal", "export"]).ended_with(0).stdout;
    exported
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .map(|line| line["entry"].clone())
        .inspect(|entry| assert!(entry["sequence"].is_u64(), "not an entry: {entry}"))
        .filter(|entry| entry["break"].is_null())
        .collect()
}
