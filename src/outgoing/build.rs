//! One build, from raw files to a sealed folder: who reads, who works, who collects, and in the end
//! whether both sides tie.

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::Lines;
use super::batch::{Batch, Batcher};
use super::collect::{Aside, Collected, Collector, Finished, SHOWN_ROWS, quarantined};
use super::error::BuildError;
use super::gzip::PIECE_BYTES;
use super::manifest::{Manifest, SourceFile, SourcePlace};
use super::parcels::Parcels;
use super::repeats::{EventIds, Repeat};
use super::spool::{Draft, Sealed, Spool};
use super::work::{Cut, LeftOut, Task, Worker, repeat_told};
use crate::digest::hex;
use crate::frames::{FileRead, InputError, Place, Sources, read_source};
use crate::job::Input;
use crate::sources::RawFile;

/// Changes when the same source would give other bytes.
const BYTES_VERSION: u32 = 2;
/// Hexadecimal digits of a build's key.
const KEY_DIGITS: usize = 16;
/// Batches on their way for each worker.
const BATCHES_EACH: usize = 4;

/// What parcels are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Gzip JSONL. Neither bound is ever passed; a file may stay below `max_rows` by the lines
    /// that are packed together (some thousands at most).
    BulkFiles { max_bytes: u64, max_rows: Option<u64> },
    /// JSONL for calls: so many lines each, in the order of the source.
    Parts { rows: u64 },
    /// The same, but no call has rows of two users: users in order of first appearance.
    PartsByUser { rows: u64 },
}

/// How work is divided. It decides where compressed blocks end, so it is part of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grain {
    /// A batch is handed over when it has so many rows, or so much text.
    pub batch_rows: usize,
    pub batch_bytes: usize,
    /// Text that is packed at once.
    pub piece_bytes: usize,
    /// Event ids held in memory before they go to disk. This alone decides no bytes.
    pub held_id_bytes: usize,
}

impl Default for Grain {
    fn default() -> Self {
        Self { batch_rows: 4_096, batch_bytes: 512 << 10, piece_bytes: PIECE_BYTES, held_id_bytes: 32 << 20 }
    }
}

/// What is built of what.
#[derive(Debug)]
pub struct BuildSpec<'a, L> {
    pub job: &'a str,
    /// The period's label.
    pub period: &'a str,
    /// The block of the job file, for messages: `upload`, `incoming`, `historical`.
    pub block: &'static str,
    /// How the files are read. Its canonical mapping is not used.
    pub source: &'a Input,
    pub lines: &'a L,
    /// A digest, or the whole text, of all that decides what `lines` writes.
    pub mapping: &'a str,
    pub layout: Layout,
    /// Rows that do not fit or repeat others; beyond, nothing is sealed.
    pub tolerated: u64,
    pub grain: Grain,
    /// None: as many as there are cores.
    pub workers: Option<NonZero<usize>>,
}

impl<L> BuildSpec<'_, L> {
    /// The name of a build in the spool: the same for the same bytes.
    pub fn key(&self, files: &[RawFile]) -> String {
        let mut hasher = Sha256::new();
        let mut part = |text: &str| {
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text);
        };
        part(&format!("tieout outgoing {BYTES_VERSION} {}", env!("CARGO_PKG_VERSION")));
        for text in [self.job, self.period, self.block, self.mapping] {
            part(text);
        }
        let Input { format, limits, allow_empty, verify, .. } = self.source;
        part(&format!("{format:?} {limits:?} {allow_empty} {verify:?}"));
        part(&format!("{:?} {:?} {}", self.layout, self.grain, self.tolerated));
        for file in files {
            part(&file.name);
            part(&file.sha256);
        }
        let mut key = hex(&hasher.finalize());
        key.truncate(KEY_DIGITS);
        key
    }

    fn cut(&self) -> Cut {
        let piece_bytes = self.grain.piece_bytes.max(1);
        match self.layout {
            Layout::BulkFiles { max_bytes, max_rows } => Cut {
                packed: true,
                // Half: even what cannot be packed at all fits.
                bytes: usize::try_from(max_bytes / 2).unwrap_or(usize::MAX).clamp(1, piece_bytes),
                rows: max_rows.map_or(usize::MAX, |rows| usize::try_from(rows).unwrap_or(usize::MAX)).max(1),
            },
            Layout::Parts { .. } | Layout::PartsByUser { .. } => {
                Cut { packed: false, bytes: usize::MAX, rows: usize::MAX }
            }
        }
    }
}

