//! What the first bytes of a file tell before a cluster looks at it. What is not plain is read here.

use std::fs::File;
use std::io::Read;

use super::plan::Unfit;
use crate::job::{Format, Input};
use crate::sources::RawFile;

/// So much is looked at.
const HEAD_BYTES: usize = 64 << 10;
const BYTE_ORDER_MARK: &[u8] = &[0xef, 0xbb, 0xbf];
/// Separators whose meaning in a pattern nobody has to guess.
const SEPARATORS: &[u8] = b",;|:\t";

/// How a file of text is laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    /// The columns in their order; empty for lines of JSON.
    pub(super) names: Vec<String>,
    /// Lines end with a carriage return, too.
    pub(super) returns: bool,
}

/// Looks at the beginning of a stored file.
///
/// # Errors
/// Why a cluster cannot read it as it is read here.
pub(super) fn of(input: &Input, raw: &RawFile) -> Result<Head, Unfit> {
    let bytes = first_bytes(raw).map_err(|error| Unfit::file(raw, format!("cannot be opened: {error}")))?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return Err(Unfit::file(raw, "is compressed, which a cluster tells by the ending of a name"));
    }
    match &input.format {
        Format::Csv { delimiter, quote, header } => csv(raw, &bytes, (*delimiter, *quote), *header),
        Format::Jsonl if bytes.starts_with(BYTE_ORDER_MARK) => Err(Unfit::file(raw, "begins with a byte-order mark")),
        Format::Jsonl => {
            Ok(Head { names: Vec::new(), returns: first_line(&bytes).is_some_and(|line| line.ends_with(b"\r")) })
        }
        other => Err(Unfit::file(raw, format!("is of a format that is read here alone: {}", words(other)))),
    }
}

const fn words(format: &Format) -> &'static str {
    match format {
        Format::Csv { .. } => "CSV",
        Format::Json { .. } => "a JSON document",
        Format::Jsonl => "lines of JSON",
        Format::WebhookLog => "a log of notifications",
        Format::Parquet => "Parquet",
    }
}

fn first_bytes(raw: &RawFile) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(&raw.stored)?.take(HEAD_BYTES as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn first_line(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    match end {
        Some(end) => Some(&bytes[..end]),
        None if bytes.len() < HEAD_BYTES => Some(bytes),
        None => None,
    }
}

fn csv(raw: &RawFile, bytes: &[u8], (delimiter, quote): (u8, u8), header: bool) -> Result<Head, Unfit> {
    let unfit = |why: &str| Unfit::file(raw, why);
    if !SEPARATORS.contains(&delimiter) {
        return Err(unfit("separates its values by a character that means more in patterns"));
    }
    if bytes.contains(&quote) {
        return Err(unfit("holds quotes"));
    }
    let bytes = match bytes.strip_prefix(BYTE_ORDER_MARK) {
        Some(_) if !header => return Err(unfit("begins with a byte-order mark and has no header")),
        Some(rest) => rest,
        None => bytes,
    };
    let line = first_line(bytes).ok_or_else(|| unfit("has a first line that is longer than anybody writes"))?;
    let (line, returns) = line.strip_suffix(b"\r").map_or((line, false), |line| (line, true));
    if line.is_empty() || line.contains(&b'\r') || line.contains(&0) {
        return Err(unfit("begins with an empty or odd line"));
    }
    let line = std::str::from_utf8(line).map_err(|_| unfit("begins with a line that is not UTF-8"))?;
    let cells = line.split(char::from(delimiter));
    let names: Vec<String> = if header {
        cells.map(|name| name.trim().to_owned()).collect()
    } else {
        (1..=cells.count()).map(|place| place.to_string()).collect()
    };
    let twice = names.iter().enumerate().any(|(at, name)| !name.is_empty() && names[..at].contains(name));
    if twice { Err(unfit("names a column twice")) } else { Ok(Head { names, returns }) }
}
