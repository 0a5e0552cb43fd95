//! One run of a job and period at a time: a lease in the journal, whose epoch rises with every taking, and beside
//! a state file a file lock, which the kernel frees whatever happens to the holder.
//!
//! The lease decides: what a holder writes after another has taken over is refused, although its file may still
//! be locked (a stopped process). The file only saves the next run from waiting for a lease whose holder is dead. Where
//! the journal is in a database its holders share no disk, so there is no file; the database's clock says when a
//! lease has run out, whatever the clocks of the holders say.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::link::{Connection, Mode};
use super::rows::{self, Unreadable, time_text};
use super::runs::lease_name;
use super::statement::query;
use super::turn::Done;
use super::{Journal, JournalError};
use crate::exit::ExitCode;
use crate::text::visible;

/// Held until it is released. Dropped without that, as by a kill, its file tells that the holder is gone.
#[derive(Debug)]
pub struct Lease {
    job: String,
    period: String,
    epoch: u64,
    lasting: Duration,
    /// None where the journal is in a database.
    lock: Option<Lock>,
}

/// A file that the kernel lets go of when its holder is gone.
#[derive(Debug)]
struct Lock {
    file: File,
    path: PathBuf,
}

impl Lease {
    /// Counted from 1 within a job and period.
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// How long it holds without being renewed.
    pub const fn lasting(&self) -> Duration {
        self.lasting
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file would free the lock too, but not while a child process that is just being started
        // still shares it.
        let _ = self.file.unlock();
    }
}

/// A lease that could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// Exit code 75.
    #[error("{job} for {period} is already running ({holder}); try again when it has ended")]
    Held { job: String, period: String, holder: String },
    /// Exit code 1.
    #[error("cannot use the lock file {path}; the state folder must be writable")]
    Unusable { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl LeaseError {
    /// The exit code of a process that ends by it.
    pub const fn exit_code(&self) -> ExitCode {
        match self {
            Self::Held { .. } => ExitCode::TryAgainLater,
            Self::Unusable { .. } => ExitCode::Unexpected,
            Self::Journal(error) => error.exit_code(),
        }
    }
}

/// What is told when a statement of taking fails.
const TAKING: &str = "taking the lease of a period";

/// A row of `leases`.
#[derive(Debug)]
struct Taken {
    epoch: u64,
    holder: String,
    expires_at: DateTime<Utc>,
    released: bool,
}

impl Journal {
    /// Takes the lease of a job and period, or says who holds it. Never waits for the holder.
    ///
    /// # Errors
    /// [`LeaseError::Held`] while another holder is alive and its lease has not run out,
    /// [`LeaseError::Unusable`] when the file `STATE_FOLDER/locks/JOB--PERIOD.EPOCH.lock` cannot be used.
    pub async fn take_lease(
        &self,
        state_folder: &Path,
        job: &str,
        period: &str,
        lasting: Duration,
    ) -> Result<Lease, LeaseError> {
        let asked = Asked { job, period, name: lease_name(job, period), folder: state_folder.join("locks"), lasting };
        // Nobody else takes or renews a lease until the commit.
        let mut turn = self.begin(Mode::Write, TAKING).await?;
        loop {
            let taken = match self.take_lease_in(turn.connection(), &asked).await {
                Ok(lease) => Ok(Done::Written(lease)),
                Err(LeaseError::Journal(error)) => Err(error),
                Err(error) => {
                    turn.give_up().await;
                    return Err(error);
                }
            };
            if let Some(lease) = turn.settle(taken).await? {
                if lease.lock.is_some() {
                    remove_earlier(&asked.folder, &asked.name, lease.epoch);
                }
                return Ok(lease);
            }
        }
    }

    async fn take_lease_in(&self, connection: &mut Connection, asked: &Asked<'_>) -> Result<Lease, LeaseError> {
        let Asked { job, period, name, folder, lasting } = asked;
        let told = |source| self.told(TAKING, source);
        let held = |holder| LeaseError::Held { job: (*job).to_owned(), period: (*period).to_owned(), holder };
        let locks = !connection.is_postgres();
        let taken = self.readable(taken(connection, name).await.map_err(told)?)?;
        let now = connection.now().await.map_err(told)?;
        if let Some(taken) = taken.as_ref().filter(|taken| !taken.released && taken.expires_at > now) {
            let path = lock_path(folder, name, taken.epoch);
            let is_dead = locks && is_dead(&path).map_err(|source| LeaseError::Unusable { path, source })?;
            if !is_dead {
                return Err(held(taken.holder.clone()));
            }
        }
        let epoch = taken.map_or(1, |taken| taken.epoch + 1);
        let lock = if locks {
            let path = lock_path(folder, name, epoch);
            let locked = lock(folder, &path).map_err(|source| LeaseError::Unusable { path: path.clone(), source })?;
            // Only where the state file was put back to an earlier day.
            Some(locked.ok_or_else(|| held(format!("some process holds {}", path.display())))?)
        } else {
            None
        };
        query(
            "INSERT INTO leases (name, epoch, holder, expires_at, released) VALUES ($1, $2, $3, $4, FALSE)
             ON CONFLICT (name) DO UPDATE SET epoch = excluded.epoch, holder = excluded.holder,
             expires_at = excluded.expires_at, released = FALSE",
        )
        .bind(name)
        .bind(rows::count(epoch))
        .bind(holder(now, locks))
        .bind(time_text(end(now, *lasting)))
        .execute(connection)
        .await
        .map_err(told)?;
        Ok(Lease { job: (*job).to_owned(), period: (*period).to_owned(), epoch, lasting: *lasting, lock })
    }

    /// Lets the lease hold for its whole time again, from now.
    ///
    /// # Errors
    /// [`JournalError::LeaseLost`] when another has taken it; or when the state file cannot be written.
    pub async fn renew(&self, lease: &Lease) -> Result<(), JournalError> {
        let renewed = self.write_lease(lease, lease.lasting, false).await?;
        if renewed { Ok(()) } else { Err(JournalError::LeaseLost { run: format!("{}/{}", lease.job, lease.period) }) }
    }

    /// Gives the lease back. One that another has taken since is theirs; that is no error.
    ///
    /// # Errors
    /// When the state file cannot be written. The lease is free all the same once this process has ended.
    pub async fn release(&self, lease: Lease) -> Result<(), JournalError> {
        if self.write_lease(&lease, Duration::ZERO, true).await?
            && let Some(lock) = &lease.lock
        {
            // Nobody looks at the file of a lease that is released.
            let _ = std::fs::remove_file(&lock.path);
        }
        Ok(())
    }

    /// Whether it is still the one of this epoch.
    async fn write_lease(&self, lease: &Lease, lasting: Duration, released: bool) -> Result<bool, JournalError> {
        const DOING: &str = "renewing the lease of a period";
        let update = |now| {
            query("UPDATE leases SET expires_at = $3, released = $4 WHERE name = $1 AND epoch = $2 AND NOT released")
                .bind(lease_name(&lease.job, &lease.period))
                .bind(rows::count(lease.epoch))
                .bind(time_text(end(now, lasting)))
                .bind(released)
        };
        if lease.lock.is_some() {
            return Ok(self.execute_alone(DOING, &update(Utc::now())).await? == 1);
        }
        let mut turn = self.begin(Mode::Write, DOING).await?;
        loop {
            let done = async {
                let now = turn.connection().now().await?;
                update(now).execute(turn.connection()).await
            };
            let done = done.await.map_err(|source| self.told(DOING, source));
            if let Some(written) = turn.settle(done.map(Done::Written)).await? {
                return Ok(written == 1);
            }
        }
    }
}

/// What is to be taken.
struct Asked<'a> {
    job: &'a str,
    period: &'a str,
    name: String,
    folder: PathBuf,
    lasting: Duration,
}

