//! The journal: what was run, how far it came, what it read, how it ended. Attempts are appended, never
//! overwritten, and every mark is on disk before the work goes on.
//!
//! `state` says what may follow what, `runs` keeps it (`rows` reads it back), `lease` keeps two runs of one period
//! apart. It is kept in a file (`file` opens it) or in a database (`postgres`): `store` is either, `statement` is written
//! once for both, `link` holds what differs, and `turn` goes on when a server was away. What becomes of effects (`append`,
//! `standings`), of breaks (`breaks`, `lives`), of sealed periods (`seals`) and of signed reports (`sign_offs`) stands in
//! one `chain`, which `entries` and `verify` read from end to end. Who has signed in to
//! the pages (`access`) does, too. `notices` keeps what people were told.

mod access;
mod append;
pub mod backfills;
mod breaks;
mod chain;
mod copy;
mod entries;
mod extract;
mod file;
pub mod kill;
mod latest;
pub mod lease;
mod link;
mod lives;
mod notices;
mod periods;
mod postgres;
mod recording;
mod replay;
mod rows;
mod runs;
mod seals;
mod sign_offs;
mod standings;
pub mod state;
mod statement;
mod store;
mod tables;
mod turn;
pub mod verify;
pub mod verify_access;
pub mod verify_breaks;
pub mod verify_seals;
pub mod verify_sign_offs;
mod verify_words;

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::Serialize;

pub use access::{AccessEntry, AccessEvent, NewSession, SessionRecord};
pub use backfills::{
    BackfillAttempt, BackfillRecord, BackfillStatus, NewBackfill, NewBackfillAttempt, PeriodEnd, PlannedPeriod,
    Reprocess,
};
pub use breaks::{BreakEntry, BreakFilter, BreakRow, SightingRecord};
pub use chain::Writer;
pub use copy::{Copied, CopyError};
pub use entries::ExportError;
pub use extract::{EffectHistory, EffectStep, Extract, Scope};
pub use latest::{EntryLine, Recorded};
pub use lease::{Lease, LeaseError};
pub use notices::{Delivery, EffectCount, NewNotice, Topic, WaitingNotice};
pub use periods::KnownPeriods;
pub use seals::{NewSeal, SealEntry};
pub use sign_offs::{NewSignOff, SignOffEntry};
pub use state::{Ending, Event, IllegalTransition, RunStatus, Step};
pub use store::{Journal, PATIENCE};
pub use verify::{Finding, Verdict};

use crate::breaks::life::IllegalBreakStep;
use crate::effects::{EffectKind, IllegalEffectStep, State};
use crate::exit::ExitCode;
use crate::frames::Side;
use crate::project::DatabaseError;
use crate::seals::IllegalSealStep;
use crate::sign_off::IllegalSignOffStep;
use crate::sources::RawFile;

/// The version of the journal's tables that this program writes.
pub const SCHEMA_VERSION: u32 = 9;
const _: () = assert!(file::MIGRATIONS.len() == SCHEMA_VERSION as usize, "one migration a version");

/// The hash before the first entry of effects, breaks, seals and sign-offs, and the anchor of an empty one.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// An attempt that is about to begin.
#[derive(Debug, Clone)]
pub struct NewRun {
    pub job: String,
    /// The period's label.
    pub period: String,
    /// Why it is run, in the words of whoever runs it.
    pub note: Option<String>,
    /// SHA-256 of the job file.
    pub job_sha256: String,
    pub program_version: String,
    pub started_at: DateTime<Utc>,
    /// The provider is the built-in sandbox.
    pub sandbox: bool,
    /// The person, or the machine's user.
    pub started_by: String,
    /// Of the lease under which it runs; what it writes is refused when that is no longer the latest. None only
    /// where no lease of the job and period was ever taken.
    pub lease_epoch: Option<u64>,
}

/// One attempt, as far as it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunRecord {
    /// `JOB/PERIOD/ATTEMPT`
    pub id: String,
    pub job: String,
    pub period: String,
    /// Counted from 1 within a job and period.
    pub attempt: u32,
    pub note: Option<String>,
    pub job_sha256: String,
    pub program_version: String,
    pub sandbox: bool,
    pub started_at: DateTime<Utc>,
    pub status: RunStatus,
    /// None until the run has ended by itself; so are all below.
    pub exit_code: Option<u8>,
    pub breaks: Option<u64>,
    /// Rows read, over all inputs.
    pub rows: Option<u64>,
    pub ties_out: Option<bool>,
    /// What went wrong, in one line.
    pub message: Option<String>,
    pub finished_at: Option<DateTime<Utc>>,
    /// The folder of its reports.
    pub artifacts: Option<String>,
    /// None for runs of before this was asked; so is the epoch of its lease.
    pub started_by: Option<String>,
    pub lease_epoch: Option<u64>,
}

