//! `tieout plan`: everything that a run would find, with nothing kept.

use std::borrow::Cow;
use std::fmt::Write as _;

use chrono::Utc;
use serde::Serialize;

use super::Context;
use super::run::{load_job, print, resolve_period};
use crate::cli::PlanArgs;
use crate::effects::{Body, Call, Target};
use crate::exit::{ExitCode, Failure};
use crate::output::Format;
use crate::pipeline::{self, Finished, Request};
use crate::providers::http::displayable;

/// Does all that `run` does up to the report, in a temporary folder, and prints what it found.
/// The inputs are pulled and compared; no attempt is recorded, no report is written.
///
/// # Errors
/// As `run`.
pub async fn run(mut context: Context, args: PlanArgs) -> Result<ExitCode, Failure> {
    context.memory = args.memory.memory;
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
        started_by: String::new(),
        run_time,
        offline: false,
        sandbox: context.sandbox,
        patience: None,
        place: None,
        progress: context.progress.clone(),
    };
    let outcome = pipeline::plan(&request, journal.as_ref()).await;
    world.stop().await;
    if let Some(journal) = journal {
        // Takes away what reading the state file put beside it.
        journal.close().await?;
    }
    let finished = outcome?;
    if args.calls {
        context.output.text(&calls_as_lines(&finished.calls)?)?;
        return Ok(finished.exit_code());
    }
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
    for input in facts.all_inputs() {
        let digest = input.sha256.get(..12).unwrap_or(&input.sha256);
        let _ = writeln!(
            text,
            "  read   {:8} {} ({}, {} rows, sha256 {digest}…)",
            input.side, input.name, input.origin, input.rows
        );
    }
    let folder = request.project.kept().recorded(&pipeline::report_folder(request, facts.run.attempt));
    let names = pipeline::report_files(&request.job).join(", ");
    let _ = writeln!(text, "  write  {}: {names}", folder.display());
    sending(&mut text, finished);
    text.push('\n');
    text
}

/// Calls of one plan that are told one by one.
const TOLD: usize = 10;

/// What would be sent now; what waits for a person stands among the findings.
fn sending(text: &mut String, finished: &Finished) {
    if finished.facts.effects.is_none() {
        text.push_str("  send   nothing: this job has no effects\n");
    } else if finished.calls.is_empty() {
        text.push_str("  send   nothing that is new and approved\n");
    }
    for call in finished.calls.iter().take(TOLD) {
        let count = call.members.len() as u64;
        let digest = call.body.sha256();
        let digest = digest.get(..12).unwrap_or(&digest);
        let (method, path) = address(call);
        let path = displayable(path, 80);
        let _ = writeln!(text, "  send   {method} {path} ({count} {}, sha256 {digest}…)", call.kind.words(count));
    }
    if let more @ 1.. = finished.calls.len().saturating_sub(TOLD) {
        let _ = writeln!(text, "  send   and {more} more calls: --calls prints every one");
    }
}

/// Method and path below the provider's `base_url`; of a bulk file, which storage it goes to.
fn address(call: &Call) -> (&'static str, &str) {
    match &call.target {
        Target::Api { method, path } => (method.name(), path),
        Target::Storage { session } => ("PUT", session),
    }
}

/// One call as a program reads it.
#[derive(Serialize)]
struct CallLine<'a> {
    method: &'static str,
    /// Below the provider's `base_url`.
    path: &'a str,
    effects: &'a [String],
    body_sha256: String,
    /// The exact bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Cow<'a, str>>,
    /// The name of the sealed file that holds them.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<Cow<'a, str>>,
}

fn calls_as_lines(calls: &[Call]) -> Result<String, Failure> {
    let mut text = String::new();
    for call in calls {
        let (method, path) = address(call);
        let (body, file) = match &call.body {
            Body::Bytes(bytes) => (Some(String::from_utf8_lossy(bytes)), None),
            Body::File { path, .. } => (None, path.file_name().map(std::ffi::OsStr::to_string_lossy)),
        };
        let line = CallLine { method, path, effects: &call.members, body_sha256: call.body.sha256(), body, file };
        let line = serde_json::to_string(&line).map_err(|error| Failure::new(ExitCode::Unexpected, error))?;
        text.push_str(&line);
        text.push('\n');
    }
    Ok(text)
}
