//! Where inputs come from. Every source ends in the same thing: bytes on disk, stored by digest,
//! with their origin, as a [`RawFile`].

pub mod dataset;
pub mod file;
pub mod ids;
pub mod objects;
pub(crate) mod passing;
pub mod provider;
pub mod query;
pub mod removed;
pub mod store;

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One file as it was received, before anything was done to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawFile {
    /// The name for people: the provider's `fileName` or the local path. Never used as a path.
    pub name: String,
    pub origin: Origin,
    /// Where the bytes lie: `runs/JOB/PERIOD/raw/sha256-…`, named by their digest.
    pub stored: PathBuf,
    /// Lower-case hexadecimal SHA-256 of the bytes as received (still compressed if they were).
    pub sha256: String,
    pub bytes: u64,
}

/// Where a raw file came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "from")]
pub enum Origin {
    /// A file on this machine, as given by the job (relative to the project folder).
    Path { path: String },
    /// The answer of a database.
    Query {
        /// As `tieout.yaml` calls it.
        database: String,
        /// The file of the query, relative to the project folder.
        query: String,
        /// Of the query's text, lower-case hexadecimal.
        query_sha256: String,
    },
    /// An object of a bucket.
    S3 {
        bucket: String,
        key: String,
        /// As the store says it, without quotation marks.
        etag: String,
        /// Where the bucket keeps versions.
        version_id: Option<String>,
        /// UTC, to the second.
        last_modified: DateTime<Utc>,
    },
    /// What a provider answered when it was asked.
    Dataset {
        provider: String,
        dataset: String,
        /// The run's one clock reading, UTC.
        asked_at: DateTime<Utc>,
        /// How many ids it was asked about; none where it lists all there is.
        asked: Option<u64>,
        /// How many of them it does not know.
        not_found: u64,
    },
    /// A provider's file list.
    Provider {
        provider: String,
        /// The id in the provider's file list.
        file_id: String,
        file_type: String,
        sent_at: DateTime<Utc>,
        last_modified: DateTime<Utc>,
    },
}
