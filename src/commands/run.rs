//! `tieout run`.

use super::Context;
use crate::cli::RunArgs;
use crate::exit::{ExitCode, Failure};

/// Runs a job for one period.
///
/// # Errors
/// Always: this build does not have it.
#[expect(clippy::unused_async, reason = "the command is asynchronous once it is built")]
pub async fn run(_context: Context, _args: RunArgs) -> Result<ExitCode, Failure> {
    Err(Failure::new(ExitCode::Unexpected, anyhow::anyhow!("`run` is not built yet")))
}
