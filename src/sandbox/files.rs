//! `GET /v2/issuers/{organizationId}/files/metadata`, as published under "Get Files".

use std::sync::Arc;

use axum::extract::{Path, Query, State as Shared};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Months, SecondsFormat, Utc};
use reqwest::Url;
use serde_json::{Value, json};

use super::downloads::sign;
use super::errors::{At, kard};
use super::samples::SampleFile;
use super::state::State;
use super::{Fault, access};
use crate::job::FileType;

pub(super) const PATH: &str = "/v2/issuers/{organization}/files/metadata";

const DEFAULT_PAGE_SIZE: usize = 10;
const MAX_PAGE_SIZE: usize = 100;

/// The query, checked.
struct Asked {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    file_type: Option<FileType>,
    size: usize,
    place: Place,
    descending: bool,
}

enum Place {
    Start,
    /// The id after which, or before which, the page lies.
    After(String),
    Before(String),
}

/// Why a query is refused: the parameter and what is wrong with it.
struct BadParameter {
    name: String,
    detail: &'static str,
}

/// What the list looks like from one place in it.
struct Window<'a> {
    files: Vec<&'a SampleFile>,
    has_previous: bool,
    has_next: bool,
}

pub(super) async fn list(
    Shared(state): Shared<Arc<State>>,
    Path(organization): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
    fault: Option<Extension<Fault>>,
    headers: HeaderMap,
) -> Response {
    if let Err(refusal) = access::check(&state, &headers, &organization) {
        return *refusal;
    }
    let asked = match check(&query, state.now) {
        Ok(asked) => asked,
        Err(bad) => return kard(StatusCode::BAD_REQUEST, bad.detail, At::Parameter(&bad.name)),
    };
    let Some(window) = window(&state.files, &asked) else {
        let name = if matches!(asked.place, Place::Before(_)) { "page[before]" } else { "page[after]" };
        return kard(StatusCode::BAD_REQUEST, "The cursor is not of this list.", At::Parameter(name));
    };
    let fault = fault.map(|Extension(fault)| fault);
    Json(render(&state, &organization, &query, &asked, &window, fault.as_ref())).into_response()
}

fn check(query: &[(String, String)], now: DateTime<Utc>) -> Result<Asked, BadParameter> {
    let mut asked = Asked {
        from: now - Months::new(1),
        to: now,
        file_type: None,
        size: DEFAULT_PAGE_SIZE,
        place: Place::Start,
        descending: true,
    };
    let mut seen = Vec::new();
    for (name, value) in query {
        let bad = |detail| BadParameter { name: name.clone(), detail };
        if seen.contains(&name) {
            return Err(bad("May stand only once."));
        }
        seen.push(name);
        match name.as_str() {
            "filter[dateFrom]" => asked.from = time(value).ok_or_else(|| bad("Must be an ISO 8601 time."))?,
            "filter[dateTo]" => asked.to = time(value).ok_or_else(|| bad("Must be an ISO 8601 time."))?,
            "filter[fileType]" => {
                let known = FileType::ALL.into_iter().find(|kind| kind.name() == value);
                asked.file_type = Some(known.ok_or_else(|| bad("Is not a file type."))?);
            }
            "page[size]" => {
                let size = value.parse().ok().filter(|size| (1..=MAX_PAGE_SIZE).contains(size));
                asked.size = size.ok_or_else(|| bad("Must be a whole number from 1 to 100."))?;
            }
            "page[after]" | "page[before]" if !matches!(asked.place, Place::Start) => {
                return Err(bad("page[after] and page[before] exclude each other."));
            }
            "page[after]" => asked.place = Place::After(id_of(value).ok_or_else(|| bad("Is not a cursor."))?),
            "page[before]" => asked.place = Place::Before(id_of(value).ok_or_else(|| bad("Is not a cursor."))?),
            "sort" => asked.descending = descending(value).ok_or_else(|| bad("Must be sentDate or -sentDate."))?,
            _ => return Err(bad("Is not a parameter of this path.")),
        }
    }
    Ok(asked)
}

