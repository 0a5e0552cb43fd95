//! What one worker does with one batch: rows to lines, lines to proven blocks.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

use super::batch::Batch;
use super::gzip::{Block, Deflater, GzipError};
use super::manifest::{SourcePlace, Totals};
use super::places::{self, Run};
use super::repeats::Repeat;
use super::sealed::{self, Counted};
use super::{LineFacts, Lines, RowRefused};
use crate::frames::mask;

/// A batch's results. The batch itself goes back to the pool.
#[derive(Debug, Default)]
pub(super) struct Made {
    pub(super) batch: Batch,
    pub(super) pieces: Vec<Piece>,
    /// In order of rows.
    pub(super) left_out: Vec<LeftOut>,
    /// Event id and line of each written row.
    pub(super) ids: Vec<([u8; 16], u64)>,
    /// Amounts of the written rows, as parsed from the source.
    pub(super) totals: Totals,
}

/// A row that is not sent.
#[derive(Debug)]
pub(super) struct LeftOut {
    pub(super) line: u64,
    pub(super) why: RowRefused,
    /// It fits, and an earlier row says the same event.
    pub(super) repeated: bool,
}

/// Whole lines that go into one parcel together.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) body: Body,
    /// Where its rows stand.
    pub(super) runs: Vec<Run>,
}

#[derive(Debug)]
pub(super) enum Body {
    /// With what was counted in the text that was unfolded from it.
    Packed {
        block: Block,
        counted: Counted,
    },
    Plain(Vec<u8>),
}

/// How lines are cut into pieces.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    /// Otherwise the lines stay text, in one piece.
    pub(super) packed: bool,
    /// Most bytes of a piece's text, unless a single line is longer.
    pub(super) bytes: usize,
    /// Most lines of a piece.
    pub(super) rows: usize,
}

/// What all workers share.
pub(super) struct Task<'a, L> {
    pub(super) lines: &'a L,
    pub(super) cut: Cut,
    /// Rows that are known to repeat others.
    pub(super) repeats: &'a HashMap<SourcePlace, Repeat>,
    /// The names of the source's files.
    pub(super) files: &'a [String],
    /// Nothing will be sent any more: the rest is counted, not packed.
    pub(super) doomed: &'a AtomicBool,
}

/// One worker's buffers.
pub(super) struct Worker<'a, L: Lines> {
    task: &'a Task<'a, L>,
    scratch: L::Scratch,
    deflater: Option<Deflater>,
    text: Vec<u8>,
    /// Of each written line: where it ends in the text, and where its row stands.
    ends: Vec<(usize, u64)>,
}

impl<'a, L: Lines> Worker<'a, L> {
    pub(super) fn new(task: &'a Task<'a, L>) -> Self {
        let deflater = task.cut.packed.then(Deflater::default);
        Self { task, scratch: L::Scratch::default(), deflater, text: Vec::new(), ends: Vec::new() }
    }

    /// # Errors
    /// When what was packed does not read back: a bug.
    pub(super) fn work(&mut self, batch: Batch) -> Result<Made, GzipError> {
        self.text.clear();
        self.ends.clear();
        let mut made = Made::default();
        // Most batches have one currency: its sum is taken along.
        let (mut currency, mut sum) = (*b"USD", 0_i128);
        let mut unreadable = batch.unreadable.iter().peekable();
        for (row, line) in batch.lines.iter().enumerate() {
            if let Some(found) = unreadable.next_if(|found| found.row == row) {
                let (value, reason) = (found.value.clone(), found.reason.clone());
                let why = RowRefused { field: None, value, reason, currency: None, amount_minor: None };
                made.left_out.push(LeftOut { line: *line, why, repeated: false });
                continue;
            }
            let start = self.text.len();
            match self.task.lines.write(|slot| batch.cell(row, slot), &mut self.scratch, &mut self.text) {
                Err(why) => made.left_out.push(LeftOut { line: *line, why, repeated: false }),
                Ok(facts) => {
                    if let Some(why) = self.repeats(SourcePlace { file: batch.file, line: *line }, facts) {
                        self.text.truncate(start);
                        made.left_out.push(LeftOut { line: *line, why, repeated: true });
                        continue;
                    }
                    if facts.currency != currency {
                        made.totals.add(currency, std::mem::take(&mut sum));
                        currency = facts.currency;
                    }
                    sum += i128::from(facts.amount_minor);
                    made.ids.push((facts.event_id, *line));
                    self.ends.push((self.text.len(), *line));
                }
            }
        }
        made.totals.add(currency, sum);
        if !self.task.doomed.load(Ordering::Relaxed) {
            made.pieces = self.pieces(batch.file)?;
        }
        made.batch = batch;
        Ok(made)
    }

