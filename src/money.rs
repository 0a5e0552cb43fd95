//! Money as people read it: exact decimals of minor units.

/// Decimals of an ISO 4217 currency; none for a code that is not in the list.
pub fn exponent(code: &str) -> Option<u8> {
    match code {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "VND" | "VUV"
        | "XAF" | "XOF" | "XPF" => Some(0),
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => Some(3),
        "AUD" | "CAD" | "CHF" | "EUR" | "GBP" | "USD" => Some(2),
        _ => None,
    }
}

/// Minor units as a decimal with `exponent` decimals.
pub fn format_minor(minor: i128, exponent: u8) -> String {
    if exponent == 0 {
        return minor.to_string();
    }
    let sign = if minor < 0 { "-" } else { "" };
    let unit = 10_u128.pow(u32::from(exponent));
    let (whole, rest) = (minor.unsigned_abs() / unit, minor.unsigned_abs() % unit);
    format!("{sign}{whole}.{rest:0width$}", width = usize::from(exponent))
}
