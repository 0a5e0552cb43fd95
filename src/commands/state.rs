//! `tieout state copy`: the whole journal from a file into a database, or the other way.

use std::path::{Path, PathBuf};

use super::Context;
use crate::cli::CopyArgs;
use crate::exit::{ExitCode, Failure};
use crate::journal::{Copied, CopyError, Journal, JournalError};
use crate::output::{Cell, Rows};
use crate::project::{Database, Secret, State};

/// What is wrong with the places of a copy. Exit code 2.
#[derive(Debug, thiserror::Error)]
enum PlaceError {
    #[error("--{option} is {expected}")]
    Unknown { option: &'static str, expected: String },
    #[error("--{option} holds a password, which others on this machine can see; write env:NAME or file:PATH")]
    Password { option: &'static str },
    #[error("--from and --to are the same")]
    Same,
    #[error("nothing was ever run with {0}: there is no journal to copy")]
    Nothing(String),
}

impl From<CopyError> for Failure {
    fn from(error: CopyError) -> Self {
        Self::new(error.exit_code(), error)
    }
}

/// Copies a journal, proves the copy, and prints how many rows each table has.
///
/// # Errors
/// When a place is none, the target is not empty, somebody works on the source, or the copy does not verify.
pub async fn copy(mut context: Context, args: CopyArgs) -> Result<ExitCode, Failure> {
    let root = context.load_project()?.root.clone();
    let from = place("from", &args.from, &root).map_err(usage)?;
    let to = place("to", &args.to, &root).map_err(usage)?;
    if from.to_string() == to.to_string() {
        return Err(usage(PlaceError::Same));
    }
    let Some(source) = Journal::open_existing(&from).await? else {
        return Err(usage(PlaceError::Nothing(from.to_string())));
    };
    // A file that this makes is none that was there.
    let made = to.file().filter(|path| !path.exists()).map(Path::to_owned);
    let copied = copied(&source, &to, args.dry_run).await;
    if let (Some(path), true) = (made, copied.is_err() || args.dry_run) {
        remove(&path);
    }
    let copied = copied?;
    source.close().await?;
    context.output.rows(&rows(&copied))?;
    let entries = copied.verdict.entries;
    if args.dry_run {
        tracing::info!("{from} can be copied to {to}: {entries} entries, all verified; nothing was written");
    } else {
        tracing::info!(
            "{from} is copied to {to}: {entries} entries, all verified; now point `state` in tieout.yaml at it"
        );
    }
    Ok(ExitCode::Done)
}

async fn copied(source: &Journal, to: &State, dry_run: bool) -> Result<Copied, CopyError> {
    let target = Journal::open(to).await?;
    let copied = source.copy_into(&target, !dry_run).await;
    // What was refused is told before what closing might say.
    let closed: Result<(), JournalError> = target.close().await;
    let copied = copied?;
    closed?;
    Ok(copied)
}

/// The file and what `SQLite` puts beside it.
fn remove(path: &Path) {
    for ending in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        // One that is not there is as good as removed.
        let _ = std::fs::remove_file(PathBuf::from(name));
    }
}

fn place(option: &'static str, text: &str, root: &Path) -> Result<State, PlaceError> {
    let kept = |at| Ok(State::Postgres(Database::kept(at, root)));
    if let Some(name) = text.strip_prefix("env:").filter(|name| !name.is_empty()) {
        return kept(Secret::Env(name.to_owned()));
    }
    if let Some(path) = text.strip_prefix("file:").filter(|path| !path.is_empty()) {
        return kept(Secret::File(root.join(path)));
    }
    match State::parse(text, root) {
        Ok(State::Postgres(Database::Known(address))) if address.has_password() => Err(PlaceError::Password { option }),
        Ok(state) => Ok(state),
        Err(expected) => Err(PlaceError::Unknown { option, expected }),
    }
}

fn usage(error: PlaceError) -> Failure {
    Failure::new(ExitCode::Usage, error)
}

fn rows(copied: &Copied) -> Rows {
    let mut rows = Rows::new(&["table", "rows"]);
    for (table, count) in &copied.tables {
        rows.push(vec![Cell::text(*table), Cell::integer(*count)]);
    }
    rows
}
