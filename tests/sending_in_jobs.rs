//! Jobs that send: what they mean once loaded.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use tieout::commands::jobs::{JobLine, job_rows};
use tieout::commands::validate;
use tieout::frames::{Field, Side};
use tieout::job::{
    self, BulkFileType, ColumnSource, Format, Job, OnMissing, Rate, ReadLimits, SendApproval, Sending, Source,
    TimeFormat, Unit, Upload, Way,
};
use tieout::output::Format as OutputFormat;
use tieout::records::{self, AmountSign, FieldColumn, RecordType};

use crate::job_files::{JOB, load, workspace};

/// As small as an upload can be.
pub(crate) const UPLOAD: &str = "\
job: daily
period: {grain: day, timezone: UTC}
upload:
  provider: kard
  file_type: incomingTransactionsFile
  source: {path: \"core-{period}.csv\"}
  columns:
    userId: user
    transactionId: id
    amount: amount
    currency: {constant: USD}
    description: text
    direction: {column: dc, words: {D: DEBIT, C: CREDIT}}
    settledDate: booked
    authorizationDate: booked
";

const INCOMING: &str = "\
job: daily
period: {grain: day, timezone: UTC}
incoming:
  provider: kard
  record: matchedTransaction
  source: {path: \"matched/dt={period}/*.parquet\", format: parquet}
  columns:
    userId: user
    transactionId: id
    amount: cents
    description: text
    authorizationDate: at
    paymentType: {constant: UNKNOWN}
  sign: inverted
  event_key: [transactionId]
  concurrency: 4
  rate: 100/m
  approval: required
";

const HISTORICAL: &str = "\
job: daily
period: {grain: month, timezone: UTC}
historical:
  provider: keyless
  preset: marqeta
  source: {path: \"history-{period}.jsonl.gz\", on_missing: break, allow_empty: true, known_columns: [gpa.ledger_balance]}
  columns:
    userId: {column: user.metadata.id}
    amount: {column: amount_minor}
";

fn sending(text: &str) -> Sending {
    load(text).sending().expect("the job sends").clone()
}

fn columns(names: &[&str]) -> FieldColumn {
    FieldColumn {
        from: ColumnSource::Columns(names.iter().map(|name| (*name).to_owned()).collect()),
        unit: Unit::Minor,
        time: TimeFormat::Iso { zone: None },
        words: BTreeMap::new(),
        fips: false,
    }
}

#[test]
fn an_upload_has_the_documented_defaults() {
    let job = load(UPLOAD);
    assert!(job.reconciliation().is_none() && job.effects().is_none());
    let sending = job.sending().unwrap();
    assert_eq!(
        sending.way,
        Way::Upload(Upload {
            file_type: BulkFileType::IncomingTransactionsFile,
            max_bytes: 5_000_000_000,
            max_rows: None
        })
    );
    assert_eq!(sending.provider, "kard");
    assert_eq!((sending.approval, sending.concurrency, sending.rate), (SendApproval::None, 2, None));
    assert!(sending.confirm.is_none());

    let source = &sending.source;
    assert_eq!(source.side, Side::Ledger);
    assert_eq!(source.source, Source::Path { pattern: "core-{period}.csv".to_owned() });
    assert_eq!(source.format, Format::Csv { delimiter: b',', quote: b'"', header: true });
    assert_eq!((source.quarantine_limit, source.allow_empty, source.on_missing), (0, false, OnMissing::Wait));
    assert_eq!((source.limits, source.known_columns.clone()), (ReadLimits::default(), None));
    assert!(source.mapping.fields.is_empty(), "the record's mapping says what is read");

    let mapping = &sending.mapping;
    assert_eq!((mapping.record, mapping.sign), (RecordType::CoreTransaction, AmountSign::Unsigned));
    assert_eq!(mapping.event_key, Vec::<String>::new());
    assert_eq!(mapping.columns["userId"], columns(&["user"]));
    assert_eq!(mapping.columns["currency"].from, ColumnSource::Constant("USD".to_owned()));
    assert_eq!(mapping.columns["direction"].words["C"], "CREDIT");
    assert_eq!(mapping.columns.len(), 8);
}

#[test]
fn an_upload_says_how_files_are_cut_and_where_their_results_are_told() {
    let text = UPLOAD.replace("incomingTransactionsFile", "historicalTransactionsFile")
        + "    cardLastFours: [card1, card2]
  event_key: [transactionId, settledDate]
  sign: signed
  quarantine: 10
  split: {max_bytes: 500MB, max_rows: 1000000}
  concurrency: 16
  approval: required
  rate: 1/s
  confirm: {path: \"notifications*.jsonl*\", verify: kard, within: 36h, wait: 30s, quarantine: 3}
";
    let sending = sending(&text);
    let Way::Upload(upload) = sending.way else { panic!("{:?}", sending.way) };
    assert_eq!(upload.file_type.name(), "historicalTransactionsFile");
    assert_eq!((upload.max_bytes, upload.max_rows), (500_000_000, Some(1_000_000)));
    assert_eq!(sending.mapping.record, RecordType::CoreTransaction, "of either kind of file");
    assert_eq!(sending.mapping.columns["cardLastFours"], columns(&["card1", "card2"]));
    assert_eq!(sending.mapping.event_key, ["transactionId", "settledDate"]);
    assert_eq!(sending.mapping.sign, AmountSign::Signed);
    assert_eq!(sending.source.quarantine_limit, 10);
    assert_eq!((sending.approval, sending.concurrency), (SendApproval::Required, 16));
    assert_eq!(sending.rate, Some(Rate { calls: 1, per: Duration::from_secs(1) }));

    let confirm = sending.confirm.unwrap();
    assert_eq!((confirm.within, confirm.wait), (TimeDelta::hours(36), Duration::from_secs(30)));
    let log = confirm.log;
    assert_eq!((log.side, log.format), (Side::Webhooks, Format::WebhookLog));
    assert_eq!(log.source, Source::Path { pattern: "notifications*.jsonl*".to_owned() });
    assert_eq!(log.verify.as_deref(), Some("kard"));
    assert_eq!((log.on_missing, log.allow_empty, log.quarantine_limit), (OnMissing::Break, true, 3));
    assert!(log.mapping.fields.contains_key(&Field::EventKind));
}

#[test]
fn a_log_of_results_has_the_documented_defaults() {
    let confirm = sending(&format!("{UPLOAD}  confirm: {{path: log.jsonl}}\n")).confirm.unwrap();
    assert_eq!((confirm.within, confirm.wait), (TimeDelta::hours(24), Duration::ZERO));
    assert_eq!((confirm.log.verify, confirm.log.quarantine_limit), (None, 0));
}

#[test]
fn calls_say_what_each_row_becomes() {
    let incoming = sending(INCOMING);
    assert_eq!(incoming.way, Way::Incoming);
    assert_eq!(
        (incoming.mapping.record, incoming.mapping.sign),
        (RecordType::MatchedTransaction, AmountSign::Inverted)
    );
    assert_eq!(incoming.source.source, Source::Path { pattern: "matched/dt={period}/*.parquet".to_owned() });
    assert_eq!(incoming.source.format, Format::Parquet);
    assert_eq!((incoming.concurrency, incoming.approval), (4, SendApproval::Required));
    assert_eq!(incoming.rate, Some(Rate { calls: 100, per: Duration::from_mins(1) }));
    let left_out = sending(INCOMING.split("  concurrency").next().unwrap());
    assert_eq!((left_out.concurrency, left_out.approval), (1, SendApproval::None));
    assert_eq!(left_out.rate, Some(Rate { calls: 5, per: Duration::from_secs(1) }));
}

#[test]
fn the_marqeta_preset_fills_in_what_is_not_written() {
    let historical = sending(HISTORICAL);
    assert_eq!((historical.way, historical.provider.as_str()), (Way::Historical, "keyless"));
    let source = &historical.source;
    assert_eq!((&source.format, source.on_missing, source.allow_empty), (&Format::Jsonl, OnMissing::Break, true));
    assert_eq!(source.known_columns.as_deref(), Some(["gpa.ledger_balance".to_owned()].as_slice()));
    let mapping = &historical.mapping;
    assert_eq!(mapping.record, RecordType::HistoricalTransaction);
    let mut expected = records::marqeta(RecordType::HistoricalTransaction);
    assert!(expected.len() > 10);
    expected.insert("userId".to_owned(), columns(&["user.metadata.id"]));
    // What is written counts as a whole: the preset's unit is not kept.
    expected.insert("amount".to_owned(), columns(&["amount_minor"]));
    assert_eq!(mapping.columns, expected);
    let csv = HISTORICAL.replace("on_missing: break", "format: csv");
    assert_eq!(sending(&csv).source.format, Format::Csv { delimiter: b',', quote: b'"', header: true });
}

#[test]
fn every_record_can_be_sent_with_the_marqeta_preset_alone() {
    for record in ["transaction", "matchedTransaction", "coreTransaction"] {
        let text = format!(
            "job: daily\nperiod: {{grain: day, timezone: UTC}}\nincoming:\n  provider: kard\n  record: {record}\n  \
             preset: marqeta\n  source: {{path: events.jsonl}}\n"
        );
        assert_eq!(sending(&text).mapping.record.name(), record);
    }
}

#[test]
fn columns_have_a_long_form_with_words_times_units_and_states() {
    let text = UPLOAD
        .replace("amount: amount", "amount: {column: [net, gross], unit: major}")
        .replace("settledDate: booked", "settledDate: {column: booked, format: '%d.%m.%Y', timezone: Europe/Berlin}")
        .replace("authorizationDate: booked", "authorizationDate: {column: 7, format: epoch_millis}");
    let mapping = sending(&text).mapping;
    assert_eq!(mapping.columns["amount"], FieldColumn { unit: Unit::Major, ..columns(&["net", "gross"]) });
    let time = TimeFormat::Pattern { pattern: "%d.%m.%Y".to_owned(), zone: Some(chrono_tz::Europe::Berlin) };
    assert_eq!(mapping.columns["settledDate"], FieldColumn { time, ..columns(&["booked"]) });
    assert_eq!(mapping.columns["authorizationDate"], FieldColumn { time: TimeFormat::EpochMillis, ..columns(&["7"]) });
    let state = HISTORICAL.to_owned() + "    merchant.addrState: {column: state, fips: true, words: {'99': CA}}\n";
    let words = BTreeMap::from([("99".to_owned(), "CA".to_owned())]);
    let expected = FieldColumn { words, fips: true, ..columns(&["state"]) };
    assert_eq!(sending(&state).mapping.columns["merchant.addrState"], expected);
}

#[test]
fn the_inputs_of_a_job_are_what_it_compares_or_what_it_sends_and_the_log() {
    let sides = |job: &Job| job.inputs().iter().map(|input| input.side).collect::<Vec<_>>();
    assert_eq!(sides(&load(JOB)), [Side::File, Side::Ledger]);
    assert_eq!(sides(&load(INCOMING)), [Side::Ledger]);
    let confirmed = load(&format!("{UPLOAD}  confirm: {{path: log.jsonl}}\n"));
    assert_eq!(sides(&confirmed), [Side::Ledger, Side::Webhooks]);
    assert_eq!(confirmed.input(Side::Webhooks).unwrap().format, Format::WebhookLog);
    assert!(confirmed.input(Side::File).is_none());
    assert!(load(JOB).sending().is_none() && load(JOB).reconciliation().is_some());
}

#[test]
fn the_provider_may_be_left_out_when_there_is_just_one() {
    let unsaid = UPLOAD.replace("  provider: kard\n", "");
    let project = workspace(&unsaid);
    let two = job::load(&project.project(), "daily").unwrap_err();
    let told = "jobs/daily.yaml:3:1: `provider` is left out, and tieout.yaml has several; expected one of `kard`, \
                `keyless`";
    assert_eq!(two.iter().map(tieout::config::Problem::headline).collect::<Vec<_>>(), [told]);
    let one = crate::project_files::PROJECT.split("  keyless:").next().unwrap();
    project.write("tieout.yaml", one);
    let loaded = job::load(&project.project(), "daily").unwrap();
    assert_eq!(loaded.sending().unwrap().provider, "kard");
}

#[test]
fn validate_says_what_a_job_sends_and_where_to() {
    let workspace = workspace(UPLOAD);
    workspace.write("jobs/other.yaml", JOB.replacen("job: daily", "job: other", 1));
    workspace.write("jobs/past.yaml", HISTORICAL.replacen("job: daily", "job: past", 1));
    let outcome = validate::run(workspace.root(), &[]);
    let text = "tieout.yaml: valid
jobs/daily.yaml: valid; upload: coreTransaction rows of core-{period}.csv to kard
jobs/other.yaml: valid
jobs/past.yaml: valid; historical: historicalTransaction rows of history-{period}.jsonl.gz to keyless
";
    assert_eq!(outcome.text(), text);
    let json = serde_json::to_value(&outcome).unwrap();
    let first = serde_json::json!({
        "file": "jobs/daily.yaml", "way": "upload", "record": "coreTransaction", "provider": "kard",
        "source": "core-{period}.csv"
    });
    assert_eq!(json["sending"][0], first);
    assert_eq!(json["sending"].as_array().unwrap().len(), 2);
}

#[test]
fn the_list_of_jobs_says_what_each_does_whom_it_asks_and_what_it_reads() {
    let audited = JOB.replacen("currency: currency}", "currency: currency, user: u, merchant: m}", 1)
        + "effects: {provider: keyless, provider_audit: {for: [reward_missing]}}\n";
    for (text, does, providers, inputs) in [
        (JOB, "compare", "", "file ledger"),
        (&audited, "compare", "keyless", "file ledger"),
        (UPLOAD, "upload", "kard", "core-{period}.csv"),
        (INCOMING, "incoming", "kard", "matched/dt={period}/*.parquet"),
        (HISTORICAL, "historical", "keyless", "history-{period}.jsonl.gz"),
    ] {
        let job = load(text);
        let lines = [JobLine { job: &job, last: None, next_period: None, next_due: None }];
        let csv = job_rows(&lines).render(OutputFormat::Csv, None);
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        let row: BTreeMap<String, String> = reader.deserialize().next().unwrap().unwrap();
        let found = [&row["does"], &row["provider"], &row["inputs"]].map(String::as_str);
        assert_eq!(found, [does, providers, inputs]);
    }
}
