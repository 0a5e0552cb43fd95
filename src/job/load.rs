//! Finding and loading job files: `jobs/NAME.yaml` below the project folder.

use std::path::{Path, PathBuf};

use super::check::{self, DailyJob};
use super::{Job, Source, spec};
use crate::calendar::{self, Calendars};
use crate::config::problem::Excerpts;
use crate::config::{self, Checker, Document, Finding, Problems};
use crate::digest::sha256;
use crate::frames::Side;
use crate::project::Project;

/// The folder of job files, relative to the project's.
pub const FOLDER: &str = "jobs";

/// Loads one job by its name, or by the path of its file.
///
/// # Errors
/// Everything that is wrong with the file.
pub fn load(project: &Project, name_or_path: &str) -> Result<Job, Problems> {
    load_from(&project.root, Some(project), name_or_path)
}

/// Loads every job of the project, in the order of their names, and tells what is wrong with the others.
pub fn load_all(project: &Project) -> (Vec<Job>, Problems) {
    load_all_from(&project.root, Some(project))
}

/// As [`load`], for a project whose own file may be wrong (`project` is none then).
///
/// # Errors
/// Everything that is wrong with the file.
pub fn load_from(root: &Path, project: Option<&Project>, name_or_path: &str) -> Result<Job, Problems> {
    let is_path = name_or_path.contains(['/', '.']);
    let path = if is_path { root.join(name_or_path) } else { file_of(root, name_or_path) };
    if !is_path && !path.is_file() {
        let shown = path.strip_prefix(root).unwrap_or(&path);
        return Err(Problems::one(shown, unknown_job(root, name_or_path)));
    }
    Loader::new(root, project).load(&path)
}

/// As [`load_all`], for a project whose own file may be wrong. What is wrong with calendars is told only where a job
/// names one.
pub fn load_all_from(root: &Path, project: Option<&Project>) -> (Vec<Job>, Problems) {
    let loader = Loader::new(root, project);
    let mut jobs = Vec::new();
    let (files, mut problems) = config::yaml_files(root, FOLDER, "job");
    for path in files {
        match loader.load(&path) {
            Ok(job) => jobs.push(job),
            Err(found) => problems.extend(found),
        }
    }
    (jobs, problems)
}

/// Where the job of a name stands.
fn file_of(root: &Path, name: &str) -> PathBuf {
    root.join(FOLDER).join(format!("{name}.yaml"))
}

/// What the job files of a project may refer to.
struct Loader<'l> {
    root: &'l Path,
    project: Option<&'l Project>,
    calendars: Calendars,
}

impl<'l> Loader<'l> {
    fn new(root: &'l Path, project: Option<&'l Project>) -> Self {
        let (calendars, _) = calendar::load::load_all(root);
        Self { root, project, calendars }
    }

    fn load(&self, path: &Path) -> Result<Job, Problems> {
        let shown = path.strip_prefix(self.root).unwrap_or(path);
        let (bytes, document) = read(path, shown)?;
        let named = document.spec.month_end.as_ref().and_then(|month_end| month_end.dailies.as_deref());
        let dailies = named.map(|name| self.daily_job(name));
        self.check(shown, &bytes, &document, dailies.as_ref())
    }

    fn daily_job(&self, name: &str) -> DailyJob {
        let path = file_of(self.root, name);
        if name.contains(['/', '\\', '.']) || !path.is_file() {
            return DailyJob::Unknown { help: unknown_job(self.root, name).help.unwrap_or_default() };
        }
        let shown = path.strip_prefix(self.root).unwrap_or(&path);
        // What it names in turn is not followed: a job of days closes no month.
        let found = read(&path, shown).and_then(|(bytes, document)| self.check(shown, &bytes, &document, None));
        match found {
            Ok(job) => DailyJob::Known {
                grain: job.grain,
                compares: job.reconciliation().is_some(),
                has_file: job.input(Side::File).is_some(),
            },
            Err(problems) => {
                let first = problems.iter().next().map(config::Problem::headline);
                DailyJob::Wrong { problem: first.unwrap_or_default() }
            }
        }
    }

    fn check(
        &self,
        shown: &Path,
        bytes: &[u8],
        document: &Document<spec::JobSpec>,
        dailies: Option<&DailyJob>,
    ) -> Result<Job, Problems> {
        let mut checker = Checker::new(document);
        let digest = sha256(bytes);
        let context = check::Context {
            providers: self.project.map(|project| &project.providers),
            databases: self.project.map(|project| &project.databases),
            calendars: &self.calendars,
            dailies,
            path: shown,
            digest: &digest,
        };
        let job = check::job(&document.spec, context, &mut checker);
        for input in job.iter().flat_map(Job::inputs) {
            if let Source::Query { file, .. } = &input.source
                && let Err(error) = std::fs::metadata(self.root.join(file))
            {
                let message = format!("cannot read the query {file}: {error}");
                checker.problem(&format!("inputs/{}/query", input.side), message);
            }
        }
        let findings = checker.finish();
        match job {
            Some(job) if findings.is_empty() => Ok(job),
            _ => {
                debug_assert!(!findings.is_empty(), "a job is refused only with a reason");
                Err(Problems::of(shown, &document.text, findings, Excerpts::Full))
            }
        }
    }
}

fn read(path: &Path, shown: &Path) -> Result<(Vec<u8>, Document<spec::JobSpec>), Problems> {
    let bytes = config::read_file(path).map_err(|finding| Problems::one(shown, finding))?;
    let document = config::parse::<spec::JobSpec>(&bytes, &spec::schema())
        .map_err(|(text, findings)| Problems::of(shown, &text, findings, Excerpts::Full))?;
    Ok((bytes, document))
}

fn unknown_job(root: &Path, name: &str) -> Finding {
    let (files, _) = config::yaml_files(root, FOLDER, "job");
    let names = files.iter().filter_map(|path| path.file_stem()).filter_map(|stem| stem.to_str()).collect::<Vec<_>>();
    let help = if names.is_empty() {
        format!("the project has no job files in {FOLDER}/")
    } else {
        config::did_you_mean(name, &names)
    };
    Finding::anywhere(format!("there is no job `{name}`")).help(help)
}
