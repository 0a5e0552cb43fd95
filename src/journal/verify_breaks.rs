//! The breaks' part of proving the journal: what their entries add up to, held against their rows. Pure, over rows.

use std::collections::{HashMap, HashSet};

use super::BreakEntry;
use super::verify::{shown, standing_difference, text};
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

/// What the entries of one break add up to.
#[derive(Debug)]
struct Replayed {
    standing: Standing,
    last_sequence: i64,
    last_hash: String,
    /// Its row was there.
    seen: bool,
    /// Its rows of `sightings` that say that it is present.
    present: usize,
}

/// All breaks as far as their entries were read.
#[derive(Debug, Default)]
pub(super) struct Lives {
    breaks: HashMap<String, Replayed>,
    /// Breaks of which a step could not be followed: their rows cannot be judged any more.
    lost: HashSet<String>,
}

impl Lives {
    pub(super) fn count(&self) -> u64 {
        (self.breaks.len() + self.lost.len()) as u64
    }

    /// Nothing more can be said of this break; it has its finding.
    pub(super) fn lose(&mut self, id: &str) {
        self.breaks.remove(id);
        self.lost.insert(id.to_owned());
    }

    /// One step more; `at` is the sequence and hash of the row. The error says what is wrong.
    pub(super) fn replay(&mut self, entry: &BreakEntry, at: &(i64, String)) -> Result<(), String> {
        if self.lost.contains(&entry.id) {
            return Ok(());
        }
        let before = self.breaks.get(&entry.id).map(|replayed| &replayed.standing);
        match apply(before, &entry.id, &entry.event, entry.at) {
            Ok(standing) => {
                let (last_sequence, last_hash) = at.clone();
                let replayed = Replayed { standing, last_sequence, last_hash, seen: false, present: 0 };
                self.breaks.insert(entry.id.clone(), replayed);
                Ok(())
            }
            Err(illegal) => {
                self.lose(&entry.id);
                Err(visible(&illegal.to_string()).into_owned())
            }
        }
    }

    /// What is wrong with a row of `breaks`.
    pub(super) fn row(&mut self, row: &LifeRow) -> Vec<String> {
        let id = text(&row.id);
        if self.lost.contains(&id) {
            return Vec::new();
        }
        let Some(replayed) = self.breaks.get_mut(&id) else { return vec!["no entry speaks of it".to_owned()] };
        if replayed.seen {
            return vec!["it is there twice".to_owned()];
        }
        replayed.seen = true;
        let mut wrong = Vec::new();
        for ((name, found), expected) in BREAK_COLUMNS.into_iter().zip(&row.columns).zip(expected_columns(replayed)) {
            if found.as_deref() == expected.as_ref().map(String::as_bytes) {
                continue;
            }
            let found = found.as_deref();
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
        if self.lost.contains(&id) {
            return None;
        }
        let Some(replayed) = self.breaks.get_mut(&id) else { return Some("no entry speaks of it".to_owned()) };
        let (standing, period) = (&replayed.standing, text(&row.period));
        if standing.job.as_bytes() != row.job {
            let expected = shown(standing.job.as_bytes());
            return Some(format!("it is among the sightings of job {}; expected {expected}", shown(&row.job)));
        }
        let expected = standing.periods.contains_key(&period);
        replayed.present += usize::from(row.present);
        (row.present != expected).then(|| {
            let (found, expected) = (presence(row.present), presence(expected));
            format!("for {} it is {found} in the sightings; expected {expected}", visible(&period))
        })
    }

    /// What is missing, by id.
    pub(super) fn unseen(&self) -> Vec<(String, String)> {
        let mut missing: Vec<(String, String)> = Vec::new();
        for (id, replayed) in &self.breaks {
            let standing = &replayed.standing;
            if !replayed.seen {
                let what = format!("it is not among the breaks; expected it there as {}", standing.status.name());
                missing.push((id.clone(), what));
            }
            if replayed.present < standing.periods.len() {
                let (found, expected) = (replayed.present, standing.periods.len());
                missing.push((id.clone(), format!("it is present in {found} of the sightings; expected {expected}")));
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
fn expected_columns(replayed: &Replayed) -> [Option<String>; 11] {
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
