//! Putting one's name under a report, and taking it back.

use crate::exit::{ExitCode, Failure};
use crate::job::Effects;
use crate::journal::{Journal, JournalError, NewSignOff, RunRecord};
use crate::objects::Artifacts;
use crate::report::{FilesError, digest_of_folder};
use crate::sign_off::{
    Asked, Event, IllegalSignOffStep, Known, MOST_WORDS, Refused, Role, SignOffState, Standing, Validity, check,
    validity,
};

/// What [`commands`](crate::commands) records where nobody is named who started a run.
const UNKNOWN: &str = "unknown";

/// A signature that cannot be given, or taken back. Nothing is written then.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// Exit code 2.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Exit code 65.
    #[error("the report of run {run} is gone: nothing is signed that nobody can read; make a new attempt")]
    Gone { run: String },
    /// Exit code 65.
    #[error("the report of run {run} is not whole")]
    NoReport { run: String, source: FilesError },
    /// Exit code 2.
    #[error("a {what} is empty; say it in words")]
    Empty { what: &'static str },
    /// Exit code 2.
    #[error("a {what} has {found} bytes; at most {MOST_WORDS} are kept")]
    TooLong { what: &'static str, found: usize },
    /// Exit code 2.
    #[error("nothing is signed under the report of run {run}{}", withdrawn_words(*.is_withdrawn))]
    NotSigned { run: String, is_withdrawn: bool },
    /// Exit code 75.
    #[error(
        "another process has just changed the signatures of run {run}: they are {state} now; look at them again, nothing \
         was done"
    )]
    Meanwhile { run: String, state: &'static str },
}

fn withdrawn_words(is_withdrawn: bool) -> &'static str {
    if is_withdrawn { " any more: it was withdrawn" } else { "; `tieout sign-offs` lists what is" }
}

impl SignError {
    /// The exit code of a process that ends by it.
    pub const fn exit_code(&self) -> ExitCode {
        match self {
            Self::Refused(_) | Self::Empty { .. } | Self::TooLong { .. } | Self::NotSigned { .. } => ExitCode::Usage,
            Self::Gone { .. } | Self::NoReport { .. } => ExitCode::InputData,
            Self::Meanwhile { .. } => ExitCode::TryAgainLater,
        }
    }
}

impl From<SignError> for Failure {
    fn from(error: SignError) -> Self {
        Self::new(error.exit_code(), error)
    }
}

/// What is known about the signatures under the report of a run.
#[derive(Debug, Clone)]
pub struct Signed {
    pub run: RunRecord,
    /// The last finished attempt of the period.
    pub last_finished: Option<String>,
    /// Of the report's files as they lie there; none where they are gone.
    pub digest_now: Option<String>,
    /// None where nobody has ever signed.
    pub standing: Option<Standing>,
}

impl Signed {
    /// What is known now.
    ///
    /// # Errors
    /// When the run is unknown, or its report or the journal cannot be read.
    pub async fn read(journal: &Journal, kept: &Artifacts, run: &str) -> Result<Self, Failure> {
        let run = journal.run(run).await?;
        let last_finished = journal.last_finished(&run.job, &run.period).await?.map(|last| last.id);
        let standing = journal.sign_off(&run.id).await?;
        let digest_now = if run.status.is_finished() { report_digest(kept, &run.id).await? } else { None };
        Ok(Self { run, last_finished, digest_now, standing })
    }

    /// What became of the report since it was signed; none where nobody has ever signed.
    pub fn validity(&self) -> Option<Validity> {
        let standing = self.standing.as_ref()?;
        Some(validity(standing, self.last_finished.as_deref(), self.digest_now.as_deref()))
    }

    /// Who has started the run, where that was kept.
    pub fn started_by(&self) -> Option<&str> {
        self.run.started_by.as_deref().filter(|name| *name != UNKNOWN)
    }

