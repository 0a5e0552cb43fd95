//! One gzip member made by many cores: libdeflate's chunks, stitched, and each read back before it counts.
//!
//! libdeflate packs twice as fast as zlib at a better ratio, but it knows no streams: what it gives
//! is whole and says so in its last block (RFC 1951, 3.2.3: BFINAL is the block's first bit). A text
//! of at most 300,000 bytes nearly always becomes a *single* block, so that this bit is the very
//! first one. It is cleared, and an empty stored block after it leads back to a byte boundary, where
//! the next chunk can begin. A stored block has three bits of header, zeros up to the byte's end,
//! then `00 00 FF FF`: where three or more bits are left of the chunk's last byte the header stands
//! in them, else in a byte of its own. Which of the two it is shows when the chunk is read back. The
//! wrong one cannot pass: read in the other's place, the lengths of the stored block contradict each other.
//!
//! A text that becomes several blocks (random bytes, a strange mixture) goes through zlib with a sync
//! flush instead, which ends in the same way, only slower. Either way the bytes that are handed over
//! have been unfolded and compared with the text.
//!
//! Why one member, when members may follow each other: some readers stop after the first.

use std::fmt;

use flate2::{Compress, CompressError, Compression, FlushCompress, Status};
use libdeflater::{CompressionLvl, Compressor, Decompressor};

/// Longest text that libdeflate makes one block of (its `SOFT_MAX_BLOCK_LENGTH`).
pub const PIECE_BYTES: usize = 300_000;
/// zlib's usual level, for what libdeflate makes several blocks of.
const FALLBACK_LEVEL: u32 = 6;
/// Ends the DEFLATE data: an empty block with fixed codes that says that it is the last.
const LAST_BLOCK: [u8; 2] = [0x03, 0x00];
/// Empty stored blocks: with their header in the byte before, and in a byte of their own.
const SYNC_MARKERS: [&[u8]; 2] = [&[0x00, 0x00, 0xff, 0xff], &[0x00, 0x00, 0x00, 0xff, 0xff]];

/// A block that does not read back as what it was made of: a bug, never a property of the text.
#[derive(Debug, thiserror::Error)]
pub enum GzipError {
    #[error("a compressed block of {text_bytes} bytes does not read back as its text")]
    Unproven { text_bytes: usize },
    #[error("zlib refuses a block of {text_bytes} bytes")]
    Refused { text_bytes: usize, source: CompressError },
}

/// A level that libdeflate has: 1 (fastest) to 12 (smallest).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level(u8);

impl Level {
    /// None where libdeflate has no such level.
    pub fn new(level: u8) -> Option<Self> {
        (1..=12).contains(&level).then_some(Self(level))
    }

    pub const fn get(self) -> u8 {
        self.0
    }
}

/// Already smaller than what zlib makes at its usual level.
impl Default for Level {
    fn default() -> Self {
        Self(5)
    }
}

/// Part of a member: DEFLATE blocks up to a byte boundary.
#[derive(Debug)]
pub struct Block {
    pub bytes: Vec<u8>,
    pub text_bytes: u64,
    crc: u32,
}

/// Makes blocks. One for each worker; its buffers are used again.
pub struct Deflater {
    compressor: Compressor,
    decompressor: Decompressor,
    /// A piece on its way: compressed, with its marker, and with what ends the data for the proof.
    packed: Vec<u8>,
    /// All of the last block, as unfolded again.
    unfolded: Vec<u8>,
}

impl fmt::Debug for Deflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deflater").finish_non_exhaustive()
    }
}

impl Deflater {
    /// # Panics
    /// When there is no memory for libdeflate's tables.
    pub fn new(level: Level) -> Self {
        let level = CompressionLvl::new(i32::from(level.0)).expect("a `Level` is one that libdeflate has");
        Self {
            compressor: Compressor::new(level),
            decompressor: Decompressor::new(),
            packed: Vec::new(),
            unfolded: Vec::new(),
        }
    }

    /// The text as part of a member, proven by reading it back. The same text gives the same bytes.
    ///
    /// # Errors
    /// When it does not read back: a bug.
    pub fn deflate(&mut self, text: &[u8]) -> Result<Block, GzipError> {
        let mut bytes = Vec::with_capacity(text.len() / 4);
        self.unfolded.resize(text.len(), 0);
        // Pieces of one size: a short rest at the end would pack badly.
        let pieces = text.len().div_ceil(PIECE_BYTES).max(1);
        let mut start = 0;
        for piece in text.chunks(text.len().div_ceil(pieces).max(1)) {
            let length = if self.single_block(piece, start) { self.packed.len() } else { self.flushed(piece, start)? };
            bytes.extend_from_slice(&self.packed[..length - LAST_BLOCK.len()]);
            start += piece.len();
        }
        Ok(Block { bytes, text_bytes: text.len() as u64, crc: libdeflater::crc32(text) })
    }

