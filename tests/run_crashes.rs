//! The process killed at every mark of the journal, and stopped in the middle of a download: nothing is
//! half-written, and the next run goes on.

use std::os::unix::process::ExitStatusExt;
use std::process::Child;
use std::time::{Duration, Instant};

use tieout::journal::Step;

use crate::support::project::{DAY, SMALL_BREAKS, TestProject, file_rows, settled};

const RUN: [&str; 4] = ["run", "rewards", "--period", DAY];
const SIGKILL: i32 = 9;
const BEFORE: &str = "TIEOUT_KILL_BEFORE";
const AFTER: &str = "TIEOUT_KILL_AFTER";

/// Runs until the kernel kills it at this mark.
fn killed(project: &TestProject, variable: &str, step: Step) {
    let process = project.command(&RUN).env(variable, step.name()).spawn().unwrap();
    let output = process.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.signal(), Some(SIGKILL), "{variable}={step}: {told}");
}

/// What lies below a period's folder, without the raw store.
fn reports(project: &TestProject) -> Vec<String> {
    let below = "runs/rewards/2025-03-19/";
    let mut paths = project.listing(below);
    paths.retain(|path| !path.starts_with("runs/rewards/2025-03-19/raw/"));
    paths.iter().map(|path| path.strip_prefix(below).unwrap().to_owned()).collect()
}

const REPORT: [&str; 6] =
    ["breaks.csv", "breaks.parquet", "open-items.jsonl", "report.html", "report.xlsx", "summary.json"];

/// The listing of attempts that are complete, and of nothing else.
fn complete(attempts: &[u32]) -> Vec<String> {
    let mut paths = Vec::new();
    for attempt in attempts {
        paths.push(format!("{attempt}/"));
        paths.extend(REPORT.map(|file| format!("{attempt}/{file}")));
    }
    paths
}

/// A report is there whole or not at all, under its own number.
fn assert_nothing_half_written(project: &TestProject, case: &str) {
    let numbered: Vec<_> = reports(project).into_iter().filter(|path| !path.starts_with(".tmp-")).collect();
    let allowed: [Vec<String>; 2] = [Vec::new(), complete(&[1])];
    assert!(allowed.contains(&numbered), "{case}: {numbered:?}");
    for file in project.listing("runs/rewards/2025-03-19/raw") {
        let name = file.rsplit('/').next().unwrap();
        if let Some(digest) = name.strip_prefix("sha256-") {
            assert_eq!(sha256(&project.read(&file)), digest, "{case}: {file}");
        }
    }
}

fn sha256(bytes: &[u8]) -> String {
    tieout::digest::sha256(bytes)
}

#[test]
fn killed_at_any_mark_the_next_run_goes_on_and_finds_the_same() {
    let undisturbed = TestProject::small();
    undisturbed.run_day(&[]).ended_with(0);
    let breaks = undisturbed.read("runs/rewards/2025-03-19/1/breaks.csv");

    // Each mark has a project of its own; two at a time, since they mostly wait for the disk.
    std::thread::scope(|scope| {
        for variable in [BEFORE, AFTER] {
            let breaks = &breaks;
            // Nothing is sealed by a job that compares.
            let steps = Step::ALL.into_iter().filter(|step| *step != Step::Sealed);
            scope.spawn(move || steps.for_each(|step| killed_and_run_again(variable, step, breaks)));
        }
    });
}

fn killed_and_run_again(variable: &str, step: Step, undisturbed: &[u8]) {
    let case = format!("{variable}={step}");
    let project = TestProject::small();
    killed(&project, variable, step);
    assert_nothing_half_written(&project, &case);

    let recorded = variable == AFTER || step != Step::Started;
    let attempt = if recorded { 2 } else { 1 };
    let next = project.run_day(&[]).ended_with(0);
    assert!(next.stdout.starts_with(&format!("rewards for {DAY}, attempt {attempt}\n")), "{}", next.stdout);
    let run = format!("rewards/{DAY}/{attempt}");
    assert_eq!(project.breaks(&run), SMALL_BREAKS.map(|row| row.map(str::to_owned)), "{case}");
    assert!(project.read(&format!("runs/{run}/breaks.csv")) == undisturbed, "{case}: other bytes");

    let finished = variable == AFTER && step == Step::Finished;
    let mut expected = vec![(run, "done".to_owned())];
    if recorded {
        let ended = if finished { "done" } else { "interrupted" };
        expected.insert(0, (format!("rewards/{DAY}/1"), ended.to_owned()));
    }
    assert_eq!(project.statuses().into_iter().collect::<Vec<_>>(), expected, "{case}");

    // From the mark `pulled` on it is known which bytes are which file's; before `started` nothing is pulled.
    let again = variable == BEFORE && step == Step::Pulled;
    assert_eq!(project.downloads(), if again { 2 } else { 1 }, "{case}");

    // The killed attempt's report is there if it was complete; leftovers are swept.
    let attempts: &[u32] = match (recorded, step >= Step::Reported) {
        (false, _) => &[1],
        (true, false) => &[2],
        (true, true) => &[1, 2],
    };
    assert_eq!(reports(&project), complete(attempts), "{case}");
}

