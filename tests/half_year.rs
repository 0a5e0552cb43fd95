//! The generated half year through the program, against its truth: every label is found and nothing else, what came
//! late closes what it clears, and what Kard owes ties to the last cent in each month.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;
use tieout::breaks::{BreakKind, Rule};

use crate::compare_states::KINDS;
use crate::samples_generated::generator::{SHIPPED_SEED, half_year};

const MONTHS: [&str; 6] = ["2025-01", "2025-02", "2025-03", "2025-04", "2025-05", "2025-06"];

/// A project that holds the half year alone, with nothing run in it yet.
struct HalfYear {
    folder: TempDir,
}

/// A break as a run found it, or as the truth has it: job, period, kind, key, currency, measure, minor units at risk.
type Found = BTreeSet<[String; 7]>;

impl HalfYear {
    fn new(seed: u64, per_day: u64) -> Self {
        let folder = TempDir::new().unwrap();
        let (root, samples) = (folder.path(), folder.path().join("samples"));
        half_year::write_to(&samples, seed, per_day).unwrap();
        std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("tieout.yaml"), root.join("tieout.yaml")).unwrap();
        std::fs::create_dir(root.join("jobs")).unwrap();
        for job in ["rewards-daily", "rewards-monthly"] {
            let text = std::fs::read_to_string(samples.join(format!("jobs/{job}.yaml"))).unwrap();
            // The other reports have tests of their own.
            let quick = text.replace("report: [xlsx, html, csv, json, parquet]", "report: [csv, json]");
            assert_ne!(quick, text, "{job}: writes other reports than it did");
            std::fs::write(root.join(format!("jobs/{job}.yaml")), quick).unwrap();
        }
        Self { folder }
    }

    #[track_caller]
    fn run(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tieout"));
        command.args(arguments).arg("--sandbox").current_dir(self.folder.path()).env("USER", "mara");
        for variable in ["KARD_CLIENT_ID", "KARD_CLIENT_SECRET", "KARD_WEBHOOK_KEY", "NO_COLOR"] {
            command.env_remove(variable);
        }
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(output.stderr));
        text(output.stdout)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.run(&[arguments, &["--format", "json"]].concat())).unwrap()
    }

    /// Every day, then every month, in one piece of work.
    #[track_caller]
    fn backfill(&self, more: &[&str]) {
        let months = ["backfill", "rewards-monthly", "--from", "2025-01", "--to", "2025-06", "--with-days"];
        self.run(&[&months, more].concat());
    }

    fn rows(&self, path: &str) -> Vec<BTreeMap<String, String>> {
        let mut reader = csv::Reader::from_path(self.folder.path().join(path)).unwrap();
        reader.deserialize().map(Result::unwrap).collect()
    }

    fn truth(&self) -> Vec<BTreeMap<String, String>> {
        self.rows("samples/data/truth-half-year.csv")
    }

    /// The folders of all reports: job, period, and where they are.
    fn reports(&self) -> Vec<(String, String, PathBuf)> {
        let mut reports = Vec::new();
        for job in ["rewards-daily", "rewards-monthly"] {
            for entry in std::fs::read_dir(self.folder.path().join("sandbox/runs").join(job)).unwrap() {
                let period = entry.unwrap().path();
                let label = period.file_name().unwrap().to_str().unwrap().to_owned();
                reports.push((job.to_owned(), label, period.join("1")));
            }
        }
        reports
    }

    fn month(&self, label: &str) -> Value {
        let path = self.folder.path().join(format!("sandbox/runs/rewards-monthly/{label}/1/summary.json"));
        serde_json::from_slice::<Value>(&std::fs::read(path).unwrap()).unwrap()["month"].take()
    }

    fn receivables(&self) -> Vec<Vec<u8>> {
        let path = |month| format!("sandbox/runs/rewards-monthly/{month}/1/receivable.csv");
        MONTHS.map(|month| std::fs::read(self.folder.path().join(path(month))).unwrap()).to_vec()
    }

    /// Job, kind and key of the breaks of a job in this status.
    fn lives(&self, job: &str, status: &str) -> BTreeMap<[String; 3], String> {
        let listed = self.json(&["breaks", "list", job, "--status", status]);
        let text = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
        let one = |one: &Value| (["job", "kind", "key"].map(|name| text(one, name)), text(one, "break"));
        listed.as_array().unwrap().iter().map(one).collect()
    }
}

