//! Why nothing was sealed. Every message says what to do.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::gzip::GzipError;
use super::manifest::SourcePlace;
use super::spool::SpoolError;
use crate::exit::ExitCode;
use crate::frames::{InputError, Quarantined};

/// A build that left nothing behind.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error(transparent)]
    Input(#[from] InputError),
    #[error("{block}: {found} {} not fit, {tolerated} {} tolerated, so nothing is sent:{}\ncorrect the source, or tolerate more with `{block}.quarantine`",
        if *found == 1 { "row does" } else { "rows do" },
        if *tolerated == 1 { "is" } else { "are" },
        shown(first, *found))]
    TooMany { block: &'static str, tolerated: u64, found: u64, first: Vec<Quarantined> },
    #[error("{file}: the document states {stated} rows and has {found}; fetch the file again")]
    StatedRows { file: String, stated: String, found: u64 },
    #[error(
        "the lines of all users together take more than {most_bytes} bytes, which is more than is held to sort them by user; divide the source (`path` with `{{period}}`, or several jobs)"
    )]
    TooManyUsers { most_bytes: u64 },
    #[error(
        "line {} of file {} of the source, with those that are packed together with it, takes {found} bytes, more than a file may have; raise `split.max_bytes` (it is {max_bytes})",
        at.line, at.file + 1
    )]
    PieceTooLarge { at: SourcePlace, found: u64, max_bytes: u64 },
    #[error("the build was asked to stop; nothing of it is kept")]
    Stopped,
    #[error("cannot write {path}")]
    Write { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Spool(#[from] SpoolError),
    #[error(transparent)]
    Gzip(#[from] GzipError),
    #[error("what was sealed does not tie to the source ({what}): a bug; nothing is sent")]
    Untied { what: String },
    #[error("a worker died: a bug; nothing is sent")]
    Died,
}

impl BuildError {
    /// How the process ends.
    pub const fn exit_code(&self) -> ExitCode {
        match self {
            Self::Input(_)
            | Self::TooMany { .. }
            | Self::StatedRows { .. }
            | Self::TooManyUsers { .. }
            | Self::PieceTooLarge { .. } => ExitCode::InputData,
            Self::Stopped => ExitCode::TryAgainLater,
            Self::Write { .. } | Self::Spool(_) | Self::Died => ExitCode::Unexpected,
            Self::Gzip(_) | Self::Untied { .. } => ExitCode::InvariantFailed,
        }
    }
}

fn shown(first: &[Quarantined], found: u64) -> String {
    let mut text = String::new();
    for row in first {
        let _ = write!(text, "\n  {}: line {}: ", row.file_name, row.line);
        if let Some(field) = &row.field {
            let _ = write!(text, "{field} ");
        }
        if !row.value.is_empty() {
            let _ = write!(text, "`{}` ", row.value);
        }
        text.push_str(&row.reason);
    }
    let more = found - first.len() as u64;
    if more > 0 {
        let _ = write!(text, "\n  and {more} more");
    }
    text
}
