//! The shipped job of Kuggar's cards, as a newcomer runs it: it finds the labelled breaks and nothing else.

use std::collections::BTreeSet;
use std::path::Path;

use crate::support::kuggar::project;
use crate::support::project::{DAY, keyed_rows};

const RUN: &str = "kuggar-cards/2025-03-19/1";

fn truth() -> Vec<[String; 4]> {
    keyed_rows(&Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/data/truth-kuggar-2025-03-19.csv"))
}

#[test]
fn the_job_finds_the_labelled_breaks_and_ties_out() {
    let project = project("", None);
    project.run(&["run", "kuggar-cards", "--period", DAY]).ended_with(0);
    assert_eq!(project.breaks(RUN), truth());
    let summary = project.summary(RUN);
    assert_eq!(summary["verdict"]["ties_out"], true, "{summary}");
    assert_eq!(summary["breaks"]["count"], truth().len());
    let warnings = summary["warnings"].to_string();
    assert!(warnings.contains("1 row states no `kuggar_id`: kuggar is not asked about it"), "{warnings}");

    let asked = project.received();
    let views: BTreeSet<&str> =
        asked.iter().filter(|request| request.method == "GET").map(|request| request.path.as_str()).collect();
    assert_eq!(views.len(), 41, "each card of the ledger that has an id, once");
    assert_eq!(asked.len(), 42, "and one login");
}

#[test]
fn the_reason_of_a_failure_is_told_and_masked() {
    let project = project("", None);
    project.run(&["run", "kuggar-cards", "--period", DAY]).ended_with(0);
    let breaks = String::from_utf8(project.read(&format!("runs/{RUN}/breaks.csv"))).unwrap();
    assert!(breaks.contains("The issuer declined the card: funding account is blocked"), "{breaks}");
    assert!(breaks.contains("Change refused for card ************"), "{breaks}");
}

#[test]
fn a_run_again_offline_asks_nobody_and_finds_the_same() {
    let mut project = project("", None);
    project.run(&["run", "kuggar-cards", "--period", DAY]).ended_with(0);
    project.stop_provider();
    project.run(&["run", "kuggar-cards", "--period", DAY, "--offline"]).ended_with(0);
    assert_eq!(project.breaks("kuggar-cards/2025-03-19/2"), truth());
}

#[test]
fn the_same_cards_give_the_same_bytes_whatever_answers_first() {
    let stored = |faults: &str| {
        let project = project(faults, None);
        project.run(&["run", "kuggar-cards", "--period", DAY]).ended_with(0);
        let stored = project.listing("runs/kuggar-cards/2025-03-19/raw");
        assert_eq!(stored.len(), 2, "{stored:?}");
        stored
    };
    let slow = "  - {on: kuggar.card, nth: 3, do: {slow: 200ms}}\n  - {on: kuggar.card, nth: 9, do: {status: 503}}\n";
    assert_eq!(stored(""), stored(slow), "named by their digests");
}

#[test]
fn a_provider_that_is_away_ends_the_run_and_leaves_no_report() {
    let project = project("  - {on: kuggar.card, nth: every, do: {status: 503}}\n", None);
    let ended = project.run(&["run", "kuggar-cards", "--period", DAY]).ended_with(69);
    assert!(
        ended.error().contains("Kuggar is not accessible now, as while it is maintained; run again later"),
        "{ended:?}"
    );
    assert!(!project.path(&format!("runs/{RUN}/summary.json")).exists());
}

#[test]
fn with_the_sandbox_of_the_program_one_command_does_it() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::copy(repository.join("tieout.yaml"), folder.path().join("tieout.yaml")).unwrap();
    for name in ["jobs", "samples/kard", "samples/kuggar", "samples/data"] {
        crate::support::project::copy_folder(&repository.join(name), &folder.path().join(name));
    }
    let ended = std::process::Command::new(env!("CARGO_BIN_EXE_tieout"))
        .args(["run", "kuggar-cards", "--period", DAY, "--sandbox"])
        .current_dir(folder.path())
        .env_remove("KUGGAR_CLIENT_ID")
        .env_remove("KUGGAR_CLIENT_SECRET")
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(keyed_rows(&folder.path().join(format!("sandbox/runs/{RUN}/breaks.csv"))), truth());
}
