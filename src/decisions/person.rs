//! Whose names they are.

/// Whether two names are one person's: letter case and blanks around them aside.
pub fn is_same(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}
