//! `tieout validate`.

use super::Context;
use crate::cli::ValidateArgs;
use crate::exit::{ExitCode, Failure};

/// Checks the project file and the job files.
///
/// # Errors
/// Always: this build does not have it.
#[expect(clippy::unused_async, reason = "the command is asynchronous once it is built")]
pub async fn command(_context: Context, _args: ValidateArgs) -> Result<ExitCode, Failure> {
    Err(Failure::new(ExitCode::Unexpected, anyhow::anyhow!("`validate` is not built yet")))
}
