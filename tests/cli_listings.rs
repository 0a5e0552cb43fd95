//! `runs`, `runs show` and `breaks` over a journal and a report that this test makes.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Output};

use chrono::{DateTime, TimeZone, Utc};
use polars::prelude::{DataFrame, DataType, ParquetWriter, TimeUnit, TimeZone as PolarsZone, df};
use serde_json::{Value, json};
use tempfile::TempDir;
use tieout::exit::ExitCode;
use tieout::frames::Side;
use tieout::journal::{Ending, Journal, NewRun, RunOutcome, SCHEMA_VERSION, Step};
use tieout::sources::{Origin, RawFile};

const PROJECT: &str = "\
state: sqlite:.tieout/state.db
artifacts: runs/
data: data/
providers:
  kard:
    type: kard
    base_url: https://test-rewards-api.getkard.com
    token_url: https://acme.getkard.com/v2/auth/token
    organization: org-123
    client_id: {env: KARD_CLIENT_ID}
    client_secret: {env: KARD_CLIENT_SECRET}
";

const RUN: &str = "rewards-daily/2025-03-19/2";

/// A project with a failed attempt, a finished one with four breaks, and a running one of another day.
struct Fixture {
    folder: TempDir,
}

fn at(minute: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2025, 3, 20, 9, minute, 0).unwrap()
}

fn new_run(period: &str, minute: u32, note: Option<&str>) -> NewRun {
    NewRun {
        job: "rewards-daily".to_owned(),
        period: period.to_owned(),
        note: note.map(str::to_owned),
        job_sha256: "ab".repeat(32),
        program_version: "0.1.0".to_owned(),
        started_at: at(minute),
        sandbox: false,
        started_by: "dana".to_owned(),
        lease_epoch: None,
    }
}

fn outcome(ending: Ending, exit_code: ExitCode, finished: bool, message: Option<&str>, minute: u32) -> RunOutcome {
    RunOutcome {
        ending,
        exit_code,
        breaks: finished.then_some(4),
        rows: finished.then_some(180),
        ties_out: finished.then_some(true),
        message: message.map(str::to_owned),
        finished_at: at(minute),
        artifacts: None,
    }
}

async fn fill(journal: &Journal) {
    let failed = journal.start_run(new_run("2025-03-19", 0, None)).await.unwrap();
    let waiting = outcome(Ending::Failed, ExitCode::TryAgainLater, false, Some("the file is not there yet"), 1);
    journal.finish(&failed, waiting).await.unwrap();

    let run = journal.start_run(new_run("2025-03-19", 5, Some("=late, \"file\""))).await.unwrap();
    for step in
        [Step::Pulled, Step::Normalized, Step::Matched, Step::Classified, Step::Planned, Step::Sent, Step::Reported]
    {
        journal.mark(&run, step, json!({ "rows": 180 })).await.unwrap();
    }
    let ledger = RawFile {
        name: "ledger-2025-03-19.csv".to_owned(),
        origin: Origin::Path { path: "data/ledger-2025-03-19.csv".to_owned() },
        stored: "runs/rewards-daily/2025-03-19/raw/sha256-cd".into(),
        sha256: "cd".repeat(32),
        bytes: 4_096,
    };
    journal.record_inputs(&run, &[(Side::Ledger, ledger, 60)]).await.unwrap();
    journal.finish(&run, outcome(Ending::GateBreached, ExitCode::GateBreached, true, None, 6)).await.unwrap();

    journal.start_run(new_run("2025-03-20", 10, None)).await.unwrap();
}