/// A break of a whole file has no currency, and the truth gives it no measure.
fn found(row: &BTreeMap<String, String>, job: &str, period: &str, at_risk: &str) -> [String; 7] {
    let about_file = row["currency"].is_empty();
    let (measure, at_risk) = if about_file { ("", "0") } else { (row["measure"].as_str(), at_risk) };
    [job, period, &row["kind"], &row["key"], &row["currency"], measure, at_risk].map(str::to_owned)
}

fn minor(decimal: &str) -> String {
    let minor: i64 = decimal.replace('.', "").parse().unwrap();
    minor.to_string()
}

/// Everything that the runs found is true, and everything true was found.
fn assert_found(year: &HalfYear) {
    let labels = year.truth();
    let breaks = labels.iter().filter(|label| label["kind"] != "expected");
    let truth: Found =
        breaks.clone().map(|label| found(label, &label["job"], &label["period"], &label["at_risk_minor"])).collect();
    assert_eq!(truth.len(), breaks.count(), "the truth has a label twice");
    let (mut told, mut details, mut rows) = (Found::new(), BTreeMap::new(), 0);
    let reports = year.reports();
    assert_eq!(reports.len(), 181 + 6);
    for (job, period, folder) in reports {
        let path = folder.join("breaks.csv");
        for row in year.rows(path.to_str().unwrap()) {
            let at_risk = if row["at_risk"].is_empty() { "0".to_owned() } else { minor(&row["at_risk"]) };
            let one = found(&row, &job, &period, &at_risk);
            details.insert(one.clone(), row["detail"].clone());
            told.insert(one);
            rows += 1;
        }
        let summary: Value = serde_json::from_slice(&std::fs::read(folder.join("summary.json")).unwrap()).unwrap();
        assert_eq!(summary["verdict"]["ties_out"], true, "{job} {period}");
    }
    let why = |one: &[String; 7]| labels.iter().find(|label| label["key"] == one[3]).map(|label| &label["why"]);
    let more = told.difference(&truth).map(|one| format!("found, not true: {} | {}", one.join(" "), details[one]));
    let less = truth.difference(&told).map(|one| format!("true, not found: {} | {:?}", one.join(" "), why(one)));
    let differences: Vec<String> = more.chain(less).collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert_eq!(rows, told.len(), "a break stands there twice");
}

/// What a later day clears is closed with a row of that day's files; nothing else is closed.
fn assert_lives(year: &HalfYear) {
    let labels = year.truth();
    let key = |label: &BTreeMap<String, String>| ["job", "kind", "key"].map(|name| label[name].clone());
    let breaks = || labels.iter().filter(|label| label["kind"] != "expected");
    let cleared: BTreeMap<[String; 3], &String> = breaks()
        .filter(|label| !label["cleared_by"].is_empty())
        .map(|label| (key(label), &label["cleared_by"]))
        .collect();
    assert!(cleared.len() > 10, "{cleared:?}");
    for job in ["rewards-daily", "rewards-monthly"] {
        let of_job = |label: &&BTreeMap<String, String>| label["job"] == job;
        let open: BTreeSet<[String; 3]> =
            breaks().filter(of_job).filter(|label| label["cleared_by"].is_empty()).map(key).collect();
        let told: BTreeSet<[String; 3]> = year.lives(job, "open").into_keys().collect();
        assert_eq!(told, open, "{job}: open");
        let resolved = year.lives(job, "resolved");
        let wanted: BTreeSet<&[String; 3]> = cleared.keys().filter(|key| key[0] == job).collect();
        assert_eq!(resolved.keys().collect::<BTreeSet<_>>(), wanted, "{job}: resolved");
        for (key, id) in resolved {
            let shown = year.json(&["breaks", "show", &id]);
            let last = &shown["history"].as_array().unwrap().last().unwrap()["event"];
            assert_eq!(last["event"], "closed", "{key:?}: {last}");
            let evidence = &last["evidence"];
            assert_eq!((&evidence["cleared_by"], &evidence["period"]), (&"row".into(), &cleared[&key].as_str().into()));
            let file = evidence["file"].as_str().unwrap();
            assert!(file.contains(cleared[&key].as_str()) || file.contains(&short(cleared[&key])), "{key:?}: {file}");
        }
    }
}

