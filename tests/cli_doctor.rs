//! `doctor`: what each finding means and which exit code it ends with.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::TimeDelta;
use tieout::commands::doctor::{Check, Probe, Verdict, lines, provider_check, rows, secret_checks, worst};
use tieout::exit::ExitCode;
use tieout::journal::Journal;
use tieout::output::Format;
use tieout::project::{HttpConfig, Secret};
use tieout::providers::kard::KardConfig;

const PROJECT: &str = "state: sqlite:.tieout/state.db\nartifacts: runs/\ndata: data/\nproviders: {}\n";

fn write_project(folder: &Path) {
    std::fs::write(folder.join("tieout.yaml"), PROJECT).unwrap();
}

fn failed(code: ExitCode) -> Check {
    Check { what: String::new(), verdict: Verdict::Fail(code), found: String::new(), to_do: String::new() }
}

#[test]
fn the_worst_finding_decides_the_exit_code() {
    let (configuration, refused, silent) =
        (ExitCode::Configuration, ExitCode::CredentialsRefused, ExitCode::ProviderUnavailable);
    for (codes, expected) in [
        (vec![], ExitCode::Done),
        (vec![silent], silent),
        (vec![refused, silent], refused),
        (vec![silent, configuration, refused], configuration),
    ] {
        let mut checks: Vec<_> = codes.iter().copied().map(failed).collect();
        let skewed = provider_check("kard", &Probe::Answered { clock_skew: Some(TimeDelta::minutes(-5)) });
        checks.push(skewed);
        assert_eq!(worst(&checks), expected, "{codes:?}");
    }
}

#[test]
fn what_a_provider_says_becomes_a_row_with_what_to_do() {
    let answered = |seconds| Probe::Answered { clock_skew: Some(TimeDelta::seconds(seconds)) };
    let checks = [
        provider_check("a", &answered(-30)),
        provider_check("b", &answered(31)),
        provider_check("c", &Probe::Answered { clock_skew: None }),
        provider_check("d", &Probe::Refused(anyhow::anyhow!("invalid_client").context("token request"))),
        provider_check("e", &Probe::Silent(anyhow::anyhow!("connection refused"))),
    ];
    assert_eq!(
        rows(&checks).render(Format::Csv, None),
        "\
check,verdict,found,to_do
provider a,ok,answers; clocks differ by 30 s,
provider b,warn,answers; clocks differ by 31 s,set this machine's clock by NTP
provider c,ok,answers; states no time,
provider d,fail,token request: invalid_client,\"check what tieout.yaml says of it (addresses, ids, secrets) with the provider\"
provider e,fail,connection refused,\"check base_url and token_url, this machine's network and its proxy settings\"
"
    );
    assert_eq!(checks[3].verdict, Verdict::Fail(ExitCode::CredentialsRefused));
    assert_eq!(checks[4].verdict, Verdict::Fail(ExitCode::ProviderUnavailable));
}

#[test]
fn a_secret_is_reported_by_its_place_and_never_by_its_value() {
    let folder = tempfile::TempDir::new().unwrap();
    let (full, empty) = (folder.path().join("full"), folder.path().join("empty"));
    std::fs::write(&full, "canary-value\n").unwrap();
    std::fs::write(&empty, "\n").unwrap();
    let config = KardConfig {
        base_url: String::new(),
        token_url: String::new(),
        organization: String::new(),
        target_issuer: None,
        client_id: Secret::File(full),
        client_secret: Secret::Env("TIEOUT_TEST_NO_SUCH_VARIABLE".to_owned()),
        webhook_key: Some(Secret::File(empty.clone())),
        webhook_key_previous: None,
        http: HttpConfig::default(),
    };
    let checks = secret_checks("kard", &config);
    let verdicts: Vec<_> = checks.iter().map(|check| (check.what.as_str(), check.verdict)).collect();
    let missing = Verdict::Fail(ExitCode::Configuration);
    assert_eq!(
        verdicts,
        [
            ("secret providers.kard.client_id", Verdict::Ok),
            ("secret providers.kard.client_secret", missing),
            ("secret providers.kard.webhook_key", missing),
        ]
    );
    assert_eq!(checks[1].found, "environment variable TIEOUT_TEST_NO_SUCH_VARIABLE is not set");
    assert_eq!(checks[2].found, format!("secret file {} is empty", empty.display()));
    assert_eq!(
        checks[1].to_do,
        "set TIEOUT_TEST_NO_SUCH_VARIABLE in the environment that starts tieout, or name another place at \
         providers.kard.client_secret in tieout.yaml"
    );
    assert_eq!(
        checks[2].to_do,
        format!(
            "write it into {}, readable by this user alone, or name another place at providers.kard.webhook_key in \
             tieout.yaml",
            empty.display()
        )
    );
    assert!(!rows(&checks).render(Format::Json, None).contains("canary"));
}

