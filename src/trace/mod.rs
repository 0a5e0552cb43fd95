//! The story of one transaction: every row about it in every file that any run has read, the breaks it has made and what
//! became of them, what was sent of it, and what was asked of the provider because of it.

mod lives;
mod rows;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use polars::prelude::{ParquetReader, PolarsResult, SerReader, StringChunked};
use serde::Serialize;

use crate::breaks::carry::Fate;
use crate::breaks::life;
use crate::effects::{Entry, Standing};
use crate::exit::{ExitCode, Failure};
use crate::frames::{InputError, Side};
use crate::job::{Job, ReportFormat};
use crate::journal::{BreakEntry, EffectFilter, InputRecord, Journal, RunFilter, RunRecord, Step};
use crate::objects::{Artifacts, KeepError};
use crate::outgoing::{Spool, SpoolError};
use crate::report::{OPEN_ITEMS_FILE, file_name};
use crate::sources::RawFile;

/// What to look for, and where.
#[derive(Debug, Clone)]
pub struct Search {
    /// The transaction's id, whole.
    pub transaction: String,
    /// None: all jobs.
    pub job: Option<String>,
    /// None: all periods.
    pub period: Option<String>,
}

/// Everything that is known of one transaction.
#[derive(Debug, Default, Serialize)]
pub struct Story {
    /// By period, job, side, file and line.
    pub rows: Vec<Row>,
    /// As the last finished run of each job and period found them.
    pub breaks: Vec<BreakFound>,
    /// Where its breaks stand, and what became of them; of suggestions that pair it too.
    pub lives: Vec<BreakStory>,
    /// What the last finished run of each job and period left open of it, or took in from others.
    pub carried: Vec<Carried>,
    /// Rows of sealed files and calls.
    pub sent: Vec<SentRow>,
    pub effects: Vec<EffectStory>,
    /// Files that could not be looked into, and why: the story may be longer.
    pub unread: Vec<String>,
    /// Different files that were looked into.
    pub files: usize,
}

/// A row of an input.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Row {
    pub period: String,
    pub job: String,
    pub side: Side,
    pub file: String,
    pub line: u64,
    pub sha256: String,
    /// The runs that read the file, the latest last.
    pub runs: Vec<String>,
    /// When the first of them began, UTC.
    pub read_at: DateTime<Utc>,
    /// Field → text, as it stands in the file.
    pub values: Vec<(String, String)>,
}

/// A break of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BreakFound {
    pub run: String,
    pub id: String,
    pub kind: String,
    pub status: String,
    pub detail: String,
}

/// A break, or a suggestion, with everything that was recorded of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BreakStory {
    pub standing: life::Standing,
    pub history: Vec<BreakEntry>,
}

/// What a run handed on to other periods, or took in from one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Carried {
    pub run: String,
    /// When it ended, UTC.
    pub at: DateTime<Utc>,
    /// The period that left it open.
    pub period: String,
    /// What became of what was taken in; none for what the run itself left open.
    pub fate: Option<Fate>,
    /// In words.
    pub says: String,
}

/// A row that was sealed to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SentRow {
    pub run: String,
    /// The name of the file or call.
    pub parcel: String,
    /// From 1.
    pub line: u64,
    pub event_id: String,
    pub amount_minor: i64,
    pub currency: String,
    /// Where the parcel stands; none where no run has planned to send it.
    pub state: Option<String>,
}

/// An effect with everything that was recorded of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EffectStory {
    pub standing: Standing,
    pub history: Vec<Entry>,
}

impl Story {
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
            && self.breaks.is_empty()
            && self.lives.is_empty()
            && self.carried.is_empty()
            && self.sent.is_empty()
            && self.effects.is_empty()
    }
}

