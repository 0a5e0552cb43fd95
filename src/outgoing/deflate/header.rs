//! The code lengths at the head of a block, run-length coded, with a code of their own (RFC 1951, 3.2.7).

use super::bits::{BitWriter, Code};
use super::huffman;

/// The code lengths, and the three that repeat.
const SYMBOLS: usize = 19;
/// The order in which the lengths of the codes for code lengths stand.
const ORDER: [usize; SYMBOLS] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/// The longest code for a code length.
const LONGEST: usize = 7;
/// The last length 3 to 6 times more.
const AGAIN: u8 = 16;
/// No code for 3 to 10 symbols, for 11 to 138.
const NONE: u8 = 17;
const LONG_NONE: u8 = 18;

/// A code length, or how often one repeats.
#[derive(Debug, Clone, Copy)]
struct Item {
    symbol: u8,
    /// What follows the symbol's code, in so many bits.
    extra: u8,
    extra_bits: u8,
}

impl Item {
    const fn length(length: u8) -> Self {
        Self { symbol: length, extra: 0, extra_bits: 0 }
    }
}

#[derive(Debug)]
pub(super) struct Header {
    /// Of literals and lengths, and of distances, as many as are told.
    literals: usize,
    distances: usize,
    items: Vec<Item>,
    lengths: [u8; SYMBOLS],
    /// How many of them are told.
    told: usize,
}

impl Header {
    /// Of the lengths of both codes, each of which has a symbol that is used.
    pub(super) fn of(literals: &[u8], distances: &[u8]) -> Self {
        let used = |lengths: &[u8], least: usize| {
            lengths.iter().rposition(|length| *length > 0).map_or(least, |last| (last + 1).max(least))
        };
        let (literals, distances) = (&literals[..used(literals, 257)], &distances[..used(distances, 1)]);
        let mut items = Vec::with_capacity(64);
        // One sequence: runs go on from the first code to the second.
        let all = [literals, distances].concat();
        for run in all.chunk_by(|one, other| one == other) {
            push_run(&mut items, run[0], run.len());
        }
        let mut frequencies = [0; SYMBOLS];
        for item in &items {
            frequencies[usize::from(item.symbol)] += 1;
        }
        let mut lengths = [0; SYMBOLS];
        huffman::lengths(&frequencies, LONGEST, &mut lengths);
        let last = ORDER.iter().rposition(|symbol| lengths[*symbol] > 0).unwrap_or(0);
        Self { literals: literals.len(), distances: distances.len(), items, lengths, told: (last + 1).max(4) }
    }

    /// Its size, after the block's first three bits.
    pub(super) fn bits(&self) -> u64 {
        let of_item = |item: &Item| u64::from(self.lengths[usize::from(item.symbol)] + item.extra_bits);
        5 + 5 + 4 + 3 * self.told as u64 + self.items.iter().map(of_item).sum::<u64>()
    }

    pub(super) fn write(&self, out: &mut BitWriter<'_>) {
        out.put(self.literals as u64 - 257, 5);
        out.put(self.distances as u64 - 1, 5);
        out.put(self.told as u64 - 4, 4);
        out.flush();
        for symbol in &ORDER[..self.told] {
            out.put(u64::from(self.lengths[*symbol]), 3);
            out.flush();
        }
        let mut codes = [Code::default(); SYMBOLS];
        huffman::codes(&self.lengths, &mut codes);
        for item in &self.items {
            out.code(codes[usize::from(item.symbol)]);
            out.put(u64::from(item.extra), u32::from(item.extra_bits));
            out.flush();
        }
    }
}

/// The same length so many times.
fn push_run(items: &mut Vec<Item>, length: u8, mut count: usize) {
    if length > 0 {
        items.push(Item::length(length));
        count -= 1;
    }
    while count >= 3 {
        let (symbol, least, most, extra_bits) = match length {
            0 if count >= 11 => (LONG_NONE, 11, 138, 7),
            0 => (NONE, 3, 10, 3),
            _ => (AGAIN, 3, 6, 2),
        };
        let repeated = count.min(most);
        let extra = u8::try_from(repeated - least).expect("at most 127");
        items.push(Item { symbol, extra, extra_bits });
        count -= repeated;
    }
    items.extend(std::iter::repeat_n(Item::length(length), count));
}
