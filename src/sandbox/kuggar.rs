//! A Kuggar, strict by its published developer guide: login, and cards that are created, modified, deleted and viewed.
//!
//! What the guide leaves open is decided here: the login answers a JSON text, errors are `{title, status, detail}`, a
//! card from the cache is `Created` and at the next look `Updated`, a deleted card takes no change, and an issuer fails
//! every limit of a million or more.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::{Path as Segment, State as Shared};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{Datelike as _, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::SamplesError;
use super::mounts::Mount;
use super::state::{Bearer, State, random_id};
use crate::job::Unit;
use crate::money;
use crate::providers::kuggar::{SANDBOX_CLIENT_ID as CLIENT_ID, SANDBOX_CLIENT_SECRET as CLIENT_SECRET};

const AUTH: &str = "/api/v2/identity/auth";
const CARDS: &str = "/api/v2/virtual_card";
const CARD: &str = "/api/v2/virtual_card/{card}";

/// A limit of so many major units is more than the issuers of the sandbox take.
const TOO_MUCH: i64 = 1_000_000;
/// What a made-up card number begins with: a range for tests.
const TEST_RANGE: &str = "541333";

pub(super) const MOUNT: Mount = Mount {
    name: "kuggar",
    endpoints: &["kuggar.auth", "kuggar.card", "kuggar.create", "kuggar.modify", "kuggar.delete"],
    endpoint,
    refusal: problem,
    router,
    settings: &[("client_id", CLIENT_ID), ("client_secret", CLIENT_SECRET)],
};

/// One card as "Kuggar Card Response" tells it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Held {
    kuggar_id: String,
    provider: String,
    provider_id: String,
    card_holder_name: Option<String>,
    card_number: Option<String>,
    card_security_code: Option<String>,
    card_expiry: Option<String>,
    valid_from_date: String,
    valid_to_date: String,
    card_limit: Box<RawValue>,
    currency_code: String,
    funding_currency_code: String,
    enhanced_data_fields: Vec<DataField>,
    state: String,
    failure_reason: Option<String>,
    /// Of another client: nobody here may see it. No part of the response.
    #[serde(default, skip_serializing)]
    foreign: bool,
    /// From the cache, and not yet brought up to date at the provider. No part of the response.
    #[serde(skip)]
    waits: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DataField {
    name: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Samples {
    cards: Vec<Held>,
}

/// The cards that stand, by id.
type Cards = Arc<Mutex<BTreeMap<String, Held>>>;
type World = Shared<(Arc<State>, Cards)>;

fn endpoint(method: &Method, path: &str) -> Option<&'static str> {
    if path == AUTH {
        return Some("kuggar.auth");
    }
    path.strip_prefix(CARDS)?;
    match *method {
        Method::GET => Some("kuggar.card"),
        Method::POST => Some("kuggar.create"),
        Method::PUT => Some("kuggar.modify"),
        Method::DELETE => Some("kuggar.delete"),
        _ => None,
    }
}

fn router(state: &Arc<State>, folder: &Path) -> Result<Router, SamplesError> {
    let cards = Arc::new(Mutex::new(read(folder)?));
    Ok(Router::new()
        .route(AUTH, post(grant))
        .route(CARDS, post(create))
        .route(CARD, get(view).put(modify).delete(delete))
        .fallback(|| async { problem(StatusCode::NOT_FOUND, "URL is invalid.") })
        .method_not_allowed_fallback(|| async { problem(StatusCode::METHOD_NOT_ALLOWED, "No such method here.") })
        .with_state((Arc::clone(state), cards)))
}

fn read(folder: &Path) -> Result<BTreeMap<String, Held>, SamplesError> {
    let path = folder.join("cards.json");
    if !folder.is_dir() {
        return Ok(BTreeMap::new());
    }
    let text = std::fs::read(&path).map_err(|source| SamplesError::Unreadable { path: path.clone(), source })?;
    let Samples { cards } =
        serde_json::from_slice(&text).map_err(|source| SamplesError::Malformed { path: path.clone(), source })?;
    let mut by_id = BTreeMap::new();
    for card in cards {
        let id = card.kuggar_id.clone();
        if by_id.insert(id.clone(), card).is_some() {
            return Err(SamplesError::Repeated { path, id });
        }
    }
    Ok(by_id)
}

