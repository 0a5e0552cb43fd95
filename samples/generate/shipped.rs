//! The shipped samples as a set of files: made in memory, then written or compared.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;

use chrono::NaiveDate;
use flate2::read::MultiGzDecoder;
use flate2::{Compression, GzBuilder};
use polars::prelude::{DataFrame, ParquetReader, SerReader};

use super::bongloy;
use super::core;
use super::core_api;
use super::days::{Day, plans};
use super::events;
use super::issuing;
use super::month;
use super::readme;
use super::reports;
use super::rows::{LedgerRow, signer};
use super::sent;
use super::stories::{Outcome, What};
use super::world::{DAY, HOUR, MINUTE, Moment, Style, World};

/// Path below the samples folder → bytes.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// One entry of `kard/files.json`.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) id: String,
    pub(crate) file_type: &'static str,
    pub(crate) name: String,
    pub(crate) sent_at: Moment,
}

pub(crate) const SETTLED: &str = "earnedRewardSettledDailyReconciliationFile";
pub(crate) const MONTHLY: &str = "monthlyReconciliationFile";

/// Every shipped file that the generator makes.
///
/// # Errors
/// Only when memory cannot be written to.
pub(crate) fn files(seed: u64) -> anyhow::Result<Files> {
    let mut files = Files::new();
    let mut listed = Vec::new();
    let mut told = Vec::new();
    for plan in plans() {
        let mut day = plan.tell(seed);
        if let Some(hours) = plan.file_sent_after {
            let sent_at = Moment::start_of(plan.date).plus(DAY + hours * HOUR + 30 * MINUTE);
            let bytes = file_text(&day);
            if plan.troubled_file {
                let again = sent_again(plan.date, sent_at, &mut day);
                files.insert(format!("kard/files/{}", again.name), bytes.clone());
                listed.push(again);
            }
            let sent = sent_once(plan.date, sent_at);
            files.insert(format!("kard/files/{}", sent.name), bytes);
            listed.push(sent);
            files.insert(format!("data/truth-{}.csv", plan.date), truth(&day.outcomes)?);
            files.insert(format!("data/expected-{}.csv", plan.date), expected(&day.outcomes)?);
        }
        files.insert(format!("data/ledger-{}.csv", plan.date), ledger_text(&day.ledger)?);
        files.insert(format!("data/webhooks-{}.jsonl.gz", plan.date), webhooks_gz(&day)?);
        files.insert(format!("data/core-{}.json", plan.date), core::text(&plan, &day));
        files.insert(format!("data/truth-core-{}.csv", plan.date), truth(&core::outcomes(&plan, &day))?);
        told.push((plan, day));
    }
    files.append(&mut sent_files(seed, told[0].0.date)?);
    files.append(&mut reports::files(seed, told[0].0.date)?);
    files.append(&mut super::kuggar::files(seed)?);
    files.append(&mut core_api::files(seed)?);
    files.append(&mut bongloy::files(seed)?);
    files.append(&mut issuing::files(told[0].0.date)?);
    let month = month::tell(seed);
    files.append(&mut month_files(&month, &mut listed)?);
    listed.sort_by_key(|entry| entry.sent_at);
    files.insert("kard/files.json".to_owned(), list_text(&listed).into_bytes());
    files.insert("README.md".to_owned(), readme::text(&told, &month).into_bytes());
    Ok(files)
}

fn sent_once(date: NaiveDate, sent_at: Moment) -> Listed {
    Listed { id: file_id(date, ""), file_type: SETTLED, name: file_name(date, ""), sent_at }
}

