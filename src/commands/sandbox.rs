//! `tieout sandbox`.

use super::Context;
use crate::cli::SandboxArgs;
use crate::exit::{ExitCode, Failure};

/// Serves the simulated provider until stopped.
///
/// # Errors
/// Always: this build does not have it.
#[expect(clippy::unused_async, reason = "the command is asynchronous once it is built")]
pub async fn run(_context: Context, _args: SandboxArgs) -> Result<ExitCode, Failure> {
    Err(Failure::new(ExitCode::Unexpected, anyhow::anyhow!("`sandbox` is not built yet")))
}
