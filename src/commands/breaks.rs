//! `tieout breaks`: the breaks of a run, read back from its `breaks.parquet`.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use chrono::DateTime;
use polars::prelude::{
    Column, DataFrame, DataType, Int64Chunked, ParquetReader, PolarsError, SerReader, StringChunked,
};
use rust_decimal::Decimal;

use super::Context;
use crate::breaks::{BreakStatus, observe};
use crate::cli::BreaksArgs;
use crate::effects::{EffectKind, news};
use crate::exit::{ExitCode, Failure};
use crate::journal::{EffectFilter, Journal, JournalError, RunFilter, RunRecord};
use crate::money;
use crate::output::{Cell, Rows};
use crate::sources::removed::why_gone;

/// The file of a run that holds its breaks.
pub const BREAKS_FILE: &str = "breaks.parquet";

const COLUMNS: [&str; 11] = [
    "id",
    "kind",
    "key",
    "currency",
    "measure",
    "at_risk",
    "difference",
    "occurred_at",
    "age_days",
    "status",
    "detail",
];

/// What a narrow terminal does without: what differs says most of it, and while all are open their status nothing.
const SPARE: [&str; 6] = ["status", "occurred_at", "age_days", "difference", "measure", "id"];

/// Why there is nothing to list.
#[derive(Debug, thiserror::Error)]
pub enum BreaksError {
    /// Exit code 2.
    #[error("no finished run of `{job}`{}{}", for_period(.period.as_deref()), known_jobs(.known))]
    NothingFinished { job: String, period: Option<String>, known: Vec<String> },
    /// Exit code 65.
    #[error("run {run} ended as `{status}` and wrote no breaks; `tieout runs show {run}` says why")]
    NoReport { run: String, status: &'static str },
    /// Exit code 65.
    #[error("the breaks of run {run} are gone: no file {path}{}; run the period again to have them", why_gone(.path))]
    Gone { run: String, path: PathBuf },
    /// Exit code 65.
    #[error("cannot read {path}; run the period again to have it written anew")]
    Unreadable { path: PathBuf, source: PolarsError },
    #[error("cannot open {path}")]
    Unopened { path: PathBuf, source: std::io::Error },
}

impl BreaksError {
    /// The exit code of a process that ends by it.
    pub const fn exit_code(&self) -> ExitCode {
        match self {
            Self::NothingFinished { .. } => ExitCode::Usage,
            Self::NoReport { .. } | Self::Gone { .. } | Self::Unreadable { .. } => ExitCode::InputData,
            Self::Unopened { .. } => ExitCode::Unexpected,
        }
    }
}

impl From<BreaksError> for Failure {
    fn from(error: BreaksError) -> Self {
        Self::new(error.exit_code(), error)
    }
}

/// Lists breaks, in the order of the report: by kind, most at risk first. Their statuses are those of now.
///
/// # Errors
/// When the run is unknown, never finished, or its file is gone.
pub async fn run(mut context: Context, args: BreaksArgs) -> Result<ExitCode, Failure> {
    let project = context.load_project()?;
    let (artifacts, kept) = (project.artifacts.clone(), project.kept());
    let journal = context.read_journal().await?;
    let run = wanted_run(journal.as_ref(), &args).await?;
    let path = artifacts.join(&run.id).join(BREAKS_FILE);
    kept.bring_file(&path).await?;
    let frame = read(&run, &path)?;
    let unreadable = |source| BreaksError::Unreadable { path: path.clone(), source };
    let table = BreakTable::new(&frame).map_err(unreadable)?;
    let now = match &journal {
        Some(journal) => statuses(journal, &run.job, &table).await?,
        None => HashMap::new(),
    };
    let (rows, matching) = select(&table, &now, &args);
    tracing::info!(run = run.id, "{}", told(rows.len(), matching, frame.height()));
    context.output.rows(&rows)?;
    Ok(ExitCode::Done)
}

/// How the breaks of a run stand now: as recorded, and with what audits have come to since.
async fn statuses(
    journal: &Journal,
    job: &str,
    table: &BreakTable,
) -> Result<HashMap<String, BreakStatus>, JournalError> {
    let ids: Vec<&str> = table.id.iter().flatten().collect();
    let known = journal.lives(&ids).await?;
    let (job, kind) = (Some(job.to_owned()), Some(EffectKind::ProviderAudit));
    let audits = journal.effects(&EffectFilter { job, kind, ..EffectFilter::default() }).await?;
    let disputes = news::disputes(&audits);
    let mut now: HashMap<String, BreakStatus> =
        known.iter().map(|(id, standing)| (id.clone(), standing.status)).collect();
    for (id, said) in &disputes {
        let Some(standing) = known.get(id) else {
            // Of runs of before the lives of breaks were kept.
            now.extend(said.last().map(|dispute| (id.clone(), dispute.verdict)));
            continue;
        };
        let steps: Vec<_> = observe::dispute_steps(Some(standing), said).map(|event| (id.clone(), event)).collect();
        let after = observe::after(&known, &steps, standing.since)?;
        now.extend(after.into_iter().map(|(id, standing)| (id, standing.status)));
    }
    Ok(now)
}

fn told(listed: usize, matching: usize, all: usize) -> String {
    match (listed < matching, matching < all) {
        (true, true) => format!("the first {listed} of {matching} that match; {all} breaks in all"),
        (true, false) => format!("the first {listed} of {all} breaks"),
        (false, true) => format!("{listed} of {all} breaks"),
        (false, false) if all == 1 => "1 break".to_owned(),
        (false, false) => format!("{all} breaks"),
    }
}

async fn wanted_run(journal: Option<&Journal>, args: &BreaksArgs) -> Result<RunRecord, Failure> {
    let of = args.of.as_deref().unwrap_or_default();
    if of.contains('/') {
        return match journal {
            Some(journal) => Ok(journal.run(of).await?),
            None => Err(JournalError::UnknownRun { id: of.to_owned(), nearest: Vec::new() }.into()),
        };
    }
    let nothing = |known| BreaksError::NothingFinished { job: of.to_owned(), period: args.period.clone(), known };
    let Some(journal) = journal else { return Err(nothing(Vec::new()).into()) };
    let filter = RunFilter { job: Some(of.to_owned()), period: args.period.clone(), finished: true, limit: Some(1) };
    match journal.runs(&filter).await?.pop() {
        Some(run) => Ok(run),
        None => Err(nothing(finished_jobs(journal).await?).into()),
    }
}

async fn finished_jobs(journal: &Journal) -> Result<Vec<String>, JournalError> {
    let runs = journal.runs(&RunFilter { finished: true, ..RunFilter::default() }).await?;
    let names: std::collections::BTreeSet<_> = runs.into_iter().map(|run| run.job).collect();
    Ok(names.into_iter().collect())
}

fn for_period(period: Option<&str>) -> String {
    period.map_or_else(String::new, |period| format!(" for {period}"))
}

fn known_jobs(known: &[String]) -> String {
    if known.is_empty() {
        return "; `tieout run JOB --period PERIOD` makes one".to_owned();
    }
    format!("; jobs with finished runs: {}", known.join(", "))
}

pub(super) fn read(run: &RunRecord, path: &Path) -> Result<DataFrame, BreaksError> {
    if !path.is_file() {
        return Err(if run.status.is_finished() {
            BreaksError::Gone { run: run.id.clone(), path: path.to_owned() }
        } else {
            BreaksError::NoReport { run: run.id.clone(), status: run.status.name() }
        });
    }
    let file = File::open(path).map_err(|source| BreaksError::Unopened { path: path.to_owned(), source })?;
    ParquetReader::new(file).finish().map_err(|source| BreaksError::Unreadable { path: path.to_owned(), source })
}

/// The rows that pass the filters, at most as many as asked for, and how many pass in all.
fn select(table: &BreakTable, now: &HashMap<String, BreakStatus>, args: &BreaksArgs) -> (Rows, usize) {
    let mut rows = Rows::new(&COLUMNS);
    let (mut matching, mut all_open) = (0, true);
    for index in (0..table.id.len()).filter(|index| table.passes(*index, args)) {
        matching += 1;
        if args.limit.is_none_or(|limit| rows.len() < limit) {
            rows.push(table.cells(index, now));
            all_open &= table.status(index, now) == BreakStatus::Open.name();
        }
    }
    let spare = SPARE.iter().copied().filter(|name| all_open || *name != "status").collect::<Vec<_>>();
    (rows.spare(&spare), matching)
}

/// The columns of `breaks.parquet` that are shown or filtered by.
struct BreakTable {
    id: StringChunked,
    kind: StringChunked,
    key: StringChunked,
    currency: StringChunked,
    measure: StringChunked,
    at_risk_minor: Int64Chunked,
    difference_minor: Int64Chunked,
    /// Microseconds, UTC.
    occurred_at: Int64Chunked,
    age_days: Int64Chunked,
    status: StringChunked,
    detail: StringChunked,
}

impl BreakTable {
    fn new(frame: &DataFrame) -> Result<Self, PolarsError> {
        let text = |name: &str| -> Result<StringChunked, PolarsError> { Ok(frame.column(name)?.str()?.clone()) };
        let integer = |name: &str| -> Result<Int64Chunked, PolarsError> { integers(frame.column(name)?) };
        Ok(Self {
            id: text("id")?,
            kind: text("kind")?,
            key: text("key")?,
            currency: text("currency")?,
            measure: text("measure")?,
            at_risk_minor: integer("at_risk_minor")?,
            difference_minor: integer("difference_minor")?,
            occurred_at: integer("occurred_at")?,
            age_days: integer("age_days")?,
            status: text("status")?,
            detail: text("detail")?,
        })
    }

