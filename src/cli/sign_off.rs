//! The commands about signatures under reports, and about evidence of a run. Shapes only.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};

use super::PersonArgs;
use crate::sign_off::Role;

pub(super) const SIGN_OFF_HELP: &str = "\
Examples:
  tieout sign-off rewards-daily/2025-03-19/1 --by \"Mara Lind\"
  tieout sign-off rewards-daily/2025-03-19/1 --as reviewer --by Robin
  tieout sign-off withdraw rewards-daily/2025-03-19/1 --reason \"wrong rates\"

A report is prepared by one person and signed off by another: only the last
finished attempt of its period, and only if it ties out. The signature is about
the report's bytes; a later attempt supersedes it. To close a period to later
facts is something else: see `tieout seal`.";

pub(super) const SIGN_OFFS_HELP: &str = "\
Example:
  tieout sign-offs rewards-daily --format json

now: current, superseded by a later attempt, report changed, report gone, or
withdrawn.";

#[derive(Debug, Clone, Args)]
#[command(subcommand_negates_reqs = true)]
pub struct SignOffArgs {
    #[command(subcommand)]
    pub withdraw: Option<SignOffCommand>,
    /// The run, as JOB/PERIOD/ATTEMPT
    #[arg(required = true)]
    pub run: Option<String>,
    /// In which role [default: reviewer of what is prepared, else preparer]
    #[arg(long = "as", value_enum, value_name = "ROLE")]
    pub role: Option<Role>,
    /// What is stated with the signature [default: that the report was examined and is correct]
    #[arg(long, value_name = "TEXT")]
    pub statement: Option<String>,
    /// The report that was seen, by its digest: another one is not signed [default: as it is now]
    #[arg(long, value_name = "HEX")]
    pub digest: Option<String>,
    #[command(flatten)]
    pub person: PersonArgs,
}

#[derive(Debug, Clone, Subcommand)]
pub enum SignOffCommand {
    /// Take all signatures under the report of a run back
    #[command(after_help = "\
Example:
  tieout sign-off withdraw rewards-daily/2025-03-19/1 --reason \"wrong rates\"")]
    Withdraw(WithdrawArgs),
}

#[derive(Debug, Clone, Args)]
pub struct WithdrawArgs {
    /// The run, as JOB/PERIOD/ATTEMPT
    pub run: String,
    /// Why, for whoever reads it later
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub reason: String,
    #[command(flatten)]
    pub person: PersonArgs,
}

#[derive(Debug, Clone, Args)]
pub struct SignOffsArgs {
    /// Only reports of this job
    pub job: Option<String>,
}

pub(super) const EVIDENCE_HELP: &str = "\
Examples:
  tieout evidence rewards-daily/2025-03-19/1 -o evidence.zip
  tieout evidence verify evidence.zip

The file holds the report, the digests of its inputs, the plan, what became of
each effect, the journal of the period and the signatures, and tells an auditor
how to check all of it with common tools.";

#[derive(Debug, Clone, Args)]
#[command(subcommand_negates_reqs = true)]
pub struct EvidenceArgs {
    #[command(subcommand)]
    pub verify: Option<EvidenceCommand>,
    /// The run, as JOB/PERIOD/ATTEMPT
    #[arg(required = true)]
    pub run: Option<String>,
    /// Write to this file
    #[arg(short, long, value_name = "FILE", required = true)]
    pub out: Option<PathBuf>,
    /// Put the inputs in as they were received, not only their digests
    #[arg(long)]
    pub with_inputs: bool,
    /// Put all entries of the journal in, those of other periods too
    #[arg(long)]
    pub whole_journal: bool,
}

#[derive(Debug, Clone, Subcommand)]
pub enum EvidenceCommand {
    /// Check a file of evidence by itself: no project is needed
    #[command(after_help = "\
Example:
  tieout evidence verify evidence.zip --against-journal

Ends with 70 when something in it is not as it was written, and with 65 when it
is no such file, or one that is not safe to read.")]
    Verify(VerifyEvidenceArgs),
}

#[derive(Debug, Clone, Args)]
pub struct VerifyEvidenceArgs {
    /// The file
    pub file: PathBuf,
    /// Hold its entries against the journal of the project as well
    #[arg(long)]
    pub against_journal: bool,
}
