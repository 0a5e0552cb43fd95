//! What every rendering shows of effects: their counts, and one list with one set of columns.

use std::collections::{BTreeMap, BTreeSet};

use super::table::{Columns, Value, ValueKind};
use super::text::counted;
use crate::effects::news::news_words;
use crate::effects::words::{BY_URGENCY, ask_words, state_name_words, state_words};
use crate::effects::{Approver, Ask, EffectKind, EffectsFacts, Ground, Standing, State, Unplannable};

/// Rows of one ground that are spelled out; the rest is counted.
const MOST_ROWS: usize = 20;

/// What this run's plan has of one kind in one state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StateTotal {
    pub(super) kind: EffectKind,
    pub(super) state: State,
    pub(super) count: u64,
    /// Currency → minor units; nothing for what is sent.
    pub(super) at_risk: BTreeMap<String, i128>,
}

/// The planned effects by kind, and within a kind by state, the most urgent first.
pub(super) fn by_state(facts: &EffectsFacts) -> Vec<StateTotal> {
    let pairs = EffectKind::ALL.into_iter().flat_map(|kind| BY_URGENCY.map(|state| (kind, state)));
    let of_pair = |(kind, state)| {
        let found = |standing: &&Standing| standing.effect.kind() == kind && standing.state == state;
        let mut total = StateTotal { kind, state, count: 0, at_risk: BTreeMap::new() };
        for standing in facts.planned.iter().filter(found) {
            total.count += 1;
            if standing.effect.currency.is_empty() {
                continue;
            }
            *total.at_risk.entry(standing.effect.currency.clone()).or_default() +=
                i128::from(standing.effect.at_risk_minor);
        }
        (total.count > 0).then_some(total)
    };
    pairs.filter_map(of_pair).collect()
}

/// All that is in doubt: of this run's plan and of earlier periods, each once.
pub(super) fn in_doubt(facts: &EffectsFacts) -> Vec<&Standing> {
    let mut seen = BTreeSet::new();
    let planned = facts.planned.iter().filter(|standing| standing.state == State::InDoubt);
    planned.chain(&facts.in_doubt).filter(|standing| seen.insert(&standing.effect.id)).collect()
}

/// What the provider refused and no person has opened again since.
pub(super) fn rejected(facts: &EffectsFacts) -> Vec<&Standing> {
    let open = |standing: &&Standing| standing.state == State::Rejected && standing.reopening.is_none();
    facts.planned.iter().filter(open).collect()
}

/// `1 audit and 2 fraud markers`
pub(super) fn kinds_counted(kinds: impl Iterator<Item = EffectKind>) -> String {
    let mut counts = BTreeMap::<EffectKind, u64>::new();
    for kind in kinds {
        *counts.entry(kind).or_default() += 1;
    }
    let words = |(kind, count): (&EffectKind, &u64)| {
        let (one, many) = (kind.words(1), kind.words(2));
        counted(*count, one, many)
    };
    super::text::listed(&counts.iter().map(words).collect::<Vec<_>>())
}

