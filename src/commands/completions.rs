//! `tieout completions`: made from the command line's own description, so never out of date.

use clap::CommandFactory;
use clap_complete::Shell;

use super::Context;
use crate::cli::Cli;
use crate::exit::{ExitCode, Failure};

/// Prints the completions of one shell.
///
/// # Errors
/// When stdout cannot be written.
pub fn run(context: &Context, shell: Shell) -> Result<ExitCode, Failure> {
    // Into memory first: the generator panics on a pipe whose reader has gone.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "tieout", &mut script);
    context.output.bytes(&script)?;
    Ok(ExitCode::Done)
}
