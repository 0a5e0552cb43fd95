//! The text of one cell as a published value, by the kind of its field; or what is wrong with it,
//! as a lowercase fragment.

use memchr::memchr;

use super::line::{self, TimeText};
use super::schema::{Attribute, Kind, STATES};
use crate::config::quoted;
use crate::money;

/// Beyond this a reader that takes numbers as binary fractions would round (RFC 8259, section 6).
pub(super) const MOST_MINOR: i64 = (1 << 53) - 1;

/// The fewest and most digits of a card number (ISO/IEC 7812).
const CARD_DIGITS: std::ops::RangeInclusive<usize> = 12..=19;

/// One field of one row, ready to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'r> {
    Absent,
    Text(&'r str),
    /// Minor units.
    Minor(i64),
    /// Microseconds since the epoch, in [`TimeText::YEARS`].
    Micros(i64),
    /// A time that stands in the source as it is sent ([`TimeText::is_written`]).
    Time(&'r str),
    Word(&'static str),
    // What is shorter than a word of the machine stands in [`Held`]: packed in here, it would lie
    // across words, and every copy of a value would wait for the store before it.
    Currency,
    Bin,
    LastFour,
    LastFours,
}

/// The short values of the row, and the last row's currency: most sources have one.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) currency: [u8; 3],
    pub(super) exponent: u8,
    pub(super) bin: [u8; 6],
    pub(super) last_four: [u8; 4],
    /// Last fours, one after the other.
    pub(super) last_fours: Vec<u8>,
}

impl Held {
    /// Makes this the currency of the row, if it is one; false otherwise.
    pub(super) fn settle(&mut self, code: &str) -> bool {
        if code.as_bytes() == self.currency {
            return true;
        }
        let found = currency(code);
        if let Some(found) = found {
            (self.currency, self.exponent) = found;
        }
        found.is_some()
    }
}

/// The values of one row, by attribute.
pub(super) type Values<'r> = [Value<'r>; Attribute::ALL.len()];

impl Value<'_> {
    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Value::Absent)
    }

    /// Whether both say the same. A time has two ways of being held.
    pub(super) fn says(&self, other: &Self) -> bool {
        match (self, other) {
            (Value::Micros(micros), Value::Time(text)) | (Value::Time(text), Value::Micros(micros)) => {
                TimeText::of(*micros).bytes() == text.as_bytes()
            }
            _ => self == other,
        }
    }

    /// The value as JSON.
    pub(super) fn write(&self, held: &Held, out: &mut Vec<u8>) {
        match self {
            Value::Absent => out.extend_from_slice(b"null"),
            Value::Text(text) => line::string(text, out),
            Value::Minor(minor) => line::integer(*minor, out),
            Value::LastFours => {
                for (index, four) in held.last_fours.chunks_exact(4).enumerate() {
                    out.push(if index == 0 { b'[' } else { b',' });
                    quote(four, out);
                }
                out.push(b']');
            }
            Value::Micros(_) | Value::Time(_) | Value::Word(_) | Value::Currency | Value::Bin | Value::LastFour => {
                out.push(b'"');
                self.text(held, out);
                out.push(b'"');
            }
        }
    }

    /// The value as plain text: what JSON's quotes and escapes stand for.
    pub(super) fn text(&self, held: &Held, out: &mut Vec<u8>) {
        match self {
            Value::Absent => {}
            Value::Text(text) | Value::Time(text) => out.extend_from_slice(text.as_bytes()),
            Value::Minor(minor) => line::integer(*minor, out),
            Value::Micros(micros) => out.extend_from_slice(TimeText::of(*micros).bytes()),
            Value::Word(word) => out.extend_from_slice(word.as_bytes()),
            Value::Currency => out.extend_from_slice(&held.currency),
            Value::Bin => out.extend_from_slice(&held.bin),
            Value::LastFour => out.extend_from_slice(&held.last_four),
            Value::LastFours => out.extend_from_slice(&held.last_fours),
        }
    }
}

/// Plain ASCII digits.
fn quote(digits: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(digits);
    out.push(b'"');
}

/// The published word that a text is, in any case; none for a kind whose words are no constants.
pub(super) fn word(kind: Kind, text: &str) -> Option<&'static str> {
    match kind {
        Kind::Word(words) => words.iter().find(|word| word.eq_ignore_ascii_case(text)).copied(),
        Kind::State => state(text),
        _ => None,
    }
}

/// What a field with a closed list takes, for messages. `mapped`: the job has words of its own.
pub(super) fn not_in_list(kind: Kind, mapped: bool, fips: bool) -> String {
    match kind {
        Kind::Word(words) if mapped => format!("is neither a word that the job maps nor one of {}", quoted(words)),
        Kind::Word(words) => format!("is not one of {}", quoted(words)),
        Kind::State if fips => "is no US state; expected a FIPS code such as `06` or letters such as `CA`".to_owned(),
        Kind::State => "is no US state; expected its two letters, such as `CA`".to_owned(),
        _ => "is no currency with minor units; expected an ISO 4217 code such as USD".to_owned(),
    }
}