/// What this run's notifications told of audits: `1 closed: reward dispute resolved (5004), 2 new`.
pub(super) fn news_in_words(facts: &EffectsFacts) -> Option<String> {
    let mut counts = BTreeMap::<String, u64>::new();
    for news in facts.news.iter().filter_map(|standing| standing.news.as_ref()) {
        *counts.entry(news_words(news)).or_default() += 1;
    }
    let parts: Vec<String> =
        counts.iter().map(|(words, number)| format!("{} {words}", super::amount::count(*number))).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// One line of the list of effects.
#[derive(Debug, Clone, Copy)]
pub(super) enum Item<'a> {
    /// The job wants it for this period.
    Planned(&'a Standing),
    /// In doubt since another period of this job.
    InDoubtBefore(&'a Standing),
    /// An audit of another period or job of which this run's notifications told something new.
    News(&'a Standing),
    /// Wanted too, but proposed or sent for another period or job before.
    KnownBefore(&'a Standing),
    Unplannable(&'a Unplannable),
}

/// The whole list: what needs a person first, otherwise in the order of the plan.
pub(super) fn items(facts: &EffectsFacts) -> Vec<Item<'_>> {
    let mut planned: Vec<&Standing> = facts.planned.iter().collect();
    planned.sort_by_key(|standing| urgency(standing.state));
    let ours: BTreeSet<&str> = planned.iter().map(|standing| standing.effect.id.as_str()).collect();
    let urgent = planned.iter().take_while(|standing| standing.state == State::InDoubt).count();
    let rest = planned.split_off(urgent);
    let before = facts.in_doubt.iter().filter(|standing| !ours.contains(standing.effect.id.as_str()));
    let mut told = ours.clone();
    told.extend(before.clone().map(|standing| standing.effect.id.as_str()));
    let news: Vec<&Standing> = facts.news.iter().filter(|standing| told.insert(&standing.effect.id)).collect();
    let elsewhere = facts.elsewhere.iter().filter(|standing| !told.contains(standing.effect.id.as_str()));
    planned
        .into_iter()
        .map(Item::Planned)
        .chain(before.map(Item::InDoubtBefore))
        .chain(rest.into_iter().map(Item::Planned))
        .chain(news.into_iter().map(Item::News))
        .chain(elsewhere.map(Item::KnownBefore))
        .chain(facts.unplannable.iter().map(Item::Unplannable))
        .collect()
}

fn urgency(state: State) -> usize {
    BY_URGENCY.iter().position(|known| *known == state).expect("BY_URGENCY lists every state")
}

/// Whether a person may still approve or reject it.
pub(super) fn is_to_decide(item: Item<'_>) -> bool {
    matches!(item, Item::Planned(standing) if matches!(standing.state, State::Proposed | State::Approved))
}

impl<'a> Item<'a> {
    pub(super) const fn standing(self) -> Option<&'a Standing> {
        match self {
            Self::Planned(standing)
            | Self::InDoubtBefore(standing)
            | Self::News(standing)
            | Self::KnownBefore(standing) => Some(standing),
            Self::Unplannable(_) => None,
        }
    }

    pub(super) const fn kind(self) -> EffectKind {
        match self {
            Self::Planned(of) | Self::InDoubtBefore(of) | Self::News(of) | Self::KnownBefore(of) => of.effect.kind(),
            Self::Unplannable(found) => found.kind,
        }
    }

    pub(super) fn transaction(self) -> &'a str {
        match self {
            Self::Planned(of) | Self::InDoubtBefore(of) | Self::News(of) | Self::KnownBefore(of) => {
                of.effect.transaction()
            }
            Self::Unplannable(found) => &found.transaction,
        }
    }

    /// Why it is in the list.
    const fn listed(self) -> &'static str {
        match self {
            Self::Planned(_) => "planned",
            Self::InDoubtBefore(_) => "in_doubt_before",
            Self::News(_) => "news",
            Self::KnownBefore(_) => "known_before",
            Self::Unplannable(_) => "cannot_be_asked_for",
        }
    }

    /// Where it stands: `in doubt: no reply, since …`, `known from before (…): …`, `cannot be asked for: …`.
    pub(super) fn words(self) -> String {
        match self {
            Self::Planned(standing) | Self::InDoubtBefore(standing) => state_words(standing),
            Self::News(standing) => {
                let effect = &standing.effect;
                format!("news ({} {}): {}", effect.job, effect.period, state_words(standing))
            }
            Self::KnownBefore(standing) => {
                let effect = &standing.effect;
                format!("known from before ({} {}): {}", effect.job, effect.period, state_words(standing))
            }
            Self::Unplannable(found) => format!("cannot be asked for: {}", found.reason),
        }
    }
}

/// The list's columns in files and on the sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Effect,
    Listed,
    Kind,
    State,
    Words,
    Transaction,
    User,
    Asks,
    AtRisk,
    Currency,
    Why,
    Breaks,
    Rows,
    Merchant,
    Description,
    Since,
    Attempts,
    ApprovedBy,
    Comment,
    ProviderId,
    Said,
    DaysSilent,
    Opening,
    Job,
    Period,
}