/// How far a build is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Built {
    /// Rows of the source that are done.
    pub rows: u64,
    /// Bytes written.
    pub bytes: u64,
}

/// Builds and seals the parcels of a source. CPU bound and blocking.
///
/// A source in which rows repeat each other is read twice: which rows these are is known at its end.
///
/// # Errors
/// See [`BuildError`]; then nothing is left in the spool.
pub fn build<L: Lines>(
    spec: &BuildSpec<'_, L>,
    files: &[RawFile],
    spool: &Spool,
    stop: &(dyn Fn() -> bool + Sync),
    progress: &dyn Fn(Built),
) -> Result<Sealed, BuildError> {
    let key = spec.key(files);
    let draft = spool.begin(&key)?;
    let names: Vec<String> = files.iter().map(|file| file.name.clone()).collect();
    let pass = Pass { spec, files, names: &names, draft: &draft, stop, progress };
    let (mut collected, mut read) = pass.run(&HashMap::new(), true)?;
    let ids = collected.ids.take().unwrap_or_else(|| EventIds::new(&draft.folder, 0));
    let (repeats, found) = ids.finish(Aside::most(spec.tolerated))?;
    if collected.source.quarantined + found > spec.tolerated {
        return Err(too_many(spec, &names, collected, &repeats, found));
    }
    if found > 0 {
        draft.clear()?;
        let repeats = repeats.into_iter().map(|repeat| (repeat.row, repeat)).collect();
        (collected, read) = pass.run(&repeats, false)?;
    }
    check(&collected, &read)?;
    let Collected { parcels, left_out, source, sealed, .. } = collected;
    let source_files = files.iter().zip(&read).map(|(file, read)| SourceFile {
        name: file.name.clone(),
        sha256: file.sha256.clone(),
        bytes: file.bytes,
        rows: read.rows,
    });
    let manifest = Manifest {
        version: Manifest::VERSION,
        key,
        files: source_files.collect(),
        source,
        sealed,
        left_out,
        warnings: read.into_iter().flat_map(|file| file.warnings).collect(),
        parcels,
    };
    if stop() {
        return Err(BuildError::Stopped);
    }
    Ok(draft.seal(manifest)?)
}

/// Both sides, line by line.
fn check(collected: &Collected, read: &[FileRead]) -> Result<(), BuildError> {
    let Collected { source, sealed, .. } = collected;
    let untied = |what: String| Err(BuildError::Untied { what });
    let rows: u64 = read.iter().map(|file| file.rows).sum();
    if rows != source.rows {
        return untied(format!("{rows} rows were read and {} came", source.rows));
    }
    if source.rows != source.quarantined + source.repeated + source.written {
        return untied(format!("{source:?} does not add up"));
    }
    if source.written != sealed.rows || source.totals != sealed.totals {
        let (totals, sealed_totals) = (source.totals.by_currency(), sealed.totals.by_currency());
        return untied(format!("{} rows {totals:?} against {} rows {sealed_totals:?}", source.written, sealed.rows));
    }
    Ok(())
}

fn too_many<L>(
    spec: &BuildSpec<'_, L>,
    names: &[String],
    collected: Collected,
    repeats: &[Repeat],
    found: u64,
) -> BuildError {
    let mut first = collected.left_out;
    first.extend(repeats.iter().map(|repeat| {
        let SourcePlace { file, line } = repeat.row;
        let left_out = LeftOut { line, why: repeat_told(repeat, names, None), repeated: true };
        quarantined(file, &names[file as usize], left_out)
    }));
    first.sort_by_key(|row| (row.file, row.line));
    first.truncate(SHOWN_ROWS);
    let (block, tolerated) = (spec.block, spec.tolerated);
    BuildError::TooMany { block, tolerated, found: collected.source.quarantined + found, first }
}

/// One reading of the source.
struct Pass<'p, 's, L> {
    spec: &'p BuildSpec<'s, L>,
    files: &'p [RawFile],
    names: &'p [String],
    draft: &'p Draft,
    stop: &'p (dyn Fn() -> bool + Sync),
    progress: &'p dyn Fn(Built),
}

