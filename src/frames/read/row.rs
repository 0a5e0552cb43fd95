//! One row on its way from a reader to `normalize`: borrowed text, reused buffers, no map.

use super::objects::Found;

/// A row as its reader sees it: the text of each wanted source column, by slot.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowView<'r> {
    /// See [`crate::frames::schema::LINE`].
    pub(crate) line: u64,
    pub(crate) text: &'r str,
    /// By slot.
    pub(crate) cells: &'r [Cell],
    /// By slot, instead of text and cells, where the format is one of columns with types.
    pub(crate) typed: &'r [Typed<'r>],
}

/// A value of a typed column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Typed<'r> {
    /// The row has no such value, or null.
    #[default]
    Absent,
    Text(&'r str),
    /// Only where the sink wants it so.
    Exact(Exact),
}

/// How a sink takes the values of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Wanted {
    #[default]
    Text,
    /// Numbers as they are, all else as text.
    Number,
    /// Instants as they are, all else as text.
    Instant,
}

/// A value that was never text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exact {
    /// A decimal number: `unscaled` with its last `scale` digits after the point.
    Number { unscaled: i64, scale: u8 },
    /// Microseconds since the epoch, UTC, in the years 0 to 9999.
    Micros(i64),
}

/// Where a value stands in the text of its row; empty where the row has no such value, or null.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Cell {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl<'r> RowView<'r> {
    /// The slot's text without surrounding blanks; none where it is absent, null or empty.
    pub(crate) fn cell(&self, slot: usize) -> Option<&'r str> {
        let text = match self.typed.get(slot) {
            None => {
                let Cell { start, end } = *self.cells.get(slot)?;
                self.text.get(start..end)?
            }
            Some(Typed::Text(text)) => text,
            Some(_) => return None,
        };
        // Nearly none has blanks around it: looking at two bytes is much faster than looking for characters.
        let (first, last) = (text.as_bytes().first()?, text.as_bytes().last()?);
        let text = if *first == b' ' || *last == b' ' { text.trim_matches(' ') } else { text };
        (!text.is_empty()).then_some(text)
    }

    /// The slot's value, where it was never text.
    pub(crate) fn exact(&self, slot: usize) -> Option<Exact> {
        match self.typed.get(slot) {
            Some(Typed::Exact(exact)) => Some(*exact),
            _ => None,
        }
    }
}

/// A reused buffer for readers whose values do not lie side by side in the input.
#[derive(Debug, Default)]
pub(crate) struct RowBuffer {
    text: String,
    cells: Vec<Cell>,
    /// Whether the slot's key stood in the row, null or not.
    seen: Vec<bool>,
}

impl RowBuffer {
    pub(crate) fn new(slots: usize) -> Self {
        Self { text: String::new(), cells: vec![Cell::default(); slots], seen: vec![false; slots] }
    }

    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.cells.fill(Cell::default());
        self.seen.fill(false);
    }

    /// Marks the slot's key as met; false when it was already.
    pub(crate) fn meet(&mut self, slot: usize) -> bool {
        !std::mem::replace(&mut self.seen[slot], true)
    }

    pub(crate) fn seen(&self) -> &[bool] {
        &self.seen
    }

    /// What is found by slot without being copied; see [`Self::view_of`].
    pub(super) fn found(&mut self) -> Found<'_> {
        Found { cells: &mut self.cells, seen: &mut self.seen }
    }

    /// Takes what was found in the text as if it had been set.
    pub(super) fn copy_found(&mut self, text: &str) {
        for slot in 0..self.cells.len() {
            let Cell { start, end } = self.cells[slot];
            self.set(slot, text.get(start..end).unwrap_or_default());
        }
    }

    pub(crate) fn set(&mut self, slot: usize, value: &str) {
        let start = self.text.len();
        self.text.push_str(value);
        self.cells[slot] = Cell { start, end: self.text.len() };
    }

    pub(crate) fn view(&self, line: u64) -> RowView<'_> {
        self.view_of(&self.text, line)
    }

    /// The row whose values were found in this text.
    pub(super) fn view_of<'r>(&'r self, text: &'r str, line: u64) -> RowView<'r> {
        RowView { line, text, cells: &self.cells, typed: &[] }
    }
}
