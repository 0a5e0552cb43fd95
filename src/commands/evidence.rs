//! `tieout evidence` and `tieout evidence verify`: what proves a run, in one file.

use std::path::{Path, PathBuf};

use tokio::sync::mpsc;

use super::Context;
use crate::cli::{EvidenceArgs, EvidenceCommand, VerifyEvidenceArgs};
use crate::evidence::{Archive, ArchiveError, EvidenceError, Mark, Options, Told, journal_hashes, make, verify};
use crate::exit::{ExitCode, Failure};
use crate::journal::{Journal, JournalError};
use crate::output::{Cell, Format, Rows};

impl From<ArchiveError> for Failure {
    fn from(error: ArchiveError) -> Self {
        Self::new(ExitCode::InputData, error)
    }
}

/// Makes the evidence of a run, or checks it.
///
/// # Errors
/// When the run has no report, or a file cannot be read or written.
pub async fn run(mut context: Context, args: EvidenceArgs) -> Result<ExitCode, Failure> {
    if let Some(EvidenceCommand::Verify(args)) = args.verify {
        return check(context, args).await;
    }
    let id = args.run.unwrap_or_default();
    let path = args.out.unwrap_or_default();
    let project = context.load_project()?.clone();
    let unknown = || JournalError::UnknownRun { id: id.clone(), nearest: Vec::new() };
    let journal = context.read_journal().await?.ok_or_else(unknown)?;
    let options = Options { with_inputs: args.with_inputs, whole_journal: args.whole_journal };
    // Beside its place: under its name it is whole or not at all.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let made = make(&journal, &project, &id, options, folder).await?;
    let told = |path: PathBuf, source| EvidenceError::Write { path, source };
    open_to_readers(made.file.as_file()).map_err(|source| told(path.clone(), source))?;
    made.file.persist(&path).map_err(|error| told(path.clone(), error.error))?;
    tracing::info!(
        "the evidence of {id} is in {}: its report {}, {} entries of the journal in full, {} effects",
        path.display(),
        made.report_digest,
        made.entries,
        made.effects
    );
    Ok(ExitCode::Done)
}

async fn check(mut context: Context, args: VerifyEvidenceArgs) -> Result<ExitCode, Failure> {
    let file = args.file.clone();
    let checking = tokio::task::spawn_blocking(move || {
        let mut archive = Archive::open(&file)?;
        Ok::<_, ArchiveError>(verify(&mut archive))
    });
    let mut told = checking.await.map_err(|panic| Failure::new(ExitCode::Unexpected, panic))??;
    if args.against_journal {
        told.push(match context.read_journal().await? {
            Some(journal) => against(&journal, args.file).await?,
            None => wrong("the project has no journal yet".to_owned()),
        });
    }
    let is_well = told.iter().all(|one| one.mark != Mark::Wrong);
    if context.output.format == Format::Table {
        let lines = told.iter().map(|one| format!("{:<5}  {}: {}\n", one.mark.name(), one.what, one.words));
        let end = if is_well {
            "The evidence is whole and agrees with itself.\n"
        } else {
            "THE EVIDENCE IS NOT AS IT WAS WRITTEN.\n"
        };
        context.output.text(&format!("{}{end}", lines.collect::<String>()))?;
    } else {
        let mut rows = Rows::new(&["mark", "what", "words"]);
        for one in &told {
            let mark = one.mark.name().to_ascii_lowercase();
            rows.push(vec![Cell::text(mark), Cell::text(one.what), Cell::text(&*one.words)]);
        }
        context.output.rows(&rows)?;
    }
    Ok(if is_well { ExitCode::Done } else { ExitCode::InvariantFailed })
}

fn wrong(words: String) -> Told {
    Told { mark: Mark::Wrong, what: "project's journal", words }
}

/// Every entry stands in the project's journal with the same hash.
async fn against(journal: &Journal, file: PathBuf) -> Result<Told, Failure> {
    let (send, mut chunks) = mpsc::channel(2);
    let reading = tokio::task::spawn_blocking(move || {
        let mut archive = Archive::open(&file).map_err(|error| error.to_string())?;
        journal_hashes(&mut archive, |hashes| send.blocking_send(hashes).is_ok())
    });
    let mut last = 0;
    while let Some(chunk) = chunks.recv().await {
        let limit = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
        let known = journal.hashes(last, limit).await?;
        let differs = chunk.iter().zip(&known).find(|(stated, known)| stated != known);
        if let Some((stated, _)) = differs {
            return Ok(wrong(format!("entry {} is another one there", stated.sequence)));
        }
        if known.len() < chunk.len() {
            return Ok(wrong(format!("it ends with entry {}", last + known.len() as u64)));
        }
        last += chunk.len() as u64;
    }
    match reading.await.map_err(|panic| Failure::new(ExitCode::Unexpected, panic))? {
        Ok(()) => {
            let words = format!("{last} entries stand there with the same hashes");
            Ok(Told { mark: Mark::Well, what: "project's journal", words })
        }
        Err(what) => Ok(wrong(what)),
    }
}

/// Temporary files are private; what is kept is for others too.
fn open_to_readers(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}
