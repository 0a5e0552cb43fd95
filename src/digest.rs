//! Digests as text: how bytes are named in the store, the journal and the report.

use std::io::BufRead;
use std::path::Path;

use sha2::{Digest, Sha256};

/// SHA-256 in lower-case hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| char::from(DIGITS[usize::from(half)]);
    let mut text = String::with_capacity(bytes.len() * 2);
    text.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
    text
}

/// SHA-256 of a file's bytes, in lower-case hexadecimal.
///
/// # Errors
/// When it cannot be read.
pub fn of_file(path: &Path) -> std::io::Result<String> {
    let mut hasher = Sha256::new();
    let mut file = std::io::BufReader::with_capacity(256 << 10, std::fs::File::open(path)?);
    loop {
        let chunk = file.fill_buf()?;
        if chunk.is_empty() {
            return Ok(hex(&hasher.finalize()));
        }
        let read = chunk.len();
        hasher.update(chunk);
        file.consume(read);
    }
}
