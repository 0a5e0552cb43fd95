//! Money as integers of minor units: the ISO 4217 exponents, and decimal text read and written
//! exactly. Nothing here passes through a binary fraction, and nothing is rounded.

use crate::job::Unit;

/// How many decimals the currency has (ISO 4217, list one), or none for a code that is not on the
/// list or has no minor unit at all (`XAU`, `XDR`, `XXX`, …). The code is upper case.
///
/// `ANG` and `BGN`, withdrawn in 2025 and 2026, stay: a backfill of a year still meets them.
pub fn exponent(code: &str) -> Option<u8> {
    // By bytes, which the compiler makes a tree of: as texts they would be held against it one by one.
    match code.as_bytes() {
        b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF" | b"UGX" | b"UYI"
        | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => Some(0),
        b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => Some(3),
        b"CLF" | b"UYW" => Some(4),
        b"AED" | b"AFN" | b"ALL" | b"AMD" | b"ANG" | b"AOA" | b"ARS" | b"AUD" | b"AWG" | b"AZN" | b"BAM" | b"BBD"
        | b"BDT" | b"BGN" | b"BMD" | b"BND" | b"BOB" | b"BOV" | b"BRL" | b"BSD" | b"BTN" | b"BWP" | b"BYN" | b"BZD"
        | b"CAD" | b"CDF" | b"CHE" | b"CHF" | b"CHW" | b"CNY" | b"COP" | b"COU" | b"CRC" | b"CUP" | b"CVE" | b"CZK"
        | b"DKK" | b"DOP" | b"DZD" | b"EGP" | b"ERN" | b"ETB" | b"EUR" | b"FJD" | b"FKP" | b"GBP" | b"GEL" | b"GHS"
        | b"GIP" | b"GMD" | b"GTQ" | b"GYD" | b"HKD" | b"HNL" | b"HTG" | b"HUF" | b"IDR" | b"ILS" | b"INR" | b"IRR"
        | b"JMD" | b"KES" | b"KGS" | b"KHR" | b"KPW" | b"KYD" | b"KZT" | b"LAK" | b"LBP" | b"LKR" | b"LRD" | b"LSL"
        | b"MAD" | b"MDL" | b"MGA" | b"MKD" | b"MMK" | b"MNT" | b"MOP" | b"MRU" | b"MUR" | b"MVR" | b"MWK" | b"MXN"
        | b"MXV" | b"MYR" | b"MZN" | b"NAD" | b"NGN" | b"NIO" | b"NOK" | b"NPR" | b"NZD" | b"PAB" | b"PEN" | b"PGK"
        | b"PHP" | b"PKR" | b"PLN" | b"QAR" | b"RON" | b"RSD" | b"RUB" | b"SAR" | b"SBD" | b"SCR" | b"SDG" | b"SEK"
        | b"SGD" | b"SHP" | b"SLE" | b"SOS" | b"SRD" | b"SSP" | b"STN" | b"SVC" | b"SYP" | b"SZL" | b"THB" | b"TJS"
        | b"TMT" | b"TOP" | b"TRY" | b"TTD" | b"TWD" | b"TZS" | b"UAH" | b"USD" | b"USN" | b"UYU" | b"UZS" | b"VED"
        | b"VES" | b"WST" | b"XAD" | b"XCD" | b"XCG" | b"YER" | b"ZAR" | b"ZMW" | b"ZWG" => Some(2),
        _ => None,
    }
}

/// Why a text is not an amount. The text itself is not repeated: it may hold a card number, and
/// whoever shows it masks it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("is empty; expected an amount")]
    Empty,
    #[error("holds {found:?} as character {position}; expected digits, at most one decimal point and a leading minus")]
    Character { found: char, position: usize },
    #[error("is written with an exponent; expected plain digits")]
    Exponent,
    #[error("lacks a digit beside its minus or decimal point; expected an amount such as -12.50")]
    MissingDigit,
    #[error("has {found} decimals; the currency has {allowed}")]
    TooManyDecimals { found: usize, allowed: u8 },
    #[error(
        "has decimals; expected a whole number of minor units (is the column in major units? then say `unit: major`)"
    )]
    NotWhole,
    #[error("is beyond what 64 bits hold ({}..={} minor units)", i64::MIN, i64::MAX)]
    TooLarge,
}

/// Reads an amount exactly: optional minus, digits, optionally a point and digits.
///
/// In major units at most `exponent` decimals count, in minor units none; zeros beyond them say
/// nothing and are accepted (`100.0` is the integer 100).
///
/// # Errors
/// Anything else: grouping, exponents, blanks, a plus, too many decimals, more than 64 bits.
pub fn parse_minor(text: &str, unit: Unit, exponent: u8) -> Result<i64, MoneyError> {
    let decimals = if unit == Unit::Major { exponent } else { 0 };
    parse_scaled(text, decimals).map_err(|error| match (error, unit) {
        (MoneyError::TooManyDecimals { .. }, Unit::Minor) => MoneyError::NotWhole,
        (error, _) => error,
    })
}