    /// The last block's text as unfolded from the bytes that were made of it.
    pub fn unfolded(&self) -> &[u8] {
        &self.unfolded
    }

    /// Packs a piece with libdeflate; false where it does not become a single block.
    fn single_block(&mut self, piece: &[u8], start: usize) -> bool {
        let most = self.compressor.deflate_compress_bound(piece.len());
        self.packed.resize(most, 0);
        let Ok(length) = self.compressor.deflate_compress(piece, &mut self.packed) else { return false };
        if self.packed[0] & 1 == 0 {
            return false;
        }
        self.packed[0] &= !1;
        SYNC_MARKERS.into_iter().any(|marker| {
            self.packed.truncate(length);
            self.packed.extend_from_slice(marker);
            self.packed.extend_from_slice(&LAST_BLOCK);
            self.reads_back(piece, start)
        })
    }

    /// Packs a piece with zlib, up to a flush.
    fn flushed(&mut self, piece: &[u8], start: usize) -> Result<usize, GzipError> {
        let text_bytes = piece.len();
        let mut zlib = Compress::new(Compression::new(FALLBACK_LEVEL), false);
        self.packed.clear();
        loop {
            self.packed.reserve(piece.len() / 2 + 4_096);
            let rest = &piece[usize::try_from(zlib.total_in()).unwrap_or(text_bytes)..];
            let status = zlib
                .compress_vec(rest, &mut self.packed, FlushCompress::Sync)
                .map_err(|source| GzipError::Refused { text_bytes, source })?;
            // The flush is complete once room is left over.
            let done = zlib.total_in() == text_bytes as u64 && self.packed.len() < self.packed.capacity();
            if done || status == Status::StreamEnd {
                break;
            }
        }
        self.packed.extend_from_slice(&LAST_BLOCK);
        if self.reads_back(piece, start) { Ok(self.packed.len()) } else { Err(GzipError::Unproven { text_bytes }) }
    }

    /// Whether the packed bytes unfold to the piece, which begins at `start` of the block's text.
    fn reads_back(&mut self, piece: &[u8], start: usize) -> bool {
        let unfolded = &mut self.unfolded[start..start + piece.len()];
        let length = self.decompressor.deflate_decompress(&self.packed, unfolded);
        length == Ok(piece.len()) && unfolded == piece
    }
}

/// A gzip member (RFC 1952) that grows: its header, blocks, and the trailer.
#[derive(Debug, Default)]
pub struct Member {
    crc: u32,
    text_bytes: u64,
}

impl Member {
    /// No time and no system, so that the same text gives the same bytes.
    pub const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    /// Length of what [`Self::finish`] gives.
    pub const TRAILER_BYTES: usize = 10;

    /// Counts the block, whose bytes come next.
    pub fn append(&mut self, block: &Block) {
        self.crc = combined(self.crc, block.crc, block.text_bytes);
        self.text_bytes += block.text_bytes;
    }

    /// The end of the data, the checksum and the length of the text.
    pub fn finish(&self) -> [u8; Self::TRAILER_BYTES] {
        let mut trailer = [0; Self::TRAILER_BYTES];
        trailer[..2].copy_from_slice(&LAST_BLOCK);
        trailer[2..6].copy_from_slice(&self.crc.to_le_bytes());
        // The format keeps the length modulo 2^32.
        let length = self.text_bytes.to_le_bytes();
        trailer[6..].copy_from_slice(&length[..4]);
        trailer
    }
}

/// The checksum (CRC-32, RFC 1952) of a text from those of its two parts: that of the first, as if so
/// many zero bytes followed, and that of the second. Bytes that follow multiply by a power of x,
/// modulo the polynomial, in the field of two elements.
fn combined(first: u32, second: u32, second_bytes: u64) -> u32 {
    /// x^0: the highest bit is the lowest power.
    const ONE: u32 = 1 << 31;
    /// x^8: one byte.
    const BYTE: u32 = 1 << 23;
    let (mut power, mut shift, mut left) = (ONE, BYTE, second_bytes);
    while left > 0 {
        if left & 1 == 1 {
            power = product(power, shift);
        }
        shift = product(shift, shift);
        left >>= 1;
    }
    product(first, power) ^ second
}

/// The product of two polynomials modulo that of the checksum.
fn product(mut left: u32, mut right: u32) -> u32 {
    const POLYNOMIAL: u32 = 0xedb8_8320;
    let mut product = 0;
    while left != 0 {
        if left & (1 << 31) != 0 {
            product ^= right;
        }
        left <<= 1;
        right = if right & 1 == 1 { (right >> 1) ^ POLYNOMIAL } else { right >> 1 };
    }
    product
}
