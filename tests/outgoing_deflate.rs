//! Our DEFLATE encoder: whatever the text, two readers that share nothing with it get the same bytes back.

use std::io::Read;

use flate2::read::DeflateDecoder;
use libdeflater::Decompressor;
use proptest::prelude::*;
use tieout::outgoing::deflate::{Encoder, huffman};

const WINDOW: usize = 32_768;
/// An empty last block with fixed codes.
const LAST_BLOCK: [u8; 2] = [0x03, 0x00];

/// The packed text, which ends with an empty stored block and reads back.
fn packed(name: &str, text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    Encoder::default().encode(text, &mut bytes);
    assert!(bytes.ends_with(&[0, 0, 0xff, 0xff]), "{name}: no empty stored block at the end");
    assert_reads_back(name, &bytes, text);
    bytes
}

fn assert_reads_back(name: &str, bytes: &[u8], text: &[u8]) {
    let bytes = [bytes, &LAST_BLOCK].concat();
    let mut unfolded = vec![0; text.len()];
    let length = Decompressor::new().deflate_decompress(&bytes, &mut unfolded);
    assert_eq!(length, Ok(text.len()), "{name}: libdeflate");
    assert!(unfolded == text, "{name}: libdeflate reads another text");
    unfolded.clear();
    let mut reader = DeflateDecoder::new(bytes.as_slice());
    reader.read_to_end(&mut unfolded).unwrap_or_else(|error| panic!("{name}: zlib: {error}"));
    assert!(unfolded == text, "{name}: zlib reads another text");
    assert_eq!(reader.total_in(), bytes.len() as u64, "{name}: zlib stops early");
}

/// Bytes that nothing can pack.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}

fn lines(count: usize) -> Vec<u8> {
    let line = |n: usize| {
        let id = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        format!("{{\"id\":\"{id:016x}\",\"userId\":\"user-{}\",\"amount\":{},\"currency\":\"USD\"}}\n", n % 97, n * 7)
    };
    (0..count).flat_map(|n| line(n).into_bytes()).collect()
}

/// 1, 1, 2, 3, 5: the weights whose tree is as deep as can be.
fn fibonacci(count: usize) -> Vec<u32> {
    std::iter::successors(Some((1, 1)), |(one, other)| Some((*other, one + other)))
        .map(|(one, _)| one)
        .take(count)
        .collect()
}

#[test]
fn every_sort_of_text_reads_back() {
    // Rare symbols among many others that nothing repeats: the tree would be deeper than 15 without a limit.
    let rare = fibonacci(22).into_iter().zip(0..=21_u8).flat_map(|(count, byte)| vec![byte; count as usize]);
    let others = noise(1 << 20, 7);
    let separated =
        rare.zip(others.chunks(3)).flat_map(|(byte, others)| [byte, others[0] | 32, others[1] | 64, others[2] | 128]);
    let all_bytes: Vec<u8> = (0..=255).collect();
    let table: &[(&str, Vec<u8>)] = &[
        ("empty", vec![]),
        ("one byte", vec![b'x']),
        ("two bytes", vec![0, 255]),
        ("three the same", vec![b'a'; 3]),
        ("seven", b"abcdefg".to_vec()),
        ("one value", vec![0; 1_000_000]),
        ("two values in turn", [1, 2].repeat(50_000)),
        ("each byte once", all_bytes.clone()),
        ("each byte again and again", all_bytes.repeat(3_000)),
        ("one line", lines(1)),
        ("more than 1 MiB of lines", lines(20_000)),
        ("what nothing packs, over many blocks", noise(1_500_000, 1)),
        ("a strange mixture", [lines(2_000), noise(100_000, 2), vec![b'a'; 50_000], lines(5), noise(3, 3)].concat()),
        ("far from even", separated.collect()),
    ];
    for (name, text) in table {
        packed(name, text);
    }
}

#[test]
fn texts_of_every_length_about_the_bounds_read_back() {
    let (lines, noise) = (lines(8_000), noise(300_000, 4));
    let bounds = [24, 258, WINDOW, 65_535, 131_070, 1 << 18];
    for length in (0..100).chain(bounds.into_iter().flat_map(|bound| bound - 2..bound + 3)) {
        packed(&format!("{length} bytes of lines"), &lines[..length]);
        packed(&format!("{length} bytes of noise"), &noise[..length]);
        packed(&format!("{length} bytes the same"), &vec![b'='; length]);
    }
}

#[test]
fn matches_of_every_length_and_as_far_as_the_window_read_back() {
    for length in (3..20).chain(250..270) {
        for distance in [length, length + 1, 1_000, WINDOW - 1, WINDOW, WINDOW + 1] {
            let between = noise(distance - length, 5);
            let repeated = noise(length, 6);
            let text = [&repeated, &between, &repeated, &b"!"[..]].concat();
            packed(&format!("{length} bytes again after {distance}"), &text);
        }
    }
}

#[test]
fn a_repetition_is_found_as_far_as_the_window_goes_and_no_further() {
    let repeated = noise(258, 8);
    let size = |distance: usize| {
        let text = [&repeated[..], &noise(distance - repeated.len(), 9), &repeated, &noise(64, 10)].concat();
        (packed("repeated", &text).len(), text.len())
    };
    let (within, of) = size(WINDOW);
    assert!(within < of - 200, "{within} of {of} bytes: what is exactly a window away is not found");
    let (beyond, of) = size(WINDOW + 1);
    assert!(beyond >= of, "{beyond} of {of} bytes");
}

