//! Copies of the segments in a bucket, for jobs that run elsewhere: `PLACE/webhooks-2025-03-19.RECEIVER.FROM.jsonl`.
//!
//! A segment goes there in pieces of whole lines that are on the disk already; each is written once and never replaced.
//! The name says which receiver it is of and at which byte of its segment it begins, so that receivers cannot meet, and a
//! receiver that was killed goes on where the bucket ends. The folder stays what notifications are answered by.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::Utc;
use tokio::sync::oneshot;

use super::segment::{self, REJECTED, TAKEN};
use crate::digest::sha256;
use crate::objects::{ObjectError, Place, Put, S3};

/// The receiver's own name, made once in its folder.
const NAME: &str = ".webhooks.name";
/// A piece has no more bytes, unless its first line has.
const PIECE_BYTES: u64 = 16 << 20;
/// The last pieces get this long when the receiver ends.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where pieces go, and how often.
#[derive(Debug, Clone)]
pub struct Publish {
    pub s3: S3,
    /// A folder.
    pub place: Place,
    pub every: Duration,
}

/// Why a segment could not be copied.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error(transparent)]
    Object(#[from] ObjectError),
    #[error("cannot read {path} to copy it to the bucket")]
    Segment { path: PathBuf, source: io::Error },
    #[error(
        "{path} has {found} bytes, and {published} of it are in the bucket: somebody has replaced it; what it holds now is \
         not copied"
    )]
    Shorter { path: PathBuf, found: u64, published: u64 },
}

/// Up to where segments are on the disk, as the writer knows it.
#[derive(Debug, Clone, Default)]
pub(super) struct Durable(Arc<Mutex<HashMap<PathBuf, u64>>>);

impl Durable {
    pub(super) fn is(&self, path: &Path, bytes: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), bytes);
    }

    fn of(&self, path: &Path) -> Option<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(path).copied()
    }
}

/// What copies the segments of one receiver.
#[derive(Debug)]
pub(super) struct Publisher {
    to: Publish,
    folder: PathBuf,
    durable: Durable,
    /// Segment → so many of its bytes are in the bucket; empty until the bucket was asked.
    published: Option<HashMap<String, u64>>,
    name: String,
}

/// A publisher at work.
#[derive(Debug)]
pub(super) struct Publishing {
    task: tokio::task::JoinHandle<()>,
    stop: oneshot::Sender<()>,
}

impl Publisher {
    /// # Errors
    /// When the folder cannot be used.
    pub(super) fn new(to: Publish, folder: PathBuf, durable: Durable) -> io::Result<Self> {
        let name = own_name(&folder)?;
        Ok(Self { to, folder, durable, published: None, name })
    }

