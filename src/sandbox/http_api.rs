//! An API as many are: every way in and every way of paging, each below a path of its own. `/oauth2/cursor/movements`
//! lists the movements of `samples/http_api/movements.json`, ten a page, to those who bring a granted token.
//!
//! It is strict: a wrong way in, a parameter that is missing or unknown, a cursor that was never handed out and a call too
//! many are refused. Three ways of paging do wrong on purpose: `repeat_cursor`, `repeat_page` and `foreign_link`.

use std::collections::BTreeMap;
use std::path::Path as FilePath;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, Query, State as Shared};
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, LINK};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::mounts::Mount;
use super::state::{Bearer, State};
use super::{CLIENT_ID, CLIENT_SECRET, HTTP_API, HTTP_API_KEY, SamplesError};

/// Rows on a page where the caller does not say.
const PAGE_ROWS: usize = 10;
/// Calls of the collection `limited` within a window.
const WINDOW_CALLS: u32 = 3;
const WINDOW_SECONDS: i64 = 2;

pub(super) const MOUNT: Mount = Mount {
    name: HTTP_API,
    endpoints: &["http_api.token", "http_api.list", "http_api.one"],
    endpoint,
    refusal,
    router,
    settings: &[("auth.bearer", HTTP_API_KEY), ("auth.api_key.value", HTTP_API_KEY)],
};

fn endpoint(method: &Method, path: &str) -> Option<&'static str> {
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match (method, parts.as_slice()) {
        (&Method::POST, ["token"]) => Some("http_api.token"),
        (&Method::GET, [_, "by_id", _, _]) => Some("http_api.one"),
        (&Method::GET, [_, _, _]) => Some("http_api.list"),
        _ => None,
    }
}

fn refusal(status: StatusCode, why: &str) -> Response {
    (status, Json(json!({ "error": { "message": why } }))).into_response()
}

/// The samples, and what is left of the window of calls.
#[derive(Debug)]
struct World {
    state: Arc<State>,
    /// Collection → rows, as they stand in its file.
    collections: BTreeMap<String, Vec<Value>>,
    window: Mutex<(DateTime<Utc>, u32)>,
}

fn router(state: &Arc<State>, samples: &FilePath) -> Result<Router, SamplesError> {
    let mut collections = BTreeMap::new();
    for entry in std::fs::read_dir(samples).into_iter().flatten().flatten() {
        let path = entry.path();
        let Some(name) = path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned) else { continue };
        let text = std::fs::read(&path).map_err(|source| SamplesError::Unreadable { path: path.clone(), source })?;
        let rows =
            serde_json::from_slice(&text).map_err(|source| SamplesError::Malformed { path: path.clone(), source })?;
        collections.insert(name, rows);
    }
    let world = World { state: Arc::clone(state), collections, window: Mutex::new((DateTime::UNIX_EPOCH, 0)) };
    Ok(Router::new()
        .route("/token", post(grant))
        .route("/{way}/by_id/{collection}/{id}", get(one))
        .route("/{way}/{paging}/{collection}", get(list))
        .fallback(|| async { refusal(StatusCode::NOT_FOUND, "There is no such path.") })
        .with_state(Arc::new(world)))
}

async fn grant(Shared(world): Shared<Arc<World>>, headers: HeaderMap, body: String) -> Response {
    if header(&headers, AUTHORIZATION.as_str()) != Some(basic().as_str()) {
        return refusal(StatusCode::UNAUTHORIZED, "The client is not known.");
    }
    if header(&headers, CONTENT_TYPE.as_str()) != Some("application/x-www-form-urlencoded") {
        return refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Expected a form.");
    }
    let fields: Vec<&str> = body.split('&').collect();
    let known = |field: &&str| *field == "grant_type=client_credentials" || field.starts_with("scope=");
    if !fields.contains(&"grant_type=client_credentials") || !fields.iter().all(known) {
        return refusal(StatusCode::BAD_REQUEST, "Expected grant_type=client_credentials, and at most a scope.");
    }
    let token = world.state.grant(None);
    let life = world.state.token_life.as_secs();
    Json(json!({ "access_token": token, "token_type": "Bearer", "expires_in": life })).into_response()
}

