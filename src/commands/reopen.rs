//! `tieout reopen`: a person wants a matter opened again; the next plan may propose it anew.

use super::decision::{self, Rule};
use super::effects::rows;
use super::{Context, person::person};
use crate::cli::ReopenArgs;
use crate::effects::{Event, Standing};
use crate::exit::{ExitCode, Failure};

const RULE: Rule =
    Rule { allows: Standing::is_over, allowed: "refused, rejected, not applied or closed ones", decided: "reopened" };

/// Opens effects again, all or none.
///
/// # Errors
/// When an effect is unknown or not at an end, or nobody is named.
pub async fn run(mut context: Context, args: ReopenArgs) -> Result<ExitCode, Failure> {
    let by = person(args.person.by.as_deref())?;
    let event = Event::Reopened { by, reason: args.reason };
    let after = decision::decide(&mut context, &args.effects, RULE, &event).await?;
    tracing::info!(
        "reopened {}; {} proposes anew what its breaks still call for",
        decision::counted(&after),
        decision::next_runs(&after, context.sandbox)
    );
    context.output.rows(&rows(&after))?;
    Ok(ExitCode::Done)
}
