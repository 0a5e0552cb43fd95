//! The same rows in every format, plain or compressed, make the same frame.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, like the tests")]

use polars::prelude::{
    Categories, Column, DataFrame, DataType, Int64Chunked, Int128Chunked, IntoColumn, NewChunkedArray, ParquetWriter,
    TimeUnit, TimeZone,
};
use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};
use tieout::frames::{ControlKind, ControlMismatch, Field, Side, WarningKind};
use tieout::job::{ControlPaths, Format, Input, Unit};

use crate::reading_support::{CSV, constant, gzip, json, ledger, map, numbers, quarantine, read, read_all, rows};
use crate::support::engine::case_count;

const AS_CSV: &str = "id,amount,currency,at,note\n\
    t1,12.50,USD,2025-03-19T10:00:00Z,x\n\
    t2,-3,USD,2025-03-19T12:00:00+02:00,\n\
    t3,0.100,KWD,2025-03-19 10:00:00.25Z,y\n";

const AS_JSONL: &str = r#"{"id":"t1","amount":"12.50","currency":"USD","at":"2025-03-19T10:00:00Z","note":"x"}
{"at":"2025-03-19T12:00:00+02:00","id":"t2","amount":-3,"currency":"USD"}

{"id":"t3","amount":0.100,"currency":"KWD","at":"2025-03-19 10:00:00.25Z"}
"#;

fn as_json() -> String {
    let rows: Vec<&str> = AS_JSONL.lines().filter(|line| !line.is_empty()).collect();
    format!("{{\"meta\": {{\"count\": 3}},\n\"data\": {{\"items\": [\n{}\n]}}}}", rows.join(",\n"))
}

fn as_parquet() -> Vec<u8> {
    let mut frame = DataFrame::new(
        3,
        vec![
            Column::new("id".into(), ["t1", "t2", "t3"]),
            Column::new("amount".into(), ["12.50", "-3", "0.100"]),
            Column::new("currency".into(), ["USD", "USD", "KWD"]),
            Column::new("at".into(), ["2025-03-19T10:00:00Z", "2025-03-19T12:00:00+02:00", "2025-03-19 10:00:00.25Z"]),
        ],
    )
    .unwrap();
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).finish(&mut frame).unwrap();
    bytes
}

/// The values, without the place in the file.
fn values(input: &Input, bytes: &[u8]) -> Vec<String> {
    let frame = read(input, bytes).unwrap();
    assert_eq!(frame.rows_read, [3]);
    rows(&frame).into_iter().map(|row| row.split_once(": ").unwrap().1.to_owned()).collect()
}

#[test]
fn every_format_plain_or_compressed_makes_the_same_rows() {
    let expected = [
        "transaction_id=t1 amount=1250 currency=USD occurred_at=1742378400000000",
        "transaction_id=t2 amount=-300 currency=USD occurred_at=1742378400000000",
        "transaction_id=t3 amount=100 currency=KWD occurred_at=1742378400250000",
    ];
    let windows = format!("\u{feff}{}", AS_CSV.replace('\n', "\r\n"));
    let cases: Vec<(&str, Format, Vec<u8>)> = vec![
        ("csv", CSV, AS_CSV.into()),
        ("csv with mark and CRLF", CSV, windows.into()),
        ("csv without last newline", CSV, AS_CSV.trim_end().into()),
        ("jsonl", Format::Jsonl, AS_JSONL.into()),
        ("json", json("data.items"), as_json().into()),
        ("parquet", Format::Parquet, as_parquet()),
    ];
    for (name, format, bytes) in cases {
        let input = ledger(format);
        assert_eq!(values(&input, &bytes), expected, "{name}");
        assert_eq!(values(&input, &gzip(&bytes)), expected, "{name}, compressed");
        let (first, second) = bytes.split_at(bytes.len() / 2);
        let members = [gzip(first), gzip(second)].concat();
        assert_eq!(values(&input, &members), expected, "{name}, in two members");
    }
}

