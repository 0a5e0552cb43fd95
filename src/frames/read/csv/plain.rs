//! The plain lines of CSV, which nearly all are: whole in the buffer, nothing quoted, nothing wrong.
//! Their values are slices of the input as it is. Whatever else a line may be is left to csv-core,
//! which says the same of plain lines, only after a look at each byte.
//!
//! A block of lines is looked at as a whole, so that the processor's wide registers have something to do.

use memchr::{memchr, memchr2, memrchr};

use super::Dialect;
use crate::frames::read::row::{Cell, RowView};

/// Bytes looked at in one go: some lines, and no great loss where the first of them is an odd one.
const BLOCK_BYTES: usize = 16 << 10;

/// Finds plain lines; its buffers are used again.
#[derive(Debug)]
pub(super) struct Plain {
    dialect: Dialect,
    max_row_bytes: usize,
    /// Values of each line.
    width: usize,
    /// By slot: the place of its value among those of a line.
    places: Vec<Option<usize>>,
    /// By slot, of the last row.
    cells: Vec<Cell>,
    ends: Ends,
}

/// What has been taken of a buffer: its first bytes, which are whole lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) bytes: usize,
    /// Lines, blank ones among them.
    pub(super) lines: u64,
    pub(super) rows: u64,
}

impl Plain {
    pub(super) fn new(dialect: Dialect, max_row_bytes: usize, places: Vec<Option<usize>>, width: usize) -> Self {
        let cells = vec![Cell::default(); places.len()];
        Self { dialect, max_row_bytes, width, places, cells, ends: Ends::default() }
    }

    /// Hands on the rows of the plain lines with which the buffer begins, as far as one block goes. The first of
    /// them stands on `line`.
    ///
    /// # Errors
    /// Those of `take`.
    pub(super) fn rows<E>(
        &mut self,
        buffer: &[u8],
        line: u64,
        mut take: impl FnMut(RowView<'_>) -> Result<(), E>,
    ) -> Result<Taken, E> {
        let text = block(self.dialect, buffer);
        let mut taken = Taken::default();
        if text.is_empty() {
            return Ok(taken);
        }
        let bytes = text.as_bytes();
        let has_returns = memchr(b'\r', bytes).is_some();
        let ends = self.ends.find(bytes, self.dialect.delimiter);
        // The end before the line that is looked at.
        let mut before = 0;
        while let Some(end) = ends.get(before + 1) {
            let mut next = before + self.width;
            let start = ends[before].wrapping_add(1);
            let blank = matches!(&bytes[start..=*end], b"\n" | b"\r\n");
            if blank {
                next = before + 1;
            } else {
                let Some(ends) = ends.get(before..=next) else { break };
                let Some(end) = line_end(bytes, ends, has_returns, self.max_row_bytes) else { break };
                for (cell, place) in self.cells.iter_mut().zip(&self.places) {
                    *cell = place.map_or(Cell::default(), |place| Cell {
                        start: ends[place].wrapping_add(1),
                        end: ends[place + 1].min(end),
                    });
                }
                take(RowView { line: line + taken.lines, text, cells: &self.cells, typed: &[] })?;
                taken.rows += 1;
            }
            taken.lines += 1;
            taken.bytes = ends[next] + 1;
            before = next;
        }
        Ok(taken)
    }
}

/// Where the last value ends of the line that has these ends, the first of them the one before the line; none where it
/// is no plain line.
fn line_end(bytes: &[u8], ends: &[usize], has_returns: bool, max_row_bytes: usize) -> Option<usize> {
    let (last, separators) = ends[1..].split_last()?;
    let whole = bytes[*last] == b'\n' && separators.iter().all(|end| bytes[*end] != b'\n');
    if !whole {
        return None;
    }
    let start = ends[0].wrapping_add(1);
    let line = &bytes[start..*last];
    let line = if has_returns { line.strip_suffix(b"\r").unwrap_or(line) } else { line };
    // A carriage return by itself ends a line, too.
    let odd = line.len() > max_row_bytes || (has_returns && memchr(b'\r', line).is_some());
    (!odd).then_some(start + line.len())
}

/// The whole lines with which the buffer begins that have no quote, no NUL byte and nothing that is no text, as far as
/// one block goes.
fn block(dialect: Dialect, buffer: &[u8]) -> &str {
    let Dialect { delimiter, quote, .. } = dialect;
    // A separator that is no character by itself may be part of one.
    if !delimiter.is_ascii() || matches!(delimiter, b'\n' | b'\r') {
        return "";
    }
    let part = &buffer[..buffer.len().min(BLOCK_BYTES)];
    // Of very long lines, all that is there.
    let part = if memchr(b'\n', part).is_some() { part } else { buffer };
    let plain = &part[..memchr2(quote, 0, part).unwrap_or(part.len())];
    let lines = whole_lines(plain);
    match std::str::from_utf8(lines) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(whole_lines(&lines[..error.valid_up_to()])).unwrap_or_default(),
    }
}

fn whole_lines(bytes: &[u8]) -> &[u8] {
    &bytes[..memrchr(b'\n', bytes).map_or(0, |end| end + 1)]
}

/// Where values and lines end.
#[derive(Debug, Default)]
struct Ends {
    /// By byte: whether it is an end.
    flags: Vec<u8>,
    /// The ends, and room for more.
    found: Vec<usize>,
}

impl Ends {
    /// The places of all separators and line feeds, in order. Before the first one stands one more, of which the
    /// next place is 0.
    fn find(&mut self, bytes: &[u8], delimiter: u8) -> &[usize] {
        self.flags.clear();
        // Without a branch, so that the compiler takes many bytes at a time.
        self.flags.extend(bytes.iter().map(|byte| u8::from(*byte == delimiter) | u8::from(*byte == b'\n')));
        self.flags.resize(bytes.len().next_multiple_of(64), 0);
        if self.found.len() < self.flags.len() + ROOM {
            self.found.resize(self.flags.len() + ROOM, 0);
        }
        self.found[0] = usize::MAX;
        let mut count = 1;
        for (chunk, flags) in self.flags.as_chunks::<64>().0.iter().enumerate() {
            count = places(flags, 64 * chunk, &mut self.found, count);
        }
        &self.found[..count]
    }
}

/// Places written at a time, most of them for nothing: still faster than to ask after each whether there is another.
const ROOM: usize = 8;

/// Adds the places of the flags that are set to the `count` that are there; how many are there then.
fn places(flags: &[u8; 64], first: usize, found: &mut [usize], count: usize) -> usize {
    /// Brings the lowest bits of eight bytes together in the highest byte.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let mut bits = 0_u64;
    for (eight, flags) in flags.as_chunks::<8>().0.iter().enumerate() {
        bits |= (u64::from_le_bytes(*flags).wrapping_mul(GATHER) >> 56) << (8 * eight);
    }
    let end = count + bits.count_ones() as usize;
    let mut next = count;
    while next < end {
        for place in &mut found[next..next + ROOM] {
            *place = first + bits.trailing_zeros() as usize;
            bits &= bits.wrapping_sub(1);
        }
        next += ROOM;
    }
    end
}
