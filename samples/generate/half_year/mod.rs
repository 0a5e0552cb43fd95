//! Half a year: its days, its end-of-month files with that of December, jobs that read them, and the truth about all
//! of it. Told story by story: each says what every file holds and what every run must find.

mod carried;
mod cast;
mod closings;
mod days;
mod jobs;
mod months;
mod opening;
mod returns;
mod tale;
mod truth;

use std::collections::BTreeMap;
use std::path::Path;

use chrono::NaiveDate;

use super::days::Day;
use super::month::month_text;
use super::shipped::{
    Files, Listed, MONTHLY, SETTLED, file_name, file_text, ledger_text, list_text, webhooks_gz, write,
};
use super::world::{DAY, HOUR, MINUTE, Moment};
use cast::Cast;
use months::{CLOSED, DECEMBER, LATE, Month};
use tale::{Label, MonthRow, Tale};

/// Purchases a day, unless somebody wants more.
pub(crate) const PER_DAY: u64 = 20;
/// With more of them, the same people would buy again within weeks.
const MOST_PER_DAY: u64 = 500;

/// What the half year holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) purchases: usize,
    pub(crate) files: usize,
    /// Rows of the truth.
    pub(crate) labels: usize,
}

/// Days on which something is wrong with the file as a whole.
const SENT_LATE: [(u32, u32); 2] = [(2, 27), (5, 8)];
const SENT_TWICE: [(u32, u32); 2] = [(1, 28), (4, 16)];
const NEW_KEY: [(u32, u32); 2] = [(3, 27), (6, 18)];

/// Writes the half year: `kard/` and `data/` as in the samples, and `jobs/`.
///
/// # Errors
/// When the disk refuses, and for fewer than 2 or more than 500 purchases a day.
pub(crate) fn write_to(folder: &Path, seed: u64, per_day: u64) -> anyhow::Result<Counts> {
    let (files, counts) = files(seed, per_day)?;
    write(folder, &files)?;
    Ok(counts)
}

/// Every file of the half year.
///
/// # Errors
/// As [`write_to`], but for the disk.
pub(crate) fn files(seed: u64, per_day: u64) -> anyhow::Result<(Files, Counts)> {
    let range = 2..=MOST_PER_DAY;
    anyhow::ensure!(range.contains(&per_day), "{per_day} purchases a day; expected 2 to {MOST_PER_DAY}");
    let tales = Cast::tales(seed, per_day);
    let mut labels: Vec<Label> = tales.iter().flat_map(|tale| tale.labels.iter().cloned()).collect();
    let (mut files, mut listed) = (Files::new(), Vec::new());
    for (date, day) in &mut days_of(&tales) {
        add_day(*date, day, &mut files, &mut listed, &mut labels)?;
    }
    for month in [DECEMBER].into_iter().chain(CLOSED) {
        add_month(month, &tales, &mut files, &mut listed, &mut labels)?;
    }
    listed.sort_by_key(|entry| entry.sent_at);
    files.insert("kard/files.json".to_owned(), list_text(&listed).into_bytes());
    labels.sort_by(|left, right| {
        (left.job, &left.period, left.kind, &left.key).cmp(&(right.job, &right.period, right.kind, &right.key))
    });
    files.insert("data/truth-half-year.csv".to_owned(), truth::labels(&labels)?);
    files.insert("data/receivable-truth.csv".to_owned(), truth::receivable(&tales)?);
    files.insert("jobs/rewards-daily.yaml".to_owned(), jobs::daily()?.into_bytes());
    files.insert("jobs/rewards-monthly.yaml".to_owned(), jobs::monthly()?.into_bytes());
    let counts = Counts { purchases: tales.len(), files: listed.len(), labels: labels.len() };
    Ok((files, counts))
}