/// An error. Its shape is not published; this is what many such APIs answer.
fn problem(status: StatusCode, detail: &str) -> Response {
    let title = status.canonical_reason().unwrap_or("Error");
    (status, Json(json!({ "title": title, "status": status.as_u16(), "detail": detail }))).into_response()
}

type Refused = Box<Response>;

fn refuse<T>(status: StatusCode, detail: &str) -> Result<T, Refused> {
    Err(Box::new(problem(status, detail)))
}

/// "00. Authentication"
async fn grant(Shared((state, _)): World, headers: HeaderMap, body: Bytes) -> Response {
    match login(&headers, &body) {
        Ok(()) => Json(token(&state)).into_response(),
        Err(refused) => *refused,
    }
}

fn login(headers: &HeaderMap, body: &[u8]) -> Result<(), Refused> {
    let fields = object(headers, body, &["clientId", "clientSecret"])?;
    let text = |name: &str| fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    match (text("clientId"), text("clientSecret")) {
        (Some(CLIENT_ID), Some(CLIENT_SECRET)) => Ok(()),
        (Some(_), Some(_)) => refuse(StatusCode::UNAUTHORIZED, "The credentials are not known."),
        _ => refuse(StatusCode::BAD_REQUEST, "clientId and clientSecret are required, and are texts."),
    }
}

/// A JSON web token whose signature is the sandbox's own secret: nobody checks it but this sandbox.
fn token(state: &State) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let life = i64::try_from(state.token_life.as_secs()).unwrap_or(i64::MAX / 2);
    let claims = json!({ "sub": CLIENT_ID, "exp": Utc::now().timestamp().saturating_add(life) });
    let head = format!("{}.{}", part(&json!({ "alg": "none", "typ": "JWT" })), part(&claims));
    state.grant_with(|secret| format!("{head}.{secret}"))
}

/// 401 without a good token. It stands in the header as it is, no word before it.
fn admitted(state: &State, headers: &HeaderMap) -> Result<(), Refused> {
    let Some(token) = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()) else {
        return refuse(StatusCode::UNAUTHORIZED, "Authentication token not provided.");
    };
    match state.worth(token) {
        Bearer::Good { .. } => Ok(()),
        Bearer::Missing | Bearer::Refused => refuse(StatusCode::UNAUTHORIZED, "Authentication token is invalid."),
    }
}

/// A card that stands and is this client's.
fn found<'a>(cards: &'a mut BTreeMap<String, Held>, id: &str) -> Result<&'a mut Held, Refused> {
    match cards.get_mut(&id.to_ascii_lowercase()) {
        None => refuse(StatusCode::NOT_FOUND, "URL is invalid: there is no such card."),
        Some(card) if card.foreign => refuse(StatusCode::FORBIDDEN, "Not authorised for this object."),
        Some(card) => Ok(card),
    }
}

/// "04. Card View"
async fn view(Shared((state, cards)): World, Segment(id): Segment<String>, headers: HeaderMap) -> Response {
    answered(StatusCode::OK, || {
        admitted(&state, &headers)?;
        let mut cards = cards.lock().unwrap_or_else(PoisonError::into_inner);
        let card = found(&mut cards, &id)?;
        if std::mem::take(&mut card.waits) {
            "Updated".clone_into(&mut card.state);
        }
        Ok(card.clone())
    })
}

/// "01. Card Creation"
async fn create(Shared((state, cards)): World, headers: HeaderMap, body: Bytes) -> Response {
    answered(StatusCode::CREATED, || {
        admitted(&state, &headers)?;
        let wanted = Wanted::read(&headers, &body, None)?;
        let mut cards = cards.lock().unwrap_or_else(PoisonError::into_inner);
        let card = wanted.card(cards.len());
        cards.insert(card.kuggar_id.clone(), card.clone());
        Ok(card)
    })
}

