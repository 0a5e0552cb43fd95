//! `/runs/RUN/sign-off`: the signatures under one report, by themselves.

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use maud::{Markup, html};

use super::parts::{Asked, notice};
use crate::review::access::Visitor;
use crate::review::address;
use crate::review::desk::Desk;
use crate::review::frame::{Crumb, Page, Refusal, Section, page};
use crate::review::sign_off::{Typed, section_with};

pub(super) async fn sign_off(
    State(desk): State<Desk>,
    Extension(visitor): Extension<Visitor>,
    Path((job, period, attempt)): Path<(String, String, String)>,
    Query(from): Query<Asked>,
) -> Result<Response, Refusal> {
    let run = format!("{job}/{period}/{attempt}");
    page_of(&desk, &visitor, &run, &Typed::default(), notice(&from)).await
}

/// The page, with what was typed and refused before.
pub(in crate::review) async fn page_of(
    desk: &Desk,
    visitor: &Visitor,
    run: &str,
    typed: &Typed,
    done: Markup,
) -> Result<Response, Refusal> {
    let section = section_with(desk, visitor, run, typed).await?;
    let body = html! {
        (done)
        (section)
        p { a href={ (address::run(run)) "/evidence.zip" } { "Evidence for an auditor (zip)" } }
    };
    let crumbs = vec![
        Crumb { name: "Periods".to_owned(), href: "/".to_owned() },
        Crumb { name: run.to_owned(), href: address::run(run) },
    ];
    let title = format!("Sign-off of {run}");
    Ok(page(visitor, Page { title, section: Section::Overview, crumbs, body }))
}
