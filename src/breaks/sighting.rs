//! What a run finds of a break, as far as its life across runs goes by it: the facts in short, and their digest.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Break, BreakKind, BreakStatus, Rule, SideFacts, Suggestion};
use crate::digest::sha256;
use crate::frames::Measure;
use crate::shared::Shared;

/// One break as a run found it in a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// The period's label.
    pub period: String,
    /// The time that the run's report states as its own, UTC.
    pub seen_at: DateTime<Utc>,
    /// None: keys that a weaker rule pairs, which is a suggestion and no break.
    pub kind: Option<BreakKind>,
    /// As [`Break::key`]; of a suggestion its keys, parted by ` = `.
    pub key: String,
    /// ISO 4217; empty for kinds that are about a file.
    pub currency: String,
    pub measure: Measure,
    /// Minor units of `currency`.
    pub at_risk_minor: i64,
    /// One plain sentence.
    pub detail: String,
    /// 16 hexadecimal digits over kind, measure, amounts and what differs: not over lines, files or times of rows.
    pub digest: String,
}

/// A break's id, and how it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighted {
    pub id: String,
    pub facts: Shared<Sighting>,
}

impl Sighting {
    /// The name of the kind in files and on the command line.
    pub const fn kind_name(&self) -> &'static str {
        match self.kind {
            Some(kind) => kind.name(),
            None => Self::PAIR,
        }
    }

    /// The name of what is no break but a suggestion.
    pub const PAIR: &'static str = "suggested_match";

    /// Between the keys of a pair.
    pub const PAIRED: &'static str = " = ";

    /// Keys that a weaker rule pairs.
    pub const fn is_pair(&self) -> bool {
        self.kind.is_none()
    }

    /// What it is when nobody has said anything of it.
    pub const fn opened(&self) -> BreakStatus {
        if self.is_pair() { BreakStatus::Suggested } else { BreakStatus::Open }
    }
}

/// The first bytes of a break's digest: see [`Sighting::digest`].
pub(super) fn digest_of(found: &Break) -> [u8; 8] {
    let sides = found.sides.iter().map(|side| side.as_ref().map(|facts| Stated::new(facts, Some(found.kind))));
    // What no side states is said by the sentence alone; so is what stood there before.
    let stated = found.sides.iter().any(Option::is_some);
    let digested = Digested {
        kind: Some(found.kind),
        measure: found.measure,
        at_risk_minor: found.at_risk_minor,
        difference_minor: found.difference_minor,
        sides: sides.collect(),
        said: (!stated || found.kind.rule() == Rule::StatusChange).then_some(&found.detail),
    };
    let digest = Sha256::digest(digested.json());
    std::array::from_fn(|place| digest[place])
}

pub(super) fn of_pair(period: &str, seen_at: DateTime<Utc>, pair: &Suggestion) -> Sighting {
    let digest = Digested {
        kind: None,
        measure: Measure::TransactionAmount,
        at_risk_minor: 0,
        difference_minor: None,
        sides: pair.sides.iter().map(|side| side.as_ref().map(|facts| Stated::new(facts, None))).collect(),
        said: Some(&pair.rule),
    };
    Sighting {
        period: period.to_owned(),
        seen_at,
        kind: None,
        key: pair.keys.join(Sighting::PAIRED),
        currency: pair.currency.clone(),
        measure: Measure::TransactionAmount,
        at_risk_minor: 0,
        detail: format!("paired by {}", pair.rule),
        digest: short(&digest.json()),
    }
}

/// What of a break makes it another one when it changes.
#[derive(Serialize)]
struct Digested<'a> {
    kind: Option<BreakKind>,
    measure: Measure,
    at_risk_minor: i64,
    difference_minor: Option<i64>,
    sides: Vec<Option<Stated<'a>>>,
    said: Option<&'a String>,
}

/// What a side states, without its places and times.
#[derive(Serialize)]
struct Stated<'a> {
    amounts: [Option<i64>; 3],
    currency: Option<&'a str>,
    status: Option<&'a str>,
    people: Option<[Option<&'a str>; 4]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a str>,
    /// From and to.
    #[serde(skip_serializing_if = "Option::is_none")]
    validity: Option<[Option<&'a str>; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

impl<'a> Stated<'a> {
    /// `kind`: of the break; none for keys that a weaker rule pairs, which may go by who is named.
    fn new(facts: &'a SideFacts, kind: Option<BreakKind>) -> Self {
        let rule = kind.map(BreakKind::rule);
        let names_people = matches!(rule, None | Some(Rule::Identity));
        let by_validity = matches!(rule, Some(Rule::Validity | Rule::Expiry));
        let text = Option::as_deref;
        let people = || [&facts.user, &facts.merchant, &facts.card_first_six, &facts.card_last_four];
        Self {
            amounts: [facts.amount_minor, facts.issuer_commission_minor, facts.user_reward_minor],
            currency: facts.currency.as_deref(),
            status: facts.status.as_deref(),
            people: names_people.then(|| people().map(Option::as_deref)),
            account: text(&facts.account).filter(|_| names_people),
            validity: by_validity.then(|| [&facts.valid_from, &facts.valid_to].map(text)),
            reason: text(&facts.reason).filter(|_| kind == Some(BreakKind::ProviderFailed)),
        }
    }
}

impl Digested<'_> {
    fn json(&self) -> String {
        serde_json::to_string(self).expect("facts are plain data with text keys")
    }
}

pub(super) fn short(text: &str) -> String {
    let mut digest = sha256(text.as_bytes());
    digest.truncate(16);
    digest
}
