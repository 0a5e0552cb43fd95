//! A bulk file of a real run, read by whatever is at hand: all of it is one member, and each line is as published.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::bufread::{GzDecoder, MultiGzDecoder};
use tieout::records::RecordType;

use crate::support::backfill_uploads::job;
use crate::support::project::TestProject;
use crate::support::records::valid;

/// Several blocks of the packed file.
const ROWS: usize = 30_000;

const fn amount_minor(row: usize) -> u64 {
    (row as u64 * 37) % 90_000 + 1
}

/// The file that a run has sent, and the text that stands in it.
fn sealed() -> (TestProject, PathBuf) {
    let mut project = TestProject::small();
    project.write("jobs/core.yaml", job("    cardLastFours: card\n"));
    let mut source = "user,id,amount,text,at,card\n".to_owned();
    for row in 0..ROWS {
        let (major, minor) = (amount_minor(row) / 100, amount_minor(row) % 100);
        let line = format!("u-{},t-{row},{major}.{minor:02},\"Crème, \\ \"\"{row}\"\" \u{1f600}\",", row % 97);
        writeln!(source, "{line}2025-01-01T10:{:02}:00Z,{:04}", row % 60, row % 10_000).unwrap();
    }
    project.write("data/core-2025-01-01.csv", source);
    project.serve_telling("");
    project.run(&["run", "core", "--period", "2025-01-01"]).ended_with(0);
    let pattern = project.path("runs/core/2025-01-01/outgoing/*/*.jsonl.gz");
    let mut files: Vec<PathBuf> = glob::glob(pattern.to_str().unwrap()).unwrap().map(Result::unwrap).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    (project, files.remove(0))
}

/// Lines and the sum of their amounts, as a program prints them; none when the program is not here.
#[expect(clippy::print_stdout, reason = "a reader that is skipped is told")]
fn counted_by(program: &str, arguments: &[&str], file: &Path) -> Option<String> {
    let Ok(output) = Command::new(program).args(arguments).arg(file).output() else {
        println!("skipped: there is no {program}");
        return None;
    };
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap().trim().to_owned())
}

const PYTHON: &str = "
import gzip, json, sys
count = total = 0
with gzip.open(sys.argv[1], 'rt', encoding='utf-8') as lines:
    for line in lines:
        count, total = count + 1, total + json.loads(line)['attributes']['amount']
print(count, total)
";

#[test]
fn every_reader_gets_all_of_a_sealed_file_and_each_line_is_as_published() {
    let (project, file) = sealed();
    let bytes = std::fs::read(&file).unwrap();

    // A reader that stops after one member gets everything, and so does one that looks for more.
    let (mut single, mut multi) = (String::new(), String::new());
    let mut decoder = GzDecoder::new(bytes.as_slice());
    decoder.read_to_string(&mut single).unwrap();
    assert!(decoder.into_inner().is_empty(), "nothing follows the member");
    MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut multi).unwrap();
    assert!(single == multi);
    // It is more than one block of the compressor, or nothing is shown here.
    assert!(single.len() > 4 << 20, "{} bytes", single.len());

    let mut sum_minor = 0;
    for (row, line) in single.split_inclusive('\n').enumerate() {
        let value = valid(RecordType::CoreTransaction, line);
        let attributes = &value["attributes"];
        assert_eq!(attributes["transactionId"], format!("t-{row}"), "in the order of the source");
        assert_eq!(attributes["amount"], amount_minor(row));
        assert_eq!(attributes["description"], format!("Crème, \\ \"{row}\" \u{1f600}"));
        sum_minor += amount_minor(row);
    }
    assert_eq!(single.lines().count(), ROWS);

    if let Some(told) = counted_by("gzip", &["-t"], &file) {
        assert_eq!(told, "");
    }
    if let Some(told) = counted_by("python3", &["-c", PYTHON], &file) {
        assert_eq!(told, format!("{ROWS} {sum_minor}"));
    }

    // The provider got the same bytes.
    project.provider_idle();
    let object = project.provider().uploads().remove(0);
    assert_eq!((object.results[0].lines, object.results[0].accepted), (ROWS as u64, ROWS as u64));
    assert_eq!((object.results[0].gzip_members, object.results[0].unknown_fields), (1, 0));
    assert!(std::fs::read(object.object.unwrap().path).unwrap() == bytes);
}
