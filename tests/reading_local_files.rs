//! Local inputs: a path or glob below the data folder, and nothing outside of it.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, like the tests")]

use std::fs;
use std::path::Path;

use chrono::{DateTime, NaiveDate, TimeDelta};
use chrono_tz::Tz;
use tempfile::TempDir;
use tieout::job::Grain;
use tieout::period::Period;
use tieout::sources::file::{FileError, pull};
use tieout::sources::store::RawStore;
use tieout::sources::{Origin, RawFile};

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
