//! Where sealed parcels lie until they are sent, and as long as anyone may ask about them: a folder
//! for each build, whole or not there at all.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use flate2::bufread::GzDecoder;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::manifest::{Manifest, Parcel, SourcePlace};
use super::places;
use super::sealed;
use crate::digest;
use crate::journal::kill;
use crate::objects::{Artifacts, KeepError};
use crate::sources::store::Keeping;

/// The manifest: written last.
const MANIFEST: &str = "manifest.json";
/// The places of all rows, see `places`.
pub(super) const PLACES: &str = "places";
/// The lines of all calls, one call after the other.
pub(super) const PARTS: &str = "parts.jsonl";
const CHUNK_BYTES: usize = 256 << 10;

/// Why the spool cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    #[error("cannot use the spool's {path}")]
    Io { path: PathBuf, source: io::Error },
    #[error("{path} cannot be read as a manifest; remove its folder to have it built again, with the same bytes")]
    Manifest { path: PathBuf, source: serde_json::Error },
    #[error("{path} is a manifest of version {found}; this program reads version {}", Manifest::VERSION)]
    Version { path: PathBuf, found: u32 },
    #[error(
        "{path} has {found} bytes; expected {expected} as it was sealed: remove its folder to have it built again, with the same bytes"
    )]
    Size { path: PathBuf, found: u64, expected: u64 },
    #[error(
        "{path}: the bytes of {parcel} have the digest {found}; expected {expected} as it was sealed: remove its folder to have it built again, with the same bytes"
    )]
    Digest { path: PathBuf, parcel: String, found: String, expected: String },
    #[error("{path}: {what}, which was not written by this program")]
    Foreign { path: PathBuf, what: String },
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> SpoolError {
    let path = path.to_owned();
    move |source| SpoolError::Io { path, source }
}

/// `ARTIFACTS/JOB/PERIOD/spool/`: the builds of a period, each under its key.
#[derive(Debug, Clone)]
pub struct Spool {
    folder: PathBuf,
    keeping: Keeping,
}

impl Spool {
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, SpoolError> {
        Self::new(folder.into(), Keeping::Durable)
    }

    /// A spool in a temporary folder, from which nothing is sent.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn scratch(folder: impl Into<PathBuf>) -> Result<Self, SpoolError> {
        Self::new(folder.into(), Keeping::Scratch)
    }

    fn new(folder: PathBuf, keeping: Keeping) -> Result<Self, SpoolError> {
        std::fs::create_dir_all(&folder).map_err(io_error(&folder))?;
        Ok(Self { folder, keeping })
    }

    /// The build with this key, if it was sealed. The sizes of its files are looked at, not their digests
    /// (see [`Sealed::verify`]).
    ///
    /// # Errors
    /// When it was sealed and is no longer whole.
    pub fn find(&self, key: &str) -> Result<Option<Sealed>, SpoolError> {
        let folder = self.folder.join(key);
        if !folder.is_dir() {
            return Ok(None);
        }
        let path = folder.join(MANIFEST);
        let bytes = std::fs::read(&path).map_err(io_error(&path))?;
        let unreadable = |source| SpoolError::Manifest { path: path.clone(), source };
        let Version { version } = serde_json::from_slice(&bytes).map_err(unreadable)?;
        if version != Manifest::VERSION {
            return Err(SpoolError::Version { path, found: version });
        }
        let manifest: Manifest = serde_json::from_slice(&bytes).map_err(unreadable)?;
        let sealed = Sealed { folder, manifest };
        sealed.check_sizes()?;
        Ok(Some(sealed))
    }

    /// Brings a sealed build into the folder of a spool, whole or not at all, where it is kept elsewhere.
    ///
    /// # Errors
    /// When it cannot be brought.
    pub async fn bring(kept: &Artifacts, folder: &Path, key: &str) -> Result<(), KeepError> {
        kept.bring_whole(&folder.join(key), MANIFEST).await
    }

    /// The folder of the builds.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// An empty folder for a build. What an earlier, killed one left under the same key goes.
    pub(super) fn begin(&self, key: &str) -> Result<Draft, SpoolError> {
        let folder = self.folder.join(format!(".tmp-{key}"));
        let draft = Draft { spool: self.folder.clone(), folder, keeping: self.keeping, sealed: false };
        draft.clear()?;
        Ok(draft)
    }
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

