//! Inputs that are damaged, hostile or merely wrong: each is told with its file and what to do.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, like the tests")]

use polars::prelude::{Column, DataFrame, ParquetWriter};
use tieout::frames::{Field, Frame, InputError, WarningKind};
use tieout::job::{ControlPaths, Format, Input};

use crate::reading_support::{CSV, gzip, json, ledger, map, message, quarantine, read, rows};

const HEADER: &str = "id,amount,currency,at\n";

/// The quarantine of rows below the usual header; the rest of the rows must be there.
fn quarantined(body: &[u8]) -> Vec<String> {
    let mut input = ledger(CSV);
    input.quarantine_limit = 100;
    input.limits.max_row_bytes = 1_000;
    let bytes = [HEADER.as_bytes(), body, b"last,1.00,USD,\n"].concat();
    let frame = read(&input, &bytes).unwrap();
    assert!(rows(&frame).last().unwrap().contains("transaction_id=last"), "{:?}", rows(&frame));
    assert_eq!(frame.rows_read[0], (frame.rows.height() + frame.quarantine.len()) as u64);
    quarantine(&frame)
}

#[test]
fn damaged_gzip_is_never_a_shorter_file() {
    let whole = gzip(format!("{HEADER}a,1,USD,\n").repeat(400).as_bytes());
    let truncated = &whole[..whole.len() - 12];
    let mut checksum = whole.clone();
    let place = checksum.len() - 7;
    checksum[place] ^= 0xff;
    let trailing = [whole.as_slice(), b"<html>"].concat();
    let second = [whole.as_slice(), &whole[..15]].concat();
    let mut damaged = whole.clone();
    damaged[10] = 0xff;
    let input = {
        let mut input = ledger(CSV);
        input.quarantine_limit = 10_000;
        input
    };
    let cases = [
        (
            truncated.to_vec(),
            format!(
                "ledger.csv: the gzip data ends too early (truncated after {} bytes); fetch the file again",
                truncated.len()
            ),
        ),
        (
            second,
            format!(
                "ledger.csv: the gzip data ends too early (truncated after {} bytes); fetch the file again",
                whole.len() + 15
            ),
        ),
        (checksum, "ledger.csv: the gzip checksum does not match the data; fetch the file again".to_owned()),
        (
            trailing,
            format!(
                "ledger.csv: bytes that are no gzip data follow the end of the gzip data (at byte {}); \
            fetch the file again",
                whole.len()
            ),
        ),
        (damaged, "ledger.csv: the gzip data is damaged (corrupt deflate stream); fetch the file again".to_owned()),
    ];
    for (bytes, told) in cases {
        assert_eq!(message(read(&input, &bytes)), told);
    }
}

#[test]
fn a_decompression_bomb_stops_at_the_limits() {
    let zeros = gzip(&vec![b'0'; 20 << 20]);
    let mut input = ledger(CSV);
    input.quarantine_limit = 10;
    input.limits.max_ratio = 100;
    assert_eq!(
        message(read(&input, &zeros)),
        "ledger.csv: unfolds to more than 100 times its size, like a decompression bomb; \
         if that is right, raise `max_ratio` in `limits` of the input"
    );
    input.limits.max_bytes = 1 << 20;
    let told =
        "ledger.csv: unfolds to more than 1048576 bytes; if that is right, raise `max_bytes` in `limits` of the input";
    assert_eq!(message(read(&input, &zeros)), told);
    assert_eq!(message(read(&input, &vec![b'0'; 2 << 20])), told);
}

#[test]
fn an_empty_file_is_an_error_unless_the_job_allows_it() {
    let mut input = ledger(CSV);
    for bytes in [Vec::new(), gzip(b"")] {
        assert_eq!(
            message(read(&input, &bytes)),
            "ledger.csv: the file has 0 bytes; ask for it again or, if a period without rows comes as an empty file, \
             set `inputs.ledger.allow_empty: true`"
        );
    }
    input.allow_empty = true;
    for format in [CSV, Format::Jsonl, Format::Parquet, json("data")] {
        input.format = format;
        let frame = read(&input, b"").unwrap();
        assert_eq!(frame.rows_read, [0]);
        assert_eq!(frame.warnings[0].message, "ledger.csv is empty");
    }
}

#[test]
fn a_header_without_rows_and_an_empty_list_are_worth_a_warning() {
    for (format, bytes) in [(CSV, HEADER), (json("data"), "{\"data\": []}"), (json(""), "[]"), (Format::Jsonl, "\n")] {
        let frame = read(&ledger(format), bytes.as_bytes()).unwrap();
        assert_eq!(frame.warnings.len(), 1);
        assert_eq!(frame.warnings[0].kind, WarningKind::NoRows);
        assert_eq!(frame.warnings[0].file.as_deref(), Some("ledger.csv"));
        assert_eq!(frame.warnings[0].message, "ledger.csv has no rows");
    }
}