/// Waits until the condition holds, at most twenty seconds.
#[track_caller]
fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(20), "{what} did not happen");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn send(signal: &str, process: &Child) {
    let sent = std::process::Command::new("kill").args([signal, &process.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// A run that waits for its download: the provider takes half a minute to answer.
fn downloading() -> (TestProject, Child) {
    let mut project = TestProject::new(&[settled(&file_rows())], "  - {on: download, nth: 1, do: {slow: 30s}}\n");
    project.set_http("{idle_timeout: 60s, attempts: 1}");
    let process = project.command(&RUN).spawn().unwrap();
    // The list is answered: next comes the download, which the provider holds back.
    wait_until("the list of files", || project.received().iter().any(|request| request.path.ends_with("/metadata")));
    std::thread::sleep(Duration::from_millis(100));
    (project, process)
}

#[test]
fn stopped_in_a_download_it_ends_with_75_and_the_next_run_goes_on() {
    for (signal, name) in [("-TERM", "SIGTERM"), ("-INT", "an interrupt")] {
        let (mut project, process) = downloading();
        let start = Instant::now();
        send(signal, &process);
        let stopped = project.ended(process).ended_with(75);
        assert!(start.elapsed() < Duration::from_secs(10), "{name}: it waited for the download");
        assert_eq!(
            stopped.error(),
            format!("stopped by {name}; nothing is half-written, run it again when it suits"),
            "{name}"
        );
        assert_eq!(stopped.stdout, "", "{name}");
        let listed = project.run(&["runs", "--format", "csv"]).stdout;
        let recorded = "run it again when it suits\",\n";
        assert!(
            listed.contains("rewards/2025-03-19/1,interrupted,75,") && listed.contains(recorded),
            "{name}: {listed}"
        );
        assert_eq!(reports(&project), Vec::<String>::new(), "{name}");
        let stored = project.listing("runs/rewards/2025-03-19/raw");
        assert!(stored.len() == 1 && stored[0].contains("/sha256-"), "{name}: the ledger alone: {stored:?}");

        project.serve(&[settled(&file_rows())], "");
        project.run_day(&[]).ended_with(0);
        assert_eq!(project.breaks("rewards/2025-03-19/2"), SMALL_BREAKS.map(|row| row.map(str::to_owned)), "{name}");
    }
}

#[test]
fn killed_in_a_download_its_leftovers_are_swept_by_the_next_run() {
    let (mut project, process) = downloading();
    send("-KILL", &process);
    process.wait_with_output().unwrap();
    // What a kill at a worse moment leaves: a part of a file, a part of a report.
    project.write("runs/rewards/2025-03-19/raw/.tmp-part", "id,amou");
    project.write("runs/rewards/2025-03-19/.tmp-report/summary.json", "{");
    project.serve(&[settled(&file_rows())], "");
    project.run_day(&[]).ended_with(0);
    assert_eq!(reports(&project), complete(&[2]));
    let raw = project.listing("runs/rewards/2025-03-19/raw");
    assert!(raw.len() == 2 && raw.iter().all(|path| path.contains("/sha256-")), "{raw:?}");
}

#[test]
fn a_killed_run_is_shown_as_running_until_the_next_one_finds_it() {
    let project = TestProject::small();
    killed(&project, "TIEOUT_KILL_AFTER", Step::Matched);
    assert_eq!(project.statuses()["rewards/2025-03-19/1"], "running");
    // Its lock is gone with it: nobody has to remove a file by hand.
    project.run_day(&[]).ended_with(0);
    assert_eq!(project.statuses()["rewards/2025-03-19/1"], "interrupted");
    let shown = project.run(&["runs", "show", "rewards/2025-03-19/1", "--format", "json"]).ended_with(0);
    let shown: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    let steps: Vec<_> = shown["steps"].as_array().unwrap().iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(steps, ["started", "pulled", "normalized", "matched"]);
}