#[test]
fn what_nothing_packs_grows_by_a_few_bytes_only() {
    for length in [0, 1, 10, 100, 65_535, 65_536, 262_144, 262_145, 1_000_000] {
        let size = packed("noise", &noise(length, 11)).len();
        // Five bytes for each 64 KiB, and for what is left of each block of some 256 KiB.
        let most = length + 5 * (length.div_ceil(65_535) + length.div_ceil(1 << 18)) + 6;
        assert!(size <= most, "{length} bytes become {size}, more than {most}");
    }
}

#[test]
fn lines_that_are_alike_become_small() {
    let text = lines(20_000);
    let size = packed("lines", &text).len();
    // Each has 64 bits of noise, and two numbers of some digits.
    assert!(size < text.len() / 5, "{size} of {} bytes", text.len());
}

#[test]
fn nothing_of_one_text_shows_in_the_next() {
    let texts = [lines(3_000), noise(70_000, 12), vec![], lines(3_000), lines(100)];
    let mut encoder = Encoder::default();
    for text in texts.iter().chain(texts.iter().rev()) {
        let mut bytes = b"before".to_vec();
        encoder.encode(text, &mut bytes);
        assert_eq!(bytes[..6], *b"before");
        assert!(bytes[6..] == packed("alone", text), "what was packed before changes the bytes");
    }
}

/// Of a complete code, in units of its longest.
fn room(lengths: &[u8], limit: usize) -> u64 {
    lengths.iter().filter(|length| **length > 0).map(|length| 1 << (limit - usize::from(*length))).sum()
}

#[test]
fn codes_are_never_longer_than_the_format_allows() {
    for (limit, count) in [(15, 2), (15, 15), (15, 16), (15, 17), (15, 40), (7, 7), (7, 8), (7, 9), (7, 19)] {
        let mut lengths = vec![0; count];
        huffman::lengths(&fibonacci(count), limit, &mut lengths);
        let longest = usize::from(*lengths.iter().max().unwrap());
        assert_eq!(longest, limit.min(count - 1), "{count} symbols, at most {limit} bits: {lengths:?}");
        assert_eq!(room(&lengths, limit), 1 << limit, "{count} symbols, at most {limit} bits: {lengths:?}");
        assert!(lengths.is_sorted_by(|rarer, other| rarer >= other), "{lengths:?}");
    }
}

#[test]
fn a_code_is_complete_with_a_single_symbol_and_with_none() {
    for (frequencies, expected) in [([0, 0, 0], [1, 1, 0]), ([9, 0, 0], [1, 1, 0]), ([0, 0, 9], [1, 0, 1])] {
        let mut lengths = [7; 3];
        huffman::lengths(&frequencies, 15, &mut lengths);
        assert_eq!(lengths, expected, "{frequencies:?}");
    }
}

/// Words as JSON and tables have them.
const WORDS: [&str; 8] = ["\"amount\":", "USD", "\",\"", "\n", "2025-03-19T", "0", "userId", " "];

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_read_back(text in prop::collection::vec(any::<u8>(), 0..4_000)) {
        packed("bytes", &text);
    }

    #[test]
    fn any_repetitions_read_back(
        parts in prop::collection::vec((any::<u16>(), 1..600_usize, prop::collection::vec(any::<u8>(), 0..20)), 0..200),
    ) {
        let mut text = vec![b'.'];
        for (back, length, new) in parts {
            let from = text.len() - 1 - usize::from(back) % text.len();
            // Overlapping itself, too.
            for at in from..from + length {
                text.push(text[at]);
            }
            text.extend(new);
        }
        packed("repetitions", &text);
    }

    #[test]
    fn any_words_read_back(words in prop::collection::vec((0..8_usize, 0..1_000_u32), 0..3_000)) {
        let text: Vec<String> = words.iter().map(|(word, number)| format!("{}{number}", WORDS[*word])).collect();
        packed("words", text.concat().as_bytes());
    }

    #[test]
    fn any_few_letters_read_back(
        letters in 1..5_u8, text in prop::collection::vec(any::<u8>(), 0..20_000),
    ) {
        packed("letters", &text.iter().map(|byte| b'a' + byte % letters).collect::<Vec<_>>());
    }

    #[test]
    fn any_code_is_complete_and_within_its_limit(
        frequencies in prop::collection::vec(prop_oneof![Just(0), 1..4_u32, 1..1_000_000_u32], 2..286), seven in any::<bool>(),
    ) {
        let limit = if seven { 7 } else { 15 };
        let frequencies = if seven { &frequencies[..frequencies.len().min(19)] } else { &frequencies };
        let mut lengths = vec![0; frequencies.len()];
        huffman::lengths(frequencies, limit, &mut lengths);
        prop_assert_eq!(room(&lengths, limit), 1 << limit);
        for (one, length) in frequencies.iter().zip(&lengths) {
            for (other, other_length) in frequencies.iter().zip(&lengths) {
                prop_assert!(one <= other || *other == 0 || length <= other_length, "{one} has {length} bits, {other} {other_length}");
            }
        }
    }
}
