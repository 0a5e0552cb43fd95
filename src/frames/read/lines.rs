//! JSONL and notification logs: one JSON value a line, each on its own, in bounded memory.

use std::io::{self, BufRead};

use super::json::take_row;
use super::open::{self, Stream};
use super::paths::PathTree;
use super::row::RowBuffer;
use super::{Outcome, Reading, RowSink};
use crate::frames::error::InputError;
use crate::frames::normalize::TimePlan;
use crate::frames::notices;
use crate::frames::signature;
use crate::job::Format;

/// Paths that begin like this are read from the envelope around a logged notification, and only there.
const ENVELOPE: &str = "envelope.";
/// The receipt time that the logger wrote down.
const RECEIVED_AT: &str = "envelope.received_at";

pub(super) fn read(reading: Reading<'_>, mut stream: Stream, sink: &mut impl RowSink) -> Result<Outcome, InputError> {
    let names = &reading.sources.names;
    let is_log = reading.input.format == Format::WebhookLog;
    let wanted = names.iter().enumerate().map(|(slot, path)| (slot, path.as_str()));
    let tree = PathTree::new(
        wanted.filter(|(_, path)| !(is_log && path.starts_with(ENVELOPE))),
        reading.input.known_columns.as_deref(),
    );
    let mut rows = Rows {
        tree,
        row: RowBuffer::new(names.len()),
        outcome: Outcome { seen: vec![false; names.len()], ..Outcome::default() },
        received_at: names.iter().position(|name| name == RECEIVED_AT),
        receipt_times: notices::receipt_times(reading.input, RECEIVED_AT),
    };
    let mut lines = Lines { buffer: Vec::new(), line: 0, max_row_bytes: reading.input.limits.max_row_bytes };
    while let Some(fits) = lines.next(&mut stream).map_err(|error| open::input_error(reading.raw, error))? {
        rows.outcome.rows += 1;
        let taken = if !fits {
            Err(format!("is longer than {} bytes (`max_row_bytes` in `limits`)", lines.max_row_bytes))
        } else if is_log {
            rows.notification(reading, &lines)
        } else {
            take_row(&rows.tree, &lines.buffer, &mut rows.row, &mut rows.outcome).map(|()| true)
        };
        let taken = match taken {
            Ok(true) => sink.row(rows.row.view(lines.line)),
            Ok(false) => {
                rows.outcome.rows -= 1;
                Ok(())
            }
            Err(reason) => sink.unreadable(lines.line, &lines.buffer, reason),
        };
        taken.map_err(|halted| reading.given_up(halted))?;
    }
    Ok(rows.outcome)
}

struct Rows {
    tree: PathTree,
    row: RowBuffer,
    outcome: Outcome,
    /// The slot of the receipt time.
    received_at: Option<usize>,
    receipt_times: TimePlan,
}

impl Rows {
    /// Whether it is a row: one that a receiver rejected is none.
    fn notification(&mut self, reading: Reading<'_>, lines: &Lines) -> Result<bool, String> {
        let text = std::str::from_utf8(&lines.buffer).map_err(|error| super::csv::not_utf8(error.valid_up_to()))?;
        let notification = signature::unwrap_line(text, reading.verifier)?;
        if notification.rejected.is_some() {
            self.outcome.rejected.take(lines.line, notification);
            return Ok(false);
        }
        take_row(&self.tree, notification.body.as_bytes(), &mut self.row, &mut self.outcome)?;
        if let (Some(slot), Some(received_at)) = (self.received_at, &notification.received_at) {
            self.outcome.seen[slot] = true;
            self.row.set(slot, received_at);
        }
        let received_at = notification.received_at.as_deref();
        self.outcome.notices.take(lines.line, &notification.body, received_at, &self.receipt_times);
        Ok(true)
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
            let end = input.iter().position(|byte| *byte == b'\n');
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
