//! Presigned URLs for bulk files: asked for when a file is about to leave, kept until they expire, so that a run that
//! follows a killed one goes on with the same URL.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::send::Ended;
use crate::effects::{Method, Standing};
use crate::exit::{ExitCode, Failure};
use crate::job::BulkFileType;
use crate::journal::kill;
use crate::project::HttpConfig;
use crate::providers::http::Answer;
use crate::providers::kard::reply_transactions::{UploadUrl, upload_urls};
use crate::providers::kard::request_transactions::{MAX_URLS, uploads_body, uploads_path};
use crate::providers::kard::{Client, reply_effects};
use crate::text::visible;

/// A URL is not used when it has less than this to live: an upload that begins in time may still go on after it.
const MARGIN: TimeDelta = TimeDelta::seconds(60);

/// The URLs that are at hand.
#[derive(Debug)]
pub(super) struct Urls {
    /// Beside the sealed files.
    folder: PathBuf,
    /// Name of the file → its URL.
    known: Mutex<HashMap<String, Kept>>,
}

/// One URL, as it lies on disk for the next run: readable by this user only, and gone when it is used up.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    session: String,
    url: Url,
    expires_at: DateTime<Utc>,
}

/// Whoever has it can upload: it shows in no message.
#[derive(Debug, Clone)]
struct Url(SecretString);

impl Serialize for Url {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose_secret())
    }
}

impl<'de> Deserialize<'de> for Url {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(text.into()))
    }
}

impl Urls {
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), known: Mutex::default() }
    }

    /// The upload session of the file's URL, if it has one that lives.
    pub(super) fn session(&self, file: &str) -> Option<String> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(file).filter(|kept| kept.lives()).map(|kept| kept.session.clone())
    }

    /// The URL of a session.
    pub(super) fn url(&self, session: &str) -> Option<SecretString> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.values().find(|kept| kept.session == session).map(|kept| kept.url.0.clone())
    }

    /// Takes what an earlier run has kept for these files.
    pub(super) fn take(&self, files: &[Standing]) {
        for standing in files {
            let file = standing.effect.transaction();
            let kept = std::fs::read(self.place(file)).ok().and_then(|text| serde_json::from_slice::<Kept>(&text).ok());
            // A session that the journal does not know of was never used: as good as a new one.
            if let Some(kept) = kept.filter(|kept| kept.lives() && !is_refused(standing, &kept.session)) {
                self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(file.to_owned(), kept);
            }
        }
    }

    /// Forgets the URL of a file.
    pub(super) fn forget(&self, file: &str) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(file);
        let _ = std::fs::remove_file(self.place(file));
    }

    fn keep(&self, file: &str, given: UploadUrl, asked_at: DateTime<Utc>) -> std::io::Result<()> {
        let life = TimeDelta::from_std(given.expires_in).unwrap_or_default();
        let kept = Kept { session: given.id, url: Url(given.url), expires_at: asked_at + life };
        let mut temporary = tempfile::Builder::new().prefix(".tmp-url-").tempfile_in(&self.folder)?;
        temporary.write_all(&serde_json::to_vec(&kept)?)?;
        temporary.as_file().sync_all()?;
        temporary.persist(self.place(file))?;
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(file.to_owned(), kept);
        Ok(())
    }

    fn place(&self, file: &str) -> PathBuf {
        self.folder.join(format!("{file}.url"))
    }
}

impl Kept {
    fn lives(&self) -> bool {
        Utc::now() + MARGIN < self.expires_at
    }
}

/// Whether the storage has refused the URL of this session: it is of no use. Another one may be at hand already, of
/// which the journal does not know yet.
pub(super) fn is_refused(standing: &Standing, session: &str) -> bool {
    standing.alone && standing.session.as_deref() == Some(session)
}

/// Gets a URL for each of these files that has none, at most ten in one request. A request that fails makes no
/// difference at Kard but for a session that nobody uses: it is made again, as often as the project allows.
///
/// Gives why there is none, if there is none.
///
/// # Errors
/// When a URL cannot be kept.
pub(super) async fn ask(
    client: &Client,
    http: &HttpConfig,
    kind: BulkFileType,
    urls: &Urls,
    files: &[Standing],
) -> Result<Option<Ended>, Failure> {
    urls.take(files);
    for standing in files {
        let file = standing.effect.transaction();
        if urls.session(file).is_some_and(|session| is_refused(standing, &session)) {
            urls.forget(file);
        }
    }
    let without: Vec<&Standing> =
        files.iter().filter(|standing| urls.session(standing.effect.transaction()).is_none()).collect();
    for batch in without.chunks(MAX_URLS) {
        if let Some(ended) = ask_for(client, http, kind, urls, batch).await? {
            return Ok(Some(ended));
        }
    }
    Ok(None)
}

