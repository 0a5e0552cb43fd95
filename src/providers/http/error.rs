//! What went wrong with a call, told without any secret.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::retry::Outcome;
use crate::exit::ExitCode;

/// A call that failed for good.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error("cannot set up the HTTP client")]
    SetUp { source: reqwest::Error },
    #[error("{call} failed after {}", attempts_in_words(*.attempts))]
    Failed {
        /// `GET https://host/path`
        call: String,
        attempts: u32,
        #[source]
        failure: Failure,
    },
    #[error("{call}: the provider takes no more calls before {} UTC, which is longer than a run waits", .until.format("%Y-%m-%d %H:%M:%S"))]
    LimitReached { call: String, until: DateTime<Utc> },
}

/// One attempt that failed.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    outcome: Outcome,
    /// A lowercase fragment, already redacted.
    message: String,
    /// The reply's body as far as it was read, redacted; empty without one.
    body: String,
    /// Boxed: most failures have none, and results carry this type around.
    #[source]
    source: Option<Box<reqwest::Error>>,
}

impl Failure {
    /// A failure below HTTP. The address is dropped: its query may be signed.
    pub fn transport(error: reqwest::Error) -> Self {
        let (outcome, message) = if error.is_builder() {
            (Outcome::Invalid, "the request cannot be made")
        } else if error.is_connect() {
            (Outcome::NotConnected, "no connection; check the address, the network and any proxy")
        } else if error.is_timeout() {
            (Outcome::TimedOut, "no answer in time")
        } else {
            (Outcome::Broken, "the connection broke before the reply was complete")
        };
        let source = Some(Box::new(error.without_url()));
        Self { outcome, message: message.to_owned(), body: String::new(), source }
    }

    /// A complete reply that is no success. `body` must be redacted.
    pub fn status(code: u16, retry_after: Option<Duration>, body: String) -> Self {
        let told = super::displayable(body.trim(), 300);
        let message = match code {
            300..=399 => format!("status {code}: redirects are not followed; write the final address in tieout.yaml"),
            _ if told.is_empty() => format!("status {code}"),
            _ => format!("status {code}: {told}"),
        };
        Self { outcome: Outcome::Status { code, retry_after }, message, body, source: None }
    }

    /// A success whose content breaks the published shape. `reason` must be free of secrets.
    pub fn unreadable(reason: impl Into<String>) -> Self {
        Self { outcome: Outcome::Unreadable, message: reason.into(), body: String::new(), source: None }
    }

    pub fn web_page() -> Self {
        let message = "status 200 with a web page instead of data; a proxy or a maintenance page may answer".to_owned();
        Self { outcome: Outcome::WebPage, message, body: String::new(), source: None }
    }

    /// Nothing moved in either direction for so long.
    pub fn idle(limit: Duration) -> Self {
        let message = format!("nothing moved for {} s", limit.as_secs_f64());
        Self { outcome: Outcome::TimedOut, message, body: String::new(), source: None }
    }

    /// Fewer or more bytes than `Content-Length` announced.
    pub fn length(announced: u64, received: u64) -> Self {
        let message = format!("{announced} bytes were announced and {received} came");
        Self { outcome: Outcome::Broken, message, body: String::new(), source: None }
    }

    /// The message and all its causes. Not redacted: the causes are the library's words.
    pub(super) fn with_causes(&self) -> String {
        let mut text = self.message.clone();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }

    /// A refusal that the next attempt need not meet, told in the provider's words.
    pub fn passing(reason: impl Into<String>) -> Self {
        Self { outcome: Outcome::Broken, message: reason.into(), body: String::new(), source: None }
    }

    /// Replaces the message, for a provider that says what its statuses mean.
    #[must_use]
    pub fn told_as(mut self, message: String) -> Self {
        self.message = message;
        self
    }

    pub const fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// The start of the reply's body, redacted.
    pub fn body(&self) -> &str {
        &self.body
    }

    pub const fn code(&self) -> Option<u16> {
        match self.outcome {
            Outcome::Status { code, .. } => Some(code),
            _ => None,
        }
    }
}

impl HttpError {
    /// The status that ended the call, if one did.
    pub const fn code(&self) -> Option<u16> {
        match self {
            Self::Failed { failure, .. } => failure.code(),
            Self::SetUp { .. } | Self::LimitReached { .. } => None,
        }
    }

    /// Why something could not be read; none where it was no read that failed, but the call for a token before it.
    pub fn of_read(&self) -> Option<&Failure> {
        match self {
            Self::Failed { call, failure, .. } if call.starts_with("GET ") => Some(failure),
            _ => None,
        }
    }

    /// How the process ends where nothing more is known about the call.
    pub const fn exit_code(&self) -> ExitCode {
        let failure = match self {
            Self::Failed { failure, .. } => failure,
            Self::SetUp { .. } => return ExitCode::Unexpected,
            Self::LimitReached { .. } => return ExitCode::TryAgainLater,
        };
        match failure.outcome() {
            Outcome::NotConnected
            | Outcome::TimedOut
            | Outcome::Broken
            | Outcome::WebPage
            | Outcome::Status { code: 408 | 425 | 429 | 500..=599, .. } => ExitCode::ProviderUnavailable,
            Outcome::Unreadable => ExitCode::InputData,
            Outcome::Status { code: 401 | 403, .. } => ExitCode::CredentialsRefused,
            // A wrong address or organization: another 4xx, or a redirect that is not followed.
            Outcome::Invalid | Outcome::Status { .. } => ExitCode::Configuration,
        }
    }
}

fn attempts_in_words(attempts: u32) -> String {
    if attempts == 1 { "1 attempt".to_owned() } else { format!("{attempts} attempts") }
}
