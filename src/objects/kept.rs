//! Where runs leave what they keep: a folder of this machine, or a bucket with a folder before it.
//!
//! All code works on the folder. Where a bucket stands behind it, a run's files are written there before the journal
//! says that they exist, and brought here when a later run or a command asks for them: the folder may be empty at any
//! time, the bucket may not. No object is ever replaced, so whoever comes second with other bytes is told.

use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path, PathBuf};

use sha2::{Digest, Sha256};

use super::client::S3;
use super::error::ObjectError;
use super::place::Place;
use super::put::{DEFAULT_PART_BYTES, Put, digest_of};
use crate::digest::hex;
use crate::exit::{ExitCode, Failure};
use crate::journal::kill;

/// What is on its way has such a name: what a killed process leaves of it is swept.
const UNFINISHED: &str = ".tmp-";
/// The names of raw files say what is in them.
const RAW: &str = "sha256-";
/// Components of `JOB/PERIOD/ATTEMPT`, and of `JOB/PERIOD/raw/NAME`.
const ATTEMPT_DEPTH: usize = 3;
const RAW_DEPTH: usize = 4;

/// Why artifacts could not be kept or brought.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// Exit code 78. Nothing was replaced.
    #[error(
        "{place} is there already with other bytes (sha256 {found}, here {here}): another journal writes to the same \
         artifacts, or this one was set back; give each journal a prefix of its own at `artifacts` in tieout.yaml"
    )]
    OtherBytes { place: Place, found: String, here: String },
    #[error("cannot use {path}; the folder of `cache` in tieout.yaml must be writable and have room")]
    Disk { path: PathBuf, source: io::Error },
}

impl KeepError {
    /// The exit code of a process that ends by it.
    pub const fn exit_code(&self) -> ExitCode {
        match self {
            Self::Object(error) => error.exit_code(),
            Self::OtherBytes { .. } => ExitCode::Configuration,
            Self::Disk { .. } => ExitCode::Unexpected,
        }
    }
}

impl From<KeepError> for Failure {
    fn from(error: KeepError) -> Self {
        Self::new(error.exit_code(), error)
    }
}

/// The artifacts of a project.
#[derive(Debug, Clone)]
pub struct Artifacts {
    folder: PathBuf,
    /// The place ends with a slash, or is a bucket's root.
    kept: Option<(S3, Place)>,
}

impl Artifacts {
    /// In a folder of this machine alone.
    pub const fn on_disk(folder: PathBuf) -> Self {
        Self { folder, kept: None }
    }

    /// In a bucket; the folder holds copies.
    pub fn in_s3(folder: PathBuf, s3: S3, place: Place) -> Self {
        Self { folder, kept: Some((s3, place.folder())) }
    }

    /// As the journal records a path below the folder: where others find it.
    pub fn recorded(&self, path: &Path) -> PathBuf {
        match (&self.kept, self.key(path)) {
            (Some((_, place)), Some(key)) => PathBuf::from(place.join(&key).to_string()),
            _ => path.to_owned(),
        }
    }

    /// Where on this machine a recorded path is, or will be when it is brought. What was recorded on another machine,
    /// or while the artifacts were elsewhere, is found by its last names: `JOB/PERIOD/ATTEMPT`, `JOB/PERIOD/raw/NAME`.
    pub fn here(&self, recorded: &Path) -> PathBuf {
        let elsewhere = recorded.starts_with("s3:") || self.kept.is_some() && !recorded.starts_with(&self.folder);
        if !elsewhere || recorded.is_absolute() && recorded.exists() {
            return recorded.to_owned();
        }
        let names: Vec<_> = recorded.components().filter(|part| matches!(part, Component::Normal(_))).collect();
        let is_raw = recorded.file_name().is_some_and(|name| name.to_string_lossy().starts_with(RAW));
        let depth = if is_raw { RAW_DEPTH } else { ATTEMPT_DEPTH };
        let last = names[names.len().saturating_sub(depth)..].iter();
        last.fold(self.folder.clone(), |path, name| path.join(name))
    }

    /// Brings what is missing here of a folder such as `JOB/PERIOD/ATTEMPT`, file by file, and tells where it is.
    ///
    /// # Errors
    /// When the bucket cannot be read, or an object is not what its writer has stated. That nothing is there is no error.
    pub async fn bring(&self, run: &str) -> Result<PathBuf, KeepError> {
        let folder = self.folder.join(run);
        let Some((s3, place)) = &self.kept else { return Ok(folder) };
        let place = place.join(&format!("{run}/"));
        for found in Box::pin(s3.list(&place)).await? {
            if let Some(name) = name_below(&place, &found.place) {
                Box::pin(self.bring_object(s3, &found.place, &folder.join(name))).await?;
            }
        }
        Ok(folder)
    }

