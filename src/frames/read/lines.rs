//! JSONL and notification logs: one JSON value a line, each on its own, in bounded memory.

use std::io::{self, BufRead};
use std::str::Utf8Error;

use memchr::{memchr, memchr_iter, memrchr};

use super::json::ObjectRows;
use super::open::{self, Stream};
use super::paths::PathTree;
use super::{Halted, Outcome, Reading, RowSink};
use crate::frames::error::InputError;
use crate::frames::normalize::TimePlan;
use crate::frames::notices;
use crate::frames::signature;
use crate::job::Format;

/// Paths that begin like this are read from the envelope around a logged notification, and only there.
const ENVELOPE: &str = "envelope.";
/// The receipt time that the logger wrote down.
const RECEIVED_AT: &str = "envelope.received_at";
/// Bytes of whole lines that are looked at in one go.
const BLOCK_BYTES: usize = 16 << 10;

pub(super) fn read(reading: Reading<'_>, mut stream: Stream, sink: &mut impl RowSink) -> Result<Outcome, InputError> {
    let names = &reading.sources.names;
    let is_log = reading.input.format == Format::WebhookLog;
    let wanted = names.iter().enumerate().map(|(slot, path)| (slot, path.as_str()));
    let tree = PathTree::new(
        wanted.filter(|(_, path)| !(is_log && path.starts_with(ENVELOPE))),
        reading.input.known_columns.as_deref(),
    );
    let mut rows = Rows {
        reading,
        sink,
        row: ObjectRows::new(tree, names.len()),
        outcome: Outcome { seen: vec![false; names.len()], ..Outcome::default() },
        received_at: names.iter().position(|name| name == RECEIVED_AT),
        receipt_times: notices::receipt_times(reading.input, RECEIVED_AT),
    };
    let mut lines = Lines { buffer: Vec::new(), line: 0, max_row_bytes: reading.input.limits.max_row_bytes };
    loop {
        let taken = lines.block(stream.buffer(), |line, bytes, text| rows.take(line, bytes, text));
        let bytes = taken.map_err(|halted| reading.given_up(halted))?;
        stream.consume(bytes);
        if bytes > 0 {
            continue;
        }
        let next = lines.next(&mut stream).map_err(|error| open::input_error(reading.raw, error))?;
        let Some(fits) = next else { return Ok(rows.outcome) };
        let taken = if fits {
            rows.take(lines.line, &lines.buffer, std::str::from_utf8(&lines.buffer))
        } else {
            let reason = format!("is longer than {} bytes (`max_row_bytes` in `limits`)", lines.max_row_bytes);
            rows.unreadable(lines.line, &lines.buffer, reason)
        };
        taken.map_err(|halted| reading.given_up(halted))?;
    }
}

struct Rows<'a, 's, S> {
    reading: Reading<'a>,
    sink: &'s mut S,
    row: ObjectRows,
    outcome: Outcome,
    /// The slot of the receipt time.
    received_at: Option<usize>,
    receipt_times: TimePlan,
}

impl<S: RowSink> Rows<'_, '_, S> {
    /// Takes a line, of which `text` is the text.
    fn take(&mut self, line: u64, bytes: &[u8], text: Result<&str, Utf8Error>) -> Result<(), Halted> {
        let text = text.map_err(|error| super::csv::not_utf8(error.valid_up_to()));
        let taken = match text {
            Err(reason) => Err(reason),
            Ok(text) if self.reading.input.format == Format::WebhookLog => return self.notification(line, text),
            Ok(text) => self.row.take(text, &mut self.outcome).map(|()| text),
        };
        match taken {
            Ok(text) => {
                self.outcome.rows += 1;
                self.sink.row(self.row.view(text, line))
            }
            Err(reason) => self.unreadable(line, bytes, reason),
        }
    }

    fn unreadable(&mut self, line: u64, bytes: &[u8], reason: String) -> Result<(), Halted> {
        self.outcome.rows += 1;
        self.sink.unreadable(line, bytes, reason)
    }

