//! Finding, reading and checking `tieout.yaml`. Nothing here reads a secret's value.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::spec::{self, HttpSpec, ProjectSpec, ProviderSpec, ProviderType};
use super::{
    HttpConfig, KardConfig, Project, ProviderConfig, Secret, database::Database, receiver, retention, review, s3, watch,
};
use crate::config::problem::Excerpts;
use crate::config::{self, Checker, Problems};
use crate::exit::{ExitCode, Failure};
use crate::objects::S3;

/// The project file's name.
pub const FILE: &str = "tieout.yaml";

/// How long a run may give no sign of life, where the file does not say.
const LEASE: Duration = Duration::from_mins(1);
/// A busy disk may take a good part of a second for a renewal.
const LEAST_LEASE: Duration = Duration::from_secs(1);

/// What an excerpt of this file may show.
const SHOWN: Excerpts = Excerpts::Guarded {
    values: &[
        "artifacts",
        "cache",
        "region",
        "path_style",
        "profile",
        "data",
        "lease",
        "type",
        "organization",
        "target_issuer",
        "connect_timeout",
        "idle_timeout",
        "total_timeout",
        "attempts",
        "first_delay",
        "max_delay",
        "bind",
        "path",
        "folder",
        "publish",
        "publish_every",
        "provider",
        "body",
        "connections",
        "head_timeout",
        "body_timeout",
        "rejected",
        "repeat_days",
        "raw",
        "reports",
        "events",
        "jobs",
        "late_after",
        "textfile",
        "users_file",
        "header",
        "role",
        "default_role",
        "anonymous",
        "idle",
        "most",
    ],
    keys: &[
        "state",
        "providers",
        "base_url",
        "token_url",
        "client_id",
        "client_secret",
        "webhook_key",
        "webhook_key_previous",
        "databases",
        "address",
        "url",
        "receiver",
        "retention",
        "s3",
        "endpoint",
        "limits",
        "notify",
        "channels",
        "link",
        "slack",
        "webhook",
        "email",
        "url",
        "secret",
        "smtp",
        "from",
        "to",
        "username",
        "password",
        "ops",
        "metrics",
        "review",
        "users",
        "proxy",
        "roles",
        "session",
        "push",
        "http",
        "env",
        "file",
    ],
};

/// There is no project where we looked. Exit code 78.
#[derive(Debug, thiserror::Error)]
pub enum ProjectNotFound {
    #[error("no {FILE} in {from} or any folder above it; go to the project's folder or name it with --project DIR")]
    Above { from: PathBuf },
    #[error("no {FILE} in {folder}, which --project names")]
    In { folder: PathBuf },
}

impl From<ProjectNotFound> for Failure {
    fn from(error: ProjectNotFound) -> Self {
        Self::new(ExitCode::Configuration, error)
    }
}

impl Project {
    /// The folder that holds the project file, absolute: the one that is named, or else the nearest one upward
    /// from `from`.
    ///
    /// # Errors
    /// When there is none.
    pub fn locate(named: Option<&Path>, from: &Path) -> Result<PathBuf, ProjectNotFound> {
        if let Some(folder) = named {
            let found = folder.canonicalize().ok().filter(|folder| folder.join(FILE).is_file());
            return found.ok_or_else(|| ProjectNotFound::In { folder: folder.to_owned() });
        }
        let above = || ProjectNotFound::Above { from: from.to_owned() };
        let start = std::path::absolute(from).map_err(|_| above())?;
        start.ancestors().find(|folder| folder.join(FILE).is_file()).map(Path::to_owned).ok_or_else(above)
    }

    /// Loads the project file of a folder.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(root: &Path) -> Result<Self, Problems> {
        let root = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
        let bytes = config::read_file(&root.join(FILE)).map_err(|finding| Problems::one(FILE, finding))?;
        let document = config::parse::<ProjectSpec>(&bytes, &spec::schema())
            .map_err(|(text, findings)| Problems::of(FILE, &text, findings, SHOWN))?;
        let mut checker = Checker::new(&document);
        let project = project(root, &document.spec, &mut checker);
        let findings = checker.finish();
        match project {
            Some(project) if findings.is_empty() => Ok(project),
            _ => {
                debug_assert!(!findings.is_empty(), "a project is refused only with a reason");
                Err(Problems::of(FILE, &document.text, findings, SHOWN))
            }
        }
    }
}