/// `2025-03-19` as Kard's names have it: `250319`.
fn short(day: &str) -> String {
    day[2..].replace('-', "")
}

/// Items, commission and reward of a line of a month in a currency.
type Lines = BTreeMap<(String, String, String), [i128; 3]>;

fn receivable_truth(year: &HalfYear) -> Lines {
    let number = |row: &BTreeMap<String, String>, name: &str| row[name].parse().unwrap();
    let one = |row: BTreeMap<String, String>| {
        let numbers = ["items", "issuer_commission_minor", "user_reward_minor"].map(|name| number(&row, name));
        ((row["month"].clone(), row["currency"].clone(), row["line"].clone()), numbers)
    };
    year.rows("samples/data/receivable-truth.csv").into_iter().map(one).collect()
}

fn receivable_told(year: &HalfYear) -> Lines {
    let mut lines = Lines::new();
    for month in MONTHS {
        for one in year.month(month)["receivable"].as_array().unwrap() {
            let mut add = |line: &str, items: &Value, owed: &Value| {
                let minor = |name: &str| owed[name].as_str().unwrap().parse().unwrap();
                let numbers =
                    [items.as_u64().unwrap().into(), minor("issuer_commission_minor"), minor("user_reward_minor")];
                let line = match line {
                    "pending" | "dropped" => format!("closing_{line}"),
                    line => line.to_owned(),
                };
                lines.insert((month.to_owned(), one["currency"].as_str().unwrap().to_owned(), line), numbers);
            };
            for line in one["lines"].as_array().unwrap() {
                add(line["line"].as_str().unwrap(), &line["items"], &line["owed"]);
            }
            add("closing", &one["closing_items"], &one["closing"]);
            assert_eq!(one["residual"]["total_minor"], "0", "{month}");
        }
    }
    lines
}

/// Each line of each month is what the stories move, and each month opens as the one before closed.
fn assert_receivable(year: &HalfYear) {
    let (truth, told) = (receivable_truth(year), receivable_told(year));
    let all: BTreeSet<_> = truth.keys().chain(told.keys()).collect();
    let differences: Vec<String> = all
        .into_iter()
        .filter(|line| truth.get(*line) != told.get(*line))
        .map(|line| format!("{line:?}: true {:?}, told {:?}", truth.get(line), told.get(line)))
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    for months in MONTHS.windows(2) {
        for currency in ["CAD", "USD"] {
            let line = |month: &str, line: &str| told[&(month.to_owned(), currency.to_owned(), line.to_owned())];
            assert_eq!(line(months[1], "opening"), line(months[0], "closing"), "{months:?} {currency}");
            assert!(line(months[0], "closing")[0] > 0, "{months:?} {currency}: nothing is owed");
        }
    }
}

fn assert_all(year: &HalfYear) {
    assert_found(year);
    assert_lives(year);
    assert_receivable(year);
}

#[test]
fn every_label_of_half_a_year_is_found_and_nothing_else_and_each_month_ties_to_the_cent() {
    let year = HalfYear::new(SHIPPED_SEED, half_year::PER_DAY);
    year.backfill(&[]);
    assert_all(&year);
}