fn break_frame() -> DataFrame {
    let mut frame = df!(
        "id" => ["00000000000000a1", "00000000000000a2", "00000000000000a3", "00000000000000a4"],
        "kind" => ["reward_mismatch", "amount_mismatch", "amount_mismatch", "file_late"],
        "key" => ["txn-1", "=cmd|'/c calc'!A1", "txn-3", "file.json"],
        "currency" => ["USD", "USD", "JPY", ""],
        "measure" => ["user_reward", "transaction_amount", "transaction_amount", "transaction_amount"],
        "at_risk_minor" => [1_250_i64, 99, 1_300, 0],
        "difference_minor" => [Some(-1_250_i64), Some(99), Some(-1_300), None],
        "occurred_at" => [Some(1_742_385_600_000_000_i64), Some(1_742_385_600_500_000), None, None],
        "age_days" => [0_i64, 0, 3, 0],
        "status" => ["written_off", "open", "resolved", "open"],
        "detail" => ["rewards differ", "-0.99 too little", "amounts differ", "came late"],
    )
    .unwrap();
    let time = DataType::Datetime(TimeUnit::Microseconds, Some(PolarsZone::UTC));
    let times = frame.column("occurred_at").unwrap().cast(&time).unwrap();
    frame.with_column(times).unwrap();
    frame
}

impl Fixture {
    fn new() -> Self {
        let fixture = Self::empty();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let journal = Journal::open(&fixture.path().join(".tieout/state.db")).await.unwrap();
            fill(&journal).await;
            journal.close().await.unwrap();
        });
        let artifacts = fixture.path().join("runs").join(RUN);
        std::fs::create_dir_all(&artifacts).unwrap();
        let file = File::create(artifacts.join("breaks.parquet")).unwrap();
        ParquetWriter::new(file).finish(&mut break_frame()).unwrap();
        fixture
    }

    fn empty() -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("tieout.yaml"), PROJECT).unwrap();
        Self { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn tieout(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tieout"));
        command.args(arguments).env_remove("NO_COLOR").current_dir(self.path());
        command.output().unwrap()
    }

    /// Stdout of a command that succeeds.
    fn stdout(&self, arguments: &[&str]) -> String {
        let output = self.tieout(arguments);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {stderr}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.stdout(&[arguments, &["--format", "json"]].concat())).unwrap()
    }

    /// Exit code and stderr of a command that fails and prints no result.
    fn failure(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = self.tieout(arguments);
        assert_eq!(output.stdout, b"", "{arguments:?}");
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }

    fn keys(&self, arguments: &[&str]) -> Vec<String> {
        let rows = self.json(arguments);
        rows.as_array().unwrap().iter().map(|row| row["key"].as_str().unwrap().to_owned()).collect()
    }
}

#[test]
fn runs_are_listed_latest_first_in_every_form() {
    let fixture = Fixture::new();
    assert_eq!(
        fixture.stdout(&["runs", "--format", "csv", "--limit", "2"]),
        "\
run,status,exit_code,breaks,rows,ties_out,started_at,finished_at,note,message,seal
rewards-daily/2025-03-20/1,running,,,,,2025-03-20T09:10:00Z,,,,
rewards-daily/2025-03-19/2,gate_breached,10,4,180,true,2025-03-20T09:05:00Z,2025-03-20T09:06:00Z,\"'=late, \"\"file\"\"\",,
"
    );
    assert_eq!(
        fixture.stdout(&["runs", "rewards-daily", "--period", "2025-03-19", "--format", "jsonl"]),
        r#"{"run":"rewards-daily/2025-03-19/2","status":"gate_breached","exit_code":10,"breaks":4,"rows":180,"ties_out":true,"started_at":"2025-03-20T09:05:00Z","finished_at":"2025-03-20T09:06:00Z","note":"=late, \"file\"","message":null,"seal":null}
{"run":"rewards-daily/2025-03-19/1","status":"failed","exit_code":75,"breaks":null,"rows":null,"ties_out":null,"started_at":"2025-03-20T09:00:00Z","finished_at":"2025-03-20T09:01:00Z","note":null,"message":"the file is not there yet","seal":null}
"#
    );
    assert_eq!(fixture.json(&["runs", "no-such-job"]), json!([]));
    let table = fixture.stdout(&["runs", "--limit", "1"]);
    let words: Vec<Vec<_>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(words[1], ["rewards-daily/2025-03-20/1", "running", "2025-03-20T09:10:00Z"]);
    assert_eq!(words.len(), 2);
}

