//! `POST /v2/issuers/{organizationId}/transactions`, as published under "Create Incoming Transactions".
//!
//! Each item is judged by itself. An event that is known already is a conflict, whatever it says. An item whose
//! transaction id begins with `refuse-`, or whose user id begins with `unknown-`, is refused.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State as Shared};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::{Value, json};

use super::errors::several;
use super::ingest::Arrival;
use super::items::{self, Done};
use super::schema::{self, Fitting, Item};
use super::state::{State, random_id};
use super::{Fault, access};

pub(super) const PATH: &str = "/v2/issuers/{organization}/transactions";

/// "Maximum of 500 transactions can be created per request"
const MOST: usize = 500;

pub(super) async fn create(
    Shared(state): Shared<Arc<State>>,
    Path(organization): Path<String>,
    fault: Option<Extension<Fault>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let read = || {
        access::check(&state, &headers, &organization)?;
        items::read(&headers, &body, Some(MOST))
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
    let mut errors = Vec::new();
    for (index, item) in items.iter().enumerate() {
        errors.extend(refusals(&state, fault.as_ref(), source, index, item));
    }
    let refused = errors.iter().map(|(index, _)| index).collect::<std::collections::BTreeSet<_>>().len();
    let errors: Vec<Value> = errors.into_iter().map(|(_, error)| error).collect();
    let all = |status: StatusCode| errors.iter().all(|error| error["status"] == status.as_str());
    if refused == items.len() && all(StatusCode::CONFLICT) {
        return several(StatusCode::CONFLICT, &errors);
    }
    if refused == items.len() && all(StatusCode::BAD_REQUEST) {
        return several(StatusCode::BAD_REQUEST, &errors);
    }
    let message = format!("{} transactions are queued.", items.len() - refused);
    let job = json!({
        "type": "transaction", "id": random_id(), "attributes": { "status": "queued", "message": message },
    });
    if errors.is_empty() {
        return (StatusCode::ACCEPTED, Json(json!({ "data": job }))).into_response();
    }
    (StatusCode::MULTI_STATUS, Json(json!({ "errors": errors, "data": job }))).into_response()
}

/// Why an item is not taken, each with the item's index; nothing when it is.
fn refusals(state: &State, fault: Option<&Fault>, source: u32, index: usize, item: &Value) -> Vec<(usize, Value)> {
    let fitting = match schema::check(item, &[Item::Transaction, Item::Matched, Item::Core]) {
        Ok(fitting) => fitting,
        Err(mistakes) => {
            let told = |mistake| (index, items::mistaken(index, item, mistake));
            return mistakes.into_iter().map(told).collect();
        }
    };
    let Fitting { id, transaction, user, content } = fitting;
    let refused = items::unwelcome(fault, index, &id, &transaction, &user).or_else(|| {
        let detail = match state.ledger.arrive(source, &id, content) {
            Arrival::New => return None,
            Arrival::Repeated { .. } => "An event with this id exists.",
            Arrival::Conflicting => "An event with this id exists, and says something else.",
        };
        Some(items::refuse(StatusCode::CONFLICT, detail, index, &id))
    });
    match refused {
        Some(Done::Refused(error)) => vec![(index, error)],
        _ => Vec::new(),
    }
}