/// The rows of every day, each side in order of time.
fn days_of(tales: &[Tale]) -> BTreeMap<NaiveDate, Day> {
    let mut days: BTreeMap<NaiveDate, Day> = BTreeMap::new();
    for tale in tales {
        for (date, row) in &tale.file {
            days.entry(*date).or_default().file.push(row.clone());
        }
        for (date, row) in &tale.ledger {
            days.entry(*date).or_default().ledger.push(row.clone());
        }
        for (date, notice) in &tale.notices {
            days.entry(*date).or_default().notices.push(notice.clone());
        }
    }
    for day in days.values_mut() {
        day.file.sort_by_key(|row| row.purchase.at);
        day.ledger.sort_by_key(|row| row.booked_at);
        day.notices.sort_by_key(|notice| notice.received_at);
    }
    days
}

fn add_day(
    date: NaiveDate,
    day: &mut Day,
    files: &mut Files,
    listed: &mut Vec<Listed>,
    labels: &mut Vec<Label>,
) -> anyhow::Result<()> {
    let on = |days: [(u32, u32); 2]| days.iter().any(|(month, day)| Month(*month).date(*day) == date);
    let name = file_name(date, "");
    let mut told = |name: &str, kind: &'static str, why: &str| {
        labels.push(of_file(tale::DAILY, date.to_string(), kind, name, why));
    };
    for row in &mut day.file {
        row.new_key = on(NEW_KEY);
    }
    let mut sent_at = Moment::start_of(date).plus(DAY + 9 * HOUR + 30 * MINUTE);
    if on(NEW_KEY) {
        told(&name, "schema_drift", "Each row has a key that is not known: attributes.merchantCategoryCode.");
    }
    if on(SENT_LATE) {
        sent_at = sent_at.plus(11 * HOUR);
        told(&name, "file_late", "Sent more than 20 hours after the day's end; the job wants it within 12.");
    }
    let mut hand_out = |suffix: &str, sent_at: Moment| {
        let (id, name) = (format!("file-settled-{date}{suffix}"), file_name(date, suffix));
        files.insert(format!("kard/files/{name}"), file_text(day));
        listed.push(Listed { id, file_type: SETTLED, name, sent_at });
    };
    hand_out("", sent_at);
    if on(SENT_TWICE) {
        hand_out("-resent", sent_at.plus(15 * MINUTE));
        told(&file_name(date, "-resent"), "file_duplicate", "The same bytes under a second name: counted once.");
    }
    files.insert(format!("data/ledger-{date}.csv"), ledger_text(&day.ledger)?);
    files.insert(format!("data/webhooks-{date}.jsonl.gz"), webhooks_gz(day)?);
    Ok(())
}

fn add_month(
    month: Month,
    tales: &[Tale],
    files: &mut Files,
    listed: &mut Vec<Listed>,
    labels: &mut Vec<Label>,
) -> anyhow::Result<()> {
    let rows = tales.iter().flat_map(|tale| &tale.month_rows).filter(|(of, _)| *of == month).map(|(_, row)| row);
    let mut rows: Vec<&MonthRow> = rows.collect();
    rows.sort_by(|left, right| (left.purchase.at, &left.purchase.key).cmp(&(right.purchase.at, &right.purchase.key)));
    let name = format!("cardlinked-reconciliation-{}.csv", month.yymm());
    let stated = rows.iter().map(|row| (&row.purchase, row.paid.then(|| month.paid_at())));
    files.insert(format!("kard/files/{name}"), month_text(stated, Some("currencyCode"))?);
    if LATE.contains(&month) {
        let why = "Sent 29 minutes after 17:00 of New York, when it was due.";
        labels.push(of_file(tale::MONTHLY, month.label(), "file_late", &name, why));
    }
    let id = format!("file-monthly-{}", month.yymm());
    listed.push(Listed { id, file_type: MONTHLY, name, sent_at: month.sent_at() });
    Ok(())
}

/// What must be found about a file as a whole.
fn of_file(job: &'static str, period: String, kind: &'static str, name: &str, why: &str) -> Label {
    let (key, why) = (name.to_owned(), why.to_owned());
    Label { job, period, kind, key, currency: "", measure: "", at_risk: 0, why, cleared_by: None }
}
