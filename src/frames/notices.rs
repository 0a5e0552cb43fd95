//! Notifications of a webhook log that are about no transaction and that a run heeds nevertheless: what became of an
//! audit, and what became of a file. Each counts once, however often it was delivered.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;

use chrono::DateTime;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::file_results::Errors;
use super::normalize::TimePlan;
use super::schema::{AuditUpdate, Field, FileResult};
use super::{audits, file_results, mask};
use crate::job::{ColumnSource, Input, TimeFormat};

/// Notices of one kind and file that are told one by one where they cannot be used; the rest is counted.
const MOST_TOLD: usize = 5;
/// Row errors kept of all the file results of one log; the rest is counted. What a log holds is not ours to decide.
const MOST_ERRORS: usize = 100_000;

/// A notification that the run heeds.
pub(super) trait Notice {
    /// The notification's type.
    const KIND: &'static str;

    /// The notification's id: its idempotency key.
    fn id(&self) -> &str;

    fn line(&self) -> u64;

    /// Puts it into the file with this index.
    fn in_file(self, file: u32) -> Self;

    /// Whether both say the same, wherever and whenever they were logged.
    fn repeats(&self, first: &Self) -> bool;
}

/// What one file of a log says besides its rows.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    audits: Kept<AuditUpdate>,
    files: Kept<FileResult>,
    /// Row errors that the file results hold.
    errors: usize,
}

impl Notices {
    /// Takes the notification on a line if it is one of those that are heeded. One that does not hold the word of
    /// its type is not even looked into.
    pub(crate) fn take(&mut self, line: u64, body: &str, received_at: Option<&str>, times: &TimePlan) {
        if !body.contains(AuditUpdate::KIND) && !body.contains(FileResult::KIND) {
            return;
        }
        // It was read once already: what is no JSON has gone to quarantine.
        let Ok(Notification { data, errors }) = serde_json::from_str(body) else { return };
        let received_at = || {
            let micros = received_at.and_then(|text| times.micros(text.trim()).ok());
            micros.and_then(DateTime::from_timestamp_micros)
        };
        match data.pointer("/data/type").and_then(Value::as_str) {
            Some(AuditUpdate::KIND) => match audits::read(&data) {
                Ok(update) => self.audits.take(AuditUpdate { received_at: received_at(), line, ..update }),
                Err(reason) => self.audits.faults.add(line, reason),
            },
            Some(FileResult::KIND) => match file_results::read(&data, errors) {
                Ok(result) => self.take_result(FileResult { received_at: received_at(), line, ..result }),
                Err(reason) => self.files.faults.add(line, reason),
            },
            _ => {}
        }
    }

    fn take_result(&mut self, mut result: FileResult) {
        file_results::keep(&mut result, MOST_ERRORS - self.errors);
        let known = self.files.notices.len();
        let errors = result.errors.len();
        self.files.take(result);
        if self.files.notices.len() > known {
            self.errors += errors;
        }
    }

    /// Adds what a file of the log says to what those before it said. Returns what a person should know of it, in
    /// sentences.
    pub(super) fn add(&mut self, file: u32, name: &str, more: Self) -> Vec<String> {
        let mut told = self.audits.add(file, name, more.audits);
        told.extend(self.files.add(file, name, more.files));
        self.errors = 0;
        for result in &mut self.files.notices {
            file_results::keep(result, MOST_ERRORS - self.errors);
            self.errors += result.errors.len();
        }
        told
    }

    pub(super) fn finish(self) -> (Vec<AuditUpdate>, Vec<FileResult>) {
        (self.audits.notices, self.files.notices)
    }
}

/// How the logger writes the time of receipt: as the job says, where it reads that time at all.
pub(crate) fn receipt_times(input: &Input, path: &str) -> TimePlan {
    let column = input.mapping.fields.get(&Field::OccurredAt);
    let mapped = column.filter(|column| match &column.from {
        ColumnSource::Columns(names) => names.iter().any(|name| name == path),
        ColumnSource::Constant(_) | ColumnSource::Joined { .. } => false,
    });
    TimePlan::new(mapped.map_or(&TimeFormat::Iso { zone: None }, |column| &column.time))
}