    /// The files of a folder such as `JOB/PERIOD/ATTEMPT` by name, each with its bytes, wherever they are. Nothing is
    /// brought.
    ///
    /// # Errors
    /// When the folder or the bucket cannot be read. That nothing is there is no error.
    pub async fn sizes(&self, folder: &Path) -> Result<BTreeMap<String, u64>, KeepError> {
        let (path, here) = (folder.to_owned(), folder.to_owned());
        let listing = tokio::task::spawn_blocking(move || sizes_here(&here));
        let listed = listing.await.map_err(io::Error::other).and_then(|listed| listed);
        let mut sizes = listed.map_err(|source| KeepError::Disk { path, source })?;
        if let (Some((s3, place)), Some(key)) = (&self.kept, self.key(folder)) {
            let place = place.join(&format!("{key}/"));
            let found = Box::pin(s3.list(&place)).await?;
            let named = found.iter().filter_map(|found| Some((name_below(&place, &found.place)?, found.bytes)));
            sizes.extend(named.map(|(name, bytes)| (name.to_owned(), bytes)));
        }
        Ok(sizes)
    }

    /// Brings one file that is missing here, if the bucket has it.
    ///
    /// # Errors
    /// As [`Self::bring`].
    pub async fn bring_file(&self, path: &Path) -> Result<(), KeepError> {
        let Some((s3, place)) = &self.kept else { return Ok(()) };
        let Some(key) = self.key(path) else { return Ok(()) };
        match Box::pin(self.bring_object(s3, &place.join(&key), path)).await {
            Err(KeepError::Object(error)) if error.is_not_there() => Ok(()),
            brought => brought,
        }
    }

    /// Brings a folder that is whole only with the file `last` in it: all of it or nothing.
    ///
    /// # Errors
    /// As [`Self::bring`].
    pub async fn bring_whole(&self, folder: &Path, last: &str) -> Result<(), KeepError> {
        let (Some((s3, place)), Some(key)) = (&self.kept, self.key(folder)) else { return Ok(()) };
        let place = place.join(&format!("{key}/"));
        if folder.exists() {
            return Ok(());
        }
        let found = Box::pin(s3.list(&place)).await?;
        let names: Vec<_> = found.iter().filter_map(|found| Some((found, name_below(&place, &found.place)?))).collect();
        if names.iter().all(|(_, name)| *name != last) {
            return Ok(());
        }
        let parent = folder.parent().unwrap_or(&self.folder);
        let told = |source| KeepError::Disk { path: folder.to_owned(), source };
        std::fs::create_dir_all(parent).map_err(told)?;
        let aside = tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(parent).map_err(told)?;
        for (found, name) in names {
            Box::pin(self.bring_object(s3, &found.place, &aside.path().join(name))).await?;
        }
        std::fs::rename(aside.path(), folder).map_err(told)?;
        // The folder is no longer where the guard would look for it.
        let _ = aside.keep();
        Ok(())
    }

