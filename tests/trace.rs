//! `tieout trace`: one transaction over files, breaks, what was sent, and effects.

use serde_json::Value;

use crate::carried_items;
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
    assert_eq!(what[..3], ["row", "break", "effect"]);
    assert!(
        what[3..].iter().all(|what| ["effect", "life", "carried"].contains(&what.as_str()))
            && what.contains(&"life".to_owned()),
        "{what:?}"
    );
}

#[test]
fn the_life_of_its_breaks_stands_in_one_time_line_with_its_rows_and_the_runs_that_carried_it() {
    let project = carried_items::project(carried_items::THREE_DAYS, "");
    for day in ["2025-03-18", "2025-03-19"] {
        project.run(&["run", "rewards", "--period", day]).ended_with(0);
    }
    let listed = project.run(&["breaks", "list", "--format", "json"]).ended_with(0).stdout;
    let listed: Vec<Value> = serde_json::from_str(&listed).unwrap();
    let id = listed.iter().find(|row| row["key"] == "late").unwrap()["break"].as_str().unwrap().to_owned();
    let decisions: [&[&str]; 2] =
        [&["assign", &id, "--to", "Noor"], &["comment", &id, "--text", "asked Kard for the file of the 20th"]];
    for decision in decisions {
        project.run(&[&["breaks"], decision, &["--by", "Mara Lind"]].concat()).ended_with(0);
    }
    project.run(&["run", "rewards", "--period", "2025-03-20"]).ended_with(0);

    let told = project.run(&["trace", "late"]).ended_with(0).stdout;
    assert_eq!(without_times(&told).replace(&id, "BREAK"), LATE, "{told}");
    // The same as JSON, in the same order.
    let found = story(&project, "late", &[]);
    assert_eq!(
        texts(&found["timeline"], "about"),
        ["row", "life", "carried", "carried", "life", "life", "row", "life", "carried"]
    );
    let entries: Vec<u64> =
        found["timeline"].as_array().unwrap().iter().filter_map(|moment| moment["entry"].as_u64()).collect();
    assert!(entries.is_sorted() && entries.len() == 4, "{found:#}");
    assert_eq!(
        texts(&found["carried"], "run"),
        ["rewards/2025-03-18/1", "rewards/2025-03-19/1", "rewards/2025-03-20/1"]
    );
    assert_eq!(found["carried"][1]["fate"], "open");
    assert_eq!(found["lives"][0]["standing"]["owner"], "Noor");
    // One period's runs alone: the break is of it, and so is its whole life.
    let one_day = story(&project, "late", &["--period", "2025-03-18"]);
    assert_eq!(texts(&one_day["carried"], "run"), ["rewards/2025-03-18/1"]);
    assert_eq!(one_day["lives"], found["lives"]);
    assert_eq!(story(&project, "evening", &[])["lives"], serde_json::json!([]), "it never was a break");
    let evening = story(&project, "evening", &[]);
    assert_eq!(evening["carried"][1]["says"], "carried from 2025-03-18: cleared by this period");
}

/// Times of the clock become `TIME`, and a run of spaces one; times in the data stay.
fn without_times(told: &str) -> String {
    let is_clock = |word: &str| word.ends_with('Z') && word.contains('T') && !word.starts_with("2025-03-");
    let word = |word: &str| if is_clock(word) { "TIME".to_owned() } else { word.to_owned() };
    let words = |line: &str| line.split_whitespace().map(word).collect::<Vec<_>>().join(" ");
    told.lines().map(words).collect::<Vec<_>>().join("\n")
}

const LATE: &str = "\
period side file line says job run
2025-03-18 ledger ledger-2025-03-18.csv 5 transaction_id late, amount 4.00, currency USD, occurred_at 2025-03-18T09:00:00Z rewards rewards/2025-03-18/1
2025-03-20 file file-2025-03-20.csv 2 transaction_id late, amount 4.00, currency USD, occurred_at 2025-03-18T09:00:00Z rewards rewards/2025-03-20/1

run break kind status detail
rewards/2025-03-18/1 BREAK missing_in_file open in ledger (4.00 USD), not in file

break stands since kind owner comments job
BREAK resolved TIME missing_in_file Noor 1 rewards

at about which by says
TIME row ledger-2025-03-18.csv rewards/2025-03-18/1 read: ledger of 2025-03-18, line 5
TIME life BREAK rewards/2025-03-18/1 found in 2025-03-18 as missing in file: in ledger (4.00 USD), not in file
TIME carried rewards/2025-03-18/1 rewards/2025-03-18/1 left open for other periods: missing in file
TIME carried rewards/2025-03-19/1 rewards/2025-03-19/1 carried from 2025-03-18: still open
TIME life BREAK Mara Lind assigned to Noor
TIME life BREAK Mara Lind comment: asked Kard for the file of the 20th
TIME row file-2025-03-20.csv rewards/2025-03-20/1 read: file of 2025-03-20, line 2
TIME life BREAK rewards/2025-03-20/1 cleared by the run of 2025-03-20: file file-2025-03-20.csv line 2
TIME carried rewards/2025-03-20/1 rewards/2025-03-20/1 carried from 2025-03-18: cleared by this period";

#[test]
fn what_people_and_audits_have_decided_stands_in_the_story() {
    let project = project(&[FAST, AUDITS].concat(), "");
    project.run_day(&[]).ended_with(0);
    let told = story(&project, "t-2", &[]);
    let says = texts(&told["timeline"], "says");
    let disputed = says.iter().position(|says| says.starts_with("in dispute by audit ")).unwrap();
    let opened = says.iter().position(|says| says.starts_with("found in ")).unwrap();
    let acknowledged = says.iter().position(|says| says.starts_with("acknowledged")).unwrap();
    assert!(opened < disputed && acknowledged < disputed, "{says:#?}");
    let id = told["lives"][0]["standing"]["id"].as_str().unwrap().to_owned();
    let write_off = ["breaks", "write-off", &id, "--reason", "below ten dollars", "--by", "Mara Lind"];
    project.run(&write_off).ended_with(0);
    let told = project.run(&["trace", "t-2"]).ended_with(0).stdout;
    let last = told.lines().last().unwrap().split_whitespace().skip(1).collect::<Vec<_>>().join(" ");
    assert_eq!(last, format!("life {id} Mara Lind written off: below ten dollars"), "{told}");
}
