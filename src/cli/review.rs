//! The commands about reviewing. Shapes only.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::PersonArgs;
use crate::review::access::Role;

const IMPORT_HELP: &str = "\
Examples:
  tieout review import report.xlsx --by \"Mara Lind\"
  tieout review import report.xlsx --dry-run --format json

The columns Decision, Comment and Assign to of the sheets Breaks, Suggested and
Effects are read; the sheet Definitions says what each decision means. Every
row that is filled in is told as accepted, already_done or refused, with the
reason. One refused row, and nothing is taken, unless --partial is given.
Ends with 2 when a row is refused, and with 65 for a file that is no report.";

const USER_HELP: &str = "\
Examples:
  tieout review user \"Mara Lind\" --role reviewer
  pass show tieout/mara | tieout review user \"Mara Lind\" --role reviewer

Asks twice for the password on a terminal, without showing it; else it is the
one line of stdin. Prints the entry for `review: users:` of tieout.yaml, or for
the file that `users_file` names; nothing is written. `tieout serve` reads them
when it begins.";

#[derive(Debug, Clone, Subcommand)]
pub enum ReviewCommand {
    /// Take the decisions and comments of a filled-in report.xlsx into the journal
    #[command(after_help = IMPORT_HELP)]
    Import(ImportArgs),
    /// Print the entry of somebody who may sign in to the pages
    #[command(after_help = USER_HELP)]
    User(UserArgs),
    /// Print the hash of a password alone, for a secret store
    #[command(after_help = "\
Example:
  tieout review hash-password > /run/secrets/mara

Name the place at `password: {file: PATH}` of the user.")]
    HashPassword,
}

#[derive(Debug, Clone, Args)]
pub struct UserArgs {
    /// The name that the journal keeps beside their decisions
    pub name: String,
    /// What they may do: each may all that those before it may
    #[arg(long, value_enum)]
    pub role: Role,
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
