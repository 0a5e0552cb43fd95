//! The id of an event, made from what the event is: the same row gets the same id in every run, so
//! that sending it again can be recognised.
//!
//! SHA-256 over parts, each behind its length in bytes (four bytes, the highest first): a version,
//! the organization, the record type, and the values of the event key exactly as they are sent, in
//! published order. A value that the row does not have is a length of all ones. The first sixteen
//! bytes count. Amounts, the job, the file, the period and the order of columns have no part in it
//! (unless the job makes one of them a key).

use sha2::{Digest, Sha256};

/// Changed ids are new events at the provider: this may only change with the documented recipe.
const VERSION: &str = "tieout event 1";
const ABSENT: [u8; 4] = [0xff; 4];

/// The hash with all that is the same for every row of a job.
#[derive(Debug, Clone)]
pub(super) struct EventHash(Sha256);

impl EventHash {
    pub(super) fn new(organization: &str, record: &str) -> Self {
        let mut parts = Vec::new();
        for text in [VERSION, organization, record] {
            part(&mut parts, |parts| parts.extend_from_slice(text.as_bytes()));
        }
        Self(Sha256::new_with_prefix(&parts))
    }

    /// The id of one row's parts, as [`part`] and [`absent`] have written them.
    pub(super) fn of(&self, parts: &[u8]) -> [u8; 16] {
        let mut hash = self.0.clone();
        hash.update(parts);
        first_half(&hash.finalize())
    }
}

/// For an id that the source states itself.
pub(super) fn of_stated(id: &str) -> [u8; 16] {
    first_half(&Sha256::digest(id.as_bytes()))
}

fn first_half(digest: &[u8]) -> [u8; 16] {
    *digest.first_chunk().expect("SHA-256 has 32 bytes")
}

/// Appends the value that `write` writes, behind its length.
pub(super) fn part(parts: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = parts.len();
    parts.extend_from_slice(&ABSENT);
    write(parts);
    let length = parts.len() - start - ABSENT.len();
    let length = u32::try_from(length).expect("no row is as long as four GiB");
    parts[start..start + ABSENT.len()].copy_from_slice(&length.to_be_bytes());
}

pub(super) fn absent(parts: &mut Vec<u8>) {
    parts.extend_from_slice(&ABSENT);
}
