//! The breaks' part of proving the journal: what their entries add up to, held against their rows. Pure, over rows.

use std::collections::HashMap;

use super::BreakEntry;
use super::replay::{Replay, Replayed};
use super::verify_words::{shown, standing_difference, text};
use crate::breaks::life::{Standing, apply};
use crate::text::visible;

/// A row of `breaks`: the columns by name, numbers as text too; nothing for NULL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LifeRow {
    pub id: Vec<u8>,
    /// In the order of [`BREAK_COLUMNS`].
    pub columns: Vec<Option<Vec<u8>>>,
}

/// The columns of `breaks` besides the id.
pub const BREAK_COLUMNS: [&str; 11] = [
    "job",
    "kind",
    "key",
    "currency",
    "at_risk_minor",
    "status",
    "owner",
    "first_period",
    "standing",
    "last_sequence",
    "last_hash",
];

/// What of a row of `sightings` follows from entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SightingRow {
    pub job: Vec<u8>,
    pub period: Vec<u8>,
    /// The break's.
    pub id: Vec<u8>,
    pub present: bool,
}

/// All breaks as far as their entries were read.
#[derive(Debug, Default)]
pub(super) struct Lives {
    pub(super) breaks: Replay<Standing>,
    /// Break → its rows of `sightings` that say that it is present.
    present: HashMap<String, usize>,
}

impl Lives {
    /// One step more; `at` is the sequence and hash of the row. The error says what is wrong.
    pub(super) fn replay(&mut self, entry: &BreakEntry, at: &(i64, String)) -> Result<(), String> {
        self.breaks.step(&entry.id, at, |before| apply(before, &entry.id, &entry.event, entry.at))
    }

    /// What is wrong with a row of `breaks`.
    pub(super) fn row(&mut self, row: &LifeRow) -> Vec<String> {
        let replayed = match self.breaks.see(&row.id) {
            Ok(Some(replayed)) => replayed,
            Ok(None) => return Vec::new(),
            Err(wrong) => return vec![wrong],
        };
        let mut wrong = Vec::new();
        for ((name, found), expected) in BREAK_COLUMNS.into_iter().zip(&row.columns).zip(expected_columns(replayed)) {
            if found.as_deref() == expected.as_ref().map(String::as_bytes) {
                continue;
            }
            let found = found.as_deref();
            // Its one entry says it all.
            if name == "standing" && replayed.entries == 1 && found == Some(b"") {
                continue;
            }
            if let ("standing", Some(expected)) = (name, &expected) {
                wrong.push(standing_difference(found.unwrap_or_default(), expected));
                continue;
            }
            let told = |value: Option<&[u8]>| value.map_or_else(|| "not there".to_owned(), shown);
            let expected = expected.as_ref().map(String::as_bytes);
            wrong.push(format!("`{name}` is {}; expected {}", told(found), told(expected)));
        }
        wrong
    }

    /// What is wrong with a row of `sightings`.
    pub(super) fn sighting(&mut self, row: &SightingRow) -> Option<String> {
        let id = text(&row.id);
        if self.breaks.is_lost(&id) {
            return None;
        }
        let Some(standing) = self.breaks.get(&id) else { return Some("no entry speaks of it".to_owned()) };
        let period = text(&row.period);
        if standing.job.as_bytes() != row.job {
            let expected = shown(standing.job.as_bytes());
            return Some(format!("it is among the sightings of job {}; expected {expected}", shown(&row.job)));
        }
        let expected = standing.periods.contains_key(&period);
        if row.present {
            *self.present.entry(id).or_default() += 1;
        }
        (row.present != expected).then(|| {
            let (found, expected) = (presence(row.present), presence(expected));
            format!("for {} it is {found} in the sightings; expected {expected}", visible(&period))
        })
    }

    /// What is missing, by id.
    pub(super) fn unseen(&self) -> Vec<(String, String)> {
        let told = |(id, standing): (&str, &Standing)| {
            let what = format!("it is not among the breaks; expected it there as {}", standing.status.name());
            (id.to_owned(), what)
        };
        let mut missing: Vec<(String, String)> = self.breaks.unseen().into_iter().map(told).collect();
        for (id, standing) in self.breaks.all() {
            let (found, expected) = (self.present.get(id).copied().unwrap_or(0), standing.periods.len());
            if found < expected {
                missing
                    .push((id.to_owned(), format!("it is present in {found} of the sightings; expected {expected}")));
            }
        }
        missing.sort();
        missing
    }
}

const fn presence(present: bool) -> &'static str {
    if present { "present" } else { "gone" }
}

/// What the row of a break must say, in the order of [`BREAK_COLUMNS`].
fn expected_columns(replayed: &Replayed<Standing>) -> [Option<String>; 11] {
    let standing = &replayed.standing;
    let facts = standing.facts();
    [
        Some(standing.job.clone()),
        Some(facts.kind_name().to_owned()),
        Some(facts.key.clone()),
        Some(facts.currency.clone()),
        Some(facts.at_risk_minor.to_string()),
        Some(standing.status.name().to_owned()),
        standing.owner.clone(),
        Some(standing.first.period.clone()),
        Some(serde_json::to_string(standing).expect("a standing is plain data with text keys")),
        Some(replayed.last_sequence.to_string()),
        Some(replayed.last_hash.clone()),
    ]
}