    /// Copies what is new, again and again.
    pub(super) fn begin(mut self) -> Publishing {
        let (stop, mut stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            loop {
                let last = tokio::select! {
                    () = tokio::time::sleep(self.to.every) => false,
                    _ = &mut stopped => true,
                };
                if let Err(error) = self.publish().await {
                    let error = format!("{:#}", anyhow::Error::new(error));
                    tracing::warn!("notifications are not copied to {} now: {error}", self.to.place);
                }
                if last {
                    return;
                }
            }
        });
        Publishing { task, stop }
    }

    /// Copies all whole lines that are on the disk and not in the bucket.
    async fn publish(&mut self) -> Result<(), PublishError> {
        let mut published = match self.published.take() {
            Some(published) => published,
            None => self.in_bucket().await?,
        };
        let mut outcome = Ok(());
        for kind in [TAKEN, REJECTED] {
            let segments = segment::list(&self.folder, kind)
                .map_err(|source| PublishError::Segment { path: self.folder.clone(), source });
            match segments {
                // One that cannot be copied keeps no other back; the first reason is told.
                Ok(segments) => {
                    for (_, path) in segments {
                        outcome = outcome.and(self.segment(&path, &mut published).await);
                    }
                }
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        self.published = Some(published);
        outcome
    }

    async fn segment(&self, path: &Path, published: &mut HashMap<String, u64>) -> Result<(), PublishError> {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let told = |source| PublishError::Segment { path: path.to_owned(), source };
        // The length first: the writer says how far it is before it writes on.
        let length = std::fs::metadata(path).map_err(told)?.len();
        let end = self.durable.of(path).unwrap_or(length);
        let next = published.entry(stem.to_owned()).or_default();
        if end < *next {
            return Err(PublishError::Shorter { path: path.to_owned(), found: end, published: *next });
        }
        while *next < end {
            let lines = whole_lines(path, *next, end).map_err(told)?;
            if lines.is_empty() {
                break;
            }
            let place = self.to.place.join(&format!("{stem}.{}.{:012}.jsonl", self.name, *next));
            let mut file = tempfile::NamedTempFile::new().map_err(told)?;
            file.write_all(&lines).map_err(told)?;
            let (bytes, sha256) = (lines.len() as u64, sha256(&lines));
            let put = Put { bytes, sha256, ..Put::of(place, file.path()).map_err(told)? };
            *next += match self.to.s3.put(&put).await {
                Ok(()) => bytes,
                // Written before this receiver was killed, or the answer was lost: it goes on after it.
                Err(error) if error.is_there_already() => self.to.s3.head(&put.place).await?.bytes,
                Err(error) => return Err(error.into()),
            };
        }
        Ok(())
    }

    /// Segment → up to where the bucket has it from this receiver.
    async fn in_bucket(&self) -> Result<HashMap<String, u64>, PublishError> {
        let mut published = HashMap::new();
        for kind in [TAKEN, REJECTED] {
            for (day, _) in segment::list(&self.folder, kind)
                .map_err(|source| PublishError::Segment { path: self.folder.clone(), source })?
            {
                let stem = format!("{kind}-{}", day.format("%Y-%m-%d"));
                let place = self.to.place.join(&format!("{stem}.{}.", self.name));
                let ends = self.to.s3.list(&place).await?.into_iter().filter_map(|found| {
                    let from = found.place.key().strip_prefix(place.key())?.strip_suffix(".jsonl")?;
                    Some(from.parse::<u64>().ok()? + found.bytes)
                });
                published.insert(stem, ends.max().unwrap_or_default());
            }
        }
        Ok(published)
    }
}

impl Publishing {
    /// Copies what came last, as long as the bucket does not take too long.
    pub(super) async fn end(self) {
        let Self { mut task, stop } = self;
        let _ = stop.send(());
        if tokio::time::timeout(PATIENCE, &mut task).await.is_err() {
            task.abort();
            tracing::warn!(
                "the last notifications are not copied to the bucket yet: the next receiver of this folder does it"
            );
        }
    }
}

/// From a byte on, at most a piece of whole lines; the first line whole, however long it is.
fn whole_lines(path: &Path, from: u64, end: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(from))?;
    let mut wanted = PIECE_BYTES;
    loop {
        let mut piece = Vec::new();
        Read::by_ref(&mut file).take(wanted.min(end - from)).read_to_end(&mut piece)?;
        if let Some(last) = piece.iter().rposition(|byte| *byte == b'\n') {
            piece.truncate(last + 1);
            return Ok(piece);
        }
        if wanted >= end - from {
            return Ok(Vec::new());
        }
        wanted *= 2;
        file.seek(SeekFrom::Start(from))?;
    }
}

/// A receiver of the same folder has the same name; one of another folder has another.
fn own_name(folder: &Path) -> io::Result<String> {
    let path = folder.join(NAME);
    match std::fs::read_to_string(&path) {
        Ok(name) if is_name(name.trim()) => return Ok(name.trim().to_owned()),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    // The name of a temporary file is random; with the time it is nobody else's.
    let mut file = tempfile::Builder::new().prefix(".tmp-").rand_bytes(12).tempfile_in(folder)?;
    let seed = format!("{} {:?} {}", file.path().display(), Utc::now(), std::process::id());
    let name = sha256(seed.as_bytes()).chars().take(16).collect::<String>();
    file.write_all(name.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(name)
}

fn is_name(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
