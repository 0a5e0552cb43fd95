//! Text that came from outside, made harmless for the place where it is shown.

use std::borrow::Cow;

/// The text with every character that a reader cannot see replaced by U+FFFD: control characters
/// (a terminal would obey them, a sheet's XML must not hold them) and marks that turn the
/// direction of what follows (they make one id look like another).
pub fn visible(text: &str) -> Cow<'_, str> {
    // Most text is plain ASCII; a long report asks this of millions of cells.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        Cow::Borrowed(text)
    } else if text.chars().any(is_hidden) {
        Cow::Owned(text.chars().map(|c| if is_hidden(c) { char::REPLACEMENT_CHARACTER } else { c }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// Control characters, and marks that change how what follows is read.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}')
}

/// A text cell of a CSV file that no spreadsheet reads as a formula. Numbers do not come here:
/// they are written from integers and may begin with a minus.
pub fn csv_cell(text: &str) -> Cow<'_, str> {
    match text.chars().next() {
        // The full-width forms count too: some editions of Excel fold them.
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠') => {
            Cow::Owned(format!("'{text}"))
        }
        _ => Cow::Borrowed(text),
    }
}

/// At most `most` characters; what is cut off is told by `…`.
pub fn cut(text: &str, most: usize) -> Cow<'_, str> {
    // No text has more characters than bytes.
    if text.len() <= most || text.chars().nth(most).is_none() {
        return Cow::Borrowed(text);
    }
    let mut short: String = text.chars().take(most.saturating_sub(1)).collect();
    short.push('…');
    Cow::Owned(short)
}

/// `86.4 MB`: in powers of ten, as storages count.
pub fn size_in_words(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1_000 {
        return if bytes == 1 { "1 byte".to_owned() } else { format!("{bytes} bytes") };
    }
    let mut size = u128::from(bytes);
    let mut units = UNITS.iter();
    let mut unit = units.next();
    let mut one: u128 = 1_000;
    // Rounded to tenths first, so that 999,950 bytes are 1.0 MB and not 1000.0 kB.
    while (size * 10 + one / 2) / one >= 10_000
        && let Some(next) = units.next()
    {
        (unit, one) = (Some(next), one * 1_000);
    }
    size = (size * 10 + one / 2) / one;
    format!("{}.{} {}", size / 10, size % 10, unit.unwrap_or(&"B"))
}

/// Whether two names are one person's: letter case and blanks around them aside.
pub fn is_same_person(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}
