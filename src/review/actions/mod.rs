//! What people decide on the pages, by the same functions as the command line; signing in and out.
//!
//! Everything here stands behind the guard: who asks is known, and the form is theirs. Whether they may is asked here,
//! whatever the page has shown.

mod breaks;
mod effects;
mod session;
mod sign_off;

use axum::Router;
use axum::http::header::{HOST, REFERER};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use super::access::{Act, Person, Visitor};
use super::desk::Desk;
use super::done::Done;
use super::form::Form;
use super::frame::Refusal;
use super::guard::{SIGN_IN, see_other};
use super::origin::own_path;
use super::refused::Refused;
use crate::exit::Failure;
use crate::journal::JournalError;

/// What is posted.
pub fn routes() -> Router<Desk> {
    Router::new()
        .route("/runs/{job}/{period}/{attempt}/sign-off", post(sign_off::post))
        .route("/runs/{job}/{period}/{attempt}/sign-off/withdraw", post(sign_off::post_withdraw))
        .route(SIGN_IN, get(session::door).post(session::sign_in))
        .route("/sign-out", post(session::sign_out))
        .route("/breaks/{id}/{deed}", post(breaks::decide))
        .route("/effects/{id}/{deed}", post(effects::decide))
        .route("/runs/{job}/{period}/{attempt}/effects/{verdict}", post(effects::judge))
}

/// Whoever posts, where they may.
fn allowed(visitor: &Visitor, act: Act) -> Result<&Person, Refused> {
    match &visitor.person {
        Some(person) if visitor.may(act) => Ok(person),
        _ => {
            let words = format!("This takes the role {}. Nothing was done.", act.asks_for().name());
            Err(Refused::new(StatusCode::FORBIDDEN, words))
        }
    }
}

/// Back to the page that the form stands on, or else to `page`, with what was done.
fn back(headers: &HeaderMap, page: &str, done: Done) -> Response {
    let from = came_from(headers);
    let at = own_path(from.as_deref().unwrap_or(page));
    let Ok(mut url) = reqwest::Url::parse("http://page").and_then(|base| base.join(at)) else { return see_other(page) };
    let query: Vec<(String, String)> = url.query_pairs().into_owned().filter(|(key, _)| key != "done").collect();
    url.query_pairs_mut().clear().extend_pairs(query).append_pair("done", done.name());
    see_other(&format!("{}?{}", url.path(), url.query().unwrap_or_default()))
}

/// The path of the page that the form stands on, where that is one of ours.
fn came_from(headers: &HeaderMap) -> Option<String> {
    let page: Uri = headers.get(REFERER)?.to_str().ok()?.parse().ok()?;
    let host = headers.get(HOST)?.to_str().ok()?;
    let own = page.authority()?.as_str().eq_ignore_ascii_case(host);
    own.then(|| page.path_and_query().map(|path| own_path(path.as_str()).to_owned()))?
}

/// To the page that a decision leads to; or why it was not taken, with a way back: where it came from, else `start`.
fn answer(
    decided: Result<String, Against>,
    done: Done,
    (visitor, form, headers): (&Visitor, &Form, &HeaderMap),
    start: &str,
) -> Response {
    match decided {
        Ok(page) => back(headers, &page, done),
        Err(against) => against.page(visitor, form, came_from(headers).as_deref().unwrap_or(start)),
    }
}

/// What stands against a decision: told in words, or the server's own trouble.
enum Against {
    Words(Refused),
    Failed(Failure),
}

impl From<Refused> for Against {
    fn from(refused: Refused) -> Self {
        Self::Words(refused)
    }
}

impl From<JournalError> for Against {
    fn from(error: JournalError) -> Self {
        let found = |words: &str| Self::Words(Refused::new(StatusCode::NOT_FOUND, words));
        match error {
            JournalError::UnknownBreak { .. } | JournalError::AmbiguousBreak { .. } => found("There is no such break."),
            JournalError::UnknownEffect { .. } | JournalError::AmbiguousEffect { .. } => {
                found("There is no such effect. Nothing was decided.")
            }
            JournalError::UnknownRun { .. } => found("There is no such run. Nothing was decided."),
            other => Self::Failed(other.into()),
        }
    }
}

impl Against {
    /// A field that cannot be taken, in words.
    fn bad(words: String) -> Self {
        Self::Words(Refused::new(StatusCode::BAD_REQUEST, words))
    }

    fn page(self, visitor: &Visitor, form: &Form, back: &str) -> Response {
        match self {
            Self::Words(refused) => refused.back(back).page(visitor, form),
            Self::Failed(failure) => Refusal::Failed(failure).into_response(),
        }
    }
}
