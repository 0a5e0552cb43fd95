//! JSON text, appended: integers, times, and strings in which nothing that could end a line or a
//! string stands unescaped.

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

/// The text of a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct TimeText {
    bytes: [u8; 27],
    length: usize,
}

impl TimeText {
    /// 1970 to 9999, in microseconds since the epoch: the years that this form and every reader has.
    pub(super) const YEARS: std::ops::RangeInclusive<i64> = 0..=253_402_300_799_999_999;

    /// `2025-03-19T14:05:00.000Z`: milliseconds, or microseconds where there are any. The time lies
    /// in [`Self::YEARS`].
    pub(super) fn of(micros: i64) -> Self {
        let micros = micros.unsigned_abs();
        let (seconds, fraction) = (micros / 1_000_000, small(micros % 1_000_000));
        let (days, second) = (small(seconds / 86_400), small(seconds % 86_400));
        let (year, month, day) = civil(days);
        let mut bytes = *b"0000-00-00T00:00:00.000000Z";
        pair(&mut bytes, 0, year / 100);
        pair(&mut bytes, 2, year % 100);
        pair(&mut bytes, 5, month);
        pair(&mut bytes, 8, day);
        pair(&mut bytes, 11, second / 3_600);
        pair(&mut bytes, 14, second / 60 % 60);
        pair(&mut bytes, 17, second % 60);
        pair(&mut bytes, 20, fraction / 10_000);
        pair(&mut bytes, 22, fraction / 100 % 100);
        pair(&mut bytes, 24, fraction % 100);
        if fraction % 1_000 == 0 {
            bytes[23] = b'Z';
            return Self { bytes, length: 24 };
        }
        Self { bytes, length: 27 }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// Whether a text is, byte for byte, what [`Self::of`] makes of a time to milliseconds: a day and a
    /// time of day that exist, in [`Self::YEARS`].
    pub(super) fn is_written(text: &str) -> bool {
        const FORM: &[u8; 24] = b"0000-00-00T00:00:00.000Z";
        let Ok(bytes) = <&[u8; 24]>::try_from(text.as_bytes()) else { return false };
        // One pass without a branch a byte.
        let fits = |(byte, form): (&u8, &u8)| if *form == b'0' { byte.is_ascii_digit() } else { byte == form };
        if !bytes.iter().zip(FORM).fold(true, |all, pair| all & fits(pair)) {
            return false;
        }
        let pair = |at: usize| u32::from(bytes[at] - b'0') * 10 + u32::from(bytes[at + 1] - b'0');
        let (year, month) = (pair(0) * 100 + pair(2), pair(5));
        year >= 1970 && (1..=days_in(year, month)).contains(&pair(8)) && pair(11) < 24 && pair(14) < 60 && pair(17) < 60
    }
}

/// Year, month and day of a number of days since 1970-01-01.
///
/// Counted in years that begin in March, so that the leap day is the last of its year (Howard
/// Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`): without a table, and
/// several times as fast as a calendar that knows all zones.
const fn civil(days: u32) -> (u32, u32, u32) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + (month <= 2) as u32;
    (year, month, day)
}

/// Days of a month; none where there is no such month.
const fn days_in(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        1..=12 => 31,
        _ => 0,
    }
}

/// `00` to `99`, one after the other.
const PAIRS: [u8; 200] = {
    let mut pairs = [b'0'; 200];
    let mut number = 0_u8;
    while number < 100 {
        let at = 2 * number as usize;
        pairs[at] = b'0' + number / 10;
        pairs[at + 1] = b'0' + number % 10;
        number += 1;
    }
    pairs
};

/// A number below a hundred as two digits.
fn pair(bytes: &mut [u8; 27], at: usize, number: u32) {
    let from = 2 * number as usize;
    bytes[at..at + 2].copy_from_slice(&PAIRS[from..from + 2]);
}

/// Parts of a time in [`TimeText::YEARS`] fit: there are fewer than three million days in it.
fn small(number: u64) -> u32 {
    u32::try_from(number).expect("days and parts of a second are far below 32 bits")
}

fn digit(value: u64) -> u8 {
    b'0' + u8::try_from(value).expect("a decimal digit is below ten")
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
    }
}