/// Upper case, and the exponent.
pub(super) fn currency(text: &str) -> Option<([u8; 3], u8)> {
    let code = <[u8; 3]>::try_from(text.as_bytes()).ok()?.map(|letter| letter.to_ascii_uppercase());
    let exponent = money::exponent(std::str::from_utf8(&code).ok()?)?;
    Some((code, exponent))
}

fn state(text: &str) -> Option<&'static str> {
    let letters = <[u8; 2]>::try_from(text.as_bytes()).ok()?.map(|letter| letter.to_ascii_uppercase());
    STATES.iter().find(|state| state.as_bytes() == letters).copied()
}

/// # Errors
/// A character that no reader expects in text.
pub(super) fn text(text: &str) -> Result<Value<'_>, String> {
    if memchr(0, text.as_bytes()).is_some() {
        return Err("holds a NUL character".to_owned());
    }
    Ok(Value::Text(text))
}

/// The size of an amount, within what every reader takes exactly.
///
/// # Errors
/// Beyond it.
pub(super) fn size(minor: i64) -> Result<i64, String> {
    let size = minor.unsigned_abs();
    i64::try_from(size)
        .ok()
        .filter(|size| *size <= MOST_MINOR)
        .ok_or_else(|| format!("is beyond what every JSON reader takes exactly ({MOST_MINOR} minor units)"))
}

/// What may stand between or instead of the digits of a card number.
const fn is_gap(byte: u8) -> bool {
    matches!(byte, b' ' | b'-')
}

/// What hides a digit; `…` and `•` come as bytes beyond ASCII.
const fn is_mask(byte: u8) -> bool {
    matches!(byte, b'*' | b'x' | b'X' | b'_' | b'#' | b'.') || !byte.is_ascii()
}

/// The shape of a card number that may be masked: how many digits it has, and whether others are hidden.
fn card_shape(text: &str) -> Option<(usize, bool)> {
    text.bytes().try_fold((0, false), |(digits, masked), byte| match byte {
        b'0'..=b'9' => Some((digits + 1, masked)),
        _ if is_gap(byte) => Some((digits, masked)),
        _ if is_mask(byte) => Some((digits, true)),
        _ => None,
    })
}

/// Six digits, or the first six of a longer number, masked or not.
///
/// # Errors
/// Anything else.
pub(super) fn bin(text: &str) -> Result<[u8; 6], String> {
    let wrong = || "is no BIN; expected six digits, or a card number that begins with them".to_owned();
    let (digits, _) = card_shape(text).ok_or_else(wrong)?;
    if digits > *CARD_DIGITS.end() {
        return Err(wrong());
    }
    let mut first = [0; 6];
    let mut shown = text.bytes().filter(|byte| !is_gap(*byte));
    for digit in &mut first {
        *digit = shown.next().filter(u8::is_ascii_digit).ok_or_else(wrong)?;
    }
    Ok(first)
}

fn four_digits(text: &str) -> Option<[u8; 4]> {
    let four = <[u8; 4]>::try_from(text.as_bytes()).ok()?;
    four.iter().all(u8::is_ascii_digit).then_some(four)
}

/// Four digits, or the last four of a card number, masked or not.
///
/// # Errors
/// Anything else.
pub(super) fn last_four(text: &str) -> Result<[u8; 4], String> {
    if let Some(four) = four_digits(text) {
        return Ok(four);
    }
    let wrong = || "is no end of a card number; expected four digits".to_owned();
    let (digits, masked) = card_shape(text).ok_or_else(wrong)?;
    // Unmasked, five digits are more likely a mistake than a card.
    if digits > *CARD_DIGITS.end() || !masked && !CARD_DIGITS.contains(&digits) {
        return Err(wrong());
    }
    let mut last = [0; 4];
    let mut shown = text.bytes().rev().filter(|byte| !is_gap(*byte));
    for digit in last.iter_mut().rev() {
        *digit = shown.next().filter(u8::is_ascii_digit).ok_or_else(wrong)?;
    }
    Ok(last)
}

/// Appends every last four of a list that is separated by commas, semicolons, bars or blanks.
///
/// # Errors
/// A part that is none; and groups of digits between blanks that may as well be one card number,
/// which would leave in pieces.
pub(super) fn last_fours(text: &str, list: &mut Vec<u8>) -> Result<(), String> {
    // Nearly every list is one card.
    if let Some(four) = four_digits(text) {
        list.extend_from_slice(&four);
        return Ok(());
    }
    for part in text.split([',', ';', '|']).map(str::trim) {
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        if part.contains(char::is_whitespace) && digits >= *CARD_DIGITS.start() {
            return Err("may be one card number in groups; expected last fours separated by commas".to_owned());
        }
        for four in part.split_whitespace() {
            list.extend_from_slice(&last_four(four)?);
        }
    }
    Ok(())
}
