//! Bongloy card management, as its document publishes it: lists that begin at their end and lead on by `links.prev`,
//! balances, and the status of a card.
//!
//! The document publishes no body for errors: here it is that of JSON:API, `{"errors": […]}`. Links show
//! `http://example.org`, as the document's do. What it does not say is taken from JSON:API: unknown parameters are refused
//! with 400, a body of another media type with 415, one that names another resource with 409.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::{Path as InPath, Query, State as Shared};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use chrono::{SecondsFormat, Utc};
use reqwest::Url;
use serde::Deserialize;
use serde_json::{Value, json};

use super::mounts::Mount;
use super::samples::read_json;
use super::state::{State, bearer_token};
use super::{Fault, SamplesError};
use crate::providers::bongloy::request::{FILTER_ACCOUNT, MEDIA_TYPE};
use crate::providers::bongloy::{SANDBOX_API_KEY, SANDBOX_PATH};

pub(super) const MOUNT: Mount = Mount {
    name: SANDBOX_PATH,
    endpoints: &[
        "bongloy.accounts",
        "bongloy.balance",
        "bongloy.balance_transactions",
        "bongloy.cardholders",
        "bongloy.cards",
    ],
    endpoint,
    refusal,
    router,
    settings: &[("api_key", SANDBOX_API_KEY)],
};

const FILTER_CARDHOLDER: &str = "filter[cardholder]";
const BEFORE: &str = "page[before]";
const AFTER: &str = "page[after]";
/// "active, inactive, canceled, lost or stolen"
const STATUSES: [&str; 5] = ["active", "inactive", "canceled", "lost", "stolen"];
/// "cannot be reactivated"
const FINAL: [&str; 3] = ["canceled", "lost", "stolen"];

fn endpoint(_: &Method, path: &str) -> Option<&'static str> {
    let parts: Vec<&str> = path.strip_prefix("/v1/")?.split('/').collect();
    match parts[..] {
        ["accounts", _, "balance"] => Some("bongloy.balance"),
        ["accounts", ..] => Some("bongloy.accounts"),
        ["balance_transactions", ..] => Some("bongloy.balance_transactions"),
        ["cardholders", ..] => Some("bongloy.cardholders"),
        ["cards", ..] => Some("bongloy.cards"),
        _ => None,
    }
}

fn refusal(status: StatusCode, why: &str) -> Response {
    let error = json!({ "status": status.as_str(), "title": status.canonical_reason(), "detail": why });
    json_api(status, &json!({ "errors": [error] }))
}

fn json_api(status: StatusCode, body: &Value) -> Response {
    let mut response = (status, Json(body)).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    response
}

/// How long pages are, and at which end a list begins: nothing of that is published.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Paging {
    size: usize,
    /// As the document shows it; else lists begin with the first and lead on by `next`.
    from_the_end: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    data: Vec<Value>,
}

/// Everything, each list in order of creation.
struct World {
    accounts: Vec<Value>,
    balances: Vec<Value>,
    balance_transactions: Vec<Value>,
    cardholders: Vec<Value>,
    cards: Mutex<Vec<Value>>,
    paging: Paging,
}

impl World {
    fn read(samples: &Path) -> Result<Self, SamplesError> {
        let list = |name: &str| -> Result<Vec<Value>, SamplesError> {
            let written: Option<Written> = read_json(&samples.join(format!("{name}.json")))?;
            Ok(written.unwrap_or_default().data)
        };
        Ok(Self {
            accounts: list("accounts")?,
            balances: list("balances")?,
            balance_transactions: list("balance_transactions")?,
            cardholders: list("cardholders")?,
            cards: Mutex::new(list("cards")?),
            paging: read_json(&samples.join("paging.json"))?.unwrap_or(Paging { size: 3, from_the_end: true }),
        })
    }

    fn cards(&self) -> std::sync::MutexGuard<'_, Vec<Value>> {
        self.cards.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type At = Shared<Arc<World>>;
type Asked = Query<Vec<(String, String)>>;
type Answer = Result<Response, Refused>;

/// Boxed: results carry it around.
struct Refused(Box<Response>);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        *self.0
    }
}

fn refuse<T>(status: StatusCode, why: &str) -> Result<T, Refused> {
    Err(Refused(Box::new(refusal(status, why))))
}

fn router(_: &Arc<State>, samples: &Path) -> Result<Router, SamplesError> {
    Ok(Router::new()
        .route("/v1/accounts", get(accounts))
        .route("/v1/accounts/{id}", get(account))
        .route("/v1/accounts/{id}/balance", get(balance))
        .route("/v1/balance_transactions", get(balance_transactions))
        .route("/v1/balance_transactions/{id}", get(balance_transaction))
        .route("/v1/cardholders", get(cardholders))
        .route("/v1/cardholders/{id}", get(cardholder))
        .route("/v1/cards", get(cards))
        .route("/v1/cards/{id}", get(card).patch(update_card))
        .fallback(async || refusal(StatusCode::NOT_FOUND, "There is no such path."))
        .method_not_allowed_fallback(async || refusal(StatusCode::METHOD_NOT_ALLOWED, "This path has no such method."))
        .with_state(Arc::new(World::read(samples)?)))
}

