//! Finding, reading and checking `tieout.yaml`. Nothing here reads a secret's value.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sysinfo::System;

use super::spec::{self, ProjectSpec};
use super::{LEAST_MEMORY, Project, database::Database, engine, receiver, retention, review, s3, watch};
use crate::config::problem::Excerpts;
use crate::config::{self, Checker, Problems, quantity};
use crate::exit::{ExitCode, Failure};
use crate::objects::S3;
use crate::providers::{ProviderConfig, ProviderSpec};

/// The project file's name.
pub const FILE: &str = "tieout.yaml";

/// How long a run may give no sign of life, where the file does not say.
const LEASE: Duration = Duration::from_mins(1);
/// How much memory a run may take, in bytes, where neither the file nor the machine says.
const MEMORY: u64 = 2 << 30;
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
        "memory",
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
        "reads",
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
        "engine",
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
    let memory = memory(spec.memory.as_deref(), checker);
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
    let in_bucket = artifacts.as_ref().is_some_and(|artifacts| artifacts.kept.is_some());
    let build = (in_bucket, cfg!(feature = "spark"));
    let engine = spec.engine.as_ref().and_then(|written| engine::engine(&root, written, build, checker));
    complete &= engine.is_some() == spec.engine.is_some();
    let receiver = receiver::receiver(&root, data.as_deref(), spec, checker);
    let notify = watch::notify(&root, spec.notify.as_ref(), checker);
    // None: no port is opened unless the command line says so.
    let ops = spec.ops.as_ref().map(|written| watch::ops(written, checker));
    let metrics = watch::metrics(&root, spec.metrics.as_ref(), checker);
    let review = spec.review.as_ref().and_then(|written| review::review(&root, written, checker));
    complete &= review.is_some() == spec.review.is_some();
    let retention = spec.retention.as_ref().and_then(|written| retention::retention(written, checker));
    complete &= retention.is_some() == spec.retention.is_some();
    let (state, data, lease, memory, receiver) = (state?, data?, lease?, memory?, receiver?);
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
        engine: engine.flatten(),
        s3,
        data,
        notifications,
        lease,
        memory,
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

fn memory(written: Option<&str>, checker: &mut Checker<'_>) -> Option<u64> {
    let Some(written) = written else { return Some(half_of_the_machine()) };
    match memory_of(written) {
        Ok(bytes) => Some(bytes),
        Err(reason) => {
            checker.problem("memory", reason);
            None
        }
    }
}

/// Half of what this machine has, or the container where it may take less.
fn half_of_the_machine() -> u64 {
    let mut system = System::new();
    system.refresh_memory();
    let limit = system.cgroup_limits().map(|limits| limits.total_memory).filter(|bytes| *bytes > 0);
    match limit.unwrap_or(u64::MAX).min(system.total_memory()) {
        0 => MEMORY,
        bytes => (bytes / 2).max(LEAST_MEMORY),
    }
}

/// How much memory a run may take, as it is written.
///
/// # Errors
/// Why it cannot be so much.
pub(crate) fn memory_of(written: &str) -> Result<u64, String> {
    let bytes = quantity::bytes(written).map_err(|error| error.to_string())?;
    let least = format!("`memory` is {written}; expected at least 64MiB");
    if bytes < LEAST_MEMORY { Err(least) } else { Ok(bytes) }
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
    spec.check(root, &at, checker).filter(|_| named)
}
