//! What can be looked at. Nothing here changes anything.

mod assets;
mod break_forms;
mod break_rows;
mod break_sides;
mod breaks;
mod breaks_asked;
mod one_break;
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
        .route("/runs/{job}/{period}/{attempt}/breaks/{id}", get(one_break::one))
        .route("/breaks/{id}", get(one_break::last_run))
        .route("/style.css", get(assets::style))
        .route("/script.js", get(assets::script))
}
