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

pub fn format_minor(minor: i128, exponent: u8) -> String {
    let scale = 10_u128.pow(u32::from(exponent));
    let whole = minor.unsigned_abs() / scale;
    let part = minor.unsigned_abs() % scale;
    let sign = if minor < 0 { "-" } else { "" };
    if exponent == 0 {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{part:0width$}", width = usize::from(exponent))
    }
}
