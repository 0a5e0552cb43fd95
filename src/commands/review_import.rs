//! `tieout review import`: what a reviewer has filled in on a workbook goes into the journal.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use super::Context;
use super::person::person;
use super::run::load_job;
use crate::cli::ImportArgs;
use crate::exit::{ExitCode, Failure};
use crate::journal::JournalError;
use crate::output::{Cell, Rows};
use crate::review::import::take::run_of;
use crate::review::import::{Checked, Filled, Outcome, apply, look, read};

const COLUMNS: [&str; 7] = ["sheet", "row", "id", "decision", "outcome", "reason", "comment"];

/// Takes decisions and comments from a workbook: every row that is filled in or none, unless a part is asked for.
///
/// # Errors
/// When the file is no workbook of this project, its run is unknown or not the last one of its period, or nobody is named.
pub async fn import(mut context: Context, args: ImportArgs) -> Result<ExitCode, Failure> {
    let by = person(args.person.by.as_deref())?;
    let filled = open(&args.file)?;
    let journal = if args.dry_run { context.read_journal().await? } else { context.write_journal().await? };
    let Some(journal) = journal else {
        return Err(JournalError::UnknownRun { id: filled.mark.run, nearest: Vec::new() }.into());
    };
    let run = run_of(&journal, &filled.mark).await?;
    let job = load_job(&mut context, &run.job)?;
    let checked = look(&journal, run, filled, job.effects(), &by).await?;
    let takes = !args.dry_run && (args.partial || checked.refused() == 0);
    if takes && checked.accepted() > 0 {
        apply(&journal, &checked).await?;
    }
    journal.close().await?;
    tell(&checked, &args);
    context.output.rows(&rows(&checked))?;
    Ok(if checked.refused() > 0 { ExitCode::Usage } else { ExitCode::Done })
}

fn open(path: &Path) -> Result<Filled, Failure> {
    let unreadable =
        |error: anyhow::Error| Failure::new(ExitCode::InputData, error.context(format!("{}", path.display())));
    let file = File::open(path).map_err(|error| unreadable(anyhow::Error::new(error).context("cannot be opened")))?;
    read(BufReader::new(file)).map_err(|error| unreadable(anyhow::Error::new(error)))
}

fn tell(checked: &Checked, args: &ImportArgs) {
    let (accepted, refused, all) = (checked.accepted(), checked.refused(), checked.lines.len());
    let run = &checked.run.id;
    if all == 0 {
        tracing::info!(run, "nothing is filled in");
    } else if args.dry_run {
        tracing::info!(run, "{accepted} of {all} rows would be taken, {refused} refused; nothing was written");
    } else if refused > 0 && !args.partial {
        tracing::warn!(
            run,
            "{refused} of {all} rows are refused, so none was taken; --partial takes the other {accepted}"
        );
    } else {
        let done = all - accepted - refused;
        tracing::info!(run, "{accepted} of {all} rows taken, {done} known already, {refused} refused");
    }
}

fn rows(checked: &Checked) -> Rows {
    let mut rows = Rows::new(&COLUMNS);
    let optional = |text: Option<&String>| text.map_or(Cell::Empty, |text| Cell::Text(text.clone()));
    for (line, outcome) in &checked.lines {
        let reason = match outcome {
            Outcome::Refused(reason) => Cell::Text(reason.clone()),
            Outcome::Accepted(_) | Outcome::AlreadyDone => Cell::Empty,
        };
        rows.push(vec![
            Cell::Text(line.sheet.clone()),
            Cell::Integer(line.row.into()),
            Cell::Text(line.id.clone()),
            optional(line.decision.as_ref().filter(|text| !text.is_empty())),
            Cell::Text(outcome.name().to_owned()),
            reason,
            optional(line.comment.as_ref()),
        ]);
    }
    rows.spare(&["comment", "sheet"])
}
