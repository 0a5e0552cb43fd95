//! Finding and loading job files: `jobs/NAME.yaml` below the project folder.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Job, check, spec};
use crate::calendar::{self, Calendars};
use crate::config::problem::Excerpts;
use crate::config::{self, Checker, Finding, Problems};
use crate::digest::sha256;
use crate::project::{Project, ProviderConfig};

/// The folder of job files, relative to the project's.
pub const FOLDER: &str = "jobs";

/// Loads one job by its name, or by the path of its file.
///
/// # Errors
/// Everything that is wrong with the file.
pub fn load(project: &Project, name_or_path: &str) -> Result<Job, Problems> {
    load_from(&project.root, Some(&project.providers), name_or_path)
}

/// Loads every job of the project, in the order of their names, and tells what is wrong with the others.
pub fn load_all(project: &Project) -> (Vec<Job>, Problems) {
    load_all_from(&project.root, Some(&project.providers))
}

/// As [`load`], for a project whose own file may be wrong (`providers` is none then).
///
/// # Errors
/// Everything that is wrong with the file.
pub fn load_from(
    root: &Path,
    providers: Option<&BTreeMap<String, ProviderConfig>>,
    name_or_path: &str,
) -> Result<Job, Problems> {
    let is_path = name_or_path.contains(['/', '.']);
    let path = if is_path { root.join(name_or_path) } else { root.join(FOLDER).join(format!("{name_or_path}.yaml")) };
    let shown = path.strip_prefix(root).unwrap_or(&path).to_owned();
    if !is_path && !path.is_file() {
        return Err(Problems::one(shown, unknown_job(root, name_or_path)));
    }
    let (calendars, _) = calendar::load::load_all(root);
    load_file(&path, &shown, providers, &calendars)
}

/// As [`load_all`], for a project whose own file may be wrong. What is wrong with calendars is told only where a job
/// names one.
pub fn load_all_from(root: &Path, providers: Option<&BTreeMap<String, ProviderConfig>>) -> (Vec<Job>, Problems) {
    let (calendars, _) = calendar::load::load_all(root);
    let mut jobs = Vec::new();
    let (files, mut problems) = config::yaml_files(root, FOLDER, "job");
    for path in files {
        let shown = path.strip_prefix(root).unwrap_or(&path).to_owned();
        match load_file(&path, &shown, providers, &calendars) {
            Ok(job) => jobs.push(job),
            Err(found) => problems.extend(found),
        }
    }
    (jobs, problems)
}

fn load_file(
    path: &Path,
    shown: &Path,
    providers: Option<&BTreeMap<String, ProviderConfig>>,
    calendars: &Calendars,
) -> Result<Job, Problems> {
    let bytes = config::read_file(path).map_err(|finding| Problems::one(shown, finding))?;
    let digest = sha256(&bytes);
    let document = config::parse::<spec::JobSpec>(&bytes, &spec::schema())
        .map_err(|(text, findings)| Problems::of(shown, &text, findings, Excerpts::Full))?;
    let mut checker = Checker::new(&document);
    let context = check::Context { providers, calendars, path: shown, digest: &digest };
    let job = check::job(&document.spec, context, &mut checker);
    let findings = checker.finish();
    match job {
        Some(job) if findings.is_empty() => Ok(job),
        _ => {
            debug_assert!(!findings.is_empty(), "a job is refused only with a reason");
            Err(Problems::of(shown, &document.text, findings, Excerpts::Full))
        }
    }
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
