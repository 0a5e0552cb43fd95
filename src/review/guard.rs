//! Stands before every page: whether it is asked for by our own name, who asks, what may be in a form, and what browsers
//! are told to refuse.

use std::net::{IpAddr, Ipv4Addr};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::extract::connect_info::ConnectInfo;
use axum::extract::{Request, State};
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, LOCATION, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, html};

use super::access::Visitor;
use super::desk::Desk;
use super::form::{self, Form};
use super::frame::Refusal;
use super::origin::{check_address, is_from_elsewhere, own_path, same_origin};
use super::port::Peer;
use super::refused::Refused;
use super::tokens::Cookie;
use super::visitors::{Asking, Unclear, asking};
use crate::receiver::connection::Handling;

/// Nothing from elsewhere, nothing inline, in no frame of others.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
     frame-ancestors 'none'; base-uri 'none'",
);
/// What the pages do without.
const PERMISSIONS: HeaderValue = HeaderValue::from_static(
    "camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=(), hid=(), display-capture=()",
);
/// A year of TLS.
const TLS_ALONE: HeaderValue = HeaderValue::from_static("max-age=31536000");
/// What belongs to nobody's data.
const ASSETS: [&str; 4] = ["/style.css", "/script.js", "/icon.svg", "/favicon.ico"];

/// Where people sign in.
pub const SIGN_IN: &str = "/sign-in";

/// Lets a request through with the [`Visitor`] who makes it, by what they are known and what they post among its
/// extensions.
pub async fn guard(State(desk): State<Desk>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<Peer>>().map(|info| info.0.clone());
    let address = peer.as_ref().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.address.ip());
    // From here to the end of the reply, it is not the connection that minds the time.
    let handling = peer.as_ref().map(|peer| peer.handle.handling());
    let mut response = contained(answer(&desk, address, request, next)).await.unwrap_or_else(|| {
        tracing::error!("a page could not be made: a bug has ended its making");
        let words = "The server could not do this because of a bug in tieout; its log says more.";
        Refused::new(StatusCode::INTERNAL_SERVER_ERROR, words).page(&Visitor::default(), &Form::default())
    });
    tell_browser(response.headers_mut(), desk.gate().is_https());
    match handling {
        Some(handling) => response.map(|body| Body::new(Held { body, _handling: handling })),
        None => response,
    }
}

fn tell_browser(headers: &mut HeaderMap, https: bool) {
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
    headers.insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin"));
    headers.insert(HeaderName::from_static("permissions-policy"), PERMISSIONS);
    if https {
        headers.insert(STRICT_TRANSPORT_SECURITY, TLS_ALONE);
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

async fn answer(desk: &Desk, peer: IpAddr, request: Request, next: Next) -> Response {
    let refuse = |refused: Refused| refused.page(&Visitor::default(), &Form::default());
    if let Err(refused) = check_address(desk.gate(), &request) {
        return refuse(refused);
    }
    let method = request.method().clone();
    if method != Method::GET && method != Method::HEAD && method != Method::POST {
        let refused = Refused::new(StatusCode::METHOD_NOT_ALLOWED, "Pages are looked at, and forms are posted.");
        return ([(ALLOW, "GET, HEAD, POST")], refuse(refused)).into_response();
    }
    if ASSETS.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    let asking = match asking(desk, request.headers(), peer).await {
        Ok(asking) => asking,
        Err(Unclear::Refused(refused)) => return refuse(refused),
        Err(Unclear::Failed(failure)) => return Refusal::Failed(failure).into_response(),
    };
    if method == Method::POST {
        act(desk, asking, request, next).await
    } else {
        look(desk, asking, request, next).await
    }
}

async fn look(desk: &Desk, asking: Asking, request: Request, next: Next) -> Response {
    let uri = request.uri();
    let may_look = asking.visitor.person.is_some() || desk.gate().anonymous || uri.path() == SIGN_IN;
    if may_look {
        return through(asking, Form::default(), request, next).await;
    }
    let here = uri.path_and_query().map_or("/", |here| here.as_str());
    if is_from_elsewhere(request.headers()) {
        return once_more(here);
    }
    see_other(&sign_in_to(here))
}

/// The sign-in page that leads on to a path of ours.
pub fn sign_in_to(path: &str) -> String {
    let next: String = reqwest::Url::parse_with_params("http://next/", [("next", own_path(path))])
        .ok()
        .and_then(|url| url.query().map(str::to_owned))
        .unwrap_or_default();
    format!("{SIGN_IN}?{next}")
}

/// Browsers bring our cookies only where the step is from one of our pages to another: who comes from elsewhere takes
/// that step from a page that has nothing else.
fn once_more(here: &str) -> Response {
    let here = own_path(here);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="refresh" content={ "0; url=" (here) };
                title { "tieout" }
            }
            body { main { h1 { "tieout" } p { a href=(here) { "To the page" } } } }
        }
    };
    axum::response::Html(page.into_string()).into_response()
}

async fn act(desk: &Desk, asking: Asking, request: Request, next: Next) -> Response {
    let visitor = asking.visitor.clone();
    let refuse = |status, words: &str| Refused::new(status, words).page(&visitor, &Form::default());
    if !same_origin(desk.gate(), request.headers()) {
        let words = "This form does not come from a page of ours. Nothing was done.";
        return refuse(StatusCode::FORBIDDEN, words);
    }
    let (request, form) = match form::read(request).await {
        Ok(read) => read,
        Err(bad) => return refuse(bad.status, &bad.words),
    };
    let brought = form.one("token");
    if request.uri().path() == SIGN_IN {
        let token = Cookie::SignIn.read(request.headers(), desk.gate().is_https());
        if !token.is_some_and(|token| brought.is_some_and(|brought| token.is_of_form(brought))) {
            let words = "This form is from an earlier visit, or the browser keeps no cookies. Open the page once more.";
            return Refused::new(StatusCode::FORBIDDEN, words).back(SIGN_IN).page(&visitor, &Form::default());
        }
    } else if asking.visitor.person.is_none() {
        let words = "Nobody is signed in here, or no longer. Nothing was done.";
        return Refused::new(StatusCode::FORBIDDEN, words).back(SIGN_IN).page(&visitor, &form);
    } else if !asking.is_own_form(desk, brought) {
        let words = "This form is not of this visit: somebody has signed in anew since. Open its page once more. \
                     Nothing was done.";
        return Refused::new(StatusCode::FORBIDDEN, words).page(&visitor, &form);
    }
    through(asking, form, request, next).await
}

async fn through(asking: Asking, form: Form, mut request: Request, next: Next) -> Response {
    let extensions = request.extensions_mut();
    extensions.insert(asking.visitor.clone());
    extensions.insert(asking);
    extensions.insert(form);
    next.run(request).await
}

/// To another page of ours, by GET.
pub fn see_other(path: &str) -> Response {
    match HeaderValue::from_str(path) {
        Ok(path) => (StatusCode::SEE_OTHER, [(LOCATION, path)]).into_response(),
        Err(_) => (StatusCode::SEE_OTHER, [(LOCATION, HeaderValue::from_static("/"))]).into_response(),
    }
}

/// None where a bug has ended it: whoever asked is told, and so is nobody else's request.
async fn contained<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut work = Box::pin(work);
    std::future::poll_fn(|cx| {
        let polled = std::panic::catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx)));
        polled.map_or(Poll::Ready(None), |polled| polled.map(Some))
    })
    .await
}

/// A reply on its way: its connection waits for no request yet.
struct Held {
    body: Body,
    _handling: Handling,
}

impl http_body::Body for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}
