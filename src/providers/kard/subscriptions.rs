//! Subscriptions: which events Kard tells, and where ("Get Subscriptions", "Create Subscription", "Update
//! Subscription"). What is asked and what is answered; pure.

use serde::{Deserialize, Serialize};

use super::reply::{ShapeError, parse, shown};
use super::request::{body, document, segment};

/// The events that can be subscribed to (`NotificationType`). Kard may tell of others.
pub const EVENTS: [&str; 7] = [
    "earnedRewardApproved",
    "earnedRewardSettled",
    "validTransaction",
    "failedTransaction",
    "clawback",
    "auditUpdate",
    "fileProcessingResult",
];

/// One subscription as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "Written")]
pub struct Subscription {
    pub id: String,
    /// As sent: a word that is not published yet is carried.
    pub event: String,
    /// As sent.
    pub url: String,
    pub enabled: bool,
}

#[derive(Deserialize)]
struct Written {
    id: String,
    attributes: WrittenAttributes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenAttributes {
    event_name: String,
    webhook_url: String,
    enabled: bool,
}

impl From<Written> for Subscription {
    fn from(Written { id, attributes }: Written) -> Self {
        Self { id, event: attributes.event_name, url: attributes.webhook_url, enabled: attributes.enabled }
    }
}

/// Below `base_url`: the subscriptions (GET and POST). None when the organization cannot stand in a path.
pub fn subscriptions_path(organization: &str) -> Option<String> {
    Some(format!("/v2/issuers/{}/subscriptions", segment(organization)?))
}

/// Below `base_url`: one subscription (PATCH). None when organization or id cannot stand in a path.
pub fn subscription_path(organization: &str, id: &str) -> Option<String> {
    Some(format!("{}/{}", subscriptions_path(organization)?, segment(id)?))
}

/// The body of "Create Subscription" for one: the published names in the published order, no white space.
pub fn create_body(event: &str, url: &str, enabled: bool) -> Vec<u8> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Attributes<'a> {
        event_name: &'a str,
        webhook_url: &'a str,
        enabled: bool,
    }
    body(std::iter::once(Item { kind: TYPE, attributes: Attributes { event_name: event, webhook_url: url, enabled } }))
}

/// The body of "Update Subscription" that turns one on or off and leaves all else as it is.
pub fn update_body(enabled: bool) -> Vec<u8> {
    #[derive(Serialize)]
    struct Attributes {
        enabled: bool,
    }
    document(Item { kind: TYPE, attributes: Attributes { enabled } })
}

const TYPE: &str = "subscription";

#[derive(Serialize)]
struct Item<A> {
    #[serde(rename = "type")]
    kind: &'static str,
    attributes: A,
}

#[derive(Deserialize)]
struct Document<T> {
    data: T,
}

/// The 200 of "Get Subscriptions", by event, address and id.
///
/// # Errors
/// When a required field is missing or of another type.
pub fn list(body: &[u8]) -> Result<Vec<Subscription>, ShapeError> {
    let mut found = parse::<Document<Vec<Subscription>>>(body)?.data;
    found.sort_by(|left, right| (&left.event, &left.url, &left.id).cmp(&(&right.event, &right.url, &right.id)));
    Ok(found)
}

/// The 201 of "Create Subscription" for one of this event.
///
/// # Errors
/// When a required field is missing or of another type, or it is not this one.
pub fn created(body: &[u8], event: &str) -> Result<Subscription, ShapeError> {
    let found = parse::<Document<Vec<Subscription>>>(body)?.data;
    let came = found.len();
    match <[Subscription; 1]>::try_from(found) {
        Ok([one]) if one.event == event => Ok(one),
        Ok([one]) => Err(ShapeError::Subscription { asked: event.to_owned(), found: shown(&one.event) }),
        Err(_) => Err(ShapeError::Subscription { asked: event.to_owned(), found: format!("{came} of them") }),
    }
}

/// The 200 of "Update Subscription" for this id.
///
/// # Errors
/// When a required field is missing or of another type, or it is another one.
pub fn updated(body: &[u8], id: &str) -> Result<Subscription, ShapeError> {
    let found = parse::<Document<Subscription>>(body)?.data;
    if found.id == id {
        return Ok(found);
    }
    Err(ShapeError::Subscription { asked: id.to_owned(), found: shown(&found.id) })
}
