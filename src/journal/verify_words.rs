//! What a verification says of what it has found.

use serde_json::Value;

use super::GENESIS;
use crate::frames::mask;
use crate::text::visible;

/// What is wrong with the columns of a row: those that do not hold what the entries add up to.
pub(super) fn wrong_columns(names: &[&str], found: &[Vec<u8>], expected: &[String]) -> Vec<String> {
    let cells = names.iter().zip(found.iter().zip(expected));
    let wrong = cells.filter(|(_, (found, expected))| found.as_slice() != expected.as_bytes());
    wrong
        .map(|(name, (found, expected))| match *name {
            "standing" => standing_difference(found, expected),
            name => format!("`{name}` is {}; expected {}", shown(found), shown(expected.as_bytes())),
        })
        .collect()
}

/// The first field in which a standing differs.
pub(super) fn standing_difference(found: &[u8], expected: &str) -> String {
    let Ok(Value::Object(found)) = serde_json::from_slice(found) else {
        return "`standing` cannot be read".to_owned();
    };
    let Ok(Value::Object(expected)) = serde_json::from_str(expected) else {
        return "`standing` is not what the entries add up to".to_owned();
    };
    let differs = expected.iter().find(|(name, value)| found.get(*name) != Some(value));
    match differs {
        Some((name, value)) => {
            let found = found.get(name).map_or_else(|| "not there".to_owned(), Value::to_string);
            let (found, expected) = (shown(found.as_bytes()), shown(value.to_string().as_bytes()));
            format!("`standing.{name}` is {found}; expected {expected}")
        }
        None => "`standing` is written otherwise than by this program".to_owned(),
    }
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Hashes and ids whole, other values cut and masked.
pub(super) fn shown(bytes: &[u8]) -> String {
    if bytes.len() <= GENESIS.len() && bytes.iter().all(u8::is_ascii_hexdigit) {
        return text(bytes);
    }
    format!("`{}`", visible(&mask::shown_bytes(bytes)))
}
