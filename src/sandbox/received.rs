//! What the sandbox received: for tests, and for users who try their set-up. Never a secret.

use std::fs::File;
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Received {
    pub method: String,
    pub path: String,
    /// As sent, percent-encoded; the signature of a download or upload is blotted out.
    pub query: String,
    /// The status of the answer; none when the connection was reset before one.
    pub status: Option<u16>,
    /// Whether a bearer token came with it.
    pub bearer: bool,
    /// The fault that was done to it, as the plan calls it.
    pub fault: Option<&'static str>,
    /// The exact text of a body that asks for an effect; none elsewhere, where it did not come whole, for an object
    /// of the storage, and beyond 256 KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// How long a body that asks for an effect was; of one that broke off, as far as it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_bytes: Option<u64>,
    /// SHA-256 of the same bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_sha256: Option<String>,
}

/// The list, and the file that repeats it.
#[derive(Debug)]
pub(super) struct ReceivedLog {
    entries: Mutex<(Vec<Received>, Option<File>)>,
}

impl ReceivedLog {
    pub(super) fn new(file: Option<File>) -> Self {
        Self { entries: Mutex::new((Vec::new(), file)) }
    }

    pub(super) fn add(&self, entry: Received) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let (list, file) = &mut *entries;
        if let Some(file) = file
            && let Err(error) = write_line(file, &entry)
        {
            tracing::warn!(%error, "the sandbox cannot write its log");
        }
        list.push(entry);
    }

    pub(super) fn all(&self) -> Vec<Received> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).0.clone()
    }
}

fn write_line(file: &mut File, entry: &Received) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(entry)?;
    line.push(b'\n');
    file.write_all(&line)
}