fn descending(value: &str) -> Option<bool> {
    match value {
        "sentDate" => Some(false),
        "-sentDate" => Some(true),
        _ => None,
    }
}

fn time(value: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(value).ok().map(|time| time.to_utc())
}

/// The page that is asked for; none when its cursor is not in the list.
fn window<'a>(files: &'a [SampleFile], asked: &Asked) -> Option<Window<'a>> {
    let mut chosen: Vec<&SampleFile> = files
        .iter()
        .filter(|file| (asked.from..=asked.to).contains(&file.sent_at))
        .filter(|file| asked.file_type.is_none_or(|kind| kind == file.file_type))
        .collect();
    if asked.descending {
        chosen.reverse();
    }
    let place_of = |id: &str| chosen.iter().position(|file| file.id == id);
    let (start, end) = match &asked.place {
        Place::Start => (0, asked.size.min(chosen.len())),
        Place::After(id) => {
            let start = place_of(id)? + 1;
            (start, chosen.len().min(start + asked.size))
        }
        Place::Before(id) => {
            let end = place_of(id)?;
            (end.saturating_sub(asked.size), end)
        }
    };
    Some(Window { files: chosen[start..end].to_vec(), has_previous: start > 0, has_next: end < chosen.len() })
}

fn render(
    state: &State,
    organization: &str,
    query: &[(String, String)],
    asked: &Asked,
    window: &Window<'_>,
    fault: Option<&Fault>,
) -> Value {
    let expired = matches!(fault, Some(Fault::ExpiredUrl));
    let data: Vec<Value> = window.files.iter().map(|file| metadata(state, file, expired)).collect();
    let link = |place: Option<(&str, &str)>| link(state, organization, query, place);
    let mut links = json!({ "self": link(None) });
    if window.has_previous
        && let Some(first) = window.files.first()
    {
        links["prev"] = link(Some(("page[before]", &first.id))).into();
    }
    if window.has_next
        && let Some(last) = window.files.last()
    {
        links["next"] = link(Some(("page[after]", &last.id))).into();
    }
    let mut has_next = window.has_next;
    if matches!(fault, Some(Fault::RepeatCursor)) {
        // The page that was just asked for is told to be the next one.
        let again = match &asked.place {
            Place::After(id) => Some(id.as_str()),
            _ => window.files.last().map(|last| last.id.as_str()),
        };
        links["next"] = link(again.map(|id| ("page[after]", id))).into();
        has_next = true;
    }
    json!({
        "data": data,
        "links": links,
        "meta": { "pageSize": asked.size, "hasNextPage": has_next },
    })
}

fn metadata(state: &State, file: &SampleFile, expired: bool) -> Value {
    let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
    json!({
        "type": file.file_type.name(),
        "id": file.id,
        "attributes": {
            "fileName": file.file_name,
            "sentAt": time(file.sent_at),
            "lastModified": time(file.last_modified),
            "downloadUrl": sign(state, &file.id, expired),
        },
    })
}

/// The address of this list, at another place if one is given.
fn link(state: &State, organization: &str, query: &[(String, String)], place: Option<(&str, &str)>) -> String {
    let mut url = Url::parse(&state.base_url).expect("the sandbox made its own address");
    url.path_segments_mut().expect("an http address has a path").extend([
        "v2",
        "issuers",
        organization,
        "files",
        "metadata",
    ]);
    for (name, value) in query {
        if place.is_none() || !matches!(name.as_str(), "page[after]" | "page[before]") {
            url.query_pairs_mut().append_pair(name, value);
        }
    }
    if let Some((name, id)) = place {
        url.query_pairs_mut().append_pair(name, &STANDARD.encode(format!("file:{id}")));
    }
    url.into()
}

fn id_of(cursor: &str) -> Option<String> {
    let text = String::from_utf8(STANDARD.decode(cursor).ok()?).ok()?;
    text.strip_prefix("file:").map(str::to_owned)
}
