//! `tieout trace`: one transaction over files, breaks, what was sent, and effects.

use serde_json::Value;

use crate::support::backfill_project::labels;
use crate::support::backfill_uploads::{days, transactions};
use crate::support::effect_project::{AUDITS, FAST, project};
use crate::support::project::{DAY, TestProject};

fn story(project: &TestProject, transaction: &str, more: &[&str]) -> Value {
    let told = project.run(&[&["trace", transaction, "--format", "json"], more].concat()).ended_with(0);
    serde_json::from_str(&told.stdout).unwrap()
}

/// The strings at a path of each entry.
fn texts(entries: &Value, name: &str) -> Vec<String> {
    entries.as_array().unwrap().iter().map(|entry| entry[name].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_transaction_is_found_in_every_file_its_breaks_and_its_audits() {
    let project = project(&[FAST, AUDITS].concat(), "");
    project.run_day(&[]).ended_with(0);
    project.run_day(&[]).ended_with(0);
    let story = story(&project, "t-2", &[]);
    assert_eq!(texts(&story["rows"], "side"), ["file", "ledger"], "{story:#}");
    let runs = [format!("rewards/{DAY}/1"), format!("rewards/{DAY}/2")];
    for row in story["rows"].as_array().unwrap() {
        // Read twice, and one file all the same.
        assert_eq!(row["runs"], serde_json::json!(runs), "{row:#}");
        assert!(
            row["values"].as_array().unwrap().iter().any(|value| value[0] == "transaction_id" && value[1] == "t-2")
        );
    }
    let written = project.read(&format!("data/ledger-{DAY}.csv"));
    let line = story["rows"][1]["line"].as_u64().unwrap();
    let row = String::from_utf8(written).unwrap().lines().nth(usize::try_from(line).unwrap() - 1).unwrap().to_owned();
    assert!(row.contains("t-2"), "line {line} of the ledger: {row}");
    // As the last attempt has found it.
    assert_eq!(texts(&story["breaks"], "run"), [runs[1].clone()]);
    assert_eq!(story["breaks"][0]["kind"], "amount_mismatch");
    let audit = &story["effects"][0];
    assert_eq!(
        audit["standing"]["state"]["state"].as_str().or(audit["standing"]["state"].as_str()),
        Some("acknowledged")
    );
    assert!(audit["history"].as_array().unwrap().len() >= 4, "{audit:#}");
    assert_eq!(story["unread"], serde_json::json!([]));
}

#[test]
fn a_row_that_was_sent_is_found_in_its_bulk_file() {
    let project = days(&labels(2), "", "");
    project.run(&["backfill", "core", "--from", "2025-01-01", "--to", "2025-01-02", "--yes"]).ended_with(0);
    let transaction = transactions("2025-01-02").into_iter().next().unwrap();
    let found = story(&project, &transaction, &[]);
    assert_eq!(texts(&found["rows"], "period"), ["2025-01-02"]);
    assert_eq!(texts(&found["sent"], "state"), ["acknowledged"]);
    let parcel = found["sent"][0]["parcel"].as_str().unwrap();
    assert!(parcel.starts_with("core-2025-01-02-001-"), "{parcel}");
    // A second attempt shares what the first has sealed.
    project.run(&["run", "core", "--period", "2025-01-02"]).ended_with(0);
    let again = story(&project, &transaction, &[]);
    assert_eq!(texts(&again["sent"], "run"), ["core/2025-01-02/2"]);
    // What other periods or jobs have read is not looked into when one is named.
    let elsewhere = project.run(&["trace", &transaction, "--period", "2025-01-01"]).ended_with(2);
    assert!(elsewhere.error().contains(&format!("knows the transaction `{transaction}` (1 files looked into)")));
    let told = project.run(&["trace", &transaction]).ended_with(0).stdout;
    assert!(told.contains("2025-01-02  ledger  ") && told.contains(&format!("transactionId {transaction}")), "{told}");
}

#[test]
fn what_nobody_knows_ends_with_2_and_a_file_that_is_gone_is_told() {
    let nothing = TestProject::small();
    let error = nothing.run(&["trace", "t-2"]).ended_with(2);
    assert_eq!(
        error.error(),
        "nothing that runs have kept knows the transaction `t-2` (0 files looked into); an id is looked for \
         whole, as the files write it"
    );
    let project = project(&[FAST, AUDITS].concat(), "");
    project.run_day(&[]).ended_with(0);
    for stored in std::fs::read_dir(project.path(&format!("runs/rewards/{DAY}/raw"))).unwrap() {
        std::fs::remove_file(stored.unwrap().path()).unwrap();
    }
    let told = project.run(&["trace", "t-2"]).ended_with(0);
    assert!(told.stderr.contains(&format!("not looked into: {DAY} ledger-{DAY}.csv: ")), "{}", told.stderr);
    assert!(told.stdout.contains("amount_mismatch"), "its break is known all the same: {}", told.stdout);
}

#[test]
fn as_csv_every_line_says_what_and_where() {
    let project = project(&[FAST, AUDITS].concat(), "");
    project.run_day(&[]).ended_with(0);
    let told = project.run(&["trace", "t-2", "--format", "csv"]).ended_with(0).stdout;
    let mut reader = csv::Reader::from_reader(told.as_bytes());
    assert_eq!(reader.headers().unwrap().iter().collect::<Vec<_>>(), ["what", "where", "line", "at", "by", "says"]);
    let mut what: Vec<String> = reader.records().map(|row| row.unwrap()[0].to_owned()).collect();
    what.dedup();
    assert_eq!(what, ["row", "break", "effect"]);
}
