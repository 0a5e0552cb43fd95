//! What can be looked at. Nothing here changes anything.

pub mod assets;
mod overview;

use axum::Router;
use axum::routing::get;

use super::desk::Desk;

/// The pages.
pub fn routes() -> Router<Desk> {
    Router::new()
        .route("/", get(overview::overview))
        .route("/style.css", get(assets::style))
        .route("/script.js", get(assets::script))
}
