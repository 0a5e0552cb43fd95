//! `tieout schema`.

use super::Context;
use crate::cli::SchemaArgs;
use crate::exit::{ExitCode, Failure};

/// Prints the JSON Schema of a file.
///
/// # Errors
/// Always: this build does not have it.
#[expect(clippy::unused_async, reason = "the command is asynchronous once it is built")]
pub async fn command(_context: Context, _args: SchemaArgs) -> Result<ExitCode, Failure> {
    Err(Failure::new(ExitCode::Unexpected, anyhow::anyhow!("`schema` is not built yet")))
}
