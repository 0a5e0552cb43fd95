//! One gzip member (RFC 1952) made by many cores: parts that end at a byte's end, each read back before it counts.
//!
//! A part is what [`super::deflate`] makes of a text: DEFLATE blocks, none of them the last, and an empty
//! stored block, so that the next part can follow. It is unfolded by libdeflate, which shares nothing with
//! our encoder, and compared with the text; nothing else is handed over.
//!
//! Why one member, when members may follow each other: some readers stop after the first.

use std::fmt;

use libdeflater::Decompressor;

use super::deflate::Encoder;

/// Text that is packed at once. Each piece begins without a window: twice as much makes files 0.3 % smaller,
/// half as much 0.6 % larger. A file ends between two pieces, so they are not larger than this.
pub const PIECE_BYTES: usize = 1 << 20;
/// Ends the DEFLATE data: an empty block with fixed codes that says that it is the last.
const LAST_BLOCK: [u8; 2] = [0x03, 0x00];

/// A block that does not read back as what it was made of: a bug, never a property of the text.
#[derive(Debug, thiserror::Error)]
pub enum GzipError {
    #[error("a compressed block of {text_bytes} bytes does not read back as its text")]
    Unproven { text_bytes: usize },
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
    encoder: Encoder,
    decompressor: Decompressor,
    /// All of the last block, as unfolded again.
    unfolded: Vec<u8>,
}

impl fmt::Debug for Deflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deflater").finish_non_exhaustive()
    }
}

/// Panics when there is no memory for libdeflate's tables.
impl Default for Deflater {
    fn default() -> Self {
        Self { encoder: Encoder::default(), decompressor: Decompressor::new(), unfolded: Vec::new() }
    }
}

impl Deflater {
    /// The text as part of a member, proven by reading it back. The same text gives the same bytes.
    ///
    /// # Errors
    /// When it does not read back: a bug.
    pub fn deflate(&mut self, text: &[u8]) -> Result<Block, GzipError> {
        let mut bytes = Vec::with_capacity(text.len() / 4);
        self.encoder.encode(text, &mut bytes);
        let length = bytes.len();
        bytes.extend_from_slice(&LAST_BLOCK);
        self.unfolded.resize(text.len(), 0);
        let unfolded = self.decompressor.deflate_decompress(&bytes, &mut self.unfolded);
        if unfolded != Ok(text.len()) || self.unfolded != text {
            return Err(GzipError::Unproven { text_bytes: text.len() });
        }
        bytes.truncate(length);
        Ok(Block { bytes, text_bytes: text.len() as u64, crc: libdeflater::crc32(text) })
    }

    /// The last block's text as unfolded from the bytes that were made of it.
    pub fn unfolded(&self) -> &[u8] {
        &self.unfolded
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
