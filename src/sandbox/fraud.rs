//! `POST /v2/issuers/{organizationId}/fraud`, as published under "Flag Fraudulent Transactions".
//!
//! A user whose id begins with `unknown-` is not known, and a transaction whose id begins with `refuse-` is
//! refused: each item by itself.

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, State as Shared};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use super::items::{self, Done, EXTRA, Mistakes};
use super::state::State;
use super::{Fault, UNKNOWN_USER, access};

pub(super) const PATH: &str = "/v2/issuers/{organization}/fraud";

/// "Maximum of 500 fraudulent transactions can be created per request"
const MOST: usize = 500;
const TYPE: &str = "fraudulentTransaction";

/// One item, checked.
struct Marker {
    transaction: String,
    user: String,
}

pub(super) async fn mark(
    Shared(state): Shared<Arc<State>>,
    Path(organization): Path<String>,
    fault: Option<Extension<Fault>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let read = || {
        access::check(&state, &headers, &organization)?;
        check(&items::read(&headers, &body, Some(MOST))?)
    };
    let markers = match read() {
        Ok(markers) => markers,
        Err(refusal) => return *refusal,
    };
    let fault = fault.map(|Extension(fault)| fault);
    let done = markers.iter().enumerate().map(|(index, marker)| apply(&state, fault.as_ref(), index, marker));
    let extra = told(EXTRA, "nobody");
    items::reply(StatusCode::OK, done.collect(), fault.as_ref(), extra, false)
}

fn check(items: &[Value]) -> Result<Vec<Marker>, Box<Response>> {
    let mut mistakes = Mistakes::default();
    let mut markers = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let at = format!("/data/{index}");
        mistakes.discriminator(item, &at, TYPE);
        let transaction = mistakes.id(item, &at, "id");
        let user = mistakes.id(&item["attributes"], &format!("{at}/attributes"), "userId");
        markers.push(Marker { transaction, user });
    }
    mistakes.finish().map(|()| markers)
}

fn apply(state: &State, fault: Option<&Fault>, index: usize, Marker { transaction, user }: &Marker) -> Done {
    if let Some(refused) = items::unwanted(fault, index, transaction) {
        return refused;
    }
    if user.starts_with(UNKNOWN_USER) {
        return items::refuse(StatusCode::NOT_FOUND, "User not found.", index, transaction);
    }
    state.applied.mark(user, transaction);
    Done::Applied(told(transaction, user))
}

/// The item as the reply repeats it.
fn told(transaction: &str, user: &str) -> Value {
    json!({ "id": transaction, "type": TYPE, "attributes": { "userId": user } })
}
