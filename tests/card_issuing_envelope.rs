//! The envelope of corporate card issuing, its keys, and time stamps that never repeat.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use tieout::providers::card_issuing::envelope::{Envelope, NONCE_BYTES, OpenError, TAG_BYTES};
use tieout::providers::card_issuing::key;
use tieout::providers::card_issuing::timestamps::Timestamps;

/// Bytes 0 to 31.
fn key_bytes() -> [u8; 32] {
    std::array::from_fn(|at| u8::try_from(at).unwrap())
}

fn envelope() -> Envelope {
    Envelope::new(&key_bytes())
}

/// The text of a length in the vectors: 0, 7, 14, … as bytes.
fn text(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from(at * 7 % 256).unwrap()).collect()
}

/// Sealed by `PyNaCl` 1.5.0 (libsodium) with the key of these tests and the nonce 100, 101, … 123.
const VECTORS: [(usize, &str); 8] = [
    (0, "ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp79JVy1hlCgePIf7tOIQaTLA=="),
    (1, "ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7xPju2WteO2LQGqFN4zqyCwI="),
    (15, "ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7J+VDdzFpceHX1I4LcyJjHQK+l9wmleTYiMJl2WPfwQ=="),
    (16, "ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7gfraWrHeEc2qNGFtKNGBogK+l9wmleTYiMJl2WPfwXE="),
    (17, "ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7ER9baChfgbPUQ4cA5ie3RwK+l9wmleTYiMJl2WPfwXFO"),
    (
        63,
        "ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7IH14Rlu07gxOdOo0p4Xr3AK+l9wmleTYiMJl2WPfwXFO3UYiaDXRug6j9CnOQBtRSIga7bM0kfXtCTFPNCifLJHH8H1+9UPei27FmX8ZLA==",
    ),
    (
        64,
        "ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7nE0dQ8bGqmRLyfcfgdyKQwK+l9wmleTYiMJl2WPfwXFO3UYiaDXRug6j9CnOQBtRSIga7bM0kfXtCTFPNCifLJHH8H1+9UPei27FmX8ZLN0=",
    ),
    (
        65,
        "ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7v8XRz2Q6xW42gX+RIT0vKAK+l9wmleTYiMJl2WPfwXFO3UYiaDXRug6j9CnOQBtRSIga7bM0kfXtCTFPNCifLJHH8H1+9UPei27FmX8ZLN2D",
    ),
];

#[test]
fn what_libsodium_has_sealed_is_opened() {
    for (length, sealed) in VECTORS {
        assert_eq!(envelope().open(sealed).unwrap(), text(length), "{length} bytes");
        assert_eq!(envelope().open(sealed.trim_end_matches('=')).unwrap(), text(length), "without padding");
    }
}

#[test]
fn what_is_sealed_opens_again_and_is_never_the_same_twice() {
    for length in [0, 1, 15, 16, 17, 63, 64, 65, 1000, 1 << 20] {
        let (one, other) = (envelope().seal(&text(length)).unwrap(), envelope().seal(&text(length)).unwrap());
        assert_ne!(one, other, "{length}: a nonce of its own each time");
        assert_eq!(STANDARD.decode(&one).unwrap().len(), NONCE_BYTES + TAG_BYTES + length);
        assert_eq!(envelope().open(&one).unwrap(), text(length));
    }
    let body = envelope().seal_body(b"{}").unwrap();
    assert_eq!(envelope().open_body(body.as_bytes()).unwrap(), b"{}");
}

#[test]
fn one_bit_changed_anywhere_or_another_key_opens_nothing() {
    let sealed = STANDARD.decode(VECTORS[4].1).unwrap();
    for bit in 0..sealed.len() * 8 {
        let mut changed = sealed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(envelope().open(&STANDARD.encode(changed)), Err(OpenError::OtherKey), "bit {bit}");
    }
    assert_eq!(Envelope::new(&[7; 32]).open(VECTORS[4].1), Err(OpenError::OtherKey));
}

#[test]
fn what_is_no_envelope_is_told_as_what_it_is() {
    let of = |body: &str| envelope().open_body(body.as_bytes()).unwrap_err().to_string();
    let short = format!("{{\"encrypted\":\"{}\"}}", STANDARD.encode([0; 39]));
    let cases = [
        ("", "it is not JSON with the one text `encrypted`"),
        ("{}", "it is not JSON with the one text `encrypted`"),
        ("{\"encrypted\":17}", "it is not JSON with the one text `encrypted`"),
        ("{\"encrypted\":\"not base64!\"}", "its `encrypted` is no base64"),
        (
            "{\"encrypted\":\"\"}",
            "its `encrypted` holds 0 bytes; expected at least 40 (a nonce of 24 and an authenticator of 16)",
        ),
        (&short, "its `encrypted` holds 39 bytes; expected at least 40 (a nonce of 24 and an authenticator of 16)"),
    ];
    for (body, told) in cases {
        assert_eq!(of(body), told, "{body}");
    }
}

