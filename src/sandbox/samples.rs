//! The list of sample files, `files.json`.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::job::FileType;

/// One file that the sandbox lists and serves.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SampleFile {
    pub(super) id: String,
    pub(super) file_type: FileType,
    pub(super) file_name: String,
    pub(super) sent_at: DateTime<Utc>,
    pub(super) last_modified: DateTime<Utc>,
    /// Relative to the folder of `files.json`.
    pub(super) path: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    files: Vec<SampleFile>,
}

/// Samples that cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum SamplesError {
    #[error("cannot read {path}; is this the folder of the samples?")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{path} is not the list of samples")]
    Malformed { path: PathBuf, source: serde_json::Error },
    #[error("{path}: file {id} stands there twice")]
    Repeated { path: PathBuf, id: String },
    #[error("{path}: file {id} has a path that leads out of the samples: {target}")]
    Outside { path: PathBuf, id: String, target: PathBuf },
    #[error("file {id}: {path} is not there")]
    Missing { id: String, path: PathBuf },
}

/// Reads `files.json` of the folder; the paths become absolute.
pub(super) fn read(folder: &Path) -> Result<Vec<SampleFile>, SamplesError> {
    let path = folder.join("files.json");
    let text = std::fs::read(&path).map_err(|source| SamplesError::Unreadable { path: path.clone(), source })?;
    let written: Written =
        serde_json::from_slice(&text).map_err(|source| SamplesError::Malformed { path: path.clone(), source })?;
    let mut ids = BTreeSet::new();
    let mut files = written.files;
    for file in &mut files {
        if !ids.insert(file.id.clone()) {
            return Err(SamplesError::Repeated { path, id: file.id.clone() });
        }
        if !file.path.components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(SamplesError::Outside { path, id: file.id.clone(), target: file.path.clone() });
        }
        file.path = folder.join(&file.path);
        if !file.path.is_file() {
            return Err(SamplesError::Missing { id: file.id.clone(), path: file.path.clone() });
        }
    }
    files.sort_by(|a, b| (a.sent_at, &a.id).cmp(&(b.sent_at, &b.id)));
    Ok(files)
}

/// A file of another provider's samples; none where it is not there.
pub(super) fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>, SamplesError> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(SamplesError::Unreadable { path: path.to_owned(), source }),
    };
    let malformed = |source| SamplesError::Malformed { path: path.to_owned(), source };
    serde_json::from_slice(&text).map(Some).map_err(malformed)
}
