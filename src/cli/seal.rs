//! The commands about sealed periods. Shapes only.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::PersonArgs;

pub(super) const SEAL_HELP: &str = "\
Example:
  tieout seal rewards-monthly --period 2025-02 --reason \"signed off, board\"

The last finished run of the period is sealed, with the files of its report. A
month takes its days along, each with its own last finished run. Later runs of
a sealed period are made as always; what they find otherwise is an adjustment
of the first open period after it.";

pub(super) const UNSEAL_HELP: &str = "\
Example:
  tieout unseal rewards-monthly --period 2025-02 --reason \"closed too early\"

Refused while a later sealed period rests on it: open that one first. The days
of a month stay sealed; each is opened by itself.";

pub(super) const SEALS_HELP: &str = "\
Example:
  tieout seals rewards-monthly --format json";

#[derive(Debug, Clone, Args)]
pub struct SealArgs {
    /// The job: the name of a file in jobs/, without its ending
    pub job: String,
    /// Which one: a day 2025-03-19 or a month 2025-03, as the job's are
    #[arg(long, value_name = "PERIOD")]
    pub period: String,
    /// Why, for whoever reads it later
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub reason: String,
    /// Seal a month alone: its days stay open
    #[arg(long)]
    pub without_days: bool,
    #[command(flatten)]
    pub person: PersonArgs,
}

#[derive(Debug, Clone, Args)]
pub struct UnsealArgs {
    /// The job
    pub job: String,
    /// The sealed period
    #[arg(long, value_name = "PERIOD")]
    pub period: String,
    /// Why, for whoever reads it later
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub reason: String,
    #[command(flatten)]
    pub person: PersonArgs,
}

#[derive(Debug, Clone, Args)]
pub struct SealsArgs {
    /// Only periods of this job
    pub job: Option<String>,
}
