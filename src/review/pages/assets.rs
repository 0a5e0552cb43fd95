//! The style and the script of all pages. The style begins with that of `report.html`.

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;

const STYLE: &str =
    concat!(include_str!("../../report/html/style.css"), include_str!("pages.css"), include_str!("lists.css"));
const SCRIPT: &str = include_str!("pages.js");

pub(super) async fn style() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], STYLE)
}

pub(super) async fn script() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], SCRIPT)
}
