//! The one test binary: a module for each behaviour.

mod http_retry;
mod kard_client;
mod kard_faults;
mod kard_pull;
mod sandbox_contract;
mod sandbox_faults;
mod support;
