//! The raw store: bytes on disk under the name of their digest, whole or not at all.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::passing::Passing;
use super::{Origin, RawFile};
use crate::digest::hex;

/// Bytes copied at a time.
const CHUNK_BYTES: usize = 256 << 10;
/// Chunks between the thread that copies and the one that digests.
const CHUNKS: usize = 8;
/// Files that wait to be synced together; there are only so many open files.
const MOST_UNSYNCED: usize = 64;

/// How long what is written has to last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// A loss of power takes nothing that was finished.
    Durable,
    /// The same once the store is settled, which others may wait for while this one reads the bytes already.
    Settled,
    /// It goes with the process: nobody waits for the disk.
    Scratch,
}

impl Keeping {
    /// Waits until a file's bytes lie on the disk, if they have to last.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn sync(self, file: &File) -> io::Result<()> {
        if self == Self::Durable { file.sync_all() } else { Ok(()) }
    }

    /// The same for the names in a folder.
    ///
    /// # Errors
    /// When the folder cannot be opened or synced.
    pub fn sync_folder(self, folder: &Path) -> io::Result<()> {
        if self == Self::Durable { sync_folder(folder) } else { Ok(()) }
    }
}

/// `ARTIFACTS/JOB/PERIOD/raw/`: shared by all attempts of a period, so that a rerun needs no provider.
#[derive(Debug, Clone)]
pub struct RawStore {
    folder: PathBuf,
    keeping: Keeping,
    unsynced: Unsynced,
    held_bytes: u64,
}

/// Files that bear their names and whose bytes may not lie on the disk yet.
type Unsynced = Arc<Mutex<Vec<File>>>;

impl RawStore {
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(folder: impl Into<PathBuf>) -> io::Result<Self> {
        Self::new(folder.into(), Keeping::Durable)
    }

    /// A store whose files last once [`Self::settle`] has returned. Until then a loss of power may leave less than all of a
    /// file under its name: whatever says that it is there has to wait.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn to_settle(folder: impl Into<PathBuf>) -> io::Result<Self> {
        Self::new(folder.into(), Keeping::Settled)
    }

    /// Waits until every file that was finished lies on the disk.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn settle(&self) -> io::Result<()> {
        let files = std::mem::take(&mut *self.unsynced.lock().unwrap_or_else(PoisonError::into_inner));
        if files.is_empty() {
            return Ok(());
        }
        files.iter().try_for_each(File::sync_all)?;
        sync_folder(&self.folder)
    }

    /// A store in a temporary folder, for what nobody asks for afterwards.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn scratch(folder: impl Into<PathBuf>) -> io::Result<Self> {
        Self::new(folder.into(), Keeping::Scratch)
    }

    fn new(folder: PathBuf, keeping: Keeping) -> io::Result<Self> {
        std::fs::create_dir_all(&folder)?;
        Ok(Self { folder, keeping, unsynced: Unsynced::default(), held_bytes: u64::MAX })
    }

    /// The same, where the system need not keep in its memory what has passed of a longer file.
    #[must_use]
    pub fn holding(self, held_bytes: u64) -> Self {
        Self { held_bytes, ..self }
    }

    pub(super) const fn held_bytes(&self) -> u64 {
        self.held_bytes
    }

    /// Starts one file. Dropping the writer leaves nothing behind.
    ///
    /// # Errors
    /// When the temporary file cannot be made.
    pub fn begin(&self) -> io::Result<RawWriter> {
        let file = tempfile::Builder::new().prefix(".tmp-").tempfile_in(&self.folder)?;
        let passing = Passing::beyond(self.held_bytes);
        Ok(RawWriter { store: self.clone(), file, hasher: Sha256::new(), bytes: 0, passing })
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
    store: RawStore,
    file: NamedTempFile,
    hasher: Sha256,
    bytes: u64,
    passing: Passing,
}

impl RawWriter {
    /// # Errors
    /// When the disk refuses.
    pub fn write(&mut self, chunk: &[u8]) -> io::Result<()> {
        self.file.write_all(chunk)?;
        self.hasher.update(chunk);
        self.bytes += chunk.len() as u64;
        self.passing.passed(self.file.as_file(), self.bytes);
        Ok(())
    }

    /// Writes all that `from` gives. What is longer than a chunk is digested by a thread of its own
    /// while this one copies on.
    ///
    /// # Errors
    /// When it cannot be read, or the disk refuses.
    ///
    /// # Panics
    /// When the thread that digests does.
    pub fn write_all_of(&mut self, from: &mut impl Read) -> Result<(), CopyError> {
        let first = next_chunk(from, Vec::new()).map_err(CopyError::Read)?;
        if first.len() < CHUNK_BYTES {
            return self.write(&first).map_err(CopyError::Write);
        }
        let Self { file, hasher, bytes, passing, .. } = self;
        std::thread::scope(|scope| {
            // Both are declared in here: whichever way this ends, the other thread hears of it.
            let (full_in, full) = mpsc::channel::<Vec<u8>>();
            let (empty_in, empty) = mpsc::channel();
            for _ in 1..CHUNKS {
                empty_in.send(Vec::new()).expect("its receiver is here");
            }
            scope.spawn(move || {
                for chunk in full {
                    hasher.update(&chunk);
                    // The copying may be done.
                    let _ = empty_in.send(chunk);
                }
            });
            let mut chunk = first;
            while !chunk.is_empty() {
                file.write_all(&chunk).map_err(CopyError::Write)?;
                *bytes += chunk.len() as u64;
                passing.passed(file.as_file(), *bytes);
                full_in.send(chunk).expect("whoever digests ends after the last chunk");
                let empty = empty.recv().expect("whoever digests gives every chunk back");
                chunk = next_chunk(from, empty).map_err(CopyError::Read)?;
            }
            Ok(())
        })
    }

    /// Bytes written so far.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Makes the bytes appear under their digest, as durably as the store keeps them. The same bytes twice are one file.
    ///
    /// # Errors
    /// When the disk refuses; then nothing is left.
    pub fn finish(self, name: String, origin: Origin) -> io::Result<RawFile> {
        let Self { store, file, hasher, bytes, .. } = self;
        store.keeping.sync(file.as_file())?;
        let sha256 = hex(&hasher.finalize());
        let stored = store.folder.join(stored_name(&sha256));
        let file = file.persist(&stored).map_err(|error| error.error)?;
        store.keeping.sync_folder(&store.folder)?;
        if store.keeping == Keeping::Settled {
            let mut unsynced = store.unsynced.lock().unwrap_or_else(PoisonError::into_inner);
            unsynced.push(file);
            let many = unsynced.len() >= MOST_UNSYNCED;
            drop(unsynced);
            if many {
                store.settle()?;
            }
        }
        Ok(RawFile { name, origin, stored, sha256, bytes })
    }
}

/// Why bytes could not be copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    #[error("cannot be read")]
    Read(#[source] io::Error),
    #[error("cannot be written")]
    Write(#[source] io::Error),
}

/// Fills a used buffer anew; shorter than a chunk only at the end.
fn next_chunk(from: &mut impl Read, mut buffer: Vec<u8>) -> io::Result<Vec<u8>> {
    buffer.clear();
    buffer.reserve_exact(CHUNK_BYTES);
    from.take(CHUNK_BYTES as u64).read_to_end(&mut buffer)?;
    Ok(buffer)
}

fn stored_name(sha256: &str) -> String {
    format!("sha256-{sha256}")
}

/// Makes a rename in `folder` survive a power loss.
///
/// # Errors
/// When the folder cannot be opened or synced.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