/// A build on its way. Dropped before it is sealed, it leaves nothing.
#[derive(Debug)]
pub(super) struct Draft {
    spool: PathBuf,
    pub(super) folder: PathBuf,
    pub(super) keeping: Keeping,
    sealed: bool,
}

impl Draft {
    /// Begins anew.
    pub(super) fn clear(&self) -> Result<(), SpoolError> {
        match std::fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io_error(&self.folder)(error)),
            _ => {}
        }
        std::fs::create_dir(&self.folder).map_err(io_error(&self.folder))
    }

    /// Makes the build appear under its key, durably unless the spool is a scratch one. Its files are synced already.
    pub(super) fn seal(mut self, manifest: Manifest) -> Result<Sealed, SpoolError> {
        let path = self.folder.join(MANIFEST);
        let bytes = serde_json::to_vec_pretty(&manifest)
            .map_err(|source| SpoolError::Manifest { path: path.clone(), source })?;
        let write = || {
            let mut file = File::create(&path)?;
            io::Write::write_all(&mut file, &bytes)?;
            self.keeping.sync(&file)?;
            self.keeping.sync_folder(&self.folder)
        };
        write().map_err(io_error(&path))?;
        let folder = self.spool.join(&manifest.key);
        kill::before("seal");
        std::fs::rename(&self.folder, &folder).map_err(io_error(&folder))?;
        kill::after("seal");
        self.sealed = true;
        self.keeping.sync_folder(&self.spool).map_err(io_error(&self.spool))?;
        Ok(Sealed { folder, manifest })
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.sealed {
            // What cannot be removed now is removed by the next build of the same key.
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

/// A sealed build.
#[derive(Debug, Clone)]
pub struct Sealed {
    folder: PathBuf,
    manifest: Manifest,
}

/// A row of a parcel, found again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundRow {
    /// In the parcel, from 1.
    pub line: u64,
    pub event_id: String,
    pub transaction_id: Option<String>,
    pub user_id: Option<String>,
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// Where it stands in the source.
    pub source: SourcePlace,
}

impl Sealed {
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Where it lies. What belongs to sending it may be kept beside it.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The files that it consists of, the manifest last: what has that is whole. The URLs of bulk files are none of
    /// them: they are secrets of this machine, and soon of no use.
    pub fn files(&self) -> Vec<PathBuf> {
        let stored: BTreeSet<&str> = self.manifest.parcels.iter().map(|parcel| parcel.stored.as_str()).collect();
        let files = stored.into_iter().chain([PLACES]).map(|name| self.folder.join(name)).filter(|path| path.exists());
        files.chain([self.folder.join(MANIFEST)]).collect()
    }

    /// The file whose bytes, all of them, are sent as a bulk file.
    pub fn path(&self, parcel: &Parcel) -> PathBuf {
        self.folder.join(&parcel.stored)
    }

    /// All bytes of a parcel: for calls; a bulk file is streamed from [`Self::path`].
    ///
    /// # Errors
    /// When they cannot be read, or are not those that were sealed.
    pub fn bytes(&self, parcel: &Parcel) -> Result<Vec<u8>, SpoolError> {
        let path = self.path(parcel);
        let mut bytes = Vec::new();
        self.reader(parcel)?.read_to_end(&mut bytes).map_err(io_error(&path))?;
        self.expect_digest(parcel, digest::sha256(&bytes))?;
        Ok(bytes)
    }

    /// Reads a parcel to its end and compares its digest.
    ///
    /// # Errors
    /// When it cannot be read, or is not what was sealed.
    pub fn verify(&self, parcel: &Parcel) -> Result<(), SpoolError> {
        let path = self.path(parcel);
        let mut reader = self.reader(parcel)?;
        let mut hasher = Sha256::new();
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let length = reader.read(&mut chunk).map_err(io_error(&path))?;
            if length == 0 {
                break;
            }
            hasher.update(&chunk[..length]);
        }
        self.expect_digest(parcel, digest::hex(&hasher.finalize()))
    }

    /// The rows of a parcel with one of these event ids, or on one of these lines (from 1), in their
    /// order. Reads the parcel as a stream, to its end.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn find(
        &self,
        parcel: &Parcel,
        event_ids: &BTreeSet<String>,
        lines: &BTreeSet<u64>,
    ) -> Result<Vec<FoundRow>, SpoolError> {
        self.rows_where(parcel, |number, line| {
            let id = sealed::text_field(line, "id").and_then(sealed::unescaped);
            lines.contains(&number) || id.is_some_and(|id| event_ids.contains(id.as_ref()))
        })
    }

    /// The rows of a parcel that are about a transaction, likewise.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of_transaction(&self, parcel: &Parcel, transaction: &str) -> Result<Vec<FoundRow>, SpoolError> {
        self.rows_where(parcel, |_, line| {
            let id = sealed::text_field(line, "transactionId").and_then(sealed::unescaped);
            id.is_some_and(|id| id == transaction)
        })
    }

    /// The rows that are wanted, by their number from 1 and their text.
    fn rows_where(&self, parcel: &Parcel, wanted: impl Fn(u64, &[u8]) -> bool) -> Result<Vec<FoundRow>, SpoolError> {
        let path = self.path(parcel);
        let foreign = |what: &str| SpoolError::Foreign { path: path.clone(), what: what.to_owned() };
        let mut reader = self.text(parcel)?;
        let mut runs = self.runs(parcel)?.into_iter();
        let mut run = runs.next();
        let mut index = 0;
        let mut found = Vec::new();
        let mut line = Vec::new();
        for number in 1_u64.. {
            line.clear();
            if reader.read_until(b'\n', &mut line).map_err(io_error(&path))? == 0 {
                break;
            }
            let current = run.ok_or_else(|| foreign("more lines than places"))?;
            if wanted(number, &line) {
                let source = current.place(index);
                found.push(found_row(&line, number, source).ok_or_else(|| foreign("a line that is no record"))?);
            }
            index += 1;
            if index == current.rows {
                (run, index) = (runs.next(), 0);
            }
        }
        Ok(found)
    }

    /// The parcel's lines, unfolded.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn text(&self, parcel: &Parcel) -> Result<Box<dyn BufRead>, SpoolError> {
        let reader = BufReader::with_capacity(CHUNK_BYTES, self.reader(parcel)?);
        if parcel.stored == PARTS {
            return Ok(Box::new(reader));
        }
        Ok(Box::new(BufReader::with_capacity(CHUNK_BYTES, GzDecoder::new(reader))))
    }

    fn reader(&self, parcel: &Parcel) -> Result<io::Take<File>, SpoolError> {
        let path = self.path(parcel);
        let mut file = File::open(&path).map_err(io_error(&path))?;
        file.seek(SeekFrom::Start(parcel.offset)).map_err(io_error(&path))?;
        Ok(file.take(parcel.bytes))
    }

    fn runs(&self, parcel: &Parcel) -> Result<Vec<places::Run>, SpoolError> {
        let path = self.folder.join(PLACES);
        let mut bytes = Vec::new();
        let mut read = || {
            let mut file = File::open(&path)?;
            file.seek(SeekFrom::Start(parcel.places_at))?;
            file.take(parcel.places_bytes).read_to_end(&mut bytes)
        };
        read().map_err(io_error(&path))?;
        let what = || format!("no places at byte {}", parcel.places_at);
        places::read(&bytes).ok_or_else(|| SpoolError::Foreign { path: path.clone(), what: what() })
    }

    fn expect_digest(&self, parcel: &Parcel, found: String) -> Result<(), SpoolError> {
        if found == parcel.sha256 {
            return Ok(());
        }
        let (path, parcel, expected) = (self.path(parcel), parcel.name.clone(), parcel.sha256.clone());
        Err(SpoolError::Digest { path, parcel, found, expected })
    }

    fn check_sizes(&self) -> Result<(), SpoolError> {
        let mut expected = std::collections::BTreeMap::<&str, u64>::new();
        for parcel in &self.manifest.parcels {
            *expected.entry(&parcel.stored).or_default() += parcel.bytes;
            *expected.entry(PLACES).or_default() += parcel.places_bytes;
        }
        for (name, expected) in expected {
            let path = self.folder.join(name);
            let found = path.metadata().map_err(io_error(&path))?.len();
            if found != expected {
                return Err(SpoolError::Size { path, found, expected });
            }
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Record {
    id: String,
    attributes: Attributes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attributes {
    transaction_id: Option<String>,
    user_id: Option<String>,
    amount: i64,
    currency: Option<String>,
}

fn found_row(line: &[u8], number: u64, source: SourcePlace) -> Option<FoundRow> {
    let Record { id, attributes } = serde_json::from_slice(line).ok()?;
    let Attributes { transaction_id, user_id, amount, currency } = attributes;
    let currency = currency.unwrap_or_else(|| sealed::CENTS_CODE.to_owned());
    Some(FoundRow { line: number, event_id: id, transaction_id, user_id, amount_minor: amount, currency, source })
}
