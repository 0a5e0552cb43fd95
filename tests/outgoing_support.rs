//! What the tests of building share: a small record, its source, a spool of its own.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, like the tests")]

use std::io::{BufRead, Write};
use std::ops::Deref;
use std::path::PathBuf;
use std::rc::Rc;

use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tieout::job::{Format, Input};
use tieout::outgoing::{
    BuildError, BuildSpec, Grain, Layout, LineFacts, Lines, Parcel, RowRefused, Sealed, Spool, build,
};
use tieout::sources::RawFile;

use crate::reading_support::{CSV, Shelf, ledger};

/// A record of five columns. Its event is what `id` says.
#[derive(Debug)]
pub struct Purchases;

pub const COLUMNS: [&str; 4] = ["id", "user", "amount", "currency"];

impl Lines for Purchases {
    type Scratch = ();

    fn sources(&self) -> Vec<String> {
        COLUMNS.map(str::to_owned).to_vec()
    }

    fn fields(&self) -> Vec<(String, Vec<usize>)> {
        let names = ["transactionId", "merchant.userName", "amount", "currency"];
        names.iter().zip(0..).map(|(name, slot)| ((*name).to_owned(), vec![slot])).collect()
    }

    fn write<'c>(
        &'c self,
        cell: impl Fn(usize) -> Option<&'c str>,
        (): &mut (),
        out: &mut Vec<u8>,
    ) -> Result<LineFacts, RowRefused> {
        let currency: [u8; 3] = cell(3).unwrap_or("USD").as_bytes().try_into().unwrap();
        let id = cell(0).unwrap_or_default();
        let Some(amount_minor) = cell(2).and_then(|text| text.parse().ok()) else {
            return Err(RowRefused {
                field: Some("amount".to_owned()),
                value: cell(2).unwrap_or_default().to_owned(),
                reason: "is no amount".to_owned(),
                currency: Some(currency),
                amount_minor: None,
            });
        };
        let event_id: [u8; 16] = Sha256::digest(id)[..16].try_into().unwrap();
        let hex = tieout::digest::hex(&event_id);
        let user = serde_json::to_string(cell(1).unwrap_or("nobody")).unwrap();
        let currency_text = std::str::from_utf8(&currency).unwrap();
        writeln!(
            out,
            r#"{{"type":"coreTransaction","id":"{hex}","attributes":{{"userId":{user},"transactionId":"{id}","amount":{amount_minor},"currency":"{currency_text}"}}}}"#,
        )
        .unwrap();
        Ok(LineFacts { amount_minor, currency, event_id })
    }
}

pub const BULK: Layout = Layout::BulkFiles { max_bytes: 5_000_000_000, max_rows: None };

/// A source, how it is built, and where.
pub struct Workshop {
    folder: Rc<TempDir>,
    shelf: Shelf,
    pub source: Input,
    pub files: Vec<RawFile>,
    pub layout: Layout,
    pub tolerated: u64,
    pub workers: usize,
    pub grain: Grain,
}

/// A sealed build, and the folder that it lies in.
#[derive(Debug)]
pub struct Done {
    sealed: Sealed,
    _folder: Rc<TempDir>,
}

impl Deref for Done {
    type Target = Sealed;

    fn deref(&self) -> &Sealed {
        &self.sealed
    }
}

impl Workshop {
    /// Small batches and small pieces, so that little data goes every way.
    pub fn new(layout: Layout) -> Self {
        let mut source = ledger(CSV);
        source.mapping.fields.clear();
        Self {
            folder: Rc::new(tempfile::tempdir().unwrap()),
            shelf: Shelf::new(),
            source,
            files: Vec::new(),
            layout,
            tolerated: 0,
            workers: 2,
            grain: Grain { batch_rows: 7, batch_bytes: 1 << 20, piece_bytes: 500, held_id_bytes: 600 },
        }
    }

    pub fn file(mut self, name: &str, bytes: &[u8]) -> Self {
        self.files.push(self.shelf.file(name, bytes));
        self
    }

    pub fn csv(self, rows: &[String]) -> Self {
        let text = format!("{}\n{}\n", COLUMNS.join(","), rows.join("\n"));
        self.file("core.csv", text.as_bytes())
    }

    pub fn format(mut self, format: Format) -> Self {
        self.source.format = format;
        self
    }

    pub fn tolerating(mut self, rows: u64) -> Self {
        self.tolerated = rows;
        self
    }

    pub fn spool(&self) -> Spool {
        Spool::open(self.spool_folder()).unwrap()
    }

    pub fn spool_folder(&self) -> PathBuf {
        self.folder.path().join("spool")
    }

    pub fn spec(&self) -> BuildSpec<'_, Purchases> {
        BuildSpec {
            job: "core-upload",
            period: "2025-03-19",
            block: "upload",
            source: &self.source,
            lines: &Purchases,
            mapping: "purchases",
            layout: self.layout,
            tolerated: self.tolerated,
            grain: self.grain,
            workers: std::num::NonZero::new(self.workers),
        }
    }

    pub fn build(&self) -> Result<Done, BuildError> {
        let sealed = build(&self.spec(), &self.files, &self.spool(), &|| false, &|_| {})?;
        Ok(Done { sealed, _folder: Rc::clone(&self.folder) })
    }

    pub fn message(&self) -> String {
        format!("{:#}", anyhow::Error::from(self.build().expect_err("expected an error")))
    }

    /// What lies in the spool's folder, by name.
    pub fn spool_holds(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.spool_folder()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    pub fn folder_of(&self, sealed: &Sealed) -> PathBuf {
        self.spool_folder().join(&sealed.manifest().key)
    }
}

/// A row of the source: its id, user, amount and currency.
pub fn purchase(id: usize) -> String {
    let currency = if id.is_multiple_of(5) { "EUR" } else { "USD" };
    format!("txn-{id},user {},{},{currency}", id % 3, 100 + id)
}

pub fn purchases(ids: std::ops::Range<usize>) -> Vec<String> {
    ids.map(purchase).collect()
}

/// The lines of a parcel, unfolded.
pub fn lines_of(sealed: &Sealed, parcel: &Parcel) -> Vec<String> {
    sealed.text(parcel).unwrap().lines().map(Result::unwrap).collect()
}

/// The transaction ids of all parcels, in their order.
pub fn ids_of(sealed: &Sealed) -> Vec<Vec<String>> {
    let id = |line: &String| {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        record["attributes"]["transactionId"].as_str().unwrap().to_owned()
    };
    sealed.manifest().parcels.iter().map(|parcel| lines_of(sealed, parcel).iter().map(id).collect()).collect()
}