fn check(headers: &HeaderMap) -> Result<(), Refused> {
    match bearer_token(headers) {
        Some(SANDBOX_API_KEY) => Ok(()),
        Some(_) => refuse(StatusCode::UNAUTHORIZED, "The token is not known."),
        None => refuse(StatusCode::UNAUTHORIZED, "A bearer token is required."),
    }
}

/// A list and what is asked of it.
struct List<'a> {
    name: &'static str,
    items: Vec<&'a Value>,
    query: &'a [(String, String)],
    paging: &'a Paging,
    fault: Option<Fault>,
}

impl List<'_> {
    /// The page that is asked for, with its links.
    fn page(&self, filters: &[&str]) -> Answer {
        let mut place = None;
        for (at, (name, value)) in self.query.iter().enumerate() {
            if self.query[..at].iter().any(|(before, _)| before == name) {
                return refuse(StatusCode::BAD_REQUEST, &format!("{name} may stand only once."));
            }
            match name.as_str() {
                BEFORE | AFTER if place.is_some() => {
                    return refuse(StatusCode::BAD_REQUEST, "page[before] and page[after] exclude each other.");
                }
                BEFORE | AFTER => place = Some((name.as_str(), value.as_str())),
                _ if filters.contains(&name.as_str()) => {}
                _ => return refuse(StatusCode::BAD_REQUEST, &format!("{name} is no parameter of this path.")),
            }
        }
        let found = |id: &str| self.items.iter().position(|item| item["id"] == id);
        let (size, all) = (self.paging.size, self.items.len());
        let (start, end) = match place {
            Some((BEFORE, id)) => found(id).map(|end| (end.saturating_sub(size), end)),
            Some((_, id)) => found(id).map(|at| (at + 1, all.min(at + 1 + size))),
            None if self.paging.from_the_end => Some((all.saturating_sub(size), all)),
            None => Some((0, all.min(size))),
        }
        .map_or_else(|| refuse(StatusCode::BAD_REQUEST, "The cursor is not of this list."), Ok)?;
        let data = &self.items[start..end];
        // The document's list of all there is still has a `prev`, before its first item.
        let first = data.first().filter(|_| self.paging.from_the_end || start > 0);
        let last = data.last().filter(|_| end < all);
        let mut links = json!({ "prev": self.link(BEFORE, first), "next": self.link(AFTER, last) });
        if matches!(self.fault, Some(Fault::RepeatCursor)) {
            let (name, id) = place.map_or((BEFORE, first.map(|item| &item["id"])), |(name, _)| (name, None));
            let id = id.and_then(Value::as_str).or(place.map(|(_, id)| id)).unwrap_or_default();
            links[if name == BEFORE { "prev" } else { "next" }] = self.link(name, Some(&&json!({ "id": id })));
        }
        Ok(json_api(StatusCode::OK, &json!({ "data": data, "links": links })))
    }

    /// Where the page before or after this resource is, as the document writes it.
    fn link(&self, name: &str, resource: Option<&&Value>) -> Value {
        let Some(id) = resource.and_then(|resource| resource["id"].as_str()) else { return Value::Null };
        let mut url = Url::parse("http://example.org/v1/").expect("an address of ours");
        url.set_path(&format!("/v1/{}", self.name));
        let kept = self.query.iter().filter(|(known, _)| !matches!(known.as_str(), BEFORE | AFTER));
        url.query_pairs_mut().extend_pairs(kept).append_pair(name, id);
        String::from(url).into()
    }
}

/// The resources that a filter lets through.
fn filtered<'a>(items: &'a [Value], query: &[(String, String)], filter: &str, attribute: &str) -> Vec<&'a Value> {
    let wanted = query.iter().find(|(name, _)| name == filter).map(|(_, value)| value.as_str());
    items.iter().filter(|item| wanted.is_none_or(|wanted| item["attributes"][attribute] == wanted)).collect()
}

fn one(items: &[Value], id: &str) -> Answer {
    match items.iter().find(|item| item["id"] == id) {
        Some(item) => Ok(json_api(StatusCode::OK, &json!({ "data": item }))),
        None => refuse(StatusCode::NOT_FOUND, "There is no such resource."),
    }
}

fn of_request(fault: Option<Extension<Fault>>) -> Option<Fault> {
    fault.map(|Extension(fault)| fault)
}