fn project(root: PathBuf, spec: &ProjectSpec, checker: &mut Checker<'_>) -> Option<Project> {
    let state = super::state::state(&root, spec.state.as_ref(), checker);
    let (artifacts, s3) = (s3::artifacts(&root, spec, checker), s3::settings(spec, checker));
    let data = folder(&root, "data", spec.data.as_deref().unwrap_or("data"), checker);
    let lease = lease(spec.lease.as_deref(), checker);
    let mut providers = BTreeMap::new();
    let mut complete = true;
    for (name, written) in &spec.providers {
        match provider(&root, name, written, checker) {
            Some(provider) => {
                providers.insert(name.clone(), provider);
            }
            None => complete = false,
        }
    }
    let mut databases = BTreeMap::new();
    for (name, written) in &spec.databases {
        match Database::check(&root, &format!("databases/{name}"), name, written, checker) {
            Some(database) => {
                databases.insert(name.clone(), database);
            }
            None => complete = false,
        }
    }
    let receiver = receiver::receiver(&root, data.as_deref(), spec, checker);
    let notify = watch::notify(&root, spec.notify.as_ref(), checker);
    // None: no port is opened unless the command line says so.
    let ops = spec.ops.as_ref().map(|written| watch::ops(written, checker));
    let metrics = watch::metrics(&root, spec.metrics.as_ref(), checker);
    let review = spec.review.as_ref().and_then(|written| review::review(&root, written, checker));
    complete &= review.is_some() == spec.review.is_some();
    let retention = spec.retention.as_ref().and_then(|written| retention::retention(written, checker));
    complete &= retention.is_some() == spec.retention.is_some();
    let (state, data, lease, receiver) = (state?, data?, lease?, receiver?);
    let (s3::ArtifactsPlace { folder: artifacts, kept }, s3) = (artifacts?, S3::new(s3?));
    let (notify, metrics) = (notify?, metrics?);
    let ops = match ops {
        Some(address) => Some(address?),
        None => None,
    };
    let notifications = data.clone();
    complete.then_some(Project {
        root,
        state,
        artifacts,
        kept,
        s3,
        data,
        notifications,
        lease,
        providers,
        databases,
        receiver,
        retention,
        notify,
        ops,
        metrics,
        review,
    })
}

fn lease(written: Option<&str>, checker: &mut Checker<'_>) -> Option<Duration> {
    let Some(written) = written else { return Some(LEASE) };
    let lease = checker.duration("lease", written)?;
    if lease < LEAST_LEASE {
        checker.problem("lease", format!("`lease` is {written}; expected at least 1s"));
        return None;
    }
    Some(lease)
}

pub(super) fn folder(root: &Path, key: &str, written: &str, checker: &mut Checker<'_>) -> Option<PathBuf> {
    if written.trim().is_empty() || written.contains("://") {
        checker.problem(key, format!("`{key}` is `{written}`; expected a folder of this machine"));
        return None;
    }
    Some(joined(root, written))
}

/// Absolute, without `.` and trailing slashes; `..` is kept, since it may follow a link.
pub(super) fn joined(root: &Path, written: &str) -> PathBuf {
    root.join(written).components().collect()
}

fn provider(root: &Path, name: &str, spec: &ProviderSpec, checker: &mut Checker<'_>) -> Option<ProviderConfig> {
    let at = format!("providers/{name}");
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    let named = !name.is_empty() && name.chars().all(good);
    if !named {
        let message = format!("`{name}` is no provider name; expected small letters, digits, hyphens and underscores");
        checker.problem(&at, message);
    }
    match spec.kind {
        ProviderType::Kard => kard(root, &at, spec, checker).filter(|_| named).map(ProviderConfig::Kard),
    }
}

fn kard(root: &Path, at: &str, spec: &ProviderSpec, checker: &mut Checker<'_>) -> Option<KardConfig> {
    let base_url = url(&format!("{at}/base_url"), "base_url", &spec.base_url, checker);
    let token_url = url(&format!("{at}/token_url"), "token_url", &spec.token_url, checker);
    let organization = identifier(&format!("{at}/organization"), "organization", &spec.organization, checker);
    let target_issuer = spec
        .target_issuer
        .as_ref()
        .and_then(|written| identifier(&format!("{at}/target_issuer"), "target_issuer", written, checker));
    let client_id = secret(root, &format!("{at}/client_id"), &spec.client_id, checker);
    let client_secret = secret(root, &format!("{at}/client_secret"), &spec.client_secret, checker);
    let webhook_key =
        spec.webhook_key.as_ref().and_then(|written| secret(root, &format!("{at}/webhook_key"), written, checker));
    let webhook_key_previous = spec
        .webhook_key_previous
        .as_ref()
        .and_then(|written| secret(root, &format!("{at}/webhook_key_previous"), written, checker));
    if webhook_key_previous.is_some() && spec.webhook_key.is_none() {
        checker.problem_with_help(
            &format!("{at}/webhook_key_previous"),
            "there is a `webhook_key_previous` and no `webhook_key`",
            "name the present key at `webhook_key`",
        );
        return None;
    }
    let http = http(&format!("{at}/http"), spec.http.as_ref(), checker);
    Some(KardConfig {
        base_url: base_url?,
        token_url: token_url?,
        organization: organization?,
        target_issuer,
        client_id: client_id?,
        client_secret: client_secret?,
        webhook_key,
        webhook_key_previous,
        http: http?,
    })
}

