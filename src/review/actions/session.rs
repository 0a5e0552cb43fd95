//! Signing in and out.

use axum::Extension;
use axum::extract::connect_info::ConnectInfo;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::{RETRY_AFTER, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;

use crate::frames::mask::without_cards;
use crate::journal::NewSession;
use crate::review::access::Visitor;
use crate::review::desk::Desk;
use crate::review::form::Form;
use crate::review::frame::{Page, Refusal, Section, page};
use crate::review::gate::Answer;
use crate::review::guard::{SIGN_IN, see_other};
use crate::review::origin::own_path;
use crate::review::passwords::MOST_BYTES;
use crate::review::peers;
use crate::review::port::Peer;
use crate::review::refused::Refused;
use crate::review::tokens::{Cookie, Token};
use crate::review::visitors::{Asking, By, guest};
use crate::text::{cut, visible};

/// Of a name that is nobody's, so much is kept.
const MOST_STRANGE_CHARS: usize = 64;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    next: Option<String>,
}

/// The page with the form.
pub(super) async fn door(
    State(desk): State<Desk>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Refusal> {
    let next = query.ok().and_then(|Query(asked)| asked.next).unwrap_or_default();
    let next = own_path(&next);
    if visitor.person.is_some() {
        return Ok(see_other(next));
    }
    if !desk.gate().has_users() {
        let words = if desk.gate().has_sign_in() {
            "Nobody signs in here: the proxy before these pages says who asks, and has named nobody."
        } else {
            "Nobody can sign in here: the pages are for looking."
        };
        return Ok(Refused::new(StatusCode::NOT_FOUND, words).page(&visitor, &Form::default()));
    }
    let https = desk.gate().is_https();
    let token = match Cookie::SignIn.read(&headers, https) {
        Some(token) => token,
        None => Token::random().map_err(anyhow::Error::new).map_err(unexpected)?,
    };
    let page = form_page(&visitor, &token, "", next, None);
    Ok((AppendHeaders([(SET_COOKIE, Cookie::SignIn.set(&token, https))]), page).into_response())
}

fn unexpected(error: anyhow::Error) -> Refusal {
    Refusal::Failed(crate::exit::Failure::new(crate::exit::ExitCode::Unexpected, error))
}

fn form_page(visitor: &Visitor, token: &Token, name: &str, next: &str, problem: Option<&str>) -> Response {
    let body: Markup = html! {
        @if let Some(problem) = problem { p #problem.banner.refused role="alert" { (problem) } }
        form.sign-in method="post" action=(SIGN_IN) {
            input type="hidden" name="token" value=(token.of_forms());
            input type="hidden" name="next" value=(next);
            p {
                label for="name" { "Name" } br;
                input #name name="name" value=(visible(name)) autocomplete="username" required maxlength="200"
                    aria-describedby=[problem.map(|_| "problem")];
            }
            p {
                label for="password" { "Password" } br;
                input #password name="password" type="password" autocomplete="current-password" required
                    maxlength=(MOST_BYTES) aria-describedby=[problem.map(|_| "problem")];
            }
            p { button.yes { "Sign in" } }
        }
    };
    // Another sign-in link beside the form would only confuse.
    let visitor = Visitor { sign_in: false, ..visitor.clone() };
    page(&visitor, Page { title: "Sign in".to_owned(), section: Section::None, crumbs: Vec::new(), body })
}

/// Somebody says who they are.
pub(super) async fn sign_in(
    State(desk): State<Desk>,
    Extension(asking): Extension<Asking>,
    Extension(form): Extension<Form>,
    peer: Option<Extension<ConnectInfo<Peer>>>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let https = desk.gate().is_https();
    let token = Cookie::SignIn.read(&headers, https).filter(|_| desk.gate().has_users());
    // Where nobody can sign in, that page says so.
    let Some(token) = token else { return Ok(see_other(SIGN_IN)) };
    let next = own_path(form.one("next").unwrap_or_default());
    let name = form.one("name").unwrap_or_default().trim();
    let password = form.one("password").unwrap_or_default();
    let again = |status: StatusCode, words: &str| {
        (status, form_page(&asking.visitor, &token, name, next, Some(words))).into_response()
    };
    if name.is_empty() || password.is_empty() || name.chars().count() > 200 || password.len() > MOST_BYTES {
        return Ok(again(StatusCode::BAD_REQUEST, "Give your name and your password."));
    }
    let peer = peer.map_or(std::net::IpAddr::from([0, 0, 0, 0]), |Extension(ConnectInfo(peer))| peer.address.ip());
    let from = guest(&desk, &headers, peer);
    match desk.gate().sign_in(name, password.to_owned().into(), peers::guest(from)).await {
        Answer::Welcome(person, mark) => {
            // Whoever was signed in before in this browser is so no longer.
            if let By::Session(earlier) = &asking.by {
                desk.journal().sign_out(&earlier.id()).await?;
            }
            let session = Token::random().map_err(anyhow::Error::new).map_err(unexpected)?;
            let (id, from) = (session.id(), from.to_string());
            let new = NewSession { id: &id, name: &person.name, credential: &mark, from: &from };
            desk.journal().sign_in(new).await?;
            let cookies = [Cookie::Session.set(&session, https), Cookie::SignIn.clear(https)];
            Ok((AppendHeaders(cookies.map(|cookie| (SET_COOKIE, cookie))), see_other(next)).into_response())
        }
        Answer::Refused => {
            if let Some(more) = desk.gate().entry() {
                desk.journal().sign_in_failed(&shown(name), &from.to_string(), more).await?;
            }
            Ok(again(StatusCode::FORBIDDEN, "Name and password do not fit together."))
        }
        Answer::Wait(wait) => {
            let seconds = wait.as_secs() + 1;
            let words = format!("There were too many tries. The next one is looked at in {seconds} s, not before.");
            let response = again(StatusCode::TOO_MANY_REQUESTS, &words);
            Ok(([(RETRY_AFTER, HeaderValue::from(seconds))], response).into_response())
        }
        Answer::Busy => {
            let response = again(StatusCode::SERVICE_UNAVAILABLE, "Too many sign in at once. Try again in a moment.");
            Ok(([(RETRY_AFTER, HeaderValue::from(2))], response).into_response())
        }
    }
}

/// A name that may be anything: what cannot be seen is told, what may be a card is masked, and the rest is cut.
fn shown(name: &str) -> String {
    cut(&visible(&without_cards(name)), MOST_STRANGE_CHARS).into_owned()
}

/// Somebody leaves.
pub(super) async fn sign_out(
    State(desk): State<Desk>,
    Extension(asking): Extension<Asking>,
) -> Result<Response, Refusal> {
    if let By::Session(token) = &asking.by {
        desk.journal().sign_out(&token.id()).await?;
    }
    let to = if desk.gate().anonymous { "/" } else { SIGN_IN };
    let cookie = Cookie::Session.clear(desk.gate().is_https());
    Ok((AppendHeaders([(SET_COOKIE, cookie)]), see_other(to)).into_response())
}
