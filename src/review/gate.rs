//! Who is let in to the pages, and what they may do there: users and their passwords, a proxy that names them, how long
//! they stay. Read when the pages begin.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use super::access::{Person, Role};
use super::limits::{Limits, Pace};
use super::passwords::{HashError, PasswordError, PasswordHash};
use super::tokens::{NoRandomness, Token};
use crate::config::Problems;
use crate::exit::{ExitCode, Failure};
use crate::project::review::{Password, ProxyConfig, SessionLimits, User, UsersConfig, users_file};
use crate::project::{ReviewConfig, SecretError};

/// Passwords that are checked at once: each takes megabytes.
const CHECKS: usize = 2;
/// Sign-ins that wait for that; more are told to come again.
const WAITING: usize = 16;

/// The pages cannot be shown so. Exit code 78.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    #[error(
        "the pages on {bind} could be seen by whoever reaches this machine: `review: bind:` is not loopback, and nobody \
         has to sign in; name `users`, `users_file` or `proxy` under `review:` of tieout.yaml, or bind to 127.0.0.1"
    )]
    Open { bind: SocketAddr },
    #[error("the password of user `{name}` (`review: users:`)")]
    Secret { name: String, source: SecretError },
    #[error("the password of user `{name}` that stands elsewhere {source}; `tieout review hash-password` makes one")]
    Hash { name: String, source: HashError },
    #[error("the file of users (`review: users_file:`)")]
    Users(#[source] Problems),
    #[error(transparent)]
    Machine(#[from] PasswordError),
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

impl From<GateError> for Failure {
    fn from(error: GateError) -> Self {
        Self::new(ExitCode::Configuration, error)
    }
}

/// One who may sign in.
#[derive(Debug, Clone)]
struct Known {
    person: Person,
    hash: PasswordHash,
    /// See [`PasswordHash::mark`].
    mark: String,
}

/// What a sign-in came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is them, and the mark of their password.
    Welcome(Person, String),
    /// Name and password do not fit together.
    Refused,
    /// Too many tries; again after so long.
    Wait(Duration),
    /// Too many at once.
    Busy,
}

/// Who is let in.
#[derive(Debug)]
pub struct Gate {
    /// By name in small letters.
    users: BTreeMap<String, Known>,
    /// Checked in place of that of somebody unknown; none where nobody can sign in.
    dummy: Option<PasswordHash>,
    pub proxy: Option<ProxyConfig>,
    pub session: SessionLimits,
    /// Whether those may look who are not signed in.
    pub anonymous: bool,
    /// How people reach the pages.
    pub url: Option<reqwest::Url>,
    /// Of forms of those whom the proxy names; none where there is no proxy.
    pub key: Option<Token>,
    limits: Mutex<Limits>,
    checks: Arc<Semaphore>,
    waiting: Semaphore,
}

impl Gate {
    /// The gate of pages where nobody signs in.
    pub fn without_users(review: &ReviewConfig) -> Self {
        Self {
            users: BTreeMap::new(),
            dummy: None,
            proxy: None,
            session: review.session,
            anonymous: review.anonymous,
            url: review.url.as_deref().and_then(|url| reqwest::Url::parse(url).ok()),
            key: None,
            limits: Mutex::new(Limits::new(Pace::default())),
            checks: Arc::new(Semaphore::new(CHECKS)),
            waiting: Semaphore::new(WAITING),
        }
    }

    /// Reads users and their passwords. `root`: the folder of the project file.
    ///
    /// # Errors
    /// When a hash cannot be had or is none, or the pages would be open to everybody.
    pub fn open(root: &Path, review: &ReviewConfig) -> Result<Self, GateError> {
        if !review.bind.ip().to_canonical().is_loopback() && !review.has_sign_in() {
            return Err(GateError::Open { bind: review.bind });
        }
        let listed = match &review.users {
            UsersConfig::Nobody => BTreeMap::new(),
            UsersConfig::Listed(users) => users.clone(),
            UsersConfig::File(path) => users_file(root, path).map_err(GateError::Users)?,
        };
        let mut users = BTreeMap::new();
        for (name, User { role, password }) in listed {
            let hash = hash_of(&name, password)?;
            let mark = hash.mark();
            users.insert(folded(&name), Known { person: Person { name, role }, hash, mark });
        }
        let dearest = users.values().map(|known| &known.hash).max_by_key(|hash| hash.work());
        let dummy = if dearest.is_some() { Some(PasswordHash::dummy(dearest)?) } else { None };
        let proxy = review.proxy.clone();
        let key = if proxy.is_some() { Some(Token::random()?) } else { None };
        Ok(Self { users, dummy, proxy, key, ..Self::without_users(review) })
    }

    /// With other bounds for failures.
    #[must_use]
    pub fn with_pace(mut self, pace: Pace) -> Self {
        self.limits = Mutex::new(Limits::new(pace));
        self
    }

    /// Whether anybody can sign in with a password.
    pub fn has_users(&self) -> bool {
        !self.users.is_empty()
    }

    /// How many.
    pub fn users(&self) -> usize {
        self.users.len()
    }

    /// Whether anybody can be known.
    pub fn has_sign_in(&self) -> bool {
        self.has_users() || self.proxy.is_some()
    }

    /// Whether browsers reach the pages over TLS.
    pub fn is_https(&self) -> bool {
        self.url.as_ref().is_some_and(|url| url.scheme() == "https")
    }

    /// Whether people reach the pages on this machine alone.
    pub fn is_local(&self) -> bool {
        let host = self.url.as_ref().and_then(reqwest::Url::host_str).unwrap_or("localhost");
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.to_canonical().is_loopback())
    }

    /// Who somebody is by now who signed in as `name` with the password of that mark; none when they were taken out of
    /// the project file, or have another password.
    pub fn person(&self, name: &str, mark: &str) -> Option<Person> {
        self.users.get(&folded(name)).filter(|known| known.mark == mark).map(|known| known.person.clone())
    }

    /// What somebody may do whom the proxy names.
    pub fn role_by_proxy(&self, name: &str) -> Option<Role> {
        let proxy = self.proxy.as_ref()?;
        proxy.roles.get(name).copied().or(proxy.default_role)
    }

    /// Whether the proxy speaks from this address.
    pub fn is_proxy(&self, peer: IpAddr) -> bool {
        self.proxy.as_ref().is_some_and(|proxy| proxy.from.iter().any(|network| network.holds(peer)))
    }

    /// Whether name and password fit together. It takes as long for a name that nobody has.
    pub async fn sign_in(&self, name: &str, password: SecretString, guest: IpAddr) -> Answer {
        let Some(dummy) = &self.dummy else { return Answer::Refused };
        let Ok(_waiting) = self.waiting.try_acquire() else { return Answer::Busy };
        if let Err(wait) = self.limits().attempt(name, guest, Instant::now()) {
            return Answer::Wait(wait);
        }
        let known = self.users.get(&folded(name));
        let hash = known.map_or(dummy, |known| &known.hash).clone();
        let Ok(place) = self.checks.clone().acquire_owned().await else { return Answer::Busy };
        let checked = tokio::task::spawn_blocking(move || {
            let fits = hash.is_of(password.expose_secret());
            drop(place);
            fits
        });
        match (known, checked.await) {
            (Some(known), Ok(true)) => {
                self.limits().succeeded(name, guest);
                Answer::Welcome(known.person.clone(), known.mark.clone())
            }
            _ => Answer::Refused,
        }
    }

    /// Whether a failure gets an entry in the journal: then, how many before it got none.
    pub fn entry(&self) -> Option<u64> {
        self.limits().entry(Instant::now())
    }

    fn limits(&self) -> std::sync::MutexGuard<'_, Limits> {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash_of(name: &str, password: Password) -> Result<PasswordHash, GateError> {
    match password {
        Password::Hash(hash) => Ok(hash),
        Password::At(secret) => {
            let text = secret.read().map_err(|source| GateError::Secret { name: name.to_owned(), source })?;
            let hash = PasswordHash::parse(text.expose_secret());
            hash.map_err(|source| GateError::Hash { name: name.to_owned(), source })
        }
    }
}

fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}
