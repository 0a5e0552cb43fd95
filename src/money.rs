//! (to come)

/// Stand-in until the module comes.
pub fn exponent(code: &str) -> Option<u8> {
    match code {
        "USD" | "EUR" | "GBP" | "BRL" | "CAD" => Some(2),
        "JPY" | "KRW" => Some(0),
        "KWD" | "BHD" => Some(3),
        _ => None,
    }
}
