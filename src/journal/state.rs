//! The life of a run: its steps, how it can end, and the one function that says what may follow what.

use serde::{Deserialize, Serialize};

/// What a run has behind it. The order of the variants is the order of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The attempt has its number.
    Started,
    /// Every input lies in the raw store.
    Pulled,
    /// Every input is in canonical columns.
    Normalized,
    /// Every row has found its counterpart or none.
    Matched,
    /// Every difference has its kind, and the statement ties out.
    Classified,
    /// What a sending job sends lies sealed on disk.
    Sealed,
    /// Every effect that the job wants has been proposed, or was known already.
    Planned,
    /// Nothing more can be sent now.
    Sent,
    /// Every report stands in its folder.
    Reported,
    /// The outcome is recorded.
    Finished,
}

impl Step {
    pub const ALL: [Self; 10] = [
        Self::Started,
        Self::Pulled,
        Self::Normalized,
        Self::Matched,
        Self::Classified,
        Self::Sealed,
        Self::Planned,
        Self::Sent,
        Self::Reported,
        Self::Finished,
    ];

    /// The name in the journal and in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Pulled => "pulled",
            Self::Normalized => "normalized",
            Self::Matched => "matched",
            Self::Classified => "classified",
            Self::Sealed => "sealed",
            Self::Planned => "planned",
            Self::Sent => "sent",
            Self::Reported => "reported",
            Self::Finished => "finished",
        }
    }

    /// The step of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.name() == name)
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Going on, or its process is gone and nobody has noticed yet.
    Running,
    /// It was asked to stop, or its process went away and the next attempt found that.
    Interrupted,
    /// All work is done and no gate is breached.
    Done,
    /// All work is done and a gate is breached.
    GateBreached,
    /// It could not do its work; the exit code and the message say why.
    Failed,
}

impl RunStatus {
    pub const ALL: [Self; 5] = [Self::Running, Self::Interrupted, Self::Done, Self::GateBreached, Self::Failed];

    /// The name in the journal and in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Interrupted => "interrupted",
            Self::Done => "done",
            Self::GateBreached => "gate_breached",
            Self::Failed => "failed",
        }
    }

    /// The status of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// Its reports are complete.
    pub const fn is_finished(self) -> bool {
        matches!(self, Self::Done | Self::GateBreached)
    }
}

impl std::fmt::Display for RunStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// How a run ends, told by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    Done,
    GateBreached,
    Failed,
    /// It was asked to stop.
    Interrupted,
}

impl Ending {
    /// The status that a run has after it.
    pub const fn status(self) -> RunStatus {
        match self {
            Self::Done => RunStatus::Done,
            Self::GateBreached => RunStatus::GateBreached,
            Self::Failed => RunStatus::Failed,
            Self::Interrupted => RunStatus::Interrupted,
        }
    }
}

/// What can happen to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A piece of work is done.
    Mark(Step),
    /// The run ends by itself.
    Finish(Ending),
    /// A later attempt finds it still running.
    Interrupt,
}

impl std::fmt::Display for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Mark(step) => write!(f, "step `{step}`"),
            Self::Finish(ending) => write!(f, "the end `{}`", ending.status()),
            Self::Interrupt => f.write_str("an interruption"),
        }
    }
}

/// An event that cannot follow what the run has behind it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("run {run}: {event} cannot follow {}", after(*.status, *.last))]
pub struct IllegalTransition {
    pub run: String,
    pub event: Event,
    pub status: RunStatus,
    pub last: Option<Step>,
}

fn after(status: RunStatus, last: Option<Step>) -> String {
    match (status, last) {
        (RunStatus::Running, Some(step)) => format!("step `{step}`"),
        (RunStatus::Running, None) => "nothing: a run begins with step `started`".to_owned(),
        (ended, _) => format!("the end of the run, which is `{ended}`"),
    }
}

/// Every legal transition. `last` is the latest step that is marked.
///
/// A run may fail or be stopped after any step, but it is done only when its reports are.
pub const fn is_legal(status: RunStatus, last: Option<Step>, event: Event) -> bool {
    use Event::{Finish, Interrupt, Mark};
    matches!(
        (status, last, event),
        (RunStatus::Running, None, Mark(Step::Started))
            | (RunStatus::Running, Some(Step::Started), Mark(Step::Pulled))
            | (RunStatus::Running, Some(Step::Pulled), Mark(Step::Normalized | Step::Sealed))
            | (RunStatus::Running, Some(Step::Normalized), Mark(Step::Matched))
            | (RunStatus::Running, Some(Step::Matched), Mark(Step::Classified))
            | (RunStatus::Running, Some(Step::Classified | Step::Sealed), Mark(Step::Planned))
            | (RunStatus::Running, Some(Step::Planned), Mark(Step::Sent))
            | (RunStatus::Running, Some(Step::Sent), Mark(Step::Reported))
            | (RunStatus::Running, Some(Step::Reported), Finish(Ending::Done | Ending::GateBreached))
            | (RunStatus::Running, Some(_), Finish(Ending::Failed | Ending::Interrupted) | Interrupt)
    )
}
