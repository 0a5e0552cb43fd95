//! Amounts as text: exact decimals from integers of minor units, for machines and for people.

pub(super) use crate::money::{exponent, format_minor};

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
pub(crate) fn money(minor: i128, currency: &str) -> String {
    format!("{} {}", super::text::visible(currency), grouped(minor, currency))
}

/// `1,234,567`
pub(crate) fn count(number: u64) -> String {
    grouped(i128::from(number), "")
}
