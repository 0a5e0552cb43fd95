//! What earlier attempts of the same period left behind.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use polars::prelude::{ParquetReader, PolarsResult, SerReader};
use serde::{Deserialize, Serialize};

use super::Request;
use super::history::{PeriodFiles, before};
use super::month;
use super::pull::PulledInput;
use super::repeats::Originals;
use super::seals::Seals;
use crate::breaks::files::EarlierFile;
use crate::exit::Failure;
use crate::frames::{Repeat, Side};
use crate::job::ReportFormat;
use crate::journal::{Journal, RunFilter, RunRecord, Step};
use crate::report::facts::{Changes, Facts};
use crate::report::{file_name, gather};
use crate::sources::RawFile;

/// The earlier attempts, as far as this one needs them.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    pub attempts: u32,
    /// What the latest attempt that pulled anything pulled, also when it died afterwards.
    pulled: Vec<PulledFiles>,
    /// The inputs of the first finished attempt.
    pub first_files: Vec<EarlierFile>,
    /// The last finished attempt.
    last: Option<LastFinished>,
    /// What finished runs of other periods pulled, where the job closes months.
    others: Others,
    /// What earlier periods have read.
    pub originals: Originals,
    /// What is sealed of this period and of those before it.
    pub seals: Seals,
}

/// Label → what the last finished run of that period pulled.
#[derive(Debug, Default)]
struct Others {
    months: BTreeMap<String, Vec<PulledFiles>>,
    /// Of the daily job.
    days: BTreeMap<String, Vec<PulledFiles>>,
}

#[derive(Debug)]
struct LastFinished {
    attempt: u32,
    /// Input (side and name, or the job file) → digest.
    digests: BTreeMap<String, String>,
    /// None when its report is gone.
    break_ids: Option<Vec<String>>,
}

/// The detail of the mark `pulled`: enough to go on from there.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PulledFiles {
    pub(super) side: Side,
    pub(super) files: Vec<RawFile>,
    /// What the run held to be repeats of earlier periods' files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) repeats: Vec<Repeat>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    history: Vec<PeriodFiles>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) months: Vec<PeriodFiles>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    days: Vec<PeriodFiles>,
}

/// What the mark `pulled` keeps.
pub(super) fn detail(request: &Request, pulled: &[PulledInput]) -> serde_json::Value {
    let kept = request.project.kept();
    let one = |input: &PulledInput| PulledFiles {
        side: input.side,
        files: input.files.clone(),
        repeats: input.repeats.clone(),
        history: input.history.clone(),
        months: input.months.clone(),
        days: input.days.clone(),
    };
    let mut all: Vec<PulledFiles> = pulled.iter().map(one).collect();
    place(&mut all, |stored| kept.recorded(stored));
    serde_json::to_value(all).expect("raw files are plain data")
}

/// Says anew where the files lie.
fn place(pulled: &mut [PulledFiles], of: impl Fn(&Path) -> PathBuf) {
    for input in pulled {
        let others = input.history.iter_mut().chain(&mut input.months).chain(&mut input.days);
        let others = others.flat_map(|period| &mut period.files);
        for file in input.files.iter_mut().chain(others) {
            file.stored = of(&file.stored);
        }
    }
}

impl Earlier {
    pub(super) async fn read(journal: &Journal, request: &Request) -> Result<Self, Failure> {
        let (job, period) = (&request.job.name, &request.period.label);
        let filter = RunFilter { job: Some(job.clone()), period: Some(period.clone()), ..RunFilter::default() };
        let runs = journal.runs(&filter).await?;
        let mut pulled = Vec::new();
        for run in &runs {
            pulled = pulled_by(journal, request, run).await?;
            if !pulled.is_empty() {
                break;
            }
        }
        let first_files = match journal.first_finished(job, period).await? {
            Some(first) => {
                let inputs = journal.inputs(&first.id).await?.into_iter();
                inputs
                    .map(|input| EarlierFile { side: input.side, name: input.file.name, sha256: input.file.sha256 })
                    .collect()
            }
            None => Vec::new(),
        };
        let last = match journal.last_finished(job, period).await? {
            Some(last) => Some(LastFinished::read(journal, request, &last).await?),
            None => None,
        };
        let attempts = runs.iter().map(|run| run.attempt).max().unwrap_or(0);
        let others = Others::read(journal, request).await?;
        let originals = Originals::read(journal, request).await?;
        let seals = Seals::read(journal, request).await?;
        Ok(Self { attempts, pulled, first_files, last, others, originals, seals })
    }

    pub(super) fn pulled(&self, side: Side) -> &[RawFile] {
        self.pulled.iter().find(|input| input.side == side).map_or(&[], |input| &input.files)
    }

    /// The files of the period before this one that has the label; none: no attempt looked for them.
    pub(super) fn history(&self, side: Side, period: &str) -> Option<&PeriodFiles> {
        let input = self.pulled.iter().find(|input| input.side == side)?;
        input.history.iter().find(|files| files.period == period)
    }

