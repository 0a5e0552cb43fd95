//! Results on stdout: named columns and typed cells, in the form that was asked for.

use std::borrow::Cow;
use std::io::{IsTerminal, Write};

use chrono::{DateTime, SecondsFormat, Utc};
use clap::ValueEnum;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::logging::{Color, has_color};
use crate::money;
use crate::text::{self, is_hidden};

/// The form of what a command prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    // Comments, not documentation: clap would spread it over every command's help.
    // For people.
    #[default]
    Table,
    // One JSON document.
    Json,
    // One JSON object a line.
    Jsonl,
    // With a header.
    Csv,
}

/// One value of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    Text(String),
    Integer(i128),
    /// Minor units and their currency: shown as an exact decimal; in JSON as text, since most readers of JSON
    /// would make a binary fraction of it.
    Amount {
        minor: i128,
        currency: String,
    },
    Flag(bool),
    Time(DateTime<Utc>),
    Empty,
}

impl Cell {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub fn integer(value: impl Into<i128>) -> Self {
        Self::Integer(value.into())
    }

    pub fn amount(minor: impl Into<i128>, currency: &str) -> Self {
        Self::Amount { minor: minor.into(), currency: currency.to_owned() }
    }

    /// The cell, or an empty one.
    pub fn or_empty(cell: Option<Self>) -> Self {
        cell.unwrap_or(Self::Empty)
    }

    /// As a person reads it. Control characters are shown, never sent to a terminal.
    fn shown(&self) -> String {
        match self {
            Self::Text(text) => visible(text),
            Self::Flag(flag) => if *flag { "yes" } else { "no" }.to_owned(),
            // Nobody reads fractions of a second; the other forms have them.
            Self::Time(time) => time.to_rfc3339_opts(SecondsFormat::Secs, true),
            _ => self.plain(),
        }
    }

    /// As a program reads it.
    fn plain(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Integer(value) => value.to_string(),
            Self::Amount { minor, currency } => {
                // Two decimals for a code that nobody knows: the usual number of them.
                money::format_minor(*minor, money::exponent(currency).unwrap_or(2))
            }
            Self::Flag(flag) => flag.to_string(),
            Self::Time(time) => time.to_rfc3339_opts(SecondsFormat::AutoSi, true),
            Self::Empty => String::new(),
        }
    }

    const fn is_number(&self) -> bool {
        matches!(self, Self::Integer(_) | Self::Amount { .. })
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Integer(value) => serializer.serialize_i128(*value),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Empty => serializer.serialize_none(),
            Self::Text(_) | Self::Amount { .. } | Self::Time(_) => serializer.serialize_str(&self.plain()),
        }
    }
}

/// Rows under named columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    columns: Vec<&'static str>,
    cells: Vec<Vec<Cell>>,
    /// Columns that a narrow terminal does without, the first to go first.
    spare: Vec<&'static str>,
    /// Nothing is cut: a terminal breaks the line where it ends.
    whole: bool,
}

