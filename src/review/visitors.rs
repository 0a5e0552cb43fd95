//! Who asks for a page: by the header of a proxy that is believed, or by the cookie of a session.

use std::net::IpAddr;

use axum::http::{HeaderMap, StatusCode};
use chrono::{TimeDelta, Utc};

use super::access::{Person, Visitor};
use super::desk::Desk;
use super::refused::Refused;
use super::tokens::{Cookie, Token};
use crate::exit::Failure;
use crate::journal::SessionRecord;
use crate::project::review::{SessionLimits, is_name};

/// By what somebody is known.
#[derive(Debug, Clone)]
pub enum By {
    Nothing,
    /// A session, by its token.
    Session(Token),
    /// A proxy, which has named them.
    Proxy,
}

/// Whoever asks, and by what they are known.
#[derive(Debug, Clone)]
pub struct Asking {
    pub visitor: Visitor,
    pub by: By,
}

/// Who cannot be told: the page that says why, or the server's own trouble.
#[derive(Debug)]
pub enum Unclear {
    Refused(Refused),
    Failed(Failure),
}

impl Asking {
    pub const fn nobody() -> Self {
        Self { visitor: Visitor { person: None, form_token: None, sign_in: false }, by: By::Nothing }
    }

    /// Whether a form has brought back the token that belongs to them.
    pub fn is_own_form(&self, desk: &Desk, brought: Option<&str>) -> bool {
        let Some(brought) = brought else { return false };
        match (&self.by, &self.visitor.person, &desk.gate().key) {
            (By::Session(token), ..) => token.is_of_form(brought),
            (By::Proxy, Some(person), Some(key)) => key.is_of_form_of(&person.name, brought),
            _ => false,
        }
    }
}

/// Who asks.
///
/// # Errors
/// When somebody speaks as the proxy that is not, or the journal cannot be read.
pub async fn asking(desk: &Desk, headers: &HeaderMap, peer: IpAddr) -> Result<Asking, Unclear> {
    let gate = desk.gate();
    let sign_in = gate.has_users();
    if let Some(person) = by_proxy(desk, headers, peer).map_err(Unclear::Refused)? {
        let form_token = gate.key.as_ref().map(|key| key.of_forms_of(&person.name));
        return Ok(Asking { visitor: Visitor { person: Some(person), form_token, sign_in }, by: By::Proxy });
    }
    let nobody = Asking { visitor: Visitor { sign_in, ..Visitor::default() }, by: By::Nothing };
    let Some(token) = Cookie::Session.read(headers, gate.is_https()).filter(|_| sign_in) else { return Ok(nobody) };
    let failed = |error: crate::journal::JournalError| Unclear::Failed(error.into());
    let id = token.id();
    let Some(session) = desk.journal().session(&id).await.map_err(failed)? else { return Ok(nobody) };
    if !lasts(&session, gate.session) {
        return Ok(nobody);
    }
    let Some(person) = gate.person(&session.name, &session.credential) else { return Ok(nobody) };
    let now = Utc::now();
    if now - session.seen_at > mark_after(gate.session) {
        desk.journal().session_seen(&id, now).await.map_err(failed)?;
    }
    let visitor = Visitor { person: Some(person), form_token: Some(token.of_forms()), sign_in };
    Ok(Asking { visitor, by: By::Session(token) })
}

fn lasts(session: &SessionRecord, limits: SessionLimits) -> bool {
    let now = Utc::now();
    let within = |since, limit| now - since < TimeDelta::from_std(limit).unwrap_or(TimeDelta::MAX);
    session.ended_at.is_none() && within(session.begun_at, limits.most) && within(session.seen_at, limits.idle)
}

/// Not each request is marked: a page of many files would write as often.
fn mark_after(limits: SessionLimits) -> TimeDelta {
    TimeDelta::from_std(limits.idle / 4).unwrap_or(TimeDelta::MAX).min(TimeDelta::minutes(1))
}

fn by_proxy(desk: &Desk, headers: &HeaderMap, peer: IpAddr) -> Result<Option<Person>, Refused> {
    let gate = desk.gate();
    let Some(proxy) = &gate.proxy else { return Ok(None) };
    let mut named = headers.get_all(proxy.header.as_str()).iter();
    let Some(name) = named.next() else { return Ok(None) };
    if !gate.is_proxy(peer) {
        tracing::warn!("{peer} says who asks, and is not the proxy of `review: proxy:`; refused");
        let words = "This request says by itself who asks. That is for the proxy alone to say. Nothing was done.";
        return Err(Refused::new(StatusCode::FORBIDDEN, words));
    }
    let name = name.to_str().ok().filter(|name| is_name(name));
    let (Some(name), None) = (name, named.next()) else {
        let words = "The proxy does not say clearly who asks. Nothing was done.";
        return Err(Refused::new(StatusCode::BAD_REQUEST, words));
    };
    let Some(role) = gate.role_by_proxy(name) else {
        let words = "You are known to the proxy, and have no role here. Whoever runs tieout can give you one.";
        return Err(Refused::new(StatusCode::FORBIDDEN, words));
    };
    Ok(Some(Person { name: name.to_owned(), role }))
}

/// The address that a try to sign in counts for: of the connection, or as the proxy says.
pub fn guest(desk: &Desk, headers: &HeaderMap, peer: IpAddr) -> IpAddr {
    if !desk.gate().is_proxy(peer) {
        return peer.to_canonical();
    }
    // The proxy adds the address that it has seen behind all that were claimed before.
    let told = headers.get_all("x-forwarded-for").iter().next_back().and_then(|value| value.to_str().ok());
    let last = told.and_then(|text| text.rsplit(',').next()?.trim().parse::<IpAddr>().ok());
    last.unwrap_or(peer).to_canonical()
}