/// The month that is closed: its file and the one before, its days, and the truth.
fn month_files(month: &month::Month, listed: &mut Vec<Listed>) -> anyhow::Result<Files> {
    let mut files = Files::from([(format!("data/truth-monthly-{}.csv", month.label), truth(&month.outcomes)?)]);
    for (date, day) in &month.days {
        let sent = sent_once(*date, Moment::start_of(*date).plus(DAY + 9 * HOUR + 30 * MINUTE));
        files.insert(format!("kard/files/{}", sent.name), file_text(day));
        files.insert(format!("data/ledger-{date}.csv"), ledger_text(&day.ledger)?);
        files.insert(format!("data/webhooks-{date}.jsonl.gz"), webhooks_gz(day)?);
        listed.push(sent);
    }
    for file in &month.files {
        let (id, name) = (format!("file-monthly-{}", file.yymm), file.name());
        files.insert(format!("kard/files/{name}"), file.text()?);
        listed.push(Listed { id, file_type: MONTHLY, name, sent_at: file.sent_at });
    }
    Ok(files)
}

/// What the jobs that send read on the first day.
fn sent_files(seed: u64, date: NaiveDate) -> anyhow::Result<Files> {
    let world = World { seed, date, style: Style::Shipped };
    let [authorized, ended] = events::partition(&world)?;
    Ok(Files::from([
        (format!("data/core-{date}.csv"), sent::core_csv(&world)?),
        (format!("data/history-{date}.csv"), sent::history_csv(&world)?),
        (format!("data/marqeta-{date}.jsonl"), events::marqeta(&world)),
        (format!("data/cards/dt={date}/part-0.parquet"), authorized),
        (format!("data/cards/dt={date}/part-1.parquet"), ended),
    ]))
}

/// The same bytes under another name, a quarter of an hour later; and what must be found about both.
fn sent_again(date: NaiveDate, sent_at: Moment, day: &mut Day) -> Listed {
    let (name, again) = (file_name(date, ""), file_name(date, "-resent"));
    day.about_file(&name, "file_late", "Sent more than 20 hours after the day's end; the job wants it within 12.");
    day.about_file(&again, "file_late", "Sent as late as the first one, and a quarter of an hour more.");
    day.about_file(&name, "schema_drift", "Each row has a key that is not known: attributes.merchantCategoryCode.");
    day.about_file(&again, "schema_drift", "The same new key, since the bytes are the same.");
    day.about_file(&again, "file_duplicate", &format!("The same bytes as {name}, under a second name: counted once."));
    Listed { id: file_id(date, "-resent"), file_type: SETTLED, name: again, sent_at: sent_at.plus(HOUR / 4) }
}

pub(crate) fn file_name(date: NaiveDate, suffix: &str) -> String {
    format!("cardlinked-reconciliation-{}{suffix}.json", date.format("%y%m%d"))
}

fn file_id(date: NaiveDate, suffix: &str) -> String {
    format!("file-settled-{}{suffix}", date.format("%y%m%d"))
}

pub(crate) fn file_text(day: &Day) -> Vec<u8> {
    let rows: Vec<String> = day.file.iter().map(super::rows::FileRow::json).collect();
    format!("{{\"data\": [\n{}\n]}}\n", rows.join(",\n")).into_bytes()
}

pub(crate) fn ledger_text(rows: &[LedgerRow]) -> anyhow::Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(LedgerRow::HEADER)?;
    for row in rows {
        csv.write_record(row.record())?;
    }
    Ok(csv.into_inner()?)
}

pub(crate) fn webhooks_gz(day: &Day) -> anyhow::Result<Vec<u8>> {
    let key = signer();
    let mut gz = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    for notice in &day.notices {
        writeln!(gz, "{}", notice.line(&key))?;
    }
    Ok(gz.finish()?)
}

pub(crate) const TRUTH_HEADER: [&str; 5] = ["key", "kind", "currency", "measure", "why"];

/// The line of the truth file, if the outcome is a break. What is about a file has no currency and no measure.
pub(crate) fn truth_record(outcome: &Outcome) -> Option<[&str; 5]> {
    let (kind, measure) = outcome.what.found()?;
    let currency = if measure.is_empty() { "" } else { "USD" };
    Some([&outcome.key, kind, currency, measure, &outcome.why])
}

fn truth(outcomes: &[Outcome]) -> anyhow::Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(TRUTH_HEADER)?;
    for record in outcomes.iter().filter_map(truth_record) {
        csv.write_record(record)?;
    }
    Ok(csv.into_inner()?)
}

