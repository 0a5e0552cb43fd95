//! Where each sealed row stands in the source, so that a row refused years later is found again:
//! a list of runs of lines that follow each other, a few bytes for thousands of rows.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::manifest::SourcePlace;
use crate::sources::store::Keeping;

/// Rows whose places follow each other: `first`, and the lines after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) first: SourcePlace,
    pub(super) rows: u64,
}

impl Run {
    pub(super) const fn of(place: SourcePlace) -> Self {
        Self { first: place, rows: 1 }
    }

    /// The place of its last row.
    pub(super) const fn last(&self) -> SourcePlace {
        SourcePlace { file: self.first.file, line: self.first.line + self.rows - 1 }
    }

    /// Takes the other run's rows after its own; false where they do not follow.
    pub(super) fn extend(&mut self, other: &Self) -> bool {
        let follows = self.first.file == other.first.file && self.first.line + self.rows == other.first.line;
        self.rows += if follows { other.rows } else { 0 };
        follows
    }

    /// The place of the row with this index.
    pub(super) const fn place(&self, index: u64) -> SourcePlace {
        SourcePlace { file: self.first.file, line: self.first.line + index }
    }
}

/// Adds a run, as part of the last one where it follows that.
pub(super) fn push(runs: &mut Vec<Run>, run: Run) {
    if !runs.last_mut().is_some_and(|last| last.extend(&run)) {
        runs.push(run);
    }
}

/// The list on its way to disk.
#[derive(Debug)]
pub(super) struct PlacesWriter {
    out: BufWriter<File>,
    at: u64,
    open: Option<Run>,
}

impl PlacesWriter {
    /// # Errors
    /// When the disk refuses.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { out: BufWriter::new(File::create(path)?), at: 0, open: None })
    }

    /// # Errors
    /// When the disk refuses.
    pub(super) fn push(&mut self, run: Run) -> io::Result<()> {
        if let Some(open) = &mut self.open {
            if open.extend(&run) {
                return Ok(());
            }
            self.write_open()?;
        }
        self.open = Some(run);
        Ok(())
    }

    /// Ends the list of one parcel; gives where the next one begins.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn end_parcel(&mut self) -> io::Result<u64> {
        self.write_open()?;
        Ok(self.at)
    }

    fn write_open(&mut self) -> io::Result<()> {
        let Some(run) = self.open.take() else { return Ok(()) };
        for number in [u64::from(run.first.file), run.first.line, run.rows] {
            self.number(number)?;
        }
        Ok(())
    }

    /// Seven bits a byte, the lowest first; the highest bit says that more follow.
    fn number(&mut self, mut number: u64) -> io::Result<()> {
        while number >= 0x80 {
            self.byte(u8::try_from(number & 0x7f).expect("seven bits") | 0x80)?;
            number >>= 7;
        }
        self.byte(u8::try_from(number).expect("below 0x80"))
    }

    fn byte(&mut self, byte: u8) -> io::Result<()> {
        self.at += 1;
        self.out.write_all(&[byte])
    }

    /// # Errors
    /// When the disk refuses.
    pub(super) fn finish(mut self, keeping: Keeping) -> io::Result<()> {
        self.write_open()?;
        self.out.flush()?;
        keeping.sync(self.out.get_ref())
    }
}

/// The runs of one parcel. None where the bytes are no such list.
pub(super) fn read(mut bytes: &[u8]) -> Option<Vec<Run>> {
    let mut runs = Vec::new();
    while !bytes.is_empty() {
        let file = u32::try_from(number(&mut bytes)?).ok()?;
        let first = SourcePlace { file, line: number(&mut bytes)? };
        runs.push(Run { first, rows: number(&mut bytes)? });
    }
    Some(runs)
}

fn number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}
