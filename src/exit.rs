//! The exit codes: a contract with cron, Kubernetes and scripts. They never change meaning.

use serde::{Deserialize, Serialize};

/// What the process says when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExitCode {
    /// The work is done, whatever it found.
    Done = 0,
    /// Nothing in this list: a bug or a machine that failed.
    Unexpected = 1,
    /// The command line is wrong (clap's own code).
    Usage = 2,
    /// A gate that the job declares is breached.
    GateBreached = 10,
    /// A person is needed: something is in doubt or was rejected.
    PersonNeeded = 20,
    /// An input cannot be used as it is.
    InputData = 65,
    /// The provider did not answer after all retries.
    ProviderUnavailable = 69,
    /// The tie-out does not tie: a bug in tieout, never a property of the data.
    InvariantFailed = 70,
    /// Try again later: locked, an input is not there yet, or stopped after a checkpoint.
    TryAgainLater = 75,
    /// The provider refused the credentials.
    CredentialsRefused = 77,
    /// The project file, a job file or a secret is wrong or missing.
    Configuration = 78,
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}

/// An error that knows the exit code of the process it ends.
///
/// Each stage has an error type of its own; the pipeline wraps it once, at the boundary,
/// and keeps the source chain for the message.
#[derive(Debug)]
pub struct Failure {
    pub code: ExitCode,
    pub source: anyhow::Error,
}

impl Failure {
    pub fn new(code: ExitCode, source: impl Into<anyhow::Error>) -> Self {
        Self { code, source: source.into() }
    }

    /// The same, told with what it happened at or during: `provider kard`.
    #[must_use]
    pub fn context(self, of: impl std::fmt::Display + Send + Sync + 'static) -> Self {
        Self { code: self.code, source: self.source.context(of) }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The alternate form joins the whole chain: "reading x: line 3: not a number".
        write!(f, "{:#}", self.source)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self.source.as_ref())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(ExitCode::Unexpected, error)
    }
}
