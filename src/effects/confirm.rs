//! What became of bulk files that were sent: each held against the results that the provider has told of.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};

use crate::frames::{FileResult, mask};

/// A bulk file that was put where the provider wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentFile {
    /// The name that the provider was told.
    pub name: String,
    /// The effect's id.
    pub effect: String,
    /// When the provider took the file, UTC; none while that is not known.
    pub acknowledged_at: Option<DateTime<Utc>>,
    /// Whether the journal has a result already.
    pub known: bool,
}

/// What became of one file that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmation<'a> {
    pub sent: &'a SentFile,
    pub state: FileState<'a>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileState<'a> {
    /// There is a result.
    Confirmed {
        /// The latest.
        result: &'a FileResult,
        /// Those that it replaces, the latest first.
        earlier: Vec<&'a FileResult>,
    },
    /// These notifications do not tell of it, but earlier ones did.
    Known,
    /// There is no result yet, nor need there be one.
    Waiting,
    /// The provider has had the file since then, and there should be a result.
    Overdue { since: DateTime<Utc> },
}

impl Confirmation<'_> {
    /// Where several results were told for the file, which of them counts; a sentence.
    pub fn superseded(&self) -> Option<String> {
        let FileState::Confirmed { result, earlier } = &self.state else { return None };
        let others: Vec<String> =
            earlier.iter().map(|result| format!("`{}`", mask::shown(&result.notification))).collect();
        let (name, last) = (&self.sent.name, mask::shown(&result.notification));
        match &*others {
            [] => None,
            [other] => {
                Some(format!("two results were told for {name}: `{last}` is the later one and counts, not {other}"))
            }
            _ => {
                let (count, others) = (others.len() + 1, others.join(", "));
                Some(format!(
                    "{count} results were told for {name}: `{last}` is the latest one and counts, not {others}"
                ))
            }
        }
    }
}

/// Says of each file that was sent what became of it, in the order of `sent`. A file without a result is overdue
/// when it was acknowledged longer ago than `within`. Results for files that nobody here has sent are of others.
///
/// The order of the results is of no account, nor is one that stands there again.
pub fn confirm<'a>(
    sent: &'a [SentFile],
    results: &'a [FileResult],
    within: TimeDelta,
    now: DateTime<Utc>,
) -> Vec<Confirmation<'a>> {
    let by_name = by_name(results);
    let state = |file: &SentFile| {
        if let Some((last, earlier)) = by_name.get(file.name.as_str()).and_then(|found| found.split_first()) {
            return FileState::Confirmed { result: last, earlier: earlier.to_vec() };
        }
        match file.acknowledged_at {
            _ if file.known => FileState::Known,
            Some(since) if now.signed_duration_since(since) > within => FileState::Overdue { since },
            _ => FileState::Waiting,
        }
    };
    sent.iter().map(|file| Confirmation { sent: file, state: state(file) }).collect()
}

/// A file's name → its results, the latest first. The provider may put a path before the name that it was told.
fn by_name(results: &[FileResult]) -> HashMap<&str, Vec<&FileResult>> {
    let mut by_name = HashMap::<&str, Vec<&FileResult>>::new();
    for result in once_each(results) {
        let name = result.file_name.as_str();
        by_name.entry(name).or_default().push(result);
        if let Some((_, last)) = name.rsplit_once('/') {
            by_name.entry(last).or_default().push(result);
        }
    }
    for found in by_name.values_mut() {
        found.sort_by_key(|result| Reverse((result.received_at, result.last_modified, &result.notification)));
    }
    by_name
}

/// Each notification as it was received first.
fn once_each(results: &[FileResult]) -> impl Iterator<Item = &FileResult> {
    let received = |result: &FileResult| (result.received_at.is_none(), result.received_at, result.file, result.line);
    let mut first = BTreeMap::<&str, &FileResult>::new();
    for result in results {
        let known = first.entry(&result.notification).or_insert(result);
        if received(result) < received(known) {
            *known = result;
        }
    }
    first.into_values()
}
