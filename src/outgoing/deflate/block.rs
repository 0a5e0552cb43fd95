//! What was found in a block's text, as a block with the codes that suit it, or with the fixed ones
//! (RFC 1951, 3.2.3 to 3.2.7).

use super::bits::{BitWriter, Code};
use super::header::Header;
use super::huffman;
use super::matches::{Found, Step};

/// Literals, the end of the block, and lengths.
const LITERALS: usize = 286;
const DISTANCES: usize = 30;
/// Symbols of the fixed codes, of which the last ones are never used.
const FIXED_LITERALS: usize = 288;
const END_OF_BLOCK: usize = 256;
const FIRST_LENGTH: usize = 257;
const LENGTHS: usize = LITERALS - FIRST_LENGTH;
/// The shortest match of each symbol of a length, and its extra bits (3.2.5).
const LENGTH_BASES: [u16; LENGTHS] =
    [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
const LENGTH_EXTRA: [u8; LENGTHS] =
    [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
/// For each length of a match: its symbol, from the first length's on.
const LENGTH_SYMBOLS: [u8; 259] = length_symbols();
#[expect(clippy::cast_possible_truncation, reason = "there are 29 symbols")]
const fn length_symbols() -> [u8; 259] {
    let mut symbols = [0; 259];
    let (mut length, mut symbol) = (3, 0);
    while length < symbols.len() {
        while symbol + 1 < LENGTHS && LENGTH_BASES[symbol + 1] as usize <= length {
            symbol += 1;
        }
        symbols[length] = symbol as u8;
        length += 1;
    }
    symbols
}

#[inline]
fn length_symbol(step: Step) -> usize {
    usize::from(LENGTH_SYMBOLS[usize::from(step.length)])
}

/// The symbol of a distance, less one, and how many extra bits follow: its lowest ones (3.2.5).
#[inline]
const fn distance_symbol(distance: u16) -> (usize, u32) {
    if distance < 2 {
        return (distance as usize, 0);
    }
    let extra = 14 - distance.leading_zeros();
    ((2 * (extra + 1) + (distance as u32 >> extra & 1)) as usize, extra)
}

/// The lengths of both codes.
#[derive(Debug)]
struct Lengths {
    literals: [u8; FIXED_LITERALS],
    distances: [u8; DISTANCES],
}

impl Lengths {
    /// Those of the fixed codes (3.2.6).
    const FIXED: Self = {
        let mut literals = [8; FIXED_LITERALS];
        let mut symbol = 144;
        while symbol < 280 {
            literals[symbol] = if symbol < END_OF_BLOCK { 9 } else { 7 };
            symbol += 1;
        }
        Self { literals, distances: [5; DISTANCES] }
    };
}

/// How often each symbol comes.
#[derive(Debug)]
struct Frequencies {
    literals: [u32; LITERALS],
    distances: [u32; DISTANCES],
}

impl Frequencies {
    fn of(found: &Found<'_>) -> Self {
        // Four tables, so that a byte need not wait for the same one before it.
        let mut tables = [[0_u32; 256]; 4];
        let (fours, rest) = found.literals().as_chunks::<4>();
        for four in fours {
            for (table, byte) in tables.iter_mut().zip(four) {
                table[usize::from(*byte)] += 1;
            }
        }
        for byte in rest {
            tables[0][usize::from(*byte)] += 1;
        }
        let mut literals = [0; LITERALS];
        for (byte, frequency) in literals[..END_OF_BLOCK].iter_mut().enumerate() {
            *frequency = tables.iter().map(|table| table[byte]).sum();
        }
        literals[END_OF_BLOCK] = 1;
        let mut distances = [0; DISTANCES];
        for step in found.steps.iter().filter(|step| step.length > 0) {
            literals[FIRST_LENGTH + length_symbol(*step)] += 1;
            distances[distance_symbol(step.distance).0] += 1;
        }
        Self { literals, distances }
    }

    /// Bits of all symbols with their extra bits.
    fn bits(&self, lengths: &Lengths) -> u64 {
        let of = |frequencies: &[u32], lengths: &[u8]| -> u64 {
            let each = frequencies.iter().zip(lengths);
            each.map(|(frequency, length)| u64::from(*frequency) * u64::from(*length)).sum()
        };
        let extra_of_distances = (0..).zip(&self.distances).skip(4);
        of(&self.literals, &lengths.literals)
            + of(&self.literals[FIRST_LENGTH..], &LENGTH_EXTRA)
            + of(&self.distances, &lengths.distances)
            + extra_of_distances.map(|(symbol, frequency)| (symbol / 2 - 1) * u64::from(*frequency)).sum::<u64>()
    }
}

/// How a block is going to be written.
#[derive(Debug)]
pub(super) struct Plan {
    lengths: Lengths,
    /// None with the fixed codes.
    header: Option<Header>,
    /// All of it.
    bits: u64,
}

impl Plan {
    pub(super) fn of(found: &Found<'_>) -> Self {
        let frequencies = Frequencies::of(found);
        let mut lengths = Lengths { literals: [0; FIXED_LITERALS], distances: [0; DISTANCES] };
        huffman::lengths(&frequencies.literals, huffman::LONGEST, &mut lengths.literals[..LITERALS]);
        huffman::lengths(&frequencies.distances, huffman::LONGEST, &mut lengths.distances);
        let header = Header::of(&lengths.literals[..LITERALS], &lengths.distances);
        let bits = 3 + header.bits() + frequencies.bits(&lengths);
        let fixed_bits = 3 + frequencies.bits(&Lengths::FIXED);
        if fixed_bits <= bits {
            return Self { lengths: Lengths::FIXED, header: None, bits: fixed_bits };
        }
        Self { lengths, header: Some(header), bits }
    }

    pub(super) const fn bits(&self) -> u64 {
        self.bits
    }

    /// The block, which is not the last; there is room for it.
    pub(super) fn write(&self, found: &Found<'_>, out: &mut BitWriter<'_>) {
        match &self.header {
            None => out.put(0b010, 3),
            Some(header) => {
                out.put(0b100, 3);
                header.write(out);
            }
        }
        let mut codes = [Code::default(); FIXED_LITERALS];
        huffman::codes(&self.lengths.literals, &mut codes);
        let mut distances = [Code::default(); DISTANCES];
        huffman::codes(&self.lengths.distances, &mut distances);
        let of_lengths = with_extra(&codes);
        let literals: &[Code; 256] = codes.first_chunk().expect("there are 288");
        let padded = found.padded();
        let mut at = 0;
        for step in found.steps {
            let end = at + step.literals as usize;
            // Three of 15 bits fit. What is not of this run any more puts nothing.
            while at < end {
                let [first, second, third] = *padded[at..].first_chunk().expect("literals are padded");
                let code_if = |there: bool, byte: u8| if there { literals[usize::from(byte)] } else { Code::default() };
                out.code(literals[usize::from(first)]);
                out.code(code_if(at + 1 < end, second));
                out.code(code_if(at + 2 < end, third));
                out.flush();
                at += 3;
            }
            at = end;
            if step.length > 0 {
                let (symbol, extra) = distance_symbol(step.distance);
                // At most 20 and 28 bits.
                out.code(of_lengths[usize::from(step.length)]);
                out.code(distances[symbol]);
                out.put(u64::from(step.distance) & ((1 << extra) - 1), extra);
                out.flush();
            }
        }
        out.code(codes[END_OF_BLOCK]);
        out.flush();
    }
}

/// The code of each length of a match, with its extra bits.
fn with_extra(codes: &[Code; FIXED_LITERALS]) -> [Code; 259] {
    let mut with_extra = [Code::default(); 259];
    for (length, (code, symbol)) in (0..).zip(with_extra.iter_mut().zip(LENGTH_SYMBOLS)).skip(3) {
        let symbol = usize::from(symbol);
        let (plain, extra) = (codes[FIRST_LENGTH + symbol], u32::from(length - LENGTH_BASES[symbol]));
        let bits = plain.bits() | extra << plain.length();
        *code = Code::new(bits, plain.length() + u32::from(LENGTH_EXTRA[symbol]));
    }
    with_extra
}
