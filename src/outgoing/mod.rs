//! From source rows to sealed parcels: what leaves the house lies finished on disk, digested and
//! counted, before anyone is asked where to send it.
//!
//! ```text
//! RawFile ─read→ Batch ─(all cores)→ lines, blocks ─collect, in order→ parcels ─seal→ Spool
//! ```
//!
//! One thread reads, as many as there are cores write lines and pack them, and the caller's thread
//! puts the results back into the order of the source. Batches come from a pool and go back to it,
//! so that memory does not grow with the input. The bytes depend on the source, the mapping and
//! the layout alone, never on the number of cores.

mod batch;
mod build;
mod collect;
pub mod deflate;
mod error;
pub mod gzip;
mod manifest;
mod parcels;
mod places;
mod records;
mod repeats;
mod sealed;
mod spool;
mod work;

pub use build::{BuildSpec, Built, Grain, Layout, build};
pub use error::BuildError;
pub use manifest::{Manifest, Parcel, SealedTotals, SourceFile, SourcePlace, SourceTotals, Totals};
pub use spool::{FoundRow, Sealed, Spool, SpoolError};
pub use work::is_repeat;

/// Writes one row as one line of JSON, or says why it does not fit. Pure: many threads ask the same one.
pub trait Lines: Sync {
    /// What one thread uses again for each row.
    type Scratch: Default;

    /// The source columns wanted, each once: a column's index is its slot.
    fn sources(&self) -> Vec<String>;

    /// The published fields that are mapped to columns, with their slots.
    fn fields(&self) -> Vec<(String, Vec<usize>)>;

    /// Appends exactly one line, with its end, or leaves `out` as it was.
    ///
    /// # Errors
    /// When the row does not fit.
    fn write<'c>(
        &'c self,
        cell: impl Fn(usize) -> Option<&'c str>,
        scratch: &mut Self::Scratch,
        out: &mut Vec<u8>,
    ) -> Result<LineFacts, RowRefused>;
}

/// What a written line says, as it was read from the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineFacts {
    pub amount_minor: i64,
    /// ISO 4217, upper case.
    pub currency: [u8; 3],
    /// Two rows with the same one are the same event.
    pub event_id: [u8; 16],
}

/// Why a row does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowRefused {
    /// The published name of the field at fault, if one is.
    pub field: Option<String>,
    /// What stood there, masked.
    pub value: String,
    /// What was expected, as a lowercase fragment.
    pub reason: String,
    /// As far as they could be read.
    pub currency: Option<[u8; 3]>,
    pub amount_minor: Option<i64>,
}
