//! The signatures' part of proving the journal: what their entries add up to, held against their rows. Pure, over rows.

use super::SignOffEntry;
use super::replay::{Replay, Replayed};
use super::verify_words::wrong_columns;
use crate::sign_off::life::{Standing, apply};

/// A row of `sign_offs`: the columns by name, numbers as text too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignOffRow {
    pub run: Vec<u8>,
    /// In the order of [`SIGN_OFF_COLUMNS`].
    pub columns: Vec<Vec<u8>>,
}

/// The columns of `sign_offs` besides the run.
pub const SIGN_OFF_COLUMNS: [&str; 7] = ["job", "period", "state", "digest", "standing", "last_sequence", "last_hash"];

/// All signed reports as far as their entries were read.
#[derive(Debug, Default)]
pub(super) struct SignOffs(pub(super) Replay<Standing>);

impl SignOffs {
    /// One step more; `at` is the sequence and hash of the row. The error says what is wrong.
    pub(super) fn replay(&mut self, entry: &SignOffEntry, at: &(i64, String)) -> Result<(), String> {
        self.0.step(&entry.id, at, |before| apply(before, &entry.id, &entry.event, entry.at))
    }

    /// What is wrong with a row of `sign_offs`.
    pub(super) fn row(&mut self, row: &SignOffRow) -> Vec<String> {
        let replayed = match self.0.see(&row.run) {
            Ok(Some(replayed)) => replayed,
            Ok(None) => return Vec::new(),
            Err(wrong) => return vec![wrong],
        };
        wrong_columns(&SIGN_OFF_COLUMNS, &row.columns, &expected_columns(replayed))
    }

    /// What is missing, by id.
    pub(super) fn unseen(&self) -> Vec<(String, String)> {
        let told = |(id, standing): (&str, &Standing)| {
            let what = format!("it is not among the sign-offs; expected it there as {}", standing.state.name());
            (id.to_owned(), what)
        };
        self.0.unseen().into_iter().map(told).collect()
    }
}

/// What the row of a signed report must say, in the order of [`SIGN_OFF_COLUMNS`].
fn expected_columns(replayed: &Replayed<Standing>) -> [String; 7] {
    let standing = &replayed.standing;
    let (job, period) = standing.job_and_period();
    [
        job.to_owned(),
        period.to_owned(),
        standing.state.name().to_owned(),
        standing.digest.clone(),
        serde_json::to_string(standing).expect("a standing is plain data with text keys"),
        replayed.last_sequence.to_string(),
        replayed.last_hash.clone(),
    ]
}
