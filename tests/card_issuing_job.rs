//! The jobs of corporate cards on the shipped samples find exactly the labelled breaks, and keep no card number.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::support::project::{copy_folder, keyed_rows};

const DAY: &str = "2025-03-19";
/// What the samples' card orders show, and nobody may keep.
const NUMBERS: [&str; 3] = ["4111111111111111", "5555555555554444", "4012888888881881"];

fn clone() -> TempDir {
    let folder = TempDir::new().unwrap();
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::copy(repository.join("tieout.yaml"), folder.path().join("tieout.yaml")).unwrap();
    for name in ["jobs", "samples/kard", "samples/card_issuing", "samples/data"] {
        copy_folder(&repository.join(name), &folder.path().join(name));
    }
    folder
}

fn run(folder: &TempDir, job: &str, more: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tieout"));
    command
        .args(["run", job, "--period", DAY, "--sandbox"])
        .args(more)
        .current_dir(folder.path())
        .env_remove("NO_COLOR");
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code(), text)
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn finds_the_truth(job: &str) -> TempDir {
    let folder = clone();
    let (code, told) = run(&folder, job, &["-vv"]);
    assert_eq!(code, Some(0), "{told}");
    let truth = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("samples/data/truth-{job}-{DAY}.csv"));
    let report = folder.path().join(format!("sandbox/runs/{job}/{DAY}/1"));
    assert_eq!(keyed_rows(&report.join("breaks.csv")), keyed_rows(&truth));
    let summary: serde_json::Value =
        serde_json::from_slice(&std::fs::read(report.join("summary.json")).unwrap()).unwrap();
    assert_eq!(summary["verdict"]["ties_out"], true);
    assert!(!NUMBERS.iter().any(|number| told.contains(number)), "{told}");
    folder
}

#[test]
fn the_job_of_topups_finds_the_labelled_breaks() {
    finds_the_truth("issuing-topups");
}

#[test]
fn the_job_of_cards_finds_the_labelled_breaks_and_keeps_no_card_number_and_no_code() {
    let folder = finds_the_truth("issuing-cards");
    let mut masked = 0;
    for path in files(&folder.path().join("sandbox")) {
        let bytes = std::fs::read(&path).unwrap();
        let holds = |what: &[u8]| bytes.windows(what.len()).any(|window| window == what);
        for number in NUMBERS {
            assert!(!holds(number.as_bytes()), "{} holds {number}", path.display());
        }
        masked += u32::from(holds(b"\"card_number\":\"************1111\",\"cvv\":\"[masked]\""));
    }
    assert_eq!(masked, 1, "the raw file of the orders");
    let (code, told) = run(&folder, "issuing-cards", &["--offline"]);
    assert_eq!(code, Some(0), "{told}");
}
