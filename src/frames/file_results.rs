//! `fileProcessingResult` notifications of a webhook log: what the provider says has become of a bulk file
//! (Kard, "`FileMetadataAttribute`", "`NotificationPayload`", "`ErrorObject`").

use std::fmt;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::mask;
use super::normalize::TimePlan;
use super::notices::{Notice, dotted, required, text};
use super::schema::{FileResult, RowError};
use crate::job::TimeFormat;
use crate::providers::http::displayable;

/// Row errors kept of one notification; the rest is counted.
const MOST_ERRORS: usize = 10_000;
/// Most characters kept of what is said about one row, and of the place in it.
const WORDS: usize = 240;
const PLACE: usize = 60;

impl Notice for FileResult {
    const KIND: &'static str = "fileProcessingResult";

    fn id(&self) -> &str {
        &self.notification
    }

    fn line(&self) -> u64 {
        self.line
    }

    fn in_file(self, file: u32) -> Self {
        Self { file, ..self }
    }

    fn repeats(&self, first: &Self) -> bool {
        let about = |result: &Self| (result.sent_at, result.last_modified, result.error_count());
        // Of one of them more errors may have been kept than of the other.
        let same_errors = self.errors.iter().zip(&first.errors).all(|(one, other)| one == other);
        self.file_name == first.file_name && about(self) == about(first) && same_errors
    }
}

impl FileResult {
    /// Errors in the notification, kept or not.
    pub fn error_count(&self) -> u64 {
        self.errors.len() as u64 + self.errors_left_out
    }
}

impl RowError {
    /// Whether it says which row it is about; if not, it is about the whole file.
    pub const fn names_a_row(&self) -> bool {
        self.id.is_some() || self.line.is_some()
    }
}

/// What a notification of this type says; when and where it was logged is left open.
///
/// # Errors
/// A lowercase fragment: what is missing, or cannot be read.
pub(super) fn read(notification: &Value, errors: Errors) -> Result<FileResult, String> {
    let (errors, errors_left_out) = match errors {
        Errors::None => (Vec::new(), 0),
        Errors::List { first, more } => (first, more),
        Errors::NoList => return Err("`errors` is no list".to_owned()),
    };
    Ok(FileResult {
        notification: required(notification, "/data/id", "the notification's id")?,
        file_name: required(notification, "/data/attributes/fileName", "the name of the file")?,
        sent_at: time(notification, "/data/attributes/sentAt")?,
        last_modified: time(notification, "/data/attributes/lastModified")?,
        received_at: None,
        errors,
        errors_left_out,
        file: 0,
        line: 0,
    })
}

/// Keeps this many errors at most; the others are counted.
pub(super) fn keep(result: &mut FileResult, most: usize) {
    let kept = result.errors.len().min(most);
    result.errors_left_out += (result.errors.len() - kept) as u64;
    result.errors.truncate(kept);
}

/// A time of a file's metadata: without an offset UTC is meant, as in the lists of files.
fn time(notification: &Value, path: &str) -> Result<Option<DateTime<Utc>>, String> {
    let Some(text) = text(notification, path)? else { return Ok(None) };
    let micros = TimePlan::new(&TimeFormat::Iso { zone: Some(Tz::UTC) }).micros(&text);
    let micros = micros.map_err(|reason| format!("`{}` `{}` {reason}", dotted(path), mask::shown(&text)))?;
    Ok(DateTime::from_timestamp_micros(micros))
}

/// The errors beside a notification's data.
#[derive(Debug, Default)]
pub(super) enum Errors {
    /// The key is absent or null.
    #[default]
    None,
    List {
        first: Vec<RowError>,
        more: u64,
    },
    NoList,
}

impl<'de> Deserialize<'de> for Errors {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Errors;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Errors, A::Error> {
                let mut first = Vec::new();
                let mut more = 0;
                while first.len() < MOST_ERRORS {
                    let Some(entry) = entries.next_element::<Value>()? else { break };
                    first.push(row_error(&entry));
                }
                while entries.next_element::<IgnoredAny>()?.is_some() {
                    more += 1;
                }
                Ok(Errors::List { first, more })
            }

            fn visit_unit<E>(self) -> Result<Errors, E> {
                Ok(Errors::None)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut keys: A) -> Result<Errors, A::Error> {
                while keys.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Errors::NoList)
            }

            fn visit_bool<E>(self, _: bool) -> Result<Errors, E> {
                Ok(Errors::NoList)
            }

            fn visit_i64<E>(self, _: i64) -> Result<Errors, E> {
                Ok(Errors::NoList)
            }

            fn visit_u64<E>(self, _: u64) -> Result<Errors, E> {
                Ok(Errors::NoList)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Errors, E> {
                Ok(Errors::NoList)
            }

            fn visit_str<E>(self, _: &str) -> Result<Errors, E> {
                Ok(Errors::NoList)
            }
        }

        deserializer.deserialize_any(Entries)
    }
}

/// `ErrorObject`; even its required fields may be missing. What cannot be read of it is left out, since the file
/// was processed all the same.
fn row_error(entry: &Value) -> RowError {
    let read = |path: &str| text(entry, path).ok().flatten();
    let mut parts: Vec<String> = ["/title", "/detail"].into_iter().filter_map(read).collect();
    if let Value::String(said) = entry {
        parts.push(said.clone());
    }
    let pointer = read("/source/pointer").unwrap_or_default();
    let (line, within) = place(&pointer);
    let said = displayable(&parts.join(": "), WORDS);
    let place = displayable(&dotted(within), PLACE);
    let words = match (said.as_str(), place.as_str()) {
        (_, "") => said,
        ("", _) => place,
        _ => format!("{said} ({place})"),
    };
    RowError {
        id: read("/id"),
        line,
        status: read("/status").and_then(|status| status.parse().ok()),
        words: mask::without_cards(&words),
    }
}

/// The line of the sent file that a JSON pointer leads into, from 1, and what it points to within the line. The
/// file's lines are taken for a list, alone (`/4/attributes/amount`) or under `data` (`/data/4/…`), whose
/// indices begin with 0 (RFC 6901, section 4): both are line 5.
fn place(pointer: &str) -> (Option<u64>, &str) {
    let path = pointer.trim_start_matches('#');
    let list = path.strip_prefix("/data/").or_else(|| path.strip_prefix('/')).unwrap_or_default();
    let (index, within) = list.split_once('/').unwrap_or((list, ""));
    // No sign and no leading zeros.
    let plain = index == "0" || (!index.starts_with('0') && index.bytes().all(|byte| byte.is_ascii_digit()));
    let line = index.parse::<u64>().ok().filter(|_| plain).and_then(|index| index.checked_add(1));
    if line.is_some() { (line, within) } else { (None, path) }
}
