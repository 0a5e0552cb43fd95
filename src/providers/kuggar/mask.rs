//! Names under which card data goes in Kuggar's replies; what is masked in texts is what is masked everywhere.

pub(super) use crate::providers::masked::FEWEST_DIGITS;

use crate::providers::masked::{is_card_number as is_number_of_a_card, names_card_secret, text};

/// A text with every number as long as a card's masked; an id of Kuggar's shape is none.
pub(super) fn without_numbers(told: &str) -> String {
    if is_id(told) { told.to_owned() } else { text(told) }
}

/// Whether a text is nothing but a number as long as a card's; an id of Kuggar's shape is none.
pub(super) fn is_card_number(text: &str) -> bool {
    !is_id(text) && is_number_of_a_card(text)
}

/// `1deb214d-f6a6-4546-86fe-55e80593dbb0`, also where it has no letter.
fn is_id(text: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    let parts: Vec<&str> = text.split('-').collect();
    let is_hex = |part: &&str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    parts.iter().map(|part| part.len()).eq(lengths) && parts.iter().all(is_hex)
}

/// Whether a field of this name holds what nobody but the card's holder may keep, however the name is spelt.
pub(super) fn names_card_data(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_lowercase()).collect();
    names_card_secret(name)
        || names_card_secret(&plain)
        || plain.contains("cardnumber")
        || matches!(plain.as_str(), "pan" | "track")
}