/// "02. Card Modification"
async fn modify(
    Shared((state, cards)): World,
    Segment(id): Segment<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answered(StatusCode::OK, || {
        admitted(&state, &headers)?;
        let mut cards = cards.lock().unwrap_or_else(PoisonError::into_inner);
        let card = found(&mut cards, &id)?;
        let wanted = Wanted::read(&headers, &body, Some(&card.currency_code))?;
        if card.state == "Deleted" {
            return refuse(StatusCode::BAD_REQUEST, "The card is deleted.");
        }
        wanted.change(card, "Updated");
        Ok(card.clone())
    })
}

/// "03. Card Deletion": the card can still be viewed.
async fn delete(Shared((state, cards)): World, Segment(id): Segment<String>, headers: HeaderMap) -> Response {
    answered(StatusCode::OK, || {
        admitted(&state, &headers)?;
        let mut cards = cards.lock().unwrap_or_else(PoisonError::into_inner);
        let card = found(&mut cards, &id)?;
        if card.state == "Deleted" {
            return refuse(StatusCode::BAD_REQUEST, "The card is deleted already.");
        }
        "Deleted".clone_into(&mut card.state);
        (card.waits, card.failure_reason) = (false, None);
        Ok(card.clone())
    })
}

fn answered(status: StatusCode, work: impl FnOnce() -> Result<Held, Refused>) -> Response {
    match work() {
        Ok(card) => (status, Json(card)).into_response(),
        Err(refused) => *refused,
    }
}

/// A body that is a JSON object with no other fields than these.
fn object(headers: &HeaderMap, body: &[u8], known: &[&str]) -> Result<serde_json::Map<String, Value>, Refused> {
    let declared = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if declared.split(';').next().map(str::trim) != Some("application/json") {
        return refuse(StatusCode::BAD_REQUEST, "Content-Type must be application/json.");
    }
    let Ok(Value::Object(fields)) = serde_json::from_slice(body) else {
        return refuse(StatusCode::BAD_REQUEST, "Request was malformed: expected a JSON object.");
    };
    match fields.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => refuse(StatusCode::BAD_REQUEST, &format!("{name}: no such field.")),
        None => Ok(fields),
    }
}

/// What a body asks for, checked.
struct Wanted {
    valid_from: NaiveDate,
    valid_to: NaiveDate,
    limit: Box<RawValue>,
    limit_minor: i64,
    currency: String,
    use_cache: bool,
    enhanced_data: Option<Vec<DataField>>,
}

impl Wanted {
    /// The body of a creation, or of a modification of a card of this currency.
    fn read(headers: &HeaderMap, body: &[u8], of: Option<&str>) -> Result<Self, Refused> {
        const BOTH: [&str; 5] =
            ["validFromDate", "validToDate", "cardLimit", "maxAuthorisationCount", "enhancedDataFields"];
        let known = if of.is_some() { BOTH.to_vec() } else { [&BOTH[..], &["currencyCode", "useCache"]].concat() };
        let fields = object(headers, body, &known)?;
        let wrong = |detail: &str| Box::new(problem(StatusCode::BAD_REQUEST, detail));
        let day = |name: &str| {
            let text = fields.get(name).and_then(Value::as_str).filter(|text| text.len() == 10);
            text.and_then(|text| text.parse::<NaiveDate>().ok())
                .ok_or_else(|| wrong(&format!("{name}: is required, and is a date such as 2023-01-31.")))
        };
        let (valid_from, valid_to) = (day("validFromDate")?, day("validToDate")?);
        if valid_to < valid_from {
            return Err(wrong("validToDate: is before validFromDate."));
        }
        let currency = of.or_else(|| fields.get("currencyCode").and_then(Value::as_str)).unwrap_or_default();
        let exponent = money::exponent(currency)
            .ok_or_else(|| wrong("currencyCode: is required, and is a code of ISO 4217 such as AUD."))?;
        let limit = limit_of(body).ok_or_else(|| wrong("cardLimit: is required, and is a number such as 123.45."))?;
        let limit_minor = money::parse_minor(limit.get(), Unit::Major, exponent).ok().filter(|minor| *minor > 0);
        let limit_minor =
            limit_minor.ok_or_else(|| wrong("cardLimit: is no amount above zero with the currency's decimals."))?;
        if fields.get("maxAuthorisationCount").is_some_and(|count| count.as_u64().is_none_or(|count| count == 0)) {
            return Err(wrong("maxAuthorisationCount: is a whole number above zero."));
        }
        let use_cache = match fields.get("useCache") {
            None => true,
            Some(value) => value.as_bool().ok_or_else(|| wrong("useCache: is true or false."))?,
        };
        let enhanced_data = match fields.get("enhancedDataFields") {
            None => None,
            Some(list) => Some(
                serde_json::from_value(list.clone())
                    .map_err(|_| wrong("enhancedDataFields: is a list of {name, value}, both texts."))?,
            ),
        };
        let currency = currency.to_owned();
        Ok(Self { valid_from, valid_to, limit, limit_minor, currency, use_cache, enhanced_data })
    }

