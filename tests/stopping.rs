//! A run that is asked to stop: it ends at once, says so in the journal, and the next one goes on.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tieout::exit::ExitCode;
use tieout::journal::{Journal, RunFilter, RunStatus, Step};
use tieout::pipeline::{self, Request};
use tieout::project::Project;
use tieout::sandbox::{Options, Sandbox};

use crate::support::{self, plan};

const PERIOD: &str = "2025-03-19";

/// The shipped job against a sandbox; what it writes goes below `folder`.
fn request(sandbox: &Sandbox, folder: &Path) -> Request {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut project = Project::load(root).unwrap().with_sandbox(&sandbox.base_url);
    project.state = folder.join("state.db").into();
    project.artifacts = folder.join("runs");
    let job = tieout::job::load::load(&project, "rewards-daily").unwrap();
    Request { sandbox: true, ..support::request(project, job, PERIOD) }
}

/// Everything below a folder, by relative path.
fn files_below(folder: &Path) -> Vec<String> {
    let mut waiting = vec![folder.to_owned()];
    let mut found = Vec::new();
    while let Some(next) = waiting.pop() {
        for entry in std::fs::read_dir(next).into_iter().flatten().map(Result::unwrap) {
            if entry.path().is_dir() {
                waiting.push(entry.path());
            } else {
                found.push(entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_run_is_recorded_and_the_next_one_goes_on() {
    let folder = TempDir::new().unwrap();
    let mut options = Options::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/kard"));
    options.faults = plan("  - {on: files, nth: 1, do: {slow: 10m}}\n");
    let sandbox = Arc::new(Sandbox::start(options).await.unwrap());
    let request = request(&sandbox, folder.path());
    let journal = Journal::open(&request.project.state).await.unwrap();

    let begun = Instant::now();
    let seen = Arc::clone(&sandbox);
    let stop = async move {
        // The token has been asked for: the run stands in the middle of its pull.
        while seen.received().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        "SIGTERM"
    };
    let failure = pipeline::run(&request, &journal, stop).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_mins(1), "it waits for nobody");
    assert_eq!(failure.code, ExitCode::TryAgainLater);
    let told = "stopped by SIGTERM; nothing is half-written, run it again when it suits";
    assert_eq!(failure.to_string(), told);

    let [stopped] = journal.runs(&RunFilter::default()).await.unwrap().try_into().unwrap();
    assert_eq!(
        (stopped.status, stopped.exit_code, stopped.message.as_deref()),
        (RunStatus::Interrupted, Some(75), Some(told))
    );
    let steps: Vec<Step> = journal.steps(&stopped.id).await.unwrap().into_iter().map(|mark| mark.step).collect();
    assert_eq!(steps, [Step::Started, Step::Finished]);
    // What was pulled before the stop is whole and stays for the next attempt; nothing else does.
    let left = files_below(&request.project.artifacts);
    assert!(left.iter().all(|path| path.contains("/raw/sha256-")), "{left:?}");

    let finished = pipeline::run(&request, &journal, std::future::pending()).await.unwrap();
    assert_eq!(finished.facts.run.attempt, 2);
    assert!(finished.facts.ties_out());
    let left = files_below(&request.project.artifacts);
    assert!(left.iter().all(|path| !path.contains(".tmp-")), "{left:?}");
}
