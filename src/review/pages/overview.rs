//! The first page: jobs and their periods.

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use maud::html;

use crate::journal::RunFilter;
use crate::review::access::Visitor;
use crate::review::desk::Desk;
use crate::review::frame::{Page, Refusal, Section, page};
use crate::text::visible;

pub(super) async fn overview(
    State(desk): State<Desk>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Response, Refusal> {
    let runs = desk.journal().runs(&RunFilter { limit: Some(100), ..RunFilter::default() }).await?;
    let body = html! {
        ul { @for run in &runs { li { a href={ "/runs/" (run.id) } { (visible(&run.id)) } " " (run.status.name()) } } }
    };
    Ok(page(&visitor, Page { title: "Periods".to_owned(), section: Section::Overview, crumbs: Vec::new(), body }))
}