async fn accounts(
    Shared(world): At,
    Query(query): Asked,
    fault: Option<Extension<Fault>>,
    headers: HeaderMap,
) -> Answer {
    check(&headers)?;
    let items = filtered(&world.accounts, &query, FILTER_CARDHOLDER, "cardholder");
    let (paging, fault) = (&world.paging, of_request(fault));
    List { name: "accounts", items, query: &query, paging, fault }.page(&[FILTER_CARDHOLDER])
}

async fn account(Shared(world): At, InPath(id): InPath<String>, headers: HeaderMap) -> Answer {
    check(&headers)?;
    one(&world.accounts, &id)
}

async fn balance(Shared(world): At, InPath(id): InPath<String>, headers: HeaderMap) -> Answer {
    check(&headers)?;
    one(&world.balances, &id)
}

/// "filter[account] required"
async fn balance_transactions(
    Shared(world): At,
    Query(query): Asked,
    fault: Option<Extension<Fault>>,
    headers: HeaderMap,
) -> Answer {
    check(&headers)?;
    if !query.iter().any(|(name, value)| name == FILTER_ACCOUNT && !value.is_empty()) {
        return refuse(StatusCode::BAD_REQUEST, "filter[account] is required.");
    }
    let items = filtered(&world.balance_transactions, &query, FILTER_ACCOUNT, "account");
    let (paging, fault) = (&world.paging, of_request(fault));
    List { name: "balance_transactions", items, query: &query, paging, fault }.page(&[FILTER_ACCOUNT])
}

async fn balance_transaction(Shared(world): At, InPath(id): InPath<String>, headers: HeaderMap) -> Answer {
    check(&headers)?;
    one(&world.balance_transactions, &id)
}

async fn cardholders(
    Shared(world): At,
    Query(query): Asked,
    fault: Option<Extension<Fault>>,
    headers: HeaderMap,
) -> Answer {
    check(&headers)?;
    let (paging, fault) = (&world.paging, of_request(fault));
    let items = world.cardholders.iter().collect();
    List { name: "cardholders", items, query: &query, paging, fault }.page(&[])
}

async fn cardholder(Shared(world): At, InPath(id): InPath<String>, headers: HeaderMap) -> Answer {
    check(&headers)?;
    one(&world.cardholders, &id)
}

/// "Only return cards belonging to the Cardholder with the provided ID."
async fn cards(Shared(world): At, Query(query): Asked, fault: Option<Extension<Fault>>, headers: HeaderMap) -> Answer {
    check(&headers)?;
    let accounts = filtered(&world.accounts, &query, FILTER_CARDHOLDER, "cardholder");
    let all = world.cards();
    let of_holder = |card: &&Value| accounts.iter().any(|account| account["id"] == card["attributes"]["account"]);
    let filters = query.iter().any(|(name, _)| name == FILTER_CARDHOLDER);
    let items = all.iter().filter(|card| !filters || of_holder(card)).collect();
    let (paging, fault) = (&world.paging, of_request(fault));
    List { name: "cards", items, query: &query, paging, fault }.page(&[FILTER_CARDHOLDER])
}

async fn card(Shared(world): At, InPath(id): InPath<String>, headers: HeaderMap) -> Answer {
    check(&headers)?;
    one(&world.cards(), &id)
}

/// "Update a card": its status, and nothing else.
async fn update_card(Shared(world): At, InPath(id): InPath<String>, headers: HeaderMap, body: Bytes) -> Answer {
    check(&headers)?;
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.trim() != MEDIA_TYPE {
        return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Content-Type must be application/vnd.api+json.");
    }
    let Ok(body) = serde_json::from_slice::<Value>(&body) else {
        return refuse(StatusCode::BAD_REQUEST, "The body is not JSON.");
    };
    let data = &body["data"];
    if data["type"] != "card" || data["id"] != id.as_str() {
        return refuse(StatusCode::CONFLICT, "The resource is not the one of the path.");
    }
    let status = data["attributes"]["status"].as_str().filter(|status| STATUSES.contains(status));
    let Some(status) = status else {
        return refuse(
            StatusCode::UNPROCESSABLE_ENTITY,
            "`status` must be active, inactive, canceled, lost or stolen.",
        );
    };
    let mut cards = world.cards();
    let Some(card) = cards.iter_mut().find(|card| card["id"] == id.as_str()) else {
        return refuse(StatusCode::NOT_FOUND, "There is no such resource.");
    };
    if FINAL.iter().any(|last| card["attributes"]["status"] == *last) && card["attributes"]["status"] != status {
        return refuse(StatusCode::CONFLICT, "A canceled, lost or stolen card cannot be reactivated.");
    }
    card["attributes"]["status"] = status.into();
    card["attributes"]["updated_at"] = Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true).into();
    Ok(json_api(StatusCode::OK, &json!({ "data": card })))
}
