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
    rows: Vec<Vec<Cell>>,
}

impl Rows {
    pub fn new(columns: &[&'static str]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// # Panics
    /// When the row has another number of cells than there are columns: a bug of the caller.
    pub fn push(&mut self, row: Vec<Cell>) {
        assert_eq!(row.len(), self.columns.len(), "a row has one cell for each of the columns {:?}", self.columns);
        self.rows.push(row);
    }

    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
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
        self.rows.iter().map(|cells| Record { columns: &self.columns, cells })
    }

    fn json(&self) -> String {
        if self.rows.is_empty() {
            return "[]\n".to_owned();
        }
        let lines: Vec<_> = self.records().map(|record| format!("  {}", json_text(&record))).collect();
        format!("[\n{}\n]\n", lines.join(",\n"))
    }

    fn csv(&self) -> String {
        let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
        let header = writer.write_record(&self.columns);
        let body = self
            .rows
            .iter()
            .try_for_each(|row| writer.write_record(row.iter().map(|cell| csv_cell(cell).into_owned())));
        header.and(body).expect("a vector takes every byte, and all rows are equally long");
        let bytes = writer.into_inner().expect("a vector needs no flushing");
        String::from_utf8(bytes).expect("text stays text")
    }

    fn table(&self, width: Option<u16>) -> String {
        let mut table = Table::new();
        match width {
            Some(width) => {
                table.load_preset(presets::UTF8_HORIZONTAL_ONLY).set_width(width);
                table.set_content_arrangement(ContentArrangement::Dynamic);
            }
            None => {
                table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
            }
        }
        let aligned = |text: String, right: bool| {
            comfy_table::Cell::new(text).set_alignment(if right { CellAlignment::Right } else { CellAlignment::Left })
        };
        table.set_header(self.columns.iter().enumerate().map(|(index, column)| {
            let numbers = self.rows.iter().map(|row| &row[index]).find(|cell| **cell != Cell::Empty);
            aligned((*column).to_owned(), numbers.is_some_and(Cell::is_number))
        }));
        for row in &self.rows {
            table.add_row(row.iter().map(|cell| aligned(cell.shown(), cell.is_number())));
        }
        // The borderless table still begins each line with a space.
        let margin = if width.is_some() { "" } else { " " };
        table.lines().fold(String::new(), |mut text, line| {
            text.push_str(line.strip_prefix(margin).unwrap_or(&line).trim_end());
            text.push('\n');
            text
        })
    }
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

fn visible(text: &str) -> String {
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
