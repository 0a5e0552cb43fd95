//! The rows of one input as they wait for matching: packed, spread over parts by a hash of their key, so that a key lies
//! in the same part of every input, and laid aside on the disk where they are more than may be held.

mod chunk;
mod layout;
mod marks;
mod packer;
mod part;
mod spill;
mod spread;

use std::io;
use std::sync::{Arc, Mutex};

pub(crate) use chunk::Chunk;
pub use chunk::{Cell, PackedRow};
pub(crate) use layout::Layout;
pub(crate) use packer::{Packer, Taken};
pub(crate) use part::Part;
pub use spread::Spread;

use super::schema::{Exclusion, Field, Measure};
use super::totals::{ControlTotals, Summing};
use marks::Marks;
use spill::Spill;

/// A row by what it states.
#[derive(Debug, Clone)]
pub struct PlainRow<'r> {
    pub file: u32,
    pub line: u64,
    pub excluded: Option<Exclusion>,
    pub cells: Vec<(Field, Cell<'r>)>,
}

impl<'r> PlainRow<'r> {
    fn cell(&self, field: Field) -> Option<Cell<'r>> {
        self.cells.iter().find(|(stated, _)| *stated == field).map(|(_, cell)| *cell)
    }

    fn text(&self, field: Field) -> &'r str {
        self.cell(field).and_then(Cell::text).unwrap_or_default()
    }

    fn number(&self, field: Field) -> Option<i64> {
        self.cell(field).and_then(Cell::number)
    }
}

/// Packs rows that are at hand, in the order of their places, with what they add up to.
///
/// # Errors
/// When the disk refuses rows that are more than may be held.
pub fn pack<'r>(
    key: Field,
    spread: Spread,
    rows: impl IntoIterator<Item = PlainRow<'r>>,
) -> io::Result<(Rows, ControlTotals)> {
    let (mut packer, mut summing) = (Packer::new(key, Field::ALL.into_iter(), spread), Summing::default());
    for row in rows {
        summing.add(row.file, row.text(Field::Currency), Measure::ALL.map(|measure| row.number(measure.field())));
        let excluded = row.excluded.map_or(0, |reason| reason as u32);
        let taken = Taken { key: row.text(key), file: row.file, line: row.line, excluded, tag: None };
        packer.push(taken, |field| row.cell(field));
    }
    Ok((packer.finish(Vec::new(), None)?, summing.finish()))
}

/// What is held of the rows of a part.
type Held = Vec<Arc<Chunk>>;

/// Every readable row of an input, in parts; within a part in the order of reading. Copies share them.
#[derive(Debug, Clone)]
pub struct Rows {
    layout: Arc<Layout>,
    /// There are two to the power of this many parts.
    bits: u32,
    fine_bytes: usize,
    /// What is held of each part; none of one that was given away.
    parts: Arc<[Mutex<Option<Held>>]>,
    /// What was laid aside, which comes before what is held.
    spill: Option<Arc<Spill>>,
    /// What is still to be marked in rows that were laid aside; rows that are held are marked.
    marks: Arc<Marks>,
    height: usize,
}

impl Rows {
    /// How many rows there are.
    pub const fn height(&self) -> usize {
        self.height
    }

    /// The field whose text is the key of each row.
    pub fn key(&self) -> Field {
        self.layout.key
    }

    /// How the rows of all its chunks are written.
    pub(crate) const fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// There are two to the power of this many parts. Part `n` of `bits` holds what parts `2n` and `2n + 1` of `bits + 1` do.
    pub const fn bits(&self) -> u32 {
        self.bits
    }

    /// A part whose rows take more than so much is best looked at in finer ones: see [`Part::finer`].
    pub(crate) const fn fine_bytes(&self) -> usize {
        self.fine_bytes
    }

    /// Whether any rows lie on the disk.
    pub const fn is_spilled(&self) -> bool {
        self.spill.is_some()
    }

    /// The part `part` of 2 to the power of `bits` parts, which may be fewer than there are.
    ///
    /// # Errors
    /// When the part was given away.
    pub(crate) fn part(&self, part: usize, bits: u32) -> io::Result<Part<'_>> {
        Part::of(self, (part, bits), |held| held.clone())
    }

    /// The same, given away: nothing is left of it here, so that its memory is free again when it has been looked at.
    ///
    /// # Errors
    /// As [`Self::part`].
    pub(crate) fn give(&self, part: usize, bits: u32) -> io::Result<Part<'_>> {
        Part::of(self, (part, bits), Option::take)
    }

    /// Says that a part is wanted soon, if there is such a part: what of it lies on the disk is fetched meanwhile.
    pub(crate) fn announce(&self, part: usize, bits: u32) {
        let finer = self.bits - bits;
        if let Some(spill) = &self.spill {
            (part << finer..(part + 1) << finer).for_each(|own| spill.announce(own));
        }
    }

    /// Every row, part by part.
    ///
    /// # Errors
    /// When rows that were laid aside cannot be read back.
    pub fn each(&self, mut take: impl FnMut(PackedRow<'_>)) -> io::Result<()> {
        for part in 0..1 << self.bits {
            for chunk in self.part(part, self.bits)?.chunks()? {
                chunk.rows(&self.layout).for_each(&mut take);
            }
        }
        Ok(())
    }
}
