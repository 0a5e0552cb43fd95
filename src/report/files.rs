//! The files of a report as they lie there, with their digests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{file_name, report_digest};
use crate::digest;
use crate::job::ReportFormat;

/// A report that is not whole, or cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{path} cannot be read")]
pub struct FilesError {
    pub path: PathBuf,
    pub source: std::io::Error,
}

/// The files of the report in that folder by name, each with its SHA-256; those of `needed` must be there. Folders take
/// no part, nor what programs leave beside a file that they have open (`.name`, `~$name`).
///
/// # Errors
/// When the folder or a file cannot be read.
pub fn files(folder: &Path, needed: &[ReportFormat]) -> Result<BTreeMap<String, String>, FilesError> {
    let told = |path: &Path| {
        let path = path.to_owned();
        move |source| FilesError { path, source }
    };
    for name in needed.iter().copied().map(file_name) {
        let path = folder.join(name);
        std::fs::metadata(&path).map_err(told(&path))?;
    }
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(told(folder))? {
        let path = entry.map_err(told(folder))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if name.starts_with('.') || name.starts_with("~$") || !path.is_file() {
            continue;
        }
        files.insert(name.to_owned(), digest::of_file(&path).map_err(told(&path))?);
    }
    Ok(files)
}

/// The digest of the report in that folder, see [`report_digest`]; none where it is gone.
///
/// # Errors
/// When a file that is there cannot be read.
pub fn digest_of(folder: &Path) -> Result<Option<String>, FilesError> {
    match files(folder, &[ReportFormat::Json]) {
        Ok(files) => Ok(Some(report_digest(&files))),
        Err(error) if error.source.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