#[test]
fn with_another_seed_and_few_purchases_every_label_is_found_as_well() {
    let year = HalfYear::new(20_777, 2);
    year.backfill(&[]);
    assert_all(&year);
}

/// What is open, and what the receivable of each month is.
fn outcome(year: &HalfYear) -> (BTreeSet<[String; 3]>, Vec<Vec<u8>>) {
    let jobs = ["rewards-daily", "rewards-monthly"];
    (jobs.iter().flat_map(|job| year.lives(job, "open").into_keys()).collect(), year.receivables())
}

#[test]
fn in_whatever_order_and_however_often_the_days_are_run_the_same_is_open_and_the_same_is_owed() {
    let [forward, backward] = [(); 2].map(|()| HalfYear::new(SHIPPED_SEED, 2));
    forward.backfill(&[]);
    backward.backfill(&["--newest-first", "--max-parallel", "2"]);
    let (expected, owed) = outcome(&forward);
    assert_receivable(&backward);
    let again = ["backfill", "rewards-daily", "--from", "2025-03-01", "--to", "2025-04-02", "--reprocess", "all"];
    forward.run(&again);
    for (what, year) in [("from the last day back", &backward), ("with March run twice", &forward)] {
        let (open, receivables) = outcome(year);
        let differences: Vec<_> = open.symmetric_difference(&expected).collect();
        assert!(differences.is_empty(), "{what}: {differences:#?}");
        for ((month, one), other) in MONTHS.into_iter().zip(&receivables).zip(&owed) {
            assert!(one == other, "{what}, {month}: receivable.csv differs");
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_one_the_same_labels_of_others() {
    let [one, same, other] = [SHIPPED_SEED, SHIPPED_SEED, SHIPPED_SEED + 1]
        .map(|seed| half_year::files(seed, half_year::PER_DAY).unwrap().0);
    assert!(one == same, "the same seed gives other bytes");
    let labels = |files: &BTreeMap<String, Vec<u8>>| {
        let mut reader = csv::Reader::from_reader(files["data/truth-half-year.csv"].as_slice());
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        let mut kinds: Vec<String> =
            rows.iter().map(|row| format!("{} {} {}", &row[0], &row[1][..7], &row[2])).collect();
        kinds.sort();
        let about_files = |row: &&csv::StringRecord| !row[4].is_empty();
        (kinds, rows.iter().filter(about_files).map(|row| row[3].to_owned()).collect::<BTreeSet<_>>())
    };
    let ((kinds, keys), (other_kinds, other_keys)) = (labels(&one), labels(&other));
    assert_eq!(kinds.len(), other_kinds.len());
    assert_eq!(kinds, other_kinds);
    assert!(keys.is_disjoint(&other_keys), "another seed has the same keys");
}

#[test]
fn every_kind_that_such_files_can_show_is_there_in_two_months_or_more() {
    let (files, _) = half_year::files(SHIPPED_SEED, half_year::PER_DAY).unwrap();
    let mut reader = csv::Reader::from_reader(files["data/truth-half-year.csv"].as_slice());
    let mut months: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in reader.records().map(Result::unwrap) {
        months.entry(row[2].to_owned()).or_default().insert(row[1][..7].to_owned());
    }
    // Every file comes, and none is replaced; the ledgers state no totals; what is sent is no matter of a comparison.
    let absent = [BreakKind::FileMissing, BreakKind::FileChanged, BreakKind::ControlTotal];
    let of_transactions = |kind: &&BreakKind| !KINDS.contains(kind) && kind.rule() != Rule::Sending;
    for kind in BreakKind::ALL.iter().filter(of_transactions).filter(|kind| !absent.contains(kind)) {
        let seen = months.get(kind.name()).map_or(0, BTreeSet::len);
        assert!(seen >= 2, "{}: in {seen} months", kind.name());
    }
    assert!(absent.iter().all(|kind| !months.contains_key(kind.name())), "{months:?}");
}
