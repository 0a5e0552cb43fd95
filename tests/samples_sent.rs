//! The samples that jobs send: each row held against the shipped job's own mapping.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use chrono::DateTime;
use polars::prelude::{DataType, ParquetReader, SerReader};
use serde_json::Value;
use tieout::job::{self, Format, Sending, Source, Way};
use tieout::project::Project;
use tieout::records::{RecordPlan, RecordType, Refused, Scratch, Written};

/// One row of a source: column to text.
type Row = BTreeMap<String, String>;

/// What became of it: the line that is sent, read back.
type Outcome = Result<(Written, Value), Refused>;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn shipped(name: &str) -> Sending {
    let project = Project::load(repository()).unwrap();
    let job = job::load(&project, name).unwrap_or_else(|problems| panic!("{problems}"));
    job.sending().expect("the job sends").clone()
}

/// The sample files of a job for the first day, as its own pattern names them.
fn files(sending: &Sending) -> Vec<PathBuf> {
    let Source::Path { pattern } = &sending.source.source else { panic!("{:?}", sending.source.source) };
    let pattern = repository().join("samples/data").join(pattern.replace("{period}", "2025-03-19"));
    let files: Vec<PathBuf> = glob::glob(pattern.to_str().unwrap()).unwrap().map(Result::unwrap).collect();
    assert!(!files.is_empty(), "{}", pattern.display());
    files
}

fn rows(sending: &Sending) -> Vec<Row> {
    let files = files(sending);
    let of = |read: fn(&Path) -> Vec<Row>| files.iter().flat_map(|file| read(file)).collect();
    match sending.source.format {
        Format::Csv { .. } => {
            of(|file| csv::Reader::from_path(file).unwrap().deserialize().map(Result::unwrap).collect())
        }
        Format::Jsonl => of(|file| std::fs::read_to_string(file).unwrap().lines().map(json_row).collect()),
        Format::Parquet => of(parquet_rows),
        ref other => panic!("{other:?}"),
    }
}

/// Dotted paths to the texts and numbers of an object.
fn json_row(line: &str) -> Row {
    fn unfold(at: &str, value: &Value, row: &mut Row) {
        match value {
            Value::Object(map) => map.iter().for_each(|(key, value)| {
                let below = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                unfold(&below, value, row);
            }),
            Value::String(text) => drop(row.insert(at.to_owned(), text.clone())),
            other => drop(row.insert(at.to_owned(), other.to_string())),
        }
    }
    let mut row = Row::new();
    unfold("", &serde_json::from_str(line).unwrap(), &mut row);
    row
}

fn parquet_rows(path: &Path) -> Vec<Row> {
    let frame = ParquetReader::new(File::open(path).unwrap()).finish().unwrap();
    let mut rows = vec![Row::new(); frame.height()];
    for column in frame.columns() {
        let time = matches!(column.dtype(), DataType::Datetime(..));
        let plain = if time { column.cast(&DataType::Int64).unwrap() } else { column.clone() };
        let texts = plain.cast(&DataType::String).unwrap();
        for (row, text) in rows.iter_mut().zip(texts.str().unwrap().iter()) {
            let Some(text) = text else { continue };
            let instant = || DateTime::from_timestamp_micros(text.parse().unwrap()).unwrap().to_rfc3339();
            row.insert(column.name().to_string(), if time { instant() } else { text.to_owned() });
        }
    }
    rows
}

/// What the shipped job makes of each row of its sample.
fn written(sending: &Sending) -> Vec<(Row, Outcome)> {
    let plan = RecordPlan::new(&sending.mapping, "org-123");
    let mut scratch = Scratch::default();
    let write = |row: Row| {
        let mut line = Vec::new();
        let cell = |slot: usize| row.get(&plan.sources()[slot]).map(String::as_str);
        let outcome = plan.write(cell, &mut scratch, &mut line);
        let outcome = outcome.map(|written| (written, serde_json::from_slice(&line).unwrap()));
        (row, outcome)
    };
    rows(sending).into_iter().map(write).collect()
}

/// The attributes of all lines, where every row fits and none repeats.
fn all_fit(name: &str) -> Vec<Value> {
    let mut ids = BTreeSet::new();
    let fits = |(row, outcome): (Row, Outcome)| {
        let (written, line) = outcome.unwrap_or_else(|refused| panic!("{name}: {refused} in {row:?}"));
        assert!(ids.insert(written.event_id), "{name}: {row:?} repeats");
        line["attributes"].clone()
    };
    written(&shipped(name)).into_iter().map(fits).collect()
}

