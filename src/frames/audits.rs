//! `auditUpdate` notifications of a webhook log: what the provider says has become of an audit
//! (Kard, "`AuditUpdateAttributes`", "`AuditUpdateRelationships`").

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use chrono::DateTime;
use serde_json::Value;

use super::mask;
use super::normalize::TimePlan;
use super::schema::{AuditUpdate, Field};
use crate::job::{ColumnSource, Input, TimeFormat};

/// The notification's type.
const KIND: &str = "auditUpdate";
/// Notices of one file that are told one by one where they cannot be used; the rest is counted.
const MOST_TOLD: usize = 5;

/// What one file says about audits.
#[derive(Debug, Default)]
pub(crate) struct AuditNotices {
    updates: Vec<AuditUpdate>,
    faults: Faults,
}

/// Lines that claim to be an `auditUpdate` and are none that can be used.
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

impl AuditNotices {
    /// Takes the notification on a line if it is an `auditUpdate`. One that does not hold the word is not even
    /// looked into.
    pub(crate) fn take(&mut self, line: u64, body: &str, received_at: Option<&str>, times: &TimePlan) {
        if !body.contains(KIND) {
            return;
        }
        // It was read once already: what is no JSON has gone to quarantine.
        let Ok(notification) = serde_json::from_str::<Value>(body) else { return };
        if notification.pointer("/data/type").and_then(Value::as_str) != Some(KIND) {
            return;
        }
        match update(&notification) {
            Ok(update) => {
                let micros = received_at.and_then(|text| times.micros(text.trim()).ok());
                let received_at = micros.and_then(DateTime::from_timestamp_micros);
                self.updates.push(AuditUpdate { received_at, line, ..update });
            }
            Err(reason) => self.faults.add(line, reason),
        }
    }
}

/// How the logger writes the time of receipt: as the job says, where it reads that time at all.
pub(crate) fn receipt_times(input: &Input, path: &str) -> TimePlan {
    let column = input.mapping.fields.get(&Field::OccurredAt);
    let mapped = column.filter(|column| match &column.from {
        ColumnSource::Columns(names) => names.iter().any(|name| name == path),
        ColumnSource::Constant(_) => false,
    });
    TimePlan::new(mapped.map_or(&TimeFormat::Iso { zone: None }, |column| &column.time))
}

/// # Errors
/// A lowercase fragment: what is missing, or cannot be read.
fn update(notification: &Value) -> Result<AuditUpdate, String> {
    let required = |path: &str, what: &str| {
        text(notification, path)?.ok_or_else(|| format!("`{}` is missing; expected {what}", dotted(path)))
    };
    let resolved_at = text(notification, "/data/attributes/resolutionTimeStamp")?.map(|text| {
        let times = TimePlan::new(&TimeFormat::Iso { zone: None });
        let micros = times.micros(&text);
        micros.map_err(|reason| format!("`data.attributes.resolutionTimeStamp` `{}` {reason}", mask::shown(&text)))
    });
    let resolution_code = text(notification, "/data/attributes/resolutionCode")?.map(|text| {
        let code = text.parse::<i64>();
        code.map_err(|_| format!("`data.attributes.resolutionCode` `{}` is no whole number", mask::shown(&text)))
    });
    Ok(AuditUpdate {
        notification: required("/data/id", "the notification's id")?,
        audit: text(notification, "/data/relationships/audit/data/id")?,
        transaction: required("/data/attributes/transactionId", "the transaction's id")?,
        user: text(notification, "/data/relationships/user/data/id")?,
        status: required("/data/attributes/status", "NEW, IN_PROGRESS or CLOSED")?,
        resolution_code: resolution_code.transpose()?,
        resolution: text(notification, "/data/attributes/resolutionDescription")?,
        resolved_at: resolved_at.transpose()?.and_then(DateTime::from_timestamp_micros),
        received_at: None,
        file: 0,
        line: 0,
    })
}

/// The text or number at a path, without surrounding blanks; none where it is absent, null or empty.
///
/// # Errors
/// When something else stands there.
fn text(notification: &Value, path: &str) -> Result<Option<String>, String> {
    let found = match notification.pointer(path) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.trim_matches(' ').to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        Some(_) => return Err(format!("`{}` is neither text nor a number", dotted(path))),
    };
    Ok((!found.is_empty()).then_some(found))
}

fn dotted(path: &str) -> String {
    path.trim_start_matches('/').replace('/', ".")
}

/// What all files of a log say about audits, each notification once.
#[derive(Debug, Default)]
pub(super) struct AuditLog {
    updates: Vec<AuditUpdate>,
    /// Notification id → its place among the updates.
    known: HashMap<String, usize>,
}

impl AuditLog {
    /// Adds what one file says. Returns what a person should know of it, in sentences.
    pub(super) fn add(&mut self, file: u32, name: &str, notices: AuditNotices) -> Vec<String> {
        let AuditNotices { updates, mut faults } = notices;
        for update in updates {
            let line = update.line;
            if let Some(first) = self.differing(AuditUpdate { file, ..update }) {
                let id = mask::shown(&first.notification);
                faults.add(line, format!("it repeats the id `{id}` with another content; the first one counts"));
            }
        }
        let Faults { first, more } = faults;
        let mut told: Vec<String> = first
            .into_iter()
            .map(|(line, reason)| format!("the {KIND} in {name} line {line} is left aside: {reason}"))
            .collect();
        if more > 0 {
            told.push(format!("{more} more {KIND} notifications in {name} are left aside"));
        }
        told
    }

    /// Keeps the first of each id; returns it where the repeat says something else.
    fn differing(&mut self, update: AuditUpdate) -> Option<&AuditUpdate> {
        match self.known.entry(update.notification.clone()) {
            Entry::Vacant(entry) => {
                entry.insert(self.updates.len());
                self.updates.push(update);
                None
            }
            Entry::Occupied(entry) => {
                let first = &self.updates[*entry.get()];
                // A repeat comes later, from elsewhere in the logs.
                let same_place =
                    AuditUpdate { received_at: first.received_at, file: first.file, line: first.line, ..update };
                (same_place != *first).then_some(first)
            }
        }
    }

    pub(super) fn finish(self) -> Vec<AuditUpdate> {
        self.updates
    }
}