    async fn bring_object(&self, s3: &S3, place: &Place, path: &Path) -> Result<(), KeepError> {
        if path.is_file() {
            return Ok(());
        }
        let told = |source| KeepError::Disk { path: path.to_owned(), source };
        let parent = path.parent().unwrap_or(&self.folder);
        std::fs::create_dir_all(parent).map_err(told)?;
        let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(parent).map_err(told)?;
        let mut hasher = Sha256::new();
        let mut write = |chunk: &[u8]| {
            hasher.update(chunk);
            io::Write::write_all(file.as_file_mut(), chunk)
        };
        let found = s3.get(place, path, &mut write).await?;
        let read = hex(&hasher.finalize());
        let named = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_prefix(RAW));
        for stated in found.sha256.as_deref().into_iter().chain(named) {
            if stated != read {
                let (found, expected) =
                    (format!("its bytes have sha256 {read}"), format!("{stated} as it was written"));
                return Err(ObjectError::Damaged { doing: "reading", place: place.clone(), found, expected }.into());
            }
        }
        // Not synced: it can be brought again.
        open_to_readers(file.as_file()).map_err(told)?;
        file.persist(path).map_err(|error| told(error.error))?;
        Ok(())
    }

    /// Writes files below the folder to the bucket, in their order; those that are there with the same bytes are
    /// passed over. On a disk they are kept already.
    ///
    /// # Errors
    /// When the bucket cannot be written, or holds other bytes under one of the names.
    pub async fn keep(&self, paths: &[PathBuf]) -> Result<(), KeepError> {
        let Some((s3, place)) = &self.kept else { return Ok(()) };
        for path in paths {
            let Some(key) = self.key(path) else { continue };
            Box::pin(keep_one(s3, place.join(&key), path)).await?;
        }
        Ok(())
    }

    /// The files of an attempt's folder, in the order of their names.
    ///
    /// # Errors
    /// As [`Self::keep`], and when the folder cannot be read.
    pub async fn keep_folder(&self, folder: &Path) -> Result<(), KeepError> {
        if self.kept.is_none() {
            return Ok(());
        }
        let told = |source| KeepError::Disk { path: folder.to_owned(), source };
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(told)? {
            let path = entry.map_err(told)?.path();
            if path.is_file() {
                paths.push(path);
            }
        }
        paths.sort();
        self.keep(&paths).await
    }

    /// The key of a path below the folder.
    fn key(&self, path: &Path) -> Option<String> {
        let below = path.strip_prefix(&self.folder).ok()?;
        let names: Option<Vec<&str>> = below.components().map(|part| part.as_os_str().to_str()).collect();
        names.filter(|names| !names.is_empty()).map(|names| names.join("/"))
    }
}

/// The files of a folder of this machine; none where there is no folder.
fn sizes_here(folder: &Path) -> io::Result<BTreeMap<String, u64>> {
    let mut sizes = BTreeMap::new();
    if !folder.is_dir() {
        return Ok(sizes);
    }
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let file = entry.metadata()?;
        let name = entry.file_name().into_string().ok().filter(|name| !name.starts_with(UNFINISHED));
        sizes.extend(name.filter(|_| file.is_file()).map(|name| (name, file.len())));
    }
    Ok(sizes)
}

async fn keep_one(s3: &S3, place: Place, path: &Path) -> Result<(), KeepError> {
    kill::before("keep");
    let told = |source| KeepError::Disk { path: path.to_owned(), source };
    let named = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_prefix(RAW));
    let (sha256, bytes) = match named {
        Some(sha256) => (sha256.to_owned(), std::fs::metadata(path).map_err(told)?.len()),
        None => digest_of(path).map_err(told)?,
    };
    if is_kept(s3, &place, (&sha256, bytes)).await? {
        return Ok(());
    }
    let put = Put { place, path: path.to_owned(), bytes, sha256, part_bytes: DEFAULT_PART_BYTES };
    match s3.put(&put).await {
        // Another process has been quicker; or an answer of the store was lost, and it was us.
        Err(error) if error.is_there_already() => {
            if is_kept(s3, &put.place, (&put.sha256, bytes)).await? {
                Ok(())
            } else {
                Err(error.into())
            }
        }
        done => Ok(done?),
    }
}

/// Whether the object is there with these bytes; with others is an error.
async fn is_kept(s3: &S3, place: &Place, (sha256, bytes): (&str, u64)) -> Result<bool, KeepError> {
    let found = match s3.head(place).await {
        Err(error) if error.is_not_there() => return Ok(false),
        found => found?,
    };
    let there = if let Some(stated) = found.sha256 {
        stated
    } else {
        // Copied here by other means, without what tieout states.
        let mut hasher = Sha256::new();
        let mut add = |chunk: &[u8]| {
            hasher.update(chunk);
            Ok(())
        };
        s3.get(place, Path::new(""), &mut add).await?;
        hex(&hasher.finalize())
    };
    if there == sha256 && found.bytes == bytes {
        return Ok(true);
    }
    Err(KeepError::OtherBytes { place: place.clone(), found: there, here: sha256.to_owned() })
}

/// The name of an object directly below a place. Whoever can write to the bucket names it: it leads nowhere else.
fn name_below<'p>(folder: &Place, object: &'p Place) -> Option<&'p str> {
    let name = object.key().strip_prefix(folder.key())?;
    let mut parts = Path::new(name).components();
    let plain = matches!((parts.next(), parts.next()), (Some(Component::Normal(part)), None) if part == name);
    (plain && !name.starts_with(UNFINISHED) && !name.contains('\\')).then_some(name)
}

/// Temporary files are private; what is kept is for the reviewer's account too.
#[cfg(unix)]
fn open_to_readers(file: &std::fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn open_to_readers(_file: &std::fs::File) -> io::Result<()> {
    Ok(())
}
