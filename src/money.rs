//! (placeholder until the real one is merged)

pub fn exponent(_code: &str) -> Option<u8> {
    Some(2)
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
