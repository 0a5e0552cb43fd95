//! Pages that say why nothing was done, and keep what was typed.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::html;

use super::access::Visitor;
use super::form::Form;
use super::frame::{Page, Section, page};
use crate::text::visible;

/// Why nothing was done, and the way back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub status: StatusCode,
    pub title: &'static str,
    /// Sentences.
    pub words: String,
    /// Where it can be tried again: a path of ours.
    pub back: Option<String>,
}

impl Refused {
    pub fn new(status: StatusCode, words: impl Into<String>) -> Self {
        let title = match status {
            StatusCode::CONFLICT => "Not done",
            StatusCode::FORBIDDEN | StatusCode::MISDIRECTED_REQUEST => "Not allowed",
            StatusCode::NOT_FOUND => "Not found",
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => "Not now",
            status if status.is_server_error() => "Failed",
            _ => "Not understood",
        };
        Self { status, title, words: words.into(), back: None }
    }

    /// With a link to where it can be tried again.
    #[must_use]
    pub fn back(mut self, path: impl Into<String>) -> Self {
        self.back = Some(path.into());
        self
    }

    /// The page; what was written into the form can be copied from it.
    pub fn page(self, visitor: &Visitor, form: &Form) -> Response {
        let written: Vec<_> = form.written().collect();
        let body = html! {
            p.banner.refused role="alert" { bdi { (visible(&self.words)) } }
            @if !written.is_empty() {
                p { "This is what was written; it was not kept anywhere else." }
                @for (place, (name, text)) in written.iter().enumerate() {
                    @let id = format!("written-{place}");
                    p {
                        label for=(id) { (name) }
                        br;
                        textarea id=(id) readonly rows="4" cols="60" { "\n" (kept(text)) }
                    }
                }
            }
            @if let Some(back) = &self.back { p { a href=(back) { "Back, as it is now" } } }
            p { a href="/" { "To the periods" } }
        };
        let told = Page { title: self.title.to_owned(), section: Section::None, crumbs: Vec::new(), body };
        (self.status, page(visitor, told)).into_response()
    }
}

/// Line by line: their ends stay, other hidden characters are told.
fn kept(text: &str) -> String {
    text.lines().map(visible).collect::<Vec<_>>().join("\n")
}
