//! `tieout reopen`: a person wants a matter opened again; the next plan may propose it anew.

use super::decision;
use super::effects::{no_effect, rows};
use super::{Context, person::person};
use crate::cli::ReopenArgs;
use crate::decisions::effects;
use crate::exit::{ExitCode, Failure};

/// Opens effects again, all or none.
///
/// # Errors
/// When an effect is unknown or not at an end, or nobody is named.
pub async fn run(mut context: Context, args: ReopenArgs) -> Result<ExitCode, Failure> {
    let by = person(args.person.by.as_deref())?;
    let journal = context.write_journal().await?.ok_or_else(|| no_effect(&args.effects))?;
    let after = effects::reopen(&journal, &args.effects, by, args.reason).await?;
    journal.close().await?;
    tracing::info!(
        "reopened {}; {} proposes anew what its breaks still call for",
        decision::counted(&after),
        decision::next_runs(&after, context.sandbox)
    );
    context.output.rows(&rows(&after))?;
    Ok(ExitCode::Done)
}
