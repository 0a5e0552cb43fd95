//! What can go wrong with Kard, told without secrets, and how each ends the process.

use crate::config::secret::SecretError;
use crate::exit::{self, ExitCode};
use crate::providers::http::{Failure, FileError, HttpError, Outcome, Redactor};

use super::reply;
use super::request::{AddressError, PathError};
use super::request_transactions::StorageAddressError;

/// Which part of Kard was spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    Token,
    Files,
    Download,
    /// Audits, fraud markers, transactions.
    Effects,
    Subscriptions,
    /// The storage behind an upload URL.
    Storage,
}

impl Endpoint {
    const fn words(self) -> &'static str {
        match self {
            Self::Token => "asking Kard for a token",
            Self::Files => "listing Kard's files",
            Self::Download => "downloading a file of Kard",
            Self::Effects => "sending to Kard",
            Self::Subscriptions => "asking Kard for subscriptions",
            Self::Storage => "putting a file into Kard's storage",
        }
    }
}

/// A conversation with Kard that failed.
#[derive(Debug, thiserror::Error)]
pub enum KardError {
    #[error("{field} cannot be read")]
    Secret { field: &'static str, source: SecretError },
    #[error("{field}: {text}")]
    Address { field: &'static str, text: String, source: AddressError },
    #[error("{}", .endpoint.words())]
    Http { endpoint: Endpoint, source: HttpError },
    #[error("nothing can be sent to {path}")]
    Path { path: String, source: PathError },
    #[error("listing Kard's files: page {page} has the cursor of an earlier page; the list would never end")]
    RepeatedCursor { page: usize },
    #[error("listing Kard's files: more than {pages} pages; ask for fewer days or one file type")]
    TooManyPages { pages: usize },
    #[error("file {id} ({name}) is no longer in Kard's list, though its URL has expired")]
    Vanished { id: String, name: String },
    #[error("file {id} ({name}): its downloadUrl cannot be used: {reason}")]
    DownloadUrl { id: String, name: String, reason: &'static str },
    #[error("file {id} ({name}): cannot store it")]
    Store { id: String, name: String, source: std::io::Error },
    #[error("the upload URL cannot be used")]
    UploadUrl { source: StorageAddressError },
    #[error("{path} cannot be sent")]
    File { path: String, source: FileError },
}

impl KardError {
    /// How the process ends.
    pub const fn exit_code(&self) -> ExitCode {
        match self {
            Self::Secret { .. } | Self::Address { .. } => ExitCode::Configuration,
            Self::Http { endpoint, source } => http_exit_code(*endpoint, source),
            Self::RepeatedCursor { .. }
            | Self::TooManyPages { .. }
            | Self::DownloadUrl { .. }
            | Self::UploadUrl { .. }
            | Self::Path { .. } => ExitCode::InputData,
            Self::Vanished { .. } => ExitCode::ProviderUnavailable,
            Self::Store { .. } | Self::File { .. } => ExitCode::Unexpected,
        }
    }
}

impl From<KardError> for exit::Failure {
    fn from(error: KardError) -> Self {
        Self::new(error.exit_code(), error)
    }
}

const fn http_exit_code(endpoint: Endpoint, error: &HttpError) -> ExitCode {
    let HttpError::Failed { failure, .. } = error else { return error.exit_code() };
    match (endpoint, failure.outcome()) {
        // "404: Not found (client not found)"
        (Endpoint::Token, Outcome::Status { code: 404, .. }) => ExitCode::CredentialsRefused,
        // Kard signed this URL a moment ago: nothing here can be put right on our side.
        (Endpoint::Download, Outcome::Status { .. }) => ExitCode::ProviderUnavailable,
        _ => error.exit_code(),
    }
}

/// Tells a refusal in the words of Kard's error shape, where the body has it.
///
/// The body was redacted as it came; a secret that was escaped in the JSON shows only now.
pub(super) fn in_kards_words(failure: Failure, redactor: &Redactor) -> Failure {
    let told = failure.code().zip(reply::errors_in_words(failure.body()));
    match told {
        Some((code, words)) => failure.told_as(format!("status {code}: {}", redactor.redact(&words))),
        None => failure,
    }
}
