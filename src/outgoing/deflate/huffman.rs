//! Huffman codes of limited length (RFC 1951, 3.2.1 and 3.2.2).

use super::bits::Code;

/// No code is longer (RFC 1951, 3.2.7).
pub(super) const LONGEST: usize = 15;

/// The code lengths that suit the frequencies, none above `limit`; 0 where a symbol is not used. The code is
/// always complete, as all readers want it: with fewer than two symbols, some that are not used get codes.
///
/// # Panics
/// With fewer than two or more than 2^`limit` symbols, or a limit above 15.
pub fn lengths(frequencies: &[u32], limit: usize, lengths: &mut [u8]) {
    lengths.fill(0);
    let used = (0_u16..).zip(frequencies).filter(|(_, frequency)| **frequency > 0);
    let mut used: Vec<(u32, u16)> = used.map(|(symbol, frequency)| (*frequency, symbol)).collect();
    if used.len() < 2 {
        let symbol = used.first().map_or(0, |(_, symbol)| usize::from(*symbol));
        lengths[symbol] = 1;
        lengths[usize::from(symbol == 0)] = 1;
        return;
    }
    used.sort_unstable();
    let counts = limited(depths(&used), limit);
    // The rarest symbols get the longest codes.
    let mut symbols = used.iter();
    for (length, count) in (0..16_u8).zip(&counts).rev() {
        for (_, symbol) in symbols.by_ref().take(*count as usize) {
            lengths[usize::from(*symbol)] = length;
        }
    }
}

/// How many symbols lie how deep in Huffman's tree: two queues, that of the symbols and that of the trees
/// made so far, each in order of weight.
fn depths(used: &[(u32, u16)]) -> [u32; 64] {
    let leaves = used.len();
    let mut trees: Vec<u64> = Vec::with_capacity(leaves);
    let mut parents = vec![0; 2 * leaves - 1];
    let (mut leaf, mut tree) = (0, 0);
    for parent in leaves..2 * leaves - 1 {
        let mut weight = 0;
        for _ in 0..2 {
            let lighter = leaf < leaves && trees.get(tree).is_none_or(|weight| u64::from(used[leaf].0) <= *weight);
            if lighter {
                parents[leaf] = parent;
                weight += u64::from(used[leaf].0);
                leaf += 1;
            } else {
                parents[leaves + tree] = parent;
                weight += trees[tree];
                tree += 1;
            }
        }
        trees.push(weight);
    }
    let mut depths = vec![0_usize; 2 * leaves - 1];
    let mut counts = [0; 64];
    for node in (0..2 * leaves - 2).rev() {
        // No block is so large: 63 levels need as many symbols as Fibonacci's 65th number says.
        depths[node] = (depths[parents[node]] + 1).min(63);
        if node < leaves {
            counts[depths[node]] += 1;
        }
    }
    counts
}

/// The same with no depth above the limit: what lies deeper is raised, and as many codes as that takes too
/// much room are paid for by lengthening the longest of the others.
fn limited(mut counts: [u32; 64], limit: usize) -> [u32; LONGEST + 1] {
    let deeper: u32 = counts[limit + 1..].iter().sum();
    counts[limit] += deeper;
    let mut limited = [0; LONGEST + 1];
    limited[..=limit].copy_from_slice(&counts[..=limit]);
    // In units of the longest code. It is whole before, so it can only be too much.
    let mut room: u64 = (1..=limit).map(|length| u64::from(limited[length]) << (limit - length)).sum();
    while room > 1 << limit {
        let from = (1..limit).rev().find(|length| limited[*length] > 0).expect("more symbols than codes of the limit");
        limited[limit] -= 1;
        limited[from] -= 1;
        limited[from + 1] += 2;
        room -= 1;
    }
    limited
}

/// The codes of these lengths: shorter ones first, symbols of one length in order.
pub(super) fn codes(lengths: &[u8], codes: &mut [Code]) {
    let mut next = [0_u32; LONGEST + 2];
    for length in lengths.iter().filter(|length| **length > 0) {
        next[usize::from(*length) + 1] += 1;
    }
    for length in 1..next.len() {
        next[length] = (next[length] + next[length - 1]) << 1;
    }
    for (code, length) in codes.iter_mut().zip(lengths) {
        *code = Code::default();
        if *length > 0 {
            let bits = next[usize::from(*length)];
            next[usize::from(*length)] += 1;
            *code = Code::new(bits.reverse_bits() >> (32 - u32::from(*length)), u32::from(*length));
        }
    }
}
