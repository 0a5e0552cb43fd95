//! What a provider answers when it is asked, row by row: one raw file of it.

use std::io;

use serde_json::value::RawValue;

use crate::period::Period;
use crate::sources::store::RawWriter;

/// One of the things that a provider can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    /// `dataset:` of a job's input.
    pub name: String,
    /// The provider lists nothing: it answers by ids, which `ids:` of the input brings.
    pub by_id: bool,
}

impl Dataset {
    pub fn listed(name: impl Into<String>) -> Self {
        Self { name: name.into(), by_id: false }
    }

    pub fn by_id(name: impl Into<String>) -> Self {
        Self { name: name.into(), by_id: true }
    }
}

/// What is asked for.
#[derive(Debug)]
pub struct Ask<'a> {
    pub dataset: &'a str,
    pub period: &'a Period,
    /// Each once, in the order of the file that they come from; empty where nothing is asked by id.
    pub ids: &'a [Asked],
}

/// One id, and what its row of the file says besides.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    pub id: String,
    /// Name → text, as `ids.with` of the input names them.
    pub with: Vec<(String, String)>,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fetched {
    /// Ids that the provider does not know.
    pub not_found: u64,
}

/// Writes rows as JSONL: `{"asked":{"id":"card-1","currency":"USD"},"row":{…}}`, the row as it was received but for
/// blanks between its parts. Without an id there is no `asked`.
#[derive(Debug)]
pub struct RowWriter {
    file: RawWriter,
    line: Vec<u8>,
    rows: u64,
}

impl RowWriter {
    pub const fn new(file: RawWriter) -> Self {
        Self { file, line: Vec::new(), rows: 0 }
    }

    /// Writes one row. Numbers stay digit by digit as they were sent.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn row(&mut self, asked: Option<&Asked>, row: &RawValue) -> io::Result<()> {
        self.line.clear();
        self.line.push(b'{');
        if let Some(asked) = asked {
            self.line.extend_from_slice(b"\"asked\":{\"id\":");
            serde_json::to_writer(&mut self.line, &asked.id)?;
            for (name, text) in &asked.with {
                self.line.push(b',');
                serde_json::to_writer(&mut self.line, name)?;
                self.line.push(b':');
                serde_json::to_writer(&mut self.line, text)?;
            }
            self.line.extend_from_slice(b"},");
        }
        self.line.extend_from_slice(b"\"row\":");
        without_blanks(row.get().as_bytes(), &mut self.line);
        self.line.extend_from_slice(b"}\n");
        self.rows += 1;
        self.file.write(&self.line)
    }

    /// Rows written so far.
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// The file behind the rows.
    pub fn into_file(self) -> RawWriter {
        self.file
    }
}

/// JSON without the blanks and line ends between its parts; texts are left alone.
fn without_blanks(json: &[u8], to: &mut Vec<u8>) {
    let (mut quoted, mut escaped) = (false, false);
    for byte in json {
        if quoted || !byte.is_ascii_whitespace() {
            to.push(*byte);
        }
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ => {}
        }
    }
}
