//! The workbook in the programs of others: openpyxl reads and saves it, `LibreOffice` converts and saves it.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;
use tieout::breaks::BreakKind;

use crate::support::project::TestProject;
use crate::support::workbook::Book;
use crate::support_facts::{clean, found};
use crate::workbook_sheets::{PAYLOADS, of, poisoned};

const RUN: &str = "rewards-daily/2025-03-19/1";

/// A Python that has openpyxl; `.ci/workbook` says which.
fn python(script: &str, arguments: &[&Path]) -> Value {
    let python = std::env::var("TIEOUT_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let output = Command::new(python).args(["-c", script]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Converts a file with `LibreOffice`; `to` may name a filter and its options. Gives what it has written.
fn soffice(folder: &TempDir, to: &str, file: &Path) -> Vec<PathBuf> {
    let out = TempDir::new_in(folder.path()).unwrap().keep();
    let profile = format!("-env:UserInstallation=file://{}", folder.path().join("profile").display());
    let mut command = Command::new("soffice");
    command.args(["--headless", &profile, "--convert-to", to, "--outdir"]).arg(&out).arg(file);
    let output = command.output().unwrap();
    let mut written: Vec<PathBuf> = std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path()).collect();
    written.sort();
    assert!(!written.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    written
}

/// A comma, quotes around text, UTF-8, every sheet to a file of its own, values as shown.
const EVERY_SHEET: &str = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1";

fn of_run() -> (TestProject, PathBuf) {
    let project = TestProject::shipped("");
    project.run(&["run", "rewards-daily", "--period", "2025-03-19"]).ended_with(0);
    let path = project.path(&format!("runs/{RUN}/report.xlsx"));
    (project, path)
}

const READ: &str = "
import json, sys, openpyxl
book = openpyxl.load_workbook(sys.argv[1])
values = openpyxl.load_workbook(sys.argv[1], data_only=True)
cell = lambda c: c.isoformat() if hasattr(c, 'isoformat') else c
json.dump({
    'sheets': [[s.title, s.sheet_state] for s in book],
    'formulas': [c.value for s in book for row in s.iter_rows() for c in row if c.data_type == 'f'],
    'links': sum(len(s._hyperlinks) for s in book),
    'choices': [v.formula1 for s in book for v in s.data_validations.dataValidation],
    'frozen': book['Breaks'].freeze_panes, 'filter': book['Breaks'].auto_filter.ref,
    'charts': len(book['Charts']._charts),
    'breaks': [[cell(c) for c in row] for row in values['Breaks'].iter_rows(values_only=True)],
    'summary': [[cell(c) for c in row] for row in values['Summary'].iter_rows(values_only=True)],
}, sys.stdout)
";

#[test]
#[ignore = "needs openpyxl and LibreOffice: .ci/workbook"]
fn openpyxl_reads_every_sheet_and_every_number() {
    let (project, path) = of_run();
    let read = python(READ, &[&path]);
    let ours = Book::open(&path);
    let sheets: Vec<&str> = read["sheets"].as_array().unwrap().iter().map(|sheet| sheet[0].as_str().unwrap()).collect();
    assert_eq!(sheets, ours.sheets());
    assert_eq!(read["sheets"].as_array().unwrap().last().unwrap()[1], "veryHidden");
    assert_eq!((read["frozen"].as_str(), read["filter"].as_str()), (Some("D2"), Some("A1:BQ23")));
    assert_eq!(read["choices"].as_array().unwrap().len(), 3);
    // openpyxl draws charts anew: that it knows them all is what can be seen.
    assert_eq!(read["charts"], 3);
    let mut csv = csv::Reader::from_path(project.path(&format!("runs/{RUN}/breaks.csv"))).unwrap();
    let breaks = read["breaks"].as_array().unwrap();
    let mut numbers = 0;
    for (row, cells) in csv.records().zip(&breaks[1..]) {
        let row = row.unwrap();
        assert_eq!(cells[0], row[0], "the id is text");
        for col in [5, 6] {
            let exact = row[col].parse::<f64>().ok();
            assert_eq!(cells[col].as_f64(), exact, "{} column {col}", &row[0]);
            numbers += usize::from(exact.is_some());
        }
    }
    assert!(numbers >= 22, "{numbers}");
    let rests = read["summary"].as_array().unwrap().iter().filter(|row| row[0] == "Unexplained (must be zero)");
    let rests: Vec<_> = rests.map(|row| row[2].as_f64().unwrap()).collect();
    assert!(rests.len() >= 3 && rests.iter().all(|rest| *rest == 0.0), "{rests:?}");
}

#[test]
#[ignore = "needs openpyxl and LibreOffice: .ci/workbook"]
fn thirty_payloads_come_to_nothing_in_either_program() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("poisoned.xlsx");
    of(&poisoned(), 1_000_000).save(&path);
    let read = python(READ, &[&path]);
    for formula in read["formulas"].as_array().unwrap() {
        let formula = formula.as_str().unwrap();
        let ours = ["=SUMIFS(F$2:F$", "=ROUND(SUM(", "=SUM(B"].iter().any(|known| formula.starts_with(known));
        assert!(ours && !formula.contains('"'), "{formula}");
    }
    assert_eq!(read["links"], 0);
    let shown = |payload: &str| -> String {
        payload.chars().map(|c| if tieout::text::is_hidden(c) { '\u{fffd}' } else { c }).collect()
    };
    let breaks = read["breaks"].as_array().unwrap();
    for (row, payload) in breaks[1..].iter().zip(PAYLOADS) {
        assert_eq!(row[2], shown(payload), "openpyxl");
    }
    let written = soffice(&folder, EVERY_SHEET, &path);
    let breaks = written.iter().find(|path| path.to_str().unwrap().ends_with("-Breaks.csv")).unwrap();
    let mut csv = csv::ReaderBuilder::new().flexible(true).from_path(breaks).unwrap();
    let keys: Vec<String> = csv.records().take(30).map(|row| row.unwrap()[2].to_owned()).collect();
    for (key, payload) in keys.iter().zip(PAYLOADS) {
        assert_eq!(*key, shown(payload), "LibreOffice");
    }
    let all: String =
        written.iter().map(|path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()).collect();
    for wrong in ["#NAME?", "Err:", "#REF!", "#VALUE!"] {
        assert!(!all.contains(wrong), "{wrong}");
    }
}

#[test]
#[ignore = "needs openpyxl and LibreOffice: .ci/workbook"]
fn libreoffice_computes_what_is_written_and_makes_pages_of_it() {
    let (_project, path) = of_run();
    let folder = TempDir::new().unwrap();
    let written = soffice(&folder, EVERY_SHEET, &path);
    let sheet = |name: &str| {
        let path = written.iter().find(|path| path.to_str().unwrap().ends_with(&format!("-{name}.csv"))).unwrap();
        std::fs::read_to_string(path).unwrap()
    };
    let rest =
        sheet("Summary").lines().filter(|line| line.starts_with("Unexplained")).map(str::to_owned).collect::<Vec<_>>();
    let is_zero = |line: &String| line.split(',').nth(2).and_then(|rest| rest.parse::<f64>().ok()) == Some(0.0);
    assert!(rest.len() >= 3 && rest.iter().all(is_zero), "{rest:?}");
    assert!(sheet("Ageing").contains("All open breaks,22"), "{}", sheet("Ageing"));
    let pdf = soffice(&folder, "pdf", &path);
    let bytes = std::fs::read(&pdf[0]).unwrap();
    assert!(bytes.starts_with(b"%PDF-") && bytes.len() > 20_000, "{} bytes", bytes.len());
}

const FILL: &str = "
import json, sys, openpyxl
book = openpyxl.load_workbook(sys.argv[1])
def fill(sheet, row, **cells):
    heads = [c.value for c in book[sheet][1]]
    for name, text in cells.items():
        book[sheet].cell(row, heads.index(name.replace('_', ' ')) + 1).value = text
fill('Breaks', 2, Decision='confirm')
fill('Breaks', 3, Decision='write off', Comment='below the limit')
fill('Breaks', 4, Assign_to='Jo Ruiz')
fill('Breaks', 5, Comment='asked: «näher» & <mehr>')
fill('Effects', 2, Decision='approve')
fill('Effects', 3, Decision='reject', Comment='no')
book.save(sys.argv[2])
json.dump(None, sys.stdout)
";

#[test]
#[ignore = "needs openpyxl and LibreOffice: .ci/workbook"]
fn what_either_program_has_saved_is_imported() {
    let (project, path) = of_run();
    let folder = TempDir::new().unwrap();
    let filled = folder.path().join("filled.xlsx");
    python(FILL, &[&path, &filled]);
    let import = |path: &Path, more: &[&str]| {
        let arguments = [&["review", "import", path.to_str().unwrap(), "--by", "Mara", "--format", "json"], more];
        let output = project.run(&arguments.concat()).ended_with(0);
        let rows: Value = serde_json::from_str(&output.stdout).unwrap();
        rows.as_array().unwrap().iter().map(|row| row["outcome"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(import(&filled, &["--dry-run"]), ["accepted"; 6]);
    // The same again, with strings shared and columns in its own ways.
    let saved = soffice(&folder, "xlsx", &filled);
    assert_eq!(import(&saved[0], &[]), ["accepted"; 6]);
    assert_eq!(import(&filled, &[]), ["already_done"; 6]);
}

/// KiB of this process that were in memory at most.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap()
}

#[test]
#[ignore = "takes minutes, and its memory is measured alone: benches/workbook.sh"]
#[expect(clippy::print_stdout, reason = "its numbers are what it is run for")]
fn a_million_breaks_are_written_in_bounded_memory() {
    let mut facts = clean();
    facts.run.pages = Some("https://tieout.acme.example".to_owned());
    facts.breaks = (0..1_000_000).map(|n| found(BreakKind::ALL[n % 20], &format!("txn-{n:07}"), "USD", 1)).collect();
    let scratch = TempDir::new().unwrap();
    let path = scratch.path().join("report.xlsx");
    let (before, start) = (peak_kib(), std::time::Instant::now());
    let out = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
    tieout::report::xlsx::render(&facts, 1_000_000, scratch.path(), out).unwrap();
    let (taken, grown) = (start.elapsed(), (peak_kib() - before) / 1024);
    let size = std::fs::metadata(&path).unwrap().len() / 1_000_000;
    println!("1,000,000 breaks: {:.1} s, {grown} MiB more than the breaks themselves, {size} MB", taken.as_secs_f64());
    assert!(grown < 512, "{grown} MiB");
    let start = std::time::Instant::now();
    let filled = tieout::review::import::read(std::fs::File::open(&path).unwrap()).unwrap();
    println!("read back for what is filled in: {:.1} s", start.elapsed().as_secs_f64());
    assert!(filled.lines.is_empty());
}
