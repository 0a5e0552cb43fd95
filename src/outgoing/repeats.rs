//! Rows that say the same event again, found exactly and in bounded memory.
//!
//! Every written row leaves its event id and its place. They are divided by the id's first byte,
//! and go to disk when there are many: at the end each part is sorted by itself. Ids are digests,
//! so the parts are of one size.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

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
        let part = &mut self.parts[usize::from(event_id[0])];
        part.extend_from_slice(&event_id);
        part.extend_from_slice(&place.file.to_be_bytes());
        part.extend_from_slice(&place.line.to_be_bytes());
        self.held_bytes += ENTRY_BYTES;
        if self.held_bytes >= self.most_held_bytes { self.spill() } else { Ok(()) }
    }

    fn path(&self, part: usize) -> PathBuf {
        self.folder.join(format!("ids-{part:03}"))
    }

    fn spill(&mut self) -> Result<(), BuildError> {
        for number in 0..PARTS {
            let path = self.path(number);
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
    pub(super) fn finish(mut self, most: usize) -> Result<(Vec<Repeat>, u64), BuildError> {
        let mut repeats = Vec::new();
        let mut found = 0;
        for number in 0..PARTS {
            let mut bytes = std::mem::take(&mut self.parts[number]);
            let path = self.path(number);
            if self.on_disk && path.exists() {
                let read = File::open(&path).and_then(|mut file| file.read_to_end(&mut bytes));
                let removed = read.and_then(|_| std::fs::remove_file(&path));
                removed.map_err(|source| BuildError::Write { path, source })?;
            }
            found += in_part(&mut bytes, &mut repeats);
            if repeats.len() > most {
                repeats.sort_unstable_by_key(|repeat: &Repeat| repeat.row);
                repeats.truncate(most);
            }
        }
        repeats.sort_unstable_by_key(|repeat| repeat.row);
        Ok((repeats, found))
    }
}

/// The repeats among the entries of one part.
fn in_part(bytes: &mut [u8], repeats: &mut Vec<Repeat>) -> u64 {
    // As written, an entry's bytes sort by event id, then by place.
    let (entries, _) = bytes.as_chunks_mut::<ENTRY_BYTES>();
    entries.sort_unstable();
    let mut found = 0;
    for same in entries.chunk_by(|left, right| left[..16] == right[..16]) {
        let (first, event_id) = parse(&same[0]);
        found += same.len() as u64 - 1;
        repeats.extend(same[1..].iter().map(|entry| Repeat { row: parse(entry).0, first, event_id }));
    }
    found
}

fn parse(entry: &[u8; ENTRY_BYTES]) -> (SourcePlace, [u8; 16]) {
    let (id, place) = entry.split_first_chunk::<16>().expect("an entry begins with its id");
    let (file, line) = place.split_first_chunk::<4>().expect("the file follows");
    let line = line.first_chunk::<8>().expect("the line is last");
    (SourcePlace { file: u32::from_be_bytes(*file), line: u64::from_be_bytes(*line) }, *id)
}
