//! Rows on their way from the reader to the workers: the text of the wanted cells, one after the
//! other in one buffer that is used again.

use std::sync::mpsc::{Receiver, SyncSender};

use super::build::Grain;
use crate::frames::{Halted, RowSink, RowView, mask};

/// The ends of a cell that the row does not have.
const ABSENT: (u32, u32) = (u32::MAX, u32::MAX);

/// Some rows of one file, in their order.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// From 0, without a gap: the order of the source.
    pub(super) number: u64,
    /// Index of the source's file.
    pub(super) file: u32,
    /// Where each row stands, see [`crate::frames::schema::Line`].
    pub(super) lines: Vec<u64>,
    text: String,
    /// By row, then by slot: where the cell stands in the text.
    cells: Vec<(u32, u32)>,
    slots: usize,
    /// What stood where a row is expected, in order of rows.
    pub(super) unreadable: Vec<Unreadable>,
}

/// A row that its reader could not take apart.
#[derive(Debug)]
pub(super) struct Unreadable {
    /// Index into [`Batch::lines`].
    pub(super) row: usize,
    /// Masked.
    pub(super) value: String,
    pub(super) reason: String,
}

impl Batch {
    pub(super) fn cell(&self, row: usize, slot: usize) -> Option<&str> {
        let (start, end) = self.cells[row * self.slots + slot];
        self.text.get(start as usize..end as usize)
    }

    fn clear(&mut self, number: u64, file: u32, slots: usize) {
        (self.number, self.file, self.slots) = (number, file, slots);
        self.lines.clear();
        self.text.clear();
        self.cells.clear();
        self.unreadable.clear();
    }

    fn push(&mut self, row: RowView<'_>) {
        self.lines.push(row.line);
        for slot in 0..self.slots {
            let ends = row.cell(slot).map_or(ABSENT, |text| {
                let start = self.text.len();
                self.text.push_str(text);
                (offset(start), offset(self.text.len()))
            });
            self.cells.push(ends);
        }
    }
}

fn offset(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("a batch is handed over long before it holds 4 GiB")
}

/// Fills batches from the pool and hands them over, cut in the same places whoever works on them.
pub(super) struct Batcher<'a> {
    pub(super) full: SyncSender<Batch>,
    pub(super) empty: Receiver<Batch>,
    pub(super) stop: &'a (dyn Fn() -> bool + Sync),
    grain: Grain,
    slots: usize,
    file: u32,
    next_number: u64,
    current: Option<Batch>,
}

impl<'a> Batcher<'a> {
    pub(super) fn new(
        full: SyncSender<Batch>,
        empty: Receiver<Batch>,
        stop: &'a (dyn Fn() -> bool + Sync),
        grain: Grain,
        slots: usize,
    ) -> Self {
        Self { full, empty, stop, grain, slots, file: 0, next_number: 0, current: None }
    }

    pub(super) fn begin_file(&mut self, file: u32) {
        self.file = file;
    }

    /// Hands over what is there: a batch holds rows of one file only.
    pub(super) fn end_file(&mut self) -> Result<(), Halted> {
        match self.current.take() {
            Some(batch) => self.full.send(batch).map_err(|_| Halted),
            None => Ok(()),
        }
    }

    /// The batch that is being filled, or the next empty one as soon as there is one.
    fn batch(&mut self) -> Result<&mut Batch, Halted> {
        if self.current.is_none() {
            if (self.stop)() {
                return Err(Halted);
            }
            let mut batch = self.empty.recv().map_err(|_| Halted)?;
            batch.clear(self.next_number, self.file, self.slots);
            self.next_number += 1;
            self.current = Some(batch);
        }
        Ok(self.current.as_mut().expect("set above"))
    }

    fn hand_over_if_full(&mut self) -> Result<(), Halted> {
        let grain = self.grain;
        let full = |batch: &Batch| batch.lines.len() >= grain.batch_rows || batch.text.len() >= grain.batch_bytes;
        if self.current.as_ref().is_some_and(full) { self.end_file() } else { Ok(()) }
    }
}

impl RowSink for Batcher<'_> {
    fn row(&mut self, row: RowView<'_>) -> Result<(), Halted> {
        self.batch()?.push(row);
        self.hand_over_if_full()
    }

    fn unreadable(&mut self, line: u64, value: &[u8], reason: String) -> Result<(), Halted> {
        let slots = self.slots;
        let batch = self.batch()?;
        batch.unreadable.push(Unreadable { row: batch.lines.len(), value: mask::shown_bytes(value), reason });
        batch.lines.push(line);
        batch.cells.extend(std::iter::repeat_n(ABSENT, slots));
        self.hand_over_if_full()
    }
}