/// `https`, or `http` on this machine; no credentials, query or fragment; without a trailing slash.
pub(super) fn url(path: &str, key: &str, written: &str, checker: &mut Checker<'_>) -> Option<String> {
    // An address may hold a password: none that is wrong is repeated.
    let Ok(url) = reqwest::Url::parse(written) else {
        checker.problem(path, format!("`{key}` is no URL; expected one such as https://rewards-api.getkard.com"));
        return None;
    };
    let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if url.scheme() != "https" && !(url.scheme() == "http" && local) {
        let message =
            format!("`{key}` begins with {}://; expected https://, since credentials pass over it", url.scheme());
        checker.problem(path, message);
        return None;
    }
    if !url.username().is_empty() || url.password().is_some() {
        checker.problem_with_help(
            path,
            format!("`{key}` holds a user name or password; a secret never stands in this file"),
            "use client_id and client_secret",
        );
        return None;
    }
    if url.query().is_some() || url.fragment().is_some() {
        checker.problem(path, format!("`{key}` has a `?` or `#` part; expected an address and a path only"));
        return None;
    }
    Some(written.trim_end_matches('/').to_owned())
}

/// Becomes part of a path or a header.
fn identifier(path: &str, key: &str, written: &str, checker: &mut Checker<'_>) -> Option<String> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if written.is_empty() || !written.chars().all(good) || written.chars().all(|c| c == '.') {
        checker.problem(path, format!("`{key}` is `{written}`; expected letters, digits, `-`, `_` and `.`"));
        return None;
    }
    Some(written.to_owned())
}

pub(super) fn secret(root: &Path, path: &str, written: &Secret, checker: &mut Checker<'_>) -> Option<Secret> {
    match written {
        Secret::Env(name) => {
            let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if name.is_empty() || !name.chars().all(good) || name.starts_with(|c: char| c.is_ascii_digit()) {
                // Somebody may have put the secret itself here.
                let message = "`env` is no name of an environment variable; expected one such as KARD_CLIENT_SECRET";
                checker.problem(&format!("{path}/env"), message);
                return None;
            }
            Some(Secret::Env(name.clone()))
        }
        Secret::File(file) if file.as_os_str().is_empty() => {
            checker.problem(&format!("{path}/file"), "`file` is empty; expected the path of a file");
            None
        }
        Secret::File(file) => Some(Secret::File(root.join(file))),
        Secret::Sandbox(_) => {
            checker.problem(path, "only the sandbox has such a secret");
            None
        }
    }
}

fn http(at: &str, written: Option<&HttpSpec>, checker: &mut Checker<'_>) -> Option<HttpConfig> {
    let mut http = HttpConfig::default();
    let Some(written) = written else { return Some(http) };
    let slots: [(&str, &Option<String>, &mut Duration); 5] = [
        ("connect_timeout", &written.connect_timeout, &mut http.connect_timeout),
        ("idle_timeout", &written.idle_timeout, &mut http.idle_timeout),
        ("total_timeout", &written.total_timeout, &mut http.total_timeout),
        ("first_delay", &written.first_delay, &mut http.first_delay),
        ("max_delay", &written.max_delay, &mut http.max_delay),
    ];
    let mut complete = waits(at, slots, checker);
    if complete && http.first_delay > http.max_delay {
        checker.problem(at, "`first_delay` is longer than `max_delay`");
        complete = false;
    }
    http.attempts = written.attempts.unwrap_or(http.attempts);
    complete.then_some(http)
}

/// Keeps each time that is written below `at`; false where one is none, or zero.
pub(super) fn waits<const N: usize>(
    at: &str,
    slots: [(&str, &Option<String>, &mut Duration); N],
    checker: &mut Checker<'_>,
) -> bool {
    let mut complete = true;
    for (key, text, slot) in slots {
        let Some(text) = text else { continue };
        let path = format!("{at}/{key}");
        match checker.duration(&path, text) {
            Some(duration) if duration.is_zero() => {
                checker.problem(&path, format!("`{key}` is zero; expected a time to wait"));
                complete = false;
            }
            Some(duration) => *slot = duration,
            None => complete = false,
        }
    }
    complete
}
