//! Each kind of field: what it takes, what it becomes, and the whole reason where it does not fit.

use chrono_tz::America::New_York;
use serde_json::{Value, json};
use tieout::job::{TimeFormat, Unit};
use tieout::records::schema::STATES;
use tieout::records::{AmountSign, FieldColumn, Mapping, RecordType};

use crate::support::records::{column, columns, example, line, whole, worded, write};

/// A mapping of every field in which one comes from the columns `here` and `there`.
fn with(record: RecordType, field: &str, column: FieldColumn) -> Mapping {
    let mut fields = whole(record);
    fields.columns.insert(field.to_owned(), column);
    fields
}

/// What a text becomes in the line, or the masked value and the reason.
fn sent(fields: &Mapping, field: &str, cells: &[(&'static str, &'static str)]) -> Result<Value, (String, String)> {
    let mut row = example(fields.record);
    row.remove(field);
    row.extend(cells.iter().copied());
    if let Err(refused) = write(fields, &row) {
        assert_eq!(refused.field, field, "{refused}");
        return Err((refused.value, refused.reason));
    }
    let pointer = format!("/attributes/{}", field.replace('.', "/"));
    Ok(line(fields, &row).pointer(&pointer).cloned().unwrap_or_default())
}

fn takes(fields: &Mapping, field: &str, table: &[(&'static str, Value)]) {
    for (text, value) in table {
        assert_eq!(sent(fields, field, &[("here", text)]), Ok(value.clone()), "{field} {text:?}");
    }
}

fn refuses(fields: &Mapping, field: &str, table: &[(&'static str, &str, &str)]) {
    for (text, shown, reason) in table {
        let expected = Err(((*shown).to_owned(), (*reason).to_owned()));
        assert_eq!(sent(fields, field, &[("here", text)]), expected, "{field} {text:?}");
    }
}

#[test]
fn text_stays_as_it_is() {
    let fields = with(RecordType::Transaction, "description2", column("here"));
    let escaped =
        "quote \" backslash \\ slash / tab \t line \r\n bell \u{7} delete \u{7f} next \u{85} \u{2028}\u{2029} é 漢 🦀";
    takes(&fields, "description2", &[("plain", json!("plain")), (escaped, json!(escaped)), (" a ", json!(" a "))]);
    takes(&fields, "description2", &[("", Value::Null), (" \u{a0}\u{2003}", Value::Null)]);
    refuses(&fields, "description2", &[("a\0b", "a\u{fffd}b", "holds a NUL character")]);
    let (_, line) = write(&fields, &{
        let mut row = example(fields.record);
        row.insert("here", escaped);
        row
    })
    .unwrap();
    let text = r#""description2":"quote \" backslash \\ slash / tab \t line \r\n bell \u0007 delete \u007f next \u0085 \u2028\u2029 é 漢 🦀","#;
    assert!(line.contains(text), "{line}");
}

#[test]
fn a_required_field_says_something() {
    for record in RecordType::ALL {
        for field in record.fields().iter().filter(|field| field.required) {
            let name = field.attribute.name();
            let expected = Err((String::new(), format!("is empty; every `{}` needs it", record.name())));
            for cells in [&[][..], &[("here", "")], &[("here", " \t "), ("there", "")]] {
                let fields = with(record, name, columns(&["here", "there"]));
                assert_eq!(sent(&fields, name, cells), expected, "{} {name}", record.name());
            }
        }
    }
}

#[test]
fn the_first_column_that_says_something_counts() {
    let fields = with(RecordType::CoreTransaction, "userId", columns(&["here", "there"]));
    let table: [(&[(&str, &str)], &str); 4] = [
        (&[("here", "a"), ("there", "b")], "a"),
        (&[("here", ""), ("there", "b")], "b"),
        (&[("here", "  "), ("there", "b")], "b"),
        (&[("there", "b")], "b"),
    ];
    for (cells, user) in table {
        assert_eq!(sent(&fields, "userId", cells), Ok(json!(user)));
    }
}

#[test]
fn amounts_are_exact_sizes_of_minor_units() {
    let mut fields = with(RecordType::CoreTransaction, "amount", column("here"));
    takes(
        &fields,
        "amount",
        &[
            ("0", json!(0)),
            ("-0", json!(0)),
            ("0012", json!(12)),
            ("100.0", json!(100)),
            ("9007199254740991", json!(9_007_199_254_740_991_i64)),
        ],
    );
    let minus =
        "is negative; expected a size (does its sign say what was spent? then say `sign: signed` or `sign: inverted`)";
    let large = "is beyond what every JSON reader takes exactly (9007199254740991 minor units)";
    let most = "is beyond what 64 bits hold (-9223372036854775808..=9223372036854775807 minor units)";
    refuses(
        &fields,
        "amount",
        &[
            ("-1", "-1", minus),
            ("9007199254740992", "************0992", large),
            ("-9223372036854775808", "-***************5808", large),
            ("9223372036854775808", "***************5808", most),
            (
                "1,000",
                "1,000",
                "holds ',' as character 2; expected digits, at most one decimal point and a leading minus",
            ),
            (
                "12.50",
                "12.50",
                "has decimals; expected a whole number of minor units (is the column in major units? then say `unit: major`)",
            ),
        ],
    );
    fields.columns.get_mut("amount").unwrap().unit = Unit::Major;
    takes(&fields, "amount", &[("12.5", json!(1250)), ("12", json!(1200)), ("0.01", json!(1)), ("1.500", json!(150))]);
    refuses(&fields, "amount", &[("1.005", "1.005", "has 3 decimals; the currency has 2")]);
    fields.sign = AmountSign::Inverted;
    takes(&fields, "amount", &[("-12.5", json!(1250)), ("12.5", json!(1250))]);
    refuses(&fields, "amount", &[("-90071992547409.92", "-************09.92", large)]);
}

#[test]
fn a_subtotal_is_spent_the_way_of_its_amount() {
    let mut fields = with(RecordType::Transaction, "subtotal", column("here"));
    takes(&fields, "subtotal", &[("0", json!(0)), ("7", json!(7)), ("", Value::Null)]);
    fields.sign = AmountSign::Signed;
    takes(&fields, "subtotal", &[("7", json!(7)), ("0", json!(0))]);
    refuses(&fields, "subtotal", &[("-7", "-7", "has another sign than `amount`; expected a part of it")]);
    let mut row = example(fields.record);
    row.extend([("amount", "-10"), ("here", "-7")]);
    let line = line(&fields, &row);
    assert_eq!((&line["attributes"]["amount"], &line["attributes"]["subtotal"]), (&json!(10), &json!(7)));
}

#[test]
fn times_become_utc_with_milliseconds_or_microseconds() {
    let time =
        |time: TimeFormat| with(RecordType::CoreTransaction, "settledDate", FieldColumn { time, ..column("here") });
    let iso = time(TimeFormat::Iso { zone: None });
    takes(
        &iso,
        "settledDate",
        &[
            ("2025-03-19T14:05:00Z", json!("2025-03-19T14:05:00.000Z")),
            ("2025-03-19 09:05:00.1-05:00", json!("2025-03-19T14:05:00.100Z")),
            ("2025-03-19T14:05:00.123456789Z", json!("2025-03-19T14:05:00.123456Z")),
            ("2025-03-19T14:05:00.000001Z", json!("2025-03-19T14:05:00.000001Z")),
            ("2024-02-29T23:59:59.999Z", json!("2024-02-29T23:59:59.999Z")),
            ("1970-01-01T00:00:00Z", json!("1970-01-01T00:00:00.000Z")),
            ("9999-12-31T23:59:59.999999Z", json!("9999-12-31T23:59:59.999999Z")),
        ],
    );
    let years = "lies outside of the years 1970 to 9999";
    refuses(
        &iso,
        "settledDate",
        &[
            ("1969-12-31T23:59:59Z", "1969-12-31T23:59:59Z", years),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z", years),
            ("9999-12-31T23:59:59-01:00", "9999-12-31T23:59:59-01:00", years),
            ("19.03.2025", "19.03.2025", "is no time such as 2025-03-19T14:05:00Z"),
            ("2025-02-29T00:00:00Z", "2025-02-29T00:00:00Z", "is no time such as 2025-03-19T14:05:00Z"),
            ("2025-03-19T14:05:00", "2025-03-19T14:05:00", "has no offset, and the job states no `timezone` for it"),
            ("2025-03-19", "2025-03-19", "has no offset, and the job states no `timezone` for it"),
        ],
    );
    let local = time(TimeFormat::Iso { zone: Some(New_York) });
    takes(&local, "settledDate", &[("2025-03-19", json!("2025-03-19T04:00:00.000Z"))]);
    refuses(
        &local,
        "settledDate",
        &[(
            "2025-03-09T02:30:00",
            "2025-03-09T02:30:00",
            "does not exist in America/New_York (clocks go forward); expected a time with an offset",
        )],
    );
    let pattern = time(TimeFormat::Pattern { pattern: "%d/%m/%Y".to_owned(), zone: None });
    takes(&pattern, "settledDate", &[("19/03/2025", json!("2025-03-19T00:00:00.000Z"))]);
    refuses(&pattern, "settledDate", &[("2025-03-19", "2025-03-19", "is no time of the form `%d/%m/%Y`")]);
    refuses(&pattern, "settledDate", &[("19/03/0025", "19/03/0025", years)]);
    takes(&time(TimeFormat::EpochMillis), "settledDate", &[("1742393100123", json!("2025-03-19T14:05:00.123Z"))]);
    takes(&time(TimeFormat::EpochSeconds), "settledDate", &[("1742393100", json!("2025-03-19T14:05:00.000Z"))]);
}

#[test]
fn words_of_a_closed_list_are_published_ones_or_those_that_the_job_maps() {
    let plain = with(RecordType::CoreTransaction, "direction", column("here"));
    takes(&plain, "direction", &[("DEBIT", json!("DEBIT")), ("credit", json!("CREDIT"))]);
    refuses(&plain, "direction", &[("D", "D", "is not one of `DEBIT`, `CREDIT`")]);
    let words = [("D", "DEBIT"), ("debit", "CREDIT"), ("?", "")];
    let mapped = with(RecordType::CoreTransaction, "direction", worded("here", &words));
    takes(&mapped, "direction", &[("D", json!("DEBIT")), ("CREDIT", json!("CREDIT")), ("debit", json!("CREDIT"))]);
    refuses(
        &mapped,
        "direction",
        &[
            ("d", "d", "is neither a word that the job maps nor one of `DEBIT`, `CREDIT`"),
            ("?", "?", "is a word that the job maps to nothing; every `coreTransaction` needs one"),
        ],
    );
    // In a field that may be absent, a word for nothing leaves it out.
    let optional = with(RecordType::Transaction, "cardNetwork", worded("here", &[("NONE", ""), ("MC", "MASTERCARD")]));
    takes(&optional, "cardNetwork", &[("NONE", Value::Null), ("MC", json!("MASTERCARD")), ("visa", json!("VISA"))]);
}

#[test]
fn of_several_columns_with_words_the_first_known_word_counts() {
    type Case = (&'static [(&'static str, &'static str)], Result<&'static str, (&'static str, &'static str)>);
    let words = FieldColumn {
        words: worded("", &[("A", "DEBIT"), ("B", "CREDIT"), ("X", "")]).words,
        ..columns(&["here", "there"])
    };
    let fields = with(RecordType::CoreTransaction, "direction", words);
    let table: [Case; 5] = [
        (&[("here", "A"), ("there", "B")], Ok("DEBIT")),
        (&[("here", "other"), ("there", "B")], Ok("CREDIT")),
        (&[("here", "B")], Ok("CREDIT")),
        (
            &[("here", "other"), ("there", "else")],
            Err(("other, else", "is neither a word that the job maps nor one of `DEBIT`, `CREDIT`")),
        ),
        (
            &[("here", "X"), ("there", "B")],
            Err(("X", "is a word that the job maps to nothing; every `coreTransaction` needs one")),
        ),
    ];
    for (cells, expected) in table {
        let expected = expected.map(|word| json!(word)).map_err(|(value, why)| (value.to_owned(), why.to_owned()));
        assert_eq!(sent(&fields, "direction", cells), expected, "{cells:?}");
    }
}

#[test]
fn currencies_are_iso_4217_in_upper_case() {
    let fields = with(RecordType::CoreTransaction, "currency", worded("here", &[("840", "USD")]));
    takes(&fields, "currency", &[("usd", json!("USD")), ("EUR", json!("EUR")), ("840", json!("USD"))]);
    let reason = "is no currency with minor units; expected an ISO 4217 code such as USD";
    refuses(
        &fields,
        "currency",
        &[("USDT", "USDT", reason), ("XAU", "XAU", reason), ("€", "€", reason), ("978", "978", reason)],
    );
}

#[test]
fn no_more_than_the_first_six_digits_of_a_card_leave() {
    let fields = with(RecordType::Transaction, "cardBIN", column("here"));
    for text in [
        "411111",
        "41111111",
        "4111111111111234",
        "4111 1111 1111 1234",
        "4111-1111-1111-1234",
        "411111______1234",
        "411111******1234",
        "411111••••••1234",
        "411111XX XXXX 1234",
    ] {
        takes(&fields, "cardBIN", &[(text, json!("411111"))]);
    }
    let reason = "is no BIN; expected six digits, or a card number that begins with them";
    refuses(
        &fields,
        "cardBIN",
        &[
            ("41111", "41111", reason),
            ("4111*1", "4111*1", reason),
            ("411A11", "411A11", reason),
            ("411111A", "411111A", reason),
            ("٤١١١١١", "٤١١١١١", reason),
            ("41111111111111111234", "****************1234", reason),
        ],
    );
}

const NO_END: &str = "is no end of a card number; expected four digits";

#[test]
fn no_more_than_the_last_four_digits_of_a_card_leave() {
    let fields = with(RecordType::Transaction, "cardLastFour", column("here"));
    for text in ["1234", "4111111111111234", "4111 1111 1111 1234", "411111______1234", "**** 1234", "…1234", "x1234"]
    {
        takes(&fields, "cardLastFour", &[(text, json!("1234"))]);
    }
    takes(&fields, "cardLastFour", &[("0001", json!("0001"))]);
    refuses(
        &fields,
        "cardLastFour",
        &[
            ("1", "1", NO_END),
            ("123", "123", NO_END),
            ("12345", "12345", NO_END),
            ("12345678", "12345678", NO_END),
            ("12a4", "12a4", NO_END),
            ("1234*", "1234*", NO_END),
            ("41111111111111111234", "****************1234", NO_END),
        ],
    );
}

#[test]
fn last_fours_come_from_one_column_or_several() {
    let one = with(RecordType::CoreTransaction, "cardLastFours", column("here"));
    takes(
        &one,
        "cardLastFours",
        &[
            ("1234", json!(["1234"])),
            ("1234,5678", json!(["1234", "5678"])),
            ("1234; 5678 |9012", json!(["1234", "5678", "9012"])),
            ("1234 5678", json!(["1234", "5678"])),
            ("1234,,5678,", json!(["1234", "5678"])),
            ("4111111111111234, 5678", json!(["1234", "5678"])),
            (",", Value::Null),
            ("", Value::Null),
        ],
    );
    let pieces = "may be one card number in groups; expected last fours separated by commas";
    refuses(
        &one,
        "cardLastFours",
        &[
            ("4111 1111 1111 1234", "**** **** **** 1234", pieces),
            ("5678, 4111 1111 1111 1234", "5678, **** **** **** 1234", pieces),
            ("1234,56", "1234,56", NO_END),
            ("3782 82246", "**** *2246", NO_END),
        ],
    );
    let several = with(RecordType::CoreTransaction, "cardLastFours", columns(&["here", "there"]));
    let both = [("here", "1234,5678"), ("there", "9012")];
    assert_eq!(sent(&several, "cardLastFours", &both), Ok(json!(["1234", "5678", "9012"])));
    assert_eq!(sent(&several, "cardLastFours", &[("there", "9012")]), Ok(json!(["9012"])));
}

#[test]
fn states_are_two_letters_or_fips_codes_when_asked() {
    let letters = with(RecordType::Transaction, "merchant.addrState", column("here"));
    for state in STATES {
        takes(&letters, "merchant.addrState", &[(state, json!(state))]);
    }
    takes(&letters, "merchant.addrState", &[("ca", json!("CA")), ("", Value::Null)]);
    let reason = "is no US state; expected its two letters, such as `CA`";
    refuses(
        &letters,
        "merchant.addrState",
        &[("California", "California", reason), ("06", "06", reason), ("ON", "ON", reason)],
    );
    let fips = with(RecordType::Transaction, "merchant.addrState", FieldColumn { fips: true, ..column("here") });
    takes(
        &fips,
        "merchant.addrState",
        &[("06", json!("CA")), ("6", json!("CA")), ("56", json!("WY")), ("ny", json!("NY"))],
    );
    let reason = "is no US state; expected a FIPS code such as `06` or letters such as `CA`";
    refuses(&fips, "merchant.addrState", &[("03", "03", reason), ("72", "72", reason), ("ON", "ON", reason)]);
    let abroad = with(RecordType::Transaction, "merchant.addrState", worded("here", &[("ON", ""), ("Calif.", "CA")]));
    takes(&abroad, "merchant.addrState", &[("ON", Value::Null), ("Calif.", json!("CA"))]);
}
