//! What can be looked at. Nothing here changes anything.

mod assets;
mod evidence;
mod overview;
mod sign_off;

use axum::Router;
use axum::routing::get;

pub(super) use sign_off::page_of as sign_off_page;

use super::desk::Desk;

/// The pages.
pub fn routes() -> Router<Desk> {
    Router::new()
        .route("/", get(overview::overview))
        .route("/runs/{job}/{period}/{attempt}/sign-off", get(sign_off::sign_off))
        .route("/runs/{job}/{period}/{attempt}/evidence.zip", get(evidence::evidence))
        .route("/style.css", get(assets::style))
        .route("/script.js", get(assets::script))
}
