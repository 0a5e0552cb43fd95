//! Looks at what the journal knows of all periods, and at what lies on the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use super::{Attempt, Found, KEPT_FILES, Name, PeriodFacts, RawName, Survey, Thing};
use crate::effects::State;
use crate::job::{Grain, Job};
use crate::journal::{EffectFilter, Journal, JournalError, RunFilter, RunRecord, RunStatus};
use crate::period::Period;
use crate::sources::removed::REMOVED_FILE;

/// The folder of raw files below a period's.
pub(super) const RAW: &str = "raw";
/// The folder of sealed builds below a period's.
pub(super) const OUTGOING: &str = "outgoing";

/// A period's files that cannot be looked at, or a journal that cannot.
#[derive(Debug, thiserror::Error)]
pub enum SurveyError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("cannot look at {path}; nothing was removed")]
    Disk { path: PathBuf, source: io::Error },
}

/// How far back from now runs of present periods look: by the job that looks back furthest.
pub fn reach(jobs: &[Job]) -> TimeDelta {
    let days = |job: &Job| {
        let length = match job.grain {
            Grain::Day => 1,
            Grain::Month => 31,
        };
        let reconciliation = job.reconciliation()?;
        let months = reconciliation.month_end.as_ref().map_or(0, |month_end| month_end.earlier);
        // The period that is run now has itself ended a while ago.
        Some((i64::from(reconciliation.carry.max(months)) + 2) * length)
    };
    TimeDelta::days(jobs.iter().filter_map(days).max().unwrap_or(2))
}

/// Looks at everything.
///
/// # Errors
/// When the journal or a folder cannot be read.
pub async fn survey(
    journal: &Journal,
    artifacts: &Path,
    jobs: &[Job],
    now: DateTime<Utc>,
) -> Result<Survey, SurveyError> {
    let mut periods: BTreeMap<Name, PeriodFacts> = BTreeMap::new();
    for run in journal.runs(&RunFilter::default()).await? {
        let name = Name { job: run.job.clone(), period: run.period.clone() };
        let facts = periods.entry(name).or_default();
        facts.running |= run.status == RunStatus::Running;
        facts.attempts.push(attempt(journal, &run).await?);
    }
    for (name, facts) in &mut periods {
        facts.end = end_of(name, jobs);
        let lives = journal.lives_in(&name.job, &name.period).await?;
        facts.open_breaks = lives.values().filter(|life| life.status.is_open()).count() as u64;
        let sealed = journal.sealed(&name.job, &name.period).await?;
        facts.sealed = sealed.and_then(|seal| seal.run.rsplit('/').next()?.parse().ok());
    }
    let states = vec![State::Proposed, State::Approved, State::InFlight, State::InDoubt];
    for standing in journal.effects(&EffectFilter { states, ..EffectFilter::default() }).await? {
        let name = Name { job: standing.effect.job.clone(), period: standing.effect.period.clone() };
        periods.entry(name).or_default().open_effects += 1;
    }
    let found = on_disk(artifacts, periods.keys())?;
    Ok(Survey { now, reach: reach(jobs), periods, found })
}

async fn attempt(journal: &Journal, run: &RunRecord) -> Result<Attempt, JournalError> {
    let mut read = BTreeSet::new();
    for input in journal.inputs(&run.id).await? {
        read.extend(raw_name(&input.file.stored));
    }
    // What a close has read of other months and days stands in its marks.
    for step in journal.steps(&run.id).await? {
        stored_in(&step.detail, &mut read);
    }
    Ok(Attempt { number: run.attempt, at: run.finished_at.unwrap_or(run.started_at), read })
}

/// Every `"stored": PATH` within.
fn stored_in(value: &Value, read: &mut BTreeSet<RawName>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| stored_in(item, read)),
        Value::Object(fields) => {
            if let Some(stored) = fields.get("stored").and_then(Value::as_str) {
                read.extend(raw_name(Path::new(stored)));
            }
            fields.values().for_each(|field| stored_in(field, read));
        }
        _ => {}
    }
}

