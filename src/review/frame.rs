//! What all pages have in common: head, navigation, who is signed in; forms that bring their token; refusals.

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use super::access::{Act, Visitor};
use super::pages::assets;
use crate::exit::Failure;
use crate::text::visible;

/// The parts of the pages that are always one step away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    Overview,
    Effects,
    InDoubt,
    Transactions,
    Journal,
    /// Signing in, and what went wrong.
    None,
}

impl Section {
    const LINKS: [(Self, &'static str, &'static str); 5] = [
        (Self::Overview, "/", "Periods"),
        (Self::Effects, "/effects", "Effects"),
        (Self::InDoubt, "/in-doubt", "In doubt"),
        (Self::Transactions, "/transactions", "Transactions"),
        (Self::Journal, "/journal", "Journal"),
    ];
}

/// A step on the way from the overview to a page: its name and its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crumb {
    pub name: String,
    pub href: String,
}

/// One page.
#[derive(Debug, Clone)]
pub struct Page {
    /// Text of others may stand in it.
    pub title: String,
    pub section: Section,
    /// From the overview down, without the page itself.
    pub crumbs: Vec<Crumb>,
    pub body: Markup,
}

/// The page for this visitor.
pub fn page(visitor: &Visitor, page: Page) -> Response {
    Html(document(visitor, page).into_string()).into_response()
}

fn document(visitor: &Visitor, page: Page) -> Markup {
    let Page { title, section: here, crumbs, body } = page;
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (visible(&title)) " · tieout" }
                link rel="icon" type="image/svg+xml" href=(assets::icon_address());
                link rel="stylesheet" href=(assets::style_address());
                script src=(assets::script_address()) defer {}
            }
            body {
                a.skip href="#main" { "To the content" }
                header.top {
                    nav aria-label="Parts" {
                        ul {
                            @for (section, href, name) in Section::LINKS {
                                li { a href=(href) aria-current=[(section == here).then_some("page")] { (name) } }
                            }
                        }
                    }
                    // Pages that refuse are made without asking who it is: they do not guess.
                    @if here != Section::None || visitor.person.is_some() { (who(visitor)) }
                }
                main #main tabindex="-1" {
                    @if !crumbs.is_empty() {
                        nav.crumbs aria-label="Way here" {
                            ol { @for crumb in &crumbs { li { a href=(crumb.href) { bdi { (visible(&crumb.name)) } } } } }
                        }
                    }
                    h1 { bdi { (visible(&title)) } }
                    (body)
                }
            }
        }
    }
}

fn who(visitor: &Visitor) -> Markup {
    html! {
        @if let Some(person) = &visitor.person {
            form.who method="post" action="/sign-out" {
                (token(visitor))
                span { bdi { (visible(&person.name)) } " (" (person.role.name()) ")" } " "
                button { "Sign out" }
            }
        } @else {
            p.who { span { "Read only" } @if visitor.sign_in { " " a href="/sign-in" { "Sign in" } } }
        }
    }
}

/// A form for an act, with its token; nothing where the visitor may not.
pub fn form(visitor: &Visitor, act: Act, action: &str, fields: &Markup) -> Markup {
    html! {
        @if visitor.may(act) {
            form.act method="post" action=(action) { (token(visitor)) (fields) }
        }
    }
}

/// The hidden field that each form brings back.
pub fn token(visitor: &Visitor) -> Markup {
    html! { @if let Some(token) = &visitor.form_token { input type="hidden" name="token" value=(token); } }
}

/// Why there is no such page, or nothing was done.
#[derive(Debug)]
pub enum Refusal {
    /// What is not there, in words: `a run rewards-daily/2025-03-19/7`.
    NotFound(String),
    /// What is wrong with the request, in words.
    Bad(String),
    /// The act asks for more than the visitor's role.
    Forbidden(Act),
    /// What stands against it now, in words.
    Conflict(String),
    /// The server could not; told to the log alone.
    Failed(Failure),
}

impl<E: Into<Failure>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, title, words) = match self {
            Self::NotFound(what) => (StatusCode::NOT_FOUND, "Not found", format!("There is no {what}.")),
            Self::Bad(words) => (StatusCode::BAD_REQUEST, "Not understood", words),
            Self::Forbidden(act) => {
                let role = act.asks_for().name();
                (StatusCode::FORBIDDEN, "Not allowed", format!("This takes the role {role}. Nothing was done."))
            }
            Self::Conflict(words) => (StatusCode::CONFLICT, "Not done", words),
            Self::Failed(failure) => {
                tracing::error!("a page could not be made: {failure}");
                let words = "The server could not do this; its log says why. Nothing was done.".to_owned();
                (StatusCode::INTERNAL_SERVER_ERROR, "Failed", words)
            }
        };
        let body =
            html! { p.banner.refused role="alert" { bdi { (visible(&words)) } } p { a href="/" { "To the periods" } } };
        let told = Page { title: title.to_owned(), section: Section::None, crumbs: Vec::new(), body };
        (status, page(&Visitor::default(), told)).into_response()
    }
}
