//! Local inputs: a path or glob below the data folder, and nothing outside of it.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, like the tests")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, TimeDelta};
use chrono_tz::Tz;
use polars::prelude::{Column, DataFrame, ParquetWriter};
use tempfile::TempDir;
use tieout::digest::sha256;
use tieout::frames::{Field, Spread, load_among};
use tieout::job::{Format, Grain};
use tieout::period::Period;
use tieout::sources::file::{FileError, pull};
use tieout::sources::store::RawStore;
use tieout::sources::{Origin, RawFile};

use crate::reading_support::{CSV, Shelf, constant, gzip, ledger, map};

fn period() -> Period {
    let start: DateTime<chrono::Utc> = "2025-03-19T00:00:00Z".parse().unwrap();
    let first_day = NaiveDate::from_ymd_opt(2025, 3, 19).unwrap();
    let end = start + TimeDelta::days(1);
    Period { label: "2025-03-19".to_owned(), grain: Grain::Day, zone: Tz::UTC, first_day, start, end }
}

struct Data {
    folder: TempDir,
}

impl Data {
    fn new(files: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in files {
            let path = folder.path().join("data").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, format!("content of {name}")).unwrap();
        }
        fs::create_dir_all(folder.path().join("data")).unwrap();
        Self { folder }
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    fn pull(&self, pattern: &str) -> Result<Vec<RawFile>, FileError> {
        let store = RawStore::open(self.root().join("raw")).unwrap();
        pull(&self.root().join("data"), pattern, &period(), &store)
    }

    fn names(&self, pattern: &str) -> Vec<String> {
        self.pull(pattern).unwrap().into_iter().map(|file| file.name).collect()
    }
}

#[test]
fn the_files_of_a_period_are_copied_in_order_of_their_names() {
    let data = Data::new(&[
        "ledger-2025-03-19.csv",
        "ledger-2025-03-20.csv",
        "sub/b-2025-03-19.csv",
        "sub/a-2025-03-19.csv",
        "odd[1].csv",
    ]);
    assert_eq!(data.names("ledger-{period}.csv"), ["ledger-2025-03-19.csv"]);
    assert_eq!(data.names("sub/*-{period}.csv"), ["sub/a-2025-03-19.csv", "sub/b-2025-03-19.csv"]);
    assert_eq!(data.names("*.csv"), ["ledger-2025-03-19.csv", "ledger-2025-03-20.csv", "odd[1].csv"]);
    assert_eq!(data.names("odd[1].csv"), ["odd[1].csv"]);
    assert_eq!(data.names("none-{period}*.csv"), [""; 0]);
    let file = data.pull("sub/a-{period}.csv").unwrap().remove(0);
    assert_eq!(fs::read_to_string(&file.stored).unwrap(), "content of sub/a-2025-03-19.csv");
    assert_eq!(file.bytes, 31);
    assert_eq!(file.origin, Origin::Path { path: "sub/a-2025-03-19.csv".to_owned() });
    assert!(file.stored.ends_with(format!("sha256-{}", file.sha256)));
}

fn told(data: &Data, pattern: &str) -> String {
    let error = anyhow::Error::from(data.pull(pattern).unwrap_err());
    format!("{error:#}").replace(data.root().to_str().unwrap(), "ROOT")
}

#[test]
fn nothing_outside_of_the_data_folder_is_read() {
    let data = Data::new(&["in.csv", "folder/x.csv"]);
    fs::write(data.root().join("secret.csv"), "secret").unwrap();
    std::os::unix::fs::symlink(data.root().join("secret.csv"), data.root().join("data/link.csv")).unwrap();
    std::os::unix::fs::symlink("in.csv", data.root().join("data/inner.csv")).unwrap();
    for pattern in ["../secret.csv", "folder/../../secret.csv", "/etc/hosts"] {
        assert_eq!(
            told(&data, pattern),
            format!("`{pattern}` leaves the data folder; expected a relative path without `..`, below ROOT/data")
        );
    }
    assert_eq!(
        told(&data, "link*.csv"),
        "link.csv is a link to ROOT/secret.csv, outside the data folder ROOT/data; copy the file there, \
         or move the folder (`data:` in tieout.yaml)"
    );
    assert_eq!(
        told(&data, "folder"),
        "folder is not a file; expected a file, or a glob that names files (such as folder/*.csv)"
    );
    assert_eq!(
        told(&data, "a**b"),
        "`a**b` is not a path or glob: Pattern syntax error near position 0: \
        recursive wildcards must form a single path component"
    );
    assert_eq!(data.names("inner.csv"), ["inner.csv"]);
}

/// Bytes that repeat nowhere in step with the pieces in which they are copied.
fn long(bytes: usize) -> Vec<u8> {
    (0..bytes as u64).map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}

#[test]
fn a_copy_is_whole_and_has_the_digest_of_its_bytes_however_long_it_is() {
    const PIECE: usize = 256 << 10;
    let data = Data::new(&[]);
    let open: [fn(PathBuf) -> std::io::Result<RawStore>; 3] = [RawStore::open, RawStore::to_settle, RawStore::scratch];
    for bytes in [0, 1, PIECE - 1, PIECE, PIECE + 1, 8 * PIECE, 20 * PIECE + 7] {
        let expected = long(bytes);
        fs::write(data.root().join("data/long.csv"), &expected).unwrap();
        for (kind, open) in open.into_iter().enumerate() {
            let folder = data.root().join(format!("raw-{kind}"));
            let store = open(folder.clone()).unwrap();
            let [file] = &pull(&data.root().join("data"), "long.csv", &period(), &store).unwrap()[..] else { panic!() };
            assert!(fs::read(&file.stored).unwrap() == expected, "{bytes} bytes");
            assert_eq!((file.bytes, file.sha256.as_str()), (bytes as u64, sha256(&expected).as_str()));
            assert_eq!(store.find(&file.sha256), Some(file.stored.clone()));
            let temporary = fs::read_dir(&folder)
                .unwrap()
                .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with(".tmp"));
            assert_eq!(temporary.count(), 0);
        }
    }
}