/// For people: which process, and of which machine where there may be several.
fn holder(now: DateTime<Utc>, one_machine: bool) -> String {
    let (pid, since) = (std::process::id(), now.to_rfc3339_opts(SecondsFormat::Secs, true));
    if one_machine {
        return format!("pid {pid} since {since}");
    }
    format!("pid {pid} on {} since {since}", host())
}

/// The name of the pod or machine.
fn host() -> String {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = kernel.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    let name = name.or_else(|| std::env::var("HOSTNAME").ok()).unwrap_or_else(|| "an unnamed machine".to_owned());
    visible(&name).into_owned()
}

async fn taken(connection: &mut Connection, name: &str) -> sqlx::Result<Result<Option<Taken>, Unreadable>> {
    let row = query("SELECT epoch, holder, expires_at, released FROM leases WHERE name = $1").bind(name);
    let Some(row) = row.fetch_optional(connection).await? else { return Ok(Ok(None)) };
    Ok(rows::time(row.get("expires_at")).map(|expires_at| {
        Some(Taken {
            epoch: row.get::<i64, _>("epoch").unsigned_abs(),
            holder: row.get("holder"),
            expires_at,
            released: row.get("released"),
        })
    }))
}

/// No lease is meant to outlast the calendar.
fn end(now: DateTime<Utc>, lasting: Duration) -> DateTime<Utc> {
    let lasting = TimeDelta::from_std(lasting).unwrap_or(TimeDelta::MAX);
    now.checked_add_signed(lasting).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

fn lock_path(folder: &Path, name: &str, epoch: u64) -> PathBuf {
    folder.join(format!("{name}.{epoch}.lock"))
}

/// Whether the holder is surely gone: the kernel has freed its file. A file that is not there proves nothing.
fn is_dead(path: &Path) -> std::io::Result<bool> {
    let file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Makes the file and locks it; none when another process has it.
fn lock(folder: &Path, path: &Path) -> std::io::Result<Option<Lock>> {
    std::fs::create_dir_all(folder)?;
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Lock { file, path: path.to_owned() })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Removes the files of earlier epochs: nobody will look at them again.
fn remove_earlier(folder: &Path, name: &str, epoch: u64) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let file_name = entry.file_name();
        let of = file_name.to_str().and_then(|file| file.strip_prefix(name)?.strip_prefix('.')?.strip_suffix(".lock"));
        if of.and_then(|of| of.parse::<u64>().ok()).is_some_and(|of| of < epoch) {
            // One that cannot be removed is in nobody's way.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
