//! The command line as such: help, usage errors, exit codes, colours, closed pipes.

use std::io::Read;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const COMMANDS: [&str; 39] = [
    "",
    "run",
    "plan",
    "backfill",
    "backfills",
    "backfills show",
    "validate",
    "jobs",
    "runs",
    "runs show",
    "breaks",
    "effects",
    "effects show",
    "approve",
    "reject",
    "reopen",
    "in-doubt list",
    "in-doubt show",
    "in-doubt resolve",
    "journal verify",
    "journal export",
    "journal anchor",
    "sign-off",
    "sign-off withdraw",
    "sign-offs",
    "evidence",
    "evidence verify",
    "listen",
    "subscriptions list",
    "subscriptions create",
    "subscriptions enable",
    "subscriptions disable",
    "doctor",
    "k8s render",
    "schema",
    "presets",
    "sandbox",
    "completions",
    "man",
];

fn tieout(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tieout"));
    command.args(arguments).env_remove("NO_COLOR").env_remove("RUST_LOG").current_dir(std::env::temp_dir());
    command
}

fn output(arguments: &[&str]) -> Output {
    tieout(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn every_help_fits_80_columns_and_shows_an_example() {
    for command in COMMANDS {
        for flag in ["--help", "-h"] {
            let arguments: Vec<_> = command.split_whitespace().chain([flag]).collect();
            let shown = output(&arguments);
            assert_eq!(shown.status.code(), Some(0), "{command}");
            let help = text(&shown.stdout);
            for line in help.lines() {
                assert!(line.chars().count() <= 80, "{command} {flag}: {line}");
            }
            let (_, example) =
                help.split_once(if command.is_empty() { "Start here" } else { "Example" }).expect(command);
            assert!(
                example.contains(&format!("tieout {}", if command.is_empty() { "run" } else { command })),
                "{help}"
            );
        }
    }
}

#[test]
fn the_help_ends_with_every_exit_code() {
    let help = text(&output(&["--help"]).stdout);
    let (_, codes) = help.split_once("Exit codes:").unwrap();
    for code in [0, 1, 2, 10, 20, 65, 69, 70, 75, 77, 78] {
        assert!(codes.contains(&format!("  {code}  ")), "{code} in {codes}");
    }
}

#[test]
fn a_wrong_command_line_ends_with_2_and_says_what_is_wrong() {
    let cases: [(&[&str], &str); 18] = [
        (&["rum"], "unrecognized subcommand 'rum'"),
        (&["run"], "--period <PERIOD>"),
        (&["run", "rewards-daily"], "--period <PERIOD>"),
        (&["jobs", "--format", "yaml"], "[possible values: table, json, jsonl, csv]"),
        (&["breaks", "rewards-daily", "--kind", "amount_mismach"], "a similar value exists: 'amount_mismatch'"),
        (&["breaks", "rewards-daily", "--min-amount", "1,50"], "invalid value '1,50' for '--min-amount <AMOUNT>'"),
        (
            &["run", "rewards-daily", "--period", "2025-03-19", "--run-time", "2025-03-20"],
            "expected a time with its offset, such as 2025-03-20T09:45:00Z",
        ),
        (&["jobs", "-q", "-v"], "cannot be used with"),
        (&["schema", "jobs"], "a similar value exists: 'job'"),
        (&["presets", "kard-reward"], "unknown preset `kard-reward`; did you mean `kard-rewards`?"),
        (&["effects", "--state", "in-doubt"], "a similar value exists: 'in_doubt'"),
        (&["approve", "--run", "rewards-daily/2025-03-19/1"], "<EFFECT>..."),
        (&["approve", "--all"], "--run <RUN>"),
        (&["approve", "12ab", "--all", "--run", "rewards-daily/2025-03-19/1"], "cannot be used with '--all'"),
        (&["reject", "12ab", "--run", "rewards-daily/2025-03-19/1"], "--comment <TEXT>"),
        (&["reopen", "12ab"], "--reason <TEXT>"),
        (&["in-doubt", "resolve", "12ab", "--reason", "x"], "<--applied|--not-applied|--resend>"),
        (&["in-doubt", "resolve", "12ab", "--reason", "x", "--applied", "--resend"], "cannot be used with"),
    ];
    for (arguments, message) in cases {
        let refused = output(arguments);
        let stderr = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains(message), "{arguments:?}: {stderr}");
        assert_eq!(text(&refused.stdout), "", "{arguments:?}");
    }
}

#[test]
fn no_command_at_all_shows_the_help() {
    let shown = output(&[]);
    assert_eq!(shown.status.code(), Some(2));
    assert!(text(&shown.stderr).contains("Usage: tieout [OPTIONS] <COMMAND>"));
}

#[test]
fn a_missing_project_is_told_once_with_what_to_do() {
    let folder = TempDir::new().unwrap();
    let place = folder.path().canonicalize().unwrap();
    let above = tieout(&["runs"]).current_dir(&place).output().unwrap();
    assert_eq!(above.status.code(), Some(78));
    assert_eq!(
        text(&above.stderr),
        format!(
            "error: no tieout.yaml in {} or any folder above it; go to the project's folder or name it with --project \
             DIR\n",
            place.display()
        )
    );
    let named = tieout(&["runs", "--project"]).arg(&place).output().unwrap();
    assert_eq!(named.status.code(), Some(78));
    assert_eq!(text(&named.stderr), format!("error: no tieout.yaml in {}, which --project names\n", place.display()));
}

#[test]
fn an_error_is_one_json_object_where_the_log_is_json() {
    let folder = TempDir::new().unwrap();
    let failed = tieout(&["runs", "--log-format", "json", "--color", "always"]).current_dir(&folder).output().unwrap();
    let line: serde_json::Value = serde_json::from_slice(&failed.stderr).unwrap();
    assert_eq!((line["level"].as_str(), line["exit_code"].as_u64()), (Some("ERROR"), Some(78)));
    assert!(line["message"].as_str().unwrap().starts_with("no tieout.yaml in "), "{line}");
}

#[test]
fn errors_are_coloured_only_on_demand_since_no_terminal_is_there() {
    let folder = TempDir::new().unwrap();
    let stderr = |color: &str, no_color: Option<&str>| {
        let mut command = tieout(&["runs", "--color", color]);
        if let Some(value) = no_color {
            command.env("NO_COLOR", value);
        }
        text(&command.current_dir(&folder).output().unwrap().stderr)
    };
    for (color, no_color, colored) in [
        ("auto", None, false),
        ("auto", Some("1"), false),
        ("never", None, false),
        ("always", None, true),
        // The command line is closer to the user than the environment.
        ("always", Some("1"), true),
    ] {
        assert_eq!(stderr(color, no_color).contains('\u{1b}'), colored, "{color} {no_color:?}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    for arguments in [&["man"][..], &["completions", "bash"], &["--help"]] {
        let mut process = tieout(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(process.stdout.take());
        let mut stderr = String::new();
        process.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!((process.wait().unwrap().code(), stderr.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn completions_and_manual_name_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = text(&output(&["completions", shell]).stdout);
        assert!(COMMANDS[1..].iter().flat_map(|name| name.split(' ')).all(|name| script.contains(name)), "{shell}");
    }
    assert!(text(&output(&["man"]).stdout).contains(".TH tieout 1"));

    let folder = TempDir::new().unwrap();
    let written = tieout(&["man", "--out"]).arg(folder.path().join("man1")).output().unwrap();
    assert_eq!((written.status.code(), text(&written.stdout).as_str()), (Some(0), ""));
    for page in ["tieout.1", "tieout-run.1", "tieout-runs-show.1", "tieout-breaks.1", "tieout-in-doubt-resolve.1"] {
        let page = folder.path().join("man1").join(page);
        assert!(std::fs::read_to_string(&page).unwrap().contains(".SH NAME"), "{}", page.display());
    }
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let refused = tieout(&["man", "--out"]).arg(&file).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let message = format!("error: cannot write the manual to {}; name a folder", file.display());
    assert!(text(&refused.stderr).starts_with(&message), "{}", text(&refused.stderr));
}
