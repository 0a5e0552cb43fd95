//! The project file as written: what serde reads and what `tieout schema project` describes.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::database::DatabaseSpec;
pub use super::engine::EngineSpec;
pub use super::s3::S3Spec;
use super::spec_review::ReviewSpec;
use super::spec_watch::{MetricsSpec, NotifySpec, OpsSpec};
use crate::providers::ProviderSpec;

/// Where state and artifacts live, and which providers there are.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectSpec {
    /// The journal: `sqlite:PATH`, relative to the project folder, which is `sqlite:.tieout/state.db` when left out; or a
    /// `PostgreSQL` database, `postgres://USER@HOST:PORT/DATABASE?sslmode=verify-full`. An address with a password is told
    /// by where it stands, `{env: NAME}` or `{file: PATH}`.
    #[serde(default)]
    pub state: Option<DatabaseSpec>,
    /// Where raw files and reports are kept: a folder, or `s3://bucket/prefix`; `runs/` when left out.
    #[serde(default)]
    pub artifacts: Option<String>,
    /// The folder in which artifacts of a bucket are worked on, which may be lost at any time; `.tieout/artifacts` when
    /// left out.
    #[serde(default)]
    pub cache: Option<String>,
    /// How everything that says `s3://` is reached.
    #[serde(default)]
    pub s3: Option<S3Spec>,
    /// Where rows are compared; on this machine when left out.
    #[serde(default)]
    pub engine: Option<EngineSpec>,
    /// The folder that the local inputs of jobs are relative to; `data/` when left out.
    #[serde(default)]
    pub data: Option<String>,
    /// How long a run may give no sign of life before another may take over, such as `60s`, which it is when left
    /// out; at least `1s`.
    #[serde(default)]
    pub lease: Option<String>,
    /// How much memory a run may take, such as `2GiB`; at least `64MiB`; half of what the machine or the container has
    /// when left out. Rows that do not fit are laid aside in the folder for temporary files; breaks
    /// are held besides.
    #[serde(default)]
    pub memory: Option<String>,
    /// The systems of others, by the names that jobs use.
    #[serde(default)]
    pub providers: BTreeMap<String, ProviderSpec>,
    /// Databases that inputs of jobs are read from, by the names that jobs use:
    /// `postgres://USER@HOST:PORT/DATABASE?sslmode=verify-full`, or `{env: NAME}` or `{file: PATH}` where the whole address
    /// with its password stands.
    #[serde(default)]
    pub databases: BTreeMap<String, DatabaseSpec>,
    /// How `tieout listen` takes notifications.
    #[serde(default)]
    pub receiver: Option<ReceiverSpec>,
    /// How long `tieout gc` keeps files; nothing is removed without it.
    #[serde(default)]
    pub retention: Option<RetentionSpec>,
    /// Who is told when something is wrong.
    #[serde(default)]
    pub notify: Option<NotifySpec>,
    /// Where `tieout serve` answers probes and shows metrics; nowhere when left out.
    #[serde(default)]
    pub ops: Option<OpsSpec>,
    /// Where the metrics of a run go when it has ended; nowhere when left out.
    #[serde(default)]
    pub metrics: Option<MetricsSpec>,
    /// The pages of `tieout serve`; none when left out.
    #[serde(default)]
    pub review: Option<ReviewSpec>,
}

/// How long files are kept after the run that made or read them has ended.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetentionSpec {
    /// Inputs as received and sealed builds of what was sent, such as `400d`; at least `1d`.
    pub raw: String,
    /// Renderings of reports, such as `3650d`; at least `1d`.
    pub reports: String,
}

/// The receiver of notifications.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiverSpec {
    /// Address and port to listen on; `127.0.0.1:8787` when left out. TLS is the work of what stands before it.
    #[serde(default)]
    pub bind: Option<String>,
    /// The path that notifications are posted to; `/` when left out.
    #[serde(default)]
    pub path: Option<String>,
    /// The folder of the log; the folder of the local inputs when left out.
    #[serde(default)]
    pub folder: Option<String>,
    /// Where the log is copied to for jobs that run elsewhere, such as `s3://bucket/webhooks/`: they read it by `s3` and
    /// `pattern: "webhooks-{period}.*.jsonl"`.
    #[serde(default)]
    pub publish: Option<String>,
    /// How often what is new is copied; `1m` when left out.
    #[serde(default)]
    pub publish_every: Option<String>,
    /// The provider whose `webhook_key` signs; can be left out where there is only one.
    #[serde(default)]
    pub provider: Option<String>,
    /// What is taken at most.
    #[serde(default)]
    pub limits: Option<ReceiverLimitsSpec>,
}

/// Bounds of the receiver.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiverLimitsSpec {
    /// Size of one notification, such as `1MiB`, which it is when left out, and the most.
    #[serde(default)]
    pub body: Option<String>,
    /// Connections at a time; 512 when left out.
    #[serde(default)]
    #[schemars(range(min = 1, max = 65536))]
    pub connections: Option<usize>,
    /// The time for a request's headers; `10s` when left out.
    #[serde(default)]
    pub head_timeout: Option<String>,
    /// The time for a body; `10s` when left out.
    #[serde(default)]
    pub body_timeout: Option<String>,
    /// How long a connection may stay without a request; `30s` when left out.
    #[serde(default)]
    pub idle_timeout: Option<String>,
    /// Size of the rejected notifications kept a day; `64MiB` when left out.
    #[serde(default)]
    pub rejected: Option<String>,
    /// Days within which a notification that comes again is known by its id; 7 when left out.
    #[serde(default)]
    #[schemars(range(min = 1, max = 366))]
    pub repeat_days: Option<u32>,
}

/// The JSON Schema of the project file.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(ProjectSpec).to_value()
}
