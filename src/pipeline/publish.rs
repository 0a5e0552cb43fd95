//! Reports appear whole or not at all: written aside, synced, then renamed into their place.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::Request;
use crate::exit::{ExitCode, Failure};
use crate::job::ReportFormat;
use crate::report::{self, Facts};
use crate::sources::store::sync_folder;

const UNFINISHED: &str = ".tmp-";

/// Below the period's folder: what a sending job has sealed.
pub(super) const SPOOL: &str = "outgoing";

/// `ARTIFACTS/JOB/PERIOD`
pub(super) fn period_folder(request: &Request) -> PathBuf {
    request.project.artifacts.join(&request.job.name).join(&request.period.label)
}

/// `ARTIFACTS/JOB/PERIOD/ATTEMPT`
pub(super) fn attempt_folder(home: &Path, attempt: u32) -> PathBuf {
    home.join(attempt.to_string())
}

/// Removes what killed attempts left unfinished. Only for the holder of the period's lock.
pub(super) fn sweep(home: &Path) -> Result<(), Failure> {
    let spool = home.join(SPOOL);
    let builds = std::fs::read_dir(&spool).into_iter().flatten().flatten().map(|entry| entry.path());
    let builds: Vec<PathBuf> = builds.filter(|path| path.is_dir()).collect();
    for folder in [home.to_owned(), home.join("raw"), spool].into_iter().chain(builds) {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                let path = entry.path();
                let removed = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
                removed.with_context(|| format!("removing {}", path.display())).map_err(unexpected)?;
            }
        }
    }
    Ok(())
}

/// `summary.json` is for programs, the Parquet file for `tieout breaks` and the next attempt: both are
/// always there, whatever else the job asks for.
pub(super) fn formats(asked: &[ReportFormat]) -> Vec<ReportFormat> {
    let mut all = vec![ReportFormat::Json];
    all.extend(asked.iter().copied().filter(|format| *format != ReportFormat::Json));
    if !all.contains(&ReportFormat::Parquet) {
        all.push(ReportFormat::Parquet);
    }
    all
}

/// Renders every report and moves the folder into place.
pub(super) fn publish(
    facts: &Facts,
    formats: &[ReportFormat],
    home: &Path,
    attempt: u32,
) -> Result<Vec<PathBuf>, Failure> {
    let aside = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempdir_in(home)
        .with_context(|| format!("making a folder in {}", home.display()))
        .map_err(unexpected)?;
    let written = report::write(facts, &self::formats(formats), aside.path()).map_err(unexpected)?;
    open_to_readers(aside.path())?;
    sync_folder(aside.path())?;
    let place = attempt_folder(home, attempt);
    std::fs::rename(aside.path(), &place)
        .with_context(|| format!("moving the report to {}", place.display()))
        .map_err(unexpected)?;
    // The folder is no longer where the guard would look for it.
    let _ = aside.keep();
    sync_folder(home)?;
    Ok(written.iter().filter_map(|path| path.file_name()).map(|name| place.join(name)).collect())
}

/// Temporary folders are private; a report is for the reviewer's account too, as far as the umask lets it.
#[cfg(unix)]
fn open_to_readers(folder: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt;
    let parent = folder.parent().unwrap_or(folder);
    let mode = std::fs::metadata(parent)?.permissions().mode() & 0o777;
    Ok(std::fs::set_permissions(folder, std::fs::Permissions::from_mode(mode))?)
}

#[cfg(not(unix))]
fn open_to_readers(_folder: &Path) -> Result<(), Failure> {
    Ok(())
}

fn unexpected(error: impl Into<anyhow::Error>) -> Failure {
    Failure::new(ExitCode::Unexpected, error)
}
