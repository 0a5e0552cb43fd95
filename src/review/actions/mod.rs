//! What people decide on the pages, by the same functions as the command line.

use axum::Router;

use super::desk::Desk;

/// What is posted.
pub fn routes() -> Router<Desk> {
    Router::new()
}