#[test]
fn delimiter_quote_and_missing_header_are_as_the_job_says() {
    let mut input = ledger(Format::Csv { delimiter: b';', quote: b'\'', header: false });
    for (field, place) in [(Field::TransactionId, "2"), (Field::Currency, "3"), (Field::OccurredAt, "4")] {
        map(&mut input, field, place);
    }
    map(&mut input, Field::Amount, "1");
    input.mapping.fields.get_mut(&Field::Amount).unwrap().unit = Unit::Major;
    let frame = read(&input, b"\n1.00;'a;''\n1';USD;\n2.00;b;EUR;2025-03-19T00:00:00Z\n").unwrap();
    let expected = [
        "2/0: transaction_id=a;'\n1 amount=100 currency=USD",
        "4/0: transaction_id=b amount=200 currency=EUR occurred_at=1742342400000000",
    ];
    assert_eq!(rows(&frame), expected);
}

#[test]
fn numbers_of_json_keep_every_digit() {
    let mut input = ledger(Format::Jsonl);
    map(&mut input, Field::Amount, "amount");
    input.quarantine_limit = 9;
    let lines = b"{\"id\":9007199254740993,\"amount\":9223372036854775807,\"currency\":\"USD\"}\n\
        {\"id\":\"b\",\"amount\":9223372036854775808,\"currency\":\"USD\"}\n\
        {\"id\":\"\\u0063\\u00e9\",\"amount\":100.0,\"currency\":\"USD\",\"at\":null}\n";
    let frame = read(&input, lines).unwrap();
    let expected = [
        "1/0: transaction_id=9007199254740993 amount=9223372036854775807 currency=USD",
        "3/0: transaction_id=cé amount=100 currency=USD",
    ];
    assert_eq!(rows(&frame), expected);
    assert_eq!(
        quarantine(&frame),
        ["ledger.csv:2 amount `***************5808`: is beyond what 64 bits hold \
          (-9223372036854775808..=9223372036854775807 minor units)"]
    );
}

#[test]
fn the_first_alternative_that_is_present_and_not_null_counts() {
    let mut input = ledger(Format::Jsonl);
    map(&mut input, Field::UserReward, "c.user.value|c.value");
    map(&mut input, Field::User, "who.id|who");
    let lines = b"{\"id\":1,\"amount\":1,\"currency\":\"USD\",\"c\":{\"user\":{\"value\":5},\"value\":9},\"who\":{\"id\":\"u\"}}\n\
        {\"id\":2,\"amount\":1,\"currency\":\"USD\",\"c\":{\"user\":null,\"value\":7},\"who\":\"v\"}\n";
    let frame = read(&input, lines).unwrap();
    let expected = [
        "1/0: transaction_id=1 user=u amount=100 currency=USD user_reward=5",
        "2/0: transaction_id=2 user=v amount=100 currency=USD user_reward=7",
    ];
    assert_eq!(rows(&frame), expected);
}

#[test]
fn totals_that_a_document_states_are_compared_with_its_rows() {
    let control = ControlPaths { rows: Some("meta.count".to_owned()), amount: Some("meta.total".to_owned()) };
    let input = ledger(Format::Json { rows: "data".to_owned(), control: Some(control) });
    let document = |count: &str, total: &str| {
        format!(
            r#"{{"data":[{{"id":"a","amount":"1.10","currency":"USD"}},{{"id":"b","amount":"2.20","currency":"USD"}}],
            "meta":{{"count":{count},"total":{total}}}}}"#
        )
    };
    let right = read(&input, document("2", "3.30").as_bytes()).unwrap();
    assert_eq!(right.control_mismatches, []);
    let wrong = read(&input, document("3", "\"3.31\"").as_bytes()).unwrap();
    let mismatch = |what, stated, found| ControlMismatch { side: Side::Ledger, file: 0, what, stated, found };
    assert_eq!(wrong.control_mismatches, [mismatch(ControlKind::Rows, 3, 2), mismatch(ControlKind::Amount, 331, 330)]);
}

