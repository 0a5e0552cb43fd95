//! How the rows of inputs that are compared with each other are spread over parts, and how much of them is held.

use std::hash::BuildHasher;
use std::sync::OnceLock;

use foldhash::fast::RandomState;

use crate::job::Format;
use crate::sources::RawFile;

/// Bytes of raw input for which one more part is made: the rows of a part, of all inputs, then lie in a processor's cache.
const PART_BYTES: u64 = 1 << 20;
/// How many times larger a packed file is unfolded, as is usual for such rows.
const UNFOLDED: u64 = 3;
/// Fewest and most parts, as powers of two. With more of them each would be too little to write at a time.
const BITS: std::ops::RangeInclusive<u32> = 4..=10;
/// Rows of a part that take more bytes, of all inputs, are matched in finer parts, which lie in a processor's cache.
const FINE_BYTES: usize = 1 << 20;
/// What a part takes of memory at a time, in bytes.
const CHUNK_BYTES: std::ops::RangeInclusive<usize> = (4 << 10)..=(64 << 10);

/// How the rows of one input are kept until they are matched.
#[derive(Debug, Clone, Copy)]
pub struct Spread {
    pub(super) bits: u32,
    /// More than so much is laid aside on the disk.
    pub(super) limit_bytes: usize,
    /// See [`FINE_BYTES`].
    pub(super) fine_bytes: usize,
}

impl Spread {
    /// For an input that is compared with others, all of so many raw bytes together; of its own rows at most
    /// `limit_bytes` are held.
    pub fn new(raw_bytes: u64, limit_bytes: usize) -> Self {
        let parts = (raw_bytes / PART_BYTES).max(1).next_power_of_two();
        Self { bits: parts.ilog2().clamp(*BITS.start(), *BITS.end()), limit_bytes, fine_bytes: FINE_BYTES }
    }

    /// For rows that are all held.
    pub fn held(raw_bytes: u64) -> Self {
        Self::new(raw_bytes, usize::MAX)
    }

    /// How many bytes of its rows are held at most.
    pub const fn limit_bytes(self) -> u64 {
        self.limit_bytes as u64
    }

    /// The same, matched in finer parts from so many bytes on.
    #[must_use]
    pub const fn fine_from(self, fine_bytes: usize) -> Self {
        Self { fine_bytes, ..self }
    }

    /// For the rows of these files, all held.
    pub fn of_files(format: &Format, files: &[RawFile]) -> Self {
        Self::held(Self::raw_bytes(format, files))
    }

    /// How many bytes these files are, or about what they would be if they were not packed.
    pub fn raw_bytes(format: &Format, files: &[RawFile]) -> u64 {
        let bytes = |file: &RawFile| {
            let packed = matches!(format, Format::Parquet) || file.name.to_ascii_lowercase().ends_with(".gz");
            file.bytes.saturating_mul(if packed { UNFOLDED } else { 1 })
        };
        files.iter().map(bytes).fold(0, u64::saturating_add)
    }

    /// The hash of a key: the same for all inputs of this process. No result depends on it.
    pub(super) fn hash(key: &str) -> u64 {
        static STATE: OnceLock<RandomState> = OnceLock::new();
        STATE.get_or_init(RandomState::default).hash_one(key)
    }

    /// The part of a hash; what is left of it tells keys of a part apart.
    #[expect(clippy::cast_possible_truncation, reason = "there are few parts")]
    pub(super) const fn part(self, hash: u64) -> usize {
        (hash >> (u64::BITS - self.bits)) as usize
    }

    /// Where a hash lies among 2 to the power of `finer` parts of its part, which is one of 2 to the power of `bits`.
    #[expect(clippy::cast_possible_truncation, reason = "there are few parts")]
    pub(super) const fn part_of_part(hash: u64, bits: u32, finer: u32) -> usize {
        (hash << bits >> (u64::BITS - finer)) as usize
    }

    /// Bytes of memory that a part takes at a time.
    pub(super) fn chunk_bytes(self) -> usize {
        (self.limit_bytes >> (self.bits + 1)).clamp(*CHUNK_BYTES.start(), *CHUNK_BYTES.end())
    }
}
