//! `POST /v2/issuers/{organizationId}/users/{userId}/audits`, as published under "Create Audits".
//!
//! A user whose id begins with `unknown-` is not known (404 for the call), and a transaction whose id begins with
//! `refuse-` is refused by itself. One audit a transaction: a second one is a conflict.

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, State as Shared};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use super::errors::{At, kard, several};
use super::items::{self, Done, EXTRA, Mistakes};
use super::state::State;
use super::{Fault, UNKNOWN_USER, access};
use crate::job::AuditCode;

pub(super) const PATH: &str = "/v2/issuers/{organization}/users/{user}/audits";

const TYPE: &str = "audit";

/// One item, checked.
struct Audit {
    transaction: String,
    code: u16,
}

pub(super) async fn create(
    Shared(state): Shared<Arc<State>>,
    Path((organization, user)): Path<(String, String)>,
    fault: Option<Extension<Fault>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let read = || {
        access::check(&state, &headers, &organization)?;
        check(&items::read(&headers, &body, None)?)
    };
    let audits = match read() {
        Ok(audits) => audits,
        Err(refusal) => return *refusal,
    };
    if user.starts_with(UNKNOWN_USER) {
        return kard(StatusCode::NOT_FOUND, "User not found.", At::Nowhere);
    }
    let fault = fault.map(|Extension(fault)| fault);
    let done = audits.iter().enumerate().map(|(index, audit)| apply(&state, fault.as_ref(), &user, index, audit));
    let done: Vec<Done> = done.collect();
    if let Some(conflicts) = all_conflicts(&done) {
        return several(StatusCode::CONFLICT, &conflicts);
    }
    items::reply(StatusCode::CREATED, done, fault.as_ref(), told(EXTRA, "audit-000000000000"), true)
}

fn check(items: &[Value]) -> Result<Vec<Audit>, Box<Response>> {
    let mut mistakes = Mistakes::default();
    let mut audits = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let at = format!("/data/{index}");
        mistakes.discriminator(item, &at, TYPE);
        let (attributes, at) = (&item["attributes"], format!("{at}/attributes"));
        let transaction = mistakes.id(attributes, &at, "transactionId");
        mistakes.text(attributes, &at, "merchantName");
        mistakes.text(attributes, &at, "auditDescription");
        let number = attributes["auditCode"].as_u64().and_then(|number| u16::try_from(number).ok());
        match number.map(AuditCode::try_from) {
            Some(Ok(code)) => audits.push(Audit { transaction, code: code.number() }),
            _ => mistakes.add(&format!("{at}/auditCode"), "Must be 3005, 3006 or 8001."),
        }
    }
    mistakes.finish().map(|()| audits)
}

fn apply(state: &State, fault: Option<&Fault>, user: &str, index: usize, audit: &Audit) -> Done {
    let Audit { transaction, code } = audit;
    if let Some(refused) = items::unwanted(fault, index, transaction) {
        return refused;
    }
    match state.applied.audit(user, transaction, *code) {
        Some(id) => Done::Applied(told(transaction, &id)),
        None => items::refuse(StatusCode::CONFLICT, "An audit for this transaction exists.", index, transaction),
    }
}

/// The errors, if every item is a conflict: then the whole call is one.
fn all_conflicts(done: &[Done]) -> Option<Vec<Value>> {
    done.iter()
        .map(|item| match item {
            Done::Refused(error) if error["status"] == StatusCode::CONFLICT.as_str() => Some(error.clone()),
            _ => None,
        })
        .collect()
}

/// The item as the reply tells it.
fn told(transaction: &str, id: &str) -> Value {
    json!({ "type": TYPE, "id": id, "attributes": { "transactionId": transaction } })
}
