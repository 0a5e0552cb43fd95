//! The life of the signatures of one attempt, and the one function that says what may follow what.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::text::is_same_person;

/// What can happen. What the journal holds is a list of these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A person says that the report is ready for review.
    Prepared {
        /// The attempt, as `JOB/PERIOD/ATTEMPT`.
        run: String,
        /// Of the report that the person was shown.
        digest: String,
        by: String,
        statement: String,
    },
    /// Another person has reviewed it.
    SignedOff { run: String, digest: String, by: String, statement: String },
    /// All signatures of the attempt are void.
    Withdrawn { by: String, reason: String },
}

impl Event {
    /// The name in the journal and in messages.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Prepared { .. } => "prepared",
            Self::SignedOff { .. } => "signed_off",
            Self::Withdrawn { .. } => "withdrawn",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignOffState {
    /// It waits for its review.
    Prepared,
    SignedOff,
    Withdrawn,
}

impl SignOffState {
    /// The name in files, in the journal and in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Prepared => "prepared",
            Self::SignedOff => "signed_off",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// One name under a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    pub by: String,
    /// UTC.
    pub at: DateTime<Utc>,
    pub statement: String,
}

/// How signatures were taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawal {
    pub by: String,
    /// UTC.
    pub at: DateTime<Utc>,
    pub reason: String,
}

/// Where the signatures of an attempt stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The attempt, as `JOB/PERIOD/ATTEMPT`; it is the id as well.
    pub run: String,
    pub state: SignOffState,
    /// Of the report that was signed; of a withdrawn one it was.
    pub digest: String,
    /// None where nobody has prepared it. A withdrawn one keeps its names.
    pub prepared: Option<Signature>,
    pub signed_off: Option<Signature>,
    pub withdrawn: Option<Withdrawal>,
}

impl Standing {
    /// Its job and period.
    pub fn job_and_period(&self) -> (&str, &str) {
        parts(&self.run).map_or(("", ""), |(job, period, _)| (job, period))
    }

    /// When it came into its state, UTC.
    pub fn at(&self) -> Option<DateTime<Utc>> {
        match self.state {
            SignOffState::Prepared => self.prepared.as_ref().map(|signature| signature.at),
            SignOffState::SignedOff => self.signed_off.as_ref().map(|signature| signature.at),
            SignOffState::Withdrawn => self.withdrawn.as_ref().map(|withdrawal| withdrawal.at),
        }
    }
}

/// Job, period and attempt of a run's id.
pub fn parts(run: &str) -> Option<(&str, &str, u32)> {
    let (rest, attempt) = run.rsplit_once('/')?;
    let (job, period) = rest.rsplit_once('/')?;
    let attempt = attempt.parse().ok().filter(|attempt: &u32| *attempt > 0)?;
    (!job.is_empty() && !period.is_empty()).then_some((job, period, attempt))
}

/// An event that cannot follow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("sign-off of {run}: `{event}` cannot follow {}{why}", .state.map_or("nothing", SignOffState::name))]
pub struct IllegalSignOffStep {
    pub run: String,
    pub event: &'static str,
    pub state: Option<SignOffState>,
    /// What more is wrong, with `, ` before it; mostly nothing.
    pub why: &'static str,
}

/// Every legal step. What nobody has signed, or what was withdrawn, can be prepared, or signed off at once; what is
/// prepared can be signed off by another person who has seen the same bytes; what is signed can be withdrawn.
///
/// # Errors
/// [`IllegalSignOffStep`] for any other, and for an event of another attempt than `id`.
pub fn apply(
    before: Option<&Standing>,
    id: &str,
    event: &Event,
    at: DateTime<Utc>,
) -> Result<Standing, IllegalSignOffStep> {
    let state = before.map(|standing| standing.state);
    let illegal = |why| Err(IllegalSignOffStep { run: id.to_owned(), event: event.name(), state, why });
    if let Event::Prepared { run, digest, .. } | Event::SignedOff { run, digest, .. } = event {
        if run != id || parts(run).is_none() {
            return illegal(", it names another run");
        }
        if !is_digest(digest) {
            return illegal(", its digest is none");
        }
    }
    let signature =
        |by: &String, statement: &String| Some(Signature { by: by.clone(), at, statement: statement.clone() });
    let fresh = |state, digest: &String| Standing {
        run: id.to_owned(),
        state,
        digest: digest.clone(),
        prepared: None,
        signed_off: None,
        withdrawn: None,
    };
    match (before, state, event) {
        (_, None | Some(SignOffState::Withdrawn), Event::Prepared { digest, by, statement, .. }) => {
            Ok(Standing { prepared: signature(by, statement), ..fresh(SignOffState::Prepared, digest) })
        }
        (_, None | Some(SignOffState::Withdrawn), Event::SignedOff { digest, by, statement, .. }) => {
            Ok(Standing { signed_off: signature(by, statement), ..fresh(SignOffState::SignedOff, digest) })
        }
        (Some(standing), Some(SignOffState::Prepared), Event::SignedOff { digest, by, statement, .. }) => {
            if *digest != standing.digest {
                return illegal(" of another report");
            }
            if standing.prepared.as_ref().is_some_and(|prepared| is_same_person(&prepared.by, by)) {
                return illegal(" by the same person");
            }
            let signed_off = signature(by, statement);
            Ok(Standing { state: SignOffState::SignedOff, signed_off, ..standing.clone() })
        }
        (Some(standing), Some(SignOffState::Prepared | SignOffState::SignedOff), Event::Withdrawn { by, reason }) => {
            let withdrawn = Some(Withdrawal { by: by.clone(), at, reason: reason.clone() });
            Ok(Standing { state: SignOffState::Withdrawn, withdrawn, ..standing.clone() })
        }
        _ => illegal(""),
    }
}

/// Whether this is a SHA-256 as we write it.
pub fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit))
}
