//! The project file as written: what serde reads and what `tieout schema project` describes.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Secret;
use super::database::DatabaseSpec;
pub use super::s3::S3Spec;
use super::spec_review::ReviewSpec;
use super::spec_watch::{MetricsSpec, NotifySpec, OpsSpec};

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
    /// The folder that the local inputs of jobs are relative to; `data/` when left out.
    #[serde(default)]
    pub data: Option<String>,
    /// How long a run may give no sign of life before another may take over, such as `60s`, which it is when left
    /// out; at least `1s`.
    #[serde(default)]
    pub lease: Option<String>,
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

/// Which kind of provider.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProviderType {
    Kard,
}

/// One client of a provider.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderSpec {
    /// `kard`.
    #[serde(rename = "type")]
    pub kind: ProviderType,
    /// `https://rewards-api.getkard.com`, or the test system.
    pub base_url: String,
    /// `https://{client}.getkard.com/v2/auth/token`.
    pub token_url: String,
    /// The organization id of the paths.
    pub organization: String,
    /// Sent as `X-Kard-Target-Issuer` where one client serves several issuers.
    #[serde(default)]
    pub target_issuer: Option<String>,
    /// Where the client id stands.
    pub client_id: Secret,
    /// Where the client secret stands.
    pub client_secret: Secret,
    /// Where the key of the notifications' signatures stands.
    #[serde(default)]
    pub webhook_key: Option<Secret>,
    /// Where the key before it stands, while the key is rotated: signatures by either are good.
    #[serde(default)]
    pub webhook_key_previous: Option<Secret>,
    /// Time-outs and retries.
    #[serde(default)]
    pub http: Option<HttpSpec>,
}

/// Time-outs and retries; all are durations such as `10s` but for `attempts`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpSpec {
    /// `10s` when left out.
    #[serde(default)]
    pub connect_timeout: Option<String>,
    /// No byte for this long ends an attempt; `30s` when left out.
    #[serde(default)]
    pub idle_timeout: Option<String>,
    /// One attempt in all; `10m` when left out.
    #[serde(default)]
    pub total_timeout: Option<String>,
    /// Attempts in all, the first one counted; 5 when left out.
    #[serde(default)]
    #[schemars(range(min = 1, max = 20))]
    pub attempts: Option<u32>,
    /// Doubled after each attempt; `500ms` when left out.
    #[serde(default)]
    pub first_delay: Option<String>,
    /// The longest wait between attempts; `60s` when left out.
    #[serde(default)]
    pub max_delay: Option<String>,
}

/// The JSON Schema of the project file.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(ProjectSpec).to_value()
}
