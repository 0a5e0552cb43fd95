//! Reads together what proves a run, and packs it.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::members::{self, Known, Member};
use super::write::pack;
use super::{ANCHOR, EFFECTS, EvidenceError, INPUTS, JOB, JOURNAL, Options, PLAN, RAW, README, REPORT, RUN, SIGN_OFF};
use crate::digest::sha256;
use crate::exit::{ExitCode, Failure};
use crate::job::ReportFormat;
use crate::job::load::FOLDER as JOBS;
use crate::journal::{ExportError, Extract, InputRecord, Journal, RunRecord, Scope};
use crate::objects::Artifacts;
use crate::project::Project;
use crate::report::{files, report_digest};

/// Evidence that is packed, under a name of its own until it is put where it belongs.
#[derive(Debug)]
pub struct Made {
    pub file: NamedTempFile,
    /// Of the report in it.
    pub report_digest: String,
    /// Entries of the journal in full.
    pub entries: u64,
    pub effects: usize,
}

/// Packs the evidence of a finished run into a temporary file in `folder`. Memory is bounded by the effects of the period
/// and the ids of its breaks; all else goes through in pieces.
///
/// # Errors
/// When the run is unknown or has no report, or something cannot be read or written.
pub async fn make(
    journal: &Journal,
    project: &Project,
    run: &str,
    options: Options,
    folder: &Path,
) -> Result<Made, Failure> {
    let kept = project.kept();
    let run = journal.run(run).await?;
    if !run.status.is_finished() {
        return Err(EvidenceError::NotFinished { run: run.id }.into());
    }
    let (steps, inputs) = (journal.steps(&run.id).await?, journal.inputs(&run.id).await?);
    let last_finished = journal.last_finished(&run.job, &run.period).await?.map(|last| last.id);
    let told = |source| EvidenceError::Write { path: folder.to_owned(), source };
    let lines = tempfile_in(folder).map_err(told)?;
    let extract = extract(journal, &run, options, &lines).await?;
    let report = kept.bring(&run.id).await?;
    let raw = if options.with_inputs { raw_files(&kept, &run, &inputs).await? } else { Vec::new() };
    let job = project.root.join(JOBS).join(format!("{}.yaml", run.job));
    let folder = folder.to_owned();
    let packing = tokio::task::spawn_blocking(move || {
        let files = files(&report, &[ReportFormat::Json])
            .map_err(|source| EvidenceError::NoReport { run: run.id.clone(), source })?;
        let report_digest = report_digest(&files);
        let known = Known { run, steps, inputs, last_finished, report_digest, extract };
        let mut all = described(&known, options, &job);
        all.push(Member::file(JOURNAL, lines.path().to_owned()));
        all.extend(files.keys().map(|name| Member::file(format!("{REPORT}{name}"), report.join(name))));
        all.extend(raw);
        packed(&known, &all, &folder)
    });
    let made = packing.await.map_err(|panic| Failure::new(ExitCode::Unexpected, panic))?;
    Ok(made?)
}

/// The members that are made of what is known.
fn described(known: &Known, options: Options, job: &Path) -> Vec<Member> {
    let mut all = vec![
        Member::text(README, members::readme(known, options.whole_journal)),
        Member::text(RUN, members::run(known)),
        Member::text(INPUTS, members::inputs(known, options.with_inputs)),
        Member::text(PLAN, members::plan(known)),
        Member::text(EFFECTS, members::effects(known)),
        Member::text(SIGN_OFF, members::sign_off(known)),
        Member::text(ANCHOR, members::anchor(known)),
    ];
    // Only the job that was run is evidence of it.
    if let Ok(bytes) = std::fs::read(job)
        && sha256(&bytes) == known.run.job_sha256
    {
        all.push(Member::text(JOB, bytes));
    }
    all
}

fn packed(known: &Known, all: &[Member], folder: &Path) -> Result<Made, EvidenceError> {
    let file = tempfile_in(folder).map_err(|source| EvidenceError::Write { path: folder.to_owned(), source })?;
    let at = known.run.finished_at.unwrap_or(known.run.started_at);
    let digests = pack(all, at, file.as_file(), file.path())?;
    let report = digests.iter().filter_map(|(name, digest)| Some((name.strip_prefix(REPORT)?, digest)));
    let report = report.map(|(name, digest)| (name.to_owned(), digest.clone())).collect();
    if report_digest(&report) != known.report_digest {
        return Err(EvidenceError::Changed { run: known.run.id.clone() });
    }
    let (entries, effects) = (known.extract.full, known.extract.effects.len());
    Ok(Made { file, report_digest: known.report_digest.clone(), entries, effects })
}

fn tempfile_in(folder: &Path) -> std::io::Result<NamedTempFile> {
    tempfile::Builder::new().prefix(".tmp-").tempfile_in(folder)
}

async fn extract(
    journal: &Journal,
    run: &RunRecord,
    options: Options,
    lines: &NamedTempFile,
) -> Result<Extract, Failure> {
    let scope = Scope { job: &run.job, period: &run.period, whole: options.whole_journal };
    let mut out: BufWriter<&File> = BufWriter::new(lines.as_file());
    let extract = journal.extract(scope, |bytes| out.write_all(bytes)).await;
    let extract = extract.map_err(|error: ExportError| Failure::new(error.exit_code(), error))?;
    out.flush().map_err(|source| EvidenceError::Write { path: lines.path().to_owned(), source })?;
    Ok(extract)
}

/// The inputs as they were received, each once.
async fn raw_files(kept: &Artifacts, run: &RunRecord, inputs: &[InputRecord]) -> Result<Vec<Member>, Failure> {
    let mut found = std::collections::BTreeMap::<String, PathBuf>::new();
    for input in inputs {
        let path = kept.here(&input.file.stored);
        kept.bring_file(&path).await?;
        if let Err(source) = std::fs::metadata(&path) {
            let (run, name) = (run.id.clone(), input.file.name.clone());
            return Err(EvidenceError::NoInput { run, name, path, source }.into());
        }
        found.insert(format!("{RAW}{}", input.file.sha256), path);
    }
    Ok(found.into_iter().map(|(name, path)| Member::file(name, path)).collect())
}
