//! What the endpoints for effects share: a body that is a list of items, and a reply item by item.

use axum::Json;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::errors::{At, error, several};
use super::schema::Mistake;
use super::{Fault, UNKNOWN_USER};

/// A transaction whose id begins so is refused by itself.
pub(super) const REFUSED: &str = "refuse-";
pub(super) const REFUSED_DETAIL: &str = "The sandbox refuses transactions whose id begins with refuse-.";
pub(super) const UNKNOWN_DETAIL: &str = "User not found.";
/// The transaction that `extra_item` names.
pub(super) const EXTRA: &str = "nobody-sent-this";

/// What became of one item.
pub(super) enum Done {
    /// It took effect; this is how the reply tells it.
    Applied(Value),
    /// It did not; an `ErrorObject`.
    Refused(Value),
}

/// Collects what is wrong with a body, each with its JSON pointer.
#[derive(Default)]
pub(super) struct Mistakes(Vec<Value>);

impl Mistakes {
    pub(super) fn add(&mut self, pointer: &str, detail: &str) {
        self.0.push(error(StatusCode::BAD_REQUEST, detail, At::Pointer(pointer)));
    }

    /// # Errors
    /// 400 with every mistake, if there is one.
    pub(super) fn finish(self) -> Result<(), Box<Response>> {
        if self.0.is_empty() { Ok(()) } else { Err(Box::new(several(StatusCode::BAD_REQUEST, &self.0))) }
    }

    /// A text that must be there and may not be empty.
    pub(super) fn id(&mut self, object: &Value, at: &str, name: &str) -> String {
        let text = self.text(object, at, name);
        if object[name] == "" {
            self.add(&format!("{at}/{name}"), "Must not be empty.");
        }
        text
    }

    /// A text that must be there.
    pub(super) fn text(&mut self, object: &Value, at: &str, name: &str) -> String {
        match &object[name] {
            Value::String(text) => return text.clone(),
            Value::Null => self.add(&format!("{at}/{name}"), "Is required."),
            _ => self.add(&format!("{at}/{name}"), "Must be a string."),
        }
        String::new()
    }

    /// The item's `type`, the discriminator.
    pub(super) fn discriminator(&mut self, item: &Value, at: &str, expected: &str) {
        if item["type"] != expected {
            self.add(&format!("{at}/type"), &format!("Must be \"{expected}\"."));
        }
    }
}

/// The items of `data`, of which there is at least one, and at most `most` if that is given.
///
/// # Errors
/// 400 for a body that is not JSON or holds no such list.
pub(super) fn read(headers: &HeaderMap, body: &[u8], most: Option<usize>) -> Result<Vec<Value>, Box<Response>> {
    let Value::Array(items) = data(headers, body)? else {
        return not_as_a_whole("Must be a list.", At::Pointer("/data"));
    };
    match most {
        _ if items.is_empty() => not_as_a_whole("Must hold at least one item.", At::Pointer("/data")),
        Some(most) if items.len() > most => {
            not_as_a_whole(&format!("Maximum of {most} items per request."), At::Pointer("/data"))
        }
        _ => Ok(items),
    }
}

/// What the body holds as `data`; null when it has none.
///
/// # Errors
/// 400 for a body that is no JSON object.
pub(super) fn data(headers: &HeaderMap, body: &[u8]) -> Result<Value, Box<Response>> {
    let declared = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if declared.split(';').next().map(str::trim) != Some("application/json") {
        return not_as_a_whole("Must be application/json.", At::Header("Content-Type"));
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(mut document)) => Ok(document.remove("data").unwrap_or_default()),
        _ => not_as_a_whole("The body must be a JSON object.", At::Pointer("")),
    }
}

fn not_as_a_whole<T>(detail: &str, at: At<'_>) -> Result<T, Box<Response>> {
    Err(Box::new(several(StatusCode::BAD_REQUEST, &[error(StatusCode::BAD_REQUEST, detail, at)])))
}

