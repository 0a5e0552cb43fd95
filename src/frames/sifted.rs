//! Rows that a cluster has left for a second look, picked out of a file by their lines.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::slice::Iter;

use super::error::InputError;
use super::read::{self, Halted, Outcome, Reading, RowSink, RowView};
use crate::job::ColumnSource;

/// What a cluster has told of one file's rows that need no second look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sure {
    pub rows: u64,
    /// Sums of the measures by currency, in the order of [`super::Measure::ALL`]; minor units.
    pub totals: BTreeMap<String, [i128; 3]>,
    /// Whether any of these rows states the measure.
    pub stated: [bool; 3],
}

/// A longer key is told by so many characters of its beginning.
pub const KEY_CHARS: usize = 1_024;

/// A row that is left.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Left {
    /// See [`super::schema::Line`].
    pub line: u64,
    /// As the cluster has read it, up to [`KEY_CHARS`]; none where it found none.
    pub key: Option<String>,
}

/// One file as a cluster has sifted it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SiftedFile {
    pub sure: Sure,
    /// In the order of the file.
    pub left: Vec<Left>,
}

/// Reads a file and hands on the rows that are left. What the reader learns is learned of all rows.
///
/// # Errors
/// As [`read::read`]; and when the file's rows are not those that the cluster has seen.
pub(super) fn read(reading: Reading<'_>, sifted: &SiftedFile, sink: &mut impl RowSink) -> Result<Outcome, InputError> {
    let names: &[String] = match &reading.input.mapping.fields[&reading.input.key].from {
        ColumnSource::Columns(names) => names,
        _ => &[],
    };
    let slot = |name| reading.sources.names.iter().position(|known| known == name);
    let mut picking = Picking {
        left: sifted.left.iter().peekable(),
        keys: names.iter().filter_map(slot).collect(),
        differs: None,
        sink,
    };
    let told = |reason: String| InputError::NotAsSifted { file: reading.raw.name.clone(), reason };
    let outcome = read::read(reading, &mut picking);
    if let Some(reason) = picking.differs {
        return Err(told(reason));
    }
    if let Some(left) = picking.left.next() {
        return Err(told(format!("line {} is past its end", left.line)));
    }
    let outcome = outcome?;
    let expected = sifted.sure.rows + sifted.left.len() as u64;
    if outcome.rows != expected {
        return Err(told(format!("it has {} rows, the cluster saw {expected}", outcome.rows)));
    }
    Ok(outcome)
}

struct Picking<'s, 'n, S> {
    left: Peekable<Iter<'s, Left>>,
    /// The slots of the key, in order of preference.
    keys: Vec<usize>,
    differs: Option<String>,
    sink: &'n mut S,
}

impl<S> Picking<'_, '_, S> {
    /// The row of this line, if it is one that is left.
    fn next(&mut self, line: u64) -> Result<Option<&Left>, Halted> {
        match self.left.peek() {
            Some(left) if left.line < line => {
                let reason = format!("there is no row in line {}", left.line);
                Err(self.halt(reason))
            }
            Some(left) if left.line == line => Ok(self.left.next()),
            _ => Ok(None),
        }
    }

    fn halt(&mut self, reason: String) -> Halted {
        self.differs.get_or_insert(reason);
        Halted
    }
}

fn beginning(key: &str) -> &str {
    key.char_indices().nth(KEY_CHARS).map_or(key, |(end, _)| &key[..end])
}

impl<S: RowSink> RowSink for Picking<'_, '_, S> {
    fn row(&mut self, row: RowView<'_>) -> Result<(), Halted> {
        let key = self.keys.iter().find_map(|slot| row.cell(*slot)).map(beginning);
        match self.next(row.line)? {
            None => Ok(()),
            Some(left) if left.key.as_deref() == key => self.sink.row(row),
            Some(_) => Err(self.halt(format!("line {} states another key", row.line))),
        }
    }

    fn unreadable(&mut self, line: u64, value: &[u8], reason: String) -> Result<(), Halted> {
        match self.next(line)? {
            Some(_) => self.sink.unreadable(line, value, reason),
            None => Err(self.halt(format!("line {line} cannot be read, and the cluster has read it"))),
        }
    }
}
