//! The last words of `tieout run`: one line of JSON, where Kubernetes (or whoever starts runs) looks for it.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::exit::{ExitCode, Failure};
use crate::frames::mask::without_cards;
use crate::pipeline::Finished;
use crate::report::json::{self, AtRisk};
use crate::report::verdict::verdict;
use crate::text::{cut, visible};

/// The variable that names the file.
const VARIABLE: &str = "TIEOUT_TERMINATION_LOG";
/// Kubernetes keeps no more of one container's message.
pub const MOST_BYTES: usize = 4096;
/// So much of a message is enough to know where to look.
const MOST_MESSAGE_CHARS: usize = 1000;

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LastWords {
    pub job: String,
    /// As asked for, where it never became a period.
    pub period: String,
    /// None: it never became an attempt.
    pub attempt: Option<u32>,
    /// The name of the exit code: `done`, `gate_breached`, `try_again_later`, …
    pub verdict: ExitCode,
    pub exit_code: u8,
    /// Open ones; none where nothing was compared.
    pub breaks: Option<u64>,
    /// Of the open breaks, by currency and measure, in minor units.
    pub at_risk: Vec<AtRisk>,
    /// None where nothing was compared.
    pub ties_out: Option<bool>,
    /// In words: the report's headline, or what went wrong.
    pub message: String,
}

impl LastWords {
    /// Of a run that did its work.
    pub fn of(finished: &Finished) -> Self {
        let facts = &finished.facts;
        let exit = finished.exit_code();
        Self {
            job: facts.job.name.clone(),
            period: facts.period.label.clone(),
            attempt: Some(facts.run.attempt),
            verdict: exit,
            exit_code: exit as u8,
            breaks: Some(facts.open_breaks()),
            at_risk: json::summary(facts).breaks.at_risk,
            ties_out: Some(facts.ties_out()),
            message: verdict(facts).headline,
        }
    }

    /// Of one that did not, or of nothing that was to be done.
    pub fn without_run(job: &str, period: &str, code: ExitCode, message: String) -> Self {
        Self {
            job: job.to_owned(),
            period: period.to_owned(),
            attempt: None,
            verdict: code,
            exit_code: code as u8,
            breaks: None,
            at_risk: Vec::new(),
            ties_out: (code == ExitCode::InvariantFailed).then_some(false),
            message,
        }
    }

    /// Of a failure.
    pub fn of_failure(job: &str, period: &str, failure: &Failure) -> Self {
        Self::without_run(job, period, failure.code, failure.to_string())
    }

    /// One line of at most [`MOST_BYTES`], without card numbers.
    ///
    /// # Panics
    /// Never: texts and numbers have a text.
    pub fn line(&self) -> String {
        let mut words = self.clone();
        let one_line = words.message.split_whitespace().collect::<Vec<_>>().join(" ");
        words.message = cut(&visible(&without_cards(&one_line)), MOST_MESSAGE_CHARS).into_owned();
        loop {
            let line = serde_json::to_string(&words).expect("texts and numbers have a text") + "\n";
            if line.len() <= MOST_BYTES {
                return line;
            }
            // Names of jobs and periods are short: one of these two is what is long.
            if words.at_risk.len() > 12 {
                words.at_risk.pop();
            } else {
                let shorter = words.message.chars().count() * 3 / 4;
                words.message = cut(&words.message, shorter).into_owned();
            }
        }
    }
}

/// Where last words go: what the command line says, else what the environment says.
pub(super) fn place(asked: Option<&Path>) -> Option<PathBuf> {
    let told = std::env::var_os(VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
    asked.map(Path::to_owned).or(told)
}

/// Writes them. That they cannot be written changes nothing about how the run ended: it is a warning.
pub(super) fn write(path: &Path, words: &LastWords) {
    // The cluster has put the file there, and nobody but it may put another in its place.
    let opened = std::fs::File::options().write(true).create(true).truncate(true).open(path);
    if let Err(error) = opened.and_then(|mut file| file.write_all(words.line().as_bytes())) {
        tracing::warn!("cannot write the termination log {}: {error}", path.display());
    }
}
