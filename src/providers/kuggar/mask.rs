//! What may be a card number in the texts of others, and the names under which card data goes.

use std::borrow::Cow;

/// Card numbers have 12 to 19 digits; what is longer may hold one.
pub(super) const FEWEST_DIGITS: usize = 12;
/// Digits that stay readable at the end of a masked number.
const KEPT_DIGITS: usize = 4;
/// So many separators between two digits do not end a number.
const WIDEST_GAP: usize = 3;

/// The text with all but the last four digits of every number of twelve digits or more replaced by `*`, whatever blanks,
/// dashes, points, slashes or underscores stand between them.
pub(super) fn without_numbers(text: &str) -> Cow<'_, str> {
    if text.chars().filter(|c| c.is_numeric()).count() < FEWEST_DIGITS {
        return Cow::Borrowed(text);
    }
    let mut chars: Vec<char> = text.chars().collect();
    let mut start = 0;
    while start < chars.len() {
        if !chars[start].is_numeric() {
            start += 1;
            continue;
        }
        let end = number_end(&chars, start);
        let digits = chars[start..end].iter().filter(|c| c.is_numeric()).count();
        if digits >= FEWEST_DIGITS {
            let masked = digits - KEPT_DIGITS;
            chars[start..end].iter_mut().filter(|c| c.is_numeric()).take(masked).for_each(|c| *c = '*');
        }
        start = end;
    }
    Cow::Owned(chars.into_iter().collect())
}

/// One past the last digit of the number that starts at `start`.
fn number_end(chars: &[char], start: usize) -> usize {
    let mut end = start + 1;
    loop {
        let Some(gap) = chars[end..].iter().take(WIDEST_GAP + 1).position(|c| c.is_numeric()) else { return end };
        if !chars[end..end + gap].iter().all(|c| is_gap(*c)) {
            return end;
        }
        end += gap + 1;
    }
}

fn is_gap(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '-' | '.' | '/' | '\\' | '_' | '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// Whether a text is nothing but a number as long as a card's.
pub(super) fn is_card_number(text: &str) -> bool {
    let digits = text.chars().filter(|c| c.is_numeric()).count();
    digits >= FEWEST_DIGITS && text.chars().all(|c| c.is_numeric() || is_gap(c))
}

/// Whether a field of this name holds what nobody but the card's holder may keep, however the name is spelt.
pub(super) fn names_card_data(name: &str) -> bool {
    const WITHIN: [&str; 7] = ["securitycode", "cvv", "cvc", "cvn", "cardnumber", "trackdata", "pinblock"];
    let name: String = name.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_lowercase()).collect();
    WITHIN.iter().any(|part| name.contains(part)) || matches!(name.as_str(), "pan" | "pin" | "csc" | "cid" | "track")
}

/// `1deb214d-f6a6-4546-86fe-55e80593dbb0`: what no card number is.
pub(super) fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths = [8, 4, 4, 4, 12];
    parts.len() == lengths.len()
        && parts
            .iter()
            .zip(lengths)
            .all(|(part, length)| part.len() == length && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
