//! `tieout k8s render`: the Kustomize base of the project, written or checked.

use std::path::Path;

use super::Context;
use crate::cli::{RenderArgs, RunBy};
use crate::exit::{ExitCode, Failure};
use crate::job::load::load_all;
use crate::kubernetes::folder::{self, Change, FOLDER, Finding};
use crate::kubernetes::{self, Mode, Options};
use crate::output::{Cell, Rows};
use crate::schedule::plan;

/// Writes the base, or says what differs.
///
/// # Errors
/// When the project or a job is wrong, or the folder cannot be read or written.
pub fn render(context: &mut Context, args: RenderArgs) -> Result<ExitCode, Failure> {
    let project = context.load_project()?.clone();
    let (jobs, problems) = load_all(&project);
    if !problems.is_empty() {
        return Err(Failure::new(ExitCode::Configuration, problems));
    }
    if let Some(problem) = plan::problems(&jobs).into_iter().next() {
        return Err(Failure::new(ExitCode::Configuration, anyhow::anyhow!(problem)));
    }
    let options = options(&args)?;
    let files = folder::project_files(&project.root)?;
    let context_of = kubernetes::Context { options: &options, project: &project, jobs: &jobs, files: &files };
    let base = kubernetes::render(&context_of)?;
    let place = match args.out {
        Some(folder) => std::env::current_dir()?.join(folder),
        None => project.root.join(FOLDER),
    };
    if args.check {
        return check(context, &place, &folder::compare(&place, &base)?);
    }
    let findings = folder::write(&place, &base)?;
    context.output.rows(&rows(&findings, true))?;
    tracing::info!("{} files in {}", base.len(), place.display());
    Ok(ExitCode::Done)
}

/// What the command line says of the cluster.
fn options(args: &RenderArgs) -> Result<Options, Failure> {
    let default = Options::default();
    let image = args.image.clone().unwrap_or(default.image);
    let wrong = |message: String| Err(Failure::new(ExitCode::Usage, anyhow::anyhow!(message)));
    if image.is_empty() || !image.chars().all(|c| c.is_ascii_graphic()) {
        return wrong(format!("--image is `{image}`; expected a name such as registry.example.com/tieout:1"));
    }
    if let Some(name) = args.namespace.as_ref().filter(|name| !is_label(name)) {
        return wrong(format!("--namespace is `{name}`; expected small letters, digits and hyphens, at most 63"));
    }
    let mode = match args.mode {
        RunBy::Cronjobs => Mode::CronJobs,
        RunBy::Serve => Mode::Serve,
    };
    Ok(Options { image, namespace: args.namespace.clone(), mode })
}

/// RFC 1123, as names of namespaces are.
fn is_label(name: &str) -> bool {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=63).contains(&name.len()) && name.chars().all(good) && !name.starts_with('-') && !name.ends_with('-')
}

fn check(context: &Context, place: &Path, findings: &[Finding]) -> Result<ExitCode, Failure> {
    let other = rows(findings, false);
    context.output.rows(&other)?;
    let differ: Vec<&Finding> = findings.iter().filter(|finding| finding.change != Change::Same).collect();
    if differ.is_empty() {
        tracing::info!("{} is what the project asks for: {} files", place.display(), findings.len());
        return Ok(ExitCode::Done);
    }
    let told: Vec<String> = differ
        .iter()
        .map(|finding| format!("{}: {}\n{}", finding.path, words(finding.change), finding.difference))
        .collect();
    let files = if differ.len() == 1 { "1 file is".to_owned() } else { format!("{} files are", differ.len()) };
    let message = format!(
        "{}: {files} not what the project asks for; `tieout k8s render` with the same options writes them (-: as it is, +: as it would be)\n{}",
        place.display(),
        told.join("")
    );
    Err(Failure::new(ExitCode::Configuration, anyhow::anyhow!(message.trim_end().to_owned())))
}

const fn words(change: Change) -> &'static str {
    match change {
        Change::Same => "the same",
        Change::Missing => "is missing",
        Change::Differs => "differs",
        Change::Extra => "is asked for by nothing",
    }
}

/// One row a file that is not, or was not, as it should be.
fn rows(findings: &[Finding], written: bool) -> Rows {
    let mut rows = Rows::new(&["file", "change"]);
    for finding in findings {
        let change = match (finding.change, written) {
            (Change::Same, _) => continue,
            (Change::Missing, true) => "new",
            (Change::Differs, true) => "changed",
            (Change::Extra, true) => "gone",
            (Change::Missing, false) => "missing",
            (Change::Differs, false) => "differs",
            (Change::Extra, false) => "extra",
        };
        rows.push(vec![Cell::text(&finding.path), Cell::text(change)]);
    }
    rows
}