#[test]
fn a_line_of_a_hundred_megabytes_is_passed_over() {
    let (long, shorter) = (vec![b'7'; 100 << 20], vec![b'7'; 16 << 20]);
    let csv = [HEADER.as_bytes(), b"a,1,USD,\n", &long, b"\nb,2,USD,\n"].concat();
    let row = r#"{"id":"a","amount":1,"currency":"USD"}"#.as_bytes();
    let jsonl = [row, b"\n{\"x\":\"", &shorter, b"\"}\n", row].concat();
    let array = [b"[", row, b",\n{\"x\":\"", &shorter, b"\"},", row, b"]"].concat();
    let limit = "is longer than 1048576 bytes (`max_row_bytes` in `limits`)";
    let element = "is longer than a row may be (`max_row_bytes` in `limits`)";
    for (format, bytes, line, reason) in
        [(CSV, csv, 3, limit), (Format::Jsonl, jsonl, 2, limit), (json(""), array, 2, element)]
    {
        let mut input = ledger(format);
        input.quarantine_limit = 1;
        let frame = read(&input, &bytes).unwrap();
        assert_eq!((frame.rows.height(), frame.rows_read[0]), (2, 3));
        assert_eq!((frame.quarantine[0].line, frame.quarantine[0].reason.as_str()), (line, reason));
        assert_eq!(frame.quarantine[0].value.chars().count(), 60);
        assert!(!frame.quarantine[0].value.contains("77777"), "{}", frame.quarantine[0].value);
    }
}

#[test]
fn rows_that_are_no_text_or_ragged_go_to_quarantine_and_reading_goes_on() {
    let cases: [(&[u8], &[&str]); 6] = [
        (b"a\xff,1,USD,\n", &["ledger.csv:2 row `a\u{fffd},1,USD,`: is not UTF-8 (byte 2 of the row's text)"]),
        (b"\xc3,\xa9,USD,\n", &["ledger.csv:2 row `\u{fffd},\u{fffd},USD,`: is not UTF-8 (byte 1 of the row's text)"]),
        (b"a\0,1,USD,\n", &["ledger.csv:2 row `a\u{fffd},1,USD,`: holds a NUL byte"]),
        (b"a,1,USD\n", &["ledger.csv:2 row `a,1,USD`: has 3 values; expected 4, one for each column"]),
        (b"\n\na,1,USD,,\n", &["ledger.csv:4 row `a,1,USD,,`: has 5 values; expected 4, one for each column"]),
        (
            b"\"a\nb\",1,USD,\nc,x,USD,\n",
            &["ledger.csv:4 amount `x`: holds 'x' as character 1; expected digits, \
            at most one decimal point and a leading minus"],
        ),
    ];
    for (body, told) in cases {
        assert_eq!(quarantined(body), told);
    }
}

#[test]
fn amounts_that_are_not_exact_go_to_quarantine() {
    let shape = "expected digits, at most one decimal point and a leading minus";
    let cases = [
        ("1e400", "amount `1e400`: is written with an exponent; expected plain digits".to_owned()),
        ("NaN", format!("amount `NaN`: holds 'N' as character 1; {shape}")),
        ("\"1,234.50\"", format!("amount `1,234.50`: holds ',' as character 2; {shape}")),
        ("0.30000000000000004", "amount `0.30000000000000004`: has 17 decimals; the currency has 2".to_owned()),
    ];
    for (amount, told) in cases {
        let row = format!("a,{amount},USD,\n");
        assert_eq!(quarantined(row.as_bytes()), [format!("ledger.csv:2 {told}")]);
    }
    assert_eq!(quarantined(b"a,1.50,JPY,\n"), ["ledger.csv:2 amount `1.50`: has 2 decimals; the currency has 0"]);
    assert_eq!(
        quarantined(b"a,1.50,XAU,\n"),
        ["ledger.csv:2 currency `XAU`: is no currency with minor units; expected an ISO 4217 code such as USD"]
    );
    assert_eq!(
        quarantined(b" ,1.50,USD,\n"),
        ["ledger.csv:2 transaction_id ``: is empty; every row needs a transaction id"]
    );
    assert_eq!(quarantined(b"a,1,,\n"), ["ledger.csv:2 currency ``: is empty; every row needs a currency"]);
}

