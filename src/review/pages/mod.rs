//! What can be looked at. Nothing here changes anything.

pub mod assets;
mod overview;
mod run;
mod top;

use axum::Router;
use axum::routing::get;

use super::desk::Desk;

/// The pages.
pub fn routes() -> Router<Desk> {
    Router::new()
        .route("/", get(overview::overview))
        .route("/runs/{job}/{period}", get(run::period))
        .route("/runs/{job}/{period}/{attempt}", get(run::run))
        .route("/style.css", get(assets::style))
        .route("/script.js", get(assets::script))
}
