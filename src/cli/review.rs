//! The command that takes back what a reviewer has filled in. Shapes only.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::PersonArgs;

const HELP: &str = "\
Examples:
  tieout review import report.xlsx --by \"Mara Lind\"
  tieout review import report.xlsx --dry-run --format json

The columns Decision, Comment and Assign to of the sheets Breaks, Suggested and
Effects are read; the sheet Definitions says what each decision means. Every
row that is filled in is told as accepted, already_done or refused, with the
reason. One refused row, and nothing is taken, unless --partial is given.
Ends with 2 when a row is refused, and with 65 for a file that is no report.";

#[derive(Debug, Clone, Subcommand)]
pub enum ReviewCommand {
    /// Take the decisions and comments of a filled-in report.xlsx into the journal
    #[command(after_help = HELP)]
    Import(ImportArgs),
}

#[derive(Debug, Clone, Args)]
pub struct ImportArgs {
    /// The workbook that was filled in
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Take the rows that can be taken, even if others are refused
    #[arg(long)]
    pub partial: bool,
    /// Only tell what would become of each row
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub person: PersonArgs,
}
