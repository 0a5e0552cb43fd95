//! From canonical values to packed rows, part by part.

use std::io;
use std::sync::Arc;

use super::Rows;
use super::chunk::{Cell, Chunk, Head, ROW_BYTES};
use super::marks::Marks;
use super::spill::Spilling;
use super::spread::Spread;
use crate::frames::schema::Field;

/// What numbers and lengths may take of a part's first chunk.
const FIRST_BYTES: usize = 1 << 10;

/// A row that is taken in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken<'r> {
    /// The text of its key; empty where it states none.
    pub(crate) key: &'r str,
    pub(crate) file: u32,
    pub(crate) line: u64,
    /// 0, or the exclusion.
    pub(crate) excluded: u32,
    /// For [`Packer::finish`]: which of several marks may befall it.
    pub(crate) tag: Option<u32>,
}

/// Rows while they come in.
#[derive(Debug)]
pub(crate) struct Packer {
    key: Field,
    spread: Spread,
    parts: Vec<Part>,
    chunk_bytes: usize,
    /// Bytes of memory that chunks with rows take.
    held_bytes: usize,
    /// Room of chunks that were laid aside, to be filled again: no memory beyond the limit, and none to be asked for anew.
    spare: Vec<Chunk>,
    spilling: Option<Spilling>,
    /// What the disk said when it refused: nothing more is taken in.
    fault: Option<io::Error>,
    height: usize,
}

#[derive(Debug, Default)]
struct Part {
    full: Vec<Chunk>,
    open: Chunk,
    /// Bytes and texts for which the open chunk has room.
    room: (usize, usize),
}

impl Packer {
    pub(crate) fn new(key: Field, spread: Spread) -> Self {
        let parts = std::iter::repeat_with(Part::default).take(1 << spread.bits).collect();
        let chunk_bytes = spread.chunk_bytes();
        Self {
            key,
            spread,
            parts,
            chunk_bytes,
            held_bytes: 0,
            spare: Vec::new(),
            spilling: None,
            fault: None,
            height: 0,
        }
    }

    /// Takes a row in. Cells come in the order of the fields.
    pub(crate) fn push<'c>(&mut self, row: Taken<'_>, cells: impl Iterator<Item = (Field, Cell<'c>)>) {
        if self.fault.is_some() {
            return;
        }
        self.height += 1;
        let hash = Spread::hash(row.key);
        let part = &mut self.parts[self.spread.part(hash)];
        let head = Head {
            key: row.key,
            key_field: self.key,
            hash,
            file: row.file,
            line: row.line,
            excluded: u8::try_from(row.excluded).expect("there are few exclusions"),
            tag: row.tag,
        };
        let before = part.open.capacity();
        part.open.push(head, cells);
        self.held_bytes += part.open.capacity() - before + part.next_chunk(self.chunk_bytes, &mut self.spare);
        if self.held_bytes > self.spread.limit_bytes {
            self.fault = self.lay_aside().err();
        }
    }

    /// Writes all that is held to the disk.
    fn lay_aside(&mut self) -> io::Result<()> {
        let spilling = match &mut self.spilling {
            Some(spilling) => spilling,
            none => none.insert(Spilling::begin(self.parts.len())?),
        };
        for (number, part) in self.parts.iter_mut().enumerate() {
            for mut chunk in part.take() {
                spilling.lay_aside(number, &chunk)?;
                if chunk.capacity() >= self.chunk_bytes {
                    chunk.clear();
                    self.spare.push(chunk);
                }
            }
        }
        self.held_bytes = 0;
        Ok(())
    }

    /// The rows. Those whose tag is true in `replaced` are excluded as superseded; with `repeats`, those are that say again
    /// what another one with the same event id says, whose fields are given.
    ///
    /// # Errors
    /// When the disk refused rows that are more than may be held.
    pub(crate) fn finish(mut self, replaced: Vec<bool>, repeats: Option<Vec<Field>>) -> io::Result<Rows> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let marks = Marks { replaced, repeats };
        let spill = self.spilling.map(Spilling::finish).transpose()?.map(Arc::new);
        let parts = self.parts.iter_mut().map(|part| {
            let mut chunks: Vec<Chunk> = part.take().collect();
            if spill.is_none() {
                marks.apply(self.key, &mut chunks);
            }
            chunks.into_iter().map(Arc::new).collect()
        });
        Ok(Rows {
            key: self.key,
            bits: self.spread.bits,
            parts: parts.collect(),
            spill,
            marks: Arc::new(marks),
            height: self.height,
        })
    }
}

impl Part {
    /// Begins a new chunk where the open one has no room for another row like the last ones; says how much memory that takes.
    fn next_chunk(&mut self, chunk_bytes: usize, spare: &mut Vec<Chunk>) -> usize {
        let (bytes, texts) = self.open.raw();
        let (bytes, texts) = (bytes.len(), texts.len());
        if bytes + ROW_BYTES <= self.room.0.max(FIRST_BYTES) {
            return 0;
        }
        // Shared out as bytes and texts were before.
        let of_bytes = (chunk_bytes * bytes / (bytes + texts).max(1)).max(ROW_BYTES);
        let next = spare.pop().unwrap_or_else(|| Chunk::with_capacity(of_bytes, chunk_bytes.saturating_sub(of_bytes)));
        self.room = next.room();
        self.full.push(std::mem::replace(&mut self.open, next));
        self.room.0 + self.room.1
    }

    fn take(&mut self) -> impl Iterator<Item = Chunk> + use<> {
        self.room = (0, 0);
        let open = std::mem::take(&mut self.open);
        std::mem::take(&mut self.full).into_iter().chain((!open.is_empty()).then_some(open))
    }
}
