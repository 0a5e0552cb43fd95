//! Small builders for the tests of reading: an input of a job, a raw file on disk, a frame as text.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, like the tests")]

use std::collections::BTreeMap;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use secrecy::SecretString;
use tempfile::TempDir;
use tieout::frames::rows::Cell;
use tieout::frames::{Field, Frame, InputError, Side, load};
use tieout::job::{
    Column, ColumnSource, Format, Input, Mapping, OnMissing, ReadLimits, Sign, Source, TimeFormat, Unit,
};
use tieout::matching::side::Columns;
use tieout::sources::store::RawStore;
use tieout::sources::{Origin, RawFile};

pub const CSV: Format = Format::Csv { delimiter: b',', quote: b'"', header: true };

pub fn json(rows: &str) -> Format {
    Format::Json { rows: rows.to_owned(), control: None }
}

/// A ledger with the columns `id`, `amount` (major), `currency`, `at`.
pub fn ledger(format: Format) -> Input {
    let mapping = Mapping {
        fields: BTreeMap::new(),
        sign: Sign::Signed,
        statuses: BTreeMap::new(),
        only: BTreeMap::new(),
        revisions: None,
    };
    let mut input = Input {
        side: Side::Ledger,
        source: Source::Path { pattern: "unused".to_owned() },
        format,
        mapping,
        key: Field::TransactionId,
        quarantine_limit: 0,
        allow_empty: false,
        on_missing: OnMissing::Wait,
        due: None,
        wait_until: None,
        verify: None,
        rejected: None,
        known_columns: None,
        limits: ReadLimits::default(),
    };
    map(&mut input, Field::TransactionId, "id");
    map(&mut input, Field::Amount, "amount");
    map(&mut input, Field::Currency, "currency");
    map(&mut input, Field::OccurredAt, "at");
    input.mapping.fields.get_mut(&Field::Amount).unwrap().unit = Unit::Major;
    input
}

pub fn map(input: &mut Input, field: Field, column: &str) {
    let from = ColumnSource::Columns(column.split('|').map(str::to_owned).collect());
    input.mapping.fields.insert(field, Column { from, unit: Unit::Minor, time: TimeFormat::Iso { zone: None } });
}

pub fn constant(input: &mut Input, field: Field, text: &str) {
    let from = ColumnSource::Constant(text.to_owned());
    input.mapping.fields.insert(field, Column { from, unit: Unit::Minor, time: TimeFormat::Iso { zone: None } });
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A raw store of its own, gone with the test.
pub struct Shelf {
    _folder: TempDir,
    store: RawStore,
}

impl Shelf {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = RawStore::open(folder.path().join("raw")).unwrap();
        Self { _folder: folder, store }
    }

    pub fn file(&self, name: &str, bytes: &[u8]) -> RawFile {
        let mut writer = self.store.begin().unwrap();
        writer.write(bytes).unwrap();
        writer.finish(name.to_owned(), Origin::Path { path: name.to_owned() }).unwrap()
    }
}

/// Reads one file called `ledger.csv`.
pub fn read(input: &Input, bytes: &[u8]) -> Result<Frame, InputError> {
    read_all(input, &[("ledger.csv", bytes)], None)
}

pub fn read_all(input: &Input, files: &[(&str, &[u8])], key: Option<&str>) -> Result<Frame, InputError> {
    let shelf = Shelf::new();
    let files: Vec<RawFile> = files.iter().map(|(name, bytes)| shelf.file(name, bytes)).collect();
    #[cfg(feature = "spark")]
    crate::support::engine::twice(input, &files);
    load(input, files, key.map(SecretString::from).as_slice())
}

/// The message with its causes, as a person sees it.
pub fn message(result: Result<Frame, InputError>) -> String {
    format!("{:#}", anyhow::Error::from(result.expect_err("expected an error")))
}

/// Every row as `field=value` in the order of the canonical columns, nulls left out.
pub fn rows(frame: &Frame) -> Vec<String> {
    let columns = Columns::of(frame);
    let told = columns.numbered().map(|(_, row)| {
        let said = row.cells().map(|(field, cell)| match cell {
            Cell::Text(text) => format!("{}={text}", field.name()),
            Cell::Number(number) => format!("{}={number}", field.name()),
        });
        format!("{}/{}: {}", row.place().1, row.excluded(), said.collect::<Vec<_>>().join(" "))
    });
    told.collect()
}

/// The numbers of a field, row by row.
pub fn numbers(frame: &Frame, field: Field) -> Vec<Option<i64>> {
    Columns::of(frame).numbered().map(|(_, row)| row.number(field)).collect()
}

/// Every quarantined row as `file:line field value: reason`.
pub fn quarantine(frame: &Frame) -> Vec<String> {
    frame
        .quarantine
        .iter()
        .map(|row| {
            let field = row.field.as_deref().unwrap_or("row");
            format!("{}:{} {field} `{}`: {}", row.file_name, row.line, row.value, row.reason)
        })
        .collect()
}
