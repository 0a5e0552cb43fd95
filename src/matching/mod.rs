//! Rows find each other: all sides are grouped by key part by part, each side of a key is folded into
//! one statement, keys that agree are only counted, and the others go on as [`KeyFacts`].

pub mod agree;
mod balance;
mod carried;
pub mod fallback;
pub mod fold;
mod group;
pub mod side;
pub mod standing;
pub mod tally;

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{NaiveDate, TimeDelta};

pub use carried::Carried;
pub use group::{Afterwards, Suspects, match_frames, match_frames_into};
pub use side::{Disposition, Flags, KeySide};
pub use tally::Tally;

use crate::breaks::RowRef;
use crate::frames::{Side, schema::Exclusion};
use crate::job::{Input, Matching, Reconciliation};
use crate::period::Period;

/// What matching and classification need to know of the job and the period.
#[derive(Debug, Clone)]
pub struct Rules {
    pub job: String,
    pub matching: Matching,
    pub grace: TimeDelta,
    /// What is booked as authorised settles or is voided within this; none: for how long it stays open is not judged.
    pub settles_within: Option<TimeDelta>,
    pub period: Period,
    /// The sides that the job compares.
    pub sides: Vec<Side>,
    /// Sides whose input is not there and may come later (`on_missing: break`).
    pub missing: Vec<Side>,
    /// The provider's file holds settled transactions only: what is merely authorised is not due in it.
    pub settled_file: bool,
    /// The ledger states what reward it booked: where it booked none, none is due.
    pub ledger_states_reward: bool,
    /// The file carries items of earlier periods along; none: it holds its own period's alone.
    pub carried: Option<Carried>,
    /// Keys that other periods speak of: looked at though they agree or lie outside of this period.
    pub watched: Arc<HashSet<String>>,
}

impl Rules {
    /// `job` is the job's name.
    pub fn new(
        job: &str,
        reconciliation: &Reconciliation,
        period: &Period,
        missing: Vec<Side>,
        ledger_states_reward: bool,
    ) -> Self {
        let settled_file = reconciliation.input(Side::File).is_some_and(Input::holds_settled_only);
        Self {
            job: job.to_owned(),
            matching: reconciliation.matching.clone(),
            grace: reconciliation.grace,
            settles_within: reconciliation.settles_within,
            period: period.clone(),
            sides: reconciliation.inputs.iter().map(|input| input.side).collect(),
            missing,
            settled_file,
            ledger_states_reward,
            carried: None,
            watched: Arc::default(),
        }
    }
}

impl Rules {
    /// The last day of the period, in its zone.
    pub fn last_day(&self) -> NaiveDate {
        let last = self.period.end - TimeDelta::microseconds(1);
        last.with_timezone(&self.period.zone).date_naive()
    }
}

/// What matching hands to classification.
#[derive(Debug, Default)]
pub struct Matched {
    /// Counts and sums of the keys that agree, and of rows set aside.
    pub tally: Tally,
    /// Every key that does not simply agree, and every watched one, in text order of the key.
    pub suspects: Vec<KeyFacts>,
    /// Watched keys of which no row lies in the period, in text order: all of their rows are excluded.
    pub strays: Vec<KeyFacts>,
}

impl Matched {
    /// Adds what was found among other keys.
    pub fn merge(&mut self, other: Self) {
        self.tally.merge(other.tally);
        self.suspects.extend(other.suspects);
        self.strays.extend(other.strays);
    }
}

/// One key that has to be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFacts {
    /// The key's text. For keys joined by a weaker rule: the file's, else the ledger's.
    pub key: String,
    /// In the order of [`Side::ALL`].
    pub sides: [Option<KeySide>; 3],
    pub pairing: Pairing,
}

/// How the sides of a key came together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pairing {
    /// They state the same key.
    ByKey,
    /// A weaker rule joined these keys, and nothing else fits.
    Suggested { keys: Vec<String>, rule: String },
    /// A weaker rule fits these other keys too.
    Ambiguous { candidates: Vec<String>, rule: String },
}

impl KeyFacts {
    pub fn side(&self, side: Side) -> Option<&KeySide> {
        self.sides[side as usize].as_ref()
    }

    /// The latest time that file or ledger state, in microseconds UTC; failing these, the receipt
    /// of the notification, which may come long after the purchase.
    pub fn latest(&self) -> Option<i64> {
        let of = |sides: &[Side]| {
            let stated = sides.iter().filter_map(|side| self.side(*side)?.facts.occurred_at);
            stated.max().map(|time| time.timestamp_micros())
        };
        of(&[Side::File, Side::Ledger]).or_else(|| of(&[Side::Webhooks]))
    }

    /// The currency of the first side that states the key.
    pub fn currency(&self) -> &str {
        self.sides.iter().flatten().next().map_or("", KeySide::currency)
    }

    /// All rows of one side that stand behind the key.
    pub fn rows(&self, side: Side) -> &[RowRef] {
        self.side(side).map_or(&[], |side| &side.facts.rows)
    }
}

/// Why matching had to stop.
#[derive(Debug, thiserror::Error)]
pub enum MatchError {
    #[error("{side}: key `{key}`: {source}")]
    Overflow { side: Side, key: String, source: fold::Overflow },
    #[error("more than {} rows in one run; split the period or the inputs", u32::MAX)]
    TooManyRows,
    /// A bug: the run ends with 70.
    #[error("{taken} rows were taken in to be grouped by key, and {brought} were brought")]
    NotOnce { taken: u64, brought: u64 },
    #[error("{side}: rows that were laid aside for want of memory cannot be read back")]
    LaidAside { side: Side, source: std::io::Error },
}

/// The exclusion codes of a frame, back from their column.
pub(crate) fn exclusion(code: u32) -> Option<Exclusion> {
    Exclusion::ALL.into_iter().find(|exclusion| *exclusion as u32 == code)
}
