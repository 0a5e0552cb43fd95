//! A user's upload of historical transactions, as published under "Create Upload", "Add Upload Part" and
//! "Update Upload": start, parts, complete.
//!
//! A user whose id begins with `unknown-` is not known, and an item whose transaction id begins with `refuse-` is
//! refused by itself. An event that is known already is taken without a word, and counted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::{Path, State as Shared};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::{Value, json};

use super::errors::{At, kard};
use super::items::{self, Done, Mistakes};
use super::schema::{self, Item};
use super::state::{State, random_id};
use super::{Fault, UNKNOWN_USER, access};

pub(super) const START: &str = "/v2/issuers/{organization}/users/{user}/uploads";
pub(super) const PART: &str = "/v2/issuers/{organization}/users/{user}/uploads/{upload}/parts";
pub(super) const COMPLETE: &str = "/v2/issuers/{organization}/users/{user}/uploads/{upload}";

/// "Maximum of 500 transactions can be uploaded per request"
const MOST: usize = 500;

/// A user's upload, as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoricalSession {
    pub id: String,
    pub user: String,
    /// Calls that brought a part of which something was taken.
    pub parts: u32,
    /// By the event's id: how often it was taken.
    pub items: BTreeMap<String, u32>,
    /// How often it was completed: 1, or that was asked for again.
    pub completed: u32,
}

/// Every session, in the order in which they were started.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<Vec<HistoricalSession>>);

impl Sessions {
    /// What `with` makes of a user's session; none when there is no such session.
    fn with<T>(&self, user: &str, id: &str, with: impl FnOnce(&mut HistoricalSession) -> T) -> Option<T> {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.iter_mut().find(|session| session.id == id && session.user == user).map(with)
    }

    fn start(&self, user: &str) -> String {
        let id = random_id();
        let (user, items) = (user.to_owned(), BTreeMap::new());
        let session = HistoricalSession { id: id.clone(), user, parts: 0, items, completed: 0 };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(session);
        id
    }

    pub(super) fn all(&self) -> Vec<HistoricalSession> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

pub(super) async fn start(
    Shared(state): Shared<Arc<State>>,
    Path((organization, user)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    const TYPE: &str = "historicalTransactionStart";
    let read = || {
        access::check(&state, &headers, &organization)?;
        signal(&headers, &body, TYPE, None)
    };
    match read() {
        Err(refusal) => *refusal,
        Ok(()) if user.starts_with(UNKNOWN_USER) => kard(StatusCode::NOT_FOUND, "User not found.", At::Nowhere),
        Ok(()) => Json(json!({ "data": told(TYPE, &state.sessions.start(&user)) })).into_response(),
    }
}

pub(super) async fn part(
    Shared(state): Shared<Arc<State>>,
    Path((organization, user, upload)): Path<(String, String, String)>,
    fault: Option<Extension<Fault>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let read = || {
        access::check(&state, &headers, &organization)?;
        let items = items::read(&headers, &body, Some(MOST))?;
        match state.sessions.with(&user, &upload, |session| session.completed > 0) {
            None => Err(Box::new(unknown())),
            Some(true) => {
                let detail = "The upload is complete: it takes no more parts.";
                Err(Box::new(kard(StatusCode::BAD_REQUEST, detail, At::Nowhere)))
            }
            Some(false) => Ok(items),
        }
    };
    let items = match read() {
        Ok(items) => items,
        Err(refusal) => return *refusal,
    };
    let fault = fault.map(|Extension(fault)| fault);
    if let Some(refusal) = items::refused_call(fault.as_ref(), &items) {
        return refusal;
    }
    let source = state.ledger.source();
    let (mut done, mut taken) = (Vec::new(), Vec::new());
    for (index, item) in items.iter().enumerate() {
        match judge(fault.as_ref(), &user, index, item) {
            Ok((id, content)) => {
                state.ledger.arrive(source, &id, content);
                taken.push(id);
                done.push(Done::Applied(told(Item::Historical.name(), &upload)));
            }
            Err(refusals) => done.extend(refusals.into_iter().map(Done::Refused)),
        }
    }
    state.sessions.with(&user, &upload, |session| {
        session.parts += u32::from(!taken.is_empty());
        for id in taken {
            *session.items.entry(id).or_default() += 1;
        }
    });
    let extra = told(Item::Historical.name(), items::EXTRA);
    items::reply(StatusCode::OK, done, fault.as_ref(), extra, true)
}

/// The id of the event and what it says.
fn judge(fault: Option<&Fault>, user: &str, index: usize, item: &Value) -> Result<(String, u64), Vec<Value>> {
    let fitting = schema::check(item, &[Item::Historical]).map_err(|mistakes| {
        mistakes.into_iter().map(|mistake| items::mistaken(index, item, mistake)).collect::<Vec<_>>()
    })?;
    if fitting.user != user {
        let mistake = ("/attributes/userId".to_owned(), "Must be the user of the upload.".to_owned());
        return Err(vec![items::mistaken(index, item, mistake)]);
    }
    match items::unwelcome(fault, index, &fitting.id, &fitting.transaction, &fitting.user) {
        Some(Done::Refused(error)) => Err(vec![error]),
        _ => Ok((fitting.id, fitting.content)),
    }
}

pub(super) async fn complete(
    Shared(state): Shared<Arc<State>>,
    Path((organization, user, upload)): Path<(String, String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    const TYPE: &str = "historicalTransactionComplete";
    let read = || {
        access::check(&state, &headers, &organization)?;
        signal(&headers, &body, TYPE, Some(&upload))
    };
    if let Err(refusal) = read() {
        return *refusal;
    }
    let times = state.sessions.with(&user, &upload, |session| {
        session.completed += 1;
        session.completed
    });
    match times {
        None => unknown(),
        Some(1) => Json(json!({ "data": told(TYPE, &upload) })).into_response(),
        Some(_) => kard(StatusCode::CONFLICT, "The upload is complete already.", At::Nowhere),
    }
}

/// Checks a body that is no list: a type, attributes that are an object, and the id if one is wanted.
fn signal(headers: &HeaderMap, body: &[u8], kind: &str, id: Option<&str>) -> Result<(), Box<Response>> {
    let data = items::data(headers, body)?;
    let mut mistakes = Mistakes::default();
    mistakes.discriminator(&data, "/data", kind);
    if !data["attributes"].is_object() {
        mistakes.add("/data/attributes", "Must be an object.");
    }
    if id.is_some_and(|id| data["id"] != id) {
        mistakes.add("/data/id", "Must be the id of the upload.");
    }
    mistakes.finish()
}

fn unknown() -> Response {
    kard(StatusCode::NOT_FOUND, "Upload not found.", At::Nowhere)
}

fn told(kind: &str, id: &str) -> Value {
    json!({ "type": kind, "id": id, "attributes": {} })
}