    /// What the last finished run of an earlier month pulled for a side; nothing where there is none.
    pub(super) fn of_month(&self, side: Side, month: &str) -> &[RawFile] {
        of_side(self.others.months.get(month), side)
    }

    /// The provider's files of the last finished run of the daily job; nothing where there is none.
    pub(super) fn of_day(&self, day: &str) -> &[RawFile] {
        of_side(self.others.days.get(day), Side::File)
    }

    /// What an earlier attempt took of an earlier month; none: no attempt looked for it.
    pub(super) fn month(&self, side: Side, month: &str) -> Option<&[RawFile]> {
        let input = self.pulled.iter().find(|input| input.side == side)?;
        input.months.iter().find(|files| files.period == month).map(|files| files.files.as_slice())
    }

    /// What an earlier attempt took of a day; none: no attempt looked for it.
    pub(super) fn day(&self, day: &str) -> Option<&[RawFile]> {
        let input = self.pulled.iter().find(|input| input.side == Side::File)?;
        input.days.iter().find(|files| files.period == day).map(|files| files.files.as_slice())
    }

    /// What a rerun finds may change with the files that only rules read, too.
    pub(super) fn changes(&self, facts: &Facts) -> Option<Changes> {
        let last = self.last.as_ref()?;
        let files = facts.all_inputs().map(|input| (input_name(input.side, &input.name), input.sha256.clone()));
        let now: BTreeMap<String, String> = files.chain([(JOB_FILE.to_owned(), facts.job.sha256.clone())]).collect();
        Some(gather::changes(last.attempt, &last.digests, &now, last.break_ids.as_deref(), &facts.breaks))
    }
}

fn of_side(pulled: Option<&Vec<PulledFiles>>, side: Side) -> &[RawFile] {
    pulled.into_iter().flatten().find(|input| input.side == side).map_or(&[], |input| &input.files)
}

impl Others {
    async fn read(journal: &Journal, request: &Request) -> Result<Self, Failure> {
        let mut others = Self::default();
        let Some(month_end) = month::month_end(request).filter(|_| !request.offline) else { return Ok(others) };
        for period in before(&request.period, month_end.earlier) {
            if let Some(run) = journal.last_finished(&request.job.name, &period.label).await? {
                others.months.insert(period.label, pulled_by(journal, request, &run).await?);
            }
        }
        if let Some(dailies) = &month_end.dailies {
            for day in month::days(&request.period) {
                if let Some(run) = journal.last_finished(dailies, &day).await? {
                    others.days.insert(day, pulled_by(journal, request, &run).await?);
                }
            }
        }
        Ok(others)
    }
}

const JOB_FILE: &str = "the job file";

fn input_name(side: Side, name: &str) -> String {
    format!("{side} {name}")
}

impl LastFinished {
    async fn read(journal: &Journal, request: &Request, run: &RunRecord) -> Result<Self, Failure> {
        let inputs = journal.inputs(&run.id).await?;
        let files = inputs.into_iter().map(|input| (input_name(input.side, &input.file.name), input.file.sha256));
        let digests = files.chain([(JOB_FILE.to_owned(), run.job_sha256.clone())]).collect();
        let break_ids = match report_file(request, run, file_name(ReportFormat::Parquet)).await? {
            Some(path) => break_ids(&path).ok(),
            None => None,
        };
        Ok(Self { attempt: run.attempt, digests, break_ids })
    }
}

/// The ids of an earlier report's breaks.
fn break_ids(path: &Path) -> PolarsResult<Vec<String>> {
    let breaks = ParquetReader::new(File::open(path)?).with_columns(Some(vec!["id".to_owned()])).finish()?;
    Ok(breaks.column("id")?.str()?.iter().flatten().map(str::to_owned).collect())
}

/// What a run pulled, of each side.
pub(super) async fn pulled_by(
    journal: &Journal,
    request: &Request,
    run: &RunRecord,
) -> Result<Vec<PulledFiles>, Failure> {
    let steps = journal.steps(&run.id).await?;
    let mark = steps.into_iter().find(|mark| mark.step == Step::Pulled);
    // A mark that a later version wrote otherwise only costs a download.
    let pulled = mark.and_then(|mark| serde_json::from_value(mark.detail).ok());
    let (mut pulled, kept): (Vec<PulledFiles>, _) = (pulled.unwrap_or_default(), request.project.kept());
    place(&mut pulled, |stored| kept.here(stored));
    Ok(pulled)
}

/// Where a file of a run's report is on this machine, brought here where it is kept elsewhere; none for a run that left
/// no report. Whether the file is there is for the reader to see.
pub(super) async fn report_file(request: &Request, run: &RunRecord, name: &str) -> Result<Option<PathBuf>, Failure> {
    let Some(folder) = &run.artifacts else { return Ok(None) };
    let kept = request.project.kept();
    let path = kept.here(Path::new(folder)).join(name);
    kept.bring_file(&path).await?;
    Ok(Some(path))
}
