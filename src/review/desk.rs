//! What the pages are made from, shared by all requests.

use std::sync::Arc;

use super::store::Store;
use crate::config::Problems;
use crate::job::Job;
use crate::job::load::load_all;
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
}

impl Desk {
    pub fn new(project: Project, journal: Arc<Journal>) -> Self {
        let kept = project.kept();
        Self { project: Arc::new(project), journal, kept, store: Arc::default() }
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

    /// The jobs as their files say now, and what is wrong with the others.
    pub fn jobs(&self) -> (Vec<Job>, Problems) {
        load_all(&self.project)
    }
}
