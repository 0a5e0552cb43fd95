//! What an answer means for a parcel or a session: one table, pure.
//!
//! Each row carries an event id, so what may have arrived is sent again: a second arrival is known by its ids. Only
//! what contradicts itself, or what nobody can place, is in doubt.

use std::collections::HashSet;

use super::outcome::{Judgement, Next, Reply, acknowledged, in_doubt, not_sent, told, words_of};
use super::parcels::row_ids;
use super::{Body, Call, Doubt, EffectKind, Event, RefusedRow, Standing};
use crate::exit::ExitCode;
use crate::providers::http::Answer;
use crate::providers::kard::reply_effects::{self, ItemError};
use crate::providers::kard::reply_transactions::{self, storage_error};

/// Judges the answer to a call of one parcel or for one session.
pub fn judge(call: &Call, standing: &Standing, answer: &Answer) -> Judgement {
    let sent = Sent { call, standing };
    match answer {
        Answer::NotSent { why } => sent.judged(not_sent(told(why)), Next::Unavailable, told(why)),
        Answer::Lost { why } => sent.again(Doubt::NoReply, told(why)),
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

    /// It may have arrived.
    fn again(self, doubt: Doubt, why: String) -> Judgement {
        self.judged(Event::Again { doubt, why: why.clone() }, Next::Again { wait: None }, why)
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
            (200, None) => self.judged(acknowledged(self.standing.session.clone(), None), Next::GoOn, says),
            // Nothing of a PUT that was cut off is kept.
            (400, Some("RequestTimeout" | "IncompleteBody")) => self.not_sent(Next::Again { wait: None }, says),
            // The URL is worth nothing (any more): the bytes go to a new one.
            (400, Some("ExpiredToken")) | (401 | 403, _) => {
                self.judged(Event::NotSent { why: says.clone(), alone: true }, Next::GoOn, says)
            }
            (429, _) => self.not_sent(Next::Again { wait: reply.retry_after }, says),
            (..=299 | 408 | 500 | 502.., _) => self.again(Doubt::ServerError, says),
            (300..=399 | 404 | 405 | 407, _) => {
                let why = format!("{says}; a proxy may stand in the way, or the URL is of another storage");
                self.not_sent(Next::Refused(ExitCode::Configuration), why)
            }
            // A PUT with its length and without chunks is all that is ever sent: a fault of tieout.
            (411 | 501, _) => self.not_sent(Next::Refused(ExitCode::Unexpected), says),
            (400..=499, _) => self.rejected(says),
        }
    }

    fn api(self, reply: Reply<'_>) -> Judgement {
        let says = reply.says();
        if reply.web_page {
            return match reply.status {
                ..=299 | 408 | 500.. => self.again(Doubt::Unreadable, says),
                _ => self.wrong_address(&says),
            };
        }
        match reply.status {
            200..=202 | 207 => self.success(reply),
            ..=299 => self.again(Doubt::Unreadable, says),
            300..=399 => {
                let why = format!("{says}: redirects are not followed; write the final address in tieout.yaml");
                self.not_sent(Next::Refused(ExitCode::Configuration), why)
            }
            401 => self.not_sent(Next::NewToken, says),
            403 => self.not_sent(Next::Refused(ExitCode::CredentialsRefused), says),
            404 if reply_effects::refusal(reply.body).is_some() => self.rejected(says),
            404 | 405 | 407 => self.wrong_address(&says),
            408 | 500.. => self.again(Doubt::ServerError, says),
            409 => self.conflict(reply, says),
            429 => self.not_sent(Next::Again { wait: reply.retry_after }, says),
            400..=499 => self.refused(reply, says),
        }
    }

    fn wrong_address(self, says: &str) -> Judgement {
        let why = format!("{says}; check base_url, the organization and any proxy");
        self.not_sent(Next::Refused(ExitCode::Configuration), why)
    }

    fn success(self, reply: Reply<'_>) -> Judgement {
        let unreadable = |error: &dyn std::fmt::Display| {
            self.again(Doubt::Unreadable, told(&format!("status {}: {error}", reply.status)))
        };
        let provider_id = match (self.call.kind, reply.status) {
            (EffectKind::HistoricalStart, 200 | 201) => reply_transactions::session(reply.body).map(Some),
            (EffectKind::HistoricalComplete, 200) => reply_transactions::completed(reply.body).map(Some),
            (EffectKind::HistoricalPart, 200) => reply_transactions::parts(reply.body, false).map(|_| None),
            (EffectKind::IncomingPart, 202) => reply_transactions::queued(reply.body).map(|queued| Some(queued.id)),
            (EffectKind::IncomingPart, 207) => {
                return match reply_transactions::multi(reply.body) {
                    Ok(multi) => self.item_by_item(reply, &multi.errors, multi.queued.is_some()),
                    Err(error) => unreadable(&error),
                };
            }
            (EffectKind::HistoricalPart, 207) => {
                return match reply_transactions::parts(reply.body, true) {
                    Ok(parts) => self.item_by_item(reply, &parts.errors, !parts.ids.is_empty()),
                    Err(error) => unreadable(&error),
                };
            }
            _ => return self.again(Doubt::Unreadable, reply.says()),
        };
        match provider_id {
            Ok(id) => self.judged(acknowledged(id, None), Next::GoOn, format!("status {}", reply.status)),
            Err(error) => unreadable(&error),
        }
    }

    /// 207: what no error names has arrived, where the reply says that something has.
    fn item_by_item(self, reply: Reply<'_>, errors: &[ItemError], took_some: bool) -> Judgement {
        let ids = self.ids();
        let Some(named) = Named::sort(&ids, errors, took_some) else {
            let words = words_of(&errors.iter().collect::<Vec<_>>());
            return self.doubt(Doubt::NotInReply, told(&format!("status 207, and an error names no row: {words}")));
        };
        let words = told(&format!("status 207: {}", words_of(&errors.iter().collect::<Vec<_>>())));
        if named.again.is_empty() {
            let event = Event::Acknowledged { provider_id: None, note: None, refused: named.refused };
            return self.judged(event, Next::GoOn, words);
        }
        let known = ids.into_iter().filter(|id| !named.again.contains(id.as_str())).collect();
        let event = Event::Narrowed { known, refused: named.refused, why: words.clone() };
        self.judged(event, Next::Again { wait: reply.retry_after }, words)
    }

    /// 409. After an attempt that may have arrived it says that it did.
    fn conflict(self, reply: Reply<'_>, says: String) -> Judgement {
        let errors = reply_effects::refusal(reply.body).unwrap_or_default();
        let ids = self.ids();
        let named: HashSet<&str> = errors.iter().filter_map(|error| named_by(error, &ids)).collect();
        let all = !ids.is_empty() && ids.iter().all(|id| named.contains(id.as_str()));
        if all || (named.is_empty() && self.standing.was_in_doubt) {
            let note = "Kard has it already (409): an earlier attempt had arrived".to_owned();
            return self.judged(acknowledged(self.standing.provider_id.clone(), Some(note)), Next::GoOn, says);
        }
        if named.is_empty() {
            return self.doubt(Doubt::Conflict, says);
        }
        let known = ids.iter().filter(|id| named.contains(id.as_str())).cloned().collect();
        self.judged(Event::Narrowed { known, refused: Vec::new(), why: says.clone() }, Next::GoOn, says)
    }

    /// 400 and the like: the call as a whole was not taken. Without the rows that it names it may be.
    fn refused(self, reply: Reply<'_>, says: String) -> Judgement {
        let errors = reply_effects::refusal(reply.body).unwrap_or_default();
        let ids = self.ids();
        let named: Vec<(&str, &ItemError)> =
            errors.iter().filter_map(|error| named_by(error, &ids).map(|id| (id, error))).collect();
        let distinct: HashSet<&str> = named.iter().map(|(id, _)| *id).collect();
        if distinct.is_empty() || distinct.len() == ids.len() || !self.call.kind.is_part() {
            return self.rejected(says);
        }
        let known = distinct.iter().map(|id| (*id).to_owned()).collect::<std::collections::BTreeSet<_>>();
        let refused = rows(named);
        // Known in the sense that they are settled: nothing more is asked about them.
        let event = Event::Narrowed { known: known.into_iter().collect(), refused, why: says.clone() };
        self.judged(event, Next::GoOn, says)
    }

    /// The event ids of the rows in the call, in their order; none for what has no rows.
    fn ids(self) -> Vec<String> {
        match &self.call.body {
            Body::Bytes(bytes) if self.call.kind.is_part() => row_ids(bytes),
            _ => Vec::new(),
        }
    }
}

/// The rows that the errors of a 207 name.
struct Named {
    refused: Vec<RefusedRow>,
    /// They did not arrive, and may later.
    again: HashSet<String>,
}

impl Named {
    /// None when an error names no row.
    fn sort(ids: &[String], errors: &[ItemError], took_some: bool) -> Option<Self> {
        let mut refused = Vec::new();
        let mut again = HashSet::new();
        let mut silent: HashSet<&str> = ids.iter().map(String::as_str).collect();
        for error in errors {
            let id = named_by(error, ids)?;
            silent.remove(id);
            match error.status {
                // It is there already.
                Some(409) => {}
                Some(408 | 429 | 500..) => {
                    again.insert(id.to_owned());
                }
                _ => refused.push((id, error)),
            }
        }
        if !took_some {
            again.extend(silent.into_iter().map(str::to_owned));
        }
        refused.retain(|(id, _)| !again.contains(*id));
        Some(Self { refused: rows(refused), again })
    }
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
