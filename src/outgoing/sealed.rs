//! What sealed lines say about themselves: their number, and the sum of their amounts in each
//! currency, found in the bytes alone. It shares nothing with what wrote them, so that the two counts are two.

use std::borrow::Cow;

use memchr::memchr;

use super::manifest::Totals;

/// The field's name in its quotes: the eight bytes that are looked for.
const AMOUNT: [u8; 8] = *b"\"amount\"";
/// The beginning of `"currency":"`, and the rest.
const CURRENCY: [u8; 8] = *b"\"currenc";
const CURRENCY_REST: &[u8] = b"y\":\"";
/// What usually follows the amount.
const CURRENCY_NEXT: &[u8] = b",\"currency\":\"";
/// "`MatchedTransactionsAttributes`" states no currency: its amounts are "in cents".
pub(super) const CENTS_CODE: &str = "USD";
const CENTS: [u8; 3] = *b"USD";

/// Lines counted, and their amounts summed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) rows: u64,
    pub(super) totals: Totals,
}

impl Counted {
    pub(super) fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        self.totals.add_all(&other.totals);
    }
}

/// Counts whole lines. None where a line has no amount: it was not written by us.
pub(super) fn count(text: &[u8]) -> Option<Counted> {
    let mut counted = Counted::default();
    // Most files have one currency: its sum is taken along.
    let (mut currency, mut sum) = (CENTS, 0_i128);
    let mut hint = 0;
    for line in lines(text) {
        let (amount, rest) = amount_minor(line, &mut hint)?;
        let found = self::currency(line, rest).unwrap_or(CENTS);
        if found != currency {
            counted.totals.add(currency, std::mem::take(&mut sum));
            currency = found;
        }
        sum += i128::from(amount);
        counted.rows += 1;
    }
    counted.totals.add(currency, sum);
    Some(counted)
}

/// Lines with their ends. No line holds a line feed: JSON escapes it.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let length = memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        let (line, after) = rest.split_at(length);
        rest = after;
        (length > 0).then_some(line)
    })
}

/// The amount and what follows it. Inside a string the quotes of the name would be escaped: what
/// reads like this is the field. `hint`: where it stood in the last line.
fn amount_minor<'l>(line: &'l [u8], hint: &mut usize) -> Option<(i64, &'l [u8])> {
    const NEAR: usize = 24;
    let from = hint.saturating_sub(NEAR).min(line.len());
    let near = &line[from..line.len().min(from + 3 * NEAR)];
    let at = position(near, AMOUNT).map(|at| from + at).or_else(|| position(line, AMOUNT))?;
    *hint = at;
    let value = line[at + AMOUNT.len()..].strip_prefix(b":")?;
    let length = value.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'-').count();
    let amount = std::str::from_utf8(&value[..length]).ok()?.parse().ok()?;
    Some((amount, &value[length..]))
}

/// The currency, which in the published order follows the amount.
fn currency(line: &[u8], after_amount: &[u8]) -> Option<[u8; 3]> {
    let value = match after_amount.strip_prefix(CURRENCY_NEXT) {
        Some(value) => value,
        None => line[position(line, CURRENCY)? + CURRENCY.len()..].strip_prefix(CURRENCY_REST)?,
    };
    value.first_chunk().copied()
}

/// Eight bytes are one comparison of one register.
fn position(line: &[u8], wanted: [u8; 8]) -> Option<usize> {
    line.windows(8).position(|bytes| <[u8; 8]>::try_from(bytes).is_ok_and(|bytes| bytes == wanted))
}

/// The text of a string field as it is written, still escaped; none where the line has no such field.
pub(super) fn text_field<'l>(line: &'l [u8], name: &str) -> Option<&'l [u8]> {
    let key = format!("\"{name}\":\"");
    let at = line.windows(key.len()).position(|bytes| bytes == key.as_bytes())?;
    let value = &line[at + key.len()..];
    let mut escaped = false;
    let end = value.iter().position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    })?;
    Some(&value[..end])
}

/// What a string field says, without JSON's escapes. None where it is no string of JSON.
pub(super) fn unescaped(written: &[u8]) -> Option<Cow<'_, str>> {
    let text = std::str::from_utf8(written).ok()?;
    if text.contains('\\') {
        serde_json::from_str(&format!("\"{text}\"")).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(text))
    }
}
