//! What is answered: an envelope around an object or an error, or one of the plain errors. Pure.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::envelope::{Envelope, OpenError};
use super::slugs::{PlainError, Slug};
use crate::providers::http::{Redactor, displayable};

/// Words of others are kept up to this many characters.
const TOLD: usize = 300;

/// What a complete reply says.
#[derive(Debug)]
pub enum Said {
    /// A success: the object in the envelope, as it was sent.
    Object(Box<RawValue>),
    /// An error in the envelope.
    Error {
        slug: Slug,
        /// The provider's words, fit to be shown.
        words: String,
    },
    /// A plain error of authentication or encryption.
    Plain(PlainError),
    /// Another status than 2xx, with a body that is neither of these: a proxy may speak.
    Strange,
}

/// A reply that breaks the document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    #[error("status {status} with a web page; a proxy or a maintenance page may answer")]
    WebPage { status: u16 },
    #[error("the reply cannot be opened: {0}")]
    Envelope(#[from] OpenError),
    #[error("the reply was opened, and {0}")]
    Shape(&'static str),
}

#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    success: Option<bool>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    error_slug: Option<String>,
}

/// Reads a reply of any status. Only what comes out of an envelope is believed to be a success or an error with a slug.
///
/// # Errors
/// When the reply is not what the document says. What it holds is not repeated.
pub fn read(
    status: u16,
    body: &[u8],
    web_page: bool,
    envelope: &Envelope,
    redactor: &Redactor,
) -> Result<Said, ReplyError> {
    let good = (200..=299).contains(&status);
    if web_page {
        return if good { Err(ReplyError::WebPage { status }) } else { Ok(Said::Strange) };
    }
    if let Some(plain) = PlainError::of(status, body) {
        return Ok(Said::Plain(plain));
    }
    match envelope.open_body(body) {
        Ok(text) => opened(good, &text, redactor),
        Err(OpenError::NoEnvelope) if !good => Ok(Said::Strange),
        Err(error) => Err(error.into()),
    }
}

fn opened(good: bool, text: &[u8], redactor: &Redactor) -> Result<Said, ReplyError> {
    let row: Box<RawValue> = serde_json::from_slice(text).map_err(|_| ReplyError::Shape("what it holds is no JSON"))?;
    if !row.get().starts_with('{') {
        return Err(ReplyError::Shape("what it holds is no JSON object"));
    }
    let head: Head = serde_json::from_str(row.get())
        .map_err(|_| ReplyError::Shape("its `success`, `error` or `error_slug` is not what the document says"))?;
    match (good, head.error_slug, head.success) {
        (_, Some(slug), Some(false)) => {
            let words = displayable(&redactor.redact(&head.error.unwrap_or_default()), TOLD);
            Ok(Said::Error { slug: Slug::of(&displayable(&slug, 60)), words })
        }
        (true, None, None | Some(true)) => Ok(Said::Object(row)),
        (true, ..) => Err(ReplyError::Shape("it says both that it succeeded and that it failed")),
        (false, ..) => Err(ReplyError::Shape("it has no `success: false` with an `error_slug`, which errors have")),
    }
}