/// Why nothing could be looked for.
#[derive(Debug, thiserror::Error)]
enum Unread {
    #[error("its job `{job}` cannot be loaded, so nobody knows how to read it")]
    NoJob { job: String },
    #[error(transparent)]
    Input(#[from] InputError),
    #[error(transparent)]
    Spool(#[from] SpoolError),
    #[error(transparent)]
    Kept(#[from] KeepError),
    #[error(transparent)]
    Carried(#[from] std::io::Error),
    #[error(transparent)]
    Breaks(#[from] polars::prelude::PolarsError),
}

/// Looks for a transaction in everything that runs have kept. `jobs` are those that can be loaded today: how to read
/// a file is theirs to say.
///
/// # Errors
/// When the journal cannot be read. A file that cannot be is told in the story.
pub async fn trace(journal: &Journal, kept: &Artifacts, jobs: &[Job], search: &Search) -> Result<Story, Failure> {
    let filter = RunFilter { job: search.job.clone(), period: search.period.clone(), ..RunFilter::default() };
    let mut runs = journal.runs(&filter).await?;
    runs.reverse();
    let mut files = Files::default();
    let mut builds = Vec::new();
    for run in &runs {
        files.add(run, journal.inputs(&run.id).await?);
        if let Some(build) = build_of(journal, kept, run).await? {
            // Attempts share what was sealed of the same bytes: the latest stands for all.
            builds.retain(|known: &Build| (&known.folder, &known.key) != (&build.folder, &build.key));
            builds.push(build);
        }
    }
    let effects = effects(journal, search).await?;
    let lives = lives::lives(journal, search).await?;
    let states = parcel_states(journal, &builds).await?;
    let last = last_finished(kept, &runs);
    let unread = brought(kept, &mut files, &builds, &last).await;
    let (jobs, wanted) = (jobs.to_vec(), search.transaction.clone());
    let looking = tokio::task::spawn_blocking(move || {
        let mut story = Story { files: files.0.len(), unread, ..Story::default() };
        rows::find(files, &jobs, &wanted, &mut story);
        for run in last {
            let found = breaks(&run, &wanted);
            found.map_or_else(|error| story.unread.push(told(&run.id, error)), |found| story.breaks.extend(found));
            let found = lives::carried(&run, &wanted);
            found.map_or_else(|error| story.unread.push(told(&run.id, error)), |found| story.carried.extend(found));
        }
        for build in builds {
            let found = sent(&build, &wanted, &states);
            found.map_or_else(|error| story.unread.push(told(&build.run, error)), |found| story.sent.extend(found));
        }
        story
    });
    let mut story = looking.await.map_err(|panic| Failure::new(ExitCode::Unexpected, panic))?;
    (story.effects, story.lives) = (effects, lives);
    story.rows.sort();
    Ok(story)
}

/// The rows of a transaction in the files that one run has read, and what could not be read of them; nothing else.
///
/// # Errors
/// When the journal cannot be read. A file that cannot be is told in the story.
pub async fn rows_of_run(
    journal: &Journal,
    kept: &Artifacts,
    jobs: &[Job],
    run: &RunRecord,
    transaction: &str,
) -> Result<Story, Failure> {
    let mut files = Files::default();
    files.add(run, journal.inputs(&run.id).await?);
    let unread = brought(kept, &mut files, &[], &[]).await;
    let (jobs, wanted) = (jobs.to_vec(), transaction.to_owned());
    let looking = tokio::task::spawn_blocking(move || {
        let mut story = Story { files: files.0.len(), unread, ..Story::default() };
        rows::find(files, &jobs, &wanted, &mut story);
        story.rows.sort();
        story
    });
    looking.await.map_err(|panic| Failure::new(ExitCode::Unexpected, panic))
}

/// Brings here what is kept elsewhere; what cannot be brought is told.
async fn brought(kept: &Artifacts, files: &mut Files, builds: &[Build], runs: &[FinishedRun]) -> Vec<String> {
    let mut unread = Vec::new();
    for (key, known) in &mut files.0 {
        known.file.stored = kept.here(&known.file.stored);
        if let Err(error) = kept.bring_file(&known.file.stored).await {
            unread.push(told(&format!("{} {}", key.period, known.file.name), error.into()));
        }
    }
    for build in builds {
        let brought = Spool::bring(kept, &build.folder, &build.key).await;
        unread.extend(brought.err().map(|error| told(&build.run, error.into())));
    }
    for run in runs {
        for name in [file_name(ReportFormat::Parquet), OPEN_ITEMS_FILE] {
            let brought = kept.bring_file(&run.folder.join(name)).await;
            unread.extend(brought.err().map(|error| told(&run.id, error.into())));
        }
    }
    unread
}

/// What could not be looked into, with the error and all that it comes from, in one line.
fn told(what: &str, error: Unread) -> String {
    format!("{what}: {:#}", anyhow::Error::new(error))
}

/// The files that runs have read: each once for a job, period and side, however many runs read it.
#[derive(Debug, Default)]
struct Files(BTreeMap<FileKey, KnownFile>);

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct FileKey {
    period: String,
    job: String,
    side: Side,
    sha256: String,
}

#[derive(Debug)]
struct KnownFile {
    file: RawFile,
    /// The latest last.
    runs: Vec<String>,
    /// When the first of them began.
    read_at: DateTime<Utc>,
}

impl Files {
    fn add(&mut self, run: &RunRecord, inputs: Vec<InputRecord>) {
        for InputRecord { side, file, .. } in inputs {
            let (period, job) = (run.period.clone(), run.job.clone());
            let key = FileKey { period, job, side, sha256: file.sha256.clone() };
            let known = || KnownFile { file, runs: Vec::new(), read_at: run.started_at };
            self.0.entry(key).or_insert_with(known).runs.push(run.id.clone());
        }
    }
}

/// What a run has sealed.
#[derive(Debug, Clone)]
struct Build {
    run: String,
    job: String,
    period: String,
    folder: PathBuf,
    key: String,
}

async fn build_of(journal: &Journal, kept: &Artifacts, run: &RunRecord) -> Result<Option<Build>, Failure> {
    let report = run.artifacts.as_ref().map(|folder| kept.here(Path::new(folder)));
    let Some(folder) = report.as_deref().and_then(Path::parent) else { return Ok(None) };
    let sealed = journal.steps(&run.id).await?.into_iter().find(|mark| mark.step == Step::Sealed);
    let key = sealed.and_then(|mark| Some(mark.detail.get("build")?.as_str()?.to_owned()));
    Ok(key.map(|key| Build {
        run: run.id.clone(),
        job: run.job.clone(),
        period: run.period.clone(),
        folder: folder.join("outgoing"),
        key,
    }))
}

/// The name of each parcel of these builds → where it stands.
async fn parcel_states(journal: &Journal, builds: &[Build]) -> Result<BTreeMap<String, String>, Failure> {
    let mut states = BTreeMap::new();
    for build in builds {
        let (job, period) = (Some(build.job.clone()), Some(build.period.clone()));
        for standing in journal.effects(&EffectFilter { job, period, ..EffectFilter::default() }).await? {
            states.insert(standing.effect.transaction().to_owned(), standing.state.name().to_owned());
        }
    }
    Ok(states)
}

/// The last finished run of a job and period.
#[derive(Debug)]
struct FinishedRun {
    id: String,
    /// Of its report.
    folder: PathBuf,
    /// When it ended, UTC.
    at: DateTime<Utc>,
}

fn last_finished(kept: &Artifacts, runs: &[RunRecord]) -> Vec<FinishedRun> {
    let mut last = BTreeMap::new();
    for run in runs.iter().filter(|run| run.status.is_finished()) {
        if let Some(folder) = &run.artifacts {
            let at = run.finished_at.unwrap_or(run.started_at);
            last.insert(
                (&run.job, &run.period),
                FinishedRun { id: run.id.clone(), folder: kept.here(Path::new(folder)), at },
            );
        }
    }
    last.into_values().collect()
}

fn breaks(run: &FinishedRun, wanted: &str) -> Result<Vec<BreakFound>, Unread> {
    let path = run.folder.join(file_name(ReportFormat::Parquet));
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let read = || -> PolarsResult<Vec<BreakFound>> {
        let file = File::open(&path)?;
        let columns = ["id", "kind", "key", "status", "detail"].map(str::to_owned).to_vec();
        let frame = ParquetReader::new(file).with_columns(Some(columns)).finish()?;
        let text = |name: &str| frame.column(name).and_then(|column| column.str().cloned());
        let keys = text("key")?;
        let (ids, kinds, statuses, details) = (text("id")?, text("kind")?, text("status")?, text("detail")?);
        let cell = |column: &StringChunked, row| column.get(row).unwrap_or_default().to_owned();
        let of_transaction = (0..frame.height()).filter(|row| keys.get(*row) == Some(wanted));
        Ok(of_transaction
            .map(|row| BreakFound {
                run: run.id.clone(),
                id: cell(&ids, row),
                kind: cell(&kinds, row),
                status: cell(&statuses, row),
                detail: cell(&details, row),
            })
            .collect())
    };
    Ok(read()?)
}

fn sent(build: &Build, wanted: &str, states: &BTreeMap<String, String>) -> Result<Vec<SentRow>, Unread> {
    if !build.folder.is_dir() {
        return Ok(Vec::new());
    }
    let Some(sealed) = Spool::open(&build.folder)?.find(&build.key)? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for parcel in &sealed.manifest().parcels {
        found.extend(sealed.of_transaction(parcel, wanted)?.into_iter().map(|row| SentRow {
            run: build.run.clone(),
            parcel: parcel.name.clone(),
            line: row.line,
            event_id: row.event_id,
            amount_minor: row.amount_minor,
            currency: row.currency,
            state: states.get(&parcel.name).cloned(),
        }));
    }
    Ok(found)
}

async fn effects(journal: &Journal, search: &Search) -> Result<Vec<EffectStory>, Failure> {
    let filter = EffectFilter {
        job: search.job.clone(),
        period: search.period.clone(),
        transaction: Some(search.transaction.clone()),
        ..EffectFilter::default()
    };
    let mut stories = Vec::new();
    for standing in journal.effects(&filter).await? {
        let history = journal.history(&standing.effect.id).await?;
        stories.push(EffectStory { standing, history });
    }
    Ok(stories)
}
