//! What an answer says about each effect of a call, and what to do next: one table, pure.
//!
//! Two mistakes are never made here: to call something acknowledged that the reply does not name, and to call
//! something refused that may have been done. Whatever lies between is in doubt.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::{Doubt, EffectKind, Event, Standing};
use crate::exit::ExitCode;
use crate::providers::http::{Answer, Redactor, displayable};
use crate::providers::kard::reply_effects::{self, Done, EffectReply, ItemError};

/// Words of others are kept up to this many characters.
const TOLD: usize = 300;

/// What a call has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Effect id → what happened to it: exactly one for each member, in their order.
    pub events: Vec<(String, Event)>,
    pub next: Next,
    /// The call as a whole in a sentence fragment, for logs and for the report.
    pub words: String,
}

/// What the sender does after a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    GoOn,
    /// Nobody knows what the call did. Where call after call ends so, going on only makes more doubts.
    Doubtful,
    /// The provider wants fewer calls (429); it may have said how long to wait.
    Again {
        wait: Option<Duration>,
    },
    /// The token was refused (401).
    NewToken,
    /// There is no connection.
    Unavailable,
    /// No call will fare better until a person has changed something; the run ends with this code.
    Refused(ExitCode),
}

/// A complete reply.
#[derive(Clone, Copy)]
pub(super) struct Reply<'a> {
    pub(super) status: u16,
    pub(super) retry_after: Option<Duration>,
    pub(super) body: &'a [u8],
    pub(super) web_page: bool,
}

/// The call that was answered.
#[derive(Clone, Copy)]
struct Sent<'a> {
    kind: EffectKind,
    /// In the order of the items in the body.
    members: &'a [Standing],
}

/// Judges the answer to one call, whose `members` stand in the order of the items in its body. What a sending job
/// sends has a table of its own ([`super::answers`]).
pub fn judge(kind: EffectKind, members: &[Standing], answer: &Answer) -> Judgement {
    let sent = Sent { kind, members };
    match answer {
        Answer::NotSent { why } => sent.all(Next::Unavailable, told(why), not_sent),
        Answer::Lost { why } => sent.all(Next::Doubtful, told(why), |why| in_doubt(Doubt::NoReply, why)),
        Answer::Reply { status, retry_after, body, web_page } => {
            let reply = Reply { status: *status, retry_after: *retry_after, body, web_page: *web_page };
            sent.judge_reply(reply)
        }
    }
}

