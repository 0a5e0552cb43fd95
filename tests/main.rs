//! The one test binary: a module for each behaviour.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the answer")]

mod http_retry;
mod kard_client;
mod kard_faults;
mod kard_pull;
mod sandbox_contract;
mod sandbox_faults;
mod support;
