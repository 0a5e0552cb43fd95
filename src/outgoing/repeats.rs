//! Rows that say the same event again, found exactly and in bounded memory.
//!
//! Every written row leaves its event id and its place. They are divided by the id's first byte,
//! and go to disk when there are many: at the end each part is sorted by itself. Ids are digests,
//! so the parts are of one size.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::error::BuildError;
use super::manifest::SourcePlace;

const PARTS: usize = 256;
/// Event id, file and line.
const ENTRY_BYTES: usize = 16 + 4 + 8;

/// A row, and the first one with its event id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Repeat {
    pub(super) row: SourcePlace,
    pub(super) first: SourcePlace,
    pub(super) event_id: [u8; 16],
}

/// Event ids as rows are written.
#[derive(Debug)]
pub(super) struct EventIds {
    folder: PathBuf,
    parts: Vec<Vec<u8>>,
    held_bytes: usize,
    most_held_bytes: usize,
    on_disk: bool,
}

impl EventIds {
    /// Nothing is written into the folder while little is held.
    pub(super) fn new(folder: &Path, most_held_bytes: usize) -> Self {
        let (folder, parts) = (folder.to_owned(), vec![Vec::new(); PARTS]);
        Self { folder, parts, held_bytes: 0, most_held_bytes, on_disk: false }
    }

    /// # Errors
    /// When the disk refuses.
    pub(super) fn add(&mut self, event_id: [u8; 16], place: SourcePlace) -> Result<(), BuildError> {
        let mut entry = [0; ENTRY_BYTES];
        entry[..16].copy_from_slice(&event_id);
        entry[16..20].copy_from_slice(&place.file.to_be_bytes());
        entry[20..].copy_from_slice(&place.line.to_be_bytes());
        self.parts[usize::from(event_id[0])].extend_from_slice(&entry);
        self.held_bytes += ENTRY_BYTES;
        if self.held_bytes >= self.most_held_bytes { self.spill() } else { Ok(()) }
    }

    fn spill(&mut self) -> Result<(), BuildError> {
        for number in 0..PARTS {
            let path = path(&self.folder, number);
            let part = &mut self.parts[number];
            if part.is_empty() {
                continue;
            }
            let written = OpenOptions::new().create(true).append(true).open(&path).and_then(|mut f| f.write_all(part));
            written.map_err(|source| BuildError::Write { path, source })?;
            part.clear();
        }
        self.held_bytes = 0;
        self.on_disk = true;
        Ok(())
    }

    /// Every row whose event id an earlier one has, at most `most` of them in order of their places, and how many
    /// there are. What went to disk is removed.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn finish(self, most: usize) -> Result<(Vec<Repeat>, u64), BuildError> {
        let workers = std::thread::available_parallelism().map_or(1, NonZero::get);
        let Self { folder, parts, on_disk, .. } = self;
        let waiting = Mutex::new(parts.into_iter().enumerate());
        let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
        let work = || -> Result<Repeats, BuildError> {
            let mut repeats = Repeats { most, first: Vec::new(), found: 0 };
            while let Some((number, mut entries)) = next() {
                if on_disk {
                    take(&path(&folder, number), &mut entries)?;
                }
                repeats.look_for(&mut entries);
            }
            Ok(repeats)
        };
        let mut repeats = std::thread::scope(|scope| {
            let others: Vec<_> = (1..workers).map(|_| scope.spawn(work)).collect();
            let mut repeats = work()?;
            for other in others {
                repeats.join(other.join().map_err(|_| BuildError::Died)??);
            }
            Ok::<_, BuildError>(repeats)
        })?;
        repeats.first.sort_unstable_by_key(|repeat| repeat.row);
        Ok((repeats.first, repeats.found))
    }
}

fn path(folder: &Path, part: usize) -> PathBuf {
    folder.join(format!("ids-{part:03}"))
}

/// Takes what went to disk, if any did.
fn take(path: &Path, entries: &mut Vec<u8>) -> Result<(), BuildError> {
    if !path.exists() {
        return Ok(());
    }
    let read = File::open(path).and_then(|mut file| file.read_to_end(entries));
    let removed = read.and_then(|_| std::fs::remove_file(path));
    removed.map_err(|source| BuildError::Write { path: path.to_owned(), source })
}

/// The repeats of some parts: those whose places are the first, and how many there are.
struct Repeats {
    most: usize,
    first: Vec<Repeat>,
    found: u64,
}

impl Repeats {
    /// Adds those among the entries of one part.
    fn look_for(&mut self, bytes: &mut [u8]) {
        let (entries, _) = bytes.as_chunks_mut::<ENTRY_BYTES>();
        // By event id, then by place: as numbers they compare much faster than as bytes.
        entries.sort_unstable_by_key(|entry| {
            let (place, event_id) = parse(entry);
            (u128::from_be_bytes(event_id), place)
        });
        for same in entries.chunk_by(|left, right| left.first_chunk::<16>() == right.first_chunk::<16>()) {
            let (first, event_id) = parse(&same[0]);
            self.found += same.len() as u64 - 1;
            self.first.extend(same[1..].iter().map(|entry| Repeat { row: parse(entry).0, first, event_id }));
        }
        self.keep_first();
    }

    fn join(&mut self, other: Self) {
        self.found += other.found;
        self.first.extend(other.first);
        self.keep_first();
    }

    fn keep_first(&mut self) {
        if self.first.len() > self.most {
            self.first.select_nth_unstable_by_key(self.most, |repeat| repeat.row);
            self.first.truncate(self.most);
        }
    }
}

fn parse(entry: &[u8; ENTRY_BYTES]) -> (SourcePlace, [u8; 16]) {
    let (id, place) = entry.split_first_chunk::<16>().expect("an entry begins with its id");
    let (file, line) = place.split_first_chunk::<4>().expect("the file follows");
    let line = line.first_chunk::<8>().expect("the line is last");
    (SourcePlace { file: u32::from_be_bytes(*file), line: u64::from_be_bytes(*line) }, *id)
}
