//! The project file `tieout.yaml`: providers, secrets, and where state and artifacts live.

pub mod database;
mod load;
mod receiver;
mod retention;
pub mod review;
mod s3;
pub mod spec;
pub mod spec_review;
pub mod spec_watch;
mod state;
mod watch;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::objects::{Artifacts, Place, S3};
use crate::sandbox;
pub use database::{Database, DatabaseError};
pub use load::{FILE, ProjectNotFound};
pub use retention::RetentionConfig;
pub use review::{ReviewConfig, SessionLimits};
pub use state::State;
pub use watch::{Channel, Email, MetricsConfig, NoticeEvent, NotifyConfig, Security, Way};

/// The project as validated: paths absolute, nothing left to interpret.
#[derive(Debug, Clone)]
pub struct Project {
    /// The folder of `tieout.yaml`.
    pub root: PathBuf,
    /// The journal: a file, or a database.
    pub state: State,
    /// `ARTIFACTS/JOB/PERIOD/ATTEMPT/` is where a run's files go. Of artifacts in a bucket it holds copies.
    pub artifacts: PathBuf,
    /// The bucket that artifacts are kept in; none: in the folder itself.
    pub kept: Option<Place>,
    /// What everything speaks with that says `s3://`.
    pub s3: S3,
    /// Local inputs are read from here: `path:` of a job is relative to it.
    pub data: PathBuf,
    /// Logs of notifications that sending jobs wait for are read from here: the same folder, but for a sandbox, which
    /// writes them.
    pub notifications: PathBuf,
    /// How long a run may give no sign of life before another may take over; at least a second.
    pub lease: Duration,
    pub providers: BTreeMap<String, ProviderConfig>,
    /// What jobs may ask, by name.
    pub databases: BTreeMap<String, Database>,
    pub receiver: ReceiverConfig,
    /// How long `tieout gc` keeps files; none: nothing is removed.
    pub retention: Option<RetentionConfig>,
    pub notify: NotifyConfig,
    /// Where `tieout serve` answers probes; none: nowhere.
    pub ops: Option<SocketAddr>,
    pub metrics: MetricsConfig,
    /// The pages of `tieout serve`; none: it has no pages unless the command line says so.
    pub review: Option<ReviewConfig>,
}

#[derive(Debug, Clone)]
pub enum ProviderConfig {
    Kard(KardConfig),
}

impl Project {
    /// What brings artifacts here and keeps them.
    pub fn kept(&self) -> Artifacts {
        match &self.kept {
            Some(place) => Artifacts::in_s3(self.artifacts.clone(), self.s3.clone(), place.clone()),
            None => Artifacts::on_disk(self.artifacts.clone()),
        }
    }

    /// The same project in a world of its own, for `--sandbox`: state and artifacts in `sandbox/`,
    /// local inputs from `samples/data/`, and every provider at the sandbox's addresses with its credentials.
    #[must_use]
    pub fn with_sandbox(mut self, base_url: &str, token_url: &str) -> Self {
        let world = self.root.join("sandbox");
        self.state = State::Sqlite(world.join("state.db"));
        self.artifacts = world.join("runs");
        self.kept = None;
        self.data = self.root.join("samples").join("data");
        self.notifications = world.join("notifications");
        self.receiver.folder.clone_from(&self.notifications);
        // What is only tried out alarms nobody.
        self.notify = NotifyConfig::default();
        self.metrics = MetricsConfig::default();
        self.receiver.publish = None;
        for provider in self.providers.values_mut() {
            match provider {
                ProviderConfig::Kard(kard) => {
                    base_url.trim_end_matches('/').clone_into(&mut kard.base_url);
                    token_url.clone_into(&mut kard.token_url);
                    sandbox::ORGANIZATION.clone_into(&mut kard.organization);
                    kard.target_issuer = None;
                    kard.client_id = Secret::Sandbox(sandbox::CLIENT_ID.to_owned());
                    kard.client_secret = Secret::Sandbox(sandbox::CLIENT_SECRET.to_owned());
                    kard.webhook_key = Some(Secret::Sandbox(sandbox::WEBHOOK_KEY.to_owned()));
                    kard.webhook_key_previous = None;
                }
            }
        }
        self
    }
}

/// One Kard client of `tieout.yaml`.
#[derive(Debug, Clone)]
pub struct KardConfig {
    /// `https://rewards-api.getkard.com`; no trailing slash.
    pub base_url: String,
    /// `https://{client}.getkard.com/v2/auth/token`
    pub token_url: String,
    /// The `organizationId` of the paths.
    pub organization: String,
    /// Sent as `X-Kard-Target-Issuer` on the token request where one client serves several issuers.
    pub target_issuer: Option<String>,
    pub client_id: Secret,
    pub client_secret: Secret,
    /// Key of the HMAC in `notify-signature`.
    pub webhook_key: Option<Secret>,
    /// The key before it, good as well while the key is rotated.
    pub webhook_key_previous: Option<Secret>,
    pub http: HttpConfig,
}