fn expected(outcomes: &[Outcome]) -> anyhow::Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(["key", "outcome", "why"])?;
    for outcome in outcomes {
        if let Some(word) = quiet_word(outcome.what) {
            csv.write_record([&outcome.key, word, &outcome.why])?;
        }
    }
    Ok(csv.into_inner()?)
}

/// The word for what is no break.
pub(crate) const fn quiet_word(what: What) -> Option<&'static str> {
    match what {
        What::Break(..) | What::CarriedBreak(..) => None,
        What::Expected => Some("expected"),
        What::Suggested => Some("suggested"),
        What::Excluded => Some("excluded"),
        What::Quarantined => Some("quarantined"),
    }
}

pub(crate) fn list_text(listed: &[Listed]) -> String {
    let entry = |entry: &Listed| typed_entry(&entry.id, entry.file_type, &entry.name, entry.sent_at);
    let entries: Vec<String> = listed.iter().map(entry).collect();
    list_document(&entries)
}

pub(crate) fn list_document(entries: &[String]) -> String {
    format!("{{\"files\": [\n{}\n]}}\n", entries.join(",\n"))
}

/// One line of `files.json`: a day's file.
pub(crate) fn list_entry(id: &str, name: &str, sent_at: Moment) -> String {
    typed_entry(id, SETTLED, name, sent_at)
}

fn typed_entry(id: &str, file_type: &str, name: &str, sent_at: Moment) -> String {
    format!(
        concat!(
            r#"  {{"id": "{id}", "fileType": "{file_type}", "fileName": "{name}", "#,
            r#""sentAt": "{sent_at}", "lastModified": "{sent_at}", "path": "files/{name}"}}"#
        ),
        id = id,
        file_type = file_type,
        name = name,
        sent_at = sent_at,
    )
}

/// The list entry of the one file of a day, sent nine and a half hours after its end.
pub(crate) fn list_of_one(date: NaiveDate) -> String {
    let sent_at = Moment::start_of(date).plus(DAY + 9 * HOUR + 30 * MINUTE);
    list_document(&[list_entry(&file_id(date, ""), &file_name(date, ""), sent_at)])
}

/// Writes every file below `folder`.
///
/// # Errors
/// When the disk refuses.
pub(crate) fn write(folder: &Path, files: &Files) -> anyhow::Result<()> {
    for (path, bytes) in files {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, bytes)?;
    }
    Ok(())
}

/// What differs between `folder` and `files`, one line each. Compressed files are compared by what
/// they hold: two versions of a compressor, or of a writer of Parquet, may pack the same rows differently.
///
/// # Errors
/// When a file that is there cannot be read.
pub(crate) fn differences(folder: &Path, files: &Files) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for (path, wanted) in files {
        let on_disk = match std::fs::read(folder.join(path)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                found.push(format!("{path}: missing"));
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let same = match Path::new(path).extension().and_then(|extension| extension.to_str()) {
            Some("gz") => inflated(&on_disk)? == inflated(wanted)?,
            Some("parquet") => rows_of(&on_disk)?.equals_missing(&rows_of(wanted)?),
            _ => on_disk == *wanted,
        };
        if !same {
            found.push(format!("{path}: differs from what the generator makes"));
        }
    }
    let mut waiting = vec!["kard/files".to_owned(), "data".to_owned(), "http_api".to_owned()];
    while let Some(sub) = waiting.pop() {
        let Ok(entries) = std::fs::read_dir(folder.join(&sub)) else { continue };
        for entry in entries {
            let entry = entry?;
            let path = format!("{sub}/{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                waiting.push(path);
            } else if !files.contains_key(&path) {
                found.push(format!("{path}: not made by the generator"));
            }
        }
    }
    found.sort();
    Ok(found)
}

fn rows_of(parquet: &[u8]) -> anyhow::Result<DataFrame> {
    Ok(ParquetReader::new(std::io::Cursor::new(parquet)).finish()?)
}

fn inflated(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    MultiGzDecoder::new(bytes).read_to_end(&mut text)?;
    Ok(text)
}
