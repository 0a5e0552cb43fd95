//! (to come)
#![expect(clippy::unwrap_used, reason = "what a test cannot do without has failed it, and the panic says where")]

mod cli_doctor;
mod cli_listings;
mod cli_usage;
mod journal_files;
mod journal_locks;
mod journal_runs;
mod output_formats;
