//! The blocks `notify:`, `ops:` and `metrics:` of the project file: who is told, and who may look.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lettre::message::Mailbox;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::spec_watch::{ChannelSpec, EmailSpec, MetricsSpec, NotifySpec, OpsSpec, WebhookSpec};
use super::{Secret, SecretError};
use crate::config::Checker;
use crate::config::secret::secret;

/// How long after its schedule has asked for it a period is late, where the file does not say.
const LATE_AFTER: Duration = Duration::from_hours(1);
/// The placeholders of `link:`.
const PLACEHOLDERS: [&str; 3] = ["{job}", "{period}", "{attempt}"];

/// What people are told of.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
pub enum NoticeEvent {
    /// A run could not do its work, or a person has to look at what it did.
    Failed,
    /// Nobody knows whether the provider has what was sent.
    InDoubt,
    /// A declared gate is breached.
    GateBreached,
    /// A period is not finished, or an input is not there, by its time.
    Late,
    /// Effects wait for a person's word.
    ApprovalNeeded,
    /// What was told of a period is over.
    Resolved,
}

impl NoticeEvent {
    /// The most serious first.
    pub const ALL: [Self; 6] =
        [Self::Failed, Self::InDoubt, Self::GateBreached, Self::Late, Self::ApprovalNeeded, Self::Resolved];

    /// The name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::InDoubt => "in_doubt",
            Self::GateBreached => "gate_breached",
            Self::Late => "late",
            Self::ApprovalNeeded => "approval_needed",
            Self::Resolved => "resolved",
        }
    }

    /// The event of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.name() == name)
    }
}

/// Who is told, and of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotifyConfig {
    pub channels: BTreeMap<String, Channel>,
    /// A template of the report's address.
    pub link: Option<String>,
    /// A period that is not finished so long after its schedule has asked for it is late.
    pub late_after: Duration,
}

impl Default for NotifyConfig {
    fn default() -> Self {
        Self { channels: BTreeMap::new(), link: None, late_after: LATE_AFTER }
    }
}

/// One place to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    pub way: Way,
    /// None: all.
    pub events: Option<Vec<NoticeEvent>>,
    /// None: all.
    pub jobs: Option<Vec<String>>,
}

impl Channel {
    /// Whether it wants to hear of one of these events of a job.
    pub fn wants(&self, job: &str, events: &[NoticeEvent]) -> bool {
        let of_job = self.jobs.as_ref().is_none_or(|jobs| jobs.iter().any(|name| name == job));
        of_job && self.events.as_ref().is_none_or(|wanted| events.iter().any(|event| wanted.contains(event)))
    }

    /// The secrets that it needs, with the names of their keys below the channel.
    pub fn secrets(&self) -> Vec<(&'static str, &Secret)> {
        match &self.way {
            Way::Slack { url } => vec![("slack.url", url)],
            Way::Webhook { secret, .. } => vec![("webhook.secret", secret)],
            Way::Email(email) => email.login.iter().map(|(_, password)| ("email.password", password)).collect(),
        }
    }
}

/// How a channel is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// The address is the secret.
    Slack {
        url: Secret,
    },
    /// Signed JSON.
    Webhook {
        url: String,
        secret: Secret,
    },
    Email(Box<Email>),
}

/// Mail by SMTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub from: Mailbox,
    pub to: Vec<Mailbox>,
    /// User name and password.
    pub login: Option<(String, Secret)>,
}

impl Email {
    /// The login with its password.
    ///
    /// # Errors
    /// When the password is not where the file says.
    pub fn credentials(&self) -> Result<Option<(String, SecretString)>, SecretError> {
        self.login.as_ref().map(|(name, password)| Ok((name.clone(), password.read()?))).transpose()
    }
}

/// What protects the way to a mail server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// From the first byte.
    Tls,
    /// Insisted on.
    StartTls,
    /// Only to this machine itself: used where it is offered.
    Local,
}

/// Where the metrics of a run go when it has ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MetricsConfig {
    /// Of a Pushgateway; no trailing slash.
    pub push: Option<String>,
    /// Absolute; `{job}` stands for the job's name.
    pub textfile: Option<PathBuf>,
}

