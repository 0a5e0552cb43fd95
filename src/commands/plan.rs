//! `tieout plan`.

use super::Context;
use crate::cli::PlanArgs;
use crate::exit::{ExitCode, Failure};

/// Says what a run would do.
///
/// # Errors
/// Always: this build does not have it.
#[expect(clippy::unused_async, reason = "the command is asynchronous once it is built")]
pub async fn run(_context: Context, _args: PlanArgs) -> Result<ExitCode, Failure> {
    Err(Failure::new(ExitCode::Unexpected, anyhow::anyhow!("`plan` is not built yet")))
}
