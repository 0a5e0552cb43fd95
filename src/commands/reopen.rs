//! `tieout reopen`: a person wants a matter opened again; the next plan may propose it anew.

use super::decision::{self, Rule};
use super::effects::rows;
use super::{Context, person::person};
use crate::cli::ReopenArgs;
use crate::effects::{Event, News, Standing, State};
use crate::exit::{ExitCode, Failure};
use crate::journal::JournalError;

const RULE: Rule =
    Rule { allows: can_be_reopened, allowed: "refused, rejected, not applied or closed ones", decided: "reopened" };

fn can_be_reopened(standing: &Standing) -> bool {
    match standing.state {
        State::Refused | State::Rejected | State::NotApplied => true,
        State::Acknowledged => standing.news.as_ref().is_some_and(News::is_closed),
        _ => false,
    }
}

/// Opens effects again, all or none.
///
/// # Errors
/// When an effect is unknown or not at an end, or nobody is named.
pub async fn run(mut context: Context, args: ReopenArgs) -> Result<ExitCode, Failure> {
    let by = person(args.person.by.as_deref())?;
    let journal = context.write_journal().await?;
    let found = decision::effects(journal.as_ref(), &args.effects).await?;
    let Some(journal) = journal else {
        return Err(JournalError::UnknownEffect { id: args.effects.join(" "), nearest: Vec::new() }.into());
    };
    decision::check(&journal, &found, RULE).await?;
    let after = decision::write(journal, &found, &Event::Reopened { by, reason: args.reason }).await?;
    tracing::info!(
        "reopened {}; {} proposes anew what its breaks still call for",
        decision::counted(&after),
        decision::next_runs(&after, context.sandbox)
    );
    context.output.rows(&rows(&after))?;
    Ok(ExitCode::Done)
}
