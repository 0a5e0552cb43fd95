//! Addresses of pages: every part of one that is text of others is encoded.

use std::fmt::Write as _;

/// The page of a run, by its id: `/runs/JOB/PERIOD/ATTEMPT`; of a period likewise, by `JOB/PERIOD`.
pub fn run(id: &str) -> String {
    id.split('/').fold("/runs".to_owned(), |mut address, part| {
        address.push('/');
        address.push_str(&segment(part));
        address
    })
}

/// One part of an address.
pub fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("a text takes every character");
        }
    }
    // `.` and `..` would be taken for steps.
    if encoded.bytes().all(|byte| byte == b'.') { encoded.replace('.', "%2E") } else { encoded }
}