#[test]
fn one_run_is_shown_with_its_steps_and_inputs() {
    let fixture = Fixture::new();
    let shown = fixture.json(&["runs", "show", RUN]);
    assert_eq!(shown["run"]["status"], "gate_breached");
    let steps: Vec<_> = shown["steps"].as_array().unwrap().iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(
        steps,
        ["started", "pulled", "normalized", "matched", "classified", "planned", "sent", "reported", "finished"]
    );
    assert_eq!(shown["inputs"][0]["file"]["sha256"], "cd".repeat(32));

    let table = fixture.stdout(&["runs", "show", RUN]);
    for part in ["gate_breached", "started_by", "dana", "reported", "ledger-2025-03-19.csv", "4096", "=late, \"file\""]
    {
        assert!(table.contains(part), "{part} in\n{table}");
    }
    // Global options may stand anywhere.
    let before = fixture.stdout(&["--format", "csv", "runs", "show", RUN]);
    assert!(before.starts_with("field,value\nrun,rewards-daily/2025-03-19/2\nstatus,gate_breached\n"), "{before}");
}

#[test]
fn breaks_are_the_last_finished_run_of_a_job_with_exact_amounts() {
    let fixture = Fixture::new();
    let by_job = fixture.stdout(&["breaks", "rewards-daily", "--format", "csv"]);
    assert_eq!(
        by_job,
        "\
id,kind,key,currency,measure,at_risk,difference,occurred_at,age_days,status,detail
00000000000000a1,reward_mismatch,txn-1,USD,user_reward,12.50,-12.50,2025-03-19T12:00:00Z,0,written_off,rewards differ
00000000000000a2,amount_mismatch,'=cmd|'/c calc'!A1,USD,transaction_amount,0.99,0.99,2025-03-19T12:00:00.500Z,0,open,'-0.99 too little
00000000000000a3,amount_mismatch,txn-3,JPY,transaction_amount,1300,-1300,,3,resolved,amounts differ
00000000000000a4,file_late,file.json,,transaction_amount,0.00,,,0,open,came late
"
    );
    assert_eq!(fixture.stdout(&["breaks", RUN, "--format", "csv"]), by_job);
    let json = fixture.json(&["breaks", RUN]);
    assert_eq!((&json[0]["at_risk"], &json[1]["key"]), (&json!("12.50"), &json!("=cmd|'/c calc'!A1")));
}

#[test]
fn breaks_are_filtered_by_kind_key_currency_amount_and_number() {
    let fixture = Fixture::new();
    let formula = "=cmd|'/c calc'!A1";
    let cases: [(&[&str], &[&str]); 9] = [
        (&["--kind", "amount_mismatch"], &[formula, "txn-3"]),
        (&["--kind", "file_late", "--kind", "reward_mismatch"], &["txn-1", "file.json"]),
        (&["--key", "txn"], &["txn-1", "txn-3"]),
        (&["--currency", "usd"], &["txn-1", formula]),
        // 12.50 USD is 1250 minor units, 1300 JPY are 1300.
        (&["--min-amount", "12.50"], &["txn-1", "txn-3"]),
        (&["--min-amount", "12.51"], &["txn-3"]),
        (&["--min-amount", "0.99", "--currency", "USD", "--kind", "amount_mismatch"], &[formula]),
        (&["--limit", "1"], &["txn-1"]),
        (&["--period", "2025-03-19", "--key", "nothing like it"], &[]),
    ];
    for (filter, keys) in cases {
        assert_eq!(fixture.keys(&[&["breaks", "rewards-daily"], filter].concat()), keys, "{filter:?}");
    }
}