impl KardConfig {
    /// The keys that notifications may be signed with: the present one, and the one before it while it is rotated.
    /// Empty where the project file names none.
    ///
    /// # Errors
    /// When one of them is not where the project file says.
    pub fn webhook_keys(&self) -> Result<Vec<SecretString>, SecretError> {
        self.webhook_key.iter().chain(&self.webhook_key_previous).map(Secret::read).collect()
    }
}

/// How `tieout listen` takes notifications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiverConfig {
    /// Loopback unless the file says otherwise; port 0 is any free one.
    pub bind: SocketAddr,
    /// Where notifications are posted to; begins with `/`.
    pub path: String,
    /// The folder of the segments; absolute.
    pub folder: PathBuf,
    /// Where segments are copied to, and how often; none: they stay here.
    pub publish: Option<(Place, Duration)>,
    /// The provider whose key they are signed with; none: the only one there is.
    pub provider: Option<String>,
    pub limits: ReceiverLimits,
}

/// What one receiver takes at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiverLimits {
    /// Bytes of one notification.
    pub body_bytes: usize,
    /// Connections at a time; more wait until one ends.
    pub connections: usize,
    /// A connection's first request line and headers take no longer, nor do those of a later request once begun.
    pub head_timeout: Duration,
    /// From the end of the headers to the end of the body.
    pub body_timeout: Duration,
    /// A connection without a request is closed after this.
    pub idle_timeout: Duration,
    /// Rejected notifications of a day are kept up to so many bytes.
    pub rejected_bytes: u64,
    /// A notification that comes again within so many days is known; at least 1: the day itself.
    pub repeat_days: u32,
}

impl Default for ReceiverLimits {
    fn default() -> Self {
        Self {
            body_bytes: 1 << 20,
            connections: 512,
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(30),
            rejected_bytes: 64 << 20,
            repeat_days: 7,
        }
    }
}

/// Time-outs and retries of a provider's calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpConfig {
    pub connect_timeout: Duration,
    /// No byte for this long ends the attempt.
    pub idle_timeout: Duration,
    /// One attempt, from connect to the last byte of the reply.
    pub total_timeout: Duration,
    /// Attempts in all, the first one counted.
    pub attempts: u32,
    /// Doubled after each attempt, with jitter, up to `max_delay`.
    pub first_delay: Duration,
    /// Also the cap on a server's `Retry-After`.
    pub max_delay: Duration,
}

impl HttpConfig {
    /// One attempt, which takes no longer than this.
    pub fn once(timeout: Duration) -> Self {
        Self { connect_timeout: timeout, idle_timeout: timeout, total_timeout: timeout, attempts: 1, ..Self::default() }
    }
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(30),
            total_timeout: Duration::from_mins(10),
            attempts: 5,
            first_delay: Duration::from_millis(500),
            max_delay: Duration::from_mins(1),
        }
    }
}

/// Where a secret stands. The value itself is read when it is needed and never kept in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Secret {
    /// Name of an environment variable.
    Env(String),
    /// Path of a file; one trailing newline is cut off.
    File(PathBuf),
    /// Only the sandbox makes these: they protect nothing and stand in no file.
    #[serde(skip)]
    Sandbox(String),
}

/// A secret that is not where the project file says.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("environment variable {0} is not set")]
    NotSet(String),
    #[error("environment variable {0} is set, but empty or not text")]
    Unusable(String),
    #[error("cannot read secret file {path}")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("secret file {0} is empty")]
    Empty(PathBuf),
}

impl Secret {
    /// Reads the value.
    ///
    /// # Errors
    /// When the variable is not set or the file cannot be read; never names the value.
    pub fn read(&self) -> Result<SecretString, SecretError> {
        match self {
            Self::Env(name) => match std::env::var(name) {
                Ok(value) if !value.is_empty() => Ok(value.into()),
                Err(std::env::VarError::NotPresent) => Err(SecretError::NotSet(name.clone())),
                Ok(_) | Err(_) => Err(SecretError::Unusable(name.clone())),
            },
            Self::File(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|source| SecretError::Unreadable { path: path.clone(), source })?;
                let value = text.strip_suffix('\n').map_or(text.as_str(), |cut| cut.strip_suffix('\r').unwrap_or(cut));
                if value.is_empty() {
                    return Err(SecretError::Empty(path.clone()));
                }
                Ok(value.to_owned().into())
            }
            Self::Sandbox(value) => Ok(value.clone().into()),
        }
    }
}