/// [`parse_minor`] of the number that `unscaled` is with its last `scale` digits after the point.
///
/// # Errors
/// As [`parse_minor`].
pub(crate) fn minor_of(unscaled: i64, scale: u8, unit: Unit, exponent: u8) -> Result<i64, MoneyError> {
    let decimals = if unit == Unit::Major { exponent } else { 0 };
    let minor = if scale <= decimals {
        10_i64.checked_pow(u32::from(decimals - scale)).and_then(|more| unscaled.checked_mul(more))
    } else {
        let beyond = 10_i64.checked_pow(u32::from(scale - decimals)).filter(|beyond| unscaled % beyond == 0);
        beyond.map(|beyond| unscaled / beyond)
    };
    // What is wrong, if anything is, is told in one place.
    minor.map_or_else(|| parse_minor(&format_minor(unscaled.into(), scale), unit, exponent), Ok)
}

/// The decimal number times ten to the power of `decimals`, exactly.
///
/// # Errors
/// As [`parse_minor`].
pub(crate) fn parse_scaled(text: &str, decimals: u8) -> Result<i64, MoneyError> {
    match short(text.as_bytes(), decimals) {
        Some(minor) => Ok(minor),
        None => parse_any(text, decimals),
    }
}

/// As [`parse_any`], for what nearly all amounts are: digits that 64 bits hold in any case, with at most `decimals`
/// of them after the point. None: it may be anything else.
fn short(text: &[u8], decimals: u8) -> Option<i64> {
    /// Any number of so many digits is less than the greatest of 64 bits.
    const HELD_DIGITS: usize = 18;
    const TENS: [i64; HELD_DIGITS + 1] = {
        let mut tens = [1; HELD_DIGITS + 1];
        let mut power = 1;
        while power < tens.len() {
            tens[power] = 10 * tens[power - 1];
            power += 1;
        }
        tens
    };
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.len() + usize::from(decimals) > HELD_DIGITS {
        return None;
    }
    let mut number = 0_i64;
    let mut point = None;
    for (place, byte) in digits.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            number = 10 * number + i64::from(digit);
        } else if *byte == b'.' && point.is_none() {
            point = Some(place);
        } else {
            return None;
        }
    }
    let whole = point.unwrap_or(digits.len());
    let fraction = point.map_or(0, |point| digits.len() - point - 1);
    let lacks_digits = whole == 0 || (point.is_some() && fraction == 0);
    let missing = usize::from(decimals).checked_sub(fraction).filter(|_| !lacks_digits)?;
    let minor = number * TENS[missing];
    Some(if negative { -minor } else { minor })
}

/// As [`parse_scaled`], digit by digit.
fn parse_any(text: &str, decimals: u8) -> Result<i64, MoneyError> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
    if let Some(error) = misshapen(text, whole, fraction) {
        return Err(error);
    }
    let fraction = fraction.unwrap_or_default().as_bytes();
    let (counted, beyond) = fraction.split_at(fraction.len().min(usize::from(decimals)));
    if beyond.iter().any(|digit| *digit != b'0') {
        return Err(MoneyError::TooManyDecimals { found: fraction.len(), allowed: decimals });
    }
    let filled = std::iter::repeat_n(&b'0', usize::from(decimals) - counted.len());
    // Summed towards the sign, so that the most negative number is not lost on the way.
    let mut minor = 0_i64;
    for digit in whole.as_bytes().iter().chain(counted).chain(filled) {
        let digit = i64::from(digit - b'0');
        minor = minor
            .checked_mul(10)
            .and_then(|shifted| if negative { shifted.checked_sub(digit) } else { shifted.checked_add(digit) })
            .ok_or(MoneyError::TooLarge)?;
    }
    Ok(minor)
}

/// What is wrong with the shape of a number, told as narrowly as possible.
fn misshapen(text: &str, whole: &str, fraction: Option<&str>) -> Option<MoneyError> {
    let digits_only = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if text.is_empty() {
        return Some(MoneyError::Empty);
    }
    if digits_only(whole) && fraction.is_none_or(digits_only) {
        let lacks = whole.is_empty() || fraction.is_some_and(str::is_empty);
        return lacks.then_some(MoneyError::MissingDigit);
    }
    let mut point_seen = false;
    for (index, found) in text.chars().enumerate() {
        match found {
            '0'..='9' => {}
            '-' if index == 0 => {}
            '.' if !point_seen => point_seen = true,
            'e' | 'E' if index > 0 => return Some(MoneyError::Exponent),
            _ => return Some(MoneyError::Character { found, position: index + 1 }),
        }
    }
    None
}

/// Minor units as a decimal of major units: `format_minor(-5, 2)` is `-0.05`.
pub fn format_minor(minor: i128, exponent: u8) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    let width = usize::from(exponent) + 1;
    let digits = format!("{:0>width$}", minor.unsigned_abs());
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(exponent));
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}