    /// Takes a line of a log. One that a receiver rejected is no row.
    fn notification(&mut self, line: u64, text: &str) -> Result<(), Halted> {
        let taken = signature::unwrap_line(text, self.reading.verifier).and_then(|notification| {
            if notification.rejected.is_none() {
                self.row.take(&notification.body, &mut self.outcome)?;
            }
            Ok(notification)
        });
        let notification = match taken {
            Ok(notification) => notification,
            Err(reason) => return self.unreadable(line, text.as_bytes(), reason),
        };
        if notification.rejected.is_some() {
            self.outcome.rejected.take(line, notification);
            return Ok(());
        }
        self.outcome.rows += 1;
        if let (Some(slot), Some(received_at)) = (self.received_at, &notification.received_at) {
            self.outcome.seen[slot] = true;
            self.row.add(&notification.body, slot, received_at);
        }
        let received_at = notification.received_at.as_deref();
        self.outcome.notices.take(line, &notification.body, received_at, &self.receipt_times);
        self.sink.row(self.row.view(&notification.body, line))
    }
}

/// Lines that are not blank; a line that is too long is passed over, not held.
#[derive(Debug)]
struct Lines {
    buffer: Vec<u8>,
    /// The line in the buffer, from 1.
    line: u64,
    max_row_bytes: usize,
}

impl Lines {
    /// Hands on the lines that are not blank of those that the buffer begins with, as far as one block goes and no line is
    /// too long: number, bytes and text. Tells how many bytes were taken.
    ///
    /// # Errors
    /// Those of `take`.
    fn block<E>(
        &mut self,
        buffer: &[u8],
        mut take: impl FnMut(u64, &[u8], Result<&str, Utf8Error>) -> Result<(), E>,
    ) -> Result<usize, E> {
        let block = &buffer[..buffer.len().min(BLOCK_BYTES)];
        let block = &block[..memrchr(b'\n', block).map_or(0, |end| end + 1)];
        // Looked at once for all lines; where one of them is no text, each is asked by itself.
        let text = std::str::from_utf8(block).ok();
        let mut start = 0;
        for end in memchr_iter(b'\n', block) {
            let line = &block[start..end];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.len() > self.max_row_bytes {
                break;
            }
            self.line += 1;
            if !line.trim_ascii().is_empty() {
                let text = text.map_or_else(|| std::str::from_utf8(line), |text| Ok(&text[start..start + line.len()]));
                take(self.line, line, text)?;
            }
            start = end + 1;
        }
        Ok(start)
    }

    /// Reads the next line into the buffer; false when it is too long (then its beginning is there).
    fn next(&mut self, stream: &mut Stream) -> io::Result<Option<bool>> {
        loop {
            let Some(fits) = self.next_raw(stream)? else {
                return Ok(None);
            };
            self.line += 1;
            if !fits || !self.buffer.trim_ascii().is_empty() {
                return Ok(Some(fits));
            }
        }
    }

    fn next_raw(&mut self, stream: &mut Stream) -> io::Result<Option<bool>> {
        self.buffer.clear();
        let mut fits = true;
        let mut any = false;
        loop {
            let input = stream.fill_buf()?;
            if input.is_empty() {
                return Ok(any.then_some(fits));
            }
            any = true;
            let end = memchr(b'\n', input);
            let part = &input[..end.unwrap_or(input.len())];
            // The line's own end may still bring a carriage return, which does not count.
            let room = (self.max_row_bytes + 1).saturating_sub(self.buffer.len());
            fits &= part.len() <= room;
            self.buffer.extend_from_slice(&part[..part.len().min(room)]);
            let taken = part.len() + usize::from(end.is_some());
            stream.consume(taken);
            if end.is_some() {
                if self.buffer.last() == Some(&b'\r') {
                    self.buffer.pop();
                }
                return Ok(Some(fits && self.buffer.len() <= self.max_row_bytes));
            }
        }
    }
}
