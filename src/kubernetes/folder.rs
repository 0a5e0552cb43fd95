//! The base on the disk: the project's files that it copies, writing it, and holding it against what would be written.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use super::base::{COPIES, KUSTOMIZATION};
use super::{File, QUERIES, difference};
use crate::exit::{ExitCode, Failure};
use crate::{calendar, config, job, project};

/// Where the base stands in a project, unless it is told otherwise.
pub const FOLDER: &str = "deploy/kubernetes/base";

/// The base cannot be read or written. Exit code 1; text that is none is the project's fault: 78.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error("cannot read {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write {path}")]
    Write { path: PathBuf, source: io::Error },
    #[error("{path} is not UTF-8 text")]
    NotText { path: PathBuf },
}

impl From<FolderError> for Failure {
    fn from(error: FolderError) -> Self {
        let code = match error {
            FolderError::NotText { .. } => ExitCode::Configuration,
            FolderError::Read { .. } | FolderError::Write { .. } => ExitCode::Unexpected,
        };
        Self::new(code, error)
    }
}

/// What becomes of one file of the base, or has become of it since it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is as it should be.
    Same,
    Missing,
    Differs,
    /// Nothing of the project asks for it.
    Extra,
}

/// One file of the base, as it is against as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub path: String,
    pub change: Change,
    /// Line by line; empty where the file is the same.
    pub difference: String,
}

/// The files of a project that pods read.
///
/// # Errors
/// When one cannot be read, or is no text.
pub fn project_files(root: &Path) -> Result<Vec<File>, FolderError> {
    let mut files = vec![root.join(project::FILE)];
    for (folder, what) in [(job::load::FOLDER, "job"), (calendar::load::FOLDER, "calendar")] {
        files.extend(config::yaml_files(root, folder, what).0);
    }
    let queries = std::fs::read_dir(root.join(QUERIES)).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut queries: Vec<PathBuf> = queries.filter(|path| path.extension().is_some_and(|kind| kind == "sql")).collect();
    queries.sort();
    files.extend(queries);
    files.iter().map(|path| Ok(File { path: relative(root, path), text: text(path)? })).collect()
}

/// What stands in a folder against what should; the names in order.
///
/// # Errors
/// When the folder cannot be read.
pub fn compare(folder: &Path, files: &[File]) -> Result<Vec<Finding>, FolderError> {
    let mut found = BTreeMap::new();
    if folder.exists() {
        for path in all_files(folder)? {
            // A file that is no text is none of ours.
            let text = text(&path).or_else(|error| match error {
                FolderError::NotText { .. } => Ok(String::new()),
                other => Err(other),
            })?;
            found.insert(relative(folder, &path), text);
        }
    }
    let names: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let mut findings: Vec<Finding> = files
        .iter()
        .map(|file| {
            let (change, before) = match found.get(&file.path) {
                None => (Change::Missing, ""),
                Some(text) if *text == file.text => (Change::Same, text.as_str()),
                Some(text) => (Change::Differs, text.as_str()),
            };
            Finding { path: file.path.clone(), change, difference: difference(before, &file.text) }
        })
        .collect();
    let extra = found.iter().filter(|(path, _)| !names.contains(path.as_str()));
    findings.extend(extra.map(|(path, text)| Finding {
        path: path.clone(),
        change: Change::Extra,
        difference: difference(text, ""),
    }));
    findings.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(findings)
}

/// Writes the files into a folder, and takes away what an earlier base has left there: manifests that say that they
/// were made, and copies. Says what it found before.
///
/// # Errors
/// When the folder cannot be read or written.
pub fn write(folder: &Path, files: &[File]) -> Result<Vec<Finding>, FolderError> {
    let findings = compare(folder, files)?;
    for finding in &findings {
        let path = folder.join(&finding.path);
        let write_error = |source| FolderError::Write { path: path.clone(), source };
        match finding.change {
            Change::Same => {}
            Change::Extra if is_ours(folder, &finding.path)? => std::fs::remove_file(&path).map_err(write_error)?,
            Change::Extra => tracing::warn!("{} is not of the base, and is left as it is", path.display()),
            Change::Missing | Change::Differs => {
                let file = files.iter().find(|file| file.path == finding.path);
                let text = file.map_or("", |file| file.text.as_str());
                replace(&path, text).map_err(write_error)?;
            }
        }
    }
    Ok(findings)
}

/// Through a temporary file beside it: nobody applies half a manifest.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().prefix(".tmp-").tempfile_in(folder)?;
    io::Write::write_all(&mut file, text.as_bytes())?;
    // Manifests are for everyone to read; temporary files are not.
    let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    file.as_file().set_permissions(readable)?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

fn is_ours(folder: &Path, name: &str) -> Result<bool, FolderError> {
    if name.starts_with(COPIES) {
        return Ok(true);
    }
    let is_manifest = !name.contains('/') && name != KUSTOMIZATION;
    Ok(is_manifest && text(&folder.join(name))?.contains("Made by `tieout k8s render`"))
}

fn text(path: &Path) -> Result<String, FolderError> {
    let bytes = std::fs::read(path).map_err(|source| FolderError::Read { path: path.to_owned(), source })?;
    String::from_utf8(bytes).map_err(|_| FolderError::NotText { path: path.to_owned() })
}

fn relative(folder: &Path, path: &Path) -> String {
    let inside = path.strip_prefix(folder).unwrap_or(path);
    inside.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

fn all_files(folder: &Path) -> Result<Vec<PathBuf>, FolderError> {
    let read_error = |path: &Path, source| FolderError::Read { path: path.to_owned(), source };
    let mut waiting = vec![folder.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(&folder).map_err(|source| read_error(&folder, source))? {
            let path = entry.map_err(|source| read_error(&folder, source))?.path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                files.push(path);
            }
        }
    }
    Ok(files)
}
