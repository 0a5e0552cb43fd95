//! What can be looked at. Nothing here changes anything.

mod assets;
mod breaks;
mod breaks_asked;
mod overview;
mod parts;

use axum::Router;
use axum::routing::get;

use super::desk::Desk;

/// The pages.
pub fn routes() -> Router<Desk> {
    Router::new()
        .route("/", get(overview::overview))
        .route("/runs/{job}/{period}/{attempt}/breaks", get(breaks::breaks))
        .route("/style.css", get(assets::style))
        .route("/script.js", get(assets::script))
}
