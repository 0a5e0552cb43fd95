//! What the sandbox remembers between requests.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use chrono::{DateTime, Utc};
use tempfile::TempDir;
use tokio::sync::watch;

use super::applied::Applied;
use super::faults::Faults;
use super::historical::Sessions;
use super::ingest::Ledger;
use super::notification::Notifier;
use super::received::ReceivedLog;
use super::samples::{self, SampleFile};
use super::subscriptions::Subscriptions;
use super::uploads::{ObjectStorage, Uploads};
use super::{Options, SandboxError, TOKEN_PREFIX};

#[derive(Debug)]
pub(super) struct State {
    pub(super) base_url: String,
    /// Oldest first.
    pub(super) files: Vec<SampleFile>,
    /// What counts as now for the file list's defaults.
    pub(super) now: DateTime<Utc>,
    pub(super) token_life: Duration,
    pub(super) faults: Faults,
    pub(super) received: ReceivedLog,
    pub(super) applied: Applied,
    /// The events that were taken.
    pub(super) ledger: Ledger,
    pub(super) uploads: Uploads,
    /// Where objects go; none: here.
    pub(super) storage: Option<ObjectStorage>,
    /// Historical uploads.
    pub(super) sessions: Sessions,
    pub(super) subscriptions: Subscriptions,
    /// Where the storage's objects lie.
    pub(super) objects: TempDir,
    /// Bytes.
    pub(super) object_limit: u64,
    /// Held while an object is processed.
    pub(super) processing: tokio::sync::Mutex<()>,
    pub(super) notifier: Arc<Notifier>,
    /// How many requests for effects are worked on, their clients there or not.
    pub(super) at_work: watch::Sender<usize>,
    /// Signs download URLs; new for each sandbox.
    pub(super) signing_key: [u8; 32],
    tokens: Mutex<HashMap<String, Granted>>,
}

#[derive(Debug, Clone)]
struct Granted {
    expires_at: Instant,
    /// The issuer that the token is locked to.
    issuer: Option<String>,
}

/// What a request's `Authorization` is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bearer {
    Missing,
    /// Unknown, expired or revoked.
    Refused,
    Good {
        issuer: Option<String>,
    },
}

impl State {
    pub(super) fn new(options: Options, base_url: String) -> Result<Self, SandboxError> {
        let files = samples::read(&options.samples)?;
        let latest = files.iter().map(|file| file.sent_at).max().unwrap_or(DateTime::UNIX_EPOCH);
        let log = options.log.map(|path| appending(&path).map_err(|source| SandboxError::Log { path, source }));
        let told = options
            .notifications
            .map(|path| appending(&path).map_err(|source| SandboxError::Notifications { path, source }));
        let notifier = Notifier::new(told.transpose()?, options.notify_url);
        Ok(Self {
            base_url,
            files,
            now: options.now.unwrap_or(latest),
            token_life: options.token_life,
            faults: Faults::new(options.faults),
            received: ReceivedLog::new(log.transpose()?),
            applied: Applied::default(),
            ledger: Ledger::default(),
            uploads: Uploads::default(),
            storage: options.storage,
            sessions: Sessions::default(),
            subscriptions: Subscriptions::default(),
            objects: tempfile::Builder::new()
                .prefix("tieout-sandbox-")
                .tempdir()
                .map_err(|source| SandboxError::Storage { source })?,
            object_limit: options.object_limit,
            processing: tokio::sync::Mutex::default(),
            notifier: Arc::new(notifier.map_err(|source| SandboxError::NotifyClient { source })?),
            at_work: watch::Sender::new(0),
            signing_key: random_bytes(),
            tokens: Mutex::default(),
        })
    }

    /// One more request for effects is worked on, until this is dropped.
    pub(super) fn busy(self: &Arc<Self>) -> Busy {
        self.at_work.send_modify(|requests| *requests += 1);
        Busy(Arc::clone(self))
    }

    /// A new token.
    pub(super) fn grant(&self, issuer: Option<String>) -> String {
        let secret = crate::digest::hex(&random_bytes()[..16]);
        let token = format!("{TOKEN_PREFIX}{secret}");
        let granted = Granted { expires_at: Instant::now() + self.token_life, issuer };
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).insert(token.clone(), granted);
        token
    }

    pub(super) fn bearer(&self, headers: &HeaderMap) -> Bearer {
        bearer_token(headers).map_or(Bearer::Missing, |token| self.worth(token))
    }

    /// What a token is worth, however it was sent.
    pub(super) fn worth(&self, token: &str) -> Bearer {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        match tokens.get(token) {
            Some(granted) if Instant::now() < granted.expires_at => Bearer::Good { issuer: granted.issuer.clone() },
            _ => Bearer::Refused,
        }
    }

    /// Makes the request's token worthless from now on.
    pub(super) fn revoke(&self, headers: &HeaderMap) {
        // Some providers take it without the word before it.
        let bare = || headers.get(AUTHORIZATION)?.to_str().ok();
        if let Some(token) = bearer_token(headers).or_else(bare) {
            self.tokens.lock().unwrap_or_else(PoisonError::into_inner).remove(token);
        }
    }
}

/// See [`State::busy`].
#[derive(Debug)]
pub(super) struct Busy(Arc<State>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.at_work.send_modify(|requests| *requests -= 1);
    }
}

pub(super) fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// An id of the kind that a provider gives.
pub(super) fn random_id() -> String {
    crate::digest::hex(&random_bytes()[..16])
}

fn appending(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

/// Not for secrets that protect anything: the seeds of hash maps.
fn random_bytes() -> [u8; 32] {
    let mut bytes = [0; 32];
    for part in bytes.chunks_mut(8) {
        part.copy_from_slice(&RandomState::new().build_hasher().finish().to_le_bytes());
    }
    bytes
}
