//! The digest of a whole report: what a signature under it is about.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::digest::sha256;

/// The text that `sha256sum` prints over the files in the order of their names, byte by byte: a line a file.
pub fn sums(files: &BTreeMap<String, String>) -> String {
    files.iter().fold(String::new(), |mut text, (name, digest)| {
        // So does `sha256sum`; no name of ours is such.
        let escaped = name.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r");
        let mark = if escaped == *name { "" } else { "\\" };
        let _ = writeln!(text, "{mark}{digest}  {escaped}");
        text
    })
}

/// SHA-256 of [`sums`]: `LC_ALL=C; sha256sum * | sha256sum` in the report's folder says the same.
pub fn report_digest(files: &BTreeMap<String, String>) -> String {
    sha256(sums(files).as_bytes())
}
