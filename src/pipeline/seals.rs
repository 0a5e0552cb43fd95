//! What seals mean for a run: whether its own period is sealed, what the sealed periods just before it leave to it, and
//! where a month opens whose month before is sealed.

use std::collections::{BTreeMap, HashMap};
use std::io::Cursor;
use std::path::{Path, PathBuf};

use super::earlier::{PulledFiles, pulled_by};
use super::month::month_end;
use super::{Request, found_breaks};
use crate::digest::sha256;
use crate::exit::{ExitCode, Failure};
use crate::frames::Side;
use crate::job::{ReportFormat, Work};
use crate::journal::{Journal, RunRecord};
use crate::month::facts::Owed;
use crate::period::Period;
use crate::report::json::Summary;
use crate::report::{ADJUSTMENTS_FILE, file_name};
use crate::seals::adjustments::{Adjustment, Late, left_to_adjust, read_list};
use crate::seals::{SealFacts, Standing};
use crate::sources::RawFile;

/// What is known of seals when a run begins.
#[derive(Debug, Default)]
pub(super) struct Seals {
    pub facts: SealFacts,
    /// The month before, where it is sealed and the job closes months over it.
    pub month_before: Option<SealedMonth>,
}

/// A sealed month: what its run read, and what that came to.
#[derive(Debug)]
pub(super) struct SealedMonth {
    pub period: Period,
    /// `JOB/PERIOD/ATTEMPT`
    pub run: String,
    pub pulled: Vec<PulledFiles>,
    /// Currency → items and their sum.
    pub closing: BTreeMap<String, (u64, Owed)>,
}

/// A report of a sealed run that cannot be relied on. Exit code 65.
#[derive(Debug, thiserror::Error)]
enum SealedReportError {
    #[error(
        "{path} of the sealed run {run} cannot be read; bring it back from where reports are kept, or unseal the period"
    )]
    Gone { path: PathBuf, run: String, source: std::io::Error },
    #[error(
        "{path} is not as run {run} was sealed with (sha256 {found}, sealed was {sealed}); bring it back from where \
         reports are kept, or unseal the period"
    )]
    Changed { path: PathBuf, run: String, found: String, sealed: String },
    #[error("{path} of run {run} is not what this program writes; {todo}")]
    Unreadable { path: PathBuf, run: String, todo: &'static str, source: Box<dyn std::error::Error + Send + Sync> },
}

impl From<SealedReportError> for Failure {
    fn from(error: SealedReportError) -> Self {
        Self::new(ExitCode::InputData, error)
    }
}

impl Seals {
    pub(super) async fn read(journal: &Journal, request: &Request) -> Result<Self, Failure> {
        // What is sent is sent: only what is compared is signed off.
        if !matches!(request.job.work, Work::Reconcile(_)) {
            return Ok(Self::default());
        }
        let all = journal.seals(Some(&request.job.name)).await?.into_iter().filter(Standing::is_sealed);
        let all: HashMap<String, Standing> = all.map(|seal| (seal.period.clone(), seal)).collect();
        if all.is_empty() {
            return Ok(Self::default());
        }
        let kept = request.project.kept();
        let seal = all.get(&request.period.label).cloned();
        let adjustments = match &seal {
            // What was signed off has taken in what it has; everything since falls to an open period.
            Some(seal) => {
                kept.bring(&seal.run).await?;
                booked(request, seal)?
            }
            None => left_to(journal, request, &sealed_before(request, &all)).await?,
        };
        let before = all.get(&request.period.previous().label);
        let month_before = match before.filter(|_| month_end(request).is_some_and(|spec| spec.earlier > 0)) {
            Some(seal) => {
                kept.bring(&seal.run).await?;
                Some(SealedMonth::read(journal, request, seal).await?)
            }
            None => None,
        };
        Ok(Self { facts: SealFacts { seal, adjustments }, month_before })
    }
}

/// The sealed periods that end where this one begins, without an open one between; the earliest first.
fn sealed_before<'s>(request: &Request, all: &'s HashMap<String, Standing>) -> Vec<&'s Standing> {
    let before = std::iter::successors(Some(request.period.previous()), |period| Some(period.previous()));
    let mut sealed: Vec<&Standing> = before.map_while(|period| all.get(&period.label)).collect();
    sealed.reverse();
    sealed
}

