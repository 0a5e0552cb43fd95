//! The seals' part of proving the journal: what their entries add up to, held against their rows. Pure, over rows.

use super::SealEntry;
use super::replay::{Replay, Replayed};
use super::verify_words::wrong_columns;
use crate::seals::life::{Standing, apply};

/// A row of `seals`: the columns by name, numbers as text too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealRow {
    pub id: Vec<u8>,
    /// In the order of [`SEAL_COLUMNS`].
    pub columns: Vec<Vec<u8>>,
}

/// The columns of `seals` besides the id.
pub const SEAL_COLUMNS: [&str; 7] = ["job", "period", "state", "run", "standing", "last_sequence", "last_hash"];

/// All seals as far as their entries were read.
#[derive(Debug, Default)]
pub(super) struct Seals(pub(super) Replay<Standing>);

impl Seals {
    /// One step more; `at` is the sequence and hash of the row. The error says what is wrong.
    pub(super) fn replay(&mut self, entry: &SealEntry, at: &(i64, String)) -> Result<(), String> {
        self.0.step(&entry.id, at, |before| apply(before, &entry.id, &entry.event, entry.at))
    }

    /// What is wrong with a row of `seals`.
    pub(super) fn row(&mut self, row: &SealRow) -> Vec<String> {
        let replayed = match self.0.see(&row.id) {
            Ok(Some(replayed)) => replayed,
            Ok(None) => return Vec::new(),
            Err(wrong) => return vec![wrong],
        };
        wrong_columns(&SEAL_COLUMNS, &row.columns, &expected_columns(replayed))
    }

    /// What is missing, by id.
    pub(super) fn unseen(&self) -> Vec<(String, String)> {
        let told = |(id, standing): (&str, &Standing)| {
            let what = format!("it is not among the seals; expected it there as {}", standing.state.name());
            (id.to_owned(), what)
        };
        self.0.unseen().into_iter().map(told).collect()
    }
}

/// What the row of a seal must say, in the order of [`SEAL_COLUMNS`].
fn expected_columns(replayed: &Replayed<Standing>) -> [String; 7] {
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