/// The block `notify:`, or nobody where there is none.
pub(super) fn notify(root: &Path, written: Option<&NotifySpec>, checker: &mut Checker<'_>) -> Option<NotifyConfig> {
    let mut config = NotifyConfig::default();
    let Some(written) = written else { return Some(config) };
    let mut complete = true;
    if let Some(text) = &written.late_after {
        match checker.duration("notify/late_after", text) {
            Some(time) => config.late_after = time,
            None => complete = false,
        }
    }
    if let Some(template) = &written.link {
        complete &= check_link(template, checker);
        config.link = Some(template.clone());
    }
    for (name, written) in &written.channels {
        match channel(root, name, written, checker) {
            Some(channel) => _ = config.channels.insert(name.clone(), channel),
            None => complete = false,
        }
    }
    complete.then_some(config)
}

fn check_link(template: &str, checker: &mut Checker<'_>) -> bool {
    let mut plain = template.to_owned();
    for placeholder in PLACEHOLDERS {
        plain = plain.replace(placeholder, "1");
    }
    if plain.contains(['{', '}']) {
        let message = "`link` has a placeholder that nobody fills; expected {job}, {period} and {attempt} only";
        checker.problem("notify/link", message);
        return false;
    }
    let good = reqwest::Url::parse(&plain).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none()
    });
    if !good {
        let message =
            "`link` is no address; expected one such as https://reports.acme.example/{job}/{period}/{attempt}/";
        checker.problem("notify/link", message);
    }
    good
}

fn channel(root: &Path, name: &str, written: &ChannelSpec, checker: &mut Checker<'_>) -> Option<Channel> {
    let at = format!("notify/channels/{name}");
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    let named = !name.is_empty() && name.chars().all(good);
    if !named {
        let message =
            format!("`{name}` is no name of a channel; expected small letters, digits, hyphens and underscores");
        checker.problem(&at, message);
    }
    let way = match (&written.slack, &written.webhook, &written.email) {
        (Some(slack), None, None) => {
            secret(root, &format!("{at}/slack/url"), &slack.url, checker).map(|url| Way::Slack { url })
        }
        (None, Some(written), None) => webhook(root, &format!("{at}/webhook"), written, checker),
        (None, None, Some(written)) => {
            email(root, &format!("{at}/email"), written, checker).map(|email| Way::Email(Box::new(email)))
        }
        _ => {
            let message = format!("channel `{name}` does not say one way; expected one of `slack`, `webhook`, `email`");
            checker.problem(&at, message);
            None
        }
    };
    for (key, empty) in [
        ("events", written.events.as_ref().is_some_and(Vec::is_empty)),
        ("jobs", written.jobs.as_ref().is_some_and(Vec::is_empty)),
    ] {
        if empty {
            checker.problem(&format!("{at}/{key}"), format!("`{key}` is empty; leave it out to be told of all"));
            return None;
        }
    }
    let channel = Channel { way: way?, events: written.events.clone(), jobs: written.jobs.clone() };
    named.then_some(channel)
}

fn webhook(root: &Path, at: &str, written: &WebhookSpec, checker: &mut Checker<'_>) -> Option<Way> {
    let secret = secret(root, &format!("{at}/secret"), &written.secret, checker);
    let url = crate::config::http::url(&format!("{at}/url"), "url", &written.url, checker);
    Some(Way::Webhook { url: url?, secret: secret? })
}