/// How often each text of an attribute stands there.
fn counted(lines: &[Value], attribute: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in lines {
        *counts.entry(line[attribute].as_str().unwrap_or("").to_owned()).or_default() += 1;
    }
    counts
}

fn counts(expected: &[(&str, usize)]) -> BTreeMap<String, usize> {
    expected.iter().map(|(word, count)| ((*word).to_owned(), *count)).collect()
}

#[test]
fn the_core_banking_sample_holds_two_rows_that_do_not_fit_and_one_twice() {
    let sending = shipped("core-upload");
    assert!(matches!(sending.way, Way::Upload(_)));
    assert_eq!(sending.mapping.record, RecordType::CoreTransaction);
    let outcomes = written(&sending);
    assert_eq!(outcomes.len(), 211);
    let mut refused = Vec::new();
    let mut lines = BTreeMap::<[u8; 16], usize>::new();
    let mut transactions = BTreeMap::<String, BTreeSet<String>>::new();
    for (row, outcome) in &outcomes {
        match outcome {
            Ok((written, line)) => {
                *lines.entry(written.event_id).or_default() += 1;
                let settled = line["attributes"]["settledDate"].as_str().unwrap().to_owned();
                transactions.entry(row["txn_id"].clone()).or_default().insert(settled);
            }
            Err(why) => refused.push((why.field, row["txn_id"].as_str())),
        }
    }
    assert_eq!(refused, [("amount", "txn-0319-1053"), ("userId", "txn-0319-1115")]);
    let repeated = lines.values().filter(|count| **count > 1).collect::<Vec<_>>();
    assert_eq!(repeated, [&2]);
    // Two settlements of one purchase are two events.
    assert_eq!(transactions.values().filter(|settled| settled.len() == 2).count(), 10);
    let unfit = refused.len() + repeated.len();
    assert!(sending.source.quarantine_limit >= unfit as u64, "the shipped job tolerates what its sample holds");
    let two_cards = outcomes.iter().filter_map(|(_, outcome)| outcome.as_ref().ok());
    assert!(
        two_cards.filter(|(_, line)| line["attributes"]["cardLastFours"].as_array().unwrap().len() == 2).count() > 50
    );
}

#[test]
fn the_partition_holds_every_status_but_a_return_and_all_rows_fit() {
    let sending = shipped("incoming-daily");
    assert_eq!(files(&sending).len(), 2);
    let lines = all_fit("incoming-daily");
    let expected = counts(&[("APPROVED", 160), ("SETTLED", 130), ("REVERSED", 10), ("DECLINED", 10)]);
    assert_eq!(counted(&lines, "status"), expected);
    // Merchants keep their accents and apostrophes.
    let names: BTreeSet<&str> = lines.iter().map(|line| line["merchant"]["name"].as_str().unwrap()).collect();
    assert!(names.contains("Crème & Co.") && names.contains("O'Malley's Diner"), "{names:?}");
}

#[test]
fn marqetas_events_fit_with_the_preset_alone() {
    let lines = all_fit("marqeta-daily");
    let expected = counts(&[("APPROVED", 100), ("SETTLED", 110), ("DECLINED", 10)]);
    assert_eq!(counted(&lines, "status"), expected);
    let transactions = counted(&lines, "transactionId");
    assert_eq!(transactions.len(), 120, "a clearing is an event of its authorization");
    for line in &lines {
        let state = line["merchant"]["addrState"].as_str().unwrap();
        assert!(state.len() == 2 && state.bytes().all(|byte| byte.is_ascii_uppercase()), "{state}");
        assert_eq!(line["cardBIN"], "411111");
    }
}

#[test]
fn the_newcomers_past_is_that_of_one_user_and_more_than_one_part() {
    let sending = shipped("history-enrolment");
    assert_eq!(sending.way, Way::Historical);
    let lines = all_fit("history-enrolment");
    assert_eq!(counted(&lines, "userId"), counts(&[("user-041", 612)]));
    assert_eq!(counted(&lines, "status"), counts(&[("SETTLED", 572), ("RETURNED", 20), ("DECLINED", 20)]));
    assert_eq!(counted(&lines, "direction"), counts(&[("DEBIT", 592), ("CREDIT", 20)]));
}
