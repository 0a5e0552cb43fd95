//! `tieout listen`: takes the provider's notifications over HTTP and answers 200 only when they are on the disk.
//!
//! What it keeps is what jobs read: `webhooks-YYYY-MM-DD.jsonl` by the UTC day of receipt, one notification a line in
//! the envelope of `format: webhook_log`. What it rejects stands beside it in `rejected-YYYY-MM-DD.jsonl`, so that loss
//! can be told apart: never received, received and rejected, received and not booked.

pub mod connection;
mod intake;
mod publish;
mod seen;
mod segment;
mod writer;

use std::fs::{File, TryLockError};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use chrono::Utc;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::exit::ExitCode;
use crate::frames::signature::Verifier;
use crate::project::ReceiverLimits;
use connection::{Handle, Listener, Patience};
use intake::Intake;
use publish::{Durable, Publisher};
pub use publish::{Publish, PublishError};
use seen::Seen;
use segment::Segment;
use writer::{Arrival, ToWriter, Writer};

/// What is under way when the receiver is told to stop gets this long.
const PATIENCE: Duration = Duration::from_secs(10);
/// The file by which one receiver keeps others out of its folder.
const LOCK: &str = ".webhooks.lock";

/// How one receiver works.
#[derive(Debug)]
pub struct Options {
    pub bind: SocketAddr,
    /// Where notifications are posted to; begins with `/`.
    pub path: String,
    /// The folder of the segments; made where there is none.
    pub folder: PathBuf,
    /// Signatures by any of these are good; at least one.
    pub keys: Vec<SecretString>,
    pub limits: ReceiverLimits,
}

/// A receiver that cannot start or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ReceiverError {
    #[error("the receiver has no key to check signatures with")]
    NoKey,
    #[error("another receiver writes the folder {folder}; two would write each notification twice")]
    Locked { folder: PathBuf },
    #[error("cannot use {path}; the folder must be on a writable disk and belong to this user")]
    Folder { path: PathBuf, source: io::Error },
    #[error("cannot listen on {bind}; is something else running there?")]
    Listen { bind: SocketAddr, source: io::Error },
    #[error("cannot start the thread that writes")]
    Thread { source: io::Error },
    #[error("the thread that writes has ended; this is a bug in tieout")]
    WriterEnded,
}

impl ReceiverError {
    /// How the process ends.
    pub const fn exit_code(&self) -> ExitCode {
        match self {
            Self::NoKey | Self::Listen { .. } => ExitCode::Configuration,
            Self::Locked { .. } => ExitCode::TryAgainLater,
            Self::Folder { .. } | Self::Thread { .. } | Self::WriterEnded => ExitCode::Unexpected,
        }
    }
}

/// A receiver whose folder and address are its own; nothing is answered before [`Receiver::serve`].
#[derive(Debug)]
pub struct Receiver {
    listener: TcpListener,
    address: SocketAddr,
    intake: Arc<Intake>,
    limits: ReceiverLimits,
    writer_ended: oneshot::Receiver<()>,
    /// Notifications of the last days that are known.
    known: usize,
    folder: PathBuf,
    durable: Durable,
    publisher: Option<Publisher>,
    /// Locked until this is dropped.
    _lock: File,
}

impl Receiver {
    /// Takes the folder, repairs what a crash has left in it, reads the ids of the last days, and binds the address.
    ///
    /// # Errors
    /// When the folder cannot be used or is another's, or nobody can listen there.
    pub async fn start(options: Options) -> Result<Self, ReceiverError> {
        let Options { bind, path, folder, keys, limits } = options;
        if keys.is_empty() {
            return Err(ReceiverError::NoKey);
        }
        let (lock, seen) = take_folder(&folder, limits.repeat_days)?;
        let known = seen.len();
        let told = |source| ReceiverError::Listen { bind, source };
        let listener = TcpListener::bind(bind).await.map_err(told)?;
        let address = listener.local_addr().map_err(told)?;
        let durable = Durable::default();
        let writer = Writer::new(folder.clone(), limits.rejected_bytes, seen, durable.clone());
        let (writer, writer_ended) =
            writer.start(limits.connections).map_err(|source| ReceiverError::Thread { source })?;
        let intake = Arc::new(Intake {
            path,
            body_bytes: limits.body_bytes,
            body_timeout: limits.body_timeout,
            verifier: Verifier::new(&keys),
            writer,
            stopping: AtomicBool::new(false),
        });
        Ok(Self {
            listener,
            address,
            intake,
            limits,
            writer_ended,
            known,
            folder,
            durable,
            publisher: None,
            _lock: lock,
        })
    }