/// None where the period before is open.
async fn left_to(
    journal: &Journal,
    request: &Request,
    sealed: &[&Standing],
) -> Result<Option<Vec<Adjustment>>, Failure> {
    let (Some(first), Some(last)) = (sealed.first(), sealed.last()) else { return Ok(None) };
    let runs = journal.runs_between(&request.job.name, &first.period, &last.period).await?;
    // In the order in which they were begun: the last one of a period stays.
    let finished = runs.iter().filter(|run| run.status.is_finished());
    let latest: HashMap<&str, &RunRecord> = finished.map(|run| (run.period.as_str(), run)).collect();
    let (mut late, mut before) = (Vec::new(), Vec::new());
    let kept = request.project.kept();
    for seal in sealed {
        kept.bring(&seal.run).await?;
        before.extend(booked(request, seal)?.unwrap_or_default());
        let Some(run) = latest.get(seal.period.as_str()).filter(|run| run.id != seal.run) else { continue };
        kept.bring(&run.id).await?;
        let name = file_name(ReportFormat::Parquet);
        late.push(Late {
            period: seal.period.clone(),
            sealed_run: seal.run.clone(),
            late_run: run.id.clone(),
            sealed: states(&folder(request, &seal.run).join(name), &seal.run, sealed_file(request, seal, name)?)?,
            now: states_now(&folder(request, &run.id).join(name), &run.id)?,
        });
    }
    Ok(Some(left_to_adjust(&late, &before)))
}

fn states_now(path: &Path, run: &str) -> Result<BTreeMap<String, crate::seals::State>, SealedReportError> {
    let bytes = std::fs::read(path).map_err(|source| SealedReportError::Unreadable {
        path: path.to_owned(),
        run: run.to_owned(),
        todo: "run that period again to have it written anew",
        source: Box::new(source),
    })?;
    states(path, run, bytes)
}

fn states(path: &Path, run: &str, bytes: Vec<u8>) -> Result<BTreeMap<String, crate::seals::State>, SealedReportError> {
    found_breaks::states(Cursor::new(bytes)).map_err(|source| SealedReportError::Unreadable {
        path: path.to_owned(),
        run: run.to_owned(),
        todo: "it may be of a version that kept less; unseal the period, run it again and seal it",
        source: Box::new(source),
    })
}

/// What the sealed attempt has taken in of periods before it.
fn booked(request: &Request, seal: &Standing) -> Result<Option<Vec<Adjustment>>, Failure> {
    if !seal.files.contains_key(ADJUSTMENTS_FILE) {
        return Ok(None);
    }
    let bytes = sealed_file(request, seal, ADJUSTMENTS_FILE)?;
    let list = read_list(bytes.as_slice()).map_err(|source| SealedReportError::Unreadable {
        path: folder(request, &seal.run).join(ADJUSTMENTS_FILE),
        run: seal.run.clone(),
        todo: "it may be of a newer version",
        source: Box::new(source),
    })?;
    Ok(Some(list))
}

/// A file of a sealed report, as it was sealed.
fn sealed_file(request: &Request, seal: &Standing, name: &str) -> Result<Vec<u8>, SealedReportError> {
    let (path, run) = (folder(request, &seal.run).join(name), seal.run.clone());
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(source) => return Err(SealedReportError::Gone { path, run, source }),
    };
    let found = sha256(&bytes);
    match seal.files.get(name) {
        Some(sealed) if *sealed == found => Ok(bytes),
        sealed => {
            let sealed = sealed.cloned().unwrap_or_else(|| "without it".to_owned());
            Err(SealedReportError::Changed { path, run, found, sealed })
        }
    }
}

fn folder(request: &Request, run: &str) -> PathBuf {
    request.project.artifacts.join(run)
}

impl SealedMonth {
    /// What its run read of a month, its own or one before it.
    pub(super) fn files(&self, side: Side, month: &str) -> &[RawFile] {
        let input = self.pulled.iter().find(|input| input.side == side);
        match input {
            Some(input) if month == self.period.label => &input.files,
            Some(input) => {
                let of_month = input.months.iter().find(|files| files.period == month);
                of_month.map_or(&[], |files| &files.files)
            }
            None => &[],
        }
    }

    async fn read(journal: &Journal, request: &Request, seal: &Standing) -> Result<Self, Failure> {
        let run = journal.run(&seal.run).await?;
        let name = file_name(ReportFormat::Json);
        let bytes = sealed_file(request, seal, name)?;
        let summary: Summary = serde_json::from_slice(&bytes).map_err(|source| SealedReportError::Unreadable {
            path: folder(request, &seal.run).join(name),
            run: seal.run.clone(),
            todo: "it may be of a newer version",
            source: Box::new(source),
        })?;
        let receivable = summary.month.map(|month| month.receivable).unwrap_or_default();
        let closing = receivable.into_iter().map(|one| {
            let owed = Owed {
                issuer_commission_minor: one.closing.issuer_commission_minor.0,
                user_reward_minor: one.closing.user_reward_minor.0,
            };
            (one.currency, (one.closing_items, owed))
        });
        Ok(Self {
            period: request.period.previous(),
            run: run.id.clone(),
            pulled: pulled_by(journal, request, &run).await?,
            closing: closing.collect(),
        })
    }
}
