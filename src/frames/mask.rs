//! What may be shown of a value that could not be read: cut, and without card numbers.

/// Most characters shown.
const SHOWN_CHARS: usize = 60;
/// Most characters looked at: past the end of any number that begins among those shown.
const SCANNED_CHARS: usize = 512;
/// From this many digits on, a number may be a card or an account.
const LONG_DIGITS: usize = 8;
/// Digits that stay readable at the end of a long number.
const KEPT_DIGITS: usize = 4;

/// The value for people: at most 60 characters, control characters replaced, and of every long
/// number (digits, also grouped by single blanks or dashes) only the last four digits.
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

/// `0.30000000000000004` is an amount with too many decimals, no card; people need to see it whole.
fn is_plain_decimal(value: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = value.strip_prefix('-').unwrap_or(value);
    unsigned.split_once('.').is_some_and(|(whole, rest)| whole.len() < LONG_DIGITS && digits(whole) && digits(rest))
}

fn mask_long_numbers(chars: &mut [char]) {
    let mut start = 0;
    while start < chars.len() {
        if !chars[start].is_ascii_digit() {
            start += 1;
            continue;
        }
        let end = number_end(chars, start);
        let digits = chars[start..end].iter().filter(|c| c.is_ascii_digit()).count();
        if digits > LONG_DIGITS {
            let mut left = digits - KEPT_DIGITS;
            for c in chars[start..end].iter_mut().filter(|c| c.is_ascii_digit()) {
                if left == 0 {
                    break;
                }
                *c = '*';
                left -= 1;
            }
        }
        start = end;
    }
}

/// One past the last digit of the number that starts at `start`.
fn number_end(chars: &[char], start: usize) -> usize {
    let mut end = start + 1;
    loop {
        match (chars.get(end), chars.get(end + 1)) {
            (Some(c), _) if c.is_ascii_digit() => end += 1,
            (Some(' ' | '-'), Some(c)) if c.is_ascii_digit() => end += 2,
            _ => return end,
        }
    }
}
