//! Names under which card data goes in Kuggar's replies; what is masked in texts is what is masked everywhere.

pub(super) use crate::providers::masked::{FEWEST_DIGITS, is_card_number, text as without_numbers};

use crate::providers::masked::names_card_secret;

/// Whether a field of this name holds what nobody but the card's holder may keep, however the name is spelt.
pub(super) fn names_card_data(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_lowercase()).collect();
    names_card_secret(name) || plain.contains("cardnumber") || matches!(plain.as_str(), "pan" | "track")
}