#[test]
fn how_many_breaks_are_left_out_is_told_on_stderr() {
    let fixture = Fixture::new();
    let output = fixture.tieout(&["breaks", RUN, "--key", "txn", "--limit", "1"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("the first 1 of 2 that match; 4 breaks in all"), "{stderr}");
    let quiet = fixture.tieout(&["breaks", RUN, "-q"]);
    assert_eq!(quiet.stderr, b"");
}

#[test]
fn breaks_that_cannot_be_shown_are_told_with_what_to_do() {
    let fixture = Fixture::new();
    let path = fixture.path().canonicalize().unwrap().join("runs").join(RUN).join("breaks.parquet");
    let cases: [(&[&str], i32, String); 5] = [
        (
            &["breaks", "reward-daily/2025-03-19/2"],
            2,
            "no run `reward-daily/2025-03-19/2` in the state file; did you mean rewards-daily/2025-03-19/2 or \
             rewards-daily/2025-03-19/1 or rewards-daily/2025-03-20/1?"
                .to_owned(),
        ),
        (
            &["breaks", "reward-daily"],
            2,
            "no finished run of `reward-daily`; jobs with finished runs: rewards-daily".to_owned(),
        ),
        (
            &["breaks", "rewards-daily", "--period", "2025-03-20"],
            2,
            "no finished run of `rewards-daily` for 2025-03-20; jobs with finished runs: rewards-daily".to_owned(),
        ),
        (
            &["breaks", "rewards-daily/2025-03-19/1"],
            65,
            "run rewards-daily/2025-03-19/1 ended as `failed` and wrote no breaks; `tieout runs show \
             rewards-daily/2025-03-19/1` says why"
                .to_owned(),
        ),
        (
            &["breaks", "rewards-daily"],
            65,
            format!("the breaks of run {RUN} are gone: no file {}; run the period again to have them", path.display()),
        ),
    ];
    std::fs::remove_file(&path).unwrap();
    for (arguments, code, message) in cases {
        assert_eq!(fixture.failure(arguments), (Some(code), format!("error: {message}\n")), "{arguments:?}");
    }
    std::fs::write(&path, "no parquet").unwrap();
    let (code, stderr) = fixture.failure(&["breaks", "rewards-daily"]);
    let message = format!("error: cannot read {}; run the period again to have it written anew: ", path.display());
    assert!(code == Some(65) && stderr.starts_with(&message), "{stderr}");
}

#[test]
fn a_project_in_which_nothing_was_run_has_empty_lists_and_gets_no_state_file() {
    let fixture = Fixture::empty();
    assert_eq!(fixture.json(&["runs"]), json!([]));
    assert_eq!(
        fixture.failure(&["breaks", "rewards-daily"]),
        (Some(2), "error: no finished run of `rewards-daily`; `tieout run JOB --period PERIOD` makes one\n".to_owned())
    );
    assert_eq!(fixture.failure(&["runs", "show", RUN]).0, Some(2));
    assert!(!fixture.path().join(".tieout").exists());
}

#[test]
fn the_project_is_found_from_a_folder_below_it() {
    let fixture = Fixture::new();
    std::fs::create_dir(fixture.path().join("below")).unwrap();
    let project = fixture.path().to_str().unwrap();
    for arguments in [&["runs", "--project", project][..], &["--project", project, "runs"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tieout"));
        let output = command.args(arguments).current_dir(std::env::temp_dir()).output().unwrap();
        assert!(String::from_utf8(output.stdout).unwrap().contains(RUN), "{arguments:?}");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_tieout"));
    let output = command.arg("runs").current_dir(fixture.path().join("below")).output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains(RUN));
}

#[test]
fn the_sandbox_keeps_a_world_of_its_own() {
    let fixture = Fixture::new();
    assert_eq!(fixture.json(&["runs", "--sandbox"]), json!([]));
}

#[test]
fn a_newer_state_file_ends_with_78() {
    let fixture = Fixture::new();
    let state = fixture.path().join(".tieout/state.db");
    // Bytes 60 to 63 of an SQLite file are its user version (https://www.sqlite.org/fileformat.html).
    let mut bytes = std::fs::read(&state).unwrap();
    let newer = SCHEMA_VERSION + 1;
    bytes[60..64].copy_from_slice(&newer.to_be_bytes());
    std::fs::write(&state, bytes).unwrap();
    let (code, stderr) = fixture.failure(&["runs"]);
    assert_eq!(code, Some(78));
    let words =
        format!("its tables are of version {newer}, this program knows {SCHEMA_VERSION}; install the newer program");
    assert!(stderr.contains(&words), "{stderr}");
}
