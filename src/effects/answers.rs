//! What an answer means for a parcel or a session: one table, pure.
//!
//! Each row carries an event id, so what may have arrived is sent again: a second arrival is known by its ids. Only
//! what contradicts itself, or what nobody can place, is in doubt.

use std::collections::HashSet;
use std::time::Duration;

use super::outcome::{Judgement, Next, Reply, acknowledged, in_doubt, not_sent, told, words_of};
use super::parcels::row_ids;
use super::{Body, Call, Doubt, EffectKind, Event, RefusedRow, Standing};
use crate::exit::ExitCode;
use crate::providers::http::Answer;
use crate::providers::kard::reply_effects::{self, ItemError};
use crate::providers::kard::reply_transactions::{self, storage_error};

/// What a conflict proves.
const THERE: &str = "Kard has it already (409): an earlier attempt had arrived";

/// Judges the answer to a call of one parcel or for one session.
pub fn judge(call: &Call, standing: &Standing, answer: &Answer) -> Judgement {
    let sent = Sent { call, standing };
    match answer {
        Answer::NotSent { why } => sent.judged(not_sent(told(why)), Next::Unavailable, told(why)),
        Answer::Lost { why } => sent.again(Doubt::NoReply, None, told(why)),
        Answer::Reply { status, retry_after, body, web_page } => {
            let reply = Reply { status: *status, retry_after: *retry_after, body, web_page: *web_page };
            match call.kind {
                EffectKind::BulkFile => sent.storage(reply),
                _ => sent.api(reply),
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Sent<'a> {
    call: &'a Call,
    standing: &'a Standing,
}

impl Sent<'_> {
    fn judged(self, event: Event, next: Next, words: String) -> Judgement {
        Judgement { events: vec![(self.standing.effect.id.clone(), event)], next, words }
    }

    /// It may have arrived; the provider may have said how long to wait.
    fn again(self, doubt: Doubt, wait: Option<Duration>, why: String) -> Judgement {
        self.judged(Event::Again { doubt, why: why.clone() }, Next::Again { wait }, why)
    }

    fn not_sent(self, next: Next, why: String) -> Judgement {
        self.judged(not_sent(why.clone()), next, why)
    }

    fn doubt(self, doubt: Doubt, why: String) -> Judgement {
        self.judged(in_doubt(doubt, why.clone()), Next::GoOn, why)
    }

    fn rejected(self, why: String) -> Judgement {
        self.judged(Event::Rejected { why: why.clone() }, Next::GoOn, why)
    }

    /// The storage behind a presigned URL speaks XML.
    fn storage(self, reply: Reply<'_>) -> Judgement {
        let error = storage_error(reply.body);
        let code = error.as_ref().map(|(code, _)| code.as_str());
        let says = match &error {
            Some((code, message)) => told(&format!("the storage says {} {code}: {message}", reply.status)),
            None => format!("the storage says {}", reply.status),
        };
        match (reply.status, code) {
            // Not the page of a portal that stands before the storage.
            (200, None) if !reply.web_page => {
                self.judged(acknowledged(self.standing.session.clone(), None), Next::GoOn, says)
            }
            // Nothing of a PUT that was cut off is kept.
            (400, Some("RequestTimeout" | "IncompleteBody")) => self.not_sent(Next::Again { wait: None }, says),
            // The URL is worth nothing (any more): the bytes go to a new one.
            (400, Some("ExpiredToken")) | (401 | 403, _) => {
                self.judged(Event::NotSent { why: says.clone(), alone: true }, Next::GoOn, says)
            }
            (429, _) => self.not_sent(Next::Again { wait: reply.retry_after }, says),
            (..=299 | 408 | 500 | 502.., _) => self.again(Doubt::ServerError, reply.retry_after, says),
            (300..=399 | 404 | 405 | 407, _) => self.another_storage(&says),
            // A PUT with its length and without chunks is all that is ever sent: a fault of tieout.
            (411 | 501, _) => self.not_sent(Next::Refused(ExitCode::Unexpected), says),
            (400..=499, Some(_)) => self.rejected(says),
            // A storage says why; this was somebody else.
            (400..=499, None) => self.another_storage(&says),
        }
    }

    fn another_storage(self, says: &str) -> Judgement {
        let why = format!("{says}; a proxy may stand in the way, or the URL is of another storage");
        self.not_sent(Next::Refused(ExitCode::Configuration), why)
    }

    fn api(self, reply: Reply<'_>) -> Judgement {
        let says = reply.says();
        match reply.status {
            200..=202 | 207 if !reply.web_page => self.success(reply),
            ..=299 => self.again(Doubt::Unreadable, None, says),
            300..=399 => {
                let why = format!("{says}: redirects are not followed; write the final address in tieout.yaml");
                self.not_sent(Next::Refused(ExitCode::Configuration), why)
            }
            401 => self.not_sent(Next::NewToken, says),
            403 => self.not_sent(Next::Refused(ExitCode::CredentialsRefused), says),
            408 | 500.. => self.again(Doubt::ServerError, reply.retry_after, says),
            429 => self.not_sent(Next::Again { wait: reply.retry_after }, says),
            // A proxy, or another server than the one that was meant: Kard has not spoken.
            405 | 407 => self.wrong_address(&says),
            _ if reply.web_page => self.wrong_address(&says),
            404 if reply_effects::refusal(reply.body).is_none() => self.wrong_address(&says),
            409 => self.conflict(reply, says),
            400..=499 => self.refused(reply, says),
        }
    }

    fn wrong_address(self, says: &str) -> Judgement {
        let why = format!("{says}; check base_url, the organization and any proxy");
        self.not_sent(Next::Refused(ExitCode::Configuration), why)
    }

    fn success(self, reply: Reply<'_>) -> Judgement {
        let (body, taken) = (reply.body, self.judged_as_taken(reply.status));
        let read = match (self.call.kind, reply.status) {
            (EffectKind::HistoricalStart, 200 | 201) => reply_transactions::session(body).map(|id| taken(Some(id))),
            (EffectKind::HistoricalComplete, 200) => reply_transactions::completed(body).map(|id| {
                if self.completes(&id) {
                    return taken(Some(id));
                }
                let why = "status 200 for another upload than the one that was meant".to_owned();
                self.again(Doubt::Unreadable, None, why)
            }),
            (EffectKind::IncomingPart, 202) => reply_transactions::queued(body).map(|queued| taken(Some(queued.id))),
            (EffectKind::IncomingPart, 207) => reply_transactions::multi(body).map(|multi| {
                let (errors, id) = (&multi.errors, multi.queued.map(|queued| queued.id));
                self.item_by_item(reply, errors, id.is_some(), id)
            }),
            (EffectKind::HistoricalPart, 200 | 207) => reply_transactions::parts(body, reply.status == 207)
                .map(|parts| self.item_by_item(reply, &parts.errors, !parts.ids.is_empty(), None)),
            _ => return self.again(Doubt::Unreadable, None, reply.says()),
        };
        read.unwrap_or_else(|error| {
            let why = told(&format!("status {}: {error}", reply.status));
            self.again(Doubt::Unreadable, None, why)
        })
    }

    fn judged_as_taken(self, status: u16) -> impl Fn(Option<String>) -> Judgement {
        move |id| self.judged(acknowledged(id, None), Next::GoOn, format!("status {status}"))
    }

    /// Whether the call completes the upload of this id.
    fn completes(self, upload: &str) -> bool {
        let Body::Bytes(bytes) = &self.call.body else { return false };
        let body: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
        body["data"]["id"] == upload
    }

    /// 200 and 207: what no error names has arrived, where the reply says that something has.
    fn item_by_item(
        self,
        reply: Reply<'_>,
        errors: &[ItemError],
        took_some: bool,
        provider_id: Option<String>,
    ) -> Judgement {
        let (ids, status) = (self.ids(), reply.status);
        let mut named = Named::sort(&ids, errors, None);
        if !named.nameless.is_empty() {
            let why = told(&format!("status {status}, and an error names no row: {}", words_of(&named.nameless)));
            // With the rows that arrived named next time, it may yet be understood.
            return if named.nameless.iter().all(|error| is_passing(error.status)) {
                self.again(Doubt::ServerError, reply.retry_after, why)
            } else {
                self.doubt(Doubt::NotInReply, why)
            };
        }
        if !took_some {
            named.again.extend(named.silent(&ids));
        }
        let words = match errors {
            [] => format!("status {status}"),
            _ => told(&format!("status {status}: {}", words_of(&errors.iter().collect::<Vec<_>>()))),
        };
        if named.again.is_empty() {
            let event = Event::Acknowledged { provider_id, note: None, refused: named.refused };
            return self.judged(event, Next::GoOn, words);
        }
        let known: Vec<String> = ids.into_iter().filter(|id| !named.again.contains(id)).collect();
        if known.is_empty() {
            return self.again(Doubt::ServerError, reply.retry_after, words);
        }
        let event = Event::Narrowed { known, refused: named.refused, why: words.clone() };
        self.judged(event, Next::Again { wait: reply.retry_after }, words)
    }

    /// 409: what it names is there already.
    fn conflict(self, reply: Reply<'_>, says: String) -> Judgement {
        let there = |says| self.judged(acknowledged(None, Some(THERE.to_owned())), Next::GoOn, says);
        match self.call.kind {
            EffectKind::HistoricalComplete if self.standing.was_in_doubt => return there(says),
            kind if !kind.is_part() => return self.doubt(Doubt::Conflict, says),
            _ => {}
        }
        let errors = reply_effects::refusal(reply.body).unwrap_or_default();
        let ids = self.ids();
        let named = Named::sort(&ids, &errors, Some(409));
        // Of several rows it may mean any, one that another file brought too: that all are there is not said.
        match (named.is_empty(), ids.len()) {
            (true, 1) => there(says),
            (true, _) => self.doubt(Doubt::Conflict, says),
            (false, _) => self.settled(&ids, &named, reply, says),
        }
    }

    /// 400 and the like: the call as a whole was not taken. Without the rows that it names it may be.
    fn refused(self, reply: Reply<'_>, says: String) -> Judgement {
        let errors = reply_effects::refusal(reply.body).unwrap_or_default();
        let ids = self.ids();
        let mut named = Named::sort(&ids, &errors, Some(reply.status));
        if named.is_empty() {
            // Some of its rows have their outcome already: these are the others.
            let rest = |id: &String| RefusedRow { event_id: id.clone(), line: None, why: says.clone() };
            named.refused = ids.iter().map(rest).collect();
        }
        let is_whole = named.refused.len() == ids.len() && self.standing.known.is_empty();
        if is_whole || !self.call.kind.is_part() {
            self.rejected(says)
        } else {
            self.settled(&ids, &named, reply, says)
        }
    }

    /// An error for the call as a whole has named rows: they have their outcome, and the others go again.
    fn settled(self, ids: &[String], named: &Named<'_>, reply: Reply<'_>, says: String) -> Judgement {
        let Named { there, refused, again, .. } = named;
        let is_settled = |id: &&String| {
            !again.contains(*id) && (there.contains(*id) || refused.iter().any(|row| row.event_id == **id))
        };
        let known: Vec<String> = ids.iter().filter(is_settled).cloned().collect();
        let refused = refused.clone();
        if known.len() == ids.len() {
            let note = (!there.is_empty()).then(|| THERE.to_owned());
            return self.judged(Event::Acknowledged { provider_id: None, note, refused }, Next::GoOn, says);
        }
        // Without progress the same call would be made for ever.
        if known.is_empty() {
            return self.again(Doubt::ServerError, reply.retry_after, says);
        }
        self.judged(Event::Narrowed { known, refused, why: says.clone() }, Next::GoOn, says)
    }

    /// The event ids of the rows in the call, in their order; none for what has no rows.
    fn ids(self) -> Vec<String> {
        match &self.call.body {
            Body::Bytes(bytes) if self.call.kind.is_part() => row_ids(bytes),
            _ => Vec::new(),
        }
    }
}

/// What errors say of the rows of a call.
struct Named<'e> {
    /// They are at Kard already.
    there: HashSet<String>,
    refused: Vec<RefusedRow>,
    /// They did not arrive, and may later.
    again: HashSet<String>,
    /// Errors that are about no row of the call.
    nameless: Vec<&'e ItemError>,
}

impl<'e> Named<'e> {
    /// Where an error has no status of its own, it has that of the reply, if that is one for all.
    fn sort(ids: &[String], errors: &'e [ItemError], of_reply: Option<u16>) -> Self {
        let mut refused = Vec::new();
        let mut named =
            Self { there: HashSet::new(), refused: Vec::new(), again: HashSet::new(), nameless: Vec::new() };
        for error in errors {
            let Some(id) = named_by(error, ids) else {
                named.nameless.push(error);
                continue;
            };
            match error.status.or(of_reply) {
                Some(409) => drop(named.there.insert(id.to_owned())),
                status if is_passing(status) => drop(named.again.insert(id.to_owned())),
                _ => refused.push((id, error)),
            }
        }
        refused.retain(|(id, _)| !named.again.contains(*id));
        named.refused = rows(refused);
        named
    }

    fn is_empty(&self) -> bool {
        self.there.is_empty() && self.refused.is_empty() && self.again.is_empty()
    }

    /// The rows that no error names.
    fn silent(&self, ids: &[String]) -> Vec<String> {
        let told = |id: &&String| {
            self.there.contains(*id) || self.again.contains(*id) || self.refused.iter().any(|row| row.event_id == **id)
        };
        ids.iter().filter(|id| !told(id)).cloned().collect()
    }
}

/// Not for what was sent, and gone some time later.
const fn is_passing(status: Option<u16>) -> bool {
    matches!(status, Some(408 | 429 | 500..))
}

/// The row that an error is about.
fn named_by<'i>(error: &ItemError, ids: &'i [String]) -> Option<&'i str> {
    let by_id = error.id.as_deref().and_then(|id| ids.iter().find(|known| *known == id));
    by_id.or_else(|| error.index().and_then(|at| ids.get(at))).map(String::as_str)
}

/// Each row once, with all that was said of it.
fn rows(named: Vec<(&str, &ItemError)>) -> Vec<RefusedRow> {
    let mut rows: Vec<RefusedRow> = Vec::new();
    for (id, error) in named {
        match rows.iter_mut().find(|row| row.event_id == id) {
            Some(row) => row.why = told(&format!("{}; {}", row.why, error.words)),
            None => rows.push(RefusedRow { event_id: id.to_owned(), line: None, why: told(&error.words) }),
        }
    }
    rows
}