impl Sent<'_> {
    fn judge_reply(self, reply: Reply<'_>) -> Judgement {
        let says = reply.says();
        match (reply.status, self.kind) {
            (200, EffectKind::FraudMarker) | (201, EffectKind::ProviderAudit) | (207, _) => self.item_by_item(reply),
            // Nothing is known of a success that is not published, nor of what is no final status at all.
            (..=299, _) => self.all(Next::Doubtful, says, |why| in_doubt(Doubt::Unreadable, why)),
            (408 | 500.., _) => self.all(Next::Doubtful, says, |why| in_doubt(Doubt::ServerError, why)),
            (300..=399, _) => {
                let why = format!("{says}: redirects are not followed; write the final address in tieout.yaml");
                self.all(Next::Refused(ExitCode::Configuration), why, not_sent)
            }
            (401, _) => self.all(Next::NewToken, says, not_sent),
            (403, _) => self.all(Next::Refused(ExitCode::CredentialsRefused), says, not_sent),
            (429, _) => self.all(Next::Again { wait: reply.retry_after }, says, not_sent),
            // A proxy, or another server than the one that was meant: Kard has not spoken.
            (405 | 407, _) | (404, EffectKind::FraudMarker) => self.wrong_address(&says),
            _ if reply.web_page => self.wrong_address(&says),
            (404, EffectKind::ProviderAudit) if reply_effects::refusal(reply.body).is_none() => {
                self.wrong_address(&says)
            }
            (404, EffectKind::ProviderAudit) => {
                let user = self.members.first().map_or("", |member| member.effect.user.as_str());
                let why = format!("Kard does not know the user {}: {says}", told(user));
                self.all(Next::GoOn, why, |why| Event::Rejected { why })
            }
            // Not published for markers, which can be set as often as one likes.
            (409, EffectKind::FraudMarker) => self.all(Next::GoOn, says, |why| in_doubt(Doubt::Conflict, why)),
            (400..=499, _) => self.refused(reply),
        }
    }

    fn wrong_address(self, says: &str) -> Judgement {
        let why = format!("{says}; check base_url, the organization and any proxy");
        self.all(Next::Refused(ExitCode::Configuration), why, not_sent)
    }

    /// The same for every member.
    fn all(self, next: Next, words: String, event: impl Fn(String) -> Event) -> Judgement {
        let events = self.members.iter().map(|member| (member.effect.id.clone(), event(words.clone()))).collect();
        Judgement { events, next, words }
    }

    /// A 4xx on the call as a whole: nothing of it was done. The errors may say whose fault it is.
    fn refused(self, reply: Reply<'_>) -> Judgement {
        let says = reply.says();
        let errors = reply_effects::refusal(reply.body).unwrap_or_default();
        let (named, _) = self.by_member(&errors);
        if let [only] = &*named
            && only.is_empty()
        {
            // There is nobody else whom it could be about.
            return self.all(Next::GoOn, says.clone(), |_| self.refusal_of(0, Some(reply.status), says.clone()));
        }
        let nobody_named = named.iter().all(Vec::is_empty);
        // After a conflict the others go alone: who else is in conflict is not known.
        let alone = nobody_named || reply.status == 409;
        let event = |at: usize, errors: &[&ItemError]| match errors {
            [] => Event::NotSent { why: says.clone(), alone },
            _ => self.refusal_of(at, status_of(errors, Some(reply.status)), words_of(errors)),
        };
        let events: Vec<Event> = named.iter().enumerate().map(|(at, errors)| event(at, errors)).collect();
        self.judged(events, Next::GoOn, says)
    }

    /// 200, 201 and 207.
    fn item_by_item(self, reply: Reply<'_>) -> Judgement {
        let multi = reply.status == 207;
        let read = match self.kind {
            _ if reply.web_page => return self.unreadable(&reply.says()),
            EffectKind::ProviderAudit => reply_effects::audits(reply.body, multi),
            _ => reply_effects::markers(reply.body, multi),
        };
        match read {
            Ok(items) => self.judge_items(reply, &items),
            Err(error) => self.unreadable(&format!("status {}: {error}", reply.status)),
        }
    }

    fn unreadable(self, why: &str) -> Judgement {
        self.all(Next::Doubtful, told(why), |why| in_doubt(Doubt::Unreadable, why))
    }

    fn judge_items(self, reply: Reply<'_>, items: &EffectReply) -> Judgement {
        let places = self.places();
        if reply.status == 201 && self.is_whole_under_other_ids(&places, items) {
            return self.acknowledged_in_order(items);
        }
        let mut done: Vec<Option<&Done>> = vec![None; self.members.len()];
        let mut surplus = Vec::new();
        for item in &items.done {
            match places.get(item.transaction.as_str()) {
                Some(&at) if done[at].is_none() => done[at] = Some(item),
                Some(_) => surplus.push(format!("{} once more", told(&item.transaction))),
                None => surplus.push(format!("{}, which was not sent", told(&item.transaction))),
            }
        }
        let (named, nameless) = self.by_member(&items.errors);
        let status = reply.status;
        let silent = match &*nameless {
            [] => format!("status {status} does not name it"),
            errors => format!("status {status} does not name it, and says: {}", words_of(errors)),
        };
        let event = |(at, errors): (usize, &Vec<&ItemError>)| match (done[at], &**errors) {
            (Some(done), []) => acknowledged(done.id.clone(), None),
            (None, []) => in_doubt(Doubt::NotInReply, silent.clone()),
            (None, errors) => self.refusal_of(at, status_of(errors, None), words_of(errors)),
            (Some(_), errors) => {
                let words = words_of(errors);
                let why = format!("status {status} contradicts itself, with success and with an error: {words}");
                in_doubt(Doubt::NotInReply, told(&why))
            }
        };
        let events = named.iter().enumerate().map(event).collect();
        let mut words = format!("status {status}");
        if !nameless.is_empty() {
            words = format!("{words}: an error names no item: {}", words_of(&nameless));
        }
        if let Some(first) = surplus.first() {
            let more = surplus.len() - 1;
            let more = if more == 0 { String::new() } else { format!(", and {more} more such") };
            words = format!("{words}: the reply names {first}{more}");
        }
        // One item too many is one call too many.
        let too_many = items.errors.iter().any(|error| error.status == Some(429));
        let next = if too_many { Next::Again { wait: reply.retry_after } } else { Next::GoOn };
        self.judged(events, next, told(&words))
    }

    /// A 201 says that all of the call was created (in part is 207), and its `transactionId` is described as
    /// "Cardlinked Transaction ID" (`AuditResponseAttributes`): where none of them is ours, these may be Kard's own.
    fn is_whole_under_other_ids(self, places: &HashMap<&str, usize>, items: &EffectReply) -> bool {
        let ids: HashSet<&str> = items.done.iter().map(|done| done.transaction.as_str()).collect();
        items.errors.is_empty()
            && ids.len() == items.done.len()
            && items.done.len() == self.members.len()
            && ids.iter().all(|id| !places.contains_key(id))
    }

    fn acknowledged_in_order(self, items: &EffectReply) -> Judgement {
        let words = "status 201 for as many as were sent, under transaction ids that are not ours";
        let event = |done: &Done| acknowledged(done.id.clone(), Some(words.to_owned()));
        self.judged(items.done.iter().map(event).collect(), Next::GoOn, words.to_owned())
    }

    /// One event each, in the members' order.
    fn judged(self, events: Vec<Event>, next: Next, words: String) -> Judgement {
        let events = self.members.iter().map(|member| member.effect.id.clone()).zip(events).collect();
        Judgement { events, next, words }
    }

    /// What an error with this status means for the member at `at`.
    fn refusal_of(self, at: usize, status: Option<u16>, why: String) -> Event {
        match status {
            Some(409) if self.kind == EffectKind::ProviderAudit && self.members[at].was_in_doubt => {
                let note = "Kard already has it (409): an earlier attempt had arrived".to_owned();
                acknowledged(None, Some(note))
            }
            Some(409) => in_doubt(Doubt::Conflict, why),
            Some(429) => not_sent(why),
            Some(408 | 500..) => in_doubt(Doubt::ServerError, why),
            Some(400..=499) => Event::Rejected { why },
            _ => in_doubt(Doubt::Unreadable, why),
        }
    }

    /// For each member the errors that name it, and the errors that name none.
    fn by_member(self, errors: &[ItemError]) -> (Vec<Vec<&ItemError>>, Vec<&ItemError>) {
        let places = self.places();
        let mut named = vec![Vec::new(); self.members.len()];
        let mut nameless = Vec::new();
        for error in errors {
            let by_id = error.id.as_deref().and_then(|id| places.get(id).copied());
            match by_id.or_else(|| error.index().filter(|at| *at < named.len())) {
                Some(at) => named[at].push(error),
                None => nameless.push(error),
            }
        }
        (named, nameless)
    }

    /// Transaction id → index of the member.
    fn places(&self) -> HashMap<&str, usize> {
        self.members.iter().enumerate().map(|(at, member)| (member.effect.transaction(), at)).collect()
    }
}