impl Columns for Column {
    const ALL: &'static [(Self, &'static str, &'static str, f64)] = &[
        (Self::Effect, "effect", "Effect id", 18.0),
        (Self::Listed, "listed", "Listed as", 16.0),
        (Self::Kind, "kind", "Kind", 15.0),
        (Self::State, "state", "State", 13.0),
        (Self::Words, "words", "Where it stands", 44.0),
        (Self::Transaction, "transaction", "Transaction", 22.0),
        (Self::User, "user", "User", 18.0),
        (Self::Asks, "asks", "Asks for", 25.0),
        (Self::AtRisk, "at_risk", "At risk", 13.0),
        (Self::Currency, "currency", "Currency", 10.0),
        (Self::Why, "why", "Why", 56.0),
        (Self::Breaks, "breaks", "Break ids", 18.0),
        (Self::Rows, "rows", "Rows", 30.0),
        (Self::Merchant, "merchant", "Merchant", 20.0),
        (Self::Description, "description", "Description sent", 56.0),
        (Self::Since, "since", "In this state since (UTC)", 19.0),
        (Self::Attempts, "attempts", "Attempts", 10.0),
        (Self::ApprovedBy, "approved_by", "Approved by", 20.0),
        (Self::Comment, "comment", "Comment of approval", 30.0),
        (Self::ProviderId, "provider_id", "Provider's id", 18.0),
        (Self::Said, "said", "Last said about it", 44.0),
        (Self::DaysSilent, "days_silent", "Days without news", 10.0),
        (Self::Opening, "opening", "Opening", 9.0),
        (Self::Job, "job", "Job", 18.0),
        (Self::Period, "period", "Period", 12.0),
    ];
}

impl Column {
    pub(super) const fn kind(self) -> ValueKind {
        match self {
            Self::AtRisk => ValueKind::Amount,
            Self::Attempts | Self::DaysSilent | Self::Opening => ValueKind::Count,
            Self::Since => ValueKind::Time,
            _ => ValueKind::Text,
        }
    }

    /// Whether its text may need more than one line.
    pub(super) const fn is_long(self) -> bool {
        matches!(self, Self::Words | Self::Why | Self::Description | Self::Said | Self::Rows)
    }

    pub(super) fn value<'a>(self, item: Item<'a>, silent: &Silence<'_>) -> Value<'a> {
        match (self, item) {
            (Self::Listed, item) => Value::text(item.listed()),
            (Self::Kind, item) => Value::text(item.kind().name()),
            (Self::Words, item) => Value::text(item.words()),
            (Self::Transaction, item) => Value::text(item.transaction()),
            (Self::Breaks, Item::Unplannable(found)) => Value::optional_text(found.break_id.as_deref()),
            (Self::Why, Item::Unplannable(found)) => Value::text(&*found.reason),
            (_, Item::Unplannable(_)) => Value::Empty,
            (column, Item::Planned(of) | Item::InDoubtBefore(of) | Item::News(of) | Item::KnownBefore(of)) => {
                column.of_standing(of, silent)
            }
        }
    }

