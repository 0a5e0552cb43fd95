//! `GET|POST /v2/issuers/{organizationId}/subscriptions` and `PATCH …/{subscriptionId}`, as published under "Get
//! Subscriptions", "Create Subscription" and "Update Subscription".
//!
//! One event goes to one address once: a second subscription of that kind is a conflict.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State as Shared};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use reqwest::Url;
use serde_json::{Value, json};

use super::access;
use super::errors::{At, error, kard, several};
use super::items::{self, Mistakes};
use super::state::State;
use crate::providers::kard::subscriptions::EVENTS;

pub(super) const PATH: &str = "/v2/issuers/{organization}/subscriptions";
pub(super) const ONE: &str = "/v2/issuers/{organization}/subscriptions/{subscription}";

const TYPE: &str = "subscription";
const FILTER: &str = "filter[eventName]";
const NO_EVENT: &str = "Is no event that is told.";
const NO_URL: &str = "Must be a URL.";

/// One subscription, as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingSubscription {
    pub id: String,
    pub event: String,
    pub url: String,
    pub enabled: bool,
    /// How often it was created or changed.
    pub writes: u32,
}

/// Every subscription, in order of creation.
#[derive(Debug, Default)]
pub(super) struct Subscriptions(Mutex<Vec<StandingSubscription>>);

impl Subscriptions {
    pub(super) fn all(&self) -> Vec<StandingSubscription> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

pub(super) async fn list(
    Shared(state): Shared<Arc<State>>,
    Path(organization): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    if let Err(refusal) = access::check(&state, &headers, &organization) {
        return *refusal;
    }
    let wanted = filter(&query.unwrap_or_default());
    if wanted.as_deref().is_some_and(|event| !EVENTS.contains(&event)) {
        return kard(StatusCode::BAD_REQUEST, NO_EVENT, At::Parameter(FILTER));
    }
    let found = state.subscriptions.all();
    let found = found.iter().filter(|one| wanted.as_ref().is_none_or(|event| one.event == *event));
    Json(json!({ "data": found.map(told).collect::<Vec<_>>() })).into_response()
}

/// The event of `filter[eventName]`.
fn filter(query: &str) -> Option<String> {
    // The address only makes the query readable.
    let url = Url::parse(&format!("http://sandbox.invalid/?{query}")).ok()?;
    url.query_pairs().find(|(name, _)| name == FILTER).map(|(_, value)| value.into_owned())
}

pub(super) async fn create(
    Shared(state): Shared<Arc<State>>,
    Path(organization): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let read = || {
        access::check(&state, &headers, &organization)?;
        check(&items::read(&headers, &body, None)?)
    };
    let wanted = match read() {
        Ok(wanted) => wanted,
        Err(refusal) => return *refusal,
    };
    let mut standing = state.subscriptions.0.lock().unwrap_or_else(PoisonError::into_inner);
    let conflicts: Vec<Value> = wanted
        .iter()
        .enumerate()
        .filter(|(_, new)| standing.iter().any(|one| one.event == new.event && one.url == new.url))
        .map(|(index, _)| {
            let detail = "A subscription of this event to this URL exists.";
            error(StatusCode::CONFLICT, detail, At::Pointer(&format!("/data/{index}")))
        })
        .collect();
    if !conflicts.is_empty() {
        return several(StatusCode::CONFLICT, &conflicts);
    }
    let mut made = Vec::new();
    for mut new in wanted {
        new.id = format!("subscription-{}", standing.len() + 1);
        made.push(told(&new));
        standing.push(new);
    }
    (StatusCode::CREATED, Json(json!({ "data": made }))).into_response()
}

fn check(items: &[Value]) -> Result<Vec<StandingSubscription>, Box<Response>> {
    let mut mistakes = Mistakes::default();
    let mut wanted = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let at = format!("/data/{index}");
        mistakes.discriminator(item, &at, TYPE);
        let (attributes, at) = (&item["attributes"], format!("{at}/attributes"));
        let event = mistakes.text(attributes, &at, "eventName");
        let url = mistakes.text(attributes, &at, "webhookUrl");
        known_event(&mut mistakes, attributes, &at);
        good_url(&mut mistakes, attributes, &at);
        let enabled = attributes["enabled"].as_bool();
        if enabled.is_none() {
            mistakes.add(&format!("{at}/enabled"), "Must be true or false.");
        }
        let enabled = enabled.unwrap_or_default();
        wanted.push(StandingSubscription { id: String::new(), event, url, enabled, writes: 1 });
    }
    mistakes.finish().map(|()| wanted)
}

fn known_event(mistakes: &mut Mistakes, attributes: &Value, at: &str) {
    if attributes["eventName"].as_str().is_some_and(|event| !EVENTS.contains(&event)) {
        mistakes.add(&format!("{at}/eventName"), NO_EVENT);
    }
}

fn good_url(mistakes: &mut Mistakes, attributes: &Value, at: &str) {
    if attributes["webhookUrl"].as_str().is_some_and(|url| Url::parse(url).is_err()) {
        mistakes.add(&format!("{at}/webhookUrl"), NO_URL);
    }
}

pub(super) async fn update(
    Shared(state): Shared<Arc<State>>,
    Path((organization, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let read = || {
        access::check(&state, &headers, &organization)?;
        let item = items::data(&headers, &body)?;
        let mut mistakes = Mistakes::default();
        mistakes.discriminator(&item, "/data", TYPE);
        let (attributes, at) = (&item["attributes"], "/data/attributes");
        if !attributes.is_object() {
            mistakes.add(at, "Is required.");
        }
        for name in ["eventName", "webhookUrl"] {
            if !matches!(attributes[name], Value::Null | Value::String(_)) {
                mistakes.add(&format!("{at}/{name}"), "Must be a string.");
            }
        }
        known_event(&mut mistakes, attributes, at);
        good_url(&mut mistakes, attributes, at);
        if !matches!(attributes["enabled"], Value::Null | Value::Bool(_)) {
            mistakes.add(&format!("{at}/enabled"), "Must be true or false.");
        }
        mistakes.finish().map(|()| item)
    };
    let item = match read() {
        Ok(item) => item,
        Err(refusal) => return *refusal,
    };
    let attributes = &item["attributes"];
    let mut standing = state.subscriptions.0.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(one) = standing.iter_mut().find(|one| one.id == id) else {
        return kard(StatusCode::NOT_FOUND, "Subscription not found.", At::Nowhere);
    };
    if let Some(event) = attributes["eventName"].as_str() {
        event.clone_into(&mut one.event);
    }
    if let Some(url) = attributes["webhookUrl"].as_str() {
        url.clone_into(&mut one.url);
    }
    one.enabled = attributes["enabled"].as_bool().unwrap_or(one.enabled);
    one.writes += 1;
    Json(json!({ "data": told(one) })).into_response()
}

/// As the replies tell it.
fn told(one: &StandingSubscription) -> Value {
    let attributes = json!({ "eventName": one.event, "webhookUrl": one.url, "enabled": one.enabled });
    json!({ "type": TYPE, "id": one.id, "attributes": attributes })
}
