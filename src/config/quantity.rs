//! Durations and sizes as people write them: `90s`, `12h`, `2d`, `500ms`; `1MiB`, `64GiB`, `5GB`, `1000`.

use std::time::Duration;

/// No duration of a configuration is longer: 10 years.
const MAX_SECONDS: u64 = 3_650 * 86_400;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    #[error("`{0}` is not a duration; expected a whole number and a unit, such as 90s, 30m, 6h or 2d")]
    Duration(String),
    #[error("`{0}` is too long; expected at most 3650d")]
    TooLong(String),
    #[error("`{0}` is not a size; expected a whole number of bytes, or one with kB, MB, GB, KiB, MiB or GiB")]
    Size(String),
    #[error("`{0}` is too big for a size in bytes")]
    TooBig(String),
}

/// Reads a duration of one number and one unit of `ms`, `s`, `m`, `h`, `d`.
///
/// # Errors
/// When it is anything else, or longer than 3650 days.
pub fn duration(text: &str) -> Result<Duration, QuantityError> {
    let wrong = || QuantityError::Duration(text.to_owned());
    let (number, unit) = split(text).ok_or_else(wrong)?;
    let millis_per_unit = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(wrong()),
    };
    let too_long = || QuantityError::TooLong(text.to_owned());
    let millis = number.checked_mul(millis_per_unit).ok_or_else(too_long)?;
    if millis > MAX_SECONDS * 1_000 {
        return Err(too_long());
    }
    Ok(Duration::from_millis(millis))
}

/// Reads a size in bytes.
///
/// # Errors
/// When it is not a whole number with one of the units, or does not fit.
pub fn bytes(text: &str) -> Result<u64, QuantityError> {
    let wrong = || QuantityError::Size(text.to_owned());
    let (number, unit) = split(text).ok_or_else(wrong)?;
    let bytes_per_unit: u64 = match unit {
        "" | "B" => 1,
        "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return Err(wrong()),
    };
    number.checked_mul(bytes_per_unit).ok_or_else(|| QuantityError::TooBig(text.to_owned()))
}

fn split(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, text[end..].trim_start()))
}