#[test]
fn people_read_a_line_for_each_check_and_below_it_what_to_do() {
    let checks = [
        Check { what: "state file".into(), verdict: Verdict::Ok, found: "can be written".into(), to_do: String::new() },
        provider_check("kard", &Probe::Refused(anyhow::anyhow!("invalid_client"))),
    ];
    assert_eq!(
        lines(&checks, None, false),
        "\
ok    state file     can be written
fail  provider kard  invalid_client
      to do: check what tieout.yaml says of it (addresses, ids, secrets) with the provider
1 of 2 checks failed (exit code 77). With --sandbox no account is needed.
"
    );
    assert!(lines(&checks[..1], None, false).ends_with("All 1 checks passed.\n"));
    let narrow = lines(&checks, Some(50), false);
    assert!(
        narrow
            .contains("      to do: check what tieout.yaml says of it\n             (addresses, ids, secrets) with the\n             provider\n"),
        "{narrow}"
    );
    assert!(lines(&checks, None, true).contains("\u{1b}[1;31mfail\u{1b}[0m  provider kard"));
}

#[test]
fn a_job_that_cannot_be_used_fails_with_the_way_to_the_problems() {
    let folder = tempfile::TempDir::new().unwrap();
    write_project(folder.path());
    std::fs::create_dir(folder.path().join("jobs")).unwrap();
    std::fs::write(folder.path().join("jobs/wrong.yaml"), "job: wrong\n").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tieout"));
    let output = command.args(["doctor", "--format", "json"]).current_dir(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(78));
    let rows: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let jobs = rows.as_array().unwrap().iter().find(|row| row["check"] == "jobs").unwrap();
    assert_eq!(jobs["verdict"], "fail");
    assert_eq!(jobs["to_do"], "run `tieout validate`: it tells each problem with file, line and what to write instead");
}

#[test]
fn doctor_tells_what_it_found_and_an_unusable_state_file_is_configuration() {
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(
        folder.path().join("tieout.yaml"),
        "state: sqlite:.tieout/state.db\nartifacts: runs/\ndata: data/\nproviders: {}\n",
    )
    .unwrap();
    let doctor = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tieout"));
        let output = command.args(["doctor", "--format", "jsonl"]).current_dir(folder.path()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, found) = doctor();
    assert_eq!(code, Some(0), "{found}");
    let (jobs, others): (Vec<&str>, Vec<&str>) = found.lines().partition(|line| line.contains("\"check\":\"jobs\""));
    assert!(others.iter().all(|line| line.contains("\"verdict\":\"ok\"")), "{found}");
    let no_job = r#"{"check":"jobs","verdict":"warn","found":"no file in jobs/","to_do":"write jobs/NAME.yaml; `tieout schema job` describes every key"}"#;
    assert_eq!(jobs, [no_job]);
    let left: Vec<PathBuf> =
        std::fs::read_dir(folder.path().join("runs")).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(left, [] as [PathBuf; 0], "the check leaves nothing behind");

    std::fs::remove_dir_all(folder.path().join(".tieout")).unwrap();
    std::fs::write(folder.path().join(".tieout"), "in the way").unwrap();
    let (code, found) = doctor();
    assert_eq!(code, Some(78), "{found}");
    assert!(
        found.contains(r#"{"check":"state file","verdict":"fail","found":"cannot write the state file "#),
        "{found}"
    );
}

/// tieout as a user who may read the project and write nothing in it.
fn unprivileged(project: &Path) -> Command {
    let root = std::fs::metadata(project).unwrap().uid() == 0;
    if !root {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tieout"));
        command.current_dir(project);
        return command;
    }
    // Permissions do not bind root, so another user has to try, with a program that it can reach.
    let program = project.join("tieout");
    // Copied by another process: one that this process has open for writing, be it in a child that another test
    // is just starting, could not be executed.
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_tieout")).arg(&program).status().unwrap();
    assert!(copied.success());
    let mut command = Command::new(program);
    command.uid(65_534).gid(65_534).current_dir(project);
    command
}

fn allow(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn a_read_only_project_can_be_listed_and_doctor_says_what_a_run_would_miss() {
    let folder = tempfile::TempDir::new().unwrap();
    let project = folder.path().canonicalize().unwrap();
    write_project(&project);
    let state = project.join(".tieout/state.db");
    Journal::open(&state).await.unwrap().close().await.unwrap();
    let mut list = unprivileged(&project);
    let mut doctor = unprivileged(&project);
    allow(&state, 0o444);
    allow(&project.join(".tieout"), 0o555);
    allow(&project, 0o555);

    let listed = list.args(["runs", "--format", "json"]).output().unwrap();
    assert_eq!(String::from_utf8(listed.stdout).unwrap(), "[]\n", "{}", String::from_utf8(listed.stderr).unwrap());

    let examined = doctor.args(["doctor", "--format", "json"]).output().unwrap();
    assert_eq!(examined.status.code(), Some(78));
    let rows: serde_json::Value = serde_json::from_slice(&examined.stdout).unwrap();
    let found = |index: usize| rows[index]["found"].as_str().unwrap().to_owned();
    let expected = format!(
        "cannot write the state file {}; the file and its folder must exist on a writable disk and belong to this user",
        state.display()
    );
    assert!(found(1).starts_with(&expected), "{rows}");
    assert!(found(2).starts_with(&format!("cannot write {}: ", project.join("runs").display())), "{rows}");
    assert_eq!((&rows[1]["verdict"], &rows[2]["verdict"]), (&"fail".into(), &"fail".into()));
    allow(&project, 0o755);
    allow(&project.join(".tieout"), 0o755);
}