/// `…/JOB/PERIOD/raw/FILE`, wherever the artifacts lay then.
fn raw_name(stored: &Path) -> Option<RawName> {
    let mut parts = stored.iter().rev().map(|part| part.to_str());
    let (file, raw, period, job) = (parts.next()??, parts.next()??, parts.next()??, parts.next()??);
    (raw == RAW).then(|| RawName { of: Name { job: job.to_owned(), period: period.to_owned() }, file: file.to_owned() })
}

/// By the job's zone, or UTC for a job that is no more; none where the label is of no known form.
fn end_of(name: &Name, jobs: &[Job]) -> Option<DateTime<Utc>> {
    let job = jobs.iter().find(|job| job.name == name.job);
    let zone = job.map_or(Tz::UTC, |job| job.zone);
    let parse = |grain| Period::parse(&name.period, grain, zone).ok();
    parse(Grain::Day).or_else(|| parse(Grain::Month)).map(|period| period.end)
}

fn on_disk<'n>(
    artifacts: &Path,
    names: impl Iterator<Item = &'n Name>,
) -> Result<BTreeMap<Name, Vec<Found>>, SurveyError> {
    let mut found = BTreeMap::new();
    for name in names {
        let folder = artifacts.join(&name.job).join(&name.period);
        let things = things(&folder)?;
        if !things.is_empty() {
            found.insert(name.clone(), things);
        }
    }
    Ok(found)
}

fn things(folder: &Path) -> Result<Vec<Found>, SurveyError> {
    let mut things = Vec::new();
    for (name, path) in entries(folder)? {
        if name == RAW {
            for (file, path) in entries(&path)?.into_iter().filter(|(file, _)| file.starts_with("sha256-")) {
                things.extend(measured(Thing::Raw { file }, vec![path])?);
            }
        } else if name == OUTGOING {
            for (key, path) in entries(&path)?.into_iter().filter(|(key, path)| !key.starts_with('.') && path.is_dir())
            {
                things.extend(measured(Thing::Build { key }, files(&path)?)?);
            }
        } else if let Ok(attempt) = name.parse() {
            let renderings = files(&path)?.into_iter().filter(|path| !is_kept(path)).collect();
            things.extend(measured(Thing::Report { attempt }, renderings)?);
        }
    }
    things.sort_by(|left, right| left.thing.cmp(&right.thing));
    Ok(things)
}

/// Whether a file of an attempt's folder stays for good.
pub(super) fn is_kept(path: &Path) -> bool {
    path.file_name()
        .and_then(|name| name.to_str())
        .is_none_or(|name| KEPT_FILES.contains(&name) || name == REMOVED_FILE)
}

/// None where there are no such files.
fn measured(thing: Thing, files: Vec<PathBuf>) -> Result<Option<Found>, SurveyError> {
    let mut found = Found { thing, files: 0, bytes: 0, written: DateTime::<Utc>::MIN_UTC };
    for path in files {
        let disk = |source| SurveyError::Disk { path: path.clone(), source };
        let metadata = std::fs::metadata(&path).map_err(disk)?;
        found.files += 1;
        found.bytes += metadata.len();
        found.written = found.written.max(metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH).into());
    }
    Ok((found.files > 0).then_some(found))
}

/// The files below a folder, whatever their depth.
pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>, SurveyError> {
    let mut files = Vec::new();
    for (_, path) in entries(folder)? {
        if path.is_dir() {
            files.extend(self::files(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}

/// Names and paths, in order; none where there is no such folder.
fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>, SurveyError> {
    let disk = |source| SurveyError::Disk { path: folder.to_owned(), source };
    let read = match std::fs::read_dir(folder) {
        Ok(read) => read,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(disk(error)),
    };
    let mut entries = Vec::new();
    for entry in read {
        let entry = entry.map_err(disk)?;
        // A name that is no text is none of ours.
        if let Ok(name) = entry.file_name().into_string() {
            entries.push((name, entry.path()));
        }
    }
    entries.sort();
    Ok(entries)
}
