//! JSON text, appended: integers, times, and strings in which nothing that could end a line or a
//! string stands unescaped.

use chrono::{DateTime, Datelike, Timelike, Utc};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// A string with its quotes.
///
/// Escaped are quotes, backslashes and every control character, those above ASCII too, and the two
/// separators that some readers take for the end of a line (U+2028, U+2029).
pub(super) fn string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    // One pass without a branch a byte: nearly all text is plain.
    let plain = text.bytes().fold(true, |plain, byte| plain & is_plain(byte));
    if plain {
        out.extend_from_slice(text.as_bytes());
    } else {
        escaped(text, out);
    }
    out.push(b'"');
}

const fn is_plain(byte: u8) -> bool {
    byte >= b' ' && byte < 0x7f && byte != b'"' && byte != b'\\'
}

fn escaped(text: &str, out: &mut Vec<u8>) {
    let mut copied = 0;
    for (at, char) in text.char_indices() {
        let short = match char {
            '"' | '\\' => char,
            '\n' => 'n',
            '\r' => 'r',
            '\t' => 't',
            '\u{2028}' | '\u{2029}' => 'u',
            _ if char.is_control() => 'u',
            _ => continue,
        };
        out.extend_from_slice(&text.as_bytes()[copied..at]);
        copied = at + char.len_utf8();
        out.push(b'\\');
        let mut utf8 = [0; 4];
        out.extend_from_slice(short.encode_utf8(&mut utf8).as_bytes());
        if short == 'u' {
            let code = u32::from(char);
            out.extend([12, 8, 4, 0].map(|shift| HEX[(code >> shift) as usize & 15]));
        }
    }
    out.extend_from_slice(&text.as_bytes()[copied..]);
}

pub(super) fn integer(number: i64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = number.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = digit(rest % 10);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        at -= 1;
        digits[at] = b'-';
    }
    out.extend_from_slice(&digits[at..]);
}

/// The text of a time from 1970 to 9999.
#[derive(Debug, Clone, Copy)]
pub(super) struct TimeText {
    bytes: [u8; 27],
    length: usize,
}

impl TimeText {
    /// `2025-03-19T14:05:00.000Z`: milliseconds, or microseconds where there are any. None outside
    /// of the years that this form and every reader has.
    pub(super) fn of(micros: i64) -> Option<Self> {
        let time = DateTime::<Utc>::from_timestamp_micros(micros)?;
        let year = u32::try_from(time.year()).ok().filter(|year| (1970..=9999).contains(year))?;
        let fraction = time.nanosecond() / 1_000;
        let mut bytes = *b"0000-00-00T00:00:00.000000Z";
        put(&mut bytes[..4], year);
        put(&mut bytes[5..7], time.month());
        put(&mut bytes[8..10], time.day());
        put(&mut bytes[11..13], time.hour());
        put(&mut bytes[14..16], time.minute());
        put(&mut bytes[17..19], time.second());
        put(&mut bytes[20..26], fraction);
        if fraction % 1_000 == 0 {
            bytes[23] = b'Z';
            return Some(Self { bytes, length: 24 });
        }
        Some(Self { bytes, length: 27 })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// A number as exactly so many decimal digits.
fn put(digits: &mut [u8], mut number: u32) {
    for place in digits.iter_mut().rev() {
        *place = digit(u64::from(number % 10));
        number /= 10;
    }
}

fn digit(value: u64) -> u8 {
    b'0' + u8::try_from(value).expect("a decimal digit is below ten")
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        out.push(HEX[usize::from(byte >> 4)]);
        out.push(HEX[usize::from(byte & 15)]);
    }
}