/// How an attempt ended.
#[derive(Debug, Clone)]
pub struct RunOutcome {
    pub ending: Ending,
    pub exit_code: ExitCode,
    /// None where the run failed before it knew.
    pub breaks: Option<u64>,
    pub rows: Option<u64>,
    pub ties_out: Option<bool>,
    pub message: Option<String>,
    pub finished_at: DateTime<Utc>,
    pub artifacts: Option<PathBuf>,
}

/// One mark of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepRecord {
    pub step: Step,
    /// When the mark was written, UTC.
    pub at: DateTime<Utc>,
    /// What the step had to tell: counts, names.
    pub detail: serde_json::Value,
}

/// One file that a run read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InputRecord {
    pub side: Side,
    pub file: RawFile,
    /// Rows as counted by the reader.
    pub rows: u64,
}

/// Which runs to list. The default is all.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    pub job: Option<String>,
    pub period: Option<String>,
    /// Only runs whose reports are complete.
    pub finished: bool,
    /// At most so many of the latest.
    pub limit: Option<u32>,
}

/// Which effects to list. The default is all.
#[derive(Debug, Clone, Default)]
pub struct EffectFilter {
    /// The job that wanted it last; so are period and plan.
    pub job: Option<String>,
    pub period: Option<String>,
    pub plan: Option<String>,
    pub kind: Option<EffectKind>,
    /// None: all.
    pub states: Vec<State>,
    pub transaction: Option<String>,
    /// At most so many of the first.
    pub limit: Option<u32>,
}

