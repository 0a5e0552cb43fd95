//! A Kustomize base for a project: what Kubernetes has to know of `tieout.yaml` and the job files, as manifests. Pure
//! but for `folder`, which reads the project's files and keeps the base.

mod base;
mod cronjob;
mod difference;
pub mod folder;
mod network;
pub mod node;
mod pod;
mod review;
mod secrets;
mod services;
mod storage;
mod timing;

use crate::exit::{ExitCode, Failure};
use crate::job::Job;
use crate::project::Project;

pub use base::render;
pub use cronjob::is_worth_a_retry;
pub use difference::difference;
use node::{Node, map};

/// What everything that belongs to the program is called.
const NAME: &str = "tieout";
/// The longest name of a CronJob: the controller appends the minute to it.
const MOST_NAME: usize = 52;

/// The folder of queries: pods have those that stand in it.
const QUERIES: &str = "queries";

/// What runs the schedules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A CronJob a job: nothing runs between runs.
    CronJobs,
    /// `tieout serve`, in one Deployment.
    Serve,
}

/// What does not stand in the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    pub image: String,
    /// None: that of the overlay, or of whoever applies it.
    pub namespace: Option<String>,
    pub mode: Mode,
}

impl Default for Options {
    fn default() -> Self {
        let image = format!("{NAME}:{}", env!("CARGO_PKG_VERSION"));
        Self { image, namespace: None, mode: Mode::CronJobs }
    }
}

/// One file, by its path below a folder, with `/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct File {
    pub path: String,
    pub text: String,
}

/// What the base is made from.
#[derive(Debug)]
pub struct Context<'c> {
    pub options: &'c Options,
    pub project: &'c Project,
    pub jobs: &'c [Job],
    /// `tieout.yaml`, `jobs/NAME.yaml`, `calendars/NAME.yaml`, as they stand in the project.
    pub files: &'c [File],
}

impl Context<'_> {
    /// The folders of the project that pods read, each from a ConfigMap of its own.
    fn config_folders(&self) -> Vec<&'static str> {
        let is_there = |folder: &str| self.files.iter().any(|file| file.path.starts_with(folder));
        [("jobs", "jobs/"), ("calendars", "calendars/"), (QUERIES, "queries/")]
            .into_iter()
            .filter(|(_, prefix)| is_there(prefix))
            .map(|(name, _)| name)
            .collect()
    }
}

/// A project that cannot be put into pods. Exit code 78.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    #[error(
        "`{key}` of tieout.yaml lies in the project's own folder, which pods cannot write; give it a folder of its own, such as {key}: {}", example(.key)
    )]
    FolderOfProject { key: &'static str },
    #[error(
        "job {job}: a CronJob's name has at most {MOST_NAME} characters, this has {length}; give the job a shorter name, or use --mode serve"
    )]
    LongName { job: String, length: usize },
    #[error(
        "the name of job {job} begins or ends with a hyphen, which no CronJob's may; rename it, or use --mode serve"
    )]
    Hyphen { job: String },
    #[error("no job has a schedule: nothing would be run; write `schedule:` into jobs/NAME.yaml")]
    NothingScheduled,
    #[error("the files in {folder} have {bytes} bytes, and a ConfigMap takes at most {MOST_CONFIG_BYTES}")]
    TooLarge { folder: String, bytes: usize },
}

/// What etcd takes of one object, with room for what is around the files.
const MOST_CONFIG_BYTES: usize = 1_000_000;

fn example(key: &str) -> &'static str {
    match key {
        "state" => "sqlite:.tieout/state.db",
        "artifacts" => "runs/",
        _ => "data/",
    }
}

impl From<RenderError> for Failure {
    fn from(error: RenderError) -> Self {
        Self::new(ExitCode::Configuration, error)
    }
}

/// The labels of an object.
fn labels(component: Option<&str>, instance: Option<&str>) -> Node {
    let mut labels = map! { "app.kubernetes.io/name" => NAME };
    if let Some(component) = component {
        labels = labels.and("app.kubernetes.io/component", component);
    }
    if let Some(instance) = instance {
        labels = labels.and("app.kubernetes.io/instance", instance);
    }
    labels
}

/// The first words of each manifest.
fn made_from(what: &str) -> String {
    format!("Made by `tieout k8s render` from {what}: changes go there, or into an overlay.")
}