    /// Has everything that is taken copied to a bucket, too.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn publishing(mut self, to: Publish) -> Result<Self, ReceiverError> {
        let publisher = Publisher::new(to, self.folder.clone(), self.durable.clone());
        let told = |source| ReceiverError::Folder { path: self.folder.clone(), source };
        self.publisher = Some(publisher.map_err(told)?);
        Ok(self)
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many notifications of the last days it knows.
    pub const fn known(&self) -> usize {
        self.known
    }

    /// Serves until `stop`; then takes no more connections, finishes what is under way (ten seconds at most), and
    /// returns when all that was taken is on the disk.
    ///
    /// # Errors
    /// When nothing can be written any more because of a bug.
    pub async fn serve(mut self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), ReceiverError> {
        let publishing = self.publisher.take().map(Publisher::begin);
        let outcome = self.answer(stop).await;
        if let Some(publishing) = publishing {
            publishing.end().await;
        }
        outcome
    }

    async fn answer(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), ReceiverError> {
        let Self { listener, intake, limits, mut writer_ended, _lock, .. } = self;
        let patience = Patience { head: limits.head_timeout, idle: limits.idle_timeout };
        let listener = Listener::new(listener, limits.connections, patience);
        let router = Router::new().fallback(intake::handle).with_state(Arc::clone(&intake));
        let (tell_stopped, mut stopped) = oneshot::channel();
        let stopping = Arc::clone(&intake);
        let signal = async move {
            stop.await;
            stopping.stopping.store(true, Ordering::Release);
            let _ = tell_stopped.send(());
        };
        let service = router.into_make_service_with_connect_info::<Handle>();
        let mut server = std::pin::pin!(axum::serve(listener, service).with_graceful_shutdown(signal).into_future());
        tokio::select! {
            // It ends only once it was told to stop.
            _ = &mut server => return close(&intake.writer, writer_ended).await,
            _ = &mut stopped => {}
            _ = &mut writer_ended => return Err(ReceiverError::WriterEnded),
        }
        if tokio::time::timeout(PATIENCE, &mut server).await.is_err() {
            tracing::warn!("requests that did not end in {} s are cut off", PATIENCE.as_secs());
        }
        close(&intake.writer, writer_ended).await
    }
}

/// Lets the writer do what it was given, and waits for its end.
async fn close(writer: &ToWriter, ended: oneshot::Receiver<()>) -> Result<(), ReceiverError> {
    writer.ask(Arrival::Close).await;
    // It says nothing: it goes.
    let _ = ended.await;
    Ok(())
}

/// Makes and locks the folder, makes its segments whole, and reads which notifications they hold.
fn take_folder(folder: &Path, repeat_days: u32) -> Result<(File, Seen), ReceiverError> {
    let told = |path: &Path| {
        let path = path.to_owned();
        move |source| ReceiverError::Folder { path, source }
    };
    segment::make_folder(folder).map_err(told(folder))?;
    let path = folder.join(LOCK);
    let lock = segment::lock_file(&path).map_err(told(&path))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(ReceiverError::Locked { folder: folder.to_owned() }),
        Err(TryLockError::Error(source)) => return Err(told(&path)(source)),
    }
    let today = Utc::now().date_naive();
    let earliest = Seen::first_day(today, repeat_days);
    for kind in [segment::TAKEN, segment::REJECTED] {
        let segments = segment::list(folder, kind).map_err(told(folder))?;
        let last = segments.last().map(|(day, _)| *day);
        for (_, path) in segments.into_iter().filter(|(day, _)| *day >= earliest || Some(*day) == last) {
            Segment::open(path.clone()).map_err(told(&path))?;
        }
    }
    let seen = Seen::read(folder, today, repeat_days).map_err(told(folder))?;
    Ok((lock, seen))
}