/// What can go wrong with the journal.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Exit code 78. Nothing was done to the file.
    #[error(
        "the state file {path} was written by a newer tieout: its tables are of version {found}, this program knows \
         {known}; install the newer program, or point `state` in tieout.yaml at another file"
    )]
    NewerSchema { path: PathBuf, found: u32, known: u32 },
    /// Exit code 78.
    #[error("{path} is not a state file of tieout; point `state` in tieout.yaml at another file")]
    NotOurs { path: PathBuf },
    #[error(
        "cannot write the state file {path}; the file and its folder must exist on a writable disk and belong to this \
         user"
    )]
    NotWritable { path: PathBuf, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("the disk of the state file {path} is full; free some space and run again, nothing is half-written")]
    DiskFull { path: PathBuf, source: sqlx::Error },
    /// Exit code 75.
    #[error("the state file {path} stays locked by another process; try again when that has ended")]
    Busy { path: PathBuf, source: sqlx::Error },
    /// A bug in tieout.
    #[error(transparent)]
    Illegal(#[from] IllegalTransition),
    /// A bug in tieout, unless a person asked for the step.
    #[error(transparent)]
    IllegalEffect(#[from] IllegalEffectStep),
    /// A bug in tieout, unless a person asked for the step.
    #[error(transparent)]
    IllegalBreak(#[from] IllegalBreakStep),
    /// A bug in tieout, unless a person asked for the step.
    #[error(transparent)]
    IllegalSeal(#[from] IllegalSealStep),
    /// A bug in tieout, unless a person asked for the step.
    #[error(transparent)]
    IllegalSignOff(#[from] IllegalSignOffStep),
    /// Exit code 75. Nothing was written.
    #[error("run {run} was begun meanwhile; when it has ended, look at it and seal {id} again")]
    RunMeanwhile { id: String, run: String },
    /// Exit code 75. Nothing was written.
    #[error("run {by} has finished meanwhile and supersedes {run}; look at that one and sign it")]
    FinishedMeanwhile { run: String, by: String },
    /// A bug in tieout: ids are made from what they name.
    #[error("effect {proposed}: the {kind} for transaction `{transaction}` is known as effect {known} already")]
    OtherId { proposed: String, known: String, kind: EffectKind, transaction: String },
    /// Exit code 75.
    #[error("run {run} was stopped for longer than its lease and another has taken over; nothing more is written")]
    LeaseLost { run: String },
    /// Exit code 2.
    #[error("no effect `{id}` in the state file{}", effect_suggestion(.nearest))]
    UnknownEffect { id: String, nearest: Vec<String> },
    /// Exit code 2.
    #[error("`{id}` begins the ids of several effects: {}; give more digits", .known.join(", "))]
    AmbiguousEffect { id: String, known: Vec<String> },
    /// Exit code 2.
    #[error("no break `{id}` in the state file{}", break_suggestion(.nearest))]
    UnknownBreak { id: String, nearest: Vec<String> },
    /// Exit code 2.
    #[error("`{id}` begins the ids of several breaks: {}; give more digits", .known.join(", "))]
    AmbiguousBreak { id: String, known: Vec<String> },
    /// Exit code 2.
    #[error("no run `{id}` in the state file{}", suggestion(.nearest))]
    UnknownRun { id: String, nearest: Vec<String> },
    /// Exit code 2.
    #[error("no backfill {id} in the state file; `tieout backfills` lists them")]
    UnknownBackfill { id: u64 },
    #[error("{state} holds `{value}` as {what}, which this program cannot read")]
    Unreadable { state: String, what: &'static str, value: String },
    #[error("the path {path} is not valid text and cannot be recorded; rename the folder")]
    PathNotText { path: PathBuf },
    #[error("state file {path}: {doing}")]
    File { path: PathBuf, doing: &'static str, source: sqlx::Error },
    /// With the exit code of its source.
    #[error("state database: {doing}")]
    Database { doing: &'static str, source: crate::postgres::Error },
    /// Exit code 78.
    #[error("state database")]
    Address(#[from] DatabaseError),
    /// Exit code 78. Nothing was done to the database.
    #[error(
        "the tables of {database} were written by a newer tieout: they are of version {found}, this program knows {known}; \
         install the newer program, or point `state` in tieout.yaml at another database or `schema`"
    )]
    NewerTables { database: String, found: u32, known: u32 },
    /// Exit code 78.
    #[error(
        "the tables of {database} were of version {known} and are of version {found} now: it was put back to an earlier \
         day, or emptied, while this program worked with it; nothing more is written"
    )]
    OtherTables { database: String, found: u32, known: u32 },
    /// Exit code 78. Nothing was done to the database.
    #[error(
        "schema {schema} of {database} has tables of another program under our names; give tieout a schema of its own: \
         ?schema=tieout behind the address"
    )]
    ForeignTables { database: String, schema: String },
    /// Exit code 78.
    #[error("{database} is PostgreSQL {found}; tieout needs 13 or newer")]
    OldServer { database: String, found: i64 },
    /// Exit code 78.
    #[error("{database} keeps text as {found}; create the database again with ENCODING 'UTF8'")]
    Encoding { database: String, found: String },
}

impl JournalError {
    /// The exit code of a process that ends by it.
    pub const fn exit_code(&self) -> ExitCode {
        match self {
            Self::NewerSchema { .. }
            | Self::NotOurs { .. }
            | Self::Address(_)
            | Self::NewerTables { .. }
            | Self::ForeignTables { .. }
            | Self::OtherTables { .. }
            | Self::OldServer { .. }
            | Self::Encoding { .. } => ExitCode::Configuration,
            Self::Database { source, .. } => source.exit_code(),
            Self::Busy { .. } | Self::LeaseLost { .. } | Self::RunMeanwhile { .. } | Self::FinishedMeanwhile { .. } => {
                ExitCode::TryAgainLater
            }
            Self::UnknownRun { .. }
            | Self::UnknownEffect { .. }
            | Self::AmbiguousEffect { .. }
            | Self::UnknownBreak { .. }
            | Self::AmbiguousBreak { .. }
            | Self::UnknownBackfill { .. } => ExitCode::Usage,
            Self::Illegal(_)
            | Self::IllegalEffect(_)
            | Self::IllegalBreak(_)
            | Self::IllegalSeal(_)
            | Self::IllegalSignOff(_)
            | Self::OtherId { .. } => ExitCode::InvariantFailed,
            Self::NotWritable { .. }
            | Self::DiskFull { .. }
            | Self::Unreadable { .. }
            | Self::PathNotText { .. }
            | Self::File { .. } => ExitCode::Unexpected,
        }
    }
}

impl JournalError {
    /// Whether the database does not answer now, and may do so in a while.
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Database { source, .. } if source.is_passing())
    }

    /// Whether another connection keeps a lock of the database.
    const fn is_locked(&self) -> bool {
        matches!(self, Self::Database { source: crate::postgres::Error::Locked { .. }, .. })
    }
}

fn suggestion(nearest: &[String]) -> String {
    if nearest.is_empty() {
        return "; `tieout runs` lists them".to_owned();
    }
    format!("; did you mean {}?", nearest.join(" or "))
}

fn break_suggestion(nearest: &[String]) -> String {
    if nearest.is_empty() {
        return "; `tieout breaks list` lists them".to_owned();
    }
    format!("; did you mean {}?", nearest.join(" or "))
}

fn effect_suggestion(nearest: &[String]) -> String {
    if nearest.is_empty() {
        return "; `tieout effects` lists them".to_owned();
    }
    format!("; did you mean {}?", nearest.join(" or "))
}
