//! Card numbers and codes in what providers answer, masked before anything of it is written down.
//!
//! Of a number with twelve digits or more the last four stay, whatever stands between the digits. Of a field that is
//! named after a security code, a PIN or a magnetic stripe nothing stays.

use std::fmt;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

/// Card numbers have 12 to 19 digits; what is longer may hold one.
pub const FEWEST_DIGITS: usize = 12;
/// Digits that stay readable at the end of a masked number.
const KEPT_DIGITS: usize = 4;
/// So many separators between two digits do not end a number.
const WIDEST_GAP: usize = 3;
/// Objects and lists within each other; what lies deeper is left out.
const MOST_LEVELS: usize = 64;
/// What stands where nothing is kept.
const GONE: &str = "\"[masked]\"";

/// A row with all masked that may be card data; numbers that are none stay digit by digit.
pub fn row(row: &RawValue) -> Box<RawValue> {
    let mut masked = String::with_capacity(row.get().len());
    put(row.get().trim(), "", 1, &mut masked);
    let Ok(masked) = RawValue::from_string(masked) else { unreachable!("it was put together of whole values") };
    masked
}

/// A text with all but the last four digits of every number of twelve digits or more replaced by `*`.
pub fn text(text: &str) -> String {
    if is_uuid(text) || text.chars().filter(|c| c.is_numeric()).count() < FEWEST_DIGITS {
        return text.to_owned();
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
    chars.into_iter().collect()
}

/// Whether a text is nothing but a number as long as a card's.
pub fn is_card_number(text: &str) -> bool {
    let digits = text.chars().filter(|c| c.is_numeric()).count();
    digits >= FEWEST_DIGITS && text.chars().all(|c| c.is_numeric() || is_gap(c))
}

/// Whether a field of this name holds what nobody but the card's holder may keep, however the name is spelt.
pub fn names_card_secret(name: &str) -> bool {
    const WITHIN: [&str; 8] = ["securitycode", "cvv", "cvc", "cvn", "trackdata", "track1", "track2", "pinblock"];
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    WITHIN.iter().any(|part| name.contains(part)) || matches!(name.as_str(), "pin" | "cardpin" | "csc" | "cid" | "otp")
}

/// Writes a value again; `name` is that of the field that it stands in.
fn put(json: &str, name: &str, level: usize, to: &mut String) {
    if names_card_secret(name) && json != "null" || level > MOST_LEVELS {
        to.push_str(GONE);
        return;
    }
    match json.as_bytes().first() {
        Some(b'{') => match serde_json::from_str::<Members<'_>>(json) {
            Ok(members) => put_object(&members, level, to),
            Err(_) => to.push_str(GONE),
        },
        Some(b'[') => match serde_json::from_str::<Vec<&RawValue>>(json) {
            Ok(items) => put_list(&items, name, level, to),
            Err(_) => to.push_str(GONE),
        },
        Some(b'"') => match serde_json::from_str::<String>(json) {
            // Written as it was unless something is masked: an escape may be a matter of taste.
            Ok(plain) => {
                let masked = text(&plain);
                to.push_str(&if masked == plain { json.to_owned() } else { quoted(&masked) });
            }
            Err(_) => to.push_str(GONE),
        },
        Some(b'-' | b'0'..=b'9') if may_be_card(json) && !is_time(name, json) => to.push_str(&quoted(&text(json))),
        _ => to.push_str(json),
    }
}

fn put_object(members: &Members<'_>, level: usize, to: &mut String) {
    // `{"name": "cvv", "value": "123"}` names the field, too.
    let told = |(name, raw): &(String, &RawValue)| {
        name.eq_ignore_ascii_case("name")
            && serde_json::from_str(raw.get()).is_ok_and(|told: String| names_card_secret(&told))
    };
    let told = members.0.iter().any(told);
    to.push('{');
    for (index, (name, raw)) in members.0.iter().enumerate() {
        if index > 0 {
            to.push(',');
        }
        to.push_str(&quoted(&text(name)));
        to.push(':');
        if told && name.eq_ignore_ascii_case("value") {
            to.push_str(GONE);
        } else {
            put(raw.get(), name, level + 1, to);
        }
    }
    to.push('}');
}

fn put_list(items: &[&RawValue], name: &str, level: usize, to: &mut String) {
    to.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            to.push(',');
        }
        put(item.get(), name, level + 1, to);
    }
    to.push(']');
}

/// A number whose whole part is as long as a card's. Decimals say nothing: `0.30000000000000004` is an amount.
fn may_be_card(number: &str) -> bool {
    let whole = number.find('.').filter(|_| !number.contains(['e', 'E'])).map_or(number, |point| &number[..point]);
    whole.bytes().filter(u8::is_ascii_digit).count() >= FEWEST_DIGITS
}

/// Milliseconds or microseconds of this century in a field that is named after a time: 13 or 16 digits that begin with a
/// 1, as no card number of these lengths does.
fn is_time(name: &str, number: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let named = lower.ends_with("at") || ["time", "date", "stamp"].iter().any(|word| lower.contains(word));
    named && number.starts_with('1') && matches!(number.len(), 13 | 16) && number.bytes().all(|b| b.is_ascii_digit())
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

/// `1deb214d-f6a6-4546-86fe-55e80593dbb0`: what no card number is.
pub fn is_uuid(text: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    let mut parts = text.split('-');
    let hex = |part: &str, length| part.len() == length && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    lengths.into_iter().all(|length| parts.next().is_some_and(|part| hex(part, length)))
        && parts.next().is_none()
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// An object's members as they stand, repeated names too.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Members<'de>, M::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry::<String, &'de RawValue>()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Each)
    }
}
