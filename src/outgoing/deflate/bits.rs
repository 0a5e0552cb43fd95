//! Bits into bytes, the lowest first (RFC 1951, 3.1.1).

/// Room beyond what is asked for: bits are written eight bytes at a time.
const SLACK: usize = 16;

/// Writes behind what the vector holds. At most seven bits wait between two flushes, so that 57 can be put.
#[derive(Debug)]
pub(super) struct BitWriter<'a> {
    bytes: &'a mut Vec<u8>,
    /// Where the next whole byte goes.
    at: usize,
    held: u64,
    held_bits: u32,
}

impl<'a> BitWriter<'a> {
    pub(super) fn new(bytes: &'a mut Vec<u8>) -> Self {
        let at = bytes.len();
        Self { bytes, at, held: 0, held_bits: 0 }
    }

    /// Makes room for so many bits; what goes beyond panics.
    pub(super) fn reserve(&mut self, bits: u64) {
        let more = usize::try_from(bits / 8).expect("a block's bytes are counted in memory");
        self.bytes.resize(self.at + more + SLACK, 0);
    }

    /// Holds the lowest `count` bits of `value`, which has no others.
    #[inline]
    pub(super) fn put(&mut self, value: u64, count: u32) {
        self.held |= value << self.held_bits;
        self.held_bits += count;
    }

    /// Holds a code.
    #[inline]
    pub(super) fn code(&mut self, code: Code) {
        self.put(u64::from(code.bits()), code.length());
    }

    #[inline]
    pub(super) fn flush(&mut self) {
        self.bytes[self.at..self.at + 8].copy_from_slice(&self.held.to_le_bytes());
        self.at += (self.held_bits / 8) as usize;
        self.held >>= self.held_bits & !7;
        self.held_bits &= 7;
    }

    /// Zeros up to the end of the byte.
    pub(super) fn align(&mut self) {
        self.held_bits = (self.held_bits + 7) & !7;
        self.flush();
    }

    /// Whole bytes, behind whole bytes.
    pub(super) fn copy(&mut self, bytes: &[u8]) {
        debug_assert_eq!(self.held_bits, 0, "bytes are copied behind whole bytes");
        self.bytes[self.at..self.at + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }

    /// Bits of the last byte that are held.
    pub(super) const fn held_bits(&self) -> u32 {
        self.held_bits
    }

    /// Cuts off what was only room.
    pub(super) fn finish(self) {
        debug_assert_eq!(self.held_bits, 0, "the end is that of a byte");
        self.bytes.truncate(self.at);
    }
}

/// A symbol's code, its first bit the lowest, with the extra bits that always follow it where they are known.
/// Without length it puts nothing.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Code(u32);

impl Code {
    /// Twenty bits are enough: 15, and 5 that say a length exactly.
    const LENGTH_FROM: u32 = 24;

    pub(super) const fn new(bits: u32, length: u32) -> Self {
        Self(bits | length << Self::LENGTH_FROM)
    }

    #[inline]
    pub(super) const fn bits(self) -> u32 {
        self.0 & ((1 << Self::LENGTH_FROM) - 1)
    }

    #[inline]
    pub(super) const fn length(self) -> u32 {
        self.0 >> Self::LENGTH_FROM
    }
}