#[test]
fn a_key_is_read_as_hex_or_as_base64_and_never_repeated_when_it_is_neither() {
    let hex: String = key_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let base64 = STANDARD.encode(key_bytes());
    for written in
        [hex.clone(), hex.to_uppercase(), base64.clone(), base64.trim_end_matches('=').to_owned(), format!(" {hex}\n")]
    {
        assert_eq!(*key::parse(&written).unwrap(), key_bytes(), "{written}");
    }
    let neither = "encryption_key is neither 64 hex digits nor base64; expected 32 bytes written in one of the two ways, as the provider handed them out";
    let not_hex =
        "encryption_key has 64 characters, as 32 bytes in hex digits have, and not all of them are hex digits";
    let cases = [
        ("hunter2!".to_owned(), neither),
        (hex[1..].to_owned() + "g", not_hex),
        (
            String::new(),
            "encryption_key is base64 of 0 bytes; expected 32, which are 44 characters of base64, or 64 hex digits",
        ),
        (
            STANDARD.encode([1; 16]),
            "encryption_key is base64 of 16 bytes; expected 32, which are 44 characters of base64, or 64 hex digits",
        ),
    ];
    for (written, told) in cases {
        let error = key::parse(&written).unwrap_err().to_string();
        assert_eq!(error, told);
        assert!(written.is_empty() || !error.contains(&written));
    }
    assert_eq!(format!("{:?}", envelope()), "Envelope");
}

proptest! {
    #[test]
    fn no_bytes_make_opening_panic_and_none_open_by_chance(body in proptest::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,120}") {
        prop_assert!(envelope().open_body(&body).is_err());
        prop_assert!(envelope().open(&text).is_err());
        prop_assert!(envelope().open(&STANDARD.encode(&body)).is_err());
        let _ = key::parse(&text);
    }

    #[test]
    fn no_stamp_repeats_whatever_the_clock_does(readings in proptest::collection::vec(0_i64..400, 1..300)) {
        let stamps = Timestamps::new();
        let mut seen = BTreeSet::new();
        for now in &readings {
            let stamp = stamps.next(*now);
            prop_assert!(stamp >= *now);
            prop_assert!(seen.insert(stamp), "{stamp} twice");
        }
        // The next free microsecond, and not one further.
        let next = stamps.next(readings[0]);
        prop_assert!((readings[0]..next).all(|micros| seen.contains(&micros)));
    }
}

#[test]
fn stamps_follow_a_clock_that_is_put_right_and_do_not_wait_for_it() {
    let stamps = Timestamps::new();
    let (wrong, right) = (1_700_000_095_000_000, 1_700_000_000_000_000);
    assert_eq!(stamps.next(wrong), wrong);
    assert_eq!(stamps.next(wrong), wrong + 1, "the clock stands still");
    assert_eq!(stamps.next(right), right, "set back by 95 s: at once within the window again");
    assert_eq!(stamps.next(wrong), wrong + 2, "and what was used stays used");
}

#[test]
fn of_many_stamps_the_oldest_are_remembered_as_a_whole() {
    let stamps = Timestamps::new();
    for call in 0..5000 {
        assert_eq!(stamps.next(call * 10), call * 10);
    }
    // More stretches than are kept one by one: the oldest have become one, so what lies between them is left out.
    assert_eq!(stamps.next(1), (5000 - 4096) * 10 + 1);
    assert_eq!(stamps.next(49_985), 49_985, "the latest are known exactly");
}

#[test]
fn calls_at_once_get_stamps_of_their_own() {
    let stamps = Arc::new(Timestamps::new());
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let stamps = Arc::clone(&stamps);
            std::thread::spawn(move || (0..1000).map(|_| stamps.next(1_700_000_000_000_000)).collect::<Vec<_>>())
        })
        .collect();
    let all: BTreeSet<i64> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    assert_eq!(all.len(), 8000);
    assert_eq!(all.last(), Some(&1_700_000_000_007_999));
}