    /// Whether a person may sign.
    ///
    /// # Errors
    /// [`Refused`], and [`SignError::Gone`] where there is no report.
    pub fn check(&self, role: Role, by: &str, digest: &str, rules: Option<&Effects>) -> Result<(), SignError> {
        let run = self.run.id.as_str();
        let is_finished = self.run.status.is_finished();
        if is_finished && self.digest_now.is_none() {
            return Err(SignError::Gone { run: run.to_owned() });
        }
        let known = Known {
            is_finished,
            ties_out: self.run.ties_out == Some(true),
            last_finished: self.last_finished.as_deref(),
            digest_now: self.digest_now.as_deref().unwrap_or_default(),
            started_by: self.started_by(),
            is_distinct: rules.is_some_and(is_distinct),
            standing: self.standing.as_ref(),
        };
        Ok(check(&Asked { run, role, by, digest }, &known)?)
    }

    /// The role that is meant where none is named: what waits for its review is reviewed, all else is prepared.
    pub fn next_role(&self) -> Role {
        match self.standing.as_ref().map(|standing| standing.state) {
            Some(SignOffState::Prepared) => Role::Reviewer,
            _ => Role::Preparer,
        }
    }
}

/// What a person puts a name under.
#[derive(Debug, Clone, Copy)]
pub struct Signing<'a> {
    pub role: Role,
    pub by: &'a str,
    /// Of the report that the person was shown.
    pub digest: &'a str,
    pub statement: &'a str,
}

/// Signs the report of a run. `rules` are those of its job.
///
/// # Errors
/// When the person may not, the report is another one by now, or somebody else was quicker.
pub async fn sign(
    journal: &Journal,
    signed: &Signed,
    signing: Signing<'_>,
    rules: Option<&Effects>,
) -> Result<Standing, Failure> {
    let statement = words("statement", signing.statement)?;
    signed.check(signing.role, signing.by, signing.digest, rules)?;
    let (run, digest, by) = (signed.run.id.clone(), signing.digest.to_owned(), signing.by.to_owned());
    let event = match signing.role {
        Role::Preparer => Event::Prepared { run, digest, by, statement },
        Role::Reviewer => Event::SignedOff { run, digest, by, statement },
    };
    write(journal, NewSignOff { run: signed.run.id.clone(), must_be_last: true, event }).await
}

/// Takes all signatures under the report of a run back.
///
/// # Errors
/// When nothing is signed, or no reason is given.
pub async fn withdraw(journal: &Journal, run: &str, by: &str, reason: &str) -> Result<Standing, Failure> {
    let reason = words("reason", reason)?;
    let run = journal.run(run).await?.id;
    let state = journal.sign_off(&run).await?.map(|standing| standing.state);
    if let None | Some(SignOffState::Withdrawn) = state {
        return Err(SignError::NotSigned { run, is_withdrawn: state.is_some() }.into());
    }
    let event = Event::Withdrawn { by: by.to_owned(), reason };
    write(journal, NewSignOff { run, must_be_last: false, event }).await
}

async fn write(journal: &Journal, new: NewSignOff) -> Result<Standing, Failure> {
    match journal.sign(&new).await {
        // What was allowed when it was read is no longer: somebody else was quicker.
        Err(JournalError::IllegalSignOff(IllegalSignOffStep { run, state, .. })) => {
            let state = state.map_or("gone", SignOffState::name);
            Err(SignError::Meanwhile { run, state }.into())
        }
        written => Ok(written?),
    }
}

fn words(what: &'static str, text: &str) -> Result<String, SignError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(SignError::Empty { what });
    }
    if text.len() > MOST_WORDS {
        return Err(SignError::TooLong { what, found: text.len() });
    }
    Ok(text.to_owned())
}

/// Whether the job wants four eyes for anything that it asks of the provider.
fn is_distinct(rules: &Effects) -> bool {
    let audit = rules.provider_audit.as_ref().is_some_and(|rule| rule.caution.distinct);
    audit || rules.fraud_marker.as_ref().is_some_and(|rule| rule.caution.distinct)
}

/// The digest of a run's report as it lies there; none where it is gone.
async fn report_digest(kept: &Artifacts, run: &str) -> Result<Option<String>, Failure> {
    let folder = kept.bring(run).await?;
    // A report may be large: other requests go on meanwhile.
    let digest = tokio::task::spawn_blocking(move || digest_of_folder(&folder));
    let digest = digest.await.map_err(|panic| Failure::new(ExitCode::Unexpected, panic))?;
    Ok(digest.map_err(|source| SignError::NoReport { run: run.to_owned(), source })?)
}
