//! Amounts as text: exact decimals from integers of minor units, for machines and for people.

/// The number of decimals of an ISO 4217 currency; none for a code that is not known here.
pub(super) fn exponent(code: &str) -> Option<u8> {
    match code {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI" | "VND"
        | "VUV" | "XAF" | "XOF" | "XPF" => Some(0),
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => Some(3),
        "CLF" | "UYW" => Some(4),
        _ if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()) => Some(2),
        _ => None,
    }
}

/// `-1234.50` from −123450 minor units and an exponent of 2; no separators of thousands.
pub(super) fn format_minor(minor: i128, exponent: u8) -> String {
    let digits = minor.unsigned_abs().to_string();
    let sign = if minor < 0 { "-" } else { "" };
    let decimals = usize::from(exponent);
    if decimals == 0 {
        return format!("{sign}{digits}");
    }
    let padded = format!("{digits:0>width$}", width = decimals + 1);
    let (whole, part) = padded.split_at(padded.len() - decimals);
    format!("{sign}{whole}.{part}")
}

/// The decimals in which a currency is written: 2 for an unknown code, none where there is no
/// currency at all (file-level breaks count rows, not money).
pub(super) fn decimals(currency: &str) -> u8 {
    if currency.is_empty() { 0 } else { exponent(currency).unwrap_or(2) }
}

/// `-1,234.50`: for people, without the currency's code.
pub(super) fn grouped(minor: i128, currency: &str) -> String {
    let plain = format_minor(minor, decimals(currency));
    let (sign, unsigned) = plain.strip_prefix('-').map_or(("", plain.as_str()), |rest| ("-", rest));
    let (whole, part) = unsigned.split_at(unsigned.find('.').unwrap_or(unsigned.len()));
    let mut text = String::from(sign);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text.push_str(part);
    text
}

/// `+5.50`, `-5.50`, `0.00`: a movement, whose sign always shows.
pub(super) fn signed(minor: i128, currency: &str) -> String {
    let sign = if minor > 0 { "+" } else { "" };
    format!("{sign}{}", grouped(minor, currency))
}

/// `USD 1,234.50`
pub(super) fn money(minor: i128, currency: &str) -> String {
    format!("{} {}", super::text::visible(currency), grouped(minor, currency))
}

/// `1,234,567`
pub(super) fn count(number: u64) -> String {
    grouped(i128::from(number), "")
}
