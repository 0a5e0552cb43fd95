//! The blocks `effects` and `sent` of `summary.json`; each single effect stands in `effects.csv` and in the journal.

use serde::{Deserialize, Serialize};

use super::effects::{by_state, in_doubt};
use super::facts::{Fate, ParcelFacts};
use super::json::Minor;
use crate::effects::news::news_words;
use crate::effects::{Anchor, EffectKind, EffectsFacts, State};

/// What is asked of the provider; each single effect stands in `effects.csv` and in the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectsSummary {
    /// SHA-256 over the plan: what an approval is bound to.
    pub plan: String,
    /// The planned ones, by kind and state; what is not there is left out.
    pub counts: Vec<EffectCount>,
    /// Wanted too, but proposed or sent for another period or job before.
    pub known_before: u64,
    pub cannot_be_asked_for: u64,
    /// Why effects wait that need no approval by themselves.
    pub held: Vec<String>,
    /// Ids: all of this job, of whatever period.
    pub in_doubt: Vec<String>,
    /// Audits of which this run's notifications told something new.
    pub news: Vec<NewsSummary>,
    /// Audits without news for longer than the job allows, oldest first.
    pub silent: Vec<SilentSummary>,
    /// Why sending ended before everything was sent.
    pub stopped: Option<String>,
    /// Where the journal stood: kept, it shows later that nothing was cut off.
    pub anchor: Option<Anchor>,
}

/// One parcel: a bulk file, or the rows of one call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParcelSummary {
    pub name: String,
    /// The effect's id.
    pub effect: String,
    pub kind: EffectKind,
    /// Null but for the parts of a user's upload session.
    pub user: Option<String>,
    pub fate: Fate,
    pub rows: u64,
    /// Of these, refused by themselves.
    pub rejected_rows: u64,
    pub sums: Vec<ParcelSum>,
    /// On disk; compressed for a bulk file.
    pub bytes: u64,
    pub sha256: String,
    /// The upload session, or the request.
    pub provider_id: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParcelSum {
    pub currency: String,
    pub sum_minor: Minor,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectCount {
    pub kind: EffectKind,
    pub state: State,
    pub count: u64,
    pub at_risk: Vec<EffectsRisk>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectsRisk {
    pub currency: String,
    pub at_risk_minor: Minor,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewsSummary {
    pub effect: String,
    pub transaction: String,
    /// `closed: reward dispute resolved (5004)`
    pub words: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilentSummary {
    pub effect: String,
    pub transaction: String,
    pub provider_id: Option<String>,
    /// Whole days.
    pub days: i64,
}

pub(super) fn effects(facts: &EffectsFacts) -> EffectsSummary {
    let risk = |(currency, minor)| EffectsRisk { currency, at_risk_minor: Minor(minor) };
    let counts = by_state(facts).into_iter().map(|total| EffectCount {
        kind: total.kind,
        state: total.state,
        count: total.count,
        at_risk: total.at_risk.into_iter().map(risk).collect(),
    });
    let silent = facts.silent.iter().map(|silent| SilentSummary {
        effect: silent.standing.effect.id.clone(),
        transaction: silent.standing.effect.transaction().to_owned(),
        provider_id: silent.standing.provider_id.clone(),
        days: silent.days,
    });
    let news = facts.news.iter().filter_map(|standing| {
        Some(NewsSummary {
            effect: standing.effect.id.clone(),
            transaction: standing.effect.transaction().to_owned(),
            words: news_words(standing.news.as_ref()?),
        })
    });
    EffectsSummary {
        plan: facts.plan.clone(),
        counts: counts.collect(),
        known_before: facts.elsewhere.len() as u64,
        cannot_be_asked_for: facts.unplannable.len() as u64,
        held: facts.held.clone(),
        in_doubt: in_doubt(facts).into_iter().map(|standing| standing.effect.id.clone()).collect(),
        news: news.collect(),
        silent: silent.collect(),
        stopped: facts.stopped.clone(),
        anchor: facts.anchor.clone(),
    }
}

pub(super) fn parcel(parcel: &ParcelFacts) -> ParcelSummary {
    let sums = parcel.totals_minor.iter();
    ParcelSummary {
        name: parcel.name.clone(),
        effect: parcel.effect.clone(),
        kind: parcel.kind,
        user: parcel.user.clone(),
        fate: parcel.fate,
        rows: parcel.rows,
        rejected_rows: parcel.rejected_rows,
        sums: sums
            .map(|(currency, minor)| ParcelSum { currency: currency.clone(), sum_minor: Minor(*minor) })
            .collect(),
        bytes: parcel.bytes,
        sha256: parcel.sha256.clone(),
        provider_id: parcel.provider_id.clone(),
    }
}
