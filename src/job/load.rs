//! Finding and loading job files: `jobs/NAME.yaml` below the project folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Job, check, spec};
use crate::config::problem::Excerpts;
use crate::config::{self, Checker, Finding, Problem, Problems};
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
    load_file(&path, &shown, providers)
}

/// As [`load_all`], for a project whose own file may be wrong.
pub fn load_all_from(root: &Path, providers: Option<&BTreeMap<String, ProviderConfig>>) -> (Vec<Job>, Problems) {
    let mut jobs = Vec::new();
    let (files, mut problems) = job_files(root);
    for path in files {
        let shown = path.strip_prefix(root).unwrap_or(&path).to_owned();
        match load_file(&path, &shown, providers) {
            Ok(job) => jobs.push(job),
            Err(found) => problems.extend(found),
        }
    }
    (jobs, problems)
}

fn load_file(path: &Path, shown: &Path, providers: Option<&BTreeMap<String, ProviderConfig>>) -> Result<Job, Problems> {
    let bytes = config::read_file(path).map_err(|finding| Problems::one(shown, finding))?;
    let digest = sha256(&bytes);
    let document = config::parse::<spec::JobSpec>(&bytes, &spec::schema())
        .map_err(|(text, findings)| Problems::of(shown, &text, findings, Excerpts::Full))?;
    let mut checker = Checker::new(&document);
    let context = check::Context { providers, path: shown, digest: &digest };
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

/// The `.yaml` files of the job folder, sorted; another ending is told, since the job would be overlooked.
fn job_files(root: &Path) -> (Vec<PathBuf>, Problems) {
    let mut files = Vec::new();
    let mut problems = Problems::default();
    let entries = match std::fs::read_dir(root.join(FOLDER)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return (files, problems),
        Err(error) => {
            let finding = Finding::anywhere(format!("cannot read the folder: {error}"));
            return (files, Problems::one(FOLDER, finding));
        }
    };
    for entry in entries.flatten() {
        let path = entry.path();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("yaml") => files.push(path),
            Some("yml") => {
                let shown = path.strip_prefix(root).unwrap_or(&path).to_owned();
                let finding = Finding::anywhere("job files end in `.yaml`").help("rename the file");
                problems.0.push(Problem::of_file(shown, finding));
            }
            _ => {}
        }
    }
    files.sort();
    problems.0.sort_by(|one, other| one.file.cmp(&other.file));
    (files, problems)
}

fn unknown_job(root: &Path, name: &str) -> Finding {
    let (files, _) = job_files(root);
    let names = files.iter().filter_map(|path| path.file_stem()).filter_map(|stem| stem.to_str()).collect::<Vec<_>>();
    let help = if names.is_empty() {
        format!("the project has no job files in {FOLDER}/")
    } else {
        config::did_you_mean(name, &names)
    };
    Finding::anywhere(format!("there is no job `{name}`")).help(help)
}
