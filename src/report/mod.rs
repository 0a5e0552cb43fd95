//! Renderings of one set of facts: pure functions from `Facts` to bytes, and one writer.

pub mod facts;
pub mod gather;

pub use facts::Facts;