    fn passes(&self, index: usize, args: &BreaksArgs) -> bool {
        let kind = self.kind.get(index).unwrap_or_default();
        let currency = self.currency.get(index).unwrap_or_default();
        (args.kinds.is_empty() || args.kinds.iter().any(|wanted| wanted.name() == kind))
            && args.key.as_deref().is_none_or(|part| self.key.get(index).unwrap_or_default().contains(part))
            && args.currency.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(currency))
            && args.min_amount.is_none_or(|least| self.at_risk(index, currency).is_some_and(|amount| amount >= least))
    }

    /// What has become of it since the run, else what the run knew.
    fn status(&self, index: usize, now: &HashMap<String, BreakStatus>) -> &str {
        let since = self.id.get(index).and_then(|id| now.get(id));
        since.map_or_else(|| self.status.get(index).unwrap_or_default(), |status| status.name())
    }

    /// In units of the currency, exactly.
    fn at_risk(&self, index: usize, currency: &str) -> Option<Decimal> {
        let scale = money::exponent(currency).unwrap_or(2);
        self.at_risk_minor.get(index).map(|minor| Decimal::new(minor, u32::from(scale)))
    }

    fn cells(&self, index: usize, now: &HashMap<String, BreakStatus>) -> Vec<Cell> {
        let text = |column: &StringChunked| Cell::or_empty(column.get(index).map(Cell::text));
        let currency = self.currency.get(index).unwrap_or_default();
        let amount =
            |column: &Int64Chunked| Cell::or_empty(column.get(index).map(|minor| Cell::amount(minor, currency)));
        vec![
            text(&self.id),
            text(&self.kind),
            text(&self.key),
            text(&self.currency),
            text(&self.measure),
            amount(&self.at_risk_minor),
            amount(&self.difference_minor),
            Cell::or_empty(self.occurred_at.get(index).and_then(DateTime::from_timestamp_micros).map(Cell::Time)),
            Cell::or_empty(self.age_days.get(index).map(Cell::integer)),
            Cell::text(self.status(index, now)),
            text(&self.detail),
        ]
    }
}

/// Times become their microseconds.
fn integers(column: &Column) -> Result<Int64Chunked, PolarsError> {
    Ok(column.strict_cast(&DataType::Int64)?.i64()?.clone())
}
