//! What became of an audit: the provider's news about it, what they mean for the break behind it, and audits
//! that nobody has spoken of for long.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};

use super::{EffectKind, Event, News, Silent, Standing, State};
use crate::breaks::BreakStatus;
use crate::breaks::observe::Dispute;
use crate::frames::AuditUpdate;
use crate::text::{cut, visible};

/// Most characters of a status that is not published.
const STATUS_CHARS: usize = 40;

/// The published resolutions ("`AuditUpdateAttributes`", `resolutionCode`): code, words, and what one means for
/// the break that the audit is about. What ends the audit and amends nothing leaves the break open.
const RESOLUTIONS: [(i64, &str, BreakStatus); 14] = [
    (5001, "transaction will be deleted", BreakStatus::Resolved),
    (5002, "settlement amount will be adjusted", BreakStatus::Resolved),
    (5003, "return amount will be adjusted", BreakStatus::Resolved),
    (5004, "reward dispute resolved", BreakStatus::Resolved),
    (5005, "transaction will be marked for writeoff", BreakStatus::WrittenOff),
    (5006, "transaction will be marked as rejected", BreakStatus::Open),
    (5007, "transaction will be resent through webhook", BreakStatus::Resolved),
    (5008, "transaction will be resent through daily file", BreakStatus::Resolved),
    (5009, "no change needed", BreakStatus::Open),
    (9001, "ineligible item in purchase", BreakStatus::Open),
    (9002, "return was made", BreakStatus::Open),
    (9003, "user ineligible for offer", BreakStatus::Open),
    (9004, "redemption limit hit", BreakStatus::Open),
    (9005, "transaction not captured", BreakStatus::Open),
];

/// A resolution code in the provider's words; `unknown resolution` for one that is not published.
pub fn resolution_words(code: i64) -> &'static str {
    RESOLUTIONS.iter().find(|known| known.0 == code).map_or("unknown resolution", |known| known.1)
}

/// `new`, `in progress`, `closed: reward dispute resolved (5004)`; another status as it was sent.
pub fn news_words(news: &News) -> String {
    match (news.status.as_str(), news.resolution_code) {
        ("NEW", _) => "new".to_owned(),
        ("IN_PROGRESS", _) => "in progress".to_owned(),
        ("CLOSED", Some(code)) => format!("closed: {} ({code})", resolution_words(code)),
        ("CLOSED", None) => "closed without a resolution code".to_owned(),
        (other, _) => shown_status(other).into_owned(),
    }
}

fn shown_status(status: &str) -> Cow<'_, str> {
    match visible(status) {
        Cow::Borrowed(text) => cut(text, STATUS_CHARS),
        Cow::Owned(text) => Cow::Owned(cut(&text, STATUS_CHARS).into_owned()),
    }
}

/// What the news mean for the break that the audit is about. Without an end, or with one that nobody has
/// published, it is open.
pub fn verdict_on_break(news: &News) -> BreakStatus {
    let known = RESOLUTIONS.iter().find(|known| news.is_closed() && news.resolution_code == Some(known.0));
    known.map_or(BreakStatus::Open, |known| known.2)
}

/// Break id → the audits about it that stand at the provider, in the order of their openings, and what each says.
pub fn disputes(standings: &[Standing]) -> BTreeMap<String, Vec<Dispute>> {
    let stands = |standing: &&Standing| {
        standing.effect.kind() == EffectKind::ProviderAudit && standing.state == State::Acknowledged
    };
    let mut audits: Vec<&Standing> = standings.iter().filter(stands).collect();
    audits.sort_by_key(|standing| standing.effect.opening);
    let mut disputes = BTreeMap::<String, Vec<Dispute>>::new();
    for standing in audits {
        for id in standing.effect.grounds.iter().filter_map(|ground| ground.break_id.as_ref()) {
            let told = disputes.entry(id.clone()).or_default();
            if told.iter().all(|dispute| dispute.effect != standing.effect.id) {
                told.push(Dispute { effect: standing.effect.id.clone(), verdict: said_of_break(standing) });
            }
        }
    }
    disputes
}

/// Whatever it came to: what a person wants opened again settles nothing.
fn said_of_break(standing: &Standing) -> BreakStatus {
    match &standing.news {
        _ if standing.reopening.is_some() => BreakStatus::Open,
        Some(news) if news.is_closed() => verdict_on_break(news),
        Some(_) | None => BreakStatus::InDispute,
    }
}

/// The audits that stand and are not closed, and of which nothing was heard for longer than `allowed`: the
/// longest silence first.
pub fn silent(standings: &[Standing], allowed: TimeDelta, now: DateTime<Utc>) -> Vec<Silent> {
    let mut found: Vec<(DateTime<Utc>, &Standing)> = standings
        .iter()
        .filter(|standing| standing.effect.kind() == EffectKind::ProviderAudit)
        .filter(|standing| standing.state == State::Acknowledged)
        .filter(|standing| !standing.news.as_ref().is_some_and(News::is_closed))
        .map(|standing| (last_heard(standing), standing))
        .filter(|(heard, _)| now.signed_duration_since(*heard) > allowed)
        .collect();
    found.sort_by(|left, right| (left.0, &left.1.effect.id).cmp(&(right.0, &right.1.effect.id)));
    let told = |(heard, standing): (DateTime<Utc>, &Standing)| Silent {
        standing: standing.clone(),
        days: now.signed_duration_since(heard).num_days(),
    };
    found.into_iter().map(told).collect()
}

