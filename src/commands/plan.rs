//! `tieout plan`: everything that a run would find, with nothing kept.

use std::fmt::Write as _;

use chrono::Utc;

use super::Context;
use super::run::{load_job, print, resolve_period};
use crate::cli::PlanArgs;
use crate::exit::{ExitCode, Failure};
use crate::output::Format;
use crate::pipeline::{self, Finished, Request};

/// Does all that `run` does up to the report, in a temporary folder, and prints what it found.
/// The inputs are pulled and compared; no attempt is recorded, no report is written.
///
/// # Errors
/// As `run`.
pub async fn run(mut context: Context, args: PlanArgs) -> Result<ExitCode, Failure> {
    let world = context.start_world().await?;
    let job = load_job(&mut context, &args.job)?;
    let run_time = Utc::now();
    let period = resolve_period(&job, &args.period, run_time)?;
    let journal = context.read_journal().await?;
    let request = Request {
        project: context.load_project()?.clone(),
        job,
        period,
        note: None,
        run_time,
        offline: false,
        sandbox: context.sandbox,
        progress: context.progress.clone(),
    };
    let outcome = pipeline::plan(&request, journal.as_ref()).await;
    world.stop().await;
    if let Some(journal) = journal {
        // Takes away what reading the state file put beside it.
        journal.close().await?;
    }
    let finished = outcome?;
    if context.output.format == Format::Table {
        context.output.text(&preamble(&request, &finished))?;
    }
    print(&context, &finished)?;
    Ok(finished.exit_code())
}

/// What would be read and written, before what would be found.
fn preamble(request: &Request, finished: &Finished) -> String {
    let facts = &finished.facts;
    let mut text = format!("Plan only: nothing is written. `tieout run` would be attempt {}.\n", facts.run.attempt);
    for input in &facts.inputs {
        let digest = input.sha256.get(..12).unwrap_or(&input.sha256);
        let _ = writeln!(
            text,
            "  read   {:8} {} ({}, {} rows, sha256 {digest}…)",
            input.side, input.name, input.origin, input.rows
        );
    }
    let folder = pipeline::report_folder(request, facts.run.attempt);
    let names = pipeline::report_files(&request.job).join(", ");
    let _ = writeln!(text, "  write  {}: {names}\n  send   nothing: this job has no effects\n", folder.display());
    text
}
