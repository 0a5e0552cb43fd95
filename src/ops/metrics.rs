//! The metrics: what they are called, and where their values come from. All of it stands in the journal, so it is the
//! same whichever process has run a period.

use std::sync::atomic::AtomicU64;

use chrono::{DateTime, Utc};
use prometheus_client::encoding::text::encode_registry;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::{Seen, Watched};
use crate::effects::State;
use crate::job::Job;
use crate::journal::{EffectCount, Journal, JournalError, RunFilter, RunRecord, RunStatus};
use crate::notify::desk::figures;
use crate::period::Period;
use crate::report::Figures;

/// Of the text, as scrapers, Pushgateways and `node_exporter` read it.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Every metric by name, and what it says. The label `tieout_job` is the job's name: `job` is Prometheus's own.
pub const METRICS: [(&str, &str); 17] = [
    ("tieout_build_info", "Version and commit of the program, always 1"),
    ("tieout_scheduler_last_look_timestamp_seconds", "When the scheduler looked last for what is due"),
    ("tieout_run_last_end_timestamp_seconds", "When the last attempt of the job ended"),
    ("tieout_run_last_exit_code", "Exit code of the last attempt that ended by itself"),
    ("tieout_run_last_duration_seconds", "From begin to end of the last attempt that ended by itself"),
    ("tieout_run_in_progress", "1 while an attempt of the job has begun and not ended"),
    ("tieout_run_last_rows", "Rows read by the last finished run, by side"),
    ("tieout_run_last_breaks", "Open breaks of the last finished run, by kind"),
    ("tieout_run_last_at_risk_minor_units", "At risk by open breaks of the last finished run, by currency"),
    ("tieout_run_last_gates_breached", "Declared gates that the last finished run breached"),
    ("tieout_effects", "Effects of the job, by the state in which they stand"),
    ("tieout_effects_in_doubt", "Effects of the job whose outcome is unknown"),
    ("tieout_effects_awaiting_approval", "Effects of the job that wait for a person"),
    ("tieout_periods_due", "Periods that the schedule asks for and that are not finished"),
    ("tieout_periods_late", "Of these, those whose time is over"),
    ("tieout_last_finished_period_end_timestamp_seconds", "End of the latest period of which a run was finished"),
    ("tieout_notices_waiting", "Notices that a channel has not taken yet"),
];

