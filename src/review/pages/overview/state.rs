//! Where a period stands, in a word and a colour: pure.

use crate::exit::ExitCode;
use crate::journal::{RunRecord, RunStatus};
use crate::report::{Figures, count};

/// Where a period stands: its latest attempt, or what its schedule says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::review::pages) enum State {
    TiesOut,
    /// So many breaks are open.
    Breaks(u64),
    GateBreached,
    PersonNeeded,
    Failed,
    Interrupted,
    Running,
    Late,
    Due,
    Nothing,
}

impl State {
    /// One of each, as a legend tells them.
    pub(in crate::review::pages) const LEGEND: [Self; 10] = [
        Self::TiesOut,
        Self::Breaks(2),
        Self::GateBreached,
        Self::PersonNeeded,
        Self::Failed,
        Self::Interrupted,
        Self::Running,
        Self::Late,
        Self::Due,
        Self::Nothing,
    ];

    /// That of an attempt; `figures` are those of the period's latest finished one.
    pub(in crate::review::pages) fn of(run: &RunRecord, figures: Option<&Figures>) -> Self {
        let needs_person = run.exit_code == Some(ExitCode::PersonNeeded as u8);
        match run.status {
            RunStatus::Running => Self::Running,
            RunStatus::Interrupted => Self::Interrupted,
            RunStatus::Failed | RunStatus::Done if needs_person => Self::PersonNeeded,
            RunStatus::Failed => Self::Failed,
            RunStatus::GateBreached => Self::GateBreached,
            RunStatus::Done => match figures.map_or(run.breaks.unwrap_or_default(), Figures::open_breaks) {
                0 => Self::TiesOut,
                open => Self::Breaks(open),
            },
        }
    }

    /// In words.
    pub(in crate::review::pages) fn words(self) -> String {
        match self {
            Self::TiesOut => "ties out".to_owned(),
            Self::Breaks(1) => "1 break".to_owned(),
            Self::Breaks(open) => format!("{} breaks", count(open)),
            Self::GateBreached => "gate breached".to_owned(),
            Self::PersonNeeded => "person needed".to_owned(),
            Self::Failed => "failed".to_owned(),
            Self::Interrupted => "stopped".to_owned(),
            Self::Running => "running".to_owned(),
            Self::Late => "late".to_owned(),
            Self::Due => "due".to_owned(),
            Self::Nothing => String::new(),
        }
    }

    /// What the legend calls it.
    pub(in crate::review::pages) fn legend(self) -> String {
        match self {
            Self::Breaks(_) => "breaks open".to_owned(),
            Self::Nothing => "nothing expected".to_owned(),
            other => other.words(),
        }
    }

    /// The class that colours it.
    pub(in crate::review::pages) const fn class(self) -> &'static str {
        match self {
            Self::TiesOut => "s-good",
            Self::Breaks(_) => "s-mind",
            Self::GateBreached | Self::PersonNeeded | Self::Failed | Self::Late => "s-bad",
            Self::Interrupted | Self::Running => "s-busy",
            Self::Due => "s-due",
            Self::Nothing => "s-none",
        }
    }
}
