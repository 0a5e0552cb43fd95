//! From canonical values to packed rows, part by part.

use std::io;
use std::sync::{Arc, Mutex};

use super::Rows;
use super::chunk::{Cell, Chunk, HEAD_BYTES, Start};
use super::layout::Layout;
use super::marks::Marks;
use super::spill::Spilling;
use super::spread::Spread;
use crate::frames::schema::Field;

/// What heads may take of a part's first chunk.
const FIRST_BYTES: usize = 64 * HEAD_BYTES;

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
    layout: Layout,
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
    /// Bytes of heads and texts for which the open chunk has room.
    room: (usize, usize),
}

impl Packer {
    /// For rows that state some of these fields.
    pub(crate) fn new(key: Field, fields: impl Iterator<Item = Field>, spread: Spread) -> Self {
        let parts = std::iter::repeat_with(Part::default).take(1 << spread.bits).collect();
        let chunk_bytes = spread.chunk_bytes();
        Self {
            layout: Layout::new(key, fields),
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

    /// Takes a row in; `cell` says what it states of a field.
    pub(crate) fn push<'c>(&mut self, row: Taken<'_>, cell: impl Fn(Field) -> Option<Cell<'c>>) {
        if self.fault.is_some() {
            return;
        }
        self.height += 1;
        let part = &mut self.parts[self.spread.part(Spread::hash(row.key))];
        let start = Start {
            key: row.key,
            file: row.file,
            line: row.line,
            excluded: u8::try_from(row.excluded).expect("there are few exclusions"),
            tag: row.tag,
        };
        let before = part.open.capacity();
        part.open.push(&mut self.layout, start, cell);
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
                marks.apply(&self.layout, &mut chunks);
            }
            Mutex::new(Some(chunks.into_iter().map(Arc::new).collect()))
        });
        let parts = parts.collect();
        Ok(Rows {
            layout: Arc::new(self.layout),
            bits: self.spread.bits,
            fine_bytes: self.spread.fine_bytes,
            parts,
            spill,
            marks: Arc::new(marks),
            height: self.height,
        })
    }
}

impl Part {
    /// Begins a new chunk where the open one has no room for another row like the last ones; says how much memory that takes.
    fn next_chunk(&mut self, chunk_bytes: usize, spare: &mut Vec<Chunk>) -> usize {
        let (heads, texts) = self.open.raw();
        let (heads, texts) = (heads.len(), texts.len());
        let of_row = texts / (heads / HEAD_BYTES).max(1);
        let is_first = self.room == (0, 0);
        let has_room = heads + HEAD_BYTES <= self.room.0 && texts + of_row <= self.room.1;
        if if is_first { heads < FIRST_BYTES } else { has_room } {
            return 0;
        }
        // Shared out as heads and texts were before.
        let of_heads = (chunk_bytes * heads / (heads + texts).max(1)).max(HEAD_BYTES);
        let next = spare.pop().unwrap_or_else(|| Chunk::with_capacity(of_heads, chunk_bytes.saturating_sub(of_heads)));
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
