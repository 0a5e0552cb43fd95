//! The plain lines of CSV, which nearly all are: whole in the buffer, nothing quoted, nothing wrong.
//! Their values are slices of the input as it is. Whatever else a line may be is left to csv-core,
//! which says the same of plain lines, only after a look at each byte.

use std::ops::Range;

use memchr::{memchr_iter, memchr2};

use super::Dialect;

/// Finds plain lines; its buffer is used again.
#[derive(Debug)]
pub(super) struct Plain {
    dialect: Dialect,
    max_row_bytes: usize,
    /// Where the last line's values stand, one for each column.
    values: Vec<Range<usize>>,
}

/// A line of which each value is valid by itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'b> {
    pub(super) text: &'b str,
    /// With its end.
    pub(super) bytes: usize,
}

impl Plain {
    pub(super) fn new(dialect: Dialect, max_row_bytes: usize, width: usize) -> Self {
        Self { dialect, max_row_bytes, values: vec![0..0; width] }
    }

    /// The line that the buffer begins with, if it is a plain one with a value for each column.
    pub(super) fn line<'b>(&mut self, buffer: &'b [u8]) -> Option<Line<'b>> {
        let Dialect { delimiter, quote, .. } = self.dialect;
        // Both are looked for: where lines end with the one, the other may be nowhere in the buffer.
        let end = memchr2(b'\n', b'\r', buffer)?;
        let (line, after) = buffer.split_at(end);
        let end_bytes = match after {
            [b'\n', ..] => 1,
            [b'\r', b'\n', ..] => 2,
            _ => return None,
        };
        let odd = line.is_empty() || line.len() > self.max_row_bytes || memchr2(quote, 0, line).is_some();
        // A separator that is no character by itself may be part of one.
        if odd || !delimiter.is_ascii() {
            return None;
        }
        let text = std::str::from_utf8(line).ok()?;
        let (mut count, mut start) = (0, 0);
        for separator in memchr_iter(delimiter, line) {
            *self.values.get_mut(count)? = start..separator;
            count += 1;
            start = separator + 1;
        }
        *self.values.get_mut(count)? = start..line.len();
        (count + 1 == self.values.len()).then_some(Line { text, bytes: end + end_bytes })
    }

    /// Where the value of a column stands in the last line's text.
    pub(super) fn value(&self, place: usize) -> Range<usize> {
        self.values[place].clone()
    }
}
