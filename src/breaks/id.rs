//! The identity of a break: what stays the same from run to run.

use sha2::{Digest, Sha256};

use super::Rule;
use crate::digest::hex;

/// 16 hexadecimal digits over job, rule, key and currency. The kind is no part of it, so that
/// history and comments survive a reclassification; nor are period, amounts or rows.
pub fn break_id(job: &str, rule: Rule, key: &str, currency: &str) -> String {
    let mut hasher = Sha256::new();
    for part in [job, rule.name(), key, currency] {
        // The length keeps ("ab", "c") and ("a", "bc") apart.
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hex(&hasher.finalize()[..8])
}