    /// Why the row is left out, if it is known to repeat another.
    fn repeats(&self, place: SourcePlace, facts: LineFacts) -> Option<RowRefused> {
        if self.task.repeats.is_empty() {
            return None;
        }
        let repeat = self.task.repeats.get(&place)?;
        Some(repeat_told(repeat, self.task.files, Some(facts)))
    }

    fn pieces(&mut self, file: u32) -> Result<Vec<Piece>, GzipError> {
        let mut pieces = Vec::new();
        let (mut at, mut start) = (0, 0);
        while at < self.ends.len() {
            let count = self.next_piece(at, start);
            let rows = &self.ends[at..at + count];
            let end = rows.last().map_or(start, |(end, _)| *end);
            let mut runs = Vec::new();
            for (_, line) in rows {
                places::push(&mut runs, Run::of(SourcePlace { file, line: *line }));
            }
            let text = &self.text[start..end];
            let body = match &mut self.deflater {
                None => Body::Plain(text.to_vec()),
                Some(deflater) => {
                    let block = deflater.deflate(text)?;
                    let counted = sealed::count(deflater.unfolded());
                    let counted = counted.ok_or(GzipError::Unproven { text_bytes: text.len() })?;
                    Body::Packed { block, counted }
                }
            };
            pieces.push(Piece { body, runs });
            (at, start) = (at + count, end);
        }
        Ok(pieces)
    }

    /// How many lines the piece has that begins with this one. What is left is divided evenly: a
    /// short rest would pack badly.
    fn next_piece(&self, at: usize, start: usize) -> usize {
        let cut = self.task.cut;
        if !cut.packed {
            return self.ends.len() - at;
        }
        let left = self.text.len() - start;
        let even = left.div_ceil(left.div_ceil(cut.bytes).max(1));
        let within = self.ends[at..].iter().take_while(|(end, _)| end - start <= even).count();
        within.clamp(1, cut.rows)
    }
}

/// How the reason begins for which a row that repeats another is left out.
const REPEAT: &str = "is the event of line ";

/// Whether a row is left out because it repeats another; otherwise it does not fit.
pub fn is_repeat(row: &crate::frames::Quarantined) -> bool {
    row.reason.starts_with(REPEAT)
}

/// What is told about a row that says the same event as an earlier one.
pub(super) fn repeat_told(repeat: &Repeat, files: &[String], facts: Option<LineFacts>) -> RowRefused {
    let mut id = String::with_capacity(32);
    for byte in repeat.event_id {
        let _ = write!(id, "{byte:02x}");
    }
    let mut reason = format!("{REPEAT}{} once more", repeat.first.line);
    if repeat.first.file != repeat.row.file {
        let name = files.get(repeat.first.file as usize).map_or("", String::as_str);
        let _ = write!(reason, " (in {})", mask::shown(name));
    }
    RowRefused {
        field: Some("id".to_owned()),
        value: id,
        reason,
        currency: facts.map(|facts| facts.currency),
        amount_minor: facts.map(|facts| facts.amount_minor),
    }
}
