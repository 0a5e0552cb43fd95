//! Every test of tieout: one binary, a module for each behaviour.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the answer")]

mod samples_generated;
mod tidy;