fn basic() -> String {
    format!("Basic {}", STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}")))
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

impl World {
    /// Whether the caller comes in by the way that the path names, and by no other.
    fn refuses(&self, way: &str, headers: &HeaderMap) -> Option<Response> {
        let authorization = header(headers, AUTHORIZATION.as_str());
        let key = header(headers, "x-api-key");
        let good = match way {
            "bearer" => authorization == Some(&format!("Bearer {HTTP_API_KEY}")) && key.is_none(),
            "basic" => authorization == Some(&basic()) && key.is_none(),
            "api_key" => key == Some(HTTP_API_KEY) && authorization.is_none(),
            "oauth2" => matches!(self.state.bearer(headers), Bearer::Good { .. }) && key.is_none(),
            _ => return Some(refusal(StatusCode::NOT_FOUND, "There is no such way in.")),
        };
        if !good {
            return Some(refusal(StatusCode::UNAUTHORIZED, "These credentials are not good here."));
        }
        let json = header(headers, ACCEPT.as_str()).is_some_and(|accept| accept.contains("application/json"));
        (!json).then(|| refusal(StatusCode::NOT_ACCEPTABLE, "Only application/json is spoken here."))
    }

    /// Takes a call out of the window; none left: the refusal. With it the headers that tell of it.
    fn take(&self) -> (bool, HeaderMap) {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Utc::now();
        if now >= window.0 {
            // Whole seconds, as the header tells them.
            let ends = now.timestamp() + WINDOW_SECONDS;
            *window = (DateTime::from_timestamp(ends, 0).unwrap_or(now), WINDOW_CALLS);
        }
        let good = window.1 > 0;
        window.1 = window.1.saturating_sub(1);
        let told = [
            ("x-ratelimit-limit", i64::from(WINDOW_CALLS)),
            ("x-ratelimit-remaining", i64::from(window.1)),
            ("x-ratelimit-reset", window.0.timestamp()),
        ];
        let headers =
            told.into_iter().map(|(name, value)| (axum::http::HeaderName::from_static(name), HeaderValue::from(value)));
        (good, headers.collect())
    }
}

type Parameters = Vec<(String, String)>;

/// The parameters by name, each at most once.
fn once(parameters: Parameters) -> Option<BTreeMap<String, String>> {
    let count = parameters.len();
    let found: BTreeMap<String, String> = parameters.into_iter().collect();
    (found.len() == count).then_some(found)
}

async fn one(
    Shared(world): Shared<Arc<World>>,
    Path((way, collection, id)): Path<(String, String, String)>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
) -> Response {
    if let Some(refused) = world.refuses(&way, &headers) {
        return refused;
    }
    if !parameters.is_empty() {
        return refusal(StatusCode::BAD_REQUEST, "A single row takes no parameters.");
    }
    let rows = world.collections.get(&collection);
    match rows.into_iter().flatten().find(|row| row["id"] == id.as_str()) {
        Some(row) => Json(json!({ "data": row })).into_response(),
        None => refusal(StatusCode::NOT_FOUND, "Nobody knows this id."),
    }
}

async fn list(
    Shared(world): Shared<Arc<World>>,
    Path((way, paging, collection)): Path<(String, String, String)>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
) -> Response {
    if let Some(refused) = world.refuses(&way, &headers) {
        return refused;
    }
    let limits = if collection == "limited" {
        let (good, limits) = world.take();
        if !good {
            return (limits, refusal(StatusCode::TOO_MANY_REQUESTS, "Too many calls.")).into_response();
        }
        limits
    } else {
        HeaderMap::new()
    };
    let name = if collection == "limited" { "movements" } else { collection.as_str() };
    let Some(rows) = world.collections.get(name) else {
        return refusal(StatusCode::NOT_FOUND, "There is no such collection.");
    };
    let page =
        Page { base: format!("{}/{HTTP_API}/{way}/{paging}/{collection}", world.state.base_url), paging: &paging };
    match page.of(rows, once(parameters)) {
        Ok(response) => (limits, response).into_response(),
        Err(why) => refusal(StatusCode::BAD_REQUEST, why),
    }
}

/// One page of a list.
struct Page<'p> {
    /// The address of the list.
    base: String,
    paging: &'p str,
}

