//! The results of the workers, back in the order of the source: parcels, quarantine and totals.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender};

use super::batch::Batch;
use super::build::Built;
use super::error::BuildError;
use super::gzip::GzipError;
use super::manifest::{Parcel, SealedTotals, SourcePlace, SourceTotals};
use super::parcels::Parcels;
use super::repeats::EventIds;
use super::work::{LeftOut, Made};
use crate::frames::{Quarantined, Side};
use crate::journal::kill;

/// Rows shown when there are too many of them.
pub(super) const SHOWN_ROWS: usize = 5;

/// What a worker hands over.
pub(super) enum Finished {
    Made(Box<Made>),
    Failed(GzipError),
    /// It panicked; its panic is told elsewhere.
    Died,
}

/// Rows that are not sent, as many as may be shown.
#[derive(Debug)]
pub(super) struct Aside {
    tolerated: u64,
    pub(super) kept: Vec<Quarantined>,
}

impl Aside {
    /// Past what is tolerated nothing is sent: then only the first ones are shown.
    pub(super) fn most(tolerated: u64) -> usize {
        usize::try_from(tolerated).unwrap_or(usize::MAX).max(SHOWN_ROWS)
    }

    fn add(&mut self, file: u32, file_name: &str, left_out: LeftOut) {
        if self.kept.len() < Self::most(self.tolerated) {
            self.kept.push(quarantined(file, file_name, left_out));
        }
    }
}

/// A row that is not sent, in the words of the report.
pub(super) fn quarantined(file: u32, file_name: &str, left_out: LeftOut) -> Quarantined {
    let LeftOut { line, why, .. } = left_out;
    Quarantined {
        side: Side::Ledger,
        file,
        file_name: file_name.to_owned(),
        line,
        field: why.field,
        value: why.value,
        reason: why.reason,
        currency: why.currency.map(|code| String::from_utf8_lossy(&code).into_owned()),
        amounts_minor: [why.amount_minor, None, None],
    }
}

/// Takes the batches in order.
pub(super) struct Collector<'a> {
    pub(super) files: &'a [String],
    pub(super) parcels: Parcels,
    /// None where repeats are known already.
    pub(super) ids: Option<EventIds>,
    pub(super) aside: Aside,
    pub(super) source: SourceTotals,
    pub(super) doomed: &'a AtomicBool,
}

/// All that was collected.
pub(super) struct Collected {
    pub(super) parcels: Vec<Parcel>,
    pub(super) ids: Option<EventIds>,
    pub(super) left_out: Vec<Quarantined>,
    pub(super) source: SourceTotals,
    pub(super) sealed: SealedTotals,
}

impl<'a> Collector<'a> {
    pub(super) fn new(
        files: &'a [String],
        parcels: Parcels,
        ids: Option<EventIds>,
        tolerated: u64,
        doomed: &'a AtomicBool,
    ) -> Self {
        let aside = Aside { tolerated, kept: Vec::new() };
        Self { files, parcels, ids, aside, source: SourceTotals::default(), doomed }
    }

    /// Takes what comes until all workers are gone. Batches go back to the pool in their order, which is
    /// what keeps fast workers from running ahead.
    ///
    /// # Errors
    /// When a worker fails or the disk refuses.
    pub(super) fn collect(
        mut self,
        finished: &Receiver<Finished>,
        empty: &Sender<Batch>,
        progress: &dyn Fn(Built),
    ) -> Result<Collected, BuildError> {
        let mut waiting = BTreeMap::new();
        let mut next = 0;
        for one in finished {
            let made = match one {
                Finished::Made(made) => *made,
                Finished::Failed(error) => return Err(error.into()),
                Finished::Died => return Err(BuildError::Died),
            };
            waiting.insert(made.batch.number, made);
            while let Some(made) = waiting.remove(&next) {
                kill::before("collect");
                let batch = self.take(made)?;
                kill::after("collect");
                // The reader may be done and gone.
                let _ = empty.send(batch);
                progress(Built { rows: self.source.rows, bytes: self.parcels.bytes() });
                next += 1;
            }
        }
        if !waiting.is_empty() {
            return Err(BuildError::Died);
        }
        self.finish()
    }

    fn take(&mut self, made: Made) -> Result<Batch, BuildError> {
        let Made { batch, pieces, left_out, ids, totals } = made;
        self.source.rows += batch.lines.len() as u64;
        self.source.written += ids.len() as u64;
        self.source.totals.add_all(&totals);
        if let Some(known) = &mut self.ids {
            for (event_id, line) in ids {
                known.add(event_id, SourcePlace { file: batch.file, line })?;
            }
        }
        for row in left_out {
            let count = if row.repeated { &mut self.source.repeated } else { &mut self.source.quarantined };
            *count += 1;
            self.aside.add(batch.file, &self.files[batch.file as usize], row);
        }
        if self.source.quarantined + self.source.repeated > self.aside.tolerated {
            self.doomed.store(true, Ordering::Relaxed);
            return Ok(batch);
        }
        for piece in pieces {
            self.parcels.add(piece)?;
        }
        Ok(batch)
    }

    fn finish(self) -> Result<Collected, BuildError> {
        let (parcels, text_bytes) = self.parcels.finish()?;
        let mut sealed = SealedTotals { text_bytes, ..SealedTotals::default() };
        for parcel in &parcels {
            sealed.rows += parcel.rows;
            sealed.bytes += parcel.bytes;
            sealed.totals.add_all(&parcel.totals);
        }
        Ok(Collected { parcels, ids: self.ids, left_out: self.aside.kept, source: self.source, sealed })
    }
}
