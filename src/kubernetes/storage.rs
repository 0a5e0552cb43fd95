//! Where a pod finds the project's folders: what is read from the cluster's configuration, what stays between pods.

use std::path::{Component, Path, PathBuf};

use super::RenderError;
use super::node::{Node, map};
use crate::project::Project;

/// Where the project stands in a pod: the image's working folder.
pub(super) const HOME: &str = "/project";
/// The claim of the journal's file.
pub(super) const STATE_CLAIM: &str = "tieout-state";
/// The claim of the folders with data and reports.
pub(super) const FILES_CLAIM: &str = "tieout-files";

/// A folder that outlives the pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub claim: &'static str,
    /// The part of the claim.
    pub sub_path: &'static str,
    /// Absolute, in the pod.
    pub path: String,
}

/// The folders of a project that outlive its pods.
#[derive(Debug, Clone)]
pub(super) struct Places {
    /// What runs need.
    pub runs: Vec<Place>,
    /// What the receiver needs.
    pub receiver: Vec<Place>,
}

impl Places {
    pub(super) fn of(project: &Project) -> Result<Self, RenderError> {
        // A database and a bucket need no place in a pod.
        let state = project.state.file().map(|file| file.parent().unwrap_or(&project.root));
        let state = state.map(|folder| ("state", STATE_CLAIM, "state", folder));
        let artifacts = ("artifacts", FILES_CLAIM, "runs", project.artifacts.as_path());
        let artifacts = project.kept.is_none().then_some(artifacts);
        let folders = [
            state,
            artifacts,
            Some(("data", FILES_CLAIM, "data", project.data.as_path())),
            Some(("receiver.folder", FILES_CLAIM, "webhooks", project.receiver.folder.as_path())),
        ];
        let mut runs: Vec<Place> = Vec::new();
        for (key, claim, sub_path, folder) in folders.into_iter().flatten() {
            let path = in_pod(&project.root, folder);
            if path == HOME || path == "/" {
                return Err(RenderError::FolderOfProject { key });
            }
            if runs.iter().all(|known| known.path != path) {
                runs.push(Place { claim, sub_path, path });
            }
        }
        let log = in_pod(&project.root, &project.receiver.folder);
        let receiver = runs.iter().filter(|place| place.path == log).cloned().collect();
        Ok(Self { runs, receiver })
    }

    /// The names of the claims, each once.
    pub(super) fn claims(&self) -> Vec<&'static str> {
        let mut names: Vec<&str> = self.runs.iter().map(|place| place.claim).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// A path of this machine as a pod has it: below the project's folder likewise, elsewhere the same.
pub(super) fn in_pod(root: &Path, path: &Path) -> String {
    let inside = path.strip_prefix(root).map_or_else(|_| path.to_owned(), |inside| Path::new(HOME).join(inside));
    let mut plain = PathBuf::new();
    for part in inside.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain.display().to_string()
}

/// A claim to storage.
pub(super) fn claim(name: &str) -> Node {
    let size = if name == STATE_CLAIM { "10Gi" } else { "100Gi" };
    map! {
        "apiVersion" => "v1",
        "kind" => "PersistentVolumeClaim",
        "metadata" => map! { "name" => name, "labels" => super::labels(None, None) },
        "spec" => map! {
            "accessModes" => ["ReadWriteOnce"],
            "resources" => map! { "requests" => map! { "storage" => size } },
        },
    }
}
