//! What can go wrong with a provider that answers datasets, told without secrets, and how each ends the process.

use super::http::HttpError;
use crate::config::secret::{Secret, SecretError};
use crate::exit::{ExitCode, Failure};

use reqwest::Url;
use secrecy::SecretString;
use serde_json::error::Category;

/// A conversation that failed.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// Exit code 78.
    #[error("{key} cannot be read")]
    Secret { key: &'static str, source: SecretError },
    /// Exit code 78.
    #[error("{key} is no address: {reason}")]
    Address { key: &'static str, reason: String },
    #[error("{doing}")]
    Http {
        /// `asking for card 17`
        doing: String,
        source: Box<HttpError>,
    },
    /// The reply is not what the document says. Exit code 65.
    #[error("{doing}: {reason}")]
    Shape {
        doing: String,
        /// A lowercase fragment, free of secrets.
        reason: String,
    },
    /// The provider has said no, for good; `code` says what that means.
    #[error("{doing}: {reason}")]
    Refused { doing: String, reason: String, code: ExitCode },
    /// Pages that never end. Exit code 65.
    #[error("{doing}: page {page} is one that was read before; the list would never end")]
    Endless { doing: String, page: usize },
    #[error("cannot store the rows of {dataset}")]
    Store { dataset: String, source: std::io::Error },
}

impl ProviderError {
    /// How the process ends.
    pub const fn exit_code(&self) -> ExitCode {
        match self {
            Self::Secret { .. } | Self::Address { .. } => ExitCode::Configuration,
            Self::Http { source, .. } => source.exit_code(),
            Self::Shape { .. } | Self::Endless { .. } => ExitCode::InputData,
            Self::Refused { code, .. } => *code,
            Self::Store { .. } => ExitCode::Unexpected,
        }
    }

    /// A call that failed while `doing` something.
    pub fn http(doing: impl Into<String>, source: HttpError) -> Self {
        Self::Http { doing: doing.into(), source: Box::new(source) }
    }

    /// A reply that is not what the document says.
    pub fn shape(doing: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Shape { doing: doing.into(), reason: reason.into() }
    }

    /// A dataset that the provider does not have: the job was checked against another project file.
    pub fn no_dataset(name: &str) -> Self {
        let (doing, reason) = (format!("asking for {name}"), "the provider has no such dataset".to_owned());
        Self::Refused { doing, reason, code: ExitCode::Configuration }
    }

    /// A reply that cannot be read as JSON of the published shape.
    pub fn json(doing: impl Into<String>, error: &serde_json::Error) -> Self {
        Self::shape(doing, unreadable(error))
    }
}

impl From<ProviderError> for Failure {
    fn from(error: ProviderError) -> Self {
        Self::new(error.exit_code(), error)
    }
}

/// Why a reply is no JSON of the published shape. Nothing of it is quoted: a secret could stand there.
pub fn unreadable(error: &serde_json::Error) -> String {
    let place = format!("line {}, column {}", error.line(), error.column());
    let what = match error.classify() {
        Category::Eof => format!("it ends early, at {place}"),
        Category::Data => format!("a required field is missing or of another type at {place}"),
        Category::Syntax | Category::Io => format!("bad syntax at {place}"),
    };
    format!("the reply is not the published JSON: {what}")
}

/// Reads a secret that stands under `key`.
///
/// # Errors
/// When it is not where the project file says.
pub fn read_secret(key: &'static str, secret: &Secret) -> Result<SecretString, ProviderError> {
    secret.read().map_err(|source| ProviderError::Secret { key, source })
}

/// `base` with `segments` after its path, each percent-encoded, so that an id never becomes more than one segment.
///
/// # Errors
/// When `base` is no address, or a segment is one that an address takes for a step (`.`, `..`, nothing).
pub fn below(key: &'static str, base: &str, segments: &[&str]) -> Result<Url, ProviderError> {
    let wrong = |reason: String| ProviderError::Address { key, reason };
    let mut url = Url::parse(base).map_err(|error| wrong(error.to_string()))?;
    for segment in segments {
        if matches!(*segment, "" | "." | "..") {
            return Err(wrong(format!("`{segment}` cannot stand in a path")));
        }
    }
    url.path_segments_mut().map_err(|()| wrong("it has no path".to_owned()))?.pop_if_empty().extend(segments);
    Ok(url)
}

/// Whether nothing but this machine is spoken to: then no proxy is used.
pub fn is_loopback(address: &str) -> bool {
    let host = Url::parse(address).ok().and_then(|url| url.host_str().map(str::to_owned));
    matches!(host.as_deref(), Some("localhost" | "127.0.0.1" | "[::1]"))
}
