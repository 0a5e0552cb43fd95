//! Who may use an issuer's endpoints: the bearer token, and the organization that it is good for.

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::ORGANIZATION;
use super::errors::{At, kard};
use super::state::{Bearer, State};

/// 401 without a good token, 403 for an organization that the token is not for.
pub(super) fn check(state: &State, headers: &HeaderMap, organization: &str) -> Result<(), Box<Response>> {
    let refuse = |status, detail, at| Err(Box::new(kard(status, detail, at)));
    match state.bearer(headers) {
        Bearer::Missing => refuse(StatusCode::UNAUTHORIZED, "A bearer token is required.", At::Header("Authorization")),
        Bearer::Refused => {
            let detail = "The token is unknown, expired or revoked.";
            refuse(StatusCode::UNAUTHORIZED, detail, At::Header("Authorization"))
        }
        Bearer::Good { issuer }
            if organization != ORGANIZATION || issuer.as_ref().is_some_and(|one| one != organization) =>
        {
            refuse(StatusCode::FORBIDDEN, "The token is not for this organization.", At::Nowhere)
        }
        Bearer::Good { .. } => Ok(()),
    }
}