fn email(root: &Path, at: &str, written: &EmailSpec, checker: &mut Checker<'_>) -> Option<Email> {
    let server = server(&format!("{at}/smtp"), &written.smtp, checker);
    let from = mailbox(&format!("{at}/from"), &written.from, checker);
    if written.to.is_empty() {
        checker.problem(&format!("{at}/to"), "`to` is empty; expected addresses");
    }
    let places = written.to.iter().zip(0..);
    let to: Vec<_> = places.map(|(text, place)| mailbox(&format!("{at}/to/{place}"), text, checker)).collect();
    let password = written.password.as_ref().map(|written| secret(root, &format!("{at}/password"), written, checker));
    let login = match (&written.username, password) {
        (Some(name), Some(Some(password))) => Some(Some((name.clone(), password))),
        (None, None) => Some(None),
        (Some(_), Some(None)) => None,
        (Some(_), None) | (None, Some(_)) => {
            checker.problem(at, "`username` and `password` go together; here is only one of them");
            None
        }
    };
    let (host, port, security) = server?;
    let to: Option<Vec<Mailbox>> = to.into_iter().collect();
    let to = to.filter(|to| !to.is_empty())?;
    Some(Email { host, port, security, from: from?, to, login: login? })
}

fn mailbox(at: &str, text: &str, checker: &mut Checker<'_>) -> Option<Mailbox> {
    let mailbox = text.parse().ok();
    if mailbox.is_none() {
        let key = if at.contains("/to") { "to" } else { "from" };
        checker.problem(at, format!("`{key}` holds what is no mail address; expected one such as ops@acme.example"));
    }
    mailbox
}

fn server(at: &str, text: &str, checker: &mut Checker<'_>) -> Option<(String, u16, Security)> {
    const EXPECTED: &str = "expected smtps://HOST or smtp://HOST (STARTTLS), with :PORT where it is not 465 or 587";
    // It may hold a password: it is not repeated.
    let url = reqwest::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "smtp" | "smtps"));
    let Some((url, host)) = url.as_ref().and_then(|url| Some((url, url.host_str()?))) else {
        checker.problem(at, format!("`smtp` is no mail server; {EXPECTED}"));
        return None;
    };
    if !url.username().is_empty() || url.password().is_some() {
        let message = "`smtp` holds a user name or password; a secret never stands in this file";
        checker.problem_with_help(at, message, "use username and password");
        return None;
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        checker.problem(at, format!("`smtp` says more than a server; {EXPECTED}"));
        return None;
    }
    let local = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    let (security, usual) = match (url.scheme(), local) {
        ("smtps", _) => (Security::Tls, 465),
        (_, false) => (Security::StartTls, 587),
        (_, true) => (Security::Local, 25),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    Some((host, url.port().unwrap_or(usual), security))
}

/// The address of the block `ops:`.
pub(super) fn ops(written: &OpsSpec, checker: &mut Checker<'_>) -> Option<SocketAddr> {
    let address = written.bind.parse().ok();
    if address.is_none() {
        let message =
            format!("`bind` is `{}`; expected an IP address and a port, such as 127.0.0.1:9464", written.bind);
        checker.problem("ops/bind", message);
    }
    address
}

/// The block `metrics:`; without it nothing is written or pushed.
pub(super) fn metrics(root: &Path, written: Option<&MetricsSpec>, checker: &mut Checker<'_>) -> Option<MetricsConfig> {
    let Some(written) = written else { return Some(MetricsConfig::default()) };
    let push = written.push.as_ref().map(|text| gateway(text, checker));
    let textfile = written.textfile.as_ref().map(|text| {
        let named = Path::new(text).extension().is_some_and(|extension| extension == "prom");
        if !named {
            let message =
                format!("`textfile` is `{text}`; expected a path that ends in .prom, as the collector wants it");
            checker.problem("metrics/textfile", message);
        }
        named.then(|| root.join(text))
    });
    let complete = push.as_ref().is_none_or(Option::is_some) && textfile.as_ref().is_none_or(Option::is_some);
    complete.then(|| MetricsConfig { push: push.flatten(), textfile: textfile.flatten() })
}

/// Inside a cluster gateways speak plain HTTP: what is pushed is no secret.
fn gateway(text: &str, checker: &mut Checker<'_>) -> Option<String> {
    let good = reqwest::Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    });
    if !good {
        checker.problem(
            "metrics/push",
            "`push` is no address of a Pushgateway; expected one such as http://127.0.0.1:9091",
        );
    }
    good.then(|| text.trim_end_matches('/').to_owned())
}