impl Reply<'_> {
    /// The status and Kard's words, fit to be kept.
    pub(super) fn says(self) -> String {
        let status = self.status;
        if self.web_page {
            return format!("status {status} with a web page; a proxy or a maintenance page may answer");
        }
        match reply_effects::refusal(self.body) {
            Some(errors) => told(&format!("status {status}: {}", words_of(&errors.iter().collect::<Vec<_>>()))),
            None => format!("status {status}"),
        }
    }
}

/// The one status of the errors that name an item. Where they differ, and not all are plain refusals, there is none.
fn status_of(errors: &[&ItemError], otherwise: Option<u16>) -> Option<u16> {
    let mut statuses = errors.iter().map(|error| error.status.or(otherwise));
    let first = statuses.next()?;
    let is_plain = |status| matches!(status, Some(400..=499)) && !matches!(status, Some(408 | 409 | 429));
    statuses.all(|status| status == first || (is_plain(status) && is_plain(first))).then_some(first).flatten()
}

/// What the errors say, the first three of them.
pub(super) fn words_of(errors: &[&ItemError]) -> String {
    const FIRST: usize = 3;
    let mut words: Vec<&str> = errors.iter().take(FIRST).map(|error| error.words.as_str()).collect();
    let more = format!("and {} more", errors.len().saturating_sub(FIRST));
    if errors.len() > FIRST {
        words.push(&more);
    }
    told(&words.join("; "))
}

/// A text of others, fit to be kept and shown.
pub(super) fn told(text: &str) -> String {
    displayable(&Redactor::default().redact(text), TOLD)
}

pub(super) const fn not_sent(why: String) -> Event {
    Event::NotSent { why, alone: false }
}

pub(super) const fn acknowledged(provider_id: Option<String>, note: Option<String>) -> Event {
    Event::Acknowledged { provider_id, note, refused: Vec::new() }
}

pub(super) const fn in_doubt(doubt: Doubt, why: String) -> Event {
    Event::InDoubt { doubt, why }
}