#[test]
fn many_files_keep_their_order_and_of_those_that_fail_the_first_is_told() {
    let names: Vec<String> = (0..40).map(|number| format!("part-{number:02}.csv")).collect();
    let data = Data::new(&names.iter().map(String::as_str).collect::<Vec<_>>());
    // The first ones are done last.
    for name in &names[..2] {
        fs::write(data.root().join("data").join(name), long(3 << 20)).unwrap();
    }
    // Two of the same bytes are one stored file.
    fs::copy(data.root().join("data/part-07.csv"), data.root().join("data/part-39.csv")).unwrap();
    let files = data.pull("part-*.csv").unwrap();
    assert_eq!(files.iter().map(|file| file.name.clone()).collect::<Vec<_>>(), names);
    assert_eq!(files[7].stored, files[39].stored);
    for (file, name) in files.iter().zip(&names) {
        assert!(fs::read(&file.stored).unwrap() == fs::read(data.root().join("data").join(name)).unwrap(), "{name}");
    }
    fs::write(data.root().join("secret.csv"), "secret").unwrap();
    for name in ["part-05x.csv", "part-31x.csv"] {
        std::os::unix::fs::symlink(data.root().join("secret.csv"), data.root().join("data").join(name)).unwrap();
    }
    assert!(told(&data, "part-*.csv").starts_with("part-05x.csv is a link to ROOT/secret.csv"));
}

#[test]
fn a_file_that_is_longer_than_what_may_be_held_passes_whole() {
    let data = Data::new(&[]);
    let reason = "r".repeat(60_000);
    let mut csv = "id,amount,currency,at,why\n".to_owned();
    for number in 0..400 {
        writeln!(csv, "t{number},{number}.00,EUR,2025-03-19T10:00:00Z,{reason}{number}").unwrap();
    }
    let mut input = ledger(CSV);
    map(&mut input, Field::Reason, "why");
    for (name, bytes) in [("a.csv", csv.as_bytes().to_vec()), ("b.csv.gz", gzip(csv.as_bytes()))] {
        fs::write(data.root().join("data").join(name), &bytes).unwrap();
        let store = RawStore::open(data.root().join("raw")).unwrap().holding(1 << 20);
        let files = pull(&data.root().join("data"), name, &period(), &store).unwrap();
        assert!(fs::read(&files[0].stored).unwrap() == bytes, "{name}");
        // Nothing is held: all rows are laid aside, and both files pass.
        let read = load_among(&input, files, Vec::new(), &[], Spread::new(0, 0)).unwrap();
        let mut found = Vec::new();
        read.rows.each(|row| found.push((row.place().1, row.text(Field::Reason).unwrap().len()))).unwrap();
        found.sort_unstable();
        let of = |number: u64| (number + 2, 60_000 + number.to_string().len());
        assert_eq!(found, (0..400).map(of).collect::<Vec<_>>(), "{name}");
    }
}

/// More than are decoded at a time, in row groups that are not those steps.
#[test]
fn parquet_that_is_longer_than_what_may_be_held_passes_whole() {
    let rows = 280_000;
    let ids: Vec<String> = (1..=rows).map(|number| format!("t{number}")).collect();
    let amounts: Vec<i64> = (1..=rows).collect();
    let columns = vec![Column::new("id".into(), ids), Column::new("amount".into(), amounts)];
    let mut bytes = Vec::new();
    let mut frame = DataFrame::new(columns[0].len(), columns).unwrap();
    ParquetWriter::new(&mut bytes).with_row_group_size(Some(50_000)).finish(&mut frame).unwrap();
    let mut input = ledger(Format::Parquet);
    input.mapping.fields.remove(&Field::OccurredAt);
    constant(&mut input, Field::Currency, "JPY");
    let shelf = Shelf::new();
    let read = load_among(&input, vec![shelf.file("a", &bytes)], Vec::new(), &[], Spread::new(0, 0)).unwrap();
    let mut found = Vec::new();
    read.rows.each(|row| found.push((row.key().to_owned(), row.number(Field::Amount)))).unwrap();
    found.sort_unstable_by_key(|(_, amount)| *amount);
    assert!(found == (1..=rows).map(|number| (format!("t{number}"), Some(number))).collect::<Vec<_>>());
}

#[test]
fn files_of_a_store_that_settles_later_can_be_read_at_once_and_are_whole() {
    let folder = tempfile::tempdir().unwrap();
    let store = RawStore::to_settle(folder.path().join("raw")).unwrap();
    // More than wait for the disk together.
    for number in 0..150 {
        let mut writer = store.begin().unwrap();
        writer.write(format!("file {number}\n").as_bytes()).unwrap();
        let raw = writer.finish(format!("{number}.csv"), Origin::Path { path: format!("{number}.csv") }).unwrap();
        assert_eq!(fs::read_to_string(&raw.stored).unwrap(), format!("file {number}\n"));
        assert_eq!(store.find(&raw.sha256), Some(raw.stored));
    }
    for _ in 0..2 {
        store.settle().unwrap();
        assert_eq!(fs::read_dir(folder.path().join("raw")).unwrap().count(), 150);
    }
}