/// The text or number at a path, without surrounding blanks; none where it is absent, null or empty.
///
/// # Errors
/// When something else stands there.
pub(super) fn text(notification: &Value, path: &str) -> Result<Option<String>, String> {
    let found = match notification.pointer(path) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.trim_matches(' ').to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        Some(_) => return Err(format!("`{}` is neither text nor a number", dotted(path))),
    };
    Ok((!found.is_empty()).then_some(found))
}

/// The text at a path that must be there; `what` says in words what is expected.
///
/// # Errors
/// When it is not there, or something else is.
pub(super) fn required(notification: &Value, path: &str, what: &str) -> Result<String, String> {
    text(notification, path)?.ok_or_else(|| format!("`{}` is missing; expected {what}", dotted(path)))
}

pub(super) fn dotted(path: &str) -> String {
    path.trim_start_matches('/').replace('/', ".")
}

/// `NotificationPayload` as far as it is heeded. Its list of errors may be long and is never held whole.
struct Notification {
    /// Only the key `data`.
    data: Value,
    errors: Errors,
}

impl<'de> Deserialize<'de> for Notification {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;

        impl<'de> Visitor<'de> for Keys {
            type Value = Notification;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a notification")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut keys: A) -> Result<Notification, A::Error> {
                let mut data = Map::new();
                let mut errors = Errors::default();
                while let Some(key) = keys.next_key::<String>()? {
                    match key.as_str() {
                        "data" => drop(data.insert(key, keys.next_value()?)),
                        "errors" => errors = keys.next_value()?,
                        _ => drop(keys.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(Notification { data: Value::Object(data), errors })
            }
        }

        deserializer.deserialize_map(Keys)
    }
}

/// The notices of one kind, each once, and the lines that claim to be one and are none that can be used.
#[derive(Debug)]
struct Kept<T> {
    notices: Vec<T>,
    /// Notification id → its place among the notices.
    known: HashMap<String, usize>,
    faults: Faults,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { notices: Vec::new(), known: HashMap::new(), faults: Faults::default() }
    }
}

impl<T: Notice> Kept<T> {
    fn take(&mut self, notice: T) {
        let line = notice.line();
        if let Some(reason) = self.keep(notice) {
            self.faults.add(line, reason);
        }
    }

    /// Keeps the first of each id; tells where the repeat says something else.
    fn keep(&mut self, notice: T) -> Option<String> {
        match self.known.entry(notice.id().to_owned()) {
            Entry::Vacant(entry) => {
                entry.insert(self.notices.len());
                self.notices.push(notice);
                None
            }
            Entry::Occupied(entry) => {
                let first = &self.notices[*entry.get()];
                let id = mask::shown(first.id());
                let reason = || format!("it repeats the id `{id}` with another content; the first one counts");
                (!notice.repeats(first)).then(reason)
            }
        }
    }

    fn add(&mut self, file: u32, name: &str, more: Self) -> Vec<String> {
        let mut faults = more.faults;
        for notice in more.notices {
            let line = notice.line();
            if let Some(reason) = self.keep(notice.in_file(file)) {
                faults.add(line, reason);
            }
        }
        let Faults { first, more } = faults;
        let mut told: Vec<String> = first
            .into_iter()
            .map(|(line, reason)| format!("the {} in {name} line {line} is left aside: {reason}", T::KIND))
            .collect();
        if more > 0 {
            told.push(format!("{more} more {} notifications in {name} are left aside", T::KIND));
        }
        told
    }
}

#[derive(Debug, Default)]
struct Faults {
    /// Line and reason.
    first: Vec<(u64, String)>,
    more: u64,
}

impl Faults {
    fn add(&mut self, line: u64, reason: String) {
        if self.first.len() < MOST_TOLD {
            self.first.push((line, reason));
        } else {
            self.more += 1;
        }
    }
}
