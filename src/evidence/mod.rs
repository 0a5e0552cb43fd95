//! All that proves one run, in one file that an auditor can check without tieout: the report, its inputs' digests, the
//! plan, what became of each effect, the journal of the period, and who has signed.
//!
//! `gather` reads it together, `members` says what stands in which member (pure), `write` packs it. `archive` opens such a
//! file as one that somebody hostile may have made, `verify` checks it by itself, `chain` the journal in it.

mod archive;
mod chain;
mod gather;
mod members;
mod verify;
mod write;

use std::path::PathBuf;

pub use archive::{Archive, ArchiveError};
pub use chain::{Hashes, journal_hashes};
pub use gather::{Made, make};
pub use verify::{Mark, Told, verify};

use crate::exit::{ExitCode, Failure};
use crate::report::FilesError;

/// What stands in `run.json` as its schema.
pub const EVIDENCE_SCHEMA: &str = "tieout.evidence/1";

pub(crate) const README: &str = "README.txt";
pub(crate) const RUN: &str = "run.json";
pub(crate) const JOB: &str = "job.yaml";
pub(crate) const INPUTS: &str = "inputs.csv";
pub(crate) const PLAN: &str = "plan.json";
pub(crate) const EFFECTS: &str = "effects.jsonl";
pub(crate) const SIGN_OFF: &str = "sign-off.json";
pub(crate) const ANCHOR: &str = "anchor.json";
pub(crate) const JOURNAL: &str = "journal.jsonl";
pub(crate) const SUMS: &str = "SHA256SUMS";
/// Before the names of the report's files.
pub(crate) const REPORT: &str = "report/";
/// Before the digest of an input as it was received.
pub(crate) const RAW: &str = "inputs/sha256-";

/// How much goes in.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// The inputs as they were received.
    pub with_inputs: bool,
    /// All entries of the journal in full.
    pub whole_journal: bool,
}

/// Evidence that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// Exit code 2.
    #[error("run {run} has not finished: there is no report of it; `tieout runs show {run}` tells how far it came")]
    NotFinished { run: String },
    /// Exit code 65.
    #[error("the report of run {run} is not whole; its period can be run again")]
    NoReport { run: String, source: FilesError },
    /// Exit code 65.
    #[error("the report of run {run} has changed while it was read; try again, and look who writes there")]
    Changed { run: String },
    /// Exit code 65.
    #[error("the input {name} of run {run} is not kept any more: {path} cannot be read; leave --with-inputs away")]
    NoInput { run: String, name: String, path: PathBuf, source: std::io::Error },
    #[error("cannot read {path}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("cannot write the evidence to {path}; its folder must be there, writable, and have room")]
    Write { path: PathBuf, source: std::io::Error },
    #[error("cannot write the evidence to {path}")]
    Zip { path: PathBuf, source: zip::result::ZipError },
}

impl EvidenceError {
    /// The exit code of a process that ends by it.
    pub const fn exit_code(&self) -> ExitCode {
        match self {
            Self::NotFinished { .. } => ExitCode::Usage,
            Self::NoReport { .. } | Self::Changed { .. } | Self::NoInput { .. } => ExitCode::InputData,
            Self::Read { .. } | Self::Write { .. } | Self::Zip { .. } => ExitCode::Unexpected,
        }
    }
}

impl From<EvidenceError> for Failure {
    fn from(error: EvidenceError) -> Self {
        Self::new(error.exit_code(), error)
    }
}
