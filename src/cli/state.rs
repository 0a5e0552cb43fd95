//! The commands about the journal as a whole: moving it from one place to another. Shapes only.

use clap::{Args, Subcommand};

const COPY_HELP: &str = "\
Example:
  tieout state copy --from sqlite:.tieout/state.db --to env:TIEOUT_STATE --dry-run

An address with a password is named by where it stands: env:NAME or file:PATH.
The target must be empty; when the copy does not verify, nothing of it is kept.
Stop the scheduler first, then copy, then point `state` of tieout.yaml at the
target.";

#[derive(Debug, Clone, Args)]
pub struct StateArgs {
    #[command(subcommand)]
    pub command: StateCommand,
}

#[derive(Debug, Clone, Subcommand)]
pub enum StateCommand {
    /// Copy the whole journal into an empty file or database, and prove the copy
    #[command(after_help = COPY_HELP)]
    Copy(CopyArgs),
}

#[derive(Debug, Clone, Args)]
pub struct CopyArgs {
    /// The journal that is there: `sqlite:PATH`, `postgres://USER@HOST/DATABASE`, `env:NAME` or `file:PATH`
    #[arg(long, value_name = "STATE")]
    pub from: String,
    /// Where it is copied to, likewise
    #[arg(long, value_name = "STATE")]
    pub to: String,
    /// Copy and prove, then take it back: at most empty tables stay
    #[arg(long)]
    pub dry_run: bool,
}
