//! The life of the seal of one period: what can happen to it, and the one function that says what may follow what.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What can happen to the seal of a period. What the journal holds is a list of these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A person has signed off what an attempt says.
    Sealed {
        job: String,
        /// The label.
        period: String,
        /// The attempt, as `JOB/PERIOD/ATTEMPT`.
        run: String,
        /// The files of its report by name, each with its SHA-256.
        files: BTreeMap<String, String>,
        /// Breaks of it that were open then.
        open_breaks: u64,
        by: String,
        reason: String,
    },
    /// A person wants the period open again.
    Unsealed { by: String, reason: String },
}

impl Event {
    /// The name in the journal and in messages.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Sealed { .. } => "sealed",
            Self::Unsealed { .. } => "unsealed",
        }
    }
}

/// Whether a period is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SealState {
    Sealed,
    /// It was, and is open again.
    Unsealed,
}

impl SealState {
    /// The name in files, in the journal and in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sealed => "sealed",
            Self::Unsealed => "unsealed",
        }
    }
}

/// Where the seal of a period stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// `JOB/PERIOD`
    pub id: String,
    pub job: String,
    pub period: String,
    pub state: SealState,
    /// Since when, UTC; by whom and why, too.
    pub at: DateTime<Utc>,
    pub by: String,
    pub reason: String,
    /// The sealed attempt; of an unsealed period the one that was.
    pub run: String,
    /// The files of its report by name, each with its SHA-256.
    pub files: BTreeMap<String, String>,
    /// Breaks of it that were open when it was sealed.
    pub open_breaks: u64,
}

impl Standing {
    pub const fn is_sealed(&self) -> bool {
        matches!(self.state, SealState::Sealed)
    }
}

/// The id of the seal of a period.
pub fn seal_id(job: &str, period: &str) -> String {
    format!("{job}/{period}")
}

/// An event that cannot follow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("period {id}: `{event}` cannot follow {}", .state.map_or("nothing", SealState::name))]
pub struct IllegalSealStep {
    pub id: String,
    pub event: &'static str,
    pub state: Option<SealState>,
}

/// Every legal step: what is open is sealed, what is sealed is unsealed.
///
/// # Errors
/// [`IllegalSealStep`] for any other, and for a seal under the id of another period.
pub fn apply(
    before: Option<&Standing>,
    id: &str,
    event: &Event,
    at: DateTime<Utc>,
) -> Result<Standing, IllegalSealStep> {
    match (before, event) {
        (
            None | Some(Standing { state: SealState::Unsealed, .. }),
            Event::Sealed { job, period, run, files, open_breaks, by, reason },
        ) if seal_id(job, period) == id && is_attempt_of(run, id) => Ok(Standing {
            id: id.to_owned(),
            job: job.clone(),
            period: period.clone(),
            state: SealState::Sealed,
            at,
            by: by.clone(),
            reason: reason.clone(),
            run: run.clone(),
            files: files.clone(),
            open_breaks: *open_breaks,
        }),
        (Some(standing @ Standing { state: SealState::Sealed, .. }), Event::Unsealed { by, reason }) => {
            Ok(Standing { state: SealState::Unsealed, at, by: by.clone(), reason: reason.clone(), ..standing.clone() })
        }
        _ => {
            let state = before.map(|standing| standing.state);
            Err(IllegalSealStep { id: id.to_owned(), event: event.name(), state })
        }
    }
}

fn is_attempt_of(run: &str, id: &str) -> bool {
    run.strip_prefix(id).is_some_and(|rest| rest.starts_with('/'))
}
