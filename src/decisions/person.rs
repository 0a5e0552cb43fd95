//! Whose names they are.

pub use crate::text::is_same_person as is_same;
