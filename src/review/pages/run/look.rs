//! What a run's page looks up: the journal's marks, the report's summary, its files.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::super::top::{self, TopBreak};
use super::trend::{self, Point};
use crate::exit::{ExitCode, Failure};
use crate::job::ReportFormat;
use crate::journal::{InputRecord, RunFilter, RunRecord, StepRecord};
use crate::report::facts::SUMMARY_SCHEMA;
use crate::report::file_name;
use crate::report::json::Summary;
use crate::review::desk::Desk;
use crate::seals::Standing;
use crate::sources::removed::Removed;

/// Attempts of a period that are listed.
const ATTEMPTS: u32 = 100;

/// Everything that a run's page shows.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) run: RunRecord,
    pub(super) steps: Vec<StepRecord>,
    /// Of the period, the latest first.
    pub(super) attempts: Vec<RunRecord>,
    /// As the journal has recorded them.
    pub(super) inputs: Vec<InputRecord>,
    /// Of the period, where it is sealed.
    pub(super) seal: Option<Standing>,
    pub(super) report: Report,
    pub(super) top: Vec<TopBreak>,
    pub(super) trend: Vec<Point>,
    /// Name → bytes.
    pub(super) files: BTreeMap<String, u64>,
    pub(super) removed: Removed,
}

/// What there is of the run's report.
#[derive(Debug)]
pub(super) enum Report {
    Is(Box<Summary>),
    /// The run has left none.
    Never,
    /// It is gone, or cannot be read: why, in words.
    Gone(String),
}

/// Looks a known run up.
pub(super) async fn look(desk: &Desk, run: RunRecord) -> Result<Look, Failure> {
    let journal = desk.journal();
    let steps = journal.steps(&run.id).await?;
    let of_period = RunFilter {
        job: Some(run.job.clone()),
        period: Some(run.period.clone()),
        limit: Some(ATTEMPTS),
        ..RunFilter::default()
    };
    let attempts = journal.runs(&of_period).await?;
    let inputs = journal.inputs(&run.id).await?;
    let seal = journal.sealed(&run.job, &run.period).await?.filter(Standing::is_sealed);
    let trend = trend::points(journal, &run.job, &run.period).await?;
    let mut found = Look {
        run,
        steps,
        attempts,
        inputs,
        seal,
        report: Report::Never,
        top: Vec::new(),
        trend,
        files: BTreeMap::new(),
        removed: Removed::default(),
    };
    let Some(recorded) = &found.run.artifacts else { return Ok(found) };
    let folder = desk.kept().here(Path::new(recorded));
    let breaks = folder.join(file_name(ReportFormat::Parquet));
    desk.kept().bring_file(&folder.join(file_name(ReportFormat::Json))).await?;
    desk.kept().bring_file(&breaks).await?;
    found.files = desk.kept().sizes(&folder).await?;
    let reading = tokio::task::spawn_blocking(move || read(&folder));
    (found.report, found.top, found.removed) =
        reading.await.map_err(|panic| Failure::new(ExitCode::Unexpected, panic))?;
    Ok(found)
}

/// The report as far as it can be read, its top breaks, and what was removed of the period.
fn read(folder: &Path) -> (Report, Vec<TopBreak>, Removed) {
    let removed = folder.parent().and_then(|period| Removed::read(period).ok()).unwrap_or_default();
    let report = match summary(&folder.join(file_name(ReportFormat::Json))) {
        Ok(summary) => Report::Is(Box::new(summary)),
        Err(why) => Report::Gone(why),
    };
    let breaks: PathBuf = folder.join(file_name(ReportFormat::Parquet));
    let Report::Is(summary) = &report else { return (report, Vec::new(), removed) };
    let top = if breaks.is_file() { top::top(&breaks, &summary.currencies) } else { Ok(Vec::new()) };
    let top = top.unwrap_or_else(|error| {
        tracing::warn!("cannot read {}: {error}", breaks.display());
        Vec::new()
    });
    (report, top, removed)
}

fn summary(path: &Path) -> Result<Summary, String> {
    let bytes = std::fs::read(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => "its files are not where the run has left them".to_owned(),
        _ => format!("its summary cannot be read: {error}"),
    })?;
    let summary: Summary =
        serde_json::from_slice(&bytes).map_err(|error| format!("its summary cannot be read: {error}"))?;
    if summary.schema != SUMMARY_SCHEMA {
        return Err(format!(
            "its summary is of another version: {}, this program reads {SUMMARY_SCHEMA}",
            summary.schema
        ));
    }
    Ok(summary)
}