type Labels = Vec<(&'static str, String)>;
type Counts = Family<Labels, Gauge>;
type Seconds = Family<Labels, Gauge<f64, AtomicU64>>;

/// What the journal knows of one job.
#[derive(Debug, Clone, Default)]
struct OfJob {
    latest: Option<RunRecord>,
    finished: Figures,
    has_finished: bool,
    latest_period_end: Option<DateTime<Utc>>,
    effects: Vec<EffectCount>,
}

/// The metrics of all jobs, for a scrape.
///
/// # Errors
/// When the journal cannot be read.
pub async fn of_project(journal: &Journal, seen: &Seen) -> Result<String, JournalError> {
    let book = Book::new();
    book.seconds("tieout_scheduler_last_look_timestamp_seconds", &Vec::new(), timestamp(seen.looked_at));
    let effects = journal.count_effects().await?;
    for (name, watched) in &seen.jobs {
        let effects = effects.iter().filter(|count| count.job == *name).cloned().collect();
        book.job(name, &of_job(journal, name, *watched, effects).await?);
        book.count("tieout_periods_due", &of(name), watched.due);
        book.count("tieout_periods_late", &of(name), watched.late);
    }
    for (channel, waiting) in journal.waiting_by_channel().await? {
        book.count("tieout_notices_waiting", &vec![("channel", channel)], waiting);
    }
    Ok(book.text())
}

/// The metrics of one job, for a push.
///
/// # Errors
/// When the journal cannot be read.
pub async fn of_run(journal: &Journal, job: &Job) -> Result<String, JournalError> {
    let book = Book::new();
    let effects = journal.count_effects().await?.into_iter().filter(|count| count.job == job.name).collect();
    book.job(&job.name, &of_job(journal, &job.name, Watched::of(job), effects).await?);
    Ok(book.text())
}

async fn of_job(
    journal: &Journal,
    name: &str,
    watched: Watched,
    effects: Vec<EffectCount>,
) -> Result<OfJob, JournalError> {
    let last = |finished| RunFilter { job: Some(name.to_owned()), finished, limit: Some(1), ..RunFilter::default() };
    let latest = journal.runs(&last(false)).await?.pop();
    let finished = journal.runs(&last(true)).await?.pop();
    let label = journal.latest_finished_period(name).await?;
    let period = label.and_then(|label| Period::parse(&label, watched.grain, watched.zone).ok());
    Ok(OfJob {
        latest,
        finished: figures(journal, finished.as_ref()).await?,
        has_finished: finished.is_some(),
        latest_period_end: period.map(|period| period.end),
        effects,
    })
}

/// The registry that is filled for one text.
struct Book {
    registry: Registry,
    counts: Vec<(&'static str, Counts)>,
    seconds: Vec<(&'static str, Seconds)>,
}

impl Book {
    fn new() -> Self {
        let mut book = Self { registry: Registry::default(), counts: Vec::new(), seconds: Vec::new() };
        for (name, help) in METRICS {
            if name.ends_with("_seconds") {
                let family = Seconds::default();
                book.registry.register(name, help, family.clone());
                book.seconds.push((name, family));
            } else {
                let family = Counts::default();
                book.registry.register(name, help, family.clone());
                book.counts.push((name, family));
            }
        }
        let commit = option_env!("TIEOUT_COMMIT").unwrap_or("unknown").to_owned();
        let version = env!("CARGO_PKG_VERSION").to_owned();
        book.count("tieout_build_info", &vec![("version", version), ("commit", commit)], 1);
        book
    }

    fn count(&self, name: &str, labels: &Labels, value: u64) {
        self.set(name, labels, i64::try_from(value).unwrap_or(i64::MAX));
    }

    fn set(&self, name: &str, labels: &Labels, value: i64) {
        let family = self.counts.iter().find(|(known, _)| *known == name).map(|(_, family)| family);
        family.expect("METRICS has every name").get_or_create(labels).set(value);
    }

    fn seconds(&self, name: &str, labels: &Labels, value: f64) {
        let family = self.seconds.iter().find(|(known, _)| *known == name).map(|(_, family)| family);
        family.expect("METRICS has every name").get_or_create(labels).set(value);
    }

    fn job(&self, name: &str, job: &OfJob) {
        if let Some(run) = &job.latest {
            self.count("tieout_run_in_progress", &of(name), u64::from(run.status == RunStatus::Running));
            if let Some(at) = run.finished_at {
                self.seconds("tieout_run_last_end_timestamp_seconds", &of(name), timestamp(at));
                self.seconds("tieout_run_last_duration_seconds", &of(name), (at - run.started_at).as_seconds_f64());
            }
            if let Some(code) = run.exit_code {
                self.count("tieout_run_last_exit_code", &of(name), u64::from(code));
            }
        }
        if let Some(end) = job.latest_period_end {
            self.seconds("tieout_last_finished_period_end_timestamp_seconds", &of(name), timestamp(end));
        }
        if job.has_finished {
            self.found(name, &job.finished);
        }
        let (mut in_doubt, mut waiting) = (0, 0);
        for EffectCount { state, effects, .. } in &job.effects {
            self.count("tieout_effects", &with(name, "state", state), *effects);
            in_doubt += if state == State::InDoubt.name() { *effects } else { 0 };
            waiting += if state == State::Proposed.name() { *effects } else { 0 };
        }
        self.count("tieout_effects_in_doubt", &of(name), in_doubt);
        self.count("tieout_effects_awaiting_approval", &of(name), waiting);
    }

    fn found(&self, name: &str, figures: &Figures) {
        for (side, rows) in &figures.rows {
            self.count("tieout_run_last_rows", &with(name, "side", side), *rows);
        }
        for (kind, breaks) in &figures.breaks {
            self.count("tieout_run_last_breaks", &with(name, "kind", kind), *breaks);
        }
        for (currency, minor) in &figures.at_risk_minor {
            self.set("tieout_run_last_at_risk_minor_units", &with(name, "currency", currency), *minor);
        }
        self.count("tieout_run_last_gates_breached", &of(name), figures.breached.len() as u64);
    }

    fn text(&self) -> String {
        let mut text = String::new();
        encode_registry(&mut text, &self.registry).expect("a text takes every character");
        text
    }
}

fn of(job: &str) -> Labels {
    vec![("tieout_job", job.to_owned())]
}

fn with(job: &str, label: &'static str, value: &str) -> Labels {
    vec![("tieout_job", job.to_owned()), (label, value.to_owned())]
}

/// Unix seconds.
fn timestamp(at: DateTime<Utc>) -> f64 {
    (at - DateTime::UNIX_EPOCH).as_seconds_f64()
}
