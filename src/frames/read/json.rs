//! A JSON document: the array of rows, element by element, and the document's own totals.

use serde::de::IgnoredAny;

use super::document::{ScanError, Scanner};
use super::objects::Objects;
use super::open::{self, Stream};
use super::paths::{self, PathTree};
use super::row::{RowBuffer, RowView};
use super::{Outcome, Reading, RowSink};
use crate::frames::error::InputError;
use crate::job::ControlPaths;

/// Most keys named when the rows are not where they are looked for.
const SHOWN_KEYS: usize = 20;

pub(super) fn read(
    reading: Reading<'_>,
    stream: Stream,
    rows: &str,
    control: Option<&ControlPaths>,
    sink: &mut impl RowSink,
) -> Result<Outcome, InputError> {
    let names = &reading.sources.names;
    let wanted = names.iter().enumerate().map(|(slot, path)| (slot, path.as_str()));
    let mut document = Document {
        scanner: Scanner::new(stream, reading.input.limits.max_row_bytes),
        row: ObjectRows::new(PathTree::new(wanted, reading.input.known_columns.as_deref()), names.len()),
        rows_path: rows,
        control_rows: control.and_then(|control| control.rows.as_deref()),
        control_amount: control.and_then(|control| control.amount.as_deref()),
        rows_found: false,
        keys: Vec::new(),
        outcome: Outcome { seen: vec![false; names.len()], ..Outcome::default() },
        sink,
    };
    document.read().map_err(|error| told(reading, error))?;
    document.finish(reading)
}

fn told(reading: Reading<'_>, error: ScanError) -> InputError {
    match error {
        ScanError::Io(error) => open::input_error(reading.raw, error),
        ScanError::Halted(halted) => reading.given_up(halted),
        ScanError::Syntax { line, reason } => InputError::Json { file: reading.raw.name.clone(), line, reason },
    }
}

struct Document<'a, 's, S> {
    scanner: Scanner,
    row: ObjectRows,
    rows_path: &'a str,
    control_rows: Option<&'a str>,
    control_amount: Option<&'a str>,
    rows_found: bool,
    /// Paths met on the way, for the message when the rows are not there.
    keys: Vec<String>,
    outcome: Outcome,
    sink: &'s mut S,
}

impl<S: RowSink> Document<'_, '_, S> {
    fn read(&mut self) -> Result<(), ScanError> {
        if self.rows_path.is_empty() {
            self.rows()?;
        } else {
            self.object("")?;
        }
        match self.scanner.peek()? {
            Some(_) => Err(self.scanner.syntax("something follows the end of the document")),
            None => Ok(()),
        }
    }

    fn finish(self, reading: Reading<'_>) -> Result<Outcome, InputError> {
        let file = reading.raw.name.clone();
        let place = reading.place;
        if !self.rows_found {
            return Err(InputError::NoRowsPath { file, place, path: self.rows_path.to_owned(), present: self.keys });
        }
        let stated =
            [(self.control_rows, &self.outcome.stated_rows), (self.control_amount, &self.outcome.stated_amount)];
        for (path, value) in stated {
            if let (Some(path), None) = (path, value) {
                let reason = "it is not there".to_owned();
                return Err(InputError::Control { file, place, path: path.to_owned(), reason });
            }
        }
        Ok(self.outcome)
    }

    /// An object on the way to the rows or to a total.
    fn object(&mut self, prefix: &str) -> Result<(), ScanError> {
        self.scanner.take(b"{")?;
        if self.scanner.peek()? == Some(b'}') {
            self.scanner.take(b"}")?;
            return Ok(());
        }
        loop {
            let key = self.key()?;
            let path = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
            if self.keys.len() < SHOWN_KEYS {
                self.keys.push(path.chars().take(60).collect());
            }
            self.scanner.take(b":")?;
            self.member(&path)?;
            if self.scanner.take(b",}")? == b'}' {
                return Ok(());
            }
        }
    }

    fn key(&mut self) -> Result<String, ScanError> {
        if self.scanner.peek()? != Some(b'"') {
            self.scanner.take(b"\"")?;
        }
        if !self.scanner.read_value()? {
            return Err(self.scanner.syntax("a key is longer than a row may be"));
        }
        serde_json::from_slice(self.scanner.value()).map_err(|error| self.scanner.syntax(paths::told(&error)))
    }

