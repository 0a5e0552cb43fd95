//! A job that sends: one source, a record type of the provider, and the way that the records take.

use std::time::Duration;

use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Input, Rate};
use crate::records;

/// `upload:`, `incoming:` or `historical:` of a job file, validated.
#[derive(Debug, Clone)]
pub struct Sending {
    pub way: Way,
    /// The provider of `tieout.yaml` that it goes to.
    pub provider: String,
    /// Side ledger; its canonical mapping is empty, since `mapping` says what is read. Rows that do not fit
    /// (quarantined or repeated) beyond its `quarantine_limit`: nothing at all is sent.
    pub source: Input,
    pub mapping: records::Mapping,
    pub approval: SendApproval,
    /// Parcels at once: 1 to 16.
    pub concurrency: u32,
    /// Most calls within a time; the PUT of a file is none.
    pub rate: Option<Rate>,
    pub confirm: Option<Confirm>,
}

/// How the records go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Bulk files through presigned URLs ("Bulk Transaction Files").
    Upload(Upload),
    /// `POST transactions`, at most 500 a call ("Create Incoming Transactions").
    Incoming,
    /// A session of each user ("Historical Transactions").
    Historical,
}

impl Way {
    /// `bulk files of type incomingTransactionsFile`
    pub fn words(&self) -> String {
        match self {
            Self::Upload(upload) => format!("bulk files of type {}", upload.file_type.name()),
            Self::Incoming => "calls of at most 500 transactions".to_owned(),
            Self::Historical => "an upload session for each user".to_owned(),
        }
    }

    /// The key of the job file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Upload(_) => "upload",
            Self::Incoming => "incoming",
            Self::Historical => "historical",
        }
    }
}

/// What bulk files are and how they are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upload {
    pub file_type: BulkFileType,
    /// Compressed bytes of one file: at most the provider's 5 GB.
    pub max_bytes: u64,
    /// Rows of one file.
    pub max_rows: Option<u64>,
}

impl Upload {
    /// What the provider takes at most: 5 GB.
    pub const MOST_BYTES: u64 = 5_000_000_000;
}

/// Kard's `fileType` of an upload (published list; "Create File Upload URLs").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum BulkFileType {
    IncomingTransactionsFile,
    HistoricalTransactionsFile,
}

impl BulkFileType {
    /// The published spelling.
    pub const fn name(self) -> &'static str {
        match self {
            Self::IncomingTransactionsFile => "incomingTransactionsFile",
            Self::HistoricalTransactionsFile => "historicalTransactionsFile",
        }
    }
}

/// Whether a person is asked before parcels go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SendApproval {
    /// Never.
    #[default]
    None,
    /// Always.
    Required,
}

/// Where the results of bulk files are told.
#[derive(Debug, Clone)]
pub struct Confirm {
    /// Side webhooks, in the format of the webhook log.
    pub log: Input,
    /// A file without a result this long after it was sent is `unacknowledged`.
    pub within: TimeDelta,
    /// How long a run waits for results after sending.
    pub wait: Duration,
}
