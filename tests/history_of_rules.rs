//! The periods before that fraud rules read: which files these are, that they are inputs, and what is told of gaps.

use tempfile::TempDir;
use tieout::exit::{ExitCode, Failure};
use tieout::frames::Side;
use tieout::job::{self, Caution, Effects, FraudRule, MarkerRule, Rate};
use tieout::journal::Journal;
use tieout::pipeline::{self, Finished, Request};
use tieout::project::Project;

use crate::support::{reconciliation, request};

const JOB: &str = "\
job: daily
period: {grain: day, timezone: UTC}
inputs:
  file:
    path: file.csv
    columns: {transaction_id: id, amount: amount, currency: {constant: USD}}
  ledger:
    path: ledger-{period}.csv
    columns: {transaction_id: id, user: user, amount: amount, currency: {constant: USD}}
match:
  compare:
    amount: {tolerance: 0}
";

/// A project of two local files for 2025-03-19, and whatever a test adds.
/// Nobody is asked at these addresses: every marker waits for approval.
const PROJECT: &str = "\
state: sqlite:state.db
artifacts: runs/
data: data/
providers:
  kard:
    type: kard
    base_url: http://127.0.0.1:9
    token_url: http://127.0.0.1:9/token
    organization: org-123
    client_id: {env: NOBODY}
    client_secret: {env: NOBODY}
";

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(TempDir::new().unwrap());
        folder.write("tieout.yaml", PROJECT);
        folder.write("jobs/daily.yaml", JOB);
        folder.write("data/file.csv", "id,amount\na,100\n");
        folder.write("data/ledger-2025-03-19.csv", "id,user,amount\na,u-1,100\n");
        folder
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn remove(&self, path: &str) {
        std::fs::remove_file(self.0.path().join(path)).unwrap();
    }

    /// The job with one rule that looks so many periods back on a side.
    fn request(&self, side: Side, history: u32) -> Request {
        let project = Project::load(self.0.path()).unwrap();
        let mut job = job::load(&project, "daily").unwrap_or_else(|problems| panic!("{problems}"));
        let values = vec!["u-1".to_owned()];
        let fraud_marker = MarkerRule {
            kinds: Vec::new(),
            side,
            history,
            rules: vec![FraudRule::Deny { field: tieout::frames::Field::User, values }],
            caution: Caution::default(),
        };
        reconciliation(&mut job).effects = Some(Effects {
            provider: "kard".to_owned(),
            concurrency: 1,
            rate: Rate { calls: 1, per: std::time::Duration::from_secs(1) },
            provider_audit: None,
            fraud_marker: Some(fraud_marker),
            cards: std::collections::BTreeMap::new(),
        });
        request(project, job, "2025-03-19")
    }

    async fn journal(&self) -> Journal {
        Journal::open(&self.0.path().join("state.db")).await.unwrap()
    }
}

async fn run(request: &Request, journal: &Journal) -> Result<Finished, Failure> {
    pipeline::run(request, journal, std::future::pending()).await
}

fn warnings(finished: &Finished) -> Vec<&str> {
    finished.facts.warnings.iter().map(|warning| warning.message.as_str()).collect()
}

