//! What people decide on the pages, by the same functions as the command line.

mod sign_off;

use axum::Router;
use axum::routing::post;

use super::desk::Desk;

/// What is posted.
pub fn routes() -> Router<Desk> {
    Router::new()
        .route("/runs/{job}/{period}/{attempt}/sign-off", post(sign_off::post))
        .route("/runs/{job}/{period}/{attempt}/sign-off/withdraw", post(sign_off::post_withdraw))
}