/// The `ErrorObject` of an item that is not as published, naming the item where its id can be read.
pub(super) fn mistaken(index: usize, item: &Value, (at, words): Mistake) -> Value {
    let mut told = error(StatusCode::BAD_REQUEST, &words, At::Pointer(&format!("/data/{index}{at}")));
    if let Some(id) = item["id"].as_str() {
        told["id"] = id.into();
    }
    told
}

/// The refusal of a whole call that the fault plan wants on account of its first item.
pub(super) fn refused_call(fault: Option<&Fault>, items: &[Value]) -> Option<Response> {
    let first = items.first().filter(|_| fault == Some(&Fault::RefuseCall))?;
    let mistake = (String::new(), "The fault plan wants this.".to_owned());
    Some(several(StatusCode::BAD_REQUEST, &[mistaken(0, first, mistake)]))
}

/// The refusal that the conventions or the fault plan have for a transaction event, if any.
pub(super) fn unwelcome(fault: Option<&Fault>, index: usize, id: &str, transaction: &str, user: &str) -> Option<Done> {
    let planned = unwanted(fault, index, id);
    if planned.is_some() {
        return planned;
    }
    if transaction.starts_with(REFUSED) {
        return Some(refuse(StatusCode::BAD_REQUEST, REFUSED_DETAIL, index, id));
    }
    user.starts_with(UNKNOWN_USER).then(|| refuse(StatusCode::NOT_FOUND, UNKNOWN_DETAIL, index, id))
}

/// Refuses one item, naming it.
pub(super) fn refuse(status: StatusCode, detail: &str, index: usize, transaction: &str) -> Done {
    let mut refused = error(status, detail, At::Pointer(&format!("/data/{index}")));
    refused["id"] = transaction.into();
    Done::Refused(refused)
}

/// The refusal that the conventions or the fault plan have for an item, if any.
pub(super) fn unwanted(fault: Option<&Fault>, index: usize, transaction: &str) -> Option<Done> {
    let planned = "The fault plan wants this.";
    match fault {
        Some(Fault::RefuseItem) if index == 0 => Some(refuse(StatusCode::BAD_REQUEST, planned, index, transaction)),
        Some(Fault::BusyItem) if index == 0 => Some(refuse(StatusCode::TOO_MANY_REQUESTS, planned, index, transaction)),
        Some(Fault::ErrorWithoutId) if index == 0 => {
            Some(Done::Refused(error(StatusCode::BAD_REQUEST, planned, At::Nowhere)))
        }
        _ if transaction.starts_with(REFUSED) => {
            Some(refuse(StatusCode::BAD_REQUEST, REFUSED_DETAIL, index, transaction))
        }
        _ => None,
    }
}

/// The reply: `full` when every item took effect, 207 otherwise; `data` is left out of a 207 that has none
/// if `sparse`. `extra` is what `extra_item` adds.
pub(super) fn reply(full: StatusCode, done: Vec<Done>, fault: Option<&Fault>, extra: Value, sparse: bool) -> Response {
    let (mut data, mut errors) = (Vec::new(), Vec::new());
    for item in done {
        match item {
            Done::Applied(item) => data.push(item),
            Done::Refused(error) => errors.push(error),
        }
    }
    match fault {
        Some(Fault::MissingItem) => drop(data.pop()),
        Some(Fault::ExtraItem) => data.push(extra),
        Some(Fault::RepeatItem) => data.extend(data.first().cloned()),
        _ => {}
    }
    if errors.is_empty() {
        return (full, Json(json!({ "data": data }))).into_response();
    }
    let mut body = Map::new();
    body.insert("errors".to_owned(), errors.into());
    if !(sparse && data.is_empty()) {
        body.insert("data".to_owned(), data.into());
    }
    (StatusCode::MULTI_STATUS, Json(body)).into_response()
}
