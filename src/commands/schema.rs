//! `tieout schema`: the JSON Schemas of the files that people write, for editors.

use super::Context;
use crate::cli::{SchemaArgs, SchemaOf};
use crate::exit::{ExitCode, Failure};

/// Prints a schema.
///
/// # Errors
/// When stdout cannot be written.
pub fn command(context: &Context, args: &SchemaArgs) -> Result<ExitCode, Failure> {
    let schema = match args.of {
        SchemaOf::Job => job(),
        SchemaOf::Project => project(),
        SchemaOf::Calendar => calendar(),
    };
    context.output.text(&format!("{schema:#}\n"))?;
    Ok(ExitCode::Done)
}

/// The schema of a job file.
pub fn job() -> serde_json::Value {
    crate::job::spec::schema()
}

/// The schema of a calendar file.
pub fn calendar() -> serde_json::Value {
    crate::calendar::spec::schema()
}

/// The schema of `tieout.yaml`.
pub fn project() -> serde_json::Value {
    crate::project::spec::schema()
}
