//! The identity of a break and of a suggestion: what stays the same from run to run.

use sha2::{Digest, Sha256};

use super::Rule;
use crate::digest::hex;

/// 16 hexadecimal digits over job, rule, key and currency. The kind is no part of it, so that
/// history and comments survive a reclassification; nor are period, amounts or rows.
pub fn break_id(job: &str, rule: Rule, key: &str, currency: &str) -> String {
    digits([job, rule.name(), key, currency])
}

/// 16 hexadecimal digits over job, keys in text order, and currency: what a weaker rule pairs keeps its id, whichever
/// rule it is.
pub fn suggestion_id(job: &str, keys: &[String], currency: &str) -> String {
    // The name of no rule, so that no break has the same parts.
    digits([job, "suggestion"].into_iter().chain(keys.iter().map(String::as_str)).chain([currency]))
}

fn digits<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        // The length keeps ("ab", "c") and ("a", "bc") apart.
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hex(&hasher.finalize()[..8])
}
