//! The writer: which files, in which order, and that the same facts give the same bytes.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, like the tests")]

use std::path::Path;

use tieout::job::ReportFormat::{self, Csv, Html, Json, Parquet, Xlsx};
use tieout::report::{Facts, write};

use crate::support_facts::{a_day, clean, every_kind, extremes, hostile};

const ALL: [ReportFormat; 5] = [Xlsx, Html, Csv, Json, Parquet];

fn names(facts: &Facts, formats: &[ReportFormat]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let written = write(facts, formats, folder.path()).unwrap();
    written.iter().map(|path| path.strip_prefix(folder.path()).unwrap().display().to_string()).collect()
}

#[test]
fn the_summary_comes_first_and_a_format_asked_twice_is_written_once() {
    assert_eq!(names(&clean(), &[]), ["summary.json"]);
    assert_eq!(names(&clean(), &[Csv, Json, Csv]), ["summary.json", "breaks.csv"]);
    assert_eq!(names(&a_day(), &ALL), ["summary.json", "report.xlsx", "report.html", "breaks.csv", "breaks.parquet"]);
}

#[test]
fn nothing_but_the_asked_files_stays_in_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let written = write(&a_day(), &ALL, folder.path()).unwrap();
    let found = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(found, written.len(), "the workbook's scratch files are gone");
}

#[test]
fn the_same_facts_give_the_same_bytes() {
    for facts in [clean(), a_day(), hostile(), every_kind(), extremes()] {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (first, second) = (write(&facts, &ALL, one.path()).unwrap(), write(&facts, &ALL, two.path()).unwrap());
        for (a, b) in first.iter().zip(&second) {
            assert!(std::fs::read(a).unwrap() == std::fs::read(b).unwrap(), "{} differs", a.display());
            assert!(std::fs::metadata(a).unwrap().len() > 0, "{} is empty", a.display());
        }
    }
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let error = write(&clean(), &[], Path::new("/nowhere/at/all")).unwrap_err();
    assert_eq!(
        format!("{:#}", anyhow::Error::new(error)),
        "cannot create /nowhere/at/all/summary.json: No such file or directory (os error 2)"
    );
}
