//! What may be shown of a value that could not be read, or of a name that a file gives: cut, and
//! without card numbers. Texts that the job maps (ids, users, merchants, reasons) are shown as they
//! are: an id may well be a long number, and masked it could no longer be found.

/// Most characters shown.
const SHOWN_CHARS: usize = 60;
/// Most characters looked at: past the end of any number that begins among those shown.
const SCANNED_CHARS: usize = 512;
/// From this many digits on, a number may be a card or an account.
const LONG_DIGITS: usize = 8;
/// Digits in looser groups count as one number from this length on: that of the shortest card number.
const CARD_DIGITS: usize = 13;
/// Digits that stay readable at the end of a long number.
const KEPT_DIGITS: usize = 4;

/// The value for people: at most 60 characters, control characters replaced, and of every long
/// number (digits, also grouped by single blanks or dashes; card numbers however they are grouped)
/// only the last four digits.
pub(crate) fn shown(value: &str) -> String {
    let mut chars: Vec<char> = value.chars().take(SCANNED_CHARS).collect();
    if !is_plain_decimal(value) {
        mask_long_numbers(&mut chars);
    }
    let cut = chars.len() > SHOWN_CHARS;
    let kept = if cut { SHOWN_CHARS - 1 } else { chars.len() };
    let mut text: String =
        chars[..kept].iter().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { *c }).collect();
    if cut {
        text.push('…');
    }
    text
}

/// [`shown`] for bytes that may be no text.
pub(crate) fn shown_bytes(value: &[u8]) -> String {
    shown(&String::from_utf8_lossy(&value[..value.len().min(4 * SCANNED_CHARS)]))
}

/// A sentence for others: of every number that is as long as a card's, however its digits are grouped, only the
/// last four stay.
pub(crate) fn without_cards(text: &str) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    mask_numbers(&mut chars, CARD_DIGITS, is_wide_gap);
    chars.into_iter().collect()
}

/// `0.30000000000000004` is an amount with too many decimals, no card; people need to see it whole.
fn is_plain_decimal(value: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = value.strip_prefix('-').unwrap_or(value);
    unsigned.split_once('.').is_some_and(|(whole, rest)| whole.len() < LONG_DIGITS && digits(whole) && digits(rest))
}

fn mask_long_numbers(chars: &mut [char]) {
    let narrow = |separators: &[char]| matches!(separators, [' ' | '-']);
    mask_numbers(chars, CARD_DIGITS, is_wide_gap);
    mask_numbers(chars, LONG_DIGITS + 1, narrow);
}

/// What may stand between the digits of a card number, however it is grouped.
fn is_wide_gap(separators: &[char]) -> bool {
    separators.len() <= 2 && separators.iter().all(|c| !c.is_alphanumeric() && !matches!(c, ',' | ';' | '"' | ':'))
}

/// Masks every number of at least so many digits; `joins` tells which characters between two digits
/// do not end it.
fn mask_numbers(chars: &mut [char], fewest_digits: usize, joins: impl Fn(&[char]) -> bool) {
    let mut start = 0;
    while start < chars.len() {
        if !chars[start].is_numeric() {
            start += 1;
            continue;
        }
        let end = number_end(chars, start, &joins);
        let digits = chars[start..end].iter().filter(|c| c.is_numeric()).count();
        if digits >= fewest_digits {
            let masked = digits - KEPT_DIGITS;
            chars[start..end].iter_mut().filter(|c| c.is_numeric()).take(masked).for_each(|c| *c = '*');
        }
        start = end;
    }
}

/// One past the last digit of the number that starts at `start`.
fn number_end(chars: &[char], start: usize, joins: impl Fn(&[char]) -> bool) -> usize {
    let mut end = start + 1;
    loop {
        let Some(gap) = chars[end..].iter().take(3).position(|c| c.is_numeric()) else { return end };
        if gap > 0 && !joins(&chars[end..end + gap]) {
            return end;
        }
        end += gap + 1;
    }
}
