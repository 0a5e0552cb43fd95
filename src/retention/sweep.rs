//! Removes what a plan names. What goes is listed durably in its period's `removed.json` before it goes: a process that is
//! killed in between leaves files that the next call removes, and never a gap that nothing explains.

use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::survey::{self, OUTGOING, RAW, SurveyError, is_kept};
use super::{Found, Name, Thing};
use crate::digest;
use crate::sources::removed::{REMOVED_FILE, Removal, Removed};
use crate::sources::store::sync_folder;

/// A period whose files could not be removed.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    #[error(transparent)]
    Survey(#[from] SurveyError),
    #[error("cannot read {path} before it is removed")]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write {path}; nothing more of its period was removed")]
    List { path: PathBuf, source: io::Error },
    #[error("cannot remove {path}; call `tieout gc` again when it can be")]
    Remove { path: PathBuf, source: io::Error },
}

/// Who removes, and when.
#[derive(Debug, Clone)]
pub struct Sweeper {
    pub at: DateTime<Utc>,
    pub by: String,
}

impl Sweeper {
    /// Removes these things of one period; gives the bytes. The caller holds the period's lease.
    ///
    /// # Errors
    /// When a file cannot be read, listed or removed. What is removed by then is listed.
    pub fn remove(&self, artifacts: &Path, name: &Name, things: &[Found]) -> Result<u64, SweepError> {
        let home = artifacts.join(&name.job).join(&name.period);
        let mut paths = Vec::new();
        for found in things {
            paths.extend(paths_of(&home, &found.thing)?);
        }
        let mut removals = Vec::with_capacity(paths.len());
        for path in &paths {
            let read = |source| SweepError::Read { path: path.clone(), source };
            let sha256 = digest::of_file(path).map_err(read)?;
            let bytes = std::fs::metadata(path).map_err(read)?.len();
            let relative = path.strip_prefix(&home).unwrap_or(path).to_string_lossy();
            let name = relative.replace(std::path::MAIN_SEPARATOR, "/");
            removals.push(Removal { name, bytes, sha256, removed_at: self.at, removed_by: self.by.clone() });
        }
        let bytes = removals.iter().map(|removal| removal.bytes).sum();
        list(&home, removals)?;
        for path in &paths {
            std::fs::remove_file(path).map_err(|source| SweepError::Remove { path: path.clone(), source })?;
        }
        for found in things {
            if let Thing::Build { key } = &found.thing {
                let folder = home.join(OUTGOING).join(key);
                std::fs::remove_dir_all(&folder)
                    .map_err(|source| SweepError::Remove { path: folder.clone(), source })?;
            }
        }
        Ok(bytes)
    }
}

/// The manifest of a build goes first: without it there is no build.
fn paths_of(home: &Path, thing: &Thing) -> Result<Vec<PathBuf>, SurveyError> {
    match thing {
        Thing::Raw { file } => Ok(vec![home.join(RAW).join(file)]),
        Thing::Report { attempt } => {
            let files = survey::files(&home.join(attempt.to_string()))?;
            Ok(files.into_iter().filter(|path| !is_kept(path)).collect())
        }
        Thing::Build { key } => {
            let mut files = survey::files(&home.join(OUTGOING).join(key))?;
            files.sort_by_key(|path| !path.ends_with("manifest.json"));
            Ok(files)
        }
    }
}

fn list(home: &Path, removals: Vec<Removal>) -> Result<(), SweepError> {
    let path = home.join(REMOVED_FILE);
    let told = |source| SweepError::List { path: path.clone(), source };
    let mut removed = Removed::read(home).map_err(told)?;
    removed.add(removals);
    let aside = tempfile::Builder::new().prefix(".tmp-").tempfile_in(home).map_err(told)?;
    serde_json::to_writer_pretty(&aside, &removed).map_err(|error| told(error.into()))?;
    aside.as_file().sync_all().map_err(told)?;
    aside.persist(&path).map_err(|error| told(error.error))?;
    sync_folder(home).map_err(told)
}