impl Rows {
    pub fn new(columns: &[&'static str]) -> Self {
        Self { columns: columns.to_vec(), cells: Vec::new(), spare: Vec::new(), whole: false }
    }

    /// Names the columns that go, the first one first, where a terminal is too narrow for all.
    /// Every other form keeps them.
    #[must_use]
    pub fn spare(mut self, columns: &[&'static str]) -> Self {
        self.spare = columns.to_vec();
        self
    }

    /// Keeps every value whole on a terminal too: people copy digests and read messages to their end.
    #[must_use]
    pub const fn whole(mut self) -> Self {
        self.whole = true;
        self
    }

    /// # Panics
    /// When the row has another number of cells than there are columns: a bug of the caller.
    pub fn push(&mut self, row: Vec<Cell>) {
        assert_eq!(row.len(), self.columns.len(), "a row has one cell for each of the columns {:?}", self.columns);
        self.cells.push(row);
    }

    pub const fn len(&self) -> usize {
        self.cells.len()
    }

    pub const fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// The rows as text, ending in a newline. `width` is the terminal's; none: nobody looks, so nothing is wrapped.
    pub fn render(&self, format: Format, width: Option<u16>) -> String {
        match format {
            Format::Table => self.table(width),
            Format::Json => self.json(),
            Format::Jsonl => self.records().map(|record| json_text(&record) + "\n").collect(),
            Format::Csv => self.csv(),
        }
    }

    fn records(&self) -> impl Iterator<Item = Record<'_>> {
        self.cells.iter().map(|cells| Record { columns: &self.columns, cells })
    }

    fn json(&self) -> String {
        if self.cells.is_empty() {
            return "[]\n".to_owned();
        }
        let lines: Vec<_> = self.records().map(|record| format!("  {}", json_text(&record))).collect();
        format!("[\n{}\n]\n", lines.join(",\n"))
    }

    fn csv(&self) -> String {
        let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
        let header = writer.write_record(&self.columns);
        let body = self
            .cells
            .iter()
            .try_for_each(|row| writer.write_record(row.iter().map(|cell| csv_cell(cell).into_owned())));
        header.and(body).expect("a vector takes every byte, and all rows are equally long");
        let bytes = writer.into_inner().expect("a vector needs no flushing");
        String::from_utf8(bytes).expect("text stays text")
    }

    fn table(&self, width: Option<u16>) -> String {
        let (shown, left_out) = match width {
            Some(width) => self.fitted(usize::from(width)),
            None => ((0..self.columns.len()).map(|index| (index, usize::MAX)).collect(), Vec::new()),
        };
        let mut table = Table::new();
        table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        let aligned = |text: &str, right: bool, most: usize| {
            let alignment = if right { CellAlignment::Right } else { CellAlignment::Left };
            comfy_table::Cell::new(cut(text, most)).set_alignment(alignment)
        };
        table.set_header(
            shown.iter().map(|(index, most)| aligned(self.columns[*index], self.is_numeric(*index), *most)),
        );
        for row in &self.cells {
            let cells = shown.iter().map(|(index, most)| {
                let cell = &row[*index];
                aligned(&cell.shown(), cell.is_number() && self.is_numeric(*index), *most)
            });
            table.add_row(cells);
        }
        // The borderless table still begins each line with a space.
        let mut text = table.lines().fold(String::new(), |mut text, line| {
            text.push_str(line.strip_prefix(' ').unwrap_or(&line).trim_end());
            text.push('\n');
            text
        });
        if let Some(width) = width.filter(|_| !left_out.is_empty()) {
            let note = format!("(--format csv has more columns: {})", left_out.join(", "));
            text.push_str(&cut(&note, usize::from(width)));
            text.push('\n');
        }
        text
    }

    /// Whether a column holds numbers and nothing else.
    fn is_numeric(&self, index: usize) -> bool {
        let mut stated = self.cells.iter().map(|row| &row[index]).filter(|cell| **cell != Cell::Empty).peekable();
        stated.peek().is_some() && stated.all(Cell::is_number)
    }

    /// The columns that fit into a terminal, each with the most characters it may take, and the
    /// names of those left out. Columns that nothing stands in are left out without a word.
    fn fitted(&self, width: usize) -> (Vec<(usize, usize)>, Vec<&'static str>) {
        let natural = |index: usize| {
            let cells = self.cells.iter().map(|row| row[index].shown().chars().count());
            cells.chain([self.columns[index].chars().count()]).max().unwrap_or(0)
        };
        let filled = |index: &usize| self.cells.is_empty() || self.cells.iter().any(|row| row[*index] != Cell::Empty);
        let mut shown: Vec<(usize, usize)> =
            (0..self.columns.len()).filter(filled).map(|index| (index, natural(index))).collect();
        let taken = |shown: &[(usize, usize)]| shown.iter().map(|(_, most)| most + GAP).sum::<usize>();
        let width = width.saturating_add(GAP);
        let mut left_out = Vec::new();
        for name in &self.spare {
            let place = shown.iter().position(|(index, _)| self.columns[*index] == *name);
            if let Some(place) = place.filter(|_| taken(&shown) > width) {
                shown.remove(place);
                left_out.push(*name);
            }
        }
        // What is still too wide is cut where it is widest. The first column names the row: people copy it.
        while !self.whole && taken(&shown) > width {
            let excess = taken(&shown) - width;
            let widest = shown.iter_mut().skip(1).max_by_key(|(_, most)| *most);
            match widest {
                Some((_, most)) if *most > LEAST_WIDTH => *most = most.saturating_sub(excess).max(LEAST_WIDTH),
                _ => break,
            }
        }
        (shown, left_out)
    }
}

/// Between two columns.
const GAP: usize = 2;
/// No column is cut to fewer characters than this.
const LEAST_WIDTH: usize = 8;

/// At most `most` characters; what is cut off is told by `…`.
fn cut(text: &str, most: usize) -> String {
    if text.chars().nth(most).is_none() {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// One row with its columns' names, in their order.
struct Record<'a> {
    columns: &'a [&'static str],
    cells: &'a [Cell],
}

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.cells.len()))?;
        for (column, cell) in self.columns.iter().zip(self.cells) {
            map.serialize_entry(column, cell)?;
        }
        map.end()
    }
}

fn json_text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("cells are plain values with text keys")
}

/// Text never becomes a formula; numbers keep their minus.
fn csv_cell(cell: &Cell) -> Cow<'_, str> {
    match cell {
        Cell::Text(found) => text::csv_cell(found),
        other => Cow::Owned(other.plain()),
    }
}

/// The text with its control characters spelled out, never sent to a terminal.
pub(crate) fn visible(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, character| {
        if is_hidden(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
        shown
    })
}

/// Where results go.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    pub format: Format,
    /// Columns of the terminal; none when stdout is none.
    pub width: Option<u16>,
    /// Escape sequences on stdout.
    pub color: bool,
}

impl Output {
    pub fn new(format: Format, color: Color) -> Self {
        let terminal = std::io::stdout().is_terminal();
        let width = terminal.then(|| Table::new().width().unwrap_or(100));
        Self { format, width, color: has_color(color, terminal) }
    }

    /// # Errors
    /// When stdout cannot be written; a reader that has gone away is none.
    pub fn rows(&self, rows: &Rows) -> std::io::Result<()> {
        self.text(&rows.render(self.format, self.width))
    }

    /// Text or a document that has only one form.
    ///
    /// # Errors
    /// When stdout cannot be written; a reader that has gone away is none.
    pub fn text(&self, text: &str) -> std::io::Result<()> {
        self.bytes(text.as_bytes())
    }

    /// # Errors
    /// When stdout cannot be written; a reader that has gone away is none.
    pub fn bytes(&self, bytes: &[u8]) -> std::io::Result<()> {
        let mut stdout = std::io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            // `tieout breaks JOB | head` has all it wants.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            outcome => outcome,
        }
    }
}
