//! What holds for every CSV: whether a value stands in quotes says nothing about its row, or about others; nor does the
//! way in which a time is written.

use proptest::prelude::*;
use tieout::frames::Frame;
use tieout::job::{Format, Input};

use crate::reading_support::{CSV, ledger, quarantine, read, rows};
use crate::support::engine::case_count;

const IDS: &[&[u8]] =
    &[b"t1", b"t2", b" t 3 ", b"", b"\xc3\xa9t", b"\xc3(", b"a\0b", b"x\ry", b"t4,5", b"\xe2\x80\xa8"];
const AMOUNTS: &[&[u8]] = &[b"1.00", b"-2.5", b" 3 ", b"much", b""];
const CURRENCIES: &[&[u8]] = &[b"USD", b"EUR", b" usd ", b"dollars"];
const TIMES: &[&[u8]] = &[b"2025-03-19T00:00:00Z", b"soon", b"", b"2025-03-19T00:00:00.000Z,more"];

/// A row as bytes, up to its last value; it may have too few values, or what is no text.
fn any_row() -> impl Strategy<Value = Vec<u8>> {
    (
        prop::sample::select(IDS),
        prop::sample::select(AMOUNTS),
        prop::sample::select(CURRENCIES),
        prop::sample::select(TIMES),
    )
        .prop_map(|(id, amount, currency, at)| [id, amount, currency, at].join(&b","[..]))
}

/// The file with these rows, each with one value more, in quotes where the row says so.
fn file(rows: &[(Vec<u8>, &'static str)], quoted: impl Fn(usize) -> bool) -> Vec<u8> {
    let mut bytes = b"id,amount,currency,at,note\n".to_vec();
    for (index, (row, end)) in rows.iter().enumerate() {
        bytes.extend_from_slice(row);
        bytes.extend_from_slice(if quoted(index) { b",\"note\"" } else { b",note" });
        bytes.extend_from_slice(end.as_bytes());
    }
    bytes
}

fn input() -> Input {
    let mut input = ledger(CSV);
    input.quarantine_limit = u64::MAX;
    input
}

fn told(frame: &Frame) -> (Vec<String>, Vec<String>, Vec<u64>) {
    (rows(frame), quarantine(frame), frame.rows_read.clone())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: case_count(200), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn quotes_around_a_value_change_nothing(
        rows in prop::collection::vec((any_row(), prop::sample::select(vec!["\n", "\r\n", "\n\n", "\r\n\n", "\r"])), 0..12),
        some in prop::collection::vec(any::<bool>(), 12), last_has_an_end in any::<bool>(),
    ) {
        let [none, all, mixed] = [file(&rows, |_| false), file(&rows, |_| true), file(&rows, |row| some[row])].map(|bytes| {
            let end = if last_has_an_end { bytes.len() } else { bytes.trim_ascii_end().len() };
            told(&read(&input(), &bytes[..end]).unwrap())
        });
        prop_assert_eq!(&none, &all);
        prop_assert_eq!(&none, &mixed);
    }

    #[test]
    fn a_quote_that_is_part_of_a_value_changes_nothing(
        rows in prop::collection::vec((any_row(), prop::sample::select(vec!["\n", "\r\n", "\n\n", "\r\n\r\n", "\r"])), 0..12),
        max_row_bytes in 26_usize..60,
    ) {
        let mut bytes = b"id,amount,currency,at,note\n".to_vec();
        for (row, end) in &rows {
            bytes.extend_from_slice(row);
            bytes.extend_from_slice(b",nzz");
            bytes.extend_from_slice(end.as_bytes());
        }
        let [unlike, like] = [b'"', b'z'].map(|quote| {
            let mut input = input();
            input.format = Format::Csv { delimiter: b',', quote, header: true };
            input.limits.max_row_bytes = max_row_bytes;
            told(&read(&input, &bytes).unwrap())
        });
        prop_assert_eq!(unlike, like);
    }

    #[test]
    fn z_is_an_offset_of_zero(
        date in "(0000|1900|19[67][0-9]|20[0-9]{2}|[0-9]{4})-(0[0-9]|1[0-3])-([0-2][0-9]|3[0-2])",
        time in "[T t]([01][0-9]|2[0-4]):([0-5][0-9]|60)(:([0-5][0-9]|60)([.,][0-9]{0,20})?)?x?",
    ) {
        let row = |offset: &str| format!("t,1,USD,\"{date}{time}{offset}\",\n");
        let frame = read(&input(), format!("id,amount,currency,at,note\n{}{}", row("Z"), row("+00:00")).as_bytes()).unwrap();
        let reasons: Vec<&String> = frame.quarantine.iter().map(|row| &row.reason).collect();
        match rows(&frame).as_slice() {
            [] => prop_assert_eq!(reasons[0], reasons[1]),
            [z, zero] => prop_assert_eq!(z.split_once(':').unwrap().1, zero.split_once(':').unwrap().1),
            one => prop_assert!(false, "only one of them is a time: {one:?}"),
        }
    }
}

#[test]
fn a_file_of_many_buffers_reads_the_same_with_and_without_quotes() {
    let rows: Vec<(Vec<u8>, &str)> = (0..20_000_usize)
        .map(|number| {
            let id = "x".repeat(number % 97);
            let row = format!("{id}{number},{}.{:02},USD,2025-03-19T{:02}:00:00Z", number, number % 100, number % 24);
            (row.into_bytes(), if number % 7 == 0 { "\r\n" } else { "\n" })
        })
        .collect();
    let plain = file(&rows, |_| false);
    assert!(plain.len() > 6 * (256 << 10));
    let expected = told(&read(&input(), &file(&rows, |_| true)).unwrap());
    assert_eq!((expected.0.len(), &expected.1, &expected.2), (20_000, &vec![], &vec![20_000]));
    assert!(expected.0[19_999].starts_with("20001/"), "{}", expected.0[19_999]);
    assert!(told(&read(&input(), &plain).unwrap()) == expected);
    assert!(told(&read(&input(), &file(&rows, |row| row % 3 == 0)).unwrap()) == expected);
}
