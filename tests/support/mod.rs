//! What several test files share: small samples, a sandbox that serves them, a client for it, and (in `frames` and `effects`) rows and effects by hand.

pub mod asks;
pub mod backfill_project;
pub mod backfill_uploads;
pub mod browser;
pub mod bulk;
pub mod crash_course;
pub mod crash_play;
pub mod crash_scenario;
pub mod decisions;
pub mod effect_project;
pub mod effects;
pub mod engine;
pub mod exposition;
pub mod frames;
pub mod house;
pub mod http_listener;
pub mod issuing;
pub mod journal;
pub mod kuggar;
pub mod lives;
pub mod mail_server;
pub mod months;
pub mod newcomer;
pub mod outbox;
pub mod pages;
pub mod plans;
pub mod pod;
pub mod postgres;
pub mod presign;
pub mod project;
pub mod read_pages;
pub mod receiver;
pub mod records;
pub mod rows;
pub mod s3;
pub mod sending;
pub mod sending_faults;
pub mod sending_project;
pub mod sending_receipts;
pub mod sending_scenario;
pub mod sent;
pub mod stage;
pub mod storage;
pub mod watched;
pub mod workbook;

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::json;
use tempfile::TempDir;
use tieout::job::{FileType, Grain, Job, Reconciliation, Work};
use tieout::period::Period;
use tieout::pipeline::Request;
use tieout::progress::Progress;
use tieout::project::{HttpConfig, Project};
use tieout::providers::kard::Client;
use tieout::providers::kard::KardConfig;
use tieout::sandbox::{FaultPlan, Options, Sandbox};
use tieout::sources::store::RawStore;

/// A time of the tests' own day.
pub(crate) fn utc(text: &str) -> DateTime<Utc> {
    text.parse().expect("a test writes its times in RFC 3339")
}

/// Time-outs and delays of milliseconds, three attempts.
pub(crate) fn fast_http() -> HttpConfig {
    HttpConfig {
        connect_timeout: Duration::from_secs(2),
        idle_timeout: Duration::from_secs(2),
        total_timeout: Duration::from_secs(20),
        attempts: 3,
        first_delay: Duration::from_millis(1),
        max_delay: Duration::from_millis(5),
    }
}

/// What a job that compares does, to be changed.
pub(crate) fn reconciliation(job: &mut Job) -> &mut Reconciliation {
    match &mut job.work {
        Work::Reconcile(reconciliation) => reconciliation,
        Work::Send(_) => panic!("{} sends", job.name),
    }
}

/// A run of a job for a day that nothing is said of besides, the morning after 2025-03-19.
pub(crate) fn request(project: Project, job: Job, label: &str) -> Request {
    Request {
        project,
        job,
        period: day(label),
        note: None,
        started_by: "tester".to_owned(),
        run_time: utc("2025-03-20T10:00:00Z"),
        offline: false,
        sandbox: false,
        patience: None,
        place: None,
        progress: Progress::hidden(),
    }
}

pub(crate) fn day(label: &str) -> Period {
    let first_day: NaiveDate = label.parse().expect("a test writes its days as YYYY-MM-DD");
    let start = first_day.and_hms_opt(0, 0, 0).expect("midnight").and_utc();
    Period {
        label: label.to_owned(),
        grain: Grain::Day,
        zone: chrono_tz::UTC,
        first_day,
        start,
        end: start + TimeDelta::days(1),
    }
}

/// One file for `files.json`.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) kind: FileType,
    pub(crate) sent_at: DateTime<Utc>,
    pub(crate) last_modified: DateTime<Utc>,
    pub(crate) bytes: Vec<u8>,
}

impl Sample {
    /// A settled daily file of 2025-03-19, sent the morning after.
    pub(crate) fn daily(id: &str, name: &str, bytes: &[u8]) -> Self {
        let sent_at = utc("2025-03-20T00:10:00Z");
        let kind = FileType::EarnedRewardSettledDaily;
        Self { id: id.into(), name: name.into(), kind, sent_at, last_modified: sent_at, bytes: bytes.to_vec() }
    }
}

/// Writes a folder that a sandbox can serve.
pub(crate) fn write_samples(folder: &Path, samples: &[Sample]) {
    let mut files = Vec::new();
    for (number, sample) in samples.iter().enumerate() {
        let path = format!("bytes-{number}");
        std::fs::write(folder.join(&path), &sample.bytes).unwrap();
        files.push(json!({
            "id": sample.id, "fileType": sample.kind.name(), "fileName": sample.name, "path": path,
            "sentAt": sample.sent_at.to_rfc3339(), "lastModified": sample.last_modified.to_rfc3339(),
        }));
    }
    std::fs::write(folder.join("files.json"), json!({ "files": files }).to_string()).unwrap();
}

/// A sandbox over samples of the test's own, a client for it, and an empty raw store.
#[derive(Debug)]
pub(crate) struct Rig {
    pub(crate) folder: TempDir,
    pub(crate) sandbox: Sandbox,
    pub(crate) client: Client,
    pub(crate) store: RawStore,
}

impl Rig {
    pub(crate) async fn start(samples: &[Sample], faults: &str) -> Self {
        Self::start_with(samples, faults, |_| {}, |_| {}).await
    }

    /// The same, with a last word on the sandbox's options and on the provider's configuration.
    pub(crate) async fn start_with(
        samples: &[Sample],
        faults: &str,
        options: impl FnOnce(&mut Options),
        provider: impl FnOnce(&mut KardConfig),
    ) -> Self {
        let folder = TempDir::new().unwrap();
        write_samples(folder.path(), samples);
        let mut wanted = Options::new(folder.path());
        wanted.faults = plan(faults);
        options(&mut wanted);
        let sandbox = Sandbox::start(wanted).await.unwrap();
        let mut config = sandbox.provider(fast_http());
        provider(&mut config);
        let client = Client::new(&config).unwrap();
        let store = RawStore::open(folder.path().join("raw")).unwrap();
        Self { folder, sandbox, client, store }
    }

    /// The requests that were received, as `METHOD path status`; `-` for none.
    pub(crate) fn requests(&self) -> Vec<String> {
        let words = |status: Option<u16>| status.map_or("-".to_owned(), |status| status.to_string());
        let line =
            |entry: tieout::sandbox::Received| format!("{} {} {}", entry.method, entry.path, words(entry.status));
        self.sandbox.received().into_iter().map(line).collect()
    }

    /// What lies in the raw store, temporary files too.
    pub(crate) fn stored(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.folder.path().join("raw"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

/// The rules of a fault plan, one a line; empty for none.
pub(crate) fn plan(rules: &str) -> FaultPlan {
    if rules.trim().is_empty() {
        return FaultPlan::default();
    }
    FaultPlan::parse(&format!("rules:\n{rules}"), Path::new("faults.yaml")).unwrap()
}

/// An error with all its causes, as the command line prints it.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