/// The last news, or the acknowledgement where that came later or the news state no time.
fn last_heard(standing: &Standing) -> DateTime<Utc> {
    let acknowledged = standing.acknowledged_at.unwrap_or(standing.since);
    standing.news.as_ref().and_then(|news| news.at).map_or(acknowledged, |at| at.max(acknowledged))
}

/// The events that notifications make, in order of their times: the id of the effect and the event. News belong
/// to the audit with their audit id, else to the latest opening for their transaction that was ever sent, else to
/// the latest. What is known already or older than what is known makes none; what is in flight gets its outcome
/// first.
///
/// The standings are those of the provider and organization whose log it is, all openings among them.
pub fn follow(standings: &[Standing], updates: &[AuditUpdate]) -> Vec<(String, Event)> {
    let mut audits = Audits::new(standings);
    let mut ordered: Vec<(News, &AuditUpdate)> = updates.iter().map(|update| (news_of(update), update)).collect();
    // Stable: what has the same place in time stays in the order of the log.
    ordered.sort_by_key(|(news, _)| place_in_time(news));
    let mut events = Vec::new();
    for (news, update) in ordered {
        let Some(index) = audits.meant(&news, &update.transaction) else { continue };
        if audits.take(index, &news) {
            events.push((audits.watched[index].standing.effect.id.clone(), Event::News(news)));
        }
    }
    events
}

fn news_of(update: &AuditUpdate) -> News {
    News {
        notification: update.notification.clone(),
        audit: update.audit.clone(),
        status: update.status.clone(),
        resolution_code: update.resolution_code,
        resolution: update.resolution.clone(),
        at: update.received_at.or(update.resolved_at),
    }
}

/// An order of all news of one audit, whatever they lack. Without a time an end comes last, anything else first.
fn place_in_time(news: &News) -> (u8, Option<DateTime<Utc>>, u8) {
    let rank = match news.status.as_str() {
        "NEW" => 0,
        "IN_PROGRESS" => 1,
        "CLOSED" => 3,
        // Something that we do not know is under way.
        _ => 2,
    };
    let epoch = match news.at {
        Some(_) => 1,
        None if news.is_closed() => 2,
        None => 0,
    };
    (epoch, news.at, rank)
}

/// One audit while news are taken.
struct Watched<'s> {
    standing: &'s Standing,
    news: Option<News>,
}

struct Audits<'s> {
    watched: Vec<Watched<'s>>,
    by_audit: HashMap<String, usize>,
    /// The latest opening first.
    by_transaction: HashMap<&'s str, Vec<usize>>,
}

impl<'s> Audits<'s> {
    fn new(standings: &'s [Standing]) -> Self {
        let mut audits = Self { watched: Vec::new(), by_audit: HashMap::new(), by_transaction: HashMap::new() };
        for standing in standings.iter().filter(|standing| standing.effect.kind() == EffectKind::ProviderAudit) {
            let index = audits.watched.len();
            if let Some(audit) = &standing.provider_id {
                audits.by_audit.insert(audit.clone(), index);
            }
            audits.by_transaction.entry(standing.effect.transaction()).or_default().push(index);
            audits.watched.push(Watched { standing, news: standing.news.clone() });
        }
        for openings in audits.by_transaction.values_mut() {
            openings.sort_by_key(|index| Reverse(audits.watched[*index].standing.effect.opening));
        }
        audits
    }

    /// The audit that the news are about.
    fn meant(&self, news: &News, transaction: &str) -> Option<usize> {
        if let Some(index) = news.audit.as_ref().and_then(|audit| self.by_audit.get(audit)) {
            return Some(*index);
        }
        let openings = self.by_transaction.get(transaction)?;
        // The provider cannot speak of an opening that was never sent while there is one that was.
        let sent = openings.iter().find(|index| self.watched[**index].standing.was_sent());
        sent.or(openings.first()).copied()
    }

    /// Whether the news say something new about the audit; then they are what is known from now on.
    fn take(&mut self, index: usize, news: &News) -> bool {
        let watched = &mut self.watched[index];
        if watched.standing.state == State::InFlight {
            return false;
        }
        let later = watched
            .news
            .as_ref()
            .is_none_or(|known| known.notification != news.notification && place_in_time(known) < place_in_time(news));
        if later {
            watched.news = Some(news.clone());
            if let Some(audit) = news.audit.as_ref() {
                self.by_audit.insert(audit.clone(), index);
            }
        }
        later
    }
}

impl Standing {
    /// Whether it was ever put in flight, or the provider was found to have it.
    pub const fn was_sent(&self) -> bool {
        self.attempts > 0 || self.acknowledged_at.is_some()
    }
}
