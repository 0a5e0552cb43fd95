//! Local files: a path or glob below the data folder, copied into the raw store.

use std::path::{Component, Path, PathBuf};

use rayon::prelude::*;

use super::passing::Once;
use super::store::{CopyError, RawStore};
use super::{Origin, RawFile};
use crate::exit::ExitCode;
use crate::period::Period;

/// Why the local files of an input cannot be taken. A pattern that names nothing is no error.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("`{pattern}` leaves the data folder; expected a relative path without `..`, below {root}")]
    PatternOutside { pattern: String, root: PathBuf },
    #[error("`{pattern}` is not a path or glob")]
    Pattern { pattern: String, source: glob::PatternError },
    #[error(
        "{name} is a link to {target}, outside the data folder {root}; copy the file there, or move the folder (`data:` in tieout.yaml)"
    )]
    LinkOutside { name: String, target: PathBuf, root: PathBuf },
    #[error("{name} is not a file; expected a file, or a glob that names files (such as {name}/*.csv)")]
    NotAFile { name: String },
    #[error("cannot read {path}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("cannot store a copy of {name}")]
    Store { name: String, source: std::io::Error },
}

impl FileError {
    /// How the process ends: a disk that is full says nothing about the input.
    pub const fn exit_code(&self) -> ExitCode {
        match self {
            Self::Store { .. } => ExitCode::Unexpected,
            Self::PatternOutside { .. }
            | Self::Pattern { .. }
            | Self::LinkOutside { .. }
            | Self::NotAFile { .. }
            | Self::Read { .. } => ExitCode::InputData,
        }
    }
}

/// Copies every file that `pattern` names into the store, in order of their names.
///
/// `{period}` stands for the period's label. Names are relative to `root`; nothing outside of it
/// is read, neither by `..` nor by a link. No match is an empty list.
///
/// # Errors
/// When the pattern or a link leads outside, a file cannot be read, or the store cannot be written.
pub fn pull(root: &Path, pattern: &str, period: &Period, store: &RawStore) -> Result<Vec<RawFile>, FileError> {
    let pattern = pattern.replace("{period}", &period.label);
    let inside = Path::new(&pattern).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !inside {
        return Err(FileError::PatternOutside { pattern, root: root.to_owned() });
    }
    let mut found = matches(root, &pattern)?;
    found.sort();
    found.dedup();
    copy_all(root, found, store)
}

/// Names (relative, for people and for order) and paths of what the pattern stands for.
fn matches(root: &Path, pattern: &str) -> Result<Vec<(String, PathBuf)>, FileError> {
    // A file that is really called `a[1].csv` is meant as it is written.
    let literal = root.join(pattern);
    if literal.is_dir() {
        return Err(FileError::NotAFile { name: pattern.to_owned() });
    }
    if literal.exists() {
        return Ok(vec![(relative_name(root, &literal), literal)]);
    }
    glob::Pattern::new(pattern).map_err(|source| FileError::Pattern { pattern: pattern.to_owned(), source })?;
    let options =
        glob::MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };
    let whole = Path::new(&glob::Pattern::escape(&root.to_string_lossy())).join(pattern);
    let paths = glob::glob_with(&whole.to_string_lossy(), options)
        .map_err(|source| FileError::Pattern { pattern: pattern.to_owned(), source })?;
    let mut found = Vec::new();
    for path in paths {
        let path = path.map_err(|error| FileError::Read { path: error.path().to_owned(), source: error.into() })?;
        if !path.is_dir() {
            found.push((relative_name(root, &path), path));
        }
    }
    Ok(found)
}

fn relative_name(root: &Path, path: &Path) -> String {
    let relative = path.strip_prefix(root).unwrap_or(path);
    relative.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// Copies files side by side: each waits for the disk at its end. In their order; of several that fail the first is told.
fn copy_all(root: &Path, found: Vec<(String, PathBuf)>, store: &RawStore) -> Result<Vec<RawFile>, FileError> {
    let copying = found.into_par_iter().map(|(name, path)| copy(root, name, &path, store));
    let copied: Vec<Result<RawFile, FileError>> = copying.collect();
    copied.into_iter().collect()
}

fn copy(root: &Path, name: String, path: &Path, store: &RawStore) -> Result<RawFile, FileError> {
    let unreadable = |source| FileError::Read { path: path.to_owned(), source };
    let real = path.canonicalize().map_err(unreadable)?;
    if !real.starts_with(root.canonicalize().map_err(unreadable)?) {
        return Err(FileError::LinkOutside { name, target: real, root: root.to_owned() });
    }
    // The resolved path is opened, so that a link changed meanwhile leads nowhere else.
    let mut file = Once::open(&real, store.held_bytes()).map_err(unreadable)?;
    let unstorable = |source| FileError::Store { name: name.clone(), source };
    let mut writer = store.begin().map_err(unstorable)?;
    writer.write_all_of(&mut file).map_err(|error| match error {
        CopyError::Read(source) => unreadable(source),
        CopyError::Write(source) => unstorable(source),
    })?;
    let origin = Origin::Path { path: name.clone() };
    writer.finish(name.clone(), origin).map_err(unstorable)
}
