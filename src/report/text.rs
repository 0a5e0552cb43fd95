//! Numbers and lists in words.

pub(super) use crate::text::{csv_cell, cut, visible};

/// `1 break`, `2 breaks`
pub(super) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", super::amount::count(number), if number == 1 { one } else { many })
}

/// `a, b and c`
pub(super) fn listed(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}
