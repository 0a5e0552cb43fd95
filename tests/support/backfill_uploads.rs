//! A project that uploads many small days, and what of them must stand at the provider.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::PathBuf;

use flate2::read::MultiGzDecoder;
use serde_json::Value;

use super::project::TestProject;

/// Rows of a day that is whole.
pub(crate) const ROWS: usize = 3;

const JOB: &str = "\
job: core
period: {grain: day, timezone: UTC}
upload:
  file_type: incomingTransactionsFile
  source: {path: \"core-{period}.csv\", format: csv}
  columns:
    userId: user
    transactionId: id
    amount: {column: amount, unit: major}
    currency: {constant: USD}
    description: text
    direction: {constant: DEBIT}
    authorizationDate: at
    settledDate: at
";

/// The job `core` with more lines below `upload:`.
pub(crate) fn job(more: &str) -> String {
    format!("{JOB}{more}report: [csv]\n")
}

/// A result of each file is waited for; one row that does not fit is tolerated.
pub(crate) const CONFIRMED: &str =
    "  quarantine: 1\n  confirm: {path: notifications.jsonl, verify: kard, within: 24h, wait: 10m}\n";

/// The transactions of a day that is whole.
pub(crate) fn transactions(label: &str) -> BTreeSet<String> {
    (0..ROWS).map(|row| format!("t-{label}-{row}")).collect()
}

fn source(label: &str, amount: &str) -> String {
    let row = |id: String| format!("u-1,{id},{amount},SHOP,{label}T10:00:00Z\n");
    format!("user,id,amount,text,at\n{}", transactions(label).into_iter().map(row).collect::<String>())
}

/// A project with a source for each of these days, and a provider that tells what became of files.
pub(crate) fn days(labels: &[String], more: &str, faults: &str) -> TestProject {
    let mut project = TestProject::small();
    std::fs::remove_file(project.path("jobs/rewards.yaml")).unwrap();
    project.write("jobs/core.yaml", job(more));
    for label in labels {
        project.write(&format!("data/core-{label}.csv"), source(label, "12.50"));
    }
    project.serve_telling(faults);
    // A busy machine is no fault of the provider.
    project.set_http("{connect_timeout: 10s, idle_timeout: 20s, attempts: 3, first_delay: 1ms, max_delay: 5ms}");
    project
}

/// From now on no row of this day fits.
pub(crate) fn spoil(project: &TestProject, label: &str) {
    project.write(&format!("data/core-{label}.csv"), source(label, "12.505"));
}

/// The sealed files of a day, by name.
pub(crate) fn sealed_files(project: &TestProject, label: &str) -> Vec<PathBuf> {
    let pattern = project.path(&format!("runs/core/{label}/outgoing/*/*.jsonl.gz"));
    glob::glob(pattern.to_str().unwrap()).unwrap().map(Result::unwrap).collect()
}

/// The lines of the sealed files of a day.
pub(crate) fn sealed_lines(project: &TestProject, label: &str) -> Vec<Value> {
    let mut lines = Vec::new();
    for file in sealed_files(project, label) {
        let mut text = String::new();
        MultiGzDecoder::new(std::fs::File::open(file).unwrap()).read_to_string(&mut text).unwrap();
        lines.extend(text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()));
    }
    lines
}

/// Checks that the transactions of these days, and no others, stand at the provider: each under one id, with one
/// content, however often its file came. Gives how often a row came more than once.
#[track_caller]
pub(crate) fn assert_ingested(project: &TestProject, labels: &[String]) -> usize {
    project.provider_idle();
    let ingested = project.provider().ingested();
    let mut again = 0;
    for label in labels {
        let lines = sealed_lines(project, label);
        let sent = lines.iter().map(|line| line["attributes"]["transactionId"].as_str().unwrap().to_owned());
        assert_eq!((sent.collect::<BTreeSet<_>>(), lines.len()), (transactions(label), ROWS), "{label}");
        for line in &lines {
            let id = line["id"].as_str().unwrap();
            let event = ingested.get(id).unwrap_or_else(|| panic!("{label}: {line} did not arrive"));
            assert_eq!(event.other_content, 0, "{label}: {line}");
            again += usize::from(event.times > 1);
        }
    }
    assert_eq!(ingested.len(), labels.len() * ROWS, "nothing else arrived, and nothing under two ids");
    again
}

/// Period → the states of its effects.
pub(crate) fn states(project: &TestProject) -> BTreeMap<String, Vec<String>> {
    let listed = project.run(&["effects", "core", "--format", "json"]).ended_with(0);
    let effects: Vec<Value> = serde_json::from_str(&listed.stdout).unwrap();
    let mut states = BTreeMap::<String, Vec<String>>::new();
    for effect in &effects {
        let text = |field: &str| effect[field].as_str().unwrap_or_else(|| panic!("{field}: {effect}")).to_owned();
        states.entry(text("period")).or_default().push(text("state"));
    }
    states
}
