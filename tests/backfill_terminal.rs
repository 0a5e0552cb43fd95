//! What `tieout backfill` asks on a terminal: the program behind a pseudo-terminal of util-linux's `script`.

use std::io::Write as _;
use std::process::{Child, Stdio};

use crate::support::backfill_project::labels;
use crate::support::backfill_uploads::{assert_ingested, days};
use crate::support::project::{Output, TestProject};

/// Whether there is a `script` that takes a command and gives its exit code.
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn has_script() -> bool {
    let told = std::process::Command::new("script").arg("--version").output();
    let there = told.is_ok_and(|told| String::from_utf8_lossy(&told.stdout).contains("util-linux"));
    if !there {
        println!("skipped: there is no `script` of util-linux");
    }
    there
}

/// The backfill of two days, started on a terminal. Both streams of the program come as one.
fn on_terminal(project: &TestProject) -> Child {
    // `exec`: the terminal's keys reach all processes on it, and a shell that stays between dies of an interrupt.
    let command = format!("exec '{}' backfill core --from 2025-01-01 --to 2025-01-02", env!("CARGO_BIN_EXE_tieout"));
    let mut script = project.wrapped(&["script", "-qfec", &command, "/dev/null"], &[]);
    script.stdin(Stdio::piped()).env("NO_COLOR", "1").spawn().unwrap()
}

/// What it says when this is typed into it.
fn typed(project: &TestProject, answer: &str) -> Output {
    let mut process = on_terminal(project);
    process.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
    project.ended(process)
}

const QUESTION: &str = "To run: 2025-01-01 to 2025-01-02\r\na backfill of core over 2 periods sends transactions that \
                        nobody is asked about. Go on? [y/N] ";

#[test]
fn on_a_terminal_it_asks_before_it_sends_and_only_a_yes_sends() {
    if !has_script() {
        return;
    }
    let project = days(&labels(2), "", "");
    // Another word, an empty line, the end of the input.
    for no in ["n\n", "yesterday\n", "\n", "\u{4}"] {
        let declined = typed(&project, no).ended_with(75);
        assert_eq!(declined.stdout.matches(QUESTION).count(), 1, "{no:?}: {}", declined.stdout);
        assert!(declined.stdout.contains("not begun: the answer was no"), "{no:?}: {}", declined.stdout);
    }
    assert!(!project.path(".tieout/state.db").exists(), "nothing is begun");
    assert!(project.received().is_empty());

    let done = typed(&project, "Y\n").ended_with(0);
    assert_eq!(done.stdout.matches(QUESTION).count(), 1, "{}", done.stdout);
    assert!(done.stdout.contains("attempt 1: 2 of 2 done, 0 not done, 0 left out"), "{}", done.stdout);
    assert_ingested(&project, &labels(2));
    // Nothing is to be run: nothing is asked.
    let again = typed(&project, "").ended_with(0);
    assert!(!again.stdout.contains("Go on?"), "{}", again.stdout);
}

#[test]
fn the_interrupt_key_at_the_question_ends_it_and_nothing_is_begun() {
    if !has_script() {
        return;
    }
    let project = days(&labels(2), "", "");
    let mut process = on_terminal(&project);
    let mut stdin = process.stdin.take().unwrap();
    let mut told = String::new();
    let mut stdout = process.stdout.take().unwrap();
    // Typed before the program hears signals, the key would end it otherwise.
    while !told.ends_with("[y/N] ") {
        let mut bytes = [0; 4096];
        let count = std::io::Read::read(&mut stdout, &mut bytes).unwrap();
        assert!(count > 0, "it ended: {told}");
        told.push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
    stdin.write_all(b"\x03").unwrap();
    assert_eq!(process.wait().unwrap().code(), Some(75));
    assert!(!project.path(".tieout/state.db").exists(), "nothing is begun");
}
