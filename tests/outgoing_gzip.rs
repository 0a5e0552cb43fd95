//! One gzip member of many blocks: every reader gets all of it, whatever the text was.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use flate2::read::{GzDecoder, MultiGzDecoder};
use proptest::prelude::*;
use tieout::outgoing::gzip::{Deflater, Member, PIECE_BYTES};

/// Each text as a block of one member.
fn member(texts: &[Vec<u8>]) -> Vec<u8> {
    let mut deflater = Deflater::default();
    let mut member = Member::default();
    let mut bytes = Member::HEADER.to_vec();
    for text in texts {
        let block = deflater.deflate(text).unwrap();
        assert_eq!(deflater.unfolded(), text.as_slice());
        assert_eq!(block.text_bytes, text.len() as u64);
        member.append(&block);
        bytes.extend_from_slice(&block.bytes);
    }
    bytes.extend_from_slice(&member.finish());
    bytes
}

fn assert_reads_back(name: &str, texts: &[Vec<u8>]) {
    let bytes = member(texts);
    let expected = texts.concat();
    let mut unfolded = Vec::new();
    // Stops after one member: it must still be everything, and nothing may follow.
    let mut single = GzDecoder::new(bytes.as_slice());
    single.read_to_end(&mut unfolded).unwrap();
    assert!(unfolded == expected, "{name}: one member: {} bytes of {}", unfolded.len(), expected.len());
    unfolded.clear();
    MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut unfolded).unwrap();
    assert!(unfolded == expected, "{name}: all members: {} bytes of {}", unfolded.len(), expected.len());
}

/// Bytes that nothing can pack.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

/// Lines much like those that are sent.
fn lines(count: usize) -> Vec<u8> {
    let line = |n: usize| {
        let id = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        format!("{{\"id\":\"{id:016x}\",\"userId\":\"user-{}\",\"amount\":{},\"currency\":\"USD\"}}\n", n % 97, n * 7)
    };
    (0..count).flat_map(|n| line(n).into_bytes()).collect()
}

#[test]
fn a_member_of_any_blocks_reads_back() {
    let table: &[(&str, Vec<Vec<u8>>)] = &[
        ("no block", vec![]),
        ("an empty block", vec![vec![]]),
        ("one byte", vec![b"x".to_vec()]),
        ("empty between full", vec![lines(10), vec![], lines(10)]),
        ("many small ones", (0..200).map(|n| lines(n % 7)).collect()),
        ("as long as a piece", vec![lines(16_000)[..PIECE_BYTES].to_vec()]),
        ("a byte longer", vec![lines(16_000)[..=PIECE_BYTES].to_vec()]),
        ("several pieces", vec![lines(20_000), lines(20_000)]),
        ("what nothing packs", vec![noise(1), noise(70_000), noise(400_000)]),
        ("a strange mixture", vec![[lines(2_000), noise(100_000), vec![b'a'; 50_000]].concat(), lines(5)]),
        ("one value", vec![vec![0; 1_000_000]]),
    ];
    for (name, texts) in table {
        assert_reads_back(name, texts);
    }
}

#[test]
fn the_same_text_gives_the_same_bytes_without_time_or_system() {
    let texts = [lines(500), noise(5_000)];
    let bytes = member(&texts);
    assert_eq!(bytes, member(&texts));
    assert_eq!(bytes[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
}

#[test]
fn lines_are_packed_no_worse_than_zlib_does_at_its_usual_level() {
    let text = lines(20_000);
    let mut zlib = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    zlib.write_all(&text).unwrap();
    let (zlib, ours) = (zlib.finish().unwrap().len(), member(&[text]).len());
    assert!(ours <= zlib, "{ours} bytes against zlib's {zlib}");
}

/// `gzip -t`, where there is one.
#[test]
fn gzip_itself_takes_the_file() {
    let started = Command::new("gzip").arg("-t").stdin(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let Ok(mut gzip) = started else { return };
    let bytes = member(&[lines(3_000), noise(3_000), lines(1)]);
    gzip.stdin.take().unwrap().write_all(&bytes).unwrap();
    let output = gzip.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_read_back(
        texts in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..2_000),
                prop::collection::vec(b'a'..=b'c', 0..5_000),
                (0..400_usize).prop_map(lines),
            ],
            0..6,
        ),
    ) {
        assert_reads_back("any", &texts);
    }
}