impl<L: Lines> Pass<'_, '_, L> {
    fn run(
        &self,
        repeats: &HashMap<SourcePlace, Repeat>,
        looks_for_repeats: bool,
    ) -> Result<(Collected, Vec<FileRead>), BuildError> {
        let Self { spec, files, names, draft, stop, progress } = *self;
        let doomed = AtomicBool::new(false);
        let task = Task { lines: spec.lines, cut: spec.cut(), repeats, files: names, doomed: &doomed };
        let ids = looks_for_repeats.then(|| EventIds::new(&draft.folder, spec.grain.held_id_bytes));
        let parcels = Parcels::create(draft, spec)?;
        let collector = Collector::new(names, parcels, ids, spec.tolerated, &doomed);
        let workers = spec.workers.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZero::get);
        let batches = workers * BATCHES_EACH;
        let sources = Sources { names: spec.lines.sources(), fields: spec.lines.fields(), joins: Vec::new() };

        let (full_in, full) = mpsc::sync_channel::<Batch>(batches);
        let (finished_in, finished) = mpsc::sync_channel::<Finished>(batches);
        let (empty_in, empty) = mpsc::channel::<Batch>();
        for _ in 0..batches {
            empty_in.send(Batch::default()).expect("its receiver is here");
        }
        // Whoever ends first closes its channels, and so all others end too.
        let (collected, read) = std::thread::scope(|scope| {
            let sink = Batcher::new(full_in, empty, stop, spec.grain, sources.names.len());
            let sources = &sources;
            let reader = scope.spawn(move || read_all(spec, files, sources, sink));
            let full = Arc::new(Mutex::new(full));
            for _ in 0..workers {
                let (full, finished) = (Arc::clone(&full), finished_in.clone());
                let task = &task;
                scope.spawn(move || work(Worker::new(task), &full, finished));
            }
            drop((full, finished_in));
            let collected = collector.collect(&finished, &empty_in, progress);
            drop((finished, empty_in));
            (collected, reader.join())
        });
        let read = read.map_err(|_| BuildError::Died)?;
        match (collected, read) {
            (Err(error), _) => Err(error),
            // A reader gives up for nothing else: all others are well.
            (Ok(_), Err(InputError::GivenUp { .. })) => Err(BuildError::Stopped),
            (Ok(_), Err(error)) => Err(error.into()),
            (Ok(collected), Ok(read)) => {
                stated_rows(&read)?;
                Ok((collected, read))
            }
        }
    }
}

fn read_all<L>(
    spec: &BuildSpec<'_, L>,
    files: &[RawFile],
    sources: &Sources,
    mut batcher: Batcher<'_>,
) -> Result<Vec<FileRead>, InputError> {
    let mut read = Vec::with_capacity(files.len());
    for (index, raw) in (0..).zip(files) {
        batcher.begin_file(index);
        let file = read_source(spec.source, Place::Sending(spec.block), raw, sources, &mut batcher)?;
        batcher.end_file().map_err(|_| InputError::GivenUp { file: raw.name.clone() })?;
        read.push(file);
    }
    Ok(read)
}

/// A document that states how many rows it has must have them: rows that are lost before they are
/// read would be missed by nobody.
fn stated_rows(read: &[FileRead]) -> Result<(), BuildError> {
    for file in read {
        if let Some(stated) = &file.stated_rows
            && stated.parse() != Ok(file.rows)
        {
            let stated = crate::frames::mask::shown(stated);
            return Err(BuildError::StatedRows { file: file.name.clone(), stated, found: file.rows });
        }
    }
    Ok(())
}

/// Tells that a worker died, so that nobody waits for it.
struct Bell(SyncSender<Finished>);

impl Drop for Bell {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = self.0.send(Finished::Died);
        }
    }
}

fn work<L: Lines>(mut worker: Worker<'_, L>, full: &Mutex<Receiver<Batch>>, finished: SyncSender<Finished>) {
    let bell = Bell(finished);
    loop {
        let batch = full.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(batch) = batch else { return };
        let result = worker.work(batch);
        let failed = result.is_err();
        let sent = bell.0.send(result.map_or_else(Finished::Failed, |made| Finished::Made(Box::new(made))));
        if failed || sent.is_err() {
            return;
        }
    }
}
