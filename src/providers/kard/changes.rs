//! The conversation about subscriptions: read as often as it takes, changed by calls that are sent once.

use super::client::{Client, SHOWN_PATH};
use super::error::{Endpoint, KardError};
use super::reply::{ShapeError, errors_in_words};
use super::request::PathError;
use super::subscriptions::{self, Subscription};
use crate::providers::Method;
use crate::providers::http::{Answer, Redactor, displayable};

/// What came of a change that was sent once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Made(Subscription),
    /// Kard said no; nothing has changed.
    NotMade {
        /// It is the credentials that are refused.
        credentials: bool,
        why: String,
    },
    /// It did not go out, or Kard asks to come later: nothing has changed.
    NotSent {
        why: String,
    },
    /// It may have been made.
    Unknown {
        why: String,
    },
}

impl Client {
    /// Every subscription, by event, address and id.
    ///
    /// # Errors
    /// When Kard cannot be reached or refuses.
    pub async fn subscriptions(&self, organization: &str) -> Result<Vec<Subscription>, KardError> {
        let path = usable(subscriptions::subscriptions_path(organization), organization)?;
        self.get(Endpoint::Subscriptions, &path, subscriptions::list).await
    }

    /// Asks for notifications of one event at one address. Sent once.
    ///
    /// # Errors
    /// Only for what happens before anything is sent.
    pub async fn subscribe(
        &self,
        organization: &str,
        event: &str,
        url: &str,
        enabled: bool,
    ) -> Result<Change, KardError> {
        let path = usable(subscriptions::subscriptions_path(organization), organization)?;
        let body = subscriptions::create_body(event, url, enabled);
        let answer = self.send_once(Method::Post, &path, &body).await?;
        Ok(judge(&answer, 201, self.redactor(), |body| subscriptions::created(body, event)))
    }

    /// Turns one subscription on or off. Sent once.
    ///
    /// # Errors
    /// Only for what happens before anything is sent.
    pub async fn turn_subscription(&self, organization: &str, id: &str, enabled: bool) -> Result<Change, KardError> {
        let path = usable(subscriptions::subscription_path(organization, id), id)?;
        let answer = self.send_once(Method::Patch, &path, &subscriptions::update_body(enabled)).await?;
        Ok(judge(&answer, 200, self.redactor(), |body| subscriptions::updated(body, id)))
    }
}

fn usable(path: Option<String>, id: &str) -> Result<String, KardError> {
    path.ok_or_else(|| KardError::Path { path: displayable(id, SHOWN_PATH), source: PathError::Changed })
}

/// What an answer means; `good` is the published status of a success.
pub fn judge(
    answer: &Answer,
    good: u16,
    redactor: &Redactor,
    read: impl FnOnce(&[u8]) -> Result<Subscription, ShapeError>,
) -> Change {
    let (status, body, web_page) = match answer {
        Answer::NotSent { why } => return Change::NotSent { why: why.clone() },
        Answer::Lost { why } => return Change::Unknown { why: why.clone() },
        Answer::Reply { status, body, web_page, .. } => (*status, body, *web_page),
    };
    let words = errors_in_words(&String::from_utf8_lossy(body)).map(|words| redactor.redact(&words));
    let why = match (words, web_page) {
        (_, true) => format!("status {status} with a web page; a proxy or a maintenance page may answer"),
        (Some(words), false) => format!("status {status}: {words}"),
        (None, false) => format!("status {status}"),
    };
    match status {
        _ if status == good && !web_page => match read(body) {
            Ok(subscription) => Change::Made(subscription),
            Err(error) => Change::Unknown { why: format!("status {status}, but {error}") },
        },
        429 => Change::NotSent { why },
        408 | 425 | 200..=299 | 500..=599 => Change::Unknown { why },
        401 | 403 => Change::NotMade { credentials: true, why },
        _ => Change::NotMade { credentials: false, why },
    }
}
