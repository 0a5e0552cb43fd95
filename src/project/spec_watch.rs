//! The blocks `notify:`, `ops:` and `metrics:` of the project file as written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{NoticeEvent, Secret};

/// Who is told when something is wrong.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NotifySpec {
    /// Where to tell, by names of your own.
    #[serde(default)]
    pub channels: BTreeMap<String, ChannelSpec>,
    /// Address of a run's report, with `{job}`, `{period}` and `{attempt}`.
    #[serde(default)]
    pub link: Option<String>,
    /// A period that is not finished so long after its schedule has asked for it is late; `1h` when left out.
    #[serde(default)]
    pub late_after: Option<String>,
}

/// One place to tell: exactly one of `slack`, `webhook` and `email`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChannelSpec {
    /// An incoming webhook of Slack, or of what takes the same.
    #[serde(default)]
    pub slack: Option<SlackSpec>,
    /// JSON to an address of your own, signed.
    #[serde(default)]
    pub webhook: Option<WebhookSpec>,
    /// Plain text mail.
    #[serde(default)]
    pub email: Option<EmailSpec>,
    /// What is told here; everything when left out.
    #[serde(default)]
    pub events: Option<Vec<NoticeEvent>>,
    /// The jobs that are told of here; all when left out.
    #[serde(default)]
    pub jobs: Option<Vec<String>>,
}

/// A Slack-compatible incoming webhook.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlackSpec {
    /// Where its address stands: whoever knows it can write there.
    pub url: Secret,
}

/// A generic webhook.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookSpec {
    /// `https://alerts.acme.example/tieout`.
    pub url: String,
    /// Where the key of the signature stands: text, or `whsec_` and Base64.
    pub secret: Secret,
}

/// Mail by SMTP.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailSpec {
    /// `smtps://mail.acme.example` (TLS from the first byte, port 465) or `smtp://mail.acme.example` (STARTTLS, which
    /// is insisted on, port 587).
    pub smtp: String,
    /// The sender's address, also as `Name <address>`.
    pub from: String,
    /// The receivers' addresses.
    pub to: Vec<String>,
    /// For a server that wants a login.
    #[serde(default)]
    pub username: Option<String>,
    /// Where the login's password stands.
    #[serde(default)]
    pub password: Option<Secret>,
}

/// The port of `tieout serve` for probes and metrics.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpsSpec {
    /// Address and port, such as `127.0.0.1:9464`.
    pub bind: String,
}

/// Where the metrics of a run go when it has ended.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricsSpec {
    /// A Pushgateway, such as `http://127.0.0.1:9091`.
    #[serde(default)]
    pub push: Option<String>,
    /// A file for `node_exporter`'s textfile collector; `{job}` in its name is the job's.
    #[serde(default)]
    pub textfile: Option<String>,
}
