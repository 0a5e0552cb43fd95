//! Every shipped day through the program, as a newcomer runs it, against the generator's truth.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Parser as _;
use serde_json::Value;
use tempfile::TempDir;
use tieout::cli::Cli;
use tieout::job;
use tieout::project::Project;

use crate::support::project::{copy_folder, keyed_rows};

/// The month that the samples close.
const MONTH: &str = "2025-02";

/// Jobs that ask a provider for rows: the samples hold one day of each.
const DATASETS: [&str; 7] = [
    "bongloy-balances",
    "bongloy-transactions",
    "core-balances",
    "core-movements",
    "issuing-cards",
    "issuing-topups",
    "kuggar-cards",
];

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A copy of what a clone of the repository holds, with nothing run in it yet.
struct Clone {
    folder: TempDir,
}

struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Clone {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::copy(repository().join("tieout.yaml"), folder.path().join("tieout.yaml")).unwrap();
        let samples = ["bongloy", "card_issuing", "core_api", "data", "http_api", "kard", "kuggar"];
        for name in std::iter::once("jobs".to_owned()).chain(samples.map(|name| format!("samples/{name}"))) {
            let name = name.as_str();
            copy_folder(&repository().join(name), &folder.path().join(name));
        }
        Self { folder }
    }

    /// No account, no secret, no variable: only `--sandbox`.
    fn run(&self, arguments: &[&str]) -> Ended {
        self.run_exactly(&[arguments, &["--sandbox"]].concat())
    }

    fn run_exactly(&self, arguments: &[&str]) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tieout"));
        command.args(arguments).current_dir(self.folder.path()).env("USER", "mara");
        for variable in ["KARD_CLIENT_ID", "KARD_CLIENT_SECRET", "KARD_WEBHOOK_KEY", "NO_COLOR"] {
            command.env_remove(variable);
        }
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    fn day(&self, job: &str, day: &str) -> Ended {
        self.run(&["run", job, "--period", day])
    }

    fn report(&self, run: &str) -> PathBuf {
        self.folder.path().join("sandbox/runs").join(run)
    }

    fn summary(&self, run: &str) -> Value {
        serde_json::from_slice(&std::fs::read(self.report(run).join("summary.json")).unwrap()).unwrap()
    }
}

/// Reports of processors, each with the label of its one sample.
const REPORTS: [(&str, &str); 5] = [
    ("adyen-settlement", "2025-03-19"),
    ("cardlytics-revisions", "2025-03"),
    ("http-daily", "2025-03-19"),
    ("marqeta-settlement", "2025-03-19"),
    ("stripe-payouts", "2025-03-19"),
];

/// The days (of a job of months the months) for which the samples hold the truth about a job.
fn days(job: &str) -> Vec<String> {
    if job == "rewards-monthly" {
        return vec![MONTH.to_owned()];
    }
    if let Some((_, label)) = REPORTS.iter().find(|(known, _)| *known == job) {
        return vec![(*label).to_owned()];
    }
    if DATASETS.contains(&job) {
        return vec!["2025-03-19".to_owned()];
    }
    let prefix = if job == "core-daily" { "truth-core-2" } else { "truth-2" };
    let entries = std::fs::read_dir(repository().join("samples/data")).unwrap();
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let day = |name: String| Some(format!("2{}", name.strip_prefix(prefix)?.strip_suffix(".csv")?));
    let mut days: Vec<_> = entries.map(name).filter_map(day).collect();
    days.sort();
    // Where the file is not there yet, `rewards-daily` waits and has no truth; `core-daily` goes on.
    let with_file = ["2025-03-19", "2025-03-20", "2025-03-21"];
    let wanted = if job == "core-daily" { [&with_file[..], &["2025-03-22"]].concat() } else { with_file.to_vec() };
    assert_eq!(days, wanted, "{job}");
    days
}