#[test]
fn new_columns_are_told_once_a_file_when_the_job_says_which_are_known() {
    let mut input = ledger(CSV);
    input.known_columns = Some(vec!["note".to_owned()]);
    let told = |input: &Input, bytes: &[u8]| -> Vec<String> {
        let frame = read(input, bytes).unwrap();
        assert!(frame.warnings.iter().all(|warning| warning.kind == WarningKind::SchemaDrift));
        frame.warnings.into_iter().map(|warning| warning.message).collect()
    };
    assert!(told(&input, AS_CSV.as_bytes()).is_empty());
    let more = AS_CSV.replace("note", "fee");
    let sentence = |names: &str| {
        [format!(
            "ledger.csv has columns that are not known: {names}; map them or list them in `inputs.ledger.known_columns`"
        )]
    };
    assert_eq!(told(&input, more.as_bytes()), sentence("`fee`"));

    input.format = Format::Jsonl;
    map(&mut input, Field::User, "rel.user.id");
    input.known_columns = Some(vec!["rel.*.type".to_owned(), "note".to_owned()]);
    let line = |extra: &str| format!("{{\"id\":1,\"amount\":1,\"currency\":\"USD\",\"rel\":{extra}}}\n");
    assert!(told(&input, line(r#"{"user":{"id":"u","type":"x"},"shop":{"type":"y"}}"#).as_bytes()).is_empty());
    let drifted = line(r#"{"user":{"id":"u","age":7},"fee":{"a":1}}"#).repeat(3);
    assert_eq!(told(&input, drifted.as_bytes()), sentence("`rel.user.age`, `rel.fee.a`"));
}

#[test]
fn the_second_of_two_equal_files_is_read_and_left_out() {
    let one = b"id,amount,currency,at\na,1,USD,\n".as_slice();
    let other = b"id,amount,currency,at\nb,1,USD,\n".as_slice();
    let frame = read_all(&ledger(CSV), &[("1.csv", one), ("2.csv", other), ("3.csv", one)], None).unwrap();
    let expected = [
        "2/0: transaction_id=a amount=100 currency=USD",
        "2/0: transaction_id=b amount=100 currency=USD",
        "2/4: transaction_id=a amount=100 currency=USD",
    ];
    assert_eq!(rows(&frame), expected);
    assert_eq!(frame.rows_read, [1, 1, 1]);
}

#[test]
fn no_file_at_all_is_a_frame_without_rows() {
    let frame = read_all(&ledger(CSV), &[], None).unwrap();
    assert_eq!((frame.rows.height(), frame.rows_read.len()), (0, 0));
    assert!(frame.mapped.contains(&Field::TransactionId));
}

#[test]
fn floats_of_parquet_are_amounts_only_where_they_are_exact_decimals() {
    let mut frame = DataFrame::new(
        3,
        vec![Column::new("id".into(), ["a", "b", "c"]), Column::new("amount".into(), [0.1 + 0.2, 100.0, 12.5])],
    )
    .unwrap();
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).finish(&mut frame).unwrap();
    let mut input = ledger(Format::Parquet);
    input.mapping.fields.remove(&Field::OccurredAt);
    constant(&mut input, Field::Currency, "USD");
    input.quarantine_limit = 1;
    let read = read(&input, &bytes).unwrap();
    let expected =
        ["2/0: transaction_id=b amount=10000 currency=USD", "3/0: transaction_id=c amount=1250 currency=USD"];
    assert_eq!(rows(&read), expected);
    assert_eq!(quarantine(&read), ["ledger.csv:1 amount `0.30000000000000004`: has 17 decimals; the currency has 2"]);
}

#[test]
fn times_and_numbers_of_parquet_are_read_by_their_type() {
    let micros = [1_742_378_400_250_000_i64, 1_742_378_400_000_000];
    let mut shown = Vec::new();
    for zone in [None, Some(TimeZone::UTC)] {
        let at =
            Int64Chunked::from_slice("at".into(), &micros).into_datetime(TimeUnit::Microseconds, zone).into_column();
        let id = Column::new("id".into(), [71_i64, 72]);
        let amount = Column::new("amount".into(), [5_i64, -6]);
        let currency = Column::new("currency".into(), ["USD", "JPY"]);
        let mut frame = DataFrame::new(2, vec![at, id, amount, currency]).unwrap();
        let mut bytes = Vec::new();
        ParquetWriter::new(&mut bytes).finish(&mut frame).unwrap();
        let mut input = ledger(Format::Parquet);
        input.quarantine_limit = 2;
        let read = read(&input, &bytes).unwrap();
        shown.push((rows(&read), read.quarantine.len()));
    }
    let expected = [
        "1/0: transaction_id=71 amount=500 currency=USD occurred_at=1742378400250000",
        "2/0: transaction_id=72 amount=-6 currency=JPY occurred_at=1742378400000000",
    ];
    assert_eq!(shown[1], (expected.map(str::to_owned).to_vec(), 0));
    assert_eq!(shown[0], (vec![], 2), "without a zone an instant is unknown");
}

/// A Parquet file of one decimal column beside ids and currencies (stored as a dictionary).
fn decimals(scaled: &[i128], precision: usize, scale: usize, currency: &str) -> Vec<u8> {
    let ids: Vec<String> = (1..=scaled.len()).map(|number| format!("t{number}")).collect();
    let amount = Int128Chunked::from_slice("amount".into(), scaled).into_decimal(precision, scale).unwrap();
    let currency = Column::new("currency".into(), vec![currency; scaled.len()])
        .cast(&DataType::from_categories(Categories::global()))
        .unwrap();
    let columns = vec![Column::new("id".into(), ids), amount.into_column(), currency];
    parquet(&mut DataFrame::new(scaled.len(), columns).unwrap())
}

fn parquet(frame: &mut DataFrame) -> Vec<u8> {
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).finish(frame).unwrap();
    bytes
}

#[test]
fn decimals_of_a_warehouse_are_read_digit_by_digit() {
    let mut input = ledger(Format::Parquet);
    input.mapping.fields.remove(&Field::OccurredAt);
    input.quarantine_limit = 9;
    let check = |scaled: &[i128], (precision, scale): (usize, usize), currency: &str, minor: &[&str]| {
        let read = read(&input, &decimals(scaled, precision, scale, currency)).unwrap();
        let expected: Vec<String> = minor
            .iter()
            .enumerate()
            .map(|(row, minor)| format!("{0}/0: transaction_id=t{0} amount={minor} currency={currency}", row + 1))
            .collect();
        assert_eq!((rows(&read), quarantine(&read)), (expected, vec![]), "decimal({precision}, {scale})");
    };
    check(&[1_250, -5, 0], (9, 2), "USD", &["1250", "-5", "0"]);
    // 2^53 + 1 cents: one more than a double can tell.
    check(&[9_007_199_254_740_993, -9_007_199_254_740_993], (18, 2), "USD", &["9007199254740993", "-9007199254740993"]);
    // NUMERIC(38, 9), as warehouses declare what has two decimals.
    check(&[12_500_000_000, -10_000_000], (38, 9), "USD", &["1250", "-1"]);
    check(&[i128::from(i64::MAX) * 10_i128.pow(9)], (38, 9), "JPY", &["9223372036854775807"]);
    check(&[-1_234], (4, 4), "CLF", &["-1234"]);

    let odd = read(&input, &decimals(&[12_505, 10_i128.pow(37)], 38, 3, "USD")).unwrap();
    assert_eq!(
        quarantine(&odd),
        [
            "ledger.csv:1 amount `12.505`: has 3 decimals; the currency has 2",
            "ledger.csv:2 amount `**********************************0.000`: is beyond what 64 bits hold \
             (-9223372036854775808..=9223372036854775807 minor units)"
        ]
    );
}

#[test]
fn narrow_integers_and_text_stored_once_are_read_as_what_they_say() {
    let mut input = ledger(Format::Parquet);
    input.mapping.fields.remove(&Field::OccurredAt);
    let kinds = [DataType::Int8, DataType::Int16, DataType::UInt8, DataType::UInt16, DataType::UInt32];
    for kind in kinds {
        let columns = vec![
            Column::new("id".into(), ["a", "b", "a2"]).cast(&DataType::from_categories(Categories::global())).unwrap(),
            Column::new("amount".into(), [0_i64, 7, 127]).cast(&kind).unwrap(),
            Column::new("currency".into(), ["JPY", "JPY", "KRW"]),
        ];
        let read = read(&input, &parquet(&mut DataFrame::new(3, columns).unwrap())).unwrap();
        let expected = [
            "1/0: transaction_id=a amount=0 currency=JPY",
            "2/0: transaction_id=b amount=7 currency=JPY",
            "3/0: transaction_id=a2 amount=127 currency=KRW",
        ];
        assert_eq!(rows(&read), expected, "{kind}");
    }
}

#[test]
fn a_reward_that_no_row_of_a_document_has_is_told() {
    let mut input = ledger(json(""));
    map(&mut input, Field::UserReward, "reward|r");
    let frame = read(&input, br#"[{"id":"a","amount":1,"currency":"USD"}]"#).unwrap();
    let told: Vec<&str> = frame.warnings.iter().map(|warning| warning.message.as_str()).collect();
    assert_eq!(told, ["no row of ledger.csv has `reward` or `r` for `user_reward`: it is not compared"]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: case_count(96), ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused_and_every_row_is_accounted_for(
        bytes in proptest::collection::vec(any::<u8>(), 0..600), kind in 0_usize..5, compressed in any::<bool>(),
    ) {
        let format = [CSV, Format::Csv { delimiter: b';', quote: b'\'', header: false }, json(""), Format::Jsonl, Format::WebhookLog];
        accounted(format[kind].clone(), &bytes, compressed);
    }

    #[test]
    fn broken_rows_among_good_ones_are_accounted_for(
        rows in proptest::collection::vec("[a-z0-9,\"{}:\\[\\]. \u{e9}\r-]{0,30}", 0..20), kind in 0_usize..3,
    ) {
        let (format, start, separator, end) = [
            (CSV, "id,amount,currency,at\n", "\n", "\n"),
            (json("d"), "{\"d\":[", ",", "]}"),
            (Format::Jsonl, "", "\n", ""),
        ][kind].clone();
        let text = format!("{start}{}{end}", rows.join(separator));
        accounted(format, text.as_bytes(), false);
    }

    #[test]
    fn good_rows_are_all_read(amounts in proptest::collection::vec(any::<i32>(), 1..50)) {
        let lines: Vec<String> = amounts.iter().enumerate().map(|(n, amount)| format!("t{n},{amount},USD,\n")).collect();
        let frame = read(&ledger(CSV), format!("id,amount,currency,at\n{}", lines.concat()).as_bytes()).unwrap();
        let sum: i64 = numbers(&frame, Field::Amount).into_iter().flatten().sum();
        prop_assert_eq!(sum, amounts.iter().map(|amount| i64::from(*amount) * 100).sum::<i64>());
        prop_assert_eq!(frame.rows_read, [amounts.len() as u64]);
    }
}

fn accounted(format: Format, bytes: &[u8], compressed: bool) {
    let mut input = ledger(format);
    input.quarantine_limit = u64::MAX;
    if input.format == (Format::Csv { delimiter: b';', quote: b'\'', header: false }) {
        for field in [Field::TransactionId, Field::Amount, Field::Currency, Field::OccurredAt] {
            map(&mut input, field, "1");
        }
    }
    let bytes = if compressed { gzip(bytes) } else { bytes.to_vec() };
    if let Ok(frame) = read(&input, &bytes) {
        let read: u64 = frame.rows_read.iter().sum();
        assert_eq!(read, (frame.rows.height() + frame.quarantine.len()) as u64);
    }
}
