//! `tieout man`: the manual, made from the command line's own description.

use std::path::{Path, PathBuf};

use clap::CommandFactory;

use super::Context;
use crate::cli::Cli;
use crate::exit::{ExitCode, Failure};

/// The manual could not be written where it was asked for.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the manual to {folder}; name a folder that can be made and written")]
struct ManualError {
    folder: PathBuf,
    source: std::io::Error,
}

/// Prints the main page, or writes one page a command.
///
/// # Errors
/// When stdout or the folder cannot be written.
pub fn run(context: &Context, out: Option<PathBuf>) -> Result<ExitCode, Failure> {
    if let Some(folder) = out {
        write_pages(&folder).map_err(|source| Failure::new(ExitCode::Unexpected, ManualError { folder, source }))?;
    } else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command()).render(&mut page)?;
        context.output.bytes(&page)?;
    }
    Ok(ExitCode::Done)
}

fn write_pages(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    clap_mangen::generate_to(Cli::command(), folder)
}
