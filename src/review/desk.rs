//! What the pages are made from, shared by all requests.

use std::sync::Arc;

use super::gate::Gate;
use super::store::Store;
use crate::config::Problems;
use crate::exit::{ExitCode, Failure};
use crate::job::Job;
use crate::job::load::{load, load_all};
use crate::journal::Journal;
use crate::objects::Artifacts;
use crate::project::Project;

/// The project, its journal and its artifacts. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Desk {
    project: Arc<Project>,
    journal: Arc<Journal>,
    kept: Artifacts,
    store: Arc<Store>,
    gate: Arc<Gate>,
}

impl Desk {
    /// One at which nobody can sign in.
    pub fn new(project: Project, journal: Arc<Journal>) -> Self {
        let kept = project.kept();
        let gate = Gate::without_users(&project.review.clone().unwrap_or_default());
        Self { project: Arc::new(project), journal, kept, store: Arc::default(), gate: Arc::new(gate) }
    }

    /// With a gate at which people can sign in.
    #[must_use]
    pub fn with_gate(self, gate: Gate) -> Self {
        Self { gate: Arc::new(gate), ..self }
    }

    /// Who is let in.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    pub fn project(&self) -> &Project {
        &self.project
    }

    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Where files of runs are brought from.
    pub const fn kept(&self) -> &Artifacts {
        &self.kept
    }

    /// What runs have left of their breaks.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// A job as its file says now; none where the file is wrong or gone.
    ///
    /// # Errors
    /// When reading panics.
    pub async fn job(&self, name: &str) -> Result<Option<Job>, Failure> {
        let name = name.to_owned();
        self.read(move |project| load(project, &name).ok()).await
    }

    /// The jobs as their files say now, and what is wrong with the others.
    ///
    /// # Errors
    /// When reading panics.
    pub async fn jobs(&self) -> Result<(Vec<Job>, Problems), Failure> {
        self.read(load_all).await
    }

    /// Reads files, off the threads that answer.
    async fn read<T: Send + 'static>(&self, read: impl FnOnce(&Project) -> T + Send + 'static) -> Result<T, Failure> {
        let project = Arc::clone(&self.project);
        let reading = tokio::task::spawn_blocking(move || read(&project));
        reading.await.map_err(|panic| Failure::new(ExitCode::Unexpected, panic))
    }
}
