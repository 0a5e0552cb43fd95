//! A project folder of a test's own, a sandbox for its provider, and the program run in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use tieout::sandbox::{
    AppliedAudit, AppliedMarker, CLIENT_ID, CLIENT_SECRET, ORGANIZATION, ObjectStorage, Options, Received, Sandbox,
    WEBHOOK_KEY,
};
use tokio::runtime::Runtime;

use super::{Sample, plan, write_samples};

/// The day that most tests compare.
pub(crate) const DAY: &str = "2025-03-19";

/// Time-outs and delays of milliseconds, three attempts.
const QUICK: &str =
    "{connect_timeout: 2s, idle_timeout: 400ms, total_timeout: 20s, attempts: 3, first_delay: 1ms, max_delay: 5ms}";

/// Two sides of four columns each. Tests add to it with [`job`].
const JOB: &str = "\
job: rewards
period: {grain: day, timezone: UTC}
inputs:
  file:
    provider: kard
    file_type: earnedRewardSettledDailyReconciliationFile
    name: \"settled-{period}\"
    columns: {transaction_id: id, amount: {column: amount, unit: major}, currency: currency, occurred_at: at}
    known_columns: []
    # more of the file
  ledger:
    path: \"ledger-{period}.csv*\"
    columns: {transaction_id: id, amount: {column: amount, unit: major}, currency: currency, occurred_at: at}
    known_columns: []
    # more of the ledger
match:
  compare: {amount: {tolerance: 0}, currency: exact}
# more of the job
";

/// The small job with more lines: `job(&[("ledger", "quarantine: 1")])`.
pub(crate) fn job(more: &[(&str, &str)]) -> String {
    let mut text = JOB.to_owned();
    for (place, line) in more {
        let mark = format!("# more of the {place}");
        let (before, after) = text.split_once(&mark).expect("a place of the small job");
        let indent = before.rsplit('\n').next().unwrap_or_default();
        text = format!("{before}{line}\n{indent}{mark}{after}");
    }
    text
}

/// Rows of the small job below their header; each row is `id,amount,currency,at`.
pub(crate) fn rows(rows: &[&str]) -> Vec<u8> {
    let mut text = "id,amount,currency,at\n".to_owned();
    for row in rows {
        text.push_str(row);
        text.push('\n');
    }
    text.into_bytes()
}

/// What the provider's file of the small job holds.
pub(crate) fn file_rows() -> Vec<u8> {
    rows(&[
        "t-1,10.00,USD,2025-03-19T01:00:00Z",
        "t-2,20.50,USD,2025-03-19T02:00:00Z",
        "t-3,5.25,USD,2025-03-19T03:00:00Z",
    ])
}

/// What the ledger of the small job holds: the second amount differs, the third row is another.
pub(crate) fn ledger_rows() -> Vec<u8> {
    rows(&[
        "t-1,10.00,USD,2025-03-19T01:00:00Z",
        "t-2,20.05,USD,2025-03-19T02:00:00Z",
        "t-4,7.00,USD,2025-03-19T04:00:00Z",
    ])
}

/// The breaks between [`file_rows`] and [`ledger_rows`]: key, kind, currency, measure.
pub(crate) const SMALL_BREAKS: [[&str; 4]; 3] = [
    ["t-2", "amount_mismatch", "USD", "transaction_amount"],
    ["t-3", "missing_in_ledger", "USD", "transaction_amount"],
    ["t-4", "missing_in_file", "USD", "transaction_amount"],
];

/// The provider's file of the small job.
pub(crate) fn settled(bytes: &[u8]) -> Sample {
    Sample::daily("f-1", "settled-2025-03-19.csv", bytes)
}

/// How a process ended and what it said. The sandbox's address reads `HOST`, the project's folder `FOLDER`.
#[derive(Debug)]
pub(crate) struct Output {
    /// None when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Output {
    /// What stands after `error: `, to the end.
    pub(crate) fn error(&self) -> &str {
        let start = if self.stderr.starts_with("error: ") { Some(0) } else { self.stderr.find("\nerror: ") };
        let start = start.unwrap_or_else(|| panic!("no error in {self:?}"));
        self.stderr[start..].trim_start().trim_start_matches("error: ").trim_end()
    }

    /// Checks the exit code; hands on for more.
    #[track_caller]
    pub(crate) fn ended_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "\n{}\n{}", self.stdout, self.stderr);
        self
    }
}

/// A folder with `tieout.yaml`, `jobs/` and `data/`, and the provider that it points to.
#[derive(Debug)]
pub(crate) struct TestProject {
    folder: TempDir,
    http: String,
    /// Where the provider listens, or listened last.
    address: String,
    sandbox: Option<Sandbox>,
    runtime: Runtime,
}

