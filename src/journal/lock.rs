//! One run of a job and period at a time: a file lock that the kernel frees, whatever happens to its holder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat, Utc};

use crate::exit::ExitCode;

/// Held until it is dropped. The file stays behind: removing it would let two holders in.
#[derive(Debug)]
pub struct RunLock {
    file: File,
}

/// A lock that could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Exit code 75.
    #[error("{job} for {period} is already running ({holder}); try again when it has ended")]
    Held { job: String, period: String, holder: String },
    /// Exit code 1.
    #[error("cannot use the lock file {path}; the state folder must be writable")]
    Unusable { path: PathBuf, source: std::io::Error },
}

impl LockError {
    /// The exit code of a process that ends by it.
    pub const fn exit_code(&self) -> ExitCode {
        match self {
            Self::Held { .. } => ExitCode::TryAgainLater,
            Self::Unusable { .. } => ExitCode::Unexpected,
        }
    }
}

impl RunLock {
    /// Takes the lock `STATE_FOLDER/locks/JOB--PERIOD.lock`, or says who holds it. Never waits.
    ///
    /// # Errors
    /// [`LockError::Held`] when another process (or another lock of this one) has it,
    /// [`LockError::Unusable`] when the file cannot be made or written.
    pub fn take(state_folder: &Path, job: &str, period: &str, now: DateTime<Utc>) -> Result<Self, LockError> {
        let path = state_folder.join("locks").join(format!("{job}--{period}.lock"));
        let unusable = |source| LockError::Unusable { path: path.clone(), source };
        std::fs::create_dir_all(state_folder.join("locks")).map_err(unusable)?;
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = read_holder(&mut file);
                return Err(LockError::Held { job: job.to_owned(), period: period.to_owned(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        write_holder(&mut file, now).map_err(unusable)?;
        Ok(Self { file })
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // Closing the file would free the lock too, but not while a child process that is just being started
        // still shares it.
        let _ = self.file.unlock();
    }
}

fn write_holder(file: &mut File, now: DateTime<Utc>) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "pid {} since {}", std::process::id(), now.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// The first line; the holder may be about to write it.
fn read_holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.take(200).read_to_string(&mut text);
    match (read, text.lines().next()) {
        (Ok(_), Some(line)) if !line.is_empty() => line.to_owned(),
        _ => "its process has not written its name yet".to_owned(),
    }
}