async fn ask_for(
    client: &Client,
    http: &HttpConfig,
    kind: BulkFileType,
    urls: &Urls,
    files: &[&Standing],
) -> Result<Option<Ended>, Failure> {
    let names: Vec<&str> = files.iter().map(|standing| standing.effect.transaction()).collect();
    let organization = files.first().map_or("", |standing| standing.effect.key.organization.as_str());
    let Some(path) = uploads_path(organization) else {
        let why = format!("the organization `{}` cannot stand in an address", visible(organization));
        return Ok(Some(Ended { code: ExitCode::Configuration, why }));
    };
    let body = uploads_body(kind.name(), &names).expect("files come in batches of one to ten");
    let (mut tries, mut tokens) = (1, 0);
    loop {
        let asked_at = Utc::now();
        kill::before("url");
        let answer = client.send_once(Method::Post, &path, &body).await;
        // No token is to be had: what is sealed waits, as it does when a call is refused.
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                let code = error.exit_code();
                let why = format!("no URL for {}: {:#}", names.join(", "), anyhow::Error::new(error));
                return Ok(Some(Ended { code, why }));
            }
        };
        let (code, why, wait) = match judge(&answer, kind, names.len()) {
            Ok(given) => {
                for (name, given) in names.iter().zip(given) {
                    tracing::info!(file = name, session = visible(&given.id).as_ref(), "has a URL");
                    urls.keep(name, given, asked_at)?;
                }
                kill::after("url");
                return Ok(None);
            }
            Err(refusal) => refusal,
        };
        // A token that has run out is replaced; a new one that is refused as well is no accident.
        tokens += u32::from(code == ExitCode::CredentialsRefused);
        let retries = code == ExitCode::ProviderUnavailable || (code == ExitCode::CredentialsRefused && tokens == 1);
        if !retries || tries >= http.attempts {
            return Ok(Some(Ended { code, why: format!("no URL for {}: {why}", names.join(", ")) }));
        }
        // Sooner than it asks for is of no use.
        if let Some(asked) = wait.filter(|asked| *asked > http.max_delay) {
            let why = format!("no URL for {}: {why}, and to wait {} s", names.join(", "), asked.as_secs());
            return Ok(Some(Ended { code: ExitCode::TryAgainLater, why }));
        }
        let wait = wait.unwrap_or_else(|| http.first_delay.saturating_mul(1 << (tries - 1).min(20)));
        tracing::warn!(attempt = tries, reason = why, "no URL yet");
        tokio::time::sleep(wait.min(http.max_delay)).await;
        tries += 1;
    }
}

/// The URLs, or what the process ends with, why, and how long the provider wants us to wait.
fn judge(
    answer: &Answer,
    kind: BulkFileType,
    files: usize,
) -> Result<Vec<UploadUrl>, (ExitCode, String, Option<Duration>)> {
    use ExitCode::{Configuration, CredentialsRefused, ProviderUnavailable};
    match answer {
        Answer::NotSent { why } | Answer::Lost { why } => Err((ProviderUnavailable, why.clone(), None)),
        Answer::Reply { status, retry_after, body, web_page } => {
            let said = reply_effects::refusal(body).unwrap_or_default();
            let said = said.iter().map(|error| error.words.as_str()).collect::<Vec<_>>().join("; ");
            let why = if said.is_empty() { format!("status {status}") } else { format!("status {status}: {said}") };
            match status {
                201 if !web_page => upload_urls(body, kind.name(), files)
                    .map_err(|error| (ProviderUnavailable, format!("status 201: {error}"), None)),
                ..=299 | 408 | 429 | 500.. => Err((ProviderUnavailable, why, *retry_after)),
                401 | 403 => Err((CredentialsRefused, why, None)),
                _ => Err((Configuration, why, None)),
            }
        }
    }
}
