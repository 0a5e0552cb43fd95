//! The raw store: bytes on disk under the name of their digest, whole or not at all.

use std::io::Write;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::{Origin, RawFile};
use crate::digest::hex;

/// `ARTIFACTS/JOB/PERIOD/raw/`: shared by all attempts of a period, so that a rerun needs no provider.
#[derive(Debug, Clone)]
pub struct RawStore {
    folder: PathBuf,
}

impl RawStore {
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(folder: impl Into<PathBuf>) -> std::io::Result<Self> {
        let folder = folder.into();
        std::fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    /// Starts one file. Dropping the writer leaves nothing behind.
    ///
    /// # Errors
    /// When the temporary file cannot be made.
    pub fn begin(&self) -> std::io::Result<RawWriter> {
        let file = tempfile::Builder::new().prefix(".tmp-").tempfile_in(&self.folder)?;
        Ok(RawWriter { folder: self.folder.clone(), file, hasher: Sha256::new(), bytes: 0 })
    }

    /// Where a digest's bytes lie, if they are there.
    pub fn find(&self, sha256: &str) -> Option<PathBuf> {
        let path = self.folder.join(stored_name(sha256));
        path.is_file().then_some(path)
    }
}

/// One raw file on its way to disk.
#[derive(Debug)]
pub struct RawWriter {
    folder: PathBuf,
    file: NamedTempFile,
    hasher: Sha256,
    bytes: u64,
}

impl RawWriter {
    /// # Errors
    /// When the disk refuses.
    pub fn write(&mut self, chunk: &[u8]) -> std::io::Result<()> {
        self.file.write_all(chunk)?;
        self.hasher.update(chunk);
        self.bytes += chunk.len() as u64;
        Ok(())
    }

    /// Bytes written so far.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Makes the bytes durable under their digest. The same bytes twice are one file.
    ///
    /// # Errors
    /// When the disk refuses; then nothing is left.
    pub fn finish(self, name: String, origin: Origin) -> std::io::Result<RawFile> {
        self.file.as_file().sync_all()?;
        let sha256 = hex(&self.hasher.finalize());
        let stored = self.folder.join(stored_name(&sha256));
        self.file.persist(&stored).map_err(|error| error.error)?;
        sync_folder(&self.folder)?;
        Ok(RawFile { name, origin, stored, sha256, bytes: self.bytes })
    }
}

fn stored_name(sha256: &str) -> String {
    format!("sha256-{sha256}")
}

/// Makes a rename in `folder` survive a power loss.
///
/// # Errors
/// When the folder cannot be opened or synced.
pub fn sync_folder(folder: &Path) -> std::io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}
