//! What a reviewer has filled in on a workbook, on its way into the journal. `read` takes the cells out of the file,
//! `check` holds each line against what the journal knows (both without clock, network and disk), and `take` asks the
//! journal and writes.

pub mod check;
pub mod read;
pub mod take;

use crate::report::xlsx::form::List;

pub use check::{Outcome, Step};
pub use read::{WorkbookError, read};
pub use take::{Checked, ImportError, apply, look};

/// Bytes of a workbook that are read at most: one of 1,000,000 breaks has about a fifth of it.
pub const MOST_BYTES: u64 = 1 << 30;
/// Bytes that its parts may have unpacked.
pub const MOST_UNPACKED: u64 = 32 << 30;
/// Rows that a reviewer may fill in.
pub const MOST_LINES: usize = 50_000;
/// Characters of a comment.
pub const MOST_CHARACTERS: usize = 4_000;

/// What was read of a workbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filled {
    pub mark: Mark,
    /// In the order of the workbook; rows in which nothing is filled in are none.
    pub lines: Vec<Line>,
}

/// Which run a workbook belongs to, as its hidden sheet says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mark {
    /// `JOB/PERIOD/ATTEMPT`
    pub run: String,
    pub job_sha256: String,
    /// None for a job without effects.
    pub plan: Option<String>,
    pub inputs: Vec<String>,
}

/// A row in which something is filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub list: List,
    pub sheet: String,
    /// As the sheet counts: from 1, the header.
    pub row: u32,
    pub id: String,
    /// As typed, without the blanks around it; none where nothing is. So are the other two.
    pub decision: Option<String>,
    pub comment: Option<String>,
    pub assign_to: Option<String>,
    /// Why its cells cannot be taken as they are.
    pub problem: Option<String>,
}