    fn of_standing<'a>(self, standing: &'a Standing, silent: &Silence<'_>) -> Value<'a> {
        let effect = &standing.effect;
        let audit = match &effect.ask {
            Ask::Audit { merchant, description, .. } => Some((merchant.as_str(), description.as_str())),
            Ask::Marker | Ask::Parcel(_) | Ask::Session { .. } | Ask::Card(_) => None,
        };
        match self {
            Self::Effect => Value::text(&*effect.id),
            Self::State => Value::text(standing.state.name()),
            Self::User => Value::text(&*effect.user),
            Self::Asks => Value::text(ask_words(effect)),
            // Of what is sent nothing is at risk.
            Self::AtRisk | Self::Currency if effect.currency.is_empty() => Value::Empty,
            Self::AtRisk => Value::amount(effect.at_risk_minor.into(), &effect.currency),
            Self::Currency => Value::text(&*effect.currency),
            Self::Why => Value::text(why(&effect.grounds)),
            Self::Breaks => Value::text(break_ids(&effect.grounds)),
            Self::Rows => Value::text(effect.grounds.iter().map(rows_in_words).collect::<Vec<_>>().join("; ")),
            Self::Merchant => Value::optional_text(audit.map(|audit| audit.0)),
            Self::Description => Value::optional_text(audit.map(|audit| audit.1)),
            Self::Since => Value::Time(standing.since),
            Self::Attempts => Value::count(standing.attempts.into()),
            Self::ApprovedBy => standing.approval.as_ref().map_or(Value::Empty, |given| match &given.by {
                Approver::Person { name } => Value::text(&**name),
                Approver::Job { rule } => Value::text(format!("the job: {rule}")),
            }),
            Self::Comment => {
                Value::optional_text(standing.approval.as_ref().and_then(|given| given.comment.as_deref()))
            }
            Self::ProviderId => Value::optional_text(standing.provider_id.as_deref()),
            Self::Said => Value::optional_text(standing.said.as_deref()),
            Self::DaysSilent => silent.days(&effect.id).map_or(Value::Empty, Value::Count),
            Self::Opening => Value::count(effect.opening.into()),
            Self::Job => Value::text(&*effect.job),
            Self::Period => Value::text(&*effect.period),
            Self::Listed | Self::Kind | Self::Words | Self::Transaction => {
                unreachable!("told for every item before this is asked")
            }
        }
    }
}

/// Days without news, by the id of the effect.
pub(super) struct Silence<'a>(BTreeMap<&'a str, i64>);

impl<'a> Silence<'a> {
    pub(super) fn new(facts: &'a EffectsFacts) -> Self {
        Self(facts.silent.iter().map(|silent| (silent.standing.effect.id.as_str(), silent.days)).collect())
    }

    fn days(&self, effect: &str) -> Option<i64> {
        self.0.get(effect).copied()
    }
}

/// Each ground with its facts: `reward_missing: settled and eligible, no reward; …`.
pub(super) fn why(grounds: &[Ground]) -> String {
    grounds.iter().map(|ground| format!("{}: {}", ground.rule, ground.detail)).collect::<Vec<_>>().join("; ")
}

fn break_ids(grounds: &[Ground]) -> String {
    grounds.iter().filter_map(|ground| ground.break_id.as_deref()).collect::<Vec<_>>().join(" ")
}

/// `ledger.csv line 12, 15; other.csv line 3`
pub(super) fn rows_in_words(ground: &Ground) -> String {
    let shown = &ground.rows[..ground.rows.len().min(MOST_ROWS)];
    let mut files: Vec<(&str, Vec<String>)> = Vec::new();
    for row in shown {
        match files.last_mut() {
            Some((file, lines)) if *file == row.file => lines.push(row.line.to_string()),
            _ => files.push((&row.file, vec![row.line.to_string()])),
        }
    }
    let mut parts: Vec<String> =
        files.iter().map(|(file, lines)| format!("{file} line {}", lines.join(", "))).collect();
    if ground.rows.len() > shown.len() {
        parts.push(format!("{} more", ground.rows.len() - shown.len()));
    }
    parts.join("; ")
}

/// `2 in doubt, 12 waiting for approval`: one kind of the plan, with what is beside the plan.
pub(super) fn counts_in_words(facts: &EffectsFacts, kind: EffectKind) -> Option<String> {
    let states = by_state(facts).into_iter().filter(|total| total.kind == kind);
    let mut parts: Vec<String> = states
        .map(|total| format!("{} {}", super::amount::count(total.count), state_name_words(total.state)))
        .collect();
    let elsewhere = facts.elsewhere.iter().filter(|standing| standing.effect.kind() == kind).count() as u64;
    let missing = facts.unplannable.iter().filter(|found| found.kind == kind).count() as u64;
    for (number, words) in [(elsewhere, "known from before"), (missing, "cannot be asked for")] {
        if number > 0 {
            parts.push(format!("{} {words}", super::amount::count(number)));
        }
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}
