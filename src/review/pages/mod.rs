//! What can be looked at. Nothing here changes anything.

pub mod assets;
mod break_forms;
mod break_rows;
mod break_sides;
mod breaks;
mod breaks_asked;
mod calls;
mod effects;
mod evidence;
mod files;
mod in_doubt;
mod journal;
mod one_break;
mod one_effect;
mod overview;
pub(super) mod parts;
mod run;
mod sign_off;
mod top;
mod transactions;

use axum::Router;
use axum::routing::get;

pub(super) use sign_off::page_of as sign_off_page;

use super::desk::Desk;

/// The pages.
pub fn routes() -> Router<Desk> {
    Router::new()
        .route("/", get(overview::overview))
        .route("/runs/{job}/{period}", get(run::period))
        .route("/runs/{job}/{period}/{attempt}", get(run::run))
        .route("/runs/{job}/{period}/{attempt}/breaks", get(breaks::breaks))
        .route("/runs/{job}/{period}/{attempt}/breaks/{id}", get(one_break::one))
        .route("/breaks/{id}", get(one_break::last_run))
        .route("/runs/{job}/{period}/{attempt}/effects", get(effects::of_run))
        .route("/runs/{job}/{period}/{attempt}/effects/calls/{call}", get(effects::exact))
        .route("/runs/{job}/{period}/{attempt}/files/{name}", get(files::of_run))
        .route("/runs/{job}/{period}/{attempt}/inputs/{sha256}", get(files::input))
        .route("/effects", get(effects::all))
        .route("/effects/{id}", get(one_effect::one))
        .route("/in-doubt", get(in_doubt::in_doubt))
        .route("/transactions", get(transactions::transactions))
        .route("/journal", get(journal::journal))
        .route("/runs/{job}/{period}/{attempt}/sign-off", get(sign_off::sign_off))
        .route("/runs/{job}/{period}/{attempt}/evidence.zip", get(evidence::evidence))
        .route("/style.css", get(assets::style))
        .route("/script.js", get(assets::script))
        .route("/icon.svg", get(assets::icon))
        .route("/favicon.ico", get(assets::no_icon))
}