impl Page<'_> {
    fn of(&self, rows: &[Value], parameters: Option<BTreeMap<String, String>>) -> Result<Response, &'static str> {
        let mut given = parameters.ok_or("A parameter stands there twice.")?;
        let mut time = |name: &str| {
            let text = given.remove(name).ok_or("`from` and `to` are needed.")?;
            DateTime::parse_from_rfc3339(&text).map_err(|_| "`from` and `to` are times with an offset.")
        };
        let (from, to) = (time("from")?, time("to")?);
        let at = |row: &Value| row["at"].as_str().and_then(|at| DateTime::parse_from_rfc3339(at).ok());
        let rows: Vec<&Value> = rows.iter().filter(|row| at(row).is_some_and(|at| from <= at && at < to)).collect();
        let numbered = |given: &mut BTreeMap<String, String>, name: &str| {
            given.remove(name).map(|text| text.parse::<usize>().map_err(|_| "A number is none.")).transpose()
        };
        let (start, size) = match self.paging {
            "page" | "repeat_page" => {
                let number = numbered(&mut given, "page")?.ok_or("`page` is needed.")?;
                let size = numbered(&mut given, "per_page")?.unwrap_or(PAGE_ROWS);
                let place = number.checked_sub(1).ok_or("Pages begin at 1.")?;
                (if self.paging == "page" { place * size } else { 0 }, size)
            }
            "cursor" | "repeat_cursor" => {
                let start = given.remove("cursor").map(|cursor| place_of(&cursor).ok_or("This cursor is unknown."));
                (start.transpose()?.unwrap_or(0), PAGE_ROWS)
            }
            "link" | "link_header" | "foreign_link" => (numbered(&mut given, "offset")?.unwrap_or(0), PAGE_ROWS),
            _ => return Err("There is no such way of paging."),
        };
        if !given.is_empty() {
            return Err("A parameter is not known here.");
        }
        let page: Vec<&Value> = rows.iter().skip(start).take(size).copied().collect();
        let after = start + page.len();
        let more = after < rows.len();
        let span = format!("from={}&to={}", encoded(&from.to_rfc3339()), encoded(&to.to_rfc3339()));
        let next = more.then(|| format!("{}?{span}&offset={after}", self.base));
        Ok(match self.paging {
            "cursor" => wrapped(&page, &json!({ "next_cursor": more.then(|| cursor(after)) })),
            "repeat_cursor" => wrapped(&page, &json!({ "next_cursor": cursor(PAGE_ROWS) })),
            "link" => Json(json!({ "data": { "items": page }, "links": { "next": next } })).into_response(),
            "foreign_link" => {
                let elsewhere = "http://elsewhere.example/movements?offset=10";
                Json(json!({ "data": { "items": page }, "links": { "next": elsewhere } })).into_response()
            }
            "link_header" => {
                let mut response = Json(json!(page)).into_response();
                let first = format!("<{}?{span}>; rel=\"first\"", self.base);
                let links = next.map_or_else(|| first.clone(), |next| format!("{first}, <{next}>; rel=\"next\""));
                if let Ok(value) = HeaderValue::from_str(&links) {
                    response.headers_mut().insert(LINK, value);
                }
                response
            }
            _ => wrapped(&page, &json!({ "rows": rows.len() })),
        })
    }
}

fn wrapped(page: &[&Value], meta: &Value) -> Response {
    Json(json!({ "data": { "items": page }, "meta": meta })).into_response()
}

fn cursor(place: usize) -> String {
    STANDARD.encode(format!("after:{place}"))
}

fn place_of(cursor: &str) -> Option<usize> {
    let text = String::from_utf8(STANDARD.decode(cursor).ok()?).ok()?;
    text.strip_prefix("after:")?.parse().ok()
}

/// A time with an offset in a query: its plus would be a blank.
fn encoded(text: &str) -> String {
    text.replace('+', "%2B").replace(':', "%3A")
}
