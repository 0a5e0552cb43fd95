//! What a scheduler has to do: which periods of which jobs are due (`plan`: pure) and which are late (`late`), doing it
//! until it is stopped (`serve`), and what one run does that something else has started in its place (`asked`: pure).

pub mod asked;
pub mod late;
pub mod plan;
pub mod serve;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::job::Job;
use crate::journal::{Journal, JournalError};

pub use plan::{Due, History, Todo};

/// The jobs by name, and what the journal knows of their periods as far back as a plan at an instant looks. None as the
/// journal: nothing was ever run.
///
/// # Errors
/// When the journal cannot be read.
pub async fn histories(
    journal: Option<&Journal>,
    jobs: Vec<Job>,
    now: DateTime<Utc>,
) -> Result<BTreeMap<String, (Job, History)>, JournalError> {
    let earliest = plan::earliest(&jobs, now);
    let mut found = BTreeMap::new();
    for job in jobs {
        let history = match (journal, earliest.get(&job.name)) {
            (Some(journal), Some(from)) => {
                let runs = journal.runs_since(&job.name, &from.label).await?;
                History::of(&runs, journal.first_period(&job.name, from.label.len()).await?)
            }
            _ => History::default(),
        };
        found.insert(job.name.clone(), (job, history));
    }
    Ok(found)
}
