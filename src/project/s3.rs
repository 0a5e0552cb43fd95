//! `s3:` of the project file, and artifacts that are kept in a bucket.

use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::load::folder;
use super::spec::{ProjectSpec, ReceiverSpec};
use crate::config::Checker;
use crate::objects::{Place, S3Settings};

/// Where artifacts of a bucket are worked on, where the file does not say.
const CACHE: &str = ".tieout/artifacts";
/// How often notifications are copied, where the file does not say.
const PUBLISH_EVERY: Duration = Duration::from_mins(1);

/// How `s3://` is reached. Credentials are found by the SDK's own chain and stand in no file of the project.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct S3Spec {
    /// Another store than AWS, such as `https://minio.example.com`.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// The region of the buckets; by the SDK's chain when left out.
    #[serde(default)]
    pub region: Option<String>,
    /// Whether the bucket stands in the path instead of the host's name; true with an `endpoint` when left out.
    #[serde(default)]
    pub path_style: Option<bool>,
    /// A profile of the SDK's own configuration files.
    #[serde(default)]
    pub profile: Option<String>,
}

/// Where artifacts are: the folder that is worked on, and the bucket behind it.
#[derive(Debug)]
pub(super) struct ArtifactsPlace {
    pub(super) folder: PathBuf,
    pub(super) kept: Option<Place>,
}

pub(super) fn settings(spec: &ProjectSpec, checker: &mut Checker<'_>) -> Option<S3Settings> {
    let none = S3Spec::default();
    let written = spec.s3.as_ref().unwrap_or(&none);
    let mut good = true;
    if let Some(endpoint) = &written.endpoint {
        let rest = endpoint.strip_prefix("https://").or_else(|| endpoint.strip_prefix("http://"));
        // Keys do not stand in addresses: what may be one is not repeated.
        let host = rest.filter(|rest| !rest.is_empty() && !rest.contains(['@', '?', '#']));
        if host.is_none() {
            let message = "`endpoint` is no address of a store; expected one such as https://minio.example.com";
            checker.problem("s3/endpoint", message);
            good = false;
        }
    }
    for (key, text) in [("region", &written.region), ("profile", &written.profile)] {
        if text.as_ref().is_some_and(|text| text.trim().is_empty()) {
            checker.problem(&format!("s3/{key}"), format!("`{key}` is empty; leave it out to have the SDK find it"));
            good = false;
        }
    }
    good.then(|| S3Settings {
        endpoint: written.endpoint.as_ref().map(|endpoint| endpoint.trim_end_matches('/').to_owned()),
        region: written.region.clone(),
        path_style: written.path_style.unwrap_or(written.endpoint.is_some()),
        profile: written.profile.clone(),
    })
}

pub(super) fn artifacts(root: &Path, spec: &ProjectSpec, checker: &mut Checker<'_>) -> Option<ArtifactsPlace> {
    let written = spec.artifacts.as_deref().unwrap_or("runs");
    if !written.starts_with("s3://") {
        if spec.cache.is_some() {
            let message = "`cache` is for artifacts in a bucket, and these are in a folder of this machine";
            checker.problem_with_help("cache", message, "leave it out");
            return None;
        }
        let folder = folder(root, "artifacts", written, checker)?;
        return Some(ArtifactsPlace { folder, kept: None });
    }
    let cache = folder(root, "cache", spec.cache.as_deref().unwrap_or(CACHE), checker);
    let place = checker.keep("artifacts", Place::parse(written));
    Some(ArtifactsPlace { folder: cache?, kept: Some(place?.folder()) })
}

/// `publish` and `publish_every` of the receiver; none inside where it copies nothing.
#[expect(clippy::option_option, reason = "wrong, absent and written are three things")]
pub(super) fn publish(written: &ReceiverSpec, checker: &mut Checker<'_>) -> Option<Option<(Place, Duration)>> {
    let every = match &written.publish_every {
        Some(text) => checker.duration("receiver/publish_every", text)?,
        None => PUBLISH_EVERY,
    };
    if every.is_zero() {
        checker.problem("receiver/publish_every", "`publish_every` is zero; expected a time to wait");
        return None;
    }
    let Some(text) = &written.publish else {
        if written.publish_every.is_some() {
            let message = "`publish_every` says how often `publish` copies, and there is none";
            checker.problem("receiver/publish_every", message);
            return None;
        }
        return Some(None);
    };
    let place = checker.keep("receiver/publish", Place::parse(text))?;
    Some(Some((place.folder(), every)))
}
