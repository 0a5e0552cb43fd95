//! `tieout validate`: every problem of the project file, the calendars and the jobs, offline.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::Context;
use crate::calendar;
use crate::cli::ValidateArgs;
use crate::config::{Problem, Problems};
use crate::engine::Plan;
use crate::exit::{ExitCode, Failure};
use crate::job::{Job, Source, load};
use crate::output::{Cell, Format, Rows};
use crate::project::{FILE, Project};

/// Prints every problem of the project, its calendars and its jobs.
///
/// # Errors
/// When there is no project, or stdout cannot be written.
pub fn command(context: &Context, args: &ValidateArgs) -> Result<ExitCode, Failure> {
    let outcome = run(&context.project_folder()?, &args.jobs);
    let text = match context.output.format {
        Format::Table => outcome.text(),
        Format::Json => serde_json::to_string_pretty(&outcome).map_err(std::io::Error::from)? + "\n",
        format @ (Format::Jsonl | Format::Csv) => rows(&outcome).render(format, None),
    };
    context.output.text(&text)?;
    Ok(outcome.code())
}

fn rows(outcome: &ValidateOutcome) -> Rows {
    let mut rows = Rows::new(&["file", "line", "column", "message", "help"]);
    let place = |number: Option<usize>| number.map_or(Cell::Empty, |number| Cell::integer(number as u64));
    for Problem { file, line, column, message, help, .. } in &outcome.problems {
        rows.push(vec![
            Cell::text(file.display().to_string()),
            place(*line),
            place(*column),
            Cell::text(message),
            Cell::or_empty(help.as_deref().map(Cell::text)),
        ]);
    }
    rows
}

/// What was looked at, and what is wrong with it.
#[derive(Debug, Clone, Serialize)]
pub struct ValidateOutcome {
    /// The files without a problem: the project file first, then the calendars and the jobs by name.
    pub valid: Vec<PathBuf>,
    /// The valid jobs that send, by name.
    pub sending: Vec<SendingJob>,
    /// The valid jobs that no cluster can sift though the project names one, by name, with the reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub compared_here: Vec<(PathBuf, String)>,
    pub problems: Problems,
}

/// What a job that sends would send.
#[derive(Debug, Clone, Serialize)]
pub struct SendingJob {
    pub file: PathBuf,
    /// `upload`, `incoming` or `historical`.
    pub way: &'static str,
    /// The published type of each row.
    pub record: &'static str,
    pub provider: String,
    /// Where the rows come from.
    pub source: String,
}

impl SendingJob {
    fn of(job: &Job) -> Option<Self> {
        let sending = job.sending()?;
        let source = match &sending.source.source {
            Source::Path { pattern } => pattern.clone(),
            Source::Query { file, .. } => file.clone(),
            Source::S3(objects) => objects.to_string(),
            Source::Provider { name, .. } => name.clone(),
            Source::Dataset { dataset, .. } => dataset.clone(),
        };
        Some(Self {
            file: job.path.clone(),
            way: sending.way.name(),
            record: sending.mapping.record.name(),
            provider: sending.provider.clone(),
            source,
        })
    }
}

/// `; upload: coreTransaction rows of core-{period}.csv to kard`
impl std::fmt::Display for SendingJob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { way, record, provider, source, .. } = self;
        write!(f, "; {way}: {record} rows of {source} to {provider}")
    }
}

impl ValidateOutcome {
    pub fn code(&self) -> ExitCode {
        if self.problems.is_empty() { ExitCode::Done } else { ExitCode::Configuration }
    }

    /// For the terminal: the problems with the lines they are about, then one line of summary.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for problem in &self.problems {
            let _ = writeln!(text, "{problem}\n");
        }
        for path in &self.valid {
            let sends = self.sending.iter().find(|job| job.file == *path).map(ToString::to_string);
            let here = self.compared_here.iter().find(|(job, _)| job == path);
            let here = here.map(|(_, why)| format!("; compared on this machine: {why}"));
            let _ =
                writeln!(text, "{}: valid{}{}", path.display(), sends.unwrap_or_default(), here.unwrap_or_default());
        }
        let mut files = self.problems.iter().map(|problem| &problem.file).collect::<Vec<_>>();
        files.dedup();
        if !files.is_empty() {
            let _ = writeln!(text, "{} in {}", count(self.problems.len(), "problem"), count(files.len(), "file"));
        }
        text
    }
}

/// Checks the project file in `root` and the named jobs, or all of them and the calendars. Touches no network and
/// reads no secret.
pub fn run(root: &Path, jobs: &[String]) -> ValidateOutcome {
    let mut valid = Vec::new();
    let mut problems = Problems::default();
    let project = match Project::load(root) {
        Ok(project) => {
            valid.push(PathBuf::from(FILE));
            Some(project)
        }
        Err(found) => {
            problems.extend(found);
            None
        }
    };
    // With a broken project file the jobs are still checked, but for the names of providers and databases.
    let mut loaded = Vec::<Job>::new();
    if jobs.is_empty() {
        let (calendars, bad) = calendar::load::load_all(root);
        valid.extend(calendars.files());
        problems.extend(bad);
        let (good, bad) = load::load_all_from(root, project.as_ref());
        loaded.extend(good);
        problems.extend(bad);
    }
    for name in jobs {
        match load::load_from(root, project.as_ref(), name) {
            Ok(job) => loaded.push(job),
            Err(found) => problems.extend(found),
        }
    }
    let sending = loaded.iter().filter_map(SendingJob::of).collect();
    let has_engine = project.is_some_and(|project| project.engine.is_some());
    let here = |job: &Job| Some((job.path.clone(), Plan::check(job.reconciliation()?).err()?.to_string()));
    let compared_here = loaded.iter().filter(|_| has_engine).filter_map(here).collect();
    valid.extend(loaded.into_iter().map(|job| job.path));
    ValidateOutcome { valid, sending, compared_here, problems }
}

fn count(number: usize, word: &str) -> String {
    if number == 1 { format!("1 {word}") } else { format!("{number} {word}s") }
}