#[test]
fn a_card_number_in_the_wrong_place_is_masked() {
    assert_eq!(
        quarantined(b"a,4111 1111 1111 1234,USD,\n")[0].split(':').nth(1).unwrap(),
        "2 amount `**** **** **** 1234`"
    );
    assert!(quarantined(b"4111111111111234\n")[0].contains("`************1234`"));
}

fn failing(input: &Input, bytes: &str) -> String {
    message(read(input, bytes.as_bytes()))
}

#[test]
fn a_missing_column_is_named_with_what_is_there() {
    assert_eq!(
        failing(&ledger(CSV), "id,amonut,currency,at\n"),
        "ledger.csv: no column `amount` for `amount`; the file has `id`, `amonut`, `currency`, `at` \
         (did you mean `amonut`?); correct `inputs.ledger.columns.amount`"
    );
    let mut input = ledger(CSV);
    map(&mut input, Field::User, "user_id|member");
    assert_eq!(
        failing(&input, HEADER),
        "ledger.csv: no column `user_id` or `member` for `user`; the file has `id`, `amount`, `currency`, `at`; \
         correct `inputs.ledger.columns.user`"
    );
    assert_eq!(
        failing(&ledger(json("")), r#"[{"id":"a","currency":"USD"}]"#),
        "ledger.csv: no row has `amount` for `amount`; correct `inputs.ledger.columns.amount`"
    );
}

#[test]
fn a_header_that_cannot_be_trusted_is_an_error() {
    assert_eq!(
        failing(&ledger(CSV), "id,amount,id\n"),
        "ledger.csv: the header names `id` twice (columns 1 and 3); expected each name once"
    );
    assert_eq!(
        message(read(&ledger(CSV), b"id,am\xffount\n")),
        "ledger.csv: line 1: the header cannot be read: name 2 is not UTF-8"
    );
    assert_eq!(
        failing(&ledger(CSV), "id,amount,currency,at\na,1,USD,\n\"b,1,USD,\nc,1,USD,\n"),
        "ledger.csv: line 3: a quote opens here and is never closed; expected a closing '\"' \
         (or another `quote` in `inputs.ledger.format`)"
    );
    assert_eq!(
        message(read(&ledger(CSV), b"\xff\xfei\0d\0")),
        "ledger.csv: the text is UTF-16; expected UTF-8: have it converted where it is made"
    );
}

#[test]
fn json_that_breaks_off_or_is_something_else_is_an_error() {
    let rest = "the rest of the file cannot be read safely";
    let row = r#"{"id":"a","amount":1,"currency":"USD"}"#;
    let cases = [
        ("", "<html>".to_owned(), format!("line 1: not JSON: found `<`, expected `[`; {rest}")),
        ("data", "<html>".to_owned(), format!("line 1: not JSON: found `<`, expected `{{`; {rest}")),
        ("", format!("[{row},\n"), format!("line 2: not JSON: the document ends where a value is expected; {rest}")),
        (
            "",
            format!("[{row},\n{{\"id\":"),
            format!("line 2: not JSON: the document ends in the middle of a value; {rest}"),
        ),
        ("", format!("[{row}\n{row}]"), format!("line 2: not JSON: found `{{`, expected `,` or `]`; {rest}")),
        ("", format!("[{row},]"), format!("line 1: not JSON: found `]`, expected a value; {rest}")),
        ("", format!("[{row}] 1"), format!("line 1: not JSON: something follows the end of the document; {rest}")),
        ("", "[{\"id\":[}]".to_owned(), format!("line 1: not JSON: found `}}`, expected `]`; {rest}")),
        (
            "data",
            format!("{{\"data\":[{row}],\n\"data\":[]}}"),
            format!("line 2: not JSON: `data` stands twice; {rest}"),
        ),
        (
            "data",
            "{\"meta\":nul,\"data\":[]}".to_owned(),
            format!("line 1: not JSON: EOF while parsing a value (character 3); {rest}"),
        ),
        (
            "data.items",
            "{\"data\":{\"rows\":[]},\"meta\":1}".to_owned(),
            "no rows at `data.items`; the document has `data`, `data.rows`, `meta`; \
             correct `inputs.ledger.format.json.rows`"
                .to_owned(),
        ),
    ];
    for (path, document, told) in cases {
        assert_eq!(failing(&ledger(json(path)), &document), format!("ledger.csv: {told}"));
    }
    let control = ControlPaths { rows: Some("meta.count".to_owned()), amount: None };
    assert_eq!(
        failing(&ledger(Format::Json { rows: "data".to_owned(), control: Some(control) }), r#"{"data":[]}"#),
        "ledger.csv: the document states nothing readable at `meta.count` (it is not there); \
         correct `inputs.ledger.format.json.control`"
    );
}

#[test]
fn a_broken_element_or_line_of_json_goes_to_quarantine_alone() {
    let good = r#"{"id":"a","amount":1,"currency":"USD"}"#;
    let deep = format!("{{\"id\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let bad: [(&[u8], &str); 7] = [
        (b"5", "invalid type: integer `5`, expected a JSON object (character 1)"),
        (br#"{"id":"a" 1}"#, "expected `,` or `}` (character 11)"),
        (br#"{"id":{"x":1}}"#, "`id` holds an object; expected text, a number or null (character 14)"),
        (br#"{"id":"a","id":"b"}"#, "`id` stands twice in one row (character 19)"),
        (br#"{"id":"a\u0000"}"#, "`id` holds a NUL character (character 16)"),
        (br#"{"id":"\ud800"}"#, "unexpected end of hex escape (character 8)"),
        (deep.as_bytes(), "`id` holds a list; expected text, a number or null (character 20007)"),
    ];
    for (row, told) in bad {
        for (format, bytes) in [
            (json(""), [b"[", good.as_bytes(), b",", row, b",", good.as_bytes(), b"]"].concat()),
            (Format::Jsonl, [good.as_bytes(), b"\n", row, b"\n", good.as_bytes()].concat()),
        ] {
            let mut input = ledger(format);
            input.quarantine_limit = 1;
            let frame = read(&input, &bytes).unwrap();
            assert_eq!((frame.rows.height(), frame.rows_read[0]), (2, 3));
            assert_eq!((frame.quarantine[0].line, frame.quarantine[0].field.as_deref()), (2, None));
            assert_eq!(frame.quarantine[0].reason, format!("is not a readable JSON object: {told}"));
        }
    }
}

#[test]
fn too_many_unreadable_rows_end_the_run_and_say_how_to_go_on() {
    let bytes = format!("{HEADER}{}", "a,x,USD,\nb,1,USD,\n".repeat(7));
    let mut input = ledger(CSV);
    input.quarantine_limit = 6;
    let row = |line: usize| {
        format!(
            "\n  ledger.csv: line {line}: amount `x` holds 'x' as character 1; expected digits, at most one decimal point \
             and a leading minus"
        )
    };
    let shown = [2, 4, 6, 8, 10].map(row).concat();
    assert_eq!(
        failing(&input, &bytes),
        format!(
            "ledger: 7 rows cannot be read, 6 are tolerated:{shown}\n  and 2 more\n\
                 correct the input, or tolerate more with `inputs.ledger.quarantine`"
        )
    );
    input.quarantine_limit = 7;
    assert_eq!(read(&input, bytes.as_bytes()).unwrap().quarantine.len(), 7);
}

#[test]
fn what_is_no_parquet_file_is_an_error() {
    let told = failing(&ledger(Format::Parquet), "id,amount\n");
    assert!(told.starts_with("ledger.csv: not a readable Parquet file: "), "{told}");
    let columns = ["id", "currency", "at"].map(|name| Column::new(name.into(), ["a"]));
    let mut columns = Vec::from(columns);
    columns.push(Column::new("amount".into(), [b"12".as_slice()]));
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).finish(&mut DataFrame::new(1, columns).unwrap()).unwrap();
    assert_eq!(
        message(read(&ledger(Format::Parquet), &bytes)),
        "ledger.csv: column `amount` is of Parquet type BinaryView; expected text, a whole number, a decimal, a float, \
         a boolean, a date or a time: have it cast where it is made"
    );
}

#[test]
fn a_quarantined_row_keeps_what_could_be_read_of_its_money() {
    let mut input = ledger(CSV);
    input.quarantine_limit = 1;
    let frame: Result<Frame, InputError> = read(&input, format!("{HEADER}a,-1.25,EUR,yesterday\n").as_bytes());
    let frame = frame.unwrap();
    let row = &frame.quarantine[0];
    assert_eq!((row.currency.as_deref(), row.amounts_minor), (Some("EUR"), [Some(-125), None, None]));
    assert_eq!(row.field.as_deref(), Some("occurred_at"));
    assert_eq!(row.reason, "is no time such as 2025-03-19T14:05:00Z");
}

#[test]
fn a_stored_file_that_is_gone_is_told() {
    let shelf = crate::reading_support::Shelf::new();
    let mut raw = shelf.file("a.csv", b"x");
    raw.stored.set_extension("gone");
    let told = message(tieout::frames::load(&ledger(CSV), vec![raw], &[]));
    assert!(told.starts_with("a.csv: cannot read the stored copy ") && told.contains("No such file"), "{told}");
}
