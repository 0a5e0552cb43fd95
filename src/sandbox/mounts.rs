//! The other providers, each in a file of its own and below a path of its own: `/kuggar/api/v2/…`.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::http::{Method, StatusCode};
use axum::response::Response;

use super::state::State;
use super::{SamplesError, bongloy, card_issuing, core_api, http_api, kuggar};

/// What a provider's file offers to the sandbox.
pub(super) struct Mount {
    /// The first part of every path, and the folder of its samples beside Kard's.
    pub(super) name: &'static str,
    /// The names that fault plans call its endpoints by, each beginning with `NAME.`.
    pub(super) endpoints: &'static [&'static str],
    /// Which of them a request is for; the path is that after `/NAME`.
    pub(super) endpoint: fn(&Method, &str) -> Option<&'static str>,
    /// A status that a fault plan wants, in the provider's own shape.
    pub(super) refusal: fn(StatusCode, &str) -> Response,
    /// Everything below `/NAME`, from the samples of this folder; where there is no such folder the world is empty.
    pub(super) router: fn(&Arc<State>, &Path) -> Result<Router, SamplesError>,
    /// What to write into `tieout.yaml` and the environment: key, value. `base_url` is told by the sandbox itself.
    pub(super) settings: &'static [(&'static str, &'static str)],
}

/// One line each.
pub(super) const MOUNTS: &[Mount] =
    &[bongloy::MOUNT, card_issuing::MOUNT, core_api::MOUNT, http_api::MOUNT, kuggar::MOUNT];

/// The provider that a path belongs to, and the path below it.
pub(super) fn find(path: &str) -> Option<(&'static Mount, &str)> {
    let (name, _) = path.strip_prefix('/')?.split_once('/')?;
    let mount = MOUNTS.iter().find(|mount| mount.name == name)?;
    Some((mount, &path[1 + name.len()..]))
}

/// The provider that an endpoint of a fault plan belongs to.
pub(super) fn named(endpoint: &str) -> Option<&'static Mount> {
    MOUNTS.iter().find(|mount| mount.endpoints.contains(&endpoint))
}
