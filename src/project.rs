//! The project file `tieout.yaml`: providers, secrets, and where state and artifacts live.

pub mod database;
mod engine;
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

pub use crate::config::http::HttpConfig;
pub use crate::config::secret::{Secret, SecretError};
use crate::objects::{Artifacts, Place, S3};
use crate::providers::ProviderConfig;
pub use database::{Database, DatabaseError};
pub use engine::{EngineConfig, Reads};
pub(crate) use load::memory_of;
pub use load::{FILE, ProjectNotFound};
pub use retention::RetentionConfig;
pub use review::{ReviewConfig, SessionLimits};
pub use state::State;
pub use watch::{Channel, Email, MetricsConfig, NoticeEvent, NotifyConfig, Security, Way};

/// The least memory that a run can be given, in bytes.
const LEAST_MEMORY: u64 = 64 << 20;

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
    /// The cluster that sifts rows before they are compared; none: all is done here.
    pub engine: Option<EngineConfig>,
    /// What everything speaks with that says `s3://`.
    pub s3: S3,
    /// Local inputs are read from here: `path:` of a job is relative to it.
    pub data: PathBuf,
    /// Logs of notifications that sending jobs wait for are read from here: the same folder, but for a sandbox, which
    /// writes them.
    pub notifications: PathBuf,
    /// How long a run may give no sign of life before another may take over; at least a second.
    pub lease: Duration,
    /// How much memory a run may take, in bytes; rows that do not fit into it are laid aside on the disk. Breaks and what
    /// they say are held besides.
    pub memory: u64,
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

impl Project {
    /// How much of [`Self::memory`] rows may take while they wait for matching, in bytes: about half of it is for reading,
    /// for the parts that are being matched, and for what is found in them.
    pub const fn rows_bytes(&self) -> u64 {
        self.memory / 2 - LEAST_MEMORY / 4
    }

    /// What brings artifacts here and keeps them.
    pub fn kept(&self) -> Artifacts {
        match &self.kept {
            Some(place) => Artifacts::in_s3(self.artifacts.clone(), self.s3.clone(), place.clone()),
            None => Artifacts::on_disk(self.artifacts.clone()),
        }
    }

    /// The same project in a world of its own, for `--sandbox`: state and artifacts in `sandbox/`,
    /// local inputs from `samples/data/`, and every provider at the sandbox (`http://127.0.0.1:PORT`) with its credentials.
    #[must_use]
    pub fn with_sandbox(mut self, address: &str) -> Self {
        let world = self.root.join("sandbox");
        self.state = State::Sqlite(world.join("state.db"));
        self.artifacts = world.join("runs");
        self.kept = None;
        self.engine = None;
        self.data = self.root.join("samples").join("data");
        self.notifications = world.join("notifications");
        self.receiver.folder.clone_from(&self.notifications);
        // What is only tried out alarms nobody.
        self.notify = NotifyConfig::default();
        self.metrics = MetricsConfig::default();
        self.receiver.publish = None;
        for provider in self.providers.values_mut() {
            provider.any_mut().move_to_sandbox(address);
        }
        self
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
