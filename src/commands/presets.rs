//! `tieout presets`: the shapes of files that `preset:` of an input knows.

use super::Context;
use crate::cli::PresetsArgs;
use crate::config::did_you_mean;
use crate::exit::{ExitCode, Failure};
use crate::job::preset;
use crate::output::{Cell, Rows};

/// Lists the presets, or prints the document of one.
///
/// # Errors
/// When there is none of that name (exit code 2), or stdout cannot be written.
pub fn run(context: &Context, args: &PresetsArgs) -> Result<ExitCode, Failure> {
    match &args.name {
        Some(name) => {
            let text = preset::text(name).ok_or_else(|| unknown(name))?;
            context.output.text(text)?;
        }
        None => context.output.rows(&rows())?,
    }
    Ok(ExitCode::Done)
}

fn unknown(name: &str) -> Failure {
    let help = did_you_mean(name, &preset::names());
    Failure::new(ExitCode::Usage, anyhow::anyhow!("unknown preset `{}`; {help}", crate::frames::mask::shown(name)))
}

/// The list as rows.
pub fn rows() -> Rows {
    let mut rows = Rows::new(&["preset", "description"]);
    for name in preset::names() {
        let description = preset::find(name).map(|preset| Cell::text(&preset.description));
        rows.push(vec![Cell::text(name), Cell::or_empty(description)]);
    }
    rows
}
