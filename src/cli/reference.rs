//! What the program tells of itself: `schema`, `presets`, `completions`, `man`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

pub(super) const PRESETS_HELP: &str = "\
Examples:
  tieout presets
  tieout presets stripe-payout-reconciliation

What is printed of one can be written into an input of a job, but for
`description` and `source`, and changed there.";

#[derive(Debug, Clone, Args)]
pub struct PresetsArgs {
    /// The preset that is printed [default: all are listed]
    pub name: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub struct SchemaArgs {
    /// Which file: a job file in jobs/, a calendar in calendars/, or the project file tieout.yaml
    #[arg(value_enum)]
    pub of: SchemaOf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    Job,
    Project,
    Calendar,
}

#[derive(Debug, Clone, Args)]
pub struct CompletionsArgs {
    /// Which shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

#[derive(Debug, Clone, Args)]
pub struct ManArgs {
    /// Folder for one page a command [default: the main page to stdout]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}
