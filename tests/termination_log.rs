//! The last words of a run: one line of JSON for whoever started it.

use serde_json::{Value, json};
use tieout::commands::termination::{LastWords, MOST_BYTES};
use tieout::exit::ExitCode;

use crate::support::project::{DAY, TestProject};

/// The one line that a run has left.
fn last_words(project: &TestProject) -> Value {
    let text = String::from_utf8(project.read("last-words")).unwrap();
    assert_eq!(text.matches('\n').count(), 1, "{text}");
    assert!(text.ends_with('\n') && text.len() <= MOST_BYTES);
    serde_json::from_str(&text).unwrap()
}

fn run(project: &TestProject, job: &str, more: &[&str]) -> i32 {
    // Kubernetes has put the file there; what it held is gone.
    project.write("last-words", "x".repeat(9000));
    let log = project.path("last-words");
    let arguments = [&["run", job, "--period", DAY, "--termination-log", log.to_str().unwrap()], more].concat();
    project.run(&arguments).code.unwrap()
}

#[test]
fn a_run_that_did_its_work_says_what_it_found() {
    let project = TestProject::small();
    assert_eq!(run(&project, "rewards", &[]), 0);
    let expected = json!({
        "job": "rewards",
        "period": DAY,
        "attempt": 1,
        "verdict": "done",
        "exit_code": 0,
        "breaks": 3,
        "at_risk": [{"currency": "USD", "measure": "transaction_amount", "at_risk_minor": "1270"}],
        "ties_out": true,
        "message": "Ties out with 3 breaks to review",
    });
    assert_eq!(last_words(&project), expected);
}

#[test]
fn a_breached_gate_is_told() {
    let project = TestProject::small();
    project.write("jobs/rewards.yaml", crate::support::project::job(&[("job", "gates: {max_breaks: 1}")]));
    assert_eq!(run(&project, "rewards", &[]), 10);
    let words = last_words(&project);
    assert_eq!((&words["verdict"], &words["exit_code"]), (&json!("gate_breached"), &json!(10)));
    assert_eq!(words["breaks"], json!(3));
}

#[test]
fn a_run_that_never_became_one_says_why() {
    let mut project = TestProject::small();
    // A wrong job file; no such job; an input that is not there; nobody at the provider.
    project.write("jobs/wrong.yaml", "job: wrong\n");
    assert_eq!(run(&project, "wrong", &[]), 78);
    let words = last_words(&project);
    assert_eq!((&words["job"], &words["period"], &words["attempt"]), (&json!("wrong"), &json!(DAY), &Value::Null));
    assert_eq!((&words["verdict"], &words["breaks"]), (&json!("configuration"), &Value::Null));
    assert!(words["message"].as_str().unwrap().contains("jobs/wrong.yaml:"), "{words}");

    assert_eq!(run(&project, "nowhere", &[]), 78);
    assert!(last_words(&project)["message"].as_str().unwrap().contains("there is no job `nowhere`"));

    project.write(
        "jobs/absent.yaml",
        crate::support::project::job(&[]).replace("job: rewards", "job: absent").replace("ledger-", "absent-"),
    );
    assert_eq!(run(&project, "absent", &[]), 75);
    let words = last_words(&project);
    assert_eq!(words["verdict"], json!("try_again_later"));
    assert!(words["message"].as_str().unwrap().contains("no ledger input for 2025-03-19 yet"), "{words}");

    project.stop_provider();
    assert_eq!(run(&project, "rewards", &[]), 69);
    assert_eq!(last_words(&project)["verdict"], json!("provider_unavailable"));

    project.write("tieout.yaml", "stat: x\n");
    assert_eq!(run(&project, "rewards", &[]), 78);
    assert!(last_words(&project)["message"].as_str().unwrap().contains("unknown key `stat`"));
}

#[test]
fn the_environment_names_the_file_as_well_and_one_that_cannot_be_written_is_a_warning() {
    let project = TestProject::small();
    let mut command = project.command(&["run", "rewards", "--period", DAY]);
    command.env("TIEOUT_TERMINATION_LOG", project.path("last-words"));
    project.ended(command.spawn().unwrap()).ended_with(0);
    assert_eq!(last_words(&project)["exit_code"], json!(0));

    let output = project.run_day(&["--termination-log", "no/such/folder"]).ended_with(0);
    assert!(output.stderr.contains("cannot write the termination log no/such/folder: "), "{}", output.stderr);
}

#[test]
fn however_long_a_message_is_the_line_fits_and_holds_no_card() {
    for message in [
        "4111 1111 1111 1111 was refused".to_owned(),
        "\u{1b}[31m\n\"".repeat(3000),
        "é€𝄞".repeat(3000),
        "\u{202e}".repeat(9000),
    ] {
        let line = LastWords::without_run("job", "auto", ExitCode::InputData, message).line();
        assert!(line.len() <= MOST_BYTES, "{}", line.len());
        assert_eq!(line.matches('\n').count(), 1);
        assert!(!line.contains("4111 1111") && !line.contains("\\u001b"), "{line}");
        let words: Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&words["verdict"], &words["exit_code"]), (&json!("input_data"), &json!(65)));
    }
}
