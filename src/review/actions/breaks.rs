//! What is decided about a break.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;

use super::{Against, allowed, answer};
use crate::breaks::life::Event;
use crate::decisions::breaks::{self, BreakDecisionError};
use crate::exit::Failure;
use crate::journal::JournalError;
use crate::project::review::MOST_NAME_CHARS;
use crate::review::access::{Act, Visitor};
use crate::review::desk::Desk;
use crate::review::done::Done;
use crate::review::form::Form;
use crate::review::refused::Refused;

/// The last part of the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Deed {
    Comment,
    Assign,
    Confirm,
    WriteOff,
    ForceMatch,
    Accept,
    Reopen,
}

impl Deed {
    const fn act(self) -> Act {
        match self {
            Self::Comment => Act::Comment,
            Self::Assign => Act::Assign,
            Self::Confirm => Act::Confirm,
            Self::WriteOff => Act::WriteOff,
            Self::ForceMatch => Act::ForceMatch,
            Self::Accept => Act::AcceptSuggestion,
            Self::Reopen => Act::Reopen,
        }
    }

    const fn done(self) -> Done {
        match self {
            Self::Comment => Done::Commented,
            Self::Assign => Done::Assigned,
            Self::Confirm => Done::Confirmed,
            Self::WriteOff => Done::WrittenOff,
            Self::ForceMatch => Done::ForceMatched,
            Self::Accept => Done::Accepted,
            Self::Reopen => Done::Reopened,
        }
    }

    /// What the journal keeps of it. The error is in words.
    fn event(self, form: &Form, by: String) -> Result<Event, String> {
        Ok(match self {
            Self::Comment => Event::Commented { text: form.text("text")?, by },
            Self::Assign => {
                let to = form.text("to")?;
                if to.chars().count() > MOST_NAME_CHARS {
                    return Err(format!("A name has {MOST_NAME_CHARS} characters at most. Nothing was done."));
                }
                Event::Assigned { to, by, reason: form.text_if_any("reason")? }
            }
            Self::Confirm => Event::Confirmed { by, reason: form.text_if_any("reason")? },
            Self::WriteOff => Event::WrittenOff { by, reason: form.text("reason")? },
            Self::ForceMatch => {
                Event::ForceMatched { with: form.text_if_any("with")?, by, reason: form.text("reason")? }
            }
            Self::Accept => Event::SuggestionAccepted { by, reason: form.text("reason")? },
            Self::Reopen => Event::ReopenedByPerson { by, reason: form.text("reason")? },
        })
    }
}

/// Takes the decision that the address names.
pub(super) async fn decide(
    State(desk): State<Desk>,
    Extension(visitor): Extension<Visitor>,
    Extension(form): Extension<Form>,
    Path((id, deed)): Path<(String, Deed)>,
    headers: HeaderMap,
) -> Response {
    let decided = decided(&desk, &visitor, &form, &id, deed).await;
    answer(decided, deed.done(), (&visitor, &form, &headers), "/")
}

/// The page to lead to.
async fn decided(desk: &Desk, visitor: &Visitor, form: &Form, id: &str, deed: Deed) -> Result<String, Against> {
    let person = allowed(visitor, deed.act())?;
    let standing = desk.journal().life(id).await?;
    let event = deed.event(form, person.name.clone()).map_err(Against::bad)?;
    breaks::decide(desk.journal(), std::slice::from_ref(&standing.id), &event).await.map_err(against)?;
    tracing::info!("{} has {} break {}", person.name, breaks::rule(&event).decided, standing.id);
    Ok(format!("/breaks/{}", standing.id))
}

fn against(failure: Failure) -> Against {
    let conflict = |words: String| Against::Words(Refused::new(StatusCode::CONFLICT, words));
    if let Some(error) = failure.source.downcast_ref::<BreakDecisionError>() {
        return conflict(match error {
            BreakDecisionError::WrongStatus { status, allowed, decided, .. } => {
                format!("This break is {} now, and only {allowed} can be {decided}. Nothing was done.", status.words())
            }
            BreakDecisionError::Suggestion { .. } => "This is a suggestion that two keys belong together. It can be \
                                                      accepted, or left as it is. Nothing was done."
                .to_owned(),
            BreakDecisionError::Meanwhile { status, .. } => {
                format!("Somebody else was quicker: this break is {status} now. Nothing was done; look at it again.")
            }
        });
    }
    match failure.source.downcast::<JournalError>() {
        Ok(error) => error.into(),
        Err(source) => Against::Failed(Failure { code: failure.code, source }),
    }
}