/// Side and name of what the journal holds as a run's inputs.
async fn inputs(journal: &Journal, run: &str) -> Vec<String> {
    let inputs = journal.inputs(run).await.unwrap();
    inputs.into_iter().map(|input| format!("{} {} {}", input.side, input.file.name, input.rows)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_earlier_periods_are_inputs_and_missing_ones_are_counted() {
    let folder = Folder::new();
    folder.write("data/ledger-2025-03-16.csv", "id,user,amount\nx,u-1,100\ny,u-1,100\n");
    folder.write("data/ledger-2025-03-18.csv", "id,user,amount\nz,u-1,100\n");
    folder.write("data/ledger-2025-03-14.csv", "id,user,amount\nold,u-1,100\n");
    let journal = folder.journal().await;
    let finished = run(&folder.request(Side::Ledger, 4), &journal).await.unwrap();
    let expected = [
        "file file.csv 1",
        "ledger ledger-2025-03-16.csv 2",
        "ledger ledger-2025-03-18.csv 1",
        "ledger ledger-2025-03-19.csv 1",
    ];
    let mut found = inputs(&journal, &finished.facts.run.id).await;
    found.sort();
    assert_eq!(found, expected);
    let told = "of the 4 periods that the rules of fraud_marker look back, 2 have no file ledger-{period}.csv: the rules \
                know less of them";
    assert_eq!(warnings(&finished), [told]);
    // They are no part of the comparison, and stand in the report with their digests.
    assert_eq!(finished.facts.statement.rows[1].read, 1);
    let told: Vec<_> = finished.facts.history.iter().map(|file| (file.name.as_str(), file.rows)).collect();
    assert_eq!(told, [("ledger-2025-03-16.csv", 2), ("ledger-2025-03-18.csv", 1)]);
    let page = finished.written.iter().find(|path| path.ends_with("report.html")).unwrap();
    let page = std::fs::read_to_string(page).unwrap();
    for file in &finished.facts.history {
        assert_eq!(file.origin, "local file, of an earlier period, for rules only");
        assert!(page.contains(&file.sha256) && file.sums.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_an_earlier_period_that_changes_is_named() {
    let folder = Folder::new();
    folder.write("data/ledger-2025-03-18.csv", "id,user,amount\nz,u-1,100\n");
    let journal = folder.journal().await;
    let request = folder.request(Side::Ledger, 1);
    run(&request, &journal).await.unwrap();
    let again = run(&request, &journal).await.unwrap().facts.changes.unwrap();
    assert!(again.inputs_unchanged, "{:?}", again.changed_inputs);
    folder.write("data/ledger-2025-03-18.csv", "id,user,amount\nz,u-1,101\n");
    let changed = run(&request, &journal).await.unwrap().facts.changes.unwrap();
    assert_eq!(changed.changed_inputs, ["ledger ledger-2025-03-18.csv"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn offline_the_stored_files_of_earlier_periods_are_read() {
    let folder = Folder::new();
    folder.write("data/ledger-2025-03-18.csv", "id,user,amount\nz,u-1,100\n");
    let journal = folder.journal().await;
    let first = run(&folder.request(Side::Ledger, 2), &journal).await.unwrap();
    for file in ["file.csv", "ledger-2025-03-18.csv", "ledger-2025-03-19.csv"] {
        folder.remove(&format!("data/{file}"));
    }
    let offline = Request { offline: true, ..folder.request(Side::Ledger, 2) };
    let again = run(&offline, &journal).await.unwrap();
    assert_eq!(warnings(&again), warnings(&first));
    assert_eq!(inputs(&journal, &again.facts.run.id).await, inputs(&journal, &first.facts.run.id).await);
    let further = Request { offline: true, ..folder.request(Side::Ledger, 3) };
    let failure = run(&further, &journal).await.unwrap_err();
    assert_eq!(failure.code, ExitCode::TryAgainLater);
    let told = "no earlier attempt looked for ledger-2025-03-16.csv; run without --offline first";
    assert_eq!(failure.to_string(), told);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_side_without_earlier_periods_says_so() {
    let folder = Folder::new();
    let mut request = folder.request(Side::File, 7);
    let fraud_marker = reconciliation(&mut request.job).effects.as_mut().unwrap().fraud_marker.as_mut().unwrap();
    fraud_marker.rules = vec![FraudRule::SharedCard { users: 2 }];
    let finished = pipeline::plan(&request, None).await.unwrap();
    let told = "the rules of fraud_marker look back 7 periods, but inputs.file has no `path` with `{period}`: they see \
                this period's rows alone";
    assert_eq!(warnings(&finished), [told]);
    // Without rules nothing is read that nobody asks for.
    reconciliation(&mut request.job).effects.as_mut().unwrap().fraud_marker.as_mut().unwrap().rules.clear();
    let finished = pipeline::plan(&request, None).await.unwrap();
    assert_eq!(warnings(&finished), Vec::<&str>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_file_that_cannot_be_read_stops_the_run() {
    let folder = Folder::new();
    folder.write("data/ledger-2025-03-18.csv", "id,user\nz,u-1\n");
    let failure = pipeline::plan(&folder.request(Side::Ledger, 1), None).await.unwrap_err();
    assert_eq!(failure.code, ExitCode::InputData);
    assert!(failure.to_string().contains("ledger-2025-03-18.csv"), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_under_two_labels_are_read_once() {
    let folder = Folder::new();
    for earlier in ["17", "18"] {
        folder.write(&format!("data/ledger-2025-03-{earlier}.csv"), "id,user,amount\na,u-1,100\n");
    }
    let journal = folder.journal().await;
    let finished = run(&folder.request(Side::Ledger, 2), &journal).await.unwrap();
    assert_eq!(inputs(&journal, &finished.facts.run.id).await, ["file file.csv 1", "ledger ledger-2025-03-19.csv 1"]);
    assert_eq!(warnings(&finished), Vec::<&str>::new());
}
