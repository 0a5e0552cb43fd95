//! `trace`.

use clap::Args;

pub(super) const HELP: &str = "\
Examples:
  tieout trace 5d9dc9f81818e81100000000
  tieout trace 5d9dc9f81818e81100000000 --job rewards-daily --format json

Looks into every file that runs have kept, as it was when they read it. Ends
with 2 when nothing knows the transaction.";

#[derive(Debug, Clone, Args)]
pub struct TraceArgs {
    /// The transaction's id, whole
    pub transaction: String,
    /// Only what runs of this job have read
    #[arg(long, value_name = "JOB")]
    pub job: Option<String>,
    /// Only what runs of this period have read
    #[arg(long, value_name = "PERIOD")]
    pub period: Option<String>,
}
