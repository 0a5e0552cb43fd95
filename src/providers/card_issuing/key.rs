//! The 32 bytes that an envelope is sealed with, as people write them down.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use secrecy::zeroize::Zeroizing;

/// As many as `crypto_secretbox` wants.
pub const KEY_BYTES: usize = 32;
const HEX_DIGITS: usize = 2 * KEY_BYTES;

/// Base64 with the usual 64 characters; the `=` at the end may be left out.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A text that is no key. Never says what it is, only what it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error(
        "encryption_key is neither 64 hex digits nor base64; expected 32 bytes written in one of the two ways, as the \
         provider handed them out"
    )]
    Neither,
    #[error(
        "encryption_key has {HEX_DIGITS} characters, as 32 bytes in hex digits have, and not all of them are hex digits"
    )]
    NotHex,
    #[error(
        "encryption_key is base64 of {bytes} bytes; expected {KEY_BYTES}, which are 44 characters of base64, or \
         {HEX_DIGITS} hex digits"
    )]
    Length { bytes: usize },
}

/// Reads a key: 64 hex digits, or base64 of 32 bytes. No text is both, since 64 characters of base64 are 48 bytes.
/// Blanks around it do not count.
///
/// # Errors
/// When it is neither. The text is not repeated.
pub fn parse(text: &str) -> Result<Zeroizing<[u8; KEY_BYTES]>, KeyError> {
    let text = text.trim();
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    if text.len() == HEX_DIGITS && text.is_ascii() {
        for (byte, pair) in key.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = hex_digit(pair[0])
                .zip(hex_digit(pair[1]))
                .map(|(high, low)| high << 4 | low)
                .ok_or(KeyError::NotHex)?;
        }
        return Ok(key);
    }
    let bytes = Zeroizing::new(BASE64.decode(text).map_err(|_| KeyError::Neither)?);
    if bytes.len() != KEY_BYTES {
        return Err(KeyError::Length { bytes: bytes.len() });
    }
    key.copy_from_slice(&bytes);
    Ok(key)
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}
