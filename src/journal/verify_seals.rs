//! The seals' part of proving the journal: what their entries add up to, held against their rows. Pure, over rows.

use std::collections::{BTreeMap, HashSet};

use super::SealEntry;
use super::verify::{shown, standing_difference, text};
use crate::seals::life::{Standing, apply};
use crate::text::visible;

/// A row of `seals`: the columns by name, numbers as text too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealRow {
    pub id: Vec<u8>,
    /// In the order of [`SEAL_COLUMNS`].
    pub columns: Vec<Vec<u8>>,
}

/// The columns of `seals` besides the id.
pub const SEAL_COLUMNS: [&str; 7] = ["job", "period", "state", "run", "standing", "last_sequence", "last_hash"];

/// What the entries of one seal add up to.
#[derive(Debug)]
struct Replayed {
    standing: Standing,
    last_sequence: i64,
    last_hash: String,
    /// Its row was there.
    seen: bool,
}

/// All seals as far as their entries were read.
#[derive(Debug, Default)]
pub(super) struct Seals {
    seals: BTreeMap<String, Replayed>,
    /// Seals of which a step could not be followed: their rows cannot be judged any more.
    lost: HashSet<String>,
}

impl Seals {
    pub(super) fn count(&self) -> u64 {
        (self.seals.len() + self.lost.len()) as u64
    }

    /// Nothing more can be said of this seal; it has its finding.
    pub(super) fn lose(&mut self, id: &str) {
        self.seals.remove(id);
        self.lost.insert(id.to_owned());
    }

    /// One step more; `at` is the sequence and hash of the row. The error says what is wrong.
    pub(super) fn replay(&mut self, entry: &SealEntry, at: &(i64, String)) -> Result<(), String> {
        if self.lost.contains(&entry.id) {
            return Ok(());
        }
        let before = self.seals.get(&entry.id).map(|replayed| &replayed.standing);
        match apply(before, &entry.id, &entry.event, entry.at) {
            Ok(standing) => {
                let (last_sequence, last_hash) = at.clone();
                self.seals.insert(entry.id.clone(), Replayed { standing, last_sequence, last_hash, seen: false });
                Ok(())
            }
            Err(illegal) => {
                self.lose(&entry.id);
                Err(visible(&illegal.to_string()).into_owned())
            }
        }
    }

    /// What is wrong with a row of `seals`.
    pub(super) fn row(&mut self, row: &SealRow) -> Vec<String> {
        let id = text(&row.id);
        if self.lost.contains(&id) {
            return Vec::new();
        }
        let Some(replayed) = self.seals.get_mut(&id) else { return vec!["no entry speaks of it".to_owned()] };
        if replayed.seen {
            return vec!["it is there twice".to_owned()];
        }
        replayed.seen = true;
        let expected = expected_columns(replayed);
        let cells = SEAL_COLUMNS.into_iter().zip(row.columns.iter().zip(expected));
        let wrong = cells.filter(|(_, (found, expected))| found.as_slice() != expected.as_bytes());
        let told = |(name, (found, expected)): (&str, (&Vec<u8>, String))| match name {
            "standing" => standing_difference(found, &expected),
            _ => format!("`{name}` is {}; expected {}", shown(found), shown(expected.as_bytes())),
        };
        wrong.map(told).collect()
    }

    /// What is missing, by id.
    pub(super) fn unseen(&self) -> Vec<(String, String)> {
        let missing = self.seals.iter().filter(|(_, replayed)| !replayed.seen);
        let told = |(id, replayed): (&String, &Replayed)| {
            let state = replayed.standing.state.name();
            (id.clone(), format!("it is not among the seals; expected it there as {state}"))
        };
        missing.map(told).collect()
    }
}

/// What the row of a seal must say, in the order of [`SEAL_COLUMNS`].
fn expected_columns(replayed: &Replayed) -> [String; 7] {
    let standing = &replayed.standing;
    [
        standing.job.clone(),
        standing.period.clone(),
        standing.state.name().to_owned(),
        standing.run.clone(),
        serde_json::to_string(standing).expect("a standing is plain data with text keys"),
        replayed.last_sequence.to_string(),
        replayed.last_hash.clone(),
    ]
}
