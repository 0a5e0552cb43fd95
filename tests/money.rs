//! Amounts are read and written exactly, or not at all.

use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};
use tieout::job::Unit;
use tieout::money::{exponent, format_minor, parse_minor};

#[test]
fn amounts_are_read_exactly() {
    let cases = [
        ("12.50", Unit::Major, 2, 1250),
        ("-0.05", Unit::Major, 2, -5),
        ("-0", Unit::Major, 2, 0),
        ("7", Unit::Major, 2, 700),
        ("0012.3", Unit::Major, 2, 1230),
        ("1.50000", Unit::Major, 2, 150),
        ("100.0", Unit::Minor, 2, 100),
        ("1.234", Unit::Major, 3, 1234),
        ("5", Unit::Major, 0, 5),
        ("1.2345", Unit::Major, 4, 12345),
        ("92233720368547758.07", Unit::Major, 2, i64::MAX),
        ("-92233720368547758.08", Unit::Major, 2, i64::MIN),
        ("9223372036854775807", Unit::Minor, 2, i64::MAX),
        ("-9223372036854775808", Unit::Minor, 2, i64::MIN),
    ];
    for (text, unit, exponent, minor) in cases {
        assert_eq!(parse_minor(text, unit, exponent), Ok(minor), "{text} {unit:?} {exponent}");
    }
}

#[test]
fn what_is_no_exact_amount_is_refused_with_the_reason() {
    let character = |found: char, position: usize| {
        format!(
            "holds {found:?} as character {position}; expected digits, at most one decimal point and a leading minus"
        )
    };
    let too_large = "is beyond what 64 bits hold (-9223372036854775808..=9223372036854775807 minor units)";
    let missing = "lacks a digit beside its minus or decimal point; expected an amount such as -12.50";
    let not_whole =
        "has decimals; expected a whole number of minor units (is the column in major units? then say `unit: major`)";
    let cases = [
        ("", Unit::Major, 2, "is empty; expected an amount".to_owned()),
        ("1e400", Unit::Major, 2, "is written with an exponent; expected plain digits".to_owned()),
        ("1E2", Unit::Minor, 2, "is written with an exponent; expected plain digits".to_owned()),
        ("NaN", Unit::Major, 2, character('N', 1)),
        ("inf", Unit::Major, 2, character('i', 1)),
        ("1,234.50", Unit::Major, 2, character(',', 2)),
        ("+1", Unit::Major, 2, character('+', 1)),
        ("1 000", Unit::Major, 2, character(' ', 2)),
        ("--1", Unit::Major, 2, character('-', 2)),
        ("1.2.3", Unit::Major, 2, character('.', 4)),
        ("\u{664}", Unit::Major, 2, character('\u{664}', 1)),
        ("-", Unit::Major, 2, missing.to_owned()),
        (".5", Unit::Major, 2, missing.to_owned()),
        ("5.", Unit::Major, 2, missing.to_owned()),
        (".", Unit::Major, 2, missing.to_owned()),
        ("0.30000000000000004", Unit::Major, 2, "has 17 decimals; the currency has 2".to_owned()),
        ("1.001", Unit::Major, 2, "has 3 decimals; the currency has 2".to_owned()),
        ("1.5", Unit::Major, 0, "has 1 decimals; the currency has 0".to_owned()),
        ("12.50", Unit::Minor, 2, not_whole.to_owned()),
        ("92233720368547758.08", Unit::Major, 2, too_large.to_owned()),
        ("-92233720368547758.09", Unit::Major, 2, too_large.to_owned()),
        ("99999999999999999999999999", Unit::Minor, 2, too_large.to_owned()),
    ];
    for (text, unit, exponent, told) in cases {
        let error = parse_minor(text, unit, exponent).expect_err(text);
        assert_eq!(error.to_string(), told, "{text:?}");
    }
}

#[test]
fn currencies_have_their_published_decimals() {
    let cases = [
        ("USD", Some(2)),
        ("EUR", Some(2)),
        ("JPY", Some(0)),
        ("KWD", Some(3)),
        ("CLF", Some(4)),
        ("XAU", None),
        ("XXX", None),
        ("usd", None),
        ("US", None),
    ];
    for (code, decimals) in cases {
        assert_eq!(exponent(code), decimals, "{code}");
    }
}

#[test]
fn minor_units_are_written_as_major_ones() {
    let cases =
        [(5, 2, "0.05"), (-5, 2, "-0.05"), (-12345, 2, "-123.45"), (0, 2, "0.00"), (7, 0, "7"), (-1, 4, "-0.0001")];
    for (minor, exponent, text) in cases {
        assert_eq!(format_minor(minor, exponent), text);
    }
    assert_eq!(format_minor(i128::MIN, 0), i128::MIN.to_string());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_back_the_same(minor in any::<i64>(), exponent in 0_u8..=4) {
        let text = format_minor(i128::from(minor), exponent);
        prop_assert_eq!(parse_minor(&text, Unit::Major, exponent), Ok(minor));
        prop_assert_eq!(parse_minor(&minor.to_string(), Unit::Minor, exponent), Ok(minor));
    }

    #[test]
    fn no_text_panics(text in ".{0,40}", exponent in 0_u8..=4) {
        let _ = parse_minor(&text, Unit::Major, exponent);
        let _ = parse_minor(&text, Unit::Minor, exponent);
    }

    #[test]
    fn zeros_before_an_amount_say_nothing(
        sign in "-?", number in "[0-9]{1,19}(\\.[0-9]{0,7})?[-.,e 0]?", exponent in 0_u8..=4, minor in any::<bool>(),
    ) {
        let unit = if minor { Unit::Minor } else { Unit::Major };
        let padded = format!("{sign}{}{number}", "0".repeat(20));
        let short = parse_minor(&format!("{sign}{number}"), unit, exponent);
        prop_assert_eq!(parse_minor(&padded, unit, exponent).ok(), short.ok());
    }
}