    fn member(&mut self, path: &str) -> Result<(), ScanError> {
        if path == self.rows_path {
            if self.rows_found {
                return Err(self.scanner.syntax(format!("`{path}` stands twice")));
            }
            return self.rows();
        }
        let targets = [Some(self.rows_path), self.control_rows, self.control_amount];
        let leads_on = targets
            .into_iter()
            .flatten()
            .any(|target| target.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')));
        if leads_on && self.scanner.peek()? == Some(b'{') {
            return self.object(path);
        }
        // What is too long to be held is at least followed to its end.
        if !self.scanner.read_value()? {
            return Ok(());
        }
        let value = self.scanner.value();
        serde_json::from_slice::<IgnoredAny>(value).map_err(|error| self.scanner.syntax(paths::told(&error)))?;
        let text = || String::from_utf8_lossy(value).trim_matches('"').to_owned();
        if Some(path) == self.control_rows {
            self.outcome.stated_rows = Some(text());
        }
        if Some(path) == self.control_amount {
            self.outcome.stated_amount = Some(text());
        }
        Ok(())
    }

    fn rows(&mut self) -> Result<(), ScanError> {
        self.rows_found = true;
        self.scanner.take(b"[")?;
        if self.scanner.peek()? == Some(b']') {
            self.scanner.take(b"]")?;
            return Ok(());
        }
        loop {
            let fits = self.scanner.read_value()?;
            self.outcome.rows += 1;
            let place = self.outcome.rows;
            let Self { scanner, row, outcome, sink, .. } = self;
            match row_of(scanner.value(), fits, row, outcome) {
                Ok(json) => sink.row(row.view(json, place))?,
                Err(reason) => sink.unreadable(place, scanner.value(), reason)?,
            }
            if self.scanner.take(b",]")? == b']' {
                return Ok(());
            }
        }
    }
}

/// Takes an element of the array as a row; its text.
///
/// # Errors
/// A lowercase fragment: why it is none.
fn row_of<'j>(json: &'j [u8], fits: bool, row: &mut ObjectRows, outcome: &mut Outcome) -> Result<&'j str, String> {
    if !fits {
        return Err("is longer than a row may be (`max_row_bytes` in `limits`)".to_owned());
    }
    let json = std::str::from_utf8(json).map_err(|error| super::csv::not_utf8(error.valid_up_to()))?;
    row.take(json, outcome).map(|()| json)
}

/// Reads JSON objects as rows; its buffers are used again.
#[derive(Debug)]
pub(super) struct ObjectRows {
    tree: PathTree,
    objects: Objects,
    row: RowBuffer,
    /// Whether the last row is plain: its values stand in its text.
    is_plain: bool,
}

impl ObjectRows {
    pub(super) fn new(tree: PathTree, slots: usize) -> Self {
        let objects = tree.objects();
        Self { tree, objects, row: RowBuffer::new(slots), is_plain: false }
    }

    /// Takes one object as a row.
    ///
    /// # Errors
    /// A lowercase fragment: why it is none.
    pub(super) fn take(&mut self, json: &str, outcome: &mut Outcome) -> Result<(), String> {
        let Self { tree, objects, row, is_plain } = self;
        row.clear();
        *is_plain = objects.take(json, &mut row.found());
        if !*is_plain {
            let taken = tree.take(json, row, &mut outcome.drift);
            taken.map_err(|reason| format!("is not a readable JSON object: {reason}"))?;
        }
        for (ever, now) in outcome.seen.iter_mut().zip(row.seen()) {
            *ever |= now;
        }
        Ok(())
    }

    /// The row that was taken last, from this text.
    pub(super) fn view<'r>(&'r self, json: &'r str, line: u64) -> RowView<'r> {
        if self.is_plain { self.row.view_of(json, line) } else { self.row.view(line) }
    }

    /// Adds a value that does not stand in the text to the row that was taken last from it.
    pub(super) fn add(&mut self, json: &str, slot: usize, value: &str) {
        if std::mem::replace(&mut self.is_plain, false) {
            self.row.copy_found(json);
        }
        self.row.set(slot, value);
    }
}
