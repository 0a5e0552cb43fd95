//! A DEFLATE encoder (RFC 1951) for lines that look like each other.
//!
//! Why our own: bulk files are JSONL, each line much like the one before it, and packing them is what a
//! build spends most of its time with. On such lines it is some 2.4 times as fast as libdeflate at the
//! level that packs as small (5); no library that we know is faster at that size: zlib-ng is slower,
//! isa-l packs a tenth less. `benches/upload.sh` measures whole builds against others.
//!
//! What it assumes. Between two stretches that repeat lies what does not: digits of an id, an amount, a
//! time. There little is to be had, since a match costs some 22 bits and a digit about 4, so that matches
//! are six bytes or longer, and the search goes over such places in growing steps. Where something repeats,
//! the two latest places are compared, once more a little further on, and the longer one is taken, also
//! backwards over what was passed. Of a match only the first bytes are remembered: the next line will
//! begin to repeat in the same place. Any other text is packed too, only not as small as elsewhere.
//!
//! The text is packed in blocks of some 256 KiB, each with the codes that suit it (3.2.7), with the fixed
//! ones (3.2.6), or as it is (3.2.4), whatever is smallest: no text grows by more than five bytes in
//! 64 KiB and a few at the end. The window (32 KiB) goes on from block to block. At the end stands an empty
//! stored block, so that it is the end of a byte and anything may follow.
//!
//! The bytes depend on the text alone. Nothing here can be trusted by looking at it: `outgoing::gzip` has
//! each block read back by another implementation before it counts.

mod bits;
mod block;
mod header;
pub mod huffman;
mod matches;

use bits::BitWriter;
use block::Plan;
use matches::Finder;

/// Text of a block: long enough that its codes weigh nothing, short enough to stay near the processor.
const BLOCK_BYTES: usize = 256 << 10;
/// The longest text of a stored block.
const STORED_BYTES: usize = 0xffff;

/// Packs texts; its buffers are used again, and nothing else of a text is kept.
#[derive(Debug, Default)]
pub struct Encoder {
    finder: Finder,
}

impl Encoder {
    /// Appends the text as DEFLATE blocks, none of them the last, up to a byte's end. The same text gives the
    /// same bytes.
    pub fn encode(&mut self, text: &[u8], out: &mut Vec<u8>) {
        let mut out = BitWriter::new(out);
        self.finder.begin();
        // Blocks of one size: a short rest at the end would pack badly.
        let size = text.len().div_ceil(text.len().div_ceil(BLOCK_BYTES).max(1));
        let mut start = 0;
        while start < text.len() {
            let end = text.len().min(start + size);
            let found = self.finder.find(text, start..end);
            let plan = Plan::of(&found);
            let bits = stored_bits(end - start, out.held_bits());
            if plan.bits() < bits {
                out.reserve(plan.bits());
                plan.write(&found, &mut out);
            } else {
                out.reserve(bits);
                store(&text[start..end], &mut out);
            }
            start = end;
        }
        out.reserve(stored_bits(0, out.held_bits()));
        stored(&[], &mut out);
        out.finish();
    }
}

/// Size of a text in stored blocks, with so many bits before it in its first byte.
fn stored_bits(bytes: usize, held_bits: u32) -> u64 {
    let blocks = bytes.div_ceil(STORED_BYTES).max(1) as u64;
    let first = u64::from((held_bits + 3).next_multiple_of(8) - held_bits);
    // Three bits of header are a byte where one ends before them.
    first + (blocks - 1) * 8 + blocks * 32 + bytes as u64 * 8
}

fn store(text: &[u8], out: &mut BitWriter<'_>) {
    for part in text.chunks(STORED_BYTES) {
        stored(part, out);
    }
}

/// A stored block: three bits of header, zeros up to the byte's end, the length twice, the text (3.2.4).
fn stored(text: &[u8], out: &mut BitWriter<'_>) {
    let length = u16::try_from(text.len()).expect("a stored block has at most 65,535 bytes");
    out.put(0, 3);
    out.align();
    out.copy(&length.to_le_bytes());
    out.copy(&(!length).to_le_bytes());
    out.copy(text);
}