    /// A new card.
    fn card(self, number: usize) -> Held {
        let id = random_id();
        let year = self.valid_to.year() + 1;
        let mut card = Held {
            kuggar_id: format!("{}-{}-{}-{}-{}", &id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]),
            provider: "WEX".to_owned(),
            provider_id: format!("SBX{}", id[..15].to_ascii_uppercase()),
            card_holder_name: None,
            card_number: Some(test_number(number)),
            card_security_code: Some(format!("{:03}", (number * 7 + 470) % 1_000)),
            card_expiry: Some(format!("{:02}/{year}", self.valid_to.month())),
            valid_from_date: String::new(),
            valid_to_date: String::new(),
            card_limit: self.limit.clone(),
            currency_code: self.currency.clone(),
            funding_currency_code: self.currency.clone(),
            enhanced_data_fields: Vec::new(),
            state: String::new(),
            failure_reason: None,
            foreign: false,
            waits: false,
        };
        let waits = self.use_cache;
        self.change(&mut card, "Created");
        card.waits = waits && card.state == "Created";
        card
    }

    fn change(self, card: &mut Held, state: &str) {
        let at_midnight = |day: NaiveDate| format!("{day}T00:00:00Z");
        (card.valid_from_date, card.valid_to_date) = (at_midnight(self.valid_from), at_midnight(self.valid_to));
        card.card_limit = self.limit;
        if let Some(data) = self.enhanced_data {
            card.enhanced_data_fields = data;
        }
        let scale = 10_i64.pow(u32::from(money::exponent(&self.currency).unwrap_or(2)));
        let fails = self.limit_minor / scale >= TOO_MUCH;
        (if fails { "Failed" } else { state }).clone_into(&mut card.state);
        card.failure_reason = fails.then(|| "The issuer takes no such limit.".to_owned());
        card.waits = false;
    }
}

/// The limit as it stands in the body.
fn limit_of(body: &[u8]) -> Option<Box<RawValue>> {
    #[derive(Deserialize)]
    struct Limit {
        #[serde(rename = "cardLimit")]
        limit: Box<RawValue>,
    }
    let Limit { limit } = serde_json::from_slice(body).ok()?;
    limit.get().starts_with(|c: char| c == '-' || c.is_ascii_digit()).then_some(limit)
}

/// Sixteen digits of a test range, with a good check digit.
fn test_number(number: usize) -> String {
    let body = format!("{TEST_RANGE}{:09}", number % 1_000_000_000);
    let doubled = |(index, byte): (usize, u8)| {
        let digit = u32::from(byte - b'0');
        if index % 2 == 0 { if digit > 4 { 2 * digit - 9 } else { 2 * digit } } else { digit }
    };
    let sum: u32 = body.bytes().rev().enumerate().map(doubled).sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}
