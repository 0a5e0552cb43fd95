//! What people put their names to: that the report of an attempt is prepared for review, and that it was reviewed.
//!
//! A signature is about bytes: it names the digest of the report that the person was shown
//! ([`report_digest`](crate::report::digest)). It is no seal: a seal closes a period to later facts
//! ([`seals`](crate::seals)), a signature says who has looked at a report and stands for it. Neither needs the other.
//!
//! `life` is what can happen to the signatures of one attempt, and the one list of legal steps. `rules` says who may sign
//! what, by facts that the steps alone do not tell. `words` tells of both.

pub mod life;
pub mod rules;
pub mod words;

pub use life::{Event, IllegalSignOffStep, SignOffState, Signature, Standing};
pub use rules::{Asked, Known, Refused, Role, check};

/// What a person states who says nothing else, in either role: on the command line, on the pages and in the workbook.
pub const DEFAULT_STATEMENT: &str = "I have examined this report. To the best of my knowledge it is complete and \
                                     correct, and every break in it is explained or being followed up.";

/// How long a statement or a reason may be, in bytes: it is kept for ever.
pub const MOST_WORDS: usize = 4_000;

/// What became of a signed report since. It is never stored: it follows from what is there now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Validity {
    /// The report is what was signed, and the period's last.
    Current,
    /// A later attempt of the period has finished.
    Superseded { run: String },
    /// The files of the report have other bytes than those that were signed.
    ReportChanged,
    /// They are not there any more.
    ReportGone,
    /// The signatures were taken back.
    Withdrawn,
}

impl Validity {
    /// As lists show it: `superseded by rewards-daily/2025-03-19/2`.
    pub fn words(&self) -> String {
        match self {
            Self::Current => "current".to_owned(),
            Self::Superseded { run } => format!("superseded by {run}"),
            Self::ReportChanged => "report changed".to_owned(),
            Self::ReportGone => "report gone".to_owned(),
            Self::Withdrawn => "withdrawn".to_owned(),
        }
    }
}

/// What became of a signed report: `last_finished` is the period's last finished attempt, `digest_now` that of the
/// report's files as they lie there, none where they are gone.
pub fn validity(standing: &Standing, last_finished: Option<&str>, digest_now: Option<&str>) -> Validity {
    if standing.state == SignOffState::Withdrawn {
        return Validity::Withdrawn;
    }
    match digest_now {
        Some(now) if now != standing.digest => return Validity::ReportChanged,
        _ => {}
    }
    match last_finished {
        Some(run) if run != standing.run => Validity::Superseded { run: run.to_owned() },
        _ if digest_now.is_none() => Validity::ReportGone,
        _ => Validity::Current,
    }
}
