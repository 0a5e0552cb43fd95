//! The breaks of a run, as the pages need them: out of its `breaks.parquet`, of which there may be millions.
//!
//! `table` reads the file: a few rows of it, or a few columns. `index` holds of each break what filters and sorting ask
//! for, and `query` (pure) answers from it. An index is made once for a file, on a thread of its own, and the last few
//! are kept, bounded in bytes.

mod index;
pub mod query;
mod table;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use polars::prelude::PolarsError;
use tokio::sync::OnceCell;

pub use index::Index;
pub use query::{Direction, Filter, Outline, Page, Query, Sort, Sums};
pub use table::BreakRow;

use crate::exit::{ExitCode, Failure};
use crate::job::ReportFormat;
use crate::journal::RunRecord;
use crate::objects::{Artifacts, KeepError};
use crate::report::file_name;

/// Bytes of all indexes together: three runs of a million breaks.
pub const MOST_BYTES: usize = 256 << 20;

/// Why breaks of a run cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It never ended, or its files were removed since.
    #[error("the files of run {run} are not kept any more, or it wrote none")]
    Gone { run: String },
    #[error("cannot read {path}")]
    Unreadable { path: PathBuf, source: PolarsError },
    #[error("cannot read {path}")]
    Disk { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Kept(#[from] KeepError),
    /// A bug in tieout.
    #[error("reading {path} ended early")]
    Ended { path: PathBuf, source: tokio::task::JoinError },
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::Kept(error) => error.exit_code(),
            _ => ExitCode::Unexpected,
        };
        Self::new(code, error)
    }
}

/// Indexes of the runs that were looked at last.
#[derive(Debug)]
pub struct Store {
    kept: Mutex<Vec<Kept>>,
    most_bytes: usize,
    /// One index is made at a time: each takes memory while it grows.
    making: tokio::sync::Mutex<()>,
    /// So is a search for a transaction: each reads every file.
    searching: Arc<tokio::sync::Mutex<()>>,
}

/// What is made by whoever asks for it first.
type Cell<T> = Arc<OnceCell<Arc<T>>>;

/// One of them; the latest used stands last.
#[derive(Debug)]
struct Kept {
    file: FileKey,
    index: Cell<Index>,
    outline: Cell<Outline>,
}

/// A file that has not changed since.
#[derive(Debug, Clone, PartialEq, Eq)]
struct FileKey {
    run: String,
    bytes: u64,
    modified: SystemTime,
}

/// The breaks of one run, here on this machine.
#[derive(Debug, Clone)]
pub struct Breaks {
    path: PathBuf,
    file: FileKey,
}

impl Default for Store {
    fn default() -> Self {
        Self::bounded(MOST_BYTES)
    }
}

impl Store {
    /// One that keeps at most so many bytes of indexes, and at least the one that was used last.
    pub fn bounded(most_bytes: usize) -> Self {
        Self { kept: Mutex::default(), most_bytes, making: <_>::default(), searching: <_>::default() }
    }

    /// Finds the breaks of a run, and brings their file here where it is kept elsewhere.
    ///
    /// # Errors
    /// [`StoreError::Gone`], or when the file cannot be brought.
    pub async fn breaks(&self, kept: &Artifacts, run: &RunRecord) -> Result<Breaks, StoreError> {
        let gone = || StoreError::Gone { run: run.id.clone() };
        let folder = run.artifacts.as_ref().map(|folder| kept.here(Path::new(folder))).ok_or_else(gone)?;
        let path = folder.join(file_name(ReportFormat::Parquet));
        kept.bring_file(&path).await?;
        let stated = match tokio::fs::metadata(&path).await {
            Ok(stated) => stated,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(gone()),
            Err(source) => return Err(StoreError::Disk { path, source }),
        };
        let modified = stated.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let file = FileKey { run: run.id.clone(), bytes: stated.len(), modified };
        Ok(Breaks { path, file })
    }

    /// What filters and sorting need of all breaks: made when it is asked for first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn index(&self, breaks: &Breaks) -> Result<Arc<Index>, StoreError> {
        let (cell, _) = self.cells(&breaks.file);
        let make = || async {
            let _one = self.making.lock().await;
            breaks.blocking(index::build).await.map(Arc::new)
        };
        let index = cell.get_or_try_init(make).await?.clone();
        self.forget_old();
        Ok(index)
    }

    /// Count, sums and names of all breaks of a run: a few of its columns, read once.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn outline(&self, breaks: &Breaks) -> Result<Arc<Outline>, StoreError> {
        let (index, outline) = self.cells(&breaks.file);
        let make = || async {
            let _one = self.making.lock().await;
            let made = match index.get().cloned() {
                Some(index) => breaks.blocking(move |_| Ok(index::outline_of(&index))).await,
                None => breaks.blocking(index::outline).await,
            };
            made.map(Arc::new)
        };
        outline.get_or_try_init(make).await.cloned()
    }

    /// Waits until no search is under way; the next waits until this is dropped.
    pub async fn one_search(&self) -> tokio::sync::OwnedMutexGuard<()> {
        self.searching.clone().lock_owned().await
    }

    /// The bytes of all indexes that are kept.
    pub fn bytes(&self) -> usize {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().map(Kept::bytes).sum()
    }

    /// What is kept of a file, used now.
    fn cells(&self, file: &FileKey) -> (Cell<Index>, Cell<Outline>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept.iter().position(|known| known.file == *file).map(|place| kept.remove(place));
        // An earlier state of the same file is of no use any more.
        kept.retain(|known| known.file.run != file.run);
        let used = known.unwrap_or_else(|| Kept { file: file.clone(), index: Arc::default(), outline: Arc::default() });
        let cells = (used.index.clone(), used.outline.clone());
        kept.push(used);
        cells
    }

    fn forget_old(&self) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes: usize = kept.iter().map(Kept::bytes).sum();
        while bytes > self.most_bytes && kept.len() > 1 {
            bytes -= kept.remove(0).bytes();
        }
    }
}

impl Kept {
    /// What is not made yet counts as what it takes without.
    fn bytes(&self) -> usize {
        self.file.run.len() + size_of::<Self>() + self.index.get().map_or(0, |index| index.bytes())
    }
}

impl Breaks {
    /// How many there are.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn count(&self) -> Result<usize, StoreError> {
        self.blocking(table::count).await
    }

    /// These rows, in the order asked for, with what lists show. Only the row groups that hold them are read.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn listed(&self, rows: Vec<u32>) -> Result<Vec<BreakRow>, StoreError> {
        self.blocking(move |path| table::rows(path, &rows, Some(&table::LISTED))).await
    }

    /// The break of that id with everything that the run says of it; none where the run has not found it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn one(&self, id: &str) -> Result<Option<BreakRow>, StoreError> {
        let id = id.to_owned();
        let find = move |path: &Path| match table::find(path, &id)? {
            Some(row) => Ok(table::rows(path, &[row], None)?.pop()),
            None => Ok(None),
        };
        self.blocking(find).await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Path) -> Result<T, PolarsError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let path = self.path.clone();
        let read = tokio::task::spawn_blocking(move || read(&path));
        let read = read.await.map_err(|source| StoreError::Ended { path: self.path.clone(), source })?;
        read.map_err(|source| StoreError::Unreadable { path: self.path.clone(), source })
    }
}