/// The keys of one outcome in `expected-DATE.csv`.
fn keys_of(day: &str, outcome: &str) -> BTreeSet<String> {
    let path = repository().join(format!("samples/data/expected-{day}.csv"));
    let mut reader = csv::Reader::from_path(path).unwrap();
    let records = reader.records().map(Result::unwrap);
    records.filter(|record| &record[1] == outcome).map(|record| record[0].to_owned()).collect()
}

fn sum(counts: &Value) -> u64 {
    counts.as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum()
}

/// Runs a job on all its days, and compares what it finds with the truth.
fn breaks_equal_the_truth(job: &str, truth_of: &str) {
    let clone = Clone::new();
    for day in days(job) {
        let ended = clone.day(job, &day);
        assert_eq!(ended.code, Some(0), "{day}: {}", ended.stderr);
        let run = format!("{job}/{day}/1");
        let truth = keyed_rows(&repository().join(format!("samples/data/{truth_of}-{day}.csv")));
        assert_eq!(without_measure_of_files(keyed_rows(&clone.report(&run).join("breaks.csv"))), truth, "{day}");
        let summary = clone.summary(&run);
        assert_eq!(summary["breaks"]["count"], truth.len(), "{day}");
        assert_eq!(summary["verdict"]["ties_out"], true, "{day}");
        let listed = clone.run(&["breaks", &run, "--format", "json"]);
        let listed: Vec<Value> = serde_json::from_str(&listed.stdout).unwrap();
        assert_eq!(listed.len(), truth.len(), "{day}");
    }
}

#[test]
fn every_shipped_day_shows_exactly_the_breaks_of_its_truth() {
    breaks_equal_the_truth("rewards-daily", "truth");
}

#[test]
fn a_shipped_day_that_is_run_alone_finds_its_truth_but_for_what_the_day_before_left() {
    for (day, carried) in [("2025-03-20", vec!["txn-0319-0071"]), ("2025-03-21", vec![])] {
        let clone = Clone::new();
        assert_eq!(clone.day("rewards-daily", day).code, Some(0), "{day}");
        let told =
            without_measure_of_files(keyed_rows(&clone.report(&format!("rewards-daily/{day}/1")).join("breaks.csv")));
        let truth = keyed_rows(&repository().join(format!("samples/data/truth-{day}.csv")));
        let missing: Vec<&str> = truth.iter().filter(|row| !told.contains(row)).map(|row| row[0].as_str()).collect();
        assert_eq!(missing, carried, "{day}");
        assert!(told.iter().all(|row| truth.contains(row)), "{day}: {told:?}");
    }
}

#[test]
fn every_day_of_core_banking_shows_exactly_the_breaks_of_its_truth() {
    breaks_equal_the_truth("core-daily", "truth-core");
}

#[test]
fn every_report_of_a_processor_shows_exactly_the_breaks_of_its_truth() {
    for (job, _) in REPORTS {
        breaks_equal_the_truth(job, &format!("truth-{job}"));
    }
}