impl TestProject {
    /// The small job, its ledger, and a provider that lists these files.
    pub(crate) fn new(samples: &[Sample], faults: &str) -> Self {
        let mut project = Self::empty();
        project.serve(samples, faults);
        project.write("jobs/rewards.yaml", job(&[]));
        project.write("data/ledger-2025-03-19.csv", ledger_rows());
        project
    }

    /// The small job with both sides as written above.
    pub(crate) fn small() -> Self {
        Self::new(&[settled(&file_rows())], "")
    }

    /// The jobs and the data that ship with the program, and a provider that serves the shipped files.
    pub(crate) fn shipped(faults: &str) -> Self {
        let mut project = Self::empty();
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR"));
        copy_folder(&shipped.join("jobs"), &project.path("jobs"));
        copy_folder(&shipped.join("samples/data"), &project.path("data"));
        project.serve_folder(&shipped.join("samples/kard"), faults);
        project
    }

    /// No job and no data, and nobody at the provider's address.
    pub(crate) fn empty() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let project = Self {
            folder: TempDir::new().unwrap(),
            http: QUICK.to_owned(),
            address: "http://127.0.0.1:9".to_owned(),
            sandbox: None,
            runtime,
        };
        project.write_project_file();
        project
    }

    /// Starts a provider with these files; one that was there before stops.
    pub(crate) fn serve(&mut self, samples: &[Sample], faults: &str) {
        let folder = self.path("provider");
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).unwrap();
        write_samples(&folder, samples);
        self.serve_folder(&folder, faults);
    }

    /// Starts a provider that takes transactions, and tells what became of bulk files in `data/notifications.jsonl`.
    pub(crate) fn serve_telling(&mut self, faults: &str) {
        let folder = self.path("provider");
        std::fs::create_dir_all(&folder).unwrap();
        write_samples(&folder, &[]);
        let mut options = Options::new(folder);
        options.faults = plan(faults);
        options.notifications = Some(self.path("data/notifications.jsonl"));
        self.serve_with(options);
    }

    fn serve_folder(&mut self, folder: &Path, faults: &str) {
        self.serve_as(folder, faults, |_| {});
    }

    /// Starts a provider of these files with other options than the usual ones.
    pub(crate) fn serve_as(&mut self, folder: &Path, faults: &str, change: impl FnOnce(&mut Options)) {
        let mut options = Options::new(folder);
        options.faults = plan(faults);
        change(&mut options);
        self.serve_with(options);
    }

    fn serve_with(&mut self, options: Options) {
        self.stop_provider();
        let sandbox = self.runtime.block_on(Sandbox::start(options)).unwrap();
        self.address.clone_from(&sandbox.base_url);
        self.sandbox = Some(sandbox);
        self.write_project_file();
    }

    /// From here on nobody answers at the provider's address.
    pub(crate) fn stop_provider(&mut self) {
        if let Some(sandbox) = self.sandbox.take() {
            self.runtime.block_on(sandbox.shutdown());
        }
    }

    /// Other time-outs and retries than [`QUICK`].
    pub(crate) fn set_http(&mut self, settings: &str) {
        settings.clone_into(&mut self.http);
        self.write_project_file();
    }

    fn write_project_file(&self) {
        let (address, http) = (&self.address, &self.http);
        self.write(
            "tieout.yaml",
            format!(
                "state: sqlite:.tieout/state.db\nartifacts: runs/\ndata: data/\nproviders:\n  kard:\n    type: kard\n    \
                 base_url: {address}\n    token_url: {address}/v2/auth/token\n    organization: {ORGANIZATION}\n    \
                 client_id: {{env: TEST_CLIENT_ID}}\n    client_secret: {{env: TEST_CLIENT_SECRET}}\n    \
                 webhook_key: {{env: TEST_WEBHOOK_KEY}}\n    http: {http}\n"
            ),
        );
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    /// Writes a file below the project's folder.
    pub(crate) fn write(&self, relative: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(relative);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub(crate) fn read(&self, relative: &str) -> Vec<u8> {
        std::fs::read(self.path(relative)).unwrap_or_else(|error| panic!("{relative}: {error}"))
    }

    /// The program in this folder, with its secrets in the environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.wrapped(&[env!("CARGO_BIN_EXE_tieout")], arguments)
    }

    /// The same behind another program: `wrapped(&["sh", "-c", "…"], …)`.
    pub(crate) fn wrapped(&self, program: &[&str], arguments: &[&str]) -> Command {
        let mut command = Command::new(program[0]);
        command.args(&program[1..]).args(arguments).current_dir(self.folder.path());
        for variable in ["NO_COLOR", "RUST_LOG", "TIEOUT_KILL_BEFORE", "TIEOUT_KILL_AFTER"] {
            command.env_remove(variable);
        }
        command.env_remove("TIEOUT_STOP_BEFORE").env_remove("TIEOUT_STOP_AFTER");
        command
            .env("TEST_CLIENT_ID", CLIENT_ID)
            .env("TEST_CLIENT_SECRET", CLIENT_SECRET)
            .env("TEST_WEBHOOK_KEY", WEBHOOK_KEY)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.ended(self.command(arguments).spawn().unwrap())
    }

    /// `tieout run rewards --period DAY` and more.
    pub(crate) fn run_day(&self, more: &[&str]) -> Output {
        self.run(&[&["run", "rewards", "--period", DAY], more].concat())
    }

    /// Waits for a process of [`Self::command`].
    pub(crate) fn ended(&self, process: std::process::Child) -> Output {
        let output = process.wait_with_output().unwrap();
        let real = self.folder.path().canonicalize().unwrap();
        let told = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).unwrap();
            text.replace(real.to_str().unwrap(), "FOLDER")
                .replace(self.folder.path().to_str().unwrap(), "FOLDER")
                .replace(&self.address, "HOST")
        };
        Output { code: output.status.code(), stdout: told(output.stdout), stderr: told(output.stderr) }
    }

    /// What the provider received so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.sandbox.as_ref().map(Sandbox::received).unwrap_or_default()
    }

    /// The provider that runs.
    pub(crate) fn provider(&self) -> &Sandbox {
        self.sandbox.as_ref().expect("a provider runs")
    }

    /// Returns once the provider works on no request for effects any more, also none whose client is gone.
    pub(crate) fn provider_idle(&self) {
        if let Some(sandbox) = &self.sandbox {
            self.runtime.block_on(sandbox.idle());
        }
    }

    /// The audits that stand at the provider, by user and transaction.
    pub(crate) fn audits(&self) -> Vec<AppliedAudit> {
        self.sandbox.as_ref().map(Sandbox::audits).unwrap_or_default()
    }

    /// The markers that stand at the provider, by transaction.
    pub(crate) fn markers(&self) -> Vec<AppliedMarker> {
        self.sandbox.as_ref().map(Sandbox::markers).unwrap_or_default()
    }

    /// How many downloads the provider received so far.
    pub(crate) fn downloads(&self) -> usize {
        self.received().iter().filter(|request| request.path.starts_with("/presigned/")).count()
    }

    /// Key, kind, currency and measure of every row of a run's `breaks.csv`, sorted.
    pub(crate) fn breaks(&self, run: &str) -> Vec<[String; 4]> {
        keyed_rows(&self.path(&format!("runs/{run}/breaks.csv")))
    }

    /// A run's `summary.json`.
    pub(crate) fn summary(&self, run: &str) -> Value {
        serde_json::from_slice(&self.read(&format!("runs/{run}/summary.json"))).unwrap()
    }

    /// `tieout runs`, latest first: status by run.
    pub(crate) fn statuses(&self) -> BTreeMap<String, String> {
        let listed = self.run(&["runs", "--format", "json"]).ended_with(0);
        let runs: Vec<Value> = serde_json::from_str(&listed.stdout).unwrap();
        let text = |run: &Value, key: &str| run[key].as_str().unwrap().to_owned();
        runs.iter().map(|run| (text(run, "run"), text(run, "status"))).collect()
    }

    /// Starts a provider whose URLs for bulk files lead to this storage; nobody tells what became of them.
    pub(crate) fn serve_beside(&mut self, storage: ObjectStorage) {
        let folder = self.path("provider");
        std::fs::create_dir_all(&folder).unwrap();
        write_samples(&folder, &[]);
        self.serve_with(Options { storage: Some(storage), ..Options::new(folder) });
    }

    /// Every file and folder below the project's folder, or below one of it; folders end in `/`.
    pub(crate) fn listing(&self, below: &str) -> Vec<String> {
        let mut found = Vec::new();
        list(&self.path(below), self.folder.path(), &mut found);
        found.sort();
        found
    }
}

/// Key, kind, currency and measure of a CSV that has these columns, sorted.
pub(crate) fn keyed_rows(path: &Path) -> Vec<[String; 4]> {
    let mut reader = csv::Reader::from_path(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let header = reader.headers().unwrap().clone();
    let places = ["key", "kind", "currency", "measure"]
        .map(|name| header.iter().position(|column| column == name).expect("the column is there"));
    let mut rows: Vec<_> = reader
        .records()
        .map(|record| {
            let record = record.unwrap();
            places.map(|place| record[place].to_owned())
        })
        .collect();
    rows.sort();
    rows
}

/// Copies a folder with all that is in it.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn list(folder: &Path, root: &Path, found: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            found.push(format!("{name}/"));
            list(&path, root, found);
        } else {
            found.push(name);
        }
    }
}
