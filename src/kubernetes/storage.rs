//! Where a pod finds the project's folders: what is read from the cluster's configuration, what stays between pods.

use std::path::{Component, Path, PathBuf};

use super::RenderError;
use super::node::{Node, map};
use crate::job::{Job, Source};
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
    pub(super) fn of(project: &Project, jobs: &[Job]) -> Result<Self, RenderError> {
        // A database and a bucket need no place in a pod.
        let state = project.state.file().map(|file| file.parent().unwrap_or(&project.root));
        let artifacts = project.kept.is_none().then_some(project.artifacts.as_path());
        let data = jobs.iter().any(reads_files).then_some(project.data.as_path());
        let folders = [
            ("state", STATE_CLAIM, "state", state),
            ("artifacts", FILES_CLAIM, "runs", artifacts),
            ("data", FILES_CLAIM, "data", data),
        ];
        let mut runs: Vec<Place> = Vec::new();
        for (key, claim, sub_path, folder) in folders {
            let Some(folder) = folder else { continue };
            let place = place(project, key, (claim, sub_path), folder)?;
            if runs.iter().all(|known| known.path != place.path) {
                runs.push(place);
            }
        }
        let log = place(project, "receiver.folder", (FILES_CLAIM, "webhooks"), &project.receiver.folder)?;
        let receiver = vec![runs.iter().find(|known| known.path == log.path).cloned().unwrap_or(log)];
        Ok(Self { runs, receiver })
    }

    /// The names of the claims, each once.
    pub(super) fn claims(&self, receives: bool) -> Vec<&'static str> {
        let of_log = self.receiver.iter().filter(|_| receives);
        let mut names: Vec<&str> = self.runs.iter().chain(of_log).map(|place| place.claim).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// Whether a job reads or keeps files of the data folder.
fn reads_files(job: &Job) -> bool {
    let of_inputs = job.inputs().into_iter().any(|input| matches!(input.source, Source::Path { .. }));
    of_inputs || job.sending().is_some()
}

fn place(
    project: &Project,
    key: &'static str,
    (claim, sub_path): (&'static str, &'static str),
    folder: &Path,
) -> Result<Place, RenderError> {
    let path = in_pod(&project.root, folder);
    if path == HOME || path == "/" {
        return Err(RenderError::FolderOfProject { key });
    }
    Ok(Place { claim, sub_path, path })
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