#[test]
fn lines_that_are_no_payments_and_revisions_that_were_replaced_are_excluded_with_their_rows() {
    let clone = Clone::new();
    let excluded = |job: &str, label: &str| {
        assert_eq!(clone.day(job, label).code, Some(0));
        let summary = clone.summary(&format!("{job}/{label}/1"));
        assert_eq!(summary["verdict"]["ties_out"], true, "{job}");
        summary["excluded"].as_array().unwrap().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let fees = excluded("adyen-settlement", "2025-03-19");
    assert_eq!(fees, [r#"{"reason":"not selected by the job's `where`","rows":2,"side":"file"}"#]);
    let replaced = excluded("cardlytics-revisions", "2025-03");
    assert_eq!(replaced, [r#"{"reason":"of a revision that a higher one replaces","rows":38,"side":"file"}"#]);
}

#[test]
fn a_month_whose_days_were_run_shows_exactly_the_breaks_of_its_truth() {
    let clone = Clone::new();
    let days = clone.run(&["backfill", "rewards-daily", "--from", "2025-02-01", "--to", "2025-02-28"]);
    assert_eq!(days.code, Some(0), "{}{}", days.stdout, days.stderr);
    let ended = clone.day("rewards-monthly", MONTH);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let run = format!("rewards-monthly/{MONTH}/1");
    let truth = keyed_rows(&repository().join(format!("samples/data/truth-monthly-{MONTH}.csv")));
    assert_eq!(keyed_rows(&clone.report(&run).join("breaks.csv")), truth);
    let summary = clone.summary(&run);
    assert_eq!(summary["verdict"]["ties_out"], true);
    // January's file and 28 days, each with its digest.
    let read = summary["history"].as_array().unwrap();
    assert_eq!(read.len(), 29);
    assert!(read.iter().all(|input| input["sha256"].as_str().unwrap().len() == 64));
    assert!(ended.stdout.lines().all(|line| line.chars().count() <= 80), "{}", ended.stdout);
    // The same again, from what was kept.
    let again = clone.run(&["run", "rewards-monthly", "--period", MONTH, "--offline"]);
    assert!(again.stdout.contains("Since attempt 1: the same breaks; inputs unchanged"), "{}", again.stdout);
}

#[test]
fn of_a_month_whose_days_were_not_run_each_day_is_told() {
    let clone = Clone::new();
    assert_eq!(clone.day("rewards-monthly", MONTH).code, Some(0));
    let found = keyed_rows(&clone.report(&format!("rewards-monthly/{MONTH}/1")).join("breaks.csv"));
    let days: Vec<String> =
        found.into_iter().filter(|[_, kind, ..]| kind == "file_missing").map(|[key, ..]| key).collect();
    assert_eq!(days.len(), 28);
    assert_eq!((days[0].as_str(), days[27].as_str()), ("2025-02-01", "2025-02-28"));
}

#[test]
fn while_the_file_is_missing_every_row_of_core_banking_is_expected() {
    let clone = Clone::new();
    let ended = clone.day("core-daily", "2025-03-22");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let summary = clone.summary("core-daily/2025-03-22/1");
    let ledger = summary["statement"]["rows"].as_array().unwrap().iter().find(|row| row["side"] == "ledger").unwrap();
    assert_eq!(ledger["read"], 26, "{ledger}");
    assert_eq!(ledger["expected"], ledger["read"], "{ledger}");
}

#[test]
fn a_wrong_control_total_is_told_with_what_is_stated_and_what_the_rows_make() {
    let clone = Clone::new();
    let text = std::fs::read_to_string(repository().join("samples/data/core-2025-03-20.json")).unwrap();
    let export: Value = serde_json::from_str(&text).unwrap();
    let made: i64 = export["items"].as_array().unwrap().iter().map(|item| item["cents"].as_i64().unwrap()).sum();
    clone.day("core-daily", "2025-03-20");
    let written = std::fs::read_to_string(clone.report("core-daily/2025-03-20/1").join("breaks.csv")).unwrap();
    let told = format!("core-2025-03-20.json says {} minor units, its rows make {made}", export["meta"]["total"]);
    assert!(written.contains(&told), "{told}\n{written}");
}

/// A break of a whole file has no currency, and the truth gives it no measure.
fn without_measure_of_files(mut rows: Vec<[String; 4]>) -> Vec<[String; 4]> {
    for row in rows.iter_mut().filter(|row| row[2].is_empty()) {
        row[3].clear();
    }
    rows
}

#[test]
fn every_shipped_day_has_the_outcomes_that_are_no_breaks() {
    let clone = Clone::new();
    for day in days("rewards-daily") {
        clone.day("rewards-daily", &day);
        let run = format!("rewards-daily/{day}/1");
        let summary = clone.summary(&run);
        let told: BTreeSet<String> =
            keyed_rows(&clone.report(&run).join("breaks.csv")).into_iter().map(|row| row[0].clone()).collect();
        for outcome in ["expected", "excluded", "quarantined", "suggested"] {
            let broken: Vec<_> = keys_of(&day, outcome).intersection(&told).cloned().collect();
            assert!(broken.is_empty(), "{day}: {outcome}, and yet a break: {broken:?}");
        }
        assert_eq!(sum(&summary["expected"]), keys_of(&day, "expected").len() as u64, "{day}: {summary:#}");
        assert_eq!(summary["quarantine"]["count"], keys_of(&day, "quarantined").len(), "{day}");
        // A suggestion pairs two keys.
        assert_eq!(summary["suggestions"].as_u64(), Some(keys_of(&day, "suggested").len() as u64 / 2), "{day}");
        // The second of two equal files is excluded as a whole; the truth tells of keys.
        let excluded = summary["excluded"].as_array().unwrap().iter();
        let excluded = excluded.filter(|part| part["reason"] != "in a file that repeats another one");
        let rows: u64 = excluded.map(|part| part["rows"].as_u64().unwrap()).sum();
        assert_eq!(rows, keys_of(&day, "excluded").len() as u64, "{day}: {:#}", summary["excluded"]);
        // Every row of every side has one outcome.
        for side in summary["statement"]["rows"].as_array().unwrap() {
            assert_eq!(side["unaccounted"], 0, "{day}: {side}");
        }
    }
}

#[test]
fn the_day_whose_file_is_not_there_yet_ends_with_75_and_says_what_to_do() {
    let clone = Clone::new();
    let ended = clone.run(&["run", "rewards-daily", "--period", "2025-03-22", "-q"]);
    assert_eq!(ended.code, Some(75));
    assert_eq!(ended.stdout, "");
    assert_eq!(
        ended.stderr,
        "error: no file input for 2025-03-22 yet: kard earnedRewardSettledDailyReconciliationFile \
         cardlinked-reconciliation-250322; try again when it is there, or set inputs.file.on_missing to break\n"
    );
    assert!(!clone.report("rewards-daily/2025-03-22/1").exists());
    let listed = clone.run(&["runs", "--format", "csv"]).stdout;
    assert!(listed.contains("rewards-daily/2025-03-22/1,failed,75,"), "{listed}");
}

#[test]
fn every_shipped_job_that_compares_runs_and_its_summary_fits_a_screen() {
    let clone = Clone::new();
    let mut jobs = 0;
    let project = Project::load(repository()).unwrap();
    let (shipped, _) = job::load_all(&project);
    for job in shipped {
        let Some(reconciliation) = job.reconciliation() else { continue };
        // What is carried is handed to the runs of other days.
        let hands_on = reconciliation.carry > 0;
        let job = job.name;
        for day in days(&job) {
            let ended = clone.day(&job, &day);
            assert_eq!(ended.code, Some(0), "{job} {day}: {}", ended.stderr);
            let lines: Vec<_> = ended.stdout.lines().collect();
            // What is asked of the provider has lines of its own.
            let effects =
                lines.iter().skip_while(|line| **line != "Effects").take_while(|line| !line.starts_with("Rows"));
            assert!(lines.len() - effects.count() <= 25, "{job} {day}:\n{}", ended.stdout);
            assert!(lines.iter().all(|line| line.chars().count() <= 80), "{job} {day}:\n{}", ended.stdout);
            assert_eq!(lines[0], format!("{job} for {day}, attempt 1 (sandbox: a simulated provider)"));
            assert_eq!(lines.last(), Some(&"Exit code 0: the work is done."));
            // What it says it wrote is there, and beside it only what it hands to the runs of other days.
            let run = format!("{job}/{day}/1");
            assert!(ended.stdout.contains(&format!("Written to sandbox/runs/{run}\n")), "{}", ended.stdout);
            let mut written = lines[lines.len() - 2].split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>();
            written.extend(hands_on.then(|| "open-items.jsonl".to_owned()));
            let there = std::fs::read_dir(clone.report(&run)).unwrap();
            let there: BTreeSet<_> = there.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            assert_eq!(written, there, "{run}");
        }
        jobs += 1;
    }
    assert!(jobs > 0, "no job ships");
}

/// Job → rows of its sample, of which so many do not fit or repeat; what it sends, as `effects` counts it.
const SENDING: [(&str, [u64; 2], &str); 4] = [
    ("core-upload", [211, 3], "1 bulk_file"),
    ("history-enrolment", [612, 0], "1 historical_complete, 2 historical_part, 1 historical_start"),
    ("incoming-daily", [310, 0], "1 incoming_part"),
    ("marqeta-daily", [220, 0], "1 incoming_part"),
];

#[test]
fn the_shipped_jobs_that_send_are_these() {
    let (shipped, _) = job::load_all(&Project::load(repository()).unwrap());
    let sending: BTreeSet<String> =
        shipped.into_iter().filter(|job| job.sending().is_some()).map(|job| job.name).collect();
    assert_eq!(sending, SENDING.map(|(job, ..)| job.to_owned()).into());
}

#[test]
fn every_shipped_job_that_sends_sends_what_fits_and_a_second_run_nothing() {
    for (job, [read, unfit], kinds) in SENDING {
        let clone = Clone::new();
        let first = clone.day(job, "2025-03-19");
        assert_eq!(first.code, Some(0), "{job}: {}", first.stderr);
        assert!(first.stdout.lines().all(|line| line.chars().count() <= 80), "{job}:\n{}", first.stdout);
        assert_eq!(first.stdout.lines().last(), Some("Exit code 0: the work is done."));
        let run = format!("{job}/2025-03-19/1");
        if job == "history-enrolment" {
            // A person looks at it before it leaves.
            assert_eq!(side(&clone.summary(&run), "file", "expected"), read - unfit);
            let approved = clone.run(&["approve", "--all", "--run", &run, "--comment", "seen", "--by", "Mara Lind"]);
            assert_eq!(approved.code, Some(0), "{}", approved.stderr);
            let second = clone.day(job, "2025-03-19");
            assert_eq!(second.code, Some(0), "{job}: {}", second.stderr);
        }
        let listed = clone.run(&["effects", job, "--format", "json"]);
        let listed: Vec<Value> = serde_json::from_str(&listed.stdout).unwrap();
        let mut counts = std::collections::BTreeMap::<&str, u64>::new();
        for effect in &listed {
            assert_eq!(effect["state"], "acknowledged", "{job}: {effect}");
            *counts.entry(effect["kind"].as_str().unwrap()).or_default() += 1;
        }
        let counts: Vec<String> = counts.into_iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        assert_eq!(counts.join(", "), kinds, "{job}");
        // The sandbox of the last run is gone: what it took would be taken again, if it were sent.
        let before = std::fs::read(clone.folder.path().join("sandbox/notifications/notifications.jsonl")).ok();
        let last = clone.day(job, "2025-03-19");
        assert_eq!(last.code, Some(0), "{job}: {}", last.stderr);
        let after = std::fs::read(clone.folder.path().join("sandbox/notifications/notifications.jsonl")).ok();
        assert_eq!(before, after, "{job}: nothing is sent again");
        let attempt = if job == "history-enrolment" { 3 } else { 2 };
        let summary = clone.summary(&format!("{job}/2025-03-19/{attempt}"));
        assert_eq!(summary["verdict"]["ties_out"], true, "{job}");
        assert_eq!(["read", "matched"].map(|name| side(&summary, "file", name)), [read - unfit; 2], "{job}");
        assert_eq!(side(&summary, "ledger", "read"), read, "{job}");
        assert_eq!(summary["breaks"]["count"], 0, "{job}");
    }
}

/// A count of rows of one side.
fn side(summary: &Value, side: &str, name: &str) -> u64 {
    let rows = summary["statement"]["rows"].as_array().unwrap().iter().find(|rows| rows["side"] == side);
    rows.unwrap_or_else(|| panic!("no {side}"))[name].as_u64().unwrap()
}

#[test]
fn the_commands_of_the_readme_do_what_it_says_in_the_order_in_which_they_stand() {
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let blocks = readme.split("```").skip(1).step_by(2).flat_map(str::lines);
    let commands: Vec<Vec<String>> =
        blocks.filter(|line| line.contains("-- ") && line.contains(" --sandbox")).filter_map(arguments_of).collect();
    assert!(commands.len() > 5, "{commands:?}");
    let clone = Clone::new();
    // What goes on until it is stopped is served in tests of its own.
    for command in commands.into_iter().filter(|command| command[0] != "serve") {
        let arguments: Vec<&str> = command.iter().map(String::as_str).collect();
        let ended = clone.run_exactly(&arguments);
        assert_eq!(ended.code, Some(0), "{arguments:?}: {}{}", ended.stdout, ended.stderr);
        assert!(!ended.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn the_sandbox_leaves_the_project_of_production_alone() {
    let clone = Clone::new();
    clone.day("rewards-daily", "2025-03-21");
    let mut there: Vec<_> = std::fs::read_dir(clone.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    there.sort();
    assert_eq!(there, ["jobs", "samples", "sandbox", "tieout.yaml"]);
}

/// The arguments of a command line that calls the program, in one way or the other.
fn arguments_of(line: &str) -> Option<Vec<String>> {
    let line = line.trim().trim_start_matches("$ ");
    let line = line.split(" #").next().unwrap_or_default();
    let line = line.split(['|', '>']).next().unwrap_or_default();
    let line = line.rsplit("&& ").next().unwrap_or_default();
    let by_cargo = line.strip_prefix("cargo run ").and_then(|rest| rest.split_once("-- "));
    let arguments = by_cargo
        .filter(|(options, _)| !options.contains("--example"))
        .map(|(_, arguments)| arguments)
        .or_else(|| line.strip_prefix("tieout "))?;
    Some(arguments.split_whitespace().map(|word| word.trim_matches('"').to_owned()).collect())
}

/// The calls of a page: in its code blocks and between backquotes.
fn calls_of(page: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (number, part) in page.split("```").enumerate() {
        if number % 2 == 1 {
            found.extend(part.lines().filter_map(arguments_of));
        } else {
            found.extend(part.split('`').skip(1).step_by(2).filter_map(arguments_of));
        }
    }
    found
}

#[test]
fn the_readme_shows_what_the_program_prints() {
    let ended = Clone::new().day("rewards-daily", "2025-03-19");
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let shown = readme.split("<!-- summary -->\n```\n").nth(1).and_then(|rest| rest.split("```\n").next());
    assert_eq!(shown, Some(ended.stdout.as_str()), "copy the new summary into README.md");
}

#[test]
fn every_command_that_a_page_of_the_repository_names_exists() {
    let pages = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "samples/README.md"];
    for page in pages {
        let text = std::fs::read_to_string(repository().join(page)).unwrap_or_else(|error| panic!("{page}: {error}"));
        let calls = calls_of(&text);
        assert!(!calls.is_empty(), "{page} names no command");
        for arguments in calls {
            let parsed = Cli::try_parse_from([vec!["tieout".to_owned()], arguments.clone()].concat());
            if let Err(error) = parsed {
                let harmless = [clap::error::ErrorKind::DisplayHelp, clap::error::ErrorKind::DisplayVersion];
                assert!(harmless.contains(&error.kind()), "{page}: tieout {}\n{error}", arguments.join(" "));
            }
        }
    }
}
